//! Which settings come from the environment, and would cron or systemd set them too?
//!
//! cron starts a program in the user's home directory with HOME, LOGNAME, SHELL and a short PATH, without the settings
//! of a shell's profile. This is the most frequent reason why a run works manually but fails under cron.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Settings, Visit};
use crate::finding::Finding;
use crate::object_store::is_object_url;
use crate::store::Location;

/// Variables without a flag, for docs/reference. Those of libpq are in `store::connection_parameters`.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "CREDENTIALS_DIRECTORY",
        "systemd's folder of credentials: `database-url` in it holds the URL of the database, `serve-tokens` the tokens of `giggles serve`",
    ),
    ("XDG_DATA_HOME", "the folder of the user's own database, `giggles/giggles.db`; default: `~/.local/share`"),
    ("HOME", "the user's home, for the default database and libpq's files"),
    ("TZ", "the time zone of calendar days, if `--tz` is not given"),
    ("PATH", "the folders in which `giggles review` finds a player"),
    ("TZDIR", "the system's time zone database; default: `/usr/share/zoneinfo`, then the one in the program"),
    ("COLUMNS", "the width of results for people; default: that of the terminal"),
    ("NO_COLOR", "if it is set, messages have no colours"),
    ("RUST_LOG", "log levels by module, such as `giggles::audio=trace`"),
    ("JOB_COMPLETION_INDEX, JOB_COMPLETION_COUNT", "Kubernetes' indexed job, for `--shard auto`"),
    ("AWS_BATCH_JOB_ARRAY_INDEX, AWS_BATCH_JOB_ARRAY_SIZE", "AWS Batch's array job, for `--shard auto`"),
    ("SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_MIN, SLURM_ARRAY_TASK_COUNT", "Slurm's array job, for `--shard auto`"),
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "credentials for `s3://` recordings"),
    ("AWS_PROFILE, AWS_DEFAULT_PROFILE", "the profile in the two files below; default: `default`"),
    ("AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE", "default: `~/.aws/credentials` and `~/.aws/config`"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME", "credentials by web identity (Kubernetes)"),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, \
         AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "credentials of a container (ECS, EKS)",
    ),
    ("AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT", "credentials of an EC2 instance (IMDSv2)"),
    ("AWS_REGION, AWS_DEFAULT_REGION", "the region of the bucket; default: that of the profile, then `us-east-1`"),
    ("AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS", "the address of another object store, or of STS"),
    ("INVOCATION_ID", "set by systemd: `giggles doctor` then says that systemd started it"),
    ("PGREQUIRESSL", "`1`: as `sslmode=require`"),
    ("PGSYSCONFDIR", "the folder of `pg_service.conf`"),
    (
        "GIGGLES_PLAYER",
        "the program that plays clips in `giggles review`; its only argument besides known flags is the clip",
    ),
    ("GIGGLES_TOKENS", "`giggles serve`: the lines of a token file, if there is none"),
    ("LISTEN_FDS, LISTEN_PID", "set by systemd: the sockets that `giggles serve` takes over"),
    ("GIGGLES_CPU", "the kernels: `amx`, `avx512`, `avx2`, `neon` or `portable`; scores differ by about 1e-6"),
    (
        "GIGGLES_TILES",
        "tiles of the kernels: `3` or `6` rows, or `measure`, which takes the faster one; no score differs. Without it they are \
         chosen by the processor, else measured once and kept in `DATABASE.tiles.json` beside an SQLite database",
    ),
    ("XDG_CONFIG_HOME", "the folder of the user's settings file, `giggles/config.toml`; default: `~/.config`"),
    ("GIGGLES_BIN", "`scripts/nightly_processing.sh`: the program"),
    ("GIGGLES_TEST_POSTGRES", "tests: a server to use instead of one that the tests start"),
];

