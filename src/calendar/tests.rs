//! Days of a few given recordings, and of arbitrary ones.

use std::time::Duration;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::{Coverage, StartSource, StartTime, StoredSound, StoredStatus, Window};

/// 26 October 2025 in Berlin: 25 hours.
fn calendar() -> Calendar {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let midnight = |day| date(2025, 10, day).to_zoned(zone.clone()).unwrap().timestamp();
    Calendar { date: date(2025, 10, 26), span: Span { from: midnight(26), to: midnight(27) }, zone }
}

/// So many seconds after the start of the day; before it if negative.
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
        candidates: Vec::new(),
        clips_failed: 0,
    };
    StoredRecording {
        id: 1,
        source: "neil".into(),
        name: format!("{from}.ogg"),
        content: None,
        bytes: 0,
        started: Some(StartTime { at: after(from), from: StartSource::Filename }),
        duration: Some(Duration::from_secs(seconds)),
        status: if failed { StoredStatus::Failed(failure()) } else { StoredStatus::Analyzed(sound()) },
        run: String::new(),
    }
}

fn run(started: i64, from: Option<i64>, to: Option<i64>) -> Coverage {
    Coverage {
        source: "neil".into(),
        started: after(started),
        window: Window { from: from.map(after), to: to.map(after) },
        shard: None,
        explicit_files: false,
        exit_code: 0,
        in_progress: 0,
        in_progress_from: None,
    }
}

const HOUR: i64 = 3600;
/// The morning after.
const NEXT: i64 = 27 * HOUR;

fn day(recordings: Vec<StoredRecording>, runs: &[Coverage], now: i64) -> Day {
    Day::new("neil", &calendar(), recordings, coverage(runs), after(now))
}

fn scanned_day(recordings: Vec<StoredRecording>) -> Day {
    day(recordings, &[run(26 * HOUR, None, None)], NEXT)
}

#[test]
fn completeness_depends_on_failures_time_and_coverage() {
    assert_eq!(scanned_day(vec![]).completeness(), Completeness::Empty);
    assert_eq!(scanned_day(vec![recording(0, 9, false)]).completeness(), Completeness::Complete);
    assert_eq!(
        scanned_day(vec![recording(0, 9, false), recording(20, 9, true)]).completeness(),
        Completeness::Damaged { failed: 1, partial: 0 }
    );
    let today = day(vec![recording(0, 9, false)], &[run(HOUR, None, None)], 20 * HOUR);
    assert_eq!(today.completeness(), Completeness::Running);
}

#[test]
fn a_day_is_not_complete_until_a_run_scans_it_after_its_end() {
    let completeness = |run| day(vec![recording(0, 9, false)], &[run], NEXT).completeness();
    assert_eq!(completeness(run(26 * HOUR, Some(0), Some(25 * HOUR))), Completeness::Complete);
    assert_eq!(completeness(run(24 * HOUR, None, None)), Completeness::NotScanned, "an hour before its end");
    assert_eq!(completeness(run(26 * HOUR, Some(HOUR), None)), Completeness::NotScanned, "without its first hour");
    assert_eq!(completeness(run(26 * HOUR, None, Some(24 * HOUR))), Completeness::NotScanned, "without its 25th hour");
    let other = Coverage { source: "mia".into(), ..run(26 * HOUR, None, None) };
    assert_eq!(completeness(other), Completeness::NotScanned);
}

/// The coverage by these runs, which all started after the day.
fn coverage(runs: &[Coverage]) -> ScanCoverage {
    let mut coverage_by_day = CoverageByDay::new(calendar().span);
    runs.iter().for_each(|run| coverage_by_day.add(run));
    coverage_by_day.scan_coverage("neil")
}

fn later(hour: i64) -> Coverage {
    run(hour * HOUR, None, None)
}

fn shard(hour: i64, shard: &str) -> Coverage {
    Coverage { shard: Some(shard.into()), ..later(hour) }
}

fn in_progress(run: Coverage, count: u64, from: Option<i64>) -> Coverage {
    Coverage { in_progress: count, in_progress_from: from.map(after), ..run }
}

#[test]
fn a_run_without_recordings_or_with_explicit_files_does_not_count() {
    assert_eq!(coverage(&[Coverage { exit_code: Exit::Empty.code(), ..later(26) }]), ScanCoverage::Never);
    assert_eq!(coverage(&[Coverage { explicit_files: true, ..later(26) }]), ScanCoverage::Never);
    let partial = Coverage { exit_code: Exit::Partial.code(), ..later(26) };
    assert_eq!(coverage(&[partial]), ScanCoverage::Whole(after(26 * HOUR)), "failures have rows");
}

