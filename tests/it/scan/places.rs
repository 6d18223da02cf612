//! Where the rows go: the flag, a file with the URL, the environment, systemd's credential, the user's own folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::scan::OTHER;
use crate::support::homes::{Home, InPostgres};
use crate::support::program::{Place, said};

/// A run with a database in every place below the best; gives the names of those that were made.
fn made(place: &Place, change: impl FnOnce(&mut Command)) -> Vec<String> {
    let mut command = place.command(&["scan", "recordings"]);
    change(&mut command);
    said(&mut command).ends_with(0);
    let entries = fs::read_dir(place.path("")).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".db").map(str::to_owned)).collect()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn url_in(place: &Place, file: &str, database: &str) {
    let path = place.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_private(&path, &format!("sqlite:{database}.db\n"));
}

fn with_files() -> Place {
    let place = Place::with(&[OTHER]);
    url_in(&place, "credentials/database-url", "credential");
    url_in(&place, "url.txt", "file");
    place
}

fn below_the_environment(place: &Place, command: &mut Command) {
    command.env("CREDENTIALS_DIRECTORY", place.path("credentials")).env("XDG_DATA_HOME", place.path("xdg"));
}

#[test]
fn the_flag_is_heeded_first() {
    let place = with_files();
    let made = made(&place, |command| {
        below_the_environment(&place, command);
        command.env("DATABASE_URL", "sqlite:environment.db").env("GIGGLES_DATABASE", "sqlite:other.db");
        command.args(["--database", "sqlite:flag.db"]);
    });
    assert_eq!(made, ["flag"]);
}

#[test]
fn then_the_file_with_the_url() {
    let place = with_files();
    let made = made(&place, |command| {
        below_the_environment(&place, command);
        command.env("DATABASE_URL", "sqlite:environment.db").args(["--database-url-file", "url.txt"]);
    });
    assert_eq!(made, ["file"]);
}

#[test]
fn a_flag_wins_over_the_environment_of_the_other_flag() {
    let place = with_files();
    let file_over = made(&place, |command| {
        command.env("GIGGLES_DATABASE", "sqlite:environment.db").args(["--database-url-file", "url.txt"]);
    });
    assert_eq!(file_over, ["file"]);
    let place = with_files();
    let flag_over = made(&place, |command| {
        command.env("GIGGLES_DATABASE_URL_FILE", "url.txt").args(["--database", "sqlite:flag.db"]);
    });
    assert_eq!(flag_over, ["flag"]);
}

#[test]
fn then_the_environment() {
    let place = with_files();
    let made = made(&place, |command| {
        below_the_environment(&place, command);
        command.env("DATABASE_URL", "sqlite:environment.db");
    });
    assert_eq!(made, ["environment"]);
}

#[test]
fn then_the_credential_of_systemd() {
    let place = with_files();
    let made = made(&place, |command| below_the_environment(&place, command));
    assert_eq!(made, ["credential"]);
    assert!(!place.path("xdg").exists());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn then_the_users_own_folder_which_nobody_else_reads() {
    let place = with_files();
    let default = place.path("home/.local/share/giggles/giggles.db");
    let said_it = said(&mut place.command(&["scan", "recordings"])).ends_with(0);
    assert!(said_it.stdout.contains(&format!("stored in sqlite:{}", default.display())), "{}", said_it.stdout);
    assert_eq!(mode(&default), 0o600);
    assert_eq!(mode(default.parent().unwrap()), 0o700);
    said(place.command(&["scan", "recordings"]).env("XDG_DATA_HOME", place.path("xdg"))).ends_with(0);
    assert_eq!(mode(&place.path("xdg/giggles/giggles.db")), 0o600);
}

#[test]
fn a_credential_may_name_a_postgres() {
    let (place, home) = (Place::with(&[OTHER]), InPostgres::new());
    write_private(&place.path("database-url"), &home.url());
    let mut command = place.command(&["scan", "recordings"]);
    said(command.env("CREDENTIALS_DIRECTORY", place.path(""))).ends_with(0);
    assert_eq!(home.count("recordings"), 1);
}

#[test]
fn settings_are_read_from_the_environment() {
    let place = Place::with(&[OTHER]);
    let mut command = place.command(&["scan"]);
    command.env("GIGGLES_RECORDINGS", place.recordings()).env("GIGGLES_DATABASE", place.sqlite());
    command.env("GIGGLES_SOURCE", "neil").env("GIGGLES_TZ", "Europe/Berlin").env("GIGGLES_THRESHOLD", "strict");
    said(&mut command).ends_with(0);
    let row = "SELECT count(*) FROM runs WHERE source = 'neil' AND zone = 'Europe/Berlin' AND analysis LIKE '%\"onset_threshold\":0.0%'";
    assert_eq!(place.number(row), 1);
}

#[test]
fn a_span_by_flags_wins_over_the_day_of_the_environment() {
    let place = Place::with(&[(OTHER.0, "20251024_130000.flac")]);
    let mut command = place.scan_into(&place.sqlite(), &[]);
    said(command.env("GIGGLES_DATE", "2025-10-23")).ends_with(4);
    let mut command = place.scan_into(&place.sqlite(), &["--from", "2025-10-24"]);
    said(command.env("GIGGLES_DATE", "2025-10-23")).ends_with(0);
}
