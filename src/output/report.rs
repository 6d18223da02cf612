//! A day and its laughs: on a terminal, as JSON, as a table.
//!
//! What a day is made of is shown as `status --date` shows it; here come what is usual and every laugh.

use csv::{Terminator, WriterBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::cell::cell;
use super::json::SPEC_VERSION;
use crate::day::history::{Mean, Tally, Usual};
use crate::day::{Day, Joined};
use crate::output::several;
use crate::output::status::day::{clock, of};
use crate::output::status::json as status_json;
use crate::record::{Judgement, Note, plain, zone_name};

/// Letters of a note on a terminal.
const NOTE: usize = 100;

/// All that these formats and the page may show.
pub struct Telling<'a> {
    pub asked: Timestamp,
    pub zone: &'a TimeZone,
    /// A day a date and source, in order of dates.
    pub days: &'a [Day],
    /// Of the dates shown and of those before.
    pub tallies: &'a [Tally],
    pub usual: Usual,
}

impl Telling<'_> {
    /// Days that hold recordings; all if none does.
    pub fn shown(&self) -> Vec<&Day> {
        let full: Vec<&Day> = self.days.iter().filter(|day| !day.recordings.is_empty()).collect();
        if full.is_empty() { self.days.iter().collect() } else { full }
    }

    pub fn laughs(&self) -> usize {
        self.days.iter().map(|day| day.laughs().len()).sum()
    }

    /// None where nobody listened: that is no zero.
    pub fn laughs_heard(&self) -> Option<usize> {
        self.days.iter().any(|day| !day.heard.is_empty()).then(|| self.laughs())
    }

    /// `1 laugh`, or that nobody listened.
    pub fn number(&self) -> String {
        self.laughs_heard().map_or_else(|| "nothing was analyzed".to_owned(), |laughs| several(laughs, "laugh"))
    }

    /// `same weekday 9.5 (4 days)`: what there is to compare with.
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
pub fn text(telling: &Telling) -> String {
    let mut lines = vec![telling.number()];
    let compare =
        |(name, mean): (&str, Mean)| format!("{name}: {:.1} ({} heard)", mean.laughs, several(mean.days, "day"));
    let compared: Vec<String> = telling.comparisons().into_iter().map(compare).collect();
    if !compared.is_empty() {
        lines.push(format!("laughs a day, {}", compared.join("; ")));
    }
    for day in telling.shown() {
        lines.push(String::new());
        lines.push(of(day).trim_end().to_owned());
        lines.extend(list(day));
    }
    lines.join("\n") + "\n"
}

/// `13:00:01    2.0 s  0.90  Giggle  noon.ogg`
fn list(day: &Day) -> Vec<String> {
    let laughs = day.laughs();
    let line = |laugh: &Joined| {
        let seconds = laugh.length().as_secs_f64();
        let when = clock(day, laugh.starts());
        let said = laugh.note().and_then(said).map_or(String::new(), |said| format!("  ({})", short(&said)));
        let (peak, class, names) = (laugh.peak(), laugh.class_name(), plain(&names(laugh)));
        format!("  {when}  {seconds:>6.1} s  {peak:.2}  {class:<16}  {names}{said}")
    };
    let title = (!laughs.is_empty()).then(|| "laughs:".to_owned());
    title.into_iter().chain(laughs.iter().map(line)).collect()
}

/// The beginning of a note, in one line and in signs that do nothing to a terminal. Other formats have all of it.
fn short(said: &str) -> String {
    let rest = said.chars().count() > NOTE;
    let text: String = said.chars().take(if rest { NOTE - 1 } else { NOTE }).collect();
    plain(&text) + if rest { "…" } else { "" }
}

/// The recordings that hold it.
fn names(laugh: &Joined) -> String {
    laugh.parts.iter().map(|(recording, _)| recording.name.as_str()).collect::<Vec<_>>().join(" + ")
}

/// `discarded: a cough`; None where nothing is said, or was taken back.
pub fn said(note: &Note) -> Option<String> {
    let verdict = note.verdict.map(|verdict| match verdict {
        Judgement::Keep => "kept",
        Judgement::Discard => "discarded",
    });
    let parts = [verdict, note.words.as_deref()];
    let said: Vec<&str> = parts.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(": "))
}

/// One document; its days are those of `status --date --json`.
pub fn document(telling: &Telling) -> String {
    let mean = |mean: Option<Mean>| mean.map(|mean| json!({ "laughs": mean.laughs, "days": mean.days }));
    let document = json!({
        "spec_version": SPEC_VERSION,
        "asked_at": telling.asked.to_string(),
        "zone": zone_name(telling.zone),
        "laughs": telling.laughs_heard(),
        "usual": {
            "same_weekday": mean(telling.usual.weekday),
            "week_before": mean(telling.usual.week),
            "four_weeks_before": mean(telling.usual.month),
        },
        "history": telling.tallies.iter().map(tally).collect::<Vec<_>>(),
        "days": telling.days.iter().map(status_json::day).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn tally(tally: &Tally) -> Value {
    json!({
        "date": tally.date.to_string(),
        "laughs": tally.laughs,
        "analyzed_seconds": tally.heard.as_secs_f64(),
        "failed": tally.failed,
    })
}

const HEADER: [&str; 11] = [
    "date",
    "source",
    "starts_at",
    "ends_at",
    "length_seconds",
    "class",
    "peak_score",
    "recording",
    "parts",
    "verdict",
    "note",
];

/// A header and a row a laugh; one that the recorder cut is one row.
pub fn csv(telling: &Telling) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let rows = telling.days.iter().flat_map(|day| day.laughs().iter().map(|laugh| row(day, laugh)).collect::<Vec<_>>());
    for row in std::iter::once(HEADER.map(str::to_owned)).chain(rows) {
        writer.write_record(row).expect("rows of one length, into memory");
    }
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("texts stay texts")
}

fn row(day: &Day, laugh: &Joined) -> [String; HEADER.len()] {
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
        laugh.note().and_then(|note| note.verdict).map_or("", Judgement::as_str).to_owned(),
        laugh.note().and_then(|note| note.words.as_deref()).map(cell).unwrap_or_default(),
    ]
}
