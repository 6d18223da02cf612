//! Directories and files of this machine: one batch.

use std::path::PathBuf;

use super::{Batch, LeftOut, Selection, Storage};
use crate::audio::discover::{File, FindError, Found, find};
use crate::clips::is_clip;
use crate::domain::Reason;
use crate::error::Fatal;
use crate::identify::is_wanted;

pub struct Local {
    batch: Option<Batch>,
    left_out: LeftOut,
    selection: Selection,
    /// What the other shards of the same recordings have found.
    others: Vec<File>,
    /// A file of another shard that cannot be read belongs to every window.
    others_have_unreadable: bool,
}

/// The recordings in directories of this machine, and the number of files that are clips of giggles.
pub fn recordings(paths: &[PathBuf]) -> Result<(Found, usize), FindError> {
    let mut found = find(paths)?;
    let clips = found.retain(|file| !is_clip(&file.name));
    Ok((found, clips))
}

impl Local {
    pub fn find(paths: &[PathBuf], selection: Selection) -> Result<Local, Fatal> {
        let (found, clips) = recordings(paths).map_err(|error| Fatal::NoRecordings(Reason::wrap(error)))?;
        let Found { files, mut unreadable, not_audio } = found;
        let (files, others) = files.into_iter().partition(|file| selection.shard.holds(&file.name));
        let all = unreadable.len();
        unreadable.retain(|(file, _)| selection.shard.holds(&file.name));
        let others_have_unreadable = unreadable.len() < all;
        let has_explicit_files = paths.iter().any(|path| path.is_file());
        Ok(Local {
            batch: Some(Batch { files, unreadable, copies: None }),
            left_out: LeftOut { not_audio, clips, has_explicit_files },
            selection,
            others,
            others_have_unreadable,
        })
    }
}

impl Storage for Local {
    fn next(&mut self) -> Result<Option<Batch>, Fatal> {
        Ok(self.batch.take())
    }

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    /// Reads headers up to the first recording of the window.
    fn others_have_recordings(&self) -> bool {
        let Selection { window, name_zone, .. } = &self.selection;
        self.others_have_unreadable || self.others.iter().any(|file| is_wanted(file, window, name_zone))
    }
}
