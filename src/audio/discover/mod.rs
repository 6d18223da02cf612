//! Finds recordings in files and directories. The only module that uses walkdir.
//!
//! ```text
//! file on the command line                  -> recording
//! in a directory:
//!     hidden (`.Trashes`, `._x.WAV`), or the file system's own (`lost+found`)  -> skipped
//!     audio extension                       -> recording
//!     known other extension                 -> counted as not audio
//!     any other extension, or none          -> decided by the first bytes
//! ```
//!
//! Directories are walked first and symbolic links are followed last, so that a file that can be reached in two ways
//! is analyzed once, under its real name if possible.
//!
//! Invariant: files with a known extension are not opened, and everything that cannot be read is reported with its
//! name. The result depends on the arguments and the disk only, not on the order of directory entries.

mod kind;
mod name;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::decode::error_map;
use super::file_kind::special_kind;
use crate::domain::{NotAudio, Reason, RecordingError};
pub use kind::{BEGINNING, extension, is_audio, is_audio_by_content, is_known_other};
use name::Place;
pub use name::shown;

/// Directories that belong to a file system: users cannot read the first, the others contain deleted files.
const SYSTEM_DIRECTORIES: [&str; 3] = ["lost+found", "System Volume Information", "$RECYCLE.BIN"];

/// One file to analyze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: PathBuf,
    /// The path relative to the scanned directory, or the name of a file on the command line; unique in [`Found`].
    /// Bytes that are not UTF-8 or would affect a terminal are written as `\xNN`.
    pub name: String,
}

/// The files to analyze and those that cannot be read; each sorted by name, bytewise.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<File>,
    pub unreadable: Vec<(File, RecordingError)>,
    /// Ignored files in the directories.
    pub not_audio: NotAudio,
}

impl Found {
    /// Keeps the files, readable or not, for which `is_kept` is true; returns the number of the others.
    pub fn retain(&mut self, is_kept: impl Fn(&File) -> bool) -> usize {
        let all = self.names().count();
        self.files.retain(&is_kept);
        self.unreadable.retain(|(file, _)| is_kept(file));
        all - self.names().count()
    }

    /// The names of all files, readable or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().chain(self.unreadable.iter().map(|(file, _)| file)).map(|file| file.name.as_str())
    }
}

/// An argument that does not exist or cannot be opened: a configuration error, not a failed recording.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("'{}' does not exist; check the path and that its disk is mounted", .0.display())]
    Missing(PathBuf),
    #[error("'{}' cannot be opened: {source}; check its permissions and the disk", .path.display())]
    Unopenable { path: PathBuf, source: io::Error },
}

/// Finds all recordings in the given directories and files.
///
/// # Errors
/// Only if an argument itself does not exist or cannot be opened.
pub fn find(arguments: &[PathBuf]) -> Result<Found, FindError> {
    let mut search = Search::default();
    for argument in arguments {
        search.argument(argument).map_err(|error| refusal(argument, error))?;
    }
    search.follow_links();
    Ok(search.into_found())
}

fn refusal(argument: &Path, source: io::Error) -> FindError {
    match source.kind() {
        io::ErrorKind::NotFound => FindError::Missing(argument.to_owned()),
        _ => FindError::Unopenable { path: argument.to_owned(), source },
    }
}

#[derive(Default)]
struct Search {
    /// The canonical paths of everything found so far.
    seen: HashSet<PathBuf>,
    places: Vec<(Place, Option<RecordingError>)>,
    links: VecDeque<Place>,
    not_audio: NotAudio,
}

impl Search {
    fn argument(&mut self, path: &Path) -> io::Result<()> {
        let real = fs::canonicalize(path)?;
        if real.is_dir() {
            fs::read_dir(&real)?;
            let folder = Place { path: path.to_owned(), above: real.clone(), below: PathBuf::new() };
            self.walk(&folder, &real);
        } else {
            self.file(Place::from_file(path, &real), &real);
        }
        Ok(())
    }

