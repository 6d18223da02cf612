//! `giggles doctor`: a night that would run, and every way in which it would not.

#[path = "store/nights.rs"]
mod nights;
#[path = "support/postgres.rs"]
mod server;
mod support;
#[path = "support/web.rs"]
mod web;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use giggles::store::open;
use insta::assert_snapshot;
use nights::night;
use postgres::{Client, NoTls};
use server::Postgres;
use support::program::{Place, Said, eventually, said};
use web::{Answer, Web};

const LAUGH: (&str, &str) = ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV");

fn place() -> Place {
    Place::with(&[LAUGH])
}

/// `giggles doctor` with whole paths, as a good night has them.
fn command(place: &Place, database: &str, flags: &[&str]) -> Command {
    let mut command = place.command(&["doctor", "-j1", "--tz", "America/Los_Angeles", "--database", database]);
    command.arg(place.recordings()).args(flags);
    command
}

fn doctor(place: &Place, flags: &[&str]) -> Said {
    said(&mut command(place, &place.sqlite(), flags))
}

/// What is said of one check: its first word and the lines below it.
fn of(said: &Said, check: &str) -> String {
    let is_of = |line: &str| line.split_whitespace().nth(1).is_some_and(|word| check.split(' ').next() == Some(word));
    let begins = |line: &str| !line.starts_with(' ') && is_of(line) && line[6..].starts_with(check);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let at = lines.iter().position(|line| begins(line)).unwrap_or_else(|| panic!("no {check} in\n{}", said.stdout));
    let below = lines[at + 1..].iter().take_while(|line| line.starts_with("   "));
    std::iter::once(&lines[at]).chain(below).map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn says(said: &Said, check: &str, words: &[&str]) {
    let text = of(said, check);
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in\n{text}"));
}

#[test]
fn a_night_that_would_run() {
    let place = place();
    let said = doctor(&place, &["--from", "7 days ago", "--to", "today"]).ends_with(0);
    let folder = place.path("").display().to_string();
    let is_stable =
        |line: &&str| !["clock", "zone", "window", "speed", "disk"].iter().any(|name| line[6..].starts_with(name));
    let lines: Vec<&str> = said.stdout.lines().take_while(|line| !line.is_empty()).collect();
    let (fixed, moving): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(is_stable);
    assert_eq!(moving.iter().filter(|line| line.starts_with("ok    ")).count(), 5, "{}", said.stdout);
    let program = format!("{}", Path::new(env!("CARGO_BIN_EXE_giggles")).display());
    let text = fixed.join("\n").replace(folder.trim_end_matches('/'), "[folder]").replace(&program, "[program]");
    assert_snapshot!(text, @r#"
ok    settings     understood
ok    recordings   1 recording in [folder]/recordings
ok    readable     all can be opened
ok    names        1 of 1 looked at tell when they began; times without a zone are of UTC
                   20251024_130000.WAV: 2025-10-24 06:00:00 -07:00, says its name
ok    model        the one in the program, SHA-256 730bec4b4578…
ok    database     sqlite:[folder]/laughs.db, a new file, made by the first run
ok    encryption   not needed, nothing leaves this machine
ok    schema       no tables yet; the first run makes them (version 3)
ok    rights       a run may store its rows
ok    lock         free, source 'default'
-     ping         no --ping-url is set; a service there raises the alarm when a night does not begin
-     metrics      no --metrics-file is set
ok    scheduler    run without a terminal, as cron does it; nothing here that a night would miss
                   cron does not find it by its name; write [program]
"#);
    assert!(said.stdout.ends_with("\n\na night would run\n"), "{}", said.stdout);
    assert_eq!(said.stderr, "");
}

#[test]
fn looking_changes_nothing() {
    let place = place();
    let names = |place: &Place| -> BTreeSet<_> {
        let folders = ["", "home", "recordings"].map(|name| fs::read_dir(place.path(name)).unwrap());
        folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let before = names(&place);
    let metrics = place.path("home/giggles.prom").display().to_string();
    doctor(&place, &["--metrics-file", &metrics]).ends_with(0);
    said(place.command(&["doctor"]).arg(place.recordings())).ends_with(0);
    assert_eq!(names(&place), before);
    place.scan(&[]).ends_with(0);
    let (with_database, bytes) = (names(&place), fs::read(place.path("laughs.db")).unwrap());
    doctor(&place, &[]).ends_with(0);
    assert_eq!((names(&place), fs::read(place.path("laughs.db")).unwrap()), (with_database, bytes));

    let database = Postgres::start();
    let said = said(&mut command(&place, &database.url, &[])).ends_with(0);
    says(&said, "schema", &["ok ", "no tables yet"]);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let count: i64 = Client::connect(&database.url, NoTls).unwrap().query_one(tables, &[]).unwrap().get(0);
    assert_eq!(count, 0);
}

#[test]
fn every_wrong_setting_is_told_at_once() {
    let flags =
        ["--threshold", "high", "--name-tz", "Mars", "--shard", "3/2", "--ping-url", "ftp://x", "--date", "soon"];
    let place = place();
    let said = doctor(&place, &flags).ends_with(78);
    says(&said, "settings", &["fail", "--threshold high", "--shard"]);
    says(&said, "names", &["fail", "--name-tz"]);
    says(&said, "window", &["fail", "--date: 'soon'"]);
    says(&said, "ping", &["fail", "--ping-url"]);
    says(&said, "lock", &["ok "]);
    assert!(said.stdout.ends_with("a night would fail (78) at 4 checks\n"), "{}", said.stdout);
    let said = place.run(&["doctor", "--tz", "Mars", "--database", "mysql://x"]).ends_with(78);
    says(&said, "zone", &["fail", "--tz: 'Mars'"]);
    says(&said, "recordings", &["fail", "no recordings are named"]);
    says(&said, "database", &["fail", "sqlite:PATH or postgres://"]);
    says(&said, "rights", &["-  ", "there is no database to look at"]);
}

#[test]
fn folders_that_are_not_there_or_not_ours() {
    let place = place();
    let missing = said(&mut command(&place, &place.sqlite(), &["/no/such/folder"])).ends_with(78);
    says(&missing, "recordings", &["fail", "'/no/such/folder' does not exist; is the disk mounted"]);
    place.copy(LAUGH.0, "closed/a.WAV");
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = ["doctor", "-j1", "--database", &place.sqlite(), "recordings"];
    let said = place.as_nobody(&arguments).ends_with(0);
    says(&said, "readable", &["warn", "1 recording cannot be opened", "closed: cannot be read: permission denied"]);
    fs::set_permissions(place.recordings(), fs::Permissions::from_mode(0o000)).unwrap();
    let said = place.as_nobody(&arguments).ends_with(78);
    fs::set_permissions(place.recordings(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    says(&said, "recordings", &["fail", "'recordings' cannot be opened"]);
}

#[test]
fn an_empty_folder_is_a_doubt_unless_allowed() {
    let place = Place::new();
    says(&doctor(&place, &[]).ends_with(0), "recordings", &["warn", "ends with 4"]);
    says(&doctor(&place, &["--allow-empty"]).ends_with(0), "recordings", &["ok ", "none in "]);
}

#[test]
fn how_names_are_read() {
    let place = place();
    says(&doctor(&place, &[]), "names", &["ok ", "20251024_130000.WAV: 2025-10-24 06:00:00 -07:00, says its name"]);
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "crow.flac")]);
    says(&doctor(&place, &[]), "names", &["warn", "0 of 1", "crow.flac: ", "only its time of modification"]);
    let place = Place::with(&[(LAUGH.0, "20991024_130000.WAV")]);
    says(&doctor(&place, &[]), "names", &["warn", "1 would begin in the future", "GIGGLES_NAME_TZ"]);
}

#[test]
fn the_same_date_every_night_is_a_doubt() {
    let place = place();
    let said = doctor(&place, &["--date", "2025-10-24"]).ends_with(0);
    says(&said, "window", &["warn", "from 2025-10-24 00:00 to 2025-10-25 00:00", "write yesterday"]);
    says(&doctor(&place, &["--date", "yesterday"]), "window", &["ok "]);
}

#[test]
fn a_zone_that_no_setting_names_is_a_doubt() {
    let place = place();
    let said = place.run(&["doctor", "-j1", "--database", &place.sqlite(), "recordings"]).ends_with(0);
    says(&said, "zone", &["warn", "UTC", "GIGGLES_TZ"]);
}

#[test]
fn a_model_with_a_wrong_checksum() {
    let place = place();
    let model = place.path("model.safetensors");
    fs::write(&model, "no model").unwrap();
    fs::write(place.path("model.safetensors.sha256"), "0".repeat(64)).unwrap();
    let said = doctor(&place, &["--model", model.to_str().unwrap()]).ends_with(78);
    says(&said, "model", &["fail", "its SHA-256 is ", "copy it again"]);
    says(&said, "speed", &["-  ", "there is no model"]);
}

#[test]
fn a_database_that_is_not_one_or_is_damaged() {
    let place = place();
    let unmounted = format!("sqlite:{}", place.path("unmounted/laughs.db").display());
    let said = said(&mut command(&place, &unmounted, &[])).ends_with(78);
    says(&said, "rights", &["fail", "there is no folder", "mount its disk"]);
    place.scan(&[]).ends_with(0);
    let page = place.number("SELECT rootpage FROM sqlite_master WHERE name = 'detections_by_date'") as usize;
    let mut bytes = fs::read(place.path("laughs.db")).unwrap();
    bytes[4096 * (page - 1)..][..4096].fill(0x55);
    fs::write(place.path("laughs.db"), bytes).unwrap();
    says(&doctor(&place, &[]).ends_with(78), "rights", &["fail", "it is damaged"]);
    fs::write(place.path("laughs.db"), "nothing like a database ".repeat(200)).unwrap();
    says(&doctor(&place, &[]).ends_with(78), "database", &["fail", "not an SQLite database"]);
}

#[test]
fn a_file_that_may_not_be_written() {
    let place = place();
    place.scan(&[]).ends_with(0);
    fs::set_permissions(place.path("laughs.db"), fs::Permissions::from_mode(0o444)).unwrap();
    let said = place.as_nobody(&["doctor", "-j1", "--database", &place.sqlite(), "recordings"]).ends_with(78);
    says(&said, "database", &["ok "]);
    says(&said, "rights", &["fail", "laughs.db may not be written: Permission denied", "check the permissions"]);
}

#[test]
fn a_newer_schema() {
    let (place, database) = (place(), Postgres::start());
    for url in [place.sqlite(), database.url.clone()] {
        drop(open(&url.parse().unwrap()).unwrap());
        let newer = "INSERT INTO giggles_schema (version, applied_at) VALUES (7, '2030-01-01T00:00:00Z')";
        match url.starts_with("sqlite") {
            true => rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute_batch(newer).unwrap(),
            false => Client::connect(&url, NoTls).unwrap().batch_execute(newer).unwrap(),
        }
        let said = said(&mut command(&place, &url, &[])).ends_with(78);
        says(&said, "schema", &["fail", "version 7, written by a newer giggles; this one knows 3", "update giggles"]);
    }
}

#[test]
fn a_server_that_is_not_there_is_75() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://neil:open-sesame@127.0.0.1:{port}/laughs");
    let said = said(&mut command(&place(), &url, &[])).ends_with(75);
    says(&said, "database", &["busy", "neil:***@127.0.0.1", "cannot be reached: ", "try again later"]);
    assert!(said.stdout.ends_with("a night would not run now (75), but may later\n"), "{}", said.stdout);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("sesame"));
}

