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
    for (recording, file) in heard.iter().zip(file_names(format, &heard)) {
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

/// One a recording and different for each: `a.ogg` and `a.wav` keep their extensions, and two sources have a folder
/// each.
fn file_names(format: &Format, recordings: &[&StoredRecording]) -> Vec<String> {
    let is_one_source = recordings.windows(2).all(|pair| pair[0].source == pair[1].source);
    let prefix = |recording: &StoredRecording| match is_one_source {
        true => String::new(),
        false => format!("{}/", recording.source.replace('/', "_")),
    };
    let short = |recording: &StoredRecording| prefix(recording) + &format.file_name(&recording.name);
    let mut uses: HashMap<String, usize> = HashMap::new();
    recordings.iter().for_each(|recording| *uses.entry(short(recording)).or_default() += 1);
    let name = |recording: &&StoredRecording| match uses[&short(recording)] {
        1 => short(recording),
        _ => format!("{}{}{}", prefix(recording), recording.name, format.suffix),
    };
    recordings.iter().map(name).collect()
}
