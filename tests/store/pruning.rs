//! What a database forgets: clips that are gone, then old rows; all of it or nothing.

use giggles::record::*;
use giggles::store::{Pruned, Pruning, StoreError, open};

use crate::homes::{Home, InPostgres, InSqlite};
use crate::nights::{at, event, night, recording};

/// Hours of recordings begin at 13:00, so that all is over at 14:00.
const OVER: &str = "2025-10-24T14:00:00Z";

fn pruning(before: &str, clips: &[String]) -> Pruning {
    Pruning { source: None, before: before.parse().unwrap(), clips: clips.to_vec(), rows: true, dry_run: false }
}

fn clipped(start: f64, clip: &str) -> Event {
    Event { clip: Some(clip.into()), ..event(start, start + 1.0) }
}

/// A recording with two clips, one that is a day younger, and one that failed.
fn stored(home: &impl Home) {
    let younger = Recording { began: at("2025-10-25T13:00:00Z"), ..recording("b.ogg", 2) };
    let first = night("neil").heard(recording("a.ogg", 1), vec![clipped(1.0, "one"), clipped(5.0, "two")]);
    let mut store = open(&home.location()).unwrap();
    store.save(&first.failed(recording("broken.ogg", 3), RecordingError::Empty).build()).unwrap();
    store.save(&night("neil").heard(younger, vec![clipped(1.0, "three")]).build()).unwrap();
}

fn clips(home: &impl Home) -> Vec<String> {
    home.ask("SELECT clip FROM detections WHERE clip IS NOT NULL ORDER BY clip")
}

pub fn clips_are_forgotten_and_rows_stay(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "three".to_owned(), "nobody's".to_owned()];
    let pruned = open(&home.location()).unwrap().prune(&Pruning { rows: false, ..pruning(OVER, &gone) }).unwrap();
    assert_eq!(pruned, Pruned { clips: 2, ..Pruned::default() });
    assert_eq!((clips(home), home.count("detections"), home.count("runs")), (vec!["two".to_owned()], 3, 2));
}

pub fn old_rows_go_with_their_laughs_and_runs(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "two".to_owned()];
    let before = "2025-10-25T12:00:00Z";
    let pruned = open(&home.location()).unwrap().prune(&pruning(before, &gone)).unwrap();
    let names = [("neil".to_owned(), "a.ogg".to_owned()), ("neil".to_owned(), "broken.ogg".to_owned())];
    assert_eq!(pruned, Pruned { clips: 2, recordings: names.into(), detections: 2, runs: 1, kept: 0 });
    assert_eq!(home.ask("SELECT name FROM recordings"), ["b.ogg"]);
    assert_eq!((clips(home), home.count("runs")), (vec!["three".to_owned()], 1));
}

pub fn a_row_that_names_a_clip_stays(home: &impl Home) {
    stored(home);
    let pruned = open(&home.location()).unwrap().prune(&pruning(OVER, &["one".to_owned()])).unwrap();
    assert_eq!((pruned.kept, pruned.recordings.len(), pruned.runs), (1, 1, 0));
    assert_eq!(home.ask("SELECT name FROM recordings ORDER BY name"), ["a.ogg", "b.ogg"]);
    assert_eq!(clips(home), ["three", "two"]);
}

pub fn a_recording_is_old_when_it_is_over(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&night("neil").heard(recording("a.ogg", 1), vec![]).build()).unwrap();
    let mut count = |before| store.prune(&pruning(before, &[])).unwrap().recordings.len();
    assert_eq!(count("2025-10-24T13:59:59.999Z"), 0);
    assert_eq!(count(OVER), 1);
}

pub fn a_failure_that_tells_no_time_is_as_old_as_its_run(home: &impl Home) {
    let unseen = Recording { began: None, content: None, ..recording("closed", 1) };
    let error = RecordingError::Unreadable { reason: "permission denied".into() };
    let mut store = open(&home.location()).unwrap();
    store.save(&night("neil").failed(unseen, error).build()).unwrap();
    let mut count = |before| store.prune(&pruning(before, &[])).unwrap().recordings.len();
    assert_eq!(count("2025-10-25T09:01:00Z"), 0);
    assert_eq!(count("2025-10-25T09:01:01Z"), 1);
}

