//! The personal score: moves the decision value of a candidate that sounds like something a person has reviewed.
//!
//! ```text
//! v' = v + 8 (K - D)
//! K  = mean over the 3 nearest confirmed stretches of max(0, cos - 0.3)
//! D  = the same over the rejected stretches
//! cos: of the angle between z of the candidate and z of the stretch
//! z  = (sqrt(e) - mean) / deviation, scaled to length 1; e: the embedding, 1024 values
//! mean, deviation: of sqrt(e) over candidates of the source; with fewer than 200 of them, those of models/
//! ```
//!
//! Nothing is trained. The nearest stretches decide, not their number: a thousand identical verdicts weigh as much as
//! three. A candidate that is unlike everything reviewed keeps its value. The shift is at most 5.6 either way.
//!
//! Source of the constants: measured on held-out days, see docs/personal.md.
//!
//! Invariant: pure functions of their arguments, with the same bits on every machine, for any number of threads and any
//! order of the evidence: sums are exact or in a fixed order, and no function of the C library is used but sqrt.

mod statistics;

use yamnet::kernels::dot;
use yamnet::params::EMBEDDING_SIZE;

pub use self::statistics::EmbeddingStatistics;
use crate::domain::{Candidate, Embedding, Evidence, Neighbour, PersonalScore, Verdict};

/// There is no personal score with fewer reviews ...
pub const LEAST_REVIEWS: usize = 30;
/// ... or with fewer of either verdict.
pub const LEAST_OF_EACH: usize = 10;
/// With fewer candidates to compare with, the mean and deviation of models/ are used.
const LEAST_REFERENCE: usize = 200;

/// Weight of K - D, logits.
const WEIGHT: f32 = 8.0;
/// How many stretches of each verdict decide.
const NEAREST: usize = 3;
/// Stretches that are less similar than this do not count.
const LEAST_SIMILARITY: f32 = 0.3;

/// z: standardized and of length 1, or all zeros.
type Direction = Box<[f32; EMBEDDING_SIZE]>;

/// A reviewed stretch.
struct Stretch {
    review: i64,
    z: Direction,
}

/// What a source's reviews say. 4 kB a review.
pub struct PersonalModel {
    statistics: EmbeddingStatistics,
    confirmed: Vec<Stretch>,
    rejected: Vec<Stretch>,
}

impl PersonalModel {
    /// None: there are too few reviews.
    pub fn new(evidence: &Evidence) -> Option<PersonalModel> {
        let reviews = || evidence.reviews.iter();
        let is_model = has_enough(reviews().map(|(_, verdict, _)| *verdict));
        is_model.then(|| PersonalModel::with(statistics(&evidence.reference), reviews().cloned()))
    }

    /// The same from evidence that is not needed afterwards: what was used is freed before the model grows.
    pub fn consuming(evidence: Evidence) -> Option<PersonalModel> {
        let Evidence { reviews, reference } = evidence;
        if !has_enough(reviews.iter().map(|(_, verdict, _)| *verdict)) {
            return None;
        }
        let statistics = statistics(&reference);
        drop(reference);
        Some(PersonalModel::with(statistics, reviews.into_iter()))
    }

    fn with(
        statistics: EmbeddingStatistics,
        reviews: impl Iterator<Item = (i64, Verdict, Embedding)>,
    ) -> PersonalModel {
        let mut model = PersonalModel { statistics, confirmed: Vec::new(), rejected: Vec::new() };
        for (review, verdict, embedding) in reviews {
            let stretch = Stretch { review, z: direction(&embedding, &model.statistics) };
            let of_verdict = match verdict {
                Verdict::Confirmed => &mut model.confirmed,
                Verdict::Rejected => &mut model.rejected,
            };
            of_verdict.push(stretch);
        }
        model
    }

    /// Scores the candidates that have an embedding.
    pub fn score_all(&self, candidates: &mut [Candidate]) {
        for candidate in candidates {
            candidate.personal = candidate.embedding.as_ref().map(|embedding| self.score(embedding));
        }
    }

    /// How a candidate compares with what was reviewed.
    pub fn score(&self, embedding: &Embedding) -> PersonalScore {
        let z = direction(embedding, &self.statistics);
        let (confirmed, rejected) = (nearest(&z, &self.confirmed), nearest(&z, &self.rejected));
        let shift = WEIGHT * (likeness(&confirmed) - likeness(&rejected));
        PersonalScore { shift, confirmed, rejected }
    }
}

fn has_enough(verdicts: impl Iterator<Item = Verdict>) -> bool {
    let (confirmed, rejected): (Vec<Verdict>, Vec<Verdict>) =
        verdicts.partition(|verdict| *verdict == Verdict::Confirmed);
    is_enough(confirmed.len(), rejected.len())
}

/// Those of the source's own candidates, if there are enough.
fn statistics(reference: &[Embedding]) -> EmbeddingStatistics {
    if reference.len() < LEAST_REFERENCE { EmbeddingStatistics::shipped() } else { EmbeddingStatistics::new(reference) }
}

/// Whether so many confirmed and rejected stretches make a personal score.
pub fn is_enough(confirmed: usize, rejected: usize) -> bool {
    confirmed + rejected >= LEAST_REVIEWS && confirmed.min(rejected) >= LEAST_OF_EACH
}

/// `z` of an embedding.
fn direction(embedding: &Embedding, statistics: &EmbeddingStatistics) -> Direction {
    let mut z = statistics.standardize(embedding);
    let length = z.iter().map(|z| z * z).sum::<f64>().sqrt();
    if length > 0.0 {
        z.iter_mut().for_each(|z| *z /= length);
    }
    Box::new(z.map(|z| z as f32))
}

/// The most similar stretches that count, at most [`NEAREST`], the most similar first. Of equally similar ones, the
/// earlier review.
fn nearest(z: &Direction, stretches: &[Stretch]) -> Vec<Neighbour> {
    let similar = stretches.iter().filter_map(|stretch| {
        let similarity = dot(&z[..], &stretch.z[..]).min(1.0);
        (similarity > LEAST_SIMILARITY).then_some(Neighbour { review: stretch.review, similarity })
    });
    let mut similar: Vec<Neighbour> = similar.collect();
    similar.sort_unstable_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.review.cmp(&b.review)));
    similar.truncate(NEAREST);
    similar
}

/// K of confirmed stretches, D of rejected ones. Those that are missing to [`NEAREST`] are not similar and count as 0:
/// a model has more stretches of either verdict than that.
fn likeness(nearest: &[Neighbour]) -> f32 {
    const { assert!(LEAST_OF_EACH >= NEAREST) }
    let sum: f32 = nearest.iter().map(|neighbour| neighbour.similarity - LEAST_SIMILARITY).sum();
    sum / NEAREST as f32
}

#[cfg(test)]
mod tests;
