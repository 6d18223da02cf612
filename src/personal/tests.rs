//! Guard rails of the personal score, on synthetic embeddings: each is a promise of docs/personal.md.

use std::time::{Duration, Instant};

use super::*;
use crate::domain::DetectionParameters;

/// Kinds of sounds that recur; the first half are laughs.
const KINDS: usize = 8;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    /// 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, deviation 1: the sum of 12 even numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// One sound of a kind.
#[derive(Clone)]
struct Sound {
    verdict: Verdict,
    v: f32,
    embedding: Embedding,
}

/// A sound whose root embedding is that of its kind plus noise.
fn sound(kind: usize, noise: f64, dice: &mut Dice) -> Sound {
    let mut of_kind = Dice(kind as u64 + 1);
    let values = std::array::from_fn(|_| {
        let root = of_kind.normal() + noise * dice.normal();
        root.max(0.0).powi(2) as f32
    });
    let verdict = if kind < KINDS / 2 { Verdict::Confirmed } else { Verdict::Rejected };
    let v = (-0.5 + dice.normal()) as f32;
    Sound { verdict, v, embedding: Embedding::new(&values) }
}

/// Sounds of all kinds, in turn.
fn sounds(count: usize, seed: u64) -> Vec<Sound> {
    let mut dice = Dice(seed);
    (0..count).map(|i| sound(i % KINDS, 1.5, &mut dice)).collect()
}

fn evidence(sounds: &[Sound]) -> Evidence {
    let reviews = sounds.iter().zip(1..).map(|(sound, id)| (id, sound.verdict, sound.embedding.clone())).collect();
    Evidence { reviews, reference: sounds.iter().map(|sound| sound.embedding.clone()).collect() }
}

fn shift(model: &PersonalModel, sound: &Sound) -> f32 {
    model.score(&sound.embedding).shift
}

/// F1 of the sounds with at least the onset threshold.
fn f1(model: Option<&PersonalModel>, sounds: &[Sound]) -> f64 {
    let onset = DetectionParameters::default().onset_threshold;
    let shown = |sound: &&Sound| sound.v + model.map_or(0.0, |model| shift(model, sound)) >= onset;
    let laughs = sounds.iter().filter(|sound| sound.verdict == Verdict::Confirmed).count();
    let all_shown = sounds.iter().filter(shown).count();
    let found = sounds.iter().filter(shown).filter(|sound| sound.verdict == Verdict::Confirmed).count();
    2.0 * found as f64 / (laughs + all_shown) as f64
}

fn flipped(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Confirmed => Verdict::Rejected,
        Verdict::Rejected => Verdict::Confirmed,
    }
}

#[test]
fn the_score_is_the_formula() {
    // Two statistics by hand: sqrt(e) is 0 or 2 in the first value, 1 in all others.
    let embedding = |first: f32| Embedding::new(&std::array::from_fn(|i| if i == 0 { first } else { 1.0 }));
    let all: Vec<Embedding> = (0..LEAST_REFERENCE).map(|i| embedding(if i % 2 == 0 { 0.0 } else { 4.0 })).collect();
    let statistics = EmbeddingStatistics::new(&all);
    let z = statistics.standardize(&embedding(4.0));
    let divisor = 1.0 + FLOORS;
    assert!((z[0] - 1.0 / divisor).abs() < 1e-12 && z[1..].iter().all(|&z| z == 0.0), "{z:?}");
    // Every stretch is the same or the opposite: cosines of 1 and -1.
    let reviews = (0..40).map(|i| {
        let verdict = if i % 2 == 0 { Verdict::Confirmed } else { Verdict::Rejected };
        (i, verdict, embedding(if i % 2 == 0 { 0.0 } else { 4.0 }))
    });
    let model = PersonalModel::new(&Evidence { reviews: reviews.collect(), reference: all }).unwrap();
    let score = model.score(&embedding(0.0));
    assert!((score.shift - 8.0 * 0.7).abs() < 1e-5, "{score:?}");
    assert_eq!(score.confirmed.iter().map(|neighbour| neighbour.review).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(score.confirmed.iter().all(|neighbour| (neighbour.similarity - 1.0).abs() < 1e-6));
    assert_eq!(score.rejected, []);
    // Exactly the mean: like nothing.
    assert_eq!(model.score(&embedding(1.0)), PersonalScore::default());
}

/// 0.05 * mean of (1, 0, 0, ...) + 0.001.
const FLOORS: f64 = 0.05 / EMBEDDING_SIZE as f64 + 0.001;

#[test]
fn fewer_than_thirty_reviews_or_ten_of_each_change_nothing() {
    let model = |confirmed: usize, rejected: usize| {
        let all = sounds(400, 1);
        let of = |verdict, count| all.iter().filter(move |sound| sound.verdict == verdict).take(count).cloned();
        let chosen: Vec<Sound> = of(Verdict::Confirmed, confirmed).chain(of(Verdict::Rejected, rejected)).collect();
        PersonalModel::new(&evidence(&chosen)).is_some()
    };
    assert!(!model(0, 0) && !model(14, 15) && !model(100, 9) && !model(9, 100));
    assert!(model(15, 15) && model(20, 10) && model(10, 20));
}

#[test]
fn reviews_raise_f1() {
    let (reviewed, judged) = (sounds(80, 2), sounds(2000, 3));
    let model = PersonalModel::new(&evidence(&reviewed)).unwrap();
    let (without, with) = (f1(None, &judged), f1(Some(&model), &judged));
    assert!(with > without + 0.1, "{without} to {with}");
}

#[test]
fn one_verdict_in_ten_wrong_costs_at_most_half_the_gain() {
    for seed in 10..15 {
        let (mut reviewed, judged) = (sounds(80, seed), sounds(2000, 3));
        let without = f1(None, &judged);
        let right = f1(PersonalModel::new(&evidence(&reviewed)).as_ref(), &judged);
        reviewed
            .iter_mut()
            .skip(seed as usize % 10)
            .step_by(10)
            .for_each(|sound| sound.verdict = flipped(sound.verdict));
        let wrong = f1(PersonalModel::new(&evidence(&reviewed)).as_ref(), &judged);
        assert!(wrong - without >= (right - without) / 2.0, "{without}, {right}, with wrong ones {wrong}");
    }
}

#[test]
fn a_thousand_identical_verdicts_neither_silence_nor_open_everything() {
    let judged = sounds(400, 3);
    let unknown: Vec<Sound> = (0..100).map(|i| sound(KINDS + i % 20, 1.5, &mut Dice(i as u64 + 99))).collect();
    for verdict in [Verdict::Confirmed, Verdict::Rejected] {
        // 1000 times the same sound, and 10 sounds with the other verdict.
        let (one, mut reviewed) = (sounds(KINDS, 4), sounds(80, 2));
        let same = one.iter().find(|sound| sound.verdict == verdict).unwrap();
        reviewed.retain(|sound| sound.verdict != verdict);
        reviewed.truncate(LEAST_OF_EACH);
        let before = reviewed.len();
        reviewed.extend(std::iter::repeat_n(same, 1000).cloned());
        let mut evidence = evidence(&reviewed);
        evidence.reference = judged.iter().map(|sound| sound.embedding.clone()).collect();
        let model = PersonalModel::new(&evidence).unwrap();
        let untouched = unknown.iter().filter(|sound| shift(&model, sound).abs() < 0.5).count();
        assert!(untouched >= 95, "{verdict:?}: {untouched} of 100 unknown sounds keep their value");
        // Three of the same say as much as a thousand.
        evidence.reviews.truncate(before + 20);
        let fewer = PersonalModel::new(&evidence).unwrap();
        for sound in &judged {
            assert_eq!(shift(&fewer, sound), shift(&model, sound));
        }
    }
}

#[test]
fn the_shift_is_bounded() {
    let model = PersonalModel::new(&evidence(&sounds(80, 2))).unwrap();
    let most = WEIGHT * (1.0 - LEAST_SIMILARITY) + 1e-5;
    assert!(sounds(200, 5).iter().all(|sound| shift(&model, sound).abs() <= most));
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0].map(|e| Embedding::new(&[e; EMBEDDING_SIZE]));
    assert!(odd.iter().all(|e| model.score(e).shift.is_finite()));
}

