//! What others are told of a run: pings to a real server on this machine, metrics, the log.

use crate::support::web;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::audio;
use crate::support::program::{Place, RunningProgram, Said, eventually, said};
use serde_json::Value;
use web::{Answer, Asked, Web};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "walk/laugh.flac");

/// A run with one good recording and one that is cut.
fn partial() -> Place {
    let place = Place::with(&[LAUGH]);
    let bytes = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    fs::create_dir_all(place.recording("walk")).unwrap();
    place.write("walk/cut.ogg", &bytes[..bytes.len() / 2]);
    place
}

/// A scan that pings this server and writes `giggles.prom`.
fn guard(place: &Place, web: &Web, flags: &[&str]) -> Command {
    let mut command = place.scan_into(&place.sqlite(), flags);
    command.env("GIGGLES_PING_URL", web.url("ping/secret-uuid"));
    command.arg("--metrics-file").arg(place.path("giggles.prom"));
    command
}

fn metrics(place: &Place) -> String {
    fs::read_to_string(place.path("giggles.prom")).unwrap()
}

/// The path's last part, and the run's id.
fn told(asked: &Asked) -> (String, String) {
    let (path, query) = asked.path.split_once('?').unwrap();
    let rid = query.strip_prefix("rid=").expect("an id");
    (path.strip_prefix("/ping/secret-uuid/").unwrap().to_owned(), rid.to_owned())
}

fn ends(web: &Web) -> Vec<String> {
    web.asked().iter().map(|asked| told(asked).0).collect()
}

