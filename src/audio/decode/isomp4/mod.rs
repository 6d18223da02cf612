//! Reads one audio track of MP4 and QuickTime. symphonia's reader ignores edit lists, reads the bytes of every track,
//! and fails if a file is cut.
//!
//! Invariant: each packet contains its trims and the silence before it (`dts` is the end of the previous packet);
//! memory is bounded by the longest packet.

mod boxes;
mod edits;
mod entry;
mod fragments;
mod index;
mod tables;

use std::io;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_OPUS};
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::well_known::FORMAT_ID_ISOMP4;
use symphonia::core::formats::{FormatReader, Track};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use self::fragments::{Fragments, Next};
use self::index::AudioTrack;
use self::tables::Sample;
use super::opus_lengths::{self, PacketLengths};
use super::packets::{self, Notes, PacketSource};
use super::view::View;

pub use self::index::Index;

/// Bytes per read.
pub const WINDOW: usize = 1 << 16;

/// Maximum size of a packet.
const MAX_PACKET: u64 = 16 << 20;

/// Returns the packets of one audio track.
pub struct Reader {
    view: View,
    track: AudioTrack,
    fragments: Option<Fragments>,
    /// End of the last packet in presentation time, ticks.
    clock: u64,
    /// Silence before the next packet, ticks.
    pause: u64,
    /// The current piece of the edit list.
    piece: usize,
    /// End of the last sample in media time.
    media_end: u64,
    /// Bytes that may still be returned: in a crafted file, many samples share the same bytes.
    budget: u64,
    /// Whether the previous sample had an unsupported format.
    is_unsupported: bool,
    /// Of Opus.
    lengths: Option<PacketLengths>,
    notes: Notes,
}

impl Reader {
    pub fn new(view: View, track: AudioTrack, notes: Notes, lengths: Option<PacketLengths>) -> Reader {
        let budget = view.length().saturating_mul(2);
        Reader {
            view,
            track,
            fragments: None,
            clock: 0,
            pause: 0,
            piece: 0,
            media_end: 0,
            budget,
            is_unsupported: false,
            lengths,
            notes,
        }
    }

    /// The durations of the first Opus packets; None for other codecs.
    pub fn opus_lengths(mut self) -> Option<PacketLengths> {
        if self.track.parameters.codec != CODEC_ID_OPUS {
            return None;
        }
        let packets = (0..opus_lengths::FIRST).map_while(|_| self.next().ok().flatten());
        Some(PacketLengths::new(&packets.map(|packet| opus_lengths::length(&packet.data)).collect::<Vec<_>>()))
    }

    /// Converts it to symphonia's reader trait.
    pub fn boxed(self) -> Box<dyn FormatReader> {
        let track = &self.track;
        let mut described = Track::new(track.number);
        described.with_codec_params(CodecParameters::Audio(track.parameters.clone()));
        if let Some(base) = TimeBase::try_new(1, track.scale) {
            described.with_time_base(base);
        }
        if let Some(length) = track.media.map(|media| track.edits.length(media)).filter(|length| *length > 0) {
            described.with_duration(Duration::new(length));
        }
        packets::reader(FORMAT_ID_ISOMP4, "isomp4", described, self)
    }

    /// Silence before the track's first sample.
    pub fn start(&self) -> std::time::Duration {
        crate::audio::duration(self.track.edits.lead, self.track.scale)
    }

