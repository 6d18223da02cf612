//! The schema's versions: each migration in both dialects, in order.
//!
//! A migration creates the tables and columns that `columns` declares for its version, then runs its SQL: indexes, and
//! whatever else a change needs.
//!
//! Invariant: a released migration is never edited; a change is a new row here, with a pair of files if it needs SQL.

use super::columns::{self, Dialect, FIRST_VERSION};
use super::{Issue, StoreError};

/// One step from a schema version to the next, applied in one transaction.
pub struct Migration {
    pub version: i64,
    /// SQL that follows the declared tables and columns.
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    /// Everything that the step executes.
    pub fn sql(&self, dialect: Dialect) -> String {
        let own = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        };
        columns::migration(&columns::tables(), self.version, dialect) + own
    }

    /// Names of the tables that it creates.
    fn tables(&self) -> Vec<&'static str> {
        let tables = columns::tables().into_iter();
        tables.filter(|table| table.since() == self.version).map(|table| table.name).collect()
    }
}

/// Sorted by version. Development builds before the first release created lower versions, which no release upgrades.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    sqlite: include_str!("migrations/0006_sqlite.sql"),
    postgres: include_str!("migrations/0006_postgres.sql"),
}];

/// The first migration that a database at `version` needs, or None if it is up to date.
pub fn next(database: &dyn std::fmt::Display, version: i64) -> Result<Option<&'static Migration>, StoreError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if version > known {
        return Err(StoreError::Newer { database: database.to_string(), found: version, known });
    }
    if let Some((what, advice)) = unreleased(version) {
        return Err(StoreError::Config(format!("{database}: {what}; {advice}").into()));
    }
    Ok(MIGRATIONS.iter().find(|migration| migration.version > version))
}

/// Message and hint for a database of a development build, which no release upgrades.
pub fn unreleased(version: i64) -> Option<Issue> {
    let first = MIGRATIONS.first().map_or(0, |migration| migration.version);
    (1..first).contains(&version).then(|| {
        let what =
            format!("its tables were created by a development build (schema {version}), which no version upgrades");
        let advice =
            "name a new database, or drop giggles' tables (`giggles export` of that build saves the detections)";
        (what, advice.to_owned())
    })
}

/// Names of the tables of a database at `version`, except `giggles_schema`.
pub fn tables_up_to(version: i64) -> Vec<&'static str> {
    MIGRATIONS.iter().filter(|migration| migration.version <= version).flat_map(Migration::tables).collect()
}

/// Names of the tables that later migrations will create.
pub fn tables_to_come(version: i64) -> Vec<&'static str> {
    MIGRATIONS.iter().filter(|migration| migration.version > version).flat_map(Migration::tables).collect()
}

/// Whether a database at `version` can be read; false if nothing was ever stored in it. Reading never migrates.
pub fn is_readable(database: &dyn std::fmt::Display, version: i64) -> Result<bool, StoreError> {
    match next(database, version)? {
        Some(_) if version > 0 => Err(StoreError::Config(format!(
            "{database} has the tables of an older giggles (schema {version}); the next `giggles scan` upgrades them"
        ).into())),
        missing => Ok(missing.is_none()),
    }
}

/// The error for a table that giggles must create but that already exists.
pub fn taken(database: &dyn std::fmt::Display, reason: &str) -> StoreError {
    StoreError::Config(
        format!(
            "{database} holds other tables with the names giggles needs ({reason}); give giggles a database of its own"
        )
        .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

    #[test]
    fn a_database_of_a_development_build_is_refused_with_a_hint() {
        for version in 1..6 {
            let text = next(&"db", version).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains("name a new database"), "{text}");
        }
    }

    #[test]
    fn versions_count_up_without_gaps() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (6..).take(MIGRATIONS.len()).collect::<Vec<_>>());
    }

    #[test]
    fn the_tables_to_create_are_known_before_a_migration() {
        assert_eq!(tables_up_to(6), ["runs", "recordings", "detections", "score_tracks", "candidates", "reviews"]);
        let all = tables_to_come(0);
        for version in [0].into_iter().chain(MIGRATIONS.iter().map(|migration| migration.version)) {
            assert_eq!([tables_up_to(version), tables_to_come(version)].concat(), all, "{version}");
        }
        let declared = columns::tables();
        let since = declared.iter().flat_map(|table| table.versions());
        assert!(since.into_iter().all(|version| MIGRATIONS.iter().any(|migration| migration.version == version)));
    }

    #[test]
    fn only_a_current_schema_is_readable() {
        let known = KNOWN;
        assert!(is_readable(&"db", known).unwrap());
        assert!(!is_readable(&"db", 0).unwrap());
        assert!(matches!(is_readable(&"db", known + 1), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn newer_is_refused_and_current_needs_nothing() {
        let known = KNOWN;
        assert!(next(&"db", known).unwrap().is_none());
        assert_eq!(next(&"db", 0).unwrap().unwrap().version, 6);
        assert!(matches!(next(&"db", known + 1), Err(StoreError::Newer { .. })));
    }
}
