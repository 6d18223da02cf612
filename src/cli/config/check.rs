//! `giggles config check`: what is wrong in the settings file, by the checks of the commands that use it.

use std::fs;
use std::path::Path;

use clap::Args;
use giggles::environment;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::object_store::is_object_url;
use giggles::text::pluralize;

use crate::cli::database_url::read_private;
use crate::cli::settings::file::{Entry, Problem};
use crate::cli::settings::keys::{Kind, PROFILES, Secret, WITHOUT_KEY, all};
use crate::cli::settings::layers::{Layers, SettingsFile, layers, usual_paths};
use crate::cli::settings::{Given, nearest};
use crate::cli::{help_end_without_codes, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles config check
      check the settings file that every command reads
  giggles --config new.toml config check
      check another file

An error is what ends a command with 78: an unknown key, a value that is not accepted, a password that other users can
read. A warning is what may be right: a folder that does not exist, a ping URL that other users can read.";

/// `giggles config check` has no flags of its own.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {}

/// Errors and warnings, each with its place.
#[derive(Default)]
struct Found {
    errors: Vec<String>,
    warnings: Vec<String>,
}

pub fn run(quiet: bool, wrong: Option<Fatal>) -> Result<Exit, Fatal> {
    let layers = layers();
    let mut found = Found::default();
    match &layers.file {
        Some(file) => check(file, &mut found),
        None => found.errors.extend(wrong.as_ref().map(Fatal::to_string)),
    }
    // An error of the env file.
    let is_new =
        |error: &String| layers.file.as_ref().and_then(SettingsFile::error).is_none_or(|own| own.to_string() != *error);
    let other = wrong.as_ref().map(Fatal::to_string).filter(|error| is_new(error) && !found.errors.contains(error));
    found.errors.extend(other);
    found.warnings.extend(unknown_variables());
    show(&layers, &found, quiet)?;
    Ok(if found.errors.is_empty() { Exit::Complete } else { Exit::Config })
}

fn show(layers: &Layers, found: &Found, quiet: bool) -> Result<(), Fatal> {
    if quiet {
        found.errors.iter().for_each(|error| log::error!("{error}"));
        return Ok(());
    }
    let lines =
        |word: &str, texts: &[String]| texts.iter().map(|text| format!("{word:<6}{text}\n")).collect::<String>();
    let counts = |found: &Found| {
        let parts = [(found.errors.len(), "error"), (found.warnings.len(), "warning")];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| pluralize(count, word)).collect();
        if parts.is_empty() { "nothing is wrong".to_owned() } else { parts.join(" and ") }
    };
    let verdict = match layers.path() {
        Some(path) => format!("{}: {}\n", path.display(), counts(found)),
        None if found.errors.is_empty() => {
            let usual: Vec<String> = usual_paths().iter().map(|path| path.display().to_string()).collect();
            format!("there is no settings file ({}); giggles config init writes one\n", usual.join(", "))
        }
        None => format!("{}\n", counts(found)),
    };
    print_text(&(lines("error", &found.errors) + &lines("warn", &found.warnings) + &verdict))
}

fn check(file: &SettingsFile, found: &mut Found) {
    let parsed = &file.parsed;
    let place = |problem: &Problem| format!("line {}, column {}: {}", problem.line, problem.column, problem.text);
    found.errors.extend(parsed.problems.iter().map(place));
    for entry in &parsed.entries {
        check_entry(entry, entry.key.path(), found);
    }
    for profile in &parsed.profiles {
        for entry in &profile.entries {
            check_entry(entry, format!("{PROFILES}.{}.{}", profile.name, entry.key.in_source), found);
        }
    }
    exclusive(file, "url", "url_file", found);
    exclusive(file, "password_file", "password_command", found);
    let open = |what: &str| {
        format!("{what} is readable by other users of this machine; run chmod 600 {}", file.path.display())
    };
    if file.is_open && file.holds(Secret::Password) {
        found.errors.push(open("the file holds a password and"));
    } else if file.is_open && file.holds(Secret::Url) {
        found.warnings.push(open("the file holds a ping URL and"));
    }
}

/// By the check of the commands, and what the file system says.
fn check_entry(entry: &Entry, name: String, found: &mut Found) {
    let by = format!("line {}: {name}", entry.line);
    let text = entry.values.first().cloned().unwrap_or_default();
    if text.is_empty() {
        return;
    }
    let given = Given { by: by.clone(), name, text: text.clone() };
    if let Err(error) = (entry.key.check)(&given) {
        found.errors.push(error.to_string());
    }
    let is_private = ["url_file", "password_file"].contains(&entry.key.name);
    match (entry.key.kind, entry.key.name) {
        (Kind::Path, _) if is_private => {
            let wrong = read_private(Path::new(&text)).err();
            found.errors.extend(wrong.map(|why| format!("{by}: {text} {why}")));
        }
        (Kind::Paths, _) | (Kind::Path, "folder" | "model") => {
            let missing =
                entry.values.iter().filter(|path| !is_object_url(Path::new(path)) && fs::metadata(path).is_err());
            found.warnings.extend(missing.map(|path| format!("{by}: {path} does not exist; is its disk mounted?")));
        }
        _ => {}
    }
}

/// Two keys of [database] of which one is to be set.
fn exclusive(file: &SettingsFile, one: &str, other: &str, found: &mut Found) {
    let has =
        |name: &str| file.parsed.entries.iter().find(|entry| entry.key.group == "database" && entry.key.name == name);
    if let (Some(one), Some(other)) = (has(one), has(other)) {
        let line = one.line.max(other.line);
        found.errors.push(format!(
            "line {line}: {} and {} are both set; keep one of them",
            one.key.path(),
            other.key.path()
        ));
    }
}

/// Variables that look like those of giggles.
fn unknown_variables() -> Vec<String> {
    let known = || all().map(|key| key.variable).chain(WITHOUT_KEY.iter().map(|(name, _)| *name));
    let names = environment::vars_os().into_keys().filter_map(|name| name.into_string().ok());
    let unknown = names.filter(|name| name.starts_with("GIGGLES_") && !known().any(|known| known == name));
    let advice = |name: &str| nearest(known(), name).map_or(String::new(), |known| format!("; did you mean {known}?"));
    unknown.map(|name| format!("{name} is not a variable of giggles{}", advice(&name))).collect()
}
