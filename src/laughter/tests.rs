//! The decision, step by step, and what always holds of its events.

use proptest::prelude::*;
use yamnet::params::NUM_CLASSES;

use super::*;

fn scores(values: &[f32]) -> Vec<Score> {
    values.iter().map(|&v| Score { v, laughter: [sigmoid(v), 0.1, 0.0, 0.0, 0.0, 0.0] }).collect()
}

/// Start and end in milliseconds under the default rules; the recording ends well after the scores.
fn found(values: &[f32]) -> Vec<(u128, u128)> {
    found_under(values, &Rules::default())
}

fn found_under(values: &[f32], rules: &Rules) -> Vec<(u128, u128)> {
    let audio = PATCH_HOP * (values.len() as u32 + 4);
    events(&scores(values), audio, rules).iter().map(|e| (e.start.as_millis(), e.end.as_millis())).collect()
}

fn logits(set: &[(usize, f32)]) -> Vec<f32> {
    let mut logits = vec![-12.0; NUM_CLASSES];
    set.iter().for_each(|&(class, value)| logits[class] = value);
    logits
}

fn weighed(patches: &[Vec<f32>]) -> Vec<f32> {
    let rules = Rules::default();
    let mut weigher = Weigher::new(&rules);
    for patch in patches {
        weigher.push(patch);
    }
    weigher.finish().iter().map(|score| score.v).collect()
}

#[test]
fn laughter_is_weighed_against_the_loudest_other_human_sound() {
    // 2 - 0.75 * max(-6, 1): a cry (19) as loud as that takes most of it.
    assert_eq!(weighed(&[logits(&[(13, 2.0), (19, 1.0)])]), [1.25]);
    // Nothing else is heard: the other counts as -6.
    assert_eq!(weighed(&[logits(&[(16, -3.0)])]), [1.5]);
    // Speech and music do not count.
    assert_eq!(weighed(&[logits(&[(16, -3.0), (0, 5.0), (132, 5.0)])]), [1.5]);
}

#[test]
fn logits_are_floored_then_averaged_over_three_patches() {
    let (loud, quiet) = (logits(&[(13, 2.0)]), logits(&[(13, -50.0)]));
    let v = weighed(&[quiet.clone(), loud, quiet.clone(), quiet]);
    assert_eq!(v, [0.5, -1.5, -1.5, -5.5]);
}

#[test]
fn an_event_needs_a_high_patch_and_reaches_as_far_as_low() {
    assert_eq!(found(&[-1.0, -0.4, 0.2, -0.4, -1.0]), []);
    // Patches 1 to 3: 0.48 + 0.48 - 0.24 - 0.48 to 1.44 + 0.48 + 0.24 + 0.48.
    assert_eq!(found(&[-1.0, -0.4, 0.3, -0.4, -1.0]), [(240, 2640)]);
}

#[test]
fn one_patch_is_no_event() {
    assert_eq!(found(&[-1.0, 3.0, -1.0]), []);
    assert_eq!(found_under(&[-1.0, 3.0, -1.0], &Rules { min_patches: 1, ..Rules::default() }), [(240, 1680)]);
}

#[test]
fn gaps_up_to_a_second_and_a_half_are_joined() {
    let low = -2.0;
    // Three patches of gap are 1.44 s, four are 1.92 s.
    assert_eq!(found(&[1.0, 1.0, low, low, low, 1.0, 1.0]).len(), 1);
    assert_eq!(found(&[1.0, 1.0, low, low, low, low, 1.0, 1.0]).len(), 2);
}

#[test]
fn a_long_event_is_cut_where_it_is_lowest() {
    let mut values = vec![1.0; 80];
    values[30] = 0.0;
    // 38.4 s: cut before patch 30, whose half second begins at 14.64 s.
    assert_eq!(found(&values), [(0, 14_640), (14_640, 39_120)]);
}

#[test]
fn a_day_of_plateau_is_cut_into_even_pieces() {
    let events = found(&vec![1.0; 640]);
    assert_eq!(events.len(), 16);
    assert!(events.iter().all(|(start, end)| end - start <= 30_000));
}

#[test]
fn an_event_stays_inside_the_recording() {
    let rules = Rules::default();
    let short = Duration::from_millis(300);
    let event = &events(&scores(&[1.0, 1.0]), short, &rules)[0];
    assert_eq!((event.start, event.end), (Duration::ZERO, short));
    assert_eq!(events(&scores(&[-5.0, -5.0, 1.0, 1.0]), short, &rules), []);
}

#[test]
fn an_event_says_how_sure_and_which_class() {
    let mut scores = scores(&[0.3, 1.0]);
    scores[1].laughter[2] = 0.9;
    let event = &events(&scores, Duration::from_secs(9), &Rules::default())[0];
    assert_eq!(event.peak, sigmoid(1.0));
    assert_eq!(event.mean, (sigmoid(0.3) + sigmoid(1.0)) / 2.0);
    assert_eq!((event.class, event.laughter_peaks[2]), (15, 0.9));
}

#[test]
fn the_named_thresholds_are_the_conventions() {
    for (score, v) in [(0.56, 0.25), (0.38, -0.5), (0.73, 1.0)] {
        assert!((logit(score) - v).abs() < 0.02);
        assert!((sigmoid(v) - score).abs() < 0.005);
    }
}

proptest! {
    #[test]
    fn events_are_in_order_disjoint_and_inside(
        values in proptest::collection::vec(-3.0..3.0f32, 0..300),
        pad in 0.0..5.0f64, join in 0.0..4.0f64, longest in 1.0..40.0f64, min_patches in 0..4u32, audio in 0..200_000u64,
    ) {
        let rules = Rules { pad_seconds: pad, join_seconds: join, max_seconds: longest, min_patches, ..Rules::default() };
        let audio = Duration::from_millis(audio);
        let events = events(&scores(&values), audio, &rules);
        for event in &events {
            prop_assert!(event.start < event.end && event.end <= audio);
            prop_assert!(0.0 < event.mean && event.mean <= event.peak && event.peak <= 1.0);
            prop_assert!(event.peak >= sigmoid(rules.hi));
        }
        prop_assert!(events.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn a_lower_threshold_never_hears_less(values in proptest::collection::vec(-3.0..3.0f32, 0..300)) {
        let unlimited = Rules { max_seconds: 1e9, pad_seconds: 0.0, ..Rules::default() };
        let covered = |hi: f32| -> u128 {
            found_under(&values, &Rules { hi, ..unlimited.clone() }).iter().map(|(start, end)| end - start).sum()
        };
        prop_assert!(covered(-0.5) >= covered(0.25) && covered(0.25) >= covered(1.0));
    }
}

/// A day without a break, and each cut falls as near to an end as it may: billions of looks, if each saw all that is left.
#[test]
fn a_day_of_laughter_is_cut_in_no_time() {
    let rising: Vec<f32> = (0..180_000).map(|i| 1.0 + i as f32 * 1e-4).collect();
    let begun = std::time::Instant::now();
    let day = Duration::from_secs(24 * 3600);
    assert!(events(&scores(&rising), day, &Rules::default()).len() > 1_000);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
