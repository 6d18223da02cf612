//! Do the recordings exist, are they readable, and do their names have a start time?

use std::fs::File as Opened;

use jiff::tz::TimeZone;

use super::time::span;
use super::{Settings, Visit, first, not_checked, pluralize, refused};
use crate::audio::discover::{File, Found};
use crate::audio::{decode, timestamps};
use crate::domain::{StartSource, StartTime};
use crate::finding::Finding;
use crate::identify::is_wanted;
use crate::text::zone_name;

/// Number of names shown.
const SHOWN: usize = 10;
/// Most lines of unreadable recordings.
const LINES: usize = 5;
/// Number of recordings that are opened: enough to detect directories of another user.
const OPENED: usize = 1000;

const NONE: &str = "there are none";

pub fn found(visit: &Visit) -> Finding {
    let paths = match &visit.settings.paths {
        Ok(paths) => paths,
        Err(fatal) => return refused(fatal),
    };
    let places = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    match &visit.bucket {
        Some(Ok(())) => return Finding::ok(format!("{places} can be listed")),
        Some(Err(fatal)) => return refused(fatal),
        None => {}
    }
    match &visit.found {
        Some(Err(error)) => Finding::fail(error.to_string(), ""),
        Some(Ok(found)) => counted(visit.settings, found, &places),
        None => not_checked("no folder is named"),
    }
}

/// How many recordings there are, and how many of them a run started now would analyze.
fn counted(settings: &Settings, found: &Found, places: &str) -> Finding {
    let all = found.names().count();
    let others = found.not_audio.summary().map(|others| format!(" ({others})")).unwrap_or_default();
    let there = format!("{} in {places}{others}", pluralize(all, "recording"));
    let empty = |found: String, advice: &str| {
        if settings.allow_empty {
            Finding::ok(format!("{found}, which --allow-empty allows"))
        } else {
            Finding::warn(format!("{found}; a run like this ends with 4"), advice)
        }
    };
    if all == 0 {
        return empty(
            format!("none in {places}{others}"),
            "mount the disk, name the right folder, or give --allow-empty",
        );
    }
    let (Ok(window), Ok(zone), Ok(shard)) = (&settings.window, &settings.zone, &settings.shard) else {
        return Finding::ok(there);
    };
    let is_shared = found.names().any(|name| !shard.holds(name));
    let span = span(window, zone);
    if span.is_none() && !is_shared {
        return Finding::ok(there);
    }
    match (wanted(settings, found), span) {
        // A shard may be empty.
        (Some(0), Some(span)) if !is_shared => empty(
            format!("{there}, none of them {span}"),
            "check the day, --tz and --name-tz. If the recordings of this day are still to come, all is well",
        ),
        (Some(wanted), _) => Finding::ok(format!("{there}, {wanted} of them for a run started now")),
        (None, _) => Finding::ok(there),
    }
}

/// The number of recordings of this shard and window; unreadable ones count. None if a setting is invalid.
fn wanted(settings: &Settings, found: &Found) -> Option<usize> {
    let (window, shard) = (settings.window.as_ref().ok()?, settings.shard.as_ref().ok()?);
    let name_zone = settings.name_zone.as_ref().ok()?;
    let is_ours = |file: &&File| shard.holds(&file.name);
    let files = found.files.iter().filter(is_ours).filter(|file| is_wanted(file, window, name_zone)).count();
    Some(files + found.unreadable.iter().filter(|(file, _)| is_ours(&file)).count())
}

