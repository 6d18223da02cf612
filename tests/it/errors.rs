//! What a person reads at seven in the morning: which recording or setting, what happened, what to do.
//!
//! The texts stand here as they are; only paths, ports and times that differ from run to run are written
//! as `[words]`. Change one here only after reading it as that person.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::support::hostile;
use crate::support::program::{Place, said};
use giggles::domain::RecordingError;
use insta::assert_snapshot;
use sha2::{Digest, Sha256};

const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");

/// Standard error without what differs from run to run.
fn text(place: &Place, command: &mut Command) -> String {
    let said = said(command);
    assert_ne!(said.code, 0);
    plain(&said.stderr, place)
}

fn plain(stderr: &str, place: &Place) -> String {
    let folder = place.path("").display().to_string();
    stderr.trim_end().replace(folder.trim_end_matches('/'), "[folder]")
}

fn scan(flags: &[&str]) -> String {
    let place = Place::with(&[OTHER]);
    text(&place, &mut place.scan_into(&place.sqlite(), flags))
}

fn store(url: &str) -> String {
    let place = Place::with(&[OTHER]);
    text(&place, &mut place.scan_into(url, &[]))
}

fn environment(name: &str, value: &str) -> String {
    let place = Place::with(&[OTHER]);
    text(&place, place.command(&["scan", "recordings"]).env(name, value))
}

