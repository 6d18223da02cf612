//! Measures the detections against a person's reviews, with and without the personal score.
//!
//! ```text
//! each recording with reviews:
//!     model      made from the reviews of the source's other days (leave one day out)
//!     decide     with this model, and without: detections, and v' of every reviewed stretch
//!     compare    laughs (confirmed stretches) with the detections that overlap a reviewed stretch
//! all days:      precision and recall at each threshold, average precision, event-based F1; intervals
//! ```
//!
//! Only reviewed stretches count: nobody has said of the rest whether it is a laugh. What each decision would show besides
//! is counted as `unreviewed`. A laugh that nobody noticed is missing in every recall.
//!
//! Invariant: reads only, computes from what is stored, and gives the same numbers every time.

mod curve;
mod decision;
mod jackknife;
pub mod measures;
mod read;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;

pub use self::curve::Point;
pub use self::decision::Decision;
use self::decision::{Decided, decide};
pub use self::jackknife::Estimate;
use self::measures::{Criterion, Proportion, Span};
pub use self::read::read;
use crate::domain::{Candidate, DetectionParameters, Embedding, Evidence, ScoreTrack, Verdict};
use crate::personal::{LEAST_OF_EACH, LEAST_REVIEWS, PersonalModel};

/// The event-based measures, and their names: sed_eval's collar, IoU, and both of PSDS's tolerances as in the DCASE
/// challenge.
pub const CRITERIA: [(&str, Criterion); 5] = [
    ("collar", Criterion::Collar),
    ("iou_0.3", Criterion::Iou(0.3)),
    ("iou_0.5", Criterion::Iou(0.5)),
    ("psds_1", Criterion::Intersection(0.7, 0.7)),
    ("psds_2", Criterion::Intersection(0.1, 0.1)),
];

/// A recording with at least one review.
#[derive(Debug, Clone)]
pub struct ReviewedRecording {
    pub source: String,
    /// The calendar day on which it started.
    pub day: Date,
    pub audio: Duration,
    /// Those that it was decided with.
    pub parameters: DetectionParameters,
    pub track: ScoreTrack,
    pub candidates: Vec<Candidate>,
    /// The stored detections.
    pub shown: Vec<Span>,
    pub reviews: Vec<ReviewedStretch>,
}

/// A stretch with a verdict.
#[derive(Debug, Clone)]
pub struct ReviewedStretch {
    /// The review's number in the database.
    pub review: i64,
    pub verdict: Verdict,
    pub span: Span,
    /// False: neither a candidate nor the audio was there when it was reviewed.
    pub has_embedding: bool,
}

/// What is evaluated.
#[derive(Debug, Default)]
pub struct Material {
    pub recordings: Vec<ReviewedRecording>,
    /// By source.
    pub evidence: BTreeMap<String, SourceEvidence>,
}

/// What the models of a source are made from: all of its reviews, also those outside of the period.
#[derive(Debug, Default)]
pub struct SourceEvidence {
    /// With the day on which the reviewed stretch starts; see `Evidence::reviews`.
    pub reviews: Vec<(Date, (i64, Verdict, Embedding))>,
    /// See `Evidence::reference`.
    pub reference: Vec<Embedding>,
}

/// The result.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Onset threshold of the latest recording, logits.
    pub onset_threshold: f32,
    pub recordings: usize,
    /// Days with reviews, and those of them that have a model made from other days.
    pub days: usize,
    pub personal_days: usize,
    pub confirmed: usize,
    pub rejected: usize,
    /// Reviews without an embedding: they are judged, but no model is made from them.
    pub without_embedding: usize,
    /// Of the stored detections that were reviewed, those that were confirmed.
    pub shown: Proportion,
    /// Of the confirmed laughs, those that a stored detection overlaps.
    pub found: Proportion,
    pub without: Decision,
    /// None: no day has a model.
    pub with: Option<Decision>,
    /// With less without, in the order of [`CRITERIA`]; then average precision.
    pub gains: Vec<Option<Estimate>>,
}

impl Evaluation {
    /// How many reviews a personal score still needs: confirmed, rejected, and of either verdict besides.
    pub fn needed(&self) -> Needed {
        let confirmed = LEAST_OF_EACH.saturating_sub(self.confirmed);
        let rejected = LEAST_OF_EACH.saturating_sub(self.rejected);
        let either = LEAST_REVIEWS.saturating_sub(self.confirmed + self.rejected + confirmed + rejected);
        Needed { confirmed, rejected, either }
    }
}

