//! Step 4: collects the score track and the candidates of a recording, patch by patch.
//!
//! ```text
//! push:      v is rounded as it is stored; a patch with v >= floor extends the open candidate or opens one; any other
//!            patch, or LONGEST patches, end it
//! embedding: mean of the patches' embeddings, weighted by exp(v - highest v)
//! per hour:  of more than HOURLY candidates, those nearest to each other are joined until there are so many;
//!            HOURLY_EMBEDDINGS are kept: half of the highest v, half of those nearest to the default threshold, which a
//!            personal score may move across it; a shorter last part has its share
//! ```
//!
//! The limits bound what is stored of a day (docs/privacy.md). An ordinary day is far below them.
//!
//! Invariant: memory is two bytes a patch and the candidates of an hour with their embeddings, and the limits above.

use yamnet::params::EMBEDDING_SIZE;

use super::Score;
use crate::domain::{Candidate, DetectionParameters, Embedding, LAUGHTER_CLASSES, ScoreTrack};

/// Patches of the longest candidate: 30 s.
const LONGEST: u32 = 62;
/// Patches of an hour.
pub(super) const HOUR: usize = 7500;
/// The most candidates that start in an hour.
const HOURLY: usize = 96;
/// More than the share of a short part, so that a clip with three sounds has three candidates.
const SPARE: usize = 2;
/// The most of them with an embedding.
const HOURLY_EMBEDDINGS: usize = 24;
/// More of them at the end of a recording, so that a short one with many sounds keeps those of most.
const SPARE_EMBEDDINGS: usize = 6;

/// Collects the score track and the candidates of one recording.
pub struct CandidateCollector {
    floor: f32,
    track: ScoreTrack,
    open: Option<Event>,
    /// Of the current hour.
    events: Vec<Event>,
    candidates: Vec<Candidate>,
}

