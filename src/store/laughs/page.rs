//! Pages of laughs: the rows in an order, without those that do not pass, until the page is full.
//!
//! ```text
//! rows that only a few reviews or recordings can give   all of them, sorted
//! else                                                  in order, by an index, more at a time as long as few pass
//! ```

use std::collections::{HashMap, HashSet};

use super::parts::{SplitLaugh, reviewed, split_around};
use super::{LaughRow, ReviewScope, ReviewTarget, RowSelection};
use crate::domain::{Laugh, LaughCursor, LaughFilter, LaughOrder, LaughPage, Review, StoredDetection, StoredRecording};
use crate::error::Fatal;
use crate::store::Reader;

/// Windows up to this length are sorted by score instead of walking down all scores.
const SHORT: jiff::SignedDuration = jiff::SignedDuration::from_hours(35 * 24);
/// The most rows that are read at once while few pass.
const MOST_ROWS: usize = 8192;
/// Up to this many recordings whose name has the text, their rows are read; else all rows in order.
const FEW_RECORDINGS: usize = 400;

/// A row that passed, and what it is a part of.
struct Passed {
    row: LaughRow,
    review: Option<Review>,
    split: Option<SplitLaugh>,
}

/// The next laughs.
pub fn page<R: Reader + ?Sized>(reader: &mut R, filter: &LaughFilter) -> Result<LaughPage, Fatal> {
    let limit = filter.limit.clamp(1, LaughFilter::MOST);
    check_cursor(filter)?;
    if filter.class() == Some(None) {
        return Ok(LaughPage::default());
    }
    let sources = match &filter.source {
        Some(source) => vec![source.clone()],
        None => reader.sources()?,
    };
    let found = Texts::find(reader, &sources, filter)?;
    let mut search = Search { filter, found, passed: Vec::new(), limit };
    match search.few(reader, &sources)? {
        Some(rows) => search.take_sorted(reader, rows)?,
        None => search.walk(reader, &sources)?,
    }
    search.into_page(reader)
}

/// The laugh that this row is, or is a part of.
pub fn laugh<R: Reader + ?Sized>(reader: &mut R, id: i64) -> Result<Option<Laugh>, Fatal> {
    let Some(row) = reader.rows_by_id(&[id])?.pop() else { return Ok(None) };
    let reviews = reviewed(reader, &ReviewScope::Recordings(&[row.recording]))?;
    let split = split_of(reader, &row)?;
    let review = reviews.get(&row.id).and_then(|target| target.review.clone());
    Ok(laughs(reader, vec![Passed { row, review, split }])?.pop())
}

fn check_cursor(filter: &LaughFilter) -> Result<(), Fatal> {
    let fits = match (filter.after, filter.order) {
        (None, _) | (Some(LaughCursor::Score { .. }), LaughOrder::Best) => true,
        (Some(LaughCursor::Start { .. }), order) => order != LaughOrder::Best,
        _ => false,
    };
    if fits { Ok(()) } else { Err(Fatal::Config("the cursor is of another order; start again without one".into())) }
}

/// The split laugh that a row is a part of.
fn split_of<R: Reader + ?Sized>(reader: &mut R, row: &LaughRow) -> Result<Option<SplitLaugh>, Fatal> {
    if !row.is_at_an_edge() {
        return Ok(None);
    }
    Ok(split_around(reader, &row.source, row.starts)?.into_iter().find(|laugh| laugh.has(row.id)))
}

/// Where the text that a filter asks for occurs.
struct Texts {
    /// In lower case.
    text: String,
    recordings: HashSet<i64>,
}

impl Texts {
    fn find<R: Reader + ?Sized>(
        reader: &mut R,
        sources: &[String],
        filter: &LaughFilter,
    ) -> Result<Option<Texts>, Fatal> {
        let Some(text) = filter.text.as_deref().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let mut recordings = HashSet::new();
        for source in sources {
            let names = reader.names(source)?.into_iter();
            recordings.extend(names.filter(|(_, name)| name.to_lowercase().contains(&text)).map(|(id, _)| id));
        }
        Ok(Some(Texts { text, recordings }))
    }

