//! The first page with hostile names, and with years in which nothing is stored.

use std::time::Duration;

use super::*;

const EVIL: &str = "\"><script>alert(1)</script>";

fn page(counts: &[DayCount]) -> String {
    let sources = [EVIL.to_owned(), "mia".to_owned()];
    days(&Days {
        year: 2025,
        last: date(2025, 12, 31),
        counts,
        sources: &sources,
        source: None,
        best: [&[], &[], &[]],
        zone: &TimeZone::UTC,
        has_clips: true,
        is_current: false,
    })
}

fn count(source: &str, date: Date, laughs: u64) -> DayCount {
    let mut by_hour = [0; 24];
    by_hour[13] = laughs;
    DayCount { laughs, by_hour, analyzed: Duration::from_secs(3600), ..DayCount::new(source, date) }
}

#[test]
fn a_year_shows_its_days_and_names_stay_text() {
    let html = page(&[
        count(EVIL, date(2025, 10, 23), 3),
        count(EVIL, date(2025, 10, 24), 8),
        count("mia", date(2025, 10, 24), 1),
        count("mia", date(2025, 10, 25), 0),
    ]);
    assert!(!html.contains("<script>") && !html.contains(" style="), "{html}");
    for text in [
        "<dd>12 <small>on 3 analyzed days</small></dd>",
        "<dd>9 <small>on <a href=\"/days/2025-10-24\">24 Oct</a></small></dd>",
        "<dd>2 days <small>with a laugh, up to <a href=\"/days/2025-10-24\">24 Oct</a></small></dd>",
        "aria-label=\"Fri 24 Oct: 9 laughs, 2 h 00 min analyzed\"><rect class=\"h4\"",
        "aria-label=\"Sat 25 Oct: 0 laughs, 1 h 00 min analyzed\"><rect class=\"h0\"",
        "<th scope=\"row\">October</th><td>12</td><td>4.0</td>",
        "<bdi>mia</bdi></a></th><td>1</td><td>0.5</td>",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    assert_eq!(
        html.matches("<rect class=\"gap\"").count() + html.matches("<a href=\"/days/2025-10-2").count(),
        365 + 3
    );
}

#[test]
fn a_year_without_data_has_no_zero() {
    let html = page(&[]);
    assert!(html.contains("Nothing of 2025 was analyzed.") && !html.contains("<dl") && !html.contains("Trend"));
}
