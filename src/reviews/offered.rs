//! Which sounds that do not count are offered for review beside the laughs: the few whose verdict teaches most.
//!
//! ```text
//! possible: candidates outside detections, without a verdict, SENSITIVE <= v' < onset threshold
//! if some of them in a day have a clip, only those, which can be played
//! of a day: the NEAREST to the threshold; of these, again and again, up to MOST_A_DAY, the one with the highest
//!           nearness * unlikeness
//! nearness:   0 at SENSITIVE, 1 at the threshold
//! unlikeness: 1 - the highest cosine of sqrt(e) with any embedding reviewed or chosen before; 0.5 without an embedding
//! ```
//!
//! A verdict on a sound near the threshold moves it to one side; one on a sound unlike all others says something new.
//!
//! Invariant: `choose` is pure: the same choice for the same candidates and reviews, on every machine.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::{Candidate, ContentHash, Embedding, SENSITIVE, ScoredRecording, StoredReview, Window};
use crate::error::Fatal;
use crate::store::{ScoreReader, ScoredSelection};

/// The most that are offered of a day.
pub const MOST_A_DAY: usize = 5;
/// Likeness of a candidate without an embedding to what was reviewed.
const NOT_KNOWN: f32 = 0.5;
/// Of a day, so many candidates are compared with what was reviewed.
const NEAREST: usize = 50;

/// A candidate that does not count: no detection overlaps it, and nobody has given a verdict on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsure {
    pub source: String,
    /// Name of the recording.
    pub recording: String,
    pub content: ContentHash,
    /// Number of its row in `candidates`.
    pub id: i64,
    /// With its embedding, if that is stored.
    pub candidate: Candidate,
    pub starts: Timestamp,
    pub ends: Timestamp,
    /// Calendar day of `starts`.
    pub date: Date,
    /// The onset threshold under which its recording was decided, logits.
    pub threshold: f32,
}

impl Unsure {
    /// AudioSet's name of its class with the highest score.
    pub fn class_name(&self) -> &'static str {
        self.candidate.class_name()
    }

    fn nearness(&self) -> f32 {
        (self.candidate.shifted_v() - SENSITIVE) / (self.threshold - SENSITIVE)
    }
}

/// The candidates to offer of the sounds that start in a time range, sorted by source and time. `source` None: all
/// sources; each is compared with its own reviews only. `zone`: of calendar days.
///
/// # Errors
/// The database cannot be read.
pub fn unsure(
    reader: &mut dyn ScoreReader,
    source: Option<&str>,
    window: &Window,
    zone: &TimeZone,
) -> Result<Vec<Unsure>, Fatal> {
    let mut possible = BTreeMap::<String, Vec<Unsure>>::new();
    let wanted = ScoredSelection {
        source: source.map(str::to_owned),
        window: *window,
        with_embeddings: true,
        ..ScoredSelection::default()
    };
    reader.each_scored(&wanted, &mut |recording| {
        if !recording.is_readable {
            return Ok(());
        }
        let of_source = possible.entry(recording.source.clone()).or_default();
        of_source.extend(in_doubt(recording, zone).filter(|one| contains(window, one.starts)));
        Ok(())
    })?;
    let mut offered = Vec::new();
    for (source, mut possible) in possible {
        let spans = verdicts(reader.reviews(&source)?);
        possible.retain(|one| !has_verdict(one, &spans));
        let evidence = if possible.is_empty() { Vec::new() } else { reader.evidence(&source)?.reviews };
        let reviewed: Vec<Embedding> = evidence.into_iter().map(|(_, _, embedding)| embedding).collect();
        offered.extend(choose(possible, &reviewed));
    }
    Ok(offered)
}

/// The candidates of a recording that a verdict could bring to either side of the threshold.
fn in_doubt(scored: ScoredRecording, zone: &TimeZone) -> impl Iterator<Item = Unsure> {
    let threshold = scored.analysis.parameters.onset_threshold;
    let origin = scored.recording.started.map(|start| start.at);
    let at = move |offset: Duration| origin?.checked_add(offset).ok();
    let (source, recording, content) = (scored.source, scored.recording.name, scored.recording.content);
    scored.candidates.into_iter().filter_map(move |one| {
        let (v, candidate) = (one.candidate.shifted_v(), one.candidate);
        let is_in_doubt = !one.is_detected && (SENSITIVE..threshold).contains(&v);
        let (starts, ends) = (at(candidate.start())?, at(candidate.end())?);
        is_in_doubt.then_some(Unsure {
            source: source.clone(),
            recording: recording.clone(),
            content: content?,
            id: one.id,
            candidate,
            starts,
            ends,
            date: starts.to_zoned(zone.clone()).date(),
            threshold,
        })
    })
}

