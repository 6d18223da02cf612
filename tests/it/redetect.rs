//! `giggles redetect`: what is decided from stored scores is what a scan decides, on both databases.

use std::time::{Duration, Instant};

use giggles::detect::{CandidateCollector, Score, detections};
use giggles::domain::*;
use giggles::redetect::{Changes, Settings, redetect};
use giggles::stop::Stop;
use giggles::store::open;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::past_runs::{PastRunBuilder, at, length, past_run, recording};
use crate::support::program::Place;

mod reviewed;

const CLIPS: [(&str, &str); 3] = [
    ("fixtures/clips/laugh_male_scratch1.flac", "20251024_130000.flac"),
    ("fixtures/clips/laugh_male_scratch2.flac", "20251024_140000.flac"),
    ("fixtures/clips/speech_it.flac", "20251024_150000.flac"),
];

/// Everything that a decision leaves in the tables, without the numbers of rows and runs.
fn rows(home: &impl Home) -> Vec<String> {
    let of_recordings = "JOIN recordings ON recordings.id = recording_id";
    let (started, starts, ends) = (home.instant("started_at"), home.instant("starts_at"), home.instant("ends_at"));
    [
        format!("SELECT name, {started}, start_source, status, duration_seconds, analysis FROM recordings ORDER BY name"),
        format!(
            "SELECT name, local_date, {starts}, {ends}, start_seconds, end_seconds, peak_score, mean_score, label,
                 class_index, class_scores FROM detections {of_recordings} ORDER BY name, start_seconds"
        ),
        format!(
            "SELECT name, first_patch, last_patch, peak_v, mean_v, class_scores, is_detected, personal, length(embedding)
                 FROM candidates {of_recordings} ORDER BY name, first_patch"
        ),
        format!("SELECT name, audio_seconds, length(v) FROM score_tracks {of_recordings} ORDER BY name"),
    ]
    .iter()
    .flat_map(|sql| home.ask(sql))
    .collect()
}

/// Adds a recording with these v, as a scan under these parameters leaves it.
fn analyzed(run: PastRunBuilder, file: Recording, values: &[f32], parameters: &DetectionParameters) -> PastRunBuilder {
    let mut collector = CandidateCollector::new(parameters);
    for (patch, &v) in values.iter().enumerate() {
        let embedding = [patch as f32 / 16.0; 1024];
        let laughter = std::array::from_fn(|class| ((patch * 7 + class * 13) % 101) as f32 / 101.0);
        collector.push(&Score { v, laughter }, Some(&embedding));
    }
    let (track, candidates) = collector.finish();
    let detections = detections(&track, &candidates, length(&track), parameters);
    run.scored_to_the_end(file, (track, candidates), detections)
}

fn file(name: &str, byte: u8, hour: u8) -> Recording {
    Recording { started: at(&format!("2025-10-24T{hour:02}:00:00Z")), ..recording(name, byte) }
}

fn scan(home: &impl Home, tracks: &[Vec<f32>; 2], parameters: &DetectionParameters) {
    let run = analyzed(past_run("neil"), file("a.ogg", 1, 13), &tracks[0], parameters);
    let mut run = analyzed(run, file("b.ogg", 2, 15), &tracks[1], parameters).build();
    run.analysis.parameters = parameters.clone();
    open(&home.location()).unwrap().save(&run).unwrap();
}

fn decide_anew(home: &impl Home, changes: Changes) -> giggles::redetect::Report {
    let settings = Settings {
        database: home.location(),
        sources: vec!["neil".into()],
        window: Window::default(),
        changes,
        cutting: None,
        dry_run: false,
    };
    redetect(&settings, &Stop::default()).unwrap()
}

fn changes_to(parameters: &DetectionParameters) -> Changes {
    Changes {
        onset_threshold: Some(parameters.onset_threshold),
        merge_gap_seconds: Some(parameters.merge_gap_seconds),
        min_patches: Some(parameters.min_patches),
        padding_seconds: Some(parameters.padding_seconds),
        personal: parameters.personal,
    }
}

fn any_parameters() -> impl Strategy<Value = DetectionParameters> {
    let usual = DetectionParameters::default;
    (-1.5_f32..3.0, 0.0..6.0_f64, 0_u32..6, 0.0..3.0_f64).prop_map(move |(onset, gap, patches, padding)| {
        DetectionParameters {
            merge_gap_seconds: gap,
            min_patches: patches,
            padding_seconds: padding,
            ..usual().with_onset(onset)
        }
    })
}

