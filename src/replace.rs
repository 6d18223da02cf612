//! A file written whole or not at all: readers see the old content or the new one, never half of it.
//!
//! Folders that programs share (a node exporter's, a web server's) may be written by other users, who can plant
//! links, pipes and files of any name there. So temporary files have random names and are made, never opened; links
//! are followed only if nobody else has made them; and a pipe is never waited for.
//!
//! Invariant: knows bytes and paths, not what they mean.

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

/// Random characters in a temporary name.
const RANDOM: usize = 12;
/// Bytes of the name that a temporary name repeats: with what is added it stays below the 255 of file systems.
const LONGEST: usize = 200;
const CHECK: &str = ".giggles-check-";

/// Whether a warning about refused permissions was given: once a run is enough.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Whether the file has the permissions that it should have.
#[derive(Debug)]
pub enum Permissions {
    Set,
    /// CIFS, vfat, exFAT and many FUSE file systems: all files have the permissions that the mount gives.
    Refused(io::Error),
}

/// Replaces the file's content, or makes it, with these permissions whatever the umask. Where the file system refuses
/// to set permissions the file is written all the same, and the first one is warned of.
///
/// The bytes go to a temporary file in the same folder, are synced, and take the name. Its name begins with a dot
/// and ends in `.tmp`, so that no program takes it for what it will be.
///
/// A link that this user or root has made stays, and what it leads to is replaced. A link of anybody else is replaced
/// itself, as `mv` would do.
///
/// # Errors
/// The old content is whole then, and the temporary file is gone. Pipes, devices and open descriptors are not replaced.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Permissions::Refused(error) = put(path, bytes, mode)? {
        warn_once(path, &error);
    }
    Ok(())
}

/// `check` of the folder in which `replace` would put this file.
pub fn check_beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    check(&folder_of(&replaceable(path)?), bytes, mode)
}

/// Writes a file into the folder as `replace` would, reads it again, and removes it.
///
/// # Errors
/// Also where it cannot be removed, or is not what was written.
pub fn check(folder: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    let written = Builder::new().prefix(CHECK).rand_bytes(RANDOM).make_in(folder, |path| put(path, bytes, mode))?;
    let is_whole = read_regular(written.path(), bytes.len() as u64)? == bytes;
    let (permissions, path) = written.into_parts();
    path.close()?;
    match is_whole {
        true => Ok(permissions),
        false => Err(io::Error::other("a file that was written there is not what is read")),
    }
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Permissions> {
    let path = replaceable(path)?;
    if path.is_symlink() {
        log::warn!("{} is a link that another user has made; it is not followed but replaced", path.display());
    }
    let mut file = temporary(&path, mode)?;
    let permissions = permit(file.as_file(), mode)?;
    file.write_all(bytes)?;
    sync(file.as_file())?;
    file.persist(&path).map_err(|error| error.error)?;
    sync_folder(folder_of(&path));
    Ok(permissions)
}

/// The path behind links that are followed, where a regular file, another user's link or nothing stands.
fn replaceable(path: &Path) -> io::Result<PathBuf> {
    let Target::File(path) = target(path)? else { return Err(special::refusal()) };
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() && !found.is_symlink() => Err(special::refusal()),
        _ => Ok(path),
    }
}

/// A new file beside the one that it will replace; removed with this value. At no time may more people read it than
/// its mode says.
fn temporary(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(shortened(name));
    prefix.push(".");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    Builder::new().prefix(&prefix).suffix(".tmp").rand_bytes(RANDOM).make_in(folder_of(path), |path| options.open(path))
}

/// A temporary name need not be text, but half a character could not be written on every file system.
fn shortened(name: &std::ffi::OsStr) -> std::ffi::OsString {
    match name.len() {
        ..=LONGEST => name.to_owned(),
        _ => String::from_utf8_lossy(&name.as_bytes()[..LONGEST]).trim_end_matches('\u{fffd}').into(),
    }
}

/// Asks for nothing that the file has already: where the mount gives the right permissions, nothing is refused.
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
            "{}: its permissions cannot be set ({error}); files in this folder have those that its file system gives, \
             so check who may read it",
            path.display()
        );
    }
}

/// Some file systems have no way to sync; what they keep, they keep without.
fn sync(file: &File) -> io::Result<()> {
    let is_unknown = |error: &io::Error| {
        let known = [Errno::INVAL, Errno::NOTSUP, Errno::NOSYS, Errno::OPNOTSUPP];
        Errno::from_io_error(error).is_some_and(|error| known.contains(&error))
    };
    file.sync_all().or_else(|error| if is_unknown(&error) { Ok(()) } else { Err(error) })
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// After a power cut the new name is there too. Where folders cannot be synced, nothing is lost but that.
fn sync_folder(folder: PathBuf) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_links_to_them_stay() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("giggles.prom");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(replace(&link, b"new", 0o644).unwrap_err().to_string().starts_with("it is not a regular file"));
        assert!(link.is_symlink() && is_special(&link) && !is_special(&folder.path().join("none")));
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("day.html"), folder.path().join("latest.html"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("day.html", &link).unwrap();
        replace(&link, b"new", 0o644).unwrap();
        assert_eq!((link.is_symlink(), fs::read_to_string(&file).unwrap().as_str()), (true, "new"));
    }

    #[test]
    fn the_content_is_replaced_and_nothing_is_left_beside_it() {
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
    fn what_cannot_be_replaced_is_left_as_it_was() {
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
    fn the_longest_names_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(255), "ä".repeat(127), "x".repeat(199) + "ä" + &"y".repeat(50)] {
            replace(&folder.path().join(&name), b"new", 0o600).expect(&name);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_check_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(check(folder.path(), b"clip", 0o600).unwrap(), Permissions::Set));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(check(&folder.path().join("missing"), b"clip", 0o600).is_err());
    }
}
