//! One day of many sources, for people: a line of counts, and the missing sources.

use crate::calendar::Fleet;
use crate::text::pluralize;

/// Missing sources that are named; the others are counted.
const NAMES: usize = 12;

/// `3 sources: 1 complete, 1 failed, 1 missing`, and the names of the missing ones.
pub fn render(fleet: &Fleet) -> String {
    let counts = [
        (fleet.complete, "complete"),
        (fleet.failed, "failed"),
        (fleet.incomplete, "incomplete"),
        (fleet.not_over, "not over yet"),
        (fleet.missing.len(), "missing"),
        (fleet.empty, "without recordings"),
    ];
    let all: usize = counts.iter().map(|(count, _)| count).sum();
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let counts = format!("{}: {}\n", pluralize(all, "source"), parts.join(", "));
    missing(fleet).map_or(counts.clone(), |missing| format!("{counts}{missing}\n"))
}

/// `2 expected sources have no recordings of the day: mia, zoe`. None if no source is missing.
pub fn missing(fleet: &Fleet) -> Option<String> {
    let count = fleet.missing.len();
    let verb = if count == 1 { "has" } else { "have" };
    let names: Vec<&str> = fleet.missing.iter().take(NAMES).map(String::as_str).collect();
    let more = if count > NAMES { format!(" and {} more", count - NAMES) } else { String::new() };
    let sources = pluralize(count, "expected source");
    (count > 0).then(|| format!("{sources} {verb} no recordings of the day: {}{more}", names.join(", ")))
}