#[test]
fn a_role_without_rights() {
    let (place, database) = (place(), Postgres::start());
    let mut admin = Client::connect(&database.url, NoTls).unwrap();
    let name: String = admin.query_one("SELECT current_database()::text", &[]).unwrap().get(0);
    let role = format!("poor_{name}");
    admin.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'")).unwrap();
    let mut url = url::Url::parse(&database.url).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let examined = || said(&mut command(&place, url.as_str(), &[]));
    says(&examined().ends_with(78), "rights", &["fail", &format!("{role} may not make them"), "GRANT CREATE"]);
    drop(open(&database.url.parse().unwrap()).unwrap());
    admin.batch_execute(&format!("GRANT SELECT ON giggles_schema, runs, recordings, detections TO {role}")).unwrap();
    let said = examined().ends_with(78);
    says(&said, "rights", &["INSERT on runs", "DELETE on recordings", "run deploy/postgres/role.sql"]);
    assert!(!of(&said, "rights").contains("DELETE on detections") && !of(&said, "rights").contains("SELECT on"));
    admin
        .batch_execute(&format!(
            "GRANT INSERT ON runs, recordings, detections TO {role}; GRANT DELETE ON recordings TO {role}"
        ))
        .unwrap();
    says(&examined().ends_with(0), "rights", &["ok "]);
    open(&url.as_str().parse().unwrap()).unwrap().save(&night("neil").build()).expect("what is ok is enough");
    admin.batch_execute(&format!("ALTER ROLE {role} SET default_transaction_read_only = on")).unwrap();
    says(&examined().ends_with(78), "rights", &["fail", "its transactions are read-only"]);
    admin.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

#[test]
fn a_lock_that_is_held_is_75_and_stays_held() {
    let (place, database) = (place(), Postgres::start());
    for url in [place.sqlite(), database.url.clone()] {
        let location = url.parse().unwrap();
        let mut night = open(&location).unwrap();
        night.lock("default").unwrap();
        let held = said(&mut command(&place, &url, &[])).ends_with(75);
        says(&held, "lock", &["busy", "another giggles (", " is at work on the source 'default'"]);
        says(&said(&mut command(&place, &url, &["--source", "mia"])).ends_with(0), "lock", &["ok ", "'mia'"]);
        open(&location).unwrap().lock("default").expect_err("the night still holds it");
        drop(night);
        // A process that another test starts at this moment holds the file for as long as it takes to begin.
        eventually("the doctor does not hold it", || open(&location).unwrap().lock("default").is_ok());
    }
}

#[test]
fn a_ping_is_not_sent() {
    let place = place();
    let web = Web::answering(&[Answer::status(404)]);
    let said = doctor(&place, &["--ping-url", &web.url("secret-uuid")]).ends_with(0);
    says(&said, "ping", &["ok ", "http://127.0.0.1:", "was not pinged"]);
    let asked = web.asked();
    assert_eq!(
        asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str())).collect::<Vec<_>>(),
        [("HEAD", "/")]
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}/secret-uuid");
    let said = doctor(&place, &["--ping-url", &nobody, "-v"]).ends_with(0);
    says(&said, "ping", &["warn", "cannot be reached: Connection refused"]);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("secret"), "{}", said.stdout);
}

