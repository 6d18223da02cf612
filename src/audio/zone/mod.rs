//! In which time zone is a day a day? The one the user names, else the system's.
//!
//! Invariant: the name of a zone (`record::zone_name`) stored with a run is that of the zone its days were cut in, and
//! `stored_zone` finds it again.

mod rules;
mod system;

use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

pub use self::system::{system_zone, zone_of_tz};

const ADVICE: &str = "give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC";
/// Where the system's database of zones lies, unless `TZDIR` says otherwise.
const ZONEINFO: &str = "/usr/share/zoneinfo";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not a time zone known here; {advice}")]
pub struct ZoneError {
    what: String,
    advice: String,
}

impl ZoneError {
    fn new(what: String, advice: String) -> ZoneError {
        ZoneError { what, advice }
    }
}

/// An IANA name, upper or lower case. Its proper spelling is `TimeZone::iana_name`.
pub fn parse_zone(text: &str) -> Result<TimeZone, ZoneError> {
    named(text.trim()).ok_or_else(|| ZoneError::new(format!("'{text}'"), advice(text)))
}

/// The zone that a run was stored with: a name, or the rule that `TZ` gave.
pub fn stored_zone(text: &str) -> Result<TimeZone, ZoneError> {
    parse_zone(text).or_else(|error| system::of_rule(text).ok_or(error))
}

/// The zone of this name. The system's database may be newer than this program's own; but a file of another zone may
/// lie in its place, and the years in which no zone changes any more tell.
fn named(name: &str) -> Option<TimeZone> {
    static OWN: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let is_zone = |zone: &TimeZone| zone.iana_name().is_some_and(|name| name != "Factory");
    let system = TimeZone::get(name).ok().filter(is_zone);
    let own = OWN.get(name).ok().filter(is_zone);
    match (system, own) {
        (Some(system), Some(own)) if rules::agree(&system, &own, &rules::settled_years()) => Some(system),
        (_, Some(own)) => Some(own),
        // A zone that is new. What else lies in that folder (`localtime`, `posixrules`) is of no area.
        (system, None) => system.filter(|_| name.contains('/')),
    }
}

fn zoneinfo() -> PathBuf {
    std::env::var_os("TZDIR").filter(|folder| !folder.is_empty()).map_or_else(|| ZONEINFO.into(), PathBuf::from)
}

fn advice(text: &str) -> String {
    match likely(text) {
        Some(name) => format!("did you mean {name}?"),
        None => ADVICE.to_owned(),
    }
}

/// `los angeles` is the last part of a zone's name; in `Amercia/Los_Angeles` the other part is wrong.
fn likely(text: &str) -> Option<String> {
    let wanted = text.trim().replace(' ', "_");
    let wanted = wanted.rsplit_once('/').map_or(wanted.as_str(), |(_, city)| city);
    let mut names = jiff::tz::db().available().map(|name| name.to_string());
    names.find(|name| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_iana_names() {
        for (text, name) in
            [("America/Los_Angeles", "America/Los_Angeles"), ("europe/berlin", "Europe/Berlin"), (" UTC ", "UTC")]
        {
            assert_eq!(parse_zone(text).unwrap().iana_name(), Some(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_zone_is_answered_with_advice() {
        let text = |zone| parse_zone(zone).unwrap_err().to_string();
        for slip in ["Los Angeles", "Amercia/Los_Angeles", "america/los_angelos/los angeles"] {
            assert_eq!(
                text(slip),
                format!("'{slip}' is not a time zone known here; did you mean America/Los_Angeles?")
            );
        }
        for other in ["", "PDT", "+02:00", "Mars/Olympus", "Etc/Unknown", "../../etc/passwd", "localtime"] {
            assert!(
                text(other).ends_with("give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC"),
                "{other}"
            );
        }
    }
}
