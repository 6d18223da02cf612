//! What a database is like, looked at from outside of a run: is it there, and will a night be able to write?
//!
//! Invariant: as for reading, nothing is made, changed or migrated; a lock is looked at and left to its holder.

use std::path::PathBuf;

use super::schema::MIGRATIONS;

/// What is not as it should be, and what to do about it.
pub type Remark = (String, String);

/// What a night will meet.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// `PostgreSQL 17.2`, `a file of 3 MB`, `a new file`.
    pub kind: String,
    pub way: Way,
    /// Of its tables; 0 where there are none yet.
    pub schema: i64,
    /// Why a run could not make its tables, or bring them to this program's version. None: it could, or need not.
    pub unmade: Option<Remark>,
    /// What stands in the way of a run's rows. Empty: nothing does.
    pub obstacles: Vec<Remark>,
    /// What lets a run pass, and may not be meant so.
    pub doubts: Vec<Remark>,
    /// What texts it cannot hold as they are. A run stores them all the same.
    pub encoding: Option<Remark>,
    /// Where its bytes lie on this machine.
    pub folder: Option<PathBuf>,
    /// Who holds the lock that was asked about.
    pub holder: Option<String>,
}

/// How the bytes travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// They stay on this machine.
    Local,
    Tls {
        /// `TLSv1.3, TLS_AES_256_GCM_SHA384`
        protocol: String,
        /// Whether the server has to prove who it is.
        is_verified: bool,
        /// Whether it has to show a certificate of an authority we trust, in whatever name.
        is_trusted: bool,
    },
    /// Across a network, for all to read.
    Plain,
}

impl Checkup {
    /// None: nothing of this name is in the way of tables that are to be made.
    pub(super) fn taken(names: &[String]) -> Option<Remark> {
        let what = || format!("it holds other tables with the names giggles needs ({})", names.join(", "));
        (!names.is_empty()).then(|| (what(), "give giggles a database of its own".to_owned()))
    }

    /// The schema that this program makes.
    pub fn known_schema() -> i64 {
        MIGRATIONS.last().map_or(0, |migration| migration.version)
    }
}
