//! The name of a time zone, as stored and shown.

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

/// The IANA name, or the POSIX rule from `TZ`: `PST8PDT,M3.2.0,M11.1.0`.
pub fn zone_name(zone: &TimeZone) -> String {
    DateTimePrinter::new().time_zone_to_string(zone).unwrap_or_else(|_| "a zone without a name".to_owned())
}
