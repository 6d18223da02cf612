//! `giggles days`: which days have what.

use clap::Args;
use giggles::days::{counts, last_dates};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::days::{days, document, lines_of_counts};
use giggles::text::pluralize;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::stored::Stored;
use super::terminal::width;
use super::{help_end, show};

const EXAMPLES: &str = "\
Examples:
  giggles days
      show the last 14 days with recordings: how long they are, laughs, verdicts
  giggles days --from 2025-10-01 --to 2025-10-31
      show a month
  giggles days --source neil --json | jq '.days[] | [.date, .laughs]'
      print the same for scripts

A day without recordings has no line. The bar is the number of laughs. Exits with 4 if nothing is stored.";

/// Days that are shown if no flag names any.
const USUAL: usize = 14;

/// The flags of `giggles days`.
#[derive(Args)]
#[command(
    after_help = help_end(EXAMPLES),
    mut_arg("from", |flag| flag.value_name("DAY").help("Start with this day: YYYY-MM-DD, yesterday or '7 days ago'")),
    mut_arg("to", |flag| flag.value_name("DAY").help("End with this day"))
)]
pub struct Arguments {
    /// Print one JSON document, with a day of each source
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stored: Stored,
}

/// Reads the days and shows them.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    arguments.stored.range.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let source = arguments.stored.source()?;
    let asked = arguments.stored.given_dates(&zone, Timestamp::now())?;
    let last = match asked {
        None => last_dates(reader.as_mut(), source.as_deref(), &zone, USUAL)?,
        Some(_) => Vec::new(),
    };
    let range = asked.or_else(|| Some((*last.first()?, *last.last()?)));
    let found = range.map_or(Ok(Vec::new()), |range| counts(reader.as_mut(), source.as_deref(), &zone, range))?;
    if found.is_empty() {
        log::error!("{}", nothing(asked, source.as_deref()));
    }
    if arguments.json || !found.is_empty() {
        let text = || format!("{}\n{}\n", days(&lines_of_counts(&found), width()), hint(&last, &found, &zone));
        show(quiet, arguments.json, || document(&found, &zone), text)?;
    }
    Ok(if found.is_empty() { Exit::Empty } else { Exit::Complete })
}

/// What is shown, and what to ask next.
fn hint(last: &[Date], found: &[giggles::domain::DayCount], zone: &TimeZone) -> String {
    let day = found.last().map_or_else(Date::default, |count| count.date);
    let zone = giggles::text::zone_name(zone);
    let which = match last.len() {
        0 => format!("days in {zone}"),
        count if count < USUAL => format!("all {} with recordings, in {zone}", pluralize(count, "day")),
        count => {
            format!("the last {} with recordings, in {zone}; --from and --to show others", pluralize(count, "day"))
        }
    };
    format!("{which}; giggles report --date {day} shows one")
}

/// Why there is nothing to show, and the next command.
pub fn nothing(asked: Option<(Date, Date)>, source: Option<&str>) -> String {
    let of = source.map_or(String::new(), |source| format!(" of source '{source}'"));
    match asked {
        Some((first, last)) if first == last => {
            format!("no recordings{of} of {first} are stored; giggles days lists the days that have some")
        }
        Some((first, last)) => {
            format!("no recordings{of} from {first} to {last} are stored; giggles days lists the days that have some")
        }
        None => format!("no recordings{of} are stored; giggles scan FOLDER analyzes some"),
    }
}
