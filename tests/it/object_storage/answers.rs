//! Answers that differ from those of the real server in one respect, and what they must not lead to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use super::failures::KINDS;
use super::{LAUGH, ROOM, text};
use crate::support::audio;
use crate::support::object_store::{ObjectStore, scan};
use crate::support::program::{Place, said};

/// A real answer, to change.
struct Answer {
    /// Status and headers, a line each.
    head: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn without_header(&mut self, name: &str) {
        let start = format!("{name}:");
        self.head.retain(|line| !line.to_lowercase().starts_with(&start));
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.without_header("content-length");
        self.head.push(format!("Content-Length: {}", body.len()));
        self.body = body;
    }

    /// Replaces what is between two texts in each place, and the texts.
    fn replace_between(&mut self, from: &str, to: &str, with: &str) {
        let mut text = String::from_utf8(self.body.clone()).unwrap();
        let mut changed = String::new();
        while let Some((before, rest)) = text.split_once(from) {
            changed += &format!("{before}{with}");
            text = rest.split_once(to).unwrap().1.to_owned();
        }
        self.set_body((changed + &text).into_bytes());
    }
}

/// The endpoint of a proxy with a connection a request, which changes answers by their request.
fn changing(port: u16, change: impl Fn(&str, &mut Answer) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 65_536];
            let count = client.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            server.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).unwrap();
            let mut bytes = Vec::new();
            server.read_to_end(&mut bytes).ok();
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).lines().map(str::to_owned).collect();
            let mut answer = Answer { head, body: bytes[end + 4..].to_vec() };
            change(&request, &mut answer);
            let head = answer.head.join("\r\n") + "\r\n\r\n";
            client.write_all(&[head.as_bytes(), &answer.body].concat()).ok();
        }
    });
    endpoint
}

fn is_list(request: &str) -> bool {
    request.contains("list-type=2")
}

#[test]
fn a_list_without_sizes_or_without_an_end_ends_the_run() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    let run = |endpoint: String| said(&mut scan(&place, &endpoint, &store.url(""), &[])).ends_with(78);
    let sizes = changing(store.port, |_, answer| answer.replace_between("<Size>", "</Size>", ""));
    run(sizes).complains_of("cannot be listed: the list of objects is wrong: an object has no size");
    let pages = changing(store.port, |request, answer| {
        if is_list(request) {
            let token = "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>";
            answer.replace_between("<IsTruncated>", "</IsTruncated>", token);
        }
    });
    run(pages).complains_of("cannot be listed: the list of objects is wrong: its next page is the same page");
    assert_eq!(text(&place, "SELECT count(*) || '' FROM runs"), "0");
}

/// The time of the download is not that of the recording.
#[test]
fn without_a_time_of_upload_the_name_has_to_date_an_object() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    store.put_file("undated.wav", audio::file(ROOM));
    let place = Place::new();
    let endpoint = changing(store.port, |request, answer| {
        if is_list(request) {
            answer.replace_between("<LastModified>", "</LastModified>", "");
        }
    });
    let said = said(&mut scan(&place, &endpoint, &store.url(""), &[])).ends_with(3);
    said.complains_of("the store does not say when it was uploaded, and its name contains no time");
    assert_eq!(text(&place, KINDS), "20251024_130000.flac analyzed -,undated.wav failed unreadable");
}

/// A server without ETags in its list, as some have, and an object that is replaced after it was listed.
#[test]
fn without_listed_etags_an_object_is_still_one_object() {
    let store = ObjectStore::seaweed();
    let name = "20251024_130000.wav";
    let room = std::fs::read(audio::file(ROOM)).unwrap();
    store.put(name, &room);
    let run = |change: fn(&str, &mut Answer, u32, &[u8])| {
        let (place, attempts, room) = (Place::new(), Mutex::new(0), room.clone());
        let endpoint = changing(store.port, move |request, answer| {
            if is_list(request) {
                return answer.replace_between("<ETag>", "</ETag>", "");
            }
            let mut attempts = attempts.lock().unwrap();
            *attempts += 1;
            change(request, answer, *attempts, &room);
        });
        let code = said(&mut scan(&place, &endpoint, &store.url(""), &[])).code;
        (code, text(&place, KINDS))
    };
    let analyzed = (0, format!("{name} analyzed -"));
    let changed = (3, format!("{name} failed changed"));
    assert_eq!(run(|_, _, _, _| ()), analyzed);
    // The rest is of the same object; of another; and nothing says of which.
    assert_eq!(
        run(|_, answer, attempt, _| {
            if attempt == 1 {
                answer.body.truncate(100_000);
            }
        }),
        analyzed
    );
    assert_eq!(
        run(|_, answer, attempt, _| {
            if attempt == 1 {
                answer.body.truncate(100_000);
            } else {
                answer.without_header("etag");
                answer.head.push("ETag: \"other\"".into());
            }
        }),
        changed
    );
    assert_eq!(
        run(|request, answer, attempt, _| {
            answer.without_header("etag");
            answer.without_header("last-modified");
            assert!(request.to_lowercase().contains("range: bytes=0-"), "all of it is asked for: {request}");
            if attempt == 1 {
                answer.body.truncate(100_000);
            }
        }),
        analyzed
    );
    // All of a longer object, from a server without ranges.
    assert_eq!(
        run(|_, answer, _, room| {
            answer.without_header("content-range");
            answer.head[0] = "HTTP/1.1 200 OK".into();
            answer.set_body([room, &[0; 1000]].concat());
        }),
        changed
    );
}
