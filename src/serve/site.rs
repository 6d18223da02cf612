//! The settings of the server, and what all its threads share.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::access::Access;
use super::cache::Cache;
use super::database::Database;
use crate::store::Location;

/// The settings, already checked.
pub struct Settings {
    pub database: Location,
    /// The folder of clips.
    pub clips: Option<PathBuf>,
    /// None: that of the last run.
    pub zone: Option<TimeZone>,
    pub access: Access,
    /// Names of this server, besides localhost and addresses.
    pub hosts: Vec<String>,
}

/// What all threads share.
pub struct Site {
    pub database: Database,
    pub clips: Option<PathBuf>,
    pub zone: Option<TimeZone>,
    pub access: Access,
    pub hosts: Vec<String>,
    pub(super) cache: Cache,
}

impl Site {
    pub fn new(settings: Settings) -> Site {
        let Settings { database, clips, zone, access, hosts } = settings;
        Site { database: Database::new(database), clips, zone, access, hosts, cache: Cache::default() }
    }
}
