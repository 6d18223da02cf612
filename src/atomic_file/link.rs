//! Resolves a path, following only links of this user and of root.
//!
//! The kernel has the same rule for world-writable sticky directories (`fs.protected_symlinks`); here it applies to
//! every directory, because the run may be root's and the directory a node exporter's.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::paths::directory_of;

/// The kernel's limit of links.
const MOST: usize = 40;

pub enum Target {
    /// May be a link that another user has created.
    File(PathBuf),
    /// `/dev/stdout`, `/dev/fd/3`: an open descriptor, whose file must not be replaced by name.
    Descriptor,
}

pub fn target(path: &Path) -> io::Result<Target> {
    let mut path = path.to_owned();
    for _ in 0..MOST {
        if is_descriptor(&path) {
            return Ok(Target::Descriptor);
        }
        match next(&path)? {
            Some(next) => path = next,
            None => return Ok(Target::File(path)),
        }
    }
    Err(Errno::LOOP.into())
}

fn is_descriptor(path: &Path) -> bool {
    let folder = directory_of(path).canonicalize().unwrap_or_default();
    folder.starts_with("/proc") && folder.ends_with("fd")
}

/// The target of the link. Owner and target are read by one descriptor, so a concurrent rename cannot mix two links.
fn next(path: &Path) -> io::Result<Option<PathBuf>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = match openat(CWD, path, flags, Mode::empty()) {
        Ok(link) => link,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = fstat(&link)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    if found.st_uid != 0 && found.st_uid != geteuid().as_raw() {
        return Ok(None);
    }
    let text = readlinkat(&link, "", Vec::new())?;
    Ok(Some(directory_of(path).join(OsStr::from_bytes(text.as_bytes()))))
}
