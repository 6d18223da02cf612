//! Determines the time zone of calendar days: the one the user names, otherwise the system's.
//!
//! Invariant: the zone name (`text::zone_name`) that is stored with a run names the zone of its calendar days, and
//! `stored_zone` finds that zone again.

mod rules;
mod system;

use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

pub use self::system::{system_zone, zone_of_tz};

use crate::domain::Reason;

const ADVICE: &str = "give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC";
/// The system's time zone database, unless `TZDIR` is set.
const ZONEINFO: &str = "/usr/share/zoneinfo";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not a known time zone; {advice}")]
pub struct ZoneError {
    what: String,
    #[source]
    advice: Reason,
    setting: Option<&'static str>,
}

impl ZoneError {
    fn new(what: String, advice: impl Into<Reason>) -> ZoneError {
        ZoneError { what, advice: advice.into(), setting: None }
    }

    /// The variable that named the zone.
    pub fn setting(&self) -> Option<&'static str> {
        self.setting
    }
}

/// Parses an IANA name, ignoring case. `TimeZone::iana_name` returns the proper spelling.
pub fn parse_zone(text: &str) -> Result<TimeZone, ZoneError> {
    named(text.trim()).ok_or_else(|| ZoneError::new(format!("'{text}'"), advice(text)))
}

/// The zone that was stored with a run: a name, or a POSIX rule from `TZ`.
pub fn stored_zone(text: &str) -> Result<TimeZone, ZoneError> {
    parse_zone(text).or_else(|error| system::from_rule(text).ok_or(error))
}

/// The zone with this name. The system's database is preferred because it may be newer than the bundled one. But its
/// file may contain another zone; this is detected by comparing years whose rules no longer change.
fn named(name: &str) -> Option<TimeZone> {
    static OWN: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let is_zone = |zone: &TimeZone| zone.iana_name().is_some_and(|name| name != "Factory");
    let system = TimeZone::get(name).ok().filter(is_zone);
    let own = OWN.get(name).ok().filter(is_zone);
    match (system, own) {
        (Some(system), Some(own)) if rules::agree(&system, &own, &rules::compared_years()) => Some(system),
        (_, Some(own)) => Some(own),
        // A new zone. Other files in that directory (`localtime`, `posixrules`) have no area in their name.
        (system, None) => system.filter(|_| name.contains('/')),
    }
}

fn zoneinfo() -> PathBuf {
    crate::environment::var_os("TZDIR")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| ZONEINFO.into(), PathBuf::from)
}

fn advice(text: &str) -> String {
    match likely(text) {
        Some(name) => format!("did you mean {name}?"),
        None => ADVICE.to_owned(),
    }
}

/// A zone whose last part matches: `los angeles` for America/Los_Angeles, or `Amercia/Los_Angeles` with a wrong area.
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
    fn an_unknown_zone_gets_advice() {
        let text = |zone| parse_zone(zone).unwrap_err().to_string();
        for slip in ["Los Angeles", "Amercia/Los_Angeles", "america/los_angelos/los angeles"] {
            assert_eq!(text(slip), format!("'{slip}' is not a known time zone; did you mean America/Los_Angeles?"));
        }
        for other in ["", "PDT", "+02:00", "Mars/Olympus", "Etc/Unknown", "../../etc/passwd", "localtime"] {
            assert!(
                text(other).ends_with("give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC"),
                "{other}"
            );
        }
    }
}
