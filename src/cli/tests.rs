//! The flags that documents, scripts and examples use are those of clap; help texts are complete and true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory};
use giggles::exit::Exit;

use super::{Cli, settings};

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

/// A command with its words behind `giggles`.
type Named = (Vec<String>, Command);

/// Every command of the program, the program itself first.
fn commands() -> Vec<Named> {
    let mut program = Cli::command();
    program.build();
    let (mut all, mut waiting) = (Vec::new(), vec![(Vec::new(), program)]);
    while let Some((words, command)) = waiting.pop() {
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        let named = |below: &Command| ([&words[..], &[below.get_name().to_owned()]].concat(), below.clone());
        waiting.extend(below.map(named).collect::<Vec<Named>>().into_iter().rev());
        all.push((words, command));
    }
    assert!(all.len() > 10, "{} commands", all.len());
    all
}

/// Its own arguments, without those of clap.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
}

#[test]
fn every_command_and_every_argument_has_a_help_text() {
    for (words, command) in commands() {
        assert!(command.get_about().is_some(), "giggles {words:?}");
        for argument in arguments(&command) {
            assert!(argument.get_help().is_some(), "giggles {words:?}: {} has no help", argument.get_id());
        }
    }
}

/// Commands whose exit code says what was found or stored.
const WITH_CODES: [&str; 11] =
    ["", "scan", "doctor", "status", "days", "report", "export", "verify", "redetect", "prune", "review import"];

#[test]
fn every_command_has_examples_and_where_they_apply_exit_codes() {
    for (words, command) in commands() {
        let help = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
        let named = words.join(" ");
        let example = ["  giggles".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ");
        assert!(help.starts_with("Examples:\n") && names(&help, &example), "{example}: {help}");
        let codes = help.split_once("Exit codes").map(|(_, codes)| codes);
        assert_eq!(codes.is_some(), WITH_CODES.contains(&named.as_str()), "giggles {named}");
        for exit in Exit::ALL.iter().filter(|_| codes.is_some()) {
            let row = format!("\n  {}\n      {}", exit.code(), exit.meaning());
            assert!(help.contains(&row), "{row:?} is not in {help}");
        }
    }
}

/// A paragraph is one line, which clap breaks at any width; a line that is broken by hand would be broken twice.
#[test]
fn paragraphs_of_help_are_not_broken_by_hand() {
    for (words, command) in commands() {
        let help = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
        let lines: Vec<&str> = help.lines().collect();
        let broken = lines.windows(2).find(|pair| is_prose(pair[0]) && is_prose(pair[1]));
        assert_eq!(broken, None, "giggles {words:?}");
    }
}

/// Whether a line is this command, with or without arguments.
fn names(help: &str, command: &str) -> bool {
    help.lines().any(|line| line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
}

/// Who knows a flag of one command knows it of all.
#[test]
fn a_flag_has_the_same_short_form_in_every_command_and_a_value_in_all_or_none() {
    let mut seen = BTreeMap::new();
    for (words, command) in commands() {
        for argument in arguments(&command) {
            let Some(long) = argument.get_long() else { continue };
            let form = (argument.get_short(), argument.get_action().takes_values());
            let (first, known) = seen.entry(long.to_owned()).or_insert((words.clone(), form));
            assert_eq!(*known, form, "--{long} of giggles {words:?} differs from that of giggles {first:?}");
        }
    }
    assert!(seen.len() > 40, "{} flags", seen.len());
}

/// The examples of a help text: lines that begin with `giggles`, with those that continue them.
fn examples(help: &str) -> Vec<Vec<String>> {
    let help = help.replace("\\\n", " ");
    let lines = help.lines().filter_map(|line| line.strip_prefix("  giggles "));
    let commands = lines.map(words_of).map(|words| {
        words.into_iter().take_while(|word| !["<", ">", "|"].contains(&word.as_str())).collect::<Vec<_>>()
    });
    commands.collect()
}

/// The words of a command line; what stands between single quotes is one word.
fn words_of(line: &str) -> Vec<String> {
    let parts = line.split('\'').zip([false, true].into_iter().cycle());
    let words = parts.flat_map(|(part, is_quoted)| {
        if is_quoted { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    words.collect()
}

#[test]
fn examples_are_commands_that_parse() {
    for (words, command) in commands() {
        let help = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
        let examples = examples(&help);
        assert!(!examples.is_empty(), "giggles {words:?}");
        for example in examples {
            let parsed = Cli::command().try_get_matches_from(["giggles".to_owned()].iter().chain(&example));
            let error = parsed.err().filter(|error| error.kind() != ErrorKind::DisplayHelp);
            assert!(error.is_none(), "giggles {example:?}: {error:?}");
        }
    }
}

#[test]
fn the_help_of_threshold_has_the_scores_of_its_names() {
    let commands = commands();
    let (_, scan) = commands.iter().find(|(words, _)| words[..] == ["scan"]).unwrap();
    let flag = scan.get_arguments().find(|flag| flag.get_long() == Some("threshold")).unwrap();
    let help = flag.get_help().unwrap().to_string();
    for name in ["sensitive", "normal", "strict"] {
        let logit = settings::threshold(Some(name)).unwrap();
        let text = format!("{name} ({:.2})", yamnet::sigmoid(logit));
        assert!(help.contains(&text), "{text} is not in {help}");
    }
}
