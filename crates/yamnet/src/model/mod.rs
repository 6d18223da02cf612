//! YAMNet as a whole: front end and network with their weights.
//!
//! Source: `yamnet.py` of tensorflow/models. The network is MobileNet v1 (A. G. Howard et al., "MobileNets: Efficient
//! Convolutional Neural Networks for Mobile Vision Applications", 2017) on log-mel patches.
//!
//! Invariant: safe code. The logits and the embedding of a patch have the same bits in any batch.

mod block;
mod network;
mod overlap;
mod weights;

use std::path::Path;
use std::sync::OnceLock;

pub use network::{PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE};
pub use weights::{ModelError, Weights};

use crate::front_end::{FrontEnd, frames_in_patches, silence};
use crate::kernels::{Cpu, KernelChoice};
use crate::params::{MEL_BANDS, PATCH_FRAMES, PATCH_HOP_FRAMES};
use network::{Network, PatchHop, patches_in};

/// The score of a class, 0 to 1, from its logit. Classes are independent of each other: this is not a softmax.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// What the network computes of patches, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// Logits `[patches, 521]`.
    pub logits: Vec<f32>,
    /// Embeddings `[patches, 1024]`: the input of the last layer, which turns it into the logits.
    pub embeddings: Vec<f32>,
}

/// YAMNet with its weights, ready to run. Threads share one by reference.
pub struct Model {
    network: Network,
    front_end: FrontEnd,
    /// The outputs for a patch of digital silence, once one has been seen.
    silence_outputs: OnceLock<Outputs>,
    kernels: KernelChoice,
}

impl Model {
    /// Folds batch normalization into the weights and packs them for a path.
    ///
    /// # Errors
    ///
    /// A tensor is missing or has another shape than YAMNet's.
    ///
    /// # Panics
    ///
    /// If this machine does not have the path.
    pub fn new(weights: &Weights<'_>, kernels: impl Into<KernelChoice>) -> Result<Model, ModelError> {
        let kernels = kernels.into();
        let (network, front_end) = (Network::new(weights, kernels)?, weights.front_end(kernels.cpu)?);
        Ok(Model { network, front_end, silence_outputs: OnceLock::new(), kernels })
    }

    /// [`Model::new`] from the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// The bytes are not a safetensors file, or as [`Model::new`].
    pub fn from_safetensors(bytes: &[u8], kernels: impl Into<KernelChoice>) -> Result<Model, ModelError> {
        Model::new(&Weights::from_safetensors(bytes)?, kernels)
    }

