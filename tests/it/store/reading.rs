//! The read side: what a run committed is read back, and looking leaves no trace.

use std::time::Duration;

use giggles::domain::*;
use giggles::store::{Reader, StoreError, open, read};

use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::past_runs::{at, detection, past_run, recording};

fn reader(home: &impl Home) -> Box<dyn Reader> {
    read(&home.location()).unwrap().expect("something is stored")
}

fn save(home: &impl Home, run: &Run) {
    open(&home.location()).unwrap().save(run).unwrap();
}

fn window(from: &str, to: &str) -> Window {
    Window { from: from.parse().ok(), to: to.parse().ok() }
}

pub fn nothing_stored_reads_as_nothing(home: &impl Home) {
    assert!(read(&home.location()).unwrap().is_none());
    drop(open(&home.location()).unwrap());
    let mut reader = reader(home);
    assert!(reader.runs(None, 9).unwrap().is_empty() && reader.sources().unwrap().is_empty());
    assert!(reader.recordings(None, &Window::default()).unwrap().is_empty());
}

pub fn a_run_can_be_read_by_the_program_too(home: &impl Home) {
    let mut laugh = detection(1.5, 3.25);
    laugh.peak = 0.123_456_79;
    let error = RecordingError::Truncated { reason: "the page".into(), at: Duration::from_millis(90_500) };
    let broken = Recording { announced: Some(Duration::from_secs(7)), ..recording("broken.ogg", 2) };
    let run =
        past_run("neil").analyzed(recording("a.ogg", 1), vec![laugh.clone()]).failed(broken, error.clone()).build();
    save(home, &run);

    let stored = reader(home).recordings(Some("neil"), &Window::default()).unwrap();
    let [analyzed, failed] = &stored[..] else { panic!("{stored:#?}") };
    assert_eq!((analyzed.name.as_str(), analyzed.content, analyzed.bytes), ("a.ogg", recording("", 1).content, 1000));
    assert_eq!((analyzed.started, analyzed.duration), (at("2025-10-24T13:00:00Z"), Some(Duration::from_secs(3600))));
    assert_eq!((&analyzed.run, &analyzed.source), (&run.id, &run.source));
    let StoredStatus::Analyzed(sound) = &analyzed.status else { panic!("{analyzed:#?}") };
    assert_eq!((sound.sample_rate, sound.channels, sound.codec.as_str()), (48_000, 1, "opus"));
    let date = "2025-10-24".parse().unwrap();
    let instant = |text: &str| text.parse().unwrap();
    let (starts, ends) = (instant("2025-10-24T13:00:01.5Z"), instant("2025-10-24T13:00:03.25Z"));
    let id = sound.laughs[0].id;
    assert_eq!(sound.laughs, [StoredDetection { id, detection: laugh, starts, ends, local_date: date, review: None }]);

    let reason = error.to_string();
    let position = Some(Duration::from_millis(90_500));
    assert_eq!(failed.failure(), Some(&StoredFailure { kind: "truncated".into(), reason, position }));
    assert_eq!((failed.duration, failed.laughs()), (Some(Duration::from_secs(7)), &[][..]));
}

