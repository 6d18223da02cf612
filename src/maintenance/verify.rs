//! Checks stored laughs and clips against each other, and the clips of candidates that do not count.
//!
//! A run writes its clips before it commits its rows, so a clip without a row may belong to a run in progress.
//! Therefore orphans are removed only with all runs locked out: first the lock is taken, then the clips are listed,
//! then the rows are read. A clip that was replaced in between stays.
//!
//! Removes only files that this check has listed, and changes no row.

use std::collections::BTreeSet;

use crate::clips::{ClipFile, ClipLocation, ClipStore, source_folder, unreadable};
use crate::error::Fatal;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::store::{self, Location, Reader, Selection};

/// Files per database query.
const FILES: usize = 500;

/// What to check.
pub struct Settings {
    pub database: Location,
    pub clips: ClipLocation,
    /// None: every source in the database.
    pub source: Option<String>,
    pub delete_orphans: bool,
}

/// A row whose clip does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub clip: String,
    pub source: String,
    pub recording: String,
}

/// A row without its clip, or a clip without a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// Reported before all orphans.
    Missing(Missing),
    /// A clip that no row names.
    Orphan { file: ClipFile, removed: bool },
}

/// The totals.
#[derive(Debug, Default)]
pub struct Verified {
    /// Laughs checked.
    pub laughs: usize,
    /// Laughs for which no clip was ever written, or whose clip was pruned.
    pub without: usize,
    pub missing: usize,
    pub orphans: usize,
    /// Orphans that were removed.
    pub removed: usize,
    /// Directories without a source in the database; they are not checked.
    pub unmatched: Vec<String>,
}

impl Verified {
    /// Removed orphans do not count.
    pub fn exit(&self) -> Exit {
        let is_well = self.missing == 0 && self.orphans == self.removed;
        if is_well { Exit::Complete } else { Exit::Partial }
    }
}

/// Called for each mismatch as it is found, so memory does not grow with their number.
pub type Each<'a> = dyn FnMut(&Mismatch) -> Result<(), Fatal> + 'a;

/// Checks, and removes orphans if requested.
pub fn verify(settings: &Settings, reader: &mut dyn Reader, each: &mut Each) -> Result<Verified, Fatal> {
    let clips = ClipStore::open(&settings.clips, &Stop::default())?;
    let known = reader.sources()?;
    let names: BTreeSet<String> = match &settings.source {
        Some(source) => [source_folder(source)].into(),
        None => known.iter().map(|source| source_folder(source)).collect(),
    };
    let is_wanted = |source: &&String| names.contains(&source_folder(source));
    let sources: BTreeSet<String> = known.iter().chain(&settings.source).filter(is_wanted).cloned().collect();
    let _locks = settings.delete_orphans.then(|| lock_exclusive(&settings.database, &sources)).transpose()?;
    let mut verified = Verified::default();
    // A bucket is listed day by day, so its rows are read source by source.
    if settings.source.is_none() && settings.clips.folder().is_some() {
        find_missing(&clips, None, settings, reader, &mut verified, each)?;
    } else {
        for source in &sources {
            find_missing(&clips, Some(source), settings, reader, &mut verified, each)?;
        }
    }
    for name in &names {
        for day in clips.days(name).map_err(|error| unreadable(&settings.clips, error))? {
            find_orphans(&clips, &day, settings, reader, &mut verified, each)?;
        }
    }
    if settings.source.is_none() {
        let found = clips.names().map_err(|error| unreadable(&settings.clips, error))?;
        verified.unmatched = found.difference(&names).cloned().collect();
    }
    Ok(verified)
}

/// Locks out all runs until the returned store is dropped.
fn lock_exclusive(database: &Location, sources: &BTreeSet<String>) -> Result<Box<dyn store::Store>, Fatal> {
    let mut store = store::open(database)?;
    store.lock_exclusive(&sources.iter().cloned().collect::<Vec<_>>())?;
    Ok(store)
}

/// Reads rows first, then checks their files: a run writes a clip before its row.
fn find_missing(
    clips: &ClipStore,
    source: Option<&str>,
    settings: &Settings,
    reader: &mut dyn Reader,
    verified: &mut Verified,
    each: &mut Each,
) -> Result<(), Fatal> {
    let wanted = Selection { source, with_candidates: true, only_with_clip: true, ..Selection::default() };
    reader.each_recording(&wanted, &mut |recording| {
        let of_laughs = || recording.laughs().iter().map(|laugh| &laugh.detection.clip);
        verified.laughs += recording.laughs().len();
        verified.without += of_laughs().filter(|clip| clip.is_none()).count();
        let of_candidates = recording.candidates().iter().map(|one| &one.candidate.clip);
        for clip in of_laughs().chain(of_candidates).flatten() {
            if !clips.holds(clip).map_err(|error| unreadable(&settings.clips, error))? {
                let (source, recording) = (recording.source.clone(), recording.name.clone());
                verified.missing += 1;
                each(&Mismatch::Missing(Missing { clip: clip.clone(), source, recording }))?;
            }
        }
        Ok(())
    })
}

/// For one day. Lists files first, then reads rows: a run committed in between has both.
fn find_orphans(
    clips: &ClipStore,
    day: &str,
    settings: &Settings,
    reader: &mut dyn Reader,
    verified: &mut Verified,
    each: &mut Each,
) -> Result<(), Fatal> {
    for files in clips.files(day).map_err(|error| unreadable(&settings.clips, error))?.chunks(FILES) {
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let named = reader.named_clips(&paths)?;
        for file in files.iter().filter(|file| !named.contains(&file.path)) {
            let removed = settings.delete_orphans && remove(clips, file);
            verified.orphans += 1;
            verified.removed += usize::from(removed);
            each(&Mismatch::Orphan { file: file.clone(), removed })?;
        }
    }
    Ok(())
}

fn remove(clips: &ClipStore, orphan: &ClipFile) -> bool {
    match clips.remove_found(orphan) {
        Ok(true) => return true,
        Ok(false) => log::error!("{}: changed during the check, and stays", orphan.path),
        Err(error) => log::error!("{}: cannot be removed: {error}", orphan.path),
    }
    false
}
