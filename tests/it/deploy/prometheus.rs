//! The alert rules, judged by promtool; the metrics of a real run, by promtool and by a real node exporter.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::deploy::{outcome, repository, succeeds, text, tool};
use crate::support::program::{Place, eventually};

fn promtool() -> Command {
    Command::new(tool("promtool", "prometheus"))
}

/// Two sources on one machine, one of them with a recording that cannot be analyzed; a file of metrics each.
fn two_runs() -> Place {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac")]);
    place.write("broken.ogg", b"nothing to analyze");
    fs::create_dir(place.path("textfile")).unwrap();
    for (source, recordings, code) in [("neil", "recordings", 3), (r#"ad"a\ "#, "recordings/laugh.flac", 0)] {
        let file = place.path("textfile").join(format!("{code}.prom"));
        let mut command = place.command(&["scan", recordings, "--source", source, "--database", &place.sqlite()]);
        assert_eq!(outcome(command.arg("--metrics-file").arg(file)).0.status.code(), Some(code));
    }
    place
}

fn textfiles(place: &Place) -> Vec<String> {
    ["0.prom", "3.prom"].map(|name| fs::read_to_string(place.path("textfile").join(name)).unwrap()).to_vec()
}

#[test]
fn the_rules_can_be_read() {
    let said = succeeds(promtool().args(["check", "rules"]).arg(repository("deploy/prometheus/giggles.rules.yml")));
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn the_rules_tell_what_they_should() {
    let tests = repository("deploy/prometheus/giggles.rules.test.yml");
    let said = succeeds(promtool().args(["test", "rules"]).arg(tests));
    assert!(said.contains("SUCCESS"), "{said}");
}

/// The word at the start of each line or behind a blank that could be one of our metrics.
fn metrics_named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let ours = words.filter(|word| word.starts_with("giggles_last_") || word.starts_with("giggles_build_"));
    ours.map(|word| word.trim_end_matches(':').to_owned()).collect()
}

#[test]
fn the_rules_name_only_metrics_that_a_run_writes() {
    let written = metrics_named(&textfiles(&two_runs()).concat());
    let named = metrics_named(&text("deploy/prometheus/giggles.rules.yml"));
    assert!(named.len() >= 8 && named.is_subset(&written), "{named:?}\n{written:?}");
}

#[test]
fn every_alert_has_a_severity_and_says_what_to_do_and_is_tested() {
    let rules = text("deploy/prometheus/giggles.rules.yml");
    let tests = text("deploy/prometheus/giggles.rules.test.yml");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for word in ["severity: ", "summary: ", "description: ", "for: "] {
            assert!(alert.contains(word), "{name} has no {word}");
        }
        assert!(tests.contains(&format!("alertname: {name}\n")), "no test in which {name} comes");
        assert!(tests.contains(&format!("alertname: {name}, ")), "no test in which {name} does not come");
    }
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    for metrics in textfiles(&two_runs()) {
        let mut check =
            promtool().args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A real node exporter with this folder for its textfiles and nothing else. Ended with this value.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(folder: &std::path::Path) -> Exporter {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = free.to_string();
        let mut command = Command::new(tool("prometheus-node-exporter", "prometheus-node-exporter"));
        command.args(["--collector.disable-defaults", "--collector.textfile", "--web.disable-exporter-metrics"]);
        command.arg(format!("--collector.textfile.directory={}", folder.display()));
        command.arg(format!("--web.listen-address={address}"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let exporter = Exporter { child, address };
        eventually("the exporter answers", || TcpStream::connect(&exporter.address).is_ok());
        exporter
    }

    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Our lines, without what only the exporter's own formatting changes.
fn values(text: &str) -> BTreeSet<(String, String)> {
    let ours = text.lines().filter(|line| line.starts_with("giggles_"));
    ours.filter_map(|line| line.rsplit_once(' ')).map(|(name, value)| (sorted(name), number(value))).collect()
}

fn number(text: &str) -> String {
    text.parse::<f64>().unwrap().to_string()
}

/// The exporter sorts labels by name.
fn sorted(name: &str) -> String {
    let Some((name, labels)) = name.split_once('{') else { return name.to_owned() };
    let mut labels: Vec<&str> =
        labels.trim_end_matches('}').split("\",").map(|label| label.trim_end_matches('"')).collect();
    labels.sort();
    format!("{name} {labels:?}")
}

/// A source whose recordings two runs share, each with a file of its own.
#[test]
fn a_node_exporter_passes_on_every_value_of_both_shards() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac")]);
    fs::create_dir(place.path("textfile")).unwrap();
    let mut written = String::new();
    for shard in ["1/2", "2/2"] {
        let file = place.path("textfile").join(format!("{}.prom", &shard[..1]));
        let mut command = place.command(&["scan", "recordings", "--source", "neil", "--shard", shard]);
        outcome(command.args(["--database", &place.sqlite(), "--metrics-file"]).arg(&file));
        written += &fs::read_to_string(&file).unwrap();
    }
    let names: Vec<&str> = written
        .lines()
        .filter_map(|line| line.strip_prefix("giggles_")?.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "no series twice");
    assert!(names.iter().all(|name| name.contains("{source=\"neil\",shard=\"")), "{names:?}");
    let scraped = Exporter::start(&place.path("textfile")).scrape();
    assert!(scraped.contains("\nnode_textfile_scrape_error 0\n"), "{scraped}");
    assert_eq!(values(&scraped), values(&written));
}

#[test]
fn a_node_exporter_passes_on_every_value_of_both_sources() {
    let place = two_runs();
    let scraped = Exporter::start(&place.path("textfile")).scrape();
    assert!(scraped.contains("\nnode_textfile_scrape_error 0\n"), "{scraped}");
    let written = values(&textfiles(&place).concat());
    assert_eq!(values(&scraped), written);
    assert!(written.len() > 30, "{written:?}");
    assert!(scraped.contains(r#"giggles_last_run_exit_code{source="neil"} 3"#), "{scraped}");
    assert!(scraped.contains(r#"giggles_last_run_success{source="ad\"a\\"} 1"#), "{scraped}");
}
