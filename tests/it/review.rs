//! `giggles review`: on a terminal and from a pipe, what each key stores, and what is never lost.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use giggles::domain::*;
use giggles::store::open;
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::past_runs::{at, candidate, detection, past_run, recording, track};
use crate::support::program::{Place, RunningProgram, Said, eventually};

const DAY: [&str; 4] = ["--tz", "UTC", "--date", "2025-10-24"];

/// Two laughs, and a sound just below the threshold.
fn place() -> Place {
    let place = Place::new();
    save(&place, "neil", "noon.ogg");
    place
}

#[test]
fn one_key_marks_a_favourite() {
    let place = place();
    keys(&place, "ffsfq", &[]).ends_with(0);
    let marks =
        "SELECT count(*) FROM reviews WHERE favourite AND verdict IS NULL AND comment IS NULL AND start_seconds > 80";
    assert_eq!((place.number(marks), place.number("SELECT count(*) FROM reviews")), (1, 2));
    keys(&place, "sy", &[]).ends_with(0);
    assert_eq!(place.number("SELECT count(*) FROM reviews WHERE favourite AND verdict = 'confirmed'"), 1);
}

fn save(place: &Place, source: &str, name: &str) {
    let noon = Recording { started: at("2025-10-24T19:00:00Z"), ..recording(name, 1) };
    let clip = |clip: &str, laugh: Detection| Detection { clip: Some(clip.into()), ..laugh };
    let laughs = vec![
        clip("neil/2025-10-24/first.flac", detection(60.0, 62.0)),
        clip("../outside.flac", detection(90.5, 92.25)),
    ];
    let candidates = vec![candidate(125, 128, 0.5), candidate(300, 302, -0.5), candidate(400, 402, -0.8)];
    let run = past_run(source).scored_to_the_end(noon, (track([0.0; 7499]), candidates), laughs).build();
    open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
}

/// Reviews the day with these keys from a pipe.
fn keys(place: &Place, keys: &str, flags: &[&str]) -> Said {
    fs::write(place.path("keys"), keys).unwrap();
    let mut command = place.command(&[&["review", "--database", &place.sqlite()], &DAY[..], flags].concat());
    command.stdin(Stdio::from(fs::File::open(place.path("keys")).unwrap()));
    RunningProgram::start(&mut command).wait()
}

/// Start, verdict and comment of each review, in order.
fn stored(place: &Place) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "SELECT source || ' ' || start_seconds || ' ' || coalesce(verdict, '-') || ' ' || coalesce(comment, '-')
               FROM reviews ORDER BY source, start_seconds";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn laughs_and_what_is_in_doubt_are_shown_one_after_the_other() {
    let place = place();
    let said = keys(&place, "ynx", &[]).ends_with(0);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "y a laugh, n not a laugh, c comment, f favourite, space play, s skip, b back, u undo, q quit",
            "no sound: give the folder of the clips with --clips",
            "1 of 3  2025-10-24 19:01:00  2.0 s  0.90  Giggle  noon.ogg  #1",
            "2 of 3  2025-10-24 19:01:30  1.8 s  0.90  Giggle  noon.ogg  #2",
            "3 of 3  2025-10-24 19:02:24  1.4 s  0.38  Giggle  noon.ogg  candidate #2  not counted",
            "2 verdicts stored: 1 confirmed, 1 rejected; the next scan uses them, and giggles redetect for what is stored",
        ]
    );
    assert_eq!(stored(&place), ["neil 60.0 confirmed -", "neil 90.5 rejected -"]);
    let again = keys(&place, "y", &[]).ends_with(0).stdout;
    assert!(again.contains("1 of 1 ") && again.contains("that was the last one; u undo, b back, q quit\n"), "{again}");
    assert_eq!(place.number("SELECT length(embedding) FROM reviews WHERE start_seconds > 100"), 2048);
    let done = keys(&place, "", &[]).ends_with(0).stdout;
    assert!(done.starts_with("nothing to review from 2025-10-24 00:00 to 2025-10-25 00:00; give --from for"), "{done}");
    let all = keys(&place, "", &["--all"]).ends_with(0).stdout;
    assert!(all.contains("1 of 2 ") && all.contains("noon.ogg  #1  (confirmed)\n"), "{all}");
    let quiet = keys(&place, "n", &["--all", "-q"]).ends_with(0);
    assert_eq!(
        (quiet.stdout, quiet.stderr, &stored(&place)[0][..]),
        (String::new(), String::new(), "neil 60.0 rejected -")
    );
}

#[test]
fn a_comment_is_a_line_and_undo_goes_back_one_change() {
    let place = place();
    keys(&place, "ybcwith Ann, y n\nn", &[]).ends_with(0);
    assert_eq!(stored(&place), ["neil 60.0 rejected with Ann, y n"]);
    let place = self::place();
    keys(&place, "ybcwith Ann\nnus\x1b[D\x1b[Cuuq", &[]).ends_with(0);
    assert_eq!(stored(&place), ["neil 60.0 - -"], "all is taken back; arrows are no verdicts");
    let long = keys(&place, &format!("c{}\nn", "a".repeat(10_001)), &[]).ends_with(0);
    long.complains_of("comment has 10001 characters; at most 10000 are allowed; it was not stored");
    assert_eq!(stored(&place), ["neil 60.0 rejected -"]);
}

