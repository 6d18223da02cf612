//! Clients that are slow, large or many: others are answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::server::{Answer, Server};
use super::{family, flags};
use crate::support::program::Place;

fn serve(place: &Place) -> Server {
    Server::start(place, &flags(place).iter().map(String::as_str).collect::<Vec<_>>())
}

/// How the server answers these bytes. 0: it closes the connection without an answer.
fn status(server: &Server, bytes: &[u8]) -> u16 {
    let mut stream = server.connect();
    // The server may close the connection before all is sent.
    let (mut answer, _) = (Vec::new(), stream.write_all(bytes));
    stream.read_to_end(&mut answer).ok();
    let head = String::from_utf8_lossy(&answer);
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

#[test]
fn huge_and_broken_requests_are_refused() {
    let place = family();
    let server = serve(&place);
    let host = format!("Host: 127.0.0.1:{}\r\n", server.port);
    let of = |start: &str, rest: &str| format!("{start}{host}{rest}").into_bytes();
    let long = "x".repeat(100_000);
    let many = "a: b\r\n".repeat(1000);
    for (bytes, expected) in [
        (of("GET / HTTP/1.1\r\n", &format!("x: {long}\r\n\r\n")), 431),
        (of("GET / HTTP/1.1\r\n", &format!("{many}\r\n")), 431),
        (of(&format!("GET /{long} HTTP/1.1\r\n"), "\r\n"), 431),
        (of("POST /login HTTP/1.1\r\n", "Content-Length: 99999999999\r\n\r\nx"), 413),
        (of("POST /login HTTP/1.1\r\n", "Content-Length: -1\r\n\r\nx"), 400),
        (of("POST /login HTTP/1.1\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(50), 400),
        (b"nonsense\r\n\r\n".to_vec(), 400),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(status(&server, &bytes), expected, "{shown}");
    }
    let chunks = [
        of("POST /login HTTP/1.1\r\n", "Transfer-Encoding: chunked\r\n\r\n"),
        b"10000\r\n".to_vec(),
        vec![b'x'; 0x10000],
        b"\r\n".to_vec(),
    ];
    let body = [chunks[0].clone(), chunks[1..].concat().repeat(20), b"0\r\n\r\n".to_vec()].concat();
    assert_eq!(status(&server, &body), 413, "a body without a length");
    server.get("/days/2025-10-24").with_status(200);
}

#[test]
fn slow_clients_are_closed_and_delay_nobody() {
    let place = family();
    let server = serve(&place);
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        let start = if number % 2 == 0 {
            "GET / HTTP/1.1\r\nHost: loc"
        } else {
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx"
        };
        stream.write_all(start.as_bytes()).unwrap();
    }
    server.get("/healthz").with_status(200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for stream in &mut slow {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).ok();
        let rest = String::from_utf8_lossy(&rest);
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408 "), "{rest}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Opens as many connections as the test may, up to 10,000, which stay open and ask nothing.
#[test]
fn ten_thousand_connections_leave_room_for_others() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = 10_000.min(files.saturating_sub(500)) as usize;
    let place = family();
    let server = serve(&place);
    let mut open = Vec::with_capacity(count);
    for number in 0..count {
        open.push(server.connect());
        if number % 1000 == 999 {
            let begun = Instant::now();
            server.get("/healthz").with_status(200);
            assert!(begun.elapsed() < Duration::from_secs(2), "{number}: {:?}", begun.elapsed());
        }
    }
    assert_eq!(count, 10_000, "the limit of open files of this machine is too low for the test");
    server.get("/days/2025-10-24").with_status(200);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 80_000, "{peak} kB");
}

#[test]
fn a_connection_is_used_for_several_requests() {
    let place = family();
    let server = serve(&place);
    let mut stream = server.connect();
    let one = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", server.port);
    stream.write_all(format!("{one}\r\n{one}\r\n{one}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let answer = Answer::read(&mut stream).with_status(200);
    assert_eq!(String::from_utf8_lossy(&answer.body).matches("HTTP/1.1 200").count(), 2, "and the first");
}
