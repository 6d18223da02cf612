//! How well detections agree with laughs, by the field's definitions, and intervals of what was counted.
//!
//! ```text
//! collar         a detection matches a laugh if its start is within 200 ms, and its end within 200 ms or 20 % of the laugh
//! IoU            ... if both share at least this part of what they cover together
//!                each laugh matches one detection at most: as many pairs as possible (maximum bipartite matching)
//! intersection   a detection counts if at least DTC of it is laughs; a laugh is found if detections that count cover at
//!                least GTC of it
//! ```
//!
//! Sources: Mesaros, Heittola, Virtanen, "Metrics for Polyphonic Sound Event Detection" (2016) and sed_eval; Bilen et al.,
//! "A Framework for the Robust Evaluation of Sound Event Detection" (2020) and sed_scores_eval. scripts/measures.sh checks
//! the numbers against both packages. The interval of a proportion is Wilson's (1927).

/// Allowed deviation of the start and of the end, seconds ...
const COLLAR: f64 = 0.2;
/// ... and of the end as a part of the laugh's length.
const OFFSET_RATE: f64 = 0.2;
/// Times are compared in microseconds, as sed_scores_eval does it: a deviation of exactly the collar is inside.
const STEPS: f64 = 1e6;

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Start and end, in seconds.
pub type Span = (f64, f64);

/// When a detection counts as that of a laugh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion {
    /// The start and the end deviate by at most the collar.
    Collar,
    /// Both share at least this part of what they cover together.
    Iou(f64),
    /// PSDS: detection and ground-truth tolerance (DTC, GTC).
    Intersection(f64, f64),
}

/// Numbers of laughs and of detections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Laughs that were found: true positives.
    pub found: usize,
    /// Laughs that were not: false negatives.
    pub missed: usize,
    /// Detections that are no laugh: false positives.
    pub extra: usize,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.found += other.found;
        self.missed += other.missed;
        self.extra += other.extra;
    }

    pub fn precision(self) -> Proportion {
        Proportion { hits: self.found, all: self.found + self.extra }
    }

    pub fn recall(self) -> Proportion {
        Proportion { hits: self.found, all: self.found + self.missed }
    }

    /// Harmonic mean of precision and recall; None of nothing.
    pub fn f1(self) -> Option<f64> {
        let all = 2 * self.found + self.missed + self.extra;
        (all > 0).then(|| 2.0 * self.found as f64 / all as f64)
    }
}

impl Criterion {
    /// The laughs and the detections of one recording.
    pub fn tally(self, laughs: &[Span], detections: &[Span]) -> Tally {
        let (found, extra) = match self {
            Criterion::Intersection(dtc, gtc) => intersections(laughs, detections, dtc, gtc),
            Criterion::Collar => matched(laughs, detections, is_within_collar),
            Criterion::Iou(least) => matched(laughs, detections, |laugh, detection| iou(laugh, detection) >= least),
        };
        Tally { found, missed: laughs.len() - found, extra }
    }
}

fn round(seconds: f64) -> f64 {
    (seconds * STEPS).round_ties_even() / STEPS
}

fn length(span: Span) -> f64 {
    span.1 - span.0
}

/// Length of what both cover.
fn shared(a: Span, b: Span) -> f64 {
    (a.1.min(b.1) - a.0.max(b.0)).max(0.0)
}

/// Intersection over union.
pub fn iou(a: Span, b: Span) -> f64 {
    let shared = shared(a, b);
    let covered = length(a) + length(b) - shared;
    if covered > 0.0 { shared / covered } else { 0.0 }
}

fn is_within_collar(laugh: Span, detection: Span) -> bool {
    let offset_collar = COLLAR.max(OFFSET_RATE * length(laugh));
    let is_near = |a: f64, b: f64, collar: f64| round((a - b).abs() - collar) <= 0.0;
    is_near(laugh.0, detection.0, COLLAR) && is_near(laugh.1, detection.1, offset_collar)
}

/// Laughs found, and detections that are no laugh, if each laugh matches one detection at most.
fn matched(laughs: &[Span], detections: &[Span], is_match: impl Fn(Span, Span) -> bool) -> (usize, usize) {
    let candidates = |laugh: Span| -> Vec<usize> {
        (0..detections.len()).filter(|&detection| is_match(laugh, detections[detection])).collect()
    };
    let graph: Vec<Vec<usize>> = laughs.iter().map(|&laugh| candidates(laugh)).collect();
    let mut owners = vec![None; detections.len()];
    let found = (0..laughs.len()).filter(|&laugh| augment(laugh, &graph, &mut owners)).count();
    (found, detections.len() - found)
}

/// Gives the laugh a detection, moving other laughs to other detections if needed (Kuhn 1955). `owners`: the laugh of each
/// detection. The paths are searched breadth first, so that the depth of the stack does not depend on the input.
fn augment(laugh: usize, graph: &[Vec<usize>], owners: &mut [Option<usize>]) -> bool {
    let mut reached_from = vec![None; owners.len()];
    let (mut open, mut next) = (vec![laugh], 0);
    while let Some(&from) = open.get(next) {
        next += 1;
        for &detection in &graph[from] {
            if reached_from[detection].is_some() {
                continue;
            }
            reached_from[detection] = Some(from);
            match owners[detection] {
                Some(owner) => open.push(owner),
                None => {
                    reassign(laugh, detection, &reached_from, owners);
                    return true;
                }
            }
        }
    }
    false
}

/// Walks an augmenting path back from its free detection to the laugh that it starts with.
fn reassign(laugh: usize, free: usize, reached_from: &[Option<usize>], owners: &mut [Option<usize>]) {
    let mut detection = free;
    while let Some(from) = reached_from[detection] {
        let before = owners.iter().position(|owner| *owner == Some(from));
        owners[detection] = Some(from);
        match before {
            Some(before) if from != laugh => detection = before,
            _ => return,
        }
    }
}

