//! What the text of each setting may be. The commands and `giggles config check` read a setting by the same function.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use giggles::audio::window::parse_date;
use giggles::detect::logit;
use giggles::domain::{DetectionParameters, Reason};
use giggles::error::Fatal;
use giggles::notify::ping::{Address, AddressError, Service};
use giggles::shard::Shard;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use yamnet::sigmoid;

use super::Given;
use crate::cli::messages::LogFormat;

/// Days after which the embeddings of sounds without a review are removed.
pub const KEEP_EMBEDDINGS: u32 = 90;
/// The maximum; each thread costs a stack and 12 MB of buffers.
const MAX_THREADS: usize = 1024;

/// A number; `what` names the accepted numbers.
pub fn number_of<T: FromStr + Display>(given: &Given, is_valid: impl Fn(&T) -> bool, what: &str) -> Result<T, Fatal> {
    let number = given.text.trim().parse().ok().filter(is_valid);
    number.ok_or_else(|| given.error(format!("{} {}: give {what}", given.by, given.text)))
}

/// Seconds of a detection parameter or of a clip.
pub fn seconds_of(given: &Given) -> Result<f64, Fatal> {
    number_of(given, |seconds| (0.0..=3600.0).contains(seconds), "seconds from 0 to 3600")
}

/// A time of at least a second: `1h`, `30min`, `90 s`.
pub fn time_of(given: &Given) -> Result<Duration, Fatal> {
    given.read(|text| {
        let time = text.trim().parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
        time.filter(|time| *time >= Duration::from_secs(1))
            .ok_or_else(|| format!("'{text}' is not a time of a second or more; write 1h or 30min"))
    })
}

pub fn threads_of(given: &Given) -> Result<usize, Fatal> {
    let what = format!("a number of threads up to {MAX_THREADS}, or 0 for one per core");
    number_of(given, |threads| *threads <= MAX_THREADS, &what)
}

pub fn days_of(given: &Given) -> Result<u32, Fatal> {
    number_of(given, |_| true, "a number of days")
}

pub fn patches_of(given: &Given) -> Result<u32, Fatal> {
    number_of(given, |_| true, "a number of patches")
}

pub fn views_of(given: &Given) -> Result<u8, Fatal> {
    number_of(given, |views| [1, 3, 5].contains(views), "1, 3 or 5")
}

/// `1` or `0`, and the usual words for them.
pub fn switch_of(given: &Given) -> Result<bool, Fatal> {
    given.read(|text| match text.trim().to_lowercase().as_str() {
        "1" | "y" | "yes" | "t" | "true" | "on" => Ok(true),
        "0" | "n" | "no" | "f" | "false" | "off" => Ok(false),
        _ => Err(format!("'{text}' is neither yes nor no; write 1 or 0")),
    })
}

/// `sensitive`, `normal`, `strict`, or a score between 0 and 1, as the detection parameter `onset_threshold`.
pub fn threshold_of(given: &Given) -> Result<f32, Fatal> {
    match given.text.as_str() {
        "sensitive" => Ok(logit(0.33)),
        "normal" => Ok(DetectionParameters::default().onset_threshold),
        "strict" => Ok(logit(0.5)),
        number => number.parse().ok().filter(|score| (0.001..=0.999).contains(score)).map(logit).ok_or_else(|| {
            let normal = sigmoid(DetectionParameters::default().onset_threshold);
            let accepted = format!("give sensitive, normal ({normal:.2}), strict, or a score from 0.001 to 0.999");
            given.error(format!("{} {number}: {accepted}", given.by))
        }),
    }
}

pub fn source_of(given: &Given) -> Result<String, Fatal> {
    match given.text.trim() {
        "" => Err(given.wrong("the name is empty")),
        name => Ok(name.to_owned()),
    }
}

pub fn shard_of(given: &Given) -> Result<Shard, Fatal> {
    given.read(|text| text.parse::<Shard>().map_err(Reason::wrap))
}

/// Only whether it is a day; which one depends on the zone.
pub fn date_of(given: &Given) -> Result<(), Fatal> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    given.read(|text| parse_date(text, &now).map(drop).map_err(Reason::wrap))
}

pub fn address_of(given: &Given) -> Result<Address, Fatal> {
    let wrong = |error: AddressError| Reason::new(format!("it {error}")).caused_by(error);
    given.read(|text| text.parse().map_err(wrong))
}

pub fn service_of(given: &Given) -> Result<&'static Service, Fatal> {
    given.read(|name| Service::named(name).map_err(Reason::wrap))
}

pub fn log_format_of(given: &Given) -> Result<LogFormat, Fatal> {
    given.read(|text| LogFormat::from_str(text, false).map_err(|_| "the log format must be text, json or emf"))
}
