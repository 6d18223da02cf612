//! `giggles review import`: what was said on a page is stored, whole or not at all, and shown again.

use crate::support::past_runs;
use std::fs;
use std::process::Stdio;

use crate::support::program::{Place, RunningProgram, Said};
use giggles::store::open;
use past_runs::{at, content, detection, past_run, recording};
use serde_json::{Value, json};

/// A day of two laughs, stored.
fn place() -> Place {
    let place = Place::new();
    let noon = giggles::domain::Recording { started: at("2025-10-24T19:00:00Z"), ..recording("noon.ogg", 1) };
    let run = past_run("neil").analyzed(noon, vec![detection(60.0, 62.0), detection(90.5, 92.25)]).build();
    open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
    place
}

/// As the page exports it.
fn line(start: f64, end: f64, verdict: Option<&str>, review: Option<&str>, at: &str) -> String {
    let line = json!({
        "source": "neil", "recording": "noon.ogg", "content_sha256": content(1).to_string(), "start_seconds": start,
        "end_seconds": end, "starts_at": "2025-10-24T19:01:00Z", "verdict": verdict, "comment": review, "at": at,
    });
    format!("{line}\n")
}

/// Keeps the first laugh, discards the second, and says something of one that is not there.
fn three() -> String {
    line(60.0, 62.0, Some("confirmed"), Some("with Ann, \"ha\""), "2025-10-25T08:00:00.5Z")
        + &line(90.5, 92.25, Some("rejected"), None, "2025-10-25T08:00:01Z")
        + &line(300.0, 301.0, None, Some("where is it?"), "2025-10-25T08:00:02Z")
}

fn import(place: &Place, text: &str, flags: &[&str]) -> Said {
    fs::write(place.path("reviews.jsonl"), text).unwrap();
    place.run(&[&["review", "import", "reviews.jsonl", "--database", &place.sqlite()], flags].concat())
}

fn count(place: &Place) -> i64 {
    place.number("SELECT count(*) FROM reviews")
}

fn report(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["report", "--database", &place.sqlite(), "--date", "2025-10-24"], flags].concat()).ends_with(0)
}

#[test]
fn a_file_is_stored_once() {
    let place = place();
    let said = import(&place, &three(), &[]).ends_with(0);
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("3 reviews stored; 1 is of a laugh that is not stored\n", "")
    );
    let again = import(&place, &three(), &[]).ends_with(0).stdout;
    assert_eq!(again, "nothing changed; 3 are already stored, 1 is of a laugh that is not stored\n");
    assert_eq!(count(&place), 3);
    let quiet = import(&place, &three(), &["-q"]).ends_with(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
}

#[test]
fn the_later_note_holds_in_the_file_and_in_the_database() {
    let place = place();
    let keep = |at| line(60.0, 62.0, Some("confirmed"), None, at);
    let discard = |at| line(60.0, 62.0, Some("rejected"), None, at);
    let both = keep("2025-10-25T10:00:00+02:00") + &discard("2025-10-25T07:59:59Z");
    assert_eq!(import(&place, &both, &[]).stdout, "1 review stored; 1 is older than the stored review of its laugh\n");
    let older = import(&place, &discard("2025-10-25T07:00:00Z"), &[]).ends_with(0).stdout;
    assert_eq!(older, "nothing changed; 1 is older than the stored review of its laugh\n");
    assert_eq!(place.number("SELECT count(*) FROM reviews WHERE verdict = 'confirmed'"), 1);
}

#[test]
fn one_bad_line_and_nothing_is_stored() {
    let place = place();
    let bad = three().replace("\"rejected\"", "\"perhaps\"");
    import(&place, &bad, &[])
        .ends_with(1)
        .complains_of("reviews.jsonl, line 2: verdict is not confirmed, rejected or null; nothing was stored");
    assert_eq!(count(&place), 0);
    import(&place, "laughs\nlaughs\n", &["-q"]).ends_with(1).complains_of("line 1: is not JSON (expected value)");
    let database = place.sqlite();
    let nowhere = ["review", "import", "nowhere.jsonl", "--database", &database];
    place.run(&nowhere).ends_with(78).complains_of("nowhere.jsonl cannot be read: No such file");
    place.run(&["review", "import"]).ends_with(2);
    place.run(&["review", "import"]).ends_with(2);
}

