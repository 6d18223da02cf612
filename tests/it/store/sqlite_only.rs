//! What only a file can do wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use giggles::store::{Location, StoreError, open};

use crate::support::homes::{Home, InSqlite};
use crate::support::past_runs::past_run;

fn config_error(path: &Path) -> String {
    match open(&Location::sqlite(path)) {
        Err(StoreError::Config(reason)) => reason.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{} was opened", path.display()),
    }
}

#[test]
fn what_is_not_a_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "this is not a database, and it is longer than a header of SQLite is ".repeat(20)).unwrap();
    assert!(config_error(&file).contains("not an SQLite database"));
    assert!(fs::read_to_string(&file).unwrap().starts_with("this is not"));
    assert!(config_error(folder.path()).contains("is a folder"));
    let nowhere = config_error(&folder.path().join("unmounted/laughs.db"));
    assert!(nowhere.contains("does not exist") && nowhere.contains("mount"), "{nowhere}");
}

#[test]
fn laughs_are_private() {
    let home = InSqlite::new();
    let mut store = open(&home.location()).unwrap();
    store.lock("neil").unwrap();
    for file in fs::read_dir(home.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[test]
fn the_standard_folder_is_made_and_private() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("share/giggles/giggles.db");
    let file = giggles::store::DatabaseFile { path: path.clone(), make_folder: true };
    drop(open(&Location::Sqlite(file)).unwrap());
    let folder = path.parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

/// In a folder where others may write, a link in the lock's place would let them have any file of ours overwritten.
#[test]
fn a_link_in_the_locks_place_is_not_followed() {
    let home = InSqlite::new();
    let mut store = open(&home.location()).unwrap();
    store.lock("neil").unwrap();
    drop(store);
    let lock = |entry: fs::DirEntry| entry.path().extension().is_some_and(|end| end == "lock").then(|| entry.path());
    let lock = fs::read_dir(home.folder.path()).unwrap().flatten().find_map(lock).unwrap();
    let victim = home.folder.path().join("diary");
    fs::write(&victim, "dear diary").unwrap();
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&victim, &lock).unwrap();
    let error = open(&home.location()).unwrap().lock("neil").unwrap_err();
    assert!(error.to_string().contains("cannot be taken"), "{error}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "dear diary");
}

#[test]
fn one_file_under_two_names_has_one_lock() {
    let home = InSqlite::new();
    let mut first = open(&home.location()).unwrap();
    let link = home.folder.path().join("link.db");
    std::os::unix::fs::symlink(home.folder.path().join("laughs.db"), &link).unwrap();
    let mut second = open(&Location::sqlite(link)).unwrap();
    first.lock("neil").unwrap();
    let error = second.lock("neil").unwrap_err().to_string();
    assert!(error.contains(&format!("process {} since 20", std::process::id())), "{error}");
}

#[test]
fn no_side_files_are_left() {
    let home = InSqlite::new();
    open(&home.location()).unwrap().save(&past_run("neil").build()).unwrap();
    let names: Vec<_> = fs::read_dir(home.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["laughs.db"]);
}