    /// The next sample of the movie's own tables, then of its fragments.
    fn next_sample(&mut self) -> Result<Option<Sample>> {
        if self.fragments.is_none() {
            if let Some(sample) = self.track.tables.next().map_err(Error::IoError)? {
                return Ok(Some(sample));
            }
            if self.track.may_lack_tracks || self.track.is_cut && self.track.tables.lacks_samples() {
                return Err(Error::IoError(io::ErrorKind::UnexpectedEof.into()));
            }
            let Some((defaults, origin)) = self.track.fragments else {
                let zeros = boxes::zeros_at_the_end(&mut self.view).map_err(Error::IoError)?;
                self.note_zeros(zeros);
                return Ok(None);
            };
            let (number, time) = (self.track.number, self.track.tables.time());
            let mut fragments =
                Fragments::new(&self.view, self.track.behind_moov, number, defaults, time, self.track.scale);
            fragments.set_origin(origin);
            self.fragments = Some(fragments);
        }
        match self.fragments.as_mut().map(Fragments::next).transpose().map_err(Error::IoError)? {
            Some(Next::Sample(sample)) => Ok(Some(sample)),
            Some(Next::Lost) => Err(Error::DecodeError("isomp4: fragments are missing or damaged")),
            Some(Next::End { cut: true, .. }) => Err(Error::IoError(io::ErrorKind::UnexpectedEof.into())),
            Some(Next::End { zeros, .. }) => {
                self.note_zeros(zeros);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn note_zeros(&self, zeros: u64) {
        if zeros > 0 {
            self.notes.add(packets::zeros(zeros));
        }
    }

    /// The usual duration of a sample: from the movie's tables; if there are none, that of AAC frames (1024 samples,
    /// ISO/IEC 14496-3).
    fn usual(&self) -> Option<u64> {
        let rate = u64::from(self.track.parameters.sample_rate.unwrap_or(0));
        let frame = || (1024 * u64::from(self.track.scale)).checked_div(rate);
        let of_codec = || if self.track.parameters.codec == CODEC_ID_AAC { frame() } else { None };
        // Samples of one tick are PCM, of which many are read together.
        Some(self.track.usual).filter(|usual| *usual > 1).or_else(of_codec)
    }

    /// Converts a sample to a packet with its time and trims.
    fn placed(&mut self, sample: &Sample, data: Box<[u8]>) -> Packet {
        self.pause = self.pause.saturating_add(sample.time.saturating_sub(self.media_end));
        self.media_end = sample.time.saturating_add(sample.duration);
        // A sample with a much longer duration than usual is followed by a pause.
        let usual = self.usual().unwrap_or(sample.duration);
        let is_long = sample.duration.saturating_sub(usual) > u64::from(self.track.scale / 10);
        let duration = if is_long { usual } else { sample.duration };
        self.media_end -= sample.duration - duration;
        // The encoder pads the last frame to full length, if the codec has a fixed frame length.
        let is_last = self.fragments.is_none() && self.track.fragments.is_none() && self.track.tables.is_at_end();
        let is_padded = is_last && !matches!(self.track.parameters.codec, CODEC_ID_ALAC | CODEC_ID_FLAC);
        let padding = if is_padded { usual.saturating_sub(duration) } else { 0 };
        let (start, end) = self.trims(sample.time, duration);
        let presented = duration - start - end;
        let pause = if presented > 0 { std::mem::take(&mut self.pause) } else { 0 };
        let begins = self.clock.saturating_add(pause);
        let timestamp = |ticks: u64| Timestamp::new(i64::try_from(ticks).unwrap_or(i64::MAX));
        let mut packet = Packet::new(self.track.number, timestamp(begins), Duration::new(presented), data);
        packet.dts = timestamp(self.clock);
        packet.trim_start = Duration::new(start);
        packet.trim_end = Duration::new(end + padding);
        self.clock = begins.saturating_add(presented);
        packet
    }

    /// Empties a damaged Opus packet, whose duration differs from that of its sample.
    fn checked(&mut self, mut packet: Packet) -> Packet {
        let Some(lengths) = &mut self.lengths else { return packet };
        if !lengths.is_usual(opus_lengths::length(&packet.data)) {
            let stated = crate::audio::duration(packet.block_dur().get(), self.track.scale).as_nanos();
            let mut packets = [packet.data.to_vec()];
            lengths.empty_damaged(i64::try_from(stated).unwrap_or(i64::MAX), &mut packets);
            let [data] = packets;
            packet.data = data.into();
        }
        packet
    }

    /// The parts of a sample that the edit list hides at its start and its end.
    fn trims(&mut self, time: u64, duration: u64) -> (u64, u64) {
        let pieces = &self.track.edits.pieces;
        while self.piece + 1 < pieces.len() && time >= pieces[self.piece].to {
            self.piece += 1;
            self.pause = self.pause.saturating_add(pieces[self.piece].pause);
        }
        let piece = pieces[self.piece];
        let start = piece.from.saturating_sub(time).min(duration);
        let end = time.saturating_add(duration).saturating_sub(piece.to).min(duration - start);
        (start, end)
    }
}

impl PacketSource for Reader {
    /// Errors: `DecodeError` for a loss after which reading continues; `Unsupported` for a change of the format; an
    /// `IoError` for the end of the file inside a sample, which is fatal.
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            let Some(sample) = self.next_sample()? else { return Ok(None) };
            if sample.size > MAX_PACKET || sample.size > self.budget {
                return Err(Error::IoError(io::ErrorKind::InvalidData.into()));
            }
            self.budget -= sample.size;
            let is_unsupported = !self.track.entries.contains(&sample.entry);
            let size = if is_unsupported { 0 } else { sample.size as usize };
            let data = self.view.bytes(sample.at, size).map_err(Error::IoError)?;
            let data: Box<[u8]> = data.into();
            let packet = self.placed(&sample, data);
            let was_unsupported = std::mem::replace(&mut self.is_unsupported, is_unsupported);
            // An empty sample has no audio; its time is kept.
            if size > 0 {
                return Ok(Some(self.checked(packet)));
            }
            self.clock = packet.dts.get().unsigned_abs();
            self.pause = self.pause.saturating_add(packet.pts.get().abs_diff(packet.dts.get()));
            self.pause = self.pause.saturating_add(packet.dur.get());
            if is_unsupported && !was_unsupported {
                return Err(Error::Unsupported("isomp4: its audio format changes here (another sample entry)"));
            }
        }
    }
}
