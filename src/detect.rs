//! Finds laughs in the logits of a recording's patches.
//!
//! ```text
//! 1  normalize the loudness of the recording (audio::normalize); the network computes 521 logits per patch
//! 2  per class: floor the logits (logit_floor) and average them over three patches
//! 3  v = max(laughter classes) - other_weight * max(other_floor, other human sounds)
//! 4  around possible laughs: v = median of v at several speeds (pipeline::views); candidates are runs of v >= -1.5
//! 5  v of a candidate moves by its personal score (personal)
//! 6  hysteresis: runs of v >= offset_threshold that contain a v >= onset_threshold; merge runs closer than merge_gap;
//!    split runs longer than max_duration where v is lowest; drop runs shorter than min_patches
//! 7  add padding, inside the recording
//! 8  scores of a detection: peak = max sigmoid(v), mean = mean sigmoid(v)
//! ```
//!
//! Steps 5 to 8 need only what is stored of a recording, so they can be repeated without its audio.
//!
//! Source of the algorithm and of every default in `DetectionParameters`: measured on held-out days, see
//! docs/detection.md. No weight in it is learned.
//!
//! Invariant: pure functions. No I/O, no clock, no threads; they cannot fail.

mod candidates;
mod range_min;
mod shift;
mod unsure;

use std::time::Duration;

use yamnet::classes::{HUMAN_SOUNDS, LAUGHTER};
use yamnet::params::{NUM_CLASSES, PATCH_HOP, PATCH_WINDOW};
use yamnet::sigmoid;

pub use self::candidates::{CandidateCollector, embedding_of};
use self::range_min::RangeMin;
use self::shift::shifted;
pub use self::unsure::unsure;
use crate::domain::{Candidate, Detection, DetectionParameters, LAUGHTER_CLASSES, ScoreTrack};

/// Offset of a patch's centre from its start.
const CENTRE: Duration = half(PATCH_WINDOW);
/// Half of the time span that a patch represents, around its centre.
const HALF: Duration = half(PATCH_HOP);

const fn half(duration: Duration) -> Duration {
    Duration::from_nanos(duration.as_nanos() as u64 / 2)
}

/// The scores of a patch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Decision value: laughter minus other human sounds, in logits, smoothed over three patches.
    pub v: f32,
    /// Raw scores of classes 13 to 18, 0 to 1.
    pub laughter: [f32; LAUGHTER_CLASSES],
}

/// Floored logits of one patch for all human sounds except speech. Speech is left out so that laughing while
/// speaking is detected.
type Row = Vec<f32>;

/// Computes the scores of a recording's patches from their logits, in order: steps 2 and 3. One patch is held back.
pub struct LogitSmoother<'a> {
    parameters: &'a DetectionParameters,
    before: Option<Row>,
    last: Option<(Row, [f32; LAUGHTER_CLASSES])>,
}

impl<'a> LogitSmoother<'a> {
    pub fn new(parameters: &'a DetectionParameters) -> Self {
        LogitSmoother { parameters, before: None, last: None }
    }

    /// v of every patch, from the logits `[patches, 521]` of consecutive ones.
    pub fn values(logits: &[f32], parameters: &'a DetectionParameters) -> Vec<f32> {
        let mut smoother = LogitSmoother::new(parameters);
        let mut values: Vec<f32> =
            logits.chunks_exact(NUM_CLASSES).filter_map(|logits| smoother.push(logits)).map(|score| score.v).collect();
        values.extend(smoother.last_score().map(|score| score.v));
        values
    }

    /// Takes the 521 logits of the next patch; returns the score of the patch before it, which is now known.
    pub fn push(&mut self, logits: &[f32]) -> Option<Score> {
        let row: Row = logits[HUMAN_SOUNDS].iter().map(|&logit| logit.max(self.parameters.logit_floor)).collect();
        let laughter = std::array::from_fn(|i| sigmoid(logits[LAUGHTER.start() + i]));
        let score = self.score_before(Some(&row));
        self.before = self.last.replace((row, laughter)).map(|(row, _)| row);
        score
    }

    /// The score of the last patch, if the recording ends with it.
    pub fn last_score(&self) -> Option<Score> {
        self.score_before(None)
    }

