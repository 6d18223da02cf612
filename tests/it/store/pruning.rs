//! What a database forgets: clips that are gone, then old rows; all of it or nothing.

use giggles::domain::*;
use giggles::store::{PruneReport, Pruning, Selection, Store, StoreError, open, read};

use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::past_runs::{at, candidate, detection, past_run, recording, track};

/// Hours of recordings begin at 13:00, so that all is over at 14:00.
const OVER: &str = "2025-10-24T14:00:00Z";

fn pruning(before: &str) -> Pruning {
    Pruning { source: None, before: before.parse().unwrap(), stuck: None, dry_run: false }
}

/// What all portions come to, and the number of runs.
fn prune(store: &mut dyn Store, pruning: &Pruning) -> Result<(PruneReport, u64), StoreError> {
    let (mut all, mut next) = (PruneReport::default(), Some(i64::MIN));
    while let Some(after) = next {
        let some = store.prune(pruning, after)?;
        all.recordings.extend(some.recordings);
        (all.detections, all.kept) = (all.detections + some.detections, all.kept + some.kept);
        next = some.next;
    }
    Ok((all, store.prune_runs(pruning)?))
}

fn clipped(start: f64, clip: &str) -> Detection {
    Detection { clip: Some(clip.into()), ..detection(start, start + 1.0) }
}

/// A recording with two clips, one that is a day younger, and one that failed.
fn stored(home: &impl Home) {
    let younger = Recording { started: at("2025-10-25T13:00:00Z"), ..recording("b.ogg", 2) };
    let first = past_run("neil").analyzed(recording("a.ogg", 1), vec![clipped(1.0, "one"), clipped(5.0, "two")]);
    let mut store = open(&home.location()).unwrap();
    store.save(&first.failed(recording("broken.ogg", 3), RecordingError::Empty).build()).unwrap();
    store.save(&past_run("neil").analyzed(younger, vec![clipped(1.0, "three")]).build()).unwrap();
}

fn clips(home: &impl Home) -> Vec<String> {
    home.ask("SELECT clip FROM detections WHERE clip IS NOT NULL ORDER BY clip")
}

pub fn clips_are_forgotten_and_rows_stay(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "three".to_owned(), "nobody's".to_owned()];
    assert_eq!(open(&home.location()).unwrap().forget_clips(&gone).unwrap(), 2);
    assert_eq!((clips(home), home.count("detections"), home.count("runs")), (vec!["two".to_owned()], 3, 2));
}

pub fn old_rows_go_with_their_laughs_and_runs(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "two".to_owned()];
    let before = "2025-10-25T12:00:00Z";
    let mut store = open(&home.location()).unwrap();
    store.forget_clips(&gone).unwrap();
    let pruned = prune(store.as_mut(), &pruning(before)).unwrap();
    let names = [("neil".to_owned(), "a.ogg".to_owned()), ("neil".to_owned(), "broken.ogg".to_owned())];
    assert_eq!(pruned, (PruneReport { recordings: names.into(), detections: 2, ..PruneReport::default() }, 1));
    assert_eq!(home.ask("SELECT name FROM recordings"), ["b.ogg"]);
    assert_eq!((clips(home), home.count("runs")), (vec!["three".to_owned()], 1));
}

pub fn a_row_that_names_a_clip_stays(home: &impl Home) {
    stored(home);
    let mut store = open(&home.location()).unwrap();
    store.forget_clips(&["one".to_owned()]).unwrap();
    let (pruned, runs) = prune(store.as_mut(), &pruning(OVER)).unwrap();
    assert_eq!((pruned.kept, pruned.recordings.len(), runs), (1, 1, 0));
    assert_eq!(home.ask("SELECT name FROM recordings ORDER BY name"), ["a.ogg", "b.ogg"]);
    assert_eq!(clips(home), ["three", "two"]);
}

