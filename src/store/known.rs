//! Which recordings a run need not analyze: their result is stored, or it is known that there is none.
//!
//! Invariant: what may heal is never known: neither failures that are not permanent, nor a recording of which a process
//! of ffmpeg left a part.

use std::collections::{HashMap, HashSet};

use crate::record::{Analysis, ContentHash, Damage, RecordingError};

/// What a run asks for.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub source: String,
    pub analysis: Analysis,
    /// The program's version: a newer one may decode what an older one could not.
    pub version: String,
    pub contents: Vec<ContentHash>,
    /// Names of the files that have no content.
    pub names: Vec<String>,
    /// A recording of which clips could not be written is to be analyzed again.
    pub cuts_clips: bool,
    /// Damaged recordings are to be analyzed again.
    pub retry_failed: bool,
    /// What no built-in decoder took is to be tried again: ffmpeg may take it.
    pub uses_ffmpeg: bool,
}

impl Lookup {
    /// Kinds of failures that are known for good; none where they are tried again.
    pub fn permanent_failures(&self) -> Vec<&'static str> {
        let is_known = |kind: &&str| !(self.retry_failed || self.uses_ffmpeg && *kind == "unsupported");
        RecordingError::PERMANENT.into_iter().filter(is_known).collect()
    }
}

/// What the database holds of it, under the same analysis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub analyzed: HashSet<ContentHash>,
    /// Under the same version, too.
    pub damaged: HashMap<ContentHash, Damage>,
    /// Files without content that have failed, under the same version.
    pub failed_names: HashSet<String>,
}

impl Known {
    /// Adds a row: content, name and status.
    pub(super) fn add(&mut self, content: Option<String>, name: String, status: &str) {
        match (content.and_then(|content| content.parse().ok()), status) {
            (Some(content), "analyzed") => drop(self.analyzed.insert(content)),
            (Some(content), "partial") => drop(self.damaged.insert(content, Damage::Partial)),
            (Some(content), _) => drop(self.damaged.insert(content, Damage::Failed)),
            (None, _) => drop(self.failed_names.insert(name)),
        }
    }
}
