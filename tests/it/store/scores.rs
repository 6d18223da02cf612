//! What decisions are made from is stored with each recording, read back in the same bits, and stays bounded.

use std::time::Duration;

use giggles::domain::*;
use giggles::store::{Pruning, Reader, ScoreReader, ScoredSelection, Selection, Store, open, read};
use jiff::Timestamp;

use crate::support::homes::Home;
use crate::support::past_runs::{at, candidate, content, detection, embedding, past_run, recording, track};

fn store(home: &impl Home) -> Box<dyn Store> {
    open(&home.location()).unwrap()
}

fn reader(home: &impl Home) -> Box<dyn Reader> {
    read(&home.location()).unwrap().unwrap()
}

/// A review of these seconds of a recording.
fn review(byte: u8, start: f64, end: f64, verdict: Option<Verdict>, second: i64) -> ReviewedSpan {
    let at = |second| Timestamp::from_second(1_761_400_000 + second).unwrap();
    ReviewedSpan {
        source: "neil".into(),
        recording: "a.ogg".into(),
        content: content(byte),
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        starts: at(0),
        embedding: None,
        review: Review { verdict, comment: None, favourite: false, at: at(second) },
    }
}

/// Values and candidates that need every bit that is stored.
fn scores() -> (ScoreTrack, Vec<Candidate>) {
    let personal = PersonalScore {
        shift: -0.123_456_79,
        confirmed: vec![Neighbour { review: 7, similarity: 0.333_333_34 }],
        rejected: vec![Neighbour { review: 8, similarity: -1.0 }, Neighbour { review: 9, similarity: 1e-7 }],
    };
    let mut first = candidate(2, 4, 0.123_456_79);
    (first.class_scores, first.personal) = ([0.0, 1.0, 0.56, 1e-7, f32::MIN_POSITIVE, 0.333_333_34], Some(personal));
    first.embedding = Some(Embedding::new(&std::array::from_fn(|i| (i as f32 - 300.0) / 7.0)));
    let without = Candidate { embedding: None, mean_v: -f32::MIN_POSITIVE, ..candidate(100, 161, -1.5) };
    (track([f32::NEG_INFINITY, 0.4, -1.5, 70_000.0, -8.126]), vec![first, without])
}

pub fn scores_read_back_bit_for_bit(home: &impl Home) {
    let detections = vec![detection(0.5, 2.0), detection(9.0, 11.0)];
    let run = past_run("neil").scored(recording("a.ogg", 1), scores(), detections.clone()).build();
    store(home).save(&run).unwrap();
    let wanted = ScoredSelection { with_embeddings: true, ..ScoredSelection::default() };
    let mut found = Vec::new();
    let mut reading = |reader: &mut dyn ScoreReader, wanted: &ScoredSelection| {
        found.clear();
        reader
            .each_scored(wanted, &mut |scored| {
                found.push(scored);
                Ok(())
            })
            .unwrap();
        found.clone()
    };
    let from_reader = reading(&mut *reader(home), &wanted);
    assert_eq!(from_reader, reading(&mut *store(home), &wanted));
    let [scored] = &from_reader[..] else { panic!("{from_reader:#?}") };
    let (track, candidates) = scores();
    assert_eq!((&scored.track, &scored.detections, &scored.analysis), (&track, &detections, &run.analysis));
    assert_eq!((scored.source.as_str(), scored.audio), ("neil", Duration::from_secs(3600)));
    let expected = Recording { path: "a.ogg".into(), ..recording("a.ogg", 1) };
    assert_eq!(scored.recording, expected);
    let stored: Vec<Candidate> = scored.candidates.iter().map(|one| one.candidate.clone()).collect();
    assert_eq!(stored, candidates);
    assert_eq!(scored.candidates.iter().map(|one| one.is_detected).collect::<Vec<_>>(), [true, false]);

    let bare = reading(&mut *reader(home), &ScoredSelection::default());
    assert!(bare[0].candidates.iter().all(|one| one.candidate.embedding.is_none()));
}