fn contains(window: &Window, at: Timestamp) -> bool {
    window.from.is_none_or(|from| at >= from) && window.to.is_none_or(|to| at < to)
}

type Spans = HashMap<ContentHash, Vec<(Duration, Duration)>>;

/// The stretches with a verdict, also those that the personal score does not use.
fn verdicts(reviews: Vec<StoredReview>) -> Spans {
    let mut spans = Spans::new();
    for span in reviews.into_iter().map(|review| review.span).filter(|span| span.review.verdict.is_some()) {
        spans.entry(span.content).or_default().push((span.start, span.end));
    }
    spans
}

fn has_verdict(one: &Unsure, spans: &Spans) -> bool {
    let (start, end) = (one.candidate.start(), one.candidate.end());
    spans.get(&one.content).is_some_and(|spans| spans.iter().any(|span| span.0 < end && start < span.1))
}

/// The candidates of one source to offer, in order of time, at most [`MOST_A_DAY`] of each day.
pub fn choose(possible: Vec<Unsure>, reviewed: &[Embedding]) -> Vec<Unsure> {
    let mut days = BTreeMap::<Date, Vec<Unsure>>::new();
    for one in possible {
        days.entry(one.date).or_default().push(one);
    }
    for day in days.values_mut().filter(|day| day.iter().any(has_clip)) {
        day.retain(has_clip);
    }
    let mut seen: Vec<Direction> = reviewed.iter().map(direction).collect();
    let mut chosen: Vec<Unsure> = days.into_values().flat_map(|day| choose_of_day(day, &mut seen)).collect();
    chosen.sort_by(|a, b| (a.starts, &a.recording, a.id).cmp(&(b.starts, &b.recording, b.id)));
    chosen
}

fn has_clip(one: &Unsure) -> bool {
    one.candidate.clip.is_some()
}

/// Adds the directions of what it chooses to those seen before.
fn choose_of_day(mut day: Vec<Unsure>, seen: &mut Vec<Direction>) -> Vec<Unsure> {
    let order = |one: &Unsure| (one.starts, one.recording.clone(), one.candidate.first);
    day.sort_by(|a, b| b.nearness().total_cmp(&a.nearness()).then_with(|| order(a).cmp(&order(b))));
    day.truncate(NEAREST);
    let with_direction = |one: Unsure| {
        let direction = one.candidate.embedding.as_ref().map(direction);
        let alike = direction.as_ref().map_or(NOT_KNOWN, |direction| most_alike(direction, seen));
        (one, direction, alike)
    };
    let mut rest: Vec<(Unsure, Option<Direction>, f32)> = day.into_iter().map(with_direction).collect();
    let mut chosen = Vec::new();
    while chosen.len() < MOST_A_DAY {
        let value = |(one, _, alike): &(Unsure, Option<Direction>, f32)| one.nearness() * (1.0 - alike);
        // Of equals, the nearest to the threshold.
        let best = (0..rest.len()).rev().max_by(|&a, &b| value(&rest[a]).total_cmp(&value(&rest[b])));
        let Some(best) = best else { break };
        let (one, direction, _) = rest.remove(best);
        for (_, other, alike) in &mut rest {
            let to_other = other.as_ref().zip(direction.as_ref()).map(|(a, b)| cosine(a, b));
            *alike = alike.max(to_other.unwrap_or(0.0));
        }
        seen.extend(direction);
        chosen.push(one);
    }
    chosen
}

fn most_alike(direction: &Direction, seen: &[Direction]) -> f32 {
    seen.iter().map(|other| cosine(direction, other)).fold(0.0, f32::max)
}

/// sqrt(e), of length 1; all zeros if e is. The square root gives small values of the network more weight.
type Direction = Box<[f32]>;

