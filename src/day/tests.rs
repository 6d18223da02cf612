//! Days made of a few recordings, and of any.

use std::time::Duration;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::record::{Began, Clock, Coverage, StoredFate, StoredSound, Window};

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
    let sound = || StoredSound {
        sample_rate: 16_000,
        channels: 1,
        codec: "opus".into(),
        audio_tracks: 1,
        missing: Default::default(),
        laughs: Vec::new(),
        clips_lost: 0,
    };
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

fn run(started: i64, from: Option<i64>, to: Option<i64>) -> Coverage {
    Coverage {
        source: "neil".into(),
        started: after(started),
        window: Window { from: from.map(after), to: to.map(after) },
        shard: None,
        single_files: false,
        exit_code: 0,
        in_progress: 0,
        in_progress_from: None,
    }
}

const HOUR: i64 = 3600;
/// The morning after.
const NEXT: i64 = 27 * HOUR;

fn day(recordings: Vec<StoredRecording>, runs: &[Coverage], now: i64) -> Day {
    Day::of("neil", &calendar(), recordings, look(runs), after(now))
}

fn looked_at(recordings: Vec<StoredRecording>) -> Day {
    day(recordings, &[run(26 * HOUR, None, None)], NEXT)
}

#[test]
fn the_verdict_of_a_day() {
    assert_eq!(looked_at(vec![]).verdict(), Verdict::Empty);
    assert_eq!(looked_at(vec![recording(0, 9, false)]).verdict(), Verdict::Complete);
    assert_eq!(
        looked_at(vec![recording(0, 9, false), recording(20, 9, true)]).verdict(),
        Verdict::Damaged { failed: 1, partial: 0 }
    );
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
    let other = Coverage { source: "mia".into(), ..run(26 * HOUR, None, None) };
    assert_eq!(verdict(other), Verdict::Unfinished);
}

/// What runs have seen that all began after the day, at these hours.
fn look(runs: &[Coverage]) -> Look {
    let mut looks = Looks::new(calendar().span);
    runs.iter().for_each(|run| looks.add(run));
    looks.of("neil")
}

fn later(hour: i64) -> Coverage {
    run(hour * HOUR, None, None)
}

fn shard(hour: i64, shard: &str) -> Coverage {
    Coverage { shard: Some(shard.into()), ..later(hour) }
}

fn unfinished(run: Coverage, count: u64, from: Option<i64>) -> Coverage {
    Coverage { in_progress: count, in_progress_from: from.map(after), ..run }
}

#[test]
fn a_run_that_saw_nothing_or_single_files_has_not_looked() {
    assert_eq!(look(&[Coverage { exit_code: Exit::Empty.code(), ..later(26) }]), Look::Never);
    assert_eq!(look(&[Coverage { single_files: true, ..later(26) }]), Look::Never);
    let partial = Coverage { exit_code: Exit::Partial.code(), ..later(26) };
    assert_eq!(look(&[partial]), Look::Whole(after(26 * HOUR)), "failures have rows");
}

#[test]
fn a_day_waits_for_all_shards_of_one_division() {
    let look = |shards: &[(i64, &str)]| look(&shards.iter().map(|(hour, name)| shard(*hour, name)).collect::<Vec<_>>());
    let whole = |hour: i64| Look::Whole(after(hour * HOUR));
    assert_eq!(look(&[(26, "1/2")]), Look::Never);
    assert_eq!(look(&[(26, "1/2"), (27, "1/2")]), Look::Never, "twice the same");
    assert_eq!(look(&[(26, "1/2"), (26, "2/3")]), Look::Never, "of two divisions");
    assert_eq!(look(&[(24, "1/2"), (26, "2/2")]), Look::Never, "one before the day was over");
    assert_eq!(look(&[(27, "2/2"), (26, "1/2"), (30, "1/2")]), whole(27), "when the last of them did");
    assert_eq!(look(&[(29, "1/1")]), whole(29));
    for odd in ["3/2", "0/1", "1", "a/b", "1/99999999999"] {
        assert_eq!(look(&[(26, odd), (26, "1/2")]), Look::Never, "{odd}");
    }
    let mut runs = vec![shard(26, "1/2"), shard(26, "2/2")];
    runs[1].exit_code = Exit::Empty.code();
    assert_eq!(self::look(&runs), Look::Never, "one of them saw no disk");
    runs.push(later(28));
    assert_eq!(self::look(&runs), whole(28), "then all of it without shards");
}

#[test]
fn what_was_still_being_written_has_to_be_looked_for_again() {
    let growing = |hour| unfinished(later(hour), 2, None);
    assert_eq!(look(&[growing(26)]), Look::BeingWritten(2));
    assert_eq!(look(&[growing(26), unfinished(later(27), 1, None)]), Look::BeingWritten(1), "the last run's");
    assert_eq!(look(&[growing(26), later(27)]), Look::Whole(after(27 * HOUR)));
    assert_eq!(look(&[later(26), growing(27)]), Look::Whole(after(26 * HOUR)), "those of another day");
    let never = Coverage { single_files: true, ..growing(26) };
    assert_eq!(look(&[never]), Look::Never);
    let shards = [shard(26, "1/2"), unfinished(shard(27, "1/2"), 5, None), unfinished(shard(26, "2/2"), 1, None)];
    assert_eq!(look(&shards), Look::BeingWritten(1), "the first shard had looked");
    assert_eq!(look(&shards[1..]), Look::BeingWritten(6));
    let day = day(vec![recording(0, 9, false)], &[growing(26)], NEXT);
    assert_eq!((day.verdict(), day.verdict().exit()), (Verdict::BeingWritten(2), Exit::Partial));
}

#[test]
fn a_recorder_that_never_rests_does_not_spoil_the_days_before() {
    let growing = |from| look(&[unfinished(later(26), 1, Some(from))]);
    assert_eq!(growing(25 * HOUR), Look::Whole(after(26 * HOUR)), "it began when the day was over");
    assert_eq!(growing(25 * HOUR - 1), Look::BeingWritten(1));
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
