//! `giggles review add` and `reset`: reviews by hand, with the sound of the stretch; and which of them count.

use std::fs;

use giggles::domain::DetectionParameters;
use giggles::model::ModelFile;
use giggles::pipeline::Analyzer;
use giggles::stop::Stop;

use crate::support::audio;
use crate::support::program::{Place, Said};

const CLIP: &str = "fixtures/clips/laugh_male_scratch2.flac";

fn place() -> Place {
    let place = Place::with(&[(CLIP, "20251024_190000.flac")]);
    // The recording is older than embeddings are kept unless told.
    place.scan(&["--tz", "UTC", "--source", "neil", "--keep-embeddings", "30000"]).ends_with(0);
    place
}

fn add(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["review", "add", "--database", &place.sqlite()], flags].concat())
}

fn count(place: &Place, condition: &str) -> i64 {
    place.number(&format!("SELECT count(*) FROM reviews WHERE {condition}"))
}

#[test]
fn the_sound_of_a_stretch_is_that_of_a_candidate() {
    let model = ModelFile::embedded().load(yamnet::Cpu::detect()).unwrap().yamnet;
    let (parameters, stop) = (DetectionParameters { views: 1, ..DetectionParameters::default() }, Stop::default());
    let analyzer = Analyzer {
        scorer: &model,
        parameters: &parameters,
        personal: None,
        ffmpeg: None,
        stop: &stop,
        advanced: &|_| (),
    };
    let path = audio::file(CLIP);
    let analyzed = analyzer.analyze(path.as_ref(), None).unwrap();
    assert!(!analyzed.candidates.is_empty());
    for candidate in &analyzed.candidates {
        let embedding = analyzer.embedding(path.as_ref(), candidate.start(), candidate.end()).unwrap();
        assert_eq!(embedding, candidate.embedding);
    }
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(analyzer.embedding(path.as_ref(), hour, hour * 2), Ok(None), "behind the end");
}

#[test]
fn a_missed_laugh_is_added_with_its_sound() {
    let place = place();
    let by_path = add(&place, &["recordings/20251024_190000.flac", "0.5", "0:01.5", "--comment", "with\u{1b} Ann"]);
    assert_eq!(
        by_path.ends_with(0).stdout,
        "20251024_190000.flac: 0:00:00.5 to 0:00:01.5 (2025-10-24 19:00:00) confirmed: with\\x1b Ann; its sound was \
         computed from the audio\n"
    );
    assert_eq!(count(&place, "source = 'neil' AND verdict = 'confirmed' AND length(embedding) = 2048"), 1);
    let by_time =
        ["20251024_190000.flac", "19:00:01", "19:00:02", "--verdict", "rejected", "--recordings", "recordings"];
    let said = add(&place, &by_time).ends_with(0).stdout;
    assert!(said.contains("0:00:01.0 to 0:00:02.0 (2025-10-24 19:00:01) rejected; its sound was computed"), "{said}");
    // Without the audio: the sound of the candidate there.
    fs::remove_file(place.recording("20251024_190000.flac")).unwrap();
    let patch = place.number("SELECT first_patch FROM candidates WHERE embedding IS NOT NULL ORDER BY id LIMIT 1");
    let (start, end) = (patch as f64 * 0.48 + 0.3, patch as f64 * 0.48 + 0.6);
    let said = add(&place, &["20251024_190000.flac", &start.to_string(), &end.to_string()]).ends_with(0).stdout;
    assert!(said.contains("its sound is that of the possible laugh there"), "{said}");
    rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute("DELETE FROM candidates", []).unwrap();
    let said = add(&place, &["20251024_190000.flac", "0", "0.25"]).ends_with(0).stdout;
    assert!(said.contains("its sound is not known, so the personal score does not use it"), "{said}");
    assert_eq!((count(&place, "true"), count(&place, "embedding IS NULL")), (4, 1));
}

#[test]
fn what_cannot_be_added_says_what_to_do() {
    let place = place();
    let name = "20251024_190000.flac";
    let cases: [(&[&str], i32, &str); 6] = [
        (&["nowhere.ogg", "1", "2"], 78, "no analyzed recording 'nowhere.ogg' is stored; name one as giggles report"),
        (&[name, "1:00:00", "1:00:01"], 78, "is not in the recording, which starts at 2025-10-24 19:00:00 and lasts"),
        (&[name, "2", "1"], 78, "the end is not after the start"),
        (&[name, "1", "2", "--source", "zoe"], 78, "no analyzed recording"),
        (&[name, "1", "2", "--recordings", "nowhere"], 78, "--recordings: nowhere is not a folder"),
        (&[name, "1"], 2, "END"),
    ];
    for (flags, code, words) in cases {
        add(&place, flags).ends_with(code).complains_of(words);
    }
    assert_eq!(count(&place, "true"), 0);
    add(&Place::new(), &[name, "1", "2"]).ends_with(4);
}

