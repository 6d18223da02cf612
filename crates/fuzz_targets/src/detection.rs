//! Any logits under any rules: laughs that are in order, apart, inside the recording, and numbers.

use std::time::Duration;

use giggles::audio::normalize::Normalizer;
use giggles::detect::{CandidateCollector, LogitSmoother, detections};
use giggles::domain::{Detection, DetectionParameters};

use crate::Numbers;

/// AudioSet's classes.
const CLASSES: usize = 521;
/// Enough for every edge of the decision.
const MOST_PATCHES: usize = 4_000;

/// Rules, the recording's length, then two logits and a class a patch.
pub fn detection(bytes: &[u8]) {
    let mut numbers = Numbers(bytes);
    let parameters = any_rules(&mut numbers);
    let shorter = Duration::from_millis(u64::from(numbers.byte()) * 10);
    let (mut smoother, mut collector) = (LogitSmoother::new(&parameters), CandidateCollector::new(&parameters));
    let (mut logits, mut patches) = ([-12.0; CLASSES], 0);
    while !numbers.is_empty() && patches < MOST_PATCHES {
        let (laughter, other, class) = (number(&mut numbers), number(&mut numbers), numbers.byte());
        logits[13..19].fill(laughter);
        logits[19 + usize::from(class) % 48] = other;
        for _ in 0..=class / 48 {
            if let Some(score) = smoother.push(&logits) {
                collector.push(&score, None);
            }
            patches += 1;
        }
    }
    if let Some(score) = smoother.last_score() {
        collector.push(&score, None);
    }
    let (track, candidates) = collector.finish();
    assert_eq!(track.len(), patches);
    // A recording ends anywhere in its last patch, or just behind it.
    let audio = (Duration::from_millis(480) * patches as u32 + Duration::from_millis(480)).saturating_sub(shorter);
    check(&detections(&track, &candidates, audio, &parameters), audio);
    level(&parameters, bytes);
}

fn check(detections: &[Detection], audio: Duration) {
    let apart = detections.is_sorted_by(|before, after| before.end <= after.start);
    assert!(apart, "{detections:?}");
    for detection in detections {
        assert!(detection.start < detection.end && detection.end <= audio, "{detection:?} in {audio:?}");
        assert!((13..=18).contains(&detection.class), "{detection:?}");
        let shares = [detection.peak, detection.mean].into_iter().chain(detection.class_scores);
        shares.for_each(|share| assert!((0.0..=1.0).contains(&share), "{detection:?}"));
    }
}

/// Whatever a recording is brought to, it keeps its length and its scale.
fn level(parameters: &DetectionParameters, bytes: &[u8]) {
    let samples: Vec<f32> = bytes.iter().flat_map(|&byte| [f32::from(byte) / 127.5 - 1.0; 40]).collect();
    let (mut normalizer, mut out) = (Normalizer::new(parameters), Vec::new());
    samples.chunks(1 + usize::from(bytes.len() as u8)).for_each(|piece| normalizer.push(piece, &mut out));
    normalizer.finish(&mut out);
    assert_eq!(out.len(), samples.len());
    assert!(out.iter().all(|sample| sample.abs() <= 1.0), "{parameters:?}");
}

/// The first byte says which rules are not the usual ones.
fn any_rules(numbers: &mut Numbers) -> DetectionParameters {
    let changed = numbers.byte();
    let mut parameters = DetectionParameters::default();
    let mut take = |bit: u8, place: &mut f32| {
        if changed & bit != 0 {
            *place = number(numbers);
        }
    };
    let (mut join, mut pad, mut longest) = (1.5, 0.48, 30.0);
    take(1, &mut parameters.onset_threshold);
    take(2, &mut parameters.offset_threshold);
    take(4, &mut join);
    take(8, &mut pad);
    take(16, &mut longest);
    take(32, &mut parameters.other_weight);
    take(32, &mut parameters.logit_floor);
    take(32, &mut parameters.other_floor);
    take(64, &mut parameters.target_loudness_db);
    take(64, &mut parameters.gain_limits_db.0);
    take(64, &mut parameters.gain_limits_db.1);
    (parameters.merge_gap_seconds, parameters.padding_seconds, parameters.max_duration_seconds) =
        (join.into(), pad.into(), longest.into());
    if changed & 128 != 0 {
        parameters.min_patches = [0, 1, 3, 1000, u32::MAX][usize::from(numbers.byte()) % 5];
    }
    parameters
}

/// Mostly a quarter of a logit a step; at the ends of the scale, what no logit should be.
fn number(numbers: &mut Numbers) -> f32 {
    match numbers.byte() {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => f32::MAX,
        4 => f32::MIN,
        5 => f32::from_bits(u32::from_le_bytes(numbers.array())),
        step => (f32::from(step) - 128.0) / 4.0,
    }
}

/// The usual rules and a laugh; a long laugh to be cut; each rule at its worst.
pub fn seeds() -> Vec<Vec<u8>> {
    let laugh = |parameters: &[u8]| {
        let patches = (0..60).flat_map(|i| [if (20..40).contains(&i) { 150 } else { 90 }, 100, 2]);
        parameters.iter().copied().chain([7]).chain(patches).collect()
    };
    let longest = [vec![0, 0], (0..900u32).flat_map(|i| [140 + (i % 9) as u8, 100, 240]).collect()].concat();
    vec![laugh(&[0]), longest, laugh(&[1, 0]), laugh(&[16, 128]), laugh(&[32, 1, 2, 1]), laugh(&[192, 0, 1, 2, 0])]
}
