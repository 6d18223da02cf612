//! Completions and man pages: made from the command line's own definitions, and good enough for their readers.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::support::program::Place;

/// Every command, as `--help` lists them.
fn commands() -> Vec<String> {
    let help = Place::new().run(&["--help"]).ends_with(0).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every long flag of a command, as its `--help` shows them.
fn flags(command: &str) -> BTreeSet<String> {
    let help = Place::new().run(&[command, "--help"]).ends_with(0).stdout;
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let flag = |line: &str| line.split_whitespace().find_map(|word| word.strip_prefix("--").map(str::to_owned));
    // A wrapped text may begin a line with a flag as well, in a bracket or before a comma.
    let is_name = |letter: char| letter == '-' || letter.is_ascii_lowercase();
    lines.filter_map(flag).map(|flag| flag.chars().take_while(|letter| is_name(*letter)).collect()).collect()
}

fn completions(shell: &str) -> String {
    Place::new().run(&["completions", shell]).ends_with(0).stdout
}

/// A folder of all pages.
fn pages() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("man1")).unwrap();
    place.run(&["man", "man1"]).ends_with(0);
    place
}

fn is_installed(program: &str) -> bool {
    Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap().status.success()
}

/// The words that a program says of a file; it must end well.
fn judged(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    said
}

#[test]
fn completions_know_every_command_and_flag() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let text = completions(shell);
        for command in &commands {
            assert!(text.contains(command.as_str()), "{shell}: {command}");
            for flag in flags(command) {
                let spelled = if shell == "fish" { format!("-l {flag}") } else { format!("--{flag}") };
                assert!(text.contains(&spelled), "{shell}: {command} {spelled}");
            }
        }
    }
    assert!(flags("scan").len() > 25 && flags("prune").contains("older-than"));
}

#[test]
fn shells_accept_their_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let path = place.path(shell);
        fs::write(&path, completions(shell)).unwrap();
        if is_installed(shell) {
            assert_eq!(judged(shell, &["-n", path.to_str().unwrap()]), "", "{shell}");
        } else {
            assert_ne!(shell, "bash", "bash is missing");
        }
    }
}

/// What bash offers for the last of these words: sourced for real.
fn offered_by_bash(words: &[&str]) -> String {
    let place = Place::new();
    fs::write(place.path("giggles.bash"), completions("bash")).unwrap();
    let script = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
        _giggles giggles \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; echo ${COMPREPLY[*]}";
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).arg(place.path("giggles.bash")).args(words).current_dir(place.path("."));
    let output = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn bash_completes_commands_and_values() {
    assert_eq!(offered_by_bash(&["giggles", "pr"]), "prune");
    let values: [(&[&str], &str); 7] = [
        (&["scan", "--threshold", ""], "sensitive normal strict"),
        (&["redetect", "--threshold", "st"], "strict"),
        (&["scan", "--views", ""], "1 3 5"),
        (&["status", "--date", "y"], "yesterday"),
        (&["scan", "--ping-service", "up"], "uptime-kuma"),
        (&["report", "--embed", ""], "all none auto"),
        (&["export", "--format", "rav"], "raven"),
    ];
    for (words, expected) in values {
        assert_eq!(offered_by_bash(&[&["giggles"], words].concat()), expected, "{words:?}");
    }
}

