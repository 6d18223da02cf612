//! Fields of JSON documents and columns of tables: every one that is written is described, and every one that is
//! described is written.

use std::collections::BTreeSet;
use std::fs;

use giggles::domain::{Described, Field, field};
use giggles::notify::event;
use giggles::render::fields::{DOCUMENTS, TABLES};
use giggles::reviews;
use serde_json::{Value, json};

use super::{assert_page, code, table};
use crate::support::program::{Place, Said};

/// A field with its whole path.
fn fields(described: &Described) -> Vec<(String, Field)> {
    let parts = described.parts.iter();
    parts
        .flat_map(|(below, fields)| fields.iter().map(move |field| (format!("{below}{}", field.path), *field)))
        .collect()
}

/// Every value of a document that holds no others, by its path.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(&format!("{path}{dot}{name}"), value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| leaves(&format!("{path}[]"), item, found)),
        _ => found.push((path.to_owned(), value.clone())),
    }
}

/// Whether the path is the described one, in which `*` stands for any name.
fn matches(described: &str, path: &str) -> bool {
    match described.split_once('*') {
        None => described == path,
        Some((before, after)) => {
            let name = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            name.is_some_and(|name| !name.is_empty() && (after.is_empty() || !name.contains('.')))
        }
    }
}

fn is_of_kind(kind: &str, value: &Value) -> bool {
    kind.split(" or ").any(|kind| match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "object" | "array" => false,
        other => panic!("{other} is not a kind of value"),
    })
}

/// The documents contain the described fields, of the described kinds, and no others.
fn assert_described(described: &Described, documents: &[Value]) {
    let fields = fields(described);
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    let mut found = Vec::new();
    documents.iter().for_each(|document| leaves("", document, &mut found));
    for (path, value) in &found {
        let index = fields.iter().position(|(described, _)| matches(described, path));
        match index.map(|index| (index, fields[index].1.kind)) {
            Some((index, kind)) if is_of_kind(kind, value) => drop(seen.insert(index)),
            Some((_, kind)) => faults.push(format!("{path} is {value} and described as {kind}")),
            None => faults.push(format!("{path} is not described")),
        }
    }
    // Objects and arrays are described for what null means; their fields have rows of their own.
    let is_leaf = |field: &Field| !field.kind.starts_with("object") && !field.kind.starts_with("array");
    let unseen = fields.iter().enumerate().filter(|(index, (_, field))| is_leaf(field) && !seen.contains(index));
    faults.extend(unseen.map(|(_, (path, _))| format!("{path} is described and was not written")));
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{}:\n{}", described.command, faults.join("\n"));
}

fn document(command: &str) -> &'static Described {
    let mut all = DOCUMENTS.iter().chain(event::DOCUMENTS);
    all.find(|described| described.command == command).expect(command)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Recordings of every kind: with laughs, cut, broken, twice, and a text.
fn place() -> Place {
    let place = Place::with(&[
        ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV"),
        ("fixtures/evening/20251024_130000.WAV", "copy/20251024_130000.WAV"),
        ("fixtures/clips/laugh_male_scratch1.flac", "undated.flac"),
    ]);
    let whole = fs::read(place.recording("20251024_130000.WAV")).unwrap();
    place.write("20251024_150000.WAV", &whole[..whole.len() / 2]);
    place.write("20251024_160000.ogg", b"OggS, and no audio");
    place.write("notes.txt", b"to do");
    place
}

fn scan(place: &Place, flags: &[&str]) -> Said {
    place.scan(&[&["--name-tz", "UTC", "--tz", "UTC"], flags].concat())
}

/// A review of the first laugh, as a report page exports it.
fn review(place: &Place) -> Value {
    let days = ["status", "--json", "--date", "2025-10-24", "--tz", "UTC", "--database", &place.sqlite()];
    let day = &place.run(&days).json()["days"][0];
    let laugh = &day["laughs"][0];
    let mut recordings = day["recordings"].as_array().unwrap().iter();
    let recording = recordings.find(|recording| recording["name"] == laugh["recording"]).unwrap();
    json!({
        "source": "default",
        "recording": laugh["recording"],
        "content_sha256": recording["content_sha256"],
        "start_seconds": laugh["start_seconds"],
        "end_seconds": laugh["end_seconds"],
        "starts_at": laugh["starts_at"],
        "verdict": "confirmed",
        "comment": "with Ann",
        "favourite": true,
        "at": "2025-10-25T08:00:00Z",
    })
}

fn import(place: &Place, review: &Value) -> Said {
    fs::write(place.path("reviews.jsonl"), format!("{review}\n")).unwrap();
    place.run(&["review", "import", "reviews.jsonl", "--json", "--database", &place.sqlite()])
}

/// The header of a table has the described columns.
fn assert_columns(command: &str, header: &str, separator: char) {
    let described = TABLES.iter().find(|described| described.command == command).expect(command);
    let header: Vec<&str> = header.lines().next().unwrap_or_default().split(separator).collect();
    let names: Vec<String> = fields(described).into_iter().map(|(name, _)| name).collect();
    assert_eq!(header, names, "{command}");
}

