//! Counts of days and pages of laughs: the same in both databases, and the same as what all recordings at once tell.

use std::time::Duration;

use giggles::calendar::{Calendar, MergedDetection, Span, analyzed_time, merged};
use giggles::domain::*;
use giggles::store::{Reader, open, read};
use jiff::Timestamp;
use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;

use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::past_runs::{content, detection, past_run, recording};

/// Clocks are set back in the night to the 26th, so that day is 25 hours long.
const FIRST: Date = date(2025, 10, 25);
const ZONE: &str = "Europe/Berlin";
const HOURS: u8 = 70;

/// Numbers that look random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn zone() -> TimeZone {
    TimeZone::get(ZONE).unwrap()
}

fn started(hour: u8) -> Timestamp {
    "2025-10-24T21:30:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour.into())
}

/// Recordings of an hour each, one after the other, with laughs at some of their edges.
fn run(source: &str, first: u8, numbers: &mut Numbers) -> Run {
    let mut run = past_run(source);
    for hour in 0..HOURS {
        let mut one = recording(&format!("walk/{hour:02}.ogg"), first + hour);
        one.started = Some(StartTime { at: started(hour), from: StartSource::Filename });
        if hour % 23 == 7 {
            run = run.failed(Recording { announced: Some(Duration::from_secs(3600)), ..one }, RecordingError::Empty);
            continue;
        }
        let mut spans = Vec::new();
        if hour % 5 == 1 {
            spans.push((0.24, 2.16));
        }
        spans.extend((1..2 + numbers.below(4)).map(|n| (n as f64 * 600.0, n as f64 * 600.0 + 1.2 + n as f64 * 0.48)));
        if hour % 5 == 0 || hour % 3 == 0 {
            spans.push((3598.0, 3600.0));
        }
        let laugh = |(start, end)| Detection {
            peak: 0.5 + numbers.below(49_999) as f32 / 100_000.0,
            class: FIRST_LAUGHTER + numbers.below(6) as u16,
            clip: Some(format!("{source}/{hour}-{start}.flac")),
            ..detection(start, end)
        };
        run = run.analyzed(one, spans.into_iter().map(laugh).collect());
    }
    run.build()
}

/// Of about every third laugh, of some several.
fn reviews(run: &Run, numbers: &mut Numbers) -> Vec<ReviewedSpan> {
    let verdicts = [None, Some(Verdict::Confirmed), Some(Verdict::Rejected)];
    let mut all = Vec::new();
    for (recording, analyzed) in run.analyzed() {
        for laugh in &analyzed.detections {
            for _ in 0..numbers.below(5).saturating_sub(2) {
                let (verdict, favourite) = (verdicts[numbers.below(3) as usize], numbers.below(3) == 0);
                let comment =
                    (numbers.below(2) == 0).then(|| ["with Ann", "Ärger", "100 %"][numbers.below(3) as usize].into());
                let at = Timestamp::from_second(1_761_500_000 + numbers.below(100_000) as i64).unwrap();
                all.push(ReviewedSpan {
                    source: run.source.clone(),
                    recording: recording.name.clone(),
                    content: recording.content.unwrap(),
                    start: laugh.start + Duration::from_millis(numbers.below(500)),
                    end: laugh.end,
                    starts: recording.started.unwrap().at,
                    embedding: None,
                    review: Review { verdict, comment, favourite, at },
                });
            }
        }
    }
    all
}

fn fill(home: &impl Home) -> Box<dyn Reader> {
    let mut numbers = Numbers(7);
    let mut store = open(&home.location()).unwrap();
    for (source, first) in [("mia", 0), ("neil", 100)] {
        let run = run(source, first, &mut numbers);
        store.save(&run).unwrap();
        store.save_reviews(&reviews(&run, &mut numbers), false).unwrap();
    }
    read(&home.location()).unwrap().unwrap()
}

