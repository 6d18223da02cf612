//! The metrics of a run, as a text file for Prometheus's node exporter.
//!
//! All metrics are gauges of the last run and have its source and, if there is one, its shard as labels: the node
//! exporter rejects all files of a directory if two of them contain the same metric with the same labels. Format:
//! Prometheus's text exposition format 0.0.4.

mod stored;

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

pub use self::stored::stored;
use super::run_summary::{RunOutcome, RunSummary};
use crate::atomic_file::{self, Permissions, read_regular, replace};
use crate::domain::{Counts, Stage};
use crate::exit::Exit;

/// A metric of the file.
pub struct Metric {
    pub name: &'static str,
    /// The text behind `# HELP`.
    pub help: &'static str,
    /// Its labels besides `source` and `shard`, and their values.
    pub labels: &'static [(&'static str, &'static str)],
    /// Its values from a run and the time of the last success of earlier runs; none if the run does not know them.
    values: fn(&RunSummary, f64) -> Values,
}

/// Values, each with its own labels.
type Values = Vec<(String, f64)>;

/// All metrics, in the order of the file.
pub const METRICS: [Metric; 13] = [
    Metric {
        name: "giggles_last_run_timestamp_seconds",
        help: "When the last run ended, Unix time.",
        labels: &[],
        values: |run, _| one(seconds(run.ended)),
    },
    Metric {
        name: LAST_SUCCESS,
        help: "End of the last run without failures, Unix time; 0: none.",
        labels: &[],
        values: |run, last_success| one(if run.is_success() { seconds(run.ended) } else { last_success }),
    },
    Metric {
        name: "giggles_last_run_duration_seconds",
        help: "How long the last run took.",
        labels: &[],
        values: |run, _| one(run.took.as_secs_f64()),
    },
    Metric {
        name: "giggles_last_run_exit_code",
        help: "Exit code of the last run.",
        labels: &[],
        values: |run, _| one(run.exit.code().into()),
    },
    Metric {
        name: "giggles_last_run_success",
        help: "1 if the last run had no failures.",
        labels: &[],
        values: |run, _| one(f64::from(run.is_success())),
    },
    Metric {
        name: "giggles_last_run_recordings",
        help: "Recordings of the last run, by status.",
        labels: &[("status", "analyzed, partial, redetected, skipped, in_progress, failed")],
        values: |run, _| by("status", &disjoint(&run.outcome.counts)),
    },
    Metric {
        name: "giggles_window_recordings",
        help: "Damaged recordings of the last run's window, also of earlier runs.",
        labels: &[("status", "partial, failed")],
        values: |run, _| {
            let unresolved = &run.outcome.unresolved;
            by("status", &[("partial", unresolved.partial as f64), ("failed", unresolved.failed as f64)])
        },
    },
    Metric {
        name: "giggles_last_run_audio_seconds",
        help: "Audio analyzed by the last run.",
        labels: &[],
        values: |run, _| one(run.outcome.audio.as_secs_f64()),
    },
    Metric {
        name: "giggles_last_run_detections",
        help: "Laughs stored by the last run.",
        labels: &[],
        values: |run, _| one(run.outcome.counts.detections as f64),
    },
    Metric {
        name: "giggles_last_run_clips_failed",
        help: "Clips of the last run's laughs that could not be written.",
        labels: &[],
        values: |run, _| one(run.outcome.counts.clips_failed as f64),
    },
    Metric {
        name: "giggles_last_run_stage_duration_seconds",
        help: "How long each stage of the last run took.",
        labels: &[("stage", "connect, discover, identify, analyze, store")],
        values: |run, _| by("stage", &run.stages.map(|(stage, took)| (stage.as_str(), took.as_secs_f64()))),
    },
    Metric {
        name: "giggles_last_run_peak_rss_bytes",
        help: "Peak memory of the last run.",
        labels: &[],
        values: |run, _| run.peak_rss.map(|peak| one(peak as f64)).unwrap_or_default(),
    },
    Metric {
        name: "giggles_build_info",
        help: "Version and model of the last run.",
        labels: &[("version", "of giggles"), ("model_sha256", "SHA-256 of the model file")],
        values: |run, _| {
            let labels = [label("version", env!("CARGO_PKG_VERSION")), label("model_sha256", &run.model_sha256)];
            vec![(labels.join(","), 1.0)]
        },
    },
];

const LAST_SUCCESS: &str = "giggles_last_success_timestamp_seconds";
/// Readable by all, because the node exporter runs as another user.
const READABLE_BY_ALL: u32 = 0o644;
/// A metrics file is always smaller than this, in bytes.
const LARGEST: u64 = 1_000_000;

