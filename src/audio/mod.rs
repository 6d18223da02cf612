//! From a folder to 16 kHz mono: which files, when they began, what they sound like.
//!
//! Invariant: this room does not know YAMNet; it hands out samples and times.

use std::time::Duration;

pub mod clock;
pub mod content;
pub mod decode;
pub mod ffmpeg;
pub mod find;
pub mod growth;
pub mod level;
pub mod resample;
mod waveform;
pub mod window;
pub mod zone;

pub use waveform::{Waveform, probe};

/// The time that `samples` last at `rate` Hz, to the nanosecond below.
pub fn duration(samples: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    let nanos = u128::from(samples % rate) * 1_000_000_000 / u128::from(rate);
    Duration::new(samples / rate, nanos as u32)
}
