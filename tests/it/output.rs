//! What is written where: results on standard output, all else on standard error, nothing at all if quiet.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::support::program::{Place, Said, said};
use serde_json::Value;

const LAUGH: (&str, &str) = ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV");
const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");

fn with_a_bad_one() -> Place {
    let place = Place::with(&[LAUGH, OTHER]);
    place.write("empty.wav", b"");
    place
}

#[test]
fn results_are_on_standard_output_and_nothing_else() {
    let place = Place::with(&[LAUGH, OTHER]);
    let said = place.scan(&["--tz", "America/Los_Angeles", "--name-tz", "UTC"]).ends_with(0);
    assert_eq!(said.stderr, "");
    let lines: Vec<&str> = said.stdout.lines().collect();
    let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["recording", "local", "time", "from", "-", "to", "score", "class"]);
    assert_eq!(words(2)[..2], ["20251024_130000.WAV", "2025-10-24"]);
    assert!(words(2)[2].starts_with("06:00:0"), "{}", lines[2]);
    assert_eq!(*words(2).last().unwrap(), "Laughter");
    let summary = "1 new laugh; 2 recordings analyzed (0:00:08.4 of audio), 0 skipped, 0 failed; stored in sqlite:";
    assert!(lines.last().unwrap().starts_with(summary), "{}", said.stdout);
    assert!(lines[3].starts_with("1 recording dated by its modification time only"), "{}", said.stdout);
    assert_eq!(lines.len(), 5, "a table of one laugh, and two lines:\n{}", said.stdout);
}

#[test]
fn quiet_says_nothing_if_all_goes_well() {
    let place = Place::with(&[LAUGH, OTHER]);
    for flags in [&["-q"][..], &["--quiet", "--force"], &["-q", "--json"], &["-q", "--ndjson"], &["-q", "-n"]] {
        let said = place.scan(flags).ends_with(0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "{flags:?}");
    }
}

#[test]
fn quiet_names_failures_and_nothing_else() {
    let said = with_a_bad_one().scan(&["-q"]).ends_with(3);
    assert_eq!(said.stdout, "");
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    said.complains_of("empty.wav: is empty");
}

#[test]
fn verbose_says_more_on_standard_error_only() {
    let place = Place::with(&[LAUGH]);
    place.scan(&[]).ends_with(0);
    let quiet = place.scan(&["--force"]).ends_with(0);
    let verbose = place.scan(&["--force", "-vv"]).ends_with(0);
    assert_eq!(verbose.stdout, quiet.stdout);
    assert!(verbose.stderr.len() > quiet.stderr.len(), "-vv said nothing");
}

#[test]
fn json_is_one_document_with_its_fields() {
    let place = with_a_bad_one();
    let document = place.scan(&["--json", "--date", "2025-10-24", "--tz", "UTC", "--source", "neil"]).json();
    assert_eq!(
        keys(&document),
        ["counts", "not_audio", "recordings", "replaced", "run", "spec_version", "start_times", "unresolved"]
    );
    assert_eq!(document["spec_version"], "1");
    let run = [
        "analysis",
        "database",
        "ended_at",
        "exit_code",
        "external_id",
        "id",
        "shard",
        "source",
        "started_at",
        "version",
        "window",
    ];
    assert_eq!(keys(&document["run"]), run);
    assert_eq!(document["run"]["source"], "neil");
    assert_eq!(document["run"]["window"]["to"], "2025-10-25T00:00:00Z");
    assert_eq!(document["run"]["analysis"]["model_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        keys(&document["counts"]),
        ["analyzed", "clips_failed", "detections", "failed", "in_progress", "partial", "redetected", "skipped"]
    );
}

#[test]
fn json_describes_each_recording_what_became_of_it() {
    let place = with_a_bad_one();
    let document = place.scan(&["--json"]).ends_with(3).json();
    let [analyzed, _, failed] = &document["recordings"].as_array().unwrap()[..] else { panic!("{document:#}") };
    let known = ["started_at", "start_source", "bytes", "content_sha256", "name", "status", "zone_assumed"];
    let of_analyzed = [
        "audio_seconds",
        "audio_tracks",
        "channels",
        "codec",
        "laughs",
        "missing_count",
        "missing_ranges",
        "missing_seconds",
        "sample_rate",
    ];
    assert_eq!(keys(analyzed), sorted(&[&known[..], &of_analyzed].concat()));
    assert_eq!(keys(failed), sorted(&[&known[..], &["error"]].concat()));
    assert_eq!(keys(&failed["error"]), ["kind", "message", "position_seconds"]);
    let laugh = [
        "class",
        "class_index",
        "class_scores",
        "end_seconds",
        "ends_at",
        "local_date",
        "mean_score",
        "peak_score",
        "start_seconds",
        "starts_at",
    ];
    assert_eq!(keys(&analyzed["laughs"][0]), laugh);
    assert_eq!(keys(&analyzed["laughs"][0]["class_scores"]).len(), 6);
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    sorted(&object.keys().map(String::as_str).collect::<Vec<_>>())
}

fn sorted<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut words = words.to_vec();
    words.sort_unstable();
    words
}

