//! A recording as the network wants it: 16 kHz, mono, from its first sample to its last.
//!
//! Invariant: the samples do not depend on how they are asked for, and their number is exactly the
//! recording's length at 16 kHz.

use std::path::Path;
use std::time::Duration;

use super::decode::{Info, Source};
use super::duration;
use super::resample::{Resampler, TARGET_RATE};
use crate::record::RecordingError;

/// An opened recording that gives 16 kHz mono.
pub struct Waveform {
    source: Source,
    resampler: Resampler,
    rate: u32,
    block: Vec<f32>,
    given: u64,
    ended: bool,
}

impl Waveform {
    /// Opens a recording. Errors: as `Source::open`.
    pub fn open(path: &Path) -> Result<Waveform, RecordingError> {
        let source = Source::open(path)?;
        let rate = source.output_rate();
        let resampler = resampler(rate)?;
        Ok(Waveform { source, resampler, rate, block: Vec::new(), given: 0, ended: false })
    }

    pub fn info(&self) -> &Info {
        self.source.info()
    }

    /// Appends the next samples (16 kHz, mono, within [-1, 1]) to `out`; false when all have been given.
    ///
    /// Errors: as `Source::next_block`. Samples appended before an error are sound.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        if self.ended {
            return Ok(false);
        }
        let start = out.len();
        self.block.clear();
        let more = self.source.next_block(&mut self.block)?;
        self.convert(more, out)?;
        // A filter overshoots a little where a recording touches full scale.
        out[start..].iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        self.given += (out.len() - start) as u64;
        self.ended = !more;
        Ok(more || out.len() > start)
    }

    /// Resamples the block at hand; at the end, and where a chained stream has another rate, to the last sample.
    fn convert(&mut self, more: bool, out: &mut Vec<f32>) -> Result<(), RecordingError> {
        if self.source.output_rate() != self.rate {
            self.resampler.finish(out);
            self.rate = self.source.output_rate();
            self.resampler = resampler(self.rate)?;
        }
        self.resampler.push(&self.block, out);
        if !more {
            self.resampler.finish(out);
        }
        Ok(())
    }

    /// Length of the audio given so far.
    pub fn decoded(&self) -> Duration {
        duration(self.given, TARGET_RATE)
    }
}

fn resampler(rate: u32) -> Result<Resampler, RecordingError> {
    Resampler::new(rate).map_err(|error| RecordingError::Unsupported { what: error.to_string() })
}
