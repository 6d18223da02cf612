//! Reads the movie box: the audio tracks and the data needed to read one of them.
//!
//! Invariant: memory does not grow with the length of a recording.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};

use super::super::view::View;
use super::super::{error_map, track::rescale};
use super::boxes::{Part, child, children, part};
use super::edits::Edits;
use super::entry;
use super::fragments::{Defaults, first_time};
use super::tables::Tables;
use crate::domain::RecordingError;

/// Maximum number of tracks in a movie.
const MAX_TRACKS: usize = 1000;

/// Maximum size of a sample entry, bytes.
const MAX_ENTRY: u64 = 1 << 20;

/// Maximum number of sample entries in a track.
const MAX_ENTRIES: usize = 100;

/// AAC's transform needs one block of this many samples before its output is valid; every encoder has at least this
/// delay.
const AAC_BLOCK: u64 = 1024;

/// The movie box of a file.
pub struct Index {
    moov: Part,
    movie_scale: u32,
    audio: Vec<Part>,
    has_video: bool,
    is_fragmented: bool,
    /// The file ends inside it.
    is_cut: bool,
    /// The file is cut such that a track may be missing.
    may_lack_tracks: bool,
}

/// One audio track.
pub struct AudioTrack {
    pub number: u32,
    pub scale: u32,
    pub parameters: AudioCodecParameters,
    pub tables: Tables,
    pub edits: Edits,
    /// Length of the media and usual duration of a sample, in ticks, if the tables contain them.
    pub media: Option<u64>,
    pub usual: u64,
    /// Offset of the first possible fragment, and the correction of fragment times.
    pub fragments: Option<(Defaults, u64)>,
    pub behind_moov: u64,
    /// Numbers of the sample entries with the same audio format as `parameters`.
    pub entries: Vec<u32>,
    /// The file ends inside the index: samples, or other tracks, may be missing.
    pub is_cut: bool,
    pub may_lack_tracks: bool,
}

impl Index {
    /// Reads the movie box; None if there is none. From a cut box, the available part is read.
    ///
    /// Errors: those of the file system, and `UnexpectedEof` if a required box is cut.
    pub fn read(view: &mut View) -> io::Result<Option<Index>> {
        let mut at = 0;
        let moov = loop {
            match part(view, at, u64::MAX)? {
                Some(part) if &part.name == b"moov" => {
                    let end = part.end.min(view.length());
                    break Part { end, is_cut: end < part.end, ..part };
                }
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
            is_cut: moov.is_cut,
            may_lack_tracks: moov.is_cut && !is_cut_harmlessly(view, moov)?,
        };
        for trak in children(view, moov, b"trak", MAX_TRACKS)? {
            let handler = child(view, trak, &[b"mdia", b"hdlr"])?.map(|hdlr| view.array::<4>(hdlr.start + 8));
            match handler.transpose().or_else(none_at_the_end)?.as_ref() {
                Some(b"soun") => index.audio.push(trak),
                Some(b"vide") => index.has_video = true,
                None => index.may_lack_tracks |= trak.is_cut,
                Some(_) => (),
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

    /// The audio track with this index, from 0.
    ///
    /// Errors: unsupported, with the codec's name; corrupt if a table is missing; unreadable.
    pub fn track(&self, view: &mut View, rank: usize) -> Result<AudioTrack, RecordingError> {
        let trak = *self.audio.get(rank).ok_or_else(|| error_map::unsupported("it has no such audio track"))?;
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData if self.is_cut => error_map::truncated("its index is cut", Default::default()),
            io::ErrorKind::InvalidData => error_map::corrupt("a table of its index is missing", Default::default()),
            io::ErrorKind::UnexpectedEof => error_map::truncated("its index is cut", Default::default()),
            _ => error_map::io(error),
        };
        let (entries, scale) = self.entries(view, trak).map_err(fault)?;
        let mut read = entries.iter().map(|entry| (entry, entry::parameters(entry, scale)));
        let first = read.next().ok_or_else(|| fault(io::ErrorKind::InvalidData.into()))?;
        // The first supported entry, or the error of the first entry.
        let chosen = if first.1.is_ok() { None } else { read.find(|(_, parameters)| parameters.is_ok()) };
        let (chosen, parameters) = chosen.unwrap_or(first);
        let alike = entries.iter().zip(1..).filter(|(entry, _)| *entry == chosen).map(|(_, number)| number).collect();
        let track = self.described(view, trak, scale, parameters?).map_err(fault)?;
        Ok(AudioTrack { entries: alike, ..track })
    }

    /// The sample entries, as complete boxes, and the track's time scale.
    fn entries(&self, view: &mut View, trak: Part) -> io::Result<(Vec<Vec<u8>>, u32)> {
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        let mdhd = child(view, trak, &[b"mdia", b"mdhd"])?.ok_or_else(missing)?;
        let stsd = child(view, trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?.ok_or_else(missing)?;
        let (mut at, mut entries) = (stsd.start + 8, Vec::new());
        while let Some(entry) = part(view, at, stsd.end)?.filter(|entry| entry.end <= stsd.end)
            && entries.len() < MAX_ENTRIES
        {
            at = entry.end;
            let length = (entry.end - entry.at).min(MAX_ENTRY) as usize;
            entries.push(view.bytes(entry.at, length)?.to_vec());
        }
        Ok((entries, scale(view, mdhd)?.max(1)))
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
            entries: vec![1],
            is_cut: self.is_cut,
            may_lack_tracks: self.may_lack_tracks,
        })
    }

    /// Defaults of the track's fragments, and the time offset that is common to all tracks: in a movie that was cut out
    /// of a longer one, all times are late.
    fn fragments(&self, view: &mut View, number: u32) -> io::Result<(Defaults, u64)> {
        let mut defaults = Defaults::default();
        if let Some(mvex) = child(view, self.moov, &[b"mvex"])? {
            for trex in children(view, mvex, b"trex", MAX_TRACKS)? {
                if view.u32(trex.start + 4)? == number {
                    defaults = Defaults {
                        entry: view.u32(trex.start + 8)?,
                        duration: view.u32(trex.start + 12)?,
                        size: view.u32(trex.start + 16)?,
                    };
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
            // Rounded to microseconds, because tracks have different time scales.
            if let Some(time) = first_time(view, self.moov.end, other)? {
                earliest = earliest.min(rescale(time, (1, scale), 1_000_000));
            }
        }
        let origin = if earliest == u64::MAX { 0 } else { rescale(earliest, (1, 1_000_000), own_scale) };
        Ok((defaults, origin))
    }
}

/// Whether a movie box is cut in a part that describes no track.
fn is_cut_harmlessly(view: &mut View, moov: Part) -> io::Result<bool> {
    for name in [b"trak", b"udta", b"meta", b"free", b"skip", b"uuid"] {
        if children(view, moov, name, MAX_TRACKS)?.last().is_some_and(|last| last.is_cut) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Converts an unexpected end of file to None, for the part after a cut.
fn none_at_the_end<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) }
}

/// The encoder delay in ticks, if there is no edit list.
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
