//! A doctor who is called away ends at once, whatever it looks at.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::*;
use crate::support::program::RunningProgram;

/// What a signal may take.
const SOON: Duration = Duration::from_secs(2);

/// A server that takes every connection and says nothing.
fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Sends the signal when the doctor has connected and waits.
fn ends_while_it_waits(server: &TcpListener, mut command: Command, signal: Signal, code: i32) {
    let doctor = RunningProgram::start(&mut command);
    let (mut connection, _) = server.accept().unwrap();
    connection.read_exact(&mut [0]).unwrap();
    let begun = Instant::now();
    doctor.signal(signal);
    let said = doctor.wait().ends_with(code);
    assert!(begun.elapsed() < SOON, "{:?}\n{}", begun.elapsed(), said.stdout);
    assert!(!said.stdout.contains("a scan would"), "{}", said.stdout);
}

#[test]
fn a_database_that_hangs_holds_nobody() {
    let place = place();
    let (server, port) = silent();
    let url = format!("postgres://neil@127.0.0.1:{port}/laughs");
    ends_while_it_waits(&server, command(&place, &url, &[]), Signal::TERM, 143);
    ends_while_it_waits(&server, command(&place, &url, &[]), Signal::INT, 130);
}

#[test]
fn a_host_of_pings_that_hangs_holds_nobody() {
    let place = place();
    let (server, port) = silent();
    let flags = ["--ping-url", &format!("http://127.0.0.1:{port}/secret-uuid")];
    ends_while_it_waits(&server, command(&place, &place.sqlite(), &flags), Signal::TERM, 143);
    ends_while_it_waits(&server, command(&place, &place.sqlite(), &flags), Signal::INT, 130);
}

/// As many as there may be: each of them once scored by itself, which took minutes and reacted to no signal.
#[test]
fn a_thousand_threads_are_not_more_work_than_the_processors_have() {
    let place = place();
    let many = || {
        let recordings = place.recordings();
        let mut command = place.command(&["doctor", "-j1000", "--tz", "UTC", "--database", &place.sqlite()]);
        command.arg(recordings);
        command
    };
    let begun = Instant::now();
    let whole = said(&mut many()).ends_with(0);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    says(&whole, "speed", &["ok ", "1000 threads on ", "for 24 hours of audio"]);

    let mut doctor = RunningProgram::start(&mut many());
    doctor.wait_for("model ");
    let begun = Instant::now();
    doctor.signal(Signal::TERM);
    let said = doctor.wait().ends_with(143);
    assert!(begun.elapsed() < SOON, "{:?}\n{}", begun.elapsed(), said.stdout);
}
