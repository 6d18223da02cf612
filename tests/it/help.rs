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
}

#[test]
fn the_version_names_the_model_and_the_cpu() {
    let version = printed(&["--version"]);
    let lines: Vec<&str> = version.lines().collect();
    assert_eq!(lines[0], format!("giggles {}", env!("CARGO_PKG_VERSION")));
    let sum = std::fs::read_to_string(crate::support::audio::file("models/yamnet.safetensors.sha256")).unwrap();
    assert_eq!(lines[1], format!("model {}", sum.split_whitespace().next().unwrap()));
    assert!(["cpu amx", "cpu avx512", "cpu avx2", "cpu portable"].contains(&lines[2]), "{version}");
    let place = Place::new();
    let portable = place.command(&["--version"]).env("GIGGLES_CPU", "portable").output().unwrap();
    assert!(String::from_utf8(portable.stdout).unwrap().ends_with("cpu portable\n"));
}
