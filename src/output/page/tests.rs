//! A page of a day whose names are hostile.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::day::history::Usual;
use crate::day::{Calendar, Look};
use crate::record::{Began, Clock, Event, Laugh, StoredFate, StoredRecording, StoredSound};

const EVIL: &str = "</script><script>alert(\"1\")</script><img src='x'>.ogg";

fn day(source: &str, name: &str) -> Day {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let span = crate::day::Span { from: at("2025-10-24T00:00:00Z"), to: at("2025-10-25T00:00:00Z") };
    let calendar = Calendar { date: date(2025, 10, 24), zone: TimeZone::UTC, span };
    let seconds = std::time::Duration::from_secs;
    let event = Event {
        start: seconds(1),
        end: seconds(3),
        peak: 0.8,
        mean: 0.5,
        class: 15,
        laughter_peaks: [0.1; 6],
        clip: None,
    };
    let (starts, ends) = (at("2025-10-24T13:00:01Z"), at("2025-10-24T13:00:03Z"));
    let laughs = vec![Laugh { event, starts, ends, local_date: calendar.date, note: None }];
    let recording = StoredRecording {
        source: source.into(),
        name: name.into(),
        content: None,
        bytes: 0,
        began: Some(Began { at: at("2025-10-24T13:00:00Z"), from: Clock::Name }),
        duration: Some(seconds(3600)),
        fate: StoredFate::Heard(StoredSound {
            sample_rate: 16_000,
            channels: 1,
            audio_tracks: 1,
            codec: "opus".into(),
            missing: Default::default(),
            laughs,
            clips_lost: 0,
        }),
        run: String::new(),
    };
    Day::of(source, &calendar, vec![recording], Look::Never, at("2025-10-26T00:00:00Z"))
}

fn page(days: &[Day]) -> String {
    let asked = "2025-10-26T00:00:00Z".parse().unwrap();
    let telling = Telling { asked, zone: &TimeZone::UTC, days, tallies: &[], usual: Usual::default() };
    document(&Page { telling, sounds: &[] })
}

#[test]
fn names_and_sources_cannot_break_out() {
    let page = page(&[day(EVIL, EVIL), day("mia", "a.ogg")]);
    assert_eq!(page.matches("<script").count(), 2, "the data and the program");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img"));
    let data = page.split("id=\"laughs\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data[0]["source"], &data[0]["recording"]), (&EVIL.into(), &EVIL.into()));
}

#[test]
fn all_that_is_known_is_there_without_the_script() {
    let page = page(&[day("neil", "noon.ogg")]);
    for text in [
        "<strong id=\"number\">1</strong>",
        "13:00:01",
        "noon.ogg",
        "Giggle",
        "no clip",
        "This day is not whole",
        "class=\"mark\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn what_nobody_heard_is_no_zero() {
    let day = day("neil", "noon.ogg");
    let asked = "2025-10-26T00:00:00Z".parse().unwrap();
    let empty = Day::of("neil", &day.calendar, vec![], Look::Never, asked);
    assert!(page(&[empty]).contains("<strong id=\"number\">?</strong> <span>nothing was analyzed</span>"));
}