/// Numbers of reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    pub confirmed: usize,
    pub rejected: usize,
    pub either: usize,
}

impl Needed {
    pub fn total(self) -> usize {
        self.confirmed + self.rejected + self.either
    }
}

/// Evaluates the decision. None: there are no reviews.
pub fn evaluate(material: &Material) -> Option<Evaluation> {
    let recordings = &material.recordings;
    let mut days: Vec<Date> = recordings.iter().map(|recording| recording.day).collect();
    days.sort_unstable();
    days.dedup();
    let reviews = || recordings.iter().flat_map(|recording| &recording.reviews);
    let count = |verdict: Verdict| reviews().filter(|review| review.verdict == verdict).count();
    reviews().next()?;
    let latest = recordings.iter().max_by_key(|recording| recording.day)?;
    let (mut without, mut with, mut personal_days) = (Decided::default(), Decided::default(), Vec::new());
    for (source, day, of_day) in by_source_and_day(recordings) {
        let model = PersonalModel::new(&other_days(material, source, day, &of_day));
        let index = days.partition_point(|other| *other < day);
        personal_days.extend(model.is_some().then_some(day));
        for recording in of_day {
            without.add(decide(recording, None), index);
            with.add(decide(recording, model.as_ref()), index);
        }
    }
    personal_days.sort_unstable();
    personal_days.dedup();
    let is_personal = !personal_days.is_empty();
    Some(Evaluation {
        onset_threshold: latest.parameters.onset_threshold,
        recordings: recordings.len(),
        days: days.len(),
        personal_days: personal_days.len(),
        confirmed: count(Verdict::Confirmed),
        rejected: count(Verdict::Rejected),
        without_embedding: reviews().filter(|review| !review.has_embedding).count(),
        shown: shown(recordings),
        found: found(recordings),
        gains: if is_personal { with.gains(&without, days.len()) } else { Vec::new() },
        without: without.decision(days.len()),
        with: is_personal.then(|| with.decision(days.len())),
    })
}

/// The recordings of each source and day.
fn by_source_and_day(recordings: &[ReviewedRecording]) -> impl Iterator<Item = (&str, Date, Vec<&ReviewedRecording>)> {
    let mut groups: BTreeMap<(&str, Date), Vec<&ReviewedRecording>> = BTreeMap::new();
    recordings.iter().for_each(|one| groups.entry((&one.source, one.day)).or_default().push(one));
    groups.into_iter().map(|((source, day), of_day)| (source, day, of_day))
}

/// What a source's reviews say, without those of one day and of its recordings.
fn other_days(material: &Material, source: &str, day: Date, recordings: &[&ReviewedRecording]) -> Evidence {
    let Some(all) = material.evidence.get(source) else { return Evidence::default() };
    let own: HashSet<i64> = recordings.iter().flat_map(|one| &one.reviews).map(|one| one.review).collect();
    let others = all.reviews.iter().filter(|(of, (review, ..))| *of != day && !own.contains(review));
    Evidence { reviews: others.map(|(_, review)| review.clone()).collect(), reference: all.reference.clone() }
}

/// The part of a span that another one covers, in seconds.
fn overlap(a: Span, b: Span) -> f64 {
    a.1.min(b.1) - a.0.max(b.0)
}

fn overlaps(a: Span, b: Span) -> bool {
    overlap(a, b) > 0.0
}

/// Each reviewed detection by the review that overlaps it most.
fn shown(recordings: &[ReviewedRecording]) -> Proportion {
    let mut shown = Proportion::default();
    for recording in recordings {
        for &span in &recording.shown {
            let by_overlap =
                |a: &&ReviewedStretch, b: &&ReviewedStretch| overlap(span, a.span).total_cmp(&overlap(span, b.span));
            let review = recording.reviews.iter().filter(|review| overlaps(span, review.span)).max_by(by_overlap);
            if let Some(review) = review {
                shown.all += 1;
                shown.hits += usize::from(review.verdict == Verdict::Confirmed);
            }
        }
    }
    shown
}

fn found(recordings: &[ReviewedRecording]) -> Proportion {
    let mut found = Proportion::default();
    for recording in recordings {
        for laugh in recording.reviews.iter().filter(|review| review.verdict == Verdict::Confirmed) {
            found.all += 1;
            found.hits += usize::from(recording.shown.iter().any(|&span| overlaps(span, laugh.span)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