#[test]
fn a_dry_run_says_and_stores_nothing() {
    let place = place();
    let dry = import(&place, &three(), &["--dry-run"]).ends_with(0).stdout;
    assert_eq!(dry, "3 reviews would be stored; 1 is of a laugh that is not stored\n");
    let json = import(&place, &three(), &["-n", "--json"]).ends_with(0).json();
    let wanted = json!({
        "spec_version": "1", "reviews": 3, "changed": 3, "unchanged": 0, "older": 0, "without_laugh": 1, "dry_run": true,
    });
    assert_eq!((json, count(&place)), (wanted, 0));
}

/// What is written to standard input, and how the program ended.
fn piped(place: &Place, text: &str) -> Said {
    fs::write(place.path("piped"), text).unwrap();
    let mut command = place.command(&["review", "import", "-", "--database", &place.sqlite()]);
    command.stdin(Stdio::from(fs::File::open(place.path("piped")).unwrap()));
    RunningProgram::start(&mut command).wait()
}

#[test]
fn standard_input_is_a_file_too() {
    let place = place();
    assert_eq!(piped(&place, &three()).ends_with(0).stdout, "3 reviews stored; 1 is of a laugh that is not stored\n");
    assert_eq!(piped(&place, "\n").ends_with(0).stdout, "nothing changed: the file contains no reviews\n");
    piped(&place, "{}").ends_with(1).complains_of("standard input, line 1: source is missing; nothing was stored");
}

#[test]
fn a_database_without_a_run_is_the_wrong_one() {
    let place = Place::new();
    import(&place, &three(), &[]).ends_with(4).complains_of("nothing has been stored yet in sqlite:");
    assert!(!place.path("laughs.db").exists());
}

#[test]
fn reports_and_exports_show_what_was_said() {
    let place = place();
    import(&place, &three(), &[]).ends_with(0);
    let text = report(&place, &ALL).stdout;
    assert!(
        text.contains("noon.ogg  (confirmed: with Ann, \"ha\")\n") && text.contains("noon.ogg  (rejected)\n"),
        "{text}"
    );
    let laughs = report(&place, &["--json", ALL[0]]).json()["days"][0]["laughs"].clone();
    assert_eq!((&laughs[0]["verdict"], &laughs[0]["comment"]), (&json!("confirmed"), &json!("with Ann, \"ha\"")));
    assert_eq!((&laughs[1]["verdict"], &laughs[1]["comment"]), (&json!("rejected"), &Value::Null));
    for table in [report(&place, &["--csv", ALL[0]]).stdout, export(&place, "csv")] {
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().rev().skip(1).take(2).map(str::to_owned).collect())
            .collect();
        assert_eq!(rows, [["with Ann, \"ha\"", "confirmed"], ["", "rejected"]], "{table}");
    }
    let raven = export(&place, "raven");
    assert!(raven.lines().nth(1).unwrap().ends_with("\tconfirmed\twith Ann, 'ha'"), "{raven}");
    for line in export(&place, "jsonl").lines().zip(["confirmed", "rejected"]) {
        let laugh: Value = serde_json::from_str(line.0).unwrap();
        assert_eq!(laugh["verdict"], line.1);
    }
    let json: Value = serde_json::from_str(&export(&place, "json")).unwrap();
    assert_eq!(json["recordings"][0]["laughs"][0]["comment"], "with Ann, \"ha\"");
    let labels = export(&place, "audacity");
    assert_eq!(labels.lines().next().unwrap().split('\t').count(), 3, "labels have no room for more");
}

fn export(place: &Place, format: &str) -> String {
    place.run(&["export", "--format", format, "--database", &place.sqlite(), ALL[0]]).ends_with(0).stdout
}

const ALL: [&str; 1] = ["--include-rejected"];

