//! What a run replaces: results that earlier runs stored under another analysis, or that it makes again.

use std::collections::HashMap;

use crate::domain::{Analysis, ContentHash, Outcome, Replaced, Status};
use crate::store::Earlier;

/// Why a recording is analyzed again whose analysis is the same.
const FORCED: &str = "--force";

/// Compares the outcomes with what is stored of the same contents.
pub fn replaced(outcomes: &[Outcome], earlier: &HashMap<ContentHash, Earlier>, analysis: &Analysis) -> Replaced {
    let mut replaced = Replaced::default();
    for outcome in outcomes {
        let found = outcome.recording.content.and_then(|content| earlier.get(&content));
        let is_redetected = matches!(outcome.status, Status::Redetected(_));
        let Some(found) = found.filter(|_| is_redetected || matches!(outcome.status, Status::Analyzed(_))) else {
            continue;
        };
        let stored: Option<Analysis> = serde_json::from_str(&found.analysis).ok();
        let reason = stored.map_or(Some("giggles changed"), |stored| analysis.difference(&stored));
        if reason.is_none() && is_redetected {
            // Only its clips were missing.
            continue;
        }
        *replaced.reasons.entry(reason.unwrap_or(FORCED)).or_default() += 1;
        replaced.recordings += 1;
        replaced.redetected += u64::from(is_redetected);
        replaced.detections_before += found.detections;
        replaced.detections_after += outcome.status.detections().len() as u64;
    }
    replaced
}
