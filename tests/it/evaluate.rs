//! `giggles evaluate`: what reviews say of the detections of a period, as text, JSON and a plot.

use std::fs;
use std::time::Duration;

use giggles::domain::{Candidate, Embedding, Recording, Review, ReviewedSpan, Verdict};
use giggles::store::open;

use crate::support::past_runs::{at, candidate, content, detection, past_run, recording, track};
use crate::support::program::{Place, Said};

/// Sounds of a day, each of two patches: laughs just below the threshold and others just above it, in turn.
const SOUNDS: u32 = 12;

/// The sound's candidate; laughs have one embedding, the others another one.
fn sound(number: u32) -> Candidate {
    let is_laugh = number.is_multiple_of(2);
    let values = std::array::from_fn(|i| if i.is_multiple_of(2) == is_laugh { 4.0 } else { 0.0 });
    let v = if is_laugh { -0.6 } else { -0.2 };
    Candidate { embedding: Some(Embedding::new(&values)), ..candidate(number * 20 + 9, number * 20 + 10, v) }
}

/// With padding, as a detection.
fn extent(sound: &Candidate) -> (f64, f64) {
    (sound.start().as_secs_f64() - 0.48, sound.end().as_secs_f64() + 0.48)
}

fn review(day: u8, number: u32) -> ReviewedSpan {
    let (start, end) = extent(&sound(number));
    let started = at(&format!("2025-10-{day:02}T13:00:00Z")).unwrap().at;
    ReviewedSpan {
        source: "neil".into(),
        recording: format!("{day}.ogg"),
        content: content(day),
        start: Duration::from_secs_f64(start),
        end: Duration::from_secs_f64(end),
        starts: started + Duration::from_secs_f64(start),
        embedding: None,
        review: Review {
            verdict: Some(if number.is_multiple_of(2) { Verdict::Confirmed } else { Verdict::Rejected }),
            comment: None,
            favourite: false,
            at: "2025-10-30T08:00:00Z".parse().unwrap(),
        },
    }
}

/// Stored days of one source, all sounds of which are reviewed.
fn place_of(days: u8) -> Place {
    let place = Place::new();
    let mut store = open(&place.sqlite().parse().unwrap()).unwrap();
    let mut run = past_run("neil");
    for day in 1..=days {
        let sounds: Vec<Candidate> = (0..SOUNDS).map(sound).collect();
        let of_patch = |patch: u32| sounds.iter().find(|one| one.first <= patch && patch <= one.last);
        let v = track((0..SOUNDS * 20).map(|patch| of_patch(patch).map_or(-5.0, |one| one.peak_v)));
        let shown = sounds.iter().filter(|one| one.peak_v > -0.4).map(extent);
        let detections = shown.map(|(start, end)| detection(start, end)).collect();
        let started = at(&format!("2025-10-{day:02}T13:00:00Z"));
        run = run.scored_to_the_end(
            Recording { started, ..recording(&format!("{day}.ogg"), day) },
            (v, sounds),
            detections,
        );
    }
    store.save(&run.build()).unwrap();
    let reviews: Vec<ReviewedSpan> =
        (1..=days).flat_map(|day| (0..SOUNDS).map(move |number| review(day, number))).collect();
    store.save_reviews(&reviews, false).unwrap();
    place
}

/// Enough days for a personal score, also without one of them.
pub fn place() -> Place {
    place_of(4)
}

fn evaluate(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["evaluate", "--tz", "UTC", "--database", &place.sqlite()], flags].concat())
}

#[test]
fn the_table_compares_both_decisions() {
    let said = evaluate(&place(), &[]).ends_with(0);
    let line = |start: &str| said.stdout.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    assert_eq!(line("48 reviews"), "48 reviews of 4 recordings on 4 days: 24 confirmed, 24 rejected");
    assert!(line("0 of 24 reviewed detections").ends_with("precision 0.00 (0.00-0.14)"), "{}", said.stdout);
    assert!(line("Personal score").starts_with("Personal score on 4 of 4 days"));
    assert_eq!(
        line("F1, collar"),
        "F1, collar         0.00              1.00              +1.00",
        "all days are alike"
    );
    assert_eq!(line("missed, now found"), "missed, now found  0 of 24           24 of 24");
    assert_eq!(said.stderr, "");
}

#[test]
fn a_period_is_judged_by_all_other_days() {
    let document = evaluate(&place(), &["--json", "--date", "2025-10-02"]).ends_with(0).json();
    assert_eq!((&document["reviews"]["confirmed"], &document["personal_days"]), (&6.into(), &1.into()));
    assert_eq!(document["decisions"][1]["measures"][0]["f1"]["value"], 1.0);
    assert_eq!(document["window"]["from"], "2025-10-02T00:00:00Z");
    let source = evaluate(&place(), &["--json", "--source", "neil"]).ends_with(0).json();
    assert_eq!((&source["source"], &source["reviews"]["days"]), (&"neil".into(), &4.into()));
}

#[test]
fn with_few_reviews_it_says_how_many_are_missing() {
    let said = evaluate(&place_of(1), &[]).ends_with(0);
    let words = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("18 are missing (4 confirmed, 4 rejected, 10 of either verdict)"), "{words}");
    assert!(!words.contains("gain"), "{words}");
}

#[test]
fn the_plot_is_an_svg_file() {
    let place = place();
    let said = evaluate(&place, &["--plot", "laughs.svg", "--quiet"]).ends_with(0);
    assert_eq!((said.stdout, said.stderr), (String::new(), String::new()));
    let svg = fs::read_to_string(place.path("laughs.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("48 reviews on 4 days"), "{svg}");
    evaluate(&place, &["--plot", "nowhere/laughs.svg"]).ends_with(1);
}

#[test]
fn without_reviews_there_is_nothing_to_evaluate() {
    let place = place();
    let said = evaluate(&place, &["--date", "2025-11-20"]).ends_with(4);
    assert!(said.stderr.contains("nothing of the period was reviewed"), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    evaluate(&place, &["--source", "nobody"]).ends_with(4);
    evaluate(&Place::new(), &[]).ends_with(4);
}

#[test]
fn damaged_scores_are_named_and_judged_by_no_number() {
    let place = place();
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let recording = "(SELECT id FROM recordings WHERE name = '2.ogg')";
    let shorten = format!("UPDATE score_tracks SET v = substr(v, 1, length(v) - 2) WHERE recording_id = {recording}");
    assert_eq!(connection.execute(&shorten, []).unwrap(), 1);
    let said = evaluate(&place, &["--plot", "laughs.svg"]).ends_with(1);
    said.complains_of("2.ogg: its stored scores are damaged: their number does not fit its length");
    said.complains_of("scan it again with --force");
    assert_eq!((said.stdout.as_str(), place.path("laughs.svg").exists()), ("", false));
    evaluate(&place, &["--json", "--date", "2025-10-03"]).ends_with(0);
}
