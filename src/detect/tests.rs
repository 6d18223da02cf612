//! Tests of each step of the detection, and properties that hold for all inputs.

use proptest::prelude::*;
use yamnet::params::NUM_CLASSES;

use super::*;

fn score(v: f32) -> Score {
    Score { v, laughter: [sigmoid(v), 0.1, 0.0, 0.0, 0.0, 0.0] }
}

fn decided(scores: &[Score], audio: Duration, parameters: &DetectionParameters) -> Vec<Detection> {
    let mut collector = CandidateCollector::new(parameters);
    for score in scores {
        collector.push(score, None);
    }
    let (track, candidates) = collector.finish();
    detections(&track, &candidates, audio, parameters)
}

fn scores(values: &[f32]) -> Vec<Score> {
    values.iter().map(|&v| score(v)).collect()
}

/// Start and end in milliseconds with the default parameters; the recording ends well after the scores.
fn found(values: &[f32]) -> Vec<(u128, u128)> {
    found_with(values, &DetectionParameters::default())
}

fn found_with(values: &[f32], parameters: &DetectionParameters) -> Vec<(u128, u128)> {
    let audio = PATCH_HOP * (values.len() as u32 + 4);
    decided(&scores(values), audio, parameters).iter().map(|e| (e.start.as_millis(), e.end.as_millis())).collect()
}

fn logits(set: &[(usize, f32)]) -> Vec<f32> {
    let mut logits = vec![-12.0; NUM_CLASSES];
    set.iter().for_each(|&(class, value)| logits[class] = value);
    logits
}

fn decision_values(patches: &[Vec<f32>]) -> Vec<f32> {
    let parameters = DetectionParameters::default();
    let mut smoother = LogitSmoother::new(&parameters);
    let known: Vec<Score> = patches.iter().filter_map(|patch| smoother.push(patch)).collect();
    known.into_iter().chain(smoother.last_score()).map(|score| score.v).collect()
}

#[test]
fn the_highest_other_human_sound_is_subtracted_from_laughter() {
    // 2 - 0.75 * max(-6, 1): crying (19).
    assert_eq!(decision_values(&[logits(&[(13, 2.0), (19, 1.0)])]), [1.25]);
    // No other human sound: it counts as -6.
    assert_eq!(decision_values(&[logits(&[(16, -3.0)])]), [1.5]);
    // Speech and music are ignored.
    assert_eq!(decision_values(&[logits(&[(16, -3.0), (0, 5.0), (132, 5.0)])]), [1.5]);
}

#[test]
fn logits_are_floored_then_averaged_over_three_patches() {
    let (loud, quiet) = (logits(&[(13, 2.0)]), logits(&[(13, -50.0)]));
    let v = decision_values(&[quiet.clone(), loud, quiet.clone(), quiet]);
    assert_eq!(v, [0.5, -1.5, -1.5, -5.5]);
}

#[test]
fn a_detection_needs_an_onset_and_extends_to_the_offset_threshold() {
    assert_eq!(found(&[-2.0, -1.9, -0.5, -1.9, -2.0]), []);
    // Patches 1 to 3: 0.48 + 0.48 - 0.24 - 0.48 to 1.44 + 0.48 + 0.24 + 0.48.
    assert_eq!(found(&[-2.0, -1.9, -0.4, -1.9, -2.0]), [(240, 2640)]);
}

#[test]
fn a_single_patch_is_dropped() {
    assert_eq!(found(&[-2.0, 3.0, -2.0]), []);
    assert_eq!(
        found_with(&[-2.0, 3.0, -2.0], &DetectionParameters { min_patches: 1, ..DetectionParameters::default() }),
        [(240, 1680)]
    );
}

#[test]
fn gaps_up_to_one_and_a_half_seconds_are_merged() {
    let low = -2.0;
    // Three patches of gap are 1.44 s, four are 1.92 s.
    assert_eq!(found(&[1.0, 1.0, low, low, low, 1.0, 1.0]).len(), 1);
    assert_eq!(found(&[1.0, 1.0, low, low, low, low, 1.0, 1.0]).len(), 2);
}

