//! Decides whether a file is audio: by its extension if that is known, otherwise by its first bytes.
//!
//! Invariant: opens regular files only, and reads only their beginning.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::audio::decode::{begins_with_mpeg_frames, is_transport_stream};

/// Extensions of audio and of video with sound, supported or not: an unsupported file fails with a message. Lower
/// case, sorted.
const AUDIO: &[&str] = &[
    "3g2", "3ga", "3gp", "3gpp", "3gpp2", "aa3", "aac", "ac3", "ac4", "adts", "aif", "aifc", "aiff", "amr", "ape",
    "asf", "at3", "au", "awb", "bwf", "caf", "dff", "ds2", "dsf", "dss", "dts", "dtshd", "dvf", "eac3", "ec3", "f4a",
    "flac", "gsm", "m4a", "m4b", "m4p", "m4r", "m4v", "mka", "mkv", "mlp", "mov", "mp1", "mp2", "mp3", "mp4", "mpa",
    "mpc", "mpga", "msv", "oga", "ogg", "ogm", "ogv", "ogx", "oma", "opus", "qt", "qta", "ra", "rf64", "rm", "shn",
    "snd", "spx", "tak", "thd", "tta", "voc", "vox", "w64", "wav", "wave", "weba", "webm", "wma", "wmv", "wv",
];

/// Extensions of files that are not audio, or not complete: documents, pictures, sidecar files, and downloads in
/// progress. A directory may contain a hundred thousand of them, and none is opened. Lower case, sorted.
const OTHER: &[&str] = &[
    "aria2",
    "arw",
    "asc",
    "asd",
    "ass",
    "aup",
    "aup3",
    "avif",
    "bmp",
    "bwfmetaedit",
    "cfg",
    "conf",
    "cr2",
    "cr3",
    "crdownload",
    "csv",
    "cue",
    "db",
    "dng",
    "doc",
    "docx",
    "download",
    "exe",
    "filepart",
    "gif",
    "gpx",
    "gz",
    "h",
    "heic",
    "heif",
    "htm",
    "html",
    "ics",
    "inf",
    "ini",
    "jpeg",
    "jpg",
    "js",
    "json",
    "jsonl",
    "kml",
    "lock",
    "log",
    "lrc",
    "lrf",
    "m3u",
    "m3u8",
    "md",
    "md5",
    "mid",
    "midi",
    "mscz",
    "nef",
    "nfo",
    "orf",
    "part",
    "partial",
    "pdf",
    "pid",
    "pkf",
    "pls",
    "png",
    "prom",
    "ps",
    "py",
    "raf",
    "reapeaks",
    "rpp",
    "rs",
    "rst",
    "rtf",
    "rw2",
    "sfk",
    "sh",
    "sha1",
    "sha256",
    "sqlite",
    "sqlite3",
    "srt",
    "svg",
    "swp",
    "tar",
    "tif",
    "tiff",
    "tmp",
    "toml",
    "torrent",
    "tsv",
    "txt",
    "url",
    "vtt",
    "webp",
    "xls",
    "xlsx",
    "xml",
    "xmp",
    "xz",
    "yaml",
    "yml",
    "zip",
    "zst",
];

/// Offsets and bytes that identify audio files.
const MARKS: &[(usize, &[u8])] = &[
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"RF64"),
    (0, b"BW64"),
    (0, b"RIFX"),
    (8, b"WAVE"),
    (8, b"AVI "),
    (0, b"riff\x2E\x91\xCF\x11"), // Sony Wave64
    (0, b"caff\0"),
    (0, b".snd\0\0"),
    (0, b"ID3"),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (0, b"\x1A\x45\xDF\xA3"), // Matroska
    (0, b"#!AMR"),
    (0, b"#!SILK"),
    (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11"), // ASF
    (0, b"wvpk"),
    (0, b"MAC "),
    (0, b"TTA1"),
    (0, b"DSD "),
    (0, b"FRM8"),
    (0, b"MPCK"),
    (0, b"MP+"),
    (0, b"tBaK"),
    (0, b"ajkg"),
    (0, b".ra\xFD"),
    (0, b".RMF"),
    (0, b"Creative Voice File"),
    (0, b"\x7F\xFE\x80\x01"), // DTS
    (0, b"FLV\x01"),
    (0, b"\x00\x00\x01\xBA"), // MPEG program stream
    (1, b"dss"),
];