pub fn recordings_of_a_window(home: &impl Home) {
    let run = past_run("neil")
        .analyzed(recording("hour.ogg", 1), vec![])
        .failed(recording("instant.ogg", 2), RecordingError::Empty);
    save(home, &run.build());
    save(home, &past_run("mia").analyzed(recording("hers.ogg", 3), vec![]).build());
    let mut reader = reader(home);
    let mut names = |source, from, to| {
        let found = reader.recordings(source, &window(from, to)).unwrap();
        found.iter().map(|recording| recording.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(None, "2025-10-24T13:00:00Z", "2025-10-24T14:00:00Z"), "hers.ogg hour.ogg instant.ogg");
    let neil = Some("neil");
    assert_eq!(names(neil, "2025-10-24T13:59:59.999999Z", "2025-10-25T00:00:00Z"), "hour.ogg");
    assert_eq!(names(neil, "2025-10-24T14:00:00Z", "2025-10-25T00:00:00Z"), "", "it ended here");
    assert_eq!(names(neil, "2025-10-24T12:00:00Z", "2025-10-24T13:00:00Z"), "", "it began here");
    assert_eq!(names(neil, "2025-10-24T12:00:00Z", "2025-10-24T13:00:00.000001Z"), "hour.ogg instant.ogg");
    assert_eq!(names(neil, "2025-10-24T13:30:00Z", "2025-10-24T13:30:00Z"), "", "an empty window");
    assert_eq!(names(neil, "", "2025-10-24T13:30:00Z"), "hour.ogg instant.ogg");
    assert_eq!(names(Some("nobody"), "", ""), "");
}

/// An index bounds how far before a window a recording is looked for.
pub fn long_recordings_are_found(home: &impl Home) {
    let hours = |hours: u64| Some(Duration::from_secs(3600 * hours));
    let failed = |name: &str, byte, announced| {
        let started = at("2025-10-24T13:00:00Z");
        Recording { started, announced, ..recording(name, byte) }
    };
    let cut = || RecordingError::Truncated { reason: "cut".into(), at: Duration::ZERO };
    let run = past_run("neil")
        .failed(failed("hour.ogg", 1, hours(1)), cut())
        .failed(failed("day.ogg", 2, hours(24)), cut())
        .failed(failed("week.ogg", 3, hours(7 * 24)), cut())
        .failed(failed("unknown.ogg", 4, None), cut());
    save(home, &run.build());
    save(home, &past_run("mia").failed(failed("hers.ogg", 5, hours(30)), cut()).build());
    let mut reader = reader(home);
    let mut names = |source, from, to| {
        let found = reader.recordings(source, &window(from, to)).unwrap();
        found.iter().map(|recording| recording.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(None, "2025-10-25T12:59:59Z", ""), "hers.ogg day.ogg week.ogg");
    assert_eq!(names(None, "2025-10-25T13:00:00Z", "2025-11-01T00:00:00Z"), "hers.ogg week.ogg");
    assert_eq!(names(None, "2025-10-31T12:59:59Z", "2025-11-01T00:00:00Z"), "week.ogg");
    assert_eq!(names(Some("mia"), "2025-10-25T18:59:59Z", ""), "hers.ogg");
    assert_eq!(names(None, "2025-10-31T13:00:00Z", ""), "");
    assert_eq!(names(None, "", "2025-10-24T13:00:00.1Z"), "hers.ogg day.ogg hour.ogg unknown.ogg week.ogg");
}

pub fn a_failure_that_reports_no_time_belongs_to_what_its_run_was_asked_for(home: &impl Home) {
    let unseen = Recording { started: None, content: None, ..recording("closed", 1) };
    let error = RecordingError::Unreadable { reason: "permission denied".into() };
    let mut run = past_run("neil").failed(unseen, error).build();
    run.window = window("2025-10-24T07:00:00Z", "2025-10-25T07:00:00Z");
    save(home, &run);
    let mut reader = reader(home);
    let mut count = |from, to| reader.recordings(None, &window(from, to)).unwrap().len();
    assert_eq!(count("2025-10-24T00:00:00Z", "2025-10-25T00:00:00Z"), 1);
    assert_eq!(count("2025-10-25T07:00:00Z", "2025-10-26T07:00:00Z"), 0);
    assert_eq!(count("", ""), 1);
}

pub fn what_a_run_has_not_scanned_reads_back(home: &impl Home) {
    let growing = |name, instant| Recording { started: at(instant), ..recording(name, 1) };
    let of = |name, clock| {
        let mut recording = growing(name, "2025-10-24T13:00:00.5Z");
        recording.started.as_mut().unwrap().from = clock;
        recording
    };
    let named = past_run("neil")
        .skipped(growing("b.wav", "2025-10-24T14:00:00Z"), Skip::InProgress)
        .skipped(of("a.wav", StartSource::Filename), Skip::InProgress)
        .skipped(growing("old.wav", "2025-10-24T12:00:00Z"), Skip::AlreadyAnalyzed);
    let run = Run { shard: Some("2/12".into()), explicit_files: true, ..named.build() };
    save(home, &run);
    let stored = reader(home).runs(None, 9).unwrap().remove(0);
    assert_eq!((stored.shard.as_deref(), stored.explicit_files), (Some("2/12"), true));
    assert_eq!(stored.counts, Counts { skipped: 3, in_progress: 2, ..Counts::default() });
    assert_eq!(stored.in_progress_from, "2025-10-24T13:00:00.5Z".parse().ok(), "the first of them");

    let touched = past_run("mia")
        .skipped(growing("b.wav", "2025-10-24T14:00:00Z"), Skip::InProgress)
        .skipped(of("a.wav", StartSource::Mtime), Skip::InProgress);
    save(home, &touched.build());
    let stored = reader(home).runs(Some("mia"), 9).unwrap().remove(0);
    assert_eq!((stored.counts.in_progress, stored.in_progress_from), (2, None), "one does not tell");
    assert_eq!((stored.shard, stored.explicit_files), (None, false));
}

pub fn runs_are_read_latest_first(home: &impl Home) {
    let mut first = past_run("neil").analyzed(recording("a.ogg", 1), vec![detection(1.0, 2.0)]).build();
    first.window = window("2025-10-23T07:00:00Z", "");
    let mut second =
        past_run("mia").analyzed(recording("a.ogg", 1), vec![detection(1.0, 2.0), detection(3.0, 4.0)]).build();
    second.started = "2025-10-25T09:00:30Z".parse().unwrap();
    save(home, &second);
    save(home, &first);
    let mut reader = reader(home);
    assert_eq!(reader.sources().unwrap(), ["mia", "neil"]);
    let runs = reader.runs(None, 9).unwrap();
    assert_eq!(runs.iter().map(|run| &run.id).collect::<Vec<_>>(), [&second.id, &first.id]);
    assert_eq!(reader.runs(None, 1).unwrap()[..], runs[..1]);
    assert_eq!(reader.runs(Some("neil"), 9).unwrap()[..], runs[1..]);
    let run = &runs[1];
    assert_eq!((run.started, run.ended, run.window), (first.started, first.ended, first.window));
    assert_eq!((run.version.as_str(), run.zone.as_str(), run.exit_code), ("0.1.0", "America/Los_Angeles", 3));
    assert_eq!((run.counts.analyzed, run.counts.detections), (1, 1));
    assert_eq!((run.audio, run.source.as_str()), (Duration::from_secs(3600), "neil"));
}

pub fn a_newer_database_is_not_read_either(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    home.execute("INSERT INTO giggles_schema (version, applied_at) VALUES (7, '2030-01-01T00:00:00Z')");
    let error = read(&home.location()).err().expect("a newer schema");
    assert!(matches!(error, StoreError::Newer { found: 7, .. }), "{error}");
}

pub fn reading_does_not_wait_for_the_lock(home: &impl Home) {
    let mut writer = open(&home.location()).unwrap();
    writer.lock("neil").unwrap();
    let mut reader = reader(home);
    assert!(reader.runs(None, 9).unwrap().is_empty());
    writer.save(&past_run("neil").build()).unwrap();
    assert_eq!(reader.runs(None, 9).unwrap().len(), 1);
}

fn names(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn looking_makes_no_file() {
    let home = InSqlite::new();
    assert!(read(&home.location()).unwrap().is_none());
    assert!(names(home.folder.path()).is_empty());
    save(&home, &past_run("neil").build());
    let before = std::fs::read(home.folder.path().join("laughs.db")).unwrap();
    reader(&home).recordings(None, &Window::default()).unwrap();
    assert_eq!(names(home.folder.path()), ["laughs.db"]);
    assert_eq!(std::fs::read(home.folder.path().join("laughs.db")).unwrap(), before);
}

#[test]
fn looking_makes_no_tables() {
    let home = InPostgres::new();
    assert!(read(&home.location()).unwrap().is_none());
    assert_eq!(home.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
}

/// What a power cut leaves in the middle of a commit: pages of the new rows, and the journal of the old.
#[test]
fn a_commit_cut_short_reads_as_it_was_before() {
    let (home, after) = (InSqlite::new(), InSqlite::new());
    save(&home, &past_run("neil").analyzed(recording("a.ogg", 1), vec![detection(1.0, 2.0)]).build());
    let writer = rusqlite::Connection::open(home.folder.path().join("laughs.db")).unwrap();
    writer.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE recordings SET name = hex(zeroblob(99999))").unwrap();
    for name in ["laughs.db", "laughs.db-journal"] {
        std::fs::copy(home.folder.path().join(name), after.folder.path().join(name)).unwrap();
    }
    let stored = reader(&after).recordings(None, &Window::default()).unwrap();
    assert_eq!(stored[0].name, "a.ogg");
    assert_eq!(names(after.folder.path()), ["laughs.db"], "SQLite has put it right");
}

#[test]
fn a_user_who_may_only_select_is_enough_to_read() {
    let home = InPostgres::new();
    save(&home, &past_run("neil").analyzed(recording("a.ogg", 1), vec![detection(1.0, 2.0)]).build());
    let role = format!("reader_of_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let location = url.as_str().parse().unwrap();
    assert!(matches!(read(&location), Err(StoreError::Config(_))), "no right at all");
    home.execute(&format!("GRANT SELECT ON runs, recordings, detections, reviews, giggles_schema TO {role}"));
    let mut reader = read(&location).unwrap().unwrap();
    assert_eq!(reader.recordings(None, &Window::default()).unwrap()[0].laughs().len(), 1);
    drop(reader);
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
