//! Which recordings a run does not need to analyze: their result is stored, or they are known to have none.
//!
//! Invariant: a result that a later attempt may improve is never known: neither a failure that is not permanent, nor a
//! recording that an ffmpeg process decoded only in part.

use std::collections::{HashMap, HashSet};

use super::columns::{Cells, Cursor};
use crate::domain::{Analysis, ContentHash, Damage, RecordingError};

/// What a run looks up.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub source: String,
    pub analysis: Analysis,
    /// The program's version: a newer version may decode recordings that an older one could not.
    pub version: String,
    pub contents: Vec<ContentHash>,
    /// Names of the files without a content hash (empty or unreadable).
    pub names: Vec<String>,
    /// Analyze recordings again if some of their clips could not be written.
    pub cuts_clips: bool,
    /// Analyze damaged recordings again.
    pub retry_failed: bool,
    /// Try recordings that no built-in decoder supports again: ffmpeg may decode them.
    pub uses_ffmpeg: bool,
}

impl Lookup {
    /// Kinds of failures that are not tried again; empty if all are.
    pub fn permanent_failures(&self) -> Vec<&'static str> {
        let is_known = |kind: &&str| !(self.retry_failed || self.uses_ffmpeg && *kind == "unsupported");
        RecordingError::PERMANENT.into_iter().filter(is_known).collect()
    }
}

/// The stored results with the same analysis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub analyzed: HashSet<ContentHash>,
    /// With the same program version, too.
    pub damaged: HashMap<ContentHash, Damage>,
    /// Files without content that have failed with the same program version.
    pub failed_names: HashSet<String>,
}

impl Known {
    /// Adds a row: content, name and status.
    pub(super) fn add<C: Cells>(&mut self, row: &C) -> Result<(), C::Error> {
        let mut cells = Cursor::new(row);
        let (content, name, status): (Option<String>, String, String) = (cells.next()?, cells.next()?, cells.next()?);
        match (content.and_then(|content| content.parse().ok()), status.as_str()) {
            (Some(content), "analyzed") => drop(self.analyzed.insert(content)),
            (Some(content), "partial") => drop(self.damaged.insert(content, Damage::Partial)),
            (Some(content), _) => drop(self.damaged.insert(content, Damage::Failed)),
            (None, _) => drop(self.failed_names.insert(name)),
        }
        Ok(())
    }
}
