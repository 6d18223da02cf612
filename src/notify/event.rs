//! A run's summary as one JSON event for a log, and for CloudWatch if requested.
//!
//! Source for CloudWatch: its embedded metric format (the log agent converts the members that `_aws` names to metrics).

use serde_json::{Map, Value, json};

use super::run_summary::RunSummary;
use crate::domain::{Counts, Described, Field, field};

/// Metric, and CloudWatch's name of its unit.
const CLOUDWATCH: [(&str, &str); 14] = [
    ("success", "None"),
    ("exit_code", "None"),
    ("duration_seconds", "Seconds"),
    ("analyzed", "Count"),
    ("partial", "Count"),
    ("redetected", "Count"),
    ("in_progress", "Count"),
    ("failed", "Count"),
    ("detections", "Count"),
    ("clips_failed", "Count"),
    ("partial_in_window", "Count"),
    ("failed_in_window", "Count"),
    ("audio_seconds", "Seconds"),
    ("peak_rss_bytes", "Bytes"),
];

/// The JSON objects of the log.
pub const DOCUMENTS: &[Described] = &[
    Described {
        command: "giggles --log-format json",
        about: "one message a line, on standard error",
        parts: &[("", MESSAGE)],
    },
    Described {
        command: "giggles scan --log-format json, the last line",
        about: "the summary event",
        parts: &[("", SUMMARY), ("", Counts::FIELDS)],
    },
    Described {
        command: "giggles scan --log-format emf, the last line",
        about: "the summary event, with metadata for CloudWatch",
        parts: &[("", SUMMARY), ("", Counts::FIELDS), ("", CLOUDWATCH_FIELDS)],
    },
];

/// Fields of a message of the JSON log.
const MESSAGE: &[Field] = &[
    field("timestamp", "string", "when"),
    field("level", "string", "`error`, `warn`, `info` or `debug`"),
    field("message", "string", "the message"),
    field("run", "string", "id of the run; of messages of a run only"),
    field("stage", "string", "`connect`, `discover`, `identify`, `analyze` or `store`; of messages of a run only"),
    field("recording", "string", "name of the recording; of messages about one only"),
];

/// Fields of the summary event, the last line of a run in the JSON log.
const SUMMARY: &[Field] = &[
    field("timestamp", "string", "when the run ended"),
    field("level", "string", "`info` if the exit code is 0, else `error`"),
    field("event", "string", "`summary`"),
    field("run", "string", "id of the run"),
    field("external_id", "string or null", "the id that a scheduler or queue gave (`--run-id`)"),
    field("source", "string", "the person or device of the recordings"),
    field("shard", "string or null", "`k/n`; null if the run analyzed all recordings"),
    field("message", "string", "the summary line"),
    field("exit_code", "number", "the exit code"),
    field("success", "number", "1 if the run had no failures, else 0"),
    field("duration_seconds", "number", "how long the run took"),
    field("stage_seconds.*", "number", "how long each stage took"),
    field("partial_in_window", "number", "partial recordings of the window, found by any run"),
    field("failed_in_window", "number", "failed recordings of the window, found by any run"),
    field("audio_seconds", "number", "audio analyzed"),
    field("peak_rss_bytes", "number or null", "peak memory; null if the system does not tell"),
    field("version", "string", "version of giggles"),
    field("model_sha256", "string", "SHA-256 of the model file"),
    field("failures[].recording", "string", "name of a recording that failed"),
    field("failures[].reason", "string", "why"),
];

/// Fields that `--log-format emf` adds: CloudWatch's embedded metric format.
const CLOUDWATCH_FIELDS: &[Field] = &[
    field("_aws.Timestamp", "number", "when the run ended, milliseconds since 1970"),
    field("_aws.CloudWatchMetrics[].Namespace", "string", "`giggles`"),
    field("_aws.CloudWatchMetrics[].Dimensions[][]", "string", "`source`, and of a shard also `source` with `shard`"),
    field("_aws.CloudWatchMetrics[].Metrics[].Name", "string", "a field of this event that is a metric"),
    field("_aws.CloudWatchMetrics[].Metrics[].Unit", "string", "CloudWatch's name of its unit"),
];

/// The members of the summary event.
pub fn summary_event(summary: &RunSummary) -> Map<String, Value> {
    let stages = summary.stages.map(|(stage, took)| (stage.as_str().to_owned(), took.as_secs_f64().into()));
    let failures = summary.outcome.failures.iter();
    let failures: Vec<Value> = failures.map(|(name, text)| json!({ "recording": name, "reason": text })).collect();
    let event = json!({
        "event": "summary",
        "run": summary.run,
        "external_id": summary.external_id,
        "source": summary.source,
        "shard": summary.shard,
        "message": summary.outcome.summary,
        "exit_code": summary.exit.code(),
        "success": u8::from(summary.is_success()),
        "duration_seconds": summary.took.as_secs_f64(),
        "stage_seconds": Map::from_iter(stages),
        "partial_in_window": summary.outcome.unresolved.partial,
        "failed_in_window": summary.outcome.unresolved.failed,
        "audio_seconds": summary.outcome.audio.as_secs_f64(),
        "peak_rss_bytes": summary.peak_rss,
        "version": env!("CARGO_PKG_VERSION"),
        "model_sha256": summary.model_sha256,
        "failures": failures,
    });
    let parts = [event, json!(summary.outcome.counts)];
    parts
        .into_iter()
        .filter_map(|part| if let Value::Object(part) = part { Some(part) } else { None })
        .flatten()
        .collect()
}

/// The metadata for CloudWatch: which members are metrics, by source and, if there is one, also by shard.
pub fn cloudwatch(summary: &RunSummary) -> Value {
    let metrics = CLOUDWATCH.iter().filter(|(name, _)| *name != "peak_rss_bytes" || summary.peak_rss.is_some());
    let metrics: Vec<Value> = metrics.map(|(name, unit)| json!({ "Name": name, "Unit": unit })).collect();
    let dimensions = match summary.shard {
        Some(_) => json!([["source"], ["source", "shard"]]),
        None => json!([["source"]]),
    };
    json!({
        "Timestamp": summary.ended.as_millisecond(),
        "CloudWatchMetrics": [{ "Namespace": "giggles", "Dimensions": dimensions, "Metrics": metrics }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::summary;

    #[test]
    fn every_metric_of_cloudwatch_is_a_number_of_the_event() {
        let summary = summary();
        let event = summary_event(&summary);
        let directive = &cloudwatch(&summary)["CloudWatchMetrics"][0];
        let metrics = directive["Metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), CLOUDWATCH.len());
        for metric in metrics {
            assert!(event[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert!(event["source"].is_string(), "the dimension");
        let sharded = RunSummary { shard: Some("1/2".into()), ..summary };
        assert!(summary_event(&sharded)["shard"].is_string());
        assert_eq!(cloudwatch(&sharded)["CloudWatchMetrics"][0]["Dimensions"][1], json!(["source", "shard"]));
    }
}
