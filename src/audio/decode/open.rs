//! Opens a file and returns a packet reader for one of its audio tracks.
//!
//! The format is determined by the content, never by the extension.
//!
//! Invariant: opens regular files only, so it cannot block on a pipe or a device.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::FORMAT_ID_ISOMP4;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{MetadataOptions, RawValue, StandardTag};

use super::mp4::Date;
use super::own::{self, Own};
use super::packets::Notes;
use super::view::View;
use super::{error_map, isomp4, matroska, mkv, mp4, ogg, panic_guard};
use crate::audio::file_kind::special_kind;
use crate::audio::timestamps;
use crate::domain::RecordingError;

/// Boxes that MP4 and QuickTime files start with.
const MP4_BOXES: [[u8; 4]; 10] =
    [*b"ftyp", *b"moov", *b"mdat", *b"wide", *b"free", *b"skip", *b"uuid", *b"pnot", *b"styp", *b"junk"];

/// Bytes that identify most formats (`FIRST`) and all formats (`BEGINNING`).
const FIRST: usize = 64;
const BEGINNING: u64 = 1024;

/// Container-specific properties that symphonia does not provide.
pub enum Outline {
    /// Read by one of giggles' own readers. `open`: whether the file may still grow.
    Own {
        open: bool,
    },
    Ogg(Option<ogg::Tail>),
    Mp4(mp4::Layout),
    Mkv(mkv::Ending),
    Other,
}

impl Outline {
    /// Whether the file is shorter than it announces.
    pub fn is_cut(&self) -> bool {
        match self {
            Outline::Ogg(tail) => tail.is_none_or(|tail| tail.is_cut),
            Outline::Mp4(layout) => layout.cut,
            Outline::Mkv(_) | Outline::Own { .. } | Outline::Other => false,
        }
    }

    /// Whether the reader skips damage, reports it as a decode error, and can continue.
    pub fn is_resilient(&self) -> bool {
        matches!(self, Outline::Mp4(_) | Outline::Mkv(_))
    }

    /// Whether the file may still grow.
    pub fn is_open_ended(&self) -> bool {
        match self {
            Outline::Own { open } => *open,
            Outline::Ogg(tail) => tail.is_some_and(|tail| !tail.is_ended),
            Outline::Mkv(ending) => *ending == mkv::Ending::Open,
            Outline::Mp4(_) | Outline::Other => false,
        }
    }
}

/// A packet reader; that of Ogg provides counts as well.
pub enum Reader {
    Ogg(Box<ogg::Reader>),
    Other(Box<dyn FormatReader>),
}

impl Deref for Reader {
    type Target = dyn FormatReader;

    fn deref(&self) -> &Self::Target {
        match self {
            Reader::Ogg(reader) => &**reader,
            Reader::Other(reader) => &**reader,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Reader::Ogg(reader) => &mut **reader,
            Reader::Other(reader) => &mut **reader,
        }
    }
}

/// A file whose header has been read.
pub struct Opened {
    /// Number of audio tracks in the file.
    pub tracks: u32,
    /// Time before the opened track, if others start earlier.
    pub start: Duration,
    pub reader: Reader,
    pub outline: Outline,
    pub recorded: Option<Date>,
    /// Estimated duration, if no header contains one.
    pub estimate: Option<Duration>,
    /// What the reader skipped or ignored so far.
    pub notes: Notes,
}

/// Opens the audio track with index `rank`, from 0. Errors: vanished, unreadable, not a file, empty, unsupported, or
/// with a damaged header.
pub fn open(path: &Path, rank: usize) -> Result<Opened, RecordingError> {
    let fault = error_map::io;
    let found = std::fs::metadata(path).map_err(fault)?;
    if let Some(what) = special_kind(found.file_type()) {
        return Err(RecordingError::NotAFile { what: what.into() });
    }
    let mut file = File::open(path).map_err(fault)?;
    let bytes = file.metadata().map_err(fault)?.len();
    if bytes == 0 {
        return Err(RecordingError::Empty);
    }
    let beginning = beginning(&mut file).map_err(fault)?;
    let first = beginning[..beginning.len().min(FIRST)].to_vec();
    if let Some(what) = error_map::mistakable(&beginning) {
        return Err(error_map::unsupported(what));
    }
    let notes = Notes::default();
    if let Some(own) = own::open(path, bytes, &first, &notes)? {
        return Ok(owned(own, file, notes));
    }
    let outline = outline(&mut file, bytes, &first)?;
    match outline {
        Outline::Mp4(_) => return movie(file, bytes, rank, outline, notes),
        Outline::Mkv(_) => return matroska(file, bytes, rank, outline, notes),
        _ => (),
    }
    if let Outline::Ogg(tail) = &outline {
        let checks = tail.is_none_or(|tail| tail.is_checked);
        return ogg(path, rank, checks, outline, notes);
    }
    let cut = outline.is_cut();
    let recorded = recorded(&outline);
    file.rewind().map_err(fault)?;
    let mut reader = Reader::Other(reader(file).map_err(|error| {
        if cut { error_map::truncated(error_map::SHORT, Default::default()) } else { error_map::opening(error, &first) }
    })?);
    // symphonia finds MP4 behind other bytes too. Its reader counts the samples that a fragment announces one by one.
    if reader.format_info().format == FORMAT_ID_ISOMP4 {
        return Err(error_map::unsupported("it is MP4 behind other bytes; remove them, or convert it"));
    }
    let recorded = recorded.or_else(|| tagged(&mut *reader));
    Ok(Opened { reader, outline, recorded, tracks: 1, start: Duration::ZERO, estimate: None, notes })
}