/// Silence with sounds in it.
fn any_track() -> impl Strategy<Value = Vec<f32>> {
    let sound = (0_usize..12, proptest::collection::vec(-2.5_f32..3.0, 1..9));
    proptest::collection::vec(sound, 0..12).prop_map(|sounds| {
        let patches = |(quiet, sound): (usize, Vec<f32>)| std::iter::repeat_n(-6.0, quiet).chain(sound);
        std::iter::once(-6.0).chain(sounds.into_iter().flat_map(patches)).collect()
    })
}

fn equals_a_scan<H: Home>(new: impl Fn() -> H, cases: u32) {
    let tracks = (any_track(), any_track()).prop_map(|(a, b)| [a, b]);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&(tracks, any_parameters(), any_parameters()), |(tracks, before, after)| {
            let (anew, scanned) = (new(), new());
            scan(&anew, &tracks, &before);
            let original = rows(&anew);
            decide_anew(&anew, changes_to(&after));
            scan(&scanned, &tracks, &after);
            prop_assert_eq!(rows(&anew), rows(&scanned));
            decide_anew(&anew, changes_to(&before));
            prop_assert_eq!(rows(&anew), original, "and back");
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_decided_anew_equals_a_scan_in_sqlite() {
    equals_a_scan(InSqlite::new, 24);
}

#[test]
fn what_is_decided_anew_equals_a_scan_in_postgres() {
    equals_a_scan(InPostgres::new, 6);
}

fn what_came_and_went_is_counted_and_the_run_is_stored(home: &impl Home) {
    let usual = DetectionParameters::default();
    let loud = |at: usize| (0..60).map(move |patch| if (at..at + 4).contains(&patch) { 2.0 } else { -6.0 });
    let mut both: Vec<f32> = loud(10).collect();
    both[40..44].fill(0.2);
    scan(home, &[both, loud(20).collect()], &usual);
    let before = rows(home);
    let same = decide_anew(home, Changes { personal: true, ..Changes::default() });
    assert_eq!(rows(home), before, "unchanged settings change nothing");
    let told = |report: &giggles::redetect::Report| {
        let source = &report.sources[0];
        (source.counts.redetected, source.counts.detections, source.added, source.removed, source.kept)
    };
    assert_eq!((told(&same), same.exit().code()), ((2, 3, 0, 0, 3), 0));
    let strict = decide_anew(home, Changes { onset_threshold: Some(1.0), personal: true, ..Changes::default() });
    assert_eq!(told(&strict), (2, 2, 0, 1, 2));
    let normal = Changes { onset_threshold: Some(usual.onset_threshold), personal: true, ..Changes::default() };
    assert_eq!(told(&decide_anew(home, normal)), (2, 3, 1, 0, 2));
    assert_eq!(rows(home), before, "strict and back");
    let runs = home.ask("SELECT command, analyzed, redetected, exit_code FROM runs ORDER BY started_at, command");
    assert_eq!(runs, ["scan|2|0|3", "redetect|0|2|0", "redetect|0|2|0", "redetect|0|2|0"]);

    let lower = decide_anew(home, Changes { onset_threshold: Some(-2.0), personal: true, ..Changes::default() });
    assert_eq!((lower.sources[0].needs_audio.join(" "), lower.exit().code()), ("a.ogg b.ogg".to_owned(), 3));
    assert_eq!(rows(home), before, "the candidates do not reach down to it");
}

#[test]
fn on_sqlite_what_came_and_went_is_counted() {
    what_came_and_went_is_counted_and_the_run_is_stored(&InSqlite::new());
}

#[test]
fn on_postgres_what_came_and_went_is_counted() {
    what_came_and_went_is_counted_and_the_run_is_stored(&InPostgres::new());
}

#[test]
fn a_run_of_redetect_scans_no_day() {
    let home = InSqlite::new();
    scan(&home, &[vec![2.0; 4], vec![]], &DetectionParameters::default());
    decide_anew(&home, Changes::default());
    let mut reader = giggles::store::read(&home.location()).unwrap().unwrap();
    let mut scans = 0;
    reader.each_coverage(None, &Window::default(), jiff::Timestamp::MIN, &mut |_| scans += 1).unwrap();
    assert_eq!((scans, home.count("runs")), (1, 2));
}

/// The tables of the program's own file, as `rows` reads them.
fn stored(place: &Place) -> Vec<String> {
    let home = InFile(place.path("laughs.db"));
    rows(&home)
}

struct InFile(std::path::PathBuf);

impl Home for InFile {
    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    fn ask(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(&self.0).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap())).collect::<Vec<_>>().join("|")
        };
        statement.query_map([], |row| Ok(text(row))).unwrap().map(|row| row.unwrap()).collect()
    }

    fn execute(&self, _: &str) {}

    fn is_locked_by(&self, _: u32) -> bool {
        false
    }

    fn instant(&self, column: &str) -> String {
        column.to_owned()
    }
}

