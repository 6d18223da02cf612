//! Analyzes one recording, block by block.
//!
//! ```text
//! file -> Waveform (16 kHz mono) -> Normalizer (loudness) -> Batcher (batches of patches)
//!      -> Scorer (521 logits per patch, any thread) -> LogitSmoother (v per patch) -> detections
//! ```
//!
//! Invariant: the only module that holds samples. Memory is bounded by one batch of patches per thread and a few more,
//! for any recording length. The result does not depend on block sizes, batches or threads.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use yamnet::params::{NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};
use yamnet::{Model, PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE, padded_length, samples_in_patches};

use crate::audio::Waveform;
use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::normalize::Normalizer;
use crate::clips::SampleBuffer;
use crate::detect::{LogitSmoother, detections};
use crate::domain::{Analyzed, DetectionParameters, MissingRanges, RecordingError};
use crate::pool::in_order;
use crate::stop::Stop;

/// Why a recording was not analyzed to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnalyzeError {
    Failed(RecordingError),
    /// A signal ended the run.
    Stopped,
}

impl From<RecordingError> for AnalyzeError {
    fn from(error: RecordingError) -> Self {
        AnalyzeError::Failed(error)
    }
}

/// Computes logits from samples: the network, or a substitute in tests.
pub trait Scorer: Sync {
    /// Logits `[patches, 521]` of `samples` at 16 kHz. The length must be a value of [`samples_in_patches`].
    fn logits(&self, samples: &[f32]) -> Vec<f32>;
}

impl Scorer for Model {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        Model::logits(self, samples)
    }
}

/// Analyzes recordings; the same for all recordings of a run.
pub struct Analyzer<'a, S> {
    pub scorer: &'a S,
    /// Parameters of loudness normalization and detection.
    pub parameters: &'a DetectionParameters,
    /// Decodes files that no built-in decoder supports.
    pub ffmpeg: Option<&'a Ffmpeg>,
    pub stop: &'a Stop,
    /// Called with the duration of audio decoded since the last call.
    pub advanced: &'a (dyn Fn(Duration) + Sync),
}

/// Properties of a recording that was decoded to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    pub length: Duration,
    pub sample_rate: u32,
    pub channels: u32,
    pub codec: String,
    pub tracks: u32,
    pub missing: MissingRanges,
}

