//! Reads one audio track of Matroska and WebM. symphonia's reader passes compressed frames to the decoder, does not
//! determine the start of a track, and stops at the first damaged byte.
//!
//! After invalid data, reading continues at the next cluster.
//!
//! Invariant: memory is bounded by the longest block; every step advances.

mod ahead;
mod clock;
mod element;
mod encoding;
mod head;
mod lacing;
mod walk;

use std::collections::VecDeque;
use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::well_known::FORMAT_ID_MKV;
use symphonia::core::formats::{FormatReader, Track};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use self::clock::{AHEAD, Ahead, Clock, Mark};
use self::head::AudioTrack;
use self::walk::{FoundBlock, Step, Walk};
use super::opus_lengths::{self, PacketLengths};
use super::packets::{self, Notes, PacketSource};
use super::track::frame_samples;
use super::view::View;

pub use self::head::Head;

/// Bytes per read, for reading and for looking ahead.
pub const WINDOW: usize = 1 << 16;
const WINDOW_AHEAD: usize = 1 << 12;

/// Maximum size of an audio block.
const MAX_BLOCK: usize = 16 << 20;

const SECOND: i64 = 1_000_000_000;

const DAMAGED: Error = Error::DecodeError("mkv: a block is damaged");

/// Returns the packets of one audio track. Timestamps are nanoseconds from the file's earliest block. A damaged packet
/// is empty.
struct Reader {
    walk: Walk,
    /// A second walk, for looking ahead.
    scout: Walk,
    head: Head,
    track: AudioTrack,
    /// Of its packets.
    id: u32,
    /// Time of the file's earliest block, nanoseconds.
    origin: i64,
    clock: Clock,
    /// Duration of a frame if fixed by the codec, nanoseconds; otherwise 0.
    codec_frame: u64,
    /// Of Opus.
    lengths: Option<PacketLengths>,
    frames: VecDeque<Packet>,
    notes: Notes,
}

/// Creates the reader of one audio track.
pub fn open(view: View, head: Head, track: AudioTrack, notes: Notes) -> io::Result<Box<dyn FormatReader>> {
    let (reader, described) = Reader::new(view, head, track, notes)?;
    Ok(packets::reader(FORMAT_ID_MKV, "matroska", described, reader))
}

impl Reader {
    fn new(view: View, head: Head, track: AudioTrack, notes: Notes) -> io::Result<(Reader, Track)> {
        let id = u32::try_from(track.number).unwrap_or(u32::MAX);
        let mut described = Track::new(id);
        let parameters = track.reader.tracks().first().and_then(|track| track.codec_params.clone());
        let audio = parameters.as_ref().and_then(|parameters| parameters.audio());
        let is_opus = audio.is_some_and(|audio| audio.codec == CODEC_ID_OPUS);
        let codec_frame = audio.map_or(0, frame_length);
        if let Some(parameters) = parameters {
            described.with_codec_params(parameters);
        }
        if let Some(base) = TimeBase::try_new(1, 1_000_000_000) {
            described.with_time_base(base);
        }
        described.with_start_ts(Timestamp::new(-signed(track.delay)));
        let scout = Walk::new(view.another(WINDOW_AHEAD), head.first_cluster, head.scale);
        let mut reader = Reader {
            walk: Walk::new(view, head.first_cluster, head.scale),
            scout,
            track,
            id,
            origin: 0,
            clock: Clock::default(),
            codec_frame,
            lengths: None,
            frames: VecDeque::new(),
            notes,
            head,
        };
        reader.origin = reader.earliest()?;
        reader.lengths = is_opus.then(|| reader.opus_lengths()).transpose()?;
        reader.clock.end = reader.head.duration.map(signed);
        let end = reader.head.duration.map(|end| end.saturating_sub(reader.origin.unsigned_abs()));
        if let Some(end) = end.filter(|end| *end > 0) {
            described.with_duration(Duration::new(end));
        }
        Ok((reader, described))
    }

    /// Queues the frames of a block of this track.
    fn queue_block(&mut self, found: &FoundBlock) -> Result<()> {
        if self.walk.head(found)?.0 != Some(self.track.number) {
            return Ok(());
        }
        let Some(bytes) = found.data.bytes(&mut self.walk.view, MAX_BLOCK)?.map(<[u8]>::to_vec) else {
            return Err(DAMAGED);
        };
        let block = lacing::read(&bytes).ok_or(DAMAGED)?;
        let time = self.walk.time(block.timestamp).ok_or(DAMAGED)?;
        let time = self.checked_time(time, self.length(found, &bytes, &block))?;
        let mut frames: Vec<Vec<u8>> =
            block.frames.iter().map(|frame| self.track.decompress(&bytes[frame.clone()]).unwrap_or_default()).collect();
        self.empty_damaged(time, &mut frames)?;
        self.queue_frames(found, time, frames);
        Ok(())
    }

