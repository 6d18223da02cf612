//! The flags of `giggles scan`, which `giggles doctor` shares.

use std::fmt::Display;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use giggles::record::Rules;

use crate::cli::EXIT_CODES;

const EXAMPLES: &str = "\
Examples:
  giggles scan ~/recordings
      everything that has not been heard yet, into the user's own SQLite file
  giggles scan --date yesterday --tz America/Los_Angeles --source neil \\
          --database postgres://me@db/life /srv/audio
      the nightly run
  giggles scan --dry-run --threshold sensitive evening.ogg
      what would be found, without storing it";

/// Seconds of sound in a clip before and after its laugh.
pub const AROUND: f64 = 2.0;

/// The help of a flag whose default is the program's own.
fn by_default(help: &str, variable: &str, default: impl Display) -> String {
    format!("{help} [env: {variable}] [default: {default}]")
}

/// The flags of `giggles scan`. What may be set in the environment is read by `settings`, not by clap: see `given`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Folders and recordings to hear [env: GIGGLES_RECORDINGS, separated by colons]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Database: sqlite:PATH or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL] [default: in the user's data folder]
    #[arg(long, value_name = "URL", help_heading = "Storing")]
    pub database: Option<String>,
    /// File that holds the database's URL, so that no password shows in `ps` [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database", help_heading = "Storing")]
    pub database_url_file: Option<PathBuf>,
    /// Whose recordings these are: the same content of two sources is two recordings [env: GIGGLES_SOURCE] [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Storing")]
    pub source: Option<String>,
    /// Hear everything, store nothing
    #[arg(short = 'n', long, help_heading = "Storing")]
    pub dry_run: bool,
    /// Hear again what has been heard already, and replace its rows
    #[arg(long, help_heading = "Storing")]
    pub force: bool,
    /// Analyze again what an earlier run found damaged, failed or partial, and exit with 3 if it still is
    #[arg(long, help_heading = "Storing")]
    pub retry_failed: bool,
    /// If one recording fails, store nothing and exit with 1 [env: GIGGLES_STRICT]
    #[arg(long, help_heading = "Storing")]
    pub strict: bool,
    /// No recordings at all is no failure [env: GIGGLES_ALLOW_EMPTY]
    #[arg(long, help_heading = "Storing")]
    pub allow_empty: bool,

    /// Only recordings of this day: YYYY-MM-DD, today, yesterday or '7 days ago' [env: GIGGLES_DATE]
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"], help_heading = "Which recordings")]
    pub date: Option<String>,
    /// Only recordings that last beyond this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days ago"
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    pub from: Option<String>,
    /// Only recordings that begin before this time
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    pub to: Option<String>,
    /// Zone in which a day is a day, e.g. America/Los_Angeles [env: GIGGLES_TZ] [default: the system's]
    #[arg(long, value_name = "ZONE", help_heading = "Which recordings")]
    pub tz: Option<String>,
    /// Zone of recorder names that tell none [env: GIGGLES_NAME_TZ] [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Which recordings")]
    pub name_tz: Option<String>,
    /// Only this part of the recordings: k/n, or auto inside an array job [env: GIGGLES_SHARD]
    #[arg(long, value_name = "K/N", help_heading = "Which recordings")]
    pub shard: Option<String>,

    /// What counts as a laugh: sensitive (0.38), normal (0.56), strict (0.73), or a score from 0 to 1 [env: GIGGLES_THRESHOLD] [default: normal]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, help_heading = "What is a laugh")]
    pub threshold: Option<String>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "What is a laugh",
        help = by_default("Laughs closer than this are one", "GIGGLES_JOIN", Rules::default().join_seconds))]
    pub join: Option<f64>,
    #[arg(long, value_name = "N", help_heading = "What is a laugh",
        help = by_default("Fewer patches (0.48 s apart) are no laugh", "GIGGLES_MIN_PATCHES", Rules::default().min_patches))]
    pub min_patches: Option<u32>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "What is a laugh",
        help = by_default("Added before and after each laugh", "GIGGLES_PAD", Rules::default().pad_seconds))]
    pub pad: Option<f64>,
    /// Hear the recording as loud as it is, without levelling [env: GIGGLES_NO_LEVEL]
    #[arg(long, help_heading = "What is a laugh")]
    pub no_level: bool,
    /// Model file instead of the one in the binary; its checksum must stand beside it in FILE.sha256 [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE", help_heading = "What is a laugh")]
    pub model: Option<PathBuf>,

    /// Folder into which each laugh is cut out, as FLAC [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "Clips")]
    pub clips: Option<PathBuf>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Clips",
        help = by_default("How much is heard before a laugh", "GIGGLES_PRE", AROUND))]
    pub pre: Option<f64>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Clips",
        help = by_default("How much is heard after it", "GIGGLES_POST", AROUND))]
    pub post: Option<f64>,

    /// Told when the run begins and how it ended: healthchecks.io, Uptime Kuma, ntfy, Slack and their like [env: GIGGLES_PING_URL]
    #[arg(long, value_name = "URL", help_heading = "Watching")]
    pub ping_url: Option<String>,
    /// Service behind the ping URL where its form does not show it: healthchecks, cronitor, sentry, uptime-kuma, better-stack,
    /// dead-mans-snitch, ntfy, gotify, slack, discord, mattermost, or plain (requested after a success only) [env: GIGGLES_PING_SERVICE]
    #[arg(long, value_name = "NAME", help_heading = "Watching")]
    pub ping_service: Option<String>,
    /// Send no ping when the run begins, only at its end [env: GIGGLES_NO_START_PING]
    #[arg(long, help_heading = "Watching")]
    pub no_start_ping: bool,
    /// Textfile for Prometheus's node exporter, e.g. /var/lib/prometheus/node-exporter/giggles.prom [env: GIGGLES_METRICS_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Watching")]
    pub metrics_file: Option<PathBuf>,

    /// Let ffmpeg decode what giggles cannot (AMR, WMA, AC-3, …); its path, if it is not in PATH [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg", help_heading = "Running")]
    pub ffmpeg: Option<PathBuf>,
    /// Threads; 0 means one a core [env: GIGGLES_THREADS] [default: 0]
    #[arg(short = 'j', long, value_name = "N", help_heading = "Running")]
    pub threads: Option<usize>,
    /// Print one JSON document instead of the table
    #[arg(long, conflicts_with = "ndjson", help_heading = "Running")]
    pub json: bool,
    /// Print one JSON event a line instead of the table
    #[arg(long, help_heading = "Running")]
    pub ndjson: bool,
}

impl Arguments {
    /// The value of `--ffmpeg`, unless that is the next argument, which no program can be: `scan --ffmpeg FOLDER`.
    pub fn ffmpeg(&self) -> Option<&Path> {
        let swallowed = self.swallowed();
        self.ffmpeg.as_deref().map(|program| if swallowed.is_some() { Path::new("ffmpeg") } else { program })
    }

    /// A folder or a recording behind `--ffmpeg`.
    pub fn swallowed(&self) -> Option<&Path> {
        let is_program = |found: &Metadata| found.is_file() && found.permissions().mode() & 0o111 != 0;
        self.ffmpeg.as_deref().filter(|path| path.metadata().is_ok_and(|found| !is_program(&found)))
    }

    /// For commands that print a document only.
    pub fn is_json(&self) -> bool {
        self.json || self.ndjson
    }
}