pub fn scored_recordings_are_selected_by_window_source_and_content(home: &impl Home) {
    let mut store = store(home);
    let hour = |name: &str, byte: u8, hour: u8| Recording {
        started: at(&format!("2025-10-24T{hour:02}:00:00Z")),
        ..recording(name, byte)
    };
    let mut run = past_run("neil").failed(hour("broken.ogg", 9, 13), RecordingError::Empty);
    for (name, byte, start) in [("c.ogg", 3, 15), ("a.ogg", 1, 13), ("b.ogg", 2, 14)] {
        run = run.analyzed(hour(name, byte, start), vec![]);
    }
    store.save(&run.build()).unwrap();
    store.save(&past_run("mia").analyzed(hour("hers.ogg", 4, 13), vec![]).build()).unwrap();
    let mut names = |wanted: ScoredSelection| {
        let mut names = Vec::new();
        store
            .each_scored(&wanted, &mut |scored| {
                names.push(scored.recording.name);
                Ok(())
            })
            .unwrap();
        names.join(" ")
    };
    let neil = || ScoredSelection { source: Some("neil".into()), ..ScoredSelection::default() };
    let window = |from: &str, to: &str| Window { from: from.parse().ok(), to: to.parse().ok() };
    assert_eq!(names(ScoredSelection::default()), "hers.ogg a.ogg b.ogg c.ogg");
    assert_eq!(names(neil()), "a.ogg b.ogg c.ogg");
    let inside = window("2025-10-24T13:59:59.9Z", "2025-10-24T15:00:00Z");
    assert_eq!(names(ScoredSelection { window: inside, ..neil() }), "a.ogg b.ogg");
    let after = window("2025-10-24T14:00:00Z", "");
    assert_eq!(names(ScoredSelection { window: after, ..neil() }), "b.ogg c.ogg");
    let contents = Some(vec![content(3), content(1), content(4), content(77)]);
    assert_eq!(names(ScoredSelection { contents, ..neil() }), "a.ogg c.ogg");
}

pub fn candidates_are_read_with_their_reviews_if_they_are_selected(home: &impl Home) {
    let (candidates, laughs) = (vec![candidate(2, 4, 0.5), candidate(20, 21, -1.0)], vec![detection(0.7, 3.1)]);
    let run = past_run("neil").scored(recording("a.ogg", 1), (track([0.0; 30]), candidates.clone()), laughs);
    store(home).save(&run.build()).unwrap();
    let verdicts = [review(1, 1.0, 3.0, Some(Verdict::Confirmed), 1), review(1, 9.9, 10.5, Some(Verdict::Rejected), 2)];
    store(home).save_reviews(&verdicts, false).unwrap();
    let read = |selection: Selection| {
        let mut found = Vec::new();
        reader(home)
            .each_recording(&selection, &mut |recording| {
                found.push(recording);
                Ok(())
            })
            .unwrap();
        found.remove(0)
    };
    assert!(read(Selection::default()).candidates().is_empty());
    for without_laughs in [false, true] {
        let found = read(Selection { with_candidates: true, without_laughs, ..Selection::default() });
        assert_eq!(found.laughs().len(), usize::from(!without_laughs));
        let [first, second] = found.candidates() else { panic!("{found:#?}") };
        assert_eq!(first.candidate, Candidate { embedding: None, ..candidates[0].clone() });
        assert_eq!((first.is_detected, second.is_detected), (true, false));
        assert_eq!(first.review.as_ref().and_then(|review| review.verdict), Some(Verdict::Confirmed));
        assert_eq!(second.review.as_ref().and_then(|review| review.verdict), Some(Verdict::Rejected));
        assert_ne!(first.id, second.id);
        let seconds = (second.candidate.start().as_secs_f64(), second.candidate.end().as_secs_f64());
        assert_eq!(seconds, (9.84, 10.8));
    }
}

