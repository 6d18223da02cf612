//! From scores to laughs: smooth, weigh, find events, say how sure.
//!
//! Source of the decision and of every default in `Rules`: measured on held-out days, see
//! docs/detection.md. No weight in it is learned.
//!
//! Invariant: pure. No I/O, no clock, no thread; it cannot fail.

use std::time::Duration;

use yamnet::classes::{HUMAN_SOUNDS, LAUGHTER};
use yamnet::params::{PATCH_HOP, PATCH_WINDOW};
use yamnet::sigmoid;

use crate::record::{Event, LAUGHTER_CLASSES, Rules};
use valleys::Valleys;

/// From a patch's start to its centre.
const CENTRE: Duration = half(PATCH_WINDOW);
/// Half of what a patch stands for, around its centre.
const HALF: Duration = half(PATCH_HOP);

const fn half(duration: Duration) -> Duration {
    Duration::from_nanos(duration.as_nanos() as u64 / 2)
}

/// What the decision keeps of a patch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Laughter against other human sounds, in logits, smoothed over three patches.
    pub v: f32,
    /// Raw scores of classes 13 to 18, 0 to 1.
    pub laughter: [f32; LAUGHTER_CLASSES],
}

/// Floored logits of the human sounds but speech, of one patch. Speech is left out so that laughing speech survives.
type Row = Vec<f32>;

/// Turns the logits of a recording's patches, in order, into scores: steps 2 and 3 of the decision.
pub struct Weigher<'a> {
    rules: &'a Rules,
    before: Option<Row>,
    last: Option<Row>,
    scores: Vec<Score>,
}

impl<'a> Weigher<'a> {
    pub fn new(rules: &'a Rules) -> Self {
        Weigher { rules, before: None, last: None, scores: Vec::new() }
    }

    /// Takes the logits of the next patch, all 521; gives the decision value of the patch before, which is now final.
    pub fn push(&mut self, logits: &[f32]) -> Option<f32> {
        let row: Row = logits[HUMAN_SOUNDS].iter().map(|&logit| logit.max(self.rules.logit_floor)).collect();
        self.weigh(Some(&row));
        let before = self.scores.last().map(|score| score.v);
        let laughter = std::array::from_fn(|i| sigmoid(logits[LAUGHTER.start() + i]));
        self.scores.push(Score { v: f32::NEG_INFINITY, laughter });
        self.before = self.last.replace(row);
        before
    }

    /// Ends the recording; one score a patch.
    pub fn finish(mut self) -> Vec<Score> {
        self.weigh(None);
        self.scores
    }

    /// The last patch's v, now that what follows it is known.
    fn weigh(&mut self, after: Option<&Row>) {
        if let (Some(last), Some(score)) = (&self.last, self.scores.last_mut()) {
            let near: Vec<&Row> = [self.before.as_ref(), Some(last), after].into_iter().flatten().collect();
            score.v = weigh(&near, self.rules);
        }
    }
}

/// Mean a class over neighbouring patches, then the loudest laughter against the loudest other.
fn weigh(near: &[&Row], rules: &Rules) -> f32 {
    let (mut laughter, mut other) = (f32::NEG_INFINITY, rules.other_floor);
    for class in HUMAN_SOUNDS {
        let mean = near.iter().map(|row| row[class - HUMAN_SOUNDS.start()]).sum::<f32>() / near.len() as f32;
        let loudest = if LAUGHTER.contains(&class) { &mut laughter } else { &mut other };
        *loudest = loudest.max(mean);
    }
    let v = laughter - rules.other_weight * other;
    // Endless against endless says nothing; and a score that is no number could not be stored.
    if v.is_nan() { f32::NEG_INFINITY } else { v }
}

/// Decision value of a score between 0 and 1.
pub fn logit(score: f32) -> f32 {
    (score / (1.0 - score)).ln()
}

/// Patches `first..=last` of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first: usize,
    last: usize,
}

impl Span {
    fn patches(self) -> usize {
        self.last - self.first + 1
    }

    /// Without padding: from the first centre less a half to the last centre and a half.
    fn start(self) -> Duration {
        PATCH_HOP * self.first as u32 + CENTRE - HALF
    }

    fn end(self) -> Duration {
        PATCH_HOP * self.last as u32 + CENTRE + HALF
    }

    fn scores(self, scores: &[Score]) -> &[Score] {
        &scores[self.first..=self.last]
    }
}

