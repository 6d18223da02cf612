//! Recognizes ID3, APE and Lyrics3 tags at either end of a stream and where files were concatenated.

/// Number of bytes needed to recognize a tag.
pub const MAX_HEADER: usize = 64 * 1024;

/// Length of the tag at the start of `bytes`, if there is one.
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

/// ID3v2: a header of 10 bytes, the contents, and a footer if its flag is set (ID3v2.4, 3).
fn id3v2(bytes: &[u8]) -> Option<u64> {
    let [_, _, _, version, revision, flags, size @ ..] = *bytes.first_chunk::<10>()?;
    let is_size = version < 0xFF && revision < 0xFF && size.iter().all(|byte| *byte < 0x80);
    let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
    is_size.then_some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// APE: header and footer of 32 bytes each; the size includes the items and the footer.
fn ape(bytes: &[u8]) -> Option<u64> {
    let header = bytes.first_chunk::<32>()?;
    let size = u32::from_le_bytes(*header[12..16].first_chunk()?);
    let is_header = header[23] & 0x20 != 0;
    Some(if is_header { 32 + u64::from(size) } else { 32 })
}

/// Lyrics3, which ends with a keyword.
fn lyrics(bytes: &[u8]) -> Option<u64> {
    let end = bytes.windows(9).position(|word| word == b"LYRICSEND" || word == b"LYRICS200")?;
    Some(end as u64 + 9)
}
