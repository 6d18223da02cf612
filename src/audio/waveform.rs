//! A recording as the network wants it: 16 kHz, mono, from its first sample to its last.
//!
//! Invariant: the samples do not depend on how they are asked for, and their number is exactly the
//! recording's length at 16 kHz.

use std::path::Path;
use std::time::Duration;

use super::decode::{Info, Source};
use super::duration;
use super::resample::{Resampler, TARGET_RATE};
use crate::record::{LEAST_ANALYZED, MissingRange, MissingRanges, RecordingError};

/// An opened recording that gives 16 kHz mono.
pub struct Waveform {
    source: Source,
    resampler: Resampler,
    rate: u32,
    block: Vec<f32>,
    given: u64,
    ended: bool,
    /// What an error at the end has cost.
    lost_end: Option<MissingRange>,
}

impl Waveform {
    /// Opens a recording. Errors: as `Source::open`.
    pub fn open(path: &Path) -> Result<Waveform, RecordingError> {
        let source = Source::open(path)?;
        let rate = source.output_rate();
        let resampler = resampler(rate)?;
        Ok(Waveform { source, resampler, rate, block: Vec::new(), given: 0, ended: false, lost_end: None })
    }

    pub fn info(&self) -> &Info {
        self.source.info()
    }

    /// Appends the next samples (16 kHz, mono, within [-1, 1]) to `out`; false when all have been given.
    ///
    /// Damage behind at least a second of sound ends the recording; `missing` says what it cost.
    ///
    /// Errors: as `Source::next_block`, of a recording of which nothing could be analyzed.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        if self.ended {
            return Ok(false);
        }
        let start = out.len();
        self.block.clear();
        let more = match self.source.next_block(&mut self.block) {
            Ok(more) => more,
            Err(error) => self.end_early(error)?,
        };
        self.convert(more, out)?;
        // A filter overshoots a little where a recording touches full scale.
        out[start..].iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        self.given += (out.len() - start) as u64;
        self.ended = !more;
        if self.ended {
            self.refuse_nothing()?;
        }
        Ok(more || out.len() > start)
    }

    /// What of the recording was not decoded so far.
    pub fn missing(&self) -> MissingRanges {
        let mut missing = self.source.missing().clone();
        self.lost_end.iter().for_each(|range| missing.add(range.clone()));
        missing
    }

    /// An error at the end is a missing range where sound was decoded before it. What samples came with it are kept.
    fn end_early(&mut self, error: RecordingError) -> Result<bool, RecordingError> {
        let announced = self.source.info().duration;
        let range = MissingRange::after(&error, self.source.position(), announced);
        self.lost_end = Some(range.filter(|_| self.sound() >= LEAST_ANALYZED).ok_or(error)?);
        Ok(false)
    }

    /// A recording that is mostly missing ranges has failed: less than a second of sound is in it.
    fn refuse_nothing(&self) -> Result<(), RecordingError> {
        let missing = self.missing();
        match missing.first() {
            Some(first) if missing.is_partial(self.decoded()) && self.sound() < LEAST_ANALYZED => Err(first.error()),
            _ => Ok(()),
        }
    }

    /// Length of what was decoded and is no filling.
    fn sound(&self) -> Duration {
        self.decoded().saturating_sub(self.source.missing().total())
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
