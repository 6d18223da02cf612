//! Precision and recall of the reviewed stretches at every threshold.
//!
//! ```text
//! value of a stretch: the highest v' of the candidates that overlap it; none: it is never shown
//! shown at a threshold: stretches with at least that value
//! average precision: sum over the distinct values, from the highest, of precision * gain in recall
//! ```

use super::measures::{Proportion, Tally};
use crate::detect::logit;
use crate::domain::Verdict;

/// Thresholds of the curve, in hundredths of a score: from the candidate floor on.
const HUNDREDTHS: std::ops::RangeInclusive<u8> = 18..=95;

/// A reviewed stretch after a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valued {
    /// Index of its day.
    pub day: usize,
    pub verdict: Verdict,
    /// v', or negative infinity.
    pub value: f32,
}

/// What would be shown at a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// A score, as `--threshold` takes it.
    pub threshold: f32,
    pub precision: Proportion,
    pub recall: Proportion,
}

/// A point for every hundredth.
pub fn curve(stretches: &[Valued]) -> Vec<Point> {
    HUNDREDTHS.map(|hundredths| point(stretches, f32::from(hundredths) / 100.0)).collect()
}

/// What would be shown at this threshold.
pub fn point(stretches: &[Valued], threshold: f32) -> Point {
    let least = logit(threshold);
    let count = |verdict: Verdict, is_shown: bool| {
        let of_verdict = stretches.iter().filter(|stretch| stretch.verdict == verdict);
        of_verdict.filter(|stretch| (stretch.value >= least) == is_shown).count()
    };
    let tally = Tally {
        found: count(Verdict::Confirmed, true),
        missed: count(Verdict::Confirmed, false),
        extra: count(Verdict::Rejected, true),
    };
    Point { threshold, precision: tally.precision(), recall: tally.recall() }
}

/// `times`: how often each day counts. None if nothing was confirmed. `sorted`: by [`sort`].
pub fn average_precision(sorted: &[Valued], times: &[usize]) -> Option<f64> {
    let weight = |stretch: &Valued| times[stretch.day];
    let is_laugh = |stretch: &&Valued| stretch.verdict == Verdict::Confirmed;
    let laughs: usize = sorted.iter().filter(is_laugh).map(weight).sum();
    let (mut shown, mut found, mut sum) = (0, 0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.value == b.value).take_while(|equal| equal[0].value > f32::NEG_INFINITY) {
        let gained: usize = equal.iter().filter(is_laugh).map(weight).sum();
        shown += equal.iter().map(weight).sum::<usize>();
        found += gained;
        if gained > 0 {
            sum += found as f64 / shown as f64 * gained as f64;
        }
    }
    (laughs > 0).then(|| sum / laughs as f64)
}

/// The highest value first.
pub fn sort(stretches: &mut [Valued]) {
    stretches.sort_by(|a, b| b.value.total_cmp(&a.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(verdict: Verdict, value: f32) -> Valued {
        Valued { day: 0, verdict, value }
    }

    #[test]
    fn a_threshold_shows_what_is_at_least_as_high() {
        let stretches = [
            stretch(Verdict::Confirmed, 0.0),
            stretch(Verdict::Confirmed, f32::NEG_INFINITY),
            stretch(Verdict::Rejected, -0.5),
        ];
        let Point { precision, recall, .. } = point(&stretches, 0.5);
        assert_eq!((precision, recall), (Proportion { hits: 1, all: 1 }, Proportion { hits: 1, all: 2 }));
        let Point { precision, recall, .. } = point(&stretches, 0.3);
        assert_eq!((precision, recall), (Proportion { hits: 1, all: 2 }, Proportion { hits: 1, all: 2 }));
        assert_eq!(curve(&stretches).len(), 78);
    }

    #[test]
    fn average_precision_is_that_of_scikit_learn() {
        // sklearn.metrics.average_precision_score([1, 0, 1, 1, 0], [.9, .8, .7, .7, .1])
        let mut stretches = [(1, 0.9), (0, 0.8), (1, 0.7), (1, 0.7), (0, 0.1)]
            .map(|(is_laugh, v)| stretch(if is_laugh == 1 { Verdict::Confirmed } else { Verdict::Rejected }, v));
        sort(&mut stretches);
        assert!((average_precision(&stretches, &[1]).unwrap() - (1.0 + 2.0 * 0.75) / 3.0).abs() < 1e-12);
        // A laugh that no threshold shows counts in the recall.
        stretches[4] = stretch(Verdict::Confirmed, f32::NEG_INFINITY);
        assert!((average_precision(&stretches, &[2]).unwrap() - (1.0 + 2.0 * 0.75) / 4.0).abs() < 1e-12);
        assert_eq!(average_precision(&stretches, &[0]), None);
    }
}
