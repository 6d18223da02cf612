//! Stored laughs for other programs: as one text, or a file a recording.
//!
//! Invariant: reads the database, and writes files; what they look like is for `output::export` to say. However much is
//! stored, a few recordings are in memory at a time.

mod names;

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::exit::{Exit, Fatal};
use crate::output::export::Format;
use crate::record::{StoredRecording, Window};
use crate::replace::replace;
use crate::store::{Reader, Selection};

use self::names::FileNames;

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
    /// Recordings that were looked at.
    pub recordings: usize,
    pub files: usize,
    /// Recordings that could not be heard, or whose file could not be written. Each was said in an error.
    pub failures: usize,
}

impl Exported {
    pub fn exit(&self) -> Exit {
        match (self.recordings, self.failures) {
            (0, _) => Exit::Empty,
            (_, 0) => Exit::Complete,
            _ => Exit::Partial,
        }
    }

    fn fail(&mut self, recording: &StoredRecording, reason: &str) {
        log::error!("{}: {reason}", recording.name);
        self.failures += 1;
    }

    /// Counts it, and says whether it was heard.
    fn meet(&mut self, recording: &StoredRecording) -> bool {
        self.recordings += 1;
        if let Some(failure) = recording.failure() {
            self.fail(recording, &format!("{}; nobody knows what is in it", failure.reason));
        }
        recording.failure().is_none()
    }
}

/// Exports what the database holds, one recording after the other; where it is one text, to `text`.
pub fn export(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    match &settings.destination {
        Destination::Text if settings.format.is_of_one_recording => export_one(settings, reader, text),
        Destination::Text => export_all(settings, reader, text),
        Destination::Folder(folder) => export_files(settings, folder, false, reader),
        Destination::Beside(folder) => export_files(settings, folder, true, reader),
    }
}

fn selection(settings: &Settings) -> Selection<'_> {
    Selection { source: settings.source.as_deref(), window: settings.window, ..Selection::default() }
}

fn unwritable(error: &io::Error) -> Fatal {
    Fatal::Failed(format!("standard output cannot be written: {error}"))
}

fn export_all(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    // Nothing is written before something is found: what cannot be read gives no text.
    reader.each_recording(&selection(settings), &mut |recording| {
        let is_first = exported.recordings == 0;
        exported.meet(&recording);
        let head = if is_first { (format.head)(text) } else { Ok(()) };
        head.and_then(|()| (format.recording)(text, &recording, is_first)).map_err(|error| unwritable(&error))
    })?;
    let is_empty = exported.recordings == 0;
    let head = if is_empty { (format.head)(text) } else { Ok(()) };
    let end = head.and_then(|()| (format.tail)(text, is_empty)).and_then(|()| text.flush());
    end.map_err(|error| unwritable(&error))?;
    Ok(exported)
}

/// Nothing is written where there are several.
fn export_one(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    let (mut one, mut heard) = (format.text(&[]), 0);
    reader.each_recording(&selection(settings), &mut |recording| {
        if exported.meet(&recording) {
            heard += 1;
            one = if heard == 1 { format.text(&[&recording]) } else { String::new() };
        }
        Ok(())
    })?;
    if heard > 1 {
        let name = format.name;
        return Err(Fatal::Config(format!(
            "{name} has a file a recording, and {heard} were found: name a folder with --folder, or --beside the recordings"
        )));
    }
    text.write_all(one.as_bytes()).and_then(|()| text.flush()).map_err(|error| unwritable(&error))?;
    Ok(exported)
}

fn export_files(settings: &Settings, folder: &Path, beside: bool, reader: &mut dyn Reader) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    let names = FileNames::find(format, &selection(settings), beside, reader)?;
    reader.each_recording(&selection(settings), &mut |recording| {
        if exported.meet(&recording) {
            match write(format, folder, &recording, &names.of(&recording), beside) {
                Ok(()) => exported.files += 1,
                Err(reason) => exported.fail(&recording, &reason),
            }
        }
        Ok(())
    })?;
    Ok(exported)
}

fn write(format: &Format, folder: &Path, recording: &StoredRecording, file: &str, beside: bool) -> Result<(), String> {
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
        .and_then(|()| replace(&path, format.text(&[recording]).as_bytes(), MODE))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
