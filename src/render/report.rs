//! A day and its laughs: on a terminal, as JSON, as CSV.
//!
//! The coverage of a day is formatted as in `status --date`; this module adds averages and every laugh.

use csv::{Terminator, WriterBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::candidates;
use super::cell::cell;
use super::json::{SPEC_FIELD, SPEC_VERSION};
use crate::calendar::history::{Mean, Tally, Usual};
use crate::calendar::{Day, MergedDetection, Uncounted};
use crate::domain::{Candidate, Field, Review, Verdict, field};
use crate::render::days::{days as table_of_days, lines_of_days};
use crate::render::pluralize;
use crate::render::status::day::{clock, day_text};
use crate::render::status::json as status_json;
use crate::text::{escape, zone_name};

/// Days from which each has only a line.
const LONG: i32 = 7;
/// Maximum characters of a review on a terminal.
const REVIEW_CHARS: usize = 100;

/// What these formats and the page show.
pub struct ReportView<'a> {
    pub asked: Timestamp,
    pub zone: &'a TimeZone,
    /// One day per date and source, in order of dates.
    pub days: &'a [Day],
    /// One tally per date, for the dates shown and those before.
    pub tallies: &'a [Tally],
    pub usual: Usual,
    /// What to do about sources of which many laughs were rejected.
    pub advice: &'a [String],
    /// Whether candidates were read and are shown.
    pub candidates: bool,
}

impl ReportView<'_> {
    /// The days that have recordings; all days if none has any.
    pub fn shown(&self) -> Vec<&Day> {
        let full: Vec<&Day> = self.days.iter().filter(|day| !day.recordings.is_empty()).collect();
        if full.is_empty() { self.days.iter().collect() } else { full }
    }

    /// Too many days to show each laugh of them.
    fn is_long(&self) -> bool {
        let (first, last) = (self.days.first(), self.days.last());
        let dates = first.zip(last).map(|(first, last)| first.calendar.date.until(last.calendar.date));
        dates.is_some_and(|span| span.is_ok_and(|span| span.get_days() >= LONG))
    }

    pub fn laughs(&self) -> usize {
        self.days.iter().map(|day| day.laughs().len()).sum()
    }

    /// The number of laughs; None, not zero, if nothing was analyzed.
    pub fn laughs_analyzed(&self) -> Option<usize> {
        self.days.iter().any(|day| !day.analyzed.is_empty()).then(|| self.laughs())
    }

    /// `1 laugh`, or that nothing was analyzed.
    pub fn number(&self) -> String {
        self.laughs_analyzed().map_or_else(|| "nothing was analyzed".to_owned(), |laughs| pluralize(laughs, "laugh"))
    }

    /// The averages to compare with: `same weekday 9.5 (4 days)`.
    pub fn comparisons(&self) -> Vec<(&'static str, Mean)> {
        let rows = [
            ("same weekday", self.usual.weekday),
            ("7 days before", self.usual.week),
            ("28 days before", self.usual.month),
        ];
        rows.into_iter().filter_map(|(name, mean)| Some((name, mean?))).collect()
    }
}

/// For people.
pub fn text(view: &ReportView, width: Option<usize>) -> String {
    let mut lines = vec![view.number()];
    let compare =
        |(name, mean): (&str, Mean)| format!("{name}: {:.1} ({} analyzed)", mean.laughs, pluralize(mean.days, "day"));
    let compared: Vec<String> = view.comparisons().into_iter().map(compare).collect();
    if !compared.is_empty() {
        lines.push(format!("laughs a day, {}", compared.join("; ")));
    }
    let is_long = view.is_long();
    if is_long {
        lines.push(String::new());
        lines.push(table_of_days(&lines_of_days(&view.shown()), width));
        lines.push("giggles report --date DAY shows the laughs of a day".to_owned());
    }
    for day in view.shown().into_iter().filter(|_| !is_long) {
        lines.push(String::new());
        lines.push(day_text(day, width).trim_end().to_owned());
        lines.extend(list(day));
        if view.candidates {
            lines.extend(uncounted(day));
        }
    }
    if !view.advice.is_empty() {
        lines.push(String::new());
        lines.extend(view.advice.iter().map(|advice| escape(advice)));
    }
    lines.join("\n") + "\n"
}

/// `13:00:01    2.0 s  0.90  Giggle  #17  noon.ogg`; the number is for `giggles explain`.
fn list(day: &Day) -> Vec<String> {
    let laughs = day.laughs();
    let line = |laugh: &MergedDetection| {
        let seconds = laugh.length().as_secs_f64();
        let when = clock(day, laugh.starts());
        let review = laugh.review().and_then(review_text).map_or(String::new(), |text| format!("  ({})", short(&text)));
        let (peak, class, names) = (laugh.peak(), laugh.class_name(), escape(&names(laugh)));
        let id = laugh.loudest().id;
        format!("  {when}  {seconds:>6.1} s  {peak:.2}  {class:<16}  #{id}  {names}{review}")
    };
    let title = (!laughs.is_empty()).then(|| "laughs:".to_owned());
    title.into_iter().chain(laughs.iter().map(line)).collect()
}

