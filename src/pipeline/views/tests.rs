//! Views of whole recordings, computed without stretches, against those of the pipeline.

use std::convert::Infallible;
use std::path::Path;

use proptest::prelude::*;
use yamnet::params::NUM_CLASSES;
use yamnet::{Cpu, Model, padded_length};

use super::*;
use crate::audio::Waveform;
use crate::audio::normalize::Normalizer;
use crate::domain::{CANDIDATE_FLOOR, ScoreTrack, reaches};
use crate::pipeline::Analyzer;
use crate::pipeline::stretches::AROUND;
use crate::pool::Pool;
use crate::stop::Stop;

/// The reference: every view of the whole recording, then the median where patches are open.
fn whole(samples: &[f32], scorer: &impl Scorer, parameters: &DetectionParameters) -> Vec<f32> {
    let base = values(samples, scorer, parameters);
    let views: Vec<Vec<f32>> =
        views(parameters).iter().map(|view| of_view(view, samples, scorer, parameters)).collect();
    let is_open = |patch: usize| {
        let around = patch.saturating_sub(AROUND)..(patch + AROUND + 1).min(base.len());
        base[around].iter().any(|v| reaches(*v, CANDIDATE_FLOOR))
    };
    let median = |patch: usize| {
        let mut all: Vec<f32> = views.iter().map(|view| view[patch]).chain([base[patch]]).collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    };
    (0..base.len()).map(|patch| if is_open(patch) { median(patch) } else { base[patch] }).collect()
}

/// v of each patch of a whole signal.
fn values(samples: &[f32], scorer: &impl Scorer, parameters: &DetectionParameters) -> Vec<f32> {
    let mut normalized = Vec::new();
    if parameters.normalize {
        let mut normalizer = Normalizer::new(parameters);
        normalizer.push(samples, &mut normalized);
        normalizer.finish(&mut normalized);
    } else {
        normalized.extend_from_slice(samples);
    }
    normalized.resize(padded_length(samples.len() as u64) as usize, 0.0);
    LogitSmoother::values(&scorer.logits(&normalized), parameters)
}

/// v of a whole view at the centre of each patch of the recording.
fn of_view(view: &View, samples: &[f32], scorer: &impl Scorer, parameters: &DetectionParameters) -> Vec<f32> {
    let length = view.0.output_length(samples.len() as u64);
    let mut changed = Vec::new();
    view.0.change(samples, 0, 0..length, &mut changed);
    let v = values(&changed, scorer, parameters);
    let [numerator, denominator] = ratio(view).map(|number| number as usize);
    let at = |patch: usize| {
        let hops = ((patch + 1) * denominator).saturating_sub(numerator);
        let (before, rest) = (hops / numerator, hops % numerator);
        match v.get(before..before + 2) {
            Some(&[value, next]) if rest > 0 => {
                let share = rest as f32 / numerator as f32;
                value * (1.0 - share) + next * share
            }
            _ => v[before.min(v.len() - 1)],
        }
    };
    (0..patch_count(samples.len() as u64) as usize).map(at).collect()
}

fn ratio(view: &View) -> [u64; 2] {
    let index = VIEWS.iter().position(|one| std::ptr::eq(one, view)).unwrap();
    [[17, 20], [23, 20], [9, 10], [11, 10]][index]
}

/// A network that costs nothing: how much higher than low frequencies a patch has decides whether it is laughter.
struct Brightness;

impl Scorer for Brightness {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        let patches = samples.len().checked_sub(PATCH_SAMPLES).map_or(0, |rest| rest / PATCH_HOP_SAMPLES + 1);
        let mut logits = vec![-12.0; patches * NUM_CLASSES];
        for (patch, logits) in logits.chunks_exact_mut(NUM_CLASSES).enumerate() {
            let samples = &samples[patch * PATCH_HOP_SAMPLES..][..PATCH_SAMPLES];
            let level: f32 = samples.iter().map(|x| x.abs()).sum();
            let change: f32 = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
            logits[13] = 5.0 * (9.0 * change / level.max(1e-3)).sin() - 8.0;
        }
        logits
    }
}

