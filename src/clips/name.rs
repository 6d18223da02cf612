//! What a clip is called: its source, its day, its instant, its class and how sure it is.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::record::Event;

/// `neil/2025-10-24/20251024T200512.480Z_belly-laugh_87p.flac`, the instant in UTC, the folder's day in the zone.
pub fn of(source: &str, began: Timestamp, event: &Event, zone: &TimeZone) -> String {
    let at = began.saturating_add(event.start).unwrap_or(Timestamp::MAX);
    let (day, instant) = (at.to_zoned(zone.clone()).date(), at.strftime("%Y%m%dT%H%M%S%.3fZ"));
    let percent = (event.peak.clamp(0.0, 1.0) * 100.0).round();
    format!("{}/{day}/{instant}_{}_{percent}p.flac", readable(source), readable(&event.class_name().to_lowercase()))
}

/// Letters, digits and single hyphens: safe in every file system and in every shell.
fn readable(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "source".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn event(class: u16) -> Event {
        let (start, end) = (Duration::from_millis(3_723_480), Duration::from_secs(3_730));
        Event { start, end, peak: 0.871, mean: 0.5, class, laughter_peaks: [0.0; 6], clip: None }
    }

    #[test]
    fn names_sort_by_time_and_lie_under_the_day_of_the_zone() {
        let began = "2025-10-25T05:30:00Z".parse().unwrap();
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let name = |source: &str, class| of(source, began, &event(class), &zone);
        assert_eq!(name("neil", 17), "neil/2025-10-24/20251025T063203.480Z_belly-laugh_87p.flac");
        assert_eq!(name("neil", 18), "neil/2025-10-24/20251025T063203.480Z_chuckle-chortle_87p.flac");
        assert!(name("../../etc", 13).starts_with("etc/2025-10-24/"));
        assert!(name("…", 13).starts_with("source/2025-10-24/"));
    }
}
