//! Reads the recording date of an MP4 file and checks whether the file is complete.
//!
//! Invariant: reads box headers and a few fields only, allocates no memory based on lengths in the file.

mod dates;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

pub use self::dates::Date;

/// Maximum number of boxes; a day in fragments of one second has 170,000.
const MOST_BOXES: usize = 4_000_000;

/// Seconds from 1904, the epoch of MP4, to 1970.
const EPOCH: i64 = 2_082_844_800;

/// Properties according to the boxes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub recorded: Option<Date>,
    pub has_index: bool,
    /// A box extends beyond the file, or there is no box with samples.
    pub cut: bool,
}

/// A box: its name, and the start and end of its contents.
#[derive(Clone, Copy)]
struct Part {
    name: [u8; 4],
    start: u64,
    end: u64,
}

impl Layout {
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Layout> {
        let mut layout = Layout::default();
        let (mut at, mut has_sound) = (0, false);
        for _ in 0..MOST_BOXES {
            let Some(part) = part(file, at, bytes)? else { break };
            layout.cut |= part.end > bytes;
            has_sound |= &part.name == b"mdat";
            if &part.name == b"moov" {
                layout.has_index = true;
                layout.index(file, Part { end: part.end.min(bytes), ..part })?;
            }
            at = part.end;
        }
        layout.cut |= !has_sound || (at < bytes && bytes - at < 8);
        Ok(layout)
    }

    fn index(&mut self, file: &mut File, moov: Part) -> io::Result<()> {
        let Some(mvhd) = child(file, moov, b"mvhd")? else {
            return Ok(());
        };
        // A recording can be analyzed without a date.
        self.recorded = dates::read(file, moov, mvhd).unwrap_or(None);
        Ok(())
    }
}

fn child(file: &mut File, parent: Part, name: &[u8; 4]) -> io::Result<Option<Part>> {
    let mut at = parent.start;
    next(file, &mut at, parent.end, name)
}

/// The next box of this name from `at`; moves `at` behind it.
fn next(file: &mut File, at: &mut u64, end: u64, name: &[u8; 4]) -> io::Result<Option<Part>> {
    for _ in 0..MOST_BOXES {
        let Some(part) = part(file, *at, end)? else {
            return Ok(None);
        };
        *at = part.end;
        if &part.name == name {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

/// The box at `at`, if there is one before `end`.
fn part(file: &mut File, at: u64, end: u64) -> io::Result<Option<Part>> {
    if end.saturating_sub(at) < 8 {
        return Ok(None);
    }
    let [size @ .., a, b, c, d] = array::<8>(file, at)?;
    let name = [a, b, c, d];
    let (head, size) = match u32::from_be_bytes(size) {
        0 => (8, end - at),
        1 if end - at >= 16 => (16, long_number(file, at + 8)?),
        short => (8, u64::from(short)),
    };
    Ok(at.checked_add(size).filter(|_| size >= head).map(|end| Part { name, start: at + head, end }))
}

fn version(file: &mut File, part: Part) -> io::Result<u8> {
    array::<1>(file, part.start).map(|[version]| version)
}

fn number(file: &mut File, at: u64) -> io::Result<u32> {
    array(file, at).map(u32::from_be_bytes)
}

fn long_number(file: &mut File, at: u64) -> io::Result<u64> {
    array(file, at).map(u64::from_be_bytes)
}

fn array<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
