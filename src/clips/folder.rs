//! Clips in a directory of this machine.
//!
//! Invariant: lists and removes only files named like a clip, or like the temporary file of a clip, in
//! `<source>/<day>/`. Follows no symbolic link out of the directory.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, DirEntry};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::clip_store::{ClipFile, Stamp, foreign_name};
use super::name::{is_clip, is_day, is_ours, is_temporary, with_hash};
use super::source::is_folder;
use crate::atomic_file::{self, Permissions, read_regular, replace};
use crate::domain::ContentHash;

/// A clip directory.
pub struct Folder {
    path: PathBuf,
    /// Without symbolic links.
    resolved: PathBuf,
}

/// Held while a clip gets its name.
static NAMING: Mutex<()> = Mutex::new(());

/// Clips are private: only their owner may read them.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const CHECK: &str = ".giggles-check-";

impl Folder {
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder { path: path.to_owned(), resolved: path.canonicalize()? })
    }

    pub fn write(&self, usual: String, bytes: &[u8], content: Option<ContentHash>) -> io::Result<String> {
        self.make_folder(&usual)?;
        // Clips of two recordings with the same start time must not get the same name.
        let _naming = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
        let relative = self.free_name(usual, bytes, content);
        replace(&self.path.join(&relative), bytes, PRIVATE_FILE)?;
        Ok(relative)
    }

    /// The usual path, unless a clip with other content has it already; then one with a hash.
    fn free_name(&self, usual: String, bytes: &[u8], content: Option<ContentHash>) -> String {
        let existing = self.path.join(&usual);
        let is_same = || read_regular(&existing, bytes.len() as u64).is_ok_and(|content| content == bytes);
        match content {
            Some(content) if existing.exists() && !is_same() => with_hash(&usual, content),
            _ => usual,
        }
    }

    /// # Errors
    /// Also if the directory of the source or of the day is a symbolic link: `prune` and `verify` follow no links and
    /// would not find what is written through it.
    fn make_folder(&self, clip: &str) -> io::Result<()> {
        let Some(day) = self.path.join(clip).parent().map(Path::to_owned) else { return Ok(()) };
        refuse_link(day.parent().unwrap_or(&day))?;
        refuse_link(&day)?;
        DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(day)
    }

    /// Writes a clip into a new directory of a source, and removes both.
    pub fn check(&self, source_folder: &str, bytes: &[u8]) -> io::Result<Permissions> {
        let source_folder = self.path.join(source_folder);
        refuse_link(&source_folder)?;
        let parent = if source_folder.exists() { &source_folder } else { &self.path };
        let day = tempfile::Builder::new().prefix(CHECK).tempdir_in(parent)?;
        let permissions = atomic_file::check(day.path(), bytes, PRIVATE_FILE)?;
        day.close()?;
        Ok(permissions)
    }

    /// Whether a directory of this name exists in it.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).is_dir()
    }

    /// The directories in it that may belong to a source.
    pub fn names(&self) -> io::Result<BTreeSet<String>> {
        Ok(folders(&self.path)?.into_iter().filter(|name| is_folder(name)).collect())
    }

    /// The day directories of a source directory, in order: `<source>/<day>`.
    pub fn days(&self, name: &str) -> io::Result<Vec<String>> {
        let source = self.path.join(name);
        if !source.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(Vec::new());
        }
        let days = folders(&source)?.into_iter().filter(|day| is_day(day));
        let mut days: Vec<String> = days.map(|day| format!("{name}/{day}")).collect();
        days.sort();
        Ok(days)
    }

    /// The complete and temporary clips of a day, in order. Empty if the day directory no longer exists.
    pub fn files(&self, day: &str) -> io::Result<Vec<ClipFile>> {
        let entries = match fs::read_dir(self.path.join(day)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            files.extend(clip_file(day, &entry?));
        }
        files.sort();
        Ok(files)
    }

    /// Whether this clip exists.
    pub fn holds(&self, path: &str) -> bool {
        self.inside(path).is_some_and(|path| path.is_file())
    }

    /// Removes a clip, and its day directory if it is empty then; false if the clip does not exist.
    ///
    /// # Errors
    /// Also if the path is not that of a clip, or leads out of the clip directory.
    pub fn remove(&self, path: &str) -> io::Result<bool> {
        let Some(inside) = self.removable(path)? else { return Ok(false) };
        fs::remove_file(&inside)?;
        remove_if_empty(&inside);
        Ok(true)
    }

    /// What `remove` would return, without removing anything.
    pub fn would_remove(&self, path: &str) -> io::Result<bool> {
        Ok(self.removable(path)?.is_some())
    }

    fn removable(&self, path: &str) -> io::Result<Option<PathBuf>> {
        if !is_ours(path) {
            return Err(foreign_name());
        }
        match self.path.join(path).symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(_) => self
                .inside(path)
                .map(Some)
                .ok_or_else(|| io::Error::other("it is a symbolic link, or in a directory that is one")),
        }
    }

    /// Removes a listed file; false, without removing it, if it has been replaced since.
    pub fn remove_found(&self, file: &ClipFile) -> io::Result<bool> {
        let path = self.path.join(&file.path);
        if path.symlink_metadata().map(|found| stamp(&found)).ok().as_ref() != Some(&file.stamp) {
            return Ok(false);
        }
        fs::remove_file(&path)?;
        remove_if_empty(&path);
        Ok(true)
    }

    /// The resolved path of a regular file (not of a link to one), if it is inside the clip directory.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let (parent, file) = path.rsplit_once('/')?;
        let parent = self.path.join(parent).canonicalize().ok()?;
        let path = parent.join(file);
        let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
        (is_file && parent.starts_with(&self.resolved) && parent != self.resolved).then_some(path)
    }
}

