//! Reverses the content encodings (compression) of a track's frames (RFC 9559, 5.1.4.1.31).
//!
//! Invariant: compressed bytes never reach a decoder; an unsupported method causes an error with its name.

use std::io;

use super::super::error_map;
use super::super::view::View;
use super::element::Element;
use crate::domain::RecordingError;

const CONTENT_ENCODINGS: u32 = 0x6D80;
const CONTENT_ENCODING: u32 = 0x6240;
const ORDER: u32 = 0x5031;
const SCOPE: u32 = 0x5032;
const KIND: u32 = 0x5033;
const COMPRESSION: u32 = 0x5034;
const ALGORITHM: u32 = 0x4254;
const SETTINGS: u32 = 0x4255;

/// Bits of the scope.
const FRAMES: u64 = 1;
const PRIVATE: u64 = 2;

/// Maximum size of an audio frame.
const MAX_FRAME: usize = 4 << 20;

/// Maximum size of a stripped header.
const MAX_HEADER: usize = 1 << 16;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Method {
    Zlib,
    Lzo,
    /// These bytes were removed from the start of each frame.
    Header(Vec<u8>),
}

/// The encodings in the order in which they are reversed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encodings {
    steps: Vec<(Method, u64)>,
}

impl Encodings {
    /// Reads the encodings of a track entry. Errors: unsupported, with the name of the method.
    pub fn read(view: &mut View, entry: &Element) -> Result<Encodings, RecordingError> {
        let mut steps = steps(view, entry).map_err(error_map::io)?;
        steps.sort_by_key(|step| std::cmp::Reverse(step.order));
        let methods = steps.into_iter().map(|step| Ok((step.method?, step.scope)));
        Ok(Encodings { steps: methods.collect::<Result<_, RecordingError>>()? })
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Decompresses a frame. None if it is invalid.
    pub fn frame(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.undo(bytes, FRAMES)
    }

    /// Decompresses the codec's private data.
    pub fn private(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.undo(bytes, PRIVATE)
    }

    fn undo(&self, bytes: &[u8], scope: u64) -> Option<Vec<u8>> {
        let steps = self.steps.iter().filter(|(_, applies)| applies & scope != 0);
        steps.map(|(method, _)| method).try_fold(bytes.to_vec(), |bytes, method| method.undo(&bytes))
    }
}

impl Method {
    fn undo(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Method::Zlib => miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(bytes, MAX_FRAME).ok(),
            // One byte of LZO expands to at most 255.
            Method::Lzo => lzo::decompress(bytes, bytes.len().saturating_mul(256).min(MAX_FRAME)).ok(),
            Method::Header(header) => Some([header, bytes].concat()),
        }
    }
}

/// One encoding in the file.
struct Step {
    order: u64,
    scope: u64,
    method: Result<Method, RecordingError>,
}

fn steps(view: &mut View, entry: &Element) -> io::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for encodings in entry.children(view, 1000)?.iter().filter(|child| child.id == CONTENT_ENCODINGS) {
        for encoding in encodings.children(view, 16)?.iter().filter(|child| child.id == CONTENT_ENCODING) {
            steps.push(step(view, encoding)?);
        }
    }
    Ok(steps)
}

fn step(view: &mut View, encoding: &Element) -> io::Result<Step> {
    let (mut order, mut scope, mut kind, mut compression) = (0, FRAMES, 0, None);
    for child in encoding.children(view, 100)? {
        match child.id {
            ORDER => order = child.unsigned(view)?,
            SCOPE => scope = child.unsigned(view)?,
            KIND => kind = child.unsigned(view)?,
            COMPRESSION => compression = Some(child),
            _ => (),
        }
    }
    let method = if kind == 0 { method(view, compression)? } else { Err(refused("encrypted")) };
    Ok(Step { order, scope, method })
}

fn method(view: &mut View, compression: Option<Element>) -> io::Result<Result<Method, RecordingError>> {
    let (mut algorithm, mut settings) = (0, Vec::new());
    if let Some(compression) = compression {
        for child in compression.children(view, 100)? {
            match child.id {
                ALGORITHM => algorithm = child.unsigned(view)?,
                SETTINGS => settings = child.bytes(view, MAX_HEADER)?.unwrap_or_default().to_vec(),
                _ => (),
            }
        }
    }
    Ok(match algorithm {
        0 => Ok(Method::Zlib),
        1 => Err(refused("compressed with bzlib (bzip2)")),
        2 => Ok(Method::Lzo),
        3 => Ok(Method::Header(settings)),
        other => Err(refused(&format!("compressed with an unknown method ({other})"))),
    })
}

fn refused(how: &str) -> RecordingError {
    error_map::unsupported(error_map::foreign(format!("its Matroska track is {how}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(method: Method, bytes: &[u8]) -> Option<Vec<u8>> {
        Encodings { steps: vec![(method, FRAMES)] }.frame(bytes)
    }

    #[test]
    fn each_method_restores_the_frame() {
        let frame = b"hello, lzo world!".to_vec();
        let zlib = miniz_oxide::deflate::compress_to_vec_zlib(&frame, 6);
        assert_eq!(undone(Method::Zlib, &zlib).as_ref(), Some(&frame));
        // By liblzo2's lzo1x_1.
        let block = [&[34][..], b"hello, lzo world!", &[17, 0, 0]].concat();
        assert_eq!(undone(Method::Lzo, &block).as_ref(), Some(&frame));
        assert_eq!(undone(Method::Header(b"hello, ".to_vec()), b"lzo world!").as_ref(), Some(&frame));
    }

    /// Reads a track entry with one encoding that contains these bytes.
    fn read(encoding: &[u8]) -> Result<Encodings, RecordingError> {
        let element = |id: &[u8], contents: &[u8]| [id, &[0x80 | contents.len() as u8], contents].concat();
        let entry = element(&[0xAE], &element(&[0x6D, 0x80], &element(&[0x62, 0x40], encoding)));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &entry).unwrap();
        let file = std::sync::Arc::new(file.reopen().unwrap());
        let mut view = View::new(file, entry.len() as u64, 64);
        let entry = Element::read(&mut view, 0).unwrap().unwrap();
        Encodings::read(&mut view, &entry)
    }

    #[test]
    fn unsupported_methods_are_rejected_by_name() {
        let zlib = Encodings { steps: vec![(Method::Zlib, FRAMES)] };
        assert_eq!(read(b"\x50\x34\x80").unwrap(), zlib, "an empty element means zlib");
        assert_eq!(read(b"\x50\x34\x84\x42\x54\x81\x00").unwrap(), zlib);
        let header = read(b"\x50\x32\x81\x03\x50\x34\x89\x42\x54\x81\x03\x42\x55\x82\x0B\x77").unwrap();
        assert_eq!(header.steps, [(Method::Header(vec![0x0B, 0x77]), FRAMES | PRIVATE)]);
        for (encoding, words) in [
            (&b"\x50\x34\x84\x42\x54\x81\x01"[..], "bzlib"),
            (b"\x50\x34\x84\x42\x54\x81\x09", "unknown method (9)"),
            (b"\x50\x33\x81\x01", "encrypted"),
        ] {
            let error = read(encoding).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn invalid_data_gives_no_frame() {
        assert_eq!(undone(Method::Zlib, b"hello"), None);
        assert_eq!(undone(Method::Lzo, b"\xFF\xFF\xFF\xFF"), None);
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; MAX_FRAME + 1], 6);
        assert_eq!(undone(Method::Zlib, &bomb), None);
    }
}