/// The number of laughs that each command and each format tells.
fn numbers(place: &Place, flags: &[&str]) -> Vec<u64> {
    let lines = |text: &str| text.lines().count() as u64;
    let export = |format: &str| {
        place.run(&[&["export", "--format", format, "--database", &place.sqlite()], flags].concat()).ends_with(0).stdout
    };
    let text = report(place, flags).stdout;
    let json = report(place, &[&["--json"], flags].concat()).json();
    let day = &json["days"][0];
    let date = ["status", "--database", &place.sqlite(), "--date", "2025-10-24"];
    let status = place.run(&[&date, flags].concat()).stdout;
    let of_status: Value = place.run(&[&date[..], &["--json"], flags].concat()).json();
    let history = json["history"].as_array().unwrap().last().unwrap()["laughs"].as_u64().unwrap();
    let export_json: Value = serde_json::from_str(&export("json")).unwrap();
    let first = |text: &str| text.split(" laugh").next().unwrap().rsplit([' ', '\n']).next().unwrap().parse().unwrap();
    vec![
        first(&text),
        text.matches("noon.ogg").count() as u64,
        json["laughs"].as_u64().unwrap(),
        day["laughs"].as_array().unwrap().len() as u64,
        history,
        lines(&report(place, &[&["--csv"], flags].concat()).stdout) - 1,
        first(status.split_once(" of the day; ").unwrap().1),
        of_status["days"][0]["laughs"].as_array().unwrap().len() as u64,
        lines(&export("csv")) - 1,
        lines(&export("jsonl")),
        lines(&export("audacity")),
        lines(&export("raven")) - 1,
        export_json["recordings"][0]["laughs"].as_array().unwrap().len() as u64,
    ]
}

#[test]
fn a_rejected_laugh_leaves_every_number_and_comes_back_if_asked_for() {
    let place = place();
    assert_eq!(numbers(&place, &[]), [2; 13]);
    import(&place, &three(), &[]).ends_with(0);
    assert_eq!(numbers(&place, &[]), [1; 13]);
    assert_eq!(numbers(&place, &ALL), [2; 13]);
    assert!(report(&place, &[]).stdout.contains("; 1 laugh, 1 rejected\n"));
    assert!(report(&place, &ALL).stdout.contains("; 2 laughs\n"));
    for (flags, rejected) in [(&[][..], 1), (&ALL[..], 0)] {
        let day = report(&place, &[&["--json"], flags].concat()).json()["days"][0].clone();
        assert_eq!(day["rejected"], rejected);
    }
}

#[test]
fn a_favourite_is_shown_and_may_be_all_that_is_said() {
    let place = place();
    let mut marked: Value = serde_json::from_str(&line(60.0, 62.0, None, None, "2025-10-25T08:00:00Z")).unwrap();
    marked["favourite"] = true.into();
    assert_eq!(import(&place, &marked.to_string(), &[]).ends_with(0).stdout, "1 review stored\n");
    assert!(report(&place, &[]).stdout.contains("noon.ogg  (favourite)\n"));
    let laughs = report(&place, &["--json"]).json()["days"][0]["laughs"].clone();
    assert_eq!((&laughs[0]["favourite"], &laughs[1]["favourite"]), (&json!(true), &json!(false)));
    for table in [report(&place, &["--csv"]).stdout, export(&place, "csv")] {
        let marks: Vec<&str> = table.lines().map(|line| line.rsplit(',').next().unwrap()).collect();
        assert_eq!(marks, ["favourite", "true", "false"]);
    }
    let lines: Vec<Value> = export(&place, "jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["favourite"], &lines[0]["verdict"]), (&json!(true), &Value::Null));
    let json: Value = serde_json::from_str(&export(&place, "json")).unwrap();
    assert_eq!(json["recordings"][0]["laughs"][0]["favourite"], true);
    // Imported again without the mark, later.
    let later = line(60.0, 62.0, None, Some("no more"), "2025-10-25T09:00:00Z");
    import(&place, &later, &[]).ends_with(0);
    assert!(report(&place, &[]).stdout.contains("noon.ogg  (no more)\n"));
}

#[test]
fn a_page_without_its_script_shows_what_was_said() {
    let place = place();
    import(&place, &three().replace("with Ann", "</script><b>Ann"), &[]).ends_with(0);
    report(&place, &["-o", "day.html"]);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(page.contains("<p class=\"review\"><bdi>confirmed: &lt;/script&gt;&lt;b&gt;Ann, &quot;ha&quot;</bdi></p>"));
    let (_, second) = page.split_once("<li id=\"laugh-1\"").unwrap();
    assert!(second.split_once('>').unwrap().0.contains(" class=\"rejected\""), "{page}");
    assert_eq!((page.matches("</script>").count(), page.matches("<b>Ann").count()), (3, 0));
}

#[test]
fn a_note_finds_its_laugh_after_a_scan_under_other_rules() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251024_190000.flac")]);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let database = place.sqlite();
    let laughs = || {
        let said = place.run(&["report", "--database", &database, "--date", "2025-10-24", "--json"]).ends_with(0);
        said.json()["days"][0].clone()
    };
    let before = laughs();
    let (laugh, recording) = (&before["laughs"][0], &before["recordings"][0]);
    let review = json!({
        "source": "default", "recording": recording["name"], "content_sha256": recording["content_sha256"],
        "start_seconds": laugh["start_seconds"], "end_seconds": laugh["end_seconds"], "starts_at": laugh["starts_at"],
        "verdict": "confirmed", "comment": "with Ann", "at": "2025-10-25T08:00:00Z",
    });
    assert_eq!(import(&place, &review.to_string(), &[]).ends_with(0).stdout, "1 review stored\n");
    place.scan(&["--tz", "UTC", "--padding", "0", "--threshold", "strict"]).ends_with(0);
    let after = laughs();
    assert_ne!(after["laughs"][0]["start_seconds"], laugh["start_seconds"], "other rules, other edges");
    assert_eq!(after["laughs"][0]["comment"], "with Ann");
    place.run(&["prune", "--database", &database, "--older-than", "1d", "--rows"]).ends_with(0);
    assert_eq!((place.number("SELECT count(*) FROM detections"), count(&place)), (0, 1));
    place.scan(&["--tz", "UTC"]).ends_with(0);
    assert_eq!(laughs()["laughs"][0]["comment"], "with Ann");
}

