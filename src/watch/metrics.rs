//! The run as a textfile for Prometheus's node exporter.
//!
//! Everything is a gauge of the last run and carries its source and, where it has one, its shard: the node exporter
//! refuses all files of a folder if two of them hold the same metric with the same labels. Format: Prometheus's text exposition format 0.0.4.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::account::{Account, Ending};
use crate::exit::Exit;
use crate::record::{Counts, Stage};
use crate::replace::{self, Permissions, read_regular, replace};

const LAST_SUCCESS: &str = "giggles_last_success_timestamp_seconds";
/// The node exporter runs as another user.
const READABLE_BY_ALL: u32 = 0o644;
/// Bytes that a file of ours never reaches.
const LARGEST: u64 = 1_000_000;

/// Writes the file. The last success is carried over from what it held if this run is none.
pub fn write(path: &Path, account: &Account) -> io::Result<()> {
    let before = read_regular(path, LARGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    replace(path, text(account, last_success(&before, account)).as_bytes(), READABLE_BY_ALL)
}

/// Writes a file of metrics beside the path, under a name that no exporter reads, and removes it.
pub fn check(path: &Path) -> io::Result<Permissions> {
    let account = Account {
        run: String::new(),
        source: String::new(),
        shard: None,
        exit: Exit::Complete,
        ended: Timestamp::now(),
        took: Duration::ZERO,
        stages: Stage::ALL.map(|stage| (stage, Duration::ZERO)),
        peak_rss: None,
        model_sha256: String::new(),
        ending: Ending::default(),
    };
    replace::check_beside(path, text(&account, 0.0).as_bytes(), READABLE_BY_ALL)
}

/// The file's content; `last_success` is that of earlier runs.
pub fn text(account: &Account, last_success: f64) -> String {
    let ended = seconds(account.ended);
    let counts = &account.ending.counts;
    let mut file = Textfile { labels: labels(account), text: String::new() };
    file.one("giggles_last_run_timestamp_seconds", "When the last run ended, Unix time.", ended);
    let success = if account.is_success() { ended } else { last_success };
    file.one(LAST_SUCCESS, "When the last run ended that heard everything, Unix time; 0 if none has.", success);
    file.one("giggles_last_run_duration_seconds", "How long the last run took.", account.took.as_secs_f64());
    file.one("giggles_last_run_exit_code", "Exit code of the last run.", account.exit.code().into());
    file.one("giggles_last_run_success", "1 if the last run heard everything.", f64::from(account.is_success()));
    let recordings = by_status(counts).map(|(status, count)| (label("status", status), count as f64));
    file.many("giggles_last_run_recordings", "Recordings of the last run, by what became of them.", &recordings);
    let unresolved = &account.ending.unresolved;
    let damaged = [("partial", unresolved.partial), ("failed", unresolved.failed)];
    let damaged = damaged.map(|(status, count)| (label("status", status), count as f64));
    file.many(
        "giggles_window_recordings",
        "Damaged recordings of the last run's window, also of earlier runs.",
        &damaged,
    );
    file.one("giggles_last_run_audio_seconds", "Audio heard by the last run.", account.ending.audio.as_secs_f64());
    file.one("giggles_last_run_detections", "Laughs stored by the last run.", counts.detections as f64);
    file.one(
        "giggles_last_run_clips_lost",
        "Clips of the last run's laughs that could not be written.",
        counts.clips_lost as f64,
    );
    let stages = account.stages.map(|(stage, took)| (label("stage", stage.as_str()), took.as_secs_f64()));
    file.many("giggles_last_run_stage_duration_seconds", "How long each stage of the last run took.", &stages);
    if let Some(peak) = account.peak_rss {
        file.one("giggles_last_run_peak_rss_bytes", "The most memory the last run had at once.", peak as f64);
    }
    let build = [label("version", env!("CARGO_PKG_VERSION")), label("model_sha256", &account.model_sha256)].join(",");
    file.many("giggles_build_info", "Version and model of the last run.", &[(build, 1.0)]);
    file.text
}

/// Each recording once, so that their sum is all of them: the unfinished are not among the skipped here.
fn by_status(counts: &Counts) -> [(&'static str, u64); 5] {
    [
        ("analyzed", counts.analyzed),
        ("partial", counts.partial),
        ("skipped", counts.skipped.saturating_sub(counts.unfinished)),
        ("unfinished", counts.unfinished),
        ("failed", counts.failed),
    ]
}

/// Of every metric of a run.
fn labels(account: &Account) -> String {
    let shard = account.shard.as_ref().map(|shard| label("shard", shard));
    [label("source", &account.source)].into_iter().chain(shard).collect::<Vec<_>>().join(",")
}

struct Textfile {
    labels: String,
    text: String,
}

impl Textfile {
    fn one(&mut self, name: &str, help: &str, value: f64) {
        self.many(name, help, &[(String::new(), value)]);
    }

    fn many(&mut self, name: &str, help: &str, values: &[(String, f64)]) {
        let Textfile { labels: all, text } = self;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let comma = if labels.is_empty() { "" } else { "," };
            let _ = writeln!(text, "{name}{{{all}{comma}{labels}}} {value}");
        }
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", escaped(value))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What an earlier file says of this source and shard; 0 if it says nothing, or nothing sensible. A success in the
/// future is one of a clock that was wrong: carried over, it would hide every failure until then.
fn last_success(text: &str, account: &Account) -> f64 {
    let begin = format!("{LAST_SUCCESS}{{{}}} ", labels(account));
    let value = text.lines().find_map(|line| line.strip_prefix(&begin)).and_then(|value| value.trim().parse().ok());
    value.filter(|value: &f64| (0.0..=seconds(account.ended)).contains(value)).unwrap_or(0.0)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::tests::account;

    #[test]
    fn the_textfile() {
        insta::assert_snapshot!(text(&account(), 0.0), @r#"
        # HELP giggles_last_run_timestamp_seconds When the last run ended, Unix time.
        # TYPE giggles_last_run_timestamp_seconds gauge
        giggles_last_run_timestamp_seconds{source="neil"} 1761359475.5
        # HELP giggles_last_success_timestamp_seconds When the last run ended that heard everything, Unix time; 0 if none has.
        # TYPE giggles_last_success_timestamp_seconds gauge
        giggles_last_success_timestamp_seconds{source="neil"} 0
        # HELP giggles_last_run_duration_seconds How long the last run took.
        # TYPE giggles_last_run_duration_seconds gauge
        giggles_last_run_duration_seconds{source="neil"} 75.5
        # HELP giggles_last_run_exit_code Exit code of the last run.
        # TYPE giggles_last_run_exit_code gauge
        giggles_last_run_exit_code{source="neil"} 3
        # HELP giggles_last_run_success 1 if the last run heard everything.
        # TYPE giggles_last_run_success gauge
        giggles_last_run_success{source="neil"} 0
        # HELP giggles_last_run_recordings Recordings of the last run, by what became of them.
        # TYPE giggles_last_run_recordings gauge
        giggles_last_run_recordings{source="neil",status="analyzed"} 3
        giggles_last_run_recordings{source="neil",status="partial"} 1
        giggles_last_run_recordings{source="neil",status="skipped"} 1
        giggles_last_run_recordings{source="neil",status="unfinished"} 1
        giggles_last_run_recordings{source="neil",status="failed"} 1
        # HELP giggles_window_recordings Damaged recordings of the last run's window, also of earlier runs.
        # TYPE giggles_window_recordings gauge
        giggles_window_recordings{source="neil",status="partial"} 2
        giggles_window_recordings{source="neil",status="failed"} 4
        # HELP giggles_last_run_audio_seconds Audio heard by the last run.
        # TYPE giggles_last_run_audio_seconds gauge
        giggles_last_run_audio_seconds{source="neil"} 3600
        # HELP giggles_last_run_detections Laughs stored by the last run.
        # TYPE giggles_last_run_detections gauge
        giggles_last_run_detections{source="neil"} 2
        # HELP giggles_last_run_clips_lost Clips of the last run's laughs that could not be written.
        # TYPE giggles_last_run_clips_lost gauge
        giggles_last_run_clips_lost{source="neil"} 0
        # HELP giggles_last_run_stage_duration_seconds How long each stage of the last run took.
        # TYPE giggles_last_run_stage_duration_seconds gauge
        giggles_last_run_stage_duration_seconds{source="neil",stage="connect"} 0
        giggles_last_run_stage_duration_seconds{source="neil",stage="find"} 1
        giggles_last_run_stage_duration_seconds{source="neil",stage="identify"} 2
        giggles_last_run_stage_duration_seconds{source="neil",stage="hear"} 3
        giggles_last_run_stage_duration_seconds{source="neil",stage="store"} 4
        # HELP giggles_last_run_peak_rss_bytes The most memory the last run had at once.
        # TYPE giggles_last_run_peak_rss_bytes gauge
        giggles_last_run_peak_rss_bytes{source="neil"} 80000000
        # HELP giggles_build_info Version and model of the last run.
        # TYPE giggles_build_info gauge
        giggles_build_info{source="neil",version="0.1.0",model_sha256="abababababababababababababababababababababababababababababababab"} 1
        "#);
    }

    #[test]
    fn the_last_success_is_carried_over_by_failures_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("giggles.prom");
        let good = Account { exit: Exit::Complete, ..account() };
        let bad = Account { ended: good.ended + std::time::Duration::from_secs(86_400), ..account() };
        let written = |account: &Account| {
            write(&path, account).unwrap();
            last_success(&std::fs::read_to_string(&path).unwrap(), &bad)
        };
        assert_eq!(written(&bad), 0.0, "there was none");
        let success = seconds(good.ended);
        assert_eq!(written(&good), success);
        assert_eq!(written(&bad), success);
        std::fs::write(&path, b"giggles_last_success_timestamp_seconds{source=\"neil\"} soon\n\xff").unwrap();
        assert_eq!(written(&bad), 0.0, "a spoilt file costs the memory, not the metrics");
    }

    #[test]
    fn a_source_may_hold_what_it_likes() {
        let odd = Account { source: "a\"b\\c\nd".into(), exit: Exit::Complete, ..account() };
        let text = text(&odd, 0.0);
        assert!(text.contains(r#"giggles_last_run_success{source="a\"b\\c\nd"} 1"#), "{text}");
        assert!(last_success(&text, &odd) > 0.0);
    }

    #[test]
    fn shards_have_series_of_their_own_and_a_success_each() {
        let of = |shard: Option<&str>| Account { shard: shard.map(str::to_owned), exit: Exit::Complete, ..account() };
        let texts = [Some("1/2"), Some("2/2"), None].map(|shard| text(&of(shard), 0.0));
        assert!(texts[0].contains("giggles_last_run_success{source=\"neil\",shard=\"1/2\"} 1\n"), "{}", texts[0]);
        assert!(texts[1].contains("giggles_last_run_stage_duration_seconds{source=\"neil\",shard=\"2/2\",stage="));
        let series = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
        };
        let all: Vec<String> = texts.iter().flat_map(|text| series(text)).collect();
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len(), "no series twice");
        assert!(last_success(&texts[0], &of(Some("1/2"))) > 0.0);
        assert_eq!(last_success(&texts[0], &of(Some("2/2"))), 0.0);
    }

    #[test]
    fn a_success_in_the_future_is_not_carried_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("giggles.prom");
        let ahead = Account { exit: Exit::Complete, ended: "2040-01-01T00:00:00Z".parse().unwrap(), ..account() };
        write(&path, &ahead).unwrap();
        write(&path, &account()).unwrap();
        let success = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines()
                .find_map(|line| line.strip_prefix(&format!("{LAST_SUCCESS}{{source=\"neil\"}} ")))
                .unwrap()
                .to_owned()
        };
        assert_eq!(success(&path), "0");
        let just_now = Account { exit: Exit::Complete, ..account() };
        write(&path, &just_now).unwrap();
        write(&path, &account()).unwrap();
        assert_eq!(success(&path), "1761359475.5", "a success of this very moment is none of the future");
    }
}