fn lines(said: &Said) -> Vec<Value> {
    said.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn start_and_end_carry_the_runs_id_and_the_end_its_code_and_its_failures() {
    let (place, web) = (partial(), Web::answering(&[Answer::fine()]));
    said(&mut guard(&place, &web, &[])).ends_with(3);
    let asked = web.asked();
    assert_eq!(ends(&web), ["start", "3"]);
    assert!(asked.iter().all(|asked| asked.method == "POST"));
    let run = told(&asked[0]).1;
    assert_eq!(told(&asked[1]).1, run);
    assert_eq!(
        place.number(&format!("SELECT count(*) FROM runs WHERE id = '{run}'")),
        1,
        "the same as in the database"
    );
    let body = &asked[1].body;
    assert!(body.starts_with("cut.ogg: ends too early, at 0:00:"), "{body}");
    assert!(body.contains("\n1 new laugh; 1 recording analyzed (0:00:"), "{body}");
    assert!(
        body.ends_with(
            "exit code 3: partial: committed; at least one recording newly failed or is newly partial, or a clip is missing"
        ),
        "{body}"
    );
    let folder = place.path("");
    assert!(!body.contains("walk") && !body.contains(folder.to_str().unwrap()), "no folder leaves the machine: {body}");
}

#[test]
fn a_run_that_fails_early_is_reported_too() {
    let (place, web) = (Place::new(), Web::answering(&[Answer::fine()]));
    said(&mut guard(&place, &web, &["--tz", "Mars"])).ends_with(78);
    said(&mut guard(&place, &web, &[])).ends_with(4);
    said(guard(&place, &web, &[]).args(["--database-url-file", "/no/such/file"])).ends_with(2);
    assert_eq!(ends(&web), ["78", "start", "4"]);
    let bodies: Vec<String> = web.asked().into_iter().map(|asked| asked.body).collect();
    assert!(bodies[0].starts_with("--tz is wrong\n"), "{bodies:?}");
    assert!(bodies[2].starts_with("no recordings; is the disk mounted?"), "{bodies:?}");
    assert!(metrics(&place).contains("giggles_last_run_exit_code{source=\"default\"} 4\n"));
}

/// Whatever ends a run: none of it tells third parties where, who, or what the settings were set to.
#[test]
fn no_folder_user_or_address_leaves_the_machine() {
    let (place, web) = (partial(), Web::answering(&[Answer::fine()]));
    fs::rename(place.recording("walk"), place.recording("Neil's diary")).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let database = format!("postgres://neil:open-sesame@127.0.0.1:{port}/diary");
    fs::create_dir(place.path("empty diary")).unwrap();
    let scan = |folder: &str, database: &str, flags: &[&str], code: i32| {
        let mut command = place.command(&["scan", folder, "--database", database]);
        said(command.args(flags).env("GIGGLES_PING_URL", web.url("ping/secret-uuid"))).ends_with(code);
    };
    scan("recordings", &place.sqlite(), &[], 3);
    scan("recordings", &place.sqlite(), &["--strict", "--force"], 1);
    scan("recordings", &database, &[], 75);
    scan("empty diary", &place.sqlite(), &[], 4);
    scan("no diary", &place.sqlite(), &[], 78);
    scan("recordings", &place.sqlite(), &["--clips", "diary"], 78);
    scan("recordings", "sqlite:diary/laughs.db", &[], 78);
    scan("recordings", &place.sqlite(), &["--model", "diary/model"], 78);
    let bodies: Vec<String> = web.asked().into_iter().map(|asked| asked.body).collect();
    let home = place.path("");
    for word in ["diary", "neil", "Neil", "127.0.0.1", "laughs.db", "sesame", home.to_str().unwrap()] {
        assert!(bodies.iter().all(|body| !body.contains(word)), "{word} is in {bodies:#?}");
    }
    let told = |what: &str| assert!(bodies.iter().any(|body| body.starts_with(what)), "{what}: {bodies:#?}");
    told("cut.ogg: ends too early");
    told("the database cannot be reached\n");
    told("no recordings; is the disk mounted?");
    told("a folder of recordings cannot be read; is its disk mounted?\n");
    told("the database's address, password, rights or version is wrong\n");
    told("--clips is wrong\n");
    told("a setting, or the model, is wrong\n");
}

#[test]
fn a_run_that_finds_the_lock_held_is_only_logged() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
    place.write_long("long.wav", 600);
    let mut first = RunningProgram::start(&mut place.scan_into(&place.sqlite(), &["-v"]));
    eventually("the lock is there", || {
        fs::read_dir(place.path(""))
            .unwrap()
            .flatten()
            .any(|file| file.path().extension().is_some_and(|end| end == "lock"))
    });
    eventually("the lock is held", || said(&mut guard(&place, &web, &[])).code == 75);
    assert!(!first.has_ended());
    assert_eq!(ends(&web).last().unwrap(), "log");
    fs::write(place.path("giggles.prom"), "of the run").unwrap();
    said(&mut guard(&place, &web, &[])).ends_with(75);
    assert_eq!(metrics(&place), "of the run", "they are the run's to tell");
}

#[test]
fn a_dry_run_reports_nobody() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
    said(&mut guard(&place, &web, &["--dry-run"])).ends_with(0);
    assert_eq!(ends(&web), [""; 0]);
    assert!(!place.path("giggles.prom").exists());
}

#[test]
fn a_server_with_errors_is_asked_again() {
    let (place, web) = (
        Place::with(&[LAUGH]),
        Web::answering(&[Answer::fine(), Answer::status(500), Answer::status(503), Answer::fine()]),
    );
    let said = said(&mut guard(&place, &web, &[])).ends_with(0);
    assert_eq!(ends(&web), ["start", "0", "0", "0"]);
    assert_eq!(said.stderr, "");
}

#[test]
fn a_wrong_address_is_not_asked_again_and_changes_nothing() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::status(404)]));
    let said = said(&mut guard(&place, &web, &[])).ends_with(0);
    assert_eq!(ends(&web), ["start", "0"]);
    said.complains_of("the ping of the end to http://127.0.0.1:").complains_of("404 Not Found; is the ping URL right");
    assert!(!said.stderr.contains("secret-uuid"), "{}", said.stderr);
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1);
}

