//! The metrics of stored runs, for a Prometheus that asks `giggles serve`: those of the metrics file that the database
//! knows, under the same names.

use std::fmt::Write;

use super::{METRICS, labels, seconds};
use crate::domain::{PastRun, Stage, Unresolved};
use crate::exit::Exit;
use crate::notify::{RunOutcome, RunSummary};

/// What the database does not know: stages, memory, the model of the run, and what is unresolved in its window.
const UNKNOWN: [&str; 4] = [
    "giggles_window_recordings",
    "giggles_last_run_stage_duration_seconds",
    "giggles_last_run_peak_rss_bytes",
    "giggles_build_info",
];

/// The metrics of the latest run of each source and shard. `runs`: the latest of each source first.
pub fn stored(runs: &[PastRun]) -> String {
    let mut latest: Vec<(RunSummary, f64)> = Vec::new();
    for run in runs {
        let is_same = |source: &str, shard: &Option<String>| source == run.source && *shard == run.shard;
        if latest.iter().any(|(known, _)| is_same(&known.source, &known.shard)) {
            continue;
        }
        let success = runs.iter().find(|other| other.exit_code == 0 && is_same(&other.source, &other.shard));
        latest.push((summary(run), success.map_or(0.0, |run| seconds(run.ended))));
    }
    let mut text = String::new();
    for metric in METRICS.iter().filter(|metric| !latest.is_empty() && !UNKNOWN.contains(&metric.name)) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {0} {1}\n# TYPE {0} gauge", metric.name, metric.help);
        for (summary, last_success) in &latest {
            for (own, value) in (metric.values)(summary, *last_success) {
                let comma = if own.is_empty() { "" } else { "," };
                let _ = writeln!(text, "{}{{{}{comma}{own}}} {value}", metric.name, labels(summary));
            }
        }
    }
    text
}

fn summary(run: &PastRun) -> RunSummary {
    RunSummary {
        run: run.id.clone(),
        external_id: run.external_id.clone(),
        source: run.source.clone(),
        shard: run.shard.clone(),
        exit: Exit::ALL.into_iter().find(|exit| exit.code() == run.exit_code).unwrap_or(Exit::Failed),
        ended: run.ended,
        took: run.ended.duration_since(run.started).try_into().unwrap_or_default(),
        stages: Stage::ALL.map(|stage| (stage, Default::default())),
        peak_rss: None,
        model_sha256: String::new(),
        outcome: RunOutcome {
            counts: run.counts,
            unresolved: Unresolved::default(),
            audio: run.audio,
            ..RunOutcome::default()
        },
    }
}
