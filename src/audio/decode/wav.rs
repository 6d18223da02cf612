//! WAV and its relatives: RIFF, RIFX (big-endian), RF64 and BW64 (over 4 GiB), and Sony's Wave64. `wav_metadata`
//! reads the date.
//!
//! Recorders that stream or lose power leave lengths of 0 or placeholders in the header, and others write slightly
//! wrong lengths. Therefore the end of the samples is determined from the header and the actual file:
//!
//! ```text
//! placeholder, or 0 and no chunk follows         -> to the end of the file (it may still grow)
//! length beyond the end of the file              -> to the end of the file; missing, unless a placeholder
//!                                                   or contradicted by the outermost header
//! something else than a chunk follows the length -> the length is stale: to the end of the file
//! ```
//!
//! Invariant: reads headers only, allocates no memory based on lengths in the file.

mod format;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::blocks::Extent;

pub use format::Format;

/// Lengths from this value are placeholders of streaming programs: ffmpeg, sox, arecord, and those that subtract the
/// header from a placeholder.
const PLACEHOLDER: u64 = (1 << 31) - (1 << 16);

/// Bytes by which a length may exceed the file if no other header agrees with it: a mistake of the writer.
const TOLERANCE: u64 = 64 * 1024;
/// Maximum number of chunks before the samples.
const MAX_CHUNKS: usize = 4096;

/// Maximum number of bytes read of the `fmt ` chunk.
const MAX_FORMAT: u64 = 64;

/// The layout of a WAV file according to its header.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The header was not completed: the samples extend to the end of the file, which may still grow.
    pub open: bool,
    pub format: Format,
    pub extent: Extent,
    /// Parts of the header that were ignored.
    pub notes: Vec<String>,
}

/// The variants of the format, which encode chunks differently.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    Riff,
    Rifx,
    /// RF64 and BW64: the actual lengths are in the chunk `ds64`.
    Long,
    Wave64,
}

/// The variant of a file by its first bytes.
fn family(first: &[u8]) -> Option<Family> {
    let is_wave = first.get(8..12) == Some(b"WAVE");
    match first {
        [b'R', b'I', b'F', b'F', ..] if is_wave => Some(Family::Riff),
        [b'R', b'I', b'F', b'X', ..] if is_wave => Some(Family::Rifx),
        [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] if is_wave => Some(Family::Long),
        [b'r', b'i', b'f', b'f', 0x2E, 0x91, 0xCF, 0x11, ..] if first.get(24..28) == Some(b"wave") => {
            Some(Family::Wave64)
        }
        _ => None,
    }
}

/// Whether the file is one of these variants.
pub fn is_wav(first: &[u8]) -> bool {
    family(first).is_some()
}

/// A chunk: its name, and the offset and size of its contents.
#[derive(Clone, Copy)]
struct Chunk {
    name: [u8; 4],
    start: u64,
    size: u64,
}

/// Collects data during the walk over the chunks.
#[derive(Default)]
struct Walk {
    format: Option<Format>,
    long_riff: Option<u64>,
    long_data: Option<u64>,
    notes: Vec<String>,
}

impl Layout {
    /// Walks the chunks up to the samples; None if there are no samples.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Layout>> {
        let Ok(first) = array::<28>(file, 0) else {
            return Ok(None);
        };
        let Some(family) = family(&first) else {
            return Ok(None);
        };
        let (mut walk, mut at) = (Walk::default(), family.first_chunk());
        for _ in 0..MAX_CHUNKS {
            let Some(chunk) = family.chunk(file, at)? else {
                return Ok(None);
            };
            if &chunk.name == b"data" {
                let (chunk, is_second) = family.with_sound(file, chunk, bytes)?;
                if is_second {
                    walk.notes.push("its first data chunk is empty; the second one is read".into());
                }
                return walk.layout(file, family, chunk, bytes).map(Some);
            }
            walk.read_chunk(file, family, chunk)?;
            at = family.behind(chunk);
        }
        Ok(None)
    }
}

