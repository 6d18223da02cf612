//! The settings file: TOML to the text of each setting, with its line.
//!
//! Invariant: the only module that names the crate `toml`. No problem repeats a value or a line of the file, which may
//! contain a password: a message names the place, the key and what is accepted there.

use std::ops::Range;
use std::path::{Path, PathBuf};

use giggles::environment;
use giggles::object_store::is_object_url;
use giggles::store::is_plain_path;
use giggles::text::escape;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{GROUPS, Key, Kind, PROFILES, all};
use super::nearest::{nearest_group, nearest_in_source, nearest_key};

/// A setting of the file.
pub struct Entry {
    pub key: &'static Key,
    /// As a flag would have it; several folders, or the words of a command.
    pub values: Vec<String>,
    pub line: usize,
}

/// `[source.NAME]`
pub struct Profile {
    pub name: String,
    pub line: usize,
    pub entries: Vec<Entry>,
}

/// What is wrong in the file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub column: usize,
    pub text: String,
}

/// The settings of a file, and what is wrong in it. What is understood is there also if the rest is wrong: a run that
/// ends for it still notifies its monitors.
#[derive(Default)]
pub struct Parsed {
    pub entries: Vec<Entry>,
    pub profiles: Vec<Profile>,
    pub problems: Vec<Problem>,
}

/// Reads the text of a file in this folder.
pub fn parse(text: &str, folder: &Path) -> Parsed {
    let mut reader = Reader { text, folder, parsed: Parsed::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        // The parser's descriptions are fixed texts.
        reader.problem(at, format!("is not valid TOML: {}", error.message()));
    }
    // With an error, tables may be in the wrong place; what is unknown would be reported twice.
    if reader.parsed.problems.is_empty() {
        reader.document(table.get_ref());
    }
    reader.parsed.problems.sort_by_key(|problem| (problem.line, problem.column));
    reader.parsed
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    parsed: Parsed,
}

type Table<'a> = DeTable<'a>;

impl Reader<'_> {
    /// Line and column of a position, from 1; columns count characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn problem(&mut self, at: usize, text: String) {
        let (line, column) = self.position(at);
        self.parsed.problems.push(Problem { line, column, text });
    }

    fn document(&mut self, table: &Table) {
        for (name, value) in table.iter() {
            let (group, at) = (name.get_ref().as_ref(), name.span());
            match value.get_ref() {
                DeValue::Table(profiles) if group == PROFILES => self.profiles(profiles),
                DeValue::Table(settings) if GROUPS.iter().any(|(name, _)| *name == group) => {
                    let entries = self.entries(group, settings);
                    self.parsed.entries.extend(entries);
                }
                DeValue::Table(_) => {
                    let advice = nearest_group(group);
                    self.problem(at.start, format!("[{}] is not a group; {advice}", shown(group)));
                }
                _ if group == PROFILES => self.problem(at.start, "source is a table: write [source.NAME]".to_owned()),
                _ => {
                    let advice = nearest_key("", group);
                    self.problem(at.start, format!("unknown key {}; {advice}", shown(group)));
                }
            }
        }
    }

    fn entries(&mut self, group: &str, settings: &Table) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, value) in settings.iter() {
            match all().find(|key| key.group == group && key.name == name.get_ref().as_ref()) {
                Some(key) => entries.extend(self.entry(key, &key.path(), name.span(), value)),
                None => {
                    let text = format!("unknown key {group}.{}", shown(name.get_ref()));
                    self.problem(name.span().start, format!("{text}; {}", nearest_key(group, name.get_ref())));
                }
            }
        }
        entries
    }

    fn profiles(&mut self, profiles: &Table) {
        for (name, value) in profiles.iter() {
            let (at, named) = (name.span().start, name.get_ref().trim().to_owned());
            match value.get_ref() {
                DeValue::Table(_) if named.is_empty() => {
                    self.problem(at, "[source.NAME] has an empty name".to_owned());
                }
                DeValue::Table(_) if self.parsed.profiles.iter().any(|profile| profile.name == named) => {
                    self.problem(at, format!("[source.{}] is there twice", shown(&named)));
                }
                DeValue::Table(settings) => {
                    let entries = self.profile_entries(&named, settings);
                    let line = self.position(at).0;
                    self.parsed.profiles.push(Profile { name: named, line, entries });
                }
                _ => {
                    let text = "[source] holds profiles; write [source.NAME], or [recordings] source = \"NAME\"";
                    self.problem(at, text.to_owned());
                }
            }
        }
        // In the order of the file, which is the order of --all-sources.
        self.parsed.profiles.sort_by_key(|profile| profile.line);
    }

    fn profile_entries(&mut self, source: &str, settings: &Table) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, value) in settings.iter() {
            let path = format!("{PROFILES}.{}.{}", shown(source), shown(name.get_ref()));
            match all().find(|key| !key.in_source.is_empty() && key.in_source == name.get_ref().as_ref()) {
                Some(key) => entries.extend(self.entry(key, &path, name.span(), value)),
                None => {
                    let text = format!("unknown key {path}; {}", nearest_in_source(name.get_ref()));
                    self.problem(name.span().start, text);
                }
            }
        }
        entries
    }

    fn entry(&mut self, key: &'static Key, path: &str, at: Range<usize>, value: &Spanned<DeValue>) -> Option<Entry> {
        match values(key.kind, value.get_ref(), self.folder) {
            Some(values) => Some(Entry { key, values, line: self.position(at.start).0 }),
            None => {
                let kind = value.get_ref().type_str();
                let place = value.span().start;
                self.problem(place, format!("{path} is of type {kind}; write {}", accepted(key)));
                None
            }
        }
    }
}