/// Brands of ISO base media files that are pictures.
const PICTURES: [&[u8]; 8] = [b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx "];

/// Bytes read of a file with an unknown extension: enough for four frames of MPEG audio.
pub const BEGINNING: u64 = 8192;

/// Whether the file has an audio extension.
pub fn is_audio(path: &Path) -> bool {
    extension(path).is_some_and(|extension| has(AUDIO, extension))
}

/// Whether a file without an audio extension has audio content. False if it cannot be read.
pub fn is_audio_by_content(path: &Path) -> bool {
    let is_audio = |bytes: Vec<u8>| starts_like_audio(&bytes);
    !is_known_other(path)
        && beginning(path).map(is_audio).unwrap_or_else(|error| {
            log::debug!("{}: cannot be read ({error}), counted as not audio", path.display());
            false
        })
}

/// Whether the file has an extension of something else than audio.
pub fn is_known_other(path: &Path) -> bool {
    extension(path).is_some_and(|extension| has(OTHER, extension))
}

/// The extension by which a file is counted.
pub fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(OsStr::to_str)
}

fn has(list: &[&str], extension: &str) -> bool {
    list.iter().any(|other| extension.eq_ignore_ascii_case(other))
}

/// The first bytes of a file. Checks again that the file is regular, because opening a pipe blocks.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if std::fs::metadata(path)?.is_file() {
        File::open(path)?.take(BEGINNING).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn starts_like_audio(bytes: &[u8]) -> bool {
    let has = |at: usize, mark: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let is_marked = MARKS.iter().any(|(at, mark)| has(*at, mark));
    is_marked
        || is_movie(bytes)
        || is_transport_stream(bytes)
        || is_dolby(bytes)
        || !is_utf16(bytes) && begins_with_mpeg_frames(bytes)
}

/// MP4 and QuickTime, which may start without `ftyp`; not a picture in the same container.
fn is_movie(bytes: &[u8]) -> bool {
    match bytes.get(4..8) {
        Some(b"ftyp") => !PICTURES.iter().any(|brand| bytes.get(8..12) == Some(brand)),
        Some(b"moov" | b"mdat" | b"wide" | b"pnot") => true,
        _ => false,
    }
}

/// AC-3 and E-AC-3: a sync word and a valid bit stream identification.
fn is_dolby(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x0B, 0x77]) && bytes.get(5).is_some_and(|byte| byte >> 3 <= 16)
}

/// UTF-16 text with a byte order mark, which looks like the start of an MPEG frame; the first letters are Latin.
fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") && bytes[2..].chunks_exact(2).take(4).all(|letter| letter[1] == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_disjoint() {
        for list in [AUDIO, OTHER] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
        assert!(!AUDIO.iter().any(|extension| OTHER.contains(extension)));
    }

    #[test]
    fn audio_is_recognized_by_its_first_bytes() {
        let transport: Vec<u8> = (0..1000).map(|at| if at % 188 == 0 { 0x47 } else { 0xFF }).collect();
        let audio: [&[u8]; 9] = [
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"OggS\0\x02",
            b"\0\0\0\x20ftypM4A ",
            b"\0\0\0\x14ftypqt  ",
            b"\0\0\0\x08wide",
            b"#!AMR-WB\n",
            b"\x0B\x77\x12\x34\x1C\x40",
            b"\x1A\x45\xDF\xA3\x9F",
            &transport,
        ];
        assert!(audio.iter().all(|bytes| starts_like_audio(bytes)));
        let other: [&[u8]; 10] = [
            b"",
            b"x",
            b"\xFF\xD8\xFF\xE0\0\x10JFIF",
            b"\0\0\0\x20ftypheic",
            b"\0\0\0\x1Cftypavif",
            b"RIFF\x24\0\0\0WEBPVP8 ",
            b"SQLite format 3\0",
            b"\xFF\xFE\x41\0\x42\0", // UTF-16 text
            b"ID: 17",
            &[0; 4096],
        ];
        for bytes in other {
            assert!(!starts_like_audio(bytes), "{bytes:?}");
        }
    }
}
