//! Writes, lists and removes clips, in a directory or in a bucket.

use std::collections::BTreeSet;
use std::io;

use super::bucket::Bucket;
use super::folder::Folder;
use super::location::ClipLocation;
use super::source::source_folder;
use crate::atomic_file::Permissions;
use crate::domain::{ContentHash, Reason};
use crate::error::Fatal;
use crate::object_store::S3Error;
use crate::stop::Stop;

/// The clips of a location.
pub enum ClipStore {
    Folder(Folder),
    Bucket(Bucket),
}

/// A clip, complete or temporary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClipFile {
    /// `<source>/<day>/<file>`
    pub path: String,
    /// A temporary file of a run that was killed while it wrote the clip. An object is never one.
    pub is_half: bool,
    pub(super) stamp: Stamp,
}

/// Changes if the clip is replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stamp {
    /// Inode and modification time.
    File(u64, i64, i64),
    /// ETag and modification time.
    Object(Option<String>, Option<String>),
}

impl ClipStore {
    pub fn open(location: &ClipLocation, stop: &Stop) -> Result<ClipStore, Fatal> {
        let opened = match location {
            ClipLocation::Folder(folder) => Folder::open(folder).map(ClipStore::Folder),
            ClipLocation::Bucket(url) => Bucket::open(url, stop).map(ClipStore::Bucket),
        };
        opened.map_err(|error| unreadable(location, error))
    }

    /// Writes a clip under its usual name, or under one with a hash if another clip has that name. Returns the name.
    pub(super) fn write(&self, usual: String, bytes: Vec<u8>, content: Option<ContentHash>) -> io::Result<String> {
        match self {
            ClipStore::Folder(folder) => folder.write(usual, &bytes, content),
            ClipStore::Bucket(bucket) => bucket.write(usual, bytes, content),
        }
    }

    /// Writes a clip where those of a source are written, and removes it.
    pub(super) fn check(&self, source: &str, bytes: &[u8]) -> io::Result<Permissions> {
        match self {
            ClipStore::Folder(folder) => folder.check(&source_folder(source), bytes),
            ClipStore::Bucket(bucket) => bucket.check(&source_folder(source), bytes).map(|()| Permissions::Set),
        }
    }

    /// Whether there is a directory of this name.
    pub fn has(&self, source_folder: &str) -> io::Result<bool> {
        match self {
            ClipStore::Folder(folder) => Ok(folder.has(source_folder)),
            ClipStore::Bucket(bucket) => bucket.has(source_folder),
        }
    }

    /// The directories that may belong to a source.
    pub fn names(&self) -> io::Result<BTreeSet<String>> {
        match self {
            ClipStore::Folder(folder) => folder.names(),
            ClipStore::Bucket(bucket) => bucket.names(),
        }
    }

    /// The day directories of a source directory, in order: `<source>/<day>`.
    pub fn days(&self, source_folder: &str) -> io::Result<Vec<String>> {
        match self {
            ClipStore::Folder(folder) => folder.days(source_folder),
            ClipStore::Bucket(bucket) => bucket.days(source_folder),
        }
    }

    /// The complete and temporary clips of a day, in order. Empty if the day no longer exists.
    pub fn files(&self, day: &str) -> io::Result<Vec<ClipFile>> {
        match self {
            ClipStore::Folder(folder) => folder.files(day),
            ClipStore::Bucket(bucket) => bucket.files(day),
        }
    }

    /// Whether this clip exists.
    pub fn holds(&self, clip: &str) -> io::Result<bool> {
        match self {
            ClipStore::Folder(folder) => Ok(folder.holds(clip)),
            ClipStore::Bucket(bucket) => bucket.holds(clip),
        }
    }

    /// Removes a clip; false if it does not exist.
    ///
    /// # Errors
    /// Also if the path is not that of a clip, or leads out of the clip directory.
    pub fn remove(&self, clip: &str) -> io::Result<bool> {
        match self {
            ClipStore::Folder(folder) => folder.remove(clip),
            ClipStore::Bucket(bucket) => bucket.remove(clip),
        }
    }

    /// What `remove` would return, without removing anything.
    pub fn would_remove(&self, clip: &str) -> io::Result<bool> {
        match self {
            ClipStore::Folder(folder) => folder.would_remove(clip),
            ClipStore::Bucket(bucket) => bucket.would_remove(clip),
        }
    }

    /// Removes a listed clip; false, without removing it, if it has been replaced since.
    pub fn remove_found(&self, file: &ClipFile) -> io::Result<bool> {
        match self {
            ClipStore::Folder(folder) => folder.remove_found(file),
            ClipStore::Bucket(bucket) => bucket.remove_found(file),
        }
    }
}

pub(super) fn foreign_name() -> io::Error {
    io::Error::other("it does not have the name of a clip")
}

/// Why clips cannot be listed.
pub fn unreadable(location: &ClipLocation, error: io::Error) -> Fatal {
    let text = match location {
        ClipLocation::Folder(_) => {
            format!("the folder of clips {location} cannot be read: {error}; check its permissions")
        }
        ClipLocation::Bucket(_) => format!("the clips in '{location}' cannot be read: {error}"),
    };
    let kind = match error.get_ref().and_then(|cause| cause.downcast_ref()) {
        Some(S3Error::Stopped(signal)) => return Fatal::Signal(*signal),
        Some(cause) if cause.is_temporary() => Fatal::StorageUnreachable,
        _ => Fatal::Config,
    };
    kind(Reason::new(text).caused_by(error))
}