#[test]
fn metrics_nobody_would_read() {
    let place = place();
    let with = |path: &str| doctor(&place, &["--metrics-file", path]).ends_with(0);
    says(&with("/no/such/folder/giggles.prom"), "metrics", &["warn", "cannot be written: No such file"]);
    says(&with(place.path("giggles.txt").to_str().unwrap()), "metrics", &["warn", "does not end in .prom"]);
    says(&with(place.path("giggles.prom").to_str().unwrap()), "metrics", &["ok "]);
}

#[test]
fn what_cron_would_not_have() {
    let place = place();
    let by_hand = |place: &Place| {
        let mut command = place.command(&["doctor", "-j1", "recordings"]);
        command.env("TERM", "xterm").env("GIGGLES_TZ", "UTC").env("DATABASE_URL", "sqlite:laughs.db");
        command
    };
    let said_by_hand = said(&mut by_hand(&place)).ends_with(0);
    let lost = "set in this shell only: DATABASE_URL, GIGGLES_TZ; write into nightly.env";
    says(&said_by_hand, "scheduler", &["warn", lost, "'recordings' is looked for in another folder", "'laughs.db'"]);
    let file = place.path("nightly.env");
    fs::write(&file, "DATABASE_URL='sqlite:/srv/laughs.db'\nGIGGLES_TZ='UTC'\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said_with_file = said(by_hand(&place).env("GIGGLES_ENV_FILE", &file)).ends_with(0);
    says(&said_with_file, "scheduler", &["may be read or written by others", "chmod 600"]);
    assert!(!of(&said_with_file, "scheduler").contains("this shell only"), "{}", said_with_file.stdout);
}

#[test]
fn what_systemd_would_not_have() {
    let place = place();
    let mut command = command(&place, &place.sqlite(), &[]);
    command.env_remove("HOME").env("INVOCATION_ID", "1").env("CREDENTIALS_DIRECTORY", place.path("home"));
    let words = ["warn", "run by systemd", "HOME is not set", "LoadCredential=database-url:FILE"];
    says(&said(&mut command).ends_with(0), "scheduler", &words);
}

#[test]
fn json_is_one_document() {
    let place = place();
    let document = doctor(&place, &["--json", "--threshold", "high"]).ends_with(78).json();
    assert_eq!((&document["spec_version"], &document["exit_code"]), (&"1".into(), &78.into()));
    let checks = document["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 18);
    assert_eq!((&checks[0]["check"], &checks[0]["status"]), (&"settings".into(), &"fail".into()));
    let statuses: BTreeSet<&str> = checks.iter().map(|check| check["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, BTreeSet::from(["fail", "ok", "skipped"]));
}

#[test]
fn quiet_says_only_what_would_fail() {
    let place = Place::new();
    let warned = doctor(&place, &["-q"]).ends_with(0);
    assert_eq!((warned.stdout.as_str(), warned.stderr.as_str()), ("", ""));
    let failed = doctor(&place, &["-q", "--shard", "x"]).ends_with(78);
    assert_eq!(failed.stdout, "");
    failed.complains_of("giggles: error: settings: --shard: a shard is k/n");
    assert_eq!(failed.stderr.lines().count(), 1, "{}", failed.stderr);
}
