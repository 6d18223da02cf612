//! Step 5: v of each candidate moves by its personal score, and so does v of the patches beside it that an event of the
//! threshold would include.
//!
//! ```text
//! for each run of v >= min(offset_threshold, candidate floor):
//!     v[patch] += shift of the candidate that is nearest to the patch, the earlier one of two
//! ```

use super::runs;
use crate::domain::{Candidate, DetectionParameters};

/// v' of every patch.
pub fn shifted(mut v: Vec<f32>, candidates: &[Candidate], parameters: &DetectionParameters) -> Vec<f32> {
    if candidates.iter().all(|candidate| candidate.shift() == 0.0) {
        return v;
    }
    let lowest = parameters.offset_threshold.min(parameters.candidate_floor());
    let runs: Vec<_> = runs(&v, lowest).collect();
    for run in runs {
        let near = super::candidates_of(run, candidates);
        let mut rest = near;
        for patch in run.first..=run.last {
            while let [first, second, ..] = rest
                && distance(second, patch) < distance(first, patch)
            {
                rest = &rest[1..];
            }
            v[patch] += rest.first().map_or(0.0, Candidate::shift);
        }
    }
    v
}

/// In patches; 0 inside.
fn distance(candidate: &Candidate, patch: usize) -> usize {
    (candidate.first as usize).saturating_sub(patch).max(patch.saturating_sub(candidate.last as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PersonalScore;

    fn candidate(first: u32, last: u32, shift: f32) -> Candidate {
        let personal = Some(PersonalScore { shift, ..PersonalScore::default() });
        Candidate {
            first,
            last,
            peak_v: 0.0,
            mean_v: 0.0,
            class_scores: [0.0; 6],
            embedding: None,
            personal,
            clip: None,
        }
    }

    #[test]
    fn the_patches_beside_a_candidate_move_with_it() {
        let parameters = DetectionParameters::default();
        let v = vec![-5.0, -1.8, 0.0, -1.7, -1.6, 0.5, -1.8, -5.0, -1.8];
        let candidates = [candidate(2, 2, 1.0), candidate(5, 5, -2.0)];
        let expected = [-5.0, -1.8 + 1.0, 1.0, -1.7 + 1.0, -1.6 - 2.0, -1.5, -1.8 - 2.0, -5.0, -1.8];
        assert_eq!(shifted(v.clone(), &candidates, &parameters), expected);
        assert_eq!(shifted(v.clone(), &[candidate(2, 2, 0.0)], &parameters), v);
    }
}
