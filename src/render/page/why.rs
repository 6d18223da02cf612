//! Why a sound has its score: the values before and after the personal score, and the reviews that decided.

use super::text::escape;
use crate::calendar::Day;
use crate::domain::{Candidate, Neighbour, StoredReview};
use crate::render::status::local;

/// What is less similar decides nothing.
///
/// Source: docs/detection.md, the personal score.
const SIMILAR: f32 = 0.3;

/// Shown on demand, also without the script; empty without a personal score.
pub fn details(day: &Day, candidate: &Candidate, when: &str) -> String {
    let Some(personal) = &candidate.personal else { return String::new() };
    format!(
        "<details class=\"why\"><summary aria-label=\"Why this score, at {when}?\">Why this score?</summary>\n\
         <p>{:.2} without your reviews, {:.2} with them (v {:.2}, v' {:.2}).</p>\n{}{}</details>\n",
        candidate.score_before(),
        candidate.score(),
        candidate.peak_v,
        candidate.shifted_v(),
        list(day, "confirmed", &personal.confirmed),
        list(day, "rejected", &personal.rejected)
    )
}

fn list(day: &Day, verdict: &str, neighbours: &[Neighbour]) -> String {
    let similar: Vec<&Neighbour> = neighbours.iter().filter(|one| one.similarity > SIMILAR).collect();
    if similar.is_empty() {
        return format!("<p>It sounds like nothing that you {verdict}.</p>\n");
    }
    let items: String = similar.into_iter().map(|one| item(day, one)).collect();
    format!("<p>It sounds like what you {verdict}:</p>\n<ul>\n{items}</ul>\n")
}

fn item(day: &Day, neighbour: &Neighbour) -> String {
    let what = match day.reviewing.reviews.iter().find(|review| review.id == neighbour.review) {
        Some(review) => reviewed(day, review),
        None => format!("review {}, which is not stored any more", neighbour.review),
    };
    format!("<li>{what}; similarity {:.2}</li>\n", neighbour.similarity)
}

fn reviewed(day: &Day, review: &StoredReview) -> String {
    let span = &review.span;
    let comment = span.review.comment.as_ref().map_or(String::new(), |text| format!(", <q>{}</q>", escape(text)));
    let at = local(span.starts, &day.calendar.zone);
    format!(
        "<time datetime=\"{}\">{}</time> in <bdi>{}</bdi>{comment}",
        span.starts,
        escape(&at),
        escape(&span.recording)
    )
}
