//! What people said of laughs: kept apart from the rows of a run, and found again by the laughs that are there.

use std::thread;
use std::time::Duration;

use giggles::domain::*;
use giggles::store::{ImportSummary, Location, Pruning, ReviewReset, StoreError, open, read};
use jiff::Timestamp;

use crate::support::homes::{Home, InPostgres};
use crate::support::past_runs::{content, detection, past_run, recording};

/// Said of a stretch of the recording whose bytes these are, so many seconds into a morning.
fn review(byte: u8, start: f64, end: f64, verdict: Option<Verdict>, comment: &str, second: i64) -> ReviewedSpan {
    let at = |second| Timestamp::from_microsecond(1_761_400_000_123_000 + second * 1_000_000).unwrap();
    ReviewedSpan {
        source: "neil".into(),
        recording: "a.ogg".into(),
        content: content(byte),
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        starts: at(0),
        embedding: None,
        review: Review {
            verdict,
            comment: (!comment.is_empty()).then(|| comment.into()),
            favourite: false,
            at: at(second),
        },
    }
}

fn keep(home: &impl Home, reviews: &[ReviewedSpan]) -> ImportSummary {
    open(&home.location()).unwrap().save_reviews(reviews, false).unwrap()
}

/// A recording with laughs from and to these offsets.
fn analyze(home: &impl Home, laughs: &[(f64, f64)]) {
    let detections = laughs.iter().map(|&(start, end)| detection(start, end)).collect();
    open(&home.location())
        .unwrap()
        .save(&past_run("neil").analyzed(recording("a.ogg", 1), detections).build())
        .unwrap();
}

/// What the reader tells of each laugh: `keep with Ann`, or nothing.
fn said(home: &impl Home) -> Vec<String> {
    let stored = read(&home.location()).unwrap().unwrap().recordings(None, &Window::default()).unwrap();
    let said = |laugh: &StoredDetection| {
        let review = laugh.review.as_ref()?;
        Some([review.verdict.map_or("", Verdict::as_str), review.comment.as_deref().unwrap_or("")].join(" "))
    };
    stored.iter().flat_map(StoredRecording::laughs).map(|laugh| said(laugh).unwrap_or_default()).collect()
}

const KEEP: Option<Verdict> = Some(Verdict::Confirmed);
const DISCARD: Option<Verdict> = Some(Verdict::Rejected);

pub fn what_was_said_reads_back(home: &impl Home) {
    analyze(home, &[(1.5, 3.0), (60.0, 61.25), (70.0, 71.0)]);
    let first = ReviewedSpan {
        recording: "walk/\0a.ogg".into(),
        ..review(1, 1.5, 3.0, KEEP, "mit Ann, „ha“\n\0 & 'so'", 7)
    };
    let kept = keep(home, &[first.clone(), review(1, 60.0, 61.25, DISCARD, "", 8)]);
    assert_eq!(kept, ImportSummary { changed: 2, older: 0, unmatched: 0 });
    let stored = read(&home.location()).unwrap().unwrap().recordings(None, &Window::default()).unwrap();
    let comment = Some("mit Ann, „ha“\n\u{fffd} & 'so'".to_owned());
    assert_eq!(stored[0].laughs()[0].review, Some(Review { comment, ..first.review }));
    assert_eq!(said(home)[1..], ["rejected ", ""]);
    let columns = "source, content_sha256, start_seconds, end_seconds, recording, verdict";
    let rows = home.ask(&format!("SELECT {columns} FROM reviews ORDER BY start_seconds"));
    assert_eq!(rows[0], format!("neil|{}|1.5|3|walk/\u{fffd}a.ogg|confirmed", content(1)));
    let instants =
        format!("SELECT {}, {} FROM reviews ORDER BY 2", home.instant("starts_at"), home.instant("reviewed_at"));
    assert_eq!(home.ask(&instants)[0], "2025-10-25T13:46:40.123000Z|2025-10-25T13:46:47.123000Z");
}

