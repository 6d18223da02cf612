//! What goes wrong between a bucket and the analysis: outcomes as for files, and what may heal is tried again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{LAUGH, ROOM, rows, text};
use crate::support::audio;
use crate::support::cutter::{Cutter, Fault};
use crate::support::disk::on_small_disk;
use crate::support::object_store::{KEY, ObjectStore, SECRET, STRANGER, scan};
use crate::support::program::{Place, RunningProgram, eventually, said};

pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub const KINDS: &str = "SELECT group_concat(name || ' ' || status || ' ' || coalesce(failure_kind, '-')) FROM
    (SELECT * FROM recordings ORDER BY name)";

#[test]
fn a_bucket_that_cannot_be_listed_ends_the_run_before_any_work() {
    let store = ObjectStore::seaweed();
    let place = Place::new();
    let run = |url: &str| scan(&place, &store.endpoint(), url, &[]);
    said(&mut run("s3://nowhere"))
        .ends_with(78)
        .complains_of("'s3://nowhere/' cannot be listed: the bucket does not exist");
    said(run(&store.url("")).env("AWS_ACCESS_KEY_ID", STRANGER))
        .ends_with(78)
        .complains_of("access is denied (AccessDenied)");
    let wrong = said(run(&store.url("")).env("AWS_SECRET_ACCESS_KEY", "wrong")).ends_with(78);
    wrong.complains_of("access is denied (SignatureDoesNotMatch)");
    let closed = format!("http://127.0.0.1:{}", closed_port());
    said(&mut scan(&place, &closed, "s3://life", &[])).ends_with(75).complains_of("no answer after several tries");
    assert_eq!(text(&place, "SELECT count(*) || '' FROM runs"), "0");
}

const BUSY: &str = "HTTP/1.1 503 Slow Down\r\nContent-Length: 45\r\nConnection: close\r\n\r\n\
    <Error><Code>SlowDown</Code></Error>         ";
const EXPIRED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\nConnection: close\r\n\r\n\
    <Error><Code>ExpiredToken</Code></Error>     ";

#[test]
fn a_store_that_is_busy_is_asked_again() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    let some = Cutter::before(store.port, &[Fault::Answer(BUSY); 2]);
    said(&mut scan(&place, &some.endpoint(), &store.url(""), &[])).ends_with(0);
    let all = Cutter::before(store.port, &[Fault::Answer(BUSY); 99]);
    said(&mut scan(&place, &all.endpoint(), &store.url(""), &[])).ends_with(75).complains_of("several tries: SlowDown");
    let expired = Cutter::before(store.port, &[Fault::Answer(EXPIRED)]);
    let said = said(&mut scan(&place, &expired.endpoint(), &store.url(""), &[])).ends_with(78);
    said.complains_of("access is denied (ExpiredToken)");
}

/// Before the answer, in its head, in the list, and everywhere in the object.
#[test]
fn a_connection_cut_anywhere_changes_no_row() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.WAV", audio::file(ROOM));
    let place = Place::new();
    said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(0);
    let expected = rows(&place);
    for most in [0, 10, 300, 600, 1_000, 2_000, 70_000, 200_000, 256_900] {
        std::fs::remove_file(place.path("laughs.db")).unwrap();
        let proxy = Cutter::before(store.port, &[Fault::Cut(most), Fault::Cut(most)]);
        said(&mut scan(&place, &proxy.endpoint(), &store.url(""), &[])).ends_with(0);
        assert_eq!(rows(&place), expected, "cut after {most} bytes");
        if most > 2_000 {
            assert!(
                proxy.requests().to_lowercase().contains("range: bytes=6") || most > 70_000,
                "the rest is asked for"
            );
        }
    }
}

/// Runs while the first request for the object waits.
fn meanwhile(store: &ObjectStore, faults: &[Fault], requests: usize, act: impl Fn() + Send + Sync + 'static) -> Cutter {
    let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    Cutter::hooked(store.port, faults, move |request| {
        let is_object = request.starts_with("GET /life") && request.contains("/2025");
        if is_object && seen.fetch_add(1, Ordering::SeqCst) + 1 == requests {
            act();
        }
    })
}