#[test]
fn the_order_of_the_evidence_does_not_matter() {
    let mut evidence = evidence(&sounds(300, 2));
    let judged = sounds(50, 3);
    let scores = |evidence: &Evidence| -> Vec<PersonalScore> {
        let model = PersonalModel::new(evidence).unwrap();
        judged.iter().map(|sound| model.score(&sound.embedding)).collect()
    };
    let expected = scores(&evidence);
    evidence.reviews.reverse();
    evidence.reference.rotate_left(123);
    assert_eq!(scores(&evidence), expected);
}

#[test]
fn evidence_that_is_consumed_gives_the_same_model() {
    for (reviews, references) in [(80, 80), (300, 300), (29, 300)] {
        let evidence =
            Evidence { reference: evidence(&sounds(references, 5)).reference, ..evidence(&sounds(reviews, 2)) };
        let scores = |model: Option<PersonalModel>| {
            model.map(|model| sounds(40, 3).iter().map(|sound| model.score(&sound.embedding)).collect::<Vec<_>>())
        };
        assert_eq!(scores(PersonalModel::consuming(evidence.clone())), scores(PersonalModel::new(&evidence)));
    }
}

#[test]
fn without_its_reviews_a_source_is_as_before() {
    let mut evidence = evidence(&sounds(80, 2));
    assert!(PersonalModel::new(&evidence).is_some());
    evidence.reviews.clear();
    assert!(PersonalModel::new(&evidence).is_none());
}

/// The same values on every machine: computed once, on x86-64.
#[test]
fn the_bits_are_the_same_everywhere() {
    let model = PersonalModel::new(&evidence(&sounds(300, 2))).unwrap();
    let bits = sounds(KINDS, 3).iter().map(|sound| shift(&model, sound).to_bits()).collect::<Vec<_>>();
    assert_eq!(bits, [1_056_226_027, 1_042_254_048, 0, 0, 0, 0, 3_183_606_379, 0]);
}

#[test]
fn a_day_of_candidates_against_a_thousand_reviews_takes_less_than_five_seconds() {
    let model = PersonalModel::new(&evidence(&sounds(1000, 2))).unwrap();
    let day = sounds(300, 3);
    let started = Instant::now();
    assert!(day.iter().any(|sound| shift(&model, sound) != 0.0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn statistics_are_read_as_they_are_written() {
    let shipped = EmbeddingStatistics::shipped();
    assert_eq!(shipped.to_bytes(), include_bytes!("../../models/embedding_statistics.bin"));
    let own = EmbeddingStatistics::new(&sounds(1, 1).iter().map(|one| one.embedding.clone()).collect::<Vec<_>>());
    assert!(own.to_bytes()[4 * EMBEDDING_SIZE..].iter().all(|&byte| byte == 0), "one embedding does not deviate");
    assert_eq!(EmbeddingStatistics::new(&[]).to_bytes(), [0; 8 * EMBEDDING_SIZE]);
}