    /// [`Model::new`] from a safetensors file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as [`Model::from_safetensors`].
    pub fn open(path: &Path, kernels: impl Into<KernelChoice>) -> Result<Model, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
        Model::from_safetensors(&bytes, kernels)
    }

    /// The path in use.
    pub fn cpu(&self) -> Cpu {
        self.kernels.cpu
    }

    /// The path in use, and its tiles.
    pub fn kernels(&self) -> KernelChoice {
        self.kernels
    }

    /// Logits `[patches, 521]` of the half-overlapping patches of 16 kHz samples in [-1, 1]: one patch every 7680
    /// samples, as long as 15600 are left. See [`padded_length`](crate::padded_length) for the end of a recording.
    pub fn logits(&self, samples: &[f32]) -> Vec<f32> {
        self.logits_from_frames(&self.log_mel(samples))
    }

    /// As [`Model::logits`], with the embedding of each patch. The embeddings cost nothing but their memory.
    pub fn outputs(&self, samples: &[f32]) -> Outputs {
        self.outputs_from_frames(&self.log_mel(samples))
    }

    /// As [`Model::logits_from_frames`], with the embedding of each patch.
    pub fn outputs_from_frames(&self, frames: &[f32]) -> Outputs {
        let mut outputs = Outputs::default();
        for run in runs(frames) {
            let run = match run {
                Run::Silent(patches) => self.silence_outputs().repeat(patches),
                Run::Sound(strip) => self.network.outputs(strip, PatchHop::Half),
            };
            if outputs.logits.is_empty() {
                outputs = run;
            } else {
                outputs.logits.extend(run.logits);
                outputs.embeddings.extend(run.embeddings);
            }
        }
        outputs
    }

    /// Log-mel frames `[frames, 64]` of 16 kHz samples in [-1, 1]: one every 160 samples, as long as 400 are left.
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        self.front_end.log_mel(samples)
    }

    /// Logits `[patches, 521]` of the half-overlapping patches of log-mel frames `[frames, 64]`: one every 48 frames,
    /// as long as 96 are left. Patches of digital silence are computed once per model.
    pub fn logits_from_frames(&self, frames: &[f32]) -> Vec<f32> {
        let logits = runs(frames).into_iter().flat_map(|run| match run {
            Run::Silent(patches) => self.silence_outputs().logits.repeat(patches),
            Run::Sound(strip) => self.network.logits(strip, PatchHop::Half),
        });
        logits.collect()
    }

    /// Logits `[patches, 521]` of separate log-mel patches `[patches, 96, 64]`. They have the same bits as
    /// [`Model::logits_from_frames`] of the same patches; slower, since nothing is shared.
    pub fn logits_from_patches(&self, patches: &[f32]) -> Vec<f32> {
        self.network.logits(patches, PatchHop::Whole)
    }

    fn silence_outputs(&self) -> &Outputs {
        let silent = [silence(); PATCH_FRAMES * MEL_BANDS];
        self.silence_outputs.get_or_init(|| self.network.outputs(&silent, PatchHop::Whole))
    }
}

impl Outputs {
    /// The same patches over and over.
    fn repeat(&self, times: usize) -> Outputs {
        Outputs { logits: self.logits.repeat(times), embeddings: self.embeddings.repeat(times) }
    }
}

/// Consecutive patches of log-mel frames.
enum Run<'a> {
    /// So many patches of digital silence.
    Silent(usize),
    /// The frames of patches that are not.
    Sound(&'a [f32]),
}

/// The runs of silent and of other patches in log-mel frames `[frames, 64]`.
fn runs(frames: &[f32]) -> Vec<Run<'_>> {
    let hop = PATCH_HOP_FRAMES * MEL_BANDS;
    let silent: Vec<bool> = (0..patches_in(frames, PatchHop::Half))
        .map(|patch| is_silent(&frames[patch * hop..][..PATCH_FRAMES * MEL_BANDS]))
        .collect();
    let (mut runs, mut first) = (Vec::new(), 0);
    for run in silent.chunk_by(|a, b| a == b) {
        let strip = &frames[first * hop..][..frames_in_patches(run.len()) * MEL_BANDS];
        runs.push(if run[0] { Run::Silent(run.len()) } else { Run::Sound(strip) });
        first += run.len();
    }
    runs
}

