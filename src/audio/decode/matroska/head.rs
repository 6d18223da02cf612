//! Reads the elements before the clusters: the segment's information and its tracks.
//!
//! symphonia parses the codec parameters from a temporary file that contains this header and one track. So errors of
//! other tracks, damaged clusters or a cut file do not affect it.
//!
//! Invariant: the size of each element in memory is bounded.

use std::io::{self, Cursor};

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

use super::super::view::View;
use super::super::{error_map, panic_guard};
use super::element::{CLUSTER, EBML, Element, INFO, SEEK_HEAD, SEGMENT, TAGS, TRACKS, none_at_the_end};
use super::encoding::Encodings;
use crate::domain::{Reason, RecordingError};

const TIMESTAMP_SCALE: u32 = 0x2AD7B1;
const DURATION: u32 = 0x4489;
const DATE_UTC: u32 = 0x4461;
const TRACK_ENTRY: u32 = 0xAE;
const TRACK_NUMBER: u32 = 0xD7;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63A2;
const CODEC_DELAY: u32 = 0x56AA;
const DEFAULT_DURATION: u32 = 0x23E383;
const CONTENT_ENCODINGS: u32 = 0x6D80;
const SEEK: u32 = 0x4DBB;
const SEEK_ID: u32 = 0x53AB;
const SEEK_POSITION: u32 = 0x53AC;

/// The type of an audio track.
const AUDIO: u64 = 2;
const VIDEO: u64 = 1;

/// The epoch of dates, 2001-01-01, in seconds from 1970.
const EPOCH: i64 = 978_307_200;

/// Maximum size of an element that is copied.
const MAX_ELEMENT: usize = 4 << 20;

/// Maximum number of elements before the first cluster.
const MAX_ELEMENTS: usize = 10_000;

/// Codecs that symphonia does not identify.
const MORE_CODECS: [(&str, &str); 4] = [
    ("A_MS/ACM", "a Windows codec (ACM)"),
    ("A_QUICKTIME", "a QuickTime codec"),
    ("A_SPEEX", "Speex"),
    ("A_MLP", "MLP"),
];

/// A file's header.
pub struct Head {
    info: Element,
    tags: Option<Element>,
    /// Audio tracks.
    audio: Vec<Element>,
    pub has_video: bool,
    pub first_cluster: u64,
    /// End of the segment according to its header.
    pub segment_end: Option<u64>,
    /// Nanoseconds per tick.
    pub scale: u64,
    /// Nanoseconds, if known.
    pub duration: Option<u64>,
    /// The date of the file, RFC 3339.
    pub date: Option<String>,
}

/// One audio track.
pub struct AudioTrack {
    pub number: u64,
    /// Nanoseconds.
    pub delay: u64,
    pub frame: u64,
    pub encodings: Encodings,
    /// symphonia's reader of the temporary file: codec and tags, no packets.
    pub reader: Box<dyn FormatReader>,
}

impl AudioTrack {
    /// Decompresses a frame; None if it is invalid.
    pub fn decompress(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.encodings.is_empty() { Some(bytes.to_vec()) } else { self.encodings.frame(bytes) }
    }
}

impl Head {
    /// Reads the header; None for a file without tracks.
    pub fn read(view: &mut View) -> io::Result<Option<Head>> {
        let Some(ebml) = Element::read(view, 0).or_else(none_at_the_end)?.filter(|ebml| ebml.id == EBML) else {
            return Ok(None);
        };
        let segment = ebml.end.map(|end| Element::read(view, end).or_else(none_at_the_end)).transpose()?.flatten();
        let Some(segment) = segment.filter(|segment| segment.id == SEGMENT) else { return Ok(None) };
        let areas = Areas::walk(view, &segment)?;
        let (Some(info), Some(tracks)) = (areas.info, areas.tracks) else { return Ok(None) };
        if tracks.end.is_some_and(|end| end > view.length()) {
            return Ok(None);
        }
        let mut head = Head {
            info,
            tags: areas.tags,
            audio: Vec::new(),
            has_video: false,
            first_cluster: areas.cluster.unwrap_or(view.length()),
            segment_end: segment.end,
            scale: 1_000_000,
            duration: None,
            date: None,
        };
        head.read_info(view)?;
        for entry in tracks.children(view, 1000)?.into_iter().filter(|entry| entry.id == TRACK_ENTRY) {
            match number(view, &entry, TRACK_TYPE)? {
                AUDIO => head.audio.push(entry),
                VIDEO => head.has_video = true,
                _ => (),
            }
        }
        Ok(Some(head))
    }

