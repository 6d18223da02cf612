//! Checks everything that a nightly run needs, before it runs. The checks run in the order of the table `CHECKS`.
//!
//! Invariant: every check runs regardless of the results of the others, and none changes anything: no row, no table, no
//! ping that a service would count. A clip and a metrics file are written as a test, and removed.

mod clips;
mod database;
mod environment;
mod machine;
mod notifiers;
mod recordings;
mod time;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use self::environment::{Environment, VARIABLES};

use crate::audio::discover::{FindError, Found};
use crate::audio::ffmpeg::Ffmpeg;
use crate::clips::Clips;
use crate::domain::Window;
use crate::error::Fatal;
use crate::finding::Finding;
use crate::input::{self, Selection};
use crate::model::LoadedModel;
use crate::notify::ping::Target;
use crate::object_store::is_object_url;
use crate::shard::Shard;
use crate::stop::Stop;
use crate::store::{self, Location, Probe, StoreError};
use crate::text::pluralize;
use crate::tiles::Tiles;

/// A setting, or why it is invalid.
pub type Setting<T> = Result<T, Fatal>;

/// The settings of a scan, each parsed separately: an invalid one does not hide the others.
pub struct Settings {
    pub paths: Setting<Vec<PathBuf>>,
    /// None: a dry run.
    pub database: Setting<Option<Location>>,
    /// The name of the lock that the run takes.
    pub lock: String,
    pub zone: Setting<TimeZone>,
    /// Whether a setting names the zone; otherwise it is the system's.
    pub zone_is_named: bool,
    pub name_zone: Setting<TimeZone>,
    pub shard: Setting<Shard>,
    pub window: Setting<Window>,
    /// An absolute date, which is the same for every run.
    pub fixed_date: Option<String>,
    /// The files that settings were read from, in words.
    pub files: Vec<String>,
    /// Errors of the other settings.
    pub others: Vec<Fatal>,
    pub model: Setting<LoadedModel>,
    /// The kernels in use; None if their setting is wrong.
    pub tiles: Option<Tiles>,
    /// None: the built-in model.
    pub model_file: Option<PathBuf>,
    /// None: not requested.
    pub ffmpeg: Setting<Option<Ffmpeg>>,
    pub threads: usize,
    /// None: no clips are cut.
    pub clips: Setting<Option<Clips>>,
    pub ping: Setting<Option<Target>>,
    pub metrics: Option<PathBuf>,
    pub allow_empty: bool,
    pub environment: Environment,
    pub now: Timestamp,
}

/// The input of the checks.
struct Visit<'a> {
    settings: &'a Settings,
    stop: &'a Stop,
    /// None if no directory is given.
    found: Option<Result<Found, FindError>>,
    /// Whether the bucket can be listed, if one is given.
    bucket: Option<Result<(), Fatal>>,
    /// None if no database is given.
    probe: Option<Result<Probe, StoreError>>,
}

/// A check: its name and its function.
type Check = (&'static str, fn(&Visit) -> Finding);

const CHECKS: &[Check] = &[
    ("settings", environment::settings),
    ("clock", time::clock),
    ("zone", time::zone),
    ("window", time::window),
    ("recordings", recordings::found),
    ("readable", recordings::readable),
    ("names", recordings::names),
    ("model", machine::model),
    ("speed", machine::speed),
    ("ffmpeg", machine::ffmpeg),
    ("database", database::reached),
    ("encryption", database::encryption),
    ("encoding", database::encoding),
    ("schema", database::schema),
    ("rights", database::rights),
    ("lock", database::lock),
    ("clips", clips::folder),
    ("disk space", machine::space),
    ("ping", notifiers::ping),
    ("metrics", notifiers::metrics),
    ("scheduler", environment::scheduler),
];

/// Runs every check and reports each finding immediately, because some checks take seconds. A signal stops the checks.
pub fn examine(settings: &Settings, report: &mut dyn FnMut(&Finding), stop: &Stop) -> Vec<Finding> {
    let database = settings.database.as_ref().ok().and_then(Option::as_ref);
    let paths = settings.paths.as_deref().ok();
    let visit = Visit {
        settings,
        stop,
        found: paths.filter(|paths| !names_bucket(paths)).map(|paths| Ok(input::recordings(paths)?.0)),
        bucket: paths.filter(|paths| names_bucket(paths)).map(|paths| input::check(paths, selection(settings), stop)),
        probe: database.map(|location| store::examine(location, &settings.lock)),
    };
    let wanted = CHECKS.iter().take_while(|_| stop.signal().is_none());
    let findings = wanted.map(|(name, check)| Finding { check: name, ..check(&visit) });
    findings.inspect(|finding| report(finding)).collect()
}

fn names_bucket(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| is_object_url(path))
}

/// Of invalid settings, which have findings of their own, the defaults.
fn selection(settings: &Settings) -> Selection {
    Selection {
        shard: settings.shard.as_ref().copied().unwrap_or_default(),
        window: settings.window.as_ref().copied().unwrap_or_default(),
        name_zone: settings.name_zone.as_ref().cloned().unwrap_or(TimeZone::UTC),
    }
}

/// The finding of a check that is not possible, or not needed.
fn not_checked(because: &str) -> Finding {
    Finding::skipped(because)
}

/// The finding of an invalid setting, whose error says what to do.
fn refused(fatal: &Fatal) -> Finding {
    match fatal {
        Fatal::TryAgain(reason) | Fatal::StorageUnreachable(reason) => Finding::busy(reason.to_string(), ""),
        other => Finding::fail(other.to_string(), ""),
    }
}

/// The first `count` lines, and the number of the others.
fn first(count: usize, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = lines.collect();
    let more = all.len().saturating_sub(count);
    all.truncate(count);
    all.extend((more > 0).then(|| format!("and {more} more")));
    all
}
