//! What people said of laughs: kept apart from the rows of a run, and found again by the laughs that are there.

use std::thread;
use std::time::Duration;

use giggles::record::*;
use giggles::store::{Kept, Location, Pruning, StoreError, open, read};
use jiff::Timestamp;

use crate::homes::{Home, InPostgres};
use crate::nights::{content, event, night, recording};

/// Said of a stretch of the recording whose bytes these are, so many seconds into a morning.
fn note(byte: u8, start: f64, end: f64, verdict: Option<Judgement>, words: &str, second: i64) -> Noted {
    let at = |second| Timestamp::from_microsecond(1_761_400_000_123_000 + second * 1_000_000).unwrap();
    Noted {
        source: "neil".into(),
        recording: "a.ogg".into(),
        content: content(byte),
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        starts: at(0),
        note: Note { verdict, words: (!words.is_empty()).then(|| words.into()), at: at(second) },
    }
}

fn keep(home: &impl Home, notes: &[Noted]) -> Kept {
    open(&home.location()).unwrap().keep_notes(notes, false).unwrap()
}

/// A recording with laughs from and to these offsets.
fn hear(home: &impl Home, laughs: &[(f64, f64)]) {
    let events = laughs.iter().map(|&(start, end)| event(start, end)).collect();
    open(&home.location()).unwrap().save(&night("neil").heard(recording("a.ogg", 1), events).build()).unwrap();
}

/// What the reader tells of each laugh: `keep with Ann`, or nothing.
fn said(home: &impl Home) -> Vec<String> {
    let stored = read(&home.location()).unwrap().unwrap().recordings(None, &Window::default()).unwrap();
    let said = |laugh: &Laugh| {
        let note = laugh.note.as_ref()?;
        Some([note.verdict.map_or("", Judgement::as_str), note.words.as_deref().unwrap_or("")].join(" "))
    };
    stored.iter().flat_map(StoredRecording::laughs).map(|laugh| said(laugh).unwrap_or_default()).collect()
}

const KEEP: Option<Judgement> = Some(Judgement::Keep);
const DISCARD: Option<Judgement> = Some(Judgement::Discard);

pub fn what_was_said_reads_back(home: &impl Home) {
    hear(home, &[(1.5, 3.0), (60.0, 61.25), (70.0, 71.0)]);
    let first =
        Noted { recording: "walk/\0a.ogg".into(), ..note(1, 1.5, 3.0, KEEP, "mit Ann, „ha“\n\0 & 'so'", 7) };
    let kept = keep(home, &[first.clone(), note(1, 60.0, 61.25, DISCARD, "", 8)]);
    assert_eq!(kept, Kept { changed: 2, older: 0, strangers: 0 });
    let stored = read(&home.location()).unwrap().unwrap().recordings(None, &Window::default()).unwrap();
    let words = Some("mit Ann, „ha“\n\u{fffd} & 'so'".to_owned());
    assert_eq!(stored[0].laughs()[0].note, Some(Note { words, ..first.note }));
    assert_eq!(said(home)[1..], ["discard ", ""]);
    let columns = "source, content_sha256, start_seconds, end_seconds, recording, verdict";
    let rows = home.ask(&format!("SELECT {columns} FROM notes ORDER BY start_seconds"));
    assert_eq!(rows[0], format!("neil|{}|1.5|3|walk/\u{fffd}a.ogg|keep", content(1)));
    let instants = format!("SELECT {}, {} FROM notes ORDER BY 2", home.instant("starts_at"), home.instant("noted_at"));
    assert_eq!(home.ask(&instants)[0], "2025-10-25T13:46:40.123000Z|2025-10-25T13:46:47.123000Z");
}

pub fn the_same_notes_again_change_nothing(home: &impl Home) {
    hear(home, &[(1.5, 3.0)]);
    let notes = [note(1, 1.5, 3.0, KEEP, "with Ann", 7), note(2, 1.0, 2.0, None, "?", 8)];
    assert_eq!(keep(home, &notes), Kept { changed: 2, older: 0, strangers: 1 });
    let rows = || home.ask("SELECT * FROM notes ORDER BY content_sha256");
    let before = rows();
    assert_eq!(keep(home, &notes), Kept { changed: 0, older: 0, strangers: 1 });
    assert_eq!(keep(home, &[]), Kept::default());
    assert_eq!(rows(), before);
}

