//! The page of a day, its files and its clips.

use std::fs;

use super::server::Server;
use super::{family, flags};
use crate::support::program::Place;

fn serve(place: &Place) -> Server {
    Server::start(place, &flags(place).iter().map(String::as_str).collect::<Vec<_>>())
}

/// The addresses in a page that begin like this.
fn addresses<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    let places = page.match_indices(start).map(|(at, _)| &page[at..]);
    places.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn a_day_is_a_page_whose_files_the_server_has() {
    let place = family();
    let server = serve(&place);
    let first = server.get("/latest").with_status(303);
    assert!(first.header("location").starts_with("/days/20"), "{}", first.header("location"));
    let answer = server.get("/days/2025-10-24").with_status(200);
    let page = answer.text();
    assert!(page.contains("<strong id=\"number\">2</strong>") && page.contains("Anna Lena"), "{page}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("content-security-policy").contains("script-src 'self';"));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let files = addresses(page, "/assets/");
    assert_eq!(files.len(), 7, "two styles, two icons, three scripts: {files:?}");
    for file in files {
        let file = server.get(file).with_status(200);
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(!file.body.is_empty());
    }
    let pictures = addresses(page, "/api/v1/spectrograms/");
    assert_eq!(pictures.len(), 2);
    assert!(server.get(pictures[0]).with_status(200).body.starts_with(b"\x89PNG"));
    let again = server.ask("GET", "/days/2025-10-24?source=neil", &[], "").with_status(200);
    assert!(again.text().contains("<strong id=\"number\">1</strong>"));
    assert_eq!(again.text().matches("Anna Lena").count(), 1, "only the link to this source");
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let place = family();
    let server = serve(&place);
    let first = server.get("/healthz").with_status(200);
    assert_eq!((first.header("cache-control"), first.json()["status"].as_str()), ("no-store", Some("ok")));
    let clip = clip(&server);
    for path in [clip.as_str(), &clip.replace("/api/v1/clips/", "/api/v1/spectrograms/")] {
        let tag = server.get(path).with_status(200).header("etag").to_owned();
        let again = server.ask("GET", path, &[("If-None-Match", &tag)], "").with_status(304);
        assert!(again.body.is_empty() && again.header("etag") == tag);
    }
}

/// The address of neil's clip.
fn clip(server: &Server) -> String {
    let page = server.get("/days/2025-10-24?source=neil").with_status(200);
    addresses(page.text(), "/api/v1/clips/").first().map(|address| (*address).to_owned()).expect("a clip")
}

#[test]
fn clips_are_served_in_parts() {
    let place = family();
    let server = serve(&place);
    let path = clip(&server);
    let whole = server.get(&path).with_status(200);
    assert_eq!((whole.header("content-type"), whole.header("accept-ranges")), ("audio/flac", "bytes"));
    assert!(whole.body.starts_with(b"fLaC"));
    let file = fs::read(place.path(path.strip_prefix("/api/v1/").unwrap())).unwrap();
    assert_eq!(whole.body, file);
    let tag = whole.header("etag").to_owned();
    let part = |headers: &[(&str, &str)]| server.ask("GET", &path, headers, "");
    let first = part(&[("Range", "bytes=0-9")]).with_status(206);
    assert_eq!(first.header("content-range"), format!("bytes 0-9/{}", file.len()));
    assert_eq!(first.body, file[..10]);
    assert_eq!(part(&[("Range", "bytes=-5"), ("If-Range", &tag)]).with_status(206).body, file[file.len() - 5..]);
    part(&[("Range", "bytes=-5"), ("If-Range", "\"other\"")]).with_status(200);
    let behind = part(&[("Range", "bytes=99999999-")]).with_status(416);
    assert_eq!(behind.header("content-range"), format!("bytes */{}", file.len()));
    let head = server.ask("HEAD", &path, &[], "").with_status(200);
    assert_eq!((head.header("content-length"), head.body.len()), (file.len().to_string().as_str(), 0));
}

#[test]
fn only_named_clips_leave_the_folder() {
    let place = family();
    let server = serve(&place);
    let path = clip(&server);
    let (folder, file) = path.rsplit_once('/').unwrap();
    let other = format!("{folder}/x{file}");
    fs::copy(place.path(path.strip_prefix("/api/v1/").unwrap()), place.path(other.strip_prefix("/api/v1/").unwrap()))
        .unwrap();
    fs::write(place.path("secret.txt"), "secret").unwrap();
    for path in [
        other.as_str(),
        "/api/v1/clips/neil/2025-10-24/..",
        "/api/v1/clips/neil/%2e%2e/secret.txt",
        "/api/v1/clips/../secret.txt",
        "/api/v1/clips/neil/..%2f..%2fsecret.txt/x",
        "/api/v1/clips/..%2fsecret.txt",
        "//secret.txt",
        "/api/v1/clips/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/api/v1/spectrograms/neil/2025-10-24/secret.txt",
        "/api/v1/clips/neil/2025-10-24/%00",
    ] {
        let answer = server.get(path).with_status(404);
        assert!(!answer.text().contains("secret.txt") && answer.header("content-type").contains("problem"), "{path}");
    }
    fs::remove_file(place.path(path.strip_prefix("/api/v1/").unwrap())).unwrap();
    server.get(&path).with_status(404);
    let page = server.get("/days/2025-10-24?source=neil").with_status(200);
    assert!(page.text().contains("no clip: its file is missing"));
}

#[test]
fn wrong_addresses_say_what_is_wrong() {
    let place = family();
    let server = serve(&place);
    for (method, path, status, text) in [
        ("GET", "/nothing", 404, "there is no such page"),
        ("GET", "/days/yesterday", 400, "date: write a date as 2025-10-24"),
        ("GET", "/days/2025-10-24?tz=Mars", 422, "tz: "),
        ("GET", "/days/2025-10-24?source=mia", 404, "there is no such source"),
        ("POST", "/days/2025-10-24", 405, "POST is not supported here; use GET"),
        ("DELETE", "/", 405, "DELETE is not supported here; use GET"),
    ] {
        let answer = server.ask(method, path, &[], "").with_status(status);
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().starts_with(text), "{problem}");
        assert_eq!((answer.header("content-type"), &problem["status"]), ("application/problem+json", &status.into()));
    }
}

#[test]
fn an_empty_database_is_no_error_of_the_server() {
    let place = Place::new();
    let server = Server::start(&place, &["--database", &place.sqlite()]);
    assert_eq!(server.get("/healthz").with_status(200).json()["last_runs"], serde_json::json!([]));
    let answer = server.ask("GET", "/", &[("Accept", "text/html")], "").with_status(404);
    assert!(answer.text().contains("run giggles scan with the same database"));
    place.copy("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");
    place.scan(&["--tz", "UTC"]).ends_with(0);
    server.get("/days/2025-10-24").with_status(200);
}