/// The same of sounds that do not count: those that are offered for review, and those that were reviewed.
fn uncounted(day: &Day) -> Vec<String> {
    let sounds = day.uncounted();
    let line = |sound: &Uncounted| {
        let seconds = sound.length().as_secs_f64();
        let when = clock(day, sound.starts);
        let review = sound.review.and_then(review_text).map_or(String::new(), |text| format!("  ({})", short(&text)));
        let candidate = sound.candidate.map(|one| &one.candidate);
        let score = candidate.map_or("    ".to_owned(), |one| format!("{:.2}", one.score()));
        let (class, name) = (candidate.map_or("by hand", Candidate::class_name), escape(&sound.recording.name));
        format!("  {when}  {seconds:>6.1} s  {score}  {class:<16}  {name}{review}")
    };
    let title = (!sounds.is_empty()).then(|| "not counted:".to_owned());
    title.into_iter().chain(sounds.iter().map(line)).collect()
}

/// The beginning of a review in one line, with control characters escaped. Other formats contain the full text.
pub(super) fn short(review: &str) -> String {
    let is_cut = review.chars().count() > REVIEW_CHARS;
    let text: String = review.chars().take(if is_cut { REVIEW_CHARS - 1 } else { REVIEW_CHARS }).collect();
    escape(&text) + if is_cut { "…" } else { "" }
}

/// The recordings that contain the laugh.
fn names(laugh: &MergedDetection) -> String {
    laugh.parts.iter().map(|(recording, _)| recording.name.as_str()).collect::<Vec<_>>().join(" + ")
}

/// `favourite, rejected: a cough`; None if the review was withdrawn.
pub fn review_text(review: &Review) -> Option<String> {
    let marks = [review.favourite.then_some("favourite"), review.verdict.map(Verdict::as_str)];
    let marks = marks.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let parts = [Some(marks.as_str()).filter(|marks| !marks.is_empty()), review.comment.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// Fields of the document besides its days.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("asked_at", "string", "when the command ran"),
    field("zone", "string", "time zone of calendar days"),
    field("laughs", "number or null", "laughs of all days that count; null if nothing was analyzed"),
    field("usual", "object", "averages of earlier days to compare with"),
    field("usual.same_weekday", "object or null", "the same weekday of the weeks before; null if none was analyzed"),
    field("usual.week_before", "object or null", "the 7 days before"),
    field("usual.four_weeks_before", "object or null", "the 28 days before"),
    field("usual.*.laughs", "number", "mean number of laughs a day"),
    field("usual.*.days", "number", "analyzed days in the mean"),
    field("history[].date", "string", "a day, the shown ones and those before"),
    field("history[].laughs", "number", "its laughs"),
    field("history[].analyzed_seconds", "number", "how much of it is analyzed"),
    field("history[].failed", "number", "its recordings that failed or are partial"),
];

/// One JSON document; its days have the format of `status --date --json`, and their candidates if they were read.
pub fn document(view: &ReportView) -> String {
    let mean = |mean: Option<Mean>| mean.map(|mean| json!({ "laughs": mean.laughs, "days": mean.days }));
    let document = json!({
        "spec_version": SPEC_VERSION,
        "asked_at": view.asked.to_string(),
        "zone": zone_name(view.zone),
        "laughs": view.laughs_analyzed(),
        "usual": {
            "same_weekday": mean(view.usual.weekday),
            "week_before": mean(view.usual.week),
            "four_weeks_before": mean(view.usual.month),
        },
        "history": view.tallies.iter().map(tally).collect::<Vec<_>>(),
        "days": view.days.iter().map(|day| self::day(view, day)).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn day(view: &ReportView, day: &Day) -> Value {
    let mut value = status_json::day(day);
    if view.candidates {
        value["candidates"] = candidates::values(day).into();
    }
    value
}

fn tally(tally: &Tally) -> Value {
    json!({
        "date": tally.date.to_string(),
        "laughs": tally.laughs,
        "analyzed_seconds": tally.analyzed.as_secs_f64(),
        "failed": tally.failed,
    })
}

/// Columns of the table.
pub(super) const COLUMNS: [Field; 12] = [
    field("date", "string", "calendar day of the start"),
    field("source", "string", "the person or device of the recordings"),
    field("starts_at", "string", "start, RFC 3339 in UTC"),
    field("ends_at", "string", "end, RFC 3339 in UTC"),
    field("length_seconds", "number", "duration"),
    field("class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("peak_score", "number", "highest score, 0 to 1"),
    field("recording", "string", "the recording in which it starts"),
    field("parts", "number", "recordings that contain a part of it"),
    field("verdict", "string", "`confirmed` or `rejected`; empty without a review"),
    field("comment", "string", "comment of the review"),
    field("favourite", "boolean", "whether the reviewer marked it as favourite: `true` or `false`"),
];

/// A header and one row per laugh; a laugh that spans recordings is one row.
pub fn csv(view: &ReportView) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let rows = view.days.iter().flat_map(|day| day.laughs().iter().map(|laugh| row(day, laugh)).collect::<Vec<_>>());
    for row in std::iter::once(COLUMNS.map(|column| column.path.to_owned())).chain(rows) {
        writer.write_record(row).expect("rows of one length, into memory");
    }
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("texts stay texts")
}

fn row(day: &Day, laugh: &MergedDetection) -> [String; COLUMNS.len()] {
    [
        day.calendar.date.to_string(),
        cell(&day.source),
        laugh.starts().to_string(),
        laugh.ends().to_string(),
        format!("{:.6}", laugh.length().as_secs_f64()),
        laugh.class_name().to_owned(),
        laugh.peak().to_string(),
        cell(&laugh.first().0.name),
        laugh.parts.len().to_string(),
        laugh.review().and_then(|review| review.verdict).map_or("", Verdict::as_str).to_owned(),
        laugh.review().and_then(|review| review.comment.as_deref()).map(cell).unwrap_or_default(),
        laugh.review().is_some_and(|review| review.favourite).to_string(),
    ]
}
