//! `giggles scan --all-sources`: a run for each profile of the settings file; the worst exit code is that of the command.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::program::{Place, Said, said};
use crate::support::web::{Answer, Web};

const LAUGH: &str = "fixtures/evening/20251024_130000.WAV";
const OTHER: &str = "fixtures/clips/crow_cc0.flac";

/// Two sources with a recording each, and the settings file that names them.
fn place() -> Place {
    let place = Place::with(&[(LAUGH, "neil/20251024_130000.WAV"), (OTHER, "ann/20251024_140000.flac")]);
    settings(&place, "");
    place
}

/// Writes the settings file: two profiles, and more.
fn settings(place: &Place, more: &str) {
    let profiles = "[source.neil]\nfolder = \"recordings/neil\"\nzone = \"America/Los_Angeles\"\n\
                    [source.ann]\nfolder = \"recordings/ann\"\nzone = \"Asia/Tokyo\"\nclips = \"clips\"\n";
    let database = format!("[database]\nurl = \"{}\"\n", place.sqlite());
    place.write_private("giggles.toml", &format!("{database}{profiles}{more}"));
}

fn command(place: &Place, flags: &[&str]) -> Command {
    place.command(&[&["scan", "--all-sources", "--config", "giggles.toml", "--name-tz", "UTC"], flags].concat())
}

fn run(place: &Place, flags: &[&str]) -> Said {
    said(&mut command(place, flags))
}

#[test]
fn each_source_is_a_run_with_its_own_settings() {
    let place = place();
    fs::create_dir(place.path("clips")).unwrap();
    let said = run(&place, &[]).ends_with(0);
    assert_eq!(said.stderr, "");
    assert!(said.stdout.starts_with("source neil\n") && said.stdout.contains("\nsource ann\n"), "{}", said.stdout);
    assert!(said.stdout.ends_with("exit codes: neil 0, ann 0; the worst is 0\n"), "{}", said.stdout);
    let zones = "SELECT count(*) FROM runs WHERE (source, zone) IN
                 (VALUES ('neil', 'America/Los_Angeles'), ('ann', 'Asia/Tokyo'))";
    assert_eq!((place.number(zones), place.number("SELECT count(*) FROM runs")), (2, 2));
    assert_eq!(place.number("SELECT count(DISTINCT source) FROM recordings"), 2);
    assert_eq!(place.number("SELECT count(*) FROM detections WHERE source = 'neil'"), 1);
    let quiet = run(&place, &["--quiet", "--from", "2025-10-20"]).ends_with(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn the_worst_code_wins_and_no_source_stops_another() {
    let place = place();
    fs::remove_dir_all(place.recording("neil")).unwrap();
    fs::create_dir_all(place.path("recordings/neil")).unwrap();
    place.write("ann/20251024_150000.ogg", b"no audio");
    let said = run(&place, &[]).ends_with(78);
    said.complains_of("error: ann: giggles.toml, line ").complains_of("error: neil: no recordings");
    assert!(said.stdout.ends_with("exit codes: neil 4, ann 78; the worst is 78\n"), "{}", said.stdout);
    fs::create_dir(place.path("clips")).unwrap();
    let said = run(&place, &["--quiet"]).ends_with(4);
    assert_eq!(said.stdout, "");
    said.complains_of("giggles: error: ann: 20251024_150000.ogg: ").complains_of("error: neil: no recordings in ");
    assert_eq!(place.number("SELECT count(*) FROM recordings WHERE source = 'ann'"), 2, "committed");
    place.copy(LAUGH, "neil/20251024_130000.WAV");
    run(&place, &["--retry-failed"]).ends_with(3);
    run(&place, &[]).ends_with(0);
}

/// One document, as with one source; what each source has is the document of its run.
#[test]
fn json_has_the_document_of_each_source() {
    let place = place();
    let document = run(&place, &["--json"]).ends_with(78).json();
    assert_eq!((document["spec_version"].as_str(), document["exit_code"].as_u64()), (Some("1"), Some(78)));
    let [neil, ann] = &document["sources"].as_array().unwrap()[..] else { panic!("{document:#}") };
    assert_eq!((neil["source"].as_str(), neil["exit_code"].as_u64()), (Some("neil"), Some(0)));
    assert_eq!(neil["result"]["run"]["source"], "neil");
    assert_eq!(neil["result"]["recordings"].as_array().unwrap().len(), 1);
    assert!(neil["message"].as_str().unwrap().starts_with("1 new laugh; 1 recording analyzed"), "{neil:#}");
    assert_eq!((&ann["exit_code"], &ann["result"]), (&Value::from(78), &Value::Null));
    assert!(ann["message"].as_str().unwrap().contains("clips"), "{ann:#}");
    let lines = run(&place, &["--ndjson"]).ends_with(78).stdout;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["recording", "summary", "source", "source"]);
    assert_eq!(events[3]["payload"]["exit_code"], 78);
}

#[test]
fn without_profiles_or_with_folders_of_all_nothing_is_scanned() {
    let place = place();
    let mut named = command(&place, &[]);
    said(named.env("GIGGLES_RECORDINGS", "recordings")).ends_with(78).complains_of("GIGGLES_RECORDINGS is set");
    place.write_private(
        "giggles.toml",
        &format!("[database]\nurl = \"{}\"\n[recordings]\nfolder = \"recordings\"\n", place.sqlite()),
    );
    run(&place, &[]).ends_with(78).complains_of("write one for each source into giggles.toml, with its folder");
    let bare = place.run(&["scan", "--all-sources"]).ends_with(78);
    bare.complains_of("--all-sources: the settings file has no [source.NAME]").complains_of("config.toml");
    place.run(&["scan", "--all-sources", "recordings"]).ends_with(2);
    place.run(&["scan", "--all-sources", "--source", "neil"]).ends_with(2);
    settings(&place, "[source.zoe]\nzone = \"UTC\"\n[recordings]\nfolder = \"recordings\"\n");
    let said = run(&place, &[]).ends_with(78);
    said.complains_of("zoe: giggles.toml, line ").complains_of("[source.zoe] has no folder; write folder = … into it");
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1, "neil's");
}