impl CandidateCollector {
    pub fn new(parameters: &DetectionParameters) -> CandidateCollector {
        CandidateCollector {
            floor: parameters.candidate_floor(),
            track: ScoreTrack::default(),
            open: None,
            events: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// Takes the score of the next patch and, if v may reach the floor, its embedding. Returns v as it is stored.
    pub fn push(&mut self, score: &Score, embedding: Option<&[f32]>) -> f32 {
        let patch = self.track.len() as u32;
        if self.track.len().is_multiple_of(HOUR) {
            self.end_hour(HOUR, 0);
        }
        let v = self.track.push(score.v);
        if v < self.floor || self.open.as_ref().is_some_and(|event| event.patches() >= LONGEST) {
            self.events.extend(self.open.take());
        }
        if v >= self.floor {
            let patch = Event::new(patch, v, score.laughter, embedding);
            match &mut self.open {
                Some(event) => event.join(patch),
                None => self.open = Some(patch),
            }
        }
        v
    }

    /// Ends the recording: all values, and the candidates in order.
    pub fn finish(mut self) -> (ScoreTrack, Vec<Candidate>) {
        self.events.extend(self.open.take());
        let rest = self.track.len() - self.track.len().saturating_sub(1) / HOUR * HOUR;
        self.end_hour(rest, SPARE_EMBEDDINGS);
        (self.track, self.candidates)
    }

    /// Turns the events of the last `patches` into candidates, `spare` of them with an embedding besides their share.
    fn end_hour(&mut self, patches: usize, spare: usize) {
        let share = |hourly: usize| (hourly * patches).div_ceil(HOUR);
        join_nearest(&mut self.events, share(HOURLY) + SPARE);
        keep_telling(&mut self.events, share(HOURLY_EMBEDDINGS) + spare);
        self.candidates.extend(self.events.drain(..).map(Event::candidate));
    }
}

/// Consecutive patches, with sums over them.
struct Event {
    first: u32,
    last: u32,
    peak_v: f32,
    /// Sum of v, and the number of patches in it.
    sum_v: f64,
    count: u32,
    class_scores: [f32; LAUGHTER_CLASSES],
    /// Sum of weight * embedding, and of the weights; the weight of a patch is exp(v - peak_v).
    embedding: Option<Box<[f32; EMBEDDING_SIZE]>>,
    weight: f32,
}

impl Event {
    fn new(patch: u32, v: f32, class_scores: [f32; LAUGHTER_CLASSES], embedding: Option<&[f32]>) -> Event {
        let embedding = embedding.and_then(|values| Some(Box::new(*values.first_chunk()?)));
        Event { first: patch, last: patch, peak_v: v, sum_v: v.into(), count: 1, class_scores, embedding, weight: 1.0 }
    }

    fn patches(&self) -> u32 {
        self.last - self.first + 1
    }

    /// Adds a later event.
    fn join(&mut self, later: Event) {
        self.last = later.last;
        self.sum_v += later.sum_v;
        self.count += later.count;
        let classes = self.class_scores.iter_mut().zip(later.class_scores);
        classes.for_each(|(highest, score)| *highest = highest.max(score));
        let peak_v = self.peak_v.max(later.peak_v);
        let (before, after) = ((self.peak_v - peak_v).exp(), (later.peak_v - peak_v).exp());
        if let (Some(sum), Some(embedding)) = (&mut self.embedding, &later.embedding) {
            sum.iter_mut().zip(embedding.iter()).for_each(|(sum, value)| *sum = *sum * before + value * after);
            self.weight = self.weight * before + later.weight * after;
        } else {
            self.embedding = None;
        }
        self.peak_v = peak_v;
    }

    fn candidate(self) -> Candidate {
        let mean = |sum: Box<[f32; EMBEDDING_SIZE]>| Embedding::new(&sum.map(|sum| sum / self.weight));
        Candidate {
            first: self.first,
            last: self.last,
            peak_v: self.peak_v,
            mean_v: (self.sum_v / f64::from(self.count)) as f32,
            class_scores: self.class_scores,
            embedding: self.embedding.map(mean),
            personal: None,
            clip: None,
        }
    }
}

/// The embedding of consecutive patches, from v and the embedding of each, as a candidate of them would have it. None if
/// one has none, or there is no patch.
pub fn embedding_of<'a>(patches: impl IntoIterator<Item = (f32, Option<&'a [f32]>)>) -> Option<Embedding> {
    let mut track = ScoreTrack::default();
    let events = patches.into_iter().map(|(v, embedding)| {
        let patch = track.len() as u32;
        Event::new(patch, track.push(v), [0.0; LAUGHTER_CLASSES], embedding)
    });
    let joined = events.reduce(|mut event, later| {
        event.join(later);
        event
    });
    joined?.candidate().embedding
}

/// Joins the events with the shortest gaps between them, until there are at most `most`. Of equal gaps, the earliest.
fn join_nearest(events: &mut Vec<Event>, most: usize) {
    let surplus = events.len().saturating_sub(most.max(1));
    let mut gaps: Vec<(u32, usize)> =
        events.windows(2).zip(1..).map(|(pair, later)| (pair[1].first - pair[0].last, later)).collect();
    gaps.sort_unstable();
    let mut joined: Vec<bool> = vec![false; events.len()];
    gaps.iter().take(surplus).for_each(|&(_, later)| joined[later] = true);
    let mut left: Vec<Event> = Vec::new();
    for (event, joins) in events.drain(..).zip(joined) {
        match left.last_mut().filter(|_| joins) {
            Some(before) => before.join(event),
            None => left.push(event),
        }
    }
    *events = left;
}

