//! What a look at the night's needs found.
//!
//! Invariant: a finding that is not in order says what to do; none holds a secret.

/// How a need of the night stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ok,
    /// Could not be looked at, or need not.
    Unseen,
    /// The night would run, but perhaps not as it is meant.
    Doubtful,
    /// The night would fail now; later it may not.
    Busy,
    /// The night would fail.
    Wrong,
}

/// One need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word or two; given by the table of checks.
    pub check: &'static str,
    pub health: Health,
    pub found: String,
    /// What to do; empty if nothing.
    pub advice: String,
    /// More to see, a line each.
    pub details: Vec<String>,
}

impl Finding {
    fn new(health: Health, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check: "", health, found: found.into(), advice: advice.into(), details: Vec::new() }
    }

    pub fn ok(found: impl Into<String>) -> Finding {
        Finding::new(Health::Ok, found, "")
    }

    pub fn unseen(because: impl Into<String>) -> Finding {
        Finding::new(Health::Unseen, because, "")
    }

    pub fn warn(found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding::new(Health::Doubtful, found, advice)
    }

    pub fn busy(found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding::new(Health::Busy, found, advice)
    }

    pub fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding::new(Health::Wrong, found, advice)
    }

    pub fn with(mut self, details: Vec<String>) -> Finding {
        self.details = details;
        self
    }
}
