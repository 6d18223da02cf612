//! The last runs for people.
//!
//! Invariant: the first line gives the age of the last run, since failed runs are not stored.

use std::time::Duration;

use jiff::Timestamp;

use super::{View, local, pluralize, since, words};
use crate::domain::{PastRun, RunCommand, ScoreTotals};
use crate::render::columns::{Column, column, table};
use crate::text::{escape, zone_name};

const COLUMNS: [Column; 11] = [
    column("started"),
    column("took").drops(5),
    column("source").name(),
    column("from").drops(7),
    column("to").drops(7),
    column("exit").number(),
    column("analyzed").number().drops(3),
    column("audio").number().drops(6),
    column("partial").number().drops(4),
    column("failed").number().drops(2),
    column("laughs").number().drops(1),
];
/// One day and two hours: an older last run means that a nightly run is missing.
const STALE: Duration = Duration::from_secs(26 * 3600);

/// A line about the last run, and a table.
pub fn render(view: &View, width: Option<usize>) -> String {
    // A redetect does not make up for a missing scan.
    let last = view.runs.iter().find(|run| run.command == RunCommand::Scan).or(view.runs.first());
    let Some(last) = last else {
        return format!("no run is stored in {}\n", escape(&view.database));
    };
    let rows: Vec<_> = view.runs.iter().map(|run| row(view, run)).collect();
    format!("{}\n\n{}{}", headline(view, last), table(&COLUMNS, &rows, width), kept(view.scores))
}

/// `kept to decide again: scores of 120 recordings (0.9 MB), 3512 candidates, …`; nothing if there is nothing.
fn kept(scores: &[ScoreTotals]) -> String {
    let sum = |number: fn(&ScoreTotals) -> u64| scores.iter().map(number).sum::<u64>();
    let bytes = sum(|one| one.track_bytes);
    if bytes == 0 {
        return String::new();
    }
    format!(
        "\nkept to decide again: scores of {} ({}), {}, {} of them with embeddings ({}); {}\n",
        pluralize(sum(|one| one.recordings), "recording"),
        size(bytes),
        pluralize(sum(|one| one.candidates), "candidate"),
        sum(|one| one.embeddings),
        size(sum(|one| one.embedding_bytes)),
        pluralize(sum(|one| one.reviewed), "review"),
    )
}

/// `42 kB`, `3.2 MB`
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `last stored run: 5 h 12 min ago, exit code 0; times are in Europe/Berlin; …`
fn headline(view: &View, last: &PastRun) -> String {
    let age = since(last.started, view.asked);
    let doubt = if age > STALE {
        "\na failed run leaves no row; see cron's mail and the log for exit codes 1, 75 and 78"
    } else {
        ""
    };
    format!(
        "last stored run: {} ago, exit code {}; times are in {}; {}{doubt}",
        words(age),
        last.exit_code,
        zone_name(view.zone),
        escape(&view.database),
    )
}

fn row(view: &View, run: &PastRun) -> [String; 11] {
    let bound = |at: Option<Timestamp>| at.map_or_else(|| "any time".into(), |at| short(view, at));
    [
        local(run.started, view.zone),
        words(since(run.started, run.ended)),
        escape(&run.source),
        bound(run.window.from),
        bound(run.window.to),
        run.exit_code.to_string(),
        analyzed(run),
        words(run.audio),
        run.counts.partial.to_string(),
        run.counts.failed.to_string(),
        run.counts.detections.to_string(),
    ]
}

fn analyzed(run: &PastRun) -> String {
    match run.command {
        RunCommand::Scan => (run.counts.analyzed + run.counts.partial).to_string(),
        RunCommand::Redetect => format!("{} redetected", run.counts.redetected),
    }
}

/// Midnight is shown as a date without a time.
fn short(view: &View, at: Timestamp) -> String {
    let zoned = at.to_zoned(view.zone.clone());
    let is_midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == at);
    zoned.strftime(if is_midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}
