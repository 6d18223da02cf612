//! What symphonia does not read of a WAV file: how much of it is really there. When it was recorded: `wav_metadata`.
//!
//! Recorders that stream, or die, leave lengths of 0 or placeholders in the header; recordings over
//! 4 GiB are RF64, which symphonia does not know. So the chunks are walked here, and the reader is
//! handed the same bytes with true lengths in the three places that matter.
//!
//! Invariant: reads headers only, allocates nothing by lengths that a file claims.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Lengths that programs write when they stream and cannot know: ffmpeg, sox, arecord.
const PLACEHOLDERS: [u32; 4] = [0xFFFF_FFFF, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000];

/// No honest file has more chunks before its samples.
const MOST_CHUNKS: usize = 4096;

/// Blocks that symphonia reads at once; the padding behind an RF64's last block.
const FRAMES_AT_ONCE: u64 = 1152;

/// Where a WAV file's samples lie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Bytes of samples that the header announces and the file does not have.
    pub missing: u64,
    /// The header was never completed: the samples go on to the file's end, wherever that is.
    pub open: bool,
    /// Frames to hear, where the reader cannot be told (4 GiB and more).
    pub frames: Option<u64>,
    patches: Vec<(u64, [u8; 4])>,
    /// Length that the reader is shown, bytes.
    shown: u64,
}

/// What the walk over the chunks collects.
#[derive(Default)]
struct Walk {
    block_align: u64,
    long_data: Option<u64>,
}

impl Layout {
    /// Walks the chunks up to the samples. None if there are no samples, or no chunks: then symphonia
    /// should look at the file as it is and say what is wrong.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Layout>> {
        let mut walk = Walk::default();
        let mut at = 12;
        for _ in 0..MOST_CHUNKS {
            let Some((id, size)) = chunk_header(file, at)? else {
                return Ok(None);
            };
            match &id {
                b"data" => return Ok(Some(walk.layout(file, at, size, bytes)?)),
                b"fmt " => walk.block_align = u64::from(short(file, at + 8 + 12)?),
                b"ds64" => walk.long_data = Some(u64::from_le_bytes(array(file, at + 8 + 8)?)),
                _ => (),
            }
            at += 8 + u64::from(size) + u64::from(size & 1);
        }
        Ok(None)
    }
}

impl Walk {
    /// The layout for a data chunk whose header stands at `at`.
    fn layout(self, file: &mut File, at: u64, size: u32, bytes: u64) -> io::Result<Layout> {
        let start = at + 8;
        let there = bytes.saturating_sub(start);
        let riff = u64::from(u32::from_le_bytes(array(file, 4)?)) + 8;
        // A header that was never completed says 0 samples; a complete one of an empty file has the true RIFF size.
        let unfinished = size == 0 && riff < bytes.saturating_sub(1);
        let open = unfinished || (PLACEHOLDERS.contains(&size) && u64::from(size) > there);
        let announced = match self.long_data {
            Some(long) if size == u32::MAX && long > 0 => long,
            _ if open || is_stale(file, start + u64::from(size), bytes)? => there,
            _ => u64::from(size),
        };
        let align = self.block_align.max(1);
        let heard = announced.min(there) / align * align;
        Ok(Layout { open, ..self.shown(start, heard, announced.saturating_sub(there), align) })
    }

    /// Lets the reader see a plain RIFF whose samples end where the file's do.
    fn shown(self, start: u64, heard: u64, missing: u64, align: u64) -> Layout {
        let short = u32::try_from(heard).ok().filter(|&length| length != u32::MAX);
        let padding = if short.is_some() { 0 } else { FRAMES_AT_ONCE * align };
        let size = short.unwrap_or(u32::MAX).to_le_bytes();
        let patches = vec![(0, *b"RIFF"), (4, [0xFF; 4]), (start - 4, size)];
        let frames = short.is_none().then(|| heard / align);
        Layout { missing, open: false, frames, patches, shown: start + heard + padding }
    }
}

/// Whether something else than a chunk follows the data: then the header's length was never brought up
/// to date, or it lost its upper bits in a file beyond 4 GiB.
fn is_stale(file: &mut File, end: u64, bytes: u64) -> io::Result<bool> {
    let end = end + (end & 1);
    if bytes <= end + 8 {
        return Ok(false);
    }
    let follows = chunk_header(file, end)?;
    Ok(follows.is_some_and(|(id, size)| {
        let is_name = id.iter().all(|byte| (0x20..0x7F).contains(byte));
        !is_name || end + 8 + u64::from(size) > bytes + 1
    }))
}

fn chunk_header(file: &mut File, at: u64) -> io::Result<Option<([u8; 4], u32)>> {
    match array::<8>(file, at) {
        Ok([a, b, c, d, size @ ..]) => Ok(Some(([a, b, c, d], u32::from_le_bytes(size)))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn short(file: &mut File, at: u64) -> io::Result<u16> {
    array(file, at).map(u16::from_le_bytes)
}

fn array<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The file's bytes with the layout's true lengths in them.
pub struct Patched {
    file: File,
    bytes: u64,
    at: u64,
    layout: Layout,
}

impl Patched {
    pub fn new(file: File, bytes: u64, layout: Layout) -> io::Result<Patched> {
        let mut patched = Patched { file, bytes, at: 0, layout };
        patched.rewind()?;
        Ok(patched)
    }
}

impl Read for Patched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.layout.shown.saturating_sub(self.at);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..wanted];
        let got = match self.bytes > self.at {
            true => self.file.read(buffer)?,
            false => {
                buffer.fill(0); // padding behind the last sample; never heard
                wanted
            }
        };
        for (start, patch) in &self.layout.patches {
            overlay(&mut buffer[..got], self.at, *start, patch);
        }
        self.at += got as u64;
        Ok(got)
    }
}

/// Writes what of `patch` (whose place in the file is `start`) falls into `buffer` (whose place is `at`).
fn overlay(buffer: &mut [u8], at: u64, start: u64, patch: &[u8; 4]) {
    for (place, byte) in (start..).zip(patch) {
        let offset = place.checked_sub(at).and_then(|offset| usize::try_from(offset).ok());
        if let Some(target) = offset.and_then(|offset| buffer.get_mut(offset)) {
            *target = *byte;
        }
    }
}

impl Seek for Patched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.layout.shown.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let place = wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.file.seek(SeekFrom::Start(place))?;
        self.at = place;
        Ok(place)
    }
}

impl MediaSource for Patched {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.layout.shown)
    }
}
