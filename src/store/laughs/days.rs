//! The counts of days.
//!
//! ```text
//! rows of each local hour, by an index       every row is a laugh
//! - the further parts of split laughs        a split laugh counts once, where it starts
//! - rejected laughs                          they do not count
//! + what reviews say                         confirmed, favourite
//! + analyzed time, recordings by status      from the recordings
//! ```
//!
//! A month at a time: memory does not grow with the number of days.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::parts::{SplitLaugh, at_seams, recordings, reviewed, split};
use super::{ReviewScope, ReviewTarget, SpanCount};
use crate::calendar::{Calendar, Span, analyzed_time};
use crate::domain::{DayCount, Review, StoredRecording, Verdict, Window};
use crate::error::Fatal;
use crate::store::Reader;

/// Days that are read at once.
const DAYS: usize = 31;

/// A local hour, or a part of it at a change of clocks.
struct Slot {
    /// Index of its day.
    day: usize,
    hour: usize,
    span: Span,
}

/// Passes the counts of each of these days of a source to `each`, in order; days without recordings and laughs are left
/// out. The days are consecutive.
pub fn each_day_count<R: Reader + ?Sized>(
    reader: &mut R,
    source: &str,
    days: &[Calendar],
    each: &mut dyn FnMut(DayCount) -> Result<(), Fatal>,
) -> Result<(), Fatal> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    let window = Window { from: Some(first.span.from), to: Some(last.span.to) };
    let reviews = reviewed(reader, &ReviewScope::Source(source, window))?;
    for days in days.chunks(DAYS) {
        some_days(reader, source, days, &reviews)?
            .into_iter()
            .filter(|day| !day.is_empty())
            .try_for_each(&mut *each)?;
    }
    Ok(())
}

fn some_days<R: Reader + ?Sized>(
    reader: &mut R,
    source: &str,
    days: &[Calendar],
    reviews: &HashMap<i64, ReviewTarget>,
) -> Result<Vec<DayCount>, Fatal> {
    let span = Span { from: days[0].span.from, to: days[days.len() - 1].span.to };
    let recordings = recordings(reader, source, &span)?;
    let cut: HashSet<i64> = reader.recordings_cut_at_start(source, &span)?.into_iter().collect();
    let split = split(reader, at_seams(&recordings, &cut))?;
    let slots = slots(days, &recordings);
    let spans: Vec<Span> = slots.iter().map(|slot| slot.span).collect();
    let mut counted = Counted { slots, counts: days.iter().map(|day| DayCount::new(source, day.date)).collect() };
    for (place, count) in reader.span_counts(source, &spans)?.into_iter().enumerate() {
        counted.add_rows(place, &count);
    }
    counted.add_split(&split);
    let is_single = |id: &i64| !split.iter().any(|laugh| laugh.has(*id));
    for (id, row) in reviews.iter().filter(|(_, row)| row.starts >= span.from && row.starts < span.to) {
        if is_single(id) {
            counted.add_review(row.starts, row.end.saturating_sub(row.start), row.review.as_ref());
        }
    }
    let mut counts = counted.counts;
    for (count, day) in counts.iter_mut().zip(days) {
        add_recordings(count, day, &recordings);
        count.unreviewed = count.laughs.saturating_sub(count.confirmed);
    }
    Ok(counts)
}

struct Counted {
    /// In order of time.
    slots: Vec<Slot>,
    counts: Vec<DayCount>,
}

impl Counted {
    fn add_rows(&mut self, place: usize, rows: &SpanCount) {
        let slot = &self.slots[place];
        let count = &mut self.counts[slot.day];
        count.laughs += rows.rows;
        count.by_hour[slot.hour] += rows.rows;
        count.laughed += Duration::try_from_secs_f64(rows.seconds).unwrap_or_default();
    }

    /// The day and the hour in which an instant lies; None if it is in none of the days.
    fn at(&mut self, at: Timestamp) -> Option<(&mut DayCount, usize)> {
        let place = self.slots.partition_point(|slot| slot.span.from <= at).checked_sub(1)?;
        let slot = &self.slots[place];
        slot.span.holds(at).then_some((&mut self.counts[slot.day], slot.hour))
    }

    /// Each part was counted as a laugh in its own hour.
    fn add_split(&mut self, split: &[SplitLaugh]) {
        for laugh in split {
            for (_, part) in &laugh.parts[1..] {
                if let Some((count, hour)) = self.at(part.starts) {
                    count.laughs = count.laughs.saturating_sub(1);
                    count.by_hour[hour] = count.by_hour[hour].saturating_sub(1);
                    let length = part.detection.end.saturating_sub(part.detection.start);
                    count.laughed = count.laughed.saturating_sub(length);
                }
            }
            let first = laugh.first();
            if let Some((count, _)) = self.at(first.starts) {
                count.laughed +=
                    laugh.length().saturating_sub(first.detection.end.saturating_sub(first.detection.start));
            }
            self.add_review(first.starts, laugh.length(), laugh.review());
        }
    }