#[test]
fn an_object_that_is_replaced_or_removed_meanwhile_fails_and_heals() {
    let store = Arc::new(ObjectStore::seaweed());
    let name = "20251024_130000.wav";
    let room = std::fs::read(audio::file(ROOM)).unwrap();
    let other = [&room[..], &[0; 1000]].concat();
    for requests in [1, 2] {
        let place = Place::new();
        store.put(name, &room);
        let (again, other) = (store.clone(), other.clone());
        // The second request is for the rest, after a cut in the middle.
        let proxy =
            meanwhile(&store, &[Fault::Cut(100_000)], requests, move || again.put("20251024_130000.wav", &other));
        let said_of = said(&mut scan(&place, &proxy.endpoint(), &store.url(""), &[])).ends_with(3);
        said_of.complains_of("was replaced or cut short while it was analyzed");
        assert_eq!(text(&place, KINDS), format!("{name} failed changed"));
        said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(0);
        assert_eq!(text(&place, KINDS), format!("{name} analyzed -"));
    }
    let (place, again) = (Place::new(), store.clone());
    let proxy = meanwhile(&store, &[], 1, move || again.delete("20251024_130000.wav"));
    said(&mut scan(&place, &proxy.endpoint(), &store.url(""), &[]))
        .ends_with(3)
        .complains_of("vanished after it was found");
    assert_eq!(text(&place, KINDS), format!("{name} failed vanished"));
}

#[test]
fn an_object_that_is_denied_fails_and_the_others_do_not() {
    const DENIED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 45\r\nConnection: close\r\n\r\n\
        <Error><Code>AccessDenied</Code></Error>     ";
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.wav", audio::file(ROOM));
    store.put_file("20251024_140000.flac", audio::file(LAUGH));
    let place = Place::new();
    let closing = Closing::before(store.port, DENIED);
    said(&mut scan(&place, &closing, &store.url(""), &[])).ends_with(3).complains_of("access is denied (AccessDenied)");
    assert_eq!(text(&place, KINDS), "20251024_130000.wav failed unreadable,20251024_140000.flac analyzed -");
    said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(0);
}

/// The other objects would fail too, and a queue takes 3 as done.
#[test]
fn credentials_that_are_withdrawn_in_mid_run_end_it() {
    const WITHDRAWN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 50\r\nConnection: close\r\n\r\n\
        <Error><Code>InvalidAccessKeyId</Code></Error>    ";
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.wav", audio::file(ROOM));
    store.put_file("20251024_140000.flac", audio::file(LAUGH));
    let place = Place::new();
    let closing = Closing::before(store.port, WITHDRAWN);
    said(&mut scan(&place, &closing, &store.url(""), &[]))
        .ends_with(78)
        .complains_of("cannot be read: access is denied (InvalidAccessKeyId); check the credentials");
    assert_eq!(text(&place, "SELECT count(*) || '' FROM runs"), "0");
}

/// A proxy with a connection a request, which answers the first request for an object itself.
struct Closing;

impl Closing {
    fn before(port: u16, answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let is_answered = AtomicBool::new(false);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut request = [0; 65_536];
                let count = client.read(&mut request).unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..count]).into_owned();
                if text.starts_with("GET /life") && text.contains("/2025") && !is_answered.swap(true, Ordering::SeqCst)
                {
                    client.write_all(answer.as_bytes()).ok();
                    continue;
                }
                let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                server.write_all(text.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).unwrap();
                std::io::copy(&mut server, &mut client).ok();
            }
        });
        endpoint
    }
}

#[test]
fn a_signal_ends_a_fetch_that_stalls() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.wav", audio::file(ROOM));
    let place = Place::new();
    let proxy = Cutter::before(store.port, &[Fault::Stall(50_000)]);
    std::fs::create_dir(place.path("tmp")).unwrap();
    let mut command = scan(&place, &proxy.endpoint(), &store.url(""), &[]);
    let run = RunningProgram::start(command.env("TMPDIR", place.path("tmp")));
    eventually("the object is asked for", || proxy.requests().contains("/20251024_130000.wav"));
    let is_empty = || std::fs::read_dir(place.path("tmp")).unwrap().next().is_none();
    eventually("its file has no name, whatever ends the run", is_empty);
    run.signal(rustix::process::Signal::TERM);
    let begun = Instant::now();
    run.wait().ends_with(143);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// Room for one object, or for none.
