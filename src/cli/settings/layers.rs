//! Where settings come from besides flags: variables, and the settings file.
//!
//! Invariant: read once, before the log starts; afterwards only the source changes, between the runs of
//! `giggles scan --all-sources`.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use giggles::domain::Reason;
use giggles::environment;
use giggles::error::Fatal;
use giggles::store::Location;
use giggles::text::pluralize;

use super::env_file::EnvFile;
use super::file::{Entry, Parsed, Problem, Profile, parse};
use super::keys::{self, Key, Secret};
use super::path;
use crate::cli::database_url::is_open_to_others;

/// The file of all users.
const OF_THE_MACHINE: &str = "/etc/giggles/config.toml";
/// The maximum size of a settings file; one with every key has 6 kB.
const MAX_BYTES: u64 = 1 << 20;

static LAYERS: RwLock<Layers> = RwLock::new(Layers { env_file: None, file: None, source: None });

/// What was read.
pub struct Layers {
    pub env_file: Option<EnvFile>,
    pub file: Option<SettingsFile>,
    /// The source whose profile counts.
    source: Option<String>,
}

/// A settings file that could be read.
pub struct SettingsFile {
    pub path: PathBuf,
    pub parsed: Parsed,
    /// Users other than its owner may read it.
    pub is_open: bool,
}

/// What went wrong, and what is to be logged once the log has started.
#[derive(Default)]
pub struct Reading {
    pub wrong: Option<Fatal>,
    pub warnings: Vec<String>,
}

/// Reads the files that the flags, variables or the usual places name.
pub fn read(config_flag: Option<&Path>, env_file_flag: Option<&Path>) -> Reading {
    let mut reading = Reading::default();
    match path("--env-file", env_file_flag).map(|path| EnvFile::read(&path)).transpose() {
        Ok(env_file) => {
            if let Some(env_file) = &env_file {
                let variables = env_file.variables.iter().map(|(name, (text, _))| (name.clone(), text.clone()));
                let kept = environment::add(variables.collect());
                reading.warnings.extend(kept_warning(&kept, &env_file.path));
            }
            change(|layers| layers.env_file = env_file);
        }
        Err(reason) => reading.wrong = Some(Fatal::Config(reason)),
    }
    match find(config_flag).and_then(|found| found.map(|path| SettingsFile::read(&path)).transpose()) {
        Ok(file) => {
            let wrong = file.as_ref().and_then(SettingsFile::error);
            reading.wrong = reading.wrong.or(wrong.map(Fatal::Config));
            change(|layers| layers.file = file);
        }
        Err(reason) => reading.wrong = reading.wrong.or(Some(Fatal::Config(reason))),
    }
    reading
}

/// The nightly run would have the values of the file.
fn kept_warning(kept: &[String], path: &Path) -> Option<String> {
    let (names, path) = (kept.join(", "), path.display());
    let is_set = if kept.len() == 1 { "is set" } else { "are set" };
    (!kept.is_empty()).then(|| {
        format!("{names} {is_set} to another value in the environment than in {path}; the environment's counts. Unset what the nightly run does not have")
    })
}

fn change(alter: impl FnOnce(&mut Layers)) {
    alter(&mut LAYERS.write().unwrap_or_else(PoisonError::into_inner));
}

/// What was read.
pub fn layers() -> RwLockReadGuard<'static, Layers> {
    LAYERS.read().unwrap_or_else(PoisonError::into_inner)
}

/// The profile of this source counts from now on; None: no profile.
pub fn select_source(source: Option<String>) {
    change(|layers| layers.source = source);
}

/// The settings file: the one that is named, else the first that exists in the usual places.
fn find(flag: Option<&Path>) -> Result<Option<PathBuf>, Reason> {
    if let Some(named) = path("--config", flag) {
        return Ok(Some(named));
    }
    // A link that leads nowhere is there, and an error. A folder that this user may not enter is another user's home.
    let is_there = |path: &PathBuf| match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => {
            !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
        }
    };
    Ok(usual_paths().into_iter().find(is_there))
}

/// Where a settings file is read from, if none is named.
pub fn usual_paths() -> Vec<PathBuf> {
    own_path().into_iter().chain([PathBuf::from(OF_THE_MACHINE)]).collect()
}

