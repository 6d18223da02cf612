//! The last runs as a person reads them.
//!
//! Invariant: says how long ago the last one was, first; and that a run that failed is not among them.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};
use jiff::Timestamp;

use super::{Look, local, since, words};
use crate::record::{PastRun, plain, zone_name};

const HEADER: [&str; 11] =
    ["began", "took", "source", "from", "to", "exit", "analyzed", "audio", "partial", "failed", "laughs"];
/// Columns of numbers.
const NUMBERS: [usize; 6] = [5, 6, 7, 8, 9, 10];
/// A nightly run and an hour or two: what is older was missed.
const STALE: Duration = Duration::from_secs(26 * 3600);

/// The whole text: a line on the last run, and a table.
pub fn render(look: &Look) -> String {
    let Some(last) = look.runs.first() else {
        return format!("no run is stored in {}\n", plain(&look.database));
    };
    format!("{}\n\n{}\n", headline(look, last), table(look))
}

/// `the last run that was stored began 5 h 12 min ago, and ended with 0; times in Europe/Berlin, …`
fn headline(look: &Look, last: &PastRun) -> String {
    let age = since(last.started, look.asked);
    let doubt = if age > STALE {
        "\na run that failed leaves no row: cron's mail and the log tell of exit codes 1, 75 and 78"
    } else {
        ""
    };
    format!(
        "last stored run: {} ago, exit code {}; times are of {}; {}{doubt}",
        words(age),
        last.exit_code,
        zone_name(look.zone),
        plain(&look.database),
    )
}

fn table(look: &Look) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER)
        .add_rows(look.runs.iter().map(|run| row(look, run)));
    for number in NUMBERS {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn row(look: &Look, run: &PastRun) -> [String; 11] {
    let bound = |at: Option<Timestamp>| at.map_or_else(|| "any time".into(), |at| short(look, at));
    [
        local(run.started, look.zone),
        words(since(run.started, run.ended)),
        plain(&run.source),
        bound(run.window.from),
        bound(run.window.to),
        run.exit_code.to_string(),
        (run.counts.analyzed + run.counts.partial).to_string(),
        words(run.audio),
        run.counts.partial.to_string(),
        run.counts.failed.to_string(),
        run.counts.detections.to_string(),
    ]
}

/// A midnight is a date.
fn short(look: &Look, at: Timestamp) -> String {
    let zoned = at.to_zoned(look.zone.clone());
    let is_midnight = zoned.start_of_day().is_ok_and(|start| start.timestamp() == at);
    zoned.strftime(if is_midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}
