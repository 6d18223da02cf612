//! From flags and environment to what a run is asked for; each setting by itself, so that `doctor` can look at one
//! where another is wrong.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use giggles::audio::zone::{parse_zone, system_zone};
use giggles::clips::Clips;
use giggles::exit::Fatal;
use giggles::record::{ANALYSIS_VERSION, Analysis, Rules, Stop, Window, zone_name};
use giggles::run::Settings;
use giggles::shard::Shard;
use giggles::watch::Watchers;
use giggles::watch::ping::{Address, Service, Target};
use jiff::tz::TimeZone;

use super::Arguments;
use super::arguments::AROUND;
use crate::cli::database_url::{database, is_url};
use crate::cli::settings::{Given, config, ffmpeg, given, number, path, seconds, switch, threshold};
use crate::cli::window::window as read_window;

/// Folders to hear if none is given on the command line, separated as in PATH.
const RECORDINGS: &str = "GIGGLES_RECORDINGS";
/// Who is heard if nobody says whose recordings these are.
const NOBODY: &str = "default";
/// More would be a slip of the keyboard: each costs a stack and 12 MB of buffers.
const MOST_THREADS: usize = 1024;

/// A dry run is nobody's business. A wrong address costs the ping; the metrics tell of it all the same.
pub fn watchers(arguments: &Arguments) -> (Watchers, Option<Fatal>) {
    if arguments.dry_run {
        return (Watchers::default(), None);
    }
    let metrics = path("--metrics-file", arguments.metrics_file.as_deref());
    // Of a run that ends before it begins no start is told anyway.
    let (tells_start, wrong_switch) = match switch("--no-start-ping", arguments.no_start_ping) {
        Ok(no_start) => (!no_start, None),
        Err(wrong) => (false, Some(wrong)),
    };
    match ping(arguments, tells_start) {
        Ok(ping) => (Watchers { ping, metrics }, wrong_switch),
        Err(wrong) => (Watchers { ping: None, metrics }, Some(wrong)),
    }
}

/// An empty address is a switch that is off, also on the command line: `--ping-url "$PING"`.
fn ping(arguments: &Arguments, tells_start: bool) -> Result<Option<Target>, Fatal> {
    let url = given("--ping-url", arguments.ping_url.as_deref())?.filter(|url| !url.text.is_empty());
    let address: Option<Address> =
        url.map(|url| url.read(|text| text.parse().map_err(|error| format!("it {error}")))).transpose()?;
    let service = given("--ping-service", arguments.ping_service.as_deref())?.filter(|name| !name.text.is_empty());
    let service = service.map(|name| name.read(Service::named)).transpose()?;
    Ok(address.map(|address| Target::new(address, service, tells_start)))
}

/// All of them.
pub fn settings(arguments: &Arguments, id: String, model_sha256: &str, stop: &Stop) -> Result<Settings, Fatal> {
    let zone = zone(arguments.tz.as_deref())?;
    let name_zone = name_zone(arguments)?;
    let analysis = Analysis {
        version: ANALYSIS_VERSION,
        model_sha256: model_sha256.to_owned(),
        rules: rules(arguments)?,
        zone: zone_name(&zone),
        name_zone: zone_name(&name_zone),
    };
    Ok(Settings {
        id,
        paths: paths(arguments)?,
        database: destination(arguments)?,
        source: source(arguments)?,
        window: window(arguments, &zone)?,
        zone: zone.clone(),
        name_zone,
        analysis,
        shard: shard(arguments)?,
        clips: clips(arguments, &zone)?,
        ffmpeg: ffmpeg(arguments.ffmpeg(), stop)?,
        threads: threads(arguments)?,
        force: arguments.force,
        retry_failed: arguments.retry_failed,
        strict: strict(arguments)?,
        allow_empty: allow_empty(arguments)?,
    })
}

pub fn threads(arguments: &Arguments) -> Result<usize, Fatal> {
    let what = format!("threads up to {MOST_THREADS}, or 0 for one a core");
    number("--threads", arguments.threads, 0, |threads| *threads <= MOST_THREADS, &what)
}

pub fn strict(arguments: &Arguments) -> Result<bool, Fatal> {
    switch("--strict", arguments.strict)
}

