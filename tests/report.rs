//! `giggles report`: a day on the terminal, for scripts, and as a page.

#[path = "store/nights.rs"]
mod nights;
mod support;

use std::fs;
use std::time::Instant;

use giggles::record::{Event, Recording, RecordingError, Run};
use giggles::store::open;
use nights::{at, event, night, recording};
use support::program::{Place, Said};

const DAY: [&str; 2] = ["--date", "2025-10-24"];

fn began(name: &str, byte: u8, instant: &str) -> Recording {
    Recording { began: at(instant), ..recording(name, byte) }
}

fn place(run: &Run) -> Place {
    let place = Place::new();
    open(&place.sqlite().parse().unwrap()).unwrap().save(run).unwrap();
    place
}

fn report(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["report", "--database", &place.sqlite()], &DAY[..], flags].concat())
}

/// An hour whose last laugh goes on in the next hour.
fn cut() -> Run {
    night("neil")
        .heard(began("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![event(60.0, 62.0), event(3598.0, 3600.0)])
        .heard(began("one.ogg", 2, "2025-10-24T20:00:00Z"), vec![event(0.0, 1.0)])
        .build()
}

#[test]
fn a_laugh_cut_in_two_counts_once_and_both_rows_stay() {
    let place = place(&cut());
    let text = report(&place, &[]).ends_with(0).stdout;
    assert!(text.starts_with("2 laughs\n") && text.contains("noon.ogg + one.ogg"), "{text}");
    let day = &report(&place, &["--json"]).ends_with(0).json()["days"][0];
    assert_eq!(day["laughs"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&day["laughs"][1]["length_seconds"], day["laughs"][1]["parts"].as_array().unwrap().len()),
        (&3.0.into(), 2)
    );
    assert_eq!(report(&place, &["--csv"]).ends_with(0).stdout.lines().count(), 3);
    assert_eq!(place.number("SELECT count(*) FROM detections"), 3);
}

#[test]
fn a_laugh_cut_at_midnight_is_the_evenings() {
    let run = night("neil")
        .heard(began("late.ogg", 1, "2025-10-25T06:00:00Z"), vec![event(3598.0, 3600.0)])
        .heard(began("next.ogg", 2, "2025-10-25T07:00:00Z"), vec![event(0.0, 1.0)])
        .build();
    let place = place(&run);
    assert_eq!(report(&place, &["--json"]).json()["laughs"], 1);
    let next = place.run(&["report", "--database", &place.sqlite(), "--date", "2025-10-25", "--json"]);
    assert_eq!(next.json()["laughs"], 0);
}

#[test]
fn a_page_asks_nobody_and_shows_what_failed_first() {
    let failed = night("neil<b>").failed(began("</script>.ogg", 3, "2025-10-24T21:00:00Z"), RecordingError::Empty);
    let place = place(&failed.heard(began("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![event(1.0, 2.0)]).build());
    report(&place, &["-o", "day.html"]).ends_with(3);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert_eq!((page.matches("</script>").count(), page.matches("neil<b>").count()), (2, 0));
    let alarm = page.find("class=\"alarm\"").unwrap();
    assert!(alarm < page.find("class=\"laughs\"").unwrap() && page.contains("&lt;/script&gt;.ogg"));
}

#[test]
fn five_hundred_laughs_with_clips_stay_small_and_quick() {
    let clip = |n: u32| Event { clip: Some("a.flac".into()), ..event(f64::from(n) * 7.0, f64::from(n) * 7.0 + 3.0) };
    let place =
        place(&night("neil").heard(began("noon.ogg", 1, "2025-10-24T19:00:00Z"), (0..500).map(clip).collect()).build());
    fs::create_dir(place.path("clips")).unwrap();
    fs::copy(support::audio::file("fixtures/clips/laugh_male_scratch1.flac"), place.path("clips/a.flac")).unwrap();
    let begun = Instant::now();
    report(&place, &["-o", "day.html", "--clips", "clips"]).ends_with(0);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(page.len() < 20_000_000 && page.matches("class=\"play\"").count() == 500, "{}", page.len());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
