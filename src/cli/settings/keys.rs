//! The keys of the settings file, one row a key. A flag or a variable becomes a setting of the file by a row here.
//!
//! Invariant: every `GIGGLES_…` variable has a row, or is in `WITHOUT_KEY` with the reason.

mod running;
mod scanning;

use giggles::error::Fatal;

use self::running::RUNNING;
use self::scanning::SCANNING;
use super::Given;

/// How a value is written in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A string or a number.
    Score,
    Number,
    /// true gives the flag.
    Switch,
    /// false gives the flag: `normalize = false` is `--no-normalize`.
    Not,
    /// true, or the path of a program.
    Program,
    /// The path of a file or folder.
    Path,
    /// One path, or an array of them.
    Paths,
    /// The address of a database, which may be a path.
    Database,
    /// A program and its arguments.
    Command,
}

/// What a value may give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    No,
    /// It may contain a password, and is shown with the password masked.
    Password,
    /// Who has it can write where it leads; only its host is shown.
    Url,
}

/// A setting of the file.
pub struct Key {
    pub group: &'static str,
    pub name: &'static str,
    /// Its name in `[source.NAME]`; empty if it is the same for all sources.
    pub in_source: &'static str,
    /// Empty if no flag sets it.
    pub flag: &'static str,
    /// Empty if no variable sets it.
    pub variable: &'static str,
    pub kind: Kind,
    pub secret: Secret,
    /// Empty if there is none, or if it depends on the machine; `meaning` then tells it.
    pub default: fn() -> String,
    /// As `config init` writes it if there is no default.
    pub example: &'static str,
    pub meaning: &'static str,
    /// The check of the commands that use it.
    pub check: fn(&Given) -> Result<(), Fatal>,
}

impl Key {
    /// `detection.threshold`
    pub fn path(&self) -> String {
        format!("{}.{}", self.group, self.name)
    }
}

/// Groups in the order of `config init`, and what is in them.
pub const GROUPS: [(&str, &str); 7] = [
    ("database", "Where results are stored."),
    ("recordings", "What is scanned, and how its times are read."),
    ("detection", "What counts as a laugh."),
    ("clips", "The sound of each laugh."),
    ("notify", "Who is notified of a run."),
    ("run", "How a run works."),
    ("serve", "Pages of days over HTTP (giggles serve)."),
];

/// The table whose tables are profiles: `[source.NAME]`.
pub const PROFILES: &str = "source";

/// A key without default, example, secret and check, of which `KEYS` changes what differs.
const fn key(group: &'static str, name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    Key {
        group,
        name,
        in_source: "",
        flag: "",
        variable: "",
        kind,
        secret: Secret::No,
        default: String::new,
        example: "",
        meaning,
        check: |_| Ok(()),
    }
}

/// Variables that no key of the file sets, and why.
pub const WITHOUT_KEY: &[(&str, &str)] = &[
    ("GIGGLES_CONFIG", "names the file"),
    ("GIGGLES_ENV_FILE", "names the file of variables"),
    ("GIGGLES_RUN_ID", "is of one run"),
    ("GIGGLES_CPU", "is for tests"),
    ("GIGGLES_TILES", "is for tests"),
    ("GIGGLES_BIN", "is of the nightly script, which starts the program"),
    ("GIGGLES_TOKENS", "holds secrets; the file has serve.token_file"),
    ("GIGGLES_TEST_POSTGRES", "is for tests"),
];

fn done<T>(checked: Result<T, Fatal>) -> Result<(), Fatal> {
    checked.map(drop)
}

/// All keys, by group.
pub fn all() -> impl Iterator<Item = &'static Key> + Clone {
    SCANNING.iter().chain(RUNNING)
}

/// The key that a flag sets.
pub fn of_flag(flag: &str) -> Option<&'static Key> {
    all().find(|key| !key.flag.is_empty() && key.flag == flag)
}

/// The key of a variable.
pub fn of_variable(variable: &str) -> Option<&'static Key> {
    all().find(|key| !key.variable.is_empty() && key.variable == variable)
}