    fn add_review(&mut self, starts: Timestamp, length: Duration, review: Option<&Review>) {
        let Some((review, (count, hour))) = review.zip(self.at(starts)) else { return };
        if review.is_rejected() {
            count.rejected += 1;
            count.laughs = count.laughs.saturating_sub(1);
            count.by_hour[hour] = count.by_hour[hour].saturating_sub(1);
            count.laughed = count.laughed.saturating_sub(length);
        } else {
            count.confirmed += u64::from(review.verdict == Some(Verdict::Confirmed));
            count.favourites += u64::from(review.favourite);
        }
    }
}

fn add_recordings(count: &mut DayCount, day: &Calendar, recordings: &[StoredRecording]) {
    let overlaps = |one: &&StoredRecording| {
        one.started.is_some_and(|started| started.at < day.span.to)
            && one.ended().is_some_and(|end| end >= day.span.from)
    };
    let of_day: Vec<&StoredRecording> = recordings.iter().filter(overlaps).collect();
    count.analyzed = analyzed_time(of_day.iter().copied(), &day.span);
    let starts = of_day.iter().filter(|one| one.started.is_some_and(|started| day.span.holds(started.at)));
    for recording in starts {
        match recording.status() {
            "failed" => count.recordings.failed += 1,
            "partial" => count.recordings.partial += 1,
            _ => count.recordings.analyzed += 1,
        }
    }
}

/// The local hours of these days in which there is a recording; elsewhere are no laughs.
fn slots(days: &[Calendar], recordings: &[StoredRecording]) -> Vec<Slot> {
    let recorded = crate::calendar::span::union(recordings.iter().filter_map(|one| {
        // A laugh may end after the duration that its container announced.
        let to = one.ended()?.saturating_add(jiff::SignedDuration::from_secs(1)).ok()?;
        Some(Span { from: one.started?.at, to })
    }));
    let has_recording = |slot: &Slot| {
        let next = recorded.partition_point(|span| span.to <= slot.span.from);
        recorded.get(next).is_some_and(|span| span.from < slot.span.to)
    };
    let of_day = |(index, day): (usize, &Calendar)| hours(index, day).filter(has_recording).collect::<Vec<_>>();
    days.iter().enumerate().flat_map(of_day).collect()
}

/// The local hours of a day.
fn hours(day: usize, calendar: &Calendar) -> impl Iterator<Item = Slot> {
    let (whole, zone) = (calendar.span, calendar.zone.clone());
    let mut from = whole.from;
    std::iter::from_fn(move || {
        if from >= whole.to {
            return None;
        }
        let (hour, to) = hour(from, &zone);
        let span = Span { from, to: to.min(whole.to) };
        from = span.to;
        Some(Slot { day, hour, span })
    })
}

/// The local hour of an instant, and when it ends: at the next full hour, or where clocks change.
fn hour(at: Timestamp, zone: &TimeZone) -> (usize, Timestamp) {
    let local = zone.to_datetime(at);
    let rest = 3600 - i64::from(local.minute()) * 60 - i64::from(local.second());
    let next = at.saturating_add(jiff::SignedDuration::from_secs(rest)).unwrap_or(Timestamp::MAX);
    let change = zone.following(at).next().map(|change| change.timestamp()).filter(|change| *change > at);
    (usize::from(local.hour().unsigned_abs()), change.map_or(next, |change| change.min(next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_day(zone: &str, date: &str) -> Vec<(usize, i64)> {
        let zone = TimeZone::get(zone).unwrap();
        let date: jiff::civil::Date = date.parse().unwrap();
        let at = |date: jiff::civil::Date| date.to_zoned(zone.clone()).unwrap().timestamp();
        let span = Span { from: at(date), to: at(date.tomorrow().unwrap()) };
        let calendar = Calendar { date, zone: zone.clone(), span };
        let slots: Vec<Slot> = hours(0, &calendar).collect();
        assert!(slots.windows(2).all(|pair| pair[0].span.to == pair[1].span.from), "they cover the day");
        assert_eq!((slots[0].span.from, slots[slots.len() - 1].span.to), (span.from, span.to));
        slots.iter().map(|slot| (slot.hour, slot.span.length().as_secs() as i64 / 60)).collect()
    }

    #[test]
    fn local_hours_cover_a_day_whatever_clocks_do() {
        let plain: Vec<_> = (0..24).map(|hour| (hour, 60)).collect();
        assert_eq!(of_day("Asia/Kolkata", "2025-10-24"), plain, "half an hour from UTC");
        let spring = of_day("Europe/Berlin", "2025-03-30");
        assert_eq!((spring.len(), spring[1], spring[2]), (23, (1, 60), (3, 60)));
        let autumn = of_day("Europe/Berlin", "2025-10-26");
        assert_eq!((autumn.len(), autumn[2], autumn[3], autumn[4]), (25, (2, 60), (2, 60), (3, 60)));
        let half = of_day("Australia/Lord_Howe", "2025-04-06");
        assert_eq!(half.iter().filter(|(hour, _)| *hour == 1).map(|(_, minutes)| minutes).sum::<i64>(), 90);
    }
}
