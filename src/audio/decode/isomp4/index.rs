//! The movie box: which audio tracks there are, and all that is needed to read one of them.
//!
//! Invariant: holds nothing that grows with the length of a recording.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};

use super::super::view::View;
use super::super::{faults, track::rescale};
use super::boxes::{Part, child, children, part};
use super::edits::Edits;
use super::entry;
use super::fragments::{Defaults, first_time};
use super::tables::Tables;
use crate::record::RecordingError;

/// Tracks of a movie.
const MAX_TRACKS: usize = 1000;

/// Bytes of a sample entry.
const MAX_ENTRY: u64 = 1 << 20;

/// AAC's transform needs one block of this many samples before its output is sound: no encoder has less delay.
const AAC_BLOCK: u64 = 1024;

/// The movie box of a file.
pub struct Index {
    moov: Part,
    movie_scale: u32,
    audio: Vec<Part>,
    has_video: bool,
    is_fragmented: bool,
}

/// One audio track.
pub struct AudioTrack {
    pub number: u32,
    pub scale: u32,
    pub parameters: AudioCodecParameters,
    pub tables: Tables,
    pub edits: Edits,
    /// Length of the media and usual duration of a sample, in ticks; where the tables say so.
    pub media: Option<u64>,
    pub usual: u64,
    /// Where fragments begin to be looked for, and what is to be taken off their times.
    pub fragments: Option<(Defaults, u64)>,
    pub behind_moov: u64,
}

impl Index {
    /// None of a file without a movie box. Errors of the file system, and `UnexpectedEof` of a cut box.
    pub fn read(view: &mut View) -> io::Result<Option<Index>> {
        let mut at = 0;
        let moov = loop {
            match part(view, at, u64::MAX)? {
                Some(part) if &part.name == b"moov" && part.end > view.length() => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Some(part) if &part.name == b"moov" => break part,
                Some(part) => at = part.end,
                None => return Ok(None),
            }
        };
        let Some(mvhd) = child(view, moov, &[b"mvhd"])? else { return Ok(None) };
        let mut index = Index {
            moov,
            movie_scale: scale(view, mvhd)?.max(1),
            audio: Vec::new(),
            has_video: false,
            is_fragmented: child(view, moov, &[b"mvex"])?.is_some(),
        };
        for trak in children(view, moov, b"trak", MAX_TRACKS)? {
            let handler = child(view, trak, &[b"mdia", b"hdlr"])?.map(|hdlr| view.array::<4>(hdlr.start + 8));
            match handler.transpose()?.as_ref() {
                Some(b"soun") => index.audio.push(trak),
                Some(b"vide") => index.has_video = true,
                _ => (),
            }
        }
        Ok(Some(index))
    }

    pub fn audio_tracks(&self) -> usize {
        self.audio.len()
    }

    pub fn has_video(&self) -> bool {
        self.has_video
    }

