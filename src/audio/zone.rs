//! In which time zone is a day a day? The one the user names, else the system's.
//!
//! Invariant: a name stored with a run always belongs to the zone its days were cut in.

use jiff::tz::TimeZone;

/// The name of a zone whose rules are known, but not what it is called.
const NAMELESS: &str = "local";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a time zone known here; {advice}")]
pub struct ZoneError {
    text: String,
    advice: String,
}

/// An IANA name, upper or lower case. Its proper spelling is `TimeZone::iana_name`.
pub fn parse_zone(text: &str) -> Result<TimeZone, ZoneError> {
    let known = TimeZone::get(text.trim()).ok().filter(|zone| zone.iana_name().is_some());
    known.ok_or_else(|| ZoneError { text: text.to_owned(), advice: advice(text) })
}

fn advice(text: &str) -> String {
    match likely(text) {
        Some(name) => format!("did you mean {name}?"),
        None => "give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC".to_owned(),
    }
}

/// `los angeles` is the last part of a zone's name.
fn likely(text: &str) -> Option<String> {
    let wanted = text.trim().replace(' ', "_");
    let mut names = jiff::tz::db().available().map(|name| name.to_string());
    names.find(|name| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&wanted)))
}

/// The system's zone (`TZ`, /etc/localtime) and the name to store; UTC where the system does not say.
pub fn system_zone() -> (TimeZone, String) {
    named(TimeZone::try_system().ok())
}

/// A zone without a name (a copied /etc/localtime, a POSIX `TZ`) still cuts the days where they belong.
fn named(system: Option<TimeZone>) -> (TimeZone, String) {
    let Some(zone) = system.filter(|zone| !zone.is_unknown()) else {
        log::warn!("the system does not tell its time zone; days are cut in UTC. Give --tz, e.g. America/Los_Angeles");
        return (TimeZone::UTC, "UTC".to_owned());
    };
    let Some(name) = zone.iana_name().map(str::to_owned) else {
        log::warn!("the system's time zone has no name and is stored as '{NAMELESS}'. Give --tz to name it");
        return (zone, NAMELESS.to_owned());
    };
    (zone, name)
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
        assert_eq!(
            text("Los Angeles"),
            "'Los Angeles' is not a time zone known here; did you mean America/Los_Angeles?"
        );
        for other in ["", "PDT", "+02:00", "Mars/Olympus", "Etc/Unknown", "../../etc/passwd"] {
            assert!(
                text(other).ends_with("give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC"),
                "{other}"
            );
        }
    }

    #[test]
    fn the_systems_zone_always_has_a_name() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let nameless = TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").unwrap();
        assert_eq!(named(Some(berlin.clone())), (berlin, "Europe/Berlin".to_owned()));
        assert_eq!(named(Some(nameless.clone())), (nameless, "local".to_owned()));
        assert_eq!(named(Some(TimeZone::unknown())).1, "UTC");
        assert_eq!(named(None), (TimeZone::UTC, "UTC".to_owned()));
    }
}
