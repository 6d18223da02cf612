//! One way to decide, over all recordings: its detections against the reviews.

use super::curve::{Point, Valued, average_precision, curve, point, sort};
use super::jackknife::{Estimate, estimate};
use super::measures::{Proportion, Span, Tally};
use super::{CRITERIA, ReviewedRecording, overlaps};
use crate::detect::detections;
use crate::domain::{Candidate, Verdict};
use crate::personal::PersonalModel;

/// Lowest and highest F1 or average precision, and those of the difference of two.
const SHARE: (f64, f64) = (0.0, 1.0);
const DIFFERENCE: (f64, f64) = (-1.0, 1.0);

/// The numbers of one way to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// In the order of [`CRITERIA`]: counts, and F1 over days.
    pub measures: Vec<(Tally, Option<Estimate>)>,
    pub average_precision: Option<Estimate>,
    /// Precision and recall of the reviewed stretches at each threshold.
    pub curve: Vec<Point>,
    /// Of the laughs that no stored detection overlaps, those that would be detected.
    pub added: Proportion,
    /// Detections that overlap no review.
    pub unreviewed: usize,
    stretches: Vec<Valued>,
}

impl Decision {
    /// Precision and recall of the reviewed stretches at this threshold.
    pub fn point(&self, threshold: f32) -> Point {
        point(&self.stretches, threshold)
    }
}

/// A recording after a decision.
pub struct DecidedRecording {
    tallies: [Tally; CRITERIA.len()],
    stretches: Vec<(Verdict, f32)>,
    added: Proportion,
    unreviewed: usize,
}

/// Decides anew from what is stored of a recording.
pub fn decide(recording: &ReviewedRecording, model: Option<&PersonalModel>) -> DecidedRecording {
    let mut candidates = recording.candidates.clone();
    for candidate in &mut candidates {
        candidate.personal = model.zip(candidate.embedding.as_ref()).map(|(model, embedding)| model.score(embedding));
    }
    let detections = detections(&recording.track, &candidates, recording.audio, &recording.parameters);
    let spans = detections.iter().map(|detection| (detection.start.as_secs_f64(), detection.end.as_secs_f64()));
    let is_reviewed = |span: &Span| recording.reviews.iter().any(|review| overlaps(*span, review.span));
    let (reviewed, unreviewed): (Vec<Span>, Vec<Span>) = spans.partition(is_reviewed);
    let confirmed = recording.reviews.iter().filter(|review| review.verdict == Verdict::Confirmed);
    let laughs: Vec<Span> = confirmed.map(|review| review.span).collect();
    let is_in = |spans: &[Span], laugh: Span| spans.iter().any(|&span| overlaps(span, laugh));
    let missed: Vec<Span> = laughs.iter().copied().filter(|&laugh| !is_in(&recording.shown, laugh)).collect();
    let hits = missed.iter().filter(|laugh| is_in(&reviewed, **laugh)).count();
    let value = |span: Span| {
        let near = candidates.iter().filter(|candidate| overlaps(extent(candidate), span));
        near.map(Candidate::shifted_v).fold(f32::NEG_INFINITY, f32::max)
    };
    DecidedRecording {
        tallies: CRITERIA.map(|(_, criterion)| criterion.tally(&laughs, &reviewed)),
        stretches: recording.reviews.iter().map(|review| (review.verdict, value(review.span))).collect(),
        added: Proportion { hits, all: missed.len() },
        unreviewed: unreviewed.len(),
    }
}

fn extent(candidate: &Candidate) -> Span {
    (candidate.start().as_secs_f64(), candidate.end().as_secs_f64())
}

/// Everything that was decided so far.
#[derive(Default)]
pub struct Decided {
    /// With the index of the day.
    tallies: Vec<(usize, [Tally; CRITERIA.len()])>,
    stretches: Vec<Valued>,
    added: Proportion,
    unreviewed: usize,
}

impl Decided {
    pub fn add(&mut self, recording: DecidedRecording, day: usize) {
        self.tallies.push((day, recording.tallies));
        let valued = recording.stretches.iter().map(|&(verdict, value)| Valued { day, verdict, value });
        self.stretches.extend(valued);
        self.added.hits += recording.added.hits;
        self.added.all += recording.added.all;
        self.unreviewed += recording.unreviewed;
    }

    /// Computes the measures.
    pub fn decision(mut self, days: usize) -> Decision {
        sort(&mut self.stretches);
        let all = vec![1; days];
        let measure =
            |criterion| (self.tally(criterion, &all), estimate(days, SHARE, |times| self.tally(criterion, times).f1()));
        Decision {
            measures: (0..CRITERIA.len()).map(measure).collect(),
            average_precision: estimate(days, SHARE, |times| average_precision(&self.stretches, times)),
            curve: curve(&self.stretches),
            added: self.added,
            unreviewed: self.unreviewed,
            stretches: self.stretches,
        }
    }

    /// What this decision has more than the other one: F1 by each criterion, then average precision.
    pub fn gains(&self, other: &Decided, days: usize) -> Vec<Option<Estimate>> {
        let f1 = |criterion: usize| {
            let difference =
                |times: &[usize]| Some(self.tally(criterion, times).f1()? - other.tally(criterion, times).f1()?);
            estimate(days, DIFFERENCE, difference)
        };
        let [own, others] = [self, other].map(|decided| {
            let mut sorted = decided.stretches.clone();
            sort(&mut sorted);
            sorted
        });
        let precision = |times: &[usize]| Some(average_precision(&own, times)? - average_precision(&others, times)?);
        (0..CRITERIA.len()).map(f1).chain([estimate(days, DIFFERENCE, precision)]).collect()
    }

    /// The counts by a criterion, each day as often as given.
    fn tally(&self, criterion: usize, times: &[usize]) -> Tally {
        let mut sum = Tally::default();
        for (day, tallies) in &self.tallies {
            let Tally { found, missed, extra } = tallies[criterion];
            let times = times[*day];
            sum.add(Tally { found: found * times, missed: missed * times, extra: extra * times });
        }
        sum
    }
}