/// A URL of all sources is pinged once, with the worst code: a success of one would hide the failure of another.
#[test]
fn a_common_ping_url_gets_the_worst_code_and_that_of_a_source_its_own() {
    let (place, web) = (place(), Web::answering(&[Answer::fine()]));
    let ping = |path: &str| web.url(path);
    settings(&place, &format!("ping_url = \"{}\"\n[notify]\nping_url = \"{}\"\n", ping("of-ann"), ping("of-all")));
    run(&place, &["--ping-service", "healthchecks"]).ends_with(78);
    let paths = |begin: &str| -> Vec<String> {
        web.asked().into_iter().map(|request| request.path).filter(|path| path.starts_with(begin)).collect()
    };
    let without_query = |path: &String| path.split('?').next().unwrap().to_owned();
    assert_eq!(paths("/of-all").iter().map(without_query).collect::<Vec<_>>(), ["/of-all/start", "/of-all/78"]);
    assert_eq!(paths("/of-ann").iter().map(without_query).collect::<Vec<_>>(), ["/of-ann/78"]);
    let body = web.asked().into_iter().find(|request| request.path.starts_with("/of-all/78")).unwrap().body;
    assert!(body.contains("neil: 1 new laugh") && body.contains("ann: source.ann.clips is wrong"), "{body}");
}

#[test]
fn each_source_has_its_metrics() {
    let place = place();
    run(&place, &["--metrics-file", "giggles.prom"]).ends_with(78);
    let text = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert!(text("giggles.neil.prom").contains("giggles_last_run_exit_code{source=\"neil\"} 0\n"));
    assert!(text("giggles.ann.prom").contains("giggles_last_run_exit_code{source=\"ann\"} 78\n"));
    assert!(!place.path("giggles.prom").exists());
}

#[test]
fn doctor_checks_each_source() {
    let place = place();
    let words = ["doctor", "--all-sources", "--config", "giggles.toml"];
    let said = place.run(&words).ends_with(78);
    assert!(said.stdout.starts_with("source neil\n") && said.stdout.contains("\nsource ann\n"), "{}", said.stdout);
    assert!(said.stdout.contains("America/Los_Angeles") && said.stdout.contains("Asia/Tokyo"), "{}", said.stdout);
    let document = place.run(&[&words[..], &["--json"]].concat()).ends_with(78).json();
    assert_eq!(document["sources"][0]["exit_code"], 0);
    assert_eq!(document["sources"][1]["source"], "ann");
    place.run(&["doctor", "--all-sources"]).ends_with(78).complains_of("has no [source.NAME]");
}