#[test]
fn fish_completes_commands_and_values() {
    if !is_installed("fish") {
        return eprintln!("fish is not installed");
    }
    let place = Place::new();
    fs::write(place.path("giggles.fish"), completions("fish")).unwrap();
    fs::create_dir(place.path("laughs")).unwrap();
    let offered = |line: &str| {
        let script = "source giggles.fish; complete --do-complete $argv[1]";
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", script, line]).current_dir(place.path(".")).env("HOME", place.path("."));
        let output = fish.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(offered("giggles pr"), ["prune"]);
    assert_eq!(offered("giggles scan --threshold st"), ["strict"]);
    assert_eq!(offered("giggles scan --log-format j"), ["json"]);
    assert_eq!(offered("giggles scan --clips la"), ["laughs/"]);
}

/// Its completions need a terminal, so the script that was accepted (above) is read.
#[test]
fn zsh_completes_values() {
    let script = completions("zsh");
    let expected = [
        "SCORE:(sensitive normal strict)",
        ":FOLDER:_files -/",
        ":FILE:_files",
        ":URL:_urls",
        ":FORMAT:((text\\:",
        ":DAY:(today yesterday)",
        ":NAME:(cronitor sentry ",
    ];
    for values in expected {
        assert!(script.contains(values), "{values} is not in\n{script}");
    }
}

#[test]
fn every_command_has_a_page_with_all_its_flags() {
    let place = pages();
    let main = fs::read_to_string(place.path("man1/giggles.1")).unwrap();
    assert_eq!(main, place.run(&["man"]).ends_with(0).stdout);
    let commands = commands();
    // And the program's own, those of `giggles review add`, `import` and `reset`, and of `giggles config check`, `init`
    // and `show`.
    assert_eq!(fs::read_dir(place.path("man1")).unwrap().count(), commands.len() + 7);
    let import = fs::read_to_string(place.path("man1/giggles-review-import.1")).unwrap();
    assert!(import.contains("\\-\\-dry\\-run") && import.contains("giggles review import"), "{import}");
    for command in commands {
        assert!(main.contains(&format!("giggles\\-{command}(1)")), "{command} is not in\n{main}");
        let page = fs::read_to_string(place.path(format!("man1/giggles-{command}.1"))).unwrap();
        for flag in flags(&command) {
            let spelled = format!("\\-\\-{}", flag.replace('-', "\\-"));
            assert!(page.contains(&spelled), "{command}: {flag} is not in\n{page}");
        }
        let has_table = page.contains("Exit codes (");
        let heading = if has_table { ".SH EXAMPLES AND EXIT STATUS\n" } else { ".SH EXAMPLES\n" };
        assert!(page.contains(heading) && page.contains("Examples:"), "{page}");
        assert!(has_table || page.contains("lists the exit codes of all commands"), "{page}");
    }
}

#[test]
fn pages_are_the_same_on_every_machine() {
    let place = Place::new();
    let page = place.run(&["man"]).ends_with(0).stdout;
    let portable = place
        .command(&["man"])
        .env("GIGGLES_CPU", "portable")
        .env("COLUMNS", "40")
        .env("GIGGLES_LOG_FORMAT", "emf")
        .output()
        .unwrap();
    assert_eq!(page, String::from_utf8(portable.stdout).unwrap());
    assert!(!page.contains("cpu "), "{page}");
}

#[test]
fn formatters_have_nothing_to_say_of_the_pages() {
    let place = pages();
    assert!(is_installed("man") || is_installed("mandoc"), "install man-db or mandoc: a page nobody has read is none");
    for page in fs::read_dir(place.path("man1")).unwrap().flatten() {
        let page = page.path();
        let page = page.to_str().unwrap();
        if is_installed("man") {
            assert_eq!(judged("man", &["--warnings", "-l", page]), "", "{page}");
        }
        if is_installed("mandoc") {
            judged("mandoc", &["-T", "lint", "-W", "error", page]);
        }
    }
}

#[test]
fn a_page_reads_as_it_was_written() {
    let place = pages();
    let page = place.path("man1/giggles-prune.1");
    let (program, arguments): (_, &[&str]) =
        if is_installed("man") { ("man", &["-l"]) } else { ("mandoc", &["-T", "utf8"]) };
    let output = Command::new(program).args(arguments).arg(page).env("MANWIDTH", "120").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "giggles prune --older-than 30d --clips clips --dry-run",
        "Exit codes (new ones may come",
        "all sources] [env: GIGGLES_SOURCE]",
    ] {
        let found = text.lines().find(|shown| shown.contains(line));
        assert!(found.is_some(), "{line:?} is not a line of\n{text}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_wrong_setting() {
    let place = Place::new();
    place.run(&["man", "nowhere"]).ends_with(78).complains_of("nowhere is not a folder; create it");
    place.run(&["completions", "tcsh"]).ends_with(2);
    assert_eq!(place.run(&["man", "-q"]).ends_with(0).stdout, "");
}

/// A file that was renamed would be missed only when somebody makes the package.
#[test]
fn what_the_package_takes_from_the_repository_is_there() {
    let manifest = fs::read_to_string(crate::support::audio::file("Cargo.toml")).unwrap();
    let assets = manifest.lines().filter_map(|line| line.strip_prefix("    [\"")?.split('"').next());
    let ours: Vec<&str> = assets.filter(|asset| !asset.starts_with("target/")).collect();
    assert!(ours.len() >= 10 && ours.contains(&"models/LICENSE-YAMNET"), "{ours:?}");
    for asset in ours {
        let path = asset.trim_end_matches("*.md");
        assert!(crate::support::audio::file(path).exists(), "{asset}");
    }
}
