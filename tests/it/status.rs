//! `giggles status`: the last runs and a day, as a person and as a script see them.

use crate::support::past_runs;
use crate::support::postgres as server;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::program::{Place, Said};
use giggles::domain::{Recording, RecordingError, Run, Skip, Window};
use giggles::store::open;
use insta::assert_snapshot;
use past_runs::{PastRunBuilder, at, detection, past_run, recording};
use server::Postgres;

const DAY: [&str; 2] = ["--date", "2025-10-24"];

fn started(name: &str, byte: u8, instant: &str) -> Recording {
    Recording { started: at(instant), ..recording(name, byte) }
}

/// 24 October in Los Angeles is from 07:00 to 07:00 UTC: two hours at noon, one across midnight.
fn good() -> PastRunBuilder {
    past_run("neil")
        .analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![detection(1.0, 2.0), detection(1900.0, 1902.0)])
        .analyzed(started("one.ogg", 2, "2025-10-24T20:00:20Z"), vec![])
        .analyzed(
            started("late.ogg", 3, "2025-10-25T06:15:00Z"),
            vec![detection(60.0, 61.0), detection(3000.0, 3001.0)],
        )
}

fn bad() -> PastRunBuilder {
    let cut = RecordingError::Truncated { reason: "the file stops inside a page".into(), at: Duration::from_secs(9) };
    let hour = Some(Duration::from_secs(3600));
    let broken = Recording { announced: hour, ..started("broken.ogg", 4, "2025-10-24T20:30:00Z") };
    let closed = Recording { started: None, content: None, ..recording("closed", 5) };
    good()
        .failed(broken, cut)
        .failed(started("empty.ogg", 6, "2025-10-24T09:00:00Z"), RecordingError::Empty)
        .failed(closed, RecordingError::Unreadable { reason: "permission denied".into() })
}

fn place(runs: &[Run]) -> Place {
    let place = Place::new();
    save(&place.sqlite(), runs);
    place
}

fn save(url: &str, runs: &[Run]) {
    let mut store = open(&url.parse().unwrap()).unwrap();
    for run in runs {
        store.save(run).unwrap();
    }
}

fn status(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["status", "--database", &place.sqlite()], flags].concat())
}

