//! What an MP4 file says beside its tracks: when it was recorded, and whether all of it is there.
//!
//! Invariant: reads box headers and a few fields, allocates nothing by lengths that a file claims.

mod dates;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

pub use self::dates::Date;

/// A day in fragments of a second has 170,000 boxes.
const MOST_BOXES: usize = 4_000_000;

/// Seconds from 1904, where MP4 counts from, to 1970.
const EPOCH: i64 = 2_082_844_800;

/// What the boxes say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub recorded: Option<Date>,
    pub has_index: bool,
    /// A box claims more bytes than the file has, or there is no box of samples.
    pub cut: bool,
}

/// A box: its name, and where its contents begin and end.
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
        // A recording does not depend on its date.
        self.recorded = dates::read(file, moov, mvhd).unwrap_or(None);
        Ok(())
    }
}

fn child(file: &mut File, parent: Part, name: &[u8; 4]) -> io::Result<Option<Part>> {
    let mut at = parent.start;
    next(file, &mut at, parent.end, name)
}

/// The next box of this name from `at` on, which is moved behind it.
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

/// The box at `at`, if one can begin there before `end`.
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