#[test]
fn an_encrypted_ping_reaches_who_is_trusted_and_nobody_else() {
    let place = Place::with(&[LAUGH]);
    let authority = place.path("authority.pem");
    let web = Web::encrypted(&[Answer::fine()], &authority);
    let scan = |roots: &Path| {
        let mut command = place.scan_into(&place.sqlite(), &[]);
        said(command.env("GIGGLES_PING_URL", web.encrypted_url("ping/secret-uuid")).env("SSL_CERT_FILE", roots))
    };
    assert_eq!(scan(&authority).ends_with(0).stderr, "");
    assert_eq!(ends(&web), ["start", "0"]);
    let stranger = place.path("stranger.pem");
    Web::encrypted(&[], &stranger);
    scan(&stranger).ends_with(0).complains_of("invalid peer certificate");
    assert_eq!(ends(&web).len(), 2);
}

#[test]
fn no_level_of_the_log_shows_the_address() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
    for (flag, filter) in [("-vv", ""), ("-v", "trace"), ("-v", "ureq=trace,ureq_proto=trace")] {
        let said = said(guard(&place, &web, &[flag, "--force"]).env("RUST_LOG", filter)).ends_with(0);
        assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    }
    assert_eq!(ends(&web).len(), 6);
}

#[test]
fn a_redirect_is_not_an_answer() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::redirect("/ping/secret-uuid/elsewhere")]));
    said(&mut guard(&place, &web, &[]))
        .ends_with(0)
        .complains_of("301 Moved Permanently; give the URL that it redirects to");
    assert_eq!(ends(&web), ["start", "0"]);
}

#[test]
fn a_server_that_answers_slowly_keeps_no_recording_waiting() {
    let slow = Answer::fine().after(Duration::from_secs(3));
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[slow, Answer::fine()]));
    let begun = Instant::now();
    said(&mut guard(&place, &web, &[])).ends_with(0);
    assert_eq!(ends(&web), ["start", "0"], "one after the other");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    let started: f64 = metrics(&place)
        .lines()
        .find_map(|line| line.strip_prefix("giggles_last_run_duration_seconds{source=\"default\"} "))
        .unwrap()
        .parse()
        .unwrap();
    assert!(started < 3.0, "the run itself did not wait: {started}");
}

#[test]
fn no_server_at_all_changes_nothing() {
    let place = Place::with(&[LAUGH]);
    let mut command = place.scan_into(&place.sqlite(), &[]);
    let said = said(command.env("GIGGLES_PING_URL", "http://127.0.0.1:9/secret-uuid")).ends_with(0);
    said.complains_of("the ping of the start to http://127.0.0.1:9/… failed, which changes nothing else");
    said.complains_of("the ping of the end");
    assert!(!said.stderr.contains("secret-uuid"));
}

#[test]
fn what_is_not_an_address_is_refused_before_any_work_and_the_metrics_tell_of_it() {
    let place = Place::with(&[LAUGH]);
    let mut command = place.scan_into(&place.sqlite(), &["--ping-url", "hc-ping.com/secret-uuid"]);
    let said = said(command.arg("--metrics-file").arg(place.path("giggles.prom"))).ends_with(78);
    said.complains_of("--ping-url: it is not a URL");
    assert!(!said.stderr.contains("secret-uuid") && !place.path("laughs.db").exists());
    assert!(metrics(&place).contains("giggles_last_run_exit_code{source=\"default\"} 78\n"));
}

#[test]
fn a_long_body_keeps_its_end_within_the_servers_limit() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine().with("Ping-Body-Limit", "300")]));
    (0..40).for_each(|i| place.write(&format!("{i}.wav"), b""));
    said(&mut guard(&place, &web, &[])).ends_with(3);
    let body = &web.asked()[1].body;
    assert_eq!(body.len(), 300);
    assert!(body.ends_with("a clip is missing"), "{body}");
}

