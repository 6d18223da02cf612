//! A file written whole or not at all: readers see the old content or the new one, never half of it.
//!
//! Invariant: knows bytes and paths, not what they mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Files that this process has begun to write.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Replaces the file's content, or makes it, with these permissions whatever the umask.
///
/// The bytes go to a temporary file in the same folder, are synced, and take the name. Its name begins with a dot
/// and ends in `.tmp`, so that no program takes it for what it will be.
///
/// A link stays one: what it leads to is replaced.
///
/// # Errors
/// The old content is whole then, and the temporary file is gone. Pipes and devices are not replaced.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if is_special(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let temporary = beside(path)?;
    let written = write(&temporary, bytes, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        fs::remove_file(&temporary).ok();
        return written;
    }
    sync_folder(path);
    Ok(())
}

/// Something other than a file stands there: to open it might never end, to replace it would break the machine.
pub fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// One each: neither two runs of one night nor two threads of a run must write into one temporary file.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(temporary))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// After a power cut the new name is there too. Where folders cannot be synced, nothing is lost but that.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
        assert_eq!(replace(&link, b"new", 0o644).unwrap_err().to_string(), "it is no regular file");
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
        assert!(replace(&folder.path().join("missing/giggles.prom"), b"new", 0o600).is_err());
        assert!(replace(Path::new("/"), b"new", 0o600).is_err());
    }
}