/// The user's own settings file. Relative paths in XDG variables must be ignored (XDG Base Directory Specification).
pub fn own_path() -> Option<PathBuf> {
    let folder = |name: &str| environment::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let own = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    own.map(|folder| folder.join("giggles/config.toml"))
}

impl SettingsFile {
    fn read(path: &Path) -> Result<SettingsFile, Reason> {
        let shown = path.display();
        let unread = |error: io::Error| {
            let advice = "check --config, GIGGLES_CONFIG and the file's permissions";
            Reason::new(format!("the settings file {shown} cannot be read: {error}; {advice}")).caused_by(error)
        };
        let found = fs::metadata(path).map_err(unread)?;
        if found.is_dir() {
            return Err(format!("the settings file {shown} is a directory; name the file in it").into());
        }
        let file = File::open(path).map_err(unread)?;
        let found = file.metadata().map_err(unread)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("the settings file {shown} is larger than 1 MB; giggles config init writes one").into());
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Reason::new(format!("the settings file {shown} is not valid UTF-8; save it as UTF-8")))?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let parsed = parse(text.trim_start_matches('\u{feff}'), folder);
        Ok(SettingsFile { path: path.to_owned(), parsed, is_open: is_open(&found) })
    }

    /// Why no command works with the file.
    pub fn error(&self) -> Option<Reason> {
        let shown = self.path.display();
        if let Some(Problem { line, column, text }) = self.parsed.problems.first() {
            let others = self.parsed.problems.len() - 1;
            let more = match others {
                0 => String::new(),
                _ => format!(" (and {}: see giggles config check)", pluralize(others, "other error")),
            };
            return Some(format!("{shown}, line {line}, column {column}: {text}{more}").into());
        }
        let holds = self.is_open && self.holds(Secret::Password);
        holds.then(|| {
            format!("{shown} holds a password and is readable by other users of this machine; run chmod 600 {shown}")
                .into()
        })
    }

    /// Whether a setting gives something away.
    pub fn holds(&self, secret: Secret) -> bool {
        let all = self.parsed.entries.iter().chain(self.parsed.profiles.iter().flat_map(|profile| &profile.entries));
        let gives_away = |entry: &Entry| match secret {
            Secret::No => false,
            Secret::Url => true,
            // An address that cannot be read may contain one.
            Secret::Password => {
                entry.values.concat().parse().map_or(true, |location: Location| location.has_password())
            }
        };
        all.filter(|entry| secret != Secret::No && entry.key.secret == secret).any(gives_away)
    }
}

fn is_open(found: &Metadata) -> bool {
    let is_file = !found.file_type().is_fifo() && !found.file_type().is_char_device();
    is_file && is_open_to_others(found, rustix::process::geteuid().as_raw())
}

impl Layers {
    /// The entry of a key, with its name in the file: of the source's profile, else of the groups.
    pub fn entry(&self, key: &Key) -> Option<(&Entry, String)> {
        let file = self.file.as_ref()?;
        let is_key = |entry: &&Entry| std::ptr::eq(entry.key, key);
        let of_source = self.profile().and_then(|profile| {
            let entry = profile.entries.iter().find(is_key)?;
            Some((entry, format!("{}.{}.{}", keys::PROFILES, profile.name, key.in_source)))
        });
        of_source.or_else(|| file.parsed.entries.iter().find(is_key).map(|entry| (entry, key.path())))
    }

    /// The profile that counts.
    pub fn profile(&self) -> Option<&Profile> {
        let (file, source) = (self.file.as_ref()?, self.source.as_deref()?);
        file.parsed.profiles.iter().find(|profile| profile.name == source)
    }

    /// The path of the settings file.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }
}

/// The names of the profiles, in the order of the file.
pub fn profiles() -> Vec<String> {
    let layers = layers();
    let profiles = layers.file.iter().flat_map(|file| &file.parsed.profiles);
    profiles.map(|profile| profile.name.clone()).collect()
}

/// The variables of the env file, and their lines.
pub fn env_file_line(variable: &str) -> Option<(PathBuf, usize)> {
    let layers = layers();
    let env_file = layers.env_file.as_ref()?;
    let (_, line) = env_file.variables.get(variable).filter(|_| environment::is_added(variable))?;
    Some((env_file.path.clone(), *line))
}
