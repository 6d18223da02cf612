//! What each recording's own file is called: as short as may be, and longer where two would meet. Names that differ only
//! in case meet, too: some file systems take them for one.
//!
//! Two sources have a folder each, but for files beside their recordings. The recordings are read several times, and of
//! each no more than eight bytes are kept, so that years of them have room.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::exit::Fatal;
use crate::output::export::Format;
use crate::record::StoredRecording;
use crate::store::{Reader, Selection};

/// The longest name tells all that makes a recording another one.
const LONGEST: usize = 4;

/// A name a recording.
pub struct FileNames {
    format: &'static Format,
    is_without_folder: bool,
    /// Hashes of names that two would have.
    met: HashSet<u64>,
}

impl FileNames {
    /// Looks at all recordings that were heard, until no two have one name.
    pub fn find(
        format: &'static Format,
        wanted: &Selection,
        beside: bool,
        reader: &mut dyn Reader,
    ) -> Result<FileNames, Fatal> {
        let wanted = Selection { without_laughs: true, ..*wanted };
        let is_without_folder = beside || is_one_source(&wanted, reader)?;
        let mut names = FileNames { format, is_without_folder, met: HashSet::new() };
        loop {
            let mut hashes = Vec::new();
            each_heard(&wanted, reader, &mut |recording| hashes.push(hash(&names.of(recording))))?;
            hashes.sort_unstable();
            let before = names.met.len();
            names.met.extend(hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
            if names.met.len() == before {
                return Ok(names);
            }
        }
    }

    pub fn of(&self, recording: &StoredRecording) -> String {
        let mut names = (0..=LONGEST).map(|length| self.name(recording, length));
        let free = names.by_ref().take(LONGEST).find(|name| !self.met.contains(&hash(name)));
        free.unwrap_or_else(|| self.name(recording, LONGEST))
    }

    /// `a.txt`, `a.ogg.txt`, `a.ogg.neil.txt`, `a.ogg.neil.1a2b3c4d.txt`, with the source's folder in front. Of sources
    /// whose names differ in case, and that have the same recording: `a.ogg.%4Eeil.1a2b3c4d.txt`.
    fn name(&self, recording: &StoredRecording, length: usize) -> String {
        // No source can lead to another's folder, or out of it.
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
    each_heard(wanted, reader, &mut |recording| match &first {
        Some(first) => is_one &= *first == recording.source,
        None => first = Some(recording.source.clone()),
    })?;
    Ok(is_one)
}

fn each_heard(
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

/// Names that differ only in case have one hash.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.to_uppercase().to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// A name in which case makes no difference: capitals are written as bytes.
fn without_case(name: &str) -> String {
    let mut written = String::new();
    for sign in name.chars() {
        if sign.is_lowercase() || sign.to_lowercase().eq([sign]) {
            written.push(sign);
        } else {
            sign.to_string().bytes().for_each(|byte| written.push_str(&format!("%{byte:02X}")));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_case_meet() {
        for (one, other) in [("neil/a.csv", "Neil/A.csv"), ("jürgen", "JÜRGEN"), ("straße", "STRASSE")] {
            assert_eq!(hash(one), hash(other), "{one}");
        }
        assert_ne!(hash("neil"), hash("nell"));
    }

    #[test]
    fn a_source_written_without_case_is_no_other() {
        let names = ["neil", "Neil", "NEIL", "%254Eeil", "JÜRGEN", "jürgen"];
        let written: HashSet<String> = names.iter().map(|name| without_case(name).to_lowercase()).collect();
        assert_eq!(written.len(), names.len(), "{written:?}");
    }
}