pub fn a_review_gets_the_embedding_of_its_stretch_whichever_is_stored_first(home: &impl Home) {
    let run = || {
        let candidates = vec![candidate(2, 4, 0.5), candidate(6, 9, 0.5), candidate(20, 21, -1.0)];
        past_run("neil").scored(recording("a.ogg", 1), (track([0.0; 30]), candidates), vec![]).build()
    };
    let confirmed = Some(Verdict::Confirmed);
    // Candidates span 1.2 to 2.64, 3.12 to 5.04 and 9.84 to 10.8 s.
    let before = [review(1, 2.0, 4.0, confirmed, 1), review(1, 7.0, 8.0, confirmed, 2)];
    let mut store = store(home);
    store.save_reviews(&before, false).unwrap();
    assert!(store.reviews("neil").unwrap().iter().all(|review| !review.has_embedding));
    store.save(&run()).unwrap();
    let computed = ReviewedSpan { embedding: Some(embedding(77.0)), ..review(1, 12.0, 13.0, confirmed, 3) };
    store.save_reviews(&[review(1, 10.5, 12.0, Some(Verdict::Rejected), 4), computed], false).unwrap();

    let reviews = store.reviews("neil").unwrap();
    let told: Vec<(f64, bool, bool)> =
        reviews.iter().map(|one| (one.span.start.as_secs_f64(), one.has_embedding, one.is_personal)).collect();
    let mut sorted = told.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(sorted, [(2.0, true, true), (7.0, false, true), (10.5, true, true), (12.0, true, true)]);
    let evidence = store.evidence("neil").unwrap();
    assert_eq!(evidence, reader(home).evidence("neil").unwrap());
    let kept: Vec<(Verdict, Embedding)> =
        evidence.reviews.into_iter().map(|(_, verdict, kept)| (verdict, kept)).collect();
    let (yes, no) = (Verdict::Confirmed, Verdict::Rejected);
    assert_eq!(kept, [(no, embedding(20.0)), (yes, embedding(77.0)), (yes, embedding(6.0))], "the latest first");
    assert_eq!(evidence.reference.len(), 3);
    assert_eq!(store.evidence("mia").unwrap(), Evidence::default());
}

pub fn the_number_of_a_review_is_stable(home: &impl Home) {
    let mut store = store(home);
    store.save_reviews(&[review(1, 1.0, 2.0, None, 1), review(1, 3.0, 4.0, None, 1)], false).unwrap();
    let before: Vec<i64> = store.reviews("neil").unwrap().iter().map(|review| review.id).collect();
    store.save_reviews(&[review(1, 3.0, 4.0, Some(Verdict::Rejected), 2)], false).unwrap();
    let after = store.reviews("neil").unwrap();
    assert_eq!(after.iter().map(|review| review.id).collect::<Vec<_>>(), before);
    assert_eq!(after[1].span.review.verdict, Some(Verdict::Rejected));
}

pub fn what_was_first_analyzed_after_the_latest_review_is_no_reference(home: &impl Home) {
    let mut store = store(home);
    let run = |name: &str, byte: u8, started: &str| {
        let scores = (track([0.0; 9]), vec![candidate(byte.into(), byte.into(), 0.5)]);
        let mut run = past_run("neil").scored(recording(name, byte), scores, vec![]).build();
        (run.started, run.ended) = (started.parse().unwrap(), started.parse().unwrap());
        run
    };
    store.save(&run("a.ogg", 1, "2025-10-25T09:00:00Z")).unwrap();
    store.save(&run("b.ogg", 2, "2025-10-26T09:00:00Z")).unwrap();
    let mut said = review(1, 0.5, 1.5, Some(Verdict::Confirmed), 0);
    said.review.at = "2025-10-25T20:00:00Z".parse().unwrap();
    store.save_reviews(&[said], false).unwrap();
    assert_eq!(store.evidence("neil").unwrap().reference, [embedding(1.0)]);
    // Analyzed again, it stays known since the first time.
    store.save(&run("a.ogg", 1, "2025-10-27T09:00:00Z")).unwrap();
    assert_eq!(store.evidence("neil").unwrap().reference, [embedding(1.0)]);
    assert_eq!(
        home.ask(&format!("SELECT {} FROM recordings ORDER BY name", home.instant("first_analyzed_at"))),
        ["2025-10-25T09:00:00.000000Z", "2025-10-26T09:00:00.000000Z"]
    );
}

