//! Exit codes, and which one a run ends with.
//!
//! Invariant: a pure table; this module does not print, exit or access a database.
//! Source: restic's exit codes and sysexits.h.

use crate::domain::{Outcome, Status};
use crate::error::Fatal;
use crate::finding::{Finding, Health};

/// How a run ended. New codes may be added; an unknown code means failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every recording of the window is analyzed, by this run or an earlier one, or known to be damaged. Committed.
    Complete = 0,
    /// Failed; nothing of this run was committed.
    Failed = 1,
    /// Wrong usage of the command line.
    Usage = 2,
    /// Committed, but at least one recording newly failed or is newly partial, or a clip could not be written.
    Partial = 3,
    /// The window contains no recordings.
    Empty = 4,
    /// Another run holds the lock, or the database or the object storage cannot be reached.
    TryAgain = 75,
    /// A bad setting, or a missing or wrong model.
    Config = 78,
    /// SIGHUP: rolled back.
    HungUp = 129,
    /// SIGINT: rolled back.
    Interrupted = 130,
    /// SIGTERM: rolled back.
    Terminated = 143,
}

impl Exit {
    pub const ALL: [Exit; 10] = [
        Exit::Complete,
        Exit::Failed,
        Exit::Usage,
        Exit::Partial,
        Exit::Empty,
        Exit::TryAgain,
        Exit::Config,
        Exit::HungUp,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    /// From the best to the worst, for a command that ends once for several runs. What a person must correct outranks what
    /// a later attempt may solve, and a run that stored nothing outranks one that stored a part.
    pub const BY_SEVERITY: [Exit; 10] = [
        Exit::Complete,
        Exit::TryAgain,
        Exit::Partial,
        Exit::Empty,
        Exit::Failed,
        Exit::Config,
        Exit::Usage,
        Exit::HungUp,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    pub fn code(self) -> u8 {
        self as u8
    }

    fn severity(self) -> usize {
        Exit::BY_SEVERITY.iter().position(|exit| *exit == self).unwrap_or(usize::MAX)
    }

    /// One line for `--help` and the README.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Complete => "every recording was analyzed (or had been already), and all is committed",
            Exit::Failed => "failed; nothing of this run was committed",
            Exit::Usage => "wrong usage of the command line",
            Exit::Partial => {
                "partial: committed; at least one recording newly failed or is newly partial, or a clip is missing"
            }
            Exit::Empty => "no recordings (an unmounted disk looks like this); --allow-empty makes it 0",
            Exit::TryAgain => {
                "try again later: another run holds the lock, or the database or object storage cannot be reached"
            }
            Exit::Config => "configuration: bad setting, or model missing or its checksum wrong",
            Exit::HungUp => {
                "hung up (SIGHUP): rolled back; if it came during the commit, the next run checks the result"
            }
            Exit::Interrupted => {
                "interrupted (SIGINT): rolled back; if it came during the commit, the next run checks the result"
            }
            Exit::Terminated => {
                "terminated (SIGTERM): rolled back; if it came during the commit, the next run checks the result"
            }
        }
    }
}

/// The exit code of a run whose recordings were all processed and whose transaction will be committed.
pub fn from_outcomes(outcomes: &[Outcome], allow_empty: bool) -> Exit {
    let is_partial = |status: &Status| match status {
        Status::Failed(_) => true,
        Status::Analyzed(analyzed) => analyzed.clips_failed.is_some() || analyzed.is_partial(),
        Status::Redetected(redetected) => redetected.clips_failed.is_some(),
        Status::Skipped(_) => false,
    };
    let partial = outcomes.iter().any(|outcome| is_partial(&outcome.status));
    if outcomes.is_empty() && !allow_empty {
        Exit::Empty
    } else if partial {
        Exit::Partial
    } else {
        Exit::Complete
    }
}

/// The worst of several exit codes; 0 for none.
pub fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    exits.into_iter().max_by_key(|exit| exit.severity()).unwrap_or(Exit::Complete)
}

/// The exit code of `giggles doctor`. An error that needs a person outranks one that a later attempt may solve.
pub fn from_findings(findings: &[Finding]) -> Exit {
    let worst = findings.iter().map(|finding| finding.health).max();
    match worst {
        Some(Health::Fail) => Exit::Config,
        Some(Health::Busy) => Exit::TryAgain,
        _ => Exit::Complete,
    }
}

impl Fatal {
    /// The exit code of a command that this error ends.
    pub fn exit(&self) -> Exit {
        match self {
            Fatal::Setting { .. } | Fatal::Config(_) | Fatal::NoRecordings(_) | Fatal::Unusable(_) => Exit::Config,
            Fatal::TryAgain(_) | Fatal::StorageUnreachable(_) | Fatal::Locked(_) => Exit::TryAgain,
            Fatal::Failed(_) | Fatal::Refused(_) => Exit::Failed,
            Fatal::Signal(signal) | Fatal::SignalAmidCommit(signal) => signal_exit(*signal),
        }
    }
}

