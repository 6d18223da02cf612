//! Every way a run ends, its number, and which one wins.
//!
//! Invariant: a pure table; nothing here prints, exits or knows a store.
//! Source: restic's exit codes and sysexits.h.

use crate::record::{Fate, Finding, Health, Outcome};

/// How a run ended. New codes may come; an unknown code means failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every recording of the window was heard (or had been already), and all is committed.
    Complete = 0,
    /// Failed; nothing of this run was committed.
    Failed = 1,
    /// Wrong usage of the command line.
    Usage = 2,
    /// The good recordings are committed; at least one failed and is stored as failed.
    Partial = 3,
    /// The window held no recordings.
    Empty = 4,
    /// Another run holds the lock, or the database cannot be reached.
    TryAgain = 75,
    /// A bad setting, or a missing or wrong model.
    Config = 78,
    /// SIGINT: rolled back.
    Interrupted = 130,
    /// SIGTERM: rolled back.
    Terminated = 143,
}

impl Exit {
    pub const ALL: [Exit; 9] = [
        Exit::Complete,
        Exit::Failed,
        Exit::Usage,
        Exit::Partial,
        Exit::Empty,
        Exit::TryAgain,
        Exit::Config,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    pub fn code(self) -> u8 {
        self as u8
    }

    /// One line for `--help` and the README.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Complete => "every recording was heard (or had been already), and all is committed",
            Exit::Failed => "failed; nothing of this run was committed",
            Exit::Usage => "wrong usage of the command line",
            Exit::Partial => "partial: the good recordings are committed, at least one failed and is stored as failed",
            Exit::Empty => "no recordings (an unmounted disk looks like this); --allow-empty makes it 0",
            Exit::TryAgain => "try again later: another run holds the lock, or the database cannot be reached",
            Exit::Config => "configuration: bad setting, or model missing or its checksum wrong",
            Exit::Interrupted => "interrupted (SIGINT): rolled back",
            Exit::Terminated => "terminated (SIGTERM): rolled back",
        }
    }
}

/// The exit of a run whose recordings were all tried and whose transaction will be committed.
pub fn of_outcomes(outcomes: &[Outcome], allow_empty: bool) -> Exit {
    let failed = outcomes.iter().any(|outcome| matches!(outcome.fate, Fate::Failed(_)));
    match (outcomes.is_empty(), failed) {
        (true, _) if allow_empty => Exit::Complete,
        (true, _) => Exit::Empty,
        (false, true) => Exit::Partial,
        (false, false) => Exit::Complete,
    }
}

/// The exit of a look at what a night will need. A person is needed before patience is.
pub fn of_findings(findings: &[Finding]) -> Exit {
    let worst = findings.iter().map(|finding| finding.health).max();
    match worst {
        Some(Health::Wrong) => Exit::Config,
        Some(Health::Busy) => Exit::TryAgain,
        _ => Exit::Complete,
    }
}

/// What stops a whole run. Nothing of it is committed.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A setting is wrong, or the model is.
    #[error("{0}")]
    Config(String),
    /// The database cannot be reached.
    #[error("{0}")]
    TryAgain(String),
    /// Another run holds the lock.
    #[error("{0}")]
    Locked(String),
    /// The work or the commit failed.
    #[error("{0}")]
    Failed(String),
    /// A signal asked for the end.
    #[error("{}; nothing of this run was stored", signal_name(*.0))]
    Signal(usize),
}

impl Fatal {
    pub fn exit(&self) -> Exit {
        match self {
            Fatal::Config(_) => Exit::Config,
            Fatal::TryAgain(_) | Fatal::Locked(_) => Exit::TryAgain,
            Fatal::Failed(_) => Exit::Failed,
            Fatal::Signal(2) => Exit::Interrupted,
            Fatal::Signal(_) => Exit::Terminated,
        }
    }
}

fn signal_name(signal: usize) -> &'static str {
    match signal {
        2 => "interrupted (SIGINT)",
        _ => "terminated (SIGTERM)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Recording, RecordingError, Skip};

    fn outcome(fate: Fate) -> Outcome {
        let recording = Recording {
            path: "a.wav".into(),
            name: "a.wav".into(),
            content: None,
            bytes: 0,
            began: None,
            announced: None,
        };
        Outcome { recording, fate }
    }

    #[test]
    fn the_table_of_outcomes() {
        let skipped = || outcome(Fate::Skipped(Skip::AlreadyHeard));
        let failed = || outcome(Fate::Failed(RecordingError::Empty));
        assert_eq!(of_outcomes(&[], false), Exit::Empty);
        assert_eq!(of_outcomes(&[], true), Exit::Complete);
        assert_eq!(of_outcomes(&[skipped()], false), Exit::Complete);
        assert_eq!(of_outcomes(&[skipped(), failed()], false), Exit::Partial);
        assert_eq!(of_outcomes(&[failed()], true), Exit::Partial);
    }

    #[test]
    fn the_table_of_findings() {
        let [ok, warn] = [Finding::ok("found"), Finding::warn("found", "")];
        let [busy, wrong] = [Finding::busy("found", ""), Finding::wrong("found", "")];
        assert_eq!(of_findings(&[]), Exit::Complete);
        assert_eq!(of_findings(&[ok.clone(), warn.clone()]), Exit::Complete);
        assert_eq!(of_findings(&[ok.clone(), busy.clone(), warn]), Exit::TryAgain);
        assert_eq!(of_findings(&[wrong, busy, ok]), Exit::Config);
    }

    #[test]
    fn every_fatal_has_the_number_of_the_convention() {
        assert_eq!(Fatal::Config(String::new()).exit().code(), 78);
        assert_eq!(Fatal::TryAgain(String::new()).exit().code(), 75);
        assert_eq!(Fatal::Locked(String::new()).exit().code(), 75);
        assert_eq!(Fatal::Failed(String::new()).exit().code(), 1);
        assert_eq!(Fatal::Signal(2).exit().code(), 130);
        assert_eq!(Fatal::Signal(15).exit().code(), 143);
    }
}
