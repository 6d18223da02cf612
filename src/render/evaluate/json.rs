//! For programs: one JSON document.

use serde_json::{Value, json};

use super::EvaluationView;
use crate::domain::{Field, field};
use crate::evaluate::measures::{Proportion, Tally};
use crate::evaluate::{CRITERIA, Decision, Estimate, Point};
use crate::render::json::{SPEC_FIELD, SPEC_VERSION, window};
use crate::text::{shortest_f64, zone_name};

/// Fields of the document besides its decisions.
pub(in crate::render) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("asked_at", "string", "when the command ran"),
    field("zone", "string", "time zone of calendar days"),
    field("source", "string or null", "the source; null of all sources"),
    field("window.from", "string or null", "start of the period, null if it is open"),
    field("window.to", "string or null", "end of the period, null if it is open"),
    field("threshold", "number", "threshold of the decisions, a score"),
    field("reviews.confirmed", "number", "reviewed stretches that are laughs"),
    field("reviews.rejected", "number", "reviewed stretches that are not"),
    field("reviews.recordings", "number", "recordings with a review"),
    field("reviews.days", "number", "days with a review"),
    field("reviews.without_embedding", "number", "reviews that the personal score does not use"),
    field("needed.confirmed", "number", "confirmed stretches that a personal score still needs"),
    field("needed.rejected", "number", "rejected stretches that it still needs"),
    field("needed.either", "number", "reviews of either verdict that it needs besides"),
    field("personal_days", "number", "days with a personal score made from the reviews of other days"),
    field("shown", "object", "precision: confirmed ones of the reviewed detections"),
    field("found", "object", "recall: detected ones of the confirmed laughs"),
    field("gains[].measure", "string", "a measure, or `average_precision`"),
    field("gains[].value", "number or null", "with the personal score less without"),
    field("gains[].low", "number or null", "95 % interval, jackknife over days; null if the days do not say it"),
    field("gains[].high", "number or null", "its end"),
];

/// Fields of a proportion.
pub(in crate::render) const PROPORTION: &[Field] = &[
    field("*.hits", "number", "so many ..."),
    field("*.all", "number", "... of these"),
    field("*.value", "number or null", "their proportion; null of none"),
    field("*.low", "number or null", "Wilson's 95 % interval; null of none"),
    field("*.high", "number or null", "its end"),
];

/// Fields of a decision.
pub(in crate::render) const DECISION: &[Field] = &[
    field("personal", "boolean", "whether with the personal score"),
    field("measures[].measure", "string", "`collar`, `iou_0.3`, `iou_0.5`, `psds_1` or `psds_2`"),
    field("measures[].found", "number", "confirmed laughs that were found"),
    field("measures[].missed", "number", "confirmed laughs that were not"),
    field("measures[].extra", "number", "detections of a reviewed stretch that are no laugh"),
    field("measures[].precision", "number or null", "found / (found + extra)"),
    field("measures[].recall", "number or null", "found / (found + missed)"),
    field("measures[].f1.value", "number or null", "event-based F1"),
    field("measures[].f1.low", "number or null", "95 % interval, jackknife over days; null if the days do not say it"),
    field("measures[].f1.high", "number or null", "its end"),
    field("average_precision.value", "number or null", "average precision of the reviewed stretches"),
    field(
        "average_precision.low",
        "number or null",
        "95 % interval, jackknife over days; null if the days do not say it",
    ),
    field("average_precision.high", "number or null", "its end"),
    field("added", "object", "of the laughs that no stored detection overlaps, those that this decision finds"),
    field("unreviewed", "number", "its detections that overlap no review"),
];

/// Fields of a point of the threshold curve.
pub(in crate::render) const CURVE: &[Field] = &[
    field("threshold", "number", "a threshold, a score"),
    field("precision", "object", "confirmed ones of the reviewed stretches with at least this score"),
    field("recall", "object", "of the confirmed stretches those with at least this score"),
];

/// One document, with a line break at the end.
pub fn document(view: &EvaluationView) -> String {
    let evaluation = view.evaluation;
    let needed = evaluation.needed();
    let measures = CRITERIA.iter().map(|(name, _)| *name).chain(["average_precision"]);
    let gain = |(name, gain): (&str, &Option<Estimate>)| {
        let (value, low, high) = numbers(*gain);
        json!({ "measure": name, "value": value, "low": low, "high": high })
    };
    let decisions = [(false, Some(&evaluation.without)), (true, evaluation.with.as_ref())];
    let document = json!({
        "spec_version": SPEC_VERSION,
        "asked_at": view.asked.to_string(),
        "zone": zone_name(view.zone),
        "source": view.source,
        "window": window(&view.window),
        "threshold": shortest_f64(view.threshold),
        "reviews": {
            "confirmed": evaluation.confirmed,
            "rejected": evaluation.rejected,
            "recordings": evaluation.recordings,
            "days": evaluation.days,
            "without_embedding": evaluation.without_embedding,
        },
        "needed": { "confirmed": needed.confirmed, "rejected": needed.rejected, "either": needed.either },
        "personal_days": evaluation.personal_days,
        "shown": proportion(evaluation.shown),
        "found": proportion(evaluation.found),
        "decisions": decisions
            .into_iter()
            .filter_map(|(is_personal, one)| Some(decision(is_personal, one?)))
            .collect::<Vec<_>>(),
        "gains": measures.zip(&evaluation.gains).map(gain).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn decision(is_personal: bool, decision: &Decision) -> Value {
    let measures = CRITERIA.iter().zip(&decision.measures).map(|((name, _), (tally, f1))| measure(name, *tally, *f1));
    json!({
        "personal": is_personal,
        "measures": measures.collect::<Vec<_>>(),
        "average_precision": estimate(decision.average_precision),
        "added": proportion(decision.added),
        "unreviewed": decision.unreviewed,
        "curve": decision.curve.iter().map(point).collect::<Vec<_>>(),
    })
}

fn measure(name: &str, tally: Tally, f1: Option<Estimate>) -> Value {
    json!({
        "measure": name,
        "found": tally.found,
        "missed": tally.missed,
        "extra": tally.extra,
        "precision": tally.precision().value(),
        "recall": tally.recall().value(),
        "f1": estimate(f1),
    })
}

fn point(point: &Point) -> Value {
    json!({
        "threshold": shortest_f64(point.threshold),
        "precision": proportion(point.precision),
        "recall": proportion(point.recall),
    })
}

fn proportion(proportion: Proportion) -> Value {
    let (low, high) = proportion.interval().unzip();
    json!({ "hits": proportion.hits, "all": proportion.all, "value": proportion.value(), "low": low, "high": high })
}

fn estimate(estimate: Option<Estimate>) -> Value {
    let (value, low, high) = numbers(estimate);
    json!({ "value": value, "low": low, "high": high })
}

/// Value and interval.
fn numbers(estimate: Option<Estimate>) -> (Option<f64>, Option<f64>, Option<f64>) {
    let (low, high) = estimate.and_then(|estimate| estimate.interval).unzip();
    (estimate.map(|estimate| estimate.value), low, high)
}