#[test]
fn a_day_needs_all_shards_of_one_division() {
    let coverage =
        |shards: &[(i64, &str)]| coverage(&shards.iter().map(|(hour, name)| shard(*hour, name)).collect::<Vec<_>>());
    let whole = |hour: i64| ScanCoverage::Whole(after(hour * HOUR));
    assert_eq!(coverage(&[(26, "1/2")]), ScanCoverage::Never);
    assert_eq!(coverage(&[(26, "1/2"), (27, "1/2")]), ScanCoverage::Never, "twice the same");
    assert_eq!(coverage(&[(26, "1/2"), (26, "2/3")]), ScanCoverage::Never, "of two divisions");
    assert_eq!(coverage(&[(24, "1/2"), (26, "2/2")]), ScanCoverage::Never, "one before the day was over");
    assert_eq!(coverage(&[(27, "2/2"), (26, "1/2"), (30, "1/2")]), whole(27), "when the last of them did");
    assert_eq!(coverage(&[(29, "1/1")]), whole(29));
    for odd in ["3/2", "0/1", "1", "a/b", "1/99999999999"] {
        assert_eq!(coverage(&[(26, odd), (26, "1/2")]), ScanCoverage::Never, "{odd}");
    }
    let mut runs = vec![shard(26, "1/2"), shard(26, "2/2")];
    runs[1].exit_code = Exit::Empty.code();
    assert_eq!(self::coverage(&runs), ScanCoverage::Never, "one of them saw no disk");
    runs.push(later(28));
    assert_eq!(self::coverage(&runs), whole(28), "then all of it without shards");
}

#[test]
fn recordings_in_progress_must_be_scanned_again() {
    let growing = |hour| in_progress(later(hour), 2, None);
    assert_eq!(coverage(&[growing(26)]), ScanCoverage::InProgress(2));
    assert_eq!(
        coverage(&[growing(26), in_progress(later(27), 1, None)]),
        ScanCoverage::InProgress(1),
        "the last run's"
    );
    assert_eq!(coverage(&[growing(26), later(27)]), ScanCoverage::Whole(after(27 * HOUR)));
    assert_eq!(coverage(&[later(26), growing(27)]), ScanCoverage::Whole(after(26 * HOUR)), "those of another day");
    let never = Coverage { explicit_files: true, ..growing(26) };
    assert_eq!(coverage(&[never]), ScanCoverage::Never);
    let shards = [shard(26, "1/2"), in_progress(shard(27, "1/2"), 5, None), in_progress(shard(26, "2/2"), 1, None)];
    assert_eq!(coverage(&shards), ScanCoverage::InProgress(1), "the first shard had scanned the day");
    assert_eq!(coverage(&shards[1..]), ScanCoverage::InProgress(6));
    let day = day(vec![recording(0, 9, false)], &[growing(26)], NEXT);
    assert_eq!((day.completeness(), day.completeness().exit()), (Completeness::InProgress(2), Exit::Partial));
}

#[test]
fn a_recording_in_progress_after_the_day_does_not_matter() {
    let growing = |from| coverage(&[in_progress(later(26), 1, Some(from))]);
    assert_eq!(growing(25 * HOUR), ScanCoverage::Whole(after(26 * HOUR)), "it started after the end of the day");
    assert_eq!(growing(25 * HOUR - 1), ScanCoverage::InProgress(1));
}

#[test]
fn a_day_of_25_hours_is_counted_completely() {
    let day = scanned_day(vec![recording(HOUR, 3600, false)]);
    assert_eq!(span::length(&day.gaps), Duration::from_secs(24 * 3600));
}

#[test]
fn a_recording_across_midnight_counts_with_its_part_of_the_day() {
    let day = scanned_day(vec![recording(-HOUR, 2 * 3600, false), recording(24 * HOUR, 2 * 3600, true)]);
    assert_eq!(span::length(&day.analyzed), Duration::from_secs(3600));
    assert_eq!(span::length(&day.failed), Duration::from_secs(3600));
}

#[test]
fn the_rest_of_today_is_not_a_gap() {
    assert_eq!(day(vec![], &[], HOUR).gaps, [Span { from: after(0), to: after(HOUR) }]);
    assert_eq!(day(vec![], &[], -HOUR).gaps, [], "a day to come");
}

#[test]
fn gaps_are_between_recordings_or_around_them() {
    let gap = |from: i64, to: i64| Span { from: after(from * HOUR), to: after(to * HOUR) };
    let parted = |recordings| {
        let day = scanned_day(recordings);
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
fn the_exit_code_is_that_of_the_worst_day_with_recordings() {
    let empty = || scanned_day(vec![]);
    let good = || scanned_day(vec![recording(0, 9, false)]);
    let bad = || scanned_day(vec![recording(0, 9, true)]);
    assert_eq!(exit(&[]), Exit::Empty);
    assert_eq!(exit(&[empty(), empty()]), Exit::Empty);
    assert_eq!(exit(&[empty(), good()]), Exit::Complete);
    assert_eq!(exit(&[bad(), good(), empty()]), Exit::Partial);
}

proptest! {
    #[test]
    fn analyzed_failed_and_gaps_cover_the_day_without_overlap(
        parts in proptest::collection::vec((-3 * HOUR..28 * HOUR, 0..4 * 3600_u64, any::<bool>()), 0..20)
    ) {
        let recordings = parts.into_iter().map(|(from, seconds, failed)| recording(from, seconds, failed));
        let day = scanned_day(recordings.collect());
        let all = [&day.analyzed[..], &day.failed[..], &day.gaps[..]].concat();
        prop_assert_eq!(union(all.clone()), vec![day.calendar.span], "no hole");
        prop_assert_eq!(span::length(&all), Duration::from_secs(25 * 3600), "nothing twice");
    }
}