pub fn the_clip_of_a_candidate_is_like_that_of_a_detection(home: &impl Home) {
    let unsure = Candidate { clip: Some("unsure".into()), ..candidate(20, 21, -0.5) };
    let scores = (track([0.0; 30]), vec![candidate(2, 4, -0.5), unsure.clone()]);
    let run = past_run("neil").scored(recording("a.ogg", 1), scores, vec![clipped(20.0, "one")]);
    let mut store = open(&home.location()).unwrap();
    store.save(&run.build()).unwrap();
    let mut reader = read(&home.location()).unwrap().unwrap();
    let asked = ["one", "unsure", "nobody's"].map(str::to_owned);
    let mut named: Vec<String> = reader.named_clips(&asked).unwrap().into_iter().collect();
    named.sort();
    assert_eq!(named, ["one", "unsure"]);
    let wanted = Selection { with_candidates: true, only_with_clip: true, ..Selection::default() };
    let mut found = Vec::new();
    reader
        .each_recording(&wanted, &mut |recording| {
            found.extend(recording.candidates().iter().map(|one| one.candidate.clone()));
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [Candidate { embedding: None, ..unsure }]);

    store.forget_clips(&["one".to_owned()]).unwrap();
    let stuck = Pruning { stuck: Some(vec!["unsure".into()]), dry_run: true, ..pruning(OVER) };
    assert_eq!(prune(store.as_mut(), &stuck).unwrap().0.kept, 1);
    assert_eq!(prune(store.as_mut(), &pruning(OVER)).unwrap().0.kept, 1, "it still names a clip");
    assert_eq!(store.forget_clips(&asked).unwrap(), 1);
    assert_eq!(prune(store.as_mut(), &pruning(OVER)).unwrap().0.recordings.len(), 1);
    assert_eq!(home.count("candidates"), 0);
}

pub fn a_recording_is_old_when_it_is_over(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").analyzed(recording("a.ogg", 1), vec![]).build()).unwrap();
    let mut count = |before| prune(store.as_mut(), &pruning(before)).unwrap().0.recordings.len();
    assert_eq!(count("2025-10-24T13:59:59.999Z"), 0);
    assert_eq!(count(OVER), 1);
}

pub fn a_failure_that_reports_no_time_is_as_old_as_its_run(home: &impl Home) {
    let unseen = Recording { started: None, content: None, ..recording("closed", 1) };
    let error = RecordingError::Unreadable { reason: "permission denied".into() };
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").failed(unseen, error).build()).unwrap();
    let mut count = |before| prune(store.as_mut(), &pruning(before)).unwrap().0.recordings.len();
    assert_eq!(count("2025-10-25T09:01:00Z"), 0);
    assert_eq!(count("2025-10-25T09:01:01Z"), 1);
}

pub fn another_sources_rows_stay(home: &impl Home) {
    stored(home);
    let hers = Pruning { source: Some("ada".into()), ..pruning(OVER) };
    let pruned = prune(open(&home.location()).unwrap().as_mut(), &hers).unwrap();
    assert_eq!(pruned, (PruneReport::default(), 0));
    assert_eq!((home.count("recordings"), home.count("runs")), (3, 2));
}

pub fn a_dry_run_counts_and_changes_nothing(home: &impl Home) {
    stored(home);
    let gone = ["one".to_owned(), "two".to_owned()];
    let mut store = open(&home.location()).unwrap();
    let wet = pruning("2025-10-26T00:00:00Z");
    // The third clip is there and cannot be removed.
    let dry = Pruning { dry_run: true, stuck: Some(vec!["three".to_owned()]), ..wet.clone() };
    let dry = prune(store.as_mut(), &dry).unwrap();
    assert_eq!((home.count("recordings"), home.count("detections"), home.count("runs")), (3, 3, 2));
    assert_eq!(clips(home).len(), 3);
    let clipless = Pruning { dry_run: true, ..wet.clone() };
    assert_eq!(prune(store.as_mut(), &clipless).unwrap().0.kept, 2, "without a folder of clips");
    store.forget_clips(&gone).unwrap();
    assert_eq!(prune(store.as_mut(), &wet).unwrap(), dry);
    assert_eq!((dry.0.recordings.len(), dry.0.detections, dry.0.kept, dry.1), (2, 2, 1, 1));
}

pub fn a_run_in_progress_keeps_maintenance_away(home: &impl Home) {
    for at_work in ["neil", "ada", "neil 2/4"] {
        let mut run = open(&home.location()).unwrap();
        run.lock(at_work).unwrap();
        let error = open(&home.location()).unwrap().lock_exclusive(&["neil".to_owned()]).unwrap_err();
        assert!(matches!(error, StoreError::Locked(_)), "{error}");
        drop(run);
    }
    // The server may take a moment to see that a session is over.
    let mut other = open(&home.location()).unwrap();
    crate::support::homes::eventually("no run is in progress", || other.lock_exclusive(&["neil".to_owned()]).is_ok());
    let error = open(&home.location()).unwrap().lock("neil").unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "a run waits for other: {error}");
    drop(other);
    let mut run = open(&home.location()).unwrap();
    crate::support::homes::eventually("other has ended", || run.lock("neil").is_ok());
}

