//! `--help` and `--version` as they are printed. What every help text must have is checked in `src/cli/tests.rs`.

use crate::support::program::Place;

fn printed(arguments: &[&str]) -> String {
    let said = Place::new().run(arguments).ends_with(0);
    assert_eq!(said.stderr, "");
    said.stdout
}

#[test]
fn help_is_printed_on_standard_output_with_its_examples_and_exit_codes() {
    for arguments in [&["--help"][..], &["help", "scan"], &["scan", "--help"], &["review", "import", "--help"]] {
        let help = printed(arguments);
        let parts = ["\nUsage: giggles", "\nOptions:\n", "\nExamples:\n  giggles ", "\nExit codes"];
        for part in parts {
            assert!(help.contains(part), "{part:?} is not in {help}");
        }
    }
    assert_eq!(printed(&["help", "scan"]), printed(&["scan", "--help"]));
    let other = printed(&["completions", "--help"]);
    assert!(!other.contains("Exit codes") && other.contains("giggles --help lists the exit codes"), "{other}");
}

#[test]
fn the_version_names_the_model_and_the_cpu() {
    let version = printed(&["--version"]);
    let lines: Vec<&str> = version.lines().collect();
    assert_eq!(lines[0], format!("giggles {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(lines[1], format!("model {}", yamnet_weights::SHA256));
    assert!(["cpu amx", "cpu avx512", "cpu avx2", "cpu portable"].contains(&lines[2]), "{version}");
    let place = Place::new();
    let portable = place.command(&["--version"]).env("GIGGLES_CPU", "portable").output().unwrap();
    assert!(String::from_utf8(portable.stdout).unwrap().ends_with("cpu portable\n"));
}

/// A line is as long as the terminal allows: the first word of the next one would not have fitted.
#[test]
fn help_has_no_ragged_lines() {
    let place = Place::new();
    for columns in [80, 100] {
        for command in ["scan", "report", "status", "redetect", "serve", "config", "export", "days", "review"] {
            let help = place.command(&[command, "--help"]).env("COLUMNS", columns.to_string()).output().unwrap();
            let help = String::from_utf8(help.stdout).unwrap();
            let lines: Vec<&str> = help.lines().collect();
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{command} at {columns}:\n{help}");
            let indent = |line: &str| line.len() - line.trim_start().len();
            for pair in lines.windows(2).filter(|pair| indent(pair[0]) == indent(pair[1])) {
                let is_text = |line: &str| {
                    !line.trim().is_empty() && indent(line) != 2 && !line.trim_start().starts_with(['-', '['])
                };
                let next = pair[1].split_whitespace().next().unwrap_or_default();
                let fits = pair[0].chars().count() + 1 + next.chars().count() <= columns;
                let is_ragged = is_text(pair[0]) && is_text(pair[1]) && fits && !pair[0].ends_with(':');
                assert!(!is_ragged, "{command} at {columns}:\n{}\n{}", pair[0], pair[1]);
            }
        }
    }
}
