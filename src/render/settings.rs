//! The effective settings of `giggles config show`: lines for people, one JSON document for programs.
//!
//! Invariant: shows the values that it is given; who gives them has masked what is secret.

use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION};
use crate::domain::{Field, field};
use crate::text::escape;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(String),
    Variable(String),
    /// File, line and variable.
    EnvFile(String, usize, String),
    /// File and line.
    SettingsFile(String, usize),
    Default,
}

/// A setting and its value.
#[derive(Debug, Clone)]
pub struct SettingView {
    /// `detection.threshold`
    pub key: String,
    /// None: not set.
    pub value: Option<String>,
    pub origin: Origin,
    pub flag: &'static str,
    pub variable: &'static str,
    /// Its name in `[source.NAME]`; empty if it has none.
    pub in_source: &'static str,
    /// Empty if there is none.
    pub default: String,
    pub meaning: &'static str,
}

/// All settings, and the files that were read.
#[derive(Debug, Default)]
pub struct SettingsView {
    pub settings_file: Option<String>,
    pub env_file: Option<String>,
    /// The source whose profile counts.
    pub profile: Option<String>,
    pub settings: Vec<SettingView>,
    /// The names of `[source.NAME]`.
    pub profiles: Vec<String>,
}

impl Origin {
    fn kind(&self) -> &'static str {
        match self {
            Origin::Flag(_) => "flag",
            Origin::Variable(_) => "variable",
            Origin::EnvFile(..) => "env_file",
            Origin::SettingsFile(..) => "settings_file",
            Origin::Default => "default",
        }
    }

    /// `GIGGLES_TZ in /etc/giggles/nightly.env, line 3`
    fn text(&self) -> String {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => name.clone(),
            Origin::EnvFile(file, line, name) => format!("{name} in {file}, line {line}"),
            Origin::SettingsFile(file, line) => format!("{file}, line {line}"),
            Origin::Default => "default".to_owned(),
        }
    }

    fn place(&self) -> (Option<&str>, Option<usize>) {
        match self {
            Origin::EnvFile(file, line, _) | Origin::SettingsFile(file, line) => (Some(file), Some(*line)),
            _ => (None, None),
        }
    }
}

/// One line a setting: key, value, origin.
pub fn text(view: &SettingsView) -> String {
    let file = |name: &str, file: &Option<String>| {
        format!("{name:<15}{}\n", file.as_deref().map_or("none".to_owned(), escape))
    };
    let mut text = file("settings file", &view.settings_file) + &file("env file", &view.env_file);
    text += &match (&view.profile, &view.profiles[..]) {
        (Some(name), _) => format!("{:<15}{}\n", "profile", escape(name)),
        (None, []) => String::new(),
        (None, names) => format!("{:<15}{}; --source NAME shows one\n", "profiles", escape(&names.join(", "))),
    };
    text.push('\n');
    let shown = |setting: &SettingView| setting.value.as_deref().map_or("-".to_owned(), escape);
    let width = |cells: &mut dyn Iterator<Item = String>| cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
    let keys = width(&mut view.settings.iter().map(|setting| setting.key.clone()));
    // One long value does not move the others.
    let values = width(&mut view.settings.iter().map(shown).filter(|value| value.chars().count() <= LONGEST));
    for setting in &view.settings {
        let (value, origin) = (shown(setting), escape(&setting.origin.text()));
        text += &format!("{:<keys$}  {value:<values$}  {origin}\n", setting.key);
    }
    text
}

/// Characters of the longest value that the column is as wide as.
const LONGEST: usize = 40;

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("settings_file", "string or null", "the settings file that was read"),
    field("env_file", "string or null", "the file of `--env-file`"),
    field("profile", "string or null", "the source whose `[source.NAME]` counts"),
    field("profiles[]", "string", "all `[source.NAME]`, in the order of the file"),
    field("settings[].key", "string", "group and name in the settings file"),
    field("settings[].value", "string or null", "the effective value, secrets masked; null: not set"),
    field("settings[].origin", "string", "`flag`, `variable`, `env_file`, `settings_file` or `default`"),
    field("settings[].file", "string or null", "the file that the value is in"),
    field("settings[].line", "number or null", "the line in that file"),
    field("settings[].flag", "string or null", "the flag"),
    field("settings[].variable", "string or null", "the environment variable"),
    field(
        "settings[].in_source",
        "string or null",
        "its name in `[source.NAME]`; null: it is the same for all sources",
    ),
    field("settings[].default", "string or null", "the value without a setting; null: see `meaning`"),
    field("settings[].meaning", "string", "what it sets"),
];

/// All settings as one document, with a line break at the end.
pub fn document(view: &SettingsView) -> String {
    let document = json!({
        "spec_version": SPEC_VERSION,
        "settings_file": view.settings_file,
        "env_file": view.env_file,
        "profile": view.profile,
        "profiles": view.profiles,
        "settings": view.settings.iter().map(setting).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn setting(setting: &SettingView) -> Value {
    let (file, line) = setting.origin.place();
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "key": setting.key,
        "value": setting.value,
        "origin": setting.origin.kind(),
        "file": file,
        "line": line,
        "flag": or_null(setting.flag),
        "variable": or_null(setting.variable),
        "in_source": or_null(setting.in_source),
        "default": or_null(&setting.default),
        "meaning": setting.meaning,
    })
}