impl<S: Scorer> Analyzer<'_, S> {
    /// Analyzes a recording. The sample buffer, if given, keeps the samples that clips of its laughs need.
    pub fn analyze(&self, path: &Path, sample_buffer: Option<&mut SampleBuffer>) -> Result<Analyzed, AnalyzeError> {
        let (mut smoother, sample_buffer) = (LogitSmoother::new(self.parameters), sample_buffer.map(RefCell::new));
        let record =
            |samples: &[f32]| sample_buffer.iter().for_each(|sample_buffer| sample_buffer.borrow_mut().record(samples));
        let decide = |v: Option<f32>| {
            sample_buffer.iter().zip(v).for_each(|(sample_buffer, v)| sample_buffer.borrow_mut().decide(v))
        };
        let audio = self.score_patches(path, record, |logits| {
            decide(smoother.push(logits));
            ControlFlow::Continue(())
        })?;
        let scores = smoother.finish();
        decide(scores.last().map(|score| score.v));
        let detections = detections(&scores, audio.length, self.parameters);
        let Audio { length, sample_rate, channels, codec, tracks, missing } = audio;
        Ok(Analyzed { audio: length, sample_rate, channels, codec, tracks, missing, detections, clips_failed: None })
    }

    /// Calls `each` with the 521 logits of every patch, in order, until it breaks. Inside a pool, batches
    /// are scored by any of its threads while this one decodes.
    pub fn each_patch(&self, path: &Path, each: impl FnMut(&[f32]) -> ControlFlow<()>) -> Result<Audio, AnalyzeError> {
        self.score_patches(path, |_| (), each)
    }

    /// The same, and passes all samples (16 kHz, mono, not normalized) to `record`, in order, each before any patch
    /// that contains it.
    fn score_patches(
        &self,
        path: &Path,
        record: impl Fn(&[f32]),
        mut each: impl FnMut(&[f32]) -> ControlFlow<()>,
    ) -> Result<Audio, AnalyzeError> {
        let mut waveform = Waveform::open_with(path, self.ffmpeg)?;
        let mut batcher = Batcher::new(self);
        let next = || self.next_batch(&mut waveform, &mut batcher, &record);
        let score = |samples: Vec<f32>| self.scorer.logits(&samples);
        // A break was requested by `each` and is not an error.
        let _ = in_order(next, score, |logits| logits.chunks_exact(NUM_CLASSES).try_for_each(&mut each))?;
        Ok(audio_properties(&waveform))
    }

    /// Decodes until a batch of patches is complete or the recording has ended.
    fn next_batch(
        &self,
        waveform: &mut Waveform,
        batcher: &mut Batcher,
        record: &impl Fn(&[f32]),
    ) -> Result<Option<Vec<f32>>, AnalyzeError> {
        while !batcher.has_batch() && !batcher.ended {
            if self.stop.signal().is_some() {
                return Err(AnalyzeError::Stopped);
            }
            if waveform.next(&mut batcher.samples)? {
                record(&batcher.samples);
                batcher.normalize();
                let before = std::mem::replace(&mut batcher.reported, waveform.decoded());
                (self.advanced)(batcher.reported.saturating_sub(before));
            } else {
                batcher.finish();
            }
        }
        Ok(batcher.batch())
    }
}

fn audio_properties(waveform: &Waveform) -> Audio {
    let info = waveform.info();
    Audio {
        length: waveform.decoded(),
        sample_rate: info.sample_rate,
        channels: info.channels,
        codec: info.codec.clone(),
        tracks: info.tracks,
        missing: waveform.missing(),
    }
}

/// The stages between decoding and scoring: normalizes samples and cuts them into batches of patches.
struct Batcher {
    normalizer: Option<Normalizer>,
    /// Decoded, not normalized yet.
    samples: Vec<f32>,
    /// Normalized, not scored yet.
    normalized: Vec<f32>,
    /// Number of samples decoded so far.
    decoded: u64,
    ended: bool,
    /// The decoded duration that `advanced` was last called with.
    reported: Duration,
}

impl Batcher {
    fn new<S: Scorer>(analyzer: &Analyzer<'_, S>) -> Self {
        Batcher {
            normalizer: analyzer.parameters.normalize.then(|| Normalizer::new(analyzer.parameters)),
            samples: Vec::new(),
            normalized: Vec::new(),
            decoded: 0,
            ended: false,
            reported: Duration::ZERO,
        }
    }

    /// Normalizes the decoded samples.
    fn normalize(&mut self) {
        self.decoded += self.samples.len() as u64;
        match &mut self.normalizer {
            Some(normalizer) => normalizer.push(&self.samples, &mut self.normalized),
            None => self.normalized.extend_from_slice(&self.samples),
        }
        self.samples.clear();
    }

    /// Ends the recording: pads it with zeros to a whole patch, as the reference implementation does.
    fn finish(&mut self) {
        if let Some(normalizer) = &mut self.normalizer {
            normalizer.finish(&mut self.normalized);
        }
        let missing = padded_length(self.decoded) - self.decoded;
        self.normalized.resize(self.normalized.len() + missing as usize, 0.0);
        self.ended = true;
    }

    fn has_batch(&self) -> bool {
        self.normalized.len() >= samples_in_patches(PREFERRED_BATCH)
    }