    /// The score of the last patch; `after` is the patch that follows it.
    fn score_before(&self, after: Option<&Row>) -> Option<Score> {
        let (last, laughter) = self.last.as_ref()?;
        let near: Vec<&Row> = [self.before.as_ref(), Some(last), after].into_iter().flatten().collect();
        Some(Score { v: decision_value(&near, self.parameters), laughter: *laughter })
    }
}

/// `max(laughter) - other_weight * max(other_floor, other)` of the per-class means over neighbouring patches.
fn decision_value(near: &[&Row], parameters: &DetectionParameters) -> f32 {
    let (mut laughter, mut other) = (f32::NEG_INFINITY, parameters.other_floor);
    for class in HUMAN_SOUNDS {
        let mean = near.iter().map(|row| row[class - HUMAN_SOUNDS.start()]).sum::<f32>() / near.len() as f32;
        let highest = if LAUGHTER.contains(&class) { &mut laughter } else { &mut other };
        *highest = highest.max(mean);
    }
    let v = laughter - parameters.other_weight * other;
    // inf - inf has no meaning, and a database cannot store NaN.
    if v.is_nan() { f32::NEG_INFINITY } else { v }
}

/// The decision value of a score between 0 and 1; the inverse of sigmoid.
pub fn logit(score: f32) -> f32 {
    (score / (1.0 - score)).ln()
}

/// Patches `first..=last` of a detection.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first: usize,
    last: usize,
}

impl Span {
    fn patches(self) -> usize {
        self.last - self.first + 1
    }

    /// Without padding: from half a hop before the first centre to half a hop after the last.
    fn start(self) -> Duration {
        PATCH_HOP * self.first as u32 + CENTRE - HALF
    }

    fn end(self) -> Duration {
        PATCH_HOP * self.last as u32 + CENTRE + HALF
    }

    fn values(self, v: &[f32]) -> &[f32] {
        &v[self.first..=self.last]
    }
}

/// The detections in a recording of length `audio`, in order and disjoint: steps 5 to 8.
pub fn detections(
    track: &ScoreTrack,
    candidates: &[Candidate],
    audio: Duration,
    parameters: &DetectionParameters,
) -> Vec<Detection> {
    let v = shifted(track.values(), candidates, parameters);
    let merged = merge(hysteresis(&v, parameters), parameters);
    let range_min = RangeMin::new(&v);
    let split = merged.into_iter().flat_map(|span| split(span, &range_min, parameters));
    let spans: Vec<Span> = split.filter(|&span| is_detection(span, &v, parameters)).collect();
    let extents = extents(&spans, audio, parameters);
    let inside = spans.iter().zip(extents).filter(|(_, (start, end))| start < end);
    inside.map(|(&span, (start, end))| detection(span, &v, candidates, start, end)).collect()
}

/// Runs of v >= offset_threshold that contain a v >= onset_threshold.
fn hysteresis(v: &[f32], parameters: &DetectionParameters) -> Vec<Span> {
    runs(v, parameters.offset_threshold).filter(|span| has_onset(span.values(v), parameters)).collect()
}

/// The longest possible runs of patches with at least this v.
fn runs(v: &[f32], lowest: f32) -> impl Iterator<Item = Span> {
    let is_in = move |v: f32| v >= lowest;
    let mut start = 0;
    let all = v.chunk_by(move |&a, &b| is_in(a) == is_in(b)).map(move |run| {
        let span = Span { first: start, last: start + run.len() - 1 };
        start += run.len();
        (is_in(run[0]), span)
    });
    all.filter_map(|(is_in, span)| is_in.then_some(span))
}

fn has_onset(run: &[f32], parameters: &DetectionParameters) -> bool {
    run.iter().any(|&v| v >= parameters.onset_threshold)
}

/// Merges spans that are at most `merge_gap_seconds` apart.
fn merge(spans: Vec<Span>, parameters: &DetectionParameters) -> Vec<Span> {
    let gap = seconds(parameters.merge_gap_seconds);
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(before) if span.start() - before.end() <= gap => before.last = span.last,
            _ => merged.push(span),
        }
    }
    merged
}

