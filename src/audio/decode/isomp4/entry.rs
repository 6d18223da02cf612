//! Converts a sample entry to codec parameters: symphonia parses it from a temporary movie that contains nothing else.
//!
//! So errors of other tracks and tables of any length do not affect it.
//!
//! Invariant: the size of a sample entry is bounded; no other part of the file is passed to symphonia.

use std::io::Cursor;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

use super::super::{error_map, panic_guard};
use crate::domain::RecordingError;

/// Names of sample entries of unsupported codecs.
const UNSUPPORTED_ENTRIES: [(&[u8; 4], &str); 12] = [
    (b"samr", "AMR"),
    (b"sawb", "AMR-WB"),
    (b"sawp", "AMR-WB+"),
    (b"ac-3", "AC-3 (Dolby Digital)"),
    (b"ec-3", "E-AC-3 (Dolby Digital Plus)"),
    (b"ac-4", "AC-4 (Dolby)"),
    (b"dtsc", "DTS"),
    (b"agsm", "GSM"),
    (b"QDM2", "QDesign Music"),
    (b"sevc", "EVRC"),
    (b"sqcp", "QCELP"),
    (b"mhm1", "MPEG-H"),
];

/// The parameters of a sample entry (a complete box).
pub fn parameters(entry: &[u8], scale: u32) -> Result<AudioCodecParameters, RecordingError> {
    let name: [u8; 4] = entry.get(4..8).and_then(|name| name.try_into().ok()).unwrap_or_default();
    if matches!(&name, b"enca" | b"drms") {
        return Err(error_map::unsupported("its audio is encrypted (DRM)"));
    }
    let movie = movie(entry, scale);
    let read = panic_guard::call(|| {
        let stream = MediaSourceStream::new(Box::new(Cursor::new(movie)), Default::default());
        symphonia::default::get_probe().probe(&Hint::new(), stream, Default::default(), Default::default())
    });
    let reader = read.map_err(|error| match unsupported(&name) {
        Some(error) => error,
        None => error_map::reading(error, Default::default()),
    })?;
    let track = reader.tracks().first().and_then(|track| track.codec_params.clone());
    match track {
        Some(CodecParameters::Audio(parameters)) => Ok(parameters),
        _ => Err(unsupported(&name).unwrap_or_else(|| {
            let name: String = name.iter().map(|byte| char::from(*byte)).filter(|sign| !sign.is_control()).collect();
            error_map::unsupported(format!("its audio track has an unknown codec ({name})"))
        })),
    }
}

fn unsupported(name: &[u8; 4]) -> Option<RecordingError> {
    let found = UNSUPPORTED_ENTRIES.iter().find(|(entry, _)| *entry == name).map(|(_, words)| words)?;
    Some(error_map::unsupported(error_map::foreign(format!("it is {found}"))))
}

/// Builds a movie with one track without samples.
fn movie(entry: &[u8], scale: u32) -> Vec<u8> {
    let scale = scale.to_be_bytes();
    let zeros = [0u8; 96];
    let stsd = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry]);
    let empty = |name| boxed(name, &[&zeros[..8]]);
    let stbl =
        boxed(b"stbl", &[&stsd, &empty(b"stts"), &empty(b"stsc"), &boxed(b"stsz", &[&zeros[..12]]), &empty(b"stco")]);
    let minf = boxed(b"minf", &[&boxed(b"smhd", &[&zeros[..8]]), &stbl]);
    let hdlr = boxed(b"hdlr", &[&zeros[..8], b"soun", &zeros[..13]]);
    let mdhd = boxed(b"mdhd", &[&zeros[..12], &scale, &zeros[..8]]);
    let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &minf]);
    let tkhd = boxed(b"tkhd", &[&zeros[..12], &[0, 0, 0, 1], &zeros[..68]]);
    let mvhd = boxed(b"mvhd", &[&zeros[..12], &scale, &zeros[..84]]);
    let moov = boxed(b"moov", &[&mvhd, &boxed(b"trak", &[&tkhd, &mdia])]);
    [boxed(b"ftyp", &[b"isom\0\0\0\0isom"]), moov, boxed(b"mdat", &[])].concat()
}

fn boxed(name: &[u8; 4], contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = u32::try_from(contents.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], name, &contents].concat()
}