    /// The time of the current block, checked against the next ones.
    fn checked_time(&mut self, time: i64, length: Option<i64>) -> io::Result<i64> {
        let mark = Mark { time, length, cluster: self.walk.place.clusters };
        let ahead = if self.clock.is_plain(&mark) { Ahead::default() } else { self.look_ahead(mark)? };
        Ok(self.clock.place(mark, &ahead))
    }

    fn look_ahead(&mut self, mark: Mark) -> io::Result<Ahead> {
        let to_border = self.clock.opens_cluster(&mark);
        let mut ahead = self.ahead(AHEAD, to_border)?;
        // The end of the cluster may be directly after this block.
        if let Some(next) = ahead.next.first().filter(|next| next.cluster != mark.cluster) {
            ahead.border = Some((mark, *next));
        }
        Ok(ahead)
    }

    /// Empties Opus packets whose durations contradict the block's time.
    fn empty_damaged(&mut self, time: i64, frames: &mut [Vec<u8>]) -> io::Result<()> {
        let Some(lengths) = &self.lengths else { return Ok(()) };
        if frames.iter().all(|frame| lengths.is_usual(opus_lengths::length(frame))) {
            return Ok(());
        }
        let next = self.ahead(1, false)?.next.first().map(|next| next.time);
        let step = next.map_or(0, |next| next.saturating_sub(time));
        if let Some(lengths) = &mut self.lengths {
            lengths.empty_damaged(step, frames);
        }
        Ok(())
    }

    fn queue_frames(&mut self, found: &FoundBlock, time: i64, frames: Vec<Vec<u8>>) {
        let begins = time.saturating_sub(self.origin).saturating_sub(signed(self.track.delay));
        let count = frames.len() as u64;
        let frame = found.duration.map_or(self.track.frame, |duration| duration / count.max(1));
        for (number, data) in frames.into_iter().enumerate() {
            let begins = begins.saturating_add(signed(frame.saturating_mul(number as u64)));
            let mut packet = Packet::new(self.id, Timestamp::new(begins), Duration::new(frame), data);
            if number as u64 + 1 == count {
                packet.trim_end = Duration::new(found.padding);
                packet.dur = Duration::new(frame.saturating_sub(found.padding));
            }
            self.frames.push_back(packet);
        }
    }

    /// Checks at the end of the file whether it ends as announced.
    fn end(&mut self) -> Result<Option<Packet>> {
        if let count @ 1.. = std::mem::take(&mut self.clock.ignored) {
            self.notes.add(format!("{count} Matroska timestamps are inconsistent and were ignored"));
        }
        if self.head.segment_end.is_some_and(|end| end > self.walk.view.length()) {
            Err(Error::IoError(io::ErrorKind::UnexpectedEof.into()))
        } else {
            Ok(None)
        }
    }

    /// Whether the segment, by its announced length, extends into this many bytes before the end of the file.
    fn is_in_segment(&self, bytes: u64) -> bool {
        self.head.segment_end.is_some_and(|end| end > self.walk.view.length() - bytes)
    }

    /// Handles zeros up to the end of the file, which are not audio.
    fn end_in_zeros(&mut self, zeros: u64) -> Result<Option<Packet>> {
        self.walk.place.at = self.walk.view.length();
        self.notes.add(packets::zeros(zeros));
        self.end()
    }
}

/// Duration of a frame of codecs with a fixed frame length, nanoseconds; otherwise 0.
fn frame_length(audio: &AudioCodecParameters) -> u64 {
    let rate = u64::from(audio.sample_rate.unwrap_or(0));
    let samples = frame_samples(audio.codec, rate as u32);
    (samples * SECOND.unsigned_abs()).checked_div(rate).unwrap_or(0)
}

impl PacketSource for Reader {
    /// Errors: `DecodeError` for damage after which reading continues; an `IoError` is fatal.
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.frames.pop_front() {
                return Ok(Some(packet));
            }
            match self.walk.step()? {
                Step::Block(found) => self.queue_block(&found)?,
                Step::Passed => (),
                Step::Beyond if !self.walk.resync()? => {
                    return Err(Error::IoError(io::ErrorKind::UnexpectedEof.into()));
                }
                Step::Beyond => return Err(Error::DecodeError("mkv: a cluster is damaged")),
                Step::Damaged if self.walk.resync()? => return Err(Error::DecodeError("mkv: a cluster is damaged")),
                Step::Damaged => return Err(Error::LimitError("mkv: its last cluster is damaged")),
                // Zeros inside the segment are lost clusters; after it, or in a live recording, they are padding.
                Step::Zeros(zeros) if self.is_in_segment(zeros) => {
                    return Err(Error::LimitError("mkv: its last cluster is damaged"));
                }
                Step::Zeros(zeros) => return self.end_in_zeros(zeros),
                Step::End => return self.end(),
            }
        }
    }
}

fn signed(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}
