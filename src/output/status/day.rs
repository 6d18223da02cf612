//! A day as a person reads it: a verdict, a strip of its hours, what failed, the gaps.
//!
//! Invariant: one screen, however many recordings and gaps the day has; what is left off is counted.

pub(in crate::output) mod strip;

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use super::{Look, local, several, since, words};
use crate::day::{Day, Span, Verdict, span};
use crate::record::{StoredFailure, StoredMissing, StoredRecording, plain, zone_name};

/// Recorders that write when they hear something leave many gaps of seconds.
pub const SHORT: Duration = Duration::from_secs(60);
/// Lines of one kind.
const LINES: usize = 12;

/// Every source's day, then a line on the sources that have nothing, and one on the last run.
pub struct Text<'a> {
    text: &'a mut dyn Write,
    /// They are shown like others where there are no others.
    empty: Vec<Day>,
    is_all_empty: bool,
}

impl<'a> Text<'a> {
    pub fn to(text: &'a mut dyn Write) -> Text<'a> {
        Text { text, empty: Vec::new(), is_all_empty: true }
    }

    pub fn add(&mut self, day: Day) -> io::Result<()> {
        if day.verdict() == Verdict::Empty {
            self.empty.push(day);
            return Ok(());
        }
        self.is_all_empty = false;
        writeln!(self.text, "{}", of(&day))
    }

    pub fn finish(self, look: &Look) -> io::Result<()> {
        let Text { text, empty, is_all_empty } = self;
        if is_all_empty {
            empty.iter().try_for_each(|day| writeln!(text, "{}", of(day)))?;
        } else if !empty.is_empty() {
            let names: Vec<String> = empty.iter().map(|day| plain(&day.source)).collect();
            writeln!(text, "no recordings of this day: {}", names.join(", "))?;
        }
        writeln!(text, "{}", last_run(look))?;
        text.flush()
    }
}

fn last_run(look: &Look) -> String {
    let database = plain(&look.database);
    match look.runs.first() {
        Some(run) => {
            let began = local(run.started, look.zone);
            format!("last stored run: {began}, {} ago; {database}", words(since(run.started, look.asked)))
        }
        None => format!("no run is stored in {database}"),
    }
}

/// One source's.
pub fn of(day: &Day) -> String {
    let mut lines = vec![headline(day)];
    if !day.recordings.is_empty() {
        lines.push(String::new());
        lines.extend(strip::lines(day));
        lines.push(String::new());
        lines.push(counts(day));
        lines.extend(failures(day));
        lines.extend(partials(day));
        lines.extend(lost_clips(day));
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
        plain(&day.source),
        verdict(day)
    )
}

/// In the same words on every output.
pub fn verdict(day: &Day) -> String {
    match day.verdict() {
        Verdict::Empty => "no recordings are stored".into(),
        Verdict::Damaged { failed, partial } => format!("incomplete, {}", damaged(failed, partial)),
        Verdict::Running => "not over yet".into(),
        Verdict::Unfinished => "incomplete, no run has looked for the whole day since it ended".into(),
        Verdict::BeingWritten(1) => "incomplete, 1 recording was still being written when the last run looked".into(),
        Verdict::BeingWritten(count) => {
            format!("incomplete, {count} recordings were still being written when the last run looked")
        }
        Verdict::Complete => "complete".into(),
    }
}

/// `1 recording failed, 2 recordings are partial`
fn damaged(failed: usize, partial: usize) -> String {
    let failures = (failed > 0).then(|| format!("{} failed", several(failed, "recording")));
    let verb = if partial == 1 { "is" } else { "are" };
    let partials = (partial > 0).then(|| format!("{} {verb} partial", several(partial, "recording")));
    failures.into_iter().chain(partials).collect::<Vec<_>>().join(", ")
}

/// `11 recordings analyzed, 9 h 12 min of the day; 14 laughs`
fn counts(day: &Day) -> String {
    let heard = day.recordings.len() - day.failures().count();
    let laughs = match day.heard.is_empty() {
        true => "nothing was analyzed".to_owned(),
        false => several(day.laughs().len(), "laugh"),
    };
    format!("{} analyzed, {} of the day; {laughs}", several(heard, "recording"), words(span::length(&day.heard)))
}

pub fn failures(day: &Day) -> Vec<String> {
    let count = day.failures().count();
    let mut lines = Vec::new();
    if count > 0 {
        lines.push(format!("{} failed ({}):", several(count, "recording"), missing(day)));
    }
    lines.extend(day.failures().take(LINES).map(|(recording, failure)| failed(day, recording, failure)));
    if count > LINES {
        lines.push(format!("  and {} more (--json tells all)", count - LINES));
    }
    lines
}

/// Recordings of which sound is missing, the longest range of each.
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
        lines.push(format!("  and {} more (--json tells all)", count - LINES));
    }
    lines
}

fn partial(day: &Day, recording: &StoredRecording, missing: &StoredMissing) -> String {
    format!("  {}  {}: {}", when(day, recording), plain(&recording.name), plain(&missing.to_string()))
}

/// How much of the day is in failed recordings only. What else recorded the same hours may have been heard.
fn missing(day: &Day) -> String {
    let is_unknown = |(recording, _): (&StoredRecording, _)| {
        recording.began.is_none() || recording.duration.is_none_or(|length| length.is_zero())
    };
    match span::length(&day.failed) {
        hidden if !hidden.is_zero() => words(hidden),
        _ if day.failures().any(is_unknown) => "how long is not known".into(),
        _ => "recordings that were heard hold the same time".into(),
    }
}

fn lost_clips(day: &Day) -> Option<String> {
    let lost: u64 = day.recordings.iter().filter_map(|recording| recording.sound()).map(|sound| sound.clips_lost).sum();
    let clips = several(usize::try_from(lost).unwrap_or(usize::MAX), "clip");
    (lost > 0).then(|| format!("{clips} could not be written; scan the day again with --clips"))
}

fn failed(day: &Day, recording: &StoredRecording, failure: &StoredFailure) -> String {
    format!("  {}  {}: {}", when(day, recording), plain(&recording.name), plain(&failure.reason))
}

/// The part of the day in which it lies.
fn when(day: &Day, recording: &StoredRecording) -> String {
    let whole = recording.began.zip(recording.ended()).map(|(began, to)| Span { from: began.at, to });
    match whole {
        None => "at a time not known".into(),
        Some(span) if span.is_empty() => clock(day, span.from),
        Some(span) => range(day, &span.within(&day.calendar.span)),
    }
}

pub fn gaps(day: &Day) -> Vec<String> {
    listed(day, &day.gaps, "no recording")
}

/// The longest gaps in order of time; the short ones and the rest as a sum.
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
        let together: Duration = rest.iter().map(|gap| gap.length()).sum();
        lines.push(format!(
            "  and {} between recordings, {} together",
            several(rest.len(), "shorter gap"),
            words(together)
        ));
    }
    lines
}

fn range(day: &Day, span: &Span) -> String {
    format!("{} - {}", clock(day, span.from), clock(day, span.to))
}

/// `13:00:00`; with the offset where clocks change on this day; midnight at the end is 24:00:00.
pub fn clock(day: &Day, at: Timestamp) -> String {
    let calendar = &day.calendar;
    let is_even = calendar.span.length() == Duration::from_secs(24 * 3600);
    let zoned = at.to_zoned(calendar.zone.clone());
    match is_even {
        true if at == calendar.span.to => "24:00:00".into(),
        true => zoned.strftime("%H:%M:%S").to_string(),
        false => zoned.strftime("%H:%M:%S%:z").to_string(),
    }
}
