//! YAMNet: 16 kHz mono in, 521 logits every 0.48 s out.
//!
//! `mel` is the front end over the transform of `fft`, several frames in the `lanes` of a vector, and a `logarithm`.
//! `weights` reads and folds the published model. `net` is the network as a list of layers, of a `block`
//! each, the first ones shared by patches that `overlap`. `kernels` does the arithmetic, on floats that are
//! `aligned`. `classes` names what is heard.
//!
//! Invariant: this room does not know files, days or laughs, and starts no thread but one that helps to read a model.
//! The logits of a patch are bit-equal whatever batch it falls into.
//!
//! Source of every constant: Google's YAMNet (tensorflow/models, research/audioset/yamnet); see
//! models/README.md.

mod aligned;
mod block;
pub mod classes;
mod fft;
pub mod kernels;
mod lanes;
mod logarithm;
pub mod mel;
pub mod net;
mod overlap;
pub mod weights;

pub use net::Model;
pub use weights::ModelError;

/// Sampling rate of everything the model hears, Hz.
pub const SAMPLE_RATE: u32 = 16_000;
/// Samples in an analysis frame (25 ms).
pub const FRAME: usize = 400;
/// Samples from one frame to the next (10 ms).
pub const FRAME_HOP: usize = 160;
/// Mel bands: the width of a patch.
pub const BANDS: usize = 64;
/// Frames in a patch (0.96 s): its height.
pub const PATCH: usize = 96;
/// Frames from one patch to the next (0.48 s).
pub const PATCH_HOP: usize = 48;
/// Samples that the first patch needs.
pub const PATCH_SAMPLES: usize = FRAME + (PATCH - 1) * FRAME_HOP;
/// Samples from one patch to the next.
pub const PATCH_HOP_SAMPLES: usize = PATCH_HOP * FRAME_HOP;
/// AudioSet classes: the length of a row of logits.
pub const CLASSES: usize = 521;

/// Frames that `patches` half-overlapping patches cover; 0 for none.
pub const fn frames_of(patches: usize) -> usize {
    if patches == 0 { 0 } else { PATCH + (patches - 1) * PATCH_HOP }
}

/// Score of a class, 0 to 1, from its logit. Classes are independent: this is no softmax.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Samples that `patches` half-overlapping patches cover; 0 for none.
pub const fn samples_of(patches: usize) -> usize {
    if patches == 0 { 0 } else { PATCH_SAMPLES + (patches - 1) * PATCH_HOP_SAMPLES }
}

/// Whatever turns samples into logits: the real network, or a fake in tests.
pub trait Scorer: Sync {
    /// `samples` at 16 kHz, as many as [`samples_of`] some number of patches. Returns [`CLASSES`] logits a
    /// patch, in order.
    fn logits(&self, samples: &[f32]) -> Vec<f32>;
}
