//! Ids that a scheduler or queue gives a run: stored, shown in all that names the run, and the same again for a retry.

use super::{LAUGH, over_both, scan, told};
use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::program::{Place, said};
use serde_json::Value;

const TASK: &str = "celery:7d1f/attempt=2";

over_both!(a_retry_of_a_task_is_another_run_with_the_same_id);

/// The first attempt may have been rolled back (no row), or committed before the queue learned of it (a row).
fn a_retry_of_a_task_is_another_run_with_the_same_id(home: &impl Home) {
    let place = Place::with(&[LAUGH]);
    let flags = ["--run-id", TASK];
    scan(&place, home, &[&flags[..], &["--source", "other"]].concat()).ends_with(0);
    let [first, second] = [(); 2].map(|()| told(&place, home, &flags));
    assert_eq!((&first["run"]["external_id"], &second["run"]["external_id"]), (&TASK.into(), &TASK.into()));
    assert_ne!(first["run"]["id"], second["run"]["id"]);
    assert_eq!((&first["counts"]["analyzed"], &second["counts"]["skipped"]), (&1.into(), &1.into()));
    scan(&place, home, &[]).ends_with(0);
    let ids = "SELECT coalesce(external_id, '-'), count(*) FROM runs GROUP BY external_id ORDER BY 2";
    assert_eq!(home.ask(ids), ["-|1".to_owned(), format!("{TASK}|3")]);
    let status = said(&mut place.command(&["status", "--json", "--database", &home.url()])).ends_with(0).json();
    let shown = |at: usize| status["runs"][at]["external_id"].clone();
    assert_eq!((shown(0), shown(1)), (Value::Null, TASK.into()));
}

#[test]
fn every_message_of_the_log_has_the_id() {
    let place = Place::with(&[LAUGH]);
    let mut command = place.scan_into(&place.sqlite(), &["--log-format", "emf", "-v", "--shard", "1/1"]);
    let said = said(command.env("GIGGLES_RUN_ID", TASK)).ends_with(0);
    let lines: Vec<Value> = said.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 3 && lines.iter().all(|line| line["external_id"] == TASK), "{}", said.stderr);
    let dimensions = lines.last().unwrap()["_aws"]["CloudWatchMetrics"][0]["Dimensions"].to_string();
    assert!(!dimensions.contains("external_id"), "a time series a run: {dimensions}");
}

#[test]
fn an_id_that_is_not_a_word_is_refused_before_any_work() {
    let place = Place::with(&[LAUGH]);
    let longest = "x".repeat(255);
    for wrong in ["", "task 1", "täsk", "task\n1", &format!("{longest}x")] {
        place.scan(&["--run-id", wrong]).ends_with(78).complains_of("--run-id: give 1 to 255 visible ASCII characters");
    }
    assert!(!place.path("laughs.db").exists());
    place.scan(&["--run-id", &longest]).ends_with(0);
}