pub fn another_sources_rows_stay(home: &impl Home) {
    stored(home);
    let pruned =
        open(&home.location()).unwrap().prune(&Pruning { source: Some("ada".into()), ..pruning(OVER, &[]) }).unwrap();
    assert_eq!(pruned, Pruned::default());
    assert_eq!((home.count("recordings"), home.count("runs")), (3, 2));
}

pub fn a_dry_run_counts_and_changes_nothing(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "two".to_owned()];
    let mut store = open(&home.location()).unwrap();
    let dry = store.prune(&Pruning { dry_run: true, ..pruning("2025-10-26T00:00:00Z", &gone) }).unwrap();
    assert_eq!((home.count("recordings"), home.count("detections"), home.count("runs")), (3, 3, 2));
    assert_eq!(clips(home).len(), 3);
    assert_eq!(store.prune(&pruning("2025-10-26T00:00:00Z", &gone)).unwrap(), dry);
    assert_eq!((dry.clips, dry.recordings.len(), dry.detections, dry.kept), (2, 2, 2, 1));
}

pub fn whoever_is_at_work_keeps_care_away(home: &impl Home) {
    for at_work in ["neil", "ada", "neil 2/4"] {
        let mut run = open(&home.location()).unwrap();
        run.lock(at_work).unwrap();
        let error = open(&home.location()).unwrap().lock_out(&["neil".to_owned()]).unwrap_err();
        assert!(matches!(error, StoreError::Locked(_)), "{error}");
        drop(run);
    }
    // The server may take a moment to see that a session is over.
    let mut care = open(&home.location()).unwrap();
    crate::homes::eventually("nobody is at work", || care.lock_out(&["neil".to_owned()]).is_ok());
    let error = open(&home.location()).unwrap().lock("neil").unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "a run waits for care: {error}");
    drop(care);
    let mut run = open(&home.location()).unwrap();
    crate::homes::eventually("care has ended", || run.lock("neil").is_ok());
}

#[test]
fn nothing_changes_if_the_last_statement_fails() {
    let home = InSqlite::new();
    stored(&home);
    home.tell("CREATE TRIGGER no BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'no'); END");
    let gone = ["one".to_owned(), "two".to_owned()];
    let error = open(&home.location()).unwrap().prune(&pruning("2025-10-25T12:00:00Z", &gone)).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert_eq!((clips(&home).len(), home.count("recordings"), home.count("detections")), (3, 3, 3));
}

/// What a role needs: no more than this.
#[test]
fn the_least_rights_are_enough() {
    let home = InPostgres::new();
    stored(&home);
    let role = format!("pruner_of_{}", home.ask("SELECT current_database()")[0]);
    home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let location: giggles::store::Location = url.as_str().parse().unwrap();
    home.tell(&format!("GRANT SELECT ON runs, recordings, detections, giggles_schema TO {role}"));
    let gone = ["one".to_owned(), "two".to_owned()];
    let prune = |rows| {
        let mut store = open(&location).unwrap();
        store.lock_out(&["neil".to_owned()])?;
        store.prune(&Pruning { rows, ..pruning("2025-10-25T12:00:00Z", &gone) })
    };
    assert!(matches!(prune(false), Err(StoreError::Config(_))), "SELECT alone forgets nothing");
    home.tell(&format!("GRANT UPDATE (clip) ON detections TO {role}"));
    assert_eq!(prune(false).unwrap().clips, 2);
    assert!(matches!(prune(true), Err(StoreError::Config(_))));
    home.tell(&format!("GRANT DELETE ON recordings, runs TO {role}"));
    crate::homes::eventually("rows go", || prune(true).is_ok_and(|pruned| pruned.detections == 2));
    home.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
