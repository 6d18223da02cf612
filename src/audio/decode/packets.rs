//! Common parts of giggles' own readers: one audio track, sequential packets, and notes for the log.
//!
//! Invariant: a reader skips damage wherever the container allows it. Skipped data always causes a jump of the
//! timestamps or a note.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::{Error, Result, SeekErrorKind};
use symphonia::core::formats::{FormatId, FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{Metadata, MetadataLog};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

/// Bytes per read.
const CHUNK: usize = 64 * 1024;

/// A source of packets.
pub trait PacketSource: Send + Sync {
    /// The next packet. Errors: unexpected end of file, if the file ends inside a packet; other fatal errors.
    fn next(&mut self) -> Result<Option<Packet>>;
}

/// What a reader skipped or ignored; each note is one line of the log.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The note about zeros up to the end of a file.
pub fn zeros(count: u64) -> String {
    format!("{count} bytes of zeros follow its audio: the recorder reserved them and did not write them")
}

/// Adapts a packet source to symphonia's reader trait.
struct Reader<S> {
    info: FormatInfo,
    media: MediaInfo,
    tracks: Vec<Track>,
    metadata: MetadataLog,
    source: S,
}

/// Creates a reader of one track.
pub fn reader(
    format: FormatId,
    name: &'static str,
    track: Track,
    source: impl PacketSource + 'static,
) -> Box<dyn FormatReader> {
    let info = FormatInfo { format, short_name: name, long_name: name };
    let media = MediaInfo::from_track(&track);
    Box::new(Reader { info, media, tracks: vec![track], metadata: MetadataLog::default(), source })
}

/// Describes a track, with the number of samples that its header plausibly announces.
pub fn track(parameters: AudioCodecParameters, announced: Option<u64>) -> Track {
    let mut track = Track::new(0);
    if let Some(base) = parameters.sample_rate.and_then(TimeBase::try_from_recip) {
        track.with_time_base(base);
    }
    track.with_codec_params(CodecParameters::Audio(parameters));
    if let Some(samples) = announced {
        track.with_num_frames(samples).with_duration(Duration::from(samples));
    }
    track
}

pub fn packet(start: u64, samples: u64, data: impl Into<Box<[u8]>>) -> Packet {
    Packet::new(0, Timestamp::new(i64::try_from(start).unwrap_or(i64::MAX)), Duration::from(samples), data)
}

impl<S: PacketSource> FormatReader for Reader<S> {
    fn format_info(&self) -> &FormatInfo {
        &self.info
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn seek(&mut self, _mode: SeekMode, _to: SeekTo) -> Result<SeekedTo> {
        Err(Error::SeekError(SeekErrorKind::Unseekable))
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        self.source.next()
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        MediaSourceStream::new(Box::new(std::io::Cursor::new(Vec::new())), Default::default())
    }
}

/// Sequential access to a part of a file, with look-ahead.
pub struct Window {
    file: File,
    /// Bytes of the part that are not read from the file yet.
    left: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are consumed.
    used: usize,
}

impl Window {
    pub fn new(mut file: File, start: u64, length: u64) -> std::io::Result<Window> {
        file.seek(SeekFrom::Start(start))?;
        Ok(Window { file, left: length, buffer: Vec::new(), used: 0 })
    }

    /// The next bytes, at least `wanted` of them unless the part ends before that.
    pub fn view(&mut self, wanted: usize) -> std::io::Result<&[u8]> {
        let at_hand = self.buffer.len() - self.used;
        if at_hand < wanted && self.left > 0 {
            self.buffer.drain(..self.used);
            self.used = 0;
            let more = (wanted - at_hand).max(CHUNK) as u64;
            let read = (&mut self.file).take(more.min(self.left)).read_to_end(&mut self.buffer)? as u64;
            // If the file shrinks while it is read, the part ends there.
            self.left = if read < more.min(self.left) { 0 } else { self.left - read };
        }
        Ok(&self.buffer[self.used..])
    }

    /// Skips bytes, including those that are not read yet.
    pub fn skip(&mut self, bytes: u64) -> std::io::Result<()> {
        let at_hand = (self.buffer.len() - self.used) as u64;
        if bytes <= at_hand {
            self.used += bytes as usize;
            return Ok(());
        }
        let beyond = (bytes - at_hand).min(self.left);
        self.buffer.clear();
        self.used = 0;
        self.left -= beyond;
        self.file.seek(SeekFrom::Current(i64::try_from(beyond).unwrap_or(i64::MAX))).map(drop)
    }

    /// Number of bytes to the end of the part.
    pub fn remaining(&self) -> u64 {
        self.left + (self.buffer.len() - self.used) as u64
    }
}

/// The error for a file that ends inside a packet.
pub fn cut() -> Error {
    Error::IoError(std::io::ErrorKind::UnexpectedEof.into())
}
