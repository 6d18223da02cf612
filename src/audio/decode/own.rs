//! Which of the readers of our own takes a file, by its first bytes.
//!
//! Invariant: no length of a header is believed that the file contradicts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_AIFF, FORMAT_ID_WAVE};

use super::mpeg::tags;
use super::packets::Notes;
use super::{adts, aiff, au, blocks, caf, faults, flac, mpeg, wav, wav_metadata};
use crate::record::RecordingError;

/// A file that a reader of our own has opened.
pub struct Own {
    pub reader: Box<dyn FormatReader>,
    /// Whether the file may go on behind its last byte.
    pub open: bool,
    /// The date of the recording as the header has it.
    pub recorded: Option<String>,
    /// How long it lasts, if its header does not say that and its first packets are like all others.
    pub estimate: Option<Duration>,
}

impl Own {
    fn of(reader: Box<dyn FormatReader>, open: bool) -> Own {
        Own { reader, open, recorded: None, estimate: None }
    }
}

type Opening = Result<Option<Own>, RecordingError>;

/// Opens the file if one of our readers takes it.
///
/// Errors: unreadable; truncated, where its header is not whole; unsupported, where that names a codec that is not.
pub fn open(path: &Path, bytes: u64, first: &[u8], notes: &Notes) -> Opening {
    let mut file = File::open(path).map_err(|error| faults::io(&error))?;
    match first {
        first if wav::is_wav(first) => wave(file, bytes, notes),
        first if aiff::is_aiff(first) => aiff(file, bytes, notes),
        [b'.', b's', b'n', b'd', ..] => sun(file, bytes, notes),
        [b'd', b'n', b's', b'.', ..] | [b's', b'd', b'.', ..] => Err(faults::unsupported(
            "it is AU with its bytes in reverse order, which is not supported; convert it to FLAC",
        )),
        [b'c', b'a', b'f', b'f', ..] => core_audio(file, bytes, notes),
        _ => {
            let inner = behind_tags(&mut file, bytes).map_err(header)?;
            bare(path, bytes, &inner, notes)
        }
    }
}

/// The file's first bytes that are of no tag.
fn behind_tags(file: &mut File, bytes: u64) -> io::Result<Vec<u8>> {
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

/// A header that stops too early, or points to where no file can reach.
fn header(error: io::Error) -> RecordingError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => faults::truncated(faults::SHORT, Duration::ZERO),
        _ => faults::io(&error),
    }
}

fn wave(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = wav::Layout::read(&mut file, bytes).map_err(header)?;
    let recorded = wav_metadata::recorded(&mut file, bytes);
    let layout = layout.ok_or_else(|| faults::truncated(faults::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let mut own = match layout.format {
        wav::Format::Blocks(coding) => {
            let reader = blocks::reader((FORMAT_ID_WAVE, "WAV"), coding, file, layout.extent).map_err(header)?;
            Own::of(reader, layout.open)
        }
        wav::Format::Mpeg => {
            let opened = mpeg::open(file, layout.extent.start, layout.extent.length, notes).map_err(header)?;
            let opened = opened.ok_or_else(|| faults::unsupported("it is MP3 in WAV, but without one frame of it"))?;
            Own { estimate: opened.estimate, ..Own::of(opened.reader, layout.open) }
        }
        wav::Format::Unknown(reason) => return Err(faults::unsupported(reason)),
    };
    own.recorded = recorded;
    Ok(Some(own))
}

fn aiff(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = aiff::Layout::read(&mut file, bytes).map_err(header)?;
    let layout = layout.ok_or_else(|| faults::truncated(faults::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let coding = layout.coding.map_err(faults::unsupported)?;
    let reader = blocks::reader((FORMAT_ID_AIFF, "AIFF"), coding, file, layout.extent).map_err(header)?;
    Ok(Some(Own::of(reader, false)))
}

fn sun(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = au::Layout::read(&mut file, bytes).map_err(header)?;
    layout.notes.iter().for_each(|note| notes.add(note));
    let coding = layout.coding.map_err(faults::unsupported)?;
    // There is no name for AU; it is like WAV in all that matters.
    let reader = blocks::reader((FORMAT_ID_WAVE, "AU"), coding, file, layout.extent).map_err(header)?;
    Ok(Some(Own::of(reader, layout.open)))
}

fn core_audio(mut file: File, bytes: u64, notes: &Notes) -> Opening {
    let layout = caf::Layout::read(&mut file, bytes).map_err(header)?;
    let layout = layout.ok_or_else(|| faults::truncated(faults::SHORT, Duration::ZERO))?;
    layout.notes.iter().for_each(|note| notes.add(note));
    if layout.lacks_table() {
        let reason =
            "the table of its packets is missing, which is written last: the recorder was stopped before it was done";
        return Err(faults::truncated(reason, Duration::ZERO));
    }
    let open = layout.open;
    let reader = layout.reader(file).map_err(header)?.map_err(faults::unsupported)?;
    Ok(Some(Own::of(reader, open)))
}

/// Streams without a container, or in one that is just a header in front of their frames.
fn bare(path: &Path, bytes: u64, inner: &[u8], notes: &Notes) -> Opening {
    let file = || File::open(path).map_err(|error| faults::io(&error));
    if inner.starts_with(b"fLaC") {
        return Ok(flac::open(file()?, bytes, notes).map_err(header)?.map(|reader| Own::of(reader, false)));
    }
    if is_another(inner) {
        return Ok(None);
    }
    if let Some(opened) = adts::open(file()?, bytes, notes).map_err(header)? {
        return Ok(Some(Own { estimate: opened.estimate, ..Own::of(opened.reader, false) }));
    }
    match mpeg::open(file()?, 0, bytes, notes).map_err(header)? {
        Some(opened) => Ok(Some(Own { estimate: opened.estimate, ..Own::of(opened.reader, false) })),
        // The mark of an audio sync stream (ISO 14496-3, 1.7.2).
        None if matches!(inner, [0x56, 0xE0..=0xFF, ..]) => {
            Err(faults::unsupported("it is AAC in LATM, which is not supported; convert it to M4A"))
        }
        None => Ok(None),
    }
}

/// Whether a file that begins so is of a container in which frames could be found that do not follow each other.
fn is_another(first: &[u8]) -> bool {
    const BOXES: [&[u8]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];
    let marks: [&[u8]; 6] = [b"OggS", b"RIFF", b"RIFX", b"FORM", b"\x1A\x45\xDF\xA3", b"\0\0\x01\xBA"];
    let is_box = first.get(4..8).is_some_and(|name| BOXES.contains(&name));
    is_box || marks.iter().any(|mark| first.starts_with(mark)) || faults::is_known(first)
}
