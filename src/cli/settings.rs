//! Settings that several commands share, checked before any work.
//!
//! Invariant: an invalid value is `Fatal::Setting`; its text names the setting and the accepted values.

mod env_file;
pub mod file;
pub mod keys;
pub mod layers;
mod nearest;
pub mod password;
pub mod values;

use std::env::VarError;
use std::path::{Path, PathBuf};

use giggles::audio::ffmpeg::Ffmpeg;
use giggles::audio::zone::{ZoneError, parse_zone, zone_of_tz};
use giggles::domain::{DetectionParameters, Reason};
use giggles::environment;
use giggles::error::Fatal;
use giggles::model::{LoadedModel, ModelError, ModelFile};
use giggles::stop::Stop;
use giggles::store::Location;
use giggles::tiles::{self, Tiles};
use jiff::tz::TimeZone;
use yamnet::Cpu;

pub use self::file::written;
use self::keys::Key;
use self::layers::layers;
pub use self::nearest::nearest;
use self::values::{seconds_of, switch_of, threshold_of};

/// Forces a CPU path: `amx`, `avx512`, `avx2`, `neon` or `portable`. For tests; scores differ by about 1e-6.
const CPU: &str = "GIGGLES_CPU";
/// Forces tiles of the kernels: `3` or `6` rows, or those that a measurement finds faster: `measure`. No score differs.
const TILES: &str = "GIGGLES_TILES";

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

/// The tiles in use. What must be measured is kept beside the file of a database, and read from there.
pub fn tiles(database: Option<&Location>) -> Result<Tiles, Fatal> {
    let choice = match variable(TILES)? {
        None => tiles::Setting::default(),
        Some(text) => tiles::Setting::parse(&text)
            .ok_or_else(|| setting(TILES, format!("{TILES}={text}: give 3, 6 or measure")))?,
    };
    Ok(tiles::choose(cpu()?, choice, database.and_then(Location::file)))
}

/// The model in the binary, or another file.
pub fn model(flag: Option<&Path>, tiles: &Tiles) -> Result<LoadedModel, Fatal> {
    let file =
        model_file(flag).map_or(Ok(ModelFile::embedded()), |path| ModelFile::open(&path)).map_err(unusable_model)?;
    file.load(tiles.kernels).map_err(unusable_model)
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
    Ffmpeg::find(&program, stop).map(Some).map_err(|error| wrong_path("--ffmpeg", flag, Reason::wrap(error)))
}

/// The text of a setting and where it comes from.
#[derive(Debug, Clone)]
pub struct Given {
    /// What gave it, for messages: `--tz`, `GIGGLES_TZ`, or file, line and key.
    pub by: String,
    /// The flag, the variable or the key, for third parties.
    pub name: String,
    pub text: String,
}

impl Given {
    /// By a flag.
    pub fn flag(flag: &str, text: impl Into<String>) -> Given {
        Given { by: flag.to_owned(), name: flag.to_owned(), text: text.into() }
    }

    fn variable(name: String, text: String) -> Given {
        let place = layers::env_file_line(&name);
        let by = place.map(|(path, line)| format!("{}, line {line}: {name}", path.display()));
        Given { by: by.unwrap_or_else(|| name.clone()), name, text }
    }

