//! Reads the settings of a run from flags and environment. Each setting is read on its own, so that `doctor` can check
//! one while another is wrong.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use giggles::audio::zone::system_zone;
use giggles::clips::Clips;
use giggles::domain::{ANALYSIS_VERSION, Analysis, DetectionParameters, Window};
use giggles::environment;
use giggles::error::Fatal;
use giggles::notify::Notifiers;
use giggles::notify::ping::Target;
use giggles::scan::Settings;
use giggles::shard::Shard;
use giggles::stop::Stop;
use giggles::text::zone_name;
use jiff::tz::TimeZone;

use super::Arguments;
use super::arguments::AROUND;
use crate::cli::database_url::{database, is_url};
use crate::cli::settings::keys::of_variable;
use crate::cli::settings::values::{
    KEEP_EMBEDDINGS, address_of, days_of, patches_of, service_of, shard_of, source_of, threads_of, time_of, views_of,
};
use crate::cli::settings::{
    Given, all_from_file, config, ffmpeg, given, path, seconds, switch, threshold, unusable_zone, value, zone_named,
};
use crate::cli::stored::clip_location;
use crate::cli::window::window as read_window;

/// Folders and recordings to analyze if the command line names none, separated as in PATH.
pub const RECORDINGS: &str = "GIGGLES_RECORDINGS";
/// The source if none is given.
pub const DEFAULT_SOURCE: &str = "default";
/// The maximum length of an external id; names of Kubernetes pods have up to 253 characters.
const LONGEST_ID: usize = 255;

/// The ping and metrics targets; none for a dry run. An invalid URL disables the ping; the metrics still report the
/// failure.
pub fn notifiers(arguments: &Arguments) -> (Notifiers, Option<Fatal>) {
    if arguments.dry_run {
        return (Notifiers::default(), None);
    }
    let metrics = metrics_file(arguments);
    // With a wrong switch the run fails before its start is reported.
    let (pings_start, wrong_switch) = match switch("--no-start-ping", arguments.no_start_ping) {
        Ok(no_start) => (!no_start, None),
        Err(wrong) => (false, Some(wrong)),
    };
    match ping(arguments, pings_start) {
        Ok(ping) => (Notifiers { ping, metrics }, wrong_switch),
        Err(wrong) => (Notifiers { ping: None, metrics }, Some(wrong)),
    }
}

pub fn metrics_file(arguments: &Arguments) -> Option<PathBuf> {
    path("--metrics-file", arguments.metrics_file.as_deref())
}

/// An empty URL disables the ping, also on the command line: `--ping-url "$PING"`.
fn ping(arguments: &Arguments, pings_start: bool) -> Result<Option<Target>, Fatal> {
    let url = given("--ping-url", arguments.ping_url.as_deref())?.filter(|url| !url.text.is_empty());
    let address = url.map(|url| address_of(&url)).transpose()?;
    let service = given("--ping-service", arguments.ping_service.as_deref())?.filter(|name| !name.text.is_empty());
    let service = service.map(|name| service_of(&name)).transpose()?;
    Ok(address.map(|address| Target::new(address, service, pings_start)))
}

/// All settings of a run. `database` is its [`destination`], which was needed before.
pub fn settings(
    arguments: &Arguments,
    id: String,
    model_sha256: &str,
    database: Result<Option<giggles::store::Location>, Fatal>,
    stop: &Stop,
) -> Result<Settings, Fatal> {
    let zone = zone(arguments.tz.as_deref())?;
    let name_zone = name_zone(arguments, &zone)?;
    let analysis = Analysis {
        version: ANALYSIS_VERSION,
        model_sha256: model_sha256.to_owned(),
        parameters: parameters(arguments)?,
        zone: zone_name(&zone),
        name_zone: zone_name(&name_zone),
    };
    Ok(Settings {
        id,
        external_id: external_id(arguments)?,
        paths: paths(arguments)?,
        database: database?,
        source: source(arguments)?,
        window: window(arguments, &zone)?,
        zone: zone.clone(),
        name_zone,
        name_zone_is_named: given("--name-tz", arguments.name_tz.as_deref())?.is_some(),
        analysis,
        shard: shard(arguments)?,
        clips: clips(arguments, &zone)?,
        ffmpeg: ffmpeg(arguments.ffmpeg(), stop)?,
        threads: threads(arguments)?,
        keep_embeddings: Some(keep_embeddings(arguments)?),
        force: arguments.force,
        retry_failed: arguments.retry_failed,
        strict: strict(arguments)?,
        allow_empty: allow_empty(arguments)?,
        commit_every: commit_every(arguments)?,
    })
}