fn refuse_link(folder: &Path) -> io::Result<()> {
    if folder.is_symlink() {
        return Err(io::Error::other(format!("{} is a symbolic link; clips need a real folder", folder.display())));
    }
    Ok(())
}

fn folders(path: &Path) -> io::Result<Vec<String>> {
    let entries: Vec<DirEntry> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
    let folders = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// None if the entry is not a clip file, or no longer exists.
fn clip_file(folder: &str, entry: &DirEntry) -> Option<ClipFile> {
    let file = entry.file_name().into_string().ok()?;
    let is_half = is_temporary(&file);
    let found = entry.metadata().ok().filter(|found| found.is_file() && (is_half || is_clip(&file)))?;
    Some(ClipFile { path: format!("{folder}/{file}"), is_half, stamp: stamp(&found) })
}

fn stamp(found: &fs::Metadata) -> Stamp {
    Stamp::File(found.ino(), found.mtime(), found.mtime_nsec())
}

/// Removes the day directory of a clip if it is empty.
fn remove_if_empty(clip: &Path) {
    if let Some(day) = clip.parent() {
        fs::remove_dir(day).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const CLIP: &str = "neil/2025-10-24/20251025T063203.480Z_laughter_87p.flac";

    fn with(files: &[&str]) -> (tempfile::TempDir, Folder) {
        let temporary = tempfile::tempdir().unwrap();
        for file in files {
            let path = temporary.path().join("clips").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "sound").unwrap();
        }
        let folder = Folder::open(&temporary.path().join("clips")).unwrap();
        (temporary, folder)
    }

    fn files(folder: &Folder) -> Vec<ClipFile> {
        let days = folder.days("neil").unwrap();
        days.iter().flat_map(|day| folder.files(day).unwrap()).collect()
    }

    fn paths(folder: &Folder) -> Vec<String> {
        files(folder).into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn only_clips_and_temporary_clips_are_listed() {
        let half = "neil/2025-10-24/.20251025T063203.480Z_laughter_87p.flac.x7Gq2LmN0aZ4.tmp";
        let others = ["neil/2025-10-24/diary.txt", "neil/notes/20251025T063203.480Z_laughter_87p.flac", "mia/a.flac"];
        let (_temporary, folder) = with(&[&[CLIP, half], &others[..]].concat());
        assert_eq!(paths(&folder), [half, CLIP]);
        assert_eq!(folder.names().unwrap(), ["mia".to_owned(), "neil".to_owned()].into());
    }

    #[test]
    fn no_symbolic_link_is_followed_out_of_the_directory() {
        let (temporary, folder) = with(&["mia/a.flac"]);
        let outside = temporary.path().join("outside/2025-10-24");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("20251025T063203.480Z_laughter_87p.flac"), "mine").unwrap();
        symlink(temporary.path().join("outside"), temporary.path().join("clips/neil")).unwrap();
        assert!(paths(&folder).is_empty() && !folder.holds(CLIP));
        assert!(folder.remove(CLIP).unwrap_err().to_string().contains("a symbolic link"));
        fs::remove_file(temporary.path().join("clips/neil")).unwrap();
        fs::create_dir(temporary.path().join("clips/neil")).unwrap();
        symlink(&outside, temporary.path().join("clips/neil/2025-10-24")).unwrap();
        assert!(paths(&folder).is_empty() && folder.remove(CLIP).is_err());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_was_replaced_is_not_removed() {
        let (temporary, folder) = with(&[CLIP]);
        let found = files(&folder).remove(0);
        let path = temporary.path().join("clips").join(CLIP);
        crate::atomic_file::replace(&path, b"new", 0o600).unwrap();
        assert!(!folder.remove_found(&found).unwrap() && path.exists());
        let found = files(&folder).remove(0);
        assert!(folder.remove_found(&found).unwrap() && !path.parent().unwrap().exists());
        assert!(!folder.remove_found(&found).unwrap(), "it is gone");
    }

    #[test]
    fn only_files_named_like_a_clip_are_removed() {
        let (_temporary, folder) = with(&["neil/2025-10-24/diary.txt", CLIP]);
        for path in ["neil/2025-10-24/diary.txt", "../passwd", "/etc/passwd", ""] {
            assert!(folder.remove(path).is_err(), "{path}");
        }
        assert!(folder.remove(CLIP).unwrap());
        assert!(!folder.remove(CLIP).unwrap());
        assert!(folder.has("neil"));
    }
}