#[test]
fn a_stretch_that_is_added_again_keeps_its_comment_and_its_mark() {
    let place = place();
    let name = "20251024_190000.flac";
    let is_marked = |verdict: &str, comment: &str| {
        let comment = format!("comment IS {comment}");
        count(&place, &format!("verdict = '{verdict}' AND {comment} AND favourite")) == 1 && count(&place, "true") == 1
    };
    add(&place, &[name, "0", "1", "--comment", "with Ann", "--favourite"]).ends_with(0);
    assert!(is_marked("confirmed", "'with Ann'"));
    let again = add(&place, &[name, "0", "0:00:01.0", "--verdict", "rejected"]).ends_with(0).stdout;
    assert!(is_marked("rejected", "'with Ann'") && again.contains("rejected: with Ann"), "{again}");
    add(&place, &[name, "0", "1", "--comment", "with Bert"]).ends_with(0);
    assert!(is_marked("confirmed", "'with Bert'"));
    add(&place, &[name, "0", "1", "--comment", ""]).ends_with(0);
    assert!(is_marked("confirmed", "NULL"), "an empty comment removes it");
    add(&place, &[name, "1", "2"]).ends_with(0);
    assert_eq!(count(&place, "NOT favourite AND comment IS NULL"), 1, "another stretch has none of its own");
}

/// A line of a page for a stretch of the recording, which nothing that is stored has a sound of.
fn line(place: &Place, (start, end): (f64, f64), verdict: &str) -> String {
    let content: String = rusqlite::Connection::open(place.path("laughs.db"))
        .unwrap()
        .query_row("SELECT content_sha256 FROM recordings", [], |row| row.get(0))
        .unwrap();
    let line = serde_json::json!({
        "source": "neil", "recording": "20251024_190000.flac", "content_sha256": content, "start_seconds": start,
        "end_seconds": end, "starts_at": "2025-10-24T19:00:00Z", "verdict": verdict, "comment": null,
        "at": "2025-10-25T08:00:00Z",
    });
    format!("{line}\n")
}

fn import(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["review", "import", "-v", "reviews.jsonl", "--database", &place.sqlite()], flags].concat())
}

#[test]
fn an_import_computes_the_sounds_that_are_missing_from_the_recordings() {
    let place = place();
    rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute("DELETE FROM candidates", []).unwrap();
    let lines = line(&place, (0.5, 1.5), "confirmed") + &line(&place, (1.75, 2.5), "rejected");
    fs::write(place.path("reviews.jsonl"), lines).unwrap();
    import(&place, &[]).ends_with(0);
    assert_eq!((count(&place, "true"), count(&place, "embedding IS NULL")), (2, 2));
    // A dry run computes nothing, and neither does a file of that name with another content.
    import(&place, &["--recordings", "recordings", "--dry-run"]).ends_with(0);
    fs::create_dir(place.path("others")).unwrap();
    fs::copy(audio::file("fixtures/clips/speech_it.flac"), place.path("others/20251024_190000.flac")).unwrap();
    import(&place, &["--recordings", "others"]).ends_with(0).complains_of("0 sounds computed from the audio");
    assert_eq!(count(&place, "embedding IS NULL"), 2);
    // What was imported before gets its sound, too.
    import(&place, &["--recordings", "recordings"]).ends_with(0).complains_of("2 sounds computed from the audio");
    assert_eq!(count(&place, "length(embedding) = 2048"), 2);
    import(&place, &["--recordings", "recordings"]).ends_with(0).complains_of("0 sounds computed from the audio");
    // It is the one that `review add` computes.
    let sounds = |place: &Place| -> Vec<Vec<u8>> {
        let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
        let mut statement = connection.prepare("SELECT embedding FROM reviews ORDER BY start_seconds").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let other = self::place();
    for (start, end) in [("0.5", "1.5"), ("1.75", "2.5")] {
        add(&other, &["recordings/20251024_190000.flac", start, end]).ends_with(0);
    }
    assert_eq!(sounds(&place), sounds(&other));
}

fn reset(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["review", "reset", "--tz", "UTC", "--database", &place.sqlite()], flags].concat())
}

#[test]
fn a_reset_keeps_the_verdicts_and_is_taken_back() {
    let place = place();
    let name = "20251024_190000.flac";
    add(&place, &[name, "0", "1"]).ends_with(0);
    let personal = || (count(&place, "is_personal"), count(&place, "verdict = 'confirmed'"));
    let tomorrow = ["--before", "2999-01-01"];
    let said = |flags: &[&str]| reset(&place, flags).ends_with(0).stdout;
    assert_eq!(said(&["--before", "2020-01-01"]), "nothing changed\n");
    assert_eq!(said(&[&tomorrow[..], &["--source", "zoe"]].concat()), "nothing changed\n");
    assert_eq!(said(&[&tomorrow[..], &["-n"]].concat()), "1 review would no longer be used by the personal score\n");
    assert_eq!(personal(), (1, 1));
    assert_eq!(said(&tomorrow), "1 review is no longer used by the personal score\n");
    assert_eq!((personal(), said(&tomorrow)), ((0, 1), "nothing changed\n".into()));
    assert_eq!(said(&["--restore"]), "1 review is used again by the personal score\n");
    assert_eq!(personal(), (1, 1));
    said(&tomorrow);
    add(&place, &[name, "0", "1"]).ends_with(0);
    assert_eq!(personal(), (1, 1), "who reviews it again wants it to count");
    reset(&place, &[]).ends_with(2);
    reset(&Place::new(), &tomorrow).ends_with(4);
}