    fn is_in(&self, review: Option<&Review>) -> bool {
        let comment = review.and_then(|review| review.comment.as_deref());
        comment.is_some_and(|comment| comment.to_lowercase().contains(&self.text))
    }
}

struct Search<'a> {
    filter: &'a LaughFilter,
    found: Option<Texts>,
    passed: Vec<Passed>,
    limit: usize,
}

impl Search<'_> {
    /// One more than the page holds tells that there is a next one.
    fn is_full(&self) -> bool {
        self.passed.len() > self.limit
    }

    /// All rows that may pass, if they can be found by reviews or by recordings.
    fn few<R: Reader + ?Sized>(&self, reader: &mut R, sources: &[String]) -> Result<Option<Vec<LaughRow>>, Fatal> {
        let by_name = self.found.as_ref().filter(|found| found.recordings.len() <= FEW_RECORDINGS);
        if !self.filter.needs_review() && by_name.is_none() {
            return Ok(None);
        }
        let mut ids = HashSet::new();
        for source in sources {
            // Another part of a laugh may have its review.
            let targets = reviewed(reader, &ReviewScope::Source(source, self.filter.window))?;
            ids.extend(targets.into_values().filter(|target| self.takes_target(target)).map(|target| target.id));
        }
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut rows = reader.rows_by_id(&ids)?;
        if let Some(found) = by_name.filter(|_| !self.filter.needs_review()) {
            let recordings: Vec<i64> = found.recordings.iter().copied().collect();
            rows.extend(reader.rows_of_recordings(&recordings)?);
        }
        self.with_first_parts(reader, rows).map(Some)
    }

    fn takes_target(&self, target: &ReviewTarget) -> bool {
        let Some(review) = &target.review else { return false };
        let has_text = self.found.as_ref().is_none_or(|found| found.is_in(Some(review)));
        if self.filter.needs_review() { self.filter.takes_review(review.verdict, review.favourite) } else { has_text }
    }

    /// Each row once, with the first part of a laugh of which another part was found.
    fn with_first_parts<R: Reader + ?Sized>(
        &self,
        reader: &mut R,
        rows: Vec<LaughRow>,
    ) -> Result<Vec<LaughRow>, Fatal> {
        let mut all: HashMap<i64, LaughRow> = HashMap::new();
        let mut others = Vec::new();
        for row in rows {
            if let Some(split) = split_of(reader, &row)?.filter(|split| split.first().id != row.id) {
                others.push(split.first().id);
            }
            all.insert(row.id, row);
        }
        all.extend(reader.rows_by_id(&others)?.into_iter().map(|row| (row.id, row)));
        Ok(all.into_values().collect())
    }

    fn take_sorted<R: Reader + ?Sized>(&mut self, reader: &mut R, mut rows: Vec<LaughRow>) -> Result<(), Fatal> {
        let order = self.filter.order;
        rows.sort_by(|a, b| a.compare(b, order));
        rows.retain(|row| self.filter.after.is_none_or(|cursor| row.is_after(&cursor, order)) && self.takes_row(row));
        for some in rows.chunks(MOST_ROWS) {
            self.take(reader, some.to_vec())?;
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Reads rows of all sources in order until the page is full.
    fn walk<R: Reader + ?Sized>(&mut self, reader: &mut R, sources: &[String]) -> Result<(), Fatal> {
        let (mut after, mut count) = (self.filter.after, self.limit + 1);
        while !self.is_full() {
            let mut rows = Vec::new();
            for source in sources {
                rows.extend(reader.next_rows(&self.selection(source, after, count))?);
            }
            rows.sort_by(|a, b| a.compare(b, self.filter.order));
            rows.truncate(count);
            let is_last = rows.len() < count;
            after = rows.last().map(|row| row.cursor(self.filter.order)).or(after);
            rows.retain(|row| self.takes_row(row));
            self.take(reader, rows)?;
            if is_last {
                break;
            }
            count = (4 * count).min(MOST_ROWS);
        }
        Ok(())
    }

    fn selection<'b>(&self, source: &'b str, after: Option<LaughCursor>, limit: usize) -> RowSelection<'b> {
        let window = self.filter.window;
        let length = window.from.zip(window.to).map(|(from, to)| to.duration_since(from));
        RowSelection {
            source,
            window,
            order: self.filter.order,
            is_short: length.is_some_and(|length| length <= SHORT),
            after,
            class: self.filter.class().flatten(),
            score: self.filter.score.map_or(0.0, crate::text::shortest_f64),
            limit,
        }
    }

    /// What a row itself tells.
    fn takes_row(&self, row: &LaughRow) -> bool {
        let filter = self.filter;
        let window = &filter.window;
        window.from.is_none_or(|from| row.starts >= from)
            && window.to.is_none_or(|to| row.starts < to)
            && filter.class().flatten().is_none_or(|class| i32::from(class) == row.class)
            && filter.score.is_none_or(|score| row.peak >= crate::text::shortest_f64(score))
            && filter.takes_length(row.end - row.start)
            && filter.takes_time(row.starts)
    }

    /// Keeps those of these rows that start a laugh and whose review passes.
    fn take<R: Reader + ?Sized>(&mut self, reader: &mut R, rows: Vec<LaughRow>) -> Result<(), Fatal> {
        let recordings: HashSet<i64> = rows.iter().map(|row| row.recording).collect();
        let recordings: Vec<i64> = recordings.into_iter().collect();
        let reviews = reviewed(reader, &ReviewScope::Recordings(&recordings))?;
        for row in rows {
            let split = split_of(reader, &row)?;
            if split.as_ref().is_some_and(|split| split.first().id != row.id) {
                continue;
            }
            let review = match &split {
                Some(split) => split.review().cloned(),
                None => reviews.get(&row.id).and_then(|target| target.review.clone()),
            };
            let verdict = review.as_ref().and_then(|review| review.verdict);
            let favourite = review.as_ref().is_some_and(|review| review.favourite);
            let has_text = self
                .found
                .as_ref()
                .is_none_or(|found| found.recordings.contains(&row.recording) || found.is_in(review.as_ref()));
            if has_text && self.filter.takes_review(verdict, favourite) {
                self.passed.push(Passed { row, review, split });
            }
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn into_page<R: Reader + ?Sized>(mut self, reader: &mut R) -> Result<LaughPage, Fatal> {
        let is_last = !self.is_full();
        self.passed.truncate(self.limit);
        let next = self.passed.last().filter(|_| !is_last).map(|last| last.row.cursor(self.filter.order));
        Ok(LaughPage { laughs: laughs(reader, self.passed)?, next })
    }
}

/// In the same order; without rows that were removed meanwhile.
fn laughs<R: Reader + ?Sized>(reader: &mut R, passed: Vec<Passed>) -> Result<Vec<Laugh>, Fatal> {
    let single: Vec<i64> = passed.iter().filter(|one| one.split.is_none()).map(|one| one.row.id).collect();
    let mut rows: HashMap<i64, (StoredRecording, StoredDetection)> = HashMap::new();
    for (recording, row) in reader.full_rows(&single)? {
        let detection = StoredDetection::from(row);
        rows.insert(detection.id, (recording.with_laughs(Vec::new(), Vec::new()), detection));
    }
    let laugh = |one: Passed| match one.split {
        Some(split) => {
            let mut parts = split.parts.into_iter();
            let (recording, detection) = parts.next()?;
            Some(Laugh { recording, detection, continued: parts.collect() })
        }
        None => {
            let (recording, detection) = rows.remove(&one.row.id)?;
            let detection = StoredDetection { review: one.review, ..detection };
            Some(Laugh { recording, detection, continued: Vec::new() })
        }
    };
    Ok(passed.into_iter().filter_map(laugh).collect())
}
