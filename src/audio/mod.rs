//! Finds recordings, determines their start times, and decodes them to 16 kHz mono.
//!
//! Invariant: does not depend on the network, only on its sampling rate; returns samples and times.

use std::time::Duration;

pub mod content;
pub mod decode;
pub mod discover;
pub mod ffmpeg;
mod file_kind;
pub mod file_stamp;
pub mod normalize;
pub mod resample;
pub mod speed;
pub mod timestamps;
mod waveform;
pub mod window;
pub mod zone;

pub use waveform::{Waveform, probe};

/// The duration of `samples` at `rate` Hz, rounded down to nanoseconds.
pub fn duration(samples: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    let nanos = u128::from(samples % rate) * 1_000_000_000 / u128::from(rate);
    Duration::new(samples / rate, nanos as u32)
}