/// More than go at once.
pub fn many_go_in_portions(home: &impl Home) {
    const LATER: &str = "2025-10-26T00:00:00Z";
    let mut past_run = past_run("neil");
    for number in 0..1200_u32 {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        let one = Recording { content: Some(ContentHash(hash)), ..recording(&format!("{number:04}.ogg"), 1) };
        past_run = past_run.analyzed(one, vec![detection(1.0, 2.0)]);
    }
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run.build()).unwrap();
    let first = store.prune(&Pruning { dry_run: true, ..pruning(LATER) }, i64::MIN).unwrap();
    assert!(first.recordings.len() < 1200 && first.next.is_some(), "a portion of them");
    let dry = prune(store.as_mut(), &Pruning { dry_run: true, ..pruning(LATER) }).unwrap();
    let (pruned, runs) = prune(store.as_mut(), &pruning(LATER)).unwrap();
    assert_eq!((pruned.recordings.len(), pruned.detections, runs), (1200, 1200, 1));
    assert!((pruned, runs) == dry, "what a dry run said");
    assert_eq!((home.count("recordings"), home.count("detections"), home.count("runs")), (0, 0, 0));
}

#[test]
fn a_portion_goes_whole_or_not_at_all() {
    let home = InSqlite::new();
    stored(&home);
    home.execute("UPDATE detections SET clip = NULL");
    home.execute("CREATE TRIGGER no BEFORE DELETE ON recordings WHEN old.name = 'broken.ogg' BEGIN SELECT RAISE(ABORT, 'no'); END");
    let error = prune(open(&home.location()).unwrap().as_mut(), &pruning("2025-10-25T12:00:00Z")).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert_eq!((home.count("recordings"), home.count("detections"), home.count("runs")), (3, 3, 2));
}

/// What a role needs: no more than this.
#[test]
fn the_least_rights_are_enough() {
    let home = InPostgres::new();
    stored(&home);
    let role = format!("pruner_of_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let location: giggles::store::Location = url.as_str().parse().unwrap();
    home.execute(&format!("GRANT SELECT ON runs, recordings, detections, candidates, giggles_schema TO {role}"));
    let gone = ["one".to_owned(), "two".to_owned()];
    let other = || {
        let mut store = open(&location).unwrap();
        store.lock_exclusive(&["neil".to_owned()]).map(|()| store)
    };
    let forget = || other()?.forget_clips(&gone);
    let remove = || prune(other()?.as_mut(), &pruning("2025-10-25T12:00:00Z"));
    assert!(matches!(forget(), Err(StoreError::Config(_))), "SELECT alone forgets nothing");
    home.execute(&format!("GRANT UPDATE (clip) ON detections, candidates TO {role}"));
    crate::support::homes::eventually("clips are forgotten", || forget().is_ok_and(|count| count == 2));
    crate::support::homes::eventually("no run is in progress", || matches!(remove(), Err(StoreError::Config(_))));
    home.execute(&format!("GRANT DELETE ON recordings, runs TO {role}"));
    crate::support::homes::eventually("rows go", || remove().is_ok_and(|(pruned, _)| pruned.detections == 2));
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