pub fn the_same_notes_again_change_nothing(home: &impl Home) {
    analyze(home, &[(1.5, 3.0)]);
    let reviews = [review(1, 1.5, 3.0, KEEP, "with Ann", 7), review(2, 1.0, 2.0, None, "?", 8)];
    assert_eq!(keep(home, &reviews), ImportSummary { changed: 2, older: 0, unmatched: 1 });
    let rows = || home.ask("SELECT * FROM reviews ORDER BY content_sha256");
    let before = rows();
    assert_eq!(keep(home, &reviews), ImportSummary { changed: 0, older: 0, unmatched: 1 });
    assert_eq!(keep(home, &[]), ImportSummary::default());
    assert_eq!(rows(), before);
}

pub fn the_later_of_two_notes_holds(home: &impl Home) {
    analyze(home, &[(1.5, 3.0)]);
    keep(home, &[review(1, 1.5, 3.0, KEEP, "first", 7)]);
    let older = review(1, 1.5, 3.0, DISCARD, "from an old page", 6);
    assert_eq!(keep(home, std::slice::from_ref(&older)), ImportSummary { changed: 0, older: 1, unmatched: 0 });
    assert_eq!(said(home), ["confirmed first"]);
    let doubled = [review(1, 1.5, 3.0, DISCARD, "", 9), older];
    assert_eq!(keep(home, &doubled), ImportSummary { changed: 1, older: 0, unmatched: 0 });
    assert_eq!(said(home), ["rejected "]);
    assert_eq!(keep(home, &[review(1, 1.5, 3.0, DISCARD, "mended by hand", 9)]).changed, 1);
    assert_eq!((said(home), home.count("reviews")), (vec!["rejected mended by hand".to_owned()], 1));
}

pub fn what_was_said_can_be_taken_back(home: &impl Home) {
    analyze(home, &[(1.5, 3.0)]);
    keep(home, &[review(1, 1.5, 3.0, KEEP, "with Ann", 7)]);
    assert_eq!(keep(home, &[review(1, 1.5, 3.0, None, "", 8)]).changed, 1);
    assert_eq!(said(home), [" "], "nothing, and when that was said");
    assert_eq!(keep(home, &[review(1, 1.5, 3.0, KEEP, "with Ann", 7)]).older, 1);
    assert_eq!(said(home), [" "]);
}

pub fn notes_outlive_a_scan_under_other_rules(home: &impl Home) {
    analyze(home, &[(1.0, 3.0), (5.0, 9.0), (20.0, 21.0)]);
    let reviews = [
        review(1, 1.0, 3.0, KEEP, "first", 1),
        review(1, 5.0, 9.0, DISCARD, "second", 2),
        review(1, 20.0, 21.0, KEEP, "third", 3),
    ];
    keep(home, &reviews);
    analyze(home, &[(0.5, 2.5), (5.0, 6.0), (6.5, 9.5)]);
    assert_eq!(said(home), ["confirmed first", "", "rejected second"], "of the part that has most of it");
    assert_eq!(keep(home, &reviews), ImportSummary { changed: 0, older: 0, unmatched: 1 }, "the third is no laugh now");
    analyze(home, &[(0.0, 30.0)]);
    assert_eq!(said(home), ["confirmed third"], "the latest on all that is one laugh now");
    analyze(home, &[(1.0, 3.0), (5.0, 9.0), (20.0, 21.0)]);
    assert_eq!(said(home), ["confirmed first", "rejected second", "confirmed third"], "as it was");
    let hers = past_run("mia").analyzed(recording("a.ogg", 1), vec![detection(1.0, 3.0)]).build();
    open(&home.location()).unwrap().save(&hers).unwrap();
    assert_eq!(
        said(home),
        ["", "confirmed first", "rejected second", "confirmed third"],
        "another source's is not his"
    );
}

pub fn notes_outlive_pruned_rows(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    keep(home, &[review(1, 1.0, 3.0, KEEP, "with Ann", 1)]);
    let before = "2025-10-26T00:00:00Z".parse().unwrap();
    let all = Pruning { source: None, before, stuck: None, dry_run: false };
    let mut store = open(&home.location()).unwrap();
    let pruned = store.prune(&all, i64::MIN).unwrap();
    assert_eq!((pruned.recordings.len(), pruned.detections, store.prune_runs(&all).unwrap()), (1, 1, 1));
    assert_eq!((home.count("reviews"), said(home)), (1, vec![]));
    analyze(home, &[(1.0, 3.0)]);
    assert_eq!(said(home), ["confirmed with Ann"]);
}

