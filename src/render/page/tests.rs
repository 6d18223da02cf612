//! Pages of a day with hostile names.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::calendar::history::Usual;
use crate::calendar::{Calendar, ScanCoverage};
use crate::domain::{Detection, StartSource, StartTime, StoredDetection, StoredRecording, StoredSound, StoredStatus};

const EVIL: &str = "</script><script>alert(\"1\")</script><img src='x'>.ogg";

fn day(source: &str, name: &str) -> Day {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let span = crate::calendar::Span { from: at("2025-10-24T00:00:00Z"), to: at("2025-10-25T00:00:00Z") };
    let calendar = Calendar { date: date(2025, 10, 24), zone: TimeZone::UTC, span };
    let seconds = std::time::Duration::from_secs;
    let detection = Detection {
        start: seconds(1),
        end: seconds(3),
        peak: 0.8,
        mean: 0.5,
        class: 15,
        class_scores: [0.1; 6],
        clip: None,
    };
    let (starts, ends) = (at("2025-10-24T13:00:01Z"), at("2025-10-24T13:00:03Z"));
    let laughs = vec![StoredDetection { id: 1, detection, starts, ends, local_date: calendar.date, review: None }];
    let recording = StoredRecording {
        id: 1,
        source: source.into(),
        name: name.into(),
        content: None,
        bytes: 0,
        started: Some(StartTime { at: at("2025-10-24T13:00:00Z"), from: StartSource::Filename }),
        duration: Some(seconds(3600)),
        status: StoredStatus::Analyzed(StoredSound {
            sample_rate: 16_000,
            channels: 1,
            audio_tracks: 1,
            codec: "opus".into(),
            missing: Default::default(),
            laughs,
            candidates: Vec::new(),
            clips_failed: 0,
        }),
        run: String::new(),
    };
    Day::new(source, &calendar, vec![recording], ScanCoverage::Never, at("2025-10-26T00:00:00Z"))
}

fn page(days: &[Day]) -> String {
    let asked = "2025-10-26T00:00:00Z".parse().unwrap();
    let (zone, usual, advice) = (&TimeZone::UTC, Usual::default(), ["<b>rejected</b>".to_owned()]);
    let view = ReportView { asked, zone, days, tallies: &[], usual, advice: &advice, candidates: true };
    document(&Page { view, sounds: &[], place: Place::File })
}

#[test]
fn names_and_sources_are_escaped() {
    let page = page(&[day(EVIL, EVIL), day("mia", "a.ogg")]);
    assert_eq!(page.matches("<script").count(), 3, "two of data, and the program");
    assert_eq!(page.matches("</script>").count(), 3);
    assert!(!page.contains("<img"));
    let data = page.split("id=\"laughs\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data[0]["source"], &data[0]["recording"]), (&EVIL.into(), &EVIL.into()));
}

#[test]
fn the_page_is_complete_without_the_script() {
    let page = page(&[day("neil", "noon.ogg")]);
    for text in [
        "<strong id=\"number\">1</strong>",
        "13:00:01",
        "noon.ogg",
        "Giggle",
        "no clip",
        "<span class=\"fault\">incomplete, no run has scanned",
        "23 h 00 min not recorded, in 2 gaps",
        "class=\"mark\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_day_that_was_not_analyzed_shows_no_zero() {
    let day = day("neil", "noon.ogg");
    let asked = "2025-10-26T00:00:00Z".parse().unwrap();
    let empty = Day::new("neil", &day.calendar, vec![], ScanCoverage::Never, asked);
    assert!(page(&[empty]).contains("<strong id=\"number\">?</strong> <span>nothing was analyzed</span>"));
}

#[test]
fn a_served_page_has_nothing_inline() {
    let day = day("neil", "noon.ogg");
    let asked = "2025-10-26T00:00:00Z".parse().unwrap();
    let (zone, usual, days) = (&TimeZone::UTC, Usual::default(), std::slice::from_ref(&day));
    let view = ReportView { asked, zone, days, tallies: &[], usual, advice: &[], candidates: true };
    let around =
        Around { previous: Some(date(2025, 10, 23)), sources: vec!["a".into(), EVIL.into()], ..Around::default() };
    let page = document(&Page { view, sounds: &[], place: Place::Server(&around) });
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("http-equiv"), "{page}");
    let scripts: Vec<&str> = page.split("<script").skip(1).collect();
    assert_eq!(scripts.len(), 5);
    assert!(scripts.iter().all(|one| one.contains("application/json") || one.contains("src=\"/assets/")));
    assert!(
        page.contains("<a rel=\"prev\" href=\"/days/2025-10-23\">← Thu 23 Oct</a>") && !page.contains("rel=\"next\"")
    );
    assert!(page.contains("?source=%3C%2Fscript%3E") && page.contains("aria-current=\"page\">All sources"));
}