/// A name in a message: in one line, and not longer than one.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    let more = if short.len() < name.len() { "…" } else { "" };
    escape(&short) + more
}

/// What to write, with an example.
fn accepted(key: &Key) -> String {
    let kind = match key.kind {
        Kind::Text | Kind::Path | Kind::Database => "a text in quotes",
        Kind::Score => "a text in quotes or a number",
        Kind::Number => "a number, without quotes",
        Kind::Switch | Kind::Not => "true or false",
        Kind::Program => "true, false, or a path in quotes",
        Kind::Paths => "a text in quotes, or several in brackets",
        Kind::Command => "the program and its arguments in brackets, each in quotes",
    };
    let default = (key.default)();
    match (default.is_empty(), key.example) {
        (false, _) => format!("{kind}, such as {} = {}", key.name, written(key.kind, &default)),
        (true, example) => format!("{kind}, such as {} = {example}", key.name),
    }
}

/// A value as the file has it, from its text.
pub fn written(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Number | Kind::Switch | Kind::Not => text.to_owned(),
        Kind::Score if text.parse::<f64>().is_ok() => text.to_owned(),
        Kind::Program if ["true", "false"].contains(&text) => text.to_owned(),
        _ => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// The texts of a value; None if it has another type.
fn values(kind: Kind, value: &DeValue, folder: &Path) -> Option<Vec<String>> {
    let one = |text: &str| Some(vec![text.to_owned()]);
    match (kind, value) {
        (Kind::Text | Kind::Score, DeValue::String(text)) => one(text),
        (Kind::Program, DeValue::String(text)) if text.contains('/') => one(&absolute(text, folder)),
        (Kind::Program, DeValue::String(text)) => one(text),
        (Kind::Path | Kind::Paths, DeValue::String(text)) => one(&absolute(text, folder)),
        (Kind::Database, DeValue::String(text)) => one(&absolute_database(text, folder)),
        (Kind::Score | Kind::Number, DeValue::Integer(number)) => {
            let decimal = i64::from_str_radix(number.as_str(), number.radix()).map(|number| number.to_string());
            // A number that is too large is refused by the check of its setting.
            one(&decimal.unwrap_or_else(|_| number.as_str().to_owned()))
        }
        (Kind::Score | Kind::Number, DeValue::Float(number)) => one(number.as_str()),
        (Kind::Switch | Kind::Program, DeValue::Boolean(is_on)) => one(&is_on.to_string()),
        (Kind::Not, DeValue::Boolean(is_on)) => one(&(!is_on).to_string()),
        (Kind::Paths, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(|text| absolute(text, folder)));
            texts.collect()
        }
        (Kind::Command, DeValue::Array(items)) if !items.is_empty() => {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}

/// A path of the file counts from the folder of the file; `~/` is the user's home. A command reads the same file in every
/// folder that it is started in.
fn absolute(text: &str, folder: &Path) -> String {
    if text.is_empty() || is_object_url(Path::new(text)) {
        return text.to_owned();
    }
    let home = || environment::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let below_home = text.strip_prefix("~/").or((text == "~").then_some("")).and_then(|rest| Some(home()?.join(rest)));
    let path = below_home.unwrap_or_else(|| folder.join(text));
    // The file is UTF-8, and so is what is written in it.
    path.into_os_string().into_string().unwrap_or_else(|_| text.to_owned())
}

/// The same for `sqlite:PATH` and the path of a database.
fn absolute_database(text: &str, folder: &Path) -> String {
    if is_plain_path(text) {
        return absolute(text.trim(), folder);
    }
    match text.trim().strip_prefix("sqlite:") {
        Some(path) if !path.starts_with("//") && !path.starts_with(':') && !path.is_empty() => {
            format!("sqlite:{}", absolute(path, folder))
        }
        _ => text.to_owned(),
    }
}
