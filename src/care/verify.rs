//! Stored laughs and the folder of their clips, held against each other.
//!
//! A run writes its clips before its rows are committed: what lies without a row may be a run's at work. So nothing
//! is removed unless all runs are locked out first, then the folder is looked at, then the rows, and what is another
//! file by then stays.
//!
//! Removes what this very look has listed, and changes no row.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::clips::folder::{Folder, Lying, of_source};
use crate::exit::{Exit, Fatal};
use crate::record::Window;
use crate::store::{self, Location, Reader};

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

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Laughs looked at.
    pub laughs: usize,
    /// Laughs for which no clip was ever written, or whose clip was pruned.
    pub without: usize,
    pub missing: Vec<Missing>,
    /// Clips that no row names.
    pub orphans: Vec<Lying>,
    /// Of those, the ones that were removed.
    pub removed: BTreeSet<String>,
    /// A line each: orphans that could not be removed.
    pub troubles: Vec<String>,
    /// Folders of sources that the database does not know; nobody looked into them.
    pub strangers: Vec<String>,
}

impl Verified {
    /// Orphans that were removed are none any more.
    pub fn exit(&self) -> Exit {
        let is_well = self.missing.is_empty() && self.orphans.len() == self.removed.len();
        if is_well { Exit::Complete } else { Exit::Partial }
    }
}

/// Looks, and removes if that is asked for.
pub fn verify(settings: &Settings, reader: &mut dyn Reader) -> Result<Verified, Fatal> {
    let folder = Folder::open(&settings.clips).map_err(|error| unreadable(&settings.clips, &error))?;
    let known = reader.sources()?;
    let names: BTreeSet<String> = match &settings.source {
        Some(source) => [of_source(source)].into(),
        None => known.iter().map(|source| of_source(source)).collect(),
    };
    let is_wanted = |source: &&String| names.contains(&of_source(source));
    let sources: BTreeSet<String> = known.iter().chain(&settings.source).filter(is_wanted).cloned().collect();
    let _locks = settings.delete_orphans.then(|| lock_out(&settings.database, &sources)).transpose()?;
    let files = files(&folder, &names).map_err(|error| unreadable(&settings.clips, &error))?;
    let mut verified = compare(&folder, files, &sources, reader)?;
    if settings.source.is_none() {
        let lying = folder.names().map_err(|error| unreadable(&settings.clips, &error))?;
        verified.strangers = lying.difference(&names).cloned().collect();
    }
    if settings.delete_orphans {
        remove(&folder, &mut verified);
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

fn files(folder: &Folder, names: &BTreeSet<String>) -> io::Result<Vec<Lying>> {
    let files = names.iter().map(|name| folder.files(name)).collect::<io::Result<Vec<_>>>()?;
    Ok(files.into_iter().flatten().collect())
}

/// The rows are read after the files: a run that was committed in between has both.
fn compare(
    folder: &Folder,
    files: Vec<Lying>,
    sources: &BTreeSet<String>,
    reader: &mut dyn Reader,
) -> Result<Verified, Fatal> {
    let (mut verified, mut named) = (Verified::default(), HashSet::new());
    for source in sources {
        for recording in reader.recordings(Some(source), &Window::default())? {
            verified.laughs += recording.laughs().len();
            let clips = recording.laughs().iter().filter_map(|laugh| laugh.event.clip.clone());
            let clips: Vec<String> = clips.collect();
            verified.without += recording.laughs().len() - clips.len();
            let gone = clips.iter().filter(|clip| !folder.holds(clip));
            let missing = |clip: &String| Missing {
                clip: clip.clone(),
                source: source.clone(),
                recording: recording.name.clone(),
            };
            verified.missing.extend(gone.map(missing));
            named.extend(clips);
        }
    }
    verified.orphans = files.into_iter().filter(|file| !named.contains(&file.path)).collect();
    Ok(verified)
}

fn remove(folder: &Folder, verified: &mut Verified) {
    for orphan in &verified.orphans {
        match folder.remove_found(orphan) {
            Ok(true) => drop(verified.removed.insert(orphan.path.clone())),
            Ok(false) => verified.troubles.push(format!("{}: changed while it was looked at, and stays", orphan.path)),
            Err(error) => verified.troubles.push(format!("{}: cannot be removed: {error}", orphan.path)),
        }
    }
}
