//! Which files are recordings? Walks the folders given; the only home of walkdir.
//!
//! A file given by name is always taken. Inside folders it is what is audio by its extension, or by its content where
//! the extension tells nothing; everything else is counted. What is hidden (`.Trashes`, AppleDouble's `._x.WAV`) or a
//! file system's own (`lost+found`) is passed by.
//! Folders are walked as they are first and symbolic links followed last, so a file that can be reached twice
//! is heard once, under its plain name if it has one.
//!
//! Invariant: no file is opened whose extension is known, and what cannot be looked at is a trouble with a name, never
//! silence. The answer depends on the arguments and the disk only, not on the order the disk lists things in.

mod kind;
mod name;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::decode::faults;
use crate::record::{NotAudio, RecordingError};
use kind::{extension, is_audio, is_audio_by_content};
use name::Place;

/// Folders that file systems keep for themselves: no user can read the first, the others hold deleted files.
const NOT_OURS: [&str; 3] = ["lost+found", "System Volume Information", "$RECYCLE.BIN"];

/// One file that should be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: PathBuf,
    /// The path below the scanned folder, or a given file's own name; distinct among all that was found.
    /// Bytes that are not UTF-8 or would disturb a terminal are `\xNN`.
    pub name: String,
}

/// Files to hear, and what could not be looked at; each in the order of names, bytewise.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<File>,
    pub troubles: Vec<(File, RecordingError)>,
    /// Files of folders that were left alone.
    pub not_audio: NotAudio,
}

/// An argument that is not there, or a folder that cannot be opened: a wrong setting, not a failed recording.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("'{}' does not exist; is the disk mounted and the path right?", .0.display())]
    Missing(PathBuf),
    #[error("'{}' cannot be opened: {reason}; check its permissions and the disk", .path.display())]
    Unopenable { path: PathBuf, reason: String },
}

/// All recordings in the folders and files given.
///
/// # Errors
/// Only if an argument itself does not exist or cannot be opened.
pub fn find(arguments: &[PathBuf]) -> Result<Found, FindError> {
    let mut search = Search::default();
    for argument in arguments {
        search.argument(argument).map_err(|error| refusal(argument, &error))?;
    }
    search.follow_links();
    Ok(search.found())
}

fn refusal(argument: &Path, error: &io::Error) -> FindError {
    match error.kind() {
        io::ErrorKind::NotFound => FindError::Missing(argument.to_owned()),
        _ => FindError::Unopenable { path: argument.to_owned(), reason: error.to_string() },
    }
}

#[derive(Default)]
struct Search {
    /// Everything met so far, by its path without any link in it.
    met: HashSet<PathBuf>,
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
            self.file(Place::of_file(path, &real), &real);
        }
        Ok(())
    }

    /// Takes what lies in a folder and leaves its links for later. `real` is the folder's path without links,
    /// and so is whatever is joined to it here.
    fn walk(&mut self, folder: &Place, real: &Path) {
        let mut entries = WalkDir::new(real).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if is_passed_by(&entry) => skip(&mut entries, &entry),
                Ok(entry) if entry.path_is_symlink() => self.links.push_back(folder.inside(real, entry.path())),
                Ok(entry) if entry.file_type().is_dir() => {
                    if !self.met.insert(entry.path().to_owned()) {
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

    /// Looks into a file whose extension is not one of audio, and counts it if that is right. Pipes and devices are
    /// passed by.
    fn is_audio_inside(&mut self, entry: &DirEntry) -> bool {
        entry.file_type().is_file() && self.is_audio_or_counted(entry.path(), entry.path())
    }

    fn is_audio_or_counted(&mut self, named: &Path, real: &Path) -> bool {
        let is_audio = is_audio_by_content(named);
        if !is_audio && !self.met.contains(real) {
            self.not_audio.count(extension(named).unwrap_or_default());
        }
        is_audio
    }

    fn file(&mut self, place: Place, real: &Path) {
        if self.met.insert(real.to_owned()) {
            let trouble = match fs::metadata(real) {
                Ok(metadata) => {
                    special(metadata.file_type()).map(|what| RecordingError::NotAFile { what: what.into() })
                }
                Err(error) => Some(faults::io(&error)),
            };
            self.places.push((place, trouble));
        }
    }

    /// Only the cause goes into the text: the path is the name's business.
    fn walk_failed(&mut self, folder: &Place, real: &Path, error: walkdir::Error) {
        let place = folder.inside(real, error.path().unwrap_or(real));
        let cause = error.into_io_error().unwrap_or_else(|| io::Error::other("the folders lead in a circle"));
        self.unreadable(place, &cause);
    }

    fn unreadable(&mut self, place: Place, error: &io::Error) {
        self.places.push((place, Some(faults::io(error))));
    }

    /// A link to a folder may show more links; every folder is walked once, so this ends.
    fn follow_links(&mut self) {
        while let Some(link) = self.links.pop_front() {
            match fs::canonicalize(&link.path) {
                Ok(real) if real.is_dir() => self.linked_folder(link, &real),
                Ok(real) if is_audio(&link.path) => self.file(link, &real),
                Ok(real) if real.is_file() && self.is_audio_or_counted(&link.path, &real) => self.file(link, &real),
                Err(error) if is_audio(&link.path) || link.path.extension().is_none() => self.dead_link(link, &error),
                Ok(_) | Err(_) => log::debug!("{}: passed by, a link to no recording", link.name()),
            }
        }
    }

    /// Its disk may be unmounted: the next run may find more.
    fn dead_link(&mut self, link: Place, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => {
                let reason = "it is a symbolic link to what is not there".to_owned();
                self.places.push((link, Some(RecordingError::Unreadable { reason })));
            }
            _ => self.unreadable(link, error),
        }
    }

    /// Up a link that leads above itself lies the whole disk; that is nobody's wish.
    fn linked_folder(&mut self, link: Place, real: &Path) {
        let lies_in = link.path.parent().and_then(|parent| fs::canonicalize(parent).ok());
        if lies_in.is_some_and(|parent| parent.starts_with(real)) {
            let what = "a symbolic link back to a folder above it".to_owned();
            self.places.push((link, Some(RecordingError::NotAFile { what })));
        } else {
            self.walk(&link, real);
        }
    }

    fn found(mut self) -> Found {
        name::tell_apart(&mut self.places);
        let mut found = Found { not_audio: self.not_audio, ..Found::default() };
        for (place, trouble) in self.places {
            let file = File { name: place.name(), path: place.path };
            match trouble {
                None => found.files.push(file),
                Some(trouble) => found.troubles.push((file, trouble)),
            }
        }
        found.files.sort_by(|a, b| a.name.cmp(&b.name));
        found.troubles.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        found
    }
}

/// Never the folder that was given itself: who names a hidden folder means it.
fn is_passed_by(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let hidden = name.as_encoded_bytes().starts_with(b".");
    entry.depth() > 0 && (hidden || NOT_OURS.iter().any(|other| name == *other))
}

fn skip(entries: &mut walkdir::IntoIter, entry: &DirEntry) {
    if entry.file_type().is_dir() {
        entries.skip_current_dir();
    }
}

/// What it is, if it is no regular file. Opening a pipe would wait for ever.
fn special(kind: fs::FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if kind.is_file() => None,
        () if kind.is_fifo() => Some("a pipe"),
        () if kind.is_socket() => Some("a socket"),
        () if kind.is_dir() => Some("a folder"),
        () => Some("a device"),
    }
}
