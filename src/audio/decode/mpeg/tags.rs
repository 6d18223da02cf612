//! What stands between frames and is none: ID3, APE and Lyrics3 tags, at either end and where files were joined.

/// A tag is looked for in no more bytes than these.
pub const LOOK: usize = 64 * 1024;

/// Bytes of the tag that begins `bytes`, if one does.
pub fn length(bytes: &[u8]) -> Option<u64> {
    match bytes {
        [b'I', b'D', b'3', ..] => id3v2(bytes),
        [b'T', b'A', b'G', b'+', ..] => Some(227),
        [b'T', b'A', b'G', ..] => Some(128),
        _ if bytes.starts_with(b"APETAGEX") => ape(bytes),
        _ if bytes.starts_with(b"LYRICSBEGIN") => lyrics(bytes),
        _ => None,
    }
}

/// A header of 10 bytes, contents, and a footer if a flag says so (ID3v2.4, 3).
fn id3v2(bytes: &[u8]) -> Option<u64> {
    let [_, _, _, version, revision, flags, size @ ..] = *bytes.first_chunk::<10>()?;
    let is_size = version < 0xFF && revision < 0xFF && size.iter().all(|byte| *byte < 0x80);
    let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
    is_size.then_some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// 32 bytes of header or footer; the size counts the items and the footer.
fn ape(bytes: &[u8]) -> Option<u64> {
    let header = bytes.first_chunk::<32>()?;
    let size = u32::from_le_bytes(*header[12..16].first_chunk()?);
    let is_header = header[23] & 0x20 != 0;
    Some(if is_header { 32 + u64::from(size) } else { 32 })
}

/// Lyrics3, whose end is a word.
fn lyrics(bytes: &[u8]) -> Option<u64> {
    let end = bytes.windows(9).position(|word| word == b"LYRICSEND" || word == b"LYRICS200")?;
    Some(end as u64 + 9)
}
