//! One run: its settings as stored, its outcomes, and counts of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{
    Analysis, Analyzed, ClipsFailed, Field, Outcome, Recording, RecordingError, Redetected, Skip, StartSource, Status,
    field,
};

/// The half-open time interval [from, to) to scan. None means unbounded. A recording belongs to it if they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Which command a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunCommand {
    /// Reads recordings.
    #[default]
    Scan,
    /// Decides anew from what is stored, without reading recordings.
    Redetect,
}

impl RunCommand {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            RunCommand::Scan => "scan",
            RunCommand::Redetect => "redetect",
        }
    }

    /// Reads what `as_str` writes.
    pub fn named(name: &str) -> Option<RunCommand> {
        [RunCommand::Scan, RunCommand::Redetect].into_iter().find(|command| command.as_str() == name)
    }
}

/// One run, from the command line to the exit code. It is committed in one transaction.
#[derive(Debug, Clone)]
pub struct Run {
    /// Random UUID, hyphenated.
    pub id: String,
    /// The id that a scheduler or queue gave (`--run-id`). Not unique: a retry of the same task has it again.
    pub external_id: Option<String>,
    /// The source that the recordings belong to (`--source`).
    pub source: String,
    pub command: RunCommand,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The program's version.
    pub version: String,
    pub analysis: Analysis,
    /// The time zone named in `analysis`, parsed.
    pub zone: TimeZone,
    pub window: Window,
    /// `k/n` if the run scans one shard of the recordings only (`--shard`).
    pub shard: Option<String>,
    /// The command line names files, not only directories. Their directories may contain more recordings of the
    /// window, so the run does not cover the window.
    pub explicit_files: bool,
    /// Clips were to be written.
    pub cuts_clips: bool,
    /// Recordings that started earlier lose the embeddings of candidates without a review; None: all are kept.
    pub embeddings_from: Option<Timestamp>,
    pub exit_code: u8,
    /// In the order in which the recordings were found.
    pub outcomes: Vec<Outcome>,
}

impl Run {
    /// The calendar day of an instant in the time zone of the run.
    pub fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    pub fn analyzed(&self) -> impl Iterator<Item = (&Recording, &Analyzed)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Analyzed(analyzed) => Some((&outcome.recording, &**analyzed)),
            _ => None,
        })
    }

    /// Recordings whose detections were decided anew from what is stored.
    pub fn redetected(&self) -> impl Iterator<Item = (&Recording, &Redetected)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Redetected(redetected) => Some((&outcome.recording, redetected.as_ref())),
            _ => None,
        })
    }

    pub fn failed(&self) -> impl Iterator<Item = (&Recording, &RecordingError)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Failed(error) => Some((&outcome.recording, error)),
            _ => None,
        })
    }

    /// Recordings that were analyzed in part.
    pub fn partial(&self) -> impl Iterator<Item = (&Recording, &Analyzed)> {
        self.analyzed().filter(|(_, analyzed)| analyzed.is_partial())
    }

    /// Name and reason of each recording that newly failed or is newly partial.
    pub fn failures(&self) -> Vec<(String, String)> {
        let failed = self.failed().map(|(recording, error)| (recording.name.clone(), error.to_string()));
        let partial =
            self.partial().map(|(recording, analyzed)| (recording.name.clone(), analyzed.missing.to_string()));
        failed.chain(partial).collect()
    }

    /// Recordings that were skipped because an earlier run found them damaged.
    pub fn known_damage(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| matches!(skip, Skip::KnownDamage(_))).map(|(recording, _)| recording)
    }

    /// Recordings that were analyzed or decided anew but whose clips could not all be written.
    pub fn clips_failed(&self) -> impl Iterator<Item = (&Recording, &ClipsFailed)> {
        self.outcomes.iter().filter_map(|outcome| Some((&outcome.recording, outcome.status.clips_failed()?)))
    }

    /// Recordings in progress; the next run analyzes them.
    pub fn in_progress(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| **skip == Skip::InProgress).map(|(recording, _)| recording)
    }

    /// Start time of the earliest recording in progress. None if there are none, or if a start time is unknown: for
    /// a growing file, the modification time gives no start time.
    pub fn in_progress_from(&self) -> Option<Timestamp> {
        let known = |recording: &Recording| recording.started.filter(|started| started.from != StartSource::Mtime);
        let started: Option<Vec<Timestamp>> = self.in_progress().map(|recording| Some(known(recording)?.at)).collect();
        started?.into_iter().min()
    }

    pub fn skipped(&self) -> impl Iterator<Item = (&Recording, &Skip)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Skipped(skip) => Some((&outcome.recording, skip)),
            _ => None,
        })
    }

    /// How many of the recordings that this run analyzed, or that failed, may have a wrong start time.
    pub fn start_times(&self) -> StartTimes {
        let is_new = |outcome: &&Outcome| matches!(outcome.status, Status::Analyzed(_) | Status::Failed(_));
        let new = || self.outcomes.iter().filter(is_new).map(|outcome| &outcome.recording);
        let from = |source| new().filter(|one| one.started.is_some_and(|started| started.from == source)).count();
        StartTimes {
            mtime: from(StartSource::Mtime) as u64,
            upload: from(StartSource::Upload) as u64,
            zone_assumed: new().filter(|recording| recording.zone_is_assumed).count() as u64,
        }
    }

    /// The damaged recordings of this run only.
    pub fn unresolved(&self) -> Unresolved {
        Unresolved { partial: self.partial().count() as u64, failed: self.failed().count() as u64 }
    }

    /// What the outcomes of this run add up to.
    pub fn counts(&self) -> Counts {
        Counts {
            analyzed: (self.analyzed().count() - self.partial().count()) as u64,
            partial: self.partial().count() as u64,
            redetected: self.redetected().count() as u64,
            skipped: self.skipped().count() as u64,
            in_progress: self.in_progress().count() as u64,
            failed: self.failed().count() as u64,
            detections: self.outcomes.iter().map(|outcome| outcome.status.detections().len() as u64).sum(),
            clips_failed: self.clips_failed().map(|(_, failed)| failed.count).sum(),
        }
    }
}

