//! Encodes clips as FLAC: lossless, half the size of WAV, and supported by every browser.
//!
//! Invariant: the only module that uses flacenc.

use std::io;

use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::config::Encoder;
use flacenc::error::{EncodeError, OutputError, Verify, VerifyError};
use flacenc::source::MemSource;

const BITS: usize = 16;

/// Why samples cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum FlacError {
    #[error("its audio cannot be encoded as FLAC: {0}")]
    Invalid(#[from] VerifyError),
    #[error("its audio cannot be encoded as FLAC: {0}")]
    Output(#[from] OutputError<ByteSink>),
    /// As text: flacenc's error is not `Send`. Samples in memory do not cause it.
    #[error("its audio cannot be encoded as FLAC: {0}")]
    Source(String),
}

impl From<EncodeError> for FlacError {
    fn from(error: EncodeError) -> FlacError {
        match error {
            EncodeError::Config(error) => FlacError::Invalid(error),
            other => FlacError::Source(other.to_string()),
        }
    }
}

/// For the functions that write clips, whose other errors are those of files. It keeps its type and its cause.
impl From<FlacError> for io::Error {
    fn from(error: FlacError) -> io::Error {
        io::Error::other(error)
    }
}

/// Encodes 16-bit mono samples as a complete FLAC file. The format requires at least 16 samples.
pub fn encode(samples: &[i16], rate: u32) -> Result<Vec<u8>, FlacError> {
    let config = Encoder::default().into_verified().map_err(|(_, error)| error)?;
    let samples: Vec<i32> = samples.iter().map(|&sample| sample.into()).collect();
    let source = MemSource::from_samples(&samples, 1, BITS, rate as usize);
    let mut stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size)?;
    // The minimum block size excludes the last block (RFC 9639, 8.2), but flacenc includes it; readers would then
    // expect a stream of variable block size.
    let largest = config.block_size.min(samples.len());
    stream.stream_info_mut().set_block_sizes(largest, largest)?;
    let mut sink = ByteSink::new();
    stream.write(&mut sink)?;
    Ok(sink.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Waveform;

    fn decoded(samples: &[i16]) -> Vec<i16> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.flac");
        std::fs::write(&path, encode(samples, yamnet::params::SAMPLE_RATE).unwrap()).unwrap();
        let (mut waveform, mut out) = (Waveform::open(&path).unwrap(), Vec::new());
        while waveform.next(&mut out).unwrap() {}
        out.iter().map(|sample| (sample * 32_768.0) as i16).collect()
    }

    #[test]
    fn an_error_keeps_its_cause() {
        let mut config = Encoder::default();
        config.block_size = 1;
        let error = FlacError::from(config.into_verified().map(drop).unwrap_err().1);
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert!(cause.is_some_and(|cause| error.to_string().ends_with(&cause)), "{error}");
        assert!(io::Error::from(error).get_ref().is_some_and(|inner| inner.is::<FlacError>()));
    }

    #[test]
    fn encoded_samples_decode_bit_exactly() {
        let noise = |i: i64| (i * i * 7919 % 65_536 - 32_768) as i16;
        let tone = |i: i64| ((i as f64 * 0.1).sin() * 20_000.0) as i16;
        for length in [16, 4096, 4097, 50_000] {
            for signal in [noise, tone, |_| 0, |_| i16::MIN] {
                let samples: Vec<i16> = (0..length).map(signal).collect();
                assert!(decoded(&samples) == samples, "{length} samples");
            }
        }
    }
}
