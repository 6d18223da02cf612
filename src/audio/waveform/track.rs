//! One audio track as 16 kHz mono, starting at the start of the recording.
//!
//! Invariant: the number of samples returned so far is the position in the recording.

use std::time::Duration;

use crate::audio::decode::Source;
use crate::audio::duration;
use crate::audio::resample::{Resampler, TARGET_RATE};
use crate::domain::{LEAST_ANALYZED, MissingRange, MissingRanges, Reason, RecordingError};

/// Samples of silence per call.
const SILENCE: u64 = 4096;

pub struct Track {
    pub source: Source,
    resampler: Resampler,
    rate: u32,
    block: Vec<f32>,
    /// Samples of silence that remain before the first sample of the track.
    lead: u64,
    pub given: u64,
    pub ended: bool,
    /// The range that is missing because of an error.
    lost_end: Option<MissingRange>,
    /// Samples that are decoded but not mixed yet.
    pub ready: Vec<f32>,
}

impl Track {
    pub fn new(source: Source) -> Result<Track, RecordingError> {
        let rate = source.output_rate();
        let lead = source.start().as_nanos() * u128::from(TARGET_RATE) / 1_000_000_000;
        Ok(Track {
            resampler: resampler(rate)?,
            rate,
            block: Vec::new(),
            lead: u64::try_from(lead).unwrap_or(u64::MAX),
            given: 0,
            ended: false,
            lost_end: None,
            ready: Vec::new(),
            source,
        })
    }

    /// Appends the next samples to `out`, if the track has not ended.
    ///
    /// An error after at least one second of audio, or in one of several tracks, ends the track; `missing` returns the
    /// lost range.
    pub fn next(&mut self, out: &mut Vec<f32>, is_one_of_several: bool) -> Result<(), RecordingError> {
        let start = out.len();
        if self.lead > 0 {
            let piece = self.lead.min(SILENCE);
            self.lead -= piece;
            out.resize(start + piece as usize, 0.0);
        } else if !self.ended {
            self.block.clear();
            let more = match self.source.next_block(&mut self.block) {
                Ok(more) => more,
                Err(error) => self.end_early(error, is_one_of_several)?,
            };
            self.convert(more, out)?;
            self.ended = !more;
        }
        // The filter overshoots slightly near full scale.
        out[start..].iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        self.given += (out.len() - start) as u64;
        Ok(())
    }

    /// The ranges that could not be decoded so far, in time of the recording.
    pub fn missing(&self) -> MissingRanges {
        let mut missing = self.source.missing().clone();
        self.lost_end.iter().for_each(|range| missing.add(range.clone()));
        missing.later(self.source.start())
    }

    /// Length of the decoded audio without inserted silence.
    pub fn sound(&self) -> Duration {
        let filled = self.source.missing().total().saturating_add(self.source.start());
        duration(self.given, TARGET_RATE).saturating_sub(filled)
    }

    /// Ends the track at an error; samples returned together with the error are kept.
    fn end_early(&mut self, error: RecordingError, is_one_of_several: bool) -> Result<bool, RecordingError> {
        let announced = self.source.info().duration;
        let range = MissingRange::after(&error, self.source.position(), announced);
        let is_kept = is_one_of_several || self.sound() >= LEAST_ANALYZED;
        self.lost_end = Some(range.filter(|_| is_kept).ok_or(error)?);
        Ok(false)
    }

    /// Resamples the current block. Flushes the resampler at the end, and if a chained stream has another rate.
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
}

fn resampler(rate: u32) -> Result<Resampler, RecordingError> {
    Resampler::new(rate).map_err(|error| RecordingError::Unsupported { what: Reason::wrap(error) })
}
