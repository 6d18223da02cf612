//! Stored laughs and the folder of their clips, held against each other.
//!
//! A run writes its clips before its rows are committed: what lies without a row may be a run's at work. So nothing
//! is removed unless all runs are locked out first, then the folder is looked at, then the rows, and what is another
//! file by then stays.
//!
//! Removes what this very look has listed, and changes no row.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::clips::folder::{Folder, Lying, of_source};
use crate::exit::{Exit, Fatal};
use crate::store::{self, Location, Reader, Selection};

/// Files that the database is asked for at once.
const FILES: usize = 500;

/// What is looked at.
pub struct Settings {
    pub database: Location,
    pub clips: PathBuf,
    /// None: every source that the database knows.
    pub source: Option<String>,
    pub delete_orphans: bool,
}

/// A row whose clip is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub clip: String,
    pub source: String,
    pub recording: String,
}

/// What does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// Before all orphans.
    Missing(Missing),
    /// A clip that no row names.
    Orphan { file: Lying, removed: bool },
}

/// What it comes to.
#[derive(Debug, Default)]
pub struct Verified {
    /// Laughs looked at.
    pub laughs: usize,
    /// Laughs for which no clip was ever written, or whose clip was pruned.
    pub without: usize,
    pub missing: usize,
    pub orphans: usize,
    /// Of those, the ones that were removed.
    pub removed: usize,
    /// Folders of sources that the database does not know; nobody looked into them.
    pub strangers: Vec<String>,
}

impl Verified {
    /// Orphans that were removed are none any more.
    pub fn exit(&self) -> Exit {
        let is_well = self.missing == 0 && self.orphans == self.removed;
        if is_well { Exit::Complete } else { Exit::Partial }
    }
}

/// Says what does not agree as it is found: of years of clips, all may be missing.
pub type Each<'a> = dyn FnMut(&Mismatch) -> Result<(), Fatal> + 'a;

/// Looks, and removes if that is asked for.
pub fn verify(settings: &Settings, reader: &mut dyn Reader, each: &mut Each) -> Result<Verified, Fatal> {
    let folder = Folder::open(&settings.clips).map_err(|error| unreadable(&settings.clips, &error))?;
    let known = reader.sources()?;
    let names: BTreeSet<String> = match &settings.source {
        Some(source) => [of_source(source)].into(),
        None => known.iter().map(|source| of_source(source)).collect(),
    };
    let is_wanted = |source: &&String| names.contains(&of_source(source));
    let sources: BTreeSet<String> = known.iter().chain(&settings.source).filter(is_wanted).cloned().collect();
    let _locks = settings.delete_orphans.then(|| lock_out(&settings.database, &sources)).transpose()?;
    let mut verified = Verified::default();
    match &settings.source {
        None => find_missing(&folder, None, reader, &mut verified, each)?,
        Some(_) => {
            sources.iter().try_for_each(|source| find_missing(&folder, Some(source), reader, &mut verified, each))?
        }
    }
    for name in &names {
        for day in folder.days(name).map_err(|error| unreadable(&settings.clips, &error))? {
            find_orphans(&folder, &day, settings, reader, &mut verified, each)?;
        }
    }
    if settings.source.is_none() {
        let lying = folder.names().map_err(|error| unreadable(&settings.clips, &error))?;
        verified.strangers = lying.difference(&names).cloned().collect();
    }
    Ok(verified)
}

fn unreadable(path: &Path, error: &io::Error) -> Fatal {
    Fatal::Config(format!("the folder of clips {} cannot be read: {error}; check its permissions", path.display()))
}

/// Held as long as the store is.
fn lock_out(database: &Location, sources: &BTreeSet<String>) -> Result<Box<dyn store::Store>, Fatal> {
    let mut store = store::open(database)?;
    store.lock_out(&sources.iter().cloned().collect::<Vec<_>>())?;
    Ok(store)
}

/// Rows first, then their files: a clip is written before its row.
fn find_missing(
    folder: &Folder,
    source: Option<&str>,
    reader: &mut dyn Reader,
    verified: &mut Verified,
    each: &mut Each,
) -> Result<(), Fatal> {
    reader.each_recording(&Selection { source, ..Selection::default() }, &mut |recording| {
        verified.laughs += recording.laughs().len();
        for laugh in recording.laughs() {
            let Some(clip) = &laugh.event.clip else {
                verified.without += 1;
                continue;
            };
            if !folder.holds(clip) {
                let (source, recording) = (recording.source.clone(), recording.name.clone());
                verified.missing += 1;
                each(&Mismatch::Missing(Missing { clip: clip.clone(), source, recording }))?;
            }
        }
        Ok(())
    })
}

/// Of one day. Files first, then rows: a run that was committed in between has both.
fn find_orphans(
    folder: &Folder,
    day: &str,
    settings: &Settings,
    reader: &mut dyn Reader,
    verified: &mut Verified,
    each: &mut Each,
) -> Result<(), Fatal> {
    for files in folder.files(day).map_err(|error| unreadable(&settings.clips, &error))?.chunks(FILES) {
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let named = reader.named_clips(&paths)?;
        for file in files.iter().filter(|file| !named.contains(&file.path)) {
            let removed = settings.delete_orphans && remove(folder, file);
            verified.orphans += 1;
            verified.removed += usize::from(removed);
            each(&Mismatch::Orphan { file: file.clone(), removed })?;
        }
    }
    Ok(())
}

fn remove(folder: &Folder, orphan: &Lying) -> bool {
    match folder.remove_found(orphan) {
        Ok(true) => return true,
        Ok(false) => log::error!("{}: changed while it was looked at, and stays", orphan.path),
        Err(error) => log::error!("{}: cannot be removed: {error}", orphan.path),
    }
    false
}