/// Splits a span that is too long where v is lowest, and its parts recursively; returns the parts in order.
fn split(span: Span, range_min: &RangeMin, parameters: &DetectionParameters) -> Vec<Span> {
    let longest = seconds(parameters.max_duration_seconds);
    let (mut whole, mut open) = (Vec::new(), vec![span]);
    while let Some(span) = open.pop() {
        match split_point(span, range_min, parameters) {
            Some(at) if span.end() - span.start() > longest => {
                open.push(Span { first: at, last: span.last });
                open.push(Span { first: span.first, last: at - 1 });
            }
            _ => whole.push(span),
        }
    }
    whole
}

/// Where to split: the patch with the lowest v that leaves at least `min_patches` on both sides. Of several with the
/// same v, the one nearest to the middle.
fn split_point(span: Span, range_min: &RangeMin, parameters: &DetectionParameters) -> Option<usize> {
    let shortest = (parameters.min_patches as usize).max(1);
    let (start, end) = (span.first.saturating_add(shortest), (span.last + 2).saturating_sub(shortest));
    let doubled = span.first + span.last + 1;
    let right = (doubled / 2 + 1).max(start);
    let nearest = [range_min.last(start..right.min(end)), range_min.first(right..end)];
    let from_middle = |at: usize| (at * 2).abs_diff(doubled);
    let order = |&a: &usize, &b: &usize| range_min.order(a, b).then(from_middle(a).cmp(&from_middle(b)));
    nearest.into_iter().flatten().min_by(order)
}

fn is_detection(span: Span, v: &[f32], parameters: &DetectionParameters) -> bool {
    span.patches() >= parameters.min_patches as usize && has_onset(span.values(v), parameters)
}

/// Start and end of each span with padding, limited to the recording. Where padding would overlap, neighbouring
/// detections meet in the middle.
fn extents(spans: &[Span], audio: Duration, parameters: &DetectionParameters) -> Vec<(Duration, Duration)> {
    let pad = seconds(parameters.padding_seconds);
    let middle = |left: &Span, right: &Span| left.end() + (right.start() - left.end()) / 2;
    let extent = |i: usize| {
        let earliest = if i == 0 { Duration::ZERO } else { middle(&spans[i - 1], &spans[i]) };
        let latest = spans.get(i + 1).map_or(audio, |next| middle(&spans[i], next).min(audio));
        (spans[i].start().saturating_sub(pad).max(earliest), spans[i].end().saturating_add(pad).min(latest))
    };
    (0..spans.len()).map(extent).collect()
}

/// A detection's scores: of v, which the personal score has shifted, and of the candidates that it consists of.
fn detection(span: Span, v: &[f32], candidates: &[Candidate], start: Duration, end: Duration) -> Detection {
    let v = span.values(v);
    let highest = v.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mean = v.iter().map(|&v| f64::from(sigmoid(v))).sum::<f64>() / v.len() as f64;
    let parts = candidates_of(span, candidates);
    let peak_of = |class: usize| parts.iter().map(|candidate| candidate.class_scores[class]).fold(0.0, f32::max);
    let class_scores: [f32; LAUGHTER_CLASSES] = std::array::from_fn(peak_of);
    let leading = (0..LAUGHTER_CLASSES).rev().max_by(|&a, &b| class_scores[a].total_cmp(&class_scores[b]));
    let class = (LAUGHTER.start() + leading.unwrap_or(0)) as u16;
    Detection { start, end, peak: sigmoid(highest), mean: mean as f32, class, class_scores, clip: None }
}

/// The patches that represent a part of a recording, at least one.
pub fn patches_of(start: Duration, end: Duration) -> std::ops::Range<u64> {
    let margin = CENTRE - HALF;
    let patch = |at: Duration| (at.saturating_sub(margin).as_nanos() / PATCH_HOP.as_nanos()) as u64;
    let first = patch(start);
    let last = patch(end.saturating_sub(Duration::from_nanos(1)));
    first..last.max(first) + 1
}

/// The candidates that share a patch with a span.
fn candidates_of(span: Span, candidates: &[Candidate]) -> &[Candidate] {
    let first = candidates.partition_point(|candidate| (candidate.last as usize) < span.first);
    let end = candidates.partition_point(|candidate| candidate.first as usize <= span.last);
    candidates.get(first..end).unwrap_or_default()
}

/// A parameter in seconds as a duration; a value that is not a duration counts as the longest one.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