#[test]
fn recordings_that_cannot_be_analyzed() {
    let place = hostile::place();
    let stderr = hostile::scan(&place, &[]).stderr;
    assert_snapshot!(plain(&stderr, &place), @r"
    giggles: warn: flipped.ogg: bytes between its pages that are not Ogg, skipped: 9284
    giggles: warn: flipped.ogg: damaged pages (wrong checksum), skipped: 1
    giggles: warn: flipped.ogg: gaps, filled with silence: 1
    giggles: warn: the date of 3 recordings may be wrong, first cut.ogg: only the modification time dates them, and other files have the same within seconds, as after a copy or a download; copy with times preserved (cp -p, rsync -t), or name them like 20251024_130000.wav
    giggles: error: cut.ogg: ends too early, at 0:00:00.9: the file stops inside a page; if the recorder still has it, copy it again
    giggles: error: empty.wav: is empty (0 bytes); the recorder wrote nothing into it
    giggles: error: escape\x1b[31m\x0a.wav: holds no audio that giggles can decode: it is a text (JSON)
    giggles: error: header.wav: holds no audio that giggles can decode: its header is complete, but no samples follow
    giggles: error: locked.wav: cannot be read: permission denied; check its permissions and the disk
    giggles: error: text.wav: holds no audio that giggles can decode: its first bytes match no known audio format; if it is audio, scan it with --ffmpeg, or convert it: ffmpeg -i text.wav text.flac
    giggles: error: zeros.wav: holds no audio that giggles can decode: it starts with zeros only
    giggles: error: closed: cannot be read: permission denied; check its permissions and the disk
    giggles: error: dangling.wav: cannot be read: it is a symbolic link to a file that does not exist; check its permissions and the disk
    giggles: error: device.wav: is not a regular file (a device); giggles reads files only
    giggles: error: loop.wav: cannot be read: Too many levels of symbolic links; check its permissions and the disk
    giggles: error: pipe.wav: is not a regular file (a pipe); giggles reads files only
    giggles: error: socket.wav: is not a regular file (a socket); giggles reads files only
    giggles: error: up: is not a regular file (a symbolic link to a folder that contains it); giggles reads files only
    giggles: error: flipped.ogg: is partial: 1.00 s are missing, 0:00:00.9 - 0:00:01.9 (1.00 s of sound are missing here)
    ");
}

#[test]
fn strict() {
    let place = Place::with(&[OTHER]);
    place.write("empty.wav", b"");
    assert_snapshot!(text(&place, &mut place.scan_into(&place.sqlite(), &["--strict"])), @r#"
giggles: error: nothing was stored, since --strict is given and 1 recording failed:
  empty.wav: is empty (0 bytes); the recorder wrote nothing into it
"#);
}

#[test]
fn every_reason_a_recording_can_fail_for() {
    let at = Duration::from_millis(3_723_400);
    let reason = || "the reason".to_owned();
    let all = [
        RecordingError::Unreadable { reason: reason().into() },
        RecordingError::Vanished,
        RecordingError::Changed,
        RecordingError::NotAFile { what: "a pipe".into() },
        RecordingError::Empty,
        RecordingError::Unsupported { what: reason().into() },
        RecordingError::Ffmpeg { reason: reason().into() },
        RecordingError::Corrupt { reason: reason().into(), at },
        RecordingError::Truncated { reason: reason().into(), at },
        RecordingError::Panicked { message: reason() },
    ];
    let lines = all.iter().map(|error| format!("day/20251024_130000.ogg: {error}"));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
day/20251024_130000.ogg: cannot be read: the reason; check its permissions and the disk
day/20251024_130000.ogg: vanished after it was found; was the disk unmounted or the file moved?
day/20251024_130000.ogg: was replaced or cut short while it was analyzed; the next run analyzes the new content
day/20251024_130000.ogg: is not a regular file (a pipe); giggles reads files only
day/20251024_130000.ogg: is empty (0 bytes); the recorder wrote nothing into it
day/20251024_130000.ogg: holds no audio that giggles can decode: the reason
day/20251024_130000.ogg: could not be decoded by ffmpeg: the reason; is it audio, and is ffmpeg up to date?
day/20251024_130000.ogg: is damaged at 1:02:03.4: the reason; if the recorder still has it, copy it again
day/20251024_130000.ogg: ends too early, at 1:02:03.4: the reason; if the recorder still has it, copy it again
day/20251024_130000.ogg: made giggles panic (the reason); this is a bug, please report it with the file
"#);
}

#[test]
fn no_recordings() {
    let place = Place::new();
    let texts =
        [&[][..], &["--date", "2025-10-24"]].map(|flags| text(&place, &mut place.scan_into(&place.sqlite(), flags)));
    assert_snapshot!(texts.join("\n"), @r#"
giggles: error: no recordings in recordings; is the disk mounted? (use --allow-empty if this is expected)
giggles: error: no recordings in the requested time range in recordings; is the disk mounted, and are the date and --tz correct? (use --allow-empty if this is expected)
"#);
}

#[test]
fn no_such_folder() {
    let place = Place::new();
    assert_snapshot!(text(&place, &mut place.command(&["scan", "-n", "/media/recorder/of/yesterday"])), @r#"
giggles: error: '/media/recorder/of/yesterday' does not exist; check the path and that its disk is mounted
"#);
}

#[test]
fn no_folder_at_all() {
    let place = Place::new();
    assert_snapshot!(text(&place, &mut place.command(&["scan", "-n"])), @r#"
giggles: error: no recordings given: name a folder, or set GIGGLES_RECORDINGS or recordings.folder
"#);
}

#[test]
fn times_and_zones() {
    let all = [
        scan(&["--date", "24.10.2025"]),
        scan(&["--from", "noon"]),
        scan(&["--from", "2025-10-25", "--to", "2025-10-24"]),
        scan(&["--tz", "Los Angeles"]),
        scan(&["--tz", "PDT"]),
        scan(&["--name-tz", "Mars/Olympus"]),
        environment("GIGGLES_DATE", "24.10.2025"),
    ];
    assert_snapshot!(all.join("\n"), @r#"
giggles: error: --date: '24.10.2025' is not a date; give YYYY-MM-DD, today, yesterday or 7 days ago
giggles: error: --from: 'noon' is not a time; give 2025-10-24T13:00, a date, or with a zone 2025-10-24T13:00:00Z or …-07:00
giggles: error: the window ends at 2025-10-25T00:00:00Z, which is not after its start at 2025-10-25T00:00:00Z; were --from and --to swapped?
giggles: error: --tz: 'Los Angeles' is not a known time zone; did you mean America/Los_Angeles?
giggles: error: --tz: 'PDT' is not a known time zone; give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC
giggles: error: --name-tz: 'Mars/Olympus' is not a known time zone; give an IANA name such as America/Los_Angeles, Europe/Berlin or UTC
giggles: error: GIGGLES_DATE: '24.10.2025' is not a date; give YYYY-MM-DD, today, yesterday or 7 days ago
"#);
}

/// Another machine has other names.
fn without_names(text: &str) -> String {
    let (text, _) = text.rsplit_once(" has ").unwrap();
    format!("{text} has [names]")
}

#[test]
fn rules_and_shards() {
    let all = [
        scan(&["--threshold", "high"]),
        scan(&["--threshold", "1.5"]),
        scan(&["--padding", "-1"]),
        scan(&["--merge-gap", "1e9"]),
        scan(&["--shard", "4/3"]),
        scan(&["--shard", "auto"]),
        scan(&["--source", ""]),
        without_names(&environment("GIGGLES_CPU", "z80")),
        environment("GIGGLES_TILES", "4"),
    ];
    assert_snapshot!(all.join("\n"), @r#"
giggles: error: --threshold high: give sensitive, normal (0.40), strict, or a score from 0.001 to 0.999
giggles: error: --threshold 1.5: give sensitive, normal (0.40), strict, or a score from 0.001 to 0.999
giggles: error: --padding -1: give seconds from 0 to 3600
giggles: error: --merge-gap 1000000000: give seconds from 0 to 3600
giggles: error: --shard: a shard is k/n with 1 <= k <= n, such as 2/4, or auto; not "4/3"
giggles: error: --shard: auto finds no array job here: it reads JOB_COMPLETION_INDEX with JOB_COMPLETION_COUNT, AWS_BATCH_JOB_ARRAY_INDEX with _SIZE, or SLURM_ARRAY_TASK_ID with _MIN and _COUNT
giggles: error: --source: the name is empty
giggles: error: GIGGLES_CPU=z80: not supported by this machine, which has [names]
giggles: error: GIGGLES_TILES=4: give 3, 6 or measure
"#);
}

#[test]
fn databases_that_cannot_be() {
    let all = [
        store("laughs"),
        store("sqlite:"),
        store("sqlite:no/such/folder/laughs.db"),
        store("sqlite:recordings"),
        store("sqlite:recordings/crow.flac"),
        store("postgres:neil:secret"),
        store("postgres://db/laughs?sslmod=require"),
        store("postgres://db/laughs?sslmode=perhaps"),
        environment("DATABASE_URL", "nonsense"),
        environment("GIGGLES_DATABASE_URL_FILE", "no-such-file"),
        environment("GIGGLES_DATABASE_URL_FILE", "postgres://neil:secret@db/laughs"),
        scan(&["postgres://neil:secret@db/laughs"]),
        store("sqlite://neil:secret@db/laughs"),
    ];
    assert_snapshot!(all.join("\n"), @r#"
giggles: error: the database's address is not supported; write sqlite:PATH or postgres://USER@HOST/DATABASE
giggles: error: sqlite: lacks its file; write sqlite:PATH
giggles: error: sqlite:no/such/folder/laughs.db cannot be created: the folder no/such/folder does not exist; create it, or mount its disk
giggles: error: sqlite:recordings is a folder; name a file in it
giggles: error: sqlite:[folder]/recordings/crow.flac is not an SQLite database; name another file
giggles: error: the database's address lacks its //; write postgres://USER@HOST/DATABASE
giggles: error: giggles does not know the parameter 'sslmod' in the database's address, nor does libpq; leave it out
giggles: error: sslmode=perhaps is unknown; write disable, allow, prefer, require, verify-ca or verify-full
giggles: error: DATABASE_URL: the database's address is not supported; write sqlite:PATH or postgres://USER@HOST/DATABASE
giggles: error: the database URL file no-such-file cannot be read: No such file or directory (os error 2); check the path and its permissions
giggles: error: --database-url-file (GIGGLES_DATABASE_URL_FILE) takes the name of a file, not a URL; set DATABASE_URL to the URL instead
giggles: error: a database URL was given as a path of recordings; set DATABASE_URL to it
giggles: error: sqlite:PATH takes no user and no password, only the path of a file
"#);
}

#[test]
fn a_postgres_that_is_not_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = store(&format!("postgres://neil:secret@127.0.0.1:{port}/laughs"));
    let text = text.replace(&format!(":{port}"), ":[port]");
    let (text, number) = text.split_once("(os error ").unwrap();
    let (_, rest) = number.split_once(')').unwrap();
    assert_snapshot!(format!("{text}[number]{rest}"), @r#"
giggles: warn: the password in --database is visible in `ps` and in the shell's history; use DATABASE_URL or --database-url-file instead
giggles: error: postgres://neil:***@127.0.0.1:[port]/laughs cannot be reached: error connecting to server: Connection refused [number]; try again later
"#);
}

#[test]
fn a_database_that_is_newer() {
    let place = Place::with(&[OTHER]);
    place.scan(&[]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute_batch("INSERT INTO giggles_schema VALUES (99, '2040-01-01')").unwrap();
    assert_snapshot!(text(&place, &mut place.scan_into(&place.sqlite(), &[])), @"giggles: error: sqlite:[folder]/laughs.db was written by a newer giggles (schema 99, this one knows 6): update giggles");
}

#[test]
fn a_database_that_refuses_the_rows() {
    let place = Place::with(&[OTHER]);
    place.scan(&["--source", "earlier"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON recordings BEGIN SELECT RAISE(ABORT, 'disk is poisoned'); END";
    connection.execute_batch(poison).unwrap();
    assert_snapshot!(text(&place, &mut place.scan_into(&place.sqlite(), &[])), @r#"
giggles: error: the run could not be stored in sqlite:[folder]/laughs.db: disk is poisoned; nothing of it was stored
"#);
}

#[test]
fn models_that_cannot_be_used() {
    let place = Place::with(&[OTHER]);
    let mut texts = Vec::new();
    let mut say = || texts.push(text(&place, &mut place.scan_into(&place.sqlite(), &["--model", "own.safetensors"])));
    say();
    fs::write(place.path("own.safetensors"), b"some bytes").unwrap();
    say();
    fs::write(place.path("own.safetensors.sha256"), b"00ff  own.safetensors\n").unwrap();
    say();
    let sum: String = Sha256::digest(b"some bytes").iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(place.path("own.safetensors.sha256"), sum).unwrap();
    say();
    assert_snapshot!(texts.join("\n"), @r#"
giggles: error: model own.safetensors: cannot be read: No such file or directory (os error 2); check the path given with --model
giggles: error: model own.safetensors: has no checksum file; if you trust it, write one with
  sha256sum own.safetensors > own.safetensors.sha256
giggles: error: model own.safetensors: its SHA-256 is 0d22cdcc10e6d049dbe1af5123d50873fdfc1a4f58306e58cb6241be9472014d, but own.safetensors.sha256 says 00ff; copy it again
giggles: error: the model is not the YAMNet that giggles supports (not a safetensors file: header too large); without --model the built-in model is used
"#);
}

/// The message names the cause in its own words; `-v` adds the error of the system or of the library.
#[test]
fn verbose_names_the_causes() {
    let missing = ["--model", "own.safetensors"];
    let cause = "giggles: info: caused by: No such file or directory (os error 2)";
    assert!(scan(&[&["-v"][..], &missing].concat()).ends_with(cause));
    assert!(!scan(&missing).contains("caused by"));
    let place = Place::with(&[OTHER]);
    place.scan(&["--source", "earlier"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON recordings BEGIN SELECT RAISE(ABORT, 'disk is poisoned'); END";
    connection.execute_batch(poison).unwrap();
    let said = text(&place, &mut place.scan_into(&place.sqlite(), &["-v"]));
    let causes: Vec<&str> = said.lines().filter(|line| line.contains("caused by: ")).collect();
    assert!(causes.first().is_some_and(|cause| cause.ends_with("caused by: disk is poisoned")), "{said}");
    assert!(causes.iter().any(|cause| cause.contains("1811")), "SQLite's extended result code: {said}");
}

#[test]
fn scores_of_what_cannot_be_analyzed() {
    let place = Place::with(&[OTHER]);
    place.write("empty.wav", b"");
    let say = |arguments: &[&str]| text(&place, &mut place.command(&[&["scores"], arguments].concat()));
    let all = [say(&["recordings/empty.wav"]), say(&["no-such.wav"]), say(&["recordings/crow.flac", "--from", "soon"])];
    assert_snapshot!(all.join("\n"), @r#"
giggles: error: recordings/empty.wav: is empty (0 bytes); the recorder wrote nothing into it
giggles: error: 'no-such.wav' does not exist; check the path and that its disk is mounted
giggles: error: --from soon: give seconds, M:SS or H:MM:SS
"#);
}
