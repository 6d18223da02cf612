//! `giggles redetect`: decides anew from what is stored, without audio.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use giggles::domain::Window;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::redetect::{Changes, Cutting, Report, Settings, redetect};
use giggles::render::redetect::{damaged, document, needs_audio, text};
use giggles::stop::Stop;
use giggles::store::Reader;

use super::help_end;
use super::scan::{AROUND, DEFAULT_SOURCE};
use super::settings::values::{patches_of, seconds_of, source_of, threshold_of};
use super::settings::{config, given, seconds, switch, value as value_of, wrong};
use super::stored::{Database, TimeRange, clip_location};

const EXAMPLES: &str = "\
Examples:
  giggles redetect --source neil
      decide anew with today's reviews and the stored settings
  giggles redetect --source neil --threshold strict --dry-run
      show what another threshold would change
  giggles redetect --all-sources --from 2025-10-01 --recordings /srv/audio --clips clips
      decide anew, and cut the clips that are missing

Needs no recordings: scores are stored with every scan. Settings that are not given stay as they are stored. Each source is
one transaction. Exits with 0 if all recordings were decided, 3 if one must be analyzed again or a clip could not be
written, 4 if no recordings are stored, and 75 while a scan of the source is active.";

/// The flags of `giggles redetect`.
#[derive(Args)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    /// Select the recordings of this source [env: GIGGLES_SOURCE] [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    source: Option<String>,
    /// Select the recordings of all sources
    #[arg(long, conflicts_with = "source", help_heading = "Selection")]
    all_sources: bool,
    #[command(flatten)]
    range: TimeRange,

    /// Set the threshold: sensitive, normal, strict, or a score from 0 to 1 [env: GIGGLES_THRESHOLD] [default: as stored]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = "Detection")]
    threshold: Option<String>,
    /// Merge laughs that are closer than this [env: GIGGLES_MERGE_GAP] [default: as stored]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Detection")]
    merge_gap: Option<f64>,
    /// Drop laughs of fewer patches than this [env: GIGGLES_MIN_PATCHES] [default: as stored]
    #[arg(long, value_name = "N", help_heading = "Detection")]
    min_patches: Option<u32>,
    /// Extend each laugh by this much before and after [env: GIGGLES_PADDING] [default: as stored]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Detection")]
    padding: Option<f64>,
    /// Do not let the reviews of the source change what counts as a laugh [env: GIGGLES_NO_PERSONAL]
    #[arg(long, help_heading = "Detection")]
    no_personal: bool,
    /// A view is scored from the audio.
    #[arg(long, value_name = "N", hide = true)]
    views: Option<String>,

    /// Cut missing clips from the recordings below this folder, the one that was scanned
    #[arg(long, value_name = "FOLDER", requires = "clips", help_heading = "Clips")]
    recordings: Option<PathBuf>,
    /// Write missing clips into this folder, or below s3://BUCKET/PREFIX
    #[arg(long, value_name = "FOLDER", requires = "recordings", help_heading = "Clips")]
    clips: Option<PathBuf>,

    /// Decide, and store nothing
    #[arg(short = 'n', long, help_heading = "Output")]
    dry_run: bool,
    /// Print one JSON document
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten, next_help_heading = "Database")]
    database: Database,
}

/// Decides, and prints what has changed.
pub fn run(arguments: &Arguments, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    if arguments.views.is_some() {
        return Err(wrong("--views", "views are scored from the audio; use giggles scan --views N on the recordings"));
    }
    let (changes, cutting) = (changes(arguments)?, cutting(arguments)?);
    arguments.range.check_zone()?;
    let Some(mut reader) = arguments.database.reader()? else { return Ok(Exit::Empty) };
    let sources = sources(arguments, reader.as_mut())?;
    let window = selected(&arguments.range, &sources, reader.as_mut())?;
    drop(reader);
    let (database, dry_run) = (arguments.database.location()?, arguments.dry_run);
    let report = redetect(&Settings { database, sources, window, changes, cutting, dry_run }, stop)?;
    show(arguments, &report, quiet)?;
    Ok(report.exit())
}

fn sources(arguments: &Arguments, reader: &mut dyn Reader) -> Result<Vec<String>, Fatal> {
    if arguments.all_sources {
        return Ok(reader.sources()?);
    }
    let source = given("--source", arguments.source.as_deref())?;
    Ok(vec![source.map_or_else(|| Ok(DEFAULT_SOURCE.to_owned()), |source| source_of(&source))?])
}

fn selected(range: &TimeRange, sources: &[String], reader: &mut dyn Reader) -> Result<Window, Fatal> {
    if !range.is_given() {
        return Ok(Window::default());
    }
    let source = if let [source] = sources { Some(source.as_str()) } else { None };
    range.window(&range.zone(source, reader)?)
}

fn changes(arguments: &Arguments) -> Result<Changes, Fatal> {
    let Arguments { threshold: onset, merge_gap, min_patches, padding, no_personal, .. } = arguments;
    let seconds = |flag, value: Option<f64>| value_of(flag, value.map(|seconds| seconds.to_string()), seconds_of);
    Ok(Changes {
        onset_threshold: value_of("--threshold", onset.clone(), threshold_of)?,
        merge_gap_seconds: seconds("--merge-gap", *merge_gap)?,
        min_patches: value_of("--min-patches", min_patches.map(|patches| patches.to_string()), patches_of)?,
        padding_seconds: seconds("--padding", *padding)?,
        personal: !switch("--no-personal", *no_personal)?,
    })
}

/// As a scan cuts them, except that only flags ask for it.
fn cutting(arguments: &Arguments) -> Result<Option<Cutting>, Fatal> {
    let (Some(recordings), Some(_)) = (&arguments.recordings, &arguments.clips) else { return Ok(None) };
    if !recordings.is_dir() {
        return Err(config(format!("--recordings: {} is not a directory", recordings.display())));
    }
    let around = |flag| seconds(flag, None, AROUND).map(Duration::from_secs_f64);
    let (before, after) = (around("--clip-before")?, around("--clip-after")?);
    let cutting = |location| Cutting { recordings: recordings.clone(), location, before, after };
    Ok(clip_location(arguments.clips.as_deref())?.map(cutting))
}

fn show(arguments: &Arguments, report: &Report, quiet: bool) -> Result<(), Fatal> {
    for source in &report.sources {
        if let Some(message) = needs_audio(source) {
            log::error!("{message}");
        }
        if let Some(message) = damaged(source) {
            log::error!("{message}");
        }
        source.needs_audio.iter().for_each(|name| log::info!(recording = name.as_str(); "{name}: scan it again"));
    }
    if report.exit() == Exit::Empty {
        log::error!("no recordings with scores are stored here; check --source, --date and --database");
    }
    super::show(quiet, arguments.json, || document(report), || text(report))
}