    /// The audio track of this rank, from 0.
    ///
    /// Errors: unsupported, naming the codec; corrupt where a table is missing; unreadable.
    pub fn track(&self, view: &mut View, rank: usize) -> Result<AudioTrack, RecordingError> {
        let trak = *self.audio.get(rank).ok_or_else(|| faults::unsupported("it has no such audio track"))?;
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData => faults::corrupt("a table of its index is missing", Default::default()),
            io::ErrorKind::UnexpectedEof => faults::truncated("its index is cut", Default::default()),
            _ => faults::io(&error),
        };
        let (entry, scale) = self.entry(view, trak).map_err(fault)?;
        let parameters = entry::parameters(&entry, scale)?;
        self.described(view, trak, scale, parameters).map_err(fault)
    }

    /// The first sample entry, as a whole box, and the track's time scale.
    fn entry(&self, view: &mut View, trak: Part) -> io::Result<(Vec<u8>, u32)> {
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        let mdhd = child(view, trak, &[b"mdia", b"mdhd"])?.ok_or_else(missing)?;
        let stsd = child(view, trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?.ok_or_else(missing)?;
        let entries = Part { start: stsd.start + 8, ..stsd };
        let entry =
            part(view, entries.start, entries.end)?.filter(|entry| entry.end <= stsd.end).ok_or_else(missing)?;
        let length = (entry.end - entry.at).min(MAX_ENTRY) as usize;
        Ok((view.bytes(entry.at, length)?.to_vec(), scale(view, mdhd)?.max(1)))
    }

    fn described(
        &self,
        view: &mut View,
        trak: Part,
        scale: u32,
        parameters: AudioCodecParameters,
    ) -> io::Result<AudioTrack> {
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        let number = track_number(view, trak)?;
        let stbl = child(view, trak, &[b"mdia", b"minf", b"stbl"])?.ok_or_else(missing)?;
        let mut tables = Tables::read(view, stbl)?;
        if let (Some(bits), Some(channels), Some(1)) =
            (parameters.bits_per_coded_sample, parameters.channels.as_ref(), parameters.max_frames_per_packet)
        {
            tables.set_pcm(bits / 8 * channels.count() as u32);
        }
        let measured = tables.measure()?;
        let media = measured.map(|(media, _)| media).filter(|media| *media > 0 && !self.is_fragmented);
        let elst = child(view, trak, &[b"edts", b"elst"])?;
        let listed = elst.map(|elst| Edits::read(view, elst, (self.movie_scale, scale), media)).transpose()?.flatten();
        Ok(AudioTrack {
            number,
            scale,
            edits: listed.unwrap_or_else(|| Edits::all_from(delay(&parameters, scale))),
            parameters,
            tables,
            media,
            usual: measured.map_or(0, |(_, usual)| usual),
            fragments: self.is_fragmented.then(|| self.fragments(view, number)).transpose()?,
            behind_moov: self.moov.end,
        })
    }

    /// Defaults of the track's fragments, and the time of its first one that is common to all tracks: of a movie cut
    /// out of a longer one all are late.
    fn fragments(&self, view: &mut View, number: u32) -> io::Result<(Defaults, u64)> {
        let mut defaults = Defaults::default();
        if let Some(mvex) = child(view, self.moov, &[b"mvex"])? {
            for trex in children(view, mvex, b"trex", MAX_TRACKS)? {
                if view.u32(trex.start + 4)? == number {
                    defaults = Defaults { duration: view.u32(trex.start + 12)?, size: view.u32(trex.start + 16)? };
                }
            }
        }
        let (mut earliest, mut own_scale) = (u64::MAX, 1);
        for trak in children(view, self.moov, b"trak", MAX_TRACKS)? {
            let other = track_number(view, trak)?;
            let mdhd = child(view, trak, &[b"mdia", b"mdhd"])?;
            let scale = mdhd.map(|mdhd| scale(view, mdhd)).transpose()?.unwrap_or(1).max(1);
            if other == number {
                own_scale = scale;
            }
            // To the microsecond: tracks count in different ticks.
            if let Some(time) = first_time(view, self.moov.end, other)? {
                earliest = earliest.min(rescale(time, (1, scale), 1_000_000));
            }
        }
        let origin = if earliest == u64::MAX { 0 } else { rescale(earliest, (1, 1_000_000), own_scale) };
        Ok((defaults, origin))
    }
}

/// What an encoder puts in front, in ticks, where no edit list says so.
fn delay(parameters: &AudioCodecParameters, scale: u32) -> u64 {
    let rate = parameters.sample_rate.unwrap_or(scale).max(1);
    match parameters.codec {
        CODEC_ID_AAC => rescale(AAC_BLOCK, (1, rate), scale),
        CODEC_ID_OPUS => {
            let head = opus16k::Head::parse(parameters.extra_data.as_deref().unwrap_or_default());
            rescale(head.map_or(0, |head| u64::from(head.pre_skip)), (1, opus16k::CLOCK), scale)
        }
        _ => 0,
    }
}

fn track_number(view: &mut View, trak: Part) -> io::Result<u32> {
    let Some(tkhd) = child(view, trak, &[b"tkhd"])? else { return Ok(0) };
    let place = if view.array::<1>(tkhd.start)? == [1] { 20 } else { 12 };
    view.u32(tkhd.start + place)
}

/// Time scale of an `mvhd` or `mdhd`.
fn scale(view: &mut View, header: Part) -> io::Result<u32> {
    let place = if view.array::<1>(header.start)? == [1] { 20 } else { 12 };
    view.u32(header.start + place)
}
