//! Settings that several commands share, checked before any work.
//!
//! Invariant: an invalid value is `Fatal::Setting`; its text names the setting and the accepted values.

use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use giggles::audio::ffmpeg::Ffmpeg;
use giggles::audio::zone::{ZoneError, parse_zone, zone_of_tz};
use giggles::detect::logit;
use giggles::domain::{DetectionParameters, Reason};
use giggles::error::Fatal;
use giggles::model::{LoadedModel, ModelError, ModelFile};
use giggles::stop::Stop;
use jiff::tz::TimeZone;
use yamnet::{Cpu, sigmoid};

/// Forces a CPU path: `amx`, `avx512`, `avx2` or `portable`. For tests; scores differ by about 1e-6.
const CPU: &str = "GIGGLES_CPU";

/// A configuration error that no single setting is to blame for.
pub fn config(reason: impl Into<Reason>) -> Fatal {
    Fatal::Config(reason.into())
}

/// The error of this flag or variable, as `NAME: WHY`.
pub fn wrong(name: &str, why: impl Into<Reason>) -> Fatal {
    let why = why.into();
    setting(name, why.reworded(format!("{name}: {why}")))
}

/// The error of this flag or variable, in other words.
pub fn setting(name: &str, reason: impl Into<Reason>) -> Fatal {
    Fatal::for_setting(Some(name), reason.into())
}

fn unusable_model(error: ModelError) -> Fatal {
    config(Reason::wrap(error))
}

/// A zone from `TZ`, or from the system's files.
pub fn unusable_zone(error: ZoneError) -> Fatal {
    Fatal::for_setting(error.setting(), Reason::wrap(error))
}

/// The CPU path in use.
pub fn cpu() -> Result<Cpu, Fatal> {
    let Some(name) = variable(CPU)? else {
        return Ok(Cpu::detect());
    };
    Cpu::from_name(&name).ok_or_else(|| {
        let names: Vec<&str> = Cpu::available().into_iter().map(Cpu::name).collect();
        setting(CPU, format!("{CPU}={name}: not supported by this machine, which has {}", names.join(", ")))
    })
}

/// The model in the binary, or another file.
pub fn model(flag: Option<&Path>) -> Result<LoadedModel, Fatal> {
    let file =
        model_file(flag).map_or(Ok(ModelFile::embedded()), |path| ModelFile::open(&path)).map_err(unusable_model)?;
    file.load(cpu()?).map_err(unusable_model)
}

/// The model file given by the flag or its variable.
pub fn model_file(flag: Option<&Path>) -> Option<PathBuf> {
    path("--model", flag)
}

/// ffmpeg, if enabled: `--ffmpeg`, or `GIGGLES_FFMPEG` as a path or as yes or no.
pub fn ffmpeg(flag: Option<&Path>, stop: &Stop) -> Result<Option<Ffmpeg>, Fatal> {
    let Some(program) = path("--ffmpeg", flag) else { return Ok(None) };
    let program = match program.to_str().map(str::to_lowercase).as_deref() {
        Some("0" | "n" | "no" | "f" | "false" | "off") => return Ok(None),
        Some("1" | "y" | "yes" | "t" | "true" | "on") => PathBuf::from("ffmpeg"),
        _ => program,
    };
    Ffmpeg::find(&program, stop).map(Some).map_err(|error| wrong("--ffmpeg", Reason::wrap(error)))
}

/// The text of a setting and where it comes from.
pub struct Given {
    /// The flag or the variable that gave it.
    pub by: String,
    pub text: String,
}

impl Given {
    /// Parses the text; an error names the flag or variable.
    pub fn read<T, E: Into<Reason>>(&self, meaning: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fatal> {
        meaning(&self.text).map_err(|why| wrong(&self.by, why))
    }
}

/// The value of the flag, else of its environment variable: `--name-tz`, `GIGGLES_NAME_TZ`. An empty variable counts as
/// not set; clap would take it for a value and exit with wrong usage before the monitors can be notified.
pub fn given(flag: &str, value: Option<&str>) -> Result<Option<Given>, Fatal> {
    if let Some(text) = value {
        return Ok(Some(Given { by: flag.to_owned(), text: text.to_owned() }));
    }
    let by = variable_of(flag);
    Ok(variable(&by)?.map(|text| Given { by, text }))
}

/// The environment variable of a flag: `--name-tz` gives `GIGGLES_NAME_TZ`.
fn variable_of(flag: &str) -> String {
    format!("GIGGLES_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"))
}

