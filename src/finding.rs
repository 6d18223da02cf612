//! Results of the checks of `giggles doctor`.
//!
//! Invariant: a finding other than `Ok` has a hint that says what to do. No finding contains a secret.

/// The result of one check, best first. "The run" is the next scan with the same settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ok,
    /// Not checked: the check was not possible or not needed.
    Skipped,
    /// A warning: the run would work, but perhaps not as intended.
    Warn,
    /// The run would fail now; a later one may succeed.
    Busy,
    /// The run would fail.
    Fail,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the check; set by the table of checks.
    pub check: &'static str,
    pub health: Health,
    pub message: String,
    /// What to do; empty if there is nothing to do.
    pub hint: String,
    /// Further lines of output.
    pub details: Vec<String>,
}

impl Finding {
    fn new(health: Health, message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { check: "", health, message: message.into(), hint: hint.into(), details: Vec::new() }
    }

    pub fn ok(message: impl Into<String>) -> Finding {
        Finding::new(Health::Ok, message, "")
    }

    pub fn skipped(because: impl Into<String>) -> Finding {
        Finding::new(Health::Skipped, because, "")
    }

    pub fn warn(message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding::new(Health::Warn, message, hint)
    }

    pub fn busy(message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding::new(Health::Busy, message, hint)
    }

    pub fn fail(message: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding::new(Health::Fail, message, hint)
    }

    pub fn with(mut self, details: Vec<String>) -> Finding {
        self.details = details;
        self
    }
}