/// The number of audio tracks in a file.
pub fn tracks(path: &Path) -> Result<u32, RecordingError> {
    let file = File::open(path).map_err(error_map::io)?;
    let bytes = file.metadata().map_err(error_map::io)?.len();
    let mut view = View::new(Arc::new(file), bytes, isomp4::WINDOW);
    let head = matroska::Head::read(&mut view).map_err(error_map::io)?;
    let index = isomp4::Index::read(&mut view).map_err(error_map::io)?;
    let count = head.map(|head| head.audio_tracks()).or(index.map(|index| index.audio_tracks()));
    Ok(count.map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX)))
}

/// Opens Matroska and WebM with giggles' own reader.
fn matroska(file: File, bytes: u64, rank: usize, outline: Outline, notes: Notes) -> Result<Opened, RecordingError> {
    let fault = error_map::io;
    let mut view = View::new(Arc::new(file), bytes, matroska::WINDOW);
    let head = matroska::Head::read(&mut view).map_err(fault)?;
    let head = head.ok_or_else(|| error_map::truncated("its header is cut or damaged", Duration::ZERO))?;
    if head.audio_tracks() == 0 {
        if outline.is_cut() {
            return Err(error_map::truncated(error_map::SHORT, Duration::ZERO));
        }
        let what = if head.has_video { "video, but no audio track" } else { "no audio track" };
        return Err(error_map::unsupported(format!("it is Matroska / WebM with {what}")));
    }
    let mut track = head.track(&mut view, rank)?;
    let begun = head.date.clone().map(|text| Date { text, may_be_end: false });
    let tracks = u32::try_from(head.audio_tracks()).unwrap_or(u32::MAX);
    // A date tag was written on purpose; the date of the file may be that of the program that wrote it.
    let recorded = tagged(&mut *track.reader).or(begun);
    let reader = matroska::open(view, head, track, notes.clone()).map_err(fault)?;
    Ok(Opened {
        reader: Reader::Other(reader),
        outline,
        recorded,
        tracks,
        start: Duration::ZERO,
        estimate: None,
        notes,
    })
}

/// Opens MP4 and QuickTime with giggles' own reader.
fn movie(file: File, bytes: u64, rank: usize, outline: Outline, notes: Notes) -> Result<Opened, RecordingError> {
    let file = Arc::new(file);
    let mut view = View::new(Arc::clone(&file), bytes, isomp4::WINDOW);
    let index = isomp4::Index::read(&mut view).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => error_map::truncated(error_map::SHORT, Duration::ZERO),
        _ => error_map::io(error),
    })?;
    let index = index.ok_or_else(|| error_map::corrupt("its index (moov) is invalid", Duration::ZERO))?;
    if index.audio_tracks() == 0 {
        let what = if index.has_video() { "video, but no audio track" } else { "no audio track" };
        return Err(error_map::unsupported(format!("it is ISO Base Media File Format with {what}")));
    }
    let track = index.track(&mut view, rank)?;
    let tracks = u32::try_from(index.audio_tracks()).unwrap_or(u32::MAX);
    let again =
        isomp4::Reader::new(view.another(isomp4::WINDOW), index.track(&mut view, rank)?, Notes::default(), None);
    let reader = isomp4::Reader::new(view, track, notes.clone(), again.opus_lengths());
    let start = reader.start();
    let recorded = recorded(&outline).or_else(|| tags(&file));
    Ok(Opened { reader: Reader::Other(reader.boxed()), outline, recorded, tracks, start, estimate: None, notes })
}