fn calendars() -> Vec<Calendar> {
    let zone = zone();
    let at = |date: Date| date.to_zoned(zone.clone()).unwrap().timestamp();
    let calendar = |date: Date| {
        let span = Span { from: at(date), to: at(date.tomorrow().unwrap()) };
        Calendar { date, zone: zone.clone(), span }
    };
    // One before the first recording, and one after the last one.
    let before = FIRST.yesterday().unwrap().yesterday().unwrap();
    before.series(jiff::Span::new().days(1)).take(7).map(calendar).collect()
}

fn counts(reader: &mut dyn Reader, source: &str) -> Vec<DayCount> {
    let mut counts = Vec::new();
    reader
        .each_day_count(source, &calendars(), &mut |count| {
            counts.push(count);
            Ok(())
        })
        .unwrap();
    counts
}

/// From all recordings at once.
fn expected_counts(recordings: &[StoredRecording], source: &str) -> Vec<DayCount> {
    let of_source: Vec<&StoredRecording> = recordings.iter().filter(|one| one.source == source).collect();
    let laughs = merged(of_source.iter().copied());
    let count = |calendar: Calendar| {
        let mut count = DayCount::new(source, calendar.date);
        for laugh in laughs.iter().filter(|laugh| calendar.span.holds(laugh.starts())) {
            let review = laugh.review();
            let verdict = review.and_then(|review| review.verdict);
            if verdict == Some(Verdict::Rejected) {
                count.rejected += 1;
                continue;
            }
            count.laughs += 1;
            count.confirmed += u64::from(verdict.is_some());
            count.unreviewed += u64::from(verdict.is_none());
            count.favourites += u64::from(review.is_some_and(|review| review.favourite));
            count.laughed += laugh.length();
            count.by_hour[usize::from(laugh.starts().to_zoned(zone()).hour().unsigned_abs())] += 1;
        }
        count.analyzed = analyzed_time(of_source.iter().copied(), &calendar.span);
        for one in of_source.iter().filter(|one| calendar.span.holds(one.started.unwrap().at)) {
            match one.status() {
                "failed" => count.recordings.failed += 1,
                _ => count.recordings.analyzed += 1,
            }
        }
        count
    };
    calendars().into_iter().map(count).filter(|count| !count.is_empty()).collect()
}

/// Sums of fractions differ in their last digits.
fn rounded(mut counts: Vec<DayCount>) -> Vec<DayCount> {
    for count in &mut counts {
        count.laughed = Duration::from_millis((count.laughed.as_secs_f64() * 1e3).round() as u64);
    }
    counts
}

pub fn days_are_counted_as_all_recordings_tell(home: &impl Home) {
    let mut reader = fill(home);
    let recordings = reader.recordings(None, &Window::default()).unwrap();
    for source in ["mia", "neil"] {
        let found = rounded(counts(reader.as_mut(), source));
        assert_eq!(found, rounded(expected_counts(&recordings, source)), "{source}");
        assert_eq!(found.len(), 4, "days without anything are left out");
        assert!(found.iter().any(|day| day.rejected > 0) && found.iter().any(|day| day.favourites > 0));
        assert_eq!(found[2].analyzed, Duration::from_secs(24 * 3600), "25 hours, one recording of which failed");
    }
    assert_eq!(counts(reader.as_mut(), "no one"), []);
}

/// What identifies a laugh in both databases.
type Known = (String, String, Duration, Option<Review>, usize);

fn known(laugh: &Laugh) -> Known {
    let start = laugh.detection.detection.start;
    assert!(laugh.recording.laughs().is_empty() && laugh.detection.detection.clip.is_some());
    let review = laugh.detection.review.clone();
    (laugh.recording.source.clone(), laugh.recording.name.clone(), start, review, 1 + laugh.continued.len())
}