impl Family {
    fn first_chunk(self) -> u64 {
        if self == Family::Wave64 { 40 } else { 12 }
    }

    /// The chunk whose header is at `at`; None at the end of the file.
    fn chunk(self, file: &mut File, at: u64) -> io::Result<Option<Chunk>> {
        let chunk = match self {
            Family::Wave64 => array::<24>(file, at).map(|header| {
                let size = u64::from_le_bytes(*header.last_chunk().unwrap_or(&[0; 8]));
                (*header.first_chunk().unwrap_or(&[0; 4]), at.saturating_add(24), size.saturating_sub(24))
            }),
            _ => array::<8>(file, at)
                .map(|[a, b, c, d, size @ ..]| ([a, b, c, d], at.saturating_add(8), u64::from(self.number(size)))),
        };
        match chunk {
            Ok((name, start, size)) => Ok(Some(Chunk { name, start, size })),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The data chunk with the samples, because an empty one may precede it; and whether it is not the first one.
    fn with_sound(self, file: &mut File, first: Chunk, bytes: u64) -> io::Result<(Chunk, bool)> {
        let mut chunk = first;
        for _ in 0..MAX_CHUNKS {
            if chunk.size > 0 && &chunk.name == b"data" {
                return Ok((chunk, chunk.start != first.start));
            }
            match self.chunk(file, self.behind(chunk))? {
                Some(next) if is_name(next.name) && next.start < bytes => chunk = next,
                _ => break,
            }
        }
        Ok((first, false))
    }

    /// The offset of the next chunk's header.
    fn behind(self, chunk: Chunk) -> u64 {
        let alignment = if self == Family::Wave64 { 8 } else { 2 };
        chunk.start.saturating_add(chunk.size).checked_next_multiple_of(alignment).unwrap_or(u64::MAX)
    }

    fn number(self, bytes: [u8; 4]) -> u32 {
        if self == Family::Rifx { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// The end of the file according to its outermost header.
    fn announced_end(self, file: &mut File, walk: &Walk) -> io::Result<u64> {
        Ok(match (self, walk.long_riff) {
            (Family::Wave64, _) => u64::from_le_bytes(array(file, 16)?),
            (Family::Long, Some(long)) => long.saturating_add(8),
            _ => u64::from(self.number(array(file, 4)?)) + 8,
        })
    }

    fn is_placeholder(self, size: u64) -> bool {
        match self {
            Family::Riff | Family::Rifx => size >= PLACEHOLDER,
            Family::Long | Family::Wave64 => size >= u64::MAX >> 2 || size == u64::from(u32::MAX),
        }
    }
}

impl Walk {
    fn read_chunk(&mut self, file: &mut File, family: Family, chunk: Chunk) -> io::Result<()> {
        match &chunk.name {
            b"fmt " => {
                let mut bytes = Vec::new();
                file.seek(SeekFrom::Start(chunk.start))?;
                file.take(chunk.size.min(MAX_FORMAT)).read_to_end(&mut bytes)?;
                self.format = Some(Format::parse(&bytes, family == Family::Rifx));
            }
            b"ds64" => {
                self.long_riff = Some(u64::from_le_bytes(array(file, chunk.start)?));
                self.long_data = Some(u64::from_le_bytes(array(file, chunk.start + 8)?));
            }
            _ => (),
        }
        Ok(())
    }

    /// The layout of a file whose samples are in the chunk `data`.
    fn layout(self, file: &mut File, family: Family, data: Chunk, bytes: u64) -> io::Result<Layout> {
        let end = family.announced_end(file, &self)?;
        let announced = match (family, self.long_data) {
            (Family::Long, Some(long)) if data.size == u64::from(u32::MAX) => long,
            _ => data.size,
        };
        let there = bytes.saturating_sub(data.start);
        let mut layout = Layout {
            open: false,
            format: self.format.unwrap_or_else(|| Format::Unknown("its format chunk is missing".into())),
            extent: Extent { start: data.start, length: there.min(announced), ..Extent::default() },
            notes: self.notes,
        };
        match announced.checked_sub(there) {
            Some(0) => (),
            Some(over) => layout.beyond_the_end(over, Chunk { size: announced, ..data }, end, bytes, family),
            None => layout.before_the_end(file, family, Chunk { size: announced, ..data }, end, bytes)?,
        }
        Ok(layout)
    }
}

impl Layout {
    /// The header announces `over` bytes more than the file has. If the outermost header agrees with that, they are
    /// missing, and their duration decides whether the recording is partial.
    fn beyond_the_end(&mut self, over: u64, data: Chunk, end: u64, bytes: u64, family: Family) {
        let contradicted = end <= bytes.saturating_add(1);
        let consistent = end == family.behind(data) || end == data.start.saturating_add(data.size);
        match () {
            () if family.is_placeholder(data.size) => self.open = true,
            () if contradicted || (!consistent && over <= TOLERANCE) => {
                self.notes.push(format!("its header announces {over} bytes more than the file has; read to its end"));
            }
            () => {
                self.extent.missing = over;
                self.notes.push(format!("{over} bytes that its header announces are missing"));
            }
        }
    }

    /// Bytes follow the announced end of the samples: more samples, chunks, or unrelated data.
    fn before_the_end(&mut self, file: &mut File, family: Family, data: Chunk, end: u64, bytes: u64) -> io::Result<()> {
        let there = bytes - data.start;
        let behind = family.behind(data);
        // 32-bit lengths wrap around at 4 GiB.
        let wrapped = family != Family::Wave64 && there > u64::from(u32::MAX) && (there - data.size) >> 32 > 0;
        let consistent = end == behind || end == data.start + data.size;
        let in_progress = data.size == 0 && end < bytes.saturating_sub(1);
        if in_progress || (!consistent && is_stale(file, family, behind, bytes)?) || (wrapped && family != Family::Long)
        {
            self.open = data.size == 0;
            self.extent.length = there;
            return Ok(());
        }
        self.note_what_follows(file, family, behind, bytes)
    }

    fn note_what_follows(&mut self, file: &mut File, family: Family, behind: u64, bytes: u64) -> io::Result<()> {
        let mut at = behind;
        for _ in 0..MAX_CHUNKS {
            match family.chunk(file, at)? {
                Some(chunk) if &chunk.name == b"data" && chunk.start < bytes => {
                    self.extent.unread += chunk.size.min(bytes - chunk.start);
                    at = family.behind(chunk);
                }
                Some(chunk) if is_name(chunk.name) && family.behind(chunk) <= bytes.saturating_add(1) => {
                    at = family.behind(chunk);
                }
                _ => break,
            }
        }
        if let unread @ 1.. = self.extent.unread {
            self.notes.push(format!("{unread} bytes in another data chunk follow the audio; they are not analyzed"));
        }
        if let Some(more @ 1..) = bytes.checked_sub(at) {
            self.notes.push(format!("{more} bytes follow what its header announces; they are ignored"));
        }
        Ok(())
    }
}

/// Whether something else than a chunk follows the data. Then the length in the header was not updated, or it wrapped
/// around in a file beyond 4 GiB.
fn is_stale(file: &mut File, family: Family, behind: u64, bytes: u64) -> io::Result<bool> {
    if bytes <= behind.saturating_add(8) {
        return Ok(false);
    }
    let follows = family.chunk(file, behind)?;
    Ok(follows.is_some_and(|chunk| !is_name(chunk.name) || chunk.start.saturating_add(chunk.size) > bytes + 1))
}

fn is_name(name: [u8; 4]) -> bool {
    name.iter().all(|byte| (0x20..0x7F).contains(byte))
}

pub(super) fn array<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
