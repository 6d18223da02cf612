//! Stored laughs for other programs: as one text, or a file a recording.
//!
//! Invariant: reads the database, and writes files; what they look like is for `output::export` to say.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::exit::{Exit, Fatal};
use crate::output::export::Format;
use crate::record::{StoredRecording, Window};
use crate::replace::replace;
use crate::store::Reader;

/// Labels are made to be opened by other programs, and perhaps by other people.
const MODE: u32 = 0o644;

/// Where the laughs go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// One text of all.
    Text,
    /// A file a recording, below this folder, as the recordings lie.
    Folder(PathBuf),
    /// A file a recording, beside it: this is the folder that was scanned.
    Beside(PathBuf),
}

/// What is asked for.
pub struct Settings {
    pub format: &'static Format,
    pub source: Option<String>,
    pub window: Window,
    pub destination: Destination,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Exported {
    /// Of all, if that was asked for.
    pub text: String,
    pub files: Vec<PathBuf>,
    /// A line each: recordings that could not be heard, or whose file could not be written.
    pub troubles: Vec<String>,
    /// Recordings that were looked at.
    pub recordings: usize,
}

impl Exported {
    pub fn exit(&self) -> Exit {
        match (self.recordings, self.troubles.is_empty()) {
            (0, _) => Exit::Empty,
            (_, false) => Exit::Partial,
            (_, true) => Exit::Complete,
        }
    }
}

/// Exports what the database holds.
pub fn export(settings: &Settings, reader: &mut dyn Reader) -> Result<Exported, Fatal> {
    let recordings = reader.recordings(settings.source.as_deref(), &settings.window)?;
    let mut exported = Exported { recordings: recordings.len(), ..Exported::default() };
    for recording in &recordings {
        if let Some(failure) = recording.failure() {
            exported.troubles.push(format!("{}: {}; nobody knows what is in it", recording.name, failure.reason));
        }
    }
    match &settings.destination {
        Destination::Text => exported.text = text(settings.format, &recordings)?,
        Destination::Folder(folder) => write_all(settings.format, folder, &recordings, false, &mut exported),
        Destination::Beside(folder) => write_all(settings.format, folder, &recordings, true, &mut exported),
    }
    Ok(exported)
}

fn text(format: &Format, recordings: &[StoredRecording]) -> Result<String, Fatal> {
    let heard = recordings.iter().filter(|recording| recording.failure().is_none()).count();
    if format.is_of_one_recording && heard > 1 {
        let name = format.name;
        return Err(Fatal::Config(format!(
            "{name} has a file a recording, and {heard} were found: name a folder with --folder, or --beside the recordings"
        )));
    }
    Ok((format.text)(&recordings.iter().collect::<Vec<_>>()))
}

fn write_all(format: &Format, folder: &Path, recordings: &[StoredRecording], beside: bool, exported: &mut Exported) {
    let heard: Vec<&StoredRecording> = recordings.iter().filter(|recording| recording.failure().is_none()).collect();
    for (recording, file) in heard.iter().zip(file_names(format, &heard, beside)) {
        match write(format, folder, recording, &file, beside) {
            Ok(path) => exported.files.push(path),
            Err(reason) => exported.troubles.push(format!("{}: {reason}", recording.name)),
        }
    }
}

fn write(
    format: &Format,
    folder: &Path,
    recording: &StoredRecording,
    file: &str,
    beside: bool,
) -> Result<PathBuf, String> {
    let is_inside = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside(file) {
        return Err("its name leads out of the folder; its file is not written".to_owned());
    }
    if beside && !folder.join(&recording.name).is_file() {
        let folder = folder.display();
        return Err(format!("is not below {folder}; its file is not written. Is that the folder that was scanned?"));
    }
    let path = folder.join(file);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .and_then(|()| replace(&path, (format.text)(&[recording]).as_bytes(), MODE))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    Ok(path)
}

/// One a recording and different for each: as short as may be, and longer where two would meet. Two sources have a
/// folder each, but for files beside their recordings.
fn file_names(format: &Format, recordings: &[&StoredRecording], beside: bool) -> Vec<String> {
    let is_one_source = recordings.windows(2).all(|pair| pair[0].source == pair[1].source);
    let mut lengths = vec![0; recordings.len()];
    loop {
        let each = recordings.iter().zip(&lengths);
        let names: Vec<String> =
            each.map(|(recording, length)| name(format, recording, *length, is_one_source || beside)).collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *uses.entry(name).or_default() += 1);
        let meets: Vec<bool> = names.iter().map(|name| uses[name.as_str()] > 1).collect();
        let mut longer = lengths.iter_mut().zip(meets).filter(|(length, meets)| *meets && **length < LONGEST);
        if longer.by_ref().map(|(length, _)| *length += 1).count() == 0 {
            return names;
        }
    }
}

/// The longest name tells all that makes a recording another one.
const LONGEST: usize = 3;

/// `a.txt`, `a.ogg.txt`, `a.ogg.neil.txt`, `a.ogg.neil.1a2b3c4d.txt`, with the source's folder in front.
fn name(format: &Format, recording: &StoredRecording, length: usize, is_without_folder: bool) -> String {
    // No source can lead to another's folder, or out of it.
    let source = recording.source.replace('%', "%25").replace('/', "%2F");
    let folder = if is_without_folder { String::new() } else { format!("{source}/") };
    let (name, suffix) = (&recording.name, format.suffix);
    let hash = recording.content.map_or_else(String::new, |content| content.to_string()[..8].to_owned());
    match length {
        0 => folder + &format.file_name(name),
        1 => format!("{folder}{name}{suffix}"),
        2 => format!("{folder}{name}.{source}{suffix}"),
        _ => format!("{folder}{name}.{source}.{hash}{suffix}"),
    }
}