pub fn old_embeddings_go_except_those_that_were_reviewed(home: &impl Home) {
    let mut store = store(home);
    let scores = || (track([0.0; 30]), vec![candidate(2, 4, 0.5), candidate(20, 21, -1.0), candidate(25, 25, -1.0)]);
    store.save(&past_run("neil").scored(recording("old.ogg", 1), scores(), vec![]).build()).unwrap();
    store.save(&past_run("mia").scored(recording("hers.ogg", 1), scores(), vec![]).build()).unwrap();
    let verdicts = [review(1, 1.0, 3.0, Some(Verdict::Rejected), 1), review(1, 12.0, 13.0, None, 2)];
    store.save_reviews(&verdicts, false).unwrap();
    let new = Recording { started: at("2026-01-24T13:00:00Z"), ..recording("new.ogg", 2) };
    let mut run = past_run("neil").scored(new, scores(), vec![]).build();
    // The time of the first analysis counts, not that of the recording: archives are scanned late.
    (run.started, run.ended) = (at("2026-01-25T09:00:00Z").unwrap().at, at("2026-01-25T09:01:00Z").unwrap().at);
    run.embeddings_from = "2026-01-01T00:00:00Z".parse().ok();
    store.save(&run).unwrap();
    let kept = home.ask(
        "SELECT source, name, first_patch FROM candidates JOIN recordings ON recordings.id = recording_id
             WHERE embedding IS NOT NULL ORDER BY source, name, first_patch",
    );
    let hers = ["mia|hers.ogg|2", "mia|hers.ogg|20", "mia|hers.ogg|25"];
    let his = ["neil|new.ogg|2", "neil|new.ogg|20", "neil|new.ogg|25", "neil|old.ogg|2"];
    assert_eq!(kept, [&hers[..], &his[..]].concat());
    assert_eq!(home.count("candidates"), 9, "the candidates stay");

    let totals = reader(home).score_totals(None).unwrap();
    let [hers, his] = &totals[..] else { panic!("{totals:?}") };
    let expected = ScoreTotals {
        source: "neil".into(),
        recordings: 2,
        track_bytes: 120,
        candidates: 6,
        embeddings: 4,
        embedding_bytes: 4 * 2048,
        reviewed: 1,
    };
    assert_eq!(his, &expected);
    assert_eq!((hers.source.as_str(), hers.embeddings, hers.reviewed), ("mia", 3, 0));
    assert_eq!(store.score_totals(Some("neil")).unwrap(), [expected]);
}

pub fn scores_go_with_their_recordings(home: &impl Home) {
    let mut store = store(home);
    let scores = || (track([0.0; 30]), vec![candidate(2, 4, 0.5)]);
    for _ in 0..2 {
        store.save(&past_run("neil").scored(recording("a.ogg", 1), scores(), vec![]).build()).unwrap();
        assert_eq!((home.count("score_tracks"), home.count("candidates")), (1, 1));
    }
    let before = "2025-10-25T00:00:00Z".parse().unwrap();
    let pruning = Pruning { source: None, before, stuck: None, dry_run: false };
    assert_eq!(store.prune(&pruning, 0).unwrap().recordings.len(), 1);
    assert_eq!((home.count("score_tracks"), home.count("candidates")), (0, 0));
}
