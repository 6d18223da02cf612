//! The front end: 16 kHz samples to log-mel frames.
//!
//! ```text
//! samples -> windows of 400, every 160 -> Hann -> 512-point FFT -> magnitude -> 64 mel bands -> ln(x + 0.001)
//! ```
//!
//! As `features.py` of tensorflow/models computes it.
//!
//! Invariant: imports `kernels` (vector lanes, CPU paths) and `params`, not `model`; safe code.

mod fft;
mod framing;
mod log;
mod mel;

pub use framing::{frames_in_patches, padded_length, patch_count, samples_in_patches};
pub use mel::FrontEnd;
pub(crate) use mel::silence;
