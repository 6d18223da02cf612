//! What is installed around giggles, checked by the programs that will read it: systemd, Prometheus and its
//! node exporter, logrotate, sh.

mod prometheus;
mod rotation;
mod settings_file;
mod units;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::audio::file as repository;

/// A program of the system, or one that scripts/test.sh has unpacked. A missing one is a failure.
fn tool(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/lib/systemd/user-environment-generators"].map(PathBuf::from));
    folders.push(repository("target/tools/usr/bin"));
    folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("{name} is missing: it is in the Debian package {package}; scripts/test.sh fetches it")
    })
}

fn text(name: &str) -> String {
    fs::read_to_string(repository(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Both streams of a program that must succeed.
#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let (output, all) = outcome(command);
    assert!(output.status.success(), "{command:?}\n{all}");
    all
}

fn outcome(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let all = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned()).concat();
    (output, all)
}

/// What follows `NAME=` in a unit, or in any file of lines like it.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let of_line = |line: &'a str| line.strip_prefix(name)?.strip_prefix('=');
    text.lines().find_map(of_line).unwrap_or_else(|| panic!("there is no {name}="))
}

#[test]
fn the_readme_names_only_files_that_are_here() {
    let readme = text("deploy/README.md");
    let words = readme.split(|c: char| c.is_whitespace() || "`()|,;\"'".contains(c));
    let named = words.filter(|word| ["deploy/", "scripts/"].iter().any(|folder| word.starts_with(folder)));
    let named = named.filter(|word| !word.contains('*'));
    let named: Vec<&str> = named.map(|word| word.trim_end_matches(['.', ':'])).collect();
    assert!(named.len() > 8, "{named:?}");
    for name in named {
        assert!(repository(name).exists(), "{name}");
    }
    for name in files_below(repository("deploy")) {
        assert!(readme.contains(&name), "deploy/README.md does not say what {name} is for");
    }
}

/// Names of all files below.
fn files_below(folder: PathBuf) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            names.extend(files_below(entry.path()));
        } else if name != "README.md" {
            names.push(name);
        }
    }
    names
}