/// Whether every band of a patch is that of digital silence.
fn is_silent(patch: &[f32]) -> bool {
    let silence = silence();
    patch.iter().all(|&band| band == silence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::samples_in_patches;
    use crate::kernels::TileRows;
    use crate::params::{EMBEDDING_SIZE, NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};
    use crate::test_model;

    fn model(cpu: Cpu) -> Model {
        Model::new(&test_model::weights(), cpu).unwrap()
    }

    #[test]
    fn a_patch_has_the_same_logits_in_every_batch() {
        let frames: Vec<f32> = (0..frames_in_patches(PREFERRED_BATCH) * MEL_BANDS)
            .map(|i| ((i * 2_654_435_761) % 1000) as f32 / 100.0 - 7.0)
            .collect();
        for cpu in Cpu::available() {
            let model = model(cpu);
            let together = model.logits_from_frames(&frames);
            assert_eq!(together.len(), PREFERRED_BATCH * NUM_CLASSES);
            for patch in 0..PREFERRED_BATCH {
                let start = patch * PATCH_HOP_FRAMES * MEL_BANDS;
                let alone = model.logits_from_frames(&frames[start..][..PATCH_FRAMES * MEL_BANDS]);
                assert_eq!(alone, together[patch * NUM_CLASSES..][..NUM_CLASSES], "{} patch {patch}", cpu.name());
            }
            assert_eq!(model.logits_from_patches(&separate(&frames)), together, "{}", cpu.name());
            // With and without patches left over from sixes.
            for patches in [2, 5, 6, 7, 11, 13] {
                let strip = model.logits_from_frames(&frames[..frames_in_patches(patches) * MEL_BANDS]);
                assert_eq!(strip, together[..patches * NUM_CLASSES], "{} {patches}", cpu.name());
            }
        }
    }

    /// Half-overlapping patches, one after the other.
    fn separate(frames: &[f32]) -> Vec<f32> {
        let starts = (0..patches_in(frames, PatchHop::Half)).map(|patch| patch * PATCH_HOP_FRAMES * MEL_BANDS);
        starts.flat_map(|start| frames[start..start + PATCH_FRAMES * MEL_BANDS].to_vec()).collect()
    }

    #[test]
    fn silence_between_sounds_has_the_logits_of_the_network() {
        let model = model(Cpu::detect());
        let length = samples_in_patches(PREFERRED_BATCH);
        let mut samples: Vec<f32> = (0..length).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        samples[length / 4..length / 2].fill(0.0);
        samples[length * 7 / 8..].fill(0.0);
        let frames = model.log_mel(&samples);
        let patches = separate(&frames);
        let silent = patches.chunks_exact(PATCH_FRAMES * MEL_BANDS).filter(|patch| is_silent(patch)).count();
        assert!((5..15).contains(&silent), "{silent} silent patches");
        assert_eq!(model.logits_from_frames(&frames), model.logits_from_patches(&patches));
        assert_eq!(model.outputs(&samples), model.network.outputs(&patches, PatchHop::Whole));
    }

    #[test]
    fn a_patch_has_the_same_outputs_in_every_batch() {
        let length = samples_in_patches(8);
        let samples: Vec<f32> = (0..length).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        for cpu in Cpu::available() {
            let model = model(cpu);
            let together = model.outputs(&samples);
            assert_eq!(together.logits, model.logits(&samples), "{}", cpu.name());
            assert_eq!(together.embeddings.len(), 8 * EMBEDDING_SIZE);
            for patch in 0..8 {
                let alone = model.outputs(&samples[patch * PATCH_HOP_SAMPLES..][..PATCH_SAMPLES]);
                let expected = &together.embeddings[patch * EMBEDDING_SIZE..][..EMBEDDING_SIZE];
                assert_eq!(alone.embeddings, expected, "{} patch {patch}", cpu.name());
            }
        }
    }

    #[test]
    fn scores_have_the_same_bits_with_every_tile() {
        let samples: Vec<f32> = (0..samples_in_patches(7)).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        for cpu in Cpu::available() {
            let bits = TileRows::ALL.map(|tile_rows| {
                let kernels = KernelChoice { cpu, tile_rows };
                let model = Model::new(&test_model::weights(), kernels).unwrap();
                assert_eq!(model.kernels(), kernels);
                model.logits(&samples).into_iter().map(f32::to_bits).collect::<Vec<u32>>()
            });
            assert_eq!(bits[0].len(), 7 * NUM_CLASSES);
            assert!(bits[0] == bits[1], "{}", cpu.name());
        }
    }

    #[test]
    fn too_few_samples_have_no_patch() {
        let model = model(Cpu::detect());
        assert!(model.logits(&[0.0; 15_599]).is_empty() && model.logits(&[]).is_empty());
        assert_eq!(model.logits(&[0.0; 15_600]).len(), NUM_CLASSES);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = Model::open("no/such/model".as_ref(), Cpu::Portable).err().unwrap();
        assert!(error.to_string().starts_with("no/such/model: "), "{error}");
    }
}
