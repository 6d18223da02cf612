//! Names of files as shown to people.
//!
//! Invariant: two places never have the same name.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::paths::directory_of;
use crate::text::{is_unsafe_char, write_bytes};

/// A file's path in two parts: the given directory, and the path relative to it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The path for opening the file.
    pub path: PathBuf,
    /// The canonical path of the given directory.
    pub above: PathBuf,
    /// The relative path, which is shown.
    pub below: PathBuf,
}

impl Place {
    /// A file on the command line; its directory is used only if another file has the same name.
    pub fn from_file(path: &Path, real: &Path) -> Place {
        let below = path.file_name().or(real.file_name()).unwrap_or_default();
        Place {
            path: path.to_owned(),
            above: fs::canonicalize(directory_of(path)).unwrap_or_default(),
            below: below.into(),
        }
    }

    /// The place of `entry`, which was found in the walk of `real`, in this directory.
    pub fn inside(&self, real: &Path, entry: &Path) -> Place {
        let Some(rest) = entry.strip_prefix(real).ok().filter(|rest| !rest.as_os_str().is_empty()) else {
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

    /// Prepends one more parent directory to the name. False at the root.
    fn prepend_parent(&mut self) -> bool {
        let Some(folder) = self.above.file_name() else {
            return false;
        };
        self.below = Path::new(folder).join(&self.below);
        self.above.pop()
    }
}

/// Prepends parent directories to equal or empty names until all names are different.
pub(super) fn make_unique<T>(places: &mut [(Place, T)]) {
    loop {
        let mut count: HashMap<PathBuf, usize> = HashMap::new();
        places.iter().for_each(|(place, _)| *count.entry(place.below.clone()).or_default() += 1);
        let is_ambiguous = |place: &Place| count[&place.below] > 1 || place.below.as_os_str().is_empty();
        let ambiguous = places.iter_mut().filter(|(place, _)| is_ambiguous(place));
        if ambiguous.map(|(place, _)| place.prepend_parent()).filter(|changed| *changed).count() == 0 {
            return;
        }
    }
}

/// Escapes bytes that are not UTF-8, control characters, bidirectional formatting characters, and a backslash before
/// `x`, as `\xNN`. The result can be converted back to the same bytes.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (at, character) in chunk.valid().char_indices() {
            let like_an_escape = chunk.valid()[at..].starts_with("\\x");
            if is_unsafe_char(character) || like_an_escape {
                write_bytes(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
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
    fn names_are_escaped_reversibly() {
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
    fn different_byte_strings_have_different_names() {
        let signs = [b"\\".as_slice(), b"x", b"5", b"c", b"\xff", b"\n"];
        let strings =
            (0..6usize.pow(5)).map(|n| (0..5).map(|k| signs[n / 6usize.pow(k) % 6]).collect::<Vec<_>>().concat());
        let names: HashSet<String> = strings.map(|bytes| shown(&bytes)).collect();
        assert_eq!(names.len(), 6usize.pow(5));
    }
}
