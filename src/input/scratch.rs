//! Files of the scratch folder, which hold fetched objects while they are analyzed.
//!
//! A scratch file has no name in its folder: it is removed as soon as it is opened, and read through `/proc`. Whatever
//! ends the program, the kernel frees its space. Where there is no `/proc`, it is removed when it is dropped.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::fstatvfs;
use tempfile::{NamedTempFile, TempPath};

/// The beginning of the file's name while it has one.
const PREFIX: &str = ".giggles-object-";

/// Free space that is left to other programs: a twentieth of the file system, at most 64 MB.
const MOST_RESERVE: u64 = 64_000_000;

/// Keeps the file as long as it exists.
pub struct Scratch {
    pub file: File,
    /// Where other code opens it.
    path: PathBuf,
    _named: Option<TempPath>,
}

impl Scratch {
    /// A new, empty file in the folder for temporary files (TMPDIR).
    pub fn new() -> io::Result<Scratch> {
        let (file, named) = tempfile::Builder::new().prefix(PREFIX).tempfile().map(NamedTempFile::into_parts)?;
        // By number, not `self`: ffmpeg opens it, too.
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
        if path.exists() {
            named.close()?;
            return Ok(Scratch { file, path, _named: None });
        }
        Ok(Scratch { file, path: named.to_path_buf(), _named: Some(named) })
    }

    /// # Errors
    /// So many more bytes do not fit ([`is_full`]). A file system that does not tell has space.
    pub fn check_space(&self, bytes: u64) -> io::Result<()> {
        let Ok(disk) = fstatvfs(&self.file) else { return Ok(()) };
        let reserve = (disk.f_blocks.saturating_mul(disk.f_frsize) / 20).min(MOST_RESERVE);
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // A tmpfs without a limit has 0 blocks.
        let is_full = disk.f_blocks > 0 && free < bytes.saturating_add(reserve);
        if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether there was no space left.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_scratch_file_is_read_by_its_path_and_leaves_nothing() {
        let mut scratch = Scratch::new().unwrap();
        scratch.file.write_all(b"sound").unwrap();
        let path = scratch.path().to_owned();
        assert_eq!(std::fs::read(&path).unwrap(), b"sound");
        assert!(std::fs::metadata(&path).unwrap().is_file());
        drop(scratch);
        assert!(!path.exists());
    }
}
