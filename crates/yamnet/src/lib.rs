//! YAMNet, Google's audio event classifier, on the CPU: 16 kHz mono in, 521 logits every 0.48 s out.
//!
//! A port of the published network (tensorflow/models, `research/audioset/yamnet`) whose scores are within 1e-5 of
//! TensorFlow's on every path. The weights are not part of this crate: a [`Model`] is made from the bytes of a
//! safetensors file, those of the crate `yamnet_weights`, or from the path of such a file.
//!
//! ```
//! use yamnet::params::{EMBEDDING_SIZE, NUM_CLASSES, SAMPLE_RATE};
//! use yamnet::{Cpu, Model, classes, padded_length, patch_count, sigmoid};
//!
//! let model = Model::from_safetensors(yamnet_weights::SAFETENSORS, Cpu::detect())?;
//!
//! // A second of a 2 kHz tone, with zeros up to a whole patch.
//! let phase = |n: u32| std::f32::consts::TAU * 2000.0 * n as f32 / SAMPLE_RATE as f32;
//! let mut samples: Vec<f32> = (0..SAMPLE_RATE).map(|n| 0.5 * phase(n).sin()).collect();
//! samples.resize(padded_length(samples.len() as u64) as usize, 0.0);
//!
//! let logits = model.logits(&samples);
//! assert_eq!(logits.len() as u64, patch_count(u64::from(SAMPLE_RATE)) * NUM_CLASSES as u64);
//! let first_patch = &logits[..NUM_CLASSES];
//! let best = (0..NUM_CLASSES).max_by(|&a, &b| first_patch[a].total_cmp(&first_patch[b])).unwrap();
//! assert_eq!(classes::NAMES[best], "Sine wave");
//! assert!(sigmoid(first_patch[best]) > 0.5);
//!
//! // The same logits, and the 1024 values from which the last layer computes them.
//! let outputs = model.outputs(&samples);
//! assert_eq!(outputs.logits, logits);
//! assert_eq!(outputs.embeddings.len() / EMBEDDING_SIZE, logits.len() / NUM_CLASSES);
//! # Ok::<(), yamnet::ModelError>(())
//! ```
//!
//! | module | what it does | imports |
//! |---|---|---|
//! | [`params`] | the constants | |
//! | [`classes`] | names and ranges of the outputs | `params` |
//! | `aligned` | a buffer that begins at a cache line | |
//! | [`kernels`] | the arithmetic for a CPU; all unsafe code | `params`, `aligned` |
//! | `front_end` | samples to log-mel | `params`, `kernels` |
//! | `model` | weights, layers, log-mel to logits | all of these |
//!
//! What holds: a patch has the same logits and embedding, bit for bit, in any batch, on any thread, and whether or not its neighbours
//! are known. Paths ([`Cpu`]) differ from each other by about 1e-6 in scores.
//!
//! The crate reads no file but the model's, and starts no thread but one that helps to read it.

#![warn(missing_docs, unreachable_pub)]

mod aligned;
pub mod classes;
mod front_end;
pub mod kernels;
mod model;
pub mod params;

pub use front_end::{FrontEnd, frames_in_patches, padded_length, patch_count, samples_in_patches};
pub use kernels::Cpu;
pub use model::{Model, ModelError, Outputs, PREFERRED_BATCH, PREFERRED_BATCH_MULTIPLE, Weights, sigmoid};

/// The published weights, for tests.
#[cfg(test)]
mod test_model {
    use crate::Weights;

    pub(crate) fn bytes() -> &'static [u8] {
        yamnet_weights::SAFETENSORS
    }

    pub(crate) fn weights() -> Weights<'static> {
        Weights::from_safetensors(bytes()).expect("the published model can be read")
    }
}