fn redetects(place: &Place, flags: &[&str]) -> crate::support::program::Said {
    place.run(&[&["redetect", "--database", &place.sqlite()], flags].concat())
}

#[test]
fn recordings_that_were_scanned_are_decided_anew_without_their_audio() {
    let place = Place::with(&CLIPS);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let scanned = stored(&place);
    assert!(place.number("SELECT count(*) FROM detections") > 0);
    assert!(place.number("SELECT count(*) FROM candidates") > 0);
    for (_, name) in CLIPS {
        std::fs::remove_file(place.recording(name)).unwrap();
    }
    let same = redetects(&place, &[]).ends_with(0);
    assert!(same.stdout.contains("default: 3 recordings redetected"), "{}", same.stdout);
    assert_eq!(stored(&place), scanned, "unchanged settings change nothing");
    let dry = redetects(&place, &["--threshold", "0.999", "--dry-run", "--json"]).ends_with(0).json();
    assert_eq!((&dry["sources"][0]["run"], &dry["sources"][0]["redetected"]), (&serde_json::Value::Null, &3.into()));
    assert_eq!(stored(&place), scanned, "a dry run stores nothing");
    redetects(&place, &["--threshold", "0.999"]).ends_with(0);
    assert_eq!(place.number("SELECT count(*) FROM detections"), 0);
    redetects(&place, &["--threshold", "normal"]).ends_with(0);
    assert_eq!(stored(&place), scanned, "and back");
    let none = redetects(&place, &["--date", "2025-10-23", "--tz", "UTC"]).ends_with(4);
    none.complains_of("no recordings with scores are stored here");
    redetects(&place, &["--threshold", "0.1"]).ends_with(3).complains_of("3 recordings of default cannot be decided");
}

#[test]
fn a_scan_under_another_threshold_decodes_nothing() {
    let place = Place::with(&CLIPS);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let scanned = stored(&place);
    let strict = place.scan(&["--tz", "UTC", "--threshold", "0.999", "--json"]).ends_with(0).json();
    assert_eq!((&strict["counts"]["redetected"], &strict["counts"]["analyzed"]), (&3.into(), &0.into()));
    let normal = place.scan(&["--tz", "UTC"]).ends_with(0);
    assert!(normal.stdout.contains(", 3 redetected, 0 skipped"), "{}", normal.stdout);
    assert_eq!(stored(&place), scanned);
    let forced = place.scan(&["--tz", "UTC", "--threshold", "0.999", "--force", "--json"]).ends_with(0).json();
    assert_eq!((&forced["counts"]["redetected"], &forced["counts"]["analyzed"]), (&0.into(), &3.into()));
    let rescored = place.scan(&["--tz", "UTC", "--no-normalize", "--json"]).ends_with(0).json();
    assert_eq!(rescored["counts"]["analyzed"], 3, "other scoring parameters need the audio");
}

#[test]
fn clips_that_are_missing_are_cut_without_the_network() {
    let (place, other) = (Place::with(&CLIPS), Place::with(&CLIPS));
    for place in [&place, &other] {
        std::fs::create_dir(place.path("clips")).unwrap();
    }
    let clips = |place: &Place| InFile(place.path("laughs.db")).ask("SELECT clip FROM detections ORDER BY clip");
    let flags = ["--tz", "UTC", "--clips", "clips"];
    other.scan(&flags).ends_with(0);
    place.scan(&[&flags[..], &["--threshold", "0.999"]].concat()).ends_with(0);
    place.scan(&flags).ends_with(0);
    assert_eq!(clips(&place), clips(&other));
    for clip in clips(&other) {
        let name = clip.trim_start_matches("Text(").to_owned();
        assert!(!name.contains("Null"), "{name}");
    }
    let bytes = |place: &Place| {
        let mut all: Vec<(std::path::PathBuf, Vec<u8>)> = walk(&place.path("clips"));
        // The first scan of one of them also cut clips of what did not count then.
        all.retain(|(path, _)| !path.to_string_lossy().contains("_unsure-"));
        all.sort();
        all
    };
    assert_eq!(bytes(&place), bytes(&other), "the same audio");

    redetects(&place, &["--threshold", "0.999"]).ends_with(0);
    let without = redetects(&place, &["--threshold", "normal"]).ends_with(0);
    assert!(!without.stdout.contains("without a clip"), "they were gone before: {}", without.stdout);
    redetects(&place, &["--recordings", "recordings", "--clips", "clips"]).ends_with(0);
    assert_eq!(clips(&place), clips(&other), "a clip's name is that of its laugh");
    for threshold in ["strict", "sensitive", "normal"] {
        redetects(&place, &["--threshold", threshold]).ends_with(0);
    }
    assert_eq!(clips(&place), clips(&other), "laughs that went and came back have their clips");
}

