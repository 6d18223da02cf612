//! The coverage of a day as a strip of two cells per hour.
//!
//! Invariant: 46, 48 or 50 cells; each depends only on the spans inside it.

use std::time::Duration;

use jiff::Timestamp;

use crate::calendar::{Day, Span, span};

const CELL: Duration = Duration::from_secs(1800);
/// Every third hour is labeled.
const EVERY: i8 = 3;

const ANALYZED: char = '█';
const PARTLY: char = '▄';
const FAILED: char = 'x';
const NOTHING: char = '·';
const TO_COME: char = ' ';

/// The hours, the cells and the number of laughs in each cell, in two halves if the terminal is narrow; and the legend.
pub fn lines(day: &Day, width: Option<usize>) -> Vec<String> {
    let cells = cells(&day.calendar.span);
    let is_narrow = width.is_some_and(|width| width < cells.len());
    let part = if is_narrow { cells.len().div_ceil(2) } else { cells.len() };
    let strip = |cells: &[Span]| cells.iter().map(|cell| filled(day, cell)).collect();
    let parts = cells.chunks(part.max(1)).flat_map(|cells| [hours(day, cells), strip(cells), laughs(day, cells)]);
    let legend = format!(
        "{ANALYZED} analyzed  {PARTLY} partly  {FAILED} failed or missing  {NOTHING} no recording  1 2 3 laughs"
    );
    let lines = parts.chain([legend]);
    lines.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// `1  9 +`: one digit per cell; + is more than nine.
fn laughs(day: &Day, cells: &[Span]) -> String {
    let laughs = day.laughs();
    let count = |cell: &Span| laughs.iter().filter(|laugh| cell.holds(laugh.starts())).count();
    let digit = |count| match count {
        0 => ' ',
        1..=9 => char::from_digit(count, 10).unwrap_or('+'),
        _ => '+',
    };
    cells.iter().map(|cell| digit(u32::try_from(count(cell)).unwrap_or(u32::MAX))).collect()
}

fn cells(day: &Span) -> Vec<Span> {
    let after = |from: Timestamp| from.checked_add(CELL).unwrap_or(day.to);
    let starts = std::iter::successors(Some(day.from), |&from| Some(after(from))).take_while(|&from| from < day.to);
    starts.map(|from| Span { from, to: after(from).min(day.to) }).collect()
}

/// The character of a cell. A failure takes precedence.
fn filled(day: &Day, cell: &Span) -> char {
    let length = |spans: &[Span]| -> Duration { spans.iter().map(|span| span.within(cell)).map(positive).sum() };
    let analyzed = length(&day.analyzed);
    let is_failed =
        day.failures().any(|(recording, _)| recording.started.is_some_and(|started| cell.holds(started.at)));
    match () {
        () if is_failed || !length(&day.failed).is_zero() => FAILED,
        () if analyzed * 20 >= positive(*cell) * 19 => ANALYZED,
        () if !analyzed.is_zero() => PARTLY,
        () if length(&day.gaps).is_zero() => TO_COME,
        () => NOTHING,
    }
}

fn positive(span: Span) -> Duration {
    span::length(&span::union([span]))
}

/// `00    03    06`, each above the first cell of its hour.
fn hours(day: &Day, cells: &[Span]) -> String {
    let mut line = String::new();
    for (place, cell) in cells.iter().enumerate() {
        let local = cell.from.to_zoned(day.calendar.zone.clone());
        let is_marked = local.hour() % EVERY == 0 && local.minute() == 0;
        if is_marked && line.len() <= place {
            line += &format!("{:place$}{:02}", "", local.hour(), place = place - line.len());
        }
    }
    line
}