pub fn a_note_on_nothing_is_kept_and_counted(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    let other = ReviewedSpan { source: "mia".into(), ..review(1, 1.0, 3.0, KEEP, "", 1) };
    let reviews =
        [review(1, 3.0, 4.0, KEEP, "", 1), review(2, 1.0, 3.0, KEEP, "", 1), other, review(1, 2.9, 4.0, KEEP, "", 1)];
    assert_eq!(keep(home, &reviews), ImportSummary { changed: 4, older: 0, unmatched: 3 });
    assert_eq!((home.count("reviews"), said(home)), (4, vec!["confirmed ".to_owned()]));
}

pub fn a_dry_run_keeps_no_note(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    let reviews = [review(1, 1.0, 3.0, KEEP, "", 1), review(1, 5.0, 6.0, KEEP, "", 1)];
    let dry = open(&home.location()).unwrap().save_reviews(&reviews, true).unwrap();
    assert_eq!((dry, home.count("reviews")), (ImportSummary { changed: 2, older: 0, unmatched: 1 }, 0));
    assert_eq!(keep(home, &reviews), dry);
}

pub fn a_bad_note_keeps_the_good_ones_out(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    let backwards = review(1, 9.0, 5.0, KEEP, "", 1);
    let mut store = open(&home.location()).unwrap();
    let error = store.save_reviews(&[review(1, 1.0, 3.0, KEEP, "", 1), backwards], false).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert_eq!(home.count("reviews"), 0);
    store.save_reviews(&[review(1, 1.0, 3.0, KEEP, "", 1)], false).expect("the store works on");
}

/// The same laughs in opposite order: the later one waits, without a deadlock.
pub fn many_may_note_at_once(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    let location = home.location();
    let reviews: Vec<ReviewedSpan> =
        (0..200).map(|n| review(1, f64::from(n), f64::from(n) + 0.5, KEEP, "", 1)).collect();
    thread::scope(|scope| {
        let writer = |by: i64| {
            let mut reviews = reviews.clone();
            reviews.iter_mut().for_each(|noted| noted.review.at += Duration::from_secs(by as u64));
            if by % 2 == 1 {
                reviews.reverse();
            }
            open(&location).unwrap().save_reviews(&reviews, false).unwrap()
        };
        let writers: Vec<_> = (0..6).map(|by| scope.spawn(move || writer(by))).collect();
        writers.into_iter().for_each(|writer| assert_eq!(writer.join().unwrap().unmatched, 198));
    });
    assert_eq!(
        home.ask(&format!("SELECT count(*), max({0}), min({0}) FROM reviews", home.instant("reviewed_at"))),
        ["200|2025-10-25T13:46:46.123000Z|2025-10-25T13:46:46.123000Z"]
    );
}

pub fn a_reset_is_of_one_source_and_of_earlier_reviews(home: &impl Home) {
    analyze(home, &[(1.0, 3.0)]);
    let other = ReviewedSpan { source: "zoe".into(), ..review(1, 1.0, 3.0, KEEP, "", 1) };
    let comment = review(1, 8.0, 9.0, None, "no verdict", 1);
    keep(home, &[review(1, 1.0, 3.0, KEEP, "", 1), review(1, 5.0, 6.0, DISCARD, "", 5), comment, other]);
    let before = Some(review(1, 0.0, 1.0, None, "", 5).review.at);
    let reset = ReviewReset { source: Some("neil".into()), before, is_personal: false, dry_run: true };
    let mut store = open(&home.location()).unwrap();
    let mut reader = read(&home.location()).unwrap().unwrap();
    let mut personal = |source| {
        let reviews = reader.reviews(source).unwrap();
        reviews.iter().map(|one| (one.span.start.as_secs(), one.is_personal)).collect::<Vec<_>>()
    };
    assert_eq!(store.reset_reviews(&reset).unwrap(), 1);
    assert_eq!(personal("neil"), [(1, true), (5, true), (8, true)], "a dry run");
    let reset = ReviewReset { dry_run: false, ..reset };
    assert_eq!([store.reset_reviews(&reset).unwrap(), store.reset_reviews(&reset).unwrap()], [1, 0]);
    assert_eq!((personal("neil"), personal("zoe")), (vec![(1, false), (5, true), (8, true)], vec![(1, true)]));
    // A later review of the same stretch counts again, the same one again does not.
    keep(home, &[review(1, 1.0, 3.0, KEEP, "", 1)]);
    assert_eq!(personal("neil")[0], (1, false));
    keep(home, &[review(1, 1.0, 3.0, DISCARD, "", 7)]);
    assert_eq!(personal("neil")[0], (1, true));
    let all = ReviewReset { source: None, before: None, is_personal: false, dry_run: false };
    assert_eq!(store.reset_reviews(&all).unwrap(), 3);
    assert_eq!(store.reset_reviews(&ReviewReset { is_personal: true, ..all }).unwrap(), 3);
}

