//! Log messages on standard error: one line each, as text or as JSON objects.
//!
//! Invariant: decides only how messages are written, not which. JSON messages contain the run, its stage and the
//! recording that they are about.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::ValueEnum;
use env_logger::fmt::Formatter;
use giggles::audio::decode::is_guarded;
use giggles::error::{Fatal, causes};
use giggles::exit::Exit;
use giggles::notify::run_summary::RunSummary;
use giggles::notify::{RunMonitor, event};
use giggles::pool::POOL_THREADS;
use giggles::text::escape;
use jiff::Timestamp;
use log::{LevelFilter, Record};
use serde_json::{Map, Value};

/// The format of log messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text
    Text,
    /// One JSON object per line, and a last one that summarizes the run
    Json,
    /// Like json, with CloudWatch embedded metrics in the last object
    Emf,
}

/// The levels and the format of the log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    pub format: LogFormat,
    /// The level of giggles' own messages.
    pub level: LevelFilter,
    /// The level of the libraries' messages, which do not name the recording; its outcome contains the error.
    pub libraries: LevelFilter,
}

/// The start of each line of a list in a message.
const ITEM: &str = "\n  ";

/// The source that text messages name first, if one command scans several.
static SOURCE: Mutex<Option<String>> = Mutex::new(None);

/// The run that messages belong to.
static RUN: Mutex<Option<Arc<RunMonitor>>> = Mutex::new(None);

impl Log {
    /// Starts logging; RUST_LOG may set levels per module.
    pub fn start(self) {
        let mut log = env_logger::Builder::new();
        log.filter_level(self.libraries).filter_module("giggles", self.level);
        let write = if self.format == LogFormat::Text { text } else { json };
        log.format(move |line, record| if holds_secrets(record.target()) { Ok(()) } else { write(line, record) });
        log.parse_default_env().init();
        std::panic::set_hook(Box::new(|panic| match thread::current().name() {
            // The failure of a recording, which is reported with its name.
            Some(name) if name.starts_with(POOL_THREADS) => log::debug!("{panic}"),
            // Damage in a recording, which the caller of the library reports.
            _ if is_guarded() => log::debug!("{panic}"),
            _ => log::error!("this is a bug in giggles, please report it: {panic}"),
        }));
    }

    /// Writes the run as one object to JSON logs, also with --quiet: it is what such logs are collected for. The text log
    /// already contains it.
    pub fn sum_up(self, summary: &RunSummary) {
        if self.format == LogFormat::Text {
            return;
        }
        let level = if summary.exit == Exit::Complete { "info" } else { "error" };
        let mut line =
            Map::from_iter([("timestamp", summary.ended.to_string()), ("level", level.to_owned())].map(member));
        line.extend(event::summary_event(summary));
        if self.format == LogFormat::Emf {
            line.insert("_aws".to_owned(), event::cloudwatch(summary));
        }
        // If standard error cannot be written, there is nowhere left to report it.
        writeln!(io::stderr(), "{}", Value::Object(line)).ok();
    }
}

/// Logs an error that ends the command and, with --verbose, its causes.
pub fn log_error(fatal: &Fatal) {
    log::error!("{fatal}");
    log_causes(fatal);
}

pub fn log_causes(fatal: &Fatal) {
    causes(fatal).iter().for_each(|cause| log::info!("caused by: {cause}"));
}

/// Attributes messages to this run from now on.
pub fn set_run(monitor: &Arc<RunMonitor>) {
    *RUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(monitor.clone());
}

/// Names this source in text messages from now on.
pub fn set_source(source: Option<&str>) {
    *SOURCE.lock().unwrap_or_else(PoisonError::into_inner) = source.map(|source| format!("{source}: "));
}

/// The HTTP client logs whole URLs, and a ping URL is a secret. RUST_LOG must not enable them.
fn holds_secrets(target: &str) -> bool {
    target.starts_with("ureq")
}

/// Writes a line of text, without the time, which cron and journald add.
fn text(line: &mut Formatter, record: &Record) -> io::Result<()> {
    let style = line.default_level_style(record.level());
    let level = record.level().as_str().to_lowercase();
    let source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
    writeln!(line, "giggles: {style}{level}{style:#}: {}{}", escape(&source), safe(&record.args().to_string()))
}

/// Escapes control characters. Line breaks of a message's own lists stay, so that untrusted text never starts a line.
fn safe(message: &str) -> String {
    message.split(ITEM).map(escape).collect::<Vec<_>>().join(ITEM)
}

fn json(line: &mut Formatter, record: &Record) -> io::Result<()> {
    let mut members = vec![
        ("timestamp", Timestamp::now().to_string()),
        ("level", record.level().as_str().to_lowercase()),
        ("message", record.args().to_string()),
    ];
    if let Some(monitor) = &*RUN.lock().unwrap_or_else(PoisonError::into_inner) {
        members.push(("run", monitor.run().to_owned()));
        members.extend(monitor.external_id().map(|id| ("external_id", id.to_owned())));
        members.push(("stage", monitor.stage_name().to_owned()));
    }
    let recording = record.key_values().get("recording".into());
    members.extend(recording.map(|name| ("recording", name.to_string())));
    writeln!(line, "{}", Value::Object(members.into_iter().map(member).collect()))
}

fn member((name, text): (&str, String)) -> (String, Value) {
    (name.to_owned(), text.into())
}