pub fn the_later_of_two_notes_holds(home: &impl Home) {
    hear(home, &[(1.5, 3.0)]);
    keep(home, &[note(1, 1.5, 3.0, KEEP, "first", 7)]);
    let older = note(1, 1.5, 3.0, DISCARD, "from an old page", 6);
    assert_eq!(keep(home, std::slice::from_ref(&older)), Kept { changed: 0, older: 1, strangers: 0 });
    assert_eq!(said(home), ["keep first"]);
    let doubled = [note(1, 1.5, 3.0, DISCARD, "", 9), older];
    assert_eq!(keep(home, &doubled), Kept { changed: 1, older: 0, strangers: 0 });
    assert_eq!(said(home), ["discard "]);
    assert_eq!(keep(home, &[note(1, 1.5, 3.0, DISCARD, "mended by hand", 9)]).changed, 1);
    assert_eq!((said(home), home.count("notes")), (vec!["discard mended by hand".to_owned()], 1));
}

pub fn what_was_said_can_be_taken_back(home: &impl Home) {
    hear(home, &[(1.5, 3.0)]);
    keep(home, &[note(1, 1.5, 3.0, KEEP, "with Ann", 7)]);
    assert_eq!(keep(home, &[note(1, 1.5, 3.0, None, "", 8)]).changed, 1);
    assert_eq!(said(home), [" "], "nothing, and when that was said");
    assert_eq!(keep(home, &[note(1, 1.5, 3.0, KEEP, "with Ann", 7)]).older, 1);
    assert_eq!(said(home), [" "]);
}

pub fn notes_outlive_a_scan_under_other_rules(home: &impl Home) {
    hear(home, &[(1.0, 3.0), (5.0, 9.0), (20.0, 21.0)]);
    let notes = [
        note(1, 1.0, 3.0, KEEP, "first", 1),
        note(1, 5.0, 9.0, DISCARD, "second", 2),
        note(1, 20.0, 21.0, KEEP, "third", 3),
    ];
    keep(home, &notes);
    hear(home, &[(0.5, 2.5), (5.0, 6.0), (6.5, 9.5)]);
    assert_eq!(said(home), ["keep first", "", "discard second"], "of the part that has most of it");
    assert_eq!(keep(home, &notes), Kept { changed: 0, older: 0, strangers: 1 }, "the third is no laugh now");
    hear(home, &[(0.0, 30.0)]);
    assert_eq!(said(home), ["keep third"], "the latest on all that is one laugh now");
    hear(home, &[(1.0, 3.0), (5.0, 9.0), (20.0, 21.0)]);
    assert_eq!(said(home), ["keep first", "discard second", "keep third"], "as it was");
    let hers = night("mia").heard(recording("a.ogg", 1), vec![event(1.0, 3.0)]).build();
    open(&home.location()).unwrap().save(&hers).unwrap();
    assert_eq!(said(home), ["", "keep first", "discard second", "keep third"], "another source's is not his");
}

pub fn notes_outlive_pruned_rows(home: &impl Home) {
    hear(home, &[(1.0, 3.0)]);
    keep(home, &[note(1, 1.0, 3.0, KEEP, "with Ann", 1)]);
    let before = "2025-10-26T00:00:00Z".parse().unwrap();
    let all = Pruning { source: None, before, stuck: None, dry_run: false };
    let mut store = open(&home.location()).unwrap();
    let pruned = store.prune(&all, i64::MIN).unwrap();
    assert_eq!((pruned.recordings.len(), pruned.detections, store.prune_runs(&all).unwrap()), (1, 1, 1));
    assert_eq!((home.count("notes"), said(home)), (1, vec![]));
    hear(home, &[(1.0, 3.0)]);
    assert_eq!(said(home), ["keep with Ann"]);
}

