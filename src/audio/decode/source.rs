//! One audio track of a file as blocks of mono samples, through chained streams and behind damage.
//!
//! Invariant: `Ok(false)` is returned only for a complete track.

use std::path::Path;
use std::time::Duration;

use symphonia::core::errors::Error;

use super::info::{Info, announced, ticks_to_time, time_base};
use super::open::{self, Opened, Outline, Reader};
use super::packets::Notes;
use super::stream::Stream;
use super::{error_map, panic_guard};
use crate::domain::{MissingKind, MissingRange, MissingRanges, RecordingError};

/// Maximum number of consecutive errors of a reader without a packet between them.
const MAX_FAULTS: u32 = 10_000;

/// An opened recording.
pub struct Source {
    reader: Reader,
    outline: Outline,
    stream: Stream,
    info: Info,
    /// The file's own name, for warnings.
    name: String,
    /// Total length of the previous chained streams.
    before: Duration,
    /// The ranges that could not be decoded so far; silence was returned for them.
    missing: MissingRanges,
    /// Estimated duration, if no header contains one.
    pub(super) estimate: Option<Duration>,
    /// What the reader skipped or ignored.
    notes: Notes,
    /// Number of errors of the reader since its last packet.
    faults: u32,
    /// Time before the first sample, if other tracks start earlier; not part of the returned samples.
    start: Duration,
}

impl Source {
    /// Opens a recording and reads its header.
    ///
    /// Errors: vanished, unreadable, not a file, empty; unsupported, with the name of the codec or format; truncated or
    /// corrupt, if the header shows it.
    pub fn open(path: &Path) -> Result<Source, RecordingError> {
        Source::open_track(path, 0)
    }

    /// Opens the audio track with this index, from 0.
    pub fn open_track(path: &Path, rank: usize) -> Result<Source, RecordingError> {
        let Opened { reader, outline, recorded, tracks, start, estimate, notes } = open::open(path, rank)?;
        let stream = Stream::new(&*reader, &outline)?;
        let info = Info {
            sample_rate: if stream.codec == "opus" { opus16k::CLOCK } else { stream.rate },
            channels: stream.channels,
            tracks,
            codec: stream.codec.clone(),
            duration: announced(&*reader, stream.id),
            recorded_may_be_end: recorded.as_ref().is_some_and(|date| date.may_be_end),
            recorded: recorded.map(|date| date.text),
        };
        Ok(Source {
            reader,
            outline,
            stream,
            info,
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            before: Duration::ZERO,
            missing: MissingRanges::default(),
            estimate,
            notes,
            faults: 0,
            start,
        })
    }

    /// How much later this track starts than the first track of the file.
    pub fn start(&self) -> Duration {
        self.start
    }

    /// The end of the track according to the header, in time of the recording.
    pub fn announced(&self) -> Option<Duration> {
        self.info.duration.map(|duration| duration.saturating_add(self.start))
    }

    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Sampling rate of the returned samples, Hz: 16,000 for Opus, otherwise that of the file. It can change between
    /// blocks in chained files only.
    pub fn output_rate(&self) -> u32 {
        self.stream.rate
    }

    /// Offset in the recording up to which samples have been returned.
    pub fn position(&self) -> Duration {
        self.before + self.stream.position()
    }

    /// The ranges before the position that could not be decoded. The range lost by an error of `next_block` is not
    /// included.
    pub fn missing(&self) -> &MissingRanges {
        &self.missing
    }

    /// Appends the mono samples of the next packet, in [-1, 1], to `out`. False at the end.
    ///
    /// A packet that cannot be decoded, or a gap between packets, becomes silence of the same length and a missing
    /// range.
    ///
    /// Errors: corrupt, if the reader cannot continue; truncated, if the file is shorter than announced or ends inside
    /// a packet. An Ogg file without an end-of-stream page is complete if its last page is complete, because recorders
    /// that are switched off leave such files.
    pub fn next_block(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        loop {
            if self.stream.take(out) {
                return Ok(true);
            }
            match panic_guard::call(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id != self.stream.id => (),
                Ok(Some(packet)) => {
                    self.faults = 0;
                    self.stream.push(&packet).map_err(|error| later(error, self.before))?;
                    self.note_missing();
                    // Some headers contain no channel count; it is known after the first packet.
                    self.info.channels = self.stream.channels;
                }
                Ok(None) => {
                    self.warn();
                    return self.end();
                }
                Err(Error::ResetRequired) => self.next_stream()?,
                // The reader has already skipped the damaged bytes.
                Err(Error::DecodeError(reason)) if self.outline.is_resilient() && self.faults < MAX_FAULTS => {
                    self.faults += 1;
                    self.stream.mark_lost(MissingKind::Corrupt, error_map::plain(reason));
                }
                Err(Error::Unsupported(reason)) if self.outline.is_resilient() && self.faults < MAX_FAULTS => {
                    self.faults += 1;
                    self.stream.mark_lost(MissingKind::Unsupported, error_map::plain(reason));
                }
                Err(error) => {
                    self.warn();
                    return self.broken_off(error);
                }
            }
        }
    }

