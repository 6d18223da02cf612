//! Matroska and WebM, one audio track at a time: symphonia's reader hands compressed frames to the decoder, knows no
//! start of a track, and ends at the first damaged byte.
//!
//! Behind what makes no sense, the next cluster is looked for.
//!
//! Invariant: memory is bounded by the longest block; reading always moves on.

mod element;
mod encoding;
mod head;
mod lacing;

use std::collections::VecDeque;
use std::io;

use symphonia::core::errors::{Error, Result, SeekErrorKind};
use symphonia::core::formats::well_known::FORMAT_ID_MKV;
use symphonia::core::formats::{FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::Metadata;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use self::element::{
    BLOCK, BLOCK_DURATION, BLOCK_GROUP, CLUSTER, DISCARD_PADDING, Element, SIMPLE_BLOCK, TIMESTAMP, none_at_the_end,
};
use self::head::AudioTrack;
use super::view::View;

pub use self::head::Head;

/// Bytes of the file read at once.
pub const WINDOW: usize = 1 << 16;

/// No block of sound is longer.
const MAX_BLOCK: usize = 16 << 20;

/// Blocks that are looked at for the file's earliest timestamp.
const FIRST_BLOCKS: usize = 200;

const INFO: FormatInfo = FormatInfo { format: FORMAT_ID_MKV, short_name: "matroska", long_name: "Matroska / WebM" };

/// Gives the packets of one audio track. Timestamps are nanoseconds from the file's earliest block on.
pub struct Reader {
    view: View,
    head: Head,
    track: AudioTrack,
    tracks: Vec<Track>,
    /// Place of the next element.
    at: u64,
    /// Timestamp of the cluster, in the segment's ticks.
    cluster: Option<u64>,
    /// Nanoseconds; that of the file's earliest block.
    origin: i64,
    frames: VecDeque<Packet>,
}

/// What was found at a place.
enum Step {
    Block {
        data: Element,
        duration: Option<u64>,
        padding: u64,
    },
    /// Nothing of sound; go on behind it.
    Passed,
    Damaged,
    /// An element that claims more bytes than the file has.
    Beyond,
    End,
}

impl Reader {
    pub fn new(view: View, head: Head, track: AudioTrack) -> io::Result<Reader> {
        let mut described = Track::new(u32::try_from(track.number).unwrap_or(u32::MAX));
        if let Some(parameters) = track.reader.tracks().first().and_then(|track| track.codec_params.clone()) {
            described.with_codec_params(parameters);
        }
        if let Some(base) = TimeBase::try_new(1, 1_000_000_000) {
            described.with_time_base(base);
        }
        described.with_start_ts(Timestamp::new(-signed(track.delay)));
        let mut reader = Reader {
            at: head.first_cluster,
            view,
            head,
            track,
            tracks: Vec::new(),
            cluster: None,
            origin: 0,
            frames: VecDeque::new(),
        };
        reader.origin = reader.earliest()?;
        let end = reader.head.duration.map(|end| end.saturating_sub(reader.origin.unsigned_abs()));
        if let Some(end) = end.filter(|end| *end > 0) {
            described.with_duration(Duration::new(end));
        }
        reader.tracks.push(described);
        Ok(reader)
    }

    /// The first timestamp of any track: a recording begins there, also one that was cut out of a longer one.
    fn earliest(&mut self) -> io::Result<i64> {
        let (start, mut earliest) = (self.at, None::<i64>);
        let mut blocks = 0;
        while blocks < FIRST_BLOCKS {
            match self.step()? {
                Step::Block { data, .. } => {
                    blocks += 1;
                    let head = self.view.bytes(data.start, 12).unwrap_or_default();
                    if let Some(time) = lacing::timestamp(head).and_then(|timestamp| self.time(timestamp)) {
                        earliest = Some(earliest.map_or(time, |earliest| earliest.min(time)));
                    }
                }
                Step::Passed => (),
                Step::Damaged | Step::Beyond | Step::End => break,
            }
        }
        (self.at, self.cluster) = (start, None);
        Ok(earliest.unwrap_or(0))
    }

    /// A block's timestamp in nanoseconds.
    fn time(&self, relative: i16) -> Option<i64> {
        let ticks = i64::try_from(self.cluster?).ok()?.checked_add(i64::from(relative))?;
        ticks.checked_mul(i64::try_from(self.head.scale).ok()?)
    }

    /// Looks at the next element and moves behind it, or into it.
    fn step(&mut self) -> io::Result<Step> {
        let length = self.view.length();
        if self.at >= length {
            return Ok(Step::End);
        }
        let Some(element) = Element::read(&mut self.view, self.at)? else { return Ok(Step::Damaged) };
        if element.is_entered() {
            self.cluster = if element.id == CLUSTER { None } else { self.cluster };
            self.at = element.start;
            return Ok(Step::Passed);
        }
        let Some(end) = element.end else { return Ok(Step::Damaged) };
        if !self.leads_on(&element, end)? {
            return Ok(Step::Damaged);
        }
        if end > length {
            return Ok(Step::Beyond);
        }
        self.at = end;
        match element.id {
            TIMESTAMP => self.cluster = Some(element.unsigned(&mut self.view)?),
            SIMPLE_BLOCK => return Ok(Step::Block { data: element, duration: None, padding: 0 }),
            BLOCK_GROUP => return self.group(&element),
            _ => (),
        }
        Ok(Step::Passed)
    }

    /// Whether an element is followed by another one, or by the end: else its size is damaged.
    fn leads_on(&mut self, element: &Element, end: u64) -> io::Result<bool> {
        if end >= self.view.length() {
            // Of a cut file this is the last element, if it is one at all.
            return Ok(element.is_known());
        }
        let next = Element::read(&mut self.view, end).or_else(none_at_the_end)?;
        Ok(next.is_some_and(|next| next.is_known()) || (element.is_known() && self.view.length() - end < 12))
    }

    fn group(&mut self, group: &Element) -> io::Result<Step> {
        let (mut block, mut duration, mut padding) = (None, None, 0);
        for child in group.children(&mut self.view, 100)? {
            match child.id {
                BLOCK => block = Some(child),
                BLOCK_DURATION => duration = Some(child.unsigned(&mut self.view)?.saturating_mul(self.head.scale)),
                DISCARD_PADDING => padding = u64::try_from(child.signed(&mut self.view)?).unwrap_or(0),
                _ => (),
            }
        }
        Ok(block.map_or(Step::Passed, |data| Step::Block { data, duration, padding }))
    }

    /// Queues the frames of a block of this track.
    fn take(&mut self, data: &Element, duration: Option<u64>, padding: u64) -> Result<()> {
        let length = data.end.map_or(0, |end| end - data.start);
        let first = self.view.bytes(data.start, length.min(8) as usize)?;
        if lacing::track(first) != Some(self.track.number) {
            return Ok(());
        }
        const DAMAGED: Error = Error::DecodeError("mkv: a block is damaged");
        let Some(bytes) = data.bytes(&mut self.view, MAX_BLOCK)?.map(<[u8]>::to_vec) else { return Err(DAMAGED) };
        let block = lacing::read(&bytes).ok_or(DAMAGED)?;
        let time = self.time(block.timestamp).ok_or(DAMAGED)?;
        let begins = time.saturating_sub(self.origin).saturating_sub(signed(self.track.delay));
        let count = block.frames.len() as u64;
        let frame = duration.map_or(self.track.frame, |duration| duration / count);
        for (number, range) in block.frames.into_iter().enumerate() {
            let begins = begins.saturating_add(signed(frame.saturating_mul(number as u64)));
            let bytes = &bytes[range];
            let data =
                if self.track.encodings.is_empty() { Some(bytes.to_vec()) } else { self.track.encodings.frame(bytes) };
            // A frame that cannot be unpacked is an empty one: the decoder says that it is damaged.
            let data = data.unwrap_or_default();
            let mut packet = Packet::new(self.tracks[0].id, Timestamp::new(begins), Duration::new(frame), data);
            if number as u64 + 1 == count {
                packet.trim_end = Duration::new(padding);
                packet.dur = Duration::new(frame.saturating_sub(padding));
            }
            self.frames.push_back(packet);
        }
        Ok(())
    }

    /// Goes to the next cluster. False if there is none.
    fn resync(&mut self) -> io::Result<bool> {
        let mark = CLUSTER.to_be_bytes();
        let mut from = self.at + 1;
        self.cluster = None;
        while let Some(found) = self.view.find(&mark, from, u64::MAX)? {
            from = found + 1;
            let cluster = Element::read(&mut self.view, found).or_else(none_at_the_end)?;
            let Some(cluster) = cluster else { continue };
            let child = Element::read(&mut self.view, cluster.start).or_else(none_at_the_end)?;
            if child.is_some_and(|child| child.is_known()) {
                self.at = found;
                return Ok(true);
            }
        }
        self.at = self.view.length();
        Ok(false)
    }

    /// The file ends here; did its header say so?
    fn end(&self) -> Result<Option<Packet>> {
        match self.head.segment_end.is_some_and(|end| end > self.view.length()) {
            true => Err(Error::IoError(io::ErrorKind::UnexpectedEof.into())),
            false => Ok(None),
        }
    }
}

impl FormatReader for Reader {
    fn format_info(&self) -> &FormatInfo {
        &INFO
    }

    fn media_info(&self) -> &MediaInfo {
        self.track.reader.media_info()
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.track.reader.metadata()
    }

    fn seek(&mut self, _mode: SeekMode, _to: SeekTo) -> Result<SeekedTo> {
        Err(Error::SeekError(SeekErrorKind::Unseekable))
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Errors: `DecodeError` where something is damaged and reading goes on; an `IoError` is the last word.
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.frames.pop_front() {
                return Ok(Some(packet));
            }
            match self.step()? {
                Step::Block { data, duration, padding } => self.take(&data, duration, padding)?,
                Step::Passed => (),
                Step::Beyond if !self.resync()? => return Err(Error::IoError(io::ErrorKind::UnexpectedEof.into())),
                Step::Beyond => return Err(Error::DecodeError("mkv: a cluster is damaged")),
                Step::Damaged if self.resync()? => return Err(Error::DecodeError("mkv: a cluster is damaged")),
                Step::Damaged => return Err(Error::LimitError("mkv: its last cluster is damaged")),
                Step::End => return self.end(),
            }
        }
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        MediaSourceStream::new(Box::new(io::Cursor::new(Vec::new())), Default::default())
    }
}

fn signed(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}
