//! Settings that several commands share, checked before any work.
//!
//! Invariant: a value that clap could read but nobody can mean is `Fatal::Config`, and its text says
//! which setting and what would do.

use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use giggles::audio::ffmpeg::Ffmpeg;
use giggles::audio::zone::{parse_zone, zone_of_tz};
use giggles::exit::Fatal;
use giggles::laughter::logit;
use giggles::model::{LoadedModel, ModelFile};
use giggles::record::{Rules, Stop};
use jiff::tz::TimeZone;
use yamnet::{Cpu, sigmoid};

/// Forces a CPU path: `amx`, `avx512`, `avx2` or `portable`. For tests; scores differ by some 1e-6.
const CPU: &str = "GIGGLES_CPU";

/// Any error whose text is for the user, as a configuration error.
pub fn config(error: impl ToString) -> Fatal {
    Fatal::Config(error.to_string())
}

/// The CPU path in use.
pub fn cpu() -> Result<Cpu, Fatal> {
    let Some(name) = variable(CPU)? else {
        return Ok(Cpu::detect());
    };
    Cpu::from_name(&name).ok_or_else(|| {
        let names: Vec<&str> = Cpu::available().into_iter().map(Cpu::name).collect();
        config(format!("{CPU}={name}: this machine has {}", names.join(", ")))
    })
}

/// The model in the binary, or another file.
pub fn model(flag: Option<&Path>) -> Result<LoadedModel, Fatal> {
    let file = model_file(flag).map_or(Ok(ModelFile::embedded()), |path| ModelFile::open(&path)).map_err(config)?;
    file.load(cpu()?).map_err(config)
}

/// The model file that was asked for.
pub fn model_file(flag: Option<&Path>) -> Option<PathBuf> {
    path("--model", flag)
}

/// ffmpeg, if it is wanted: `--ffmpeg`, or `GIGGLES_FFMPEG` as a path or a word.
pub fn ffmpeg(flag: Option<&Path>, stop: &Stop) -> Result<Option<Ffmpeg>, Fatal> {
    let Some(program) = path("--ffmpeg", flag) else { return Ok(None) };
    let program = match program.to_str().map(str::to_lowercase).as_deref() {
        Some("0" | "n" | "no" | "f" | "false" | "off") => return Ok(None),
        Some("1" | "y" | "yes" | "t" | "true" | "on") => PathBuf::from("ffmpeg"),
        _ => program,
    };
    Ffmpeg::find(&program, stop).map(Some).map_err(|error| config(format!("--ffmpeg: {error}")))
}

/// A setting as it was given.
pub struct Given {
    /// The flag or the variable that gave it.
    pub by: String,
    pub text: String,
}

impl Given {
    /// What the text means; an error names who gave it.
    pub fn read<T, E: Display>(&self, meaning: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fatal> {
        meaning(&self.text).map_err(|error| config(format!("{}: {error}", self.by)))
    }
}

/// What the flag says, or else its variable of the environment: `--name-tz`, `GIGGLES_NAME_TZ`. An empty variable
/// counts as not set; clap would take it for a value, and end with a code of wrong usage before anybody can be told.
pub fn given(flag: &str, value: Option<&str>) -> Result<Option<Given>, Fatal> {
    if let Some(text) = value {
        return Ok(Some(Given { by: flag.to_owned(), text: text.to_owned() }));
    }
    let by = variable_of(flag);
    Ok(variable(&by)?.map(|text| Given { by, text }))
}

/// `--name-tz` is `GIGGLES_NAME_TZ` in the environment.
fn variable_of(flag: &str) -> String {
    format!("GIGGLES_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"))
}

/// The same of a file or folder, whose name need not be text.
pub fn path(flag: &str, value: Option<&Path>) -> Option<PathBuf> {
    let from_environment = || env::var_os(variable_of(flag)).map(PathBuf::from);
    value.map(Path::to_owned).or_else(from_environment).filter(|path| !path.as_os_str().is_empty())
}

/// The same of a flag without a value.
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

/// The same of a number; `what` says which ones would do.
pub fn number<T: FromStr + Display>(
    flag: &str,
    value: Option<T>,
    default: T,
    would_do: impl Fn(&T) -> bool,
    what: &str,
) -> Result<T, Fatal> {
    let Some(given) = given(flag, value.map(|number| number.to_string()).as_deref())? else { return Ok(default) };
    let number = given.text.trim().parse().ok().filter(would_do);
    number.ok_or_else(|| config(format!("{} {}: give {what}", given.by, given.text)))
}

/// `sensitive`, `normal`, `strict`, or a score between 0 and 1, as the decision's `hi`.
pub fn threshold(flag: Option<&str>) -> Result<f32, Fatal> {
    given("--threshold", flag)?.map_or(Ok(Rules::default().hi), |given| threshold_of(&given))
}

fn threshold_of(given: &Given) -> Result<f32, Fatal> {
    match given.text.as_str() {
        "sensitive" => Ok(-0.5),
        "normal" => Ok(Rules::default().hi),
        "strict" => Ok(1.0),
        number => number.parse().ok().filter(|score| (0.001..=0.999).contains(score)).map(logit).ok_or_else(|| {
            let normal = sigmoid(Rules::default().hi);
            config(format!(
                "{} {number}: give sensitive, normal ({normal:.2}), strict, or a score from 0.001 to 0.999",
                given.by
            ))
        }),
    }
}

/// The zone that the flag or its variable names. Where neither does, `TZ` must name one or not be set: a slip in it is
/// said by every command alike, also by those that then take the zone of the last run.
pub fn zone(flag: Option<&str>) -> Result<Option<TimeZone>, Fatal> {
    match given("--tz", flag)?.filter(|given| !given.text.is_empty()) {
        Some(given) => given.read(parse_zone).map(Some),
        None => zone_of_tz().map(|_| None).map_err(config),
    }
}

/// Seconds of a rule.
pub fn seconds(flag: &str, value: Option<f64>, default: f64) -> Result<f64, Fatal> {
    number(flag, value, default, |seconds| (0.0..=3600.0).contains(seconds), "seconds from 0 to 3600")
}

/// A variable of the environment; empty counts as not set.
pub fn variable(name: &str) -> Result<Option<String>, Fatal> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(config(format!("{name}: holds bytes that are no UTF-8 text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_have_names_and_numbers() {
        assert_eq!(threshold(Some("normal")).unwrap(), 0.25);
        assert_eq!(threshold(Some("sensitive")).unwrap(), -0.5);
        assert_eq!(threshold(Some("strict")).unwrap(), 1.0);
        assert!((threshold(Some("0.5")).unwrap()).abs() < 1e-6);
        for wrong in ["", "high", "0", "1", "-1", "NaN", "inf"] {
            assert!(threshold(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds("--pad", Some(0.0), 1.0).unwrap(), 0.0);
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 1e9] {
            assert!(seconds("--pad", Some(wrong), 1.0).is_err());
        }
    }

    #[test]
    fn a_flag_has_its_variable() {
        assert_eq!(variable_of("--name-tz"), "GIGGLES_NAME_TZ");
    }
}
