//! The state of a database, checked outside of a run: does it exist, and will a run be able to write to it?
//!
//! Invariant: as for reading, nothing is created, changed or migrated; a lock is inspected but never taken.

use std::path::PathBuf;

use super::schema::MIGRATIONS;

/// A problem: message and hint.
pub type Issue = (String, String);

/// What a run will find.
#[derive(Debug, Clone)]
pub struct Probe {
    /// `PostgreSQL 17.2`, `a file of 3 MB`, `a new file`.
    pub kind: String,
    pub transport: Transport,
    /// Schema version of its tables; 0 if there are none yet.
    pub schema: i64,
    /// Why a run could not create or migrate the tables. None: it could, or does not need to.
    pub unmade: Option<Issue>,
    /// What prevents a run from storing its rows. Empty: nothing does.
    pub obstacles: Vec<Issue>,
    /// What does not prevent a run, but may be a mistake.
    pub doubts: Vec<Issue>,
    /// Which texts its encoding cannot represent. A run stores them escaped.
    pub encoding: Option<Issue>,
    /// The directory on this machine that contains it.
    pub folder: Option<PathBuf>,
    /// The holder of the source's lock.
    pub holder: Option<String>,
}

/// The transport to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// They stay on this machine.
    Local,
    Tls {
        /// `TLSv1.3, TLS_AES_256_GCM_SHA384`
        protocol: String,
        /// Whether the server's identity is verified.
        is_verified: bool,
        /// Whether the server needs a certificate of a trusted authority, for any name.
        is_trusted: bool,
    },
    /// Across a network, without encryption.
    Plain,
}

impl Probe {
    /// None: no existing table has the name of a table that a run must create.
    pub(super) fn taken(names: &[String]) -> Option<Issue> {
        let what = || format!("it holds other tables with the names giggles needs ({})", names.join(", "));
        (!names.is_empty()).then(|| (what(), "give giggles a database of its own".to_owned()))
    }

    /// The schema version that this program creates.
    pub fn known_schema() -> i64 {
        MIGRATIONS.last().map_or(0, |migration| migration.version)
    }
}
