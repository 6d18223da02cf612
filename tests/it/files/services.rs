//! Each service, as a real server on this machine that knows what the service knows and answers 404 to all else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::program::{Place, Said, said};
use crate::support::web::{Asked, Web};

/// One service: how its URL looks, and what it says to a request.
struct Like {
    url: &'static str,
    flags: &'static [&'static str],
    status: fn(&Asked) -> u16,
}

const KUMA: Like = Like { url: "api/push/KEY?status=up&msg=OK&ping=", flags: &[], status: kuma };
const BETTER_STACK: Like = Like { url: "api/v1/heartbeat/KEY", flags: &[], status: better_stack };
const SNITCH: Like = Like { url: "KEY", flags: &["--ping-service", "dead-mans-snitch"], status: snitch };
const NTFY: Like = Like { url: "topic", flags: &["--ping-service", "ntfy"], status: ntfy };
const GOTIFY: Like = Like { url: "message?token=KEY", flags: &[], status: gotify };
const SLACK: Like = Like { url: "services/T00000000/B00000000/KEY", flags: &[], status: slack };
const DISCORD: Like = Like { url: "api/webhooks/1234567890/KEY", flags: &[], status: discord };
const MATTERMOST: Like = Like { url: "hooks/xo7wj9ncqjg8pnb4dq3rx4hr7c", flags: &[], status: mattermost };

fn path(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap()
}

/// Names and values as they were before they were put into the URL.
fn query(asked: &Asked) -> BTreeMap<String, String> {
    let url = url::Url::parse(&format!("http://host{}", asked.path)).unwrap();
    url.query_pairs().into_owned().collect()
}

/// The body, if it is JSON and said to be.
fn json(asked: &Asked) -> Option<Value> {
    asked.content_type.starts_with("application/json").then(|| serde_json::from_str(&asked.body).ok())?
}

fn text(asked: &Asked, member: &str) -> Option<String> {
    Some(json(asked)?[member].as_str()?.to_owned())
}

fn if_known(is_known: bool, status: u16) -> u16 {
    if is_known { status } else { 404 }
}

fn kuma(asked: &Asked) -> u16 {
    let status = query(asked).remove("status");
    if_known(path(asked) == "/api/push/KEY" && ["up", "down"].map(Some).contains(&status.as_deref()), 200)
}

fn better_stack(asked: &Asked) -> u16 {
    let end = path(asked).strip_prefix("/api/v1/heartbeat/KEY");
    let is_code = |end: &str| end == "/fail" || end.strip_prefix('/').is_some_and(|code| code.parse::<u8>().is_ok());
    if_known(end.is_some_and(|end| end.is_empty() || is_code(end)), 200)
}

fn snitch(asked: &Asked) -> u16 {
    if_known(path(asked) == "/KEY", 202)
}

fn ntfy(asked: &Asked) -> u16 {
    if_known(path(asked) == "/topic" && ["POST", "PUT"].contains(&asked.method.as_str()), 200)
}

fn gotify(asked: &Asked) -> u16 {
    let is_known = path(asked) == "/message" && asked.method == "POST";
    match (is_known, query(asked).get("token").map(String::as_str), text(asked, "message")) {
        (false, ..) => 404,
        (_, Some("KEY"), Some(message)) if !message.is_empty() => 200,
        (_, Some("KEY"), _) => 400,
        _ => 401,
    }
}

fn slack(asked: &Asked) -> u16 {
    if_known(path(asked) == "/services/T00000000/B00000000/KEY", if text(asked, "text").is_some() { 200 } else { 400 })
}

fn discord(asked: &Asked) -> u16 {
    let is_right = text(asked, "content").is_some_and(|text| (1..=2000).contains(&text.chars().count()));
    if_known(path(asked) == "/api/webhooks/1234567890/KEY", if is_right { 204 } else { 400 })
}

fn mattermost(asked: &Asked) -> u16 {
    let is_right = asked.method == "POST" && text(asked, "text").is_some();
    if_known(path(asked) == "/hooks/xo7wj9ncqjg8pnb4dq3rx4hr7c", if is_right { 200 } else { 400 })
}

fn scan(place: &Place, url: &str, flags: &[&str]) -> Said {
    said(place.scan_into(&place.sqlite(), flags).args(["-q", "--tz", "UTC"]).env("GIGGLES_PING_URL", url))
}

/// A run that ends with 0, then one that ends with 4; what the service was asked. Nothing is told of a failed ping.
fn two_runs(like: &Like) -> [Asked; 2] {
    let (place, web) = (Place::new(), Web::like(like.status));
    let run = |flags: &[&str]| scan(&place, &web.url(like.url), &[like.flags, flags].concat());
    assert_eq!(run(&["--allow-empty"]).ends_with(0).stderr, "", "{}", like.url);
    let failed = run(&[]).ends_with(4);
    assert!(!failed.stderr.contains("ping"), "{}", failed.stderr);
    let home = place.path("").display().to_string();
    let asked = web.asked();
    for asked in &asked {
        assert_eq!((like.status)(asked) / 100, 2, "{asked:?}");
        assert!(!asked.body.contains(&home) && !asked.path.contains("%2F"), "no folder leaves: {asked:?}");
    }
    let asked: Result<[Asked; 2], _> = asked.try_into();
    asked.expect("a request at each end, and none at a start")
}

