//! Files where others write too, and where the file system has rules of its own: no planted link is followed, no
//! pipe is waited for, and permissions that cannot be set cost nothing.

mod permissions;
mod planted;
mod services;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::Place;

const LAUGH: (&str, &str) = ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV");

fn place() -> Place {
    let place = Place::with(&[LAUGH]);
    ["clips", "textfile"].iter().for_each(|name| fs::create_dir(place.path(name)).unwrap());
    place
}

/// Every file and folder below, in order.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        all.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            all.extend(below(&entry.path()));
        }
    }
    all.sort();
    all
}
