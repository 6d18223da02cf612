//! YAMNet as a whole: front end and network with their weights.
//!
//! Source: `yamnet.py` of tensorflow/models. The network is MobileNet v1 (A. G. Howard et al., "MobileNets: Efficient
//! Convolutional Neural Networks for Mobile Vision Applications", 2017) on log-mel patches.
//!
//! Invariant: safe code. The logits of a patch have the same bits in any batch.

mod block;
mod network;
mod overlap;
mod weights;

use std::path::Path;
use std::sync::OnceLock;

pub use network::{PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE};
pub use weights::{ModelError, Weights};

use crate::front_end::{FrontEnd, frames_in_patches, silence};
use crate::kernels::Cpu;
use crate::params::{MEL_BANDS, PATCH_FRAMES, PATCH_HOP_FRAMES};
use network::{Network, PatchHop, patches_in};

/// The score of a class, 0 to 1, from its logit. Classes are independent of each other: this is not a softmax.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// YAMNet with its weights, ready to run. Threads share one by reference.
pub struct Model {
    network: Network,
    front_end: FrontEnd,
    /// Logits of a patch of digital silence, once one has been seen.
    silence_logits: OnceLock<Vec<f32>>,
    cpu: Cpu,
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
    pub fn new(weights: &Weights<'_>, cpu: Cpu) -> Result<Model, ModelError> {
        let (network, front_end) = (Network::new(weights, cpu)?, weights.front_end(cpu)?);
        Ok(Model { network, front_end, silence_logits: OnceLock::new(), cpu })
    }

    /// [`Model::new`] from the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// The bytes are not a safetensors file, or as [`Model::new`].
    pub fn from_safetensors(bytes: &[u8], cpu: Cpu) -> Result<Model, ModelError> {
        Model::new(&Weights::from_safetensors(bytes)?, cpu)
    }

    /// [`Model::new`] from a safetensors file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as [`Model::from_safetensors`].
    pub fn open(path: &Path, cpu: Cpu) -> Result<Model, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
        Model::from_safetensors(&bytes, cpu)
    }

    /// The path in use.
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// Logits `[patches, 521]` of the half-overlapping patches of 16 kHz samples in [-1, 1]: one patch every 7680
    /// samples, as long as 15600 are left. See [`padded_length`](crate::padded_length) for the end of a recording.
    pub fn logits(&self, samples: &[f32]) -> Vec<f32> {
        self.logits_from_frames(&self.log_mel(samples))
    }

    /// Log-mel frames `[frames, 64]` of 16 kHz samples in [-1, 1]: one every 160 samples, as long as 400 are left.
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        self.front_end.log_mel(samples)
    }

    /// Logits `[patches, 521]` of the half-overlapping patches of log-mel frames `[frames, 64]`: one every 48 frames,
    /// as long as 96 are left. Patches of digital silence are computed once per model.
    pub fn logits_from_frames(&self, frames: &[f32]) -> Vec<f32> {
        let hop = PATCH_HOP_FRAMES * MEL_BANDS;
        let silent = |patch: usize| is_silent(&frames[patch * hop..][..PATCH_FRAMES * MEL_BANDS]);
        let patches: Vec<usize> = (0..patches_in(frames, PatchHop::Half)).collect();
        let runs = patches.chunk_by(|&a, &b| silent(a) == silent(b));
        let logits = runs.flat_map(|run| {
            if silent(run[0]) {
                self.silence_logits().repeat(run.len())
            } else {
                let strip = &frames[run[0] * hop..][..frames_in_patches(run.len()) * MEL_BANDS];
                self.network.logits(strip, PatchHop::Half)
            }
        });
        logits.collect()
    }

    /// Logits `[patches, 521]` of separate log-mel patches `[patches, 96, 64]`. They have the same bits as
    /// [`Model::logits_from_frames`] of the same patches; slower, since nothing is shared.
    pub fn logits_from_patches(&self, patches: &[f32]) -> Vec<f32> {
        self.network.logits(patches, PatchHop::Whole)
    }

    fn silence_logits(&self) -> &[f32] {
        self.silence_logits.get_or_init(|| self.logits_from_patches(&[silence(); PATCH_FRAMES * MEL_BANDS]))
    }
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
    use crate::params::NUM_CLASSES;
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
