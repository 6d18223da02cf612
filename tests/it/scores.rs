//! `giggles scores`: what the model finds in one recording, patch by patch, as the reference has it.

use std::fs;

use crate::support::program::{Place, Said};
use crate::support::{audio, safetensors};
use yamnet::classes::NAMES;
use yamnet::params::{NUM_CLASSES, PATCH_HOP_SAMPLES, PATCH_SAMPLES, SAMPLE_RATE};

const LAUGH: &str = "laugh.flac";

fn scores(flags: &[&str]) -> Said {
    let place = Place::with(&[("fixtures/clips/laugh_female_269478.flac", LAUGH)]);
    place.run(&[&["scores", "recordings/laugh.flac"], flags].concat()).ends_with(0)
}

/// Header and rows of a CSV.
fn csv(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = fields(reader.headers().unwrap());
    (header, reader.records().map(|record| fields(&record.unwrap())).collect())
}

fn numbers(row: &[String]) -> Vec<f32> {
    row.iter().map(|field| field.parse().unwrap()).collect()
}

#[test]
fn all_scores_have_a_column_a_class_and_a_row_a_patch() {
    let (header, rows) = csv(&scores(&["--all", "--format", "csv"]).stdout);
    assert_eq!(header[0], "start");
    assert_eq!(header[1..], NAMES);
    assert_eq!(header.len(), 522);
    let samples = audio::samples(&audio::file("fixtures/clips/laugh_female_269478.flac")).len() as u64;
    assert_eq!(rows.len() as u64, yamnet::patch_count(samples));
    let starts: Vec<f64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(
        starts
            .iter()
            .enumerate()
            .all(|(patch, start)| *start == (patch * PATCH_HOP_SAMPLES) as f64 / f64::from(SAMPLE_RATE)),
        "{starts:?}"
    );
}

#[test]
fn names_with_commas_are_quoted() {
    let text = scores(&["--all", "--format", "csv"]).stdout;
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("start,Speech,\"Child speech, kid speaking\",Conversation,"), "{}", &header[..80]);
}

#[test]
fn scores_are_those_of_the_reference() {
    let (_, rows) = csv(&scores(&["--all", "--format", "csv"]).stdout);
    let path = audio::file("fixtures/golden/laugh.safetensors");
    let golden = safetensors::values(&path, "scores");
    let golden: Vec<&[f32]> = golden.chunks(NUM_CLASSES).collect();
    // The reference analyzed the first 4 s: 15600 + 7680 k samples, so its last patch reaches into padding.
    let whole = (0..golden.len()).filter(|patch| patch * PATCH_HOP_SAMPLES + PATCH_SAMPLES <= 64_000);
    let compared = whole.map(|patch| {
        let ours = numbers(&rows[patch][1..]);
        let furthest = ours.iter().zip(golden[patch]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest <= 1e-5, "patch {patch}: {furthest:e}");
    });
    assert_eq!(compared.count(), 7);
}

#[test]
fn every_digit_of_an_f32_is_written() {
    let (_, rows) = csv(&scores(&["--all", "--format", "csv"]).stdout);
    let fields: Vec<&String> = rows.iter().flat_map(|row| &row[1..]).collect();
    assert!(fields.iter().all(|field| field.parse::<f32>().unwrap().to_string() == **field));
    assert!(fields.iter().any(|field| field.trim_start_matches(['0', '.']).len() >= 8), "more than a rounded score");
}

#[test]
fn the_top_classes_are_the_loudest_of_all() {
    let (_, all) = csv(&scores(&["--all", "--format", "csv"]).stdout);
    let (header, top) = csv(&scores(&["--top", "3", "--format", "csv"]).stdout);
    assert_eq!(header, ["start", "rank", "class", "score"]);
    assert_eq!(top.len(), all.len() * 3);
    for (row, best) in all.iter().zip(top.chunks(3)) {
        let mut loudest: Vec<(f32, &str)> = numbers(&row[1..]).into_iter().zip(NAMES).collect();
        loudest.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (rank, (fields, (score, class))) in best.iter().zip(&loudest).enumerate() {
            let expected = [row[0].clone(), (rank + 1).to_string(), (*class).to_owned(), score.to_string()];
            assert_eq!(*fields, expected);
        }
    }
    assert_eq!(top[3][2], "Laughter");
}

