//! The end of a help text: examples, and the table of exit codes where it applies.

use giggles::exit::Exit;

/// How the table of exit codes begins.
pub const EXIT_CODES: &str = "Exit codes (";

/// The end of the help of a command whose exit code says what was found: its examples, and the table of exit codes.
pub fn help_end(examples: &str) -> String {
    let rows = Exit::ALL.map(|exit| format!("  {}\n      {}", exit.code(), exit.meaning()));
    let title = "new ones may come; an unknown code means failure):";
    format!("{}\n\n{EXIT_CODES}{title}\n{}", joined(examples), rows.join("\n"))
}

/// The end of the help of the other commands.
pub fn help_end_without_codes(examples: &str) -> String {
    format!("{}\n\ngiggles --help lists the exit codes of all commands.", joined(examples))
}

/// Joins the lines of each paragraph, which clap breaks where the terminal ends; indented lines stay.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
    for (before, line) in std::iter::once("").chain(text.lines()).zip(text.lines()) {
        let continues = is_prose(before) && is_prose(line);
        joined += if continues { " " } else { "\n" };
        joined += line;
    }
    joined.trim_start().to_owned()
}
