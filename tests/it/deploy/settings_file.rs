//! nightly.env means the same to sh, which cron's script lets read it, and to systemd's EnvironmentFile=.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::deploy::{repository, text, tool};
use crate::support::program::{Place, said};

const SOURCES: [&str; 9] = [
    "plain",
    "two  words # and no comment; nor this",
    r#"she said "ha""#,
    "it's neil's 'own'",
    "$HOME ${HOME} $$ $(id) `id`",
    r"back\slash \n \\ \",
    r"\",
    "100 % ! ~ * ? [a] {b} <c> | & %h %%",
    "Gekicher, größer als я",
];

/// A value between single quotes, as nightly.env.example says.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r#"'"'"'"#))
}

/// With a recording, and settings in nightly.env.
fn place(source: &str) -> Place {
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "crow.flac")]);
    let settings = [
        ("GIGGLES_BIN", env!("CARGO_BIN_EXE_giggles").to_owned()),
        ("GIGGLES_RECORDINGS", place.recordings().display().to_string()),
        ("DATABASE_URL", place.sqlite()),
        ("GIGGLES_SOURCE", source.to_owned()),
    ];
    let lines = settings.map(|(name, value)| format!("{name}={}\n", quoted(&value)));
    fs::write(place.path("nightly.env"), format!("# A comment's $HOME and 'quote\n\n{}", lines.concat())).unwrap();
    fs::set_permissions(place.path("nightly.env"), fs::Permissions::from_mode(0o600)).unwrap();
    place
}

/// The source that a run has stored.
fn stored(place: &Place) -> String {
    let database = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    database.query_row("SELECT source FROM runs", [], |row| row.get(0)).unwrap()
}

#[test]
fn sh_reads_every_value_as_it_is() {
    for source in SOURCES {
        let place = place(source);
        let mut command = Command::new("/bin/sh");
        command.arg(repository("scripts/nightly_processing.sh")).env_clear();
        said(command.env("GIGGLES_ENV_FILE", place.path("nightly.env"))).ends_with(0);
        assert_eq!(stored(&place), source);
    }
}

/// The generator reads with the code that reads EnvironmentFile=, then replaces $NAME, which that one does
/// not; `$$` gives it back its $.
fn read_by_systemd(folder: &Path, file: &Path) -> String {
    let generator = tool("30-systemd-environment-d-generator", "systemd");
    fs::create_dir_all(folder.join("environment.d")).unwrap();
    let settings = fs::read_to_string(file).unwrap().replace('$', "$$");
    fs::write(folder.join("environment.d/nightly.conf"), settings).unwrap();
    let output = Command::new(generator).env_clear().env("XDG_CONFIG_HOME", folder).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn systemd_reads_every_value_as_it_is() {
    for source in SOURCES {
        let place = place(source);
        let variables = read_by_systemd(&place.path("config"), &place.path("nightly.env"));
        let line = format!("set -a\n{variables}\nexec \"$GIGGLES_BIN\" scan");
        said(Command::new("/bin/sh").args(["-c", &line]).env_clear()).ends_with(0);
        assert_eq!(stored(&place), source);
    }
}

#[test]
fn the_example_is_read_alike() {
    let place = Place::new();
    let example = text("scripts/nightly.env.example").replace("\n#GIGGLES_", "\nGIGGLES_");
    fs::write(place.path("nightly.env"), &example).unwrap();
    let shown = |line: String| {
        let said = said(Command::new("/bin/sh").args(["-c", &line]).env_clear()).ends_with(0);
        let mut lines: Vec<String> = said.stdout.lines().map(str::to_owned).collect();
        lines.retain(|line| line.starts_with("GIGGLES_") || line.starts_with("DATABASE_URL="));
        lines.sort();
        lines
    };
    let by_sh = shown(format!("set -a; . {}; env", place.path("nightly.env").display()));
    let variables = read_by_systemd(&place.path("config"), &place.path("nightly.env"));
    assert_eq!(shown(format!("set -a\n{variables}\nenv")), by_sh);
    assert_eq!(by_sh.len(), 11, "{by_sh:?}");
}
