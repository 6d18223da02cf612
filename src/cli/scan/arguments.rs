//! The flags of `giggles scan`, which `giggles doctor` shares.

use std::fmt::Display;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use giggles::domain::DetectionParameters;
use giggles::notify::ping::Service;

use crate::cli::help_end;
use crate::cli::settings::values::KEEP_EMBEDDINGS;

const EXAMPLES: &str = "\
Examples:
  giggles scan ~/recordings
      analyze new recordings and store their laughs in the user's own SQLite file
  giggles scan --date yesterday --tz America/Los_Angeles --source neil \\
          --database postgres://me@db/life /srv/audio
      run every night
  giggles scan --all-sources --date yesterday
      the same for each [source.NAME] of the settings file
  giggles scan --dry-run --threshold sensitive evening.ogg
      show what would be found, without storing it";

/// Default seconds of sound in a clip before and after its laugh.
pub const AROUND: f64 = 2.0;

/// Help of a flag whose default is a constant of the program.
fn by_default(help: &str, variable: &str, default: impl Display) -> String {
    format!("{help} [env: {variable}] [default: {default}]")
}

/// The flags of `giggles scan`. `settings` reads environment variables, not clap: see `given`.
#[derive(Args, Clone)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    /// Analyze these folders and recordings, or the objects of s3://BUCKET/PREFIX [env: GIGGLES_RECORDINGS, separated by colons]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Store in this database: the path of an SQLite file, or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL]
    /// [default: in the user's data folder]
    #[arg(long, value_name = "URL", help_heading = "Storage")]
    pub database: Option<String>,
    /// Read the database URL from this file, so that no password shows in `ps` [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database", help_heading = "Storage")]
    pub database_url_file: Option<PathBuf>,
    /// Name the person or device that recorded; the same content from two sources is two recordings
    /// [env: GIGGLES_SOURCE] [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Storage")]
    pub source: Option<String>,
    /// Scan every source of the settings file ([source.NAME]), one after the other, each as a run with its own transaction;
    /// exit with the worst code
    #[arg(long, conflicts_with_all = ["paths", "source"], help_heading = "Storage")]
    pub all_sources: bool,
    /// Analyze everything, store nothing
    #[arg(short = 'n', long, help_heading = "Storage")]
    pub dry_run: bool,
    #[arg(long, value_name = "DAYS", help_heading = "Storage",
        help = by_default("Remove the embeddings of sounds without a review after this many days", "GIGGLES_KEEP_EMBEDDINGS", KEEP_EMBEDDINGS))]
    pub keep_embeddings: Option<u32>,
    /// Analyze recordings again that are already stored, and replace their rows
    #[arg(long, help_heading = "Storage")]
    pub force: bool,
    /// Analyze failed and partial recordings again; exit with 3 if they still fail or are still partial
    #[arg(long, help_heading = "Storage")]
    pub retry_failed: bool,
    /// Store nothing and exit with 1 if one recording fails [env: GIGGLES_STRICT]
    #[arg(long, help_heading = "Storage")]
    pub strict: bool,
    /// Store what is analyzed every so often, such as 1h or 30min, each time in one transaction; an interrupted import then
    /// continues where it was [env: GIGGLES_COMMIT_EVERY] [default: one transaction at the end]
    #[arg(long, value_name = "TIME", conflicts_with = "strict", help_heading = "Storage")]
    pub commit_every: Option<String>,
    /// Exit with 0 if there are no recordings [env: GIGGLES_ALLOW_EMPTY]
    #[arg(long, help_heading = "Storage")]
    pub allow_empty: bool,

    /// Analyze only recordings of this day: YYYY-MM-DD, today, yesterday or '7 days ago' [env: GIGGLES_DATE]
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"], help_heading = "Selection")]
    pub date: Option<String>,
    /// Analyze only recordings that end after this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days
    /// ago"
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub from: Option<String>,
    /// Analyze only recordings that start before this time, or up to the end of this day
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub to: Option<String>,
    /// Set the time zone of calendar days, e.g. America/Los_Angeles [env: GIGGLES_TZ] [default: the system's]
    #[arg(long, value_name = "ZONE", help_heading = "Selection")]
    pub tz: Option<String>,
    /// Set the time zone of file names that contain none [env: GIGGLES_NAME_TZ] [default: that of --tz]
    #[arg(long, value_name = "ZONE", help_heading = "Selection")]
    pub name_tz: Option<String>,
    /// Analyze only this part of the recordings: k/n, or auto inside an array job [env: GIGGLES_SHARD]
    #[arg(long, value_name = "K/N", help_heading = "Selection")]
    pub shard: Option<String>,

    /// Set the threshold: sensitive (0.33), normal (0.40), strict (0.50), or a score from 0 to 1. Stored recordings are decided
    /// anew from their scores; with a threshold below what was stored (0.18, or lower if they were scanned with a lower one)
    /// they are decoded again [env: GIGGLES_THRESHOLD] [default: normal]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = "Detection")]
    pub threshold: Option<String>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Detection",
        help = by_default("Merge laughs that are closer than this", "GIGGLES_MERGE_GAP", DetectionParameters::default().merge_gap_seconds))]
    pub merge_gap: Option<f64>,
    #[arg(long, value_name = "N", help_heading = "Detection",
        help = by_default("Drop laughs of fewer patches than this; patches are 0.48 s apart", "GIGGLES_MIN_PATCHES", DetectionParameters::default().min_patches))]
    pub min_patches: Option<u32>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Detection",
        help = by_default("Extend each laugh by this much before and after", "GIGGLES_PADDING", DetectionParameters::default().padding_seconds))]
    pub padding: Option<f64>,
    #[arg(long, value_name = "1|3|5", help_heading = "Detection",
        help = by_default("Score possible laughs at this many speeds, and take the median", "GIGGLES_VIEWS", DetectionParameters::default().views))]
    pub views: Option<u8>,
    /// Do not let the reviews of the source change what counts as a laugh [env: GIGGLES_NO_PERSONAL]
    #[arg(long, help_heading = "Detection")]
    pub no_personal: bool,
    /// Do not normalize loudness before the analysis [env: GIGGLES_NO_NORMALIZE]
    #[arg(long, help_heading = "Detection")]
    pub no_normalize: bool,
    /// Use this model file instead of the embedded one; FILE.sha256 beside it must hold its checksum
    /// [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE", help_heading = "Detection")]
    pub model: Option<PathBuf>,

    /// Write a FLAC clip of each laugh into this folder, or below s3://BUCKET/PREFIX [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "Clips")]
    pub clips: Option<PathBuf>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Clips",
        help = by_default("Start each clip this long before its laugh", "GIGGLES_CLIP_BEFORE", AROUND))]
    pub clip_before: Option<f64>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Clips",
        help = by_default("End each clip this long after its laugh", "GIGGLES_CLIP_AFTER", AROUND))]
    pub clip_after: Option<f64>,

    /// Report the start and the end of the run to this URL: healthchecks.io, Uptime Kuma, ntfy, Slack and others
    /// [env: GIGGLES_PING_URL]
    #[arg(long, value_name = "URL", help_heading = "Monitoring")]
    pub ping_url: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Monitoring", help = ping_services())]
    pub ping_service: Option<String>,
    /// Send no ping at the start of the run, only at its end [env: GIGGLES_NO_START_PING]
    #[arg(long, help_heading = "Monitoring")]
    pub no_start_ping: bool,
    /// Write metrics for the Prometheus node exporter to this file, e.g. /var/lib/prometheus/node-exporter/giggles.prom
    /// [env: GIGGLES_METRICS_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Monitoring")]
    pub metrics_file: Option<PathBuf>,
    /// Store and log this id with the run, such as the id of a queue's task; a retry may give the same id again
    /// [env: GIGGLES_RUN_ID]
    #[arg(long, value_name = "ID", help_heading = "Monitoring")]
    pub run_id: Option<String>,

    /// Decode with ffmpeg what giggles cannot decode (AMR, WMA, AC-3, …); give its path if it is not in PATH
    /// [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg", help_heading = "Running")]
    pub ffmpeg: Option<PathBuf>,
    /// Use this many threads; 0 means one per core [env: GIGGLES_THREADS] [default: 0]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Running")]
    pub threads: Option<usize>,
    /// Print one JSON document instead of the table
    #[arg(long, conflicts_with = "ndjson", help_heading = "Running")]
    pub json: bool,
    /// Print one JSON event per line instead of the table
    #[arg(long, help_heading = "Running")]
    pub ndjson: bool,
}

/// The help of `--ping-service`, from the table of services.
fn ping_services() -> String {
    let names = Service::key_list();
    format!(
        "Name the service of the ping URL if the URL does not show it: {names} (plain: requested after a success only) \
         [env: GIGGLES_PING_SERVICE]"
    )
}

impl Arguments {
    /// The value of `--ffmpeg`, unless clap took a path of recordings for it: `scan --ffmpeg FOLDER`.
    pub fn ffmpeg(&self) -> Option<&Path> {
        let swallowed = self.swallowed();
        self.ffmpeg.as_deref().map(|program| if swallowed.is_some() { Path::new("ffmpeg") } else { program })
    }

    /// The folder or recording that clap took for the value of `--ffmpeg`.
    pub fn swallowed(&self) -> Option<&Path> {
        let is_program = |found: &Metadata| found.is_file() && found.permissions().mode() & 0o111 != 0;
        self.ffmpeg.as_deref().filter(|path| path.metadata().is_ok_and(|found| !is_program(&found)))
    }

    /// For commands that print a document only.
    pub fn is_json(&self) -> bool {
        self.json || self.ndjson
    }
}
