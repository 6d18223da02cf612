//! A database that is not UTF-8: no name costs a run, and each is read as it was.

use giggles::domain::Window;
use giggles::store::open;
use postgres::{Client, NoTls};
use url::Url;

use crate::support::homes::{Home, InPostgres};
use crate::support::postgres::Postgres;
use crate::support::program::{Place, said};

const LAUGH: &str = "fixtures/clips/laugh_male_scratch2.flac";

/// A database of its own encoding on the server of another.
fn encoded(encoding: &str) -> InPostgres {
    let home = InPostgres::new();
    let mut url = Url::parse(&home.database.url).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("postgres");
    let mut admin = Client::connect(url.as_str(), NoTls).unwrap();
    admin.batch_execute(&format!("DROP DATABASE {name}")).unwrap();
    let made = format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
    admin.batch_execute(&made).unwrap();
    home
}

/// Two that LATIN1 lacks, one that it has, and one that looks like an escape.
const NAMES: [&str; 4] =
    ["夜 20251024_130000.flac", "é 20251024_140000.flac", "\\u{591c} 20251024_150000.flac", "😀 20251024_160000.flac"];

fn place() -> Place {
    let place = Place::new();
    for (index, name) in NAMES.iter().enumerate() {
        let mut bytes = std::fs::read(LAUGH).unwrap();
        bytes.extend(b"TAG".iter().chain(&[index as u8; 125]));
        place.write(name, &bytes);
    }
    place
}

#[test]
fn names_that_latin1_lacks_are_stored_escaped_and_read_as_they_were() {
    let (home, place) = (encoded("LATIN1"), place());
    place.write("ж broken 20251024_170000.wav", b"nothing to analyze");
    let flags = ["--source", "Ödön 夜"];
    said(&mut place.scan_into(&home.url(), &flags)).ends_with(3);
    let stored = "SELECT name FROM recordings WHERE status <> 'failed' ORDER BY started_at";
    let names = ["\\u{591c} 20251024_130000.flac", NAMES[1], "\\u{5c}u{591c} 20251024_150000.flac"];
    assert_eq!(home.ask(stored)[..3], names);
    assert_eq!(home.ask("SELECT DISTINCT source FROM runs"), ["Ödön \\u{591c}"]);
    let mut reader = giggles::store::read(&home.location()).unwrap().unwrap();
    assert_eq!(reader.sources().unwrap(), ["Ödön 夜"]);
    let read = reader.recordings(Some("Ödön 夜"), &Window::default()).unwrap();
    let read: Vec<&str> = read.iter().map(|recording| recording.name.as_str()).collect();
    assert_eq!(read, [NAMES[0], NAMES[1], NAMES[2], NAMES[3], "ж broken 20251024_170000.wav"]);
    assert!(reader.recordings(Some("夜"), &Window::default()).unwrap().is_empty());
    // Nothing is analyzed twice, and the failure is one row however often it is met.
    let again = said(&mut place.scan_into(&home.url(), &flags));
    assert!(again.code == 3 || again.code == 0, "{}", again.stderr);
    assert_eq!(home.count("recordings"), 5);
    let only = ["status", "--source", "Ödön 夜", "--database"];
    assert!(said(place.command(&only).arg(home.url())).ends_with(0).stdout.contains("Ödön 夜"));
}

#[test]
fn the_lock_of_a_name_that_it_lacks_holds() {
    let home = encoded("LATIN1");
    let mut store = open(&home.location()).unwrap();
    store.lock("夜").unwrap();
    assert!(open(&home.location()).unwrap().lock("夜").is_err());
    open(&home.location()).unwrap().lock("昼").unwrap();
}

#[test]
fn the_doctor_fails_and_says_what_to_make() {
    let place = place();
    let doctor = |home: &InPostgres| {
        let said = said(&mut place.command(&["doctor", "-j1", "--database", &home.url(), "recordings"]));
        let line = said.stdout.lines().find(|line| line.contains("encoding")).unwrap_or_default().to_owned();
        (said, line)
    };
    let (said, line) = doctor(&encoded("LATIN1"));
    let said = said.ends_with(78);
    assert!(line.starts_with("fail") && line.contains("LATIN1"), "{}", said.stdout);
    assert!(said.stdout.contains("createdb --encoding=UTF8"), "{}", said.stdout);
    let (said, line) = doctor(&InPostgres { database: Postgres::start() });
    said.ends_with(0);
    assert!(line.starts_with("ok"), "{line}");
}

/// One of many bytes a character, one of another script, and one that checks nothing.
#[test]
fn other_encodings_keep_what_they_have() {
    for (encoding, kept) in [("EUC_JP", 0), ("KOI8R", 4), ("SQL_ASCII", 5), ("WIN1252", 1)] {
        let (home, place) = (encoded(encoding), place());
        place.write("ж broken 20251024_170000.wav", b"nothing to analyze");
        said(&mut place.scan_into(&home.url(), &[])).ends_with(3);
        let names = home.ask("SELECT name FROM recordings");
        assert_eq!(names.len(), 5, "{encoding}");
        let has = |name: &str| names.iter().any(|stored| stored == name);
        let all = [NAMES[0], NAMES[1], NAMES[3], "ж broken 20251024_170000.wav"];
        let as_they_are: Vec<bool> = all.iter().map(|name| has(name)).collect();
        let expected = match kept {
            0 => [true, true, false, true],
            4 => [false, false, false, true],
            5 => [true; 4],
            _ => [false, true, false, false],
        };
        assert_eq!(as_they_are, expected, "{encoding}: {names:?}");
    }
}
