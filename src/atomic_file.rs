//! Atomic replacement of files: readers see the old content or the new one, never a part of it.
//!
//! Other users may have write access to shared directories (a node exporter's, a web server's) and can plant links,
//! pipes and files with any name there. Therefore temporary files have random names and are created with O_EXCL; links
//! are followed only if this user or root has created them; and opening never blocks on a pipe.
//!
//! Invariant: handles bytes and paths, independent of their meaning.

mod link;
mod special;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile};

pub use self::special::{is_special, is_standard_output, open_regular, read_regular, replace_or_stream};

use self::link::{Target, target};
use crate::paths::directory_of;

/// Random characters in a temporary name.
const RANDOM: usize = 12;
/// Most bytes of the file's name in a temporary name, which must stay below the limit of 255 bytes.
const LONGEST: usize = 200;
const CHECK: &str = ".giggles-check-";

/// Whether the warning about refused permissions was logged: once per run is enough.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Whether the permissions could be set.
#[derive(Debug)]
pub enum Permissions {
    Set,
    /// On CIFS, vfat, exFAT and many FUSE file systems, all files have the permissions of the mount.
    Refused(io::Error),
}

/// Creates the file or replaces its content, with these permissions regardless of the umask. If the file system refuses
/// to set permissions, the file is written anyway, and the first one is logged as a warning.
///
/// The bytes are written to a temporary file in the same directory, synced, and renamed. The temporary name starts with
/// a dot and ends in `.tmp`, so that no program reads it.
///
/// A link that this user or root has created stays, and its target is replaced. Another user's link is replaced itself,
/// as by `mv`.
///
/// # Errors
/// On an error the old content is unchanged and the temporary file is removed. Pipes, devices and open descriptors are
/// not replaced.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Permissions::Refused(error) = put(path, bytes, mode)? {
        warn_once(path, &error);
    }
    Ok(())
}

/// Like [`replace`], for content that is written in pieces. If `write` fails, the old content stays.
pub fn replace_with<T, E>(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> io::Result<Result<T, E>> {
    let (mut file, target, permissions) = begin(path, mode)?;
    let written = match write(file.as_file_mut()) {
        Ok(written) => written,
        Err(error) => return Ok(Err(error)),
    };
    finish(file, &target)?;
    if let Permissions::Refused(error) = permissions {
        warn_once(path, &error);
    }
    Ok(Ok(written))
}

/// Calls `check` for the directory in which `replace` would create this file.
pub fn check_beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    check(directory_of(&replaceable(path)?), bytes, mode)
}

/// Writes a file into the directory as `replace` would, reads it back, and removes it.
///
/// # Errors
/// Also if it cannot be removed, or its content differs from what was written.
pub fn check(folder: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    let written = Builder::new().prefix(CHECK).rand_bytes(RANDOM).make_in(folder, |path| put(path, bytes, mode))?;
    let is_whole = read_regular(written.path(), bytes.len() as u64)? == bytes;
    let (permissions, path) = written.into_parts();
    path.close()?;
    if is_whole {
        Ok(permissions)
    } else {
        Err(io::Error::other("a file that was written there has another content when read"))
    }
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    let (mut file, target, permissions) = begin(path, mode)?;
    file.write_all(bytes)?;
    finish(file, &target)?;
    Ok(permissions)
}

/// A temporary file, and the path that it will have.
fn begin(path: &Path, mode: u32) -> io::Result<(NamedTempFile, PathBuf, Permissions)> {
    let path = replaceable(path)?;
    if path.is_symlink() {
        log::warn!("{} is a link that another user has created; it is not followed but replaced", path.display());
    }
    let file = temporary(&path, mode)?;
    let permissions = permit(file.as_file(), mode)?;
    Ok((file, path, permissions))
}

fn finish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    sync(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(directory_of(path));
    Ok(())
}

/// Follows links to the path that may be replaced: a regular file, another user's link, or a path that does not exist.
fn replaceable(path: &Path) -> io::Result<PathBuf> {
    let Target::File(path) = target(path)? else { return Err(special::refusal()) };
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() && !found.is_symlink() => Err(special::refusal()),
        _ => Ok(path),
    }
}

/// A new file beside the one that it will replace; removed when dropped. It never has more permissions than `mode`.
fn temporary(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(shortened(name));
    prefix.push(".");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    Builder::new()
        .prefix(&prefix)
        .suffix(".tmp")
        .rand_bytes(RANDOM)
        .make_in(directory_of(path), |path| options.open(path))
}

/// Truncates at a character boundary: some file systems reject names that are not valid UTF-8.
fn shortened(name: &std::ffi::OsStr) -> std::ffi::OsString {
    match name.len() {
        ..=LONGEST => name.to_owned(),
        _ => String::from_utf8_lossy(&name.as_bytes()[..LONGEST]).trim_end_matches('\u{fffd}').into(),
    }
}

/// Sets the mode only if it differs: if the mount already gives the right permissions, nothing is refused.
fn permit(file: &File, mode: u32) -> io::Result<Permissions> {
    if file.metadata()?.permissions().mode() & 0o7777 == mode {
        return Ok(Permissions::Set);
    }
    let set = file.set_permissions(fs::Permissions::from_mode(mode));
    Ok(set.map_or_else(Permissions::Refused, |()| Permissions::Set))
}

fn warn_once(path: &Path, error: &io::Error) {
    if !WARNED.swap(true, Ordering::Relaxed) {
        log::warn!(
            "{}: its permissions cannot be set ({error}); files in this folder have those of its file system, so check \
             who may read it",
            path.display()
        );
    }
}

/// Ignores the error of file systems that do not support fsync.
fn sync(file: &File) -> io::Result<()> {
    let is_unknown = |error: &io::Error| {
        let known = [Errno::INVAL, Errno::NOTSUP, Errno::NOSYS, Errno::OPNOTSUPP];
        Errno::from_io_error(error).is_some_and(|error| known.contains(&error))
    };
    file.sync_all().or_else(|error| if is_unknown(&error) { Ok(()) } else { Err(error) })
}

/// Makes the rename durable across a power failure. Errors are ignored: some file systems cannot sync directories.
fn sync_folder(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_links_to_them_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("giggles.prom");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(replace(&link, b"new", 0o644).unwrap_err().to_string().starts_with("it is not a regular file"));
        assert!(link.is_symlink() && is_special(&link) && !is_special(&folder.path().join("none")));
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("day.html"), folder.path().join("latest.html"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("day.html", &link).unwrap();
        replace(&link, b"new", 0o644).unwrap();
        assert_eq!((link.is_symlink(), fs::read_to_string(&file).unwrap().as_str()), (true, "new"));
    }

    #[test]
    fn the_content_is_replaced_without_a_leftover_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("giggles.prom");
        for content in ["old", "new"] {
            replace(&path, content.as_bytes(), 0o644).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_replacement_leaves_everything_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(replace(&taken, b"new", 0o600).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file");
        let missing = replace(&folder.path().join("missing/giggles.prom"), b"new", 0o600).unwrap_err();
        assert_eq!(missing.to_string(), "No such file or directory (os error 2)", "it names no temporary file");
        assert!(replace(Path::new("/"), b"new", 0o600).is_err());
    }

    #[test]
    fn files_with_the_longest_names_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(255), "ä".repeat(127), "x".repeat(199) + "ä" + &"y".repeat(50)] {
            replace(&folder.path().join(&name), b"new", 0o600).expect(&name);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_check_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(check(folder.path(), b"clip", 0o600).unwrap(), Permissions::Set));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(check(&folder.path().join("missing"), b"clip", 0o600).is_err());
    }
}