fn direction(embedding: &Embedding) -> Direction {
    let mut direction: Direction = embedding.values().map(|value| value.max(0.0).sqrt()).collect();
    let length = cosine(&direction, &direction).sqrt();
    if length > 0.0 {
        direction.iter_mut().for_each(|value| *value /= length);
    }
    direction
}

/// Of two vectors of length 1.
fn cosine(a: &Direction, b: &Direction) -> f32 {
    a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f32>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LAUGHTER_CLASSES, LAUGHTER_NAMES};

    /// An embedding with these values, then zeros.
    fn embedding(values: &[f32]) -> Embedding {
        Embedding::new(&std::array::from_fn(|i| values.get(i).copied().unwrap_or_default()))
    }

    fn unsure(id: i64, day: i8, v: f32, values: &[f32]) -> Unsure {
        let date = jiff::civil::date(2025, 10, day);
        let starts = date.at(12, id as i8, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        Unsure {
            source: "neil".into(),
            recording: "a.ogg".into(),
            content: ContentHash([1; 32]),
            id,
            candidate: Candidate {
                first: id as u32,
                last: id as u32,
                peak_v: v,
                mean_v: v,
                class_scores: [0.0, 0.2, 0.9, 0.9, 0.0, 0.0] as [f32; LAUGHTER_CLASSES],
                embedding: Some(embedding(values)),
                personal: None,
                clip: None,
            },
            starts,
            ends: starts,
            date,
            threshold: -0.4,
        }
    }

    fn ids(chosen: &[Unsure]) -> Vec<i64> {
        chosen.iter().map(|one| one.id).collect()
    }

    #[test]
    fn the_nearest_to_the_threshold_are_offered_at_most_five_a_day_in_order_of_time() {
        let alike = |id: i64, day| unsure(id, day, -0.7 + 0.02 * id as f32, &[if id == 0 { 1.0 } else { 0.0 }, 1.0]);
        let all: Vec<Unsure> = (1..=9).map(|id| alike(id, 24)).chain([alike(3, 25)]).collect();
        let mut backwards = all.clone();
        backwards.reverse();
        // They are all the same sound: after the first, no other teaches more than the others.
        assert_eq!(ids(&choose(all.clone(), &[])), [5, 6, 7, 8, 9, 3]);
        assert_eq!(choose(all, &[]), choose(backwards, &[]), "the order in which they come does not matter");
        assert!(choose(Vec::new(), &[]).is_empty());
    }

    #[test]
    fn what_is_unlike_everything_reviewed_or_chosen_is_offered_before_what_is_nearer_to_the_threshold() {
        let barks = (1..=6).map(|id| unsure(id, 24, -0.41, &[1.0, 0.1, 0.0, 0.01 * id as f32]));
        let all: Vec<Unsure> = barks.chain([unsure(7, 24, -0.5, &[0.0, 0.0, 1.0])]).collect();
        let reviewed = [embedding(&[1.0, 0.1])];
        let chosen = choose(all.clone(), &reviewed);
        assert_eq!(chosen.len(), MOST_A_DAY);
        assert!(ids(&chosen).contains(&7), "{:?}", ids(&chosen));
        let first = choose_of_day(all, &mut reviewed.iter().map(direction).collect())[0].id;
        assert_eq!(first, 7);
    }

    #[test]
    fn of_a_day_with_clips_only_those_with_a_clip_are_offered() {
        let mut all: Vec<Unsure> = (1..=4).map(|id| unsure(id, 24, -0.5, &[id as f32, 1.0])).collect();
        all.push(unsure(5, 25, -0.5, &[1.0]));
        (all[1].candidate.clip, all[2].candidate.clip) = (Some("a.flac".into()), Some("b.flac".into()));
        assert_eq!(ids(&choose(all, &[])), [2, 3, 5]);
    }

    #[test]
    fn the_class_is_the_first_of_the_highest_scoring_ones() {
        assert_eq!(unsure(1, 24, -0.5, &[]).class_name(), LAUGHTER_NAMES[2]);
    }

    #[test]
    fn the_lower_bound_is_the_threshold_named_sensitive() {
        assert!(((0.33_f32 / 0.67).ln() - SENSITIVE).abs() < 1e-6);
    }
}