    /// Parses the text; an error names the flag, the variable or the place in the file.
    pub fn read<T, E: Into<Reason>>(&self, meaning: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Fatal> {
        meaning(&self.text).map_err(|why| self.wrong(why))
    }

    /// The error of this setting, as `PLACE: WHY`.
    pub fn wrong(&self, why: impl Into<Reason>) -> Fatal {
        let why = why.into();
        self.error(why.reworded(format!("{}: {why}", self.by)))
    }

    /// The error of this setting, in other words.
    pub fn error(&self, reason: impl Into<Reason>) -> Fatal {
        setting(&self.name, reason)
    }
}

/// The value of the flag, else of its environment variable (`--name-tz`, `GIGGLES_NAME_TZ`), else of its key in the
/// settings file. An empty variable counts as not set; clap would take it for a value and exit with wrong usage before the
/// monitors can be notified.
pub fn given(flag: &str, value: Option<&str>) -> Result<Option<Given>, Fatal> {
    if let Some(text) = value {
        return Ok(Some(Given::flag(flag, text)));
    }
    Ok(of_variable(&variable_of(flag))?.or_else(|| from_file(keys::of_flag(flag)?)))
}

/// The value of a variable.
pub fn of_variable(name: &str) -> Result<Option<Given>, Fatal> {
    Ok(variable(name)?.map(|text| Given::variable(name.to_owned(), text)))
}

/// The value of a variable that has no flag, else of its key in the settings file.
pub fn given_by_variable(name: &str) -> Result<Option<Given>, Fatal> {
    Ok(of_variable(name)?.or_else(|| from_file(keys::of_variable(name)?)))
}

/// The value of a key in the settings file; an empty one counts as not set.
pub fn from_file(key: &Key) -> Option<Given> {
    let layers = layers();
    let (entry, name) = layers.entry(key)?;
    let by = format!("{}, line {}: {name}", layers.path()?.display(), entry.line);
    let text = entry.values.first().filter(|text| !text.is_empty())?;
    Some(Given { by, name, text: text.clone() })
}

/// All values of a key in the settings file: several folders, or the words of a command.
pub fn all_from_file(key: &Key) -> Vec<String> {
    layers().entry(key).map(|(entry, _)| entry.values.clone()).unwrap_or_default()
}

/// The environment variable of a flag: `--name-tz` gives `GIGGLES_NAME_TZ`.
fn variable_of(flag: &str) -> String {
    format!("GIGGLES_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"))
}

/// Like `given`, for a path, which need not be UTF-8.
pub fn path(flag: &str, value: Option<&Path>) -> Option<PathBuf> {
    let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
    if let Some(path) = value {
        return Some(path.to_owned()).filter(is_set);
    }
    let from_environment = environment::var_os(variable_of(flag)).map(PathBuf::from).filter(is_set);
    from_environment.or_else(|| from_file(keys::of_flag(flag)?).map(|given| PathBuf::from(given.text)))
}

/// The error of the path that `path` returned for this flag.
pub fn wrong_path(flag: &str, value: Option<&Path>, why: impl Into<Reason>) -> Fatal {
    let name = variable_of(flag);
    let has_variable = environment::var_os(&name).is_some_and(|text| !text.is_empty());
    let given = match value {
        None if has_variable => Some(Given::variable(name, String::new())),
        None => keys::of_flag(flag).and_then(from_file),
        Some(_) => None,
    };
    given.unwrap_or_else(|| Given::flag(flag, "")).wrong(why)
}

/// Like `given`, for a flag without a value.
pub fn switch(flag: &str, value: bool) -> Result<bool, Fatal> {
    match (value, given(flag, None)?) {
        (true, _) => Ok(true),
        (false, None) => Ok(false),
        (false, Some(given)) => switch_of(&given),
    }
}

/// Like `given`, for a value that is read by one of `values`.
pub fn value<T>(flag: &str, text: Option<String>, read: fn(&Given) -> Result<T, Fatal>) -> Result<Option<T>, Fatal> {
    given(flag, text.as_deref())?.map(|given| read(&given)).transpose()
}

/// The detection parameter `onset_threshold`.
pub fn threshold(flag: Option<&str>) -> Result<f32, Fatal> {
    let given = value("--threshold", flag.map(str::to_owned), threshold_of)?;
    Ok(given.unwrap_or(DetectionParameters::default().onset_threshold))
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
    Ok(self::value(flag, value.map(|seconds| seconds.to_string()), seconds_of)?.unwrap_or(default))
}

/// An environment variable; empty counts as not set.
pub fn variable(name: &str) -> Result<Option<String>, Fatal> {
    match environment::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(wrong(name, "is not valid UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use giggles::detect::logit;

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
