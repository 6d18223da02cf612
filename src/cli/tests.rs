//! The flags that documents, scripts and examples use are those of clap.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};

use super::Cli;

/// What names flags to users.
const READ: [&str; 6] = ["README.md", "docs", "deploy", "scripts", "crontab.example", "RELEASING.md"];

fn texts(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| texts(&entry.unwrap().path(), found));
    } else if let Ok(text) = fs::read_to_string(path) {
        found.push((path.to_owned(), text.replace("\\\n", " ")));
    }
}

fn flags(command: &Command) -> BTreeSet<String> {
    command.get_arguments().filter_map(|flag| Some(format!("--{}", flag.get_long()?))).collect()
}

/// The words of a shell command in a text that start with `--`, without value and quotation.
fn flags_in(text: &str) -> impl Iterator<Item = &str> {
    let command = text.split(['`', '|', ';', '#', '>', ')']).next().unwrap_or_default();
    let is_flag = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = command.split([' ', '"', '\'', '[', '(']).filter(|word| word.starts_with("--"));
    words.filter_map(move |word| word.split(|c: char| !is_flag(c)).next()).filter(|flag| flag.len() > 2)
}

#[test]
fn every_flag_in_documents_is_one_of_its_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    READ.iter().for_each(|path| texts(&root.join(path), &mut found));
    let mut command = Cli::command();
    command.build();
    let (mut faults, mut checked) = (Vec::new(), 0);
    for (path, text) in &found {
        for line in text.lines() {
            for subcommand in command.get_subcommands() {
                let calls = format!("giggles {} ", subcommand.get_name());
                let nested = subcommand.get_subcommands().flat_map(flags);
                let known: BTreeSet<String> = flags(subcommand).into_iter().chain(nested).collect();
                for flag in line.split(&calls).skip(1).flat_map(flags_in) {
                    checked += 1;
                    if !known.contains(flag) {
                        faults.push(format!("{}: {calls}{flag}: {line}", path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 30, "{checked} flags were found");
}

#[test]
fn every_flag_has_a_help_text() {
    let mut command = Cli::command();
    command.build();
    for subcommand in command.get_subcommands() {
        for flag in subcommand.get_arguments() {
            let name = subcommand.get_name();
            assert!(flag.get_help().is_some(), "giggles {name}: {} has no help", flag.get_id());
        }
    }
}
