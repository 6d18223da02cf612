//! Signals: what was asked is answered, and the server ends.

use std::io::Write;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::server::{Answer, Server};
use super::{family, flags};

#[test]
fn a_signal_ends_the_server_within_five_seconds() {
    let place = family();
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&place, &flags(&place).iter().map(String::as_str).collect::<Vec<_>>());
        // One that waits for its next request, and one whose head is not complete.
        let mut idle = server.connect();
        write!(idle, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port).unwrap();
        let mut half = server.connect();
        half.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        server.get("/healthz").with_status(200);
        let begun = Instant::now();
        server.signal(signal);
        assert_eq!(Answer::read(&mut idle).status, 200);
        assert_eq!(server.code(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let place = family();
    let server = Server::start(&place, &flags(&place).iter().map(String::as_str).collect::<Vec<_>>());
    let mut half = server.connect();
    half.write_all(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n").unwrap();
    server.get("/healthz").with_status(200);
    server.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.code(), Some(143));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
