//! The folder of clips, looked at again: what of ours lies in it, and what of that may be removed.
//!
//! Invariant: sees and removes nothing but files that bear the name of a clip, or of a clip half written, two folders
//! down. No link is followed out of the folder.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::name::{is_clip, is_day, is_left_over, is_ours};
use super::source::is_folder;

pub use super::source::folder_of as of_source;

/// A folder of clips.
pub struct Folder {
    /// Without links.
    path: PathBuf,
}

/// A file of ours that lies in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lying {
    /// `<source>/<day>/<file>`
    pub path: String,
    /// Left behind by a run that was killed while it wrote.
    pub is_half: bool,
    /// Another content under the same name has another.
    stamp: (u64, i64, i64),
}

impl Folder {
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder { path: path.canonicalize()? })
    }

    /// Whether there is a folder of this name in it.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).is_dir()
    }

    /// Folders in it that may be a source's.
    pub fn names(&self) -> io::Result<BTreeSet<String>> {
        Ok(folders(&self.path)?.into_iter().filter(|name| is_folder(name)).collect())
    }

    /// Days of the folder of this name, in order: `<source>/<day>`.
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

    /// Clips, and clips half written, of a day; in order. None at all where the day is gone by now.
    pub fn files(&self, day: &str) -> io::Result<Vec<Lying>> {
        let entries = match fs::read_dir(self.path.join(day)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            files.extend(lying(day, &entry?));
        }
        files.sort();
        Ok(files)
    }

    /// Whether this clip is there.
    pub fn holds(&self, path: &str) -> bool {
        self.inside(path).is_some_and(|path| path.is_file())
    }

    /// Removes a clip, and its day's folder if it was the last; false if it was not there.
    ///
    /// # Errors
    /// Also where the path is not a clip's, or leads out of the folder.
    pub fn remove(&self, path: &str) -> io::Result<bool> {
        let Some(inside) = self.removable(path)? else { return Ok(false) };
        fs::remove_file(&inside)?;
        remove_if_empty(&inside);
        Ok(true)
    }

    /// As `remove`, and leaves it there.
    pub fn would_remove(&self, path: &str) -> io::Result<bool> {
        Ok(self.removable(path)?.is_some())
    }

    fn removable(&self, path: &str) -> io::Result<Option<PathBuf>> {
        if !is_ours(path) {
            return Err(io::Error::other("that is not what giggles calls a clip"));
        }
        match self.path.join(path).symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(_) => self.inside(path).map(Some).ok_or_else(|| io::Error::other("it is a link, or lies behind one")),
        }
    }

    /// Removes what was found, unless it is another file by now: then it is somebody's, and false.
    pub fn remove_found(&self, file: &Lying) -> io::Result<bool> {
        let path = self.path.join(&file.path);
        if path.symlink_metadata().map(|found| stamp(&found)).ok() != Some(file.stamp) {
            return Ok(false);
        }
        fs::remove_file(&path)?;
        remove_if_empty(&path);
        Ok(true)
    }

    /// The file itself, not what a link at its end leads to, if its folder is inside.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let (parent, file) = path.rsplit_once('/')?;
        let parent = self.path.join(parent).canonicalize().ok()?;
        let path = parent.join(file);
        let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
        (is_file && parent.starts_with(&self.path) && parent != self.path).then_some(path)
    }
}

fn folders(path: &Path) -> io::Result<Vec<String>> {
    let entries: Vec<DirEntry> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
    let folders = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// None for what is not ours, or is gone since.
fn lying(folder: &str, entry: &DirEntry) -> Option<Lying> {
    let file = entry.file_name().into_string().ok()?;
    let is_half = is_left_over(&file);
    let found = entry.metadata().ok().filter(|found| found.is_file() && (is_half || is_clip(&file)))?;
    Some(Lying { path: format!("{folder}/{file}"), is_half, stamp: stamp(&found) })
}

fn stamp(found: &fs::Metadata) -> (u64, i64, i64) {
    (found.ino(), found.mtime(), found.mtime_nsec())
}

/// Of a clip's day. One that still holds something stays, whatever it holds.
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

    fn files(folder: &Folder) -> Vec<Lying> {
        let days = folder.days("neil").unwrap();
        days.iter().flat_map(|day| folder.files(day).unwrap()).collect()
    }

    fn paths(folder: &Folder) -> Vec<String> {
        files(folder).into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn only_clips_and_halves_of_clips_are_seen() {
        let half = "neil/2025-10-24/.20251025T063203.480Z_laughter_87p.flac.x7Gq2LmN0aZ4.tmp";
        let others = ["neil/2025-10-24/diary.txt", "neil/notes/20251025T063203.480Z_laughter_87p.flac", "mia/a.flac"];
        let (_temporary, folder) = with(&[&[CLIP, half], &others[..]].concat());
        assert_eq!(paths(&folder), [half, CLIP]);
        assert_eq!(folder.names().unwrap(), ["mia".to_owned(), "neil".to_owned()].into());
    }

    #[test]
    fn no_link_is_followed_out() {
        let (temporary, folder) = with(&["mia/a.flac"]);
        let outside = temporary.path().join("outside/2025-10-24");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("20251025T063203.480Z_laughter_87p.flac"), "mine").unwrap();
        symlink(temporary.path().join("outside"), temporary.path().join("clips/neil")).unwrap();
        assert!(paths(&folder).is_empty() && !folder.holds(CLIP));
        assert!(folder.remove(CLIP).unwrap_err().to_string().contains("behind one"));
        fs::remove_file(temporary.path().join("clips/neil")).unwrap();
        fs::create_dir(temporary.path().join("clips/neil")).unwrap();
        symlink(&outside, temporary.path().join("clips/neil/2025-10-24")).unwrap();
        assert!(paths(&folder).is_empty() && folder.remove(CLIP).is_err());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn what_is_another_file_by_now_stays() {
        let (temporary, folder) = with(&[CLIP]);
        let found = files(&folder).remove(0);
        let path = temporary.path().join("clips").join(CLIP);
        crate::replace::replace(&path, b"new", 0o600).unwrap();
        assert!(!folder.remove_found(&found).unwrap() && path.exists());
        let found = files(&folder).remove(0);
        assert!(folder.remove_found(&found).unwrap() && !path.parent().unwrap().exists());
        assert!(!folder.remove_found(&found).unwrap(), "it is gone");
    }

    #[test]
    fn only_what_is_called_a_clip_is_removed() {
        let (_temporary, folder) = with(&["neil/2025-10-24/diary.txt", CLIP]);
        for path in ["neil/2025-10-24/diary.txt", "../passwd", "/etc/passwd", ""] {
            assert!(folder.remove(path).is_err(), "{path}");
        }
        assert!(folder.remove(CLIP).unwrap());
        assert!(!folder.remove(CLIP).unwrap());
        assert!(folder.has("neil"));
    }
}