pub fn threads(arguments: &Arguments) -> Result<usize, Fatal> {
    Ok(value("--threads", text(arguments.threads), threads_of)?.unwrap_or(0))
}

pub fn keep_embeddings(arguments: &Arguments) -> Result<u32, Fatal> {
    Ok(value("--keep-embeddings", text(arguments.keep_embeddings), days_of)?.unwrap_or(KEEP_EMBEDDINGS))
}

fn text(number: Option<impl ToString>) -> Option<String> {
    number.map(|number| number.to_string())
}

pub fn strict(arguments: &Arguments) -> Result<bool, Fatal> {
    switch("--strict", arguments.strict)
}

pub fn commit_every(arguments: &Arguments) -> Result<Option<Duration>, Fatal> {
    let every = given("--commit-every", arguments.commit_every.as_deref())?;
    match every {
        Some(every) if strict(arguments)? => {
            Err(every.wrong("with --strict nothing is stored if one recording fails; leave out one of them"))
        }
        every => every.map(|every| time_of(&every)).transpose(),
    }
}

pub fn allow_empty(arguments: &Arguments) -> Result<bool, Fatal> {
    switch("--allow-empty", arguments.allow_empty)
}

pub fn paths(arguments: &Arguments) -> Result<Vec<PathBuf>, Fatal> {
    let from_environment = || {
        let paths = environment::var_os(RECORDINGS).filter(|paths| !paths.is_empty());
        paths.map(|paths| split_paths(&paths)).or_else(from_settings_file)
    };
    let named = arguments.paths.iter().cloned().chain(arguments.swallowed().map(Path::to_owned));
    let given = Some(named.collect::<Vec<_>>()).filter(|paths| !paths.is_empty()).or_else(from_environment);
    if given.iter().flatten().any(|path| is_url(path)) {
        return Err(config("a database URL was given as a path of recordings; set DATABASE_URL to it"));
    }
    given
        .filter(|paths| paths.iter().any(|path| !path.as_os_str().is_empty()))
        .ok_or_else(|| config(format!("no recordings given: name a folder, or set {RECORDINGS} or recordings.folder")))
}

/// The folders of the source's profile, else of [recordings].
fn from_settings_file() -> Option<Vec<PathBuf>> {
    let folders = all_from_file(of_variable(RECORDINGS)?);
    Some(folders.into_iter().map(PathBuf::from).collect()).filter(|folders: &Vec<PathBuf>| !folders.is_empty())
}

/// Splits at colons, as in PATH, but not after the scheme of `s3://bucket`.
fn split_paths(paths: &OsStr) -> Vec<PathBuf> {
    let mut split: Vec<PathBuf> = Vec::new();
    for path in env::split_paths(paths) {
        match split
            .last_mut()
            .filter(|last| last.as_os_str() == "s3" && path.as_os_str().as_encoded_bytes().starts_with(b"//"))
        {
            Some(scheme) => *scheme = [OsStr::new("s3:"), path.as_os_str()].into_iter().collect::<OsString>().into(),
            None => split.push(path),
        }
    }
    split
}

pub fn destination(arguments: &Arguments) -> Result<Option<giggles::store::Location>, Fatal> {
    if arguments.dry_run {
        Ok(None)
    } else {
        database(arguments.database.as_deref(), arguments.database_url_file.as_deref()).map(Some)
    }
}

