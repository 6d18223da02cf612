//! Why a sound counts as a laugh, in words and as JSON.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION, seconds};
use super::pluralize;
use crate::domain::{Field, SpanId, Verdict, field};
use crate::explain::{Explanation, Personal, Similar};
use crate::render::report::{review_text, short};
use crate::render::status::local;
use crate::reviews::queue::sigmoid;
use crate::text::{escape, position, shortest_f64};

/// For people: where it is, why it counts, and which reviews decided.
pub fn text(explanation: &Explanation, zone: &TimeZone) -> String {
    let lines = [where_it_is(explanation, zone), decision(explanation)];
    lines.into_iter().chain(personal(explanation, zone)).map(|line| line + "\n").collect()
}

/// `evening.ogg, 2025-10-24 20:14:03 (0:14:03.0 to 0:14:05.4): detection 17`
fn where_it_is(explanation: &Explanation, zone: &TimeZone) -> String {
    let at = explanation.starts.map_or_else(String::new, |starts| format!(", {}", local(starts, zone)));
    let (start, end) = (position(&explanation.start), position(&explanation.end));
    let id = match explanation.id {
        SpanId::Detection(id) => format!("detection {id}"),
        SpanId::Candidate(id) => format!("candidate {id}"),
    };
    format!("{}{at} ({start} to {end}): {id}", escape(&explanation.recording))
}

fn decision(explanation: &Explanation) -> String {
    let (v, threshold) = (explanation.candidate.shifted_v(), explanation.threshold);
    let reaches = v >= threshold;
    let why = match (explanation.is_detected, reaches) {
        (true, true) => "it counts: its score reaches the threshold",
        (true, false) => "it counts as part of a longer laugh",
        (false, true) => "it does not count: it reaches the threshold, but is shorter than --min-patches",
        (false, false) => "it does not count: its score is below the threshold",
    };
    format!("{why}: score {:.2}, threshold {:.2}", sigmoid(v), sigmoid(threshold))
}

fn personal(explanation: &Explanation, zone: &TimeZone) -> Vec<String> {
    let counts = explanation.counts;
    let reason = match &explanation.personal {
        Personal::Compared { confirmed, rejected } => {
            return vec![
                change(explanation.candidate.peak_v, explanation.candidate.shifted_v()),
                alike(confirmed, counts.confirmed, "confirmed", zone),
                alike(rejected, counts.rejected, "rejected", zone),
            ];
        }
        Personal::Off => "it was decided with --no-personal".to_owned(),
        Personal::TooFew => {
            let (any, confirmed, rejected) = counts.missing();
            let of = |count: usize, verdict: &str| (count > 0).then(|| format!("at least {count} {verdict}"));
            let of_which: Vec<String> =
                [of(confirmed, "confirmed"), of(rejected, "rejected")].into_iter().flatten().collect();
            let of_which = if of_which.is_empty() { String::new() } else { format!(", {}", of_which.join(" and ")) };
            let all = pluralize(counts.confirmed + counts.rejected, "review");
            format!("{all} of this source can be used, {any} more are needed{of_which} (giggles review)")
        }
        Personal::NoEmbedding => "its embedding is not stored: in a recording with very many sounds only some keep theirs, and --keep-embeddings removes old ones".to_owned(),
        Personal::NotYet => "it was decided before there were enough; giggles redetect uses them".to_owned(),
    };
    vec![format!("your reviews change nothing: {reason}")]
}

/// What reviews make of a score, as far as its two digits show.
fn change(before: f32, now: f32) -> String {
    let [before, now] = [before, now].map(|v| format!("{:.2}", sigmoid(v)));
    if before == now {
        return format!("your reviews leave its score at {now}");
    }
    format!("your reviews change its score from {before} to {now}")
}

/// `it sounds like 2 that you confirmed: evening.ogg 2025-10-23 20:14:03 (similarity 0.81, with Ann); …`
fn alike(similar: &[Similar], all: usize, verdict: &str, zone: &TimeZone) -> String {
    if similar.is_empty() {
        return format!("it is unlike the {all} that you {verdict}");
    }
    let each: Vec<String> = similar.iter().map(|one| one_alike(one, verdict, zone)).collect();
    format!("it sounds like {} that you {verdict}: {}", similar.len(), each.join("; "))
}