pub fn the_last_thirty_verdicts_on_what_is_shown_are_counted(home: &impl Home) {
    let laughs: Vec<(f64, f64)> = (0..40).map(|n| (f64::from(n) * 10.0 + 1.0, f64::from(n) * 10.0 + 3.0)).collect();
    analyze(home, &laughs);
    let verdict = |n: usize| if n < 20 { DISCARD } else { KEEP };
    let shown = |n: usize| review(1, laughs[n].0 + 0.5, laughs[n].1 + 0.5, verdict(n), "", n as i64);
    let not_shown = |n: usize| review(1, laughs[n].0 + 4.0, laughs[n].0 + 5.0, DISCARD, "", 100);
    let without = review(1, laughs[39].0, laughs[39].1, None, "hm", 200);
    let reviews: Vec<ReviewedSpan> = (0..40).map(shown).chain((0..40).map(not_shown)).chain([without]).collect();
    keep(home, &reviews);
    keep(home, &[ReviewedSpan { source: "zoe".into(), ..review(1, 1.0, 3.0, DISCARD, "", 1) }]);
    let mut reader = read(&home.location()).unwrap().unwrap();
    let wanted = vec![ShownVerdicts { source: "neil".into(), reviewed: 30, rejected: 10 }];
    assert_eq!(reader.shown_verdicts(None).unwrap(), wanted, "zoe has no such recording");
    assert_eq!(reader.shown_verdicts(Some("neil")).unwrap(), wanted);
    assert_eq!(reader.shown_verdicts(Some("zoe")).unwrap(), []);
}

pub fn a_row_is_found_by_its_number(home: &impl Home) {
    let candidate = crate::support::past_runs::candidate(2, 4, -0.5);
    let run = past_run("neil").scored(
        recording("a.ogg", 1),
        (ScoreTrack::default(), vec![candidate.clone()]),
        vec![detection(1.5, 3.25)],
    );
    open(&home.location()).unwrap().save(&run.build()).unwrap();
    let mut reader = read(&home.location()).unwrap().unwrap();
    let stored = reader.recordings(None, &Window::default()).unwrap();
    let id = stored[0].laughs()[0].id;
    let laugh = reader.row_span(SpanId::Detection(id)).unwrap().unwrap();
    assert_eq!((laugh.start, laugh.end), (Duration::from_millis(1500), Duration::from_millis(3250)));
    let scored = reader.scored(&[laugh.recording], true).unwrap();
    let found = reader.row_span(SpanId::Candidate(scored[0].candidates[0].id)).unwrap().unwrap();
    assert_eq!(found.recording, laugh.recording);
    let micros = |at: Duration| at.as_micros();
    assert_eq!((micros(found.start), micros(found.end)), (micros(candidate.start()), micros(candidate.end())));
    assert_eq!(reader.row_span(SpanId::Detection(id + 7)).unwrap(), None);
}

/// What a role needs: no more than this, and nothing of a run's rights.
#[test]
fn the_least_rights_are_enough() {
    let home = InPostgres::new();
    analyze(&home, &[(1.0, 3.0)]);
    let role = format!("noter_of_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let location: Location = url.as_str().parse().unwrap();
    let reviews = |second| [review(1, 1.0, 3.0, KEEP, "", second)];
    let keep = |second| open(&location).unwrap().save_reviews(&reviews(second), false);
    home.execute(&format!("GRANT SELECT ON giggles_schema, recordings, detections, candidates, reviews TO {role}"));
    assert!(matches!(keep(1), Err(StoreError::Config(_))), "SELECT alone stores nothing");
    home.execute(&format!("GRANT INSERT, UPDATE ON reviews TO {role}"));
    assert_eq!([keep(1).unwrap().changed, keep(2).unwrap().changed, keep(2).unwrap().changed], [1, 1, 0]);
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