/// A dry run writes no clips.
pub fn clips(arguments: &Arguments, zone: &TimeZone) -> Result<Option<Clips>, Fatal> {
    let location = clip_location(arguments.clips.as_deref());
    let (before, after) = (
        seconds("--clip-before", arguments.clip_before, AROUND)?,
        seconds("--clip-after", arguments.clip_after, AROUND)?,
    );
    let Some(location) = location? else { return Ok(None) };
    let (before, after) = (Duration::from_secs_f64(before), Duration::from_secs_f64(after));
    if arguments.dry_run {
        return Ok(None);
    }
    Ok(Some(Clips { location, source: source(arguments)?, clip_before: before, clip_after: after, zone: zone.clone() }))
}

pub fn source(arguments: &Arguments) -> Result<String, Fatal> {
    let source = given("--source", arguments.source.as_deref())?;
    source.map_or_else(|| Ok(DEFAULT_SOURCE.to_owned()), |source| source_of(&source))
}

/// The id that a scheduler or queue gave the run: printable in every log and without spaces, so that it is one word.
pub fn external_id(arguments: &Arguments) -> Result<Option<String>, Fatal> {
    let is_word = |id: &str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let meaning = |id: &str| {
        let problem = || format!("give 1 to {LONGEST_ID} visible ASCII characters without spaces");
        if is_word(id) { Ok(id.to_owned()) } else { Err(problem()) }
    };
    given("--run-id", arguments.run_id.as_deref())?.map(|given| given.read(meaning)).transpose()
}

pub fn zone(flag: Option<&str>) -> Result<TimeZone, Fatal> {
    given("--tz", flag)?.map_or_else(|| system_zone().map_err(unusable_zone), |zone| zone.read(zone_named))
}

/// The zone of file names without one; that of calendar days, unless a setting names it.
pub fn name_zone(arguments: &Arguments, zone: &TimeZone) -> Result<TimeZone, Fatal> {
    given("--name-tz", arguments.name_tz.as_deref())?.map_or_else(|| Ok(zone.clone()), |zone| zone.read(zone_named))
}

pub fn window(arguments: &Arguments, zone: &TimeZone) -> Result<Window, Fatal> {
    read_window(date(arguments)?, arguments.from.as_deref(), arguments.to.as_deref(), zone)
}

/// The day, unless `--from` or `--to` is given.
pub fn date(arguments: &Arguments) -> Result<Option<Given>, Fatal> {
    if arguments.from.is_some() || arguments.to.is_some() {
        Ok(None)
    } else {
        given("--date", arguments.date.as_deref())
    }
}

pub fn shard(arguments: &Arguments) -> Result<Shard, Fatal> {
    value("--shard", arguments.shard.clone(), shard_of).map(Option::unwrap_or_default)
}

pub fn parameters(arguments: &Arguments) -> Result<DetectionParameters, Fatal> {
    let usual = DetectionParameters::default();
    Ok(DetectionParameters {
        views: value("--views", text(arguments.views), views_of)?.unwrap_or(usual.views),
        personal: !switch("--no-personal", arguments.no_personal)?,
        normalize: !switch("--no-normalize", arguments.no_normalize)?,
        merge_gap_seconds: seconds("--merge-gap", arguments.merge_gap, usual.merge_gap_seconds)?,
        min_patches: value("--min-patches", text(arguments.min_patches), patches_of)?.unwrap_or(usual.min_patches),
        padding_seconds: seconds("--padding", arguments.padding, usual.padding_seconds)?,
        ..usual.with_onset(threshold(arguments.threshold.as_deref())?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_colons_except_in_a_url() {
        let split = |paths: &str| split_paths(OsStr::new(paths));
        assert_eq!(split("/a:/b"), [PathBuf::from("/a"), "/b".into()]);
        assert_eq!(split("s3://life/neil"), [PathBuf::from("s3://life/neil")]);
        assert_eq!(split("/a:s3://life:/b"), [PathBuf::from("/a"), "s3://life".into(), "/b".into()]);
        assert_eq!(split("s3:/a"), [PathBuf::from("s3"), "/a".into()]);
    }
}