#[test]
fn a_clip_whose_file_was_removed_is_cut_again_or_its_recording_is_named() {
    let place = Place::with(&CLIPS);
    std::fs::create_dir(place.path("clips")).unwrap();
    place.scan(&["--tz", "UTC", "--clips", "clips"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let clip: String = connection.query_row("SELECT clip FROM detections ORDER BY clip", [], |row| row.get(0)).unwrap();
    let clip = place.path("clips").join(clip);
    let bytes = std::fs::read(&clip).unwrap();
    std::fs::remove_file(&clip).unwrap();
    redetects(&place, &["--recordings", "recordings", "--clips", "clips"]).ends_with(0);
    assert!(std::fs::read(&clip).unwrap() == bytes, "the same audio");

    std::fs::remove_file(&clip).unwrap();
    std::fs::rename(place.path("recordings"), place.path("elsewhere")).unwrap();
    std::fs::create_dir(place.path("recordings")).unwrap();
    let without = redetects(&place, &["--recordings", "recordings", "--clips", "clips"]).ends_with(0);
    assert!(without.stdout.contains("; 1 laugh without a clip, in 20251024_130000.flac\n"), "{}", without.stdout);
}

#[test]
fn scores_that_do_not_fit_their_recording_are_reported_with_its_name() {
    let place = Place::with(&CLIPS);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let recording = "(SELECT id FROM recordings WHERE name = '20251024_130000.flac')";
    let shorten = format!("UPDATE score_tracks SET v = substr(v, 1, length(v) - 2) WHERE recording_id = {recording}");
    assert_eq!(connection.execute(&shorten, []).unwrap(), 1);
    let laugh: i64 = connection
        .query_row(&format!("SELECT id FROM detections WHERE recording_id = {recording}"), [], |row| row.get(0))
        .unwrap();
    let before = stored(&place);
    let said = redetects(&place, &["--threshold", "strict", "-n"]).ends_with(3);
    said.complains_of("the stored scores of 1 recording of default are damaged, in 20251024_130000.flac: their number");
    let explain = place.run(&["explain", &laugh.to_string(), "--database", &place.sqlite()]).ends_with(1);
    explain.complains_of("20251024_130000.flac: its stored scores are damaged");
    assert_eq!(stored(&place), before);
    place.scan(&["--tz", "UTC", "--threshold", "strict"]).ends_with(0);
    redetects(&place, &["--threshold", "normal"]).ends_with(0);
}

#[test]
fn views_need_the_audio() {
    let place = Place::new();
    redetects(&place, &["--views", "3"])
        .ends_with(78)
        .complains_of("--views: views are scored from the audio; use giggles");
}

fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
                    .into_iter()
                    .map(|(name, bytes)| (path.file_name().unwrap().into(), name, bytes))
                    .map(join)
                    .collect()
            } else {
                vec![(path.file_name().unwrap().into(), std::fs::read(&path).unwrap())]
            }
        })
        .collect()
}

fn join((folder, name, bytes): (std::path::PathBuf, std::path::PathBuf, Vec<u8>)) -> (std::path::PathBuf, Vec<u8>) {
    (folder.join(name), bytes)
}

/// Numbers without a pattern, in [0, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

/// A day of 24 hours whose patches have these v, with embeddings that cannot be compressed and personal scores.
fn day(number: u32, v: impl Fn(u32, &mut Numbers) -> f32) -> (Recording, (ScoreTrack, Vec<Candidate>)) {
    let mut numbers = Numbers(number.into());
    let mut collector = CandidateCollector::new(&DetectionParameters::default());
    for patch in 0..180_000 {
        let v = v(patch, &mut numbers);
        let laughter = if v >= -1.5 { std::array::from_fn(|_| numbers.next()) } else { [0.0; 6] };
        let embedding = (v >= -1.5).then(|| std::array::from_fn::<f32, 1024, _>(|_| numbers.next()));
        collector.push(&Score { v, laughter }, embedding.as_ref().map(|values| &values[..]));
    }
    let (track, mut candidates) = collector.finish();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.embedding.is_some()) {
        let mut near = || (0..3).map(|i| Neighbour { review: 1000 + i, similarity: numbers.next() }).collect();
        candidate.personal = Some(PersonalScore { shift: 0.123_456_7, confirmed: near(), rejected: near() });
    }
    (day_of(number, &recording("", 1)), (track, candidates))
}

