//! Days made of a few recordings, and of any.

use std::time::Duration;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::record::{Began, Clock, Counts, StoredFate, StoredSound, Window};

/// 26 October 2025 in Berlin: 25 hours.
fn calendar() -> Calendar {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let midnight = |day| date(2025, 10, day).to_zoned(zone.clone()).unwrap().timestamp();
    Calendar { date: date(2025, 10, 26), span: Span { from: midnight(26), to: midnight(27) }, zone }
}

/// So many seconds after the day's beginning; before it if negative.
fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(calendar().span.from.as_second() + seconds).unwrap()
}

fn recording(from: i64, seconds: u64, failed: bool) -> StoredRecording {
    let failure = || StoredFailure { kind: "empty".into(), reason: "is empty".into(), position: None };
    let sound =
        || StoredSound { sample_rate: 16_000, channels: 1, codec: "opus".into(), laughs: Vec::new(), clips_lost: 0 };
    StoredRecording {
        source: "neil".into(),
        name: format!("{from}.ogg"),
        content: None,
        bytes: 0,
        began: Some(Began { at: after(from), from: Clock::Name }),
        duration: Some(Duration::from_secs(seconds)),
        fate: if failed { StoredFate::Failed(failure()) } else { StoredFate::Heard(sound()) },
        run: String::new(),
    }
}

fn run(started: i64, from: Option<i64>, to: Option<i64>) -> PastRun {
    PastRun {
        id: String::new(),
        source: "neil".into(),
        started: after(started),
        ended: after(started),
        version: String::new(),
        zone: "Europe/Berlin".into(),
        window: Window { from: from.map(after), to: to.map(after) },
        shard: None,
        single_files: false,
        exit_code: 0,
        counts: Counts::default(),
        unfinished_from: None,
        audio: Duration::ZERO,
    }
}

const HOUR: i64 = 3600;
/// The morning after.
const NEXT: i64 = 27 * HOUR;

fn day(recordings: Vec<StoredRecording>, runs: &[PastRun], now: i64) -> Day {
    Day::of("neil", &calendar(), recordings, runs, after(now))
}

fn looked_at(recordings: Vec<StoredRecording>) -> Day {
    day(recordings, &[run(26 * HOUR, None, None)], NEXT)
}

#[test]
fn the_verdict_of_a_day() {
    assert_eq!(looked_at(vec![]).verdict(), Verdict::Empty);
    assert_eq!(looked_at(vec![recording(0, 9, false)]).verdict(), Verdict::Complete);
    assert_eq!(looked_at(vec![recording(0, 9, false), recording(20, 9, true)]).verdict(), Verdict::Failed(1));
    let today = day(vec![recording(0, 9, false)], &[run(HOUR, None, None)], 20 * HOUR);
    assert_eq!(today.verdict(), Verdict::Running);
}

#[test]
fn a_day_that_nobody_looked_at_again_is_not_finished() {
    let verdict = |run| day(vec![recording(0, 9, false)], &[run], NEXT).verdict();
    assert_eq!(verdict(run(26 * HOUR, Some(0), Some(25 * HOUR))), Verdict::Complete);
    assert_eq!(verdict(run(24 * HOUR, None, None)), Verdict::Unfinished, "an hour before its end");
    assert_eq!(verdict(run(26 * HOUR, Some(HOUR), None)), Verdict::Unfinished, "without its first hour");
    assert_eq!(verdict(run(26 * HOUR, None, Some(24 * HOUR))), Verdict::Unfinished, "without its 25th hour");
    let other = PastRun { source: "mia".into(), ..run(26 * HOUR, None, None) };
    assert_eq!(verdict(other), Verdict::Unfinished);
}

#[test]
fn the_night_of_25_hours_is_counted_whole() {
    let day = looked_at(vec![recording(HOUR, 3600, false)]);
    assert_eq!(span::length(&day.gaps), Duration::from_secs(24 * 3600));
}

#[test]
fn a_recording_across_midnight_counts_in_its_part() {
    let day = looked_at(vec![recording(-HOUR, 2 * 3600, false), recording(24 * HOUR, 2 * 3600, true)]);
    assert_eq!(span::length(&day.heard), Duration::from_secs(3600));
    assert_eq!(span::length(&day.failed), Duration::from_secs(3600));
}

#[test]
fn the_rest_of_today_is_no_gap() {
    assert_eq!(day(vec![], &[], HOUR).gaps, [Span { from: after(0), to: after(HOUR) }]);
    assert_eq!(day(vec![], &[], -HOUR).gaps, [], "a day to come");
}

#[test]
fn gaps_are_between_recordings_or_around_them() {
    let gap = |from: i64, to: i64| Span { from: after(from * HOUR), to: after(to * HOUR) };
    let parted = |recordings| {
        let day = looked_at(recordings);
        (day.gaps_between(), day.gaps_around())
    };
    assert_eq!(parted(vec![]), (vec![], vec![gap(0, 25)]));
    assert_eq!(parted(vec![recording(7 * HOUR, 3600, false)]), (vec![], vec![gap(0, 7), gap(8, 25)]));
    let evening =
        [recording(7 * HOUR, 3600, false), recording(9 * HOUR, 3600, true), recording(10 * HOUR, 3600, false)];
    assert_eq!(parted(evening.to_vec()), (vec![gap(8, 9)], vec![gap(0, 7), gap(11, 25)]));
    let across = [recording(-HOUR, 2 * 3600, false), recording(24 * HOUR, 2 * 3600, false)];
    assert_eq!(parted(across.to_vec()), (vec![gap(1, 24)], vec![]));
}

#[test]
fn days_end_as_the_worst_that_holds_recordings() {
    let empty = || looked_at(vec![]);
    let good = || looked_at(vec![recording(0, 9, false)]);
    let bad = || looked_at(vec![recording(0, 9, true)]);
    assert_eq!(exit(&[]), Exit::Empty);
    assert_eq!(exit(&[empty(), empty()]), Exit::Empty);
    assert_eq!(exit(&[empty(), good()]), Exit::Complete);
    assert_eq!(exit(&[bad(), good(), empty()]), Exit::Partial);
}

proptest! {
    #[test]
    fn heard_failed_and_gaps_tile_the_day(
        parts in proptest::collection::vec((-3 * HOUR..28 * HOUR, 0..4 * 3600_u64, any::<bool>()), 0..20)
    ) {
        let day = looked_at(parts.into_iter().map(|(from, seconds, failed)| recording(from, seconds, failed)).collect());
        let all = [&day.heard[..], &day.failed[..], &day.gaps[..]].concat();
        prop_assert_eq!(union(all.clone()), vec![day.calendar.span], "no hole");
        prop_assert_eq!(span::length(&all), Duration::from_secs(25 * 3600), "nothing twice");
    }
}