    /// Moves the missing ranges of the stream to those of the recording.
    fn note_missing(&mut self) {
        for range in self.stream.take_missing() {
            let end = range.end.map(|end| self.before + end);
            self.missing.add(MissingRange { start: self.before + range.start, end, ..range });
        }
    }

    /// Logs what the reader ignored, repaired or estimated.
    fn warn(&self) {
        let name = self.name.as_str();
        self.notes.take().iter().for_each(|note| log::warn!(recording = name; "{name}: {note}"));
        if let Reader::Ogg(reader) = &self.reader {
            reader.counts().messages().iter().for_each(|what| log::warn!(recording = name; "{name}: {what}"));
        }
    }

    /// Continues with the next chained stream.
    fn next_stream(&mut self) -> Result<(), RecordingError> {
        self.stream.complete().map_err(|error| later(error, self.before))?;
        self.before += self.stream.position();
        self.stream = Stream::new(&*self.reader, &self.outline)?;
        Ok(())
    }

    /// The reader returned an error: the end of the file or damage.
    fn broken_off(&mut self, error: Error) -> Result<bool, RecordingError> {
        let ended = error_map::is_end(&error);
        match &self.outline {
            Outline::Ogg(_) if ended => Err(error_map::truncated("the file stops inside a page", self.position())),
            Outline::Ogg(_) => Err(error_map::reading(error, self.position())),
            outline if outline.is_cut() => Err(error_map::truncated(error_map::SHORT, self.position())),
            // The amount that is missing is more informative than the position.
            _ if ended => {
                self.stream.complete().map_err(|error| later(error, self.before))?;
                Err(error_map::reading(error, self.position()))
            }
            _ => Err(error_map::reading(error, self.position())),
        }
    }

    /// Checks whether the stream is complete at the end of the file.
    fn end(&mut self) -> Result<bool, RecordingError> {
        self.stream.finish();
        self.note_missing();
        self.stream.complete().map_err(|error| later(error, self.before))?;
        let at = self.position();
        match &self.outline {
            _ if at.is_zero() => Err(error_map::unsupported("its header is complete, but no samples follow")),
            _ => Ok(false),
        }
    }

    /// The duration according to the timestamps of all packets, up to the first fatal error.
    pub(super) fn walk(&mut self) -> Option<Duration> {
        let (mut before, mut ticks, mut base) = (Duration::ZERO, 0u64, time_base(&*self.reader, self.stream.id));
        let sound = |ticks, base, dropped| ticks_to_time(base, ticks).map(|time| time.saturating_sub(dropped));
        loop {
            match panic_guard::call(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.stream.id => {
                    let end = packet.pts.get().saturating_add_unsigned(packet.dur.get());
                    ticks = ticks.max(u64::try_from(end).unwrap_or(0));
                }
                Ok(Some(_)) => (),
                Err(Error::DecodeError(_) | Error::Unsupported(_))
                    if self.outline.is_resilient() && self.faults < MAX_FAULTS =>
                {
                    self.faults += 1;
                }
                Err(Error::ResetRequired) => {
                    before += sound(ticks, base, self.stream.dropped()).unwrap_or_default();
                    let Ok(stream) = Stream::new(&*self.reader, &self.outline) else { return Some(before) };
                    (self.stream, ticks) = (stream, 0);
                    base = time_base(&*self.reader, self.stream.id);
                }
                _ => return sound(ticks, base, self.stream.dropped()).map(|last| before + last),
            }
        }
    }
}

/// Moves the position of an error in a chained stream behind the previous streams.
fn later(error: RecordingError, before: Duration) -> RecordingError {
    match error {
        RecordingError::Corrupt { reason, at } => RecordingError::Corrupt { reason, at: before + at },
        RecordingError::Truncated { reason, at } => RecordingError::Truncated { reason, at: before + at },
        other => other,
    }
}
