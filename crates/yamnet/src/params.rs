//! The constants of YAMNet, named and documented as in TensorFlow's `params.py`.
//!
//! Source: tensorflow/models, `research/audioset/yamnet/params.py` and `yamnet.py`. Durations are also given in samples
//! and frames, as the code needs them.

use std::time::Duration;

/// Sampling rate of all input, Hz (`sample_rate`).
pub const SAMPLE_RATE: u32 = 16_000;
/// Samples in an STFT window: 25 ms (`stft_window_seconds`).
pub const STFT_WINDOW: usize = 400;
/// Samples from one STFT window to the next: 10 ms (`stft_hop_seconds`).
pub const STFT_HOP: usize = 160;
/// Points of the FFT: the next power of two above [`STFT_WINDOW`].
pub const FFT_LENGTH: usize = 512;
/// Bins of a spectrum, DC to Nyquist.
pub const SPECTRUM_BINS: usize = FFT_LENGTH / 2 + 1;
/// Mel bands (`mel_bands`): the width of a patch.
pub const MEL_BANDS: usize = 64;
/// Lower edge of the lowest mel band, Hz (`mel_min_hz`).
pub const MEL_MIN_HZ: f32 = 125.0;
/// Upper edge of the highest mel band, Hz (`mel_max_hz`).
pub const MEL_MAX_HZ: f32 = 7500.0;
/// Added to a mel energy before the logarithm (`log_offset`).
pub const LOG_OFFSET: f32 = 0.001;
/// Duration of a patch, the input of the network (`patch_window_seconds`).
pub const PATCH_WINDOW: Duration = Duration::from_millis(960);
/// Time from one patch to the next (`patch_hop_seconds`).
pub const PATCH_HOP: Duration = Duration::from_millis(480);
/// Frames in a patch: its height.
pub const PATCH_FRAMES: usize = 96;
/// Frames from one patch to the next.
pub const PATCH_HOP_FRAMES: usize = 48;
/// Samples that one patch is computed from: its last STFT window is longer than a hop.
pub const PATCH_SAMPLES: usize = STFT_WINDOW + (PATCH_FRAMES - 1) * STFT_HOP;
/// Samples from one patch to the next.
pub const PATCH_HOP_SAMPLES: usize = PATCH_HOP_FRAMES * STFT_HOP;
/// AudioSet classes (`num_classes`): logits of a patch.
pub const NUM_CLASSES: usize = 521;
/// Length of the embedding (the mean of the last block over time and frequency).
pub const EMBEDDING_SIZE: usize = 1024;
/// Added to a variance before batch normalization divides by its root (`batchnorm_epsilon`). Not negligible: a fifth of
/// the published variances are smaller.
pub const BATCH_NORM_EPSILON: f64 = 1e-4;

/// The same time in samples and as a duration.
const fn is_samples(duration: Duration, samples: usize) -> bool {
    duration.as_millis() * SAMPLE_RATE as u128 == samples as u128 * 1000
}

const _: () = assert!(is_samples(PATCH_WINDOW, PATCH_FRAMES * STFT_HOP));
const _: () = assert!(is_samples(PATCH_HOP, PATCH_HOP_SAMPLES));
