//! Decodes a file to blocks of mono samples. The only module that uses symphonia.
//!
//! ```text
//! open::open -> Reader (packets of one track) -> Stream (decode, trim, fill gaps) -> Source::next_block (mono)
//! ```
//!
//! The end of a recording and a failure are different values: `Ok(false)` is returned only for a complete file. See
//! `Source::next_block` for what counts as complete.
//!
//! Invariant: memory is bounded by the longest packet, whatever a header claims. This module does not depend on the
//! network or its sampling rate, except that Opus is decoded to 16 kHz.

mod aac;
mod adts;
mod aiff;
mod au;
mod blocks;
mod caf;
mod codecs;
pub(super) mod error_map;
mod flac;
mod isomp4;
mod matroska;
mod mix;
mod mkv;
mod mp4;
mod mpeg;
mod ogg;
mod open;
mod opus_lengths;
mod own;
mod packets;
mod panic_guard;
mod stream;
mod symphonia_texts;
mod sync;
mod track;
mod tracks;
mod view;
mod wav;
mod wav_metadata;

use std::path::Path;
use std::time::Duration;

use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::units::TimeBase;

use self::open::{Opened, Outline, Reader};
use self::packets::Notes;
use self::stream::Stream;
use super::timestamps::Inside;
use crate::domain::{MissingKind, MissingRange, MissingRanges, RecordingError};

pub(super) use self::error_map::is_transport_stream;
pub(super) use self::mpeg::begins as begins_with_mpeg_frames;
pub use self::panic_guard::is_foreign;
pub use self::tracks::Tracks;

/// Maximum number of consecutive errors of a reader without a packet between them.
const MAX_FAULTS: u32 = 10_000;

/// Properties of a recording according to its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The file's own rate in Hz (48,000 for Opus, which has none).
    pub sample_rate: u32,
    /// 0 if unknown before decoding.
    pub channels: u32,
    /// Number of audio tracks, which are mixed.
    pub tracks: u32,
    /// Short name, e.g. `opus`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// None if the header contains no duration.
    pub duration: Option<Duration>,
    /// When it was recorded: the text of a tag or of a date in the header, in any form.
    pub recorded: Option<String>,
    /// Whether `recorded` may be the end of the recording.
    pub recorded_may_be_end: bool,
}

impl Info {
    /// The date inside the file, to be parsed by `timestamps`.
    pub fn date(&self) -> Option<Inside<'_>> {
        self.recorded.as_deref().map(|text| Inside { text, may_be_end: self.recorded_may_be_end })
    }
}

/// Reads a recording's header. If it contains no duration, reads all packets without decoding them.
///
/// Errors: as `Source::open`. Errors after the header are found by the analysis.
pub fn probe(path: &Path) -> Result<Info, RecordingError> {
    let mut tracks = Tracks::open(path)?;
    let info = tracks.info();
    let duration = info.duration.or_else(|| tracks.walk());
    Ok(Info { duration, ..info })
}

/// Whether the end marker or length of the container has not been written (yet): an Ogg file without an end-of-stream
/// page, a WAV or WebM file without a length. False if the file cannot be opened.
pub fn is_open_ended(path: &Path) -> bool {
    open::open(path, 0).is_ok_and(|opened| opened.outline.is_open_ended())
}

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
    estimate: Option<Duration>,
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
    fn walk(&mut self) -> Option<Duration> {
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

/// The duration that the header announces.
fn announced(reader: &dyn FormatReader, track: u32) -> Option<Duration> {
    let found = reader.tracks().iter().find(|candidate| candidate.id == track)?;
    let by_track =
        found.duration.or(found.num_frames.map(Into::into)).map(|ticks| ticks.get()).filter(|&ticks| ticks > 0);
    match by_track {
        Some(ticks) => ticks_to_time(time_base(reader, track), ticks),
        None => {
            let media = reader.media_info();
            let time = media.time_base?.calc_duration(media.duration.filter(|ticks| ticks.get() > 0)?)?;
            u64::try_from(time.as_nanos()).ok().map(Duration::from_nanos)
        }
    }
}

fn time_base(reader: &dyn FormatReader, track: u32) -> Option<TimeBase> {
    reader.tracks().iter().find(|candidate| candidate.id == track)?.time_base
}

fn ticks_to_time(base: Option<TimeBase>, ticks: u64) -> Option<Duration> {
    let base = base?;
    let nanos = u128::from(ticks) * u128::from(base.numer.get()) * 1_000_000_000 / u128::from(base.denom.get());
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// Moves the position of an error in a chained stream behind the previous streams.
fn later(error: RecordingError, before: Duration) -> RecordingError {
    match error {
        RecordingError::Corrupt { reason, at } => RecordingError::Corrupt { reason, at: before + at },
        RecordingError::Truncated { reason, at } => RecordingError::Truncated { reason, at: before + at },
        other => other,
    }
}
