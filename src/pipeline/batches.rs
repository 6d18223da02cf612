//! The first stages: decodes a recording, normalizes its loudness and cuts it into batches of patches.
//!
//! ```text
//! next():  until a batch is complete or the recording has ended: decode a block, normalize it
//!          return the batch, or the rest of the recording, padded with zeros to a whole patch
//! ```

use std::time::Duration;

use yamnet::params::{PATCH_HOP_SAMPLES, PATCH_SAMPLES};
use yamnet::{PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE, padded_length, samples_in_patches};

use super::AnalyzeError;
use super::buffers::Buffer;
use crate::audio::Waveform;
use crate::audio::normalize::Normalizer;
use crate::domain::DetectionParameters;
use crate::stop::Stop;

/// Consecutive patches, for the network.
#[derive(Debug, Default)]
pub struct Batch {
    /// Normalized samples; the patches overlap.
    pub patches: Buffer,
    /// If requested: the samples that were decoded since the batch before, not normalized. Every sample of a patch is in
    /// its batch or in one before it.
    pub samples: Buffer,
}

/// The batches of one recording, in order.
pub struct Batches<'a> {
    waveform: Waveform,
    batcher: Batcher,
    stop: &'a Stop,
    /// Called with the duration of audio decoded since the last call.
    advanced: &'a dyn Fn(Duration),
    /// The decoded duration that `advanced` was last called with.
    reported: Duration,
    keeps_samples: bool,
    /// Decoded since the last batch, if they are kept.
    samples: Buffer,
}

impl<'a> Batches<'a> {
    pub fn new(
        waveform: Waveform,
        parameters: &DetectionParameters,
        stop: &'a Stop,
        advanced: &'a dyn Fn(Duration),
    ) -> Batches<'a> {
        Batches {
            waveform,
            batcher: Batcher::new(parameters),
            stop,
            advanced,
            reported: Duration::ZERO,
            keeps_samples: false,
            samples: Buffer::default(),
        }
    }

    /// Whether batches carry the decoded samples as well.
    pub fn keep_samples(&mut self, keeps_samples: bool) {
        self.keeps_samples = keeps_samples;
    }

    /// The recording, as far as it is decoded.
    pub fn waveform(&self) -> &Waveform {
        &self.waveform
    }

    /// Decodes the next block. False at the end.
    fn decode(&mut self) -> Result<bool, AnalyzeError> {
        if self.stop.signal().is_some() {
            return Err(AnalyzeError::Stopped);
        }
        let more = self.waveform.next(&mut self.batcher.samples)?;
        if more {
            if self.keeps_samples {
                self.samples.make_room();
                self.samples.extend_from_slice(&self.batcher.samples);
            }
            self.batcher.normalize();
            let before = std::mem::replace(&mut self.reported, self.waveform.decoded());
            (self.advanced)(self.reported.saturating_sub(before));
        }
        Ok(more)
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch, AnalyzeError>;

    fn next(&mut self) -> Option<Result<Batch, AnalyzeError>> {
        while !self.batcher.has_batch() && !self.batcher.ended {
            match self.decode() {
                Ok(true) => (),
                Ok(false) => self.batcher.finish(),
                Err(error) => return Some(Err(error)),
            }
        }
        let patches = self.batcher.batch()?;
        Some(Ok(Batch { patches, samples: std::mem::take(&mut self.samples) }))
    }
}

/// Normalizes samples and cuts them into batches of patches.
struct Batcher {
    normalizer: Option<Normalizer>,
    /// Decoded, not normalized yet.
    samples: Vec<f32>,
    /// Normalized, not scored yet.
    normalized: Buffer,
    /// Number of samples decoded so far.
    decoded: u64,
    ended: bool,
}

impl Batcher {
    fn new(parameters: &DetectionParameters) -> Batcher {
        Batcher {
            normalizer: parameters.normalize.then(|| Normalizer::new(parameters)),
            samples: Vec::new(),
            normalized: Buffer::default(),
            decoded: 0,
            ended: false,
        }
    }

    /// Normalizes the decoded samples.
    fn normalize(&mut self) {
        self.decoded += self.samples.len() as u64;
        self.normalized.make_room();
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
        self.normalized.extend(std::iter::repeat_n(0.0, missing as usize));
        self.ended = true;
    }

    fn has_batch(&self) -> bool {
        self.normalized.len() >= samples_in_patches(PREFERRED_BATCH)
    }

    /// The samples of the next batch of patches; a smaller batch at the end of the recording. Samples that overlap
    /// with the patch after the batch stay in `normalized`.
    fn batch(&mut self) -> Option<Buffer> {
        let past_first = self.normalized.len().checked_sub(PATCH_SAMPLES)?;
        let patches = batch_size(past_first / PATCH_HOP_SAMPLES + 1);
        let rest = self.normalized[patches * PATCH_HOP_SAMPLES..].to_vec();
        let mut batch = std::mem::replace(&mut self.normalized, rest.into());
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

    /// The sum of the samples of each patch: enough to check order and batching.
    fn sums(samples: &[f32]) -> Vec<f32> {
        let starts = (0..=samples.len() - PATCH_SAMPLES).step_by(PATCH_HOP_SAMPLES);
        starts.map(|start| samples[start..start + PATCH_SAMPLES].iter().sum()).collect()
    }

    fn cut(samples: &[f32], by: usize, normalize: bool) -> Vec<f32> {
        let mut batcher = Batcher::new(&DetectionParameters { normalize, ..DetectionParameters::default() });
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
        batches.iter().flat_map(|samples| sums(samples)).collect()
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
    fn batches_carry_every_decoded_sample_and_each_before_it_is_needed() {
        let clip = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg");
        let (mut waveform, mut expected) = (Waveform::open(&clip).unwrap(), Vec::new());
        while waveform.next(&mut expected).unwrap() {}
        let (stop, parameters) = (Stop::default(), DetectionParameters::default());
        let mut batches = Batches::new(Waveform::open(&clip).unwrap(), &parameters, &stop, &|_| ());
        batches.keep_samples(true);
        let (mut samples, mut patches) = (Vec::new(), 0);
        for batch in &mut batches {
            let batch = batch.unwrap();
            samples.extend_from_slice(&batch.samples);
            patches += (batch.patches.len() - PATCH_SAMPLES) / PATCH_HOP_SAMPLES + 1;
            let end = (patches - 1) * PATCH_HOP_SAMPLES + PATCH_SAMPLES;
            assert!(samples.len() >= end.min(expected.len()), "{} samples of {end}", samples.len());
        }
        assert!(samples == expected && patches as u64 == yamnet::patch_count(expected.len() as u64));
        assert_eq!(batches.waveform().decoded(), batches.reported);
    }
}
