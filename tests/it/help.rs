//! `--help` and `--version`: complete, with examples, and true.

use crate::support::program::Place;

/// The commands in the program's own help.
fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let commands = lines.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help");
    let commands: Vec<String> = commands.map(str::to_owned).collect();
    assert!(commands.len() > 10, "{commands:?}");
    commands
}

fn help(arguments: &[&str]) -> String {
    let said = Place::new().run(arguments).ends_with(0);
    assert_eq!(said.stderr, "");
    said.stdout
}

#[test]
fn every_command_has_examples_and_exit_codes() {
    for command in &commands() {
        let help = help(&[command, "--help"]);
        let example = format!("  giggles {command} ");
        assert!(help.contains("Examples:\n") && help.contains(&example), "{help}");
        assert_codes(&help);
    }
    let help = help(&["--help"]);
    assert!(help.contains("scan  ") && help.contains("scores  "), "{help}");
    assert!(help.contains("status  ") && help.contains("doctor  "), "{help}");
    for command in ["  verify ", "  review ", "  explain ", "  prune ", "  completions ", "  man "] {
        assert!(help.contains(command), "{help}");
    }
    assert!(help.contains("Examples:\n  giggles scan "), "{help}");
    assert_codes(&help);
}

fn assert_codes(help: &str) {
    let (_, codes) = help.split_once("Exit codes").expect("exit codes");
    for code in ["  0  ", "  1  ", "  2  ", "  3  ", "  4  ", " 75  ", " 78  ", "129  ", "130  ", "143  "] {
        assert!(codes.contains(code), "{code:?} is not in {codes}");
    }
}

#[test]
fn every_flag_of_the_conventions_is_there() {
    let scan = help(&["scan", "--help"]);
    for flag in [
        "--database <",
        "--database-url-file <",
        "--date <",
        "--from <",
        "--to <",
        "--tz <",
        "--name-tz <",
        "--source <",
        "--threshold <",
        "--merge-gap <",
        "--min-patches <",
        "--padding <",
        "--no-normalize",
        "--model <",
        "-j, --threads <",
        "-n, --dry-run",
        "-q, --quiet",
        "-v, --verbose",
        "--json",
        "--ndjson",
        "--force",
        "--strict",
        "--allow-empty",
        "--ping-url <",
        "--ping-service <",
        "--no-start-ping",
        "--metrics-file <",
        "--log-format <",
        "--shard <",
    ] {
        assert!(scan.contains(flag), "{flag} is not in\n{scan}");
    }
    let verify = help(&["verify", "--help"]);
    for flag in ["--clips <", "--delete-orphans", "--json", "--source <", "--database <", "-q, --quiet"] {
        assert!(verify.contains(flag), "{flag} is not in\n{verify}");
    }
    let prune = help(&["prune", "--help"]);
    for flag in ["--older-than <", "--clips <", "--rows", "-n, --dry-run", "--tz <", "--source <", "--database <"] {
        assert!(prune.contains(flag), "{flag} is not in\n{prune}");
    }
    let import = help(&["review", "import", "--help"]);
    for flag in ["<FILE>", "-n, --dry-run", "--json", "--database <", "--database-url-file <", "-q, --quiet"] {
        assert!(import.contains(flag), "{flag} is not in\n{import}");
    }
    assert!(import.contains("Examples:\n  giggles review import "), "{import}");
    assert_codes(&import);
    let review = help(&["review", "--help"]);
    for flag in
        ["--all", "--clips <", "--date <", "--from <", "--to <", "--source <", "  add ", "  import ", "  reset "]
    {
        assert!(review.contains(flag), "{flag} is not in\n{review}");
    }
    for (command, flags) in [
        ("add", ["<FILE>", "<START>", "<END>", "--verdict <", "--comment <", "--recordings <", "--source <"]),
        ("reset", ["--before <", "--restore", "-n, --dry-run", "--tz <", "--source <", "--database <", "-q, --quiet"]),
    ] {
        let help = help(&["review", command, "--help"]);
        assert!(help.contains(&format!("Examples:\n  giggles review {command} ")), "{help}");
        assert!(flags.iter().all(|flag| help.contains(flag)), "{help}");
        assert_codes(&help);
    }
    let scores = help(&["scores", "--help"]);
    for flag in ["--top <", "--all", "--from <", "--to <", "--format <", "table, csv, json", "--normalize", "--model <"]
    {
        assert!(scores.contains(flag), "{flag} is not in\n{scores}");
    }
}

#[test]
fn thresholds_have_their_names() {
    let scan = help(&["scan", "--help"]);
    assert!(scan.contains("sensitive (0.33), normal (0.40), strict (0.50)"), "{scan}");
}

#[test]
fn examples_are_commands_that_parse() {
    let place = Place::new();
    for command in &commands() {
        let text = help(&[command, "--help"]).replace("\\\n", " ");
        let examples: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  giggles ")).collect();
        assert!(examples.len() >= 2, "{text}");
        for example in examples {
            let words: Vec<&str> =
                example.split_whitespace().take_while(|word| !["<", ">", "|"].contains(word)).collect();
            let code = place.run(&words).code;
            assert_ne!(code, 2, "wrong usage: giggles {example}");
        }
    }
}

#[test]
fn the_version_names_the_model_and_the_cpu() {
    let version = help(&["--version"]);
    let lines: Vec<&str> = version.lines().collect();
    assert_eq!(lines[0], format!("giggles {}", env!("CARGO_PKG_VERSION")));
    let sum = std::fs::read_to_string(crate::support::audio::file("models/yamnet.safetensors.sha256")).unwrap();
    assert_eq!(lines[1], format!("model {}", sum.split_whitespace().next().unwrap()));
    assert!(["cpu amx", "cpu avx512", "cpu avx2", "cpu portable"].contains(&lines[2]), "{version}");
    let place = Place::new();
    let portable = place.command(&["--version"]).env("GIGGLES_CPU", "portable").output().unwrap();
    assert!(String::from_utf8(portable.stdout).unwrap().ends_with("cpu portable\n"));
}