/// Removes the embeddings of all but `most` events: half of these have the highest v, the others are the nearest to the
/// default threshold. Of equal ones, the earliest keep theirs.
fn keep_telling(events: &mut [Event], most: usize) {
    let threshold = DetectionParameters::default().onset_threshold;
    let mut order: Vec<&mut Event> = events.iter_mut().collect();
    order.sort_by(|a, b| b.peak_v.total_cmp(&a.peak_v));
    let mut others = order.split_off(most.div_ceil(2).min(order.len()));
    others.sort_by(|a, b| (a.peak_v - threshold).abs().total_cmp(&(b.peak_v - threshold).abs()));
    others.into_iter().skip(most / 2).for_each(|event| event.embedding = None);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(values: &[f32]) -> (ScoreTrack, Vec<Candidate>) {
        let mut collector = CandidateCollector::new(&DetectionParameters::default());
        for (patch, &v) in values.iter().enumerate() {
            let embedding = [patch as f32; EMBEDDING_SIZE];
            collector.push(&Score { v, laughter: [patch as f32 / 1e6; 6] }, Some(&embedding));
        }
        collector.finish()
    }

    fn spans(candidates: &[Candidate]) -> Vec<(u32, u32)> {
        candidates.iter().map(|candidate| (candidate.first, candidate.last)).collect()
    }

    #[test]
    fn candidates_are_runs_down_to_the_floor() {
        let (track, candidates) = collected(&[-2.0, -1.5, 0.5, -1.51, -1.4]);
        assert_eq!(track.len(), 5);
        assert_eq!(spans(&candidates), [(1, 2), (4, 4)]);
        assert_eq!((candidates[0].peak_v, candidates[0].mean_v), (0.5, -0.5));
        assert_eq!(candidates[0].class_scores, [2e-6; 6]);
    }

    #[test]
    fn the_embedding_is_weighted_by_v() {
        // Patches 0 and 1 with weights 1 and exp(-1), in either order.
        let expected = (-1f32).exp() / (1.0 + (-1f32).exp());
        let first = |values: &[f32]| collected(values).1[0].embedding.as_ref().unwrap().values().next().unwrap();
        assert!((first(&[1.0, 0.0]) - expected).abs() < 1e-3);
        assert!((first(&[0.0, 1.0]) - (1.0 - expected)).abs() < 1e-3);
    }

    #[test]
    fn a_run_of_minutes_becomes_several_candidates() {
        assert_eq!(spans(&collected(&[0.0; 130]).1), [(0, 61), (62, 123), (124, 129)]);
    }

    #[test]
    fn what_is_kept_of_a_day_is_bounded() {
        let wild: Vec<f32> =
            (0..180_000).map(|i| if i % 2 == 0 { (i % 97) as f32 / 40.0 - 1.5 } else { -3.0 }).collect();
        let (_, candidates) = collected(&wild);
        assert_eq!(candidates.len(), 24 * (HOURLY + SPARE));
        assert_eq!(
            candidates.iter().filter(|one| one.embedding.is_some()).count(),
            24 * HOURLY_EMBEDDINGS + SPARE_EMBEDDINGS
        );
        assert!(candidates.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn a_minute_with_several_sounds_keeps_their_embeddings() {
        let (_, candidates) = collected(&[-1.0, -5.0, -0.5, -5.0, -5.0, -1.2, -5.0, -5.0, -5.0, -1.0]);
        assert_eq!(spans(&candidates), [(0, 2), (5, 5), (9, 9)], "those nearest to each other are joined");
        assert!(candidates.iter().all(|one| one.embedding.is_some()));
    }

    #[test]
    fn the_strongest_and_those_near_the_threshold_keep_their_embeddings() {
        // v of each sound; the others are far above the floor or just above it.
        let peaks = [3.0, -1.4, -0.5, 2.0, -0.3, 1.0, -1.3, 2.5];
        let mut events: Vec<Event> = peaks
            .iter()
            .zip(0..)
            .map(|(&v, patch)| Event::new(patch, v, [0.0; 6], Some(&[0.0; EMBEDDING_SIZE])))
            .collect();
        keep_telling(&mut events, 5);
        let kept: Vec<f32> =
            events.iter().filter(|event| event.embedding.is_some()).map(|event| event.peak_v).collect();
        assert_eq!(kept, [3.0, -0.5, 2.0, -0.3, 2.5]);
    }
}
