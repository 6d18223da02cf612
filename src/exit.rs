//! Exit codes, and which one a run ends with.
//!
//! Invariant: a pure table; this module does not print, exit or access a database.
//! Source: restic's exit codes and sysexits.h.

use crate::domain::{Outcome, Status};
use crate::finding::{Finding, Health};
use crate::text::pluralize;

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

    pub fn code(self) -> u8 {
        self as u8
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
pub fn of_outcomes(outcomes: &[Outcome], allow_empty: bool) -> Exit {
    let is_partial = |status: &Status| match status {
        Status::Failed(_) => true,
        Status::Analyzed(analyzed) => analyzed.clips_failed.is_some() || analyzed.is_partial(),
        Status::Skipped(_) => false,
    };
    let partial = outcomes.iter().any(|outcome| is_partial(&outcome.status));
    match (outcomes.is_empty(), partial) {
        (true, _) if allow_empty => Exit::Complete,
        (true, _) => Exit::Empty,
        (false, true) => Exit::Partial,
        (false, false) => Exit::Complete,
    }
}

/// The exit code of `giggles doctor`. An error that needs a person outranks one that a later attempt may solve.
pub fn of_findings(findings: &[Finding]) -> Exit {
    let worst = findings.iter().map(|finding| finding.health).max();
    match worst {
        Some(Health::Wrong) => Exit::Config,
        Some(Health::Busy) => Exit::TryAgain,
        _ => Exit::Complete,
    }
}

/// An error that ends the whole run. Nothing is committed.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A setting is wrong, or the model is.
    #[error("{0}")]
    Config(String),
    /// A folder of recordings does not exist or cannot be read.
    #[error("{0}")]
    NoRecordings(String),
    /// The database cannot be used: its address, password, permissions or version is wrong.
    #[error("{0}")]
    Unusable(String),
    /// The database cannot be reached.
    #[error("{0}")]
    TryAgain(String),
    /// The object store of the recordings does not answer.
    #[error("{0}")]
    StorageUnreachable(String),
    /// Another run holds the lock.
    #[error("{0}")]
    Locked(String),
    /// The run or its commit failed.
    #[error("{0}")]
    Failed(String),
    /// `--strict`: recordings that failed, and the reasons.
    #[error("nothing was stored, since --strict is given and {}", listed(.0))]
    Refused(Vec<(String, String)>),
    /// A signal ended the run.
    #[error("{}; nothing of this run was stored", signal_name(*.0))]
    Signal(usize),
    /// A signal arrived during the commit, and it is unknown whether the commit succeeded.
    #[error("{} while the run was being stored; the next run finds out whether it was", signal_name(*.0))]
    SignalAmidCommit(usize),
}

impl Fatal {
    pub fn exit(&self) -> Exit {
        match self {
            Fatal::Config(_) | Fatal::NoRecordings(_) | Fatal::Unusable(_) => Exit::Config,
            Fatal::TryAgain(_) | Fatal::StorageUnreachable(_) | Fatal::Locked(_) => Exit::TryAgain,
            Fatal::Failed(_) | Fatal::Refused(_) => Exit::Failed,
            Fatal::Signal(signal) | Fatal::SignalAmidCommit(signal) => signal_exit(*signal),
        }
    }

    /// A message for third parties, such as a monitoring service. It contains no path, user, address or name. It names
    /// a wrong setting but not its value.
    pub fn outline(&self) -> String {
        match self {
            Fatal::Config(text) => format!("{} is wrong", setting(text).unwrap_or("a setting, or the model,")),
            Fatal::NoRecordings(_) => "a folder of recordings cannot be read; is its disk mounted?".to_owned(),
            Fatal::Unusable(_) => "the database's address, password, rights or version is wrong".to_owned(),
            Fatal::TryAgain(_) => "the database cannot be reached".to_owned(),
            Fatal::StorageUnreachable(_) => "the object storage cannot be reached".to_owned(),
            Fatal::Locked(_) => "another run is in progress".to_owned(),
            Fatal::Failed(_) => "the run failed, or the database refused it".to_owned(),
            Fatal::Refused(failures) => {
                format!(
                    "nothing was stored, since --strict is given and {} failed",
                    pluralize(failures.len(), "recording")
                )
            }
            Fatal::Signal(_) | Fatal::SignalAmidCommit(_) => self.to_string(),
        }
    }
}

/// The flag or variable at the start of a message: `--tz: …`, `GIGGLES_PADDING 1h: …`. Only letters, hyphens and
/// underscores are allowed, so the result cannot contain a path.
fn setting(text: &str) -> Option<&str> {
    let word = text.split([':', ' ']).next()?;
    let is_flag = |word: &str| word.starts_with("--") && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let is_variable = |word: &str| word == "TZ" || word.ends_with("DATABASE_URL") || word.starts_with("GIGGLES_");
    let is_name = |word: &str| word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    Some(word).filter(|word| is_flag(word) || is_variable(word) && is_name(word))
}