/// All pages of seven.
fn pages(reader: &mut dyn Reader, filter: &LaughFilter) -> Vec<Known> {
    let (mut all, mut filter) = (Vec::new(), LaughFilter { limit: 7, ..filter.clone() });
    loop {
        let page = reader.laughs(&filter).unwrap();
        assert!(page.laughs.len() == 7 || page.next.is_none(), "{}", page.laughs.len());
        all.extend(page.laughs.iter().map(known));
        match page.next {
            Some(next) => filter.after = Some(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

fn expected(laughs: &[MergedDetection], filter: &LaughFilter) -> Vec<Known> {
    let passes = |laugh: &&MergedDetection| {
        let ((recording, row), review) = (laugh.first(), laugh.review());
        let has = |text: &str| text.to_lowercase().contains(&filter.text.as_deref().unwrap_or_default().to_lowercase());
        let comment = review.and_then(|review| review.comment.as_deref());
        let seconds = row.detection.end.as_secs_f64() - row.detection.start.as_secs_f64();
        filter.source.as_ref().is_none_or(|source| *source == recording.source)
            && filter.window.from.is_none_or(|from| row.starts >= from)
            && filter.window.to.is_none_or(|to| row.starts < to)
            && (has(&recording.name) || comment.is_some_and(has))
            && filter.class_name.as_ref().is_none_or(|class| class == row.detection.class_name())
            && filter.score.is_none_or(|score| row.detection.peak >= score)
            && filter.takes_length(seconds)
            && filter.takes_time(row.starts)
            && filter.takes_review(review.and_then(|one| one.verdict), review.is_some_and(|one| one.favourite))
    };
    let mut found: Vec<&MergedDetection> = laughs.iter().filter(passes).collect();
    found.sort_by(|a, b| {
        let key = |laugh: &MergedDetection| (laugh.starts(), laugh.first().1.id);
        match filter.order {
            LaughOrder::Oldest => key(a).cmp(&key(b)),
            LaughOrder::Newest => key(b).cmp(&key(a)),
            LaughOrder::Best => {
                let key = |laugh: &MergedDetection| (laugh.first().1.detection.peak, laugh.first().1.id);
                key(b).partial_cmp(&key(a)).unwrap()
            }
        }
    });
    let known = |laugh: &MergedDetection| {
        let (recording, row) = laugh.first();
        (
            recording.source.clone(),
            recording.name.clone(),
            row.detection.start,
            laugh.review().cloned(),
            laugh.parts.len(),
        )
    };
    found.into_iter().map(known).collect()
}

fn filters() -> Vec<LaughFilter> {
    let all = || LaughFilter { include_rejected: true, zone: zone(), ..LaughFilter::default() };
    let text = |text: &str| LaughFilter { text: Some(text.into()), ..all() };
    let verdict = |verdict| LaughFilter { verdict: Some(verdict), ..all() };
    let window = Window { from: Some(started(20)), to: Some(started(40)) };
    let filters = [
        all(),
        LaughFilter { zone: zone(), ..LaughFilter::default() },
        LaughFilter { source: Some("neil".into()), ..all() },
        LaughFilter { source: Some("no one".into()), ..all() },
        LaughFilter { window, ..LaughFilter::default() },
        text("ANN"),
        text("ärger"),
        text("0 %"),
        text("walk/1"),
        text("walk"),
        LaughFilter { class_name: Some("Snicker".into()), ..all() },
        LaughFilter { class_name: Some("Cough".into()), ..all() },
        LaughFilter { score: Some(0.8), ..LaughFilter::default() },
        LaughFilter {
            shortest: Some(Duration::from_millis(2160)),
            longest: Some(Duration::from_millis(2640)),
            ..all()
        },
        LaughFilter { time_of_day: Some((time(22, 0, 0, 0), time(3, 10, 0, 0))), ..all() },
        verdict(VerdictFilter::None),
        verdict(VerdictFilter::Is(Verdict::Confirmed)),
        LaughFilter { include_rejected: false, ..verdict(VerdictFilter::Is(Verdict::Rejected)) },
        LaughFilter { favourite: Some(true), ..LaughFilter::default() },
        LaughFilter { favourite: Some(false), window, ..all() },
        LaughFilter { text: Some("ann".into()), favourite: Some(true), window, score: Some(0.6), ..all() },
    ];
    let orders = [LaughOrder::Oldest, LaughOrder::Newest, LaughOrder::Best];
    filters.iter().flat_map(|filter| orders.map(|order| LaughFilter { order, ..filter.clone() })).collect()
}

pub fn pages_have_each_laugh_that_passes_once_and_in_order(home: &impl Home) {
    let mut reader = fill(home);
    let recordings = reader.recordings(None, &Window::default()).unwrap();
    let laughs = merged(&recordings);
    let mut empty = 0;
    for filter in filters() {
        let wanted = expected(&laughs, &filter);
        empty += usize::from(wanted.is_empty());
        assert_eq!(pages(reader.as_mut(), &filter), wanted, "{filter:?}");
    }
    assert_eq!(empty, 6, "the unknown source and class");
    assert!(laughs.iter().any(|laugh| laugh.parts.len() == 2 && laugh.review().is_some()), "split and reviewed");
}

pub fn a_laugh_is_found_by_the_number_of_any_of_its_parts(home: &impl Home) {
    let mut reader = fill(home);
    let recordings = reader.recordings(None, &Window::default()).unwrap();
    for laugh in merged(&recordings) {
        for (_, part) in &laugh.parts {
            let found = reader.laugh(part.id).unwrap().unwrap();
            let ids: Vec<i64> = found.parts().map(|(_, part)| part.id).collect();
            assert_eq!(ids, laugh.parts.iter().map(|(_, part)| part.id).collect::<Vec<_>>());
            assert_eq!(found.detection.review.as_ref(), laugh.review());
            assert_eq!(
                (found.ends(), found.length(), found.loudest().peak),
                (laugh.ends(), laugh.length(), laugh.peak())
            );
        }
    }
    assert_eq!(reader.laugh(i64::MAX).unwrap(), None);
}

pub fn a_cursor_of_another_order_is_refused(home: &impl Home) {
    let mut reader = fill(home);
    let page = reader.laughs(&LaughFilter { limit: 1, ..LaughFilter::default() }).unwrap();
    let filter = LaughFilter { after: page.next, order: LaughOrder::Best, ..LaughFilter::default() };
    assert!(reader.laughs(&filter).unwrap_err().to_string().contains("of another order"));
}

pub fn the_token_changes_with_each_change_and_only_then(home: &impl Home) {
    let mut reader = fill(home);
    let mut token = reader.change_token().unwrap();
    assert_eq!(reader.change_token().unwrap(), token);
    reader.laughs(&LaughFilter::default()).unwrap();
    assert_eq!(reader.change_token().unwrap(), token, "reading changes nothing");
    let mut changed = |what: &str, reader: &mut dyn Reader| {
        let now = reader.change_token().unwrap();
        assert_ne!(std::mem::replace(&mut token, now.clone()), now, "{what}");
    };
    let mut store = open(&home.location()).unwrap();
    store.save(&past_run("ann").analyzed(recording("a.ogg", 250), vec![detection(1.0, 2.0)]).build()).unwrap();
    changed("a run", reader.as_mut());
    let review = ReviewedSpan {
        source: "ann".into(),
        recording: "a.ogg".into(),
        content: content(250),
        start: Duration::from_secs(1),
        end: Duration::from_secs(2),
        starts: started(0),
        embedding: None,
        review: Review { verdict: None, comment: None, favourite: true, at: started(0) },
    };
    store.save_reviews(&[review], false).unwrap();
    changed("a review", reader.as_mut());
    store.forget_clips(&["neil/1-600.flac".into()]).unwrap();
    changed("a removed clip", reader.as_mut());
    home.execute("DELETE FROM reviews");
    changed("another program", reader.as_mut());
}

#[test]
fn both_databases_tell_the_same() {
    let (sqlite, postgres) = (InSqlite::new(), InPostgres::new());
    let (mut one, mut other) = (fill(&sqlite), fill(&postgres));
    for source in ["mia", "neil"] {
        assert_eq!(rounded(counts(one.as_mut(), source)), rounded(counts(other.as_mut(), source)));
    }
    for filter in filters() {
        assert_eq!(pages(one.as_mut(), &filter), pages(other.as_mut(), &filter), "{filter:?}");
    }
}