#[test]
fn the_fields_of_a_run_are_described() {
    let place = place();
    let runs = [&["--json", "--dry-run"][..], &["--json"], &["--json"], &["--json", "--force"]]
        .map(|flags| scan(&place, flags).json());
    assert_described(document("giggles scan --json"), &runs);
    let events = [scan(&place, &["--ndjson", "--force"]), scan(&place, &["--ndjson"])];
    let events: Vec<Value> = events.iter().flat_map(|said| lines(&said.stdout)).collect();
    assert_described(document("giggles scan --ndjson"), &events);
}

#[test]
fn the_fields_of_runs_of_all_sources_are_described() {
    let place = place();
    fs::create_dir(place.path("mia")).unwrap();
    fs::copy(place.recording("undated.flac"), place.path("mia/undated.flac")).unwrap();
    let text = "[source.neil]\nfolder = \"recordings\"\n[source.mia]\nfolder = \"mia\"\n[source.zoe]\nzone = \"UTC\"\n";
    place.write_private("giggles.toml", text);
    let all = |command: &str, flags: &[&str]| {
        let words = [command, "--all-sources", "--config", "giggles.toml", "--database", &place.sqlite()];
        place.run(&[&words[..], flags].concat()).ends_with(78)
    };
    let named = ["--tz", "UTC", "--retry-failed"];
    let documents =
        [&["--json"][..], &["--json", "--force"]].map(|flags| all("scan", &[flags, &named].concat()).json());
    assert_described(document("giggles scan --all-sources --json"), &documents);
    let events = [&["--ndjson"][..], &["--ndjson", "--force"]].map(|flags| all("scan", &[flags, &named].concat()));
    let events: Vec<Value> = events.iter().flat_map(|said| lines(&said.stdout)).collect();
    assert_described(document("giggles scan --all-sources --ndjson"), &events);
    let checks = all("doctor", &["--json"]).json();
    assert_described(document("giggles doctor --all-sources --json"), &[checks]);
}

/// As `explain` shows a sound that was compared with reviews.
fn compared() -> Value {
    let place = crate::explain::place();
    place.run(&["explain", "1", "--json", "--database", &place.sqlite()]).ends_with(0).json()
}

#[test]
fn the_fields_of_stored_days_are_described() {
    let place = place();
    scan(&place, &[]);
    let review = review(&place);
    let imported = import(&place, &review).ends_with(0).json();
    assert_described(document("giggles review import --json"), &[imported]);
    assert_described(&reviews::DOCUMENT, &[review]);
    let explained = place.run(&["explain", "1", "--json", "--database", &place.sqlite()]).ends_with(0).json();
    assert_described(document("giggles explain --json"), &[explained, compared()]);
    let database = place.sqlite();
    let run = |arguments: &[&str]| place.run(&[arguments, &["--database", &database]].concat());
    fs::write(place.path("sources"), "zoe\n").unwrap();
    let day = ["status", "--json", "--date", "2025-10-24", "--tz", "UTC"];
    let days = run(&[&day[..], &["--all-sources", "--expect", "sources"]].concat()).json();
    let runs = run(&["status", "--json"]).json();
    assert_described(document("giggles status --json"), &[days, runs]);
    let report = |date: &str| run(&["report", "--json", "--tz", "UTC", "--date", date]).json();
    // What many reviews change.
    let near = json!([{ "review": 1, "similarity": 0.5 }]);
    let personal = json!({ "shift": 0.5, "confirmed": near, "rejected": near });
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "UPDATE candidates SET personal = ?1, clip = 'a.flac' WHERE id % 2 = 0";
    connection.execute(sql, [personal.to_string()]).unwrap();
    drop(connection);
    let candidates = run(&["report", "--json", "--candidates", "--tz", "UTC", "--date", "2025-10-24"]).json();
    assert_described(document("giggles report --json"), &[report("2025-10-24"), report("2025-10-31"), candidates]);
    let export = |format: &str| run(&["export", "--format", format]).stdout;
    let json = serde_json::from_str(&export("json")).unwrap();
    assert_described(document("giggles export --format json"), &[json]);
    assert_described(document("giggles export --format jsonl"), &lines(&export("jsonl")));
    assert_columns("giggles export --format csv", &export("csv"), ',');
    assert_columns("giggles export --format recordings", &export("recordings"), ',');
    assert_described(document("giggles days --json"), &[run(&["days", "--json"]).json()]);
    assert_columns("giggles report --csv", &run(&["report", "--csv", "--date", "2025-10-24"]).stdout, ',');
    run(&["export", "--format", "raven", "--folder", "."]);
    run(&["export", "--format", "audacity", "--folder", "."]);
    let file = |suffix: &str| fs::read_to_string(place.path(format!("20251024_130000.giggles.{suffix}"))).unwrap();
    assert_columns("giggles export --format raven", &file("selection.table.txt"), '\t');
    let labels = TABLES.iter().find(|described| described.command.ends_with("audacity")).unwrap();
    assert_eq!(file("labels.txt").lines().next().unwrap().split('\t').count(), fields(labels).len());
}