/// Tones and pauses: pitch in units of 100 Hz, 0 for a pause, and duration in units of 10 ms.
fn sound(parts: &[(u16, u16)], rest: usize) -> Vec<f32> {
    let mut samples = Vec::new();
    for &(pitch, duration) in parts {
        let step = f32::from(pitch) * 100.0 * std::f32::consts::TAU / 16_000.0;
        samples.extend((0..usize::from(duration) * 160).map(|i| 0.1 * (i as f32 * step).sin()));
    }
    samples.truncate(samples.len().saturating_sub(rest));
    samples
}

/// The batches of a recording: `sizes` patches each, over and over, and the samples up to their end and `ahead` more.
fn batches(
    samples: &[f32],
    sizes: &[usize],
    ahead: usize,
    parameters: &DetectionParameters,
) -> Vec<(Vec<f32>, Vec<f32>)> {
    let mut normalized = Vec::new();
    let mut normalizer = Normalizer::new(parameters);
    if parameters.normalize {
        normalizer.push(samples, &mut normalized);
        normalizer.finish(&mut normalized);
    } else {
        normalized.extend_from_slice(samples);
    }
    normalized.resize(padded_length(samples.len() as u64) as usize, 0.0);
    let (count, mut first, mut given, mut batches) = (patch_count(samples.len() as u64) as usize, 0, 0, Vec::new());
    for size in sizes.iter().cycle() {
        if first == count {
            break;
        }
        let size = (*size).min(count - first);
        let start = first * PATCH_HOP_SAMPLES;
        let end = start + samples_in_patches(size);
        let arrived = if first + size == count { samples.len() } else { (end + ahead).min(samples.len()) };
        batches.push((normalized[start..end].to_vec(), samples[given..arrived.max(given)].to_vec()));
        (first, given) = (first + size, arrived.max(given));
    }
    batches
}

