//! Commands and flags, from `--help`, which clap makes from the definitions that parse the command line.

use super::{assert_page, code, table};
use crate::support::program::Place;

/// An argument of a command.
pub struct Argument {
    /// `-j, --threads <N>`
    pub spelling: String,
    /// Without the parts in brackets.
    pub meaning: String,
    /// Variables that give its value.
    pub variables: Vec<String>,
    pub default: String,
    pub values: String,
}

/// A command, `giggles scan`, and what its help says.
pub struct Command {
    pub name: String,
    pub about: String,
    pub usage: String,
    pub arguments: Vec<Argument>,
}

/// Every command of the program, those with subcommands before them.
pub fn commands() -> Vec<Command> {
    let (place, mut all, mut waiting) = (Place::new(), Vec::new(), vec![Vec::new()]);
    while let Some(words) = waiting.pop() {
        let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = place.run(&arguments).ends_with(0).stdout;
        let names = section(&help, "Commands:").into_iter().map(|(name, _)| name).filter(|name| name != "help");
        let below: Vec<Vec<String>> = names.map(|name| [&words[..], &[name]].concat()).collect();
        waiting.extend(below.into_iter().rev());
        all.push(command(&words, &help));
    }
    all
}

fn command(words: &[String], help: &str) -> Command {
    let name = [&["giggles".to_owned()], words].concat().join(" ");
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: ")).expect("a usage");
    let headings = help.lines().filter(|line| line.ends_with(':') && !line.starts_with(' '));
    let headings = headings.filter(|heading| !["Commands:", "Examples:"].contains(heading));
    let entries = headings.flat_map(|heading| section(help, heading)).filter(|(spelling, _)| is_argument(spelling));
    Command {
        name,
        about: help.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "),
        usage: usage.to_owned(),
        arguments: entries.map(|(spelling, text)| argument(spelling, &text)).collect(),
    }
}

fn is_argument(spelling: &str) -> bool {
    let is_common = ["-h, --help", "-V, --version"].contains(&spelling);
    spelling.starts_with(['-', '<', '[']) && !is_common
}

/// The entries below a heading: a spelling, then a text that continues on lines that are indented further.
fn section(help: &str, heading: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        match entries.last_mut() {
            _ if !text.is_empty() && indent <= 6 => {
                let (spelling, text) = text.split_once("  ").unwrap_or((text, ""));
                entries.push((spelling.to_owned(), text.trim().to_owned()));
            }
            Some((_, whole)) if !text.is_empty() => {
                let space = if whole.is_empty() { "" } else { " " };
                *whole += &format!("{space}{text}");
            }
            _ => {}
        }
    }
    entries
}

/// Splits `Use this [env: X, Y] [default: 3]`.
fn argument(spelling: String, text: &str) -> Argument {
    let bracket = |name: &str| {
        let (_, rest) = text.split_once(&format!("[{name}: "))?;
        Some(rest.split_once(']')?.0)
    };
    let starts = ["[env: ", "[default: ", "[possible values: ", "Possible values: "];
    let end = starts.iter().filter_map(|start| text.find(start)).min();
    let meaning = text[..end.unwrap_or(text.len())].trim().to_owned();
    let variables = bracket("env").unwrap_or_default().split(',').map(str::trim);
    let variables = variables.filter(|word| word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
    Argument {
        spelling,
        meaning,
        variables: variables.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        default: bracket("default").unwrap_or_default().to_owned(),
        values: bracket("possible values").map_or_else(|| listed_values(text), str::to_owned),
    }
}

/// The names in `Possible values: - text: Plain text - json: One object per line`.
fn listed_values(text: &str) -> String {
    let list = text.split_once("Possible values: ").map_or("", |(_, list)| list);
    let list = list.split(" [").next().unwrap_or_default();
    let names = list.split("- ").filter_map(|value| Some(value.split_once(':')?.0.trim()));
    names.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_of_commands_is_the_programs() {
    let commands = commands();
    assert!(commands.len() > 10, "{} commands", commands.len());
    let mut text = "`giggles help COMMAND` shows the same, with examples. Variables are described in \
                    [environment.md](environment.md).\n\n"
        .to_owned();
    for command in &commands {
        let rows = command.arguments.iter().map(|argument| {
            assert!(!argument.meaning.is_empty(), "{}: {} is not described", command.name, argument.spelling);
            let values = if argument.values.is_empty() { String::new() } else { format!(" ({})", argument.values) };
            let variables: Vec<String> = argument.variables.iter().map(|name| code(name)).collect();
            let meaning = argument.meaning.clone() + &values;
            [code(&argument.spelling), meaning, variables.join(", "), argument.default.clone()]
        });
        text +=
            &format!("## {}\n\n{}.\n\n    {}\n\n", command.name, command.about.trim_end_matches('.'), command.usage);
        text += &table(["flag", "meaning", "variable", "default"], rows);
        text.push('\n');
    }
    assert_page("commands.md", "Commands", &text);
}

#[test]
fn help_is_split_into_its_parts() {
    let help = "Analyze\n\nUsage: giggles scan [OPTIONS]\n\nOptions:\n  -j, --threads <N>\n          Use this many;\n          \
                0 means all [env: GIGGLES_THREADS] [default: 0]\n      --json  Write JSON\n  -h, --help  Print help\n\n\
                Examples:\n  giggles scan x\n";
    let command = command(&["scan".to_owned()], help);
    let [threads, json] = &command.arguments[..] else { panic!("{} arguments", command.arguments.len()) };
    assert_eq!((threads.spelling.as_str(), json.spelling.as_str()), ("-j, --threads <N>", "--json"));
    assert_eq!(threads.meaning, "Use this many; 0 means all");
    assert_eq!((&threads.variables[..], threads.default.as_str()), (&["GIGGLES_THREADS".to_owned()][..], "0"));
    assert_eq!((command.name.as_str(), json.meaning.as_str()), ("giggles scan", "Write JSON"));
}
