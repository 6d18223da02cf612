//! What the README says is so: its queries run, its table of exit codes is the program's, its second
//! command is what CI runs.

use crate::support::postgres as postgres_server;
use std::path::{Path, PathBuf};
use std::process::Command;

use giggles::exit::Exit;
use postgres::NoTls;
use postgres_server::Postgres;

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).unwrap()
}

/// The statements of the README's block of SQL.
fn queries() -> Vec<String> {
    let readme = readme();
    let block = readme.split("```sql").nth(1).unwrap().split("```").next().unwrap();
    let queries: Vec<String> =
        block.split(';').map(str::trim).filter(|query| !query.is_empty()).map(str::to_owned).collect();
    assert_eq!(queries.len(), 4);
    queries
}

/// Hears a laugh and a broken file.
fn past_run(database: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(repository("fixtures/evening/20251024_130000.WAV"), folder.path().join("20251024_130000.WAV"))
        .unwrap();
    std::fs::write(folder.path().join("broken.ogg"), "nothing to analyze").unwrap();
    let program = env!("CARGO_BIN_EXE_giggles");
    let output =
        Command::new(program).args(["scan", "--tz", "UTC", "--database", database]).arg(folder.path()).output();
    assert_eq!(output.unwrap().status.code(), Some(3));
}

#[test]
fn the_queries_run_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("laughs.db");
    past_run(&format!("sqlite:{}", file.display()));
    let database = rusqlite::Connection::open(file).unwrap();
    let rows = queries()
        .iter()
        .map(|query| database.prepare(query).unwrap().query_map([], |_| Ok(())).unwrap().count())
        .collect::<Vec<_>>();
    assert_eq!(rows, [1, 1, 1, 1]);
}

#[test]
fn the_queries_run_on_postgres() {
    let server = Postgres::start();
    past_run(&server.url);
    let mut client = postgres::Client::connect(&server.url, NoTls).unwrap();
    let rows: Vec<usize> = queries().iter().map(|query| client.query(query, &[]).unwrap().len()).collect();
    assert_eq!(rows, [1, 1, 1, 1]);
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    let readme = readme();
    let (_, rest) = readme.split_once("| code | meaning |\n|---|---|\n").expect("the table of exit codes");
    let rows: Vec<&str> = rest.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows, Exit::ALL.map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())));
}

#[test]
fn ci_runs_the_second_command() {
    let ci = std::fs::read_to_string(repository(".ci/run")).unwrap();
    let command = ci.lines().rfind(|line| !line.trim().is_empty()).unwrap();
    assert_eq!(command, "exec scripts/test.sh");
    assert!(readme().contains("\nscripts/test.sh\n"));
}

/// The pictures are small, and made by scripts/screenshots.sh.
#[test]
fn the_pictures_exist() {
    let readme = readme();
    let pictures = readme.split("![").skip(1).map(|rest| rest.split(['(', ')']).nth(1).unwrap());
    let pictures: Vec<&str> = pictures.collect();
    assert_eq!(pictures, ["docs/images/evening.png", "docs/images/terminal.svg"]);
    for name in pictures {
        let bytes = std::fs::read(repository(name)).unwrap();
        assert!((1_000..200_000).contains(&bytes.len()), "{name}: {} bytes", bytes.len());
        assert!(bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"<svg "), "{name}");
    }
}

/// A fresh clone, and the README's commands for the page, with the program in the place of `cargo run --release --`.
#[test]
fn two_commands_lead_to_the_page_of_the_fixtures() {
    let readme = readme();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("cargo run --release -- ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let clone = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(repository("fixtures")).arg(clone.path()).status().unwrap();
    assert!(copied.success());
    for command in commands {
        let mut program = Command::new(env!("CARGO_BIN_EXE_giggles"));
        program.args(command.split(' ')).current_dir(clone.path()).env_clear().env("HOME", clone.path());
        let output = program.env("PATH", std::env::var("PATH").unwrap()).output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {messages}");
    }
    let page = std::fs::read_to_string(clone.path().join("evening.html")).unwrap();
    assert!(page.contains("24 October 2025") && page.contains("20251024_190000-20251024_190800.ogg"));
    assert!(page.contains("id=\"number\">14<"), "the number of laughs");
}

/// Texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn rust_code(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.extension() {
        _ if path.is_dir() => rust_code(&path),
        Some(extension) if extension == "rs" => std::fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_test_and_file_that_reliability_names_exists() {
    let text = std::fs::read_to_string(repository("docs/reliability.md")).unwrap();
    let code: String = ["src", "tests", "crates"].map(|folder| rust_code(&repository(folder))).concat();
    let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let names = quoted(&text).filter_map(|quoted| quoted.rsplit("::").next());
    // A name of three underscores is a sentence: a test.
    let tests: Vec<&str> = names.filter(|name| is_word(name) && name.matches('_').count() > 2).collect();
    let roots = ["src/", "tests/", "crates/", "scripts/", "deploy/", "fuzz/"];
    let files: Vec<&str> = quoted(&text).filter(|name| roots.iter().any(|root| name.starts_with(root))).collect();
    assert!(tests.len() > 100 && files.len() > 50, "{} tests, {} files", tests.len(), files.len());
    let missing_tests = tests.iter().filter(|name| !code.contains(&format!("fn {name}(")));
    let missing_files =
        files.iter().map(|file| file.split(' ').next().unwrap()).filter(|file| !repository(file).exists());
    let missing: Vec<&str> = missing_tests.copied().chain(missing_files).collect();
    assert!(missing.is_empty(), "docs/reliability.md names what does not exist: {missing:?}");
}
