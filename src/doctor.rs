//! Everything a night will need, looked at while somebody is awake. The table of checks reads top to bottom.
//!
//! Invariant: every check is made whatever the others found, and none changes anything: no row, no table, no ping
//! that a service would count. A clip and a file of metrics are written as a test, and removed.

mod clips;
mod database;
mod environment;
mod machine;
mod recordings;
mod time;
mod watchers;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use self::environment::Environment;

use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::find::{FindError, Found};
use crate::clips::{Clips, find_recordings};
use crate::exit::Fatal;
use crate::model::LoadedModel;
use crate::record::{Finding, Stop, Window, several};
use crate::shard::Shard;
use crate::store::{self, Checkup, Location, StoreError};
use crate::watch::ping::Target;

/// A setting, or why it is none.
pub type Setting<T> = Result<T, Fatal>;

/// What a scan would be run with, each by itself: one that is wrong hides no other.
pub struct Settings {
    pub paths: Setting<Vec<PathBuf>>,
    /// None: nothing would be stored.
    pub database: Setting<Option<Location>>,
    /// The name under which the night's lock is taken.
    pub lock: String,
    pub zone: Setting<TimeZone>,
    /// Whether a setting names the zone, rather than the system.
    pub zone_is_named: bool,
    pub name_zone: Setting<TimeZone>,
    pub shard: Setting<Shard>,
    pub window: Setting<Window>,
    /// A calendar date, which is the same one every night.
    pub fixed_date: Option<String>,
    /// Why the rest of the settings would not do.
    pub others: Vec<Fatal>,
    pub model: Setting<LoadedModel>,
    /// Name of the CPU path.
    pub cpu: &'static str,
    /// None: the one in the program.
    pub model_file: Option<PathBuf>,
    /// None: not wanted.
    pub ffmpeg: Setting<Option<Ffmpeg>>,
    pub threads: usize,
    /// None: no laugh is cut out.
    pub clips: Setting<Option<Clips>>,
    pub ping: Setting<Option<Target>>,
    pub metrics: Option<PathBuf>,
    pub allow_empty: bool,
    pub environment: Environment,
    pub now: Timestamp,
}

/// What several checks look at.
struct Visit<'a> {
    settings: &'a Settings,
    /// None where no folder is named.
    found: Option<Result<Found, FindError>>,
    /// None where no database is.
    checkup: Option<Result<Checkup, StoreError>>,
}

/// A check: its name, and what finds out.
type Check = (&'static str, fn(&Visit) -> Finding);

const CHECKS: [Check; 21] = [
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
    ("ping", watchers::ping),
    ("metrics", watchers::metrics),
    ("scheduler", environment::scheduler),
];

/// Makes every check; tells each as it is made, since some take seconds. None is begun after a signal.
pub fn examine(settings: &Settings, tell: &mut dyn FnMut(&Finding), stop: &Stop) -> Vec<Finding> {
    let database = settings.database.as_ref().ok().and_then(Option::as_ref);
    let visit = Visit {
        settings,
        found: settings.paths.as_ref().ok().map(|paths| find_recordings(paths).map(|(found, _)| found)),
        checkup: database.map(|location| store::examine(location, &settings.lock)),
    };
    let wanted = CHECKS.iter().take_while(|_| stop.signal().is_none());
    let made = wanted.map(|(check, look)| Finding { check, ..look(&visit) });
    made.inspect(|finding| tell(finding)).collect()
}

/// What a check says that could not be made, or need not be.
fn untold(because: &str) -> Finding {
    Finding::unseen(because)
}

/// A wrong setting's own words say what to do.
fn refused(fatal: &Fatal) -> Finding {
    match fatal {
        Fatal::TryAgain(text) => Finding::busy(text, ""),
        other => Finding::wrong(other.to_string(), ""),
    }
}

/// The first few, a line each, and how many more there are.
fn first(count: usize, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = lines.collect();
    let more = all.len().saturating_sub(count);
    all.truncate(count);
    all.extend((more > 0).then(|| format!("and {more} more")));
    all
}
