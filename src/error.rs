//! Errors that end a command, and the policy that all errors follow.
//!
//! **Kinds.** What code does about an error follows from a variant of an enum, never from a text: [`Fatal`] for a
//! command, [`RecordingError`](crate::domain::RecordingError) for one recording, `StoreError` for a database,
//! `RetryClass` for a transaction, `PingError` for a ping. Errors of libraries become kinds where they enter: by
//! `io::ErrorKind` and OS error codes, SQLite's extended result codes, SQLSTATE, symphonia's and ureq's variants. Three
//! dependencies have no kinds for what giggles needs to know; their texts stand in one table each:
//! `audio/decode/symphonia_texts.rs` and `audio/ffmpeg/texts.rs`, of which a test provokes each text, and
//! `store/postgres/texts.rs` (poolers), which says what its tests provoke.
//!
//! **Causes.** A message says what failed, why, and what to do, in one line that suffices. Behind it, `source()` leads
//! to the error of the library or of the system ([`Reason`]). [`causes`] lists the chain; `-v` logs it.
//!
//! **Temporary or permanent.** The exit code tells; so do the kinds:
//!
//! | error | a later attempt | what follows |
//! |---|---|---|
//! | `Fatal::TryAgain`, `StorageUnreachable`, `Locked` (75) | may succeed | the scheduler's next run, or a retry within the run |
//! | `Fatal::Setting`, `Config`, `NoRecordings`, `Unusable` (78) | fails until a person acts | nothing is retried |
//! | `Fatal::Failed`, `Refused` (1) | unknown | the next run does the same work again |
//! | `Fatal::Signal`, `SignalAmidCommit` (129, 130, 143) | may succeed | the next run; it finds out whether a commit succeeded |
//! | `RetryClass::Lost`, `Conflict` | may succeed | up to six further attempts, then 75 |
//! | `RetryClass::Final` | fails | none |
//! | a kind in `RecordingError::PERMANENT` | fails until giggles changes | skipped by later runs of the same version, without a failure |
//! | other kinds of `RecordingError` | may succeed | analyzed again by the next run |
//! | a failed ping, metrics file or clip | | logged; never changes the exit code of 0, except 3 for clips |
//!
//! **Who may see what.**
//!
//! | reader | gets | never |
//! |---|---|---|
//! | standard error, logs of this machine | the message, with paths, hosts and names; with `-v` its causes | passwords, ping URLs |
//! | standard output | results: outcomes of recordings, findings of `doctor` | passwords, ping URLs |
//! | the database | kind, message and position of a recording's error | causes, other paths, settings |
//! | pings, messages to people | [`Fatal::outline`]; file name and message of each failed recording | directories, hosts, users, values of settings, causes |
//! | metrics | exit code and counts | texts |
//!
//! Invariant: prints nothing, and does not know where an error comes from.

use std::error::Error;
use std::iter::successors;

use crate::domain::Reason;
use crate::text::pluralize;

/// An error that ends the whole run, or another command. Nothing is committed.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// This flag or variable has a wrong value. The message names it too.
    #[error("{reason}")]
    Setting {
        name: String,
        #[source]
        reason: Reason,
    },
    /// The settings do not fit together, a file that they name is wrong, or the model is.
    #[error(transparent)]
    Config(Reason),
    /// A folder of recordings does not exist or cannot be read.
    #[error(transparent)]
    NoRecordings(Reason),
    /// The database cannot be used: its address, password, permissions or version is wrong.
    #[error(transparent)]
    Unusable(Reason),
    /// The database cannot be reached.
    #[error(transparent)]
    TryAgain(Reason),
    /// The object store of recordings or clips does not answer.
    #[error(transparent)]
    StorageUnreachable(Reason),
    /// Another run holds the lock.
    #[error(transparent)]
    Locked(Reason),
    /// The run or its commit failed.
    #[error(transparent)]
    Failed(Reason),
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
    /// The error of a setting, by its flag or variable; None if no single one is to blame.
    pub fn for_setting(name: Option<&str>, reason: Reason) -> Fatal {
        match name {
            Some(name) => Fatal::Setting { name: name.to_owned(), reason },
            None => Fatal::Config(reason),
        }
    }

    /// A file, or standard output, that cannot be written: `what` is its name.
    pub fn unwritable(what: &str, error: std::io::Error) -> Fatal {
        Fatal::Failed(Reason::new(format!("{what} cannot be written: {error}")).caused_by(error))
    }

    /// A message for third parties, such as a monitoring service. It contains no path, user, address or name. It names
    /// a wrong setting but not its value.
    pub fn outline(&self) -> String {
        match self {
            Fatal::Setting { name, .. } => format!("{name} is wrong"),
            Fatal::Config(_) => "a setting, or the model, is wrong".to_owned(),
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

fn listed(failures: &[(String, String)]) -> String {
    let lines: Vec<String> = failures.iter().map(|(name, reason)| format!("  {name}: {reason}")).collect();
    format!("{} failed:\n{}", pluralize(failures.len(), "recording"), lines.join("\n"))
}

/// The start of a sentence about a run that a signal ended.
pub fn signal_name(signal: usize) -> &'static str {
    match signal {
        1 => "hung up (SIGHUP)",
        2 => "interrupted (SIGINT)",
        _ => "terminated (SIGTERM)",
    }
}

/// The texts of the errors that led to this one, the nearest first. Left out are reasons, whose text is part of the
/// message, and an error that says the same as the one before it.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let chain = successors(error.source(), |&error| error.source());
    let mut texts: Vec<String> = vec![error.to_string()];
    for cause in chain.filter(|cause| cause.downcast_ref::<Reason>().is_none()) {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts.split_off(1)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::domain::RecordingError;

    #[test]
    fn the_outline_contains_the_setting_and_not_its_value() {
        let name = "--tz".to_owned();
        let setting = Fatal::Setting { name, reason: "--tz: 'Mars' is not a time zone".into() };
        assert_eq!(setting.outline(), "--tz is wrong");
        assert_eq!(setting.to_string(), "--tz: 'Mars' is not a time zone");
        let file = Fatal::Config("/home/neil/url cannot be read".into());
        assert_eq!(file.outline(), "a setting, or the model, is wrong");
        let refused = Fatal::Refused(vec![("walk/cut.ogg".into(), "ends".into())]);
        assert_eq!(refused.outline(), "nothing was stored, since --strict is given and 1 recording failed");
        assert_eq!(refused.to_string(), format!("{}:\n  walk/cut.ogg: ends", refused.outline()));
        assert_eq!(Fatal::TryAgain("postgres://neil@db".into()).outline(), "the database cannot be reached");
    }

    #[test]
    fn causes_are_listed_without_repetition() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let reason = || Reason::new("permission denied by the disk").caused_by(denied());
        assert_eq!(causes(&Fatal::Failed(reason())), ["permission denied"]);
        assert_eq!(causes(&RecordingError::Unreadable { reason: reason() }), ["permission denied"]);
        assert_eq!(causes(&Fatal::Setting { name: "TZ".into(), reason: reason() }), ["permission denied"]);
        let outer = Reason::wrap(io::Error::other(Reason::new("a lock").caused_by(denied())));
        assert_eq!(causes(&Fatal::Failed(outer)), ["permission denied"]);
        assert!(causes(&Fatal::Locked(Reason::wrap(denied()))).is_empty(), "its message says so");
        assert!(causes(&Fatal::Signal(2)).is_empty());
    }
}