pub fn allow_empty(arguments: &Arguments) -> Result<bool, Fatal> {
    switch("--allow-empty", arguments.allow_empty)
}

pub fn paths(arguments: &Arguments) -> Result<Vec<PathBuf>, Fatal> {
    let from_environment = || env::var_os(RECORDINGS).map(|paths| env::split_paths(&paths).collect());
    let named = arguments.paths.iter().cloned().chain(arguments.swallowed().map(Path::to_owned));
    let given = Some(named.collect::<Vec<_>>()).filter(|paths| !paths.is_empty()).or_else(from_environment);
    if given.iter().flatten().any(|path| is_url(path)) {
        return Err(config("a database's URL stands where folders of recordings should; set DATABASE_URL to it"));
    }
    given
        .filter(|paths| paths.iter().any(|path| !path.as_os_str().is_empty()))
        .ok_or_else(|| config(format!("no recordings are named: give a folder, or set {RECORDINGS}")))
}

pub fn destination(arguments: &Arguments) -> Result<Option<giggles::store::Location>, Fatal> {
    match arguments.dry_run {
        true => Ok(None),
        false => database(arguments.database.as_deref(), arguments.database_url_file.as_deref()).map(Some),
    }
}

/// A dry run leaves nothing behind. The folder must be there: made by a typing error, or where a disk is not mounted,
/// it would hide both.
pub fn clips(arguments: &Arguments, zone: &TimeZone) -> Result<Option<Clips>, Fatal> {
    let folder = path("--clips", arguments.clips.as_deref());
    let (pre, post) = (seconds("--pre", arguments.pre, AROUND)?, seconds("--post", arguments.post, AROUND)?);
    let Some(folder) = folder else { return Ok(None) };
    if !folder.is_dir() {
        return Err(config(format!("--clips: {} is no folder; make it, or mount its disk", folder.display())));
    }
    let (pre, post) = (Duration::from_secs_f64(pre), Duration::from_secs_f64(post));
    if arguments.dry_run {
        return Ok(None);
    }
    Ok(Some(Clips { folder, source: source(arguments)?, pre, post, zone: zone.clone() }))
}

pub fn source(arguments: &Arguments) -> Result<String, Fatal> {
    let Some(source) = given("--source", arguments.source.as_deref())? else { return Ok(NOBODY.to_owned()) };
    match source.text.trim() {
        "" => Err(config(format!("{}: the name is empty", source.by))),
        name => Ok(name.to_owned()),
    }
}

pub fn zone(flag: Option<&str>) -> Result<TimeZone, Fatal> {
    given("--tz", flag)?.map_or_else(|| system_zone().map_err(config), |zone| zone.read(parse_zone))
}

pub fn name_zone(arguments: &Arguments) -> Result<TimeZone, Fatal> {
    given("--name-tz", arguments.name_tz.as_deref())?.map_or(Ok(TimeZone::UTC), |zone| zone.read(parse_zone))
}

pub fn window(arguments: &Arguments, zone: &TimeZone) -> Result<Window, Fatal> {
    read_window(date(arguments)?, arguments.from.as_deref(), arguments.to.as_deref(), zone)
}

/// The day, unless flags tell of another time.
pub fn date(arguments: &Arguments) -> Result<Option<Given>, Fatal> {
    match arguments.from.is_some() || arguments.to.is_some() {
        true => Ok(None),
        false => given("--date", arguments.date.as_deref()),
    }
}

pub fn shard(arguments: &Arguments) -> Result<Shard, Fatal> {
    let shard = given("--shard", arguments.shard.as_deref())?.map(|shard| shard.read(str::parse));
    shard.transpose().map(Option::unwrap_or_default)
}

pub fn rules(arguments: &Arguments) -> Result<Rules, Fatal> {
    let usual = Rules::default();
    let patches = number("--min-patches", arguments.min_patches, usual.min_patches, |_| true, "a number of patches")?;
    Ok(Rules {
        level: !switch("--no-level", arguments.no_level)?,
        hi: threshold(arguments.threshold.as_deref())?,
        join_seconds: seconds("--join", arguments.join, usual.join_seconds)?,
        min_patches: patches,
        pad_seconds: seconds("--pad", arguments.pad, usual.pad_seconds)?,
        ..usual
    })
}