/// Opens Ogg with giggles' own reader: the only audio stream, or the one with index `rank`.
fn ogg(path: &Path, rank: usize, checks: bool, outline: Outline, notes: Notes) -> Result<Opened, RecordingError> {
    let open = |selected| {
        let file = File::open(path).map_err(error_map::io)?;
        ogg::Reader::open(MediaSourceStream::new(Box::new(file), Default::default()), checks, selected)
    };
    let (mut reader, mut tracks, mut start) = (open(None)?, 1, Duration::ZERO);
    if reader.streams().len() > 1 {
        let starts = ogg::stream_starts(&mut reader).map_err(error_map::io)?;
        let all: Vec<u32> = reader.streams().iter().map(|stream| stream.serial).collect();
        tracks = u32::try_from(starts.len()).unwrap_or(u32::MAX);
        let own = starts.get(rank).and_then(|stream| stream.start);
        if own.is_none() && tracks > 1 {
            let number = rank + 1;
            notes.add(format!(
                "the start of its stream {number} relative to the others is unknown; the start of the first one is used"
            ));
        }
        start = own.unwrap_or_default();
        reader = open(ogg::Selected::new(&starts, &all, rank))?;
    }
    let mut reader = Reader::Ogg(Box::new(reader));
    let recorded = tagged(&mut *reader);
    Ok(Opened { reader, outline, recorded, tracks, start, estimate: None, notes })
}

/// A file that is read by one of giggles' own readers. symphonia reads its tags, if it can.
fn owned(own: Own, file: File, notes: Notes) -> Opened {
    let recorded = own.recorded.map(|text| Date { text, may_be_end: false }).or_else(|| tags(&file));
    let reader = Reader::Other(own.reader);
    let (outline, start) = (Outline::Own { open: own.open }, Duration::ZERO);
    Opened { reader, outline, recorded, tracks: 1, start, estimate: own.estimate, notes }
}

/// The date among the tags that symphonia reads.
fn tags(file: &File) -> Option<Date> {
    let mut file = file.try_clone().ok()?;
    file.rewind().ok()?;
    tagged(&mut *reader(file).ok()?)
}

fn reader(file: File) -> symphonia::core::errors::Result<Box<dyn FormatReader>> {
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let (format, tags) = (FormatOptions::default(), MetadataOptions::default());
    panic_guard::call(|| symphonia::default::get_probe().probe(&Hint::new(), stream, format, tags))
}

fn beginning(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut first = Vec::new();
    file.take(BEGINNING).read_to_end(&mut first)?;
    Ok(first)
}

/// Reads the container-specific properties. A read past the end means that the header is cut.
fn outline(file: &mut File, bytes: u64, first: &[u8]) -> Result<Outline, RecordingError> {
    let outline = match first {
        [b'O', b'g', b'g', b'S', ..] => ogg::Tail::read(file, bytes).map(Outline::Ogg),
        _ if ogg::starts_later(file, first).is_ok_and(|starts| starts) => {
            ogg::Tail::read(file, bytes).map(Outline::Ogg)
        }
        [_, _, _, _, a, b, c, d, ..] if MP4_BOXES.contains(&[*a, *b, *c, *d]) => {
            mp4::Layout::read(file, bytes).map(Outline::Mp4)
        }
        [0x1A, 0x45, 0xDF, 0xA3, ..] => mkv::Ending::read(file, bytes).map(Outline::Mkv),
        _ => Ok(Outline::Other),
    };
    match outline {
        Ok(Outline::Mp4(layout)) if !layout.has_index => Err(error_map::truncated(
            "its index (moov) is missing, which is written last: the recorder was stopped before it finished",
            Default::default(),
        )),
        Ok(outline) => Ok(outline),
        // `InvalidInput` is a seek to an offset that no file can have.
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidInput) => {
            Err(error_map::truncated(error_map::SHORT, Default::default()))
        }
        Err(error) => Err(error_map::io(error)),
    }
}

/// A date that symphonia does not read.
fn recorded(outline: &Outline) -> Option<Date> {
    match outline {
        Outline::Mp4(layout) => layout.recorded.clone(),
        _ => None,
    }
}

/// The best date among the tags: the recording date, then the digitization date, then any other.
fn tagged(reader: &mut dyn FormatReader) -> Option<Date> {
    let mut metadata = reader.metadata();
    let tags = metadata.skip_to_latest()?.media.tags.clone();
    let dates = tags.iter().filter_map(|tag| {
        let RawValue::String(text) = &tag.raw.value else {
            return None;
        };
        let rank = match (&tag.std, tag.raw.key.to_ascii_lowercase().as_str()) {
            (_, "creation_time" | "date_recorded" | "dateutc") => 0,
            (Some(StandardTag::RecordingDate(_) | StandardTag::OriginalRecordingDate(_)), _) => 1,
            (Some(StandardTag::DigitizedDate(_)), _) | (_, "date" | "idit" | "\u{a9}day") => 2,
            (Some(StandardTag::EncodingDate(_)), _) | (_, "icrd") => 3,
            (Some(StandardTag::Comment(_)), _) if timestamps::is_dated_comment(text) => 0,
            _ => return None,
        };
        Some((rank, text.trim().to_string()))
    });
    let best = dates.filter(|(_, text)| timestamps::is_dated(text)).min_by_key(|(rank, _)| *rank);
    best.map(|(_, text)| Date { text, may_be_end: false })
}
