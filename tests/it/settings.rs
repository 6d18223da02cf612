//! Settings from the environment: what a variable says is checked before any work, and told like any other failure.

use crate::support::web;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use crate::support::program::{Place, Said, said};
use web::{Answer, Web};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");
/// All that `giggles scan` reads, and a value that means nothing.
const VARIABLES: [(&str, Option<&str>); 26] = [
    ("GIGGLES_SOURCE", Some(" ")),
    ("GIGGLES_STRICT", Some("disabled")),
    ("GIGGLES_ALLOW_EMPTY", Some("nein")),
    ("GIGGLES_DATE", Some("24.10.2025")),
    ("GIGGLES_TZ", Some("Mars")),
    ("GIGGLES_NAME_TZ", Some("Mars")),
    ("GIGGLES_SHARD", Some("4/3")),
    ("GIGGLES_RUN_ID", Some("task 1")),
    ("GIGGLES_THRESHOLD", Some("high")),
    ("GIGGLES_MERGE_GAP", Some("soon")),
    ("GIGGLES_MIN_PATCHES", Some("-1")),
    ("GIGGLES_PADDING", Some("1h")),
    ("GIGGLES_NO_NORMALIZE", Some("flase")),
    ("GIGGLES_MODEL", Some("no/such/model")),
    ("GIGGLES_CLIPS", Some("no/such/folder")),
    ("GIGGLES_CLIP_BEFORE", Some("two")),
    ("GIGGLES_CLIP_AFTER", Some("NaN")),
    ("GIGGLES_PING_URL", Some("hc-ping.com/uuid")),
    ("GIGGLES_PING_SERVICE", Some("pigeon")),
    ("GIGGLES_NO_START_PING", Some("nein")),
    ("GIGGLES_METRICS_FILE", None),
    ("GIGGLES_THREADS", Some("1025")),
    ("GIGGLES_LOG_FORMAT", Some("yaml")),
    ("GIGGLES_DATABASE", Some("mysql://db")),
    ("GIGGLES_CPU", Some("z80")),
    ("GIGGLES_TILES", Some("4")),
];

/// A scan that is watched unless `settings` say otherwise.
fn scan(place: &Place, web: &Web, settings: &[(&str, &OsStr)]) -> Said {
    let mut command: Command = place.command(&["scan", "recordings"]);
    command.env("DATABASE_URL", place.sqlite()).env("GIGGLES_PING_URL", web.url("ping"));
    command.env("GIGGLES_METRICS_FILE", place.path("giggles.prom"));
    said(command.envs(settings.iter().copied()))
}

#[test]
fn what_means_nothing_is_78_and_reported() {
    let place = Place::with(&[LAUGH]);
    for (variable, wrong) in VARIABLES.iter().filter_map(|(variable, wrong)| Some((*variable, (*wrong)?))) {
        let web = Web::answering(&[Answer::fine()]);
        fs::remove_file(place.path("giggles.prom")).ok();
        let said = scan(&place, &web, &[(variable, OsStr::new(wrong))]).ends_with(78);
        let named = variable.replace("GIGGLES_MODEL", "no/such/model").replace("GIGGLES_CLIPS", "no/such/folder");
        assert!(said.stderr.contains(&named), "{variable}: {}", said.stderr);
        let metrics = fs::read_to_string(place.path("giggles.prom")).unwrap_or_default();
        assert!(metrics.contains("exit_code{source=") && metrics.contains("} 78\n"), "{variable}: {metrics}");
        let ends: Vec<String> = web.asked().into_iter().map(|asked| asked.path).collect();
        let is_told = ends.len() == 1 && ends[0].starts_with("/ping/78?");
        let is_of_ping = ["GIGGLES_PING_URL", "GIGGLES_PING_SERVICE"].contains(&variable);
        assert!(is_told || is_of_ping, "{variable}: {ends:?}");
    }
    assert!(!place.path("laughs.db").exists(), "settings are checked before any work");
}

#[test]
fn what_is_empty_is_not_set() {
    let place = Place::with(&[LAUGH]);
    for (variable, _) in VARIABLES {
        let said = scan(&place, &Web::answering(&[Answer::fine()]), &[(variable, OsStr::new(""))]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{variable}");
    }
    assert_eq!(place.number("SELECT count(*) FROM runs WHERE source = 'default'"), VARIABLES.len() as i64);
    let all: Vec<(&str, &OsStr)> = VARIABLES.iter().map(|(variable, _)| (*variable, OsStr::new(""))).collect();
    assert_eq!(scan(&place, &Web::answering(&[Answer::fine()]), &all).ends_with(0).stderr, "");
    for command in [
        &["status"][..],
        &["report", "--date", "2025-10-24"],
        &["export", "--format", "csv"],
        &["verify", "--clips", "recordings"],
        &["prune", "--older-than", "1y", "--clips", "recordings"],
    ] {
        let mut program = place.command(command);
        let said = said(program.env("DATABASE_URL", place.sqlite()).envs(all.iter().copied()));
        assert!([0, 3].contains(&said.code) && !said.stderr.contains("GIGGLES_"), "{command:?}: {}", said.stderr);
    }
}

/// What ends a run ends the look at it in the evening before.
#[test]
fn the_doctor_refuses_what_a_scan_refuses() {
    let place = Place::with(&[LAUGH]);
    for (variable, wrong) in VARIABLES.iter().filter_map(|(variable, wrong)| Some((*variable, (*wrong)?))) {
        let mut command = place.command(&["doctor", "-j1", "recordings"]);
        if variable == "GIGGLES_THREADS" {
            command = place.command(&["doctor", "recordings"]);
        }
        said(command.env("DATABASE_URL", place.sqlite()).env(variable, wrong)).ends_with(78);
    }
}

#[test]
fn bytes_that_are_not_text_are_78_where_text_is_needed() {
    let place = Place::with(&[LAUGH]);
    let bytes = OsString::from_vec(vec![b'x', 0xff]);
    for (variable, _) in VARIABLES {
        let code = scan(&place, &Web::answering(&[Answer::fine()]), &[(variable, &bytes)]).code;
        let expected = if variable == "GIGGLES_METRICS_FILE" { 0 } else { 78 };
        assert_eq!(code, expected, "{variable}");
    }
}

#[test]
fn a_flag_counts_more_than_its_variable() {
    let place = Place::with(&[LAUGH]);
    let mut command =
        place.scan_into(&place.sqlite(), &["--merge-gap", "2", "--source", "neil", "--log-format", "text"]);
    let wrong = [("GIGGLES_MERGE_GAP", "soon"), ("GIGGLES_SOURCE", "mia"), ("GIGGLES_LOG_FORMAT", "yaml")];
    assert_eq!(said(command.envs(wrong)).ends_with(0).stderr, "");
    assert_eq!(place.number("SELECT count(*) FROM runs WHERE source = 'neil'"), 1);
}

#[test]
fn switches_are_off_by_the_usual_words() {
    let place = Place::new();
    let scan = |value: &str| said(place.scan_into(&place.sqlite(), &[]).env("GIGGLES_ALLOW_EMPTY", value)).code;
    for (value, code) in [("1", 0), ("true", 0), ("yes", 0), ("0", 4), ("false", 4), ("No", 4), ("off", 4), ("", 4)] {
        assert_eq!(scan(value), code, "{value}");
    }
}
