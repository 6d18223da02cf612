//! Which recordings a run does not need to analyze: their result is stored, or can be decided from what is stored, or
//! they are known to have none.
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
    /// Decide recordings anew if some of their clips could not be written, or none were asked for.
    pub cuts_clips: bool,
    /// Analyze damaged recordings again.
    pub retry_failed: bool,
    /// Try recordings that no built-in decoder supports again: ffmpeg may decode them.
    pub uses_ffmpeg: bool,
    /// Results under this analysis may be replaced as well.
    pub with_current: bool,
}

impl Lookup {
    /// Kinds of failures that are not tried again; empty if all are.
    pub fn permanent_failures(&self) -> Vec<&'static str> {
        let is_known = |kind: &&str| !(self.retry_failed || self.uses_ffmpeg && *kind == "unsupported");
        RecordingError::PERMANENT.into_iter().filter(is_known).collect()
    }

    /// Those of these stored analyses from which this one can be decided without audio, and this one.
    pub(super) fn analyses(&self, stored: &[String]) -> Vec<String> {
        let can_decide = |text: &&String| {
            serde_json::from_str::<Analysis>(text).is_ok_and(|stored| self.analysis.can_redetect(&stored))
        };
        stored.iter().filter(can_decide).cloned().chain([self.analysis.to_json()]).collect()
    }
}

/// The stored results with the same analysis, and with one that differs in decision parameters only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub analyzed: HashSet<ContentHash>,
    /// Can be decided from what is stored: under other decision parameters, or to write clips that are missing. Partial ones are damaged, and known with the same program version only.
    pub redetectable: HashSet<ContentHash>,
    /// With the same program version, too.
    pub damaged: HashMap<ContentHash, Damage>,
    /// Files without content that have failed with the same program version.
    pub failed_names: HashSet<String>,
    /// Results under another analysis; with `Lookup::with_current` also those under this one.
    pub earlier: HashMap<ContentHash, Earlier>,
}

/// A stored result that another one would replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The analysis as stored.
    pub analysis: String,
    /// The number of its detections.
    pub detections: u64,
}

impl Known {
    /// Adds a row: content, analysis, number of detections.
    pub(super) fn add_earlier<C: Cells>(&mut self, row: &C) -> Result<(), C::Error> {
        let mut cells = Cursor::new(row);
        let (content, analysis, detections): (Option<String>, String, i64) =
            (cells.next()?, cells.next()?, cells.next()?);
        if let Some(content) = content.and_then(|content| content.parse().ok()) {
            self.earlier.insert(content, Earlier { analysis, detections: detections.cast_unsigned() });
        }
        Ok(())
    }

    /// Adds a row: content, name, status, whether it has the same analysis (and all its clips, if they are wanted), and
    /// whether it has scores.
    pub(super) fn add<C: Cells>(&mut self, row: &C) -> Result<(), C::Error> {
        let mut cells = Cursor::new(row);
        let (content, name, status): (Option<String>, String, String) = (cells.next()?, cells.next()?, cells.next()?);
        let (is_current, has_scores): (bool, bool) = (cells.next()?, cells.next()?);
        if !is_current {
            let content = content.and_then(|content| content.parse::<ContentHash>().ok());
            let redetectable = content.filter(|_| has_scores);
            self.redetectable.extend(redetectable);
            return Ok(());
        }
        match (content.and_then(|content| content.parse().ok()), status.as_str()) {
            (Some(content), "analyzed") => drop(self.analyzed.insert(content)),
            (Some(content), "partial") => drop(self.damaged.insert(content, Damage::Partial)),
            (Some(content), _) => drop(self.damaged.insert(content, Damage::Failed)),
            (None, _) => drop(self.failed_names.insert(name)),
        }
        Ok(())
    }
}