fn signal_exit(signal: usize) -> Exit {
    match signal {
        1 => Exit::HungUp,
        2 => Exit::Interrupted,
        _ => Exit::Terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::domain::{
        Analyzed, Damage, MissingKind, MissingRange, MissingRanges, Recording, RecordingError, ScoreTrack, Skip,
    };

    fn outcome(status: Status) -> Outcome {
        let recording = Recording {
            path: "a.wav".into(),
            name: "a.wav".into(),
            content: None,
            bytes: 0,
            started: None,
            announced: None,
            named: None,
            zone_is_assumed: false,
        };
        Outcome { recording, status }
    }

    #[test]
    fn each_combination_of_outcomes_has_its_exit_code() {
        let skipped = || outcome(Status::Skipped(Skip::AlreadyAnalyzed));
        let failed = || outcome(Status::Failed(RecordingError::Empty));
        let known = |damage| outcome(Status::Skipped(Skip::KnownDamage(damage)));
        let lacking = |seconds| outcome(Status::Analyzed(Box::new(lacking(seconds))));
        assert_eq!(from_outcomes(&[], false), Exit::Empty);
        assert_eq!(from_outcomes(&[], true), Exit::Complete);
        assert_eq!(from_outcomes(&[skipped()], false), Exit::Complete);
        assert_eq!(from_outcomes(&[skipped(), failed()], false), Exit::Partial);
        assert_eq!(from_outcomes(&[failed()], true), Exit::Partial);
        assert_eq!(from_outcomes(&[known(Damage::Partial), known(Damage::Failed)], false), Exit::Complete);
        assert_eq!(from_outcomes(&[lacking(0)], false), Exit::Complete);
        assert_eq!(from_outcomes(&[skipped(), lacking(2)], false), Exit::Partial);
    }

    /// An analyzed hour with this many missing seconds.
    fn lacking(seconds: u64) -> Analyzed {
        let mut missing = MissingRanges::default();
        let (kind, reason) = (MissingKind::Gap, String::new());
        missing.add(MissingRange { start: Duration::ZERO, end: Some(Duration::from_secs(seconds)), kind, reason });
        let (audio, codec) = (Duration::from_secs(3600), "opus".into());
        Analyzed {
            audio,
            sample_rate: 48_000,
            channels: 1,
            codec,
            tracks: 1,
            missing,
            track: ScoreTrack::default(),
            candidates: Vec::new(),
            detections: Vec::new(),
            clips_failed: None,
        }
    }

    #[test]
    fn the_worst_finding_determines_the_exit_code() {
        let [ok, warn] = [Finding::ok("found"), Finding::warn("found", "")];
        let [busy, wrong] = [Finding::busy("found", ""), Finding::fail("found", "")];
        assert_eq!(from_findings(&[]), Exit::Complete);
        assert_eq!(from_findings(&[ok.clone(), warn.clone()]), Exit::Complete);
        assert_eq!(from_findings(&[ok.clone(), busy.clone(), warn]), Exit::TryAgain);
        assert_eq!(from_findings(&[wrong, busy, ok]), Exit::Config);
    }

    #[test]
    fn the_worst_of_several_exit_codes_wins() {
        let mut ordered = Exit::BY_SEVERITY.to_vec();
        assert_eq!(worst(ordered.clone()), Exit::Terminated);
        ordered.sort_by_key(|exit| exit.code());
        assert_eq!(ordered, Exit::ALL, "each code has its place");
        assert_eq!(worst([]), Exit::Complete);
        for (codes, expected) in [
            ([Exit::Complete, Exit::TryAgain], Exit::TryAgain),
            ([Exit::Partial, Exit::TryAgain], Exit::Partial),
            ([Exit::Empty, Exit::Partial], Exit::Empty),
            ([Exit::Failed, Exit::Empty], Exit::Failed),
            ([Exit::Config, Exit::Failed], Exit::Config),
            ([Exit::Terminated, Exit::Config], Exit::Terminated),
        ] {
            assert_eq!(worst(codes), expected);
        }
    }

    #[test]
    fn every_fatal_error_has_its_documented_exit_code() {
        let setting = Fatal::Setting { name: "--tz".into(), reason: "".into() };
        assert_eq!(setting.exit().code(), 78);
        assert_eq!(Fatal::Config("".into()).exit().code(), 78);
        assert_eq!(Fatal::NoRecordings("".into()).exit().code(), 78);
        assert_eq!(Fatal::Unusable("".into()).exit().code(), 78);
        assert_eq!(Fatal::TryAgain("".into()).exit().code(), 75);
        assert_eq!(Fatal::StorageUnreachable("".into()).exit().code(), 75);
        assert_eq!(Fatal::Locked("".into()).exit().code(), 75);
        assert_eq!(Fatal::Failed("".into()).exit().code(), 1);
        assert_eq!(Fatal::Refused(Vec::new()).exit().code(), 1);
        assert_eq!(Fatal::Signal(1).exit().code(), 129);
        assert_eq!(Fatal::Signal(2).exit().code(), 130);
        assert_eq!(Fatal::SignalAmidCommit(15).exit().code(), 143);
        assert_eq!(Fatal::Signal(15).exit().code(), 143);
    }
}