/// Variables that a run reads in addition to `GIGGLES_…`.
const READ: [&str; 6] = ["DATABASE_URL", "PGPASSWORD", "PGPASSFILE", "XDG_DATA_HOME", "NO_COLOR", "RUST_LOG"];
/// Variables of the nightly script or of tests.
const NOT_OURS: [&str; 7] = [
    "GIGGLES_TOKENS",
    "GIGGLES_ENV_FILE",
    "GIGGLES_BIN",
    "GIGGLES_TEST_POSTGRES",
    "GIGGLES_CPU",
    "GIGGLES_TILES",
    "GIGGLES_PLAYER",
];
/// Variables that a run does not need.
const HARMLESS: [&str; 2] = ["NO_COLOR", "RUST_LOG"];
/// cron's PATH.
const CRON_PATH: [&str; 2] = ["/usr/bin", "/bin"];
/// The nightly script's default settings file.
const SETTINGS: &str = "nightly.env";
const INSTALLED: &str = "/opt/giggles/scripts/nightly.env";

/// The environment of this process.
#[derive(Default)]
pub struct Environment {
    /// Names and values. Values may be secrets and are never shown.
    pub variables: BTreeMap<String, String>,
    /// This program.
    pub program: Option<PathBuf>,
}

/// The file that the nightly script reads its settings from.
struct SettingsFile {
    path: PathBuf,
    text: String,
    /// The script refuses a file that others may read or write.
    is_private: bool,
}

impl Environment {
    /// The environment of this process.
    pub fn here() -> Environment {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let variables =
            crate::environment::vars_os().into_iter().map(|(name, value)| (text(name), text(value))).collect();
        Environment { variables, program: std::env::current_exe().ok() }
    }

    fn has(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Variables that a run here uses and that cron or systemd would not set.
    fn own(&self) -> Vec<&str> {
        let is_read = |name: &str| name.starts_with("GIGGLES_") && !NOT_OURS.contains(&name) || READ.contains(&name);
        let names = self.variables.keys().map(String::as_str).filter(|name| is_read(name) && self.has(name));
        names.filter(|name| !HARMLESS.contains(name)).collect()
    }

    /// The first settings file that exists.
    fn settings_file(&self) -> Option<SettingsFile> {
        let named = self.variables.get("GIGGLES_ENV_FILE").map(PathBuf::from);
        let beside = self.program.as_deref().and_then(Path::parent).map(|folder| folder.join(SETTINGS));
        let places = named.into_iter().chain(beside).chain([PathBuf::from(INSTALLED)]);
        places.into_iter().find_map(|path| {
            let mode = path.metadata().ok()?.permissions().mode();
            let text = std::fs::read_to_string(&path).ok()?;
            Some(SettingsFile { path, text, is_private: mode & 0o066 == 0 })
        })
    }
}

impl SettingsFile {
    fn sets(&self, name: &str) -> bool {
        let assigned = |line: &str| {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line);
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        };
        self.text.lines().any(assigned)
    }
}

/// The files that were read, and settings without a check of their own.
pub fn settings(visit: &Visit) -> Finding {
    let files = visit.settings.files.join("; ");
    match &visit.settings.others[..] {
        [] => Finding::ok(files),
        [one, others @ ..] => {
            let others = others.iter().map(ToString::to_string);
            Finding::fail(one.to_string(), "").with(others.chain([files]).collect())
        }
    }
}

/// Differences between this environment and that of cron or systemd.
pub fn scheduler(visit: &Visit) -> Finding {
    let settings = visit.settings;
    let environment = &settings.environment;
    let by_hand = environment.has("TERM");
    let who = if by_hand {
        "run by hand"
    } else if environment.has("INVOCATION_ID") {
        "run by systemd, with the settings of the nightly run"
    } else {
        "run without a terminal, as cron does it"
    };
    let file = environment.settings_file();
    let mut pitfalls = if by_hand { only_in_shell(environment, file.as_ref()) } else { Vec::new() };
    pitfalls.extend(relative(settings));
    pitfalls.extend(without_home(settings));
    pitfalls.extend(unlinked_credential(settings));
    pitfalls.extend(file.iter().filter(|file| !file.is_private).map(open_to_others));
    let mut notes: Vec<String> =
        file.iter().map(|file| format!("the nightly run has the settings in {}", file.path.display())).collect();
    notes.extend(off_path(environment));
    match pitfalls.len() {
        0 => Finding::ok(format!("{who}; a nightly run would have the same settings")).with(notes),
        _ => Finding::warn(format!("{who}; a run started by cron or systemd would differ:"), "").with(pitfalls),
    }
}