/// A laugh in two rows, as a recorder cut it.
fn cut() -> Place {
    let place = Place::new();
    let hour = |name, byte, instant| giggles::domain::Recording { started: at(instant), ..recording(name, byte) };
    let run = past_run("neil")
        .analyzed(hour("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![detection(3598.0, 3600.0)])
        .analyzed(hour("one.ogg", 2, "2025-10-24T20:00:00Z"), vec![detection(0.0, 1.0)])
        .build();
    open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
    place
}

#[test]
fn what_is_said_of_one_row_of_a_cut_laugh_is_said_of_both() {
    let place = cut();
    import(&place, &line(3598.0, 3600.0, Some("rejected"), Some("a cough"), "2025-10-25T08:00:00Z"), &[]).ends_with(0);
    let table = export(&place, "csv");
    assert_eq!(table.matches("rejected,a cough").count(), 2, "{table}");
    assert!(report(&place, &[]).stdout.starts_with("0 laughs\n"));
    let text = report(&place, &ALL).stdout;
    assert!(text.starts_with("1 laugh\n"), "{text}");
    assert_eq!(text.matches("(rejected: a cough)").count(), 1, "{text}");

    // What is said later of the other row is the laugh's.
    let later = line(0.0, 1.0, Some("confirmed"), None, "2025-10-25T09:00:00Z").replace("noon.ogg", "one.ogg");
    let later = later.replace(&content(1).to_string(), &content(2).to_string());
    import(&place, &later, &[]).ends_with(0);
    assert_eq!(export(&place, "csv").matches(",confirmed,").count(), 2);
}

#[test]
fn a_note_does_nothing_to_a_terminal() {
    let place = place();
    let evil = format!("\u{1b}]0;title\u{7}\u{1b}[2J\r\n\u{202e}{}", "ha".repeat(4000));
    import(&place, &line(60.0, 62.0, Some("confirmed"), Some(&evil), "2025-10-25T08:00:00Z"), &[]).ends_with(0);
    let text = report(&place, &[]).stdout;
    assert!(text.contains("(confirmed: \\x1b]0;title\\x07\\x1b[2J\\x0d\\x0a\\xe2\\x80\\xaehaha"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 300) && text.contains("…)"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']));
    let laughs = report(&place, &["--json"]).json()["days"][0]["laughs"].clone();
    assert_eq!(laughs[0]["comment"], evil.trim(), "programs get all of it");

    let long = line(60.0, 62.0, None, Some(&"a".repeat(100_000)), "2025-10-25T09:00:00Z");
    let said = "reviews.jsonl, line 1: comment has 100000 characters; at most 10000 are allowed; nothing was stored";
    import(&place, &long, &[]).ends_with(1).complains_of(said);
}
