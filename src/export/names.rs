//! The file name of each recording in an export: short, and longer where two names would collide. Names that differ
//! only in case collide too, since some file systems do not distinguish them.
//!
//! Several sources have one folder each, except with --sidecar. The recordings are read several times, and only a hash
//! of eight bytes is kept of each, so that years of recordings fit into memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::StoredRecording;
use crate::error::Fatal;
use crate::render::export::Format;
use crate::store::{Reader, Selection};

/// The index of the longest name, which contains everything that distinguishes recordings.
const LONGEST: usize = 4;

/// One unique file name per recording.
pub struct FileNames {
    format: &'static Format,
    is_without_folder: bool,
    /// Hashes of names that collide.
    collisions: HashSet<u64>,
}

impl FileNames {
    /// Reads all analyzed recordings until no two have the same name.
    pub fn find(
        format: &'static Format,
        wanted: &Selection,
        sidecar: bool,
        reader: &mut dyn Reader,
    ) -> Result<FileNames, Fatal> {
        let wanted = Selection { without_laughs: true, ..*wanted };
        let is_without_folder = sidecar || is_one_source(&wanted, reader)?;
        let mut names = FileNames { format, is_without_folder, collisions: HashSet::new() };
        loop {
            let mut hashes = Vec::new();
            each_analyzed(&wanted, reader, &mut |recording| hashes.push(hash(&names.file_name(recording))))?;
            hashes.sort_unstable();
            let before = names.collisions.len();
            names.collisions.extend(hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
            if names.collisions.len() == before {
                return Ok(names);
            }
        }
    }

    pub fn file_name(&self, recording: &StoredRecording) -> String {
        let mut names = (0..=LONGEST).map(|length| self.name(recording, length));
        let free = names.by_ref().take(LONGEST).find(|name| !self.collisions.contains(&hash(name)));
        free.unwrap_or_else(|| self.name(recording, LONGEST))
    }

    /// `a.txt`, `a.ogg.txt`, `a.ogg.neil.txt`, `a.ogg.neil.1a2b3c4d.txt`, below the source's folder. For sources
    /// whose names differ only in case and that have the same recording: `a.ogg.%4Eeil.1a2b3c4d.txt`.
    fn name(&self, recording: &StoredRecording, length: usize) -> String {
        // Escape the source, so that it cannot point to another folder.
        let source = recording.source.replace('%', "%25").replace('/', "%2F");
        let folder = if self.is_without_folder { String::new() } else { format!("{source}/") };
        let (name, suffix) = (&recording.name, self.format.suffix);
        let hash = recording.content.map_or_else(String::new, |content| content.to_string()[..8].to_owned());
        match length {
            0 => folder + &self.format.file_name(name),
            1 => format!("{folder}{name}{suffix}"),
            2 => format!("{folder}{name}.{source}{suffix}"),
            3 => format!("{folder}{name}.{source}.{hash}{suffix}"),
            _ => format!("{folder}{name}.{}.{hash}{suffix}", without_case(&source)),
        }
    }
}

fn is_one_source(wanted: &Selection, reader: &mut dyn Reader) -> Result<bool, Fatal> {
    let (mut first, mut is_one) = (None::<String>, true);
    each_analyzed(wanted, reader, &mut |recording| match &first {
        Some(first) => is_one &= *first == recording.source,
        None => first = Some(recording.source.clone()),
    })?;
    Ok(is_one)
}

fn each_analyzed(
    wanted: &Selection,
    reader: &mut dyn Reader,
    each: &mut dyn FnMut(&StoredRecording),
) -> Result<(), Fatal> {
    reader.each_recording(wanted, &mut |recording| {
        if recording.failure().is_none() {
            each(&recording);
        }
        Ok(())
    })
}

/// A hash that ignores case.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.to_uppercase().to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// The name with capitals percent-encoded, so that it stays unique on file systems that ignore case.
fn without_case(name: &str) -> String {
    let mut written = String::new();
    for c in name.chars() {
        if c.is_lowercase() || c.to_lowercase().eq([c]) {
            written.push(c);
        } else {
            c.to_string().bytes().for_each(|byte| written.push_str(&format!("%{byte:02X}")));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_case_collide() {
        for (one, other) in [("neil/a.csv", "Neil/A.csv"), ("jürgen", "JÜRGEN"), ("straße", "STRASSE")] {
            assert_eq!(hash(one), hash(other), "{one}");
        }
        assert_ne!(hash("neil"), hash("nell"));
    }

    #[test]
    fn sources_without_case_stay_unique() {
        let names = ["neil", "Neil", "NEIL", "%254Eeil", "JÜRGEN", "jürgen"];
        let written: HashSet<String> = names.iter().map(|name| without_case(name).to_lowercase()).collect();
        assert_eq!(written.len(), names.len(), "{written:?}");
    }
}