#[test]
fn metrics_are_for_all_to_read_and_failures_keep_the_last_success() {
    let place = Place::with(&[LAUGH]);
    let path = place.path("giggles.prom");
    let scan = |flags: &[&str]| said(place.scan_into(&place.sqlite(), flags).arg("--metrics-file").arg(&path));
    scan(&[]).ends_with(0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    let success = |text: &str| {
        text.lines().find(|line| line.starts_with("giggles_last_success_timestamp_seconds{")).unwrap().to_owned()
    };
    let first = success(&metrics(&place));
    scan(&["--merge-gap", "-1"]).ends_with(78);
    let text = metrics(&place);
    assert_eq!(success(&text), first);
    assert!(text.contains("giggles_last_run_success{source=\"default\"} 0\n"), "{text}");
    assert_eq!(
        fs::read_dir(place.path(""))
            .unwrap()
            .flatten()
            .filter(|file| file.file_name().to_string_lossy().contains(".tmp"))
            .count(),
        0
    );
}

/// A clock that was wrong for a run must not hide every failure until its time comes.
#[test]
fn a_success_in_the_future_is_forgotten() {
    let place = Place::new();
    let future = "giggles_last_success_timestamp_seconds{source=\"default\"} 4102444800\n";
    fs::write(place.path("giggles.prom"), future).unwrap();
    said(place.scan_into(&place.sqlite(), &[]).arg("--metrics-file").arg(place.path("giggles.prom"))).ends_with(4);
    let text = metrics(&place);
    assert!(text.contains("giggles_last_success_timestamp_seconds{source=\"default\"} 0\n"), "{text}");
}

#[test]
fn metrics_that_cannot_be_written_cost_nothing_else_and_are_reported_also_of_a_quiet_run() {
    let place = Place::with(&[LAUGH]);
    let scan =
        |path: &Path| said(place.scan_into(&place.sqlite(), &["-q"]).arg("--metrics-file").arg(path)).ends_with(0);
    scan(Path::new("/no/such/folder/giggles.prom"))
        .complains_of("the metrics /no/such/folder/giggles.prom cannot be written");
    let pipe = place.path("giggles.prom");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let begun = Instant::now();
    scan(&pipe).complains_of("giggles.prom cannot be written: it is not a regular file");
    assert!(begun.elapsed() < Duration::from_secs(10), "nobody reads that pipe");
}

#[test]
fn a_json_log_has_an_object_a_line_with_run_stage_and_recording() {
    let place = partial();
    let said = place.scan(&["--log-format", "json", "-v"]).ends_with(3);
    let lines = lines(&said);
    let run = lines[0]["run"].as_str().unwrap();
    assert!(
        lines.iter().all(|line| line["run"] == run && line["timestamp"].is_string() && line["message"].is_string())
            && lines.iter().take(lines.len() - 1).all(|line| line["stage"].is_string())
    );
    let failure = lines.iter().find(|line| line["level"] == "error").unwrap();
    assert_eq!(failure["recording"], "walk/cut.ogg");
    let stages: Vec<&str> = lines.iter().filter_map(|line| line["stage"].as_str()).collect();
    assert_eq!(failure["stage"], "end", "what failed is told when all is stored");
    for stage in ["connect", "discover", "identify", "analyze", "store"] {
        assert!(stages.contains(&stage), "{stage} is not in {stages:?}");
    }
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["exit_code"], &summary["failed"]),
        (&"summary".into(), &3.into(), &1.into())
    );
    assert_eq!(summary["failures"][0]["recording"], "walk/cut.ogg");
    assert!(summary.get("_aws").is_none());
}

#[test]
fn cloudwatch_finds_its_metrics_in_the_summary() {
    let place = Place::with(&[LAUGH]);
    let said = place.scan(&["--log-format", "emf"]).ends_with(0);
    let [summary] = &lines(&said)[..] else { panic!("{}", said.stderr) };
    assert_eq!(summary["_aws"]["CloudWatchMetrics"][0]["Namespace"], "giggles");
    assert_eq!(summary["detections"], 1);
    let quiet = place.scan(&["--log-format", "emf", "-q"]).ends_with(0);
    assert_eq!((quiet.stdout.as_str(), lines(&quiet).len()), ("", 1), "such a log is collected for its summary");
}