/// Without the folder, and without what grows older while we look.
fn plain(place: &Place, said: &Said) -> String {
    let folder = place.path("").display().to_string();
    let text = said.stdout.replace(folder.trim_end_matches('/'), "[folder]");
    let age = |line: &str| {
        line.split_once(" d ").zip(line.split_once(" h ago")).map(|((a, _), (_, b))| (a.to_owned(), b.to_owned()))
    };
    let aged = |line: &str| match age(line) {
        Some((before, after)) => format!("{}[age]{after}", before.trim_end_matches(|c: char| c.is_ascii_digit())),
        None => line.to_owned(),
    };
    text.lines().map(aged).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_last_runs() {
    let mut second = past_run("mia").build();
    second.started = "2025-10-25T09:00:30Z".parse().unwrap();
    second.exit_code = 0;
    let from = |day| format!("2025-10-{day}T07:00:00Z").parse().ok();
    second.window = Window { from: from(18), to: from(25) };
    let place = place(&[bad().build(), second]);
    assert_snapshot!(plain(&place, &status(&place, &[]).ends_with(0)), @"
    last stored run: [age], exit code 0; times are in America/Los_Angeles; sqlite:[folder]/laughs.db
    a failed run leaves no row; see cron's mail and the log for exit codes 1, 75 and 78

    started              took        source  from        to          exit  analyzed       audio  partial  failed  laughs
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2025-10-25 02:00:30  30 s        mia     2025-10-18  2025-10-25     0         0         0 s        0       0       0
    2025-10-25 02:00:00  1 min 00 s  neil    any time    any time       3         3  3 h 00 min        0       3       4
    ");
}

#[test]
fn a_complete_day() {
    let place = place(&[good().build()]);
    assert_snapshot!(plain(&place, &status(&place, &DAY).ends_with(0)), @"
    Friday 2025-10-24 in America/Los_Angeles, source neil: complete

    00    03    06    09    12    15    18    21
    ························████▄·················▄█
                            11                    1
    █ analyzed  ▄ partly  x failed or missing  · no recording  1 2 3 laughs

    3 recordings analyzed, 2 h 45 min of the day; 3 laughs
    no recording (21 h 15 min):
      00:00:00 - 12:00:00  12 h 00 min
      14:00:20 - 23:15:00  9 h 14 min
      and 1 shorter gap between recordings, 20 s in total

    last stored run: 2025-10-25 02:00:00, [age]; sqlite:[folder]/laughs.db
    ");
}

#[test]
fn a_day_with_failures() {
    let place = place(&[bad().build()]);
    assert_snapshot!(plain(&place, &status(&place, &DAY).ends_with(3)), @"
    Friday 2025-10-24 in America/Los_Angeles, source neil: incomplete, 3 recordings failed

    00    03    06    09    12    15    18    21
    ····x···················███xx·················▄█
                            11                    1
    █ analyzed  ▄ partly  x failed or missing  · no recording  1 2 3 laughs

    3 recordings analyzed, 2 h 45 min of the day; 3 laughs
    3 recordings failed (29 min 40 s):
      02:00:00  empty.ogg: is empty (0 bytes); the recorder wrote nothing into it
      13:30:00 - 14:30:00  broken.ogg: ends too early, at 0:00:09.0: the file stops inside a page; if the recorder still has it, copy it again
      unknown time  closed: cannot be read: permission denied; check its permissions and the disk
    no recording (20 h 45 min):
      00:00:00 - 12:00:00  12 h 00 min
      14:30:00 - 23:15:00  8 h 45 min
      and 1 shorter gap between recordings, 20 s in total

    last stored run: 2025-10-25 02:00:00, [age]; sqlite:[folder]/laughs.db
    ");
}

#[test]
fn a_day_on_which_clocks_change() {
    let hours = (0..5).map(|hour| started(&format!("{hour}.ogg"), hour, &format!("2025-10-26T{hour:02}:10:00Z")));
    let mut run = hours.fold(past_run("neil"), |past_run, recording| past_run.analyzed(recording, vec![])).build();
    run.started = "2025-10-27T09:00:00Z".parse().unwrap();
    run.ended = run.started;
    let place = place(&[run]);
    let said = status(&place, &["--date", "2025-10-26", "--tz", "Europe/Berlin"]).ends_with(0);
    assert_snapshot!(plain(&place, &said), @"
    Sunday 2025-10-26 in Europe/Berlin, 25 hours long, source neil: complete

    00      03    06    09    12    15    18    21
    ····▄█████████▄···································
    █ analyzed  ▄ partly  x failed or missing  · no recording  1 2 3 laughs

    5 recordings analyzed, 5 h 00 min of the day; 0 laughs
    no recording (20 h 00 min):
      00:00:00+02:00 - 02:10:00+02:00  2 h 10 min
      06:10:00+01:00 - 00:00:00+01:00  17 h 50 min

    last stored run: 2025-10-27 10:00:00, [age]; sqlite:[folder]/laughs.db
    ");
}

#[test]
fn a_day_of_many_pieces_is_one_screen() {
    let piece = |n: u8| started(&format!("{n}.ogg"), n, &format!("2025-10-24T{:02}:{:02}:00Z", 8 + n / 60, n % 60));
    let many = (0..200).fold(past_run("neil"), |past_run, n| match n % 7 {
        0 => past_run.failed(piece(n), RecordingError::Empty),
        _ => {
            past_run.failed(Recording { announced: Some(Duration::from_secs(50)), ..piece(n) }, RecordingError::Changed)
        }
    });
    let place = place(&[many.build()]);
    let said = status(&place, &DAY).ends_with(3);
    assert!(said.stdout.lines().count() < 40, "{}", said.stdout);
    assert!(said.stdout.contains("  and 188 more (--json lists all)"), "{}", said.stdout);
    assert!(said.stdout.contains("shorter gaps between recordings, "), "{}", said.stdout);
}

#[test]
fn a_day_that_no_run_has_scanned_since_is_not_complete() {
    let mut run = good().build();
    run.started = "2025-10-25T05:00:00Z".parse().unwrap();
    let place = place(&[run]);
    let said = status(&place, &DAY).ends_with(3);
    assert!(said.stdout.contains("incomplete, no run has scanned the whole day since it ended"), "{}", said.stdout);
}

const NOT_LOOKED: &str = "incomplete, no run has scanned the whole day since it ended";

fn verdict(place: &Place, code: i32) -> String {
    let said = status(place, &["--json", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(code);
    said.json()["days"][0]["completeness"].as_str().unwrap().to_owned()
}

/// A good recording of the day is stored, but by a run that began before the day was over.
fn early() -> Place {
    let place = Place::with(&[("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV")]);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute("UPDATE runs SET started_at = '2025-10-24T22:00:00.000000Z'", []).unwrap();
    assert_eq!(verdict(&place, 3), NOT_LOOKED);
    place
}

#[test]
fn a_run_that_saw_an_empty_folder_has_not_looked() {
    let place = early();
    fs::rename(place.recordings(), place.path("unmounted")).unwrap();
    fs::create_dir(place.recordings()).unwrap();
    place.scan(&["--date", "2025-10-24", "--tz", "UTC"]).ends_with(4);
    assert_eq!(verdict(&place, 3), NOT_LOOKED);
    place.scan(&["--date", "2025-10-24", "--tz", "UTC", "--allow-empty"]).ends_with(0);
    assert_eq!(verdict(&place, 0), "complete", "somebody says that empty is as it should be");
}

#[test]
fn one_shard_of_two_has_not_looked() {
    let place = early();
    place.scan(&["--tz", "UTC", "--shard", "1/2"]).ends_with(0);
    assert_eq!(verdict(&place, 3), NOT_LOOKED);
    place.scan(&["--tz", "UTC", "--shard", "2/2"]).ends_with(0);
    assert_eq!(verdict(&place, 0), "complete");
    let runs = status(&place, &["--json"]).ends_with(0).json()["runs"].clone();
    let shards: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["shard"].clone()).collect();
    assert_eq!(shards, ["2/2".into(), "1/2".into(), serde_json::Value::Null]);
}

#[test]
fn a_run_on_a_single_file_has_not_looked() {
    let place = early();
    let database = place.sqlite();
    let scan = |path| place.run(&["scan", path, "--database", &database, "--tz", "UTC"]).ends_with(0);
    scan("recordings/20251024_130000.WAV");
    assert_eq!(verdict(&place, 3), NOT_LOOKED);
    assert_eq!(status(&place, &["--json"]).ends_with(0).json()["runs"][0]["explicit_files"], true);
    scan("recordings");
    assert_eq!(verdict(&place, 0), "complete");
}

#[test]
fn a_recording_that_was_still_being_written_leaves_the_day_incomplete() {
    let growing = || started("late.ogg", 7, "2025-10-25T06:30:00Z");
    let place = place(&[good().skipped(growing(), Skip::InProgress).build()]);
    let said = status(&place, &DAY).ends_with(3);
    let words = "source neil: incomplete, 1 recording was in progress during the last run\n";
    assert!(said.stdout.contains(words), "{}", said.stdout);
    let day = status(&place, &["--json", DAY[0], DAY[1]]).ends_with(3).json();
    assert_eq!((&day["days"][0]["in_progress"], &day["days"][0]["scanned_at"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!(
        (&day["runs"][0]["counts"]["in_progress"], &day["runs"][0]["counts"]["skipped"]),
        (&1.into(), &1.into())
    );
    assert_eq!(day["runs"][0]["in_progress_from"], "2025-10-25T06:30:00Z");

    let mut next = good().analyzed(growing(), vec![]).build();
    next.started = "2025-10-26T09:00:00Z".parse().unwrap();
    next.ended = next.started;
    save(&place.sqlite(), &[next]);
    assert!(status(&place, &DAY).ends_with(0).stdout.contains("source neil: complete"));
}

#[test]
fn a_failed_recording_whose_time_was_analyzed_in_another_hides_nothing() {
    let cut = || RecordingError::Corrupt { reason: "a bad page".into(), at: Duration::from_secs(9) };
    let inside =
        Recording { announced: Some(Duration::from_secs(31)), ..started("cut.ogg", 8, "2025-10-24T19:10:00Z") };
    let one = place(&[good().failed(inside.clone(), cut()).build()]);
    let said = status(&one, &DAY).ends_with(3);
    let words =
        "1 recording failed (the same time is covered by analyzed recordings):\n  12:10:00 - 12:10:31  cut.ogg: ";
    assert!(said.stdout.contains(words), "{}", said.stdout);
    let empty = started("empty.ogg", 9, "2025-10-24T19:00:00Z");
    let two = place(&[good().failed(inside, cut()).failed(empty, RecordingError::Empty).build()]);
    let said = status(&two, &DAY).ends_with(3);
    assert!(said.stdout.contains("2 recordings failed (unknown length):\n"), "{}", said.stdout);
}

#[test]
fn a_day_without_recordings_is_4() {
    let place = place(&[good().build()]);
    let said = status(&place, &["--date", "2025-10-20"]).ends_with(4);
    assert!(said.stdout.starts_with("Monday 2025-10-20 in America/Los_Angeles, source neil: no recordings are stored"));
    let said = status(&place, &["--date", "2025-10-24", "--source", "nail"]).ends_with(4);
    said.complains_of("no run of source 'nail' is stored; stored sources: neil");
}

#[test]
fn every_source_has_its_own_day() {
    let hers = past_run("mia").failed(started("hers.ogg", 9, "2025-10-24T19:00:00Z"), RecordingError::Empty);
    let nothing = past_run("nobody");
    let place = place(&[good().build(), hers.build(), nothing.build()]);
    let all = status(&place, &DAY).ends_with(3).stdout;
    assert!(
        all.contains("source neil: complete") && all.contains("source mia: incomplete, 1 recording failed"),
        "{all}"
    );
    assert!(all.contains("\nno recordings of this day: nobody\n"), "{all}");
    let one = status(&place, &["--date", "2025-10-24", "--source", "neil"]).ends_with(0).stdout;
    assert!(!one.contains("mia"), "{one}");
}

/// What an engine asks after a fleet's nightly run.
#[test]
fn a_fleet_is_counted_by_state_and_missing_sources_are_named() {
    let failed = past_run("mia").failed(started("hers.ogg", 9, "2025-10-24T19:00:00Z"), RecordingError::Empty);
    let late = past_run("ada").analyzed(started("a.ogg", 8, "2025-10-24T19:00:00Z"), vec![]);
    let mut late = late.build();
    late.started = "2025-10-25T05:00:00Z".parse().unwrap();
    let place = place(&[good().build(), failed.build(), late, past_run("idle").build(), past_run("off").build()]);
    fs::write(place.path("expected"), "neil\r\n mia \n\nidle\nzoe\n").unwrap();
    let flags = ["--all-sources", "--expect", "expected"];
    let said = status(&place, &[&flags[..], &DAY, &["--json"]].concat()).ends_with(3).json();
    let counts = serde_json::json!({"complete": 1, "failed": 1, "incomplete": 1, "not_over": 0, "empty": 1,
        "missing": ["idle", "zoe"]});
    assert_eq!(said["sources"], counts);
    let states: Vec<_> = said["days"].as_array().unwrap().iter().map(|day| day["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["incomplete", "empty", "failed", "complete", "empty"]);
    let text = status(&place, &[&flags[..], &DAY].concat()).ends_with(3).stdout;
    let end = "\n6 sources: 1 complete, 1 failed, 1 incomplete, 2 missing, 1 without recordings\n\
        2 expected sources have no recordings of the day: idle, zoe\n";
    assert!(text.ends_with(end), "{text}");
    let quiet = status(&place, &[&flags[..], &DAY, &["-q"]].concat()).ends_with(3);
    quiet.complains_of("error: 2 expected sources have no recordings of the day: idle, zoe");
}

#[test]
fn a_fleet_is_complete_if_every_expected_source_is() {
    let place = place(&[good().build()]);
    let expecting = |names: &str| {
        let mut command = place.command(&["status", "--database", &place.sqlite(), "--all-sources", "--expect", "-"]);
        fs::write(place.path("names"), names).unwrap();
        command.args(DAY).env("GIGGLES_SOURCE", "nobody").stdin(fs::File::open(place.path("names")).unwrap());
        crate::support::program::said(&mut command)
    };
    expecting("neil\n").ends_with(0);
    expecting("neil\nmia").ends_with(3);
    expecting("\n").ends_with(78).complains_of("--expect: - names no source");
    let missing = [&["--all-sources", "--expect", "no/such/file"][..], &DAY].concat();
    status(&place, &missing).ends_with(78).complains_of("--expect: no/such/file cannot be read");
    status(&place, &["--all-sources"]).ends_with(2);
    status(&place, &["--all-sources", "--source", "neil", DAY[0], DAY[1]]).ends_with(2);
}

#[test]
fn quiet_says_only_what_is_wrong() {
    let good = place(&[good().build()]);
    for flags in [&["-q"][..], &["-q", DAY[0], DAY[1]], &["-q", "--json"]] {
        let said = status(&good, flags).ends_with(0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    }
    let said = status(&place(&[bad().build()]), &["-q", DAY[0], DAY[1]]).ends_with(3);
    assert_eq!(said.stdout, "");
    assert_eq!(said.stderr, "giggles: error: 2025-10-24, source neil: incomplete, 3 recordings failed\n");
}

#[test]
fn json_is_one_document() {
    let place = place(&[bad().build()]);
    let document = status(&place, &["--json", DAY[0], DAY[1]]).ends_with(3).json();
    assert_eq!((&document["spec_version"], &document["zone"]), (&"1".into(), &"America/Los_Angeles".into()));
    assert_eq!(document["runs"][0]["counts"]["failed"], 3);
    let day = &document["days"][0];
    assert_eq!((&day["complete"], &day["is_over"]), (&false.into(), &true.into()));
    assert_eq!((&day["from"], &day["to"]), (&"2025-10-24T07:00:00Z".into(), &"2025-10-25T07:00:00Z".into()));
    assert_eq!((&day["scanned_at"], &day["date"]), (&"2025-10-25T09:00:00Z".into(), &"2025-10-24".into()));
    let seconds = |key: &str| day[key].as_f64().unwrap();
    assert_eq!(seconds("analyzed_seconds"), 2.0 * 3600.0 + 45.0 * 60.0);
    assert_eq!(seconds("failed_seconds"), 1780.0, "what no other recording holds");
    assert_eq!(seconds("analyzed_seconds") + seconds("failed_seconds") + seconds("gap_seconds"), 24.0 * 3600.0);
    assert_eq!(day["recordings"].as_array().unwrap().len(), 6);
    let laughs: Vec<_> = day["laughs"].as_array().unwrap().iter().map(|laugh| &laugh["starts_at"]).collect();
    assert_eq!(laughs, ["2025-10-24T19:00:01Z", "2025-10-24T19:31:40Z", "2025-10-25T06:16:00Z"]);
    let without = status(&place, &["--json"]).ends_with(0).json();
    assert_eq!(without["days"], serde_json::json!([]));
}

#[test]
fn the_laugh_after_midnight_is_the_next_days() {
    let place = place(&[good().build()]);
    let next = status(&place, &["--json", "--date", "2025-10-25"]).json();
    let laughs = next["days"][0]["laughs"].as_array().unwrap();
    assert_eq!(laughs.iter().map(|laugh| &laugh["starts_at"]).collect::<Vec<_>>(), ["2025-10-25T07:05:00Z"]);
}

#[test]
fn nothing_stored_is_said_and_nothing_is_made() {
    let place = Place::new();
    let said = status(&place, &[]).ends_with(4);
    said.complains_of("nothing has been stored yet in sqlite:");
    assert_eq!(said.stdout, "");
    let said = status(&place, &["--json"]).ends_with(4);
    assert_eq!(said.json()["runs"], serde_json::json!([]));
    place.run(&["status"]).ends_with(4).complains_of("home/.local/share/giggles/giggles.db");
    assert!(!place.path("laughs.db").exists() && !place.path("home/.local").exists());
}

#[test]
fn postgres_says_the_same() {
    let place = place(&[bad().build()]);
    let database = Postgres::start();
    let said = place.run(&["status", "--database", &database.url]).ends_with(4);
    said.complains_of("nothing has been stored yet in postgres://");
    save(&database.url, &[bad().build()]);
    let of = |url: &str| {
        let said = place.run(&["status", "--database", url, "--date", "2025-10-24"]).ends_with(3);
        let (day, _) = said.stdout.split_once("last stored run").unwrap();
        day.to_owned()
    };
    assert_eq!(of(&database.url), of(&place.sqlite()));
}

#[test]
fn what_cannot_be_asked() {
    let place = place(&[good().build()]);
    status(&place, &["--date", "24.10.2025"]).ends_with(78).complains_of("--date: '24.10.2025' is not a date");
    status(&place, &["--tz", "Mars"]).ends_with(78).complains_of("--tz: 'Mars'");
    status(&place, &["--date", "9999-12-31"]).ends_with(78).complains_of("is out of range");
    status(&place, &["--runs", "0"]).ends_with(2);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody_there = format!("postgres://neil@127.0.0.1:{port}/laughs?sslmode=disable");
    place.run(&["status", "--database", &nobody_there]).ends_with(75).complains_of("cannot be reached");
    fs::write(place.path("notes.db"), "no database, and longer than a header ".repeat(99)).unwrap();
    place.run(&["status", "--database", "sqlite:notes.db"]).ends_with(78).complains_of("not an SQLite database");
    place.run(&["status", "--database", "sqlite:recordings"]).ends_with(78).complains_of("is a folder");
}

#[test]
fn who_may_not_write_may_look() {
    let place = place(&[good().build()]);
    let file = place.path("laughs.db");
    for (mode, code) in [(0o444, 0), (0o000, 78)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let said = place.as_nobody(&["status", "--database", &place.sqlite()]).ends_with(code);
        if code != 0 {
            said.complains_of("cannot be read");
        }
    }
}

#[test]
fn too_many_rejected_laughs_suggest_a_higher_threshold() {
    let place = Place::new();
    let laughs = (0..30).map(|n| detection(f64::from(n) * 10.0, f64::from(n) * 10.0 + 2.0)).collect();
    let mut store = open(&place.sqlite().parse().unwrap()).unwrap();
    store.save(&past_run("neil").analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), laughs).build()).unwrap();
    let mut reject = |count: u64| {
        let review = |n: u64| giggles::domain::ReviewedSpan {
            source: "neil".into(),
            recording: "noon.ogg".into(),
            content: past_runs::content(1),
            start: Duration::from_secs(n * 10),
            end: Duration::from_secs(n * 10 + 2),
            starts: "2025-10-24T19:00:00Z".parse().unwrap(),
            embedding: None,
            review: giggles::domain::Review {
                verdict: Some(if n < count {
                    giggles::domain::Verdict::Rejected
                } else {
                    giggles::domain::Verdict::Confirmed
                }),
                comment: None,
                favourite: false,
                at: jiff::Timestamp::from_second(1_761_400_000 + count as i64).unwrap(),
            },
        };
        store.save_reviews(&(0..30).map(review).collect::<Vec<_>>(), false).unwrap();
    };
    let advice = "source neil: 11 of the last 30 reviewed laughs are rejected; --threshold strict shows fewer";
    reject(10);
    assert!(!status(&place, &[]).ends_with(0).stdout.contains("rejected"));
    reject(11);
    assert!(status(&place, &[]).ends_with(0).stdout.contains(advice));
    assert!(status(&place, &DAY).stdout.contains(advice));
    let verdicts = status(&place, &["--json"]).json()["verdicts"].clone();
    let wanted = serde_json::json!([{ "source": "neil", "reviewed": 30, "rejected": 11, "suggests_strict": true }]);
    assert_eq!(verdicts, wanted);
}
