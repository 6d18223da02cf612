//! Exports stored laughs: as one text, or as one file per recording.
//!
//! Invariant: reads the database and writes files in the formats of `render::export`. Only a few recordings are in
//! memory at a time.

mod names;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use crate::atomic_file::{is_special, replace, replace_with};
use crate::domain::{Reason, StoredRecording, Window};
use crate::error::{Fatal, causes};
use crate::exit::Exit;
use crate::render::export::Format;
use crate::store::{Reader, Selection};

use self::names::FileNames;

/// Readable by all users: exports are meant for other programs.
const MODE: u32 = 0o644;

/// Where to write the laughs.
#[derive(Debug, Clone)]
pub enum Destination {
    /// One text of all recordings, to standard output.
    Text,
    /// The same text in this file.
    File(PathBuf),
    /// One file per recording below this folder, in the folder structure of the recordings.
    Folder(PathBuf),
    /// One file beside each recording; this is the folder that was scanned.
    Sidecar(PathBuf),
}

/// The settings of an export.
pub struct Settings {
    pub format: &'static Format,
    pub source: Option<String>,
    pub window: Window,
    /// Export rejected laughs as well.
    pub include_rejected: bool,
    pub destination: Destination,
}

/// The result of an export.
#[derive(Debug, Default)]
pub struct Exported {
    /// Recordings that were read.
    pub recordings: usize,
    pub files: usize,
    /// Recordings that had failed, or whose file could not be written. Each is logged as an error.
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

    fn fail(&mut self, recording: &StoredRecording, reason: &Reason) {
        let name = recording.name.as_str();
        log::error!(recording = name; "{name}: {reason}");
        causes(reason).iter().for_each(|cause| log::info!(recording = name; "{name}: caused by: {cause}"));
        self.failures += 1;
    }

    /// Counts the recording; returns whether it has a place in the format: failed ones have one in few.
    fn count(&mut self, recording: &StoredRecording, format: &Format) -> bool {
        self.recordings += 1;
        let failure = recording.failure().filter(|_| !format.contains_failures);
        if let Some(failure) = failure {
            self.fail(recording, &format!("{}; not exported, since its content is unknown", failure.reason).into());
        }
        failure.is_none()
    }
}

/// Exports what the database contains, one recording after the other; `Destination::Text` writes to `text`.
pub fn export(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    match &settings.destination {
        Destination::Text => export_text(settings, reader, text),
        Destination::File(path) if is_special(path) => {
            let file = OpenOptions::new().append(true).open(path).map_err(|error| unwritable(settings, error))?;
            export_text(settings, reader, &mut BufWriter::new(file))
        }
        Destination::File(path) => {
            let write = |file: &mut dyn Write| export_text(settings, reader, &mut BufWriter::new(file));
            replace_with(path, MODE, write).map_err(|error| unwritable(settings, error))?
        }
        Destination::Folder(folder) => export_files(settings, folder, false, reader),
        Destination::Sidecar(folder) => export_files(settings, folder, true, reader),
    }
}

fn export_text(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    if settings.format.is_of_one_recording {
        export_one(settings, reader, text)
    } else {
        export_all(settings, reader, text)
    }
}

fn selection(settings: &Settings) -> Selection<'_> {
    Selection { source: settings.source.as_deref(), window: settings.window, ..Selection::default() }
}

/// The recordings, with the laughs to export.
fn each_recording(
    settings: &Settings,
    reader: &mut dyn Reader,
    each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    reader.each_recording(&selection(settings), &mut |recording| {
        each(if settings.include_rejected { recording } else { recording.without_rejected() })
    })
}

fn unwritable(settings: &Settings, error: io::Error) -> Fatal {
    match &settings.destination {
        Destination::File(path) => Fatal::unwritable(&path.display().to_string(), error),
        _ => Fatal::unwritable("standard output", error),
    }
}

fn export_all(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    // Write nothing before the first recording, so that a failed query writes no text.
    each_recording(settings, reader, &mut |recording| {
        let is_first = exported.recordings == 0;
        exported.count(&recording, format);
        let head = if is_first { (format.head)(text) } else { Ok(()) };
        head.and_then(|()| (format.recording)(text, &recording, is_first)).map_err(|error| unwritable(settings, error))
    })?;
    let is_empty = exported.recordings == 0;
    let head = if is_empty { (format.head)(text) } else { Ok(()) };
    let end = head.and_then(|()| (format.tail)(text, is_empty)).and_then(|()| text.flush());
    end.map_err(|error| unwritable(settings, error))?;
    Ok(exported)
}

/// Writes one recording. More than one is an error, and nothing is written.
fn export_one(settings: &Settings, reader: &mut dyn Reader, text: &mut dyn Write) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    let (mut one, mut analyzed) = (format.text(&[]), 0);
    each_recording(settings, reader, &mut |recording| {
        if exported.count(&recording, format) {
            analyzed += 1;
            one = if analyzed == 1 { format.text(&[&recording]) } else { String::new() };
        }
        Ok(())
    })?;
    if analyzed > 1 {
        let name = format.name;
        return Err(Fatal::Config(
            format!(
                "{name} needs one file per recording, and {analyzed} recordings were found; use --folder or --sidecar"
            )
            .into(),
        ));
    }
    text.write_all(one.as_bytes()).and_then(|()| text.flush()).map_err(|error| unwritable(settings, error))?;
    Ok(exported)
}

fn export_files(settings: &Settings, folder: &Path, sidecar: bool, reader: &mut dyn Reader) -> Result<Exported, Fatal> {
    let (format, mut exported) = (settings.format, Exported::default());
    let names = FileNames::find(format, &selection(settings), sidecar, reader)?;
    each_recording(settings, reader, &mut |recording| {
        if exported.count(&recording, format) {
            match write(format, folder, &recording, &names.file_name(&recording), sidecar) {
                Ok(()) => exported.files += 1,
                Err(reason) => exported.fail(&recording, &reason),
            }
        }
        Ok(())
    })?;
    Ok(exported)
}

fn write(format: &Format, folder: &Path, recording: &StoredRecording, file: &str, sidecar: bool) -> Result<(), Reason> {
    let is_inside = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside(file) {
        return Err("its name points outside the folder; its file is not written".into());
    }
    if sidecar && !folder.join(&recording.name).is_file() {
        let folder = folder.display();
        let reason = format!("is not below {folder}; its file is not written; give the folder that was scanned");
        return Err(reason.into());
    }
    let path = folder.join(file);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .and_then(|()| replace(&path, format.text(&[recording]).as_bytes(), MODE))
        .map_err(|error| Reason::new(format!("{} cannot be written: {error}", path.display())).caused_by(error))
}