#[test]
fn the_scratch_folder_may_be_small() {
    let store = ObjectStore::seaweed();
    let samples = |seed: u8| -> Vec<u8> {
        let wav = std::fs::read(audio::file(ROOM)).unwrap();
        let sound = wav[44..].iter().map(|byte| byte.wrapping_add(seed));
        wav[..44].iter().copied().chain(sound).collect()
    };
    for hour in 0..3u8 {
        store.put(&format!("20251024_1{hour}0000.wav"), &samples(hour));
    }
    let place = Place::new();
    let script = |flags: &str| {
        format!(
            "mkdir $disk/tmp; export TMPDIR=$disk/tmp AWS_ENDPOINT_URL_S3={} AWS_ACCESS_KEY_ID={KEY} \
             AWS_SECRET_ACCESS_KEY={SECRET}\n$giggles scan {} --database {} --tz UTC {flags}\n\
             ls -A $disk/tmp",
            store.endpoint(),
            store.url(""),
            place.sqlite()
        )
    };
    let said = on_small_disk(&place, 400, &script("-q")).ends_with(0);
    assert_eq!((said.stdout.as_str(), place.number("SELECT analyzed FROM runs")), ("", 3));
    let full = on_small_disk(&place, 200, &script("--force")).ends_with(3);
    full.complains_of("its 256044 bytes do not fit into the scratch folder (TMPDIR)");
    assert_eq!(place.number("SELECT failed FROM runs ORDER BY rowid DESC LIMIT 1"), 3);
    let proxy = Cutter::before(store.port, &[]);
    let through = script("--force").replace(&store.endpoint(), &proxy.endpoint());
    on_small_disk(&place, 200, &through).ends_with(3);
    let requests = proxy.requests();
    assert!(requests.contains("list-type=2") && !requests.contains(".wav"), "nothing is fetched: {requests}");
}

/// SeaweedFS joins slashes and takes backslashes for them; moto takes no line breaks.
#[test]
fn keys_are_any_text() {
    let long = format!("{}.wav", "k".repeat(1020));
    let shown = |key: &str| key.replace('\n', "\\x0a").replace('\u{1b}', "\\x1b");
    for (store, keys) in [
        (ObjectStore::seaweed(), ["b\n\u{1b}[2J.wav", " sp%61ce+&?#=.wav", "c'd\".wav"]),
        (ObjectStore::moto(), ["a//20251024_130000.wav", "/root.wav", &long]),
    ] {
        for (number, key) in keys.iter().enumerate() {
            let mut bytes = std::fs::read(audio::file(ROOM)).unwrap();
            bytes[1000] = number as u8;
            assert_eq!(store.try_put(key, &bytes, &[]), 200, "{key:?}");
        }
        let place = Place::new();
        let said = said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(0);
        assert!(!said.stderr.contains('\u{1b}') && !said.stdout.contains('\u{1b}'));
        let names =
            text(&place, "SELECT group_concat(name, char(10)) FROM (SELECT name FROM recordings ORDER BY name)");
        let mut expected = keys.map(shown);
        expected.sort();
        assert_eq!(names.lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_key_that_no_address_can_have_fails() {
    let store = ObjectStore::moto();
    put_raw(store.port, &format!("/{}/up/../../x.wav", store.name), &std::fs::read(audio::file(ROOM)).unwrap());
    let place = Place::new();
    let said = said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(3);
    said.complains_of("its key has a part . or .., which no address can have; rename the object");
    assert_eq!(text(&place, KINDS), "up/../../x.wav failed unreadable");
}

/// A request whose path no client would send.
fn put_raw(port: u16, path: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = bytes.len();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), bytes].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