    /// The samples of the next batch of patches; a smaller batch at the end of the recording. Samples that overlap
    /// with the patch after the batch stay in `normalized`.
    fn batch(&mut self) -> Option<Vec<f32>> {
        let past_first = self.normalized.len().checked_sub(PATCH_SAMPLES)?;
        let patches = batch_size(past_first / PATCH_HOP_SAMPLES + 1);
        let mut rest =
            Vec::with_capacity(2 * samples_in_patches(PREFERRED_BATCH) - samples_in_patches(PREFERRED_BATCH - 1));
        rest.extend_from_slice(&self.normalized[patches * PATCH_HOP_SAMPLES..]);
        let mut batch = std::mem::replace(&mut self.normalized, rest);
        batch.truncate(samples_in_patches(patches));
        Some(batch)
    }
}

/// Size of the next batch, if `left` patches are left. At the end, each batch is half of the rest, so that no thread
/// waits long for the last batch and even a recording of some seconds is shared by two threads.
fn batch_size(left: usize) -> usize {
    if left >= PREFERRED_BATCH {
        PREFERRED_BATCH
    } else {
        left.div_ceil(2).next_multiple_of(PREFERRED_BATCH_MULTIPLE).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_batches_are_multiples_of_six_patches() {
        let parts = |mut left: usize| {
            let next = || {
                let part = (left > 0).then(|| batch_size(left))?;
                left -= part;
                Some(part)
            };
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        assert_eq!(parts(2 * PREFERRED_BATCH + 35), [PREFERRED_BATCH, PREFERRED_BATCH, 18, 12, 5]);
        assert_eq!(parts(10), [6, 4]);
        assert_eq!([parts(0), parts(1), parts(6)], [vec![], vec![1], vec![6]]);
    }

    /// The logits of a patch are the sum of its samples: enough to check order and batching.
    struct Fake;

    impl Scorer for Fake {
        fn logits(&self, samples: &[f32]) -> Vec<f32> {
            let starts = (0..=samples.len() - PATCH_SAMPLES).step_by(PATCH_HOP_SAMPLES);
            let sum = |start: usize| samples[start..start + PATCH_SAMPLES].iter().sum::<f32>();
            starts.flat_map(|start| vec![sum(start); NUM_CLASSES]).collect()
        }
    }

    fn analyzer<'a>(parameters: &'a DetectionParameters, stop: &'a Stop) -> Analyzer<'a, Fake> {
        Analyzer { scorer: &Fake, parameters, ffmpeg: None, stop, advanced: &|_| () }
    }

    fn cut(samples: &[f32], by: usize, normalize: bool) -> Vec<f32> {
        let (stop, parameters) = (Stop::default(), DetectionParameters { normalize, ..DetectionParameters::default() });
        let mut batcher = Batcher::new(&analyzer(&parameters, &stop));
        let mut batches = Vec::new();
        for piece in samples.chunks(by) {
            batcher.samples.extend_from_slice(piece);
            batcher.normalize();
            while batcher.has_batch() {
                batches.extend(batcher.batch());
            }
        }
        batcher.finish();
        batches.extend(std::iter::from_fn(|| batcher.batch()));
        batches.iter().flat_map(|samples| Fake.logits(samples)).step_by(NUM_CLASSES).collect()
    }

    #[test]
    fn patches_do_not_depend_on_block_sizes() {
        let samples: Vec<f32> = (0..400_000i64).map(|i| ((i * 7919 % 2001) as f32 / 1000.0 - 1.0) * 0.1).collect();
        for normalize in [true, false] {
            let whole = cut(&samples, samples.len(), normalize);
            assert_eq!(whole.len() as u64, yamnet::patch_count(400_000));
            for by in [1, 999, PATCH_HOP_SAMPLES, 100_001] {
                assert_eq!(cut(&samples, by, normalize), whole);
            }
        }
    }

    #[test]
    fn a_signal_ends_the_analysis() {
        let stop = Stop::default();
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clips/speech_it.flac");
        assert_eq!(analyzer(&DetectionParameters::default(), &stop).analyze(&clip, None), Err(AnalyzeError::Stopped));
    }
}
