//! One contract for every store: each test here runs over SQLite and over a real Postgres (15 or newer).

mod columns;
mod conflicts;
mod damage;
mod laughs;
mod postgres_only;
mod pruning;
mod reading;
mod reviews;
mod scores;
mod sqlite_only;
mod wire;

use crate::support::homes;
use crate::support::past_runs;
use std::thread;
use std::time::Duration;

use giggles::domain::{Counts, RecordingError, Skip};
use giggles::store::{StoreError, open};

use columns::*;
use damage::*;
use homes::{Home, InPostgres, InSqlite, eventually};
use laughs::*;
use past_runs::{at, detection, past_run, recording};
use pruning::*;
use reading::*;
use reviews::*;
use scores::*;

macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite { $(#[test] fn $test() { super::$test(&super::InSqlite::new()); })+ }
        mod on_postgres { $(#[test] fn $test() { super::$test(&super::InPostgres::new()); })+ }
    };
}

contract!(
    days_are_counted_as_all_recordings_tell,
    pages_have_each_laugh_that_passes_once_and_in_order,
    a_laugh_is_found_by_the_number_of_any_of_its_parts,
    a_cursor_of_another_order_is_refused,
    the_token_changes_with_each_change_and_only_then,
    the_tables_have_the_declared_columns,
    every_table_and_column_is_commented,
    every_column_is_written_and_read,
    a_run_reads_back,
    a_failure_reads_back,
    a_run_without_recordings_is_stored,
    scores_read_as_they_were_written,
    analyzed_again_replaces,
    another_source_is_another_recording,
    known_is_analyzed_under_the_same_analysis,
    a_poisoned_last_row_leaves_nothing,
    a_recording_without_a_beginning_leaves_nothing,
    a_failure_never_removes_laughs,
    unreadable_and_then_analyzed_leaves_no_failure,
    skipped_clears_the_failure_of_its_name,
    only_the_latest_failure_of_a_name_is_kept,
    copies_of_a_broken_file_do_not_spoil_the_run,
    a_day_begins_at_midnight_where_the_microphone_was,
    a_newer_database_is_refused,
    tables_of_others_are_not_touched,
    opening_again_changes_nothing,
    many_may_open_at_once,
    many_sources_may_save_at_once,
    one_run_a_source,
    a_clock_set_back_in_the_run_loses_nothing,
    what_is_being_written_leaves_no_trace,
    a_reader_sees_the_old_or_the_new_and_nothing_between,
    ten_thousand_laughs,
    nothing_stored_reads_as_nothing,
    a_run_can_be_read_by_the_program_too,
    recordings_of_a_window,
    a_failure_that_reports_no_time_belongs_to_what_its_run_was_asked_for,
    runs_are_read_latest_first,
    what_a_run_has_not_scanned_reads_back,
    a_newer_database_is_not_read_either,
    reading_does_not_wait_for_the_lock,
    clips_are_forgotten_and_rows_stay,
    old_rows_go_with_their_laughs_and_runs,
    a_row_that_names_a_clip_stays,
    the_clip_of_a_candidate_is_like_that_of_a_detection,
    a_recording_is_old_when_it_is_over,
    a_failure_that_reports_no_time_is_as_old_as_its_run,
    another_sources_rows_stay,
    many_go_in_portions,
    long_recordings_are_found,
    a_dry_run_counts_and_changes_nothing,
    a_run_in_progress_keeps_maintenance_away,
    a_reset_is_of_one_source_and_of_earlier_reviews,
    the_last_thirty_verdicts_on_what_is_shown_are_counted,
    a_row_is_found_by_its_number,
    what_was_said_reads_back,
    the_same_notes_again_change_nothing,
    the_later_of_two_notes_holds,
    what_was_said_can_be_taken_back,
    notes_outlive_a_scan_under_other_rules,
    notes_outlive_pruned_rows,
    a_note_on_nothing_is_kept_and_counted,
    a_dry_run_keeps_no_note,
    a_bad_note_keeps_the_good_ones_out,
    many_may_note_at_once,
    a_database_of_a_development_build_is_refused,
    what_is_missing_is_read_back,
    damage_is_known_under_the_same_version,
    what_a_crash_left_is_not_known,
    damage_that_is_known_stays_stored,
    a_whole_copy_replaces_a_partial_recording,
    damaged_recordings_of_a_window_are_counted,
    scores_read_back_bit_for_bit,
    scored_recordings_are_selected_by_window_source_and_content,
    candidates_are_read_with_their_reviews_if_they_are_selected,
    a_review_gets_the_embedding_of_its_stretch_whichever_is_stored_first,
    the_number_of_a_review_is_stable,
    what_was_first_analyzed_after_the_latest_review_is_no_reference,
    old_embeddings_go_except_those_that_were_reviewed,
    scores_go_with_their_recordings,
);

fn a_run_reads_back(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let run = past_run("neil")
        .analyzed(recording("20251024_130000.ogg", 1), vec![detection(1.5, 3.0), detection(60.0, 61.25)])
        .failed(recording("broken.wav", 2), RecordingError::Empty)
        .skipped(recording("old.wav", 3), Skip::AlreadyAnalyzed)
        .build();
    let counts = store.save(&run).unwrap();
    assert_eq!(counts, Counts { analyzed: 1, skipped: 1, failed: 1, detections: 2, ..Counts::default() });

    let stored =
        home.ask("SELECT source, version, zone, exit_code, analyzed, skipped, failed, audio_seconds FROM runs");
    assert_eq!(stored, ["neil|0.1.0|America/Los_Angeles|3|1|1|1|3600"]);
    let columns = "name, bytes, start_source, duration_seconds, sample_rate, channels, codec";
    let stored = home.ask(&format!("SELECT {columns} FROM recordings WHERE status = 'analyzed'"));
    assert_eq!(stored, ["20251024_130000.ogg|1000|filename|3600|48000|1|opus"]);
    let columns = "local_date, start_seconds, end_seconds, peak_score, mean_score, class_index, class_name";
    let stored = home.ask(&format!("SELECT {columns} FROM detections ORDER BY start_seconds"));
    assert_eq!(stored, ["2025-10-24|1.5|3|0.9|0.6|15|Giggle", "2025-10-24|60|61.25|0.9|0.6|15|Giggle"]);
    let stored = home.ask(&format!("SELECT {} FROM detections ORDER BY 1", home.instant("starts_at")));
    assert_eq!(stored, ["2025-10-24T13:00:01.500000Z", "2025-10-24T13:01:00.000000Z"]);
}

fn a_failure_reads_back(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let error = RecordingError::Truncated { reason: "the last \0 page".into(), at: Duration::from_millis(90_500) };
    store.save(&past_run("neil").failed(recording("a.ogg", 1), error).build()).unwrap();
    let columns = "status, failure_kind, failure_position_seconds, failure_reason";
    let stored = home.ask(&format!("SELECT {columns} FROM recordings"));
    let reason = "ends too early, at 0:01:30.5: the last \u{fffd} page; if the recorder still has it, copy it again";
    assert_eq!(stored, [format!("failed|truncated|90.5|{reason}")]);
}

fn a_run_without_recordings_is_stored(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    assert_eq!(store.save(&past_run("neil").build()).unwrap(), Counts::default());
    assert_eq!(home.count("runs"), 1);
}

fn scores_read_as_they_were_written(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut laugh = detection(1.0, 2.0);
    laugh.peak = 0.123_456_79;
    laugh.class_scores = [0.0, 1.0, 0.56, 1e-7, f32::MIN_POSITIVE, 0.333_333_34];
    store.save(&past_run("neil").analyzed(recording("a.wav", 1), vec![laugh.clone()]).build()).unwrap();
    let score = |name: &&str| format!("class_scores ->> '{name}'");
    let columns =
        format!("peak_score, {}", giggles::domain::LAUGHTER_NAMES.iter().map(score).collect::<Vec<_>>().join(", "));
    let stored = home.ask(&format!("SELECT {columns} FROM detections"));
    let numbers: Vec<f32> = stored[0].split('|').map(|text| text.parse::<f64>().unwrap() as f32).collect();
    assert_eq!(numbers[0].to_bits(), laugh.peak.to_bits());
    assert_eq!(numbers[1..], laugh.class_scores);
    assert!(stored[0].contains("|0.56|"), "{stored:?}");
}

fn analyzed_again_replaces(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store
        .save(&past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0), detection(5.0, 6.0)]).build())
        .unwrap();
    let again = past_run("neil").analyzed(recording("moved.wav", 1), vec![detection(7.0, 8.0)]).build();
    let counts = store.save(&again).unwrap();
    assert_eq!(counts, Counts { analyzed: 1, detections: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT name FROM recordings"), ["moved.wav"]);
    assert_eq!(home.ask("SELECT start_seconds FROM detections"), ["7"]);
    assert_eq!(home.ask("SELECT run_id FROM detections"), [again.id]);
    assert_eq!(home.count("runs"), 2);
}

fn another_source_is_another_recording(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    for source in ["neil", "ada"] {
        store.save(&past_run(source).analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()).unwrap();
    }
    assert_eq!(home.count("recordings"), 2);
    assert_eq!(home.count("detections"), 2);
}

fn a_poisoned_last_row_leaves_nothing(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let first = past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build();
    store.save(&first).unwrap();
    for score in [2.0, -0.1, f32::NAN, f32::INFINITY] {
        let mut poison = detection(3.0, 4.0);
        poison.class_scores[5] = score;
        let second = past_run("neil")
            .analyzed(recording("a.wav", 1), vec![detection(5.0, 6.0)])
            .analyzed(recording("b.wav", 2), vec![detection(1.0, 2.0), poison])
            .build();
        let error = store.save(&second).unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        assert!(error.to_string().contains("nothing of"), "{error}");
    }
    assert_eq!(home.ask("SELECT id FROM runs"), [first.id]);
    assert_eq!(home.ask("SELECT name FROM recordings"), ["a.wav"]);
    assert_eq!(home.ask("SELECT start_seconds FROM detections"), ["1"]);
    store.save(&past_run("neil").analyzed(recording("b.wav", 2), vec![]).build()).expect("the store works on");
}

fn a_recording_without_a_beginning_leaves_nothing(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut timeless = recording("a.wav", 1);
    timeless.started = None;
    let error = store.save(&past_run("neil").analyzed(timeless, vec![]).build()).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    assert_eq!(home.count("runs"), 0);
}

fn a_failure_never_removes_laughs(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()).unwrap();
    let error = RecordingError::Panicked { message: "under other rules".into() };
    let counts = store.save(&past_run("neil").failed(recording("a.wav", 1), error).build()).unwrap();
    assert_eq!(counts, Counts { failed: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT status FROM recordings"), ["analyzed"]);
    assert_eq!(home.count("detections"), 1);
}

fn unreadable_and_then_analyzed_leaves_no_failure(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut unreadable = recording("a.wav", 1);
    (unreadable.content, unreadable.started) = (None, None);
    let error = RecordingError::Unreadable { reason: "permission denied".into() };
    store.save(&past_run("neil").failed(unreadable.clone(), error.clone()).build()).unwrap();
    store.save(&past_run("neil").failed(unreadable, error).build()).unwrap();
    assert_eq!(home.ask("SELECT status FROM recordings"), ["failed"]);
    store.save(&past_run("neil").analyzed(recording("a.wav", 1), vec![]).build()).unwrap();
    assert_eq!(home.ask("SELECT status FROM recordings"), ["analyzed"]);
}

fn skipped_clears_the_failure_of_its_name(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()).unwrap();
    let mut unreadable = recording("a.wav", 1);
    unreadable.content = None;
    let error = RecordingError::Unreadable { reason: "I/O error".into() };
    store.save(&past_run("neil").failed(unreadable, error).build()).unwrap();
    assert_eq!(home.ask("SELECT status FROM recordings ORDER BY 1"), ["analyzed", "failed"]);
    let counts = store.save(&past_run("neil").skipped(recording("a.wav", 1), Skip::AlreadyAnalyzed).build()).unwrap();
    assert_eq!(counts, Counts { skipped: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT status FROM recordings"), ["analyzed"]);
    assert_eq!(home.count("detections"), 1);
}

fn only_the_latest_failure_of_a_name_is_kept(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let corrupt = RecordingError::Corrupt { reason: "bad page".into(), at: Duration::ZERO };
    store.save(&past_run("neil").failed(recording("a.wav", 1), corrupt.clone()).build()).unwrap();
    store.save(&past_run("neil").failed(recording("a.wav", 2), RecordingError::Empty).build()).unwrap();
    assert_eq!(home.ask("SELECT name, failure_kind FROM recordings"), ["a.wav|empty"]);
    store.save(&past_run("neil").failed(recording("moved.wav", 2), corrupt).build()).unwrap();
    assert_eq!(home.ask("SELECT name, failure_kind FROM recordings"), ["moved.wav|corrupt"]);
    store.save(&past_run("neil").analyzed(recording("moved.wav", 3), vec![]).build()).unwrap();
    assert_eq!(home.ask("SELECT name, status FROM recordings"), ["moved.wav|analyzed"]);
}

fn copies_of_a_broken_file_do_not_spoil_the_run(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut nameless = recording("same.wav", 9);
    nameless.content = None;
    let run = past_run("neil")
        .failed(recording("a.wav", 1), RecordingError::Empty)
        .failed(recording("copy of a.wav", 1), RecordingError::Empty)
        .failed(nameless.clone(), RecordingError::Empty)
        .failed(nameless, RecordingError::Empty)
        .analyzed(recording("b.wav", 2), vec![detection(1.0, 2.0)])
        .failed(recording("copy of b.wav", 2), RecordingError::Vanished)
        .build();
    let counts = store.save(&run).unwrap();
    assert_eq!(counts, Counts { analyzed: 1, failed: 5, detections: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT name FROM recordings ORDER BY 1"), ["a.wav", "b.wav", "same.wav"]);
}

fn a_day_begins_at_midnight_where_the_microphone_was(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    // Clocks in Los Angeles go back on 2025-11-02 at 09:00 UTC: that day has 25 hours.
    let mut long = recording("night.wav", 1);
    long.started = at("2025-11-02T06:30:00Z");
    let hour = 3600.0;
    let laughs = [0.25, 0.75, 2.0, 3.0, 25.25, 25.75].map(|offset| detection(offset * hour, offset * hour + 1.0));
    store.save(&past_run("neil").analyzed(long, laughs.to_vec()).build()).unwrap();
    let days = home.ask("SELECT local_date FROM detections ORDER BY start_seconds");
    let (eve, day, next) = ("2025-11-01", "2025-11-02", "2025-11-03");
    assert_eq!(days, [eve, day, day, day, day, next]);
}

fn a_newer_database_is_refused(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    home.execute("INSERT INTO giggles_schema (version, applied_at) VALUES (7, '2030-01-01T00:00:00Z')");
    let error = open(&home.location()).err().expect("a newer schema");
    assert!(matches!(error, StoreError::Newer { found: 7, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("(schema 7, this one knows ") && text.ends_with("): update giggles"), "{text}");
}

fn tables_of_others_are_not_touched(home: &impl Home) {
    home.execute("CREATE TABLE runs (kilometres integer)");
    let error = open(&home.location()).err().expect("the name is taken");
    assert!(matches!(error, StoreError::Config(_)), "{error}");
    assert!(error.to_string().contains("a database of its own"), "{error}");
    assert_eq!(home.count("runs"), 0);
}

fn opening_again_changes_nothing(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()).unwrap();
    drop(store);
    drop(open(&home.location()).unwrap());
    assert_eq!(home.ask("SELECT version FROM giggles_schema ORDER BY version"), ["6"]);
    assert_eq!(home.count("detections"), 1);
}

fn many_may_open_at_once(home: &impl Home) {
    let location = home.location();
    thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| drop(open(&location).unwrap()))).collect();
        openers.into_iter().for_each(|opener| opener.join().unwrap());
    });
    assert_eq!(home.ask("SELECT version FROM giggles_schema ORDER BY version"), ["6"]);
}

fn many_sources_may_save_at_once(home: &impl Home) {
    let location = home.location();
    let save = |number: u8| {
        let mut store = open(&location).unwrap();
        let source = format!("source {number}");
        store.lock(&source).unwrap();
        let counts =
            store.save(&past_run(&source).analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()).unwrap();
        assert_eq!(counts, Counts { analyzed: 1, detections: 1, ..Counts::default() });
    };
    thread::scope(|scope| (0..6).for_each(|number| drop(scope.spawn(move || save(number)))));
    assert_eq!(home.count("runs"), 6);
}

fn one_run_a_source(home: &impl Home) {
    let location = home.location();
    let mut first = open(&location).unwrap();
    let mut second = open(&location).unwrap();
    first.lock("neil").unwrap();
    first.lock("neil").expect("the same run may ask again");
    let error = second.lock("neil").unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another giggles (") && error.to_string().contains("'neil'"), "{error}");
    second.lock("ada").expect("another source is free");
    drop(first);
    eventually("the lock is freed", || second.lock("neil").is_ok());
}

fn a_clock_set_back_in_the_run_loses_nothing(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut run = past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build();
    run.ended = run.started - Duration::from_secs(3600);
    assert_eq!(store.save(&run).unwrap(), Counts { analyzed: 1, detections: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT count(*) FROM runs WHERE ended_at = started_at"), ["1"]);
}

fn what_is_being_written_leaves_no_trace(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("neil").failed(recording("a.wav", 1), RecordingError::Empty).build()).unwrap();
    let counts = store.save(&past_run("neil").skipped(recording("a.wav", 1), Skip::InProgress).build()).unwrap();
    assert_eq!(counts, Counts { skipped: 1, in_progress: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT skipped, in_progress FROM runs ORDER BY in_progress"), ["0|0", "1|1"]);
    assert_eq!(home.ask("SELECT name, status FROM recordings"), ["a.wav|failed"], "until it is analyzed");
}

fn a_reader_sees_the_old_or_the_new_and_nothing_between(home: &impl Home) {
    let saved = |laughs: u32| {
        let laughs = (0..laughs).map(|number| detection(f64::from(number), f64::from(number) + 0.5)).collect();
        past_run("neil").analyzed(recording("a.wav", 1), laughs).build()
    };
    let location = home.location();
    open(&location).unwrap().save(&saved(2000)).unwrap();
    let seen = || home.ask("SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM detections)");
    thread::scope(|scope| {
        let replacing = scope.spawn(|| {
            let mut store = open(&location).unwrap();
            for laughs in [3000, 2000].repeat(3) {
                store.save(&saved(laughs)).unwrap();
            }
        });
        let mut looks = 0;
        while !replacing.is_finished() {
            assert!(["1|2000", "1|3000"].contains(&seen()[0].as_str()), "{:?}", seen());
            looks += 1;
        }
        replacing.join().unwrap();
        assert!(looks > 3, "{looks}");
    });
}

fn ten_thousand_laughs(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let laughs = (0..10_000).map(|number| detection(f64::from(number), f64::from(number) + 0.5)).collect();
    let begun = std::time::Instant::now();
    let counts = store.save(&past_run("neil").analyzed(recording("a.wav", 1), laughs).build()).unwrap();
    assert_eq!(counts.detections, 10_000);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