#[test]
fn ndjson_has_an_envelope_on_every_line() {
    let said = with_a_bad_one().scan(&["--ndjson"]).ends_with(3);
    let detections: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for detection in &detections {
        assert_eq!(keys(detection), ["event", "payload", "spec_version", "timestamp"]);
        detection["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }
    let names: Vec<&str> = detections.iter().map(|detection| detection["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["recording", "recording", "recording", "summary"]);
    assert_eq!(detections[3]["payload"]["counts"]["failed"], 1);
}

#[test]
fn nothing_that_is_piped_has_colours_or_a_bar() {
    let place = with_a_bad_one();
    let mut command = place.scan_into(&place.sqlite(), &[]);
    let said = said(command.env("TERM", "xterm-256color")).ends_with(3);
    assert!(!said.stdout.contains('\x1b') && !said.stderr.contains(['\x1b', '\r']), "{:?}", said.stderr);
}

/// What a terminal would show; `script` of util-linux is one.
fn on_a_terminal(place: &Place, flags: &str, change: impl FnOnce(&mut Command)) -> String {
    let program = env!("CARGO_BIN_EXE_giggles");
    let line = format!("'{program}' scan recordings --database '{}' {flags}", place.sqlite());
    let like = place.command(&[""; 0]);
    let set = like.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut command = Command::new("script");
    command.env_clear().envs(set).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.current_dir(place.path("")).stdin(Stdio::null());
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    change(&mut command);
    said(&mut command).stdout
}

/// Colours are escape sequences that end with m; those that move the cursor do not.
fn has_colours(text: &str) -> bool {
    let mut parts = text.split("\x1b[").skip(1);
    parts.any(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
}

#[test]
fn a_terminal_has_a_bar_unless_quiet() {
    let place = with_a_bad_one();
    place.write_long("20251024_000000.wav", 2);
    let shown = on_a_terminal(&place, "", |_| ());
    assert!(shown.contains("% of the audio, "), "{shown:?}");
    assert!(has_colours(&shown), "errors are red: {shown:?}");
    let quiet = on_a_terminal(&place, "--force -q", |_| ());
    assert!(!quiet.contains("of the audio"), "{quiet:?}");
    assert!(quiet.contains("empty.wav: is empty"), "{quiet:?}");
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let shown = on_a_terminal(&with_a_bad_one(), "", |command| {
        command.env("NO_COLOR", "1");
    });
    assert!(shown.contains("empty.wav: is empty") && !has_colours(&shown), "{shown:?}");
}

#[test]
fn a_reader_that_goes_away_is_not_a_panic() {
    let place = Place::with(&[LAUGH]);
    for line in [
        "scores --all --format csv recordings/20251024_130000.WAV | head -n 1 | wc -l",
        "scan -n recordings | true; echo 1",
        "--help | true; echo 1",
        "--version | true; echo 1",
    ] {
        let shell = format!("set -e; '{}' {line}", env!("CARGO_BIN_EXE_giggles"));
        let mut command = Command::new("sh");
        command.args(["-c", &shell]).current_dir(place.path(""));
        let said = said(&mut command).ends_with(0);
        assert_eq!((said.stdout.trim(), said.stderr.as_str()), ("1", ""), "{line}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_said() {
    let place = Place::with(&[LAUGH]);
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let mut command = place.command(&["scores", "recordings/20251024_130000.WAV"]);
    with_stdout(&mut command, full()).ends_with(1).complains_of("standard output cannot be written");
    let mut command = place.command(&["scan", "-n", "recordings"]);
    with_stdout(&mut command, full()).ends_with(1).complains_of("standard output cannot be written");
    // 1 means that nothing was committed; this was.
    let mut command = place.scan_into(&place.sqlite(), &[]);
    with_stdout(&mut command, full()).ends_with(0).complains_of("standard output cannot be written");
    assert_eq!(place.number("SELECT count(*) FROM recordings"), 1);
}

fn with_stdout(command: &mut Command, stdout: Stdio) -> Said {
    let child = command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn passwords_are_masked() {
    let place = Place::with(&[LAUGH]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let reachable_not = format!("postgres://neil:open-sesame@127.0.0.1:{port}/laughs?sslmode=disable");
    for (url, shown) in [
        (reachable_not.as_str(), "neil:***@127.0.0.1"),
        ("postgres://127.0.0.1:1/laughs?user=neil&password=open-sesame", "password=***"),
        ("postgres://neil:open-sesame@127.0.0.1:port/laughs", "database's address"),
        ("postgres:neil:open-sesame", "//"),
        ("mysql://neil:open-sesame@db/laughs", "postgres://"),
    ] {
        for verbosity in ["-q", "-vv"] {
            let told = said(&mut place.scan_into(url, &[verbosity, "--json"]));
            assert!([75, 78].contains(&told.code), "{}", told.code);
            told.complains_of(shown);
            assert!(!format!("{}{}", told.stdout, told.stderr).contains("sesame"), "{}", told.stderr);
        }
        let mut command = place.command(&["scan", "recordings"]);
        let told = said(command.env("DATABASE_URL", url));
        assert!(!told.stderr.contains("sesame"), "{}", told.stderr);
    }
    let help = said(place.command(&["scan", "--help"]).env("GIGGLES_DATABASE", &reachable_not)).ends_with(0);
    assert!(!help.stdout.contains("sesame"), "help shows the environment");
}

/// One line says how many results are others now, and why.
#[test]
fn a_scan_that_replaces_results_says_so() {
    let place = Place::with(&[LAUGH]);
    let line = |flags: &[&str]| {
        let said = place.scan(&[&["--name-tz", "UTC"], flags].concat()).ends_with(0);
        said.stdout.lines().find(|line| line.contains(" replaced by ")).map(str::to_owned)
    };
    assert_eq!(line(&[]), None);
    assert_eq!(line(&[]), None, "it is skipped");
    let anew = "1 recording decided anew: detection parameters changed; 1 detection replaced by 0";
    assert_eq!(line(&["--threshold", "0.99"]).as_deref(), Some(anew));
    let again = "1 recording analyzed again: detection parameters changed; 0 detections replaced by 1";
    assert_eq!(line(&["--views", "1"]).as_deref(), Some(again));
    let forced = "1 recording analyzed again: --force; 1 detection replaced by 1";
    assert_eq!(line(&["--views", "1", "--force"]).as_deref(), Some(forced));
    let zone = "1 recording decided anew: the time zone changed; 1 detection replaced by 1";
    assert_eq!(line(&["--views", "1", "--tz", "Asia/Tokyo"]).as_deref(), Some(zone));
    let document = place.scan(&["--json", "--force", "--views", "1"]).ends_with(0).json();
    let replaced = serde_json::json!({ "recordings": 1, "redetected": 0, "detections_before": 1, "detections_after": 1,
        "reasons": { "the time zone changed": 1 } });
    assert_eq!(document["replaced"], replaced);
}