const EMPTY: &str = "no recordings; is the disk mounted?";

#[test]
fn uptime_kuma() {
    let [good, bad] = two_runs(&KUMA).map(|asked| query(&asked));
    assert_eq!((good["status"].as_str(), bad["status"].as_str()), ("up", "down"));
    assert!(bad["msg"].starts_with(EMPTY) && bad["msg"].contains("exit code 4"), "{bad:?}");
    assert!(good.contains_key("ping") && good["msg"].contains("exit code 0"), "{good:?}");
}

#[test]
fn better_stack_has_the_exit_code_in_its_path() {
    let [good, bad] = two_runs(&BETTER_STACK);
    assert_eq!((path(&good), path(&bad)), ("/api/v1/heartbeat/KEY", "/api/v1/heartbeat/KEY/4"));
    assert!(bad.body.starts_with(EMPTY), "{bad:?}");
}

#[test]
fn dead_mans_snitch_has_the_exit_code_in_its_query() {
    let [good, bad] = two_runs(&SNITCH).map(|asked| query(&asked));
    assert_eq!((good["s"].as_str(), bad["s"].as_str()), ("0", "4"));
    assert!(bad["m"].contains("exit code 4"), "{bad:?}");
}

#[test]
fn ntfy_shows_the_body_under_a_title() {
    let [good, bad] = two_runs(&NTFY);
    assert_eq!(query(&good)["title"], "giggles: complete");
    assert_eq!((query(&bad)["title"].as_str(), query(&bad)["priority"].as_str()), ("giggles: exit code 4", "high"));
    assert!(bad.body.starts_with(EMPTY), "{bad:?}");
}

#[test]
fn gotify_takes_json() {
    let [_, bad] = two_runs(&GOTIFY);
    assert!(text(&bad, "message").unwrap().starts_with(EMPTY), "{bad:?}");
    assert_eq!(text(&bad, "title").unwrap(), "giggles: exit code 4");
}

#[test]
fn chats_take_json() {
    for (like, member) in [(SLACK, "text"), (DISCORD, "content"), (MATTERMOST, "text")] {
        let [good, bad] = two_runs(&like);
        assert!(text(&good, member).unwrap().contains("exit code 0"), "{good:?}");
        assert!(text(&bad, member).unwrap().contains(EMPTY), "{bad:?}");
    }
}

/// The form of a URL is not always enough, and a service behind a proxy may be anywhere.
#[test]
fn a_service_can_be_named() {
    let (place, web) = (Place::new(), Web::like(|asked| if_known(path(asked) == "/my/own/path", 200)));
    let run = |service: &str, flags: &[&str]| {
        let mut command = place.scan_into(&place.sqlite(), flags);
        command.env("GIGGLES_PING_SERVICE", service).env("GIGGLES_PING_URL", web.url("my/own/path"));
        said(command.args(["-q", "--tz", "UTC"]))
    };
    for service in
        ["uptime-kuma", "better-stack", "dead-mans-snitch", "ntfy", "gotify", "slack", "discord", "mattermost"]
    {
        assert_eq!(run(service, &["--allow-empty"]).ends_with(0).stderr, "", "{service}");
    }
    assert_eq!(web.asked().len(), 8);
    run("plain", &[]).ends_with(4);
    assert_eq!(web.asked().len(), 8, "a plain URL is asked after a success only");
    assert_eq!(run("plain", &["--allow-empty"]).ends_with(0).stderr, "");
    assert_eq!((web.asked().len(), web.asked()[8].path.as_str()), (9, "/my/own/path"));
    run("healthchecks", &["--allow-empty"]).ends_with(0).complains_of("404 Not Found; is the ping URL right");
    run("kuma", &[]).ends_with(78).complains_of("GIGGLES_PING_SERVICE: it is not a known service; write one of");
}

#[test]
fn a_start_is_left_out_if_that_is_asked_for() {
    let (place, web) = (Place::new(), Web::like(|_| 200));
    let url = web.url("ping/secret-uuid");
    scan(&place, &url, &["--allow-empty", "--no-start-ping"]).ends_with(0);
    let mut command = place.scan_into(&place.sqlite(), &["--allow-empty", "-q"]);
    said(command.env("GIGGLES_PING_URL", &url).env("GIGGLES_NO_START_PING", "1")).ends_with(0);
    let ends: Vec<String> = web.asked().iter().map(|asked| path(asked).to_owned()).collect();
    assert_eq!(ends, ["/ping/secret-uuid/0", "/ping/secret-uuid/0"]);
    scan(&place, &url, &["--allow-empty"]).ends_with(0);
    assert_eq!(web.asked().len(), 4);
}

#[test]
fn what_is_not_2xx_is_a_failed_ping_for_every_service() {
    for like in [KUMA, BETTER_STACK, SNITCH, NTFY, GOTIFY, SLACK, DISCORD, MATTERMOST] {
        for status in [302, 404] {
            let (place, web) = (Place::new(), Web::like(if status == 302 { |_| 302 } else { |_| 404 }));
            let said = scan(&place, &web.url(like.url), &[like.flags, &["--allow-empty"]].concat()).ends_with(0);
            said.complains_of(&format!("failed, which changes nothing else: it answered {status}"));
            assert!(!said.stderr.contains("KEY") && web.asked().len() == 1, "{}", said.stderr);
        }
    }
}
