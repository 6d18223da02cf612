//! What a time zone is called, wherever it is stored or shown.

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

/// Its IANA name, or the rule that `TZ` gave: `PST8PDT,M3.2.0,M11.1.0`.
pub fn zone_name(zone: &TimeZone) -> String {
    DateTimePrinter::new().time_zone_to_string(zone).unwrap_or_else(|_| "a zone without a name".to_owned())
}