#[test]
fn the_fields_of_scores_and_checks_are_described() {
    let place = place();
    let scores = |format: &str| place.run(&["scores", "recordings/undated.flac", "--format", format]).ends_with(0);
    assert_described(document("giggles scores --format json"), &[scores("json").json()]);
    assert_columns("giggles scores --format csv", &scores("csv").stdout, ',');
    fs::create_dir(place.path("clips")).unwrap();
    scan(&place, &["--clips", "clips"]);
    let clips = fs::read_dir(place.path("clips/default")).unwrap().map(|entry| entry.unwrap().path());
    let days: Vec<_> = clips.filter(|path| path.is_dir()).collect();
    let clip = fs::read_dir(&days[0]).unwrap().next().unwrap().unwrap().path();
    fs::rename(&clip, clip.with_file_name("20250929T101112.000Z_giggle_61p.flac")).unwrap();
    fs::create_dir_all(place.path("clips/ada")).unwrap();
    let verified = place.run(&["verify", "--clips", "clips", "--json", "--database", &place.sqlite()]).ends_with(3);
    assert_described(document("giggles verify --json"), &[verified.json()]);
    let checks = place.run(&["doctor", "recordings", "--json", "--database", &place.sqlite()]).json();
    assert_described(document("giggles doctor --json"), &[checks]);
    let file = place.path("giggles.toml");
    fs::write(&file, "[run]\nthreads = 1\n[source.neil]\nzone = 'UTC'\n").unwrap();
    place.write_private("nightly.env", "GIGGLES_STRICT='1'\n");
    let shown = |flags: &[&str]| {
        let words = ["config", "show", "--json", "--config", "giggles.toml", "--env-file", "nightly.env"];
        place.run(&[&words[..], flags].concat()).ends_with(0).json()
    };
    let bare = place.run(&["config", "show", "--json"]).json();
    assert_described(document("giggles config show --json"), &[shown(&["--source", "neil"]), bare]);
}

#[test]
fn the_fields_of_the_log_are_described() {
    let log = |place: &Place, format: &str| {
        let said = scan(place, &["--log-format", format, "-v", "--force"]);
        let mut objects = lines(&said.stderr);
        let summary = objects.pop().expect("a summary");
        (objects, summary)
    };
    let place = place();
    let (messages, summary) = log(&place, "json");
    assert_described(document("giggles --log-format json"), &messages);
    assert_described(document("giggles scan --log-format json, the last line"), &[summary]);
    let (_, summary) = log(&place, "emf");
    assert_described(document("giggles scan --log-format emf, the last line"), &[summary]);
}

#[test]
fn the_page_of_formats_is_the_programs() {
    let rows = |described: &Described| {
        let fields = fields(described).into_iter();
        let rows = fields.map(|(path, field)| [code(&path), field.kind.to_owned(), field.meaning.to_owned()]);
        table(["field", "type", "meaning"], rows)
    };
    let section = |described: &Described| {
        format!("### {}\n\n{}.\n\n{}\n", described.command, capitalized(described.about), rows(described))
    };
    let documents: String = DOCUMENTS.iter().chain(event::DOCUMENTS).chain([&reviews::DOCUMENT]).map(section).collect();
    let tables: String = TABLES.iter().map(section).collect();
    let text = format!(
        "Instants are RFC 3339 in UTC, offsets and durations are seconds, scores are 0 to 1. Fields may be added; a \
         field keeps its\nmeaning as long as `spec_version` stays. `[]` stands for each item of a list, `*` for any \
         name.\n\n## JSON\n\n{documents}## Tables\n\n{tables}"
    );
    assert_page("formats.md", "Formats", &text);
}

fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn a_field_that_is_not_described_is_found() {
    const FIELDS: &[Field] = &[field("a", "string or null", ""), field("b[].*", "number", "")];
    let described = Described { command: "x", about: "", parts: &[("", FIELDS)] };
    let fails = |value: Value| std::panic::catch_unwind(|| assert_described(&described, &[value])).is_err();
    assert!(!fails(json!({ "a": null, "b": [{ "c": 1 }, { "d": 2 }] })));
    assert!(fails(json!({ "a": null, "b": [{ "c": 1 }], "c": 1 })), "not described");
    assert!(fails(json!({ "a": 1, "b": [{ "c": 1 }] })), "of another kind");
    assert!(fails(json!({ "a": "text", "b": [] })), "described and not written");
}

#[test]
fn the_fields_of_an_evaluation_are_described() {
    let place = crate::evaluate::place();
    let run = |flags: &[&str]| place.run(&[&["evaluate", "--json", "--database", &place.sqlite()], flags].concat());
    let documents = [&["--source", "neil", "--from", "2025-10-01", "--to", "2025-11-01"][..], &[]];
    assert_described(document("giggles evaluate --json"), &documents.map(|flags| run(flags).ends_with(0).json()));
}