    fn read_info(&mut self, view: &mut View) -> io::Result<()> {
        let mut duration = 0.0;
        for child in self.info.children(view, 100)? {
            match child.id {
                TIMESTAMP_SCALE => self.scale = child.unsigned(view)?.max(1),
                DATE_UTC => self.date = date(child.signed(view)?),
                DURATION => duration = float(child.bytes(view, 8)?.unwrap_or_default()),
                _ => (),
            }
        }
        let nanoseconds = duration * self.scale as f64;
        self.duration = (nanoseconds.is_finite() && nanoseconds >= 1.0).then_some(nanoseconds as u64);
        Ok(())
    }

    pub fn audio_tracks(&self) -> usize {
        self.audio.len()
    }

    /// The audio track with this index, from 0.
    ///
    /// Errors: unsupported, with the name of the codec or compression; corrupt; unreadable.
    pub fn track(&self, view: &mut View, rank: usize) -> Result<AudioTrack, RecordingError> {
        let entry = self.audio.get(rank).ok_or_else(|| error_map::unsupported("it has no such audio track"))?;
        let encodings = Encodings::read(view, entry)?;
        let fault = error_map::io;
        let file = self.file(view, entry, &encodings).map_err(fault)?;
        let reader = panic_guard::call(|| {
            let stream = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
            symphonia::default::get_probe().probe(&Hint::new(), stream, Default::default(), Default::default())
        });
        let codec = codec(view, entry).map_err(fault)?;
        let reader = reader.map_err(|error| error_map::reading(error, Default::default()))?;
        if reader.tracks().first().is_none_or(|track| track.codec_params.is_none()) {
            return Err(error_map::unsupported(codec));
        }
        Ok(AudioTrack {
            number: number(view, entry, TRACK_NUMBER).map_err(fault)?,
            delay: number(view, entry, CODEC_DELAY).map_err(fault)?,
            frame: number(view, entry, DEFAULT_DURATION).map_err(fault)?,
            encodings,
            reader,
        })
    }

