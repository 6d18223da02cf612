//! What differs for recordings that were fetched from an object store: their start times, and copies among them, which
//! are never on disk together.

use std::collections::HashMap;

use super::plan::Plan;
use crate::domain::{ContentHash, Outcome, Recording, Skip, StartSource, Status};
use crate::identify::Identity;
use crate::text::pluralize;

/// Marks start times that come from a modification time as what they are: times of uploads.
pub fn mark_uploads(identities: &mut [Identity]) {
    for identity in identities {
        let recording = match identity {
            Identity::Wanted(recording) => recording,
            Identity::Failed(Outcome { recording, .. }) => recording,
            Identity::OutsideWindow => continue,
        };
        if let Some(started) = recording.started.as_mut().filter(|started| started.from == StartSource::Mtime) {
            started.from = StartSource::Upload;
        }
    }
}

/// Names the recordings instead of files that are gone: their paths may be those of other files soon.
pub fn forget_paths(outcomes: &mut [Outcome]) {
    outcomes.iter_mut().for_each(|outcome| outcome.recording.path = outcome.recording.name.clone().into());
}

/// The contents of earlier batches, by the name of the first recording that has them.
#[derive(Default)]
pub struct Contents(HashMap<ContentHash, String>);

impl Contents {
    /// Skips copies of recordings of earlier batches. Among them the first is analyzed, since the others are not known
    /// yet; [`super::plan`] chooses among those of one batch.
    pub fn skip_copies(&mut self, plans: Vec<Plan>) -> Vec<Plan> {
        let plans: Vec<Plan> = plans.into_iter().map(|plan| self.skip_copy(plan)).collect();
        let first = plans.iter().filter_map(Plan::wanted);
        self.0.extend(first.filter_map(|recording| Some((recording.content?, recording.name.clone()))));
        plans
    }

    fn skip_copy(&self, plan: Plan) -> Plan {
        let earlier = |recording: &Recording| self.0.get(&recording.content?).cloned();
        match plan {
            Plan::Analyze(recording) => match earlier(&recording) {
                Some(name) => Plan::Known(Outcome { recording, status: Status::Skipped(Skip::CopyOf(name)) }),
                None => Plan::Analyze(recording),
            },
            Plan::Redetect(recording) => match earlier(&recording) {
                Some(name) => Plan::Known(Outcome { recording, status: Status::Skipped(Skip::CopyOf(name)) }),
                None => Plan::Redetect(recording),
            },
            known => known,
        }
    }
}

/// Warns once of new recordings that only an upload dates.
pub fn warn_of_uploads(outcomes: &[Outcome]) {
    let is_new = |outcome: &&Outcome| !matches!(outcome.status, Status::Redetected(_) | Status::Skipped(_));
    let is_dated_by_upload =
        |outcome: &&Outcome| outcome.recording.started.is_some_and(|started| started.from == StartSource::Upload);
    let mut names = outcomes.iter().filter(is_new).filter(is_dated_by_upload).map(|outcome| &outcome.recording.name);
    if let Some(first) = names.next() {
        let recordings = pluralize(names.count() + 1, "recording");
        log::warn!(
            "the date of {recordings} may be wrong, first {first}: only the time of the upload dates them; name them \
             like 20251024_130000.wav, or upload with a program that stores modification times (rclone)"
        );
    }
}