/// Laughs found, and detections that are no laugh, by PSDS's tolerances.
fn intersections(laughs: &[Span], detections: &[Span], dtc: f64, gtc: f64) -> (usize, usize) {
    let covers = |span: Span, others: &[Span], least: f64| {
        let shared: f64 = others.iter().map(|&other| shared(span, other)).sum();
        round(shared) >= round(least * length(span))
    };
    let relevant: Vec<Span> = detections.iter().copied().filter(|&detection| covers(detection, laughs, dtc)).collect();
    let found = laughs.iter().filter(|&&laugh| covers(laugh, &relevant, gtc)).count();
    (found, detections.len() - relevant.len())
}

/// So many of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proportion {
    pub hits: usize,
    pub all: usize,
}

impl Proportion {
    /// None of nothing.
    pub fn value(self) -> Option<f64> {
        (self.all > 0).then(|| self.hits as f64 / self.all as f64)
    }

    /// Wilson's 95 % score interval. None of nothing.
    pub fn interval(self) -> Option<(f64, f64)> {
        let p = self.value()?;
        let n = self.all as f64;
        let scale = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
        Some(((centre - half).max(0.0), (centre + half).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_collar_is_200_ms_and_a_fifth_of_the_laugh_at_its_end() {
        let laughs = [(1.0, 3.0)];
        let found = |detection| Criterion::Collar.tally(&laughs, &[detection]).found;
        assert_eq!([found((1.2, 3.4)), found((0.8, 2.6)), found((1.21, 3.0)), found((1.0, 3.41))], [1, 1, 0, 0]);
        let short = Criterion::Collar.tally(&[(1.0, 1.5)], &[(1.0, 1.7)]);
        assert_eq!(short, Tally { found: 1, missed: 0, extra: 0 });
    }

    #[test]
    fn iou_is_what_both_share() {
        assert_eq!(iou((0.0, 2.0), (1.0, 3.0)), 1.0 / 3.0);
        assert_eq!([iou((0.0, 1.0), (1.0, 2.0)), iou((1.0, 1.0), (1.0, 1.0))], [0.0, 0.0]);
        let tally = Criterion::Iou(0.3).tally(&[(0.0, 2.0)], &[(1.0, 3.0), (0.0, 2.0)]);
        assert_eq!(tally, Tally { found: 1, missed: 0, extra: 1 });
    }

    #[test]
    fn matching_finds_as_many_pairs_as_possible() {
        // The first laugh matches both detections, the second one only the first.
        let laughs = [(0.0, 1.0), (0.1, 0.9)];
        let detections = [(0.1, 1.0), (0.0, 1.2)];
        assert_eq!(Criterion::Iou(0.8).tally(&laughs, &detections).found, 2);
    }

    #[test]
    fn tolerances_are_those_of_psds() {
        let laughs = [(1.0, 3.0), (5.0, 6.0)];
        // The first detection is laughter by a half, the second in full; both cover the first laugh by 0.75.
        let detections = [(0.0, 2.0), (2.5, 3.0), (8.0, 9.0)];
        let tally = |dtc, gtc| Criterion::Intersection(dtc, gtc).tally(&laughs, &detections);
        assert_eq!(tally(0.5, 0.75), Tally { found: 1, missed: 1, extra: 1 });
        assert_eq!(tally(0.6, 0.5), Tally { found: 0, missed: 2, extra: 2 });
    }

    #[test]
    fn intervals_are_wilsons() {
        // Brown, Cai, DasGupta (2001); R: binom::binom.wilson(8, 10) and (0, 20).
        let near = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 1e-6 && (high - expected.1).abs() < 1e-6, "{low} to {high}")
        };
        near(Proportion { hits: 8, all: 10 }.interval().unwrap(), (0.490_162_5, 0.943_317_8));
        near(Proportion { hits: 0, all: 20 }.interval().unwrap(), (0.0, 0.161_125_2));
        assert_eq!(Proportion::default().interval(), None);
    }

    /// By trying every assignment.
    fn most_pairs(laughs: &[Span], detections: &[Span], least: f64) -> usize {
        let Some((&laugh, rest)) = laughs.split_first() else { return 0 };
        let with = (0..detections.len()).filter(|&i| iou(laugh, detections[i]) >= least).map(|i| {
            let others: Vec<Span> = detections.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, d)| *d).collect();
            1 + most_pairs(rest, &others, least)
        });
        with.chain([most_pairs(rest, detections, least)]).max().unwrap_or(0)
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0..40u8, 1..20u8), 0..6).prop_map(|all| {
            all.iter().map(|&(start, length)| (start.into(), f64::from(start) + f64::from(length))).collect()
        })
    }

    proptest! {
        #[test]
        fn no_assignment_has_more_pairs(laughs in spans(), detections in spans()) {
            prop_assert_eq!(Criterion::Iou(0.3).tally(&laughs, &detections).found, most_pairs(&laughs, &detections, 0.3));
        }

        #[test]
        fn every_laugh_and_detection_counts_once(laughs in spans(), detections in spans()) {
            for criterion in [Criterion::Collar, Criterion::Iou(0.5), Criterion::Intersection(0.1, 0.1)] {
                let tally = criterion.tally(&laughs, &detections);
                prop_assert_eq!(tally.found + tally.missed, laughs.len());
                prop_assert!(tally.extra <= detections.len());
                prop_assert!(tally.f1().is_none_or(|f1| (0.0..=1.0).contains(&f1)));
            }
        }
    }
}
