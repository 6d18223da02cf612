//! A file looked at before the night: can it be written, is it whole, is somebody at work on it?
//!
//! Invariant: opened as for reading; a lock file is never made.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::lock;
use super::reading::Past;
use crate::store::checkup::{Checkup, Remark, Way};
use crate::store::location::DatabaseFile;
use crate::store::{StoreError, schema};

/// SQLite's look at every page takes about a second for so many bytes.
const QUICK: u64 = 500_000_000;

pub fn examine(database: &DatabaseFile, source: &str) -> Result<Checkup, StoreError> {
    // Beside a link's target: that is where the journal and the lock lie.
    let folder = folder(&database.path.canonicalize().unwrap_or_else(|_| database.path.clone()));
    let file = database.path.metadata().ok();
    let mut checkup = Checkup {
        kind: file.as_ref().map_or_else(|| "a new file, made by the first run".into(), |file| size(file.len())),
        way: Way::Local,
        schema: 0,
        unmade: None,
        obstacles: Vec::new(),
        doubts: Vec::new(),
        encoding: None,
        holder: lock::holder(database, source),
        folder: None,
    };
    match &file {
        None => checkup.obstacles.extend(of_new(database, &folder)),
        Some(file) => {
            let past = Past::look_at(database)?;
            checkup.schema = past.schema()?;
            let taken = Checkup::taken(&past.in_the_way(&schema::tables_to_come(checkup.schema))?);
            checkup.unmade = schema::unreleased(checkup.schema).or(taken);
            checkup.obstacles.extend(of_file(database, &folder));
            checkup.obstacles.extend(of_lock(database, source));
            checkup.obstacles.extend(if file.len() < QUICK { past.damage()? } else { None });
        }
    }
    checkup.folder = nearest(&folder);
    Ok(checkup)
}

fn size(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("a file of {bytes} bytes"),
        10_000..10_000_000 => format!("a file of {} kB", bytes / 1000),
        _ => format!("a file of {} MB", bytes / 1_000_000),
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The folder itself, or the one in which it will be made.
fn nearest(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn of_new(database: &DatabaseFile, folder: &Path) -> Option<Remark> {
    match nearest(folder) {
        Some(nearest) if nearest != folder && !database.make_folder => {
            Some((format!("there is no folder {}", folder.display()), "make it, or mount its disk".into()))
        }
        Some(nearest) => of_folder(&nearest),
        None => Some((format!("there is no folder {}", folder.display()), "name another file with --database".into())),
    }
}

/// The journal of a commit lies beside the file.
fn of_file(database: &DatabaseFile, folder: &Path) -> Vec<Remark> {
    let of_file = access(&database.path, Access::WRITE_OK).err().map(|error| {
        let path = database.path.display();
        (format!("{path} may not be written: {error}"), "check the permissions of the file, and its disk".to_owned())
    });
    of_file.into_iter().chain(of_folder(folder)).collect()
}

/// A lock that another user's run has left behind, or something that another user has put in its place.
fn of_lock(database: &DatabaseFile, source: &str) -> Option<Remark> {
    let path = lock::path(database, source)?;
    if !path.symlink_metadata().ok()?.is_file() {
        return Some((
            format!("the lock {} is not a regular file", path.display()),
            "remove it: giggles has not made it".into(),
        ));
    }
    let refusal = access(&path, Access::READ_OK | Access::WRITE_OK).err()?;
    let path = path.display();
    Some((
        format!("the lock {path} may not be written: {refusal}"),
        "give it to the night's user: another user has once run giggles here".into(),
    ))
}

fn of_folder(folder: &Path) -> Option<Remark> {
    let refusal = access(folder, Access::WRITE_OK | Access::EXEC_OK).err()?;
    let folder = folder.display();
    Some((
        format!("{folder} may not be written: {refusal}"),
        "check the permissions of the folder, and its disk".into(),
    ))
}
