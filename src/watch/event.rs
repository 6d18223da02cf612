//! A run's summary as one JSON event for a log, and for CloudWatch if that is wanted.
//!
//! Source of CloudWatch's part: its embedded metric format (the log agent turns the members that `_aws` names
//! into metrics).

use serde_json::{Map, Value, json};

use super::account::Account;

/// Metric, and its unit as CloudWatch calls it.
const CLOUDWATCH: [(&str, &str); 13] = [
    ("success", "None"),
    ("exit_code", "None"),
    ("duration_seconds", "Seconds"),
    ("analyzed", "Count"),
    ("partial", "Count"),
    ("unfinished", "Count"),
    ("failed", "Count"),
    ("detections", "Count"),
    ("clips_lost", "Count"),
    ("partial_in_window", "Count"),
    ("failed_in_window", "Count"),
    ("audio_seconds", "Seconds"),
    ("peak_rss_bytes", "Bytes"),
];

/// The members of the summary event.
pub fn summary(account: &Account) -> Map<String, Value> {
    let stages = account.stages.map(|(stage, took)| (stage.as_str().to_owned(), took.as_secs_f64().into()));
    let failures = account.ending.failures.iter();
    let failures: Vec<Value> = failures.map(|(name, text)| json!({ "recording": name, "reason": text })).collect();
    let counts = &account.ending.counts;
    let event = json!({
        "event": "summary",
        "run": account.run,
        "source": account.source,
        "shard": account.shard,
        "message": account.ending.summary,
        "exit_code": account.exit.code(),
        "success": u8::from(account.is_success()),
        "duration_seconds": account.took.as_secs_f64(),
        "stage_seconds": Map::from_iter(stages),
        "analyzed": counts.analyzed,
        "partial": counts.partial,
        "skipped": counts.skipped,
        "unfinished": counts.unfinished,
        "failed": counts.failed,
        "detections": counts.detections,
        "clips_lost": counts.clips_lost,
        "partial_in_window": account.ending.unresolved.partial,
        "failed_in_window": account.ending.unresolved.failed,
        "audio_seconds": account.ending.audio.as_secs_f64(),
        "peak_rss_bytes": account.peak_rss,
        "version": env!("CARGO_PKG_VERSION"),
        "model_sha256": account.model_sha256,
        "failures": failures,
    });
    match event {
        Value::Object(members) => members,
        _ => unreachable!("a literal object"),
    }
}

/// What CloudWatch adds: which members are metrics, by source and, where there is one, also by shard.
pub fn cloudwatch(account: &Account) -> Value {
    let metrics = CLOUDWATCH.iter().filter(|(name, _)| *name != "peak_rss_bytes" || account.peak_rss.is_some());
    let metrics: Vec<Value> = metrics.map(|(name, unit)| json!({ "Name": name, "Unit": unit })).collect();
    let dimensions = match account.shard {
        Some(_) => json!([["source"], ["source", "shard"]]),
        None => json!([["source"]]),
    };
    json!({
        "Timestamp": account.ended.as_millisecond(),
        "CloudWatchMetrics": [{ "Namespace": "giggles", "Dimensions": dimensions, "Metrics": metrics }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::tests::account;

    #[test]
    fn every_metric_of_cloudwatch_is_a_number_of_the_event() {
        let account = account();
        let event = summary(&account);
        let directive = &cloudwatch(&account)["CloudWatchMetrics"][0];
        let metrics = directive["Metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), CLOUDWATCH.len());
        for metric in metrics {
            assert!(event[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert!(event["source"].is_string(), "the dimension");
        let sharded = Account { shard: Some("1/2".into()), ..account };
        assert!(summary(&sharded)["shard"].is_string());
        assert_eq!(cloudwatch(&sharded)["CloudWatchMetrics"][0]["Dimensions"][1], json!(["source", "shard"]));
    }
}
