//! A day for people: completeness, a strip of its hours, failures, gaps.
//!
//! Invariant: fits on one screen, however many recordings and gaps the day has; omitted lines are counted.

pub(in crate::render) mod strip;

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use super::{View, local, pluralize, since, words};
use crate::calendar::{Completeness, Day, Span, span};
use crate::domain::{StoredFailure, StoredMissing, StoredRecording};
use crate::text::{escape, zone_name};

/// Shorter gaps are summed up: sound-activated recorders leave many gaps of seconds.
pub const SHORT: Duration = Duration::from_secs(60);
/// Maximum lines per list.
const LINES: usize = 12;

/// The day of every source, then a line of the sources without recordings, and one about the last run.
pub struct Text<'a> {
    text: &'a mut dyn Write,
    /// Columns of the terminal.
    width: Option<usize>,
    /// Days without recordings. They are shown in full if no source has recordings.
    empty: Vec<Day>,
    is_all_empty: bool,
}

impl<'a> Text<'a> {
    pub fn to(text: &'a mut dyn Write, width: Option<usize>) -> Text<'a> {
        Text { text, width, empty: Vec::new(), is_all_empty: true }
    }

    pub fn add(&mut self, day: Day) -> io::Result<()> {
        if day.completeness() == Completeness::Empty {
            self.empty.push(day);
            return Ok(());
        }
        self.is_all_empty = false;
        writeln!(self.text, "{}", day_text(&day, self.width))
    }

    pub fn finish(self, view: &View) -> io::Result<()> {
        let Text { text, width, empty, is_all_empty } = self;
        if is_all_empty {
            empty.iter().try_for_each(|day| writeln!(text, "{}", day_text(day, width)))?;
        } else if !empty.is_empty() {
            let names: Vec<String> = empty.iter().map(|day| escape(&day.source)).collect();
            writeln!(text, "no recordings of this day: {}", names.join(", "))?;
        }
        writeln!(text, "{}", last_run(view))?;
        text.flush()
    }
}

fn last_run(view: &View) -> String {
    let database = escape(&view.database);
    match view.runs.first() {
        Some(run) => {
            let started = local(run.started, view.zone);
            format!("last stored run: {started}, {} ago; {database}", words(since(run.started, view.asked)))
        }
        None => format!("no run is stored in {database}"),
    }
}

/// The day of one source.
pub fn day_text(day: &Day, width: Option<usize>) -> String {
    let mut lines = vec![headline(day)];
    if !day.recordings.is_empty() {
        lines.push(String::new());
        lines.extend(strip::lines(day, width));
        lines.push(String::new());
        lines.push(counts(day));
        lines.extend(failures(day));
        lines.extend(partials(day));
        lines.extend(failed_clips(day));
        lines.extend(gaps(day));
    }
    lines.join("\n") + "\n"
}

/// `Friday 2025-10-24 in America/Los_Angeles, source neil: incomplete, 1 recording failed`
fn headline(day: &Day) -> String {
    let calendar = &day.calendar;
    let hours = calendar.span.length().as_secs() / 3600;
    let change = if hours == 24 { String::new() } else { format!(", {hours} hours long") };
    format!(
        "{} {} in {}{change}, source {}: {}",
        calendar.date.strftime("%A"),
        calendar.date,
        zone_name(&calendar.zone),
        escape(&day.source),
        completeness(day)
    )
}

/// The completeness in the words that all outputs use.
pub fn completeness(day: &Day) -> String {
    match day.completeness() {
        Completeness::Empty => "no recordings are stored".into(),
        Completeness::Damaged { failed, partial } => format!("incomplete, {}", damaged(failed, partial)),
        Completeness::Running => "not over yet".into(),
        Completeness::NotScanned => "incomplete, no run has scanned the whole day since it ended".into(),
        Completeness::InProgress(1) => "incomplete, 1 recording was in progress during the last run".into(),
        Completeness::InProgress(count) => {
            format!("incomplete, {count} recordings were in progress during the last run")
        }
        Completeness::Complete => "complete".into(),
    }
}

/// `1 recording failed, 2 recordings are partial`
fn damaged(failed: usize, partial: usize) -> String {
    let failures = (failed > 0).then(|| format!("{} failed", pluralize(failed, "recording")));
    let verb = if partial == 1 { "is" } else { "are" };
    let partials = (partial > 0).then(|| format!("{} {verb} partial", pluralize(partial, "recording")));
    failures.into_iter().chain(partials).collect::<Vec<_>>().join(", ")
}

/// `11 recordings analyzed, 9 h 12 min of the day; 14 laughs, 2 rejected`
fn counts(day: &Day) -> String {
    let analyzed = day.recordings.len() - day.failures().count();
    let laughs = if day.analyzed.is_empty() {
        "nothing was analyzed".to_owned()
    } else {
        pluralize(day.laughs().len(), "laugh") + &rejected(day)
    };
    format!(
        "{} analyzed, {} of the day; {laughs}",
        pluralize(analyzed, "recording"),
        words(span::length(&day.analyzed))
    )
}

/// `, 2 rejected`, or nothing: they are not in the number of laughs.
fn rejected(day: &Day) -> String {
    match day.rejected().len() {
        0 => String::new(),
        count => format!(", {count} rejected"),
    }
}

pub fn failures(day: &Day) -> Vec<String> {
    let count = day.failures().count();
    let mut lines = Vec::new();
    if count > 0 {
        lines.push(format!("{} failed ({}):", pluralize(count, "recording"), missing(day)));
    }
    lines.extend(day.failures().take(LINES).map(|(recording, failure)| failed(day, recording, failure)));
    if count > LINES {
        lines.push(format!("  and {} more (--json lists all)", count - LINES));
    }
    lines
}

/// Recordings with missing sound, and the longest missing range of each.
pub fn partials(day: &Day) -> Vec<String> {
    let count = day.partial().count();
    let title = match count {
        0 => return Vec::new(),
        1 => "1 recording is partial:".to_owned(),
        _ => format!("{count} recordings are partial:"),
    };
    let mut lines = vec![title];
    lines.extend(day.partial().take(LINES).map(|(recording, missing)| partial(day, recording, missing)));
    if count > LINES {
        lines.push(format!("  and {} more (--json lists all)", count - LINES));
    }
    lines
}

fn partial(day: &Day, recording: &StoredRecording, missing: &StoredMissing) -> String {
    format!("  {}  {}: {}", when(day, recording), escape(&recording.name), escape(&missing.to_string()))
}

/// How much of the day is covered by failed recordings only; analyzed recordings may cover the same hours.
fn missing(day: &Day) -> String {
    let is_unknown = |(recording, _): (&StoredRecording, _)| {
        recording.started.is_none() || recording.duration.is_none_or(|length| length.is_zero())
    };
    match span::length(&day.failed) {
        hidden if !hidden.is_zero() => words(hidden),
        _ if day.failures().any(is_unknown) => "unknown length".into(),
        _ => "the same time is covered by analyzed recordings".into(),
    }
}

fn failed_clips(day: &Day) -> Option<String> {
    let failed: u64 =
        day.recordings.iter().filter_map(|recording| recording.sound()).map(|sound| sound.clips_failed).sum();
    let clips = pluralize(usize::try_from(failed).unwrap_or(usize::MAX), "clip");
    (failed > 0).then(|| format!("{clips} could not be written; scan the day again with --clips"))
}

fn failed(day: &Day, recording: &StoredRecording, failure: &StoredFailure) -> String {
    format!("  {}  {}: {}", when(day, recording), escape(&recording.name), escape(&failure.reason))
}

/// The part of the day that the recording covers.
fn when(day: &Day, recording: &StoredRecording) -> String {
    let whole = recording.started.zip(recording.ended()).map(|(started, to)| Span { from: started.at, to });
    match whole {
        None => "unknown time".into(),
        Some(span) if span.is_empty() => clock(day, span.from),
        Some(span) => range(day, &span.within(&day.calendar.span)),
    }
}

pub fn gaps(day: &Day) -> Vec<String> {
    listed(day, &day.gaps, "no recording")
}

/// The longest gaps in order of time; the short ones and the rest summed up.
pub fn listed(day: &Day, gaps: &[Span], title: &str) -> Vec<String> {
    let mut by_length: Vec<&Span> = gaps.iter().collect();
    by_length.sort_by_key(|gap| std::cmp::Reverse(gap.length()));
    let long = by_length.iter().take(LINES).take_while(|gap| gap.length() >= SHORT).count();
    let (shown, rest) = by_length.split_at_mut(long);
    shown.sort();
    let mut lines = Vec::new();
    if !gaps.is_empty() {
        lines.push(format!("{title} ({}):", words(span::length(gaps))));
    }
    lines.extend(shown.iter().map(|gap| format!("  {}  {}", range(day, gap), words(gap.length()))));
    if !rest.is_empty() {
        let total: Duration = rest.iter().map(|gap| gap.length()).sum();
        lines.push(format!(
            "  and {} between recordings, {} in total",
            pluralize(rest.len(), "shorter gap"),
            words(total)
        ));
    }
    lines
}

fn range(day: &Day, span: &Span) -> String {
    format!("{} - {}", clock(day, span.from), clock(day, span.to))
}

/// `13:00:00`; with the UTC offset if clocks change on this day; the end of the day is 24:00:00.
pub fn clock(day: &Day, at: Timestamp) -> String {
    let calendar = &day.calendar;
    let is_even = calendar.span.length() == Duration::from_secs(24 * 3600);
    let zoned = at.to_zoned(calendar.zone.clone());
    if !is_even {
        zoned.strftime("%H:%M:%S%:z").to_string()
    } else if at == calendar.span.to {
        "24:00:00".into()
    } else {
        zoned.strftime("%H:%M:%S").to_string()
    }
}