#[test]
fn a_span_is_cut_out_of_the_whole() {
    let (_, all) = csv(&scores(&["--all", "--format", "csv"]).stdout);
    let (_, part) = csv(&scores(&["--all", "--format", "csv", "--from", "0:00:01.5", "--to", "0:04"]).stdout);
    let starts: Vec<&str> = part.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(starts, ["1.92", "2.4", "2.88", "3.36", "3.84"]);
    assert_eq!(part[..], all[4..9]);
}

#[test]
fn json_is_an_array_of_patches() {
    let (_, top) = csv(&scores(&["--top", "2", "--format", "csv"]).stdout);
    let patches = scores(&["--top", "2", "--format", "json"]).json();
    let patches = patches.as_array().unwrap();
    assert_eq!(patches.len() * 2, top.len());
    for (patch, rows) in patches.iter().zip(top.chunks(2)) {
        assert_eq!(patch["start"].as_f64().unwrap().to_string(), rows[0][0]);
        for (class, row) in patch["classes"].as_array().unwrap().iter().zip(rows) {
            assert_eq!(class["class"], row[2]);
            assert_eq!(NAMES[class["index"].as_u64().unwrap() as usize], row[2]);
            assert_eq!(class["score"].as_f64().unwrap() as f32, row[3].parse::<f32>().unwrap());
        }
    }
}

#[test]
fn the_table_is_a_line_a_patch() {
    let table = scores(&["--to", "2"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[1].trim_start().starts_with("0:00:00.48  Laughter 0."), "{table}");
    assert!(lines.iter().all(|line| line.split("  ").filter(|part| part.contains(' ')).count() >= 5), "{table}");
}

#[test]
fn normalized_is_another_loudness() {
    let plain = scores(&["--all", "--format", "csv"]).stdout;
    let normalized = scores(&["--all", "--format", "csv", "--normalize"]).stdout;
    assert_eq!(plain.lines().count(), normalized.lines().count());
    assert!(plain != normalized);
}

#[test]
fn a_partial_recording_is_named_after_what_could_be_analyzed() {
    let place = Place::new();
    let whole = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    place.write("cut.ogg", &whole[..whole.len() * 3 / 4]);
    for format in ["csv", "json", "table"] {
        let said = place.run(&["scores", "--format", format, "recordings/cut.ogg"]).ends_with(3);
        said.complains_of("recordings/cut.ogg: is partial: at least 0.00 s are missing, 0:00:0");
    }
    place.run(&["scores", "no-such.wav"]).ends_with(78).complains_of("'no-such.wav' does not exist");
    place.run(&["scores", "recordings"]).ends_with(1).complains_of("a folder");
}

#[test]
fn quiet_reports_only_whether_it_can_be_analyzed() {
    assert_eq!(scores(&["-q"]).stdout, "");
    let place = Place::new();
    place.write("empty.wav", b"");
    place.run(&["scores", "-q", "recordings/empty.wav"]).ends_with(1).complains_of("empty.wav: is empty");
}

#[test]
fn wrong_spans_and_choices_are_refused() {
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "crow.flac")]);
    let scores = |flags: &[&str]| place.run(&[&["scores", "recordings/crow.flac"], flags].concat());
    scores(&["--from", "soon"]).ends_with(78).complains_of("--from soon");
    scores(&["--top", "0"]).ends_with(2);
    scores(&["--top", "522"]).ends_with(2);
    scores(&["--top", "3", "--all"]).ends_with(2);
    scores(&["--format", "xml"]).ends_with(2);
}
