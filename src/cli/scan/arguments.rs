//! The flags of `giggles scan`, which `giggles doctor` shares.

use std::path::PathBuf;

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

/// The flags of `giggles scan`. Every one can also be set in the environment.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Folders and recordings to hear [env: GIGGLES_RECORDINGS, separated by colons]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Database: sqlite:PATH or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL] [default: in the user's data folder]
    #[arg(long, value_name = "URL", help_heading = "Storing")]
    pub database: Option<String>,
    /// File whose first line is the database's URL, so that no password shows in `ps` [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database", help_heading = "Storing")]
    pub database_url_file: Option<PathBuf>,
    /// Whose recordings these are: the same content of two sources is two recordings
    #[arg(long, value_name = "NAME", default_value = "default", env = "GIGGLES_SOURCE", help_heading = "Storing")]
    pub source: String,
    /// Hear everything, store nothing
    #[arg(short = 'n', long, help_heading = "Storing")]
    pub dry_run: bool,
    /// Hear again what has been heard already, and replace its rows
    #[arg(long, help_heading = "Storing")]
    pub force: bool,
    /// If one recording fails, store nothing and exit with 1
    #[arg(long, env = "GIGGLES_STRICT", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Storing")]
    pub strict: bool,
    /// No recordings at all is no failure
    #[arg(long, env = "GIGGLES_ALLOW_EMPTY", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Storing")]
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
    /// Zone in which a day is a day, e.g. America/Los_Angeles [default: the system's]
    #[arg(long, value_name = "ZONE", env = "GIGGLES_TZ", help_heading = "Which recordings")]
    pub tz: Option<String>,
    /// Zone of recorder names that tell none
    #[arg(
        long,
        value_name = "ZONE",
        default_value = "UTC",
        env = "GIGGLES_NAME_TZ",
        help_heading = "Which recordings"
    )]
    pub name_tz: String,
    /// Only this part of the recordings: k/n, or auto inside an array job
    #[arg(long, value_name = "K/N", env = "GIGGLES_SHARD", help_heading = "Which recordings")]
    pub shard: Option<String>,

    /// What counts as a laugh: sensitive (0.38), normal (0.56), strict (0.73), or a score from 0 to 1
    #[arg(
        long,
        value_name = "SCORE",
        allow_negative_numbers = true,
        default_value = "normal",
        env = "GIGGLES_THRESHOLD",
        help_heading = "What is a laugh"
    )]
    pub threshold: String,
    /// Laughs closer than this are one
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = Rules::default().join_seconds, env = "GIGGLES_JOIN", help_heading = "What is a laugh")]
    pub join: f64,
    /// Fewer patches (0.48 s apart) are no laugh
    #[arg(long, value_name = "N", default_value_t = Rules::default().min_patches, env = "GIGGLES_MIN_PATCHES", help_heading = "What is a laugh")]
    pub min_patches: u32,
    /// Added before and after each laugh
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = Rules::default().pad_seconds, env = "GIGGLES_PAD", help_heading = "What is a laugh")]
    pub pad: f64,
    /// Hear the recording as loud as it is, without levelling
    #[arg(long, env = "GIGGLES_NO_LEVEL", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "What is a laugh")]
    pub no_level: bool,
    /// Model file instead of the one in the binary; its checksum must stand beside it in FILE.sha256
    #[arg(long, value_name = "FILE", env = "GIGGLES_MODEL", help_heading = "What is a laugh")]
    pub model: Option<PathBuf>,

    /// Folder into which each laugh is cut out, as FLAC [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "Clips")]
    pub clips: Option<PathBuf>,
    /// How much is heard before a laugh
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value_t = 2.0,
        env = "GIGGLES_PRE",
        help_heading = "Clips"
    )]
    pub pre: f64,
    /// How much is heard after it
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value_t = 2.0,
        env = "GIGGLES_POST",
        help_heading = "Clips"
    )]
    pub post: f64,

    /// Told when the run begins and how it ended: healthchecks.io, Cronitor, Sentry and their like
    #[arg(long, value_name = "URL", env = "GIGGLES_PING_URL", hide_env_values = true, help_heading = "Watching")]
    pub ping_url: Option<String>,
    /// Textfile for Prometheus's node exporter, e.g. /var/lib/prometheus/node-exporter/giggles.prom
    #[arg(long, value_name = "FILE", env = "GIGGLES_METRICS_FILE", help_heading = "Watching")]
    pub metrics_file: Option<PathBuf>,

    /// Threads; 0 means one a core
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, env = "GIGGLES_THREADS", help_heading = "Running")]
    pub threads: usize,
    /// Print one JSON document instead of the table
    #[arg(long, conflicts_with = "ndjson", help_heading = "Running")]
    pub json: bool,
    /// Print one JSON event a line instead of the table
    #[arg(long, help_heading = "Running")]
    pub ndjson: bool,
}

impl Arguments {
    /// For commands that print a document only.
    pub fn is_json(&self) -> bool {
        self.json || self.ndjson
    }
}