/// Results of earlier runs that a run replaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Replaced {
    pub recordings: u64,
    /// Those among them that were decided anew from what is stored.
    pub redetected: u64,
    pub detections_before: u64,
    pub detections_after: u64,
    /// Recordings by the reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Recordings of a run whose start time may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StartTimes {
    /// Dated by their modification time only.
    pub mtime: u64,
    /// Dated by the time of their upload only.
    pub upload: u64,
    /// Dated by a text without a time zone, while no setting names the zone of such texts.
    pub zone_assumed: u64,
}

/// Recordings of a run's source and window that are partial or failed, no matter which run found them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unresolved {
    pub partial: u64,
    pub failed: u64,
}

/// What the database contains for one run, counted after COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub analyzed: u64,
    /// Analyzed in part. Not included in `analyzed`.
    pub partial: u64,
    /// Decided anew from what is stored, without audio.
    pub redetected: u64,
    /// Analyzed before or known to be damaged, copies, and recordings in progress.
    pub skipped: u64,
    /// The part of `skipped` that is in progress.
    pub in_progress: u64,
    pub failed: u64,
    pub detections: u64,
    /// Clips of those detections that could not be written.
    pub clips_failed: u64,
}

impl Counts {
    /// Its members in documents.
    pub const FIELDS: &[Field] = &[
        field("analyzed", "number", "recordings analyzed by the run, in full or in part"),
        field("partial", "number", "those of which a part is missing"),
        field(
            "redetected",
            "number",
            "recordings whose laughs were decided anew from stored scores, without their audio",
        ),
        field("skipped", "number", "analyzed before, known to be damaged, copies, or in progress"),
        field("in_progress", "number", "the skipped ones that were still being recorded"),
        field("failed", "number", "recordings that failed"),
        field("detections", "number", "laughs"),
        field("clips_failed", "number", "clips that could not be written"),
    ];

    /// The sums.
    pub fn plus(self, other: Counts) -> Counts {
        Counts {
            analyzed: self.analyzed + other.analyzed,
            partial: self.partial + other.partial,
            redetected: self.redetected + other.redetected,
            skipped: self.skipped + other.skipped,
            in_progress: self.in_progress + other.in_progress,
            failed: self.failed + other.failed,
            detections: self.detections + other.detections,
            clips_failed: self.clips_failed + other.clips_failed,
        }
    }
}
