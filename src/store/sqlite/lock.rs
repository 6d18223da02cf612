//! The lock of a source of one SQLite file: flock(2) on a file beside it.
//!
//! Invariant: the kernel releases the lock when its holder ends, however it ends. The lock file is never removed: one
//! run could then hold the removed file and another a new file with the same name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::error::explain_file;
use crate::domain::Reason;
use crate::store::StoreError;
use crate::store::location::DatabaseFile;

pub struct Lock {
    /// Empty for a lock of another source, found by `take_others`.
    pub source: String,
    path: PathBuf,
    _file: File,
}

impl Lock {
    pub fn take(database: &DatabaseFile, source: &str) -> Result<Lock, StoreError> {
        let path = lock_path(&database.path, source);
        let refused = |error| explain_file(database, &format!("the lock {} cannot be taken", path.display()), error);
        let mut file = open(&path).map_err(refused)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(held(database, source, &mut file)),
            Err(error) => return Err(refused(io::Error::from(error))),
        }
        write_holder(&mut file).map_err(refused)?;
        Ok(Lock { source: source.to_owned(), path, _file: file })
    }

    /// Takes all other locks beside the database: those of other sources and of shards, whose number is unknown.
    pub fn take_others(database: &DatabaseFile, own: &[Lock]) -> Result<Vec<Lock>, StoreError> {
        let refused = |path: &Path, error: io::Error| {
            let path = path.display();
            let text = format!("the locks of {database} cannot be read: {path}: {error}; check the permissions");
            StoreError::Config(Reason::new(text).caused_by(error))
        };
        let paths = lock_files(&database.path).map_err(|error| refused(&database.path, error))?;
        let others = paths.into_iter().filter(|path| own.iter().all(|lock| lock.path != *path));
        let taken = others.map(|path| {
            let mut file = open(&path).map_err(|error| refused(&path, error))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Lock { source: String::new(), path, _file: file }),
                Err(Errno::WOULDBLOCK) => Err(held_by_another_source(database, &mut file)),
                Err(error) => Err(refused(&path, error.into())),
            }
        });
        taken.collect()
    }
}

/// The lock files beside a database.
fn lock_files(database: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else { return Ok(Vec::new()) };
    let prefix = [name.as_encoded_bytes(), b"."].concat();
    let is_lock = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(b".lock")
    };
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(is_lock).collect())
}

/// The current holder of the lock. The lock is only taken for the check itself, and its file is never created.
pub fn holder(database: &DatabaseFile, source: &str) -> Option<String> {
    let mut file = regular(OpenOptions::new().read(true), &path(database, source)?).ok()?;
    let taken = flock(&file, FlockOperation::NonBlockingLockShared);
    (taken == Err(Errno::WOULDBLOCK)).then(|| read_holder(&mut file))
}

/// The path of the lock of an existing database.
pub fn path(database: &DatabaseFile, source: &str) -> Option<PathBuf> {
    Some(lock_path(&database.path.canonicalize().ok()?, source))
}

/// `giggles.db.neil-2e1d7bd5.lock`: readable, and unique for each source.
fn lock_path(database: &Path, source: &str) -> PathBuf {
    let readable: String = source.chars().take(32).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let [a, b, c, d] = first_four(&Sha256::digest(source));
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{readable}-{a:02x}{b:02x}{c:02x}{d:02x}.lock"));
    path.into()
}

fn first_four(digest: &[u8]) -> [u8; 4] {
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Does not truncate: until the lock is taken, the text describes the current holder.
fn open(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600), path)
}

/// Opens a regular file only: a planted symlink must not redirect the write, and a pipe must not block.
fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let odd = |what: &str| io::Error::other(format!("it is {what}, which giggles never makes; remove it"));
    match options.custom_flags(flags.bits().cast_signed()).open(path) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => Err(odd("a link")),
        Ok(file) if !file.metadata()?.is_file() => Err(odd("not a regular file")),
        opened => opened,
    }
}

/// Writes the holder's process id for runs that find the lock held.
fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    write!(file, "process {} since {:.0}", std::process::id(), Timestamp::now())
}

fn held(database: &DatabaseFile, source: &str, file: &mut File) -> StoreError {
    let holder = read_holder(file);
    StoreError::Locked(
        format!(
            "another giggles ({holder}) is running on the source '{source}' in {database}; try again when it has ended"
        )
        .into(),
    )
}

fn held_by_another_source(database: &DatabaseFile, file: &mut File) -> StoreError {
    let holder = read_holder(file);
    StoreError::Locked(
        format!("another giggles ({holder}) is running in {database}; try again when it has ended").into(),
    )
}

/// The text that the holder has written.
fn read_holder(file: &mut File) -> String {
    let mut holder = String::new();
    let read = file.take(200).read_to_string(&mut holder);
    if read.is_err() || holder.is_empty() { "another process".to_owned() } else { holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_stays_in_the_directory_and_has_a_unique_name_for_each_source() {
        let name = |source| lock_path(Path::new("/data/giggles.db"), source);
        assert!(name("neil").to_str().unwrap().starts_with("/data/giggles.db.neil-"));
        assert_eq!(name("../../etc/passwd").parent().unwrap(), Path::new("/data"));
        assert_ne!(name("a/b"), name("a b"));
        assert_ne!(name(""), name(" "));
    }

    #[test]
    fn a_planted_link_is_not_followed_and_a_planted_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let database = DatabaseFile { path: folder.path().join("laughs.db"), make_folder: false };
        std::fs::write(&database.path, "").unwrap();
        let (path, precious) = (lock_path(&database.path, "neil"), folder.path().join("precious"));
        std::fs::write(&precious, "mine").unwrap();
        let refusal = |word: &str| {
            let error = Lock::take(&database, "neil").map(drop).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("remove it"), "{error}");
            let error = Lock::take_others(&database, &[]).map(drop).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(path.to_str().unwrap()), "{error}");
            assert_eq!(holder(&database, "neil"), None);
        };
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        refusal("a link");
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        refusal("not a regular file");
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
    }
}
