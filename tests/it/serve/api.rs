//! The API: what is stored, and reviews. scripts/serve_test.sh asks every route against the OpenAPI document.

use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{family, flags};
use crate::support::program::Place;

fn serve(place: &Place) -> Server {
    Server::start(place, &flags(place).iter().map(String::as_str).collect::<Vec<_>>())
}

/// A review of neil's laugh, as the page sends it.
fn review(server: &Server, verdict: &str, at: &str) -> Value {
    let recordings = server.get("/api/v1/recordings?source=neil").with_status(200).json();
    let recording = &recordings["recordings"][0];
    json!({
        "source": "neil", "recording": recording["name"], "content_sha256": recording["content_sha256"],
        "start_seconds": 0.0, "end_seconds": 2.88, "starts_at": recording["started_at"], "verdict": verdict,
        "comment": "<b>with Ann</b>", "at": at,
    })
}

fn store(server: &Server, body: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = [("Content-Type", "application/json")].iter().chain(headers).copied().collect();
    server.ask("POST", "/api/v1/reviews", &headers, body)
}

#[test]
fn a_review_is_stored_and_shown_at_once() {
    let place = family();
    let server = serve(&place);
    let day = "/days/2025-10-24?source=neil";
    let before = server.get(day).with_status(200);
    assert!(!before.text().contains("with Ann"));
    let one = json!({ "reviews": [review(&server, "rejected", "2025-10-25T08:00:00Z")] }).to_string();
    let own = format!("http://127.0.0.1:{}", server.port);
    let answer = store(&server, &one, &[("Origin", &own)]).with_status(200);
    assert_eq!((answer.json()["changed"].as_u64(), answer.header("cache-control")), (Some(1), "no-store"));
    assert_eq!(store(&server, &one, &[]).with_status(200).json()["unchanged"], 1);
    let after = server.get(day).with_status(200);
    assert!(after.text().contains("rejected: &lt;b&gt;with Ann&lt;/b&gt;"), "{}", after.text());
    assert_ne!(before.header("etag"), after.header("etag"));
    let listed = server.get("/api/v1/reviews?source=neil").with_status(200).json();
    assert_eq!((&listed["reviews"][0]["verdict"], &listed["next"]), (&json!("rejected"), &Value::Null));
    // By another program.
    let line = review(&server, "confirmed", "2025-10-26T08:00:00Z").to_string();
    std::fs::write(place.path("reviews.jsonl"), line).unwrap();
    let database = place.sqlite();
    place.run(&["review", "import", "reviews.jsonl", "--database", &database]).ends_with(0);
    let listed = server.get("/api/v1/reviews?source=neil").with_status(200).json();
    assert_eq!(listed["reviews"][0]["verdict"], "confirmed");
}

#[test]
fn nothing_is_stored_of_a_wrong_request() {
    let place = family();
    let server = serve(&place);
    let right = review(&server, "rejected", "2025-10-25T08:00:00Z");
    let mut wrong = right.clone();
    wrong["end_seconds"] = json!(-1);
    let both = json!({ "reviews": [right, wrong] }).to_string();
    let one = json!({ "reviews": [right] }).to_string();
    for (body, headers, status, text) in [
        (both.as_str(), &[][..], 422, "reviews[1]: end_seconds is not a number of seconds from 0; nothing was stored"),
        (&one, &[("Origin", "http://evil.example")], 403, "Origin is another site"),
        (&one, &[("Sec-Fetch-Site", "cross-site")], 403, "a page of another site"),
        ("{", &[], 400, "the body is not JSON"),
        ("[]", &[], 400, "the body is not an object"),
    ] {
        let problem = store(&server, body, headers).with_status(status).json();
        assert!(problem["detail"].as_str().unwrap().starts_with(text), "{problem}");
    }
    let form = server.ask("POST", "/api/v1/reviews", &[("Content-Type", "text/plain")], &one);
    assert!(form.with_status(415).text().contains("application/x-ndjson"));
    assert_eq!(server.get("/api/v1/reviews").with_status(200).json()["reviews"], json!([]));
    // The same as JSON lines.
    let lines = server.ask("POST", "/api/v1/reviews", &[("Content-Type", "application/x-ndjson")], &right.to_string());
    assert_eq!(lines.with_status(200).json()["changed"], 1);
}

#[test]
fn lists_name_their_zone_and_refuse_unknown_parameters() {
    let place = family();
    let server = serve(&place);
    let sources = server.get("/api/v1/sources").with_status(200).json();
    assert_eq!(sources["sources"][1]["source"], "neil");
    let day = server.get("/api/v1/days/2025-10-24?source=neil&tz=Europe/Berlin").with_status(200).json();
    assert_eq!((&day["zone"], &day["days"][0]["from"]), (&json!("Europe/Berlin"), &json!("2025-10-23T22:00:00Z")));
    for (path, status, text) in [
        ("/api/v1/runs?sorce=neil", 400, "'sorce' is not a parameter; use source, cursor, limit"),
        ("/api/v1/runs?limit=0", 400, "limit: give an integer from 1 to 500"),
        ("/api/v1/runs?cursor=x", 422, "cursor: no page of this list gave it"),
        ("/api/v1/recordings?from=2025-10-25&to=2025-10-24", 422, "to is before from"),
        ("/api/v1/recordings?tz=Mars", 422, "tz: "),
        ("/api/v1/recordings?source=mia", 404, "there is no such source"),
    ] {
        let problem = server.get(path).with_status(status).json();
        assert!(problem["detail"].as_str().unwrap().starts_with(text), "{path}: {problem}");
    }
    let until = |to: &str| {
        let list = server.get(&format!("/api/v1/recordings?from=2025-10-24&to={to}&tz=UTC")).with_status(200).json();
        list["recordings"].as_array().unwrap().len()
    };
    assert!(until("2025-10-24") > 0, "a date as `to` includes its day");
    assert_eq!(until("2025-10-24"), until("2025-10-25T00:00:00Z"));
    let metrics = server.get("/metrics").with_status(200);
    assert!(metrics.text().contains("giggles_last_run_exit_code{source=\"neil\"} 0\n"), "{}", metrics.text());
}
