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

impl Migration {
    /// Names of the tables that it makes, which are the same in both dialects.
    fn tables(&self) -> impl Iterator<Item = &'static str> {
        self.postgres.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split([' ', '(']).next())
    }
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

/// Names of the tables that a database at `version` has, but for `giggles_schema`.
pub fn tables_up_to(version: i64) -> Vec<&'static str> {
    MIGRATIONS.iter().filter(|migration| migration.version <= version).flat_map(Migration::tables).collect()
}

/// Names of the tables that it will get.
pub fn tables_to_come(version: i64) -> Vec<&'static str> {
    MIGRATIONS.iter().filter(|migration| migration.version > version).flat_map(Migration::tables).collect()
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
    fn tables_are_known_before_they_are_made() {
        assert_eq!(tables_up_to(1), ["runs", "recordings", "detections"]);
        let all = tables_to_come(0);
        for version in 0..=MIGRATIONS.len() as i64 {
            assert_eq!([tables_up_to(version), tables_to_come(version)].concat(), all, "{version}");
        }
        for migration in MIGRATIONS {
            let in_sqlite: Vec<&str> = migration.sqlite.split("CREATE TABLE ").skip(1).collect();
            let names: Vec<&str> = migration.tables().collect();
            assert_eq!(names.len(), in_sqlite.len(), "{}", migration.version);
            assert!(names.iter().zip(in_sqlite).all(|(name, rest)| rest.starts_with(name)), "{names:?}");
        }
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