/// The laughs of a recording of length `audio`, in order and disjoint: steps 4 to 6.
pub fn events(scores: &[Score], audio: Duration, rules: &Rules) -> Vec<Event> {
    let joined = join(hysteresis(scores, rules), rules);
    let valleys = Valleys::new(scores);
    let cut = joined.into_iter().flat_map(|span| cut(span, &valleys, rules));
    let spans: Vec<Span> = cut.filter(|&span| is_event(span, scores, rules)).collect();
    let extents = extents(&spans, audio, rules);
    let named = spans.iter().zip(extents).filter(|(_, (start, end))| start < end);
    named.map(|(span, (start, end))| describe(span.scores(scores), start, end)).collect()
}

/// Runs of v >= hi - drop that hold a v >= hi.
fn hysteresis(scores: &[Score], rules: &Rules) -> Vec<Span> {
    let low = rules.hi - rules.drop;
    let mut spans = Vec::new();
    let mut start = 0;
    for run in scores.chunk_by(|a, b| (a.v >= low) == (b.v >= low)) {
        let span = Span { first: start, last: start + run.len() - 1 };
        start += run.len();
        if run[0].v >= low && holds_high(run, rules) {
            spans.push(span);
        }
    }
    spans
}

fn holds_high(run: &[Score], rules: &Rules) -> bool {
    run.iter().any(|score| score.v >= rules.hi)
}

fn join(spans: Vec<Span>, rules: &Rules) -> Vec<Span> {
    let gap = seconds(rules.join_seconds);
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(before) if span.start() - before.end() <= gap => before.last = span.last,
            _ => joined.push(span),
        }
    }
    joined
}

/// Cuts an event that is too long where v is lowest, and its parts again, in order.
fn cut(span: Span, valleys: &Valleys, rules: &Rules) -> Vec<Span> {
    let longest = seconds(rules.max_seconds);
    let (mut whole, mut open) = (Vec::new(), vec![span]);
    while let Some(span) = open.pop() {
        match lowest(span, valleys, rules) {
            Some(at) if span.end() - span.start() > longest => {
                open.push(Span { first: at, last: span.last });
                open.push(Span { first: span.first, last: at - 1 });
            }
            _ => whole.push(span),
        }
    }
    whole
}

/// Where to cut: the patch with the lowest v that leaves a whole event on both sides, the one
/// nearest the middle if several are as low.
fn lowest(span: Span, valleys: &Valleys, rules: &Rules) -> Option<usize> {
    let shortest = (rules.min_patches as usize).max(1);
    let (start, end) = (span.first.saturating_add(shortest), (span.last + 2).saturating_sub(shortest));
    let doubled = span.first + span.last + 1;
    let right = (doubled / 2 + 1).max(start);
    let nearest = [valleys.last(start..right.min(end)), valleys.first(right..end)];
    let from_middle = |at: usize| (at * 2).abs_diff(doubled);
    let order = |&a: &usize, &b: &usize| valleys.order(a, b).then(from_middle(a).cmp(&from_middle(b)));
    nearest.into_iter().flatten().min_by(order)
}

fn is_event(span: Span, scores: &[Score], rules: &Rules) -> bool {
    span.patches() >= rules.min_patches as usize && holds_high(span.scores(scores), rules)
}

/// Padded and inside the recording; where padding would overlap, neighbours meet in the middle.
fn extents(spans: &[Span], audio: Duration, rules: &Rules) -> Vec<(Duration, Duration)> {
    let pad = seconds(rules.pad_seconds);
    let middle = |left: &Span, right: &Span| left.end() + (right.start() - left.end()) / 2;
    let extent = |i: usize| {
        let earliest = if i == 0 { Duration::ZERO } else { middle(&spans[i - 1], &spans[i]) };
        let latest = spans.get(i + 1).map_or(audio, |next| middle(&spans[i], next).min(audio));
        (spans[i].start().saturating_sub(pad).max(earliest), spans[i].end().saturating_add(pad).min(latest))
    };
    (0..spans.len()).map(extent).collect()
}

fn describe(scores: &[Score], start: Duration, end: Duration) -> Event {
    let highest = scores.iter().map(|score| score.v).fold(f32::NEG_INFINITY, f32::max);
    let mean = scores.iter().map(|score| f64::from(sigmoid(score.v))).sum::<f64>() / scores.len() as f64;
    let peak_of = |class: usize| scores.iter().map(|score| score.laughter[class]).fold(0.0, f32::max);
    let laughter_peaks: [f32; LAUGHTER_CLASSES] = std::array::from_fn(peak_of);
    let leading = (0..LAUGHTER_CLASSES).rev().max_by(|&a, &b| laughter_peaks[a].total_cmp(&laughter_peaks[b]));
    let class = (LAUGHTER.start() + leading.unwrap_or(0)) as u16;
    Event { start, end, peak: sigmoid(highest), mean: mean as f32, class, laughter_peaks, clip: None }
}

/// Seconds of a rule; what cannot be a duration counts as the longest.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

mod valleys;

#[cfg(test)]
mod tests;
