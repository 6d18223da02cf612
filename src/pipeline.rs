//! Analyzes one recording, batch by batch. Each stage pulls from the one before it:
//!
//! ```text
//! Batches    file -> Waveform (16 kHz mono) -> Normalizer (loudness) -> batches of patches
//! in_order   batch -> Scorer (logits and embedding per patch), on any thread   -> scored batches, in order
//! Stretches  logits -> LogitSmoother (v per patch) -> stretches of possible laughter, and those between them
//! in_order   stretch -> views: v at other speeds, on any thread -> median -> decided stretches, in order
//! Detector   v per patch -> candidates -> detections; SampleBuffer keeps the samples of clips
//! ```
//!
//! Invariant: the only module that holds samples. Memory is bounded by one batch of patches per thread and a few more,
//! for any recording length. The result does not depend on block sizes, batches or threads.

mod batches;
mod buffers;
mod embedding;
mod stretches;
mod views;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use yamnet::params::NUM_CLASSES;
use yamnet::{Model, Outputs};

use self::batches::{Batch, Batches};
pub use self::buffers::Buffer;
use self::stretches::Stretch;
use self::views::{decide, views};
use crate::audio::Waveform;
use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::SampleBuffer;
use crate::detect::{CandidateCollector, detections};
use crate::domain::{Analyzed, Candidate, DetectionParameters, MissingRanges, RecordingError, ScoreTrack};
use crate::personal::PersonalModel;
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
    /// Logits `[patches, 521]` of `samples` at 16 kHz. The length must be a value of [`yamnet::samples_in_patches`].
    fn logits(&self, samples: &[f32]) -> Vec<f32>;

    /// The same logits, and the embedding of each patch; none of a substitute that has no embeddings.
    fn outputs(&self, samples: &[f32]) -> Outputs {
        Outputs { logits: self.logits(samples), embeddings: Vec::new() }
    }

    /// As [`Scorer::logits`]; the buffer is free as soon as its samples are not needed.
    fn logits_of(&self, samples: Buffer) -> Vec<f32> {
        self.logits(&samples)
    }

    /// As [`Scorer::outputs`]; the buffer is free as soon as its samples are not needed.
    fn outputs_of(&self, samples: Buffer) -> Outputs {
        self.outputs(&samples)
    }
}

impl Scorer for Model {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        Model::logits(self, samples)
    }

    fn outputs(&self, samples: &[f32]) -> Outputs {
        Model::outputs(self, samples)
    }

    fn logits_of(&self, samples: Buffer) -> Vec<f32> {
        self.logits_from_frames(&log_mel(self, samples))
    }

    fn outputs_of(&self, samples: Buffer) -> Outputs {
        self.outputs_from_frames(&log_mel(self, samples))
    }
}

/// The input of the network, which is smaller than the samples.
fn log_mel(model: &Model, samples: Buffer) -> Vec<f32> {
    model.log_mel(&samples)
}

/// Analyzes recordings; the same for all recordings of a run.
pub struct Analyzer<'a, S> {
    pub scorer: &'a S,
    /// Parameters of loudness normalization and detection.
    pub parameters: &'a DetectionParameters,
    /// What the reviews of the source say, if they count.
    pub personal: Option<&'a PersonalModel>,
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

/// A batch after the network.
struct Scored {
    outputs: Outputs,
    /// As in the batch.
    samples: Buffer,
}

impl<S: Scorer> Analyzer<'_, S> {
    /// Analyzes a recording. The sample buffer, if given, keeps the samples that clips of its laughs need.
    pub fn analyze(&self, path: &Path, sample_buffer: Option<&mut SampleBuffer>) -> Result<Analyzed, AnalyzeError> {
        let mut batches = self.open(path)?;
        batches.keep_samples(sample_buffer.is_some() || !views(self.parameters).is_empty());
        let gives_samples = sample_buffer.is_some();
        let mut detector = Detector::new(self.parameters, sample_buffer);
        in_order(
            &mut batches,
            |batch| self.score(batch),
            |scored| decide(scored, self.scorer, (self.parameters, gives_samples), |stretch| detector.push(&stretch)),
        )?;
        let Audio { length, sample_rate, channels, codec, tracks, missing } = audio_properties(batches.waveform());
        let (track, mut candidates) = detector.finish();
        if let Some(personal) = self.personal {
            personal.score_all(&mut candidates);
        }
        let detections = detections(&track, &candidates, length, self.parameters);
        let clips_failed = None;
        Ok(Analyzed {
            audio: length,
            sample_rate,
            channels,
            codec,
            tracks,
            missing,
            track,
            candidates,
            detections,
            clips_failed,
        })
    }

    /// Calls `each` with the 521 logits of every patch, in order, until it breaks. Inside a pool, batches
    /// are scored by any of its threads while this one decodes.
    pub fn each_patch(
        &self,
        path: &Path,
        mut each: impl FnMut(&[f32]) -> ControlFlow<()>,
    ) -> Result<Audio, AnalyzeError> {
        let mut batches = self.open(path)?;
        in_order(
            &mut batches,
            |batch| self.scorer.logits_of(batch.patches),
            |batches| {
                for logits in batches {
                    if logits?.chunks_exact(NUM_CLASSES).try_for_each(&mut each).is_break() {
                        break;
                    }
                }
                Ok::<_, AnalyzeError>(())
            },
        )?;
        Ok(audio_properties(batches.waveform()))
    }

    fn open(&self, path: &Path) -> Result<Batches<'_>, AnalyzeError> {
        let waveform = Waveform::open_with(path, self.ffmpeg)?;
        Ok(Batches::new(waveform, self.parameters, self.stop, self.advanced))
    }

    fn score(&self, batch: Batch) -> Scored {
        Scored { outputs: self.scorer.outputs_of(batch.patches), samples: batch.samples }
    }
}

/// The last stage: collects the candidates, and keeps the samples of their clips.
struct Detector<'b> {
    collector: CandidateCollector,
    sample_buffer: Option<&'b mut SampleBuffer>,
}

impl<'b> Detector<'b> {
    fn new(parameters: &DetectionParameters, sample_buffer: Option<&'b mut SampleBuffer>) -> Detector<'b> {
        Detector { collector: CandidateCollector::new(parameters), sample_buffer }
    }

    fn push(&mut self, stretch: &Stretch) {
        if let Some(sample_buffer) = &mut self.sample_buffer {
            sample_buffer.record(&stretch.samples);
        }
        for patch in &stretch.patches {
            let v = self.collector.push(&patch.score, patch.embedding.as_deref());
            if let Some(sample_buffer) = &mut self.sample_buffer {
                sample_buffer.decide(v);
            }
        }
    }

    fn finish(self) -> (ScoreTrack, Vec<Candidate>) {
        self.collector.finish()
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Unused;

    impl Scorer for Unused {
        fn logits(&self, _: &[f32]) -> Vec<f32> {
            panic!("a batch was scored after a signal")
        }
    }

    #[test]
    fn a_signal_ends_the_analysis() {
        let (stop, parameters) = (Stop::default(), DetectionParameters::default());
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clips/speech_it.flac");
        let analyzer = Analyzer {
            scorer: &Unused,
            parameters: &parameters,
            personal: None,
            ffmpeg: None,
            stop: &stop,
            advanced: &|_| (),
        };
        assert_eq!(analyzer.analyze(&clip, None), Err(AnalyzeError::Stopped));
    }
}
