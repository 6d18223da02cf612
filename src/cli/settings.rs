//! Settings that several commands share, checked before any work.
//!
//! Invariant: a value that clap could read but nobody can mean is `Fatal::Config`, and its text says
//! which setting and what would do.

use std::env;
use std::path::{Path, PathBuf};

use giggles::exit::Fatal;
use giggles::laughter::{logit, sigmoid};
use giggles::record::Rules;
use giggles::store::Location;
use giggles::yamnet::Model;
use giggles::yamnet::kernels::Cpu;
use giggles::yamnet::weights::ModelFile;

/// Forces a CPU path: `avx512`, `avx2` or `portable`. For tests; the answer differs in the last bits.
const CPU: &str = "GIGGLES_CPU";
/// File of systemd's credentials (`LoadCredential=database-url:…`) that holds the database's URL.
const CREDENTIAL: &str = "database-url";

/// Any error whose text is for the user, as a configuration error.
pub fn config(error: impl ToString) -> Fatal {
    Fatal::Config(error.to_string())
}

/// The CPU path in use.
pub fn cpu() -> Result<Cpu, Fatal> {
    let Ok(name) = env::var(CPU) else {
        return Ok(Cpu::detect());
    };
    Cpu::named(&name).ok_or_else(|| {
        let names: Vec<&str> = Cpu::available().into_iter().map(Cpu::name).collect();
        config(format!("{CPU}={name}: this machine has {}", names.join(", ")))
    })
}

/// The model in the binary, or another file.
pub fn model(path: Option<&Path>) -> Result<Model, Fatal> {
    let file = path.map_or(Ok(ModelFile::embedded()), ModelFile::open).map_err(config)?;
    Model::new(&file, cpu()?).map_err(config)
}

/// `sensitive`, `normal`, `strict`, or a score between 0 and 1, as the decision's `hi`.
pub fn threshold(text: &str) -> Result<f32, Fatal> {
    match text {
        "sensitive" => Ok(-0.5),
        "normal" => Ok(Rules::default().hi),
        "strict" => Ok(1.0),
        number => number.parse().ok().filter(|score| (0.001..=0.999).contains(score)).map(logit).ok_or_else(|| {
            let normal = sigmoid(Rules::default().hi);
            config(format!(
                "--threshold {number}: give sensitive, normal ({normal:.2}), strict, or a score from 0.001 to 0.999"
            ))
        }),
    }
}

/// Seconds of a rule.
pub fn seconds(flag: &str, value: f64) -> Result<f64, Fatal> {
    match (0.0..=3600.0).contains(&value) {
        true => Ok(value),
        false => Err(config(format!("{flag} {value}: give seconds from 0 to 3600"))),
    }
}

/// Where to store: what the flags say, the environment, systemd's credential, or the user's own data folder.
pub fn database(flag: Option<&str>, file: Option<&Path>) -> Result<Location, Fatal> {
    match (flag, file) {
        (Some(text), _) => of_command_line(text),
        (None, Some(path)) => from_file(path),
        (None, None) => database_of_environment(),
    }
}

/// Every user of the machine can read a command line, and nothing can take it back: masking it later would
/// leave a moment in which it shows, and the shell's history in any case.
fn of_command_line(text: &str) -> Result<Location, Fatal> {
    let location: Location = text.parse()?;
    if location.has_password() {
        log::warn!(
            "the password in --database shows in `ps` and in the shell's history; set DATABASE_URL instead, or give \
             --database-url-file"
        );
    }
    Ok(location)
}

/// A database's URL given for something else; it may hold a password, and is not to be echoed.
pub fn is_url(path: &Path) -> bool {
    ["postgres:", "postgresql:"].iter().any(|scheme| path.as_os_str().as_encoded_bytes().starts_with(scheme.as_bytes()))
}

/// Not read by clap, which would hold one of them against the flag of another.
fn database_of_environment() -> Result<Location, Fatal> {
    let named = |name| variable(name).map(|text| text.map(|text| (name, text)));
    if let Some((name, text)) = named("GIGGLES_DATABASE")? {
        return text.parse().map_err(|error| config(format!("{name}: {error}")));
    }
    if let Some(path) = variable("GIGGLES_DATABASE_URL_FILE")? {
        return from_file(Path::new(&path));
    }
    if let Some((name, text)) = named("DATABASE_URL")? {
        return text.parse().map_err(|error| config(format!("{name}: {error}")));
    }
    match credential() {
        Some(path) => from_file(&path),
        None => Ok(Location::standard()?),
    }
}

/// A variable of the environment; empty counts as not set.
pub fn variable(name: &str) -> Result<Option<String>, Fatal> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(config(format!("{name}: holds bytes that are no UTF-8 text"))),
    }
}

fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.exists().then_some(path)
}

/// The first line of a file that only its owner should read.
fn from_file(path: &Path) -> Result<Location, Fatal> {
    if is_url(path) {
        return Err(config(
            "--database-url-file (GIGGLES_DATABASE_URL_FILE) is the name of a file that holds the database's URL, and \
             not the URL itself; DATABASE_URL is",
        ));
    }
    let path_shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        config(format!(
            "{path_shown}, which should hold the database's URL, cannot be read: {error}; check the path and its permissions"
        ))
    })?;
    let line = text.lines().next().unwrap_or_default();
    line.parse().map_err(|error| config(format!("in the first line of {path_shown}, {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_have_names_and_numbers() {
        assert_eq!(threshold("normal").unwrap(), 0.25);
        assert_eq!(threshold("sensitive").unwrap(), -0.5);
        assert_eq!(threshold("strict").unwrap(), 1.0);
        assert!((threshold("0.5").unwrap()).abs() < 1e-6);
        for wrong in ["", "high", "0", "1", "-1", "NaN", "inf"] {
            assert!(threshold(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert!(seconds("--pad", 0.0).is_ok());
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 1e9] {
            assert!(seconds("--pad", wrong).is_err());
        }
    }
}
