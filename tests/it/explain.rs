//! `giggles explain`: which reviews decided, in words and as JSON.

use std::fs;

use giggles::domain::*;
use giggles::store::open;
use serde_json::json;

use crate::support::past_runs::{at, candidate, content, detection, past_run, recording, track};
use crate::support::program::{Place, Said};

/// A laugh that sounds like a review with a comment and one that is gone, and a sound that is below the threshold.
pub fn place() -> Place {
    let place = Place::new();
    let mut store = open(&place.sqlite().parse().unwrap()).unwrap();
    let started = Recording { started: at("2025-10-24T19:00:00Z"), ..recording("eve\u{1b}ning.ogg", 1) };
    let confirmed = vec![Neighbour { review: 1, similarity: 0.81 }, Neighbour { review: 99, similarity: 0.5 }];
    let laugh = Candidate {
        personal: Some(PersonalScore { shift: 1.25, confirmed, rejected: vec![] }),
        ..candidate(125, 128, -1.0)
    };
    let run = past_run("neil")
        .scored_to_the_end(
            started,
            (track([0.0; 500]), vec![laugh, candidate(300, 302, -0.5)]),
            vec![detection(60.0, 62.0)],
        )
        .build();
    store.save(&run).unwrap();
    let review = ReviewedSpan {
        source: "neil".into(),
        recording: "older.ogg".into(),
        content: content(9),
        start: std::time::Duration::from_secs(843),
        end: std::time::Duration::from_secs(845),
        starts: "2025-10-23T20:14:03Z".parse().unwrap(),
        embedding: None,
        review: Review {
            verdict: Some(Verdict::Confirmed),
            comment: Some("with\u{1b}[31m Ann".into()),
            favourite: false,
            at: "2025-10-23T21:00:00Z".parse().unwrap(),
        },
    };
    store.save_reviews(&[review], false).unwrap();
    place
}

fn explain(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["explain", "--tz", "UTC", "--database", &place.sqlite()], flags].concat())
}

#[test]
fn a_laugh_names_the_reviews_that_it_sounds_like() {
    let place = place();
    let said = explain(&place, &["1"]).ends_with(0).stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "eve\\x1bning.ogg, 2025-10-24 19:01:00 (0:01:00.0 to 0:01:02.0): detection 1",
            "it counts: its score reaches the threshold: score 0.56, threshold 0.40",
            "your reviews change its score from 0.27 to 0.56",
            "it sounds like 2 that you confirmed: older.ogg 2025-10-23 20:14:03 (0.81, with\\x1b[31m Ann); review 99, which \
             is not stored any more (0.50)",
            "it is unlike the 0 that you rejected",
        ]
    );
    let json = explain(&place, &["1", "--json"]).ends_with(0).json();
    assert_eq!((&json["v"], &json["personal_v"], &json["is_detected"]), (&json!(-1.0), &json!(0.25), &json!(true)));
    assert_eq!(json["similar"][0]["comment"], "with\u{1b}[31m Ann", "programs get all of it");
    assert_eq!((&json["personal"], &json["similar"][1]["recording"]), (&json!("compared"), &json!(null)));
}

#[test]
fn without_a_personal_score_it_says_how_many_reviews_are_missing() {
    let place = place();
    let said = explain(&place, &["2", "--candidate"]).ends_with(0).stdout;
    assert!(said.contains(": candidate 2\nit does not count: its score is below the threshold: score 0.38"), "{said}");
    let why = "your reviews change nothing: 0 reviews of this source can be used, 30 more are needed, at least 10 confirmed \
               and at least 10 rejected (giggles review)\n";
    assert!(said.ends_with(why), "{said}");
    explain(&place, &["7"]).ends_with(78).complains_of("no laugh 7 with its scores is stored; giggles review and");
    explain(&place, &["seven"]).ends_with(2);
    let quiet = explain(&place, &["1", "-q"]).ends_with(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
    let empty = Place::new();
    explain(&empty, &["1"]).ends_with(4);
}

#[test]
fn the_ids_are_those_of_the_report() {
    let place = place();
    let report = ["report", "--json", "--tz", "UTC", "--date", "2025-10-24", "--database", &place.sqlite()];
    assert_eq!(place.run(&report).ends_with(0).json()["days"][0]["laughs"][0]["id"], 1);
    fs::write(place.path("keys"), "").unwrap();
    let review = ["review", "--tz", "UTC", "--date", "2025-10-24", "--database", &place.sqlite()];
    let shown = place.run(&review).ends_with(0).stdout;
    assert!(shown.contains("Giggle  eve\\x1bning.ogg  #1\n"), "{shown}");
}
