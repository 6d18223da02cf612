//! Who gets in: tokens, logins, proxies, other sites.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::server::Server;
use super::{family, flags};
use crate::support::program::{Place, said};

const ALL: &str = "all-0123456789abcdef0123456789abcdef";
const NEIL: &str = "neil-0123456789abcdef0123456789abcdef";

fn with_tokens(place: &Place) -> Server {
    let tokens = place.path("tokens");
    fs::write(&tokens, format!("# the family\n{ALL}\n{NEIL} neil\n")).unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let mut flags = flags(place);
    flags.extend(["--token-file".to_owned(), "tokens".to_owned()]);
    Server::start(place, &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_token_sees_only_its_sources() {
    let place = family();
    let server = with_tokens(&place);
    let ask = |path: &str, token: &str| server.ask("GET", path, &[("Authorization", &format!("Bearer {token}"))], "");
    let day = ask("/days/2025-10-24", NEIL).with_status(200);
    assert!(day.text().contains("<strong id=\"number\">1</strong>") && !day.text().contains("Anna"), "{}", day.text());
    assert!(ask("/days/2025-10-24", ALL).text().contains("Anna Lena"));
    ask("/days/2025-10-24?source=Anna%20Lena", NEIL).with_status(404);
    let page = ask("/days/2025-10-24", ALL);
    let clip = |folder: &str| {
        let start = page.text().find(folder).unwrap_or_else(|| panic!("{}", page.text()));
        page.text()[start..].split('"').next().unwrap().to_owned()
    };
    for (path, of_neil) in [
        (clip("/api/v1/clips/neil/"), 200),
        (clip("/api/v1/clips/anna-lena_"), 404),
        (clip("/api/v1/spectrograms/anna-lena_"), 404),
    ] {
        ask(&path, NEIL).with_status(of_neil);
        ask(&path, ALL).with_status(200);
        server.get(&path).with_status(401);
    }
    let runs = |token: &str| ask("/healthz", token).json()["last_runs"].as_array().unwrap().len();
    assert_eq!((runs(ALL), runs(NEIL)), (2, 1));
    assert_eq!(server.get("/healthz").with_status(200).json()["last_runs"], serde_json::json!([]), "without a token");
}

#[test]
fn a_person_logs_in_and_comes_back_to_the_page() {
    let place = family();
    let server = with_tokens(&place);
    let html = ("Accept", "text/html");
    let to_login = server.ask("GET", "/days/2025-10-24", &[html], "").with_status(303);
    assert_eq!(to_login.header("location"), "/login?next=%2Fdays%2F2025-10-24");
    let page = server.get(to_login.header("location")).with_status(200);
    assert!(page.text().contains("name=\"next\" value=\"/days/2025-10-24\""), "{}", page.text());
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let login = |body: &str| server.ask("POST", "/login", &[form, html], body);
    assert!(login("token=wrong&next=/").with_status(401).text().contains("the token is wrong"));
    let done = login(&format!("token={NEIL}&next=%2Fdays%2F2025-10-24")).with_status(303);
    assert_eq!(done.header("location"), "/days/2025-10-24");
    let cookie = done.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    server.ask("GET", "/days/2025-10-24", &[("Cookie", session)], "").with_status(200);
    assert_eq!(login(&format!("token={NEIL}&next=//evil.example")).header("location"), "/");
    let out = server.ask("POST", "/logout", &[("Cookie", session)], "").with_status(303);
    assert!(out.header("set-cookie").contains("giggles_session=; Path=/; Max-Age=0"));
}

#[test]
fn wrong_tokens_are_refused_for_a_while() {
    let place = family();
    let server = with_tokens(&place);
    let status = |token: &str| server.ask("GET", "/", &[("Authorization", &format!("Bearer {token}"))], "").status;
    assert_eq!((0..10).map(|_| status("wrong")).collect::<Vec<_>>(), [401; 10]);
    let answer = server.ask("GET", "/", &[("Authorization", &format!("Bearer {ALL}"))], "").with_status(429);
    assert!(answer.header("retry-after").parse::<u64>().is_ok());
}

#[test]
fn another_site_is_refused() {
    let place = family();
    let server = with_tokens(&place);
    let token = format!("Bearer {ALL}");
    let ask = |method: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("Authorization", token.as_str())]).collect();
        server.ask(method, "/login", &headers, "").status
    };
    assert_eq!(ask("GET", &[("Host", "evil.example")]), 421, "DNS rebinding");
    assert_eq!(ask("GET", &[("Host", "localhost")]), 303);
    assert_eq!(ask("POST", &[("Origin", "http://evil.example")]), 403);
    assert_eq!(ask("POST", &[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(ask("GET", &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")]), 403);
}

#[test]
fn a_server_for_other_machines_needs_tokens_or_a_proxy() {
    let place = family();
    let serve = |flags: &[&str]| said(place.command(&["serve", "--database", &place.sqlite()]).args(flags));
    let open = serve(&["--listen", "0.0.0.0:0"]).ends_with(78);
    open.complains_of("can be reached from other machines; give --token-file");
    fs::write(place.path("tokens"), format!("{ALL}\n")).unwrap();
    fs::set_permissions(place.path("tokens"), fs::Permissions::from_mode(0o644)).unwrap();
    serve(&["--token-file", "tokens"]).ends_with(78).complains_of("is readable by other users");
    fs::set_permissions(place.path("tokens"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(place.path("tokens"), "short\n").unwrap();
    let short = serve(&["--token-file", "tokens"]).ends_with(78);
    assert!(
        short.stderr.contains("line 1: a token has at least 20") && !short.stderr.contains("short"),
        "{}",
        short.stderr
    );
    serve(&["--listen", "localhost"]).ends_with(78).complains_of("--listen: 'localhost' is not an address");
    serve(&["--trust-proxy-header", "a b"]).ends_with(78).complains_of("is not the name of a header");
    serve(&["--clips", "no/such"]).ends_with(78).complains_of("is not a folder");
    let database = place.sqlite();
    let mut command = place.command(&["serve", "--database", &database, "--listen", "0.0.0.0:0"]);
    let server = Server::run(&place, command.env("GIGGLES_TOKENS", ALL));
    server.get("/").with_status(401);
}

#[test]
fn a_proxy_names_its_user() {
    let place = family();
    let mut flags = flags(&place);
    flags.extend(
        ["--trust-proxy-header", "Remote-User", "--host", "laughs.example.org, laughs.local"].map(str::to_owned),
    );
    let server = Server::start(&place, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    let host = ("Host", "laughs.local");
    server.ask("GET", "/days/2025-10-24", &[host, ("Remote-User", "neil")], "").with_status(200);
    let without = server.ask("GET", "/days/2025-10-24", &[host], "").with_status(403);
    assert!(without.text().contains("the proxy sends no remote-user"), "{}", without.text());
    server.ask("GET", "/healthz", &[host], "").with_status(200);
}
