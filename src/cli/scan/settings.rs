//! From flags and environment to what a run is asked for; each setting by itself, so that `doctor` can look at one
//! where another is wrong.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use giggles::audio::window::{between, day, parse_date, parse_instant};
use giggles::audio::zone::{parse_zone, system_zone};
use giggles::clips::Clips;
use giggles::exit::Fatal;
use giggles::record::{ANALYSIS_VERSION, Analysis, Rules, Window};
use giggles::run::Settings;
use giggles::shard::Shard;
use giggles::watch::Watchers;
use giggles::yamnet::Model;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Arguments;
use crate::cli::settings::{config, database, is_url, seconds, threshold, variable};

/// Folders to hear if none is given on the command line, separated as in PATH.
const RECORDINGS: &str = "GIGGLES_RECORDINGS";
/// Read here, since clap takes an empty variable for a folder.
pub const CLIPS: &str = "GIGGLES_CLIPS";
/// The day, unless a flag tells of one. Read here, since clap would hold it against `--from`.
pub const DATE: &str = "GIGGLES_DATE";

/// A dry run is nobody's business. A wrong address costs the ping; the metrics tell of it all the same.
pub fn watchers(arguments: &Arguments) -> (Watchers, Option<Fatal>) {
    if arguments.dry_run {
        return (Watchers::default(), None);
    }
    let metrics = arguments.metrics_file.clone().filter(|path| !path.as_os_str().is_empty());
    let address = arguments.ping_url.as_deref().filter(|url| !url.is_empty()).map(str::parse).transpose();
    let (ping, wrong) = match address {
        Ok(ping) => (ping, None),
        Err(error) => (None, Some(config(format!("--ping-url: it {error}")))),
    };
    (Watchers { ping, metrics }, wrong)
}

/// All of them.
pub fn settings(arguments: &Arguments, id: String, model: &Model) -> Result<Settings, Fatal> {
    let (zone, zone_name) = zone(arguments.tz.as_deref())?;
    let name_zone = name_zone(arguments)?;
    let analysis = Analysis {
        version: ANALYSIS_VERSION,
        model_sha256: model.sha256.clone(),
        rules: rules(arguments)?,
        zone: zone_name,
        name_zone: name_zone.iana_name().unwrap_or(&arguments.name_tz).to_owned(),
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
        threads: arguments.threads,
        force: arguments.force,
        strict: arguments.strict,
        allow_empty: arguments.allow_empty,
    })
}

pub fn paths(arguments: &Arguments) -> Result<Vec<PathBuf>, Fatal> {
    let from_environment = || env::var_os(RECORDINGS).map(|paths| env::split_paths(&paths).collect());
    let given = Some(arguments.paths.clone()).filter(|paths| !paths.is_empty()).or_else(from_environment);
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
    let from_environment = || env::var_os(CLIPS).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let folder = arguments.clips.clone().or_else(from_environment).filter(|_| !arguments.dry_run);
    let (pre, post) = (seconds("--pre", arguments.pre)?, seconds("--post", arguments.post)?);
    let Some(folder) = folder else { return Ok(None) };
    if !folder.is_dir() {
        return Err(config(format!("--clips: {} is no folder; make it, or mount its disk", folder.display())));
    }
    let (pre, post) = (Duration::from_secs_f64(pre), Duration::from_secs_f64(post));
    Ok(Some(Clips { folder, source: source(arguments)?, pre, post, zone: zone.clone() }))
}

pub fn source(arguments: &Arguments) -> Result<String, Fatal> {
    match arguments.source.trim() {
        "" => Err(config("--source: the name is empty")),
        name => Ok(name.to_owned()),
    }
}

pub fn zone(flag: Option<&str>) -> Result<(TimeZone, String), Fatal> {
    let Some(text) = flag else { return Ok(system_zone()) };
    let zone = parse_zone(text).map_err(|error| config(format!("--tz: {error}")))?;
    let name = zone.iana_name().unwrap_or(text).to_owned();
    Ok((zone, name))
}

pub fn name_zone(arguments: &Arguments) -> Result<TimeZone, Fatal> {
    parse_zone(&arguments.name_tz).map_err(|error| config(format!("--name-tz: {error}")))
}

pub fn window(arguments: &Arguments, zone: &TimeZone) -> Result<Window, Fatal> {
    if let Some((name, date)) = date(arguments)? {
        let now = Timestamp::now().to_zoned(zone.clone());
        let date = parse_date(&date, &now).map_err(|error| config(format!("{name}: {error}")))?;
        return Ok(day(date, zone));
    }
    let now = Timestamp::now().to_zoned(zone.clone());
    let parsed = |text: &String| match parse_date(text, &now) {
        Ok(date) => Ok(day(date, zone).from),
        Err(_) => parse_instant(text, zone).map(Some),
    };
    let instant = |flag: &str, text: &Option<String>| {
        let at = text.as_ref().map(parsed).transpose();
        at.map(Option::flatten).map_err(|error| config(format!("{flag}: {error}")))
    };
    between(instant("--from", &arguments.from)?, instant("--to", &arguments.to)?).map_err(config)
}

/// The flag, or the environment where no flag says otherwise; and which of them it was.
fn date(arguments: &Arguments) -> Result<Option<(&'static str, String)>, Fatal> {
    let by_flags = arguments.from.is_some() || arguments.to.is_some();
    match &arguments.date {
        Some(date) => Ok(Some(("--date", date.clone()))),
        None if by_flags => Ok(None),
        None => Ok(variable(DATE)?.map(|date| (DATE, date))),
    }
}

pub fn shard(arguments: &Arguments) -> Result<Shard, Fatal> {
    let shard = arguments.shard.as_ref().map(|text| text.parse()).transpose();
    shard.map(Option::unwrap_or_default).map_err(|error| config(format!("--shard: {error}")))
}

pub fn rules(arguments: &Arguments) -> Result<Rules, Fatal> {
    Ok(Rules {
        level: !arguments.no_level,
        hi: threshold(&arguments.threshold)?,
        join_seconds: seconds("--join", arguments.join)?,
        min_patches: arguments.min_patches,
        pad_seconds: seconds("--pad", arguments.pad)?,
        ..Rules::default()
    })
}