pub fn a_note_on_nothing_is_kept_and_counted(home: &impl Home) {
    hear(home, &[(1.0, 3.0)]);
    let other = Noted { source: "mia".into(), ..note(1, 1.0, 3.0, KEEP, "", 1) };
    let notes = [note(1, 3.0, 4.0, KEEP, "", 1), note(2, 1.0, 3.0, KEEP, "", 1), other, note(1, 2.9, 4.0, KEEP, "", 1)];
    assert_eq!(keep(home, &notes), Kept { changed: 4, older: 0, strangers: 3 });
    assert_eq!((home.count("notes"), said(home)), (4, vec!["keep ".to_owned()]));
}

pub fn a_dry_run_keeps_no_note(home: &impl Home) {
    hear(home, &[(1.0, 3.0)]);
    let notes = [note(1, 1.0, 3.0, KEEP, "", 1), note(1, 5.0, 6.0, KEEP, "", 1)];
    let dry = open(&home.location()).unwrap().keep_notes(&notes, true).unwrap();
    assert_eq!((dry, home.count("notes")), (Kept { changed: 2, older: 0, strangers: 1 }, 0));
    assert_eq!(keep(home, &notes), dry);
}

pub fn a_bad_note_keeps_the_good_ones_out(home: &impl Home) {
    hear(home, &[(1.0, 3.0)]);
    let backwards = note(1, 9.0, 5.0, KEEP, "", 1);
    let mut store = open(&home.location()).unwrap();
    let error = store.keep_notes(&[note(1, 1.0, 3.0, KEEP, "", 1), backwards], false).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert_eq!(home.count("notes"), 0);
    store.keep_notes(&[note(1, 1.0, 3.0, KEEP, "", 1)], false).expect("the store works on");
}

/// The same laughs in opposite order: whoever comes later waits, and nobody waits in a circle.
pub fn many_may_note_at_once(home: &impl Home) {
    hear(home, &[(1.0, 3.0)]);
    let location = home.location();
    let notes: Vec<Noted> = (0..200).map(|n| note(1, f64::from(n), f64::from(n) + 0.5, KEEP, "", 1)).collect();
    thread::scope(|scope| {
        let writer = |by: i64| {
            let mut notes = notes.clone();
            notes.iter_mut().for_each(|noted| noted.note.at += Duration::from_secs(by as u64));
            if by % 2 == 1 {
                notes.reverse();
            }
            open(&location).unwrap().keep_notes(&notes, false).unwrap()
        };
        let writers: Vec<_> = (0..6).map(|by| scope.spawn(move || writer(by))).collect();
        writers.into_iter().for_each(|writer| assert_eq!(writer.join().unwrap().strangers, 198));
    });
    assert_eq!(
        home.ask(&format!("SELECT count(*), max({0}), min({0}) FROM notes", home.instant("noted_at"))),
        ["200|2025-10-25T13:46:46.123000Z|2025-10-25T13:46:46.123000Z"]
    );
}

/// What a role needs: no more than this, and nothing of a night's rights.
#[test]
fn the_least_rights_are_enough() {
    let home = InPostgres::new();
    hear(&home, &[(1.0, 3.0)]);
    let role = format!("noter_of_{}", home.ask("SELECT current_database()")[0]);
    home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let location: Location = url.as_str().parse().unwrap();
    let notes = |second| [note(1, 1.0, 3.0, KEEP, "", second)];
    let keep = |second| open(&location).unwrap().keep_notes(&notes(second), false);
    home.tell(&format!("GRANT SELECT ON giggles_schema, recordings, detections, notes TO {role}"));
    assert!(matches!(keep(1), Err(StoreError::Config(_))), "SELECT alone stores nothing");
    home.tell(&format!("GRANT INSERT, UPDATE ON notes TO {role}"));
    assert_eq!([keep(1).unwrap().changed, keep(2).unwrap().changed, keep(2).unwrap().changed], [1, 1, 0]);
    home.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
