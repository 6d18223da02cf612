//! Whether a bare MPEG audio file (MP3) ends with a whole frame.
//!
//! Such files have no end mark, and symphonia drops half a frame at the end without a word.
//!
//! Invariant: reads the file's last 64 KiB.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const WINDOW: u64 = 64 * 1024;

/// Frames in a row that make a chain, and not noise.
const CHAIN: usize = 4;

/// kbit/s by bitrate index: version 1 layers I, II, III; version 2 layer I; version 2 layers II and III (ISO 11172-3, 13818-3).
const BITRATES: [[u32; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Whether the file stops inside a frame. Tags and whatever else is no frame may follow the last one.
pub fn is_cut(file: &mut File, bytes: u64) -> io::Result<bool> {
    let mut window = Vec::new();
    file.seek(SeekFrom::Start(bytes.saturating_sub(WINDOW)))?;
    file.take(WINDOW).read_to_end(&mut window)?;
    Ok((0..window.len()).find_map(|at| chained(&window, at)).is_some_and(|end| half(&window[end..])))
}

/// Whether these are the first bytes of bare MPEG audio, or of AAC in ADTS frames.
pub fn begins(bytes: &[u8]) -> bool {
    chained(bytes, 0).is_some() || begins_with_adts(bytes)
}

/// Three ADTS headers, each where the frame before it ends (ISO 13818-7, 6.2).
fn begins_with_adts(bytes: &[u8]) -> bool {
    let mut at = 0;
    (0..3).all(|_| match bytes.get(at..at + 7) {
        Some(&[0xFF, second, third, b, c, d, _]) if second & 0xF6 == 0xF0 && (third >> 2) & 15 < 13 => {
            let length = usize::from(b & 3) << 11 | usize::from(c) << 3 | usize::from(d >> 5);
            at += length;
            length > 7
        }
        _ => false,
    })
}

/// The end of the last whole frame of a chain that begins at `at`.
fn chained(window: &[u8], at: usize) -> Option<usize> {
    let (mut end, mut frames) = (at, 0);
    while let Some(next) = window.get(end..).and_then(frame).map(|length| end + length) {
        if next > window.len() {
            break;
        }
        (end, frames) = (next, frames + 1);
    }
    (frames >= CHAIN).then_some(end)
}

/// Whether what stands behind the last whole frame is the beginning of another.
fn half(rest: &[u8]) -> bool {
    match rest.len() {
        0 => false,
        1..4 => rest[0] == 0xFF,
        _ => frame(rest).is_some(),
    }
}

/// Length in bytes of the frame whose header begins `bytes`.
fn frame(bytes: &[u8]) -> Option<usize> {
    let &[0xFF, second, third, _] = bytes.first_chunk()? else {
        return None;
    };
    let (version, layer) = ((second >> 3) & 3, (second >> 1) & 3);
    let (table, unit) = match (version, layer) {
        (3, 3) => (0, 4),
        (3, 2) => (1, 1),
        (3, 1) => (2, 1),
        (0 | 2, 3) => (3, 4),
        (0 | 2, 1 | 2) => (4, 1),
        _ => return None,
    };
    let bitrate = BITRATES[table].get(usize::from(third >> 4).checked_sub(1)?)? * 1000;
    let halvings = [2, 0, 1, 0][usize::from(version)]; // MPEG 2.5, -, 2, 1
    let rate = [44_100u32, 48_000, 32_000].get(usize::from((third >> 2) & 3))? >> halvings;
    let bits = match (layer, version) {
        (3, _) => 12,
        (1, 0 | 2) => 72,
        _ => 144,
    };
    let length = (bits * bitrate / rate + u32::from((third >> 1) & 1)) * unit;
    (second >> 5 == 7 && length > 4).then_some(length as usize)
}
