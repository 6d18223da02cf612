//! Helpers for the tests of several modules.

use super::Sqlite;
use crate::stop::Stop;
use crate::store::location::DatabaseFile;

/// SQLite's query plan for a statement in a new database.
pub fn plan(sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let database = DatabaseFile { path: folder.path().join("laughs.db"), make_folder: false };
    let store = Sqlite::open(&database, &Stop::default()).unwrap();
    let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let (mut steps, mut plan) = (statement.raw_query(), String::new());
    while let Some(step) = steps.next().unwrap() {
        plan += &step.get::<_, String>("detail").unwrap();
        plan.push('\n');
    }
    plan
}
