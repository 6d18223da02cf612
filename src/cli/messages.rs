//! Messages on standard error: a line each, for people or as JSON objects for programs.
//!
//! Invariant: what is logged is decided where it is; here it is only written. JSON carries the run, its stage and
//! the recording that a message is about.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::ValueEnum;
use env_logger::fmt::Formatter;
use giggles::audio::decode::is_foreign;
use giggles::exit::Exit;
use giggles::pool::POOL_THREADS;
use giggles::record::plain;
use giggles::watch::account::Account;
use giggles::watch::{Night, event};
use jiff::Timestamp;
use log::{LevelFilter, Record};
use serde_json::{Map, Value};

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, and one at the end that sums up the run
    Json,
    /// The same, with CloudWatch's embedded metrics in the last one
    Emf,
}

/// How much is said, and how.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    pub format: LogFormat,
    /// Of giggles' own messages.
    pub level: LevelFilter,
    /// Of the libraries' messages. They name no recording, and what matters of them is in its outcome.
    pub libraries: LevelFilter,
}

/// Before each line of a list.
const ITEM: &str = "\n  ";

/// The run that messages belong to.
static NIGHT: Mutex<Option<Arc<Night>>> = Mutex::new(None);

impl Log {
    /// From here on messages are written; RUST_LOG may say more precisely which.
    pub fn start(self) {
        let mut log = env_logger::Builder::new();
        log.filter_level(self.libraries).filter_module("giggles", self.level);
        let write = if self.format == LogFormat::Text { text } else { json };
        log.format(move |line, record| if holds_secrets(record.target()) { Ok(()) } else { write(line, record) });
        log.parse_default_env().init();
        std::panic::set_hook(Box::new(|panic| match thread::current().name() {
            // A recording's failure, which is told once, with its name.
            Some(name) if name.starts_with(POOL_THREADS) => log::debug!("{panic}"),
            // Damage in a recording, told by whoever called the library.
            _ if is_foreign() => log::debug!("{panic}"),
            _ => log::error!("this is a bug in giggles, please report it: {panic}"),
        }));
    }

    /// The run as one object, for JSON logs; people have read it already.
    pub fn sum_up(self, account: &Account) {
        let is_silent = self.level < LevelFilter::Warn && account.exit == Exit::Complete;
        if self.format == LogFormat::Text || is_silent {
            return;
        }
        let level = if account.exit == Exit::Complete { "info" } else { "error" };
        let mut line =
            Map::from_iter([("timestamp", account.ended.to_string()), ("level", level.to_owned())].map(member));
        line.extend(event::summary(account));
        if self.format == LogFormat::Emf {
            line.insert("_aws".to_owned(), event::cloudwatch(account));
        }
        // Nobody can be told that nobody can be told.
        writeln!(io::stderr(), "{}", Value::Object(line)).ok();
    }
}

/// From here on messages belong to this run.
pub fn belongs_to(night: &Arc<Night>) {
    *NIGHT.lock().unwrap_or_else(PoisonError::into_inner) = Some(night.clone());
}

/// The HTTP client logs whole URLs, and who knows a ping URL may ping. RUST_LOG must not bring them back.
fn holds_secrets(target: &str) -> bool {
    target.starts_with("ureq")
}

/// Cron and journald add the time.
fn text(line: &mut Formatter, record: &Record) -> io::Result<()> {
    let style = line.default_level_style(record.level());
    let level = record.level().as_str().to_lowercase();
    writeln!(line, "giggles: {style}{level}{style:#}: {}", safe(&record.args().to_string()))
}

/// What does nothing to a terminal. A message's own lists are indented, so that no stranger's text begins a line.
fn safe(message: &str) -> String {
    message.split(ITEM).map(plain).collect::<Vec<_>>().join(ITEM)
}

fn json(line: &mut Formatter, record: &Record) -> io::Result<()> {
    let mut members = vec![
        ("timestamp", Timestamp::now().to_string()),
        ("level", record.level().as_str().to_lowercase()),
        ("message", record.args().to_string()),
    ];
    if let Some(night) = &*NIGHT.lock().unwrap_or_else(PoisonError::into_inner) {
        members.push(("run", night.run().to_owned()));
        members.push(("stage", night.stage_name().to_owned()));
    }
    let recording = record.key_values().get("recording".into());
    members.extend(recording.map(|name| ("recording", name.to_string())));
    writeln!(line, "{}", Value::Object(members.into_iter().map(member).collect()))
}

fn member((name, text): (&str, String)) -> (String, Value) {
    (name.to_owned(), text.into())
}
