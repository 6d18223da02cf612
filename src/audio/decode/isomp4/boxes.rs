//! Parses boxes (ISO 14496-12, 4.2): a length, a name, and contents.
//!
//! Invariant: a box never extends beyond its parent.

use std::io;

use super::super::view::View;

/// Maximum number of sibling boxes; a day in fragments of one second has 170,000.
const MAX_BOXES: usize = 4_000_000;

/// A box: its name, its offset, and the start and end of its contents.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub name: [u8; 4],
    pub at: u64,
    pub start: u64,
    pub end: u64,
    /// It claims to extend beyond its parent or the file.
    pub is_cut: bool,
}

/// The box at `at`, if there is one before `end`. It may claim to extend beyond `end`.
pub fn part(view: &mut View, at: u64, end: u64) -> io::Result<Option<Part>> {
    let end = end.min(view.length());
    if end.saturating_sub(at) < 8 {
        return Ok(None);
    }
    let (size, name) = (view.u32(at)?, view.array(at + 4)?);
    let (head, size) = match size {
        0 => (8, end - at),
        1 if end - at >= 16 => (16, view.u64(at + 8)?),
        short => (8, u64::from(short)),
    };
    Ok(at.checked_add(size).filter(|_| size >= head).map(|end| Part { name, at, start: at + head, end, is_cut: false }))
}

/// Number of zeros from the end of the last box of the file to its end; 0 if other bytes follow.
pub fn zeros_at_the_end(view: &mut View) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        // Eight zeros would be a box without a name that extends to the end of the file.
        match part(view, at, u64::MAX)?.filter(|part| part.name != [0; 4]) {
            Some(part) if part.end < view.length() => at = part.end,
            Some(_) => return Ok(0),
            None => break,
        }
    }
    Ok(if view.is_zero_from(at)? { view.length() - at } else { 0 })
}

/// The first `most` children with this name.
pub fn children(view: &mut View, parent: Part, name: &[u8; 4], most: usize) -> io::Result<Vec<Part>> {
    let (mut at, mut found) = (parent.start, Vec::new());
    for _ in 0..MAX_BOXES {
        let Some(part) = part(view, at, parent.end)? else { break };
        at = part.end;
        if &part.name == name && found.len() < most {
            let end = part.end.min(parent.end).min(view.length());
            found.push(Part { end, is_cut: end < part.end, ..part });
        }
    }
    Ok(found)
}

/// The first box on a path of names.
pub fn child(view: &mut View, parent: Part, path: &[&[u8; 4]]) -> io::Result<Option<Part>> {
    let mut part = parent;
    for name in path {
        match children(view, part, name, 1)?.first() {
            Some(found) => part = *found,
            None => return Ok(None),
        }
    }
    Ok(Some(part))
}