/// Writes the file. If this run was not successful, the last success is copied from the previous file.
pub fn write(path: &Path, summary: &RunSummary) -> io::Result<()> {
    let before = read_regular(path, LARGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    replace(path, text(summary, last_success(&before, summary)).as_bytes(), READABLE_BY_ALL)
}

/// Writes a metrics file beside the path, with a name that no exporter reads, and removes it.
pub fn check(path: &Path) -> io::Result<Permissions> {
    let summary = RunSummary {
        run: String::new(),
        external_id: None,
        source: String::new(),
        shard: None,
        exit: Exit::Complete,
        ended: Timestamp::now(),
        took: Duration::ZERO,
        stages: Stage::ALL.map(|stage| (stage, Duration::ZERO)),
        peak_rss: None,
        model_sha256: String::new(),
        outcome: RunOutcome::default(),
    };
    atomic_file::check_beside(path, text(&summary, 0.0).as_bytes(), READABLE_BY_ALL)
}

/// The file's content; `last_success` is the time of the last success of earlier runs.
pub fn text(summary: &RunSummary, last_success: f64) -> String {
    let (common, mut text) = (labels(summary), String::new());
    for Metric { name, help, values, .. } in METRICS {
        let values = values(summary, last_success);
        if values.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (own, value) in values {
            let comma = if own.is_empty() { "" } else { "," };
            let _ = writeln!(text, "{name}{{{common}{comma}{own}}} {value}");
        }
    }
    text
}

fn one(value: f64) -> Values {
    vec![(String::new(), value)]
}

/// A value for each value of the label.
fn by(name: &str, values: &[(&str, f64)]) -> Values {
    values.iter().map(|(word, value)| (label(name, word), *value)).collect()
}

/// Each recording counts once, so that the values add up: here, `skipped` excludes `in_progress`.
fn disjoint(counts: &Counts) -> [(&'static str, f64); 6] {
    [
        ("analyzed", counts.analyzed),
        ("partial", counts.partial),
        ("redetected", counts.redetected),
        ("skipped", counts.skipped.saturating_sub(counts.in_progress)),
        ("in_progress", counts.in_progress),
        ("failed", counts.failed),
    ]
    .map(|(status, count)| (status, count as f64))
}

/// The labels of every metric of a run.
fn labels(summary: &RunSummary) -> String {
    let shard = summary.shard.as_ref().map(|shard| label("shard", shard));
    [label("source", &summary.source)].into_iter().chain(shard).collect::<Vec<_>>().join(",")
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", escaped(value))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The last success of this source and shard in an earlier file; 0 if there is none, or an invalid one. A success in
/// the future comes from a wrong clock: if it were copied, it would hide every failure until then.
fn last_success(text: &str, summary: &RunSummary) -> f64 {
    let begin = format!("{LAST_SUCCESS}{{{}}} ", labels(summary));
    let value = text.lines().find_map(|line| line.strip_prefix(&begin)).and_then(|value| value.trim().parse().ok());
    value.filter(|value: &f64| (0.0..=seconds(summary.ended)).contains(value)).unwrap_or(0.0)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::summary;

    #[test]
    fn the_file_has_all_metrics_with_help_and_labels() {
        insta::assert_snapshot!(text(&summary(), 0.0), @r#"
        # HELP giggles_last_run_timestamp_seconds When the last run ended, Unix time.
        # TYPE giggles_last_run_timestamp_seconds gauge
        giggles_last_run_timestamp_seconds{source="neil"} 1761359475.5
        # HELP giggles_last_success_timestamp_seconds End of the last run without failures, Unix time; 0: none.
        # TYPE giggles_last_success_timestamp_seconds gauge
        giggles_last_success_timestamp_seconds{source="neil"} 0
        # HELP giggles_last_run_duration_seconds How long the last run took.
        # TYPE giggles_last_run_duration_seconds gauge
        giggles_last_run_duration_seconds{source="neil"} 75.5
        # HELP giggles_last_run_exit_code Exit code of the last run.
        # TYPE giggles_last_run_exit_code gauge
        giggles_last_run_exit_code{source="neil"} 3
        # HELP giggles_last_run_success 1 if the last run had no failures.
        # TYPE giggles_last_run_success gauge
        giggles_last_run_success{source="neil"} 0
        # HELP giggles_last_run_recordings Recordings of the last run, by status.
        # TYPE giggles_last_run_recordings gauge
        giggles_last_run_recordings{source="neil",status="analyzed"} 3
        giggles_last_run_recordings{source="neil",status="partial"} 1
        giggles_last_run_recordings{source="neil",status="redetected"} 1
        giggles_last_run_recordings{source="neil",status="skipped"} 1
        giggles_last_run_recordings{source="neil",status="in_progress"} 1
        giggles_last_run_recordings{source="neil",status="failed"} 1
        # HELP giggles_window_recordings Damaged recordings of the last run's window, also of earlier runs.
        # TYPE giggles_window_recordings gauge
        giggles_window_recordings{source="neil",status="partial"} 2
        giggles_window_recordings{source="neil",status="failed"} 4
        # HELP giggles_last_run_audio_seconds Audio analyzed by the last run.
        # TYPE giggles_last_run_audio_seconds gauge
        giggles_last_run_audio_seconds{source="neil"} 3600
        # HELP giggles_last_run_detections Laughs stored by the last run.
        # TYPE giggles_last_run_detections gauge
        giggles_last_run_detections{source="neil"} 2
        # HELP giggles_last_run_clips_failed Clips of the last run's laughs that could not be written.
        # TYPE giggles_last_run_clips_failed gauge
        giggles_last_run_clips_failed{source="neil"} 0
        # HELP giggles_last_run_stage_duration_seconds How long each stage of the last run took.
        # TYPE giggles_last_run_stage_duration_seconds gauge
        giggles_last_run_stage_duration_seconds{source="neil",stage="connect"} 0
        giggles_last_run_stage_duration_seconds{source="neil",stage="discover"} 1
        giggles_last_run_stage_duration_seconds{source="neil",stage="identify"} 2
        giggles_last_run_stage_duration_seconds{source="neil",stage="analyze"} 3
        giggles_last_run_stage_duration_seconds{source="neil",stage="store"} 4
        # HELP giggles_last_run_peak_rss_bytes Peak memory of the last run.
        # TYPE giggles_last_run_peak_rss_bytes gauge
        giggles_last_run_peak_rss_bytes{source="neil"} 80000000
        # HELP giggles_build_info Version and model of the last run.
        # TYPE giggles_build_info gauge
        giggles_build_info{source="neil",version="0.1.0",model_sha256="abababababababababababababababababababababababababababababababab"} 1
        "#);
    }

    #[test]
    fn a_failed_run_keeps_the_time_of_the_last_success() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("giggles.prom");
        let good = RunSummary { exit: Exit::Complete, ..summary() };
        let bad = RunSummary { ended: good.ended + std::time::Duration::from_secs(86_400), ..summary() };
        let written = |summary: &RunSummary| {
            write(&path, summary).unwrap();
            last_success(&std::fs::read_to_string(&path).unwrap(), &bad)
        };
        assert_eq!(written(&bad), 0.0, "there was none");
        let success = seconds(good.ended);
        assert_eq!(written(&good), success);
        assert_eq!(written(&bad), success);
        std::fs::write(&path, b"giggles_last_success_timestamp_seconds{source=\"neil\"} soon\n\xff").unwrap();
        assert_eq!(written(&bad), 0.0, "an invalid file loses the last success, not the metrics");
    }

    #[test]
    fn special_characters_in_the_source_are_escaped() {
        let odd = RunSummary { source: "a\"b\\c\nd".into(), exit: Exit::Complete, ..summary() };
        let text = text(&odd, 0.0);
        assert!(text.contains(r#"giggles_last_run_success{source="a\"b\\c\nd"} 1"#), "{text}");
        assert!(last_success(&text, &odd) > 0.0);
    }

    #[test]
    fn each_shard_has_its_own_series_and_last_success() {
        let run_of =
            |shard: Option<&str>| RunSummary { shard: shard.map(str::to_owned), exit: Exit::Complete, ..summary() };
        let texts = [Some("1/2"), Some("2/2"), None].map(|shard| text(&run_of(shard), 0.0));
        assert!(texts[0].contains("giggles_last_run_success{source=\"neil\",shard=\"1/2\"} 1\n"), "{}", texts[0]);
        assert!(texts[1].contains("giggles_last_run_stage_duration_seconds{source=\"neil\",shard=\"2/2\",stage="));
        let series = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
        };
        let all: Vec<String> = texts.iter().flat_map(|text| series(text)).collect();
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len(), "no series twice");
        assert!(last_success(&texts[0], &run_of(Some("1/2"))) > 0.0);
        assert_eq!(last_success(&texts[0], &run_of(Some("2/2"))), 0.0);
    }

    #[test]
    fn a_success_in_the_future_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("giggles.prom");
        let ahead = RunSummary { exit: Exit::Complete, ended: "2040-01-01T00:00:00Z".parse().unwrap(), ..summary() };
        write(&path, &ahead).unwrap();
        write(&path, &summary()).unwrap();
        let success = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines()
                .find_map(|line| line.strip_prefix(&format!("{LAST_SUCCESS}{{source=\"neil\"}} ")))
                .unwrap()
                .to_owned()
        };
        assert_eq!(success(&path), "0");
        let just_now = RunSummary { exit: Exit::Complete, ..summary() };
        write(&path, &just_now).unwrap();
        write(&path, &summary()).unwrap();
        assert_eq!(success(&path), "1761359475.5", "a success at the same time is not in the future");
    }
}