/// Like `given`, for a path, which need not be UTF-8.
pub fn path(flag: &str, value: Option<&Path>) -> Option<PathBuf> {
    let from_environment = || env::var_os(variable_of(flag)).map(PathBuf::from);
    value.map(Path::to_owned).or_else(from_environment).filter(|path| !path.as_os_str().is_empty())
}

/// Like `given`, for a flag without a value.
pub fn switch(flag: &str, value: bool) -> Result<bool, Fatal> {
    let meaning = |text: &str| match text.trim().to_lowercase().as_str() {
        "1" | "y" | "yes" | "t" | "true" | "on" => Ok(true),
        "0" | "n" | "no" | "f" | "false" | "off" => Ok(false),
        _ => Err(format!("'{text}' is neither yes nor no; write 1 or 0")),
    };
    match (value, given(flag, None)?) {
        (true, _) => Ok(true),
        (false, None) => Ok(false),
        (false, Some(given)) => given.read(meaning),
    }
}

/// Like `given`, for a number; `what` names the accepted numbers.
pub fn number<T: FromStr + Display>(
    flag: &str,
    value: Option<T>,
    default: T,
    is_valid: impl Fn(&T) -> bool,
    what: &str,
) -> Result<T, Fatal> {
    let Some(given) = given(flag, value.map(|number| number.to_string()).as_deref())? else { return Ok(default) };
    let number = given.text.trim().parse().ok().filter(is_valid);
    number.ok_or_else(|| setting(&given.by, format!("{} {}: give {what}", given.by, given.text)))
}

/// `sensitive`, `normal`, `strict`, or a score between 0 and 1, as the detection parameter `onset_threshold`.
pub fn threshold(flag: Option<&str>) -> Result<f32, Fatal> {
    given("--threshold", flag)?.map_or(Ok(DetectionParameters::default().onset_threshold), |given| threshold_of(&given))
}

fn threshold_of(given: &Given) -> Result<f32, Fatal> {
    match given.text.as_str() {
        "sensitive" => Ok(logit(0.33)),
        "normal" => Ok(DetectionParameters::default().onset_threshold),
        "strict" => Ok(logit(0.5)),
        number => number.parse().ok().filter(|score| (0.001..=0.999).contains(score)).map(logit).ok_or_else(|| {
            let normal = sigmoid(DetectionParameters::default().onset_threshold);
            let accepted = format!("give sensitive, normal ({normal:.2}), strict, or a score from 0.001 to 0.999");
            setting(&given.by, format!("{} {number}: {accepted}", given.by))
        }),
    }
}

/// The zone of a name in a setting.
pub fn zone_named(text: &str) -> Result<TimeZone, Reason> {
    parse_zone(text).map_err(Reason::wrap)
}

/// The zone of the flag or its variable. If neither is set, `TZ` must be valid or not set, so that every command
/// reports an error in it, also those that then use the zone of the last run.
pub fn zone(flag: Option<&str>) -> Result<Option<TimeZone>, Fatal> {
    match given("--tz", flag)?.filter(|given| !given.text.is_empty()) {
        Some(given) => given.read(zone_named).map(Some),
        None => zone_of_tz().map(|_| None).map_err(unusable_zone),
    }
}

/// Seconds of a detection parameter or clip flag.
pub fn seconds(flag: &str, value: Option<f64>, default: f64) -> Result<f64, Fatal> {
    number(flag, value, default, |seconds| (0.0..=3600.0).contains(seconds), "seconds from 0 to 3600")
}

/// An environment variable; empty counts as not set.
pub fn variable(name: &str) -> Result<Option<String>, Fatal> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(wrong(name, "is not valid UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_parse_as_names_and_scores() {
        assert!((threshold(Some("normal")).unwrap() - logit(0.4)).abs() < 1e-6);
        assert!((threshold(Some("sensitive")).unwrap() - -0.708).abs() < 1e-3);
        assert_eq!(threshold(Some("strict")).unwrap(), 0.0);
        assert!((threshold(Some("0.5")).unwrap()).abs() < 1e-6);
        for wrong in ["", "high", "0", "1", "-1", "NaN", "inf"] {
            assert!(threshold(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds("--padding", Some(0.0), 1.0).unwrap(), 0.0);
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 1e9] {
            assert!(seconds("--padding", Some(wrong), 1.0).is_err());
        }
    }

    #[test]
    fn the_variable_of_a_flag_is_its_name_in_capitals() {
        assert_eq!(variable_of("--name-tz"), "GIGGLES_NAME_TZ");
    }
}