#[test]
fn a_source_is_reviewed_without_the_others() {
    let place = place();
    save(&place, "zoe", "noon.ogg");
    let said = keys(&place, "y", &["--source", "zoe"]).ends_with(0).stdout;
    assert!(said.contains("1 of 3 ") && !said.contains("neil"), "{said}");
    assert_eq!(stored(&place), ["zoe 60.0 confirmed -"]);
    let both = keys(&place, "", &[]).ends_with(0).stdout;
    assert!(both.contains("1 of 5 ") && both.contains("  neil  noon.ogg  #1\n"), "{both}");
}

#[test]
fn names_and_comments_do_nothing_to_a_terminal() {
    let place = Place::new();
    save(&place, "ne\u{202e}il", "\u{1b}]0;title\u{7}\r\nnoon.ogg");
    save(&place, "neil", "noon.ogg");
    let said = keys(&place, "c\u{1b}[2J\u{9b}\nsb", &[]).ends_with(0).stdout;
    assert!(said.contains("\\x1b]0;title\\x07\\x0d\\x0anoon.ogg") && said.contains("(\\x1b[2J"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}', '\u{9b}']), "{said:?}");
}

#[test]
fn an_empty_database_is_the_wrong_one() {
    let place = Place::new();
    keys(&place, "y", &[]).ends_with(4).complains_of("nothing has been stored yet in sqlite:");
}

/// A terminal: the end of a person, and that of the program.
fn terminal() -> (fs::File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap();
    let program = fs::OpenOptions::new().read(true).write(true).open(path.to_str().unwrap()).unwrap();
    (fs::File::from(person), program.into())
}

fn is_raw(program: &OwnedFd) -> bool {
    !tcgetattr(program).unwrap().local_modes.contains(LocalModes::ICANON)
}

fn on_terminal(place: &Place, program: &OwnedFd, flags: &[&str]) -> RunningProgram {
    let mut command = place.command(&[&["review", "--database", &place.sqlite()], &DAY[..], flags].concat());
    command.env("GIGGLES_PLAYER", place.path("player")).stdin(Stdio::from(program.try_clone().unwrap()));
    RunningProgram::start(&mut command)
}

#[test]
fn a_key_is_stored_before_the_next_and_the_terminal_is_restored() {
    let place = place();
    let (mut person, program) = terminal();
    let mut running = on_terminal(&place, &program, &[]);
    running.wait_for("1 of 3 ");
    eventually("raw mode", || is_raw(&program));
    person.write_all(b"y").unwrap();
    running.wait_for("2 of 3 ");
    assert_eq!(stored(&place), ["neil 60.0 confirmed -"]);
    person.write_all(b"c").unwrap();
    running.wait_for("comment: ");
    eventually("a line can be edited", || !is_raw(&program));
    person.write_all(b"a dot\x7fg\n").unwrap();
    running.wait_for("(a dog)");
    eventually("raw mode again", || is_raw(&program));
    person.write_all(b"q").unwrap();
    running.wait().ends_with(0);
    assert!(!is_raw(&program));
    assert_eq!(stored(&place), ["neil 60.0 confirmed -", "neil 90.5 - a dog"]);
}

#[test]
fn a_signal_restores_the_terminal_and_what_was_said_is_stored() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let place = place();
        let (mut person, program) = terminal();
        let mut running = on_terminal(&place, &program, &[]);
        running.wait_for("1 of 3 ");
        eventually("raw mode", || is_raw(&program));
        person.write_all(b"n").unwrap();
        running.wait_for("2 of 3 ");
        running.signal(signal);
        running.wait().ends_with(code);
        assert!(!is_raw(&program));
        assert_eq!(stored(&place), ["neil 60.0 rejected -"]);
    }
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let place = place();
    let (person, program) = terminal();
    let mut running = on_terminal(&place, &program, &[]);
    running.wait_for("1 of 3 ");
    drop((person, program));
    eventually("the program ends", || running.has_ended());
}

#[test]
fn a_clip_is_an_argument_of_the_player_and_stays_in_its_folder() {
    let place = place();
    let folder = place.path("clips");
    fs::create_dir_all(folder.join("neil/2025-10-24")).unwrap();
    fs::write(folder.join("neil/2025-10-24/first.flac"), b"fLaC").unwrap();
    fs::write(place.path("outside.flac"), b"fLaC").unwrap();
    let player = "#!/bin/sh\nprintf '%s|' \"$@\" >> \"$HOME/played\"\nexec sleep 60\n";
    fs::write(place.path("player"), player).unwrap();
    fs::set_permissions(place.path("player"), fs::Permissions::from_mode(0o755)).unwrap();
    let (mut person, program) = terminal();
    let mut running = on_terminal(&place, &program, &["--clips", folder.to_str().unwrap()]);
    let wanted = format!("{}|", folder.canonicalize().unwrap().join("neil/2025-10-24/first.flac").display());
    let played = || fs::read_to_string(place.path("home/played")).unwrap_or_default();
    eventually("it is played", || played() == wanted);
    person.write_all(b" ").unwrap();
    eventually("it is played again", || played() == wanted.repeat(2));
    person.write_all(b"s").unwrap();
    running.wait_for("  not played: the path of its clip points outside the folder\n");
    person.write_all(b"q").unwrap();
    running.wait().ends_with(0);
    assert_eq!(played(), wanted.repeat(2));
    // What the program wrote goes to its output: the terminal of the person shows nothing of its own.
    drop(program);
    let mut echoed = Vec::new();
    person.read_to_end(&mut echoed).ok();
    assert!(!echoed.contains(&b'q'), "keys are not shown");
}

mod adding;
