//! Which candidates get a clip although they do not count, so that a person can be asked about them.
//!
//! ```text
//! candidates outside detections with SENSITIVE <= v' < onset threshold;
//! of each hour the HOURLY with the highest v'; a shorter last part has its share
//! ```
//!
//! Invariant: the same choice for the same candidates and parameters.

use std::collections::BTreeMap;
use std::ops::Range;

use super::candidates::HOUR;
use crate::domain::{Candidate, Detection, DetectionParameters, SENSITIVE};

/// The most of an hour.
const HOURLY: usize = 4;

/// Indices of the chosen candidates of a recording with so many patches, in order.
pub fn unsure(
    candidates: &[Candidate],
    detections: &[Detection],
    patches: usize,
    parameters: &DetectionParameters,
) -> Vec<usize> {
    let range: Range<f32> = SENSITIVE..parameters.onset_threshold;
    let mut hours = BTreeMap::<usize, Vec<usize>>::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if range.contains(&candidate.shifted_v()) && !candidate.is_detected(detections) {
            hours.entry(candidate.first as usize / HOUR).or_default().push(index);
        }
    }
    let of_hour = |(hour, mut chosen): (usize, Vec<usize>)| {
        let length = patches.saturating_sub(hour * HOUR).min(HOUR);
        // The sort is stable: of equals, the earliest.
        chosen.sort_by(|&a, &b| candidates[b].shifted_v().total_cmp(&candidates[a].shifted_v()));
        chosen.truncate((HOURLY * length).div_ceil(HOUR));
        chosen.sort_unstable();
        chosen
    };
    hours.into_iter().flat_map(of_hour).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::PersonalScore;

    fn candidate(first: u32, peak_v: f32) -> Candidate {
        let (class_scores, embedding, personal, clip) = ([0.0; 6], None, None, None);
        Candidate { first, last: first + 1, peak_v, mean_v: peak_v, class_scores, embedding, personal, clip }
    }

    fn chosen(candidates: &[Candidate], detections: &[Detection], patches: usize) -> Vec<usize> {
        unsure(candidates, detections, patches, &DetectionParameters::default())
    }

    #[test]
    fn those_between_sensitive_and_the_threshold_are_chosen_after_the_personal_score() {
        let mut all = vec![candidate(0, -0.71), candidate(5, -0.7), candidate(10, -0.41), candidate(15, -0.4)];
        assert_eq!(chosen(&all, &[], HOUR), [1, 2]);
        let shift = |shift| Some(PersonalScore { shift, ..PersonalScore::default() });
        (all[0].personal, all[1].personal, all[3].personal) = (shift(0.1), shift(-0.1), shift(-0.1));
        assert_eq!(chosen(&all, &[], HOUR), [0, 2, 3]);
        let strict = DetectionParameters::default().with_onset(0.0);
        assert_eq!(unsure(&all, &[], HOUR, &strict), [0, 2, 3]);
        assert!(unsure(&all, &[], HOUR, &DetectionParameters::default().with_onset(SENSITIVE)).is_empty());
    }

    #[test]
    fn what_a_detection_overlaps_is_not_chosen() {
        let (start, end) = (Duration::from_secs(2), Duration::from_secs(4));
        let (class_scores, clip) = ([0.0; 6], None);
        let detection = Detection { start, end, peak: 0.5, mean: 0.5, class: 13, class_scores, clip };
        assert_eq!(chosen(&[candidate(4, -0.5), candidate(20, -0.5)], &[detection], HOUR), [1]);
    }

    #[test]
    fn of_each_hour_the_nearest_to_the_threshold_are_chosen_and_the_earliest_of_equals() {
        let first = (0..7).map(|i| candidate(i * 10, -0.6 + 0.01 * (i % 6) as f32));
        let all: Vec<Candidate> = first.chain([candidate(7500, -0.7), candidate(7600, -0.6)]).collect();
        assert_eq!(chosen(&all, &[], 2 * HOUR), [2, 3, 4, 5, 7, 8]);
        assert_eq!(chosen(&all, &[], HOUR + 300), [2, 3, 4, 5, 8], "a few minutes have one");
        let equal: Vec<Candidate> = (0..9).map(|i| candidate(i * 10, -0.5)).collect();
        assert_eq!(chosen(&equal, &[], HOUR), [0, 1, 2, 3]);
    }
}