/// v and the samples as `decide` gives them, and the length of each stretch.
fn decided(
    batches: Vec<(Vec<f32>, Vec<f32>)>,
    scorer: &impl Scorer,
    parameters: &DetectionParameters,
) -> (Vec<f32>, Vec<f32>, Vec<usize>) {
    let (mut v, mut samples, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    let total: usize = batches.iter().map(|(_, samples)| samples.len()).sum();
    let score = |(patches, samples): (Vec<f32>, Vec<f32>)| Scored {
        outputs: scorer.outputs(&patches),
        samples: samples.into(),
    };
    let decided = in_order(batches.into_iter().map(Ok::<_, Infallible>), score, |scored| {
        decide(scored, scorer, (parameters, true), |stretch| {
            samples.extend(&stretch.samples);
            lengths.push(stretch.patches.len());
            v.extend(stretch.patches.iter().map(|patch| patch.score.v));
            assert!(samples.len() >= samples_in_patches(v.len()).min(total), "clips lack samples");
        })
    });
    let Ok(()) = decided;
    (v, samples, lengths)
}

fn model() -> Model {
    Model::from_safetensors(yamnet_weights::SAFETENSORS, Cpu::detect()).unwrap()
}

fn recording(name: &str) -> Vec<f32> {
    let (mut waveform, mut samples) = (Waveform::open(&fixture(name)).unwrap(), Vec::new());
    while waveform.next(&mut samples).unwrap() {}
    samples
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The bits of values, so that those that are no numbers are equal too.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever the batches are, and however far the samples are ahead of the scores.
    #[test]
    fn stretches_give_the_values_of_the_whole_recording(
        parts in proptest::collection::vec((prop_oneof![Just(0_u16), 3_u16..60], 5_u16..400), 0..7), rest in 0_usize..1600,
        sizes in proptest::collection::vec(1_usize..40, 1..5), ahead in 0_usize..100_000,
        count in prop_oneof![Just(1_u8), Just(3), Just(5)], normalize: bool,
    ) {
        let parameters = DetectionParameters { views: count, normalize, ..DetectionParameters::default() };
        let samples = sound(&parts, rest);
        let expected = whole(&samples, &Brightness, &parameters);
        let (v, passed, _) = decided(batches(&samples, &sizes, ahead, &parameters), &Brightness, &parameters);
        prop_assert_eq!(bits(&v), bits(&expected));
        prop_assert_eq!(passed, samples);
    }
}

#[test]
fn the_values_do_not_depend_on_threads() {
    let parameters = DetectionParameters::default();
    let parts: Vec<(u16, u16)> = (0..40).map(|i| (i * 37 % 60 * (i % 3 % 2), 40 + i * 61 % 300)).collect();
    let samples = sound(&parts, 77);
    let expected = whole(&samples, &Brightness, &parameters);
    for threads in [1, 2, 8] {
        let pool = Pool::new(threads).unwrap();
        let line = |_: &()| decided(batches(&samples, &[36], 40_000, &parameters), &Brightness, &parameters).0;
        let lines = pool.map(&[(); 3], |_| 0, line, |_, panic| panic!("{panic}"));
        assert!(lines.iter().all(|v| bits(v) == bits(&expected)), "{threads} threads");
    }
}

#[test]
fn a_recording_that_is_open_everywhere_is_scored_in_short_stretches() {
    struct Laughter;
    impl Scorer for Laughter {
        fn logits(&self, samples: &[f32]) -> Vec<f32> {
            let patches = (samples.len() - PATCH_SAMPLES) / PATCH_HOP_SAMPLES + 1;
            assert!(patches <= 36, "{patches} patches at a time");
            vec![1.0; patches * NUM_CLASSES]
        }
    }
    let parameters = DetectionParameters::default();
    let samples = vec![0.01; 16_000 * 90];
    let (v, _, lengths) = decided(batches(&samples, &[36, 7], 40_000, &parameters), &Laughter, &parameters);
    assert_eq!(v.len() as u64, patch_count(samples.len() as u64));
    assert!(lengths.iter().all(|length| (12..=24).contains(length)), "{lengths:?}");
}

#[test]
fn only_what_may_be_a_candidate_has_an_embedding() {
    let parameters = DetectionParameters::default();
    let samples = recording("clips/laugh_male_scratch1.flac");
    let speech = recording("clips/speech_it.flac");
    let (samples, model) = ([&speech[..], &samples[..], &speech[..]].concat(), model());
    let score = |(patches, samples): (Vec<f32>, Vec<f32>)| {
        Ok::<_, Infallible>(Scored { outputs: model.outputs(&patches), samples: samples.into() })
    };
    let mut scored = batches(&samples, &[36], 40_000, &parameters).into_iter().map(score);
    let mut patches = Vec::new();
    let Ok(()) = decide(&mut scored, &model, (&parameters, true), |stretch| patches.extend(stretch.patches));
    let kept = patches.iter().filter(|patch| patch.embedding.is_some()).count();
    assert!(kept > 5 && kept < patches.len() / 2, "{kept} of {}", patches.len());
    for patch in &patches {
        assert!(patch.embedding.is_some() || !reaches(patch.score.v, CANDIDATE_FLOOR));
    }
    // The embedding of a patch is its own: of the same place in the outputs of the whole recording.
    let whole = batches(&samples, &[10_000], 0, &parameters).remove(0).0;
    let outputs = model.outputs(&whole);
    for (patch, embedding) in patches.iter().zip(outputs.embeddings.chunks_exact(yamnet::params::EMBEDDING_SIZE)) {
        assert!(patch.embedding.as_deref().is_none_or(|kept| kept == embedding));
    }
}

#[test]
fn an_analysis_gives_the_values_of_whole_views() {
    let (model, stop) = (model(), Stop::default());
    for (name, count) in
        [("clips/laugh_male_scratch1.flac", 5), ("golden/audio/short.flac", 3), ("clips/cry_baby_scratch.flac", 3)]
    {
        let parameters = DetectionParameters { views: count, ..DetectionParameters::default() };
        let analyzer = Analyzer {
            scorer: &model,
            parameters: &parameters,
            personal: None,
            ffmpeg: None,
            stop: &stop,
            advanced: &|_| (),
        };
        let mut track = ScoreTrack::default();
        let expected: Vec<f32> =
            whole(&recording(name), &model, &parameters).into_iter().map(|v| track.push(v)).collect();
        assert_eq!(analyzer.analyze(&fixture(name), None).unwrap().track.values(), expected, "{name}");
    }
}

#[test]
fn a_view_takes_the_edge_values_outside_of_its_patches() {
    let view = &VIEWS[1];
    assert_eq!(ratio(view), [23, 20]);
    assert_eq!(view.place(0, 9), (0, 0), "the first centre is before the view's");
    assert_eq!(view.place(1, 9), (0, 17), "2 / 1.15 hops from the start: 17 / 23 behind the first centre");
    assert_eq!(view.place(22, 20), (19, 0));
    assert_eq!(view.place(29, 20), (19, 0));
}