    /// Adds the recordings in a directory and queues its symbolic links. `real` is the canonical path of the directory,
    /// so the paths of its entries are canonical as well.
    fn walk(&mut self, folder: &Place, real: &Path) {
        let mut entries = WalkDir::new(real).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if is_hidden(&entry) => skip(&mut entries, &entry),
                Ok(entry) if entry.path_is_symlink() => self.links.push_back(folder.inside(real, entry.path())),
                Ok(entry) if entry.file_type().is_dir() => {
                    if !self.seen.insert(entry.path().to_owned()) {
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) if is_audio(entry.path()) || self.is_audio_inside(&entry) => {
                    self.file(folder.inside(real, entry.path()), entry.path());
                }
                Ok(_) => {}
                Err(error) => self.walk_failed(folder, real, error),
            }
        }
    }

    /// Whether a file without an audio extension has audio content; counts it if not. Skips pipes and devices.
    fn is_audio_inside(&mut self, entry: &DirEntry) -> bool {
        entry.file_type().is_file() && self.is_audio_or_counted(entry.path(), entry.path())
    }

    fn is_audio_or_counted(&mut self, named: &Path, real: &Path) -> bool {
        let is_audio = is_audio_by_content(named);
        if !is_audio && !self.seen.contains(real) {
            self.not_audio.count(extension(named).unwrap_or_default());
        }
        is_audio
    }

    fn file(&mut self, place: Place, real: &Path) {
        if self.seen.insert(real.to_owned()) {
            let error = match fs::metadata(real) {
                Ok(metadata) => {
                    special_kind(metadata.file_type()).map(|what| RecordingError::NotAFile { what: what.into() })
                }
                Err(error) => Some(error_map::io(error)),
            };
            self.places.push((place, error));
        }
    }

    /// The message contains the cause only, because the caller adds the name.
    fn walk_failed(&mut self, folder: &Place, real: &Path, error: walkdir::Error) {
        let place = folder.inside(real, error.path().unwrap_or(real));
        let cause = error.into_io_error().unwrap_or_else(|| io::Error::other("the folders form a loop"));
        self.unreadable(place, cause);
    }

    fn unreadable(&mut self, place: Place, error: io::Error) {
        self.places.push((place, Some(error_map::io(error))));
    }

    /// A linked directory may contain more links. Every directory is walked once, so this terminates.
    fn follow_links(&mut self) {
        while let Some(link) = self.links.pop_front() {
            match fs::canonicalize(&link.path) {
                Ok(real) if real.is_dir() => self.linked_folder(link, &real),
                Ok(real) if is_audio(&link.path) => self.file(link, &real),
                Ok(real) if real.is_file() && self.is_audio_or_counted(&link.path, &real) => self.file(link, &real),
                Err(error) if is_audio(&link.path) || link.path.extension().is_none() => {
                    self.dangling_link(link, error)
                }
                Ok(_) | Err(_) => log::debug!("{}: skipped, a symbolic link that leads to no recording", link.name()),
            }
        }
    }

    /// A dangling link is reported, because its disk may be unmounted.
    fn dangling_link(&mut self, link: Place, error: io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => {
                let reason = Reason::new("it is a symbolic link to a file that does not exist").caused_by(error);
                self.places.push((link, Some(RecordingError::Unreadable { reason })));
            }
            _ => self.unreadable(link, error),
        }
    }

    /// A link to one of its own parent directories is reported instead of followed: it would add the whole parent.
    fn linked_folder(&mut self, link: Place, real: &Path) {
        let directory = link.path.parent().and_then(|parent| fs::canonicalize(parent).ok());
        if directory.is_some_and(|parent| parent.starts_with(real)) {
            let what = "a symbolic link to a folder that contains it".to_owned();
            self.places.push((link, Some(RecordingError::NotAFile { what })));
        } else {
            self.walk(&link, real);
        }
    }

    fn into_found(mut self) -> Found {
        name::make_unique(&mut self.places);
        let mut found = Found { not_audio: self.not_audio, ..Found::default() };
        for (place, error) in self.places {
            let file = File { name: place.name(), path: place.path };
            match error {
                None => found.files.push(file),
                Some(error) => found.unreadable.push((file, error)),
            }
        }
        found.files.sort_by(|a, b| a.name.cmp(&b.name));
        found.unreadable.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        found
    }
}

/// Whether an entry is skipped. A hidden directory on the command line itself is not.
fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let hidden = name.as_encoded_bytes().starts_with(b".");
    entry.depth() > 0 && (hidden || SYSTEM_DIRECTORIES.iter().any(|other| name == *other))
}

fn skip(entries: &mut walkdir::IntoIter, entry: &DirEntry) {
    if entry.file_type().is_dir() {
        entries.skip_current_dir();
    }
}
