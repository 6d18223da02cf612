//! What a file is called where people see it.
//!
//! Invariant: two places never share a name.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::record::{acts, write_bytes};

/// A file's path in two parts: the folder that was given, and what lies below it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// How the file is opened.
    pub path: PathBuf,
    /// The folder given, without links.
    pub above: PathBuf,
    /// The part people see.
    pub below: PathBuf,
}

impl Place {
    /// A file given by name; its folder serves only to tell it from another of the same name.
    pub fn of_file(path: &Path, real: &Path) -> Place {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let below = path.file_name().or(real.file_name()).unwrap_or_default();
        Place { path: path.to_owned(), above: fs::canonicalize(parent).unwrap_or_default(), below: below.into() }
    }

    /// The place in this folder of what a walk of `real` met.
    pub fn inside(&self, real: &Path, met: &Path) -> Place {
        let Some(rest) = met.strip_prefix(real).ok().filter(|rest| !rest.as_os_str().is_empty()) else {
            return self.clone();
        };
        Place { path: self.path.join(rest), above: self.above.clone(), below: self.below.join(rest) }
    }

    pub fn name(&self) -> String {
        let parts = self.below.components().filter_map(|part| match part {
            Component::Normal(part) => Some(shown(part.as_encoded_bytes())),
            _ => None,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// One more folder becomes part of the name. False at the top of the disk.
    fn climb(&mut self) -> bool {
        let Some(folder) = self.above.file_name() else {
            return false;
        };
        self.below = Path::new(folder).join(&self.below);
        self.above.pop()
    }
}

/// Names that meet get the names of their folders in front, as many as it takes; a nameless one gets its own.
pub(super) fn tell_apart<T>(places: &mut [(Place, T)]) {
    loop {
        let mut count: HashMap<PathBuf, usize> = HashMap::new();
        places.iter().for_each(|(place, _)| *count.entry(place.below.clone()).or_default() += 1);
        let meets = |place: &Place| count[&place.below] > 1 || place.below.as_os_str().is_empty();
        let meeting = places.iter_mut().filter(|(place, _)| meets(place));
        if meeting.map(|(place, _)| place.climb()).filter(|climbed| *climbed).count() == 0 {
            return;
        }
    }
}

/// Bytes that are not UTF-8, control characters and those that turn text around as `\xNN`, and so a backslash before an `x`: the
/// name can be read back to the very bytes.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (at, sign) in chunk.valid().char_indices() {
            let like_an_escape = chunk.valid()[at..].starts_with("\\x");
            if acts(sign) || like_an_escape {
                write_bytes(&mut text, sign.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(sign);
            }
        }
        write_bytes(&mut text, chunk.invalid());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_can_be_read_back_to_their_bytes() {
        for (bytes, name) in [
            (&b"20251024_130000.wav"[..], "20251024_130000.wav"),
            ("Kühl 夜.ogg".as_bytes(), "Kühl 夜.ogg"),
            (b"caf\xe9.wav", "caf\\xe9.wav"),
            (b"caf\\xe9.wav", "caf\\x5cxe9.wav"),
            (b"a\\b.wav", "a\\b.wav"),
            (b"\x1b[2J\n.wav", "\\x1b[2J\\x0a.wav"),
            ("\u{9b}.wav".as_bytes(), "\\xc2\\x9b.wav"),
            ("\u{202e}vaw.laugh.ogg".as_bytes(), "\\xe2\\x80\\xaevaw.laugh.ogg"),
        ] {
            assert_eq!(shown(bytes), name);
        }
    }

    #[test]
    fn no_two_short_byte_strings_share_a_name() {
        let signs = [b"\\".as_slice(), b"x", b"5", b"c", b"\xff", b"\n"];
        let strings =
            (0..6usize.pow(5)).map(|n| (0..5).map(|k| signs[n / 6usize.pow(k) % 6]).collect::<Vec<_>>().concat());
        let names: HashSet<String> = strings.map(|bytes| shown(&bytes)).collect();
        assert_eq!(names.len(), 6usize.pow(5));
    }
}
