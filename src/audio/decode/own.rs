//! Selects one of giggles' own container readers for a file, by its first bytes.
//!
//! Invariant: a length in a header is ignored if the file contradicts it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_AIFF, FORMAT_ID_WAVE};

use super::mpeg::tags;
use super::packets::Notes;
use super::{adts, aiff, au, blocks, caf, error_map, flac, mpeg, wav, wav_metadata};
use crate::domain::RecordingError;

/// A file that is opened with one of giggles' own readers.
pub struct Own {
    pub reader: Box<dyn FormatReader>,
    /// Whether the file may still grow.
    pub open: bool,
    /// The date of the recording in the header.
    pub recorded: Option<String>,
    /// Estimated duration if the header contains none, assuming that all packets are like the first ones.
    pub estimate: Option<Duration>,
}

impl Own {
    fn new(reader: Box<dyn FormatReader>, open: bool) -> Own {
        Own { reader, open, recorded: None, estimate: None }
    }
}

type Opening = Result<Option<Own>, RecordingError>;

/// Opens the file if one of giggles' own readers supports its format.
///
/// Errors: unreadable; truncated, if the header is incomplete; unsupported codec.
pub fn open(path: &Path, bytes: u64, first: &[u8], notes: &Notes) -> Opening {
    let mut file = File::open(path).map_err(error_map::io)?;
    match first {
        first if wav::is_wav(first) => wave(file, bytes, notes),
        first if aiff::is_aiff(first) => aiff(file, bytes, notes),
        [b'.', b's', b'n', b'd', ..] => sun(file, bytes, notes),
        [b'd', b'n', b's', b'.', ..] | [b's', b'd', b'.', ..] => {
            Err(error_map::unsupported(error_map::foreign("it is AU with its bytes in reverse order")))
        }
        [b'c', b'a', b'f', b'f', ..] => core_audio(file, bytes, notes),
        _ => {
            let inner = after_tags(&mut file, bytes).map_err(header)?;
            bare(path, bytes, &inner, notes)
        }
    }
}

/// The file's first bytes after all tags.
fn after_tags(file: &mut File, bytes: u64) -> io::Result<Vec<u8>> {
    let (mut at, mut first) = (0, Vec::new());
    loop {
        first.clear();
        file.seek(SeekFrom::Start(at))?;
        Read::by_ref(file).take(64).read_to_end(&mut first)?;
        match tags::length(&first) {
            Some(tag) if at + tag < bytes => at += tag,
            _ => return Ok(first),
        }
    }
}

/// Maps an error while reading a header: it is cut, or contains an impossible offset.
fn header(error: io::Error) -> RecordingError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
            error_map::truncated(error_map::SHORT, Duration::ZERO)
        }
        _ => error_map::io(error),
    }
}

fn wave(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = wav::Layout::read(&mut file, bytes).map_err(header)?;
    let recorded = wav_metadata::recorded(&mut file, bytes);
    let layout = layout.ok_or_else(|| error_map::truncated(error_map::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let mut own = match layout.format {
        wav::Format::Blocks(coding) => {
            let reader = blocks::reader((FORMAT_ID_WAVE, "WAV"), coding, file, layout.extent).map_err(header)?;
            Own::new(reader, layout.open)
        }
        wav::Format::Mpeg => {
            let opened = mpeg::open(file, layout.extent.start, layout.extent.length, notes).map_err(header)?;
            let opened =
                opened.ok_or_else(|| error_map::unsupported("it is MP3 in WAV, but without a single frame"))?;
            Own { estimate: opened.estimate, ..Own::new(opened.reader, layout.open) }
        }
        wav::Format::Unknown(reason) => return Err(error_map::unsupported(reason)),
    };
    own.recorded = recorded;
    Ok(Some(own))
}

fn aiff(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = aiff::Layout::read(&mut file, bytes).map_err(header)?;
    let layout = layout.ok_or_else(|| error_map::truncated(error_map::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let coding = layout.coding.map_err(error_map::unsupported)?;
    let reader = blocks::reader((FORMAT_ID_AIFF, "AIFF"), coding, file, layout.extent).map_err(header)?;
    Ok(Some(Own::new(reader, false)))
}

fn sun(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = au::Layout::read(&mut file, bytes).map_err(header)?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let coding = layout.coding.map_err(error_map::unsupported)?;
    // symphonia has no identifier for AU; that of WAV has the same properties.
    let reader = blocks::reader((FORMAT_ID_WAVE, "AU"), coding, file, layout.extent).map_err(header)?;
    Ok(Some(Own::new(reader, layout.open)))
}

fn core_audio(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = caf::Layout::read(&mut file, bytes).map_err(header)?;
    let layout = layout.ok_or_else(|| error_map::truncated(error_map::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    if layout.lacks_table() {
        let reason =
            "the table of its packets is missing, which is written last: the recorder was stopped before it finished";
        return Err(error_map::truncated(reason, Duration::ZERO));
    }
    let open = layout.open;
    let reader = layout.reader(file).map_err(header)?.map_err(error_map::unsupported)?;
    Ok(Some(Own::new(reader, open)))
}

/// Opens a stream without a container, or with a header only: FLAC, ADTS, MPEG audio.
fn bare(path: &Path, bytes: u64, inner: &[u8], notes: &Notes) -> Opening {
    let file = || File::open(path).map_err(error_map::io);
    if inner.starts_with(b"fLaC") {
        return Ok(flac::open(file()?, bytes, notes).map_err(header)?.map(|reader| Own::new(reader, false)));
    }
    if is_container(inner) {
        return Ok(None);
    }
    if let Some(opened) = adts::open(file()?, bytes, notes).map_err(header)? {
        return Ok(Some(Own { estimate: opened.estimate, ..Own::new(opened.reader, false) }));
    }
    match mpeg::open(file()?, 0, bytes, notes).map_err(header)? {
        Some(opened) => Ok(Some(Own { estimate: opened.estimate, ..Own::new(opened.reader, false) })),
        // The sync word of an audio sync stream (ISO 14496-3, 1.7.2).
        None if matches!(inner, [0x56, 0xE0..=0xFF, ..]) => {
            Err(error_map::unsupported(error_map::convert("it is AAC in LATM", "M4A")))
        }
        None => Ok(None),
    }
}

/// Whether the file is another container, in which frames could be found that do not follow each other.
fn is_container(first: &[u8]) -> bool {
    const BOXES: [&[u8]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];
    let marks: [&[u8]; 6] = [b"OggS", b"RIFF", b"RIFX", b"FORM", b"\x1A\x45\xDF\xA3", b"\0\0\x01\xBA"];
    let is_box = first.get(4..8).is_some_and(|name| BOXES.contains(&name));
    is_box || marks.iter().any(|mark| first.starts_with(mark)) || error_map::is_known(first)
}