fn listed(failures: &[(String, String)]) -> String {
    let lines: Vec<String> = failures.iter().map(|(name, reason)| format!("  {name}: {reason}")).collect();
    format!("{} failed:\n{}", pluralize(failures.len(), "recording"), lines.join("\n"))
}

fn signal_exit(signal: usize) -> Exit {
    match signal {
        1 => Exit::HungUp,
        2 => Exit::Interrupted,
        _ => Exit::Terminated,
    }
}

/// The start of a sentence about a run that a signal ended.
pub fn signal_name(signal: usize) -> &'static str {
    match signal {
        1 => "hung up (SIGHUP)",
        2 => "interrupted (SIGINT)",
        _ => "terminated (SIGTERM)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::domain::{Analyzed, Damage, MissingKind, MissingRange, MissingRanges, Recording, RecordingError, Skip};

    fn outcome(status: Status) -> Outcome {
        let recording = Recording {
            path: "a.wav".into(),
            name: "a.wav".into(),
            content: None,
            bytes: 0,
            started: None,
            announced: None,
            named: None,
        };
        Outcome { recording, status }
    }

    #[test]
    fn each_combination_of_outcomes_has_its_exit_code() {
        let skipped = || outcome(Status::Skipped(Skip::AlreadyAnalyzed));
        let failed = || outcome(Status::Failed(RecordingError::Empty));
        let known = |damage| outcome(Status::Skipped(Skip::KnownDamage(damage)));
        let lacking = |seconds| outcome(Status::Analyzed(lacking(seconds)));
        assert_eq!(of_outcomes(&[], false), Exit::Empty);
        assert_eq!(of_outcomes(&[], true), Exit::Complete);
        assert_eq!(of_outcomes(&[skipped()], false), Exit::Complete);
        assert_eq!(of_outcomes(&[skipped(), failed()], false), Exit::Partial);
        assert_eq!(of_outcomes(&[failed()], true), Exit::Partial);
        assert_eq!(of_outcomes(&[known(Damage::Partial), known(Damage::Failed)], false), Exit::Complete);
        assert_eq!(of_outcomes(&[lacking(0)], false), Exit::Complete);
        assert_eq!(of_outcomes(&[skipped(), lacking(2)], false), Exit::Partial);
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
            detections: Vec::new(),
            clips_failed: None,
        }
    }

    #[test]
    fn the_worst_finding_determines_the_exit_code() {
        let [ok, warn] = [Finding::ok("found"), Finding::warn("found", "")];
        let [busy, wrong] = [Finding::busy("found", ""), Finding::wrong("found", "")];
        assert_eq!(of_findings(&[]), Exit::Complete);
        assert_eq!(of_findings(&[ok.clone(), warn.clone()]), Exit::Complete);
        assert_eq!(of_findings(&[ok.clone(), busy.clone(), warn]), Exit::TryAgain);
        assert_eq!(of_findings(&[wrong, busy, ok]), Exit::Config);
    }

    #[test]
    fn every_fatal_error_has_its_documented_exit_code() {
        assert_eq!(Fatal::Config(String::new()).exit().code(), 78);
        assert_eq!(Fatal::NoRecordings(String::new()).exit().code(), 78);
        assert_eq!(Fatal::Unusable(String::new()).exit().code(), 78);
        assert_eq!(Fatal::TryAgain(String::new()).exit().code(), 75);
        assert_eq!(Fatal::StorageUnreachable(String::new()).exit().code(), 75);
        assert_eq!(Fatal::Locked(String::new()).exit().code(), 75);
        assert_eq!(Fatal::Failed(String::new()).exit().code(), 1);
        assert_eq!(Fatal::Refused(Vec::new()).exit().code(), 1);
        assert_eq!(Fatal::Signal(1).exit().code(), 129);
        assert_eq!(Fatal::Signal(2).exit().code(), 130);
        assert_eq!(Fatal::SignalAmidCommit(15).exit().code(), 143);
        assert_eq!(Fatal::Signal(15).exit().code(), 143);
    }

    #[test]
    fn the_outline_contains_the_setting_and_not_its_value() {
        let config = |text: &str| Fatal::Config(text.into()).outline();
        assert_eq!(config("--tz: 'Mars' is not a time zone"), "--tz is wrong");
        assert_eq!(config("GIGGLES_PADDING 1h: give seconds"), "GIGGLES_PADDING is wrong");
        assert_eq!(config("TZ: 'Mars' is not a time zone"), "TZ is wrong");
        assert_eq!(config("DATABASE_URL: neil@db"), "DATABASE_URL is wrong");
        for text in ["my notes: no folder", "--/home/neil: no", "GIGGLES_/home: no", "", "postgres://neil@db/life"] {
            assert_eq!(config(text), "a setting, or the model, is wrong", "{text}");
        }
        let refused = Fatal::Refused(vec![("walk/cut.ogg".into(), "ends".into())]);
        assert_eq!(refused.outline(), "nothing was stored, since --strict is given and 1 recording failed");
        assert_eq!(refused.to_string(), format!("{}:\n  walk/cut.ogg: ends", refused.outline()));
        assert_eq!(Fatal::TryAgain("postgres://neil@db".into()).outline(), "the database cannot be reached");
    }
}
