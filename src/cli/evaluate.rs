//! `giggles evaluate`: the detections of a period against its reviews.

use std::path::PathBuf;

use clap::Args;
use giggles::atomic_file::replace_or_stream;
use giggles::error::Fatal;
use giggles::evaluate::{evaluate, read};
use giggles::exit::Exit;
use giggles::render::evaluate::{EvaluationView, document, plot, text};
use jiff::Timestamp;
use yamnet::sigmoid;

use super::stored::Stored;
use super::{help_end_without_codes, show};

const EXAMPLES: &str = "\
Examples:
  giggles evaluate
      show how many detections were laughs, and what other thresholds and the personal score would change
  giggles evaluate --source anna --from 2025-10-01 --plot laughs.svg
      the same for one person since that day, and write a plot of precision over recall
  giggles evaluate --json | jq '.shown.value, .gains'
      print the precision of what was shown and what the personal score gains, for scripts

Reviews are those of `giggles review`. Each day is judged by a personal score that was made from the reviews of the
other days of its source. Works from what is stored, without audio, and changes nothing. Exits with 4 if nothing of the
period was reviewed.";

/// Readable by all users: a plot holds numbers only.
const MODE: u32 = 0o644;

/// The flags of `giggles evaluate`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Also write a plot of precision over recall to this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    stored: Stored,
}

/// Reads the reviews of the period, and shows what they say.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    arguments.stored.range.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let (source, window) = (arguments.stored.source()?, arguments.stored.range.window(&zone)?);
    let material = read(reader.as_mut(), source.as_deref(), &window, &zone)?;
    let Some(evaluation) = evaluate(&material) else {
        log::error!(
            "nothing of the period was reviewed; confirm or reject laughs on a page of giggles report, and import the \
             reviews with giggles review"
        );
        return Ok(Exit::Empty);
    };
    let view = EvaluationView {
        asked: Timestamp::now(),
        zone: &zone,
        source: source.as_deref(),
        window,
        threshold: sigmoid(evaluation.onset_threshold),
        evaluation: &evaluation,
    };
    if let Some(path) = &arguments.plot {
        replace_or_stream(path, plot(&view).as_bytes(), MODE)
            .map_err(|error| Fatal::unwritable(&path.display().to_string(), error))?;
    }
    show(quiet, arguments.json, || document(&view), || text(&view))?;
    Ok(Exit::Complete)
}
