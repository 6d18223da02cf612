//! Damaged recordings keep what could be analyzed: stored once, shown until they are whole, and no news to the next run.

#[allow(dead_code, reason = "the tests of Ogg use the rest")]
use crate::support::mux;
use std::fs;

use crate::support::audio;
use crate::support::program::{Place, Said};
use serde_json::Value;

const LAUGH: &str = "fixtures/evening/20251024_130000.WAV";
const EVENING: &str = "fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";

/// The first half of a recording of 8 s, and a recording of 73 s in Ogg in which a bit of the middle is another one.
fn damaged() -> Place {
    let place = Place::new();
    place.write("20251024_130000.WAV", &fs::read(audio::file(LAUGH)).unwrap()[..128_044]);
    let mut bytes = fs::read(audio::file(EVENING)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.write("2025-09-30T21-46-57__2025-09-30T21-48-10.ogg", &bytes);
    place
}

fn rows(place: &Place, sql: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn asks(place: &Place, arguments: &[&str]) -> Said {
    place.run(&[arguments, &["--database", &place.sqlite(), "--tz", "UTC"]].concat())
}

#[test]
fn what_could_be_decoded_is_stored_with_what_is_missing() {
    let place = damaged();
    let said = place.scan(&["--tz", "UTC"]).ends_with(3);
    said.complains_of("20251024_130000.WAV: is partial: 4.00 s are missing, 0:00:04.0 - 0:00:08.0 (4.00 s of sound");
    let ranges = "SELECT name || '|' || status || '|' || missing_count || '|' || round(missing_seconds) FROM recordings
        ORDER BY name";
    let stored = ["2025-09-30T21-46-57__2025-09-30T21-48-10.ogg|partial|1|1.0", "20251024_130000.WAV|partial|1|4.0"];
    assert_eq!(rows(&place, ranges), stored);
    assert_eq!(place.number("SELECT analyzed + failed + partial * 10 FROM runs"), 20);
    let behind = "SELECT count(*) FROM detections JOIN recordings ON recordings.id = recording_id
        WHERE start_seconds > json_extract(missing_ranges, '$[0].end_seconds')";
    assert!(place.number(behind) > 0, "the sound behind the damage is analyzed");
}

#[test]
fn what_another_data_chunk_holds_is_warned_of_and_missing() {
    let place = Place::new();
    let laugh = fs::read(audio::file(LAUGH)).unwrap();
    let behind = |bytes: u32| {
        let mut file = [&laugh[..], b"data", &bytes.to_le_bytes(), &vec![0; bytes as usize]].concat();
        let riff = file.len() as u32 - 8;
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        file
    };
    place.write("20251024_130000.WAV", &behind(96_000));
    place.write("20251024_140000.WAV", &behind(1_000));
    let said = place.scan(&["--tz", "UTC"]).ends_with(3);
    for bytes in [96_000, 1_000] {
        said.complains_of(&format!("{bytes} bytes in another data chunk follow the audio; they are not analyzed"));
    }
    said.complains_of("20251024_130000.WAV: is partial: 3.00 s are missing, 0:00:08.0 - 0:00:11.0");
    let stored = "SELECT status || '|' || missing_count || '|' || round(missing_seconds) FROM recordings ORDER BY name";
    assert_eq!(rows(&place, stored), ["partial|1|3.0", "analyzed|0|0.0"]);
}

#[test]
fn known_damage_is_not_news_and_goes_on_being_shown() {
    let place = damaged();
    place.write("20251024_140000.ogg", b"no sound at all");
    place.write("20251024_150000.wav", b"");
    place.scan(&["--tz", "UTC"]).ends_with(3);
    let before = rows(&place, "SELECT name || status || run_id FROM recordings ORDER BY name");
    let detections = place.number("SELECT count(*) FROM detections");
    let metrics = place.path("giggles.prom");
    let again = place.scan(&["--tz", "UTC", "--metrics-file", metrics.to_str().unwrap()]).ends_with(0);
    assert!(again.stdout.contains("4 skipped (4 known to be damaged), 0 failed"), "{}", again.stdout);
    place.scan(&["--tz", "UTC", "--quiet"]).ends_with(0);
    assert_eq!(rows(&place, "SELECT name || status || run_id FROM recordings ORDER BY name"), before);
    assert_eq!(place.number("SELECT count(*) FROM detections"), detections);

    let metrics = fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("giggles_window_recordings{source=\"default\",status=\"partial\"} 2"), "{metrics}");
    assert!(metrics.contains("giggles_window_recordings{source=\"default\",status=\"failed\"} 2"), "{metrics}");
    let day = asks(&place, &["status", "--date", "2025-10-24"]).ends_with(3).stdout;
    assert!(day.contains("incomplete, 2 recordings failed, 1 recording is partial"), "{day}");
    assert!(day.contains("20251024_130000.WAV: is partial: 4.00 s are missing, 0:00:04.0 - 0:00:08.0"), "{day}");
}

#[test]
fn damage_is_tried_again_if_that_is_asked_for() {
    let place = damaged();
    place.scan(&[]).ends_with(3);
    place.scan(&[]).ends_with(0);
    let again = place.scan(&["--retry-failed"]).ends_with(3);
    assert!(
        again.stdout.contains("2 recordings analyzed") && again.stdout.contains("2 of them partial"),
        "{}",
        again.stdout
    );
    place.scan(&["--strict", "--force"]).ends_with(1).complains_of("20251024_130000.WAV: is partial");
    place.scan(&[]).ends_with(0);
}

#[test]
fn what_may_heal_is_tried_by_every_run() {
    let place = Place::new();
    place.write("gone.wav", b"");
    let path = place.recording("gone.wav");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere.wav", &path).unwrap();
    let first = place.scan(&["--allow-empty"]);
    let second = place.scan(&["--allow-empty"]);
    assert_eq!((first.code, second.code), (3, 3), "{}{}", first.stderr, second.stderr);
}

#[test]
fn a_whole_copy_ends_it() {
    let place = damaged();
    place.scan(&["--tz", "UTC"]).ends_with(3);
    place.copy(LAUGH, "20251024_130000.WAV");
    place.copy(EVENING, "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg");
    place.scan(&["--tz", "UTC"]).ends_with(0);
    assert_eq!(rows(&place, "SELECT status FROM recordings"), ["analyzed", "analyzed"]);
    assert_eq!(place.number("SELECT count(DISTINCT run_id) FROM detections"), 1, "no laugh is stored twice");
}

#[test]
fn json_the_page_and_exports_say_what_is_missing() {
    let place = damaged();
    let run = place.scan(&["--json", "--tz", "UTC"]).ends_with(3).json();
    assert_eq!(run["unresolved"], serde_json::json!({ "partial": 2, "failed": 0 }));
    let is_cut =
        |range: &Value| range["start_seconds"] == 4.0 && range["end_seconds"] == 8.0 && range["kind"] == "truncated";
    let of = |recordings: &Value| -> Value {
        let all = recordings.as_array().unwrap();
        all.iter().find(|recording| recording["name"] == "20251024_130000.WAV").unwrap().clone()
    };
    let day = asks(&place, &["status", "--date", "2025-10-24", "--json"]).ends_with(3).json();
    assert_eq!(day["days"][0]["analyzed_seconds"], 4.0);
    assert_eq!(day["days"][0]["failed_seconds"], 4.0);
    let export = asks(&place, &["export", "--format", "json"]).ends_with(0).json();
    for recording in [of(&run["recordings"]), of(&day["days"][0]["recordings"]), of(&export["recordings"])] {
        assert_eq!(recording["status"], "partial", "{recording:#}");
        assert!(is_cut(&recording["missing_ranges"][0]), "{recording:#}");
    }
    asks(&place, &["report", "--date", "2025-10-24", "-o", "day.html"]);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(page.contains("1 recording is partial") && page.contains("4.00 s are missing"), "{page}");
}

/// A lost packet is no reason to mail anybody; it is stored all the same.
#[test]
fn a_negligible_gap_is_a_warning() {
    let place = Place::new();
    let mut pages = mux::pages(&fs::read(audio::file("tests/ogg/laughs.opus")).unwrap());
    pages[12..].iter_mut().for_each(|page| page.granule += 1920);
    place.write("20251024_130000.ogg", &mux::file(&pages));
    let said = place.scan(&["--tz", "UTC"]).ends_with(0);
    said.complains_of("20251024_130000.ogg: 1 gap, 40 ms in total, filled with silence");
    assert_eq!(rows(&place, "SELECT status || '|' || missing_count FROM recordings"), ["analyzed|1"]);
}

/// A recorder reserves space and is switched off: a warning that names the bytes, whatever the container is.
#[test]
fn zeros_behind_the_sound_are_a_warning() {
    for (name, zeros) in
        [("index_first.m4a", 7), ("index_first.m4a", 70_000), ("fragments.mp4", 70_000), ("live.webm", 70_000)]
    {
        let place = Place::new();
        let sound = fs::read(audio::file(&format!("tests/tracks/{name}"))).unwrap();
        place.write(name, &[sound, vec![0; zeros]].concat());
        let said = place.scan(&["--tz", "UTC"]).ends_with(0);
        said.complains_of(&format!("{name}: {zeros} bytes of zeros follow its audio"));
    }
    let place = Place::new();
    place.write("index_first.m4a", &fs::read(audio::file("tests/tracks/index_first.m4a")).unwrap());
    let said = place.scan(&["--tz", "UTC"]).ends_with(0);
    assert!(!said.stderr.contains("bytes of zeros"), "{}", said.stderr);
}
