//! From a file to blocks of mono samples: the only home of symphonia.
//!
//! The end of a recording and its failure are different values all the way up: `Ok(false)` is said only
//! of a file that is whole. See `Source::next_block` for what counts as whole.
//!
//! Invariant: memory is bounded by the longest packet, whatever a header claims; and this room knows
//! neither the network nor its sampling rate, save that Opus is decoded to 16 kHz.

mod aac;
mod adts;
mod aiff;
mod au;
mod blocks;
mod caf;
mod codecs;
pub(super) mod faults;
mod flac;
mod foreign;
mod isomp4;
mod matroska;
mod mix;
mod mkv;
mod mp4;
mod mpeg;
mod ogg;
mod open;
mod own;
mod packets;
mod stream;
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
use super::clock::Inside;
use crate::record::{MissingRange, MissingRanges, RecordingError};

pub use self::foreign::is_foreign;
pub(super) use self::mpeg::begins as begins_with_mpeg_frames;
pub use self::tracks::Tracks;

/// Damaged places in a row, between which no packet was found.
const MAX_FAULTS: u32 = 10_000;

/// What a recording's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The file's own rate in Hz (48,000 for Opus, which has none).
    pub sample_rate: u32,
    /// 0 where only decoding will tell.
    pub channels: u32,
    /// Audio tracks of the file that are mixed.
    pub tracks: u32,
    /// Short name, e.g. `opus`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// None if the header does not say.
    pub duration: Option<Duration>,
    /// When it was recorded, as the file has it: a tag or a header's date, in whatever form.
    pub recorded: Option<String>,
    /// That may be when the recording ended.
    pub recorded_may_be_end: bool,
}

impl Info {
    /// The date inside, for a clock to read.
    pub fn date(&self) -> Option<Inside<'_>> {
        self.recorded.as_deref().map(|text| Inside { text, may_be_end: self.recorded_may_be_end })
    }
}

/// Reads a recording's header. Where that tells no duration, walks its packets without decoding them.
///
/// Errors: as `Source::open`; a fault behind the header is left for the hearing to find.
pub fn probe(path: &Path) -> Result<Info, RecordingError> {
    let mut tracks = Tracks::open(path)?;
    let info = tracks.info();
    let duration = info.duration.or_else(|| tracks.walk());
    Ok(Info { duration, ..info })
}

/// Whether the recording's container has an end that was not written (yet): an Ogg without its last page, a WAV
/// or a WebM without its length. False of what cannot be opened.
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
    /// Length of the chained streams before this one.
    before: Duration,
    /// What could not be decoded so far; silence was given in its place.
    missing: MissingRanges,
    /// How long it lasts, where no header says so and it was guessed.
    estimate: Option<Duration>,
    /// What its reader passed over or did not believe.
    notes: Notes,
    /// Faults of the reader since it last gave a packet.
    faults: u32,
    /// Silence before the first sample, where other tracks begin earlier; not given here.
    start: Duration,
}

impl Source {
    /// Opens a recording and reads its header.
    ///
    /// Errors: vanished, unreadable, not a file, empty; unsupported, naming the codec or what the file
    /// seems to be; truncated or corrupt if that shows in the header already.
    pub fn open(path: &Path) -> Result<Source, RecordingError> {
        Source::open_track(path, 0)
    }

    /// The same of the audio track of this rank, from 0.
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

    /// How much later than the file's first track this one begins.
    pub fn start(&self) -> Duration {
        self.start
    }

    /// Where the track ends by the file's header, in time of the recording.
    pub fn announced(&self) -> Option<Duration> {
        self.info.duration.map(|duration| duration.saturating_add(self.start))
    }

    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Rate of the samples given, Hz: 16,000 for Opus, else the file's own. It can change between
    /// blocks, in chained files only.
    pub fn output_rate(&self) -> u32 {
        self.stream.rate
    }

    /// Offset in the recording up to which samples have been given.
    pub fn position(&self) -> Duration {
        self.before + self.stream.position()
    }

    /// What could not be decoded of all that lies before the position. What an error of `next_block` costs is not in
    /// it.
    pub fn missing(&self) -> &MissingRanges {
        &self.missing
    }