/// Sounds of two patches, 300 times a day.
fn ordinary(patch: u32, numbers: &mut Numbers) -> f32 {
    if patch % 600 < 2 { numbers.next() * 2.5 - 1.5 } else { -6.0 - numbers.next() }
}

/// Every other patch may be a laugh, all day.
fn wild(patch: u32, numbers: &mut Numbers) -> f32 {
    if patch.is_multiple_of(2) { numbers.next() * 2.5 - 1.5 } else { -3.0 - numbers.next() }
}

/// Bytes that the tables of scores and their indexes take.
fn bytes(home: &impl Home) -> u64 {
    let sql = if home.url().starts_with("sqlite:") {
        "SELECT sum(pgsize) FROM dbstat WHERE name GLOB 'candidates*' OR name GLOB 'score_tracks*'
             OR name GLOB 'sqlite_autoindex_score_tracks*'"
    } else {
        "SELECT (pg_total_relation_size('candidates') + pg_total_relation_size('score_tracks'))::text"
    };
    home.ask(sql)[0].parse().unwrap()
}

fn a_day_is_bounded(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    let mut before = bytes(home);
    for (number, limit) in [(0, 2_000_000), (1, 4_000_000)] {
        let (recording, scores) = if number == 0 { day(number, ordinary) } else { day(number, wild) };
        let candidates = scores.1.len();
        assert!(scores.0.to_bytes().len() <= 24 * 16_000, "a track takes 16 kB an hour at most");
        open(&home.location()).unwrap().save(&past_run("neil").scored(recording, scores, vec![]).build()).unwrap();
        let after = bytes(home);
        println!("{}: {candidates} candidates take {} bytes", home.url().split(':').next().unwrap(), after - before);
        assert!(candidates >= 300 && after - before < limit, "{candidates} candidates take {} bytes", after - before);
        before = after;
    }
}

#[test]
fn a_day_is_bounded_in_sqlite() {
    a_day_is_bounded(&InSqlite::new());
}

#[test]
fn a_day_is_bounded_in_postgres() {
    a_day_is_bounded(&InPostgres::new());
}

/// Days of 24 hours with 300 candidates each are decided anew, and the time is printed.
fn days_are_decided_in_seconds(home: &impl Home, days: u32) {
    let one = day(0, ordinary);
    for first in (0..days).step_by(30) {
        let mut run = past_run("neil");
        for number in first..days.min(first + 30) {
            let recording = day_of(number, &one.0);
            let (track, candidates) = one.1.clone();
            let found = detections(&track, &candidates, length(&track), &DetectionParameters::default());
            run = run.scored_to_the_end(recording, (track, candidates), found);
        }
        open(&home.location()).unwrap().save(&run.build()).unwrap();
    }
    for changes in [
        Changes { onset_threshold: Some(0.0), personal: true, ..Changes::default() },
        Changes { onset_threshold: Some(0.0), personal: false, ..Changes::default() },
    ] {
        let begun = Instant::now();
        let report = decide_anew(home, changes.clone());
        let kind = home.url().split(':').next().unwrap().to_owned();
        println!("{kind}, {days} days, reviews {}: {:?}", changes.personal, begun.elapsed());
        assert_eq!(report.sources[0].counts.redetected, u64::from(days));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

/// A recording of 24 hours, on this day.
fn day_of(number: u32, like: &Recording) -> Recording {
    let start = jiff::Timestamp::from_second(1_735_689_600 + i64::from(number) * 86_400).unwrap();
    let mut content = [0; 32];
    content[..4].copy_from_slice(&number.to_be_bytes());
    let started = Some(StartTime { at: start, from: StartSource::Filename });
    let name = format!("day{number:04}.ogg");
    Recording { name, content: Some(ContentHash(content)), started, ..like.clone() }
}

#[test]
fn days_are_decided_in_seconds_in_sqlite() {
    days_are_decided_in_seconds(&InSqlite::new(), 10);
}

#[test]
fn days_are_decided_in_seconds_in_postgres() {
    days_are_decided_in_seconds(&InPostgres::new(), 10);
}

/// `cargo test --release --test it a_year -- --ignored --nocapture`; the next one too.
#[test]
#[ignore = "writes a gigabyte"]
fn a_year_is_decided_in_seconds_in_sqlite() {
    days_are_decided_in_seconds(&InSqlite::new(), 365);
}

#[test]
#[ignore = "writes a gigabyte"]
fn a_year_is_decided_in_seconds_in_postgres() {
    days_are_decided_in_seconds(&InPostgres::new(), 365);
}
