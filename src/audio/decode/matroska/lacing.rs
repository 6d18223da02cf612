//! Parses blocks: their header, and the frames in them (lacing; RFC 9559, 10).
//!
//! Invariant: every frame is inside its block.

use std::ops::Range;

/// A block's header, and the ranges of its frames.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    pub track: u64,
    /// Relative to the cluster, in the segment's ticks.
    pub timestamp: i16,
    pub frames: Vec<Range<usize>>,
}

/// The timestamp of a block relative to its cluster; `bytes` need to contain its header only.
pub fn timestamp(bytes: &[u8]) -> Option<i16> {
    let mut at = 0;
    number(bytes, &mut at)?;
    Some(i16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The track's number, from the first bytes of a block.
pub fn track(block: &[u8]) -> Option<u64> {
    number(block, &mut 0)
}

/// Parses a block. None if its lengths are invalid.
pub fn read(block: &[u8]) -> Option<Block> {
    let mut at = 0;
    let track = number(block, &mut at)?;
    let timestamp = i16::from_be_bytes(block.get(at..at + 2)?.try_into().ok()?);
    let flags = *block.get(at + 2)?;
    at += 3;
    let sizes = match (flags >> 1) & 3 {
        0 => Vec::new(),
        lacing => {
            let more = usize::from(*block.get(at)?);
            at += 1;
            match lacing {
                1 => xiph(block, &mut at, more)?,
                3 => ebml(block, &mut at, more)?,
                _ => {
                    let size = (block.len() - at) / (more + 1);
                    vec![size; more]
                }
            }
        }
    };
    let mut frames = Vec::with_capacity(sizes.len() + 1);
    for size in sizes {
        let end = at.checked_add(size).filter(|end| *end <= block.len())?;
        frames.push(at..end);
        at = end;
    }
    frames.push(at..block.len());
    Some(Block { track, timestamp, frames })
}

fn xiph(block: &[u8], at: &mut usize, count: usize) -> Option<Vec<usize>> {
    let mut sizes = Vec::with_capacity(count);
    for _ in 0..count {
        let mut size = 0usize;
        loop {
            let byte = *block.get(*at)?;
            *at += 1;
            size += usize::from(byte);
            if byte < 255 {
                break;
            }
        }
        sizes.push(size);
    }
    Some(sizes)
}

/// EBML lacing: the first size, then differences, which are offset so that they can be negative.
fn ebml(block: &[u8], at: &mut usize, count: usize) -> Option<Vec<usize>> {
    let mut sizes: Vec<usize> = Vec::with_capacity(count);
    for _ in 0..count {
        let start = *at;
        let value = number(block, at)?;
        let size = match sizes.last() {
            None => i64::try_from(value).ok()?,
            Some(last) => {
                let bias = (1i64 << (7 * (*at - start) - 1)) - 1;
                i64::try_from(*last).ok()? + i64::try_from(value).ok()? - bias
            }
        };
        sizes.push(usize::try_from(size).ok()?);
    }
    Some(sizes)
}

/// Reads a variable-size integer without its marker.
fn number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    let width = first.leading_zeros() as usize + 1;
    let number = bytes.get(*at..*at + width).filter(|_| width <= 8)?;
    *at += width;
    let value = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some(value & ((1u64 << (7 * width)) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(block: &[u8]) -> Option<Vec<Range<usize>>> {
        read(block).map(|block| block.frames)
    }

    #[test]
    fn a_timestamp_is_parsed_from_the_header_alone() {
        assert_eq!(timestamp(&[0x81, 0xFF, 0xFE, 0x02, 8]), Some(-2));
        assert_eq!(timestamp(&[0x40, 0x81, 0x01, 0x00]), Some(256));
        assert_eq!([timestamp(&[]), timestamp(&[0x81, 0])], [None, None]);
    }

    #[test]
    fn frames_are_found_with_each_lacing() {
        assert_eq!(
            read(&[0x81, 0xFF, 0xFE, 0, 1, 2]).unwrap(),
            Block { track: 1, timestamp: -2, frames: std::iter::once(4..6).collect() }
        );
        assert_eq!(frames(&[0x81, 0, 0, 2, 2, 1, 2, 7, 8, 8, 9, 9, 9]).unwrap(), [7..8, 8..10, 10..13]);
        assert_eq!(frames(&[0x81, 0, 0, 4, 1, 1, 1, 2, 2]).unwrap(), [5..7, 7..9]);
        // Sizes 2, 1 (a difference of -1 is 0xBE), and the rest.
        assert_eq!(frames(&[0x81, 0, 0, 6, 2, 0x82, 0xBE, 1, 1, 2, 3, 3, 3]).unwrap(), [7..9, 9..10, 10..13]);
    }

    #[test]
    fn invalid_lengths_give_no_block() {
        for block in [
            &[][..],
            &[0x81],
            &[0x81, 0, 0],
            &[0x00, 0, 0, 0],
            &[0x81, 0, 0, 2],
            &[0x81, 0, 0, 2, 1, 9, 1],
            &[0x81, 0, 0, 2, 1, 255],
            &[0x81, 0, 0, 6, 2, 0x81, 0x80, 1],
        ] {
            assert_eq!(read(block), None, "{block:?}");
        }
    }
}