    /// Appends the next block of mono samples in [-1, 1] to `out`, one packet's worth. False at the end.
    ///
    /// A packet that cannot be decoded, and a gap between packets, are silence of their length and a missing range.
    ///
    /// Errors: corrupt, where the reader finds no way on; truncated, where the file has less than its header
    /// announces or stops in the middle of a packet. An Ogg file without an end-of-stream page is whole if its last
    /// page is: so recorders leave it that are switched off.
    pub fn next_block(&mut self, out: &mut Vec<f32>) -> Result<bool, RecordingError> {
        loop {
            if self.stream.take(out) {
                return Ok(true);
            }
            match foreign::call(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id != self.stream.id => (),
                Ok(Some(packet)) => {
                    self.faults = 0;
                    self.stream.hear(&packet).map_err(|error| later(error, self.before))?;
                    self.note_missing();
                    // Some headers name no channels; by now they are known.
                    self.info.channels = self.stream.channels;
                }
                Ok(None) => {
                    self.warn();
                    return self.end();
                }
                Err(Error::ResetRequired) => self.follow()?,
                // What is damaged was passed over already.
                Err(Error::DecodeError(reason)) if self.outline.goes_on() && self.faults < MAX_FAULTS => {
                    self.faults += 1;
                    self.stream.lose(faults::plain(reason));
                }
                Err(error) => {
                    self.warn();
                    return self.broken_off(&error);
                }
            }
        }
    }

    /// Takes over what the stream found missing, in time of the whole recording.
    fn note_missing(&mut self) {
        for range in self.stream.take_missing() {
            let end = range.end.map(|end| self.before + end);
            self.missing.add(MissingRange { start: self.before + range.start, end, ..range });
        }
    }

    /// Says what the reader ignored, repaired or guessed.
    fn warn(&self) {
        let name = self.name.as_str();
        self.notes.take().iter().for_each(|note| log::warn!(recording = name; "{name}: {note}"));
        if let Reader::Ogg(reader) = &self.reader {
            reader.counts().sentences().iter().for_each(|what| log::warn!(recording = name; "{name}: {what}"));
        }
    }

    /// Goes on with the next of several chained streams.
    fn follow(&mut self) -> Result<(), RecordingError> {
        self.stream.complete().map_err(|error| later(error, self.before))?;
        self.before += self.stream.position();
        self.stream = Stream::new(&*self.reader, &self.outline)?;
        Ok(())
    }

    /// The reader stopped: at the end, or at a fault.
    fn broken_off(&mut self, error: &Error) -> Result<bool, RecordingError> {
        let ended = faults::is_end(error);
        match &self.outline {
            Outline::Ogg(_) if ended => Err(faults::truncated("the file stops inside a page", self.position())),
            Outline::Ogg(_) => Err(faults::reading(error, self.position())),
            outline if outline.is_cut() => Err(faults::truncated(faults::SHORT, self.position())),
            // What is missing says more than where.
            _ if ended => {
                self.stream.complete().map_err(|error| later(error, self.before))?;
                Err(faults::reading(error, self.position()))
            }
            _ => Err(faults::reading(error, self.position())),
        }
    }

    /// Nothing more can be read; was that all?
    fn end(&mut self) -> Result<bool, RecordingError> {
        self.stream.complete().map_err(|error| later(error, self.before))?;
        let at = self.position();
        match &self.outline {
            _ if at.is_zero() => Err(faults::unsupported("its header is whole, but not one sample follows")),
            _ => Ok(false),
        }
    }

    /// The duration by the timestamps of all packets; what cannot be read ends it.
    fn walk(&mut self) -> Option<Duration> {
        let (mut before, mut ticks, mut base) = (Duration::ZERO, 0u64, time_base(&*self.reader, self.stream.id));
        let sound = |ticks, base, dropped| ticks_to_time(base, ticks).map(|time| time.saturating_sub(dropped));
        loop {
            match foreign::call(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id == self.stream.id => {
                    let end = packet.pts.get().saturating_add_unsigned(packet.dur.get());
                    ticks = ticks.max(u64::try_from(end).unwrap_or(0));
                }
                Ok(Some(_)) => (),
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

/// An error of a chained stream, placed behind the streams before it.
fn later(error: RecordingError, before: Duration) -> RecordingError {
    match error {
        RecordingError::Corrupt { reason, at } => RecordingError::Corrupt { reason, at: before + at },
        RecordingError::Truncated { reason, at } => RecordingError::Truncated { reason, at: before + at },
        other => other,
    }
}
