//! Reads the comments (names and dates) in a stream's headers.
//!
//! Invariant: only comments with valid lengths are passed to symphonia, because it allocates memory based on them.

use symphonia::core::io::BufReader;
use symphonia::core::meta::{MetadataBuilder, MetadataRevision};
use symphonia::default::meta::embedded::vorbis;

use crate::audio::decode::panic_guard;

/// Parses a comment header. None if it is invalid.
pub fn read(comment: &[u8]) -> Option<MetadataRevision> {
    if !is_comment(comment) {
        return None;
    }
    let read = || {
        let mut builder = MetadataBuilder::new(vorbis::VORBIS_COMMENT_METADATA_INFO);
        vorbis::read_vorbis_comment(&mut BufReader::new(comment), &mut builder, &mut Vec::new())?;
        Ok(builder.build())
    };
    panic_guard::call(read).ok()
}

/// Whether all lengths in a comment header are within it; symphonia does not check them.
fn is_comment(comment: &[u8]) -> bool {
    let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let behind = |bytes: &[u8]| bytes.get(4 + number(bytes)?..).map(|rest| rest.len());
    let Some(mut rest) = behind(comment).map(|left| &comment[comment.len() - left..]) else { return false };
    let count = number(rest).unwrap_or(0);
    rest = rest.get(4..).unwrap_or_default();
    for _ in 0..count {
        let Some(left) = behind(rest) else { return false };
        rest = &rest[rest.len() - left..];
    }
    true
}
