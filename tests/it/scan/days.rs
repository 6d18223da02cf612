//! Which recordings a day holds, and to which day a laugh belongs.

use crate::scan::{LAUGH, counts, scan, told};
use crate::support::audio;
use crate::support::homes::{Home, InSqlite};
use crate::support::program::{Place, SECOND};

/// A second of sound, different for each name.
fn short(place: &Place, name: &str) {
    let step = name.bytes().map(usize::from).sum::<usize>();
    let samples: Vec<i16> = (0..SECOND).map(|i| (i * step % 211) as i16).collect();
    place.write_wav(name, &samples);
}

fn analyzed_on(place: &Place, date: &str, zone: &str) -> Vec<String> {
    let document = told(place, &InSqlite::new(), &["--date", date, "--tz", zone, "--name-tz", "UTC", "--allow-empty"]);
    let recordings = document["recordings"].as_array().unwrap();
    recordings.iter().map(|recording| recording["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_day_of_25_hours_holds_the_hour_that_comes_twice() {
    let place = Place::new();
    let of_the_day = [
        "20251102_070000.wav", // midnight in Los Angeles
        "20251102_083000.wav", // 01:30, the first time
        "20251102_093000.wav", // 01:30, the second time
        "20251103_073000.wav", // 23:30, in the 25th hour
    ];
    let of_others = ["20251102_065958.wav", "20251103_080000.wav"];
    of_the_day.iter().chain(&of_others).for_each(|name| short(&place, name));
    assert_eq!(analyzed_on(&place, "2025-11-02", "America/Los_Angeles"), of_the_day);
}

#[test]
fn names_tell_the_time_of_the_zone_that_is_given() {
    let place = Place::new();
    short(&place, "20251102_003000.wav");
    let day = |zone| {
        told(&place, &InSqlite::new(), &["--name-tz", zone, "--tz", "UTC"])["recordings"][0]["started_at"].clone()
    };
    assert_eq!(day("UTC"), "2025-11-02T00:30:00Z");
    assert_eq!(day("America/Los_Angeles"), "2025-11-02T07:30:00Z");
}

#[test]
fn names_tell_the_time_of_the_zone_of_days_unless_another_is_given() {
    let place = Place::new();
    short(&place, "20251102_120000.wav");
    short(&place, "20251102_130000Z.wav");
    short(&place, "undated.wav");
    let document = |flags: &[&str]| told(&place, &InSqlite::new(), flags);
    let by_name = |document: &serde_json::Value, field: &str| {
        let recordings = document["recordings"].as_array().unwrap().iter();
        recordings.map(|recording| recording[field].clone()).collect::<Vec<_>>()
    };
    let assumed = document(&["--tz", "Asia/Tokyo"]);
    assert_eq!(by_name(&assumed, "started_at")[0], "2025-11-02T03:00:00Z");
    assert_eq!(by_name(&assumed, "zone_assumed"), [true, false, false]);
    assert_eq!(assumed["start_times"], serde_json::json!({ "mtime": 1, "upload": 0, "zone_assumed": 1 }));
    let named = document(&["--tz", "Asia/Tokyo", "--name-tz", "UTC"]);
    assert_eq!(by_name(&named, "started_at")[0], "2025-11-02T12:00:00Z");
    assert_eq!(
        (by_name(&named, "zone_assumed"), &named["start_times"]["zone_assumed"]),
        (vec![false.into(); 3], &0.into())
    );
}

/// One line, and none when everything is known; what was stored before is not repeated.
#[test]
fn a_scan_says_in_one_line_what_start_times_are_based_on() {
    let place = Place::new();
    short(&place, "20251102_120000.wav");
    short(&place, "undated.wav");
    let home = InSqlite::new();
    let line = |flags: &[&str]| {
        let said = scan(&place, &home, flags).ends_with(0);
        assert_eq!(said.stderr, "");
        let lines: Vec<String> = said.stdout.lines().map(str::to_owned).collect();
        lines.iter().find(|line| line.contains("--name-tz") || line.contains("modification")).cloned()
    };
    let said = line(&["--tz", "Europe/Berlin", "--dry-run"]).unwrap();
    assert!(
        said.starts_with("1 recording without a time zone in its start, read in Europe/Berlin (--name-tz"),
        "{said}"
    );
    assert!(said.contains("; 1 recording dated by its modification time only"), "{said}");
    let said = line(&["--name-tz", "UTC", "--dry-run"]).unwrap();
    assert!(said.starts_with("1 recording dated by its modification time only"), "{said}");
    assert!(line(&[]).is_some());
    assert_eq!(line(&[]), None, "they were stored before");
    assert_eq!(line(&["-q", "--force"]), None);
}

/// Twelve seconds that begin 6 s before midnight in Los Angeles, with one laugh `at` second.
fn across_midnight(at: usize) -> Place {
    let mut samples = vec![0i16; 12 * SECOND];
    for (sample, laugh) in samples[at * SECOND..].iter_mut().zip(audio::integers(&audio::file(LAUGH.0))) {
        *sample = laugh;
    }
    let place = Place::new();
    place.write_wav("20251025_065954.wav", &samples);
    place
}

#[test]
fn a_recording_across_midnight_is_analyzed_on_either_day_and_stored_once() {
    let (place, home) = (across_midnight(8), InSqlite::new());
    let on = |date| scan(&place, &home, &["--date", date, "--tz", "America/Los_Angeles", "--name-tz", "UTC"]);
    on("2025-10-23").ends_with(4);
    on("2025-10-24").ends_with(0);
    on("2025-10-25").ends_with(0);
    on("2025-10-26").ends_with(4);
    assert_eq!(home.ask("SELECT analyzed, skipped FROM runs WHERE exit_code = 0 ORDER BY started_at"), ["1|0", "0|1"]);
    assert_eq!(home.count("recordings"), 1);
}

#[test]
fn a_laugh_belongs_to_the_day_in_which_it_starts() {
    for (at, date) in [(1, "2025-10-24"), (8, "2025-10-25")] {
        let home = InSqlite::new();
        let told = told(&across_midnight(at), &home, &["--tz", "America/Los_Angeles", "--name-tz", "UTC"]);
        assert_eq!(told["counts"], counts(1, 0, 0, 1), "{told:#}");
        assert_eq!(home.ask("SELECT local_date FROM detections"), [date]);
        assert_eq!(told["recordings"][0]["laughs"][0]["local_date"], date);
    }
}

#[test]
fn a_window_has_any_borders() {
    let place = Place::new();
    for hour in ["12", "13", "14"] {
        short(&place, &format!("20251024_{hour}0000.wav"));
    }
    let flags = ["--from", "2025-10-24T13:00", "--to", "2025-10-24T14:00", "--tz", "UTC"];
    let told = told(&place, &InSqlite::new(), &flags);
    assert_eq!(told["recordings"].as_array().unwrap().len(), 1);
    assert_eq!(told["recordings"][0]["name"], "20251024_130000.wav");
    assert_eq!(told["run"]["window"]["from"], "2025-10-24T13:00:00Z");
}

#[test]
fn the_clock_that_was_used_is_stored() {
    let place = Place::with(&[LAUGH, ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV")]);
    let home = InSqlite::new();
    let modified = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_761_310_800); // 13:00 UTC
    std::fs::File::options().append(true).open(place.recording(LAUGH.1)).unwrap().set_modified(modified).unwrap();
    scan(&place, &home, &[]).ends_with(0);
    assert_eq!(home.ask("SELECT start_source FROM recordings ORDER BY name"), ["filename", "mtime"]);
    let started = home.ask("SELECT started_at FROM recordings WHERE start_source = 'mtime'");
    assert!(started[0].starts_with("2025-10-24T12:59:5"), "{started:?}");
}
