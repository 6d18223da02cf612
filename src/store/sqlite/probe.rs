//! Checks a database file before a run: is it writable, is it intact, does another run hold the lock?
//!
//! Invariant: opens the file as for reading; never creates a lock file.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::lock;
use super::reader::SqliteReader;
use crate::paths::directory_of;
use crate::store::location::DatabaseFile;
use crate::store::probe::{Issue, Probe, Transport};
use crate::store::{StoreError, schema};

/// Largest file that is checked for damage, in bytes: SQLite's quick_check of it takes about a second.
const QUICK: u64 = 500_000_000;

pub fn examine(database: &DatabaseFile, source: &str) -> Result<Probe, StoreError> {
    // The directory of a symlink's target: the journal and the lock are there.
    let path = database.path.canonicalize().unwrap_or_else(|_| database.path.clone());
    let folder = directory_of(&path);
    let file = database.path.metadata().ok();
    let mut probe = Probe {
        kind: file.as_ref().map_or_else(|| "a new file, created by the first run".into(), |file| size(file.len())),
        transport: Transport::Local,
        schema: 0,
        unmade: None,
        obstacles: Vec::new(),
        doubts: Vec::new(),
        encoding: None,
        holder: lock::holder(database, source),
        folder: None,
    };
    match &file {
        None => probe.obstacles.extend(new_file_issue(database, folder)),
        Some(file) => {
            let reader = SqliteReader::open_unchecked(database)?;
            probe.schema = reader.schema()?;
            let taken = Probe::taken(&reader.existing_tables(&schema::tables_to_come(probe.schema))?);
            probe.unmade = schema::unreleased(probe.schema).or(taken);
            probe.obstacles.extend(file_issues(database, folder));
            probe.obstacles.extend(lock_issue(database, source));
            probe.obstacles.extend(if file.len() < QUICK { reader.damage()? } else { None });
        }
    }
    probe.folder = nearest(folder);
    Ok(probe)
}

fn size(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("a file of {bytes} bytes"),
        10_000..10_000_000 => format!("a file of {} kB", bytes / 1000),
        _ => format!("a file of {} MB", bytes / 1_000_000),
    }
}

/// The directory itself, or its nearest existing parent.
fn nearest(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn new_file_issue(database: &DatabaseFile, folder: &Path) -> Option<Issue> {
    match nearest(folder) {
        Some(nearest) if nearest != folder && !database.make_folder => {
            Some((format!("the folder {} does not exist", folder.display()), "create it, or mount its disk".into()))
        }
        Some(nearest) => folder_issue(&nearest),
        None => Some((
            format!("the folder {} does not exist", folder.display()),
            "name another file with --database".into(),
        )),
    }
}

/// The file and its directory, where SQLite creates the journal, must be writable.
fn file_issues(database: &DatabaseFile, folder: &Path) -> Vec<Issue> {
    let file_issue = access(&database.path, Access::WRITE_OK).err().map(|error| {
        let path = database.path.display();
        (format!("{path} may not be written: {error}"), "check the permissions of the file, and its disk".to_owned())
    });
    file_issue.into_iter().chain(folder_issue(folder)).collect()
}

/// A lock file of another user's run, or something else with its name.
fn lock_issue(database: &DatabaseFile, source: &str) -> Option<Issue> {
    let path = lock::path(database, source)?;
    if !path.symlink_metadata().ok()?.is_file() {
        return Some((
            format!("the lock {} is not a regular file", path.display()),
            "remove it: giggles did not create it".into(),
        ));
    }
    let refusal = access(&path, Access::READ_OK | Access::WRITE_OK).err()?;
    let path = path.display();
    Some((
        format!("the lock {path} may not be written: {refusal}"),
        "change its owner to the user of the runs: another user has run giggles here before".into(),
    ))
}

fn folder_issue(folder: &Path) -> Option<Issue> {
    let refusal = access(folder, Access::WRITE_OK | Access::EXEC_OK).err()?;
    let folder = folder.display();
    Some((
        format!("{folder} may not be written: {refusal}"),
        "check the permissions of the folder, and its disk".into(),
    ))
}
