//! Reads where in a recording a stretch is that a person names: offsets, times of day, or dates with times.
//!
//! Invariant: both ends are read in the same way; `start < end`, inside the recording.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::audio::window::parse_instant;

/// The longest stretch that is one review. A laugh with its usual padding is half a minute at most; a person may take a
/// fit of laughter, or other settings, for one.
const LONGEST: Duration = Duration::from_secs(600);

/// The shortest: a sixteenth of the step of the log-mel frames is no sound.
const SHORTEST: Duration = Duration::from_millis(1);

/// A recording, as far as places in it need it.
#[derive(Debug, Clone)]
pub struct Extent {
    pub started: Timestamp,
    pub length: Duration,
    pub zone: TimeZone,
}

/// The offsets of a stretch. A text is an offset (`1:02:03.5`, `62.5`) if both texts are offsets inside the recording, else
/// a time of day (`20:14:03`), or a date with a time.
///
/// # Errors
/// Says what to give instead.
pub fn stretch(start: &str, end: &str, extent: &Extent) -> Result<(Duration, Duration), String> {
    let both =
        |read: &dyn Fn(&str) -> Option<Duration>| read(start).zip(read(end)).filter(|(_, end)| *end <= extent.length);
    let readings = [both(&offset), both(&|text| time_of_day(text, extent)), both(&|text| instant(text, extent))];
    let Some((start, end)) = readings.into_iter().flatten().next() else {
        let length = extent.length.as_secs_f64();
        let begun = extent.started.to_zoned(extent.zone.clone());
        return Err(format!(
            "'{start}' to '{end}' is not in the recording, which starts at {} and lasts {length:.1} s; give offsets \
             (1:02:03.5 or seconds) or times of day (20:14:03)",
            begun.strftime("%Y-%m-%d %H:%M:%S"),
        ));
    };
    check_length(start, end)?;
    Ok((start, end))
}

/// Whether one review may be about a stretch from here to there.
///
/// # Errors
/// Says what is allowed.
pub fn check_length(start: Duration, end: Duration) -> Result<(), String> {
    match end.checked_sub(start) {
        None | Some(Duration::ZERO) => Err("the end is not after the start".into()),
        Some(length) if length < SHORTEST => Err(format!(
            "{} µs are too short for a sound; at least {} ms are needed",
            length.as_micros(),
            SHORTEST.as_millis()
        )),
        Some(length) if length > LONGEST => Err(format!(
            "{:.1} s are too long for one laugh; at most {} minutes are allowed",
            length.as_secs_f64(),
            LONGEST.as_secs() / 60
        )),
        Some(_) => Ok(()),
    }
}

/// `90`, `1:30` and `0:01:30.0` are equal.
fn offset(text: &str) -> Option<Duration> {
    let parts: Vec<f64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = parts.iter().fold(0.0, |sum, part| sum * 60.0 + part);
    if parts.len() <= 3 { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

/// The first time after the start of the recording when clocks show this.
fn time_of_day(text: &str, extent: &Extent) -> Option<Duration> {
    let time: Time = text.parse().ok().filter(|_| text.contains(':'))?;
    let begun = extent.started.to_zoned(extent.zone.clone());
    let days = [begun.date(), begun.date().tomorrow().ok()?];
    let at = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(extent.zone.clone()).ok();
    days.into_iter().filter_map(at).find_map(|at| since_start(at.timestamp(), extent))
}

fn instant(text: &str, extent: &Extent) -> Option<Duration> {
    since_start(parse_instant(text, &extent.zone).ok()?, extent)
}

fn since_start(at: Timestamp, extent: &Extent) -> Option<Duration> {
    at.duration_since(extent.started).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ninety minutes from 23:00.
    fn read(start: &str, end: &str) -> Result<(f64, f64), String> {
        let extent = Extent {
            started: "2025-10-24T21:00:00Z".parse().unwrap(),
            length: Duration::from_secs(5400),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        };
        stretch(start, end, &extent).map(|(start, end)| (start.as_secs_f64(), end.as_secs_f64()))
    }

    #[test]
    fn offsets_times_of_day_and_dates_name_the_same_stretch() {
        let wanted = Ok((3723.5, 3725.0));
        assert_eq!(read("1:02:03.5", "1:02:05"), wanted);
        assert_eq!(read("3723.5", "62:05"), wanted);
        assert_eq!(read("00:02:03.5", "00:02:05"), Ok((123.5, 125.0)), "an offset inside the recording is one");
        assert_eq!(read("23:14:03", "23:14:05"), Ok((843.0, 845.0)));
        assert!(read("23:59:59", "24:00:01").is_err());
        assert_eq!(read("2025-10-25T00:02:03.5", "2025-10-24T22:02:05Z"), wanted);
    }

    #[test]
    fn what_is_outside_backwards_or_too_long_is_refused() {
        for (start, end) in
            [("5399", "5401"), ("22:30:00", "22:30:05"), ("a", "b"), ("-1", "5"), ("1:2:3:4", "5"), ("NaN", "5")]
        {
            assert!(
                read(start, end).unwrap_err().contains("is not in the recording, which starts at 2025-10-24 23:00:00")
            );
        }
        assert_eq!(read("5", "5"), Err("the end is not after the start".into()));
        assert_eq!(read("7", "5"), Err("the end is not after the start".into()));
        assert!(read("5", "606").unwrap_err().contains("601.0 s are too long for one laugh; at most 10 minutes"));
        assert_eq!(read("5", "605"), Ok((5.0, 605.0)));
    }
}
