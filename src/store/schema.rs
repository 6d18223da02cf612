//! The tables' versions: each migration once per dialect, in order.
//!
//! Invariant: what has been released is never edited; a change is a new pair of files and a new row.

use super::StoreError;

/// One step from a schema version to the next, applied in one transaction.
pub struct Migration {
    pub version: i64,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// In order; the version is the place in this list, counted from 1.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sqlite: include_str!("migrations/0001_sqlite.sql"),
        postgres: include_str!("migrations/0001_postgres.sql"),
    },
    Migration {
        version: 2,
        sqlite: include_str!("migrations/0002_sqlite.sql"),
        postgres: include_str!("migrations/0002_postgres.sql"),
    },
    Migration {
        version: 3,
        sqlite: include_str!("migrations/0003_sqlite.sql"),
        postgres: include_str!("migrations/0003_postgres.sql"),
    },
];

/// The first migration that a database at `version` lacks, or None if it is up to date.
pub fn next(database: &dyn std::fmt::Display, version: i64) -> Result<Option<&'static Migration>, StoreError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if version > known {
        return Err(StoreError::Newer { database: database.to_string(), found: version, known });
    }
    Ok(MIGRATIONS.iter().find(|migration| migration.version > version))
}

/// Whether a database at `version` can be read; false if nothing was ever stored in it. Who reads upgrades nothing.
pub fn is_readable(database: &dyn std::fmt::Display, version: i64) -> Result<bool, StoreError> {
    match next(database, version)? {
        Some(_) if version > 0 => Err(StoreError::Config(format!(
            "{database} has the tables of an older giggles (schema {version}); the next `giggles scan` upgrades them"
        ))),
        missing => Ok(missing.is_none()),
    }
}

/// Said when a table giggles is about to make is there, but not of its making.
pub fn taken(database: &dyn std::fmt::Display, reason: &str) -> StoreError {
    StoreError::Config(format!(
        "{database} holds other tables with the names giggles needs ({reason}); give giggles a database of its own"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_gaps() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn what_may_be_read() {
        let known = MIGRATIONS.len() as i64;
        assert!(is_readable(&"db", known).unwrap());
        assert!(!is_readable(&"db", 0).unwrap());
        assert!(matches!(is_readable(&"db", known + 1), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn newer_is_refused_and_current_needs_nothing() {
        let known = MIGRATIONS.len() as i64;
        assert!(next(&"db", known).unwrap().is_none());
        assert_eq!(next(&"db", 0).unwrap().unwrap().version, 1);
        assert!(matches!(next(&"db", known + 1), Err(StoreError::Newer { .. })));
    }
}