fn one_alike(similar: &Similar, verdict: &str, zone: &TimeZone) -> String {
    let similarity = similar.neighbour.similarity;
    let Some(span) = &similar.review else {
        return format!("review {}, which is not stored any more ({similarity:.2})", similar.neighbour.review);
    };
    // The verdict may be another one since.
    let is_same = span.review.verdict.map(Verdict::as_str) == Some(verdict);
    let note =
        if is_same { span.review.comment.clone() } else { review_text(&span.review).or(Some("withdrawn".into())) };
    let note = note.map_or_else(String::new, |note| format!(", {}", short(&note)));
    format!("{} {} ({similarity:.2}{note})", escape(&span.recording), local(span.starts, zone))
}

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("id", "number", "the row"),
    field("table", "string", "`detections` or `candidates`"),
    field("source", "string", "the person or device of the recording"),
    field("recording", "string", "name of the recording"),
    field("starts_at", "string or null", "start; null if the start of the recording is unknown"),
    field("start_seconds", "number", "offset of the start in the recording"),
    field("end_seconds", "number", "offset of the end"),
    field("is_detected", "boolean", "whether it counts as a laugh, or is a part of one"),
    field("v", "number", "highest decision value, logits"),
    field("personal_v", "number", "the same with what the reviews add; the threshold is compared with it"),
    field("threshold", "number", "onset threshold, logits"),
    field(
        "personal",
        "string",
        "`compared`; else why the reviews changed nothing: `off`, `too_few`, `no_embedding` or `not_yet`",
    ),
    field("reviews.confirmed", "number", "confirmed reviews that can be compared with now"),
    field("reviews.rejected", "number", "rejected ones"),
    field("reviews.missing", "number", "how many more are needed for a personal score"),
    field("similar[].verdict", "string", "`confirmed` or `rejected`, when it was compared with"),
    field("similar[].similarity", "number", "cosine, -1 to 1"),
    field("similar[].review_id", "number", "row in `reviews`"),
    field("similar[].recording", "string or null", "its recording; null if the review is not stored any more"),
    field("similar[].starts_at", "string or null", "its start"),
    field("similar[].current_verdict", "string or null", "its verdict now; null if it was withdrawn"),
    field("similar[].comment", "string or null", "its comment"),
];

/// One document, with a line break at the end.
pub fn document(explanation: &Explanation) -> String {
    let (id, table) = match explanation.id {
        SpanId::Detection(id) => (id, "detections"),
        SpanId::Candidate(id) => (id, "candidates"),
    };
    let (personal, similar) = match &explanation.personal {
        Personal::Compared { confirmed, rejected } => {
            let confirmed = confirmed.iter().map(|one| similar(one, Verdict::Confirmed));
            ("compared", confirmed.chain(rejected.iter().map(|one| similar(one, Verdict::Rejected))).collect())
        }
        Personal::Off => ("off", Vec::new()),
        Personal::TooFew => ("too_few", Vec::new()),
        Personal::NoEmbedding => ("no_embedding", Vec::new()),
        Personal::NotYet => ("not_yet", Vec::new()),
    };
    let document = json!({
        "spec_version": SPEC_VERSION,
        "id": id,
        "table": table,
        "source": explanation.source,
        "recording": explanation.recording,
        "starts_at": explanation.starts.map(|at| at.to_string()),
        "start_seconds": seconds(explanation.start),
        "end_seconds": seconds(explanation.end),
        "is_detected": explanation.is_detected,
        "v": shortest_f64(explanation.candidate.peak_v),
        "personal_v": shortest_f64(explanation.candidate.shifted_v()),
        "threshold": shortest_f64(explanation.threshold),
        "personal": personal,
        "reviews": {
            "confirmed": explanation.counts.confirmed,
            "rejected": explanation.counts.rejected,
            "missing": explanation.counts.missing().0,
        },
        "similar": similar,
    });
    format!("{document:#}\n")
}

fn similar(similar: &Similar, verdict: Verdict) -> Value {
    let span = similar.review.as_ref();
    json!({
        "verdict": verdict.as_str(),
        "similarity": shortest_f64(similar.neighbour.similarity),
        "review_id": similar.neighbour.review,
        "recording": span.map(|span| &span.recording),
        "starts_at": span.map(|span| span.starts.to_string()),
        "current_verdict": span.and_then(|span| span.review.verdict).map(Verdict::as_str),
        "comment": span.and_then(|span| span.review.comment.as_deref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_is_shown_the_same_is_not_said_to_change() {
        assert_eq!(change(0.0, 1.0), "your reviews change its score from 0.50 to 0.73");
        assert_eq!(change(0.0, 0.001), "your reviews leave its score at 0.50");
    }
}
