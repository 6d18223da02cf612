//! `giggles export`: what is stored, in the formats that other programs read.

use std::fs;

use crate::support::audio;
use crate::support::program::{Place, Said};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10";

/// Two laughs in one recording, none in another, and one that is cut.
fn place() -> Place {
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "walk/20251001_120000.flac")]);
    place.copy(&format!("fixtures/evening/{EVENING}.ogg"), &format!("{EVENING}.ogg"));
    let bytes = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    place.write("20251001_130000.ogg", &bytes[..bytes.len() / 2]);
    place.scan(&["--tz", "UTC"]).ends_with(3);
    place
}

fn export(place: &Place, format: &str, flags: &[&str]) -> Said {
    let database = place.sqlite();
    place.run(&[&["export", "--database", &database, "--format", format], flags].concat())
}

#[test]
fn tables_go_to_standard_output_and_failures_are_named() {
    let place = place();
    let said = export(&place, "csv", &[]).ends_with(3);
    assert_eq!(said.stdout.lines().count(), 3);
    said.complains_of("20251001_130000.ogg: ends too early").complains_of("not exported, since its content is unknown");
    let mut reader = csv::Reader::from_reader(said.stdout.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(
        rows.iter()
            .all(|row| row[1] == format!("{EVENING}.ogg") && row[2].parse::<f64>().unwrap() < row[3].parse().unwrap())
    );
    let lines = export(&place, "jsonl", &["--date", "2025-09-30"]).ends_with(0).stdout;
    assert_eq!(lines.lines().count(), 2);
    let json = export(&place, "json", &[]).ends_with(3).json();
    assert_eq!(json["recordings"].as_array().unwrap().len(), 3);
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_verbose_names_the_cause() {
    let place = place();
    fs::create_dir(place.recording(format!("{EVENING}.giggles.labels.txt"))).unwrap();
    let said = export(&place, "audacity", &["-v", "--sidecar", "recordings"]).ends_with(3);
    said.complains_of("labels.txt cannot be written: ").complains_of(&format!("{EVENING}.ogg: caused by: "));
    let silent = export(&place, "audacity", &["--sidecar", "recordings"]).ends_with(3);
    assert!(!silent.stderr.contains("caused by"), "{}", silent.stderr);
}

#[test]
fn labels_lie_beside_the_recordings_also_where_nobody_laughed() {
    let place = place();
    export(&place, "audacity", &["--sidecar", "recordings"]).ends_with(3);
    let labels = |name: &str| fs::read_to_string(place.recording(format!("{name}.giggles.labels.txt"))).unwrap();
    assert_eq!(labels(EVENING).lines().count(), 2);
    assert_eq!(labels("walk/20251001_120000"), "");
    assert!(!place.recording("20251001_130000.giggles.labels.txt").exists(), "nobody knows what is in it");
    place
        .scan(&["--tz", "UTC"])
        .ends_with(0)
        .stdout
        .contains("3 skipped (1 known to be damaged)")
        .then_some(())
        .expect("labels are no recordings");
}

#[test]
fn labels_go_into_a_folder_of_their_own() {
    let place = place();
    fs::create_dir(place.path("labels")).unwrap();
    export(&place, "raven", &["--folder", "labels"]).ends_with(3);
    let table = place.path(format!("labels/{EVENING}.giggles.selection.table.txt"));
    assert_eq!(fs::read_to_string(table).unwrap().lines().count(), 3);
    assert!(place.path("labels/walk/20251001_120000.giggles.selection.table.txt").exists());
}

#[test]
fn what_cannot_be_done_says_what_to_do() {
    let place = place();
    export(&place, "audacity", &[])
        .ends_with(78)
        .complains_of("audacity needs one file per recording, and 2 recordings were found");
    export(&place, "audacity", &["--date", "2025-09-30"]).ends_with(0);
    fs::write(place.path("file"), "").unwrap();
    export(&place, "csv", &["--folder", "file/below"])
        .ends_with(78)
        .complains_of("--folder: file/below cannot be created");
    export(&place, "csv", &["--sidecar", "nowhere"]).ends_with(78).complains_of("--sidecar: nowhere is not a folder");
    export(&place, "csv", &["-o", "nowhere/laughs.csv"])
        .ends_with(1)
        .complains_of("nowhere/laughs.csv cannot be written");
    export(&place, "csv", &["--date", "2024-01-01"])
        .ends_with(4)
        .complains_of("no recordings in the requested time range");
    fs::create_dir(place.path("other")).unwrap();
    export(&place, "raven", &["--sidecar", "other"]).ends_with(3).complains_of("is not below other");
    assert_eq!(fs::read_dir(place.path("other")).unwrap().count(), 0);
    export(&place, "mp3", &[]).ends_with(2);
    place.run(&["export", "--format", "csv"]).ends_with(4).complains_of("nothing has been stored yet in sqlite:");
}

/// The old content stays until all is read.
#[test]
fn one_table_goes_to_a_file_and_folders_are_created() {
    let place = place();
    let table = export(&place, "csv", &[]).ends_with(3).stdout;
    fs::write(place.path("laughs.csv"), "old").unwrap();
    let said = export(&place, "csv", &["-o", "laughs.csv"]).ends_with(3);
    assert_eq!(said.stdout, "laughs.csv: 3 recordings\n");
    assert_eq!(fs::read_to_string(place.path("laughs.csv")).unwrap(), table);
    assert_eq!(export(&place, "csv", &["-q", "-o", "laughs.csv"]).ends_with(3).stdout, "");
    assert_eq!(export(&place, "csv", &["-o", "-"]).ends_with(3).stdout, table);
    fs::write(place.path("labels.txt"), "old").unwrap();
    export(&place, "audacity", &["-o", "labels.txt"]).ends_with(78);
    assert_eq!(fs::read_to_string(place.path("labels.txt")).unwrap(), "old");
    export(&place, "csv", &["--folder", "a/b"]).ends_with(3);
    assert!(!below(&place.path("a/b")).is_empty());
    export(&place, "csv", &["-o", "x", "--folder", "a"]).ends_with(2);
}

/// A failed recording and one without laughs have a row, too; `start_source` says where the start was read.
#[test]
fn recordings_have_a_row_each() {
    let place = place();
    place.copy("fixtures/clips/laugh_male_scratch1.flac", "undated.flac");
    place.scan(&[]).ends_with(0);
    let table = export(&place, "recordings", &[]).ends_with(0);
    assert_eq!(table.stderr, "");
    let mut reader = csv::Reader::from_reader(table.stdout.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| names.iter().position(|column| column == name).expect(name);
    let of = |recording: &str, columns: [&str; 3]| {
        let row = rows.iter().find(|row| &row[column("recording")] == recording).expect(recording);
        columns.map(|name| row[column(name)].to_owned())
    };
    let wanted = ["laughs", "start_source", "status"];
    assert_eq!(rows.len(), 4);
    assert_eq!(of("walk/20251001_120000.flac", wanted), ["0", "filename", "analyzed"]);
    assert_eq!(of("20251001_130000.ogg", wanted), ["", "filename", "failed"]);
    assert_eq!(of("undated.flac", wanted)[1..], ["mtime", "analyzed"]);
}

#[test]
fn a_name_in_the_database_cannot_lead_out_of_the_folder() {
    let place = place();
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute("UPDATE recordings SET name = '../../outside.ogg' WHERE name LIKE '2025-09%'", []).unwrap();
    fs::create_dir(place.path("labels")).unwrap();
    export(&place, "csv", &["--folder", "labels"]).ends_with(3).complains_of("its name points outside the folder");
    assert!(!place.path("outside.giggles.csv").exists());
}

/// Files below a folder, in order.
fn below(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .flat_map(|entry| {
            if entry.path().is_dir() { below(&entry.path()) } else { vec![entry.file_name().into_string().unwrap()] }
        })
        .collect();
    names.sort();
    names
}

#[test]
fn no_file_is_another_recordings() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251001_120000.flac")]);
    place.scan(&["--source", "a/b"]).ends_with(0);
    place.scan(&["--source", "a_b"]).ends_with(0);
    place.copy("fixtures/clips/crow_cc0.flac", "20251001_120000.flac");
    place.scan(&["--source", "a/b"]).ends_with(0);
    for (place_of_files, flag) in [("labels", "--folder"), ("recordings", "--sidecar")] {
        fs::create_dir_all(place.path(place_of_files)).unwrap();
        let said = export(&place, "csv", &[flag, place_of_files]).ends_with(0);
        assert!(said.stdout.starts_with("3 files of 3 recordings"), "{}", said.stdout);
        let files: Vec<String> =
            below(&place.path(place_of_files)).into_iter().filter(|name| name.ends_with(".csv")).collect();
        assert_eq!(files.len(), 3, "{files:?}");
    }
    assert!(place.path("labels/a%2Fb").is_dir() && place.path("labels/a_b").is_dir());
    assert_eq!(fs::read_dir(place.recordings()).unwrap().count(), 4, "beside is beside");
}

/// On file systems that do not tell capitals apart.
#[test]
fn names_that_differ_only_in_case_have_files_of_their_own() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "walk/20251001_120000.flac")]);
    place.copy("fixtures/clips/crow_cc0.flac", "Walk/20251001_120000.flac");
    ["neil", "Neil"].iter().for_each(|source| drop(place.scan(&["--source", source]).ends_with(0)));
    fs::create_dir(place.path("labels")).unwrap();
    let said = export(&place, "csv", &["--folder", "labels"]).ends_with(0);
    assert!(said.stdout.starts_with("4 files of 4 recordings"), "{}", said.stdout);
    let mut pending = vec![place.path("labels")];
    let mut paths = std::collections::BTreeSet::new();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                pending.push(entry.path());
            } else {
                paths.insert(entry.path().to_str().unwrap().to_lowercase());
            }
        }
    }
    assert_eq!(paths.len(), 4, "{paths:?}");
}

#[test]
fn quotes_spoil_no_table() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "\"20251001_120000.flac")]);
    place.scan(&[]).ends_with(0);
    let table = export(&place, "raven", &[]).ends_with(0).stdout;
    assert!(table.contains("\t'20251001_120000.flac\t") && !table.contains('"'), "{table}");
}