#[test]
fn a_long_detection_is_split_where_v_is_lowest() {
    let mut values = vec![1.0; 80];
    values[30] = 0.0;
    // 38.4 s: split before patch 30, which starts at 14.64 s.
    assert_eq!(found(&values), [(0, 14_640), (14_640, 39_120)]);
}

#[test]
fn a_constant_score_is_split_evenly() {
    let detections = found(&vec![1.0; 640]);
    assert_eq!(detections.len(), 16);
    assert!(detections.iter().all(|(start, end)| end - start <= 30_000));
}

#[test]
fn a_detection_stays_inside_the_recording() {
    let parameters = DetectionParameters::default();
    let short = Duration::from_millis(300);
    let detection = &decided(&scores(&[1.0, 1.0]), short, &parameters)[0];
    assert_eq!((detection.start, detection.end), (Duration::ZERO, short));
    assert_eq!(decided(&scores(&[-5.0, -5.0, 1.0, 1.0]), short, &parameters), []);
}

#[test]
fn a_detection_has_its_scores_and_its_class() {
    let mut scores = scores(&[0.25, 1.0]);
    scores[1].laughter[2] = 0.9;
    let detection = &decided(&scores, Duration::from_secs(9), &DetectionParameters::default())[0];
    assert_eq!(detection.peak, sigmoid(1.0));
    assert_eq!(detection.mean, (sigmoid(0.25) + sigmoid(1.0)) / 2.0);
    assert_eq!((detection.class, detection.class_scores[2]), (15, 0.9));
}

#[test]
fn documented_scores_match_their_logits() {
    for (score, v) in [(0.40, -0.4), (0.33, -0.7), (0.50, 0.0)] {
        assert!((logit(score) - v).abs() < 0.02);
        assert!((sigmoid(v) - score).abs() < 0.005);
    }
}

proptest! {
    #[test]
    fn detections_are_ordered_disjoint_and_inside_the_recording(
        values in proptest::collection::vec(-3.0..3.0f32, 0..300),
        pad in 0.0..5.0f64, join in 0.0..4.0f64, longest in 1.0..40.0f64, min_patches in 0..4u32, audio in 0..200_000u64,
    ) {
        let parameters = DetectionParameters { padding_seconds: pad, merge_gap_seconds: join, max_duration_seconds: longest, min_patches, ..DetectionParameters::default() };
        let audio = Duration::from_millis(audio);
        let detections = decided(&scores(&values), audio, &parameters);
        for detection in &detections {
            prop_assert!(detection.start < detection.end && detection.end <= audio);
            prop_assert!(0.0 < detection.mean && detection.mean <= detection.peak && detection.peak <= 1.0);
            prop_assert!(detection.peak >= sigmoid(parameters.onset_threshold));
        }
        prop_assert!(detections.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn a_lower_threshold_never_covers_less(values in proptest::collection::vec(-3.0..3.0f32, 0..300)) {
        let unlimited = DetectionParameters { max_duration_seconds: 1e9, padding_seconds: 0.0, ..DetectionParameters::default() };
        let covered = |onset_threshold: f32| -> u128 {
            found_with(&values, &unlimited.clone().with_onset(onset_threshold)).iter().map(|(start, end)| end - start).sum()
        };
        prop_assert!(covered(-0.5) >= covered(0.25) && covered(0.25) >= covered(1.0));
    }
}

/// A day-long run that is always split as close to one end as possible: the worst case, quadratic with a linear scan.
#[test]
fn splitting_a_day_of_laughter_takes_less_than_five_seconds() {
    let rising: Vec<f32> = (0..180_000).map(|i| 1.0 + i as f32 * 1e-4).collect();
    let begun = std::time::Instant::now();
    let day = Duration::from_secs(24 * 3600);
    assert!(decided(&scores(&rising), day, &DetectionParameters::default()).len() > 1_000);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
