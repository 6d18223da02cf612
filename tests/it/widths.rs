//! Results for people fit the terminal: 80 columns and 40. Words are never cut across lines, and the progress bar never
//! takes a second line.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::program::{Place, RunningProgram, said};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";
const DAY: [&str; 2] = ["--date", "2025-09-30"];

fn place() -> Place {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    place.write("2025-09-30T22-00-00__2025-09-30T22-48-10.ogg", b"no audio, and a name that is long");
    place
}

/// Where the text of a line of `doctor` begins.
const COLUMN: usize = 19;

/// Lines that are too long and could have been broken: their last word would fit in a line below their text.
fn too_long(text: &str, columns: usize) -> Vec<&str> {
    let is_word = |line: &str| !line.trim().contains(' ');
    let fits = |line: &str| line.split(' ').next_back().map_or(0, |word| word.chars().count()) + COLUMN <= columns;
    text.lines().filter(|line| line.chars().count() > columns && !is_word(line) && fits(line)).collect()
}

#[test]
fn every_result_fits_80_columns_and_40() {
    let place = place();
    let database = place.sqlite();
    let scan = ["scan", "recordings", "--tz", "Europe/Berlin", "--force", "--database", &database];
    for columns in ["80", "40"] {
        for words in [
            &scan[..],
            &["status", "--database", &database],
            &["status", DAY[0], DAY[1], "--database", &database],
            &["report", "--database", &database],
            &["report", "--from", "2025-09-01", "--to", "2025-09-30", "--database", &database],
            &["report", "--from", "2025-01-01", "--to", "2025-12-31", "--database", &database],
            &["days", "--database", &database],
            &["doctor", "recordings", "--database", &database],
            &["config", "check"],
        ] {
            let said = said(place.command(words).env("COLUMNS", columns));
            assert!(!said.stdout.is_empty(), "{words:?}");
            let long = too_long(&said.stdout, columns.parse().unwrap());
            assert!(long.is_empty(), "{words:?} at {columns}: {long:#?}\n{}", said.stdout);
            let wide = said_wide(&place, words);
            let words_of = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if words[0] == "doctor" {
                // Only lines are broken, and nothing is left out or cut.
                assert_eq!(words_of(&said.stdout).len(), words_of(&wide).len());
            }
        }
    }
}

/// To a pipe, nothing is broken or left out.
fn said_wide(place: &Place, words: &[&str]) -> String {
    said(&mut place.command(words)).stdout
}

#[test]
fn tables_drop_columns_and_keep_the_important_ones() {
    let place = place();
    let database = place.sqlite();
    let scan = |columns: &str| {
        let mut command = place.command(&["scan", "recordings", "--force", "--database", &database]);
        said(command.env("COLUMNS", columns)).stdout
    };
    let (wide, narrow) = (scan("200"), scan("40"));
    assert!(wide.contains(EVENING) && wide.contains("from - to") && wide.contains("class"), "{wide}");
    assert!(
        !narrow.contains("from - to") && narrow.contains("score") && narrow.contains("2025-09-30 21:47"),
        "{narrow}"
    );
    assert!(narrow.contains('…'), "{narrow}");
}

/// A terminal of so many columns: the end of a person, and that of the program.
fn terminal(columns: u16) -> (fs::File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap();
    let program = fs::OpenOptions::new().read(true).write(true).open(path.to_str().unwrap()).unwrap();
    tcsetwinsize(&program, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (fs::File::from(person), program.into())
}

/// What a terminal shows between two returns to the beginning of a line, without control sequences.
fn drawn(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            rest.next();
            while rest.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
            rest.next();
        } else {
            plain.push(character);
        }
    }
    plain.split(['\r', '\n']).map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_progress_bar_never_takes_a_second_line() {
    for columns in [40, 80] {
        let place = place();
        place.write_long("a-recording-with-a-very-long-name-that-no-terminal-has-space-for-20251024_130000.wav", 20);
        let (mut person, program) = terminal(columns);
        let mut command = place.command(&["scan", "recordings", "-n", "-j1"]);
        command.env("TERM", "xterm").stderr(Stdio::from(program));
        let running = RunningProgram::start_with_stderr(&mut command);
        drop(command);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // The read fails when the program has closed its end.
            person.read_to_end(&mut bytes).ok();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        running.wait().ends_with(3);
        let text = reader.join().unwrap();
        let lines = drawn(&text);
        let bars: Vec<&String> = lines.iter().filter(|line| line.contains('%')).collect();
        assert!(!bars.is_empty(), "{text:?}");
        assert!(bars.iter().all(|line| line.chars().count() <= usize::from(columns)), "{columns}: {bars:#?}");
    }
}
