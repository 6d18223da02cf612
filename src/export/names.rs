//! What each recording's own file is called: as short as may be, and longer where two would meet.
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
const LONGEST: usize = 3;

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

    /// `a.txt`, `a.ogg.txt`, `a.ogg.neil.txt`, `a.ogg.neil.1a2b3c4d.txt`, with the source's folder in front.
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
            _ => format!("{folder}{name}.{source}.{hash}{suffix}"),
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

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