    /// Builds a file from this header, one track, and a cluster without blocks.
    fn file(&self, view: &mut View, entry: &Element, encodings: &Encodings) -> io::Result<Vec<u8>> {
        let mut file = vec![0x1A, 0x45, 0xDF, 0xA3, 0x8B, 0x42, 0x82, 0x88];
        file.extend_from_slice(b"matroska");
        file.extend_from_slice(&[0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        append(&mut file, INFO, self.info.bytes(view, MAX_ELEMENT)?.unwrap_or_default());
        let mut track = Vec::new();
        for child in entry.children(view, 1000)?.iter().filter(|child| child.id != CONTENT_ENCODINGS) {
            let bytes = child.bytes(view, MAX_ELEMENT)?.unwrap_or_default();
            let plain = (child.id == CODEC_PRIVATE).then(|| encodings.private(bytes)).flatten();
            append(&mut track, child.id, plain.as_deref().unwrap_or(bytes));
        }
        let mut tracks = Vec::new();
        append(&mut tracks, TRACK_ENTRY, &track);
        append(&mut file, TRACKS, &tracks);
        if let Some(tags) = self.tags.as_ref().and_then(|tags| tags.bytes(view, MAX_ELEMENT).ok().flatten()) {
            append(&mut file, TAGS, tags);
        }
        append(&mut file, CLUSTER, &[0xE7, 0x81, 0x00]);
        Ok(file)
    }
}

/// The relevant elements of the segment.
#[derive(Default)]
struct Areas {
    info: Option<Element>,
    tracks: Option<Element>,
    tags: Option<Element>,
    cluster: Option<u64>,
}

impl Areas {
    /// Collects the elements before the first cluster, and those after it that the seek head lists.
    fn walk(view: &mut View, segment: &Element) -> io::Result<Areas> {
        let (mut areas, mut at, mut seeks) = (Areas::default(), segment.start, Vec::new());
        for _ in 0..MAX_ELEMENTS {
            let Some(element) = Element::read(view, at).or_else(none_at_the_end)? else { break };
            if element.id == CLUSTER {
                areas.cluster = Some(at);
                break;
            }
            if element.id == SEEK_HEAD {
                seeks.extend(sought(view, &element)?.into_iter().map(|place| segment.start.saturating_add(place)));
            }
            areas.note(element);
            match element.end.filter(|end| *end <= view.length()) {
                Some(end) => at = end,
                None => break,
            }
        }
        // There may be a second seek head at the end.
        let mut looked_up = 0;
        while let Some(place) = seeks.get(looked_up).copied().filter(|_| looked_up < 100) {
            looked_up += 1;
            let Some(element) = Element::read(view, place).or_else(none_at_the_end)? else { continue };
            if element.id == SEEK_HEAD && looked_up < 10 {
                seeks.extend(sought(view, &element)?.into_iter().map(|place| segment.start.saturating_add(place)));
            }
            areas.note(element);
        }
        Ok(areas)
    }

    fn note(&mut self, element: Element) {
        let place = match element.id {
            INFO => &mut self.info,
            TRACKS => &mut self.tracks,
            TAGS => &mut self.tags,
            _ => return,
        };
        place.get_or_insert(element);
    }
}

/// Positions of information, tracks and tags, relative to the segment.
fn sought(view: &mut View, head: &Element) -> io::Result<Vec<u64>> {
    let mut places = Vec::new();
    for seek in head.children(view, 100)?.iter().filter(|child| child.id == SEEK) {
        let id = number(view, seek, SEEK_ID)?;
        if [INFO, TRACKS, TAGS, SEEK_HEAD].iter().any(|wanted| u64::from(*wanted) == id) {
            places.push(number(view, seek, SEEK_POSITION)?);
        }
    }
    Ok(places)
}

/// The number in a child element; 0 if there is none.
fn number(view: &mut View, parent: &Element, id: u32) -> io::Result<u64> {
    let child = parent.children(view, 1000)?.into_iter().find(|child| child.id == id);
    child.map_or(Ok(0), |child| child.unsigned(view))
}

/// The message for an unsupported codec.
fn codec(view: &mut View, entry: &Element) -> io::Result<Reason> {
    let child = entry.children(view, 1000)?.into_iter().find(|child| child.id == CODEC_ID);
    let name =
        child.map_or(Ok(Vec::new()), |child| child.bytes(view, 100).map(|name| name.unwrap_or_default().to_vec()))?;
    let name: String = name.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
    let known = MORE_CODECS.iter().find(|(id, _)| name.starts_with(id)).map_or(name.as_str(), |(_, known)| known);
    Ok(error_map::foreign(format!("its audio track is {known}")))
}

fn append(file: &mut Vec<u8>, id: u32, contents: &[u8]) {
    let id = id.to_be_bytes();
    file.extend_from_slice(&id[id.iter().position(|byte| *byte != 0).unwrap_or(3)..]);
    file.extend_from_slice(&(contents.len() as u64 | 1 << 56).to_be_bytes());
    file.extend_from_slice(contents);
}

/// Formats a date in nanoseconds. Zero means that the recorder had no clock.
fn date(nanoseconds: i64) -> Option<String> {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let at = jiff::Timestamp::from_second(seconds.checked_add(EPOCH)?).ok();
    at.filter(|at| seconds > 0 && *at <= jiff::Timestamp::now()).map(|at| at.to_string())
}

fn float(bytes: &[u8]) -> f64 {
    match bytes.len() {
        4 => f64::from(f32::from_be_bytes(std::array::from_fn(|i| bytes[i]))),
        8 => f64::from_be_bytes(std::array::from_fn(|i| bytes[i])),
        _ => 0.0,
    }
}