fn only_in_shell(environment: &Environment, file: Option<&SettingsFile>) -> Vec<String> {
    let own = environment.own();
    let lost: Vec<&str> = own.into_iter().filter(|name| !file.is_some_and(|file| file.sets(name))).collect();
    let place = file.map_or_else(|| SETTINGS.to_owned(), |file| file.path.display().to_string());
    let line = format!("set in this shell only: {}; write into {place} what the nightly run needs", lost.join(", "));
    if lost.is_empty() { Vec::new() } else { vec![line] }
}

/// cron starts in the home directory of its user, systemd in /.
fn relative(settings: &Settings) -> Vec<String> {
    let database = match &settings.database {
        Ok(Some(Location::Sqlite(file))) => Some(file.path.clone()),
        _ => None,
    };
    let folders = settings.paths.iter().flatten().filter(|path| !is_object_url(path)).cloned();
    let clips = settings.clips.as_ref().ok().and_then(Option::as_ref).map(|clips| clips.location.scratch_folder());
    let files = [database, clips, settings.metrics.clone(), settings.model_file.clone()].into_iter().flatten();
    let relative = folders.chain(files).filter(|path| path.is_relative());
    let line = |path: PathBuf| format!("'{}' is a relative path, for another folder; write it whole", path.display());
    relative.map(line).collect()
}

/// Without HOME the user's default database and password file are not found.
fn without_home(settings: &Settings) -> Option<String> {
    let without = !settings.environment.has("HOME");
    without.then(|| "HOME is not set: ~/.pgpass, ~/.postgresql and the default database are not found".to_owned())
}

/// `LoadCredential=` with a name that giggles does not read.
fn unlinked_credential(settings: &Settings) -> Option<String> {
    let folder = settings.environment.variables.get("CREDENTIALS_DIRECTORY")?;
    let is_there = Path::new(folder).join("database-url").exists();
    (!is_there).then(|| "systemd's credentials hold no database-url; write LoadCredential=database-url:FILE".to_owned())
}

fn open_to_others(file: &SettingsFile) -> String {
    let path = file.path.display();
    format!("{path} may be read or written by others, and the nightly script refuses it; chmod 600 {path}")
}

/// Only a note: giggles' example crontab uses the full path of the program.
fn off_path(environment: &Environment) -> Option<String> {
    let program = environment.program.as_deref()?;
    let folder = program.parent()?.to_str()?;
    let is_off = !CRON_PATH.contains(&folder);
    is_off.then(|| format!("cron does not find it by its name; write {}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { variables, program: None }
    }

    #[test]
    fn variables_set_only_in_the_shell_are_named_without_their_values() {
        let set = [
            ("DATABASE_URL", "sesame"),
            ("GIGGLES_TZ", "UTC"),
            ("GIGGLES_BIN", "/x"),
            ("PATH", "/bin"),
            ("PGPASSWORD", ""),
        ];
        let environment = environment(&set);
        assert_eq!(environment.own(), ["DATABASE_URL", "GIGGLES_TZ"]);
        let file = SettingsFile {
            path: "/n.env".into(),
            text: "# GIGGLES_TZ=\n  export DATABASE_URL='x'\n".into(),
            is_private: true,
        };
        let line = only_in_shell(&environment, Some(&file));
        assert_eq!(line, ["set in this shell only: GIGGLES_TZ; write into /n.env what the nightly run needs"]);
        assert!(!only_in_shell(&environment, None)[0].contains("sesame"));
    }
}