pub fn readable(visit: &Visit) -> Finding {
    let Some(Found { files, unreadable, .. }) = all(visit) else { return not_checked("no folder could be opened") };
    let closed = files.iter().take(OPENED).filter_map(|file| {
        let error = Opened::open(&file.path).err()?;
        Some(format!("{}: {error}", file.name))
    });
    let unreadable = unreadable.iter().map(|(file, error)| format!("{}: {error}", file.name));
    let closed: Vec<String> = closed.chain(unreadable).collect();
    match closed.len() {
        0 if files.is_empty() => not_checked(NONE),
        0 if files.len() > OPENED => Finding::ok(format!("the first {OPENED} can be opened")),
        0 => Finding::ok("all can be opened"),
        count => Finding::warn(
            format!("{} cannot be opened and would be stored as failed (exit code 3)", pluralize(count, "recording")),
            "check permissions, for the user of the nightly run",
        )
        .with(first(LINES, closed.into_iter())),
    }
}

/// The start times of some of the names found, and their sources.
pub fn names(visit: &Visit) -> Finding {
    let settings = visit.settings;
    let name_zone = match &settings.name_zone {
        Ok(zone) => zone,
        Err(fatal) => return refused(fatal),
    };
    let Some(files) = all(visit).map(|found| &found.files).filter(|files| !files.is_empty()) else {
        return not_checked(NONE);
    };
    let read: Vec<(&File, StartTime)> = spread(files).map(|file| (file, started(file, name_zone))).collect();
    let details = read.iter().map(|(file, started)| shown(settings, file, started)).collect();
    judged(settings, &read, name_zone).with(details)
}

fn judged(settings: &Settings, read: &[(&File, StartTime)], name_zone: &TimeZone) -> Finding {
    let count = |is_so: &dyn Fn(&StartTime) -> bool| read.iter().filter(|(_, started)| is_so(started)).count();
    let understood = count(&|started| started.from != StartSource::Mtime);
    let to_come = count(&|started| started.at > settings.now);
    let zone = zone_name(name_zone);
    let found = format!("{understood} of {} checked have a start time; times without a zone are in {zone}", read.len());
    match (to_come, understood) {
        (1.., _) => Finding::warn(
            format!("{found}; {to_come} would start in the future"),
            "set GIGGLES_NAME_TZ or --name-tz to the zone of the recorder's clock, and that clock right",
        ),
        (_, 0) => Finding::warn(
            found,
            "copying a file may change its modification time, and with it the day; names such as \
             20251024_130000.WAV are safe",
        ),
        _ => Finding::ok(found),
    }
}

/// A sample from the first to the last file: recorders and their settings change over the years.
fn spread(files: &[File]) -> impl Iterator<Item = &File> {
    let count = files.len().min(SHOWN);
    (0..count).map(move |i| &files[i * (files.len() - 1) / (count - 1).max(1)])
}

/// The start time as a run determines it, without reading the content.
fn started(file: &File, name_zone: &TimeZone) -> StartTime {
    let info = decode::probe(&file.path).ok();
    let spoken = timestamps::from_name(&file.name, name_zone, info.as_ref().and_then(|info| info.duration));
    let length = info.as_ref().and_then(|info| info.duration).or(spoken.and_then(|spoken| spoken.length()));
    let modified = std::fs::metadata(&file.path).and_then(|metadata| metadata.modified());
    let recorded = info.as_ref().and_then(decode::Info::date);
    timestamps::started(&file.name, recorded, modified.unwrap_or(std::time::SystemTime::UNIX_EPOCH), length, name_zone)
}

/// `20251024_130000.WAV: 2025-10-24 06:00:00 -07:00, from its name`
fn shown(settings: &Settings, file: &File, started: &StartTime) -> String {
    let zone = settings.zone.as_ref().unwrap_or(&TimeZone::UTC).clone();
    let local = started.at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    let source = match started.from {
        StartSource::Filename => "its name",
        StartSource::Metadata => "a date in its metadata",
        StartSource::MetadataEnd => "a date in its metadata, which is its end",
        StartSource::Mtime => "its modification time only",
        StartSource::Upload => "the time of its upload only",
    };
    format!("{}: {local}, from {source}", file.name)
}

fn all<'a>(visit: &'a Visit) -> Option<&'a Found> {
    visit.found.as_ref().and_then(|found| found.as_ref().ok())
}
