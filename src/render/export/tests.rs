use std::time::Duration;

use super::*;
use crate::domain::{ContentHash, Detection, StartSource, StartTime, StoredFailure, StoredSound, StoredStatus};

/// An analyzed recording with two laughs.
fn analyzed(name: &str) -> StoredRecording {
    let started: jiff::Timestamp = "2025-10-24T13:00:00Z".parse().unwrap();
    let laugh = |start: f64, end: f64| {
        let (start, end) = (Duration::from_secs_f64(start), Duration::from_secs_f64(end));
        let detection = Detection {
            start,
            end,
            peak: 0.56,
            mean: 0.5,
            class: 15,
            class_scores: [0.25, 0.0, 0.8, 0.1, 0.2, 1e-7],
            clip: None,
        };
        StoredDetection {
            id: 1,
            detection,
            starts: started + start,
            ends: started + end,
            local_date: started.to_zoned(jiff::tz::TimeZone::UTC).date(),
            review: None,
        }
    };
    let sound = StoredSound {
        sample_rate: 48_000,
        channels: 1,
        audio_tracks: 1,
        codec: "opus".into(),
        missing: Default::default(),
        laughs: vec![laugh(1.5, 3.0), laugh(3600.25, 3601.0)],
        candidates: Vec::new(),
        clips_failed: 0,
    };
    StoredRecording {
        id: 1,
        source: "neil".into(),
        name: name.into(),
        content: Some(ContentHash([7; 32])),
        bytes: 1000,
        started: Some(StartTime { at: started, from: StartSource::Filename }),
        duration: Some(Duration::from_secs(7200)),
        status: StoredStatus::Analyzed(sound),
        run: "1b4e28ba-2fa1-41d2-883f-0016d3cca427".into(),
    }
}

fn failed(name: &str) -> StoredRecording {
    let failure = StoredFailure { kind: "empty".into(), reason: "is empty".into(), position: None };
    StoredRecording { status: StoredStatus::Failed(failure), ..analyzed(name) }
}

fn silent(name: &str) -> StoredRecording {
    let sound = StoredSound {
        sample_rate: 8_000,
        channels: 1,
        codec: "opus".into(),
        audio_tracks: 1,
        missing: Default::default(),
        laughs: Vec::new(),
        candidates: Vec::new(),
        clips_failed: 0,
    };
    StoredRecording { status: StoredStatus::Analyzed(sound), ..analyzed(name) }
}

fn text(name: &str, recordings: &[StoredRecording]) -> String {
    Format::named(name).unwrap().text(&recordings.iter().collect::<Vec<_>>())
}

#[test]
fn audacity_labels_are_start_end_and_label() {
    let lines = "1.500000\t3.000000\tGiggle 0.56\n3600.250000\t3601.000000\tGiggle 0.56\n";
    assert_eq!(text("audacity", &[analyzed("a.ogg")]), lines);
    assert_eq!(text("audacity", &[silent("a.ogg")]), "");
}

#[test]
fn raven_tables_start_with_the_required_columns() {
    let text = text("raven", &[analyzed("walk/a\tb.ogg")]);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let first = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"];
    assert_eq!(rows[0][..7], first);
    assert_eq!(rows[1][..8], ["1", "Spectrogram 1", "1", "1.500000", "3.000000", "0.000", "8000.000", "a b.ogg"]);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert_eq!(self::text("raven", &[silent("a.ogg")]).lines().count(), 1, "a recording without laughs has a header");
}

#[test]
fn names_neither_break_a_row_nor_become_a_formula() {
    let name = "=a\tb\r\nc\u{b}d\u{c}e\u{85}f\u{2028}g\u{1b}[31m.ogg";
    for format in ["raven", "audacity"] {
        let text = text(format, &[analyzed(name)]);
        let plain = self::text(format, &[analyzed("a.ogg")]);
        let cells = |text: &str| text.lines().map(|line| line.split('\t').count()).collect::<Vec<_>>();
        assert_eq!(cells(&text), cells(&plain), "{text}");
        assert!(!text.contains(|c| crate::text::is_unsafe_char(c) && !"\n\t".contains(c)), "{text}");
    }
    let text = text("csv", &[analyzed(name)]);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cell = "'=a\tb\r\nc\\x0bd\\x0ce\\xc2\\x85f\\xe2\\x80\\xa8g\\x1b[31m.ogg";
    assert_eq!(rows.iter().map(|row| &row[1]).collect::<Vec<_>>(), [cell; 2]);
}

#[test]
fn csv_is_rfc_4180() {
    let text = text("csv", &[analyzed("a, \"b\".ogg"), silent("c.ogg")]);
    assert!(
        text.ends_with("\r\n") && text.starts_with("source,recording,start_seconds,end_seconds,starts_at,"),
        "{text}"
    );
    assert!(text.contains("\r\nneil,\"a, \"\"b\"\".ogg\",1.500000,3.000000,2025-10-24T13:00:01.5Z,"), "{text}");
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn jsonl_has_one_object_per_laugh() {
    let text = text("jsonl", &[analyzed("a.ogg"), failed("b.ogg")]);
    let detections: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(detections.len(), 2);
    assert_eq!(
        (&detections[0]["file"], &detections[0]["start"], &detections[0]["end"]),
        (&"a.ogg".into(), &1.5.into(), &3.0.into())
    );
    assert_eq!(detections[0]["avg_prob"], 0.5);
}

#[test]
fn json_distinguishes_failures_from_recordings_without_laughs() {
    let document: serde_json::Value =
        serde_json::from_str(&text("json", &[analyzed("a"), silent("b"), failed("c")])).unwrap();
    let recordings = document["recordings"].as_array().unwrap();
    let statuses: Vec<&str> = recordings.iter().map(|recording| recording["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["analyzed", "analyzed", "failed"]);
    assert_eq!(recordings[0]["laughs"].as_array().unwrap().len(), 2);
    assert_eq!(recordings[2]["failure"]["message"], "is empty");
}

#[test]
fn the_suffix_replaces_the_extension_of_the_recording() {
    let raven = Format::named("raven").unwrap();
    for (recording, file) in [
        ("walk/a.ogg", "walk/a.giggles.selection.table.txt"),
        ("a.b.wav", "a.b.giggles.selection.table.txt"),
        ("v1.2/plain", "v1.2/plain.giggles.selection.table.txt"),
        (".hidden", ".hidden.giggles.selection.table.txt"),
    ] {
        assert_eq!(raven.file_name(recording), file);
    }
}
