//! `/api/v1/reviews`: reads them, and stores new ones as `giggles review import` does.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::cursor::{cut, place};
use super::super::exchange::{NEVER_STORED, Response};
use super::super::operation::{Answer, Body, Operation};
use super::super::problem::Problem;
use super::super::visit::Visit;
use super::{CURSOR, LIMIT, SOURCE};
use crate::domain::{ReviewedSpan, StoredReview};
use crate::error::Fatal;
use crate::render::api;
use crate::reviews::{self, Line, Settings, check_ends, import};

pub const LIST: Operation = Operation {
    id: "reviews",
    about: "Stored reviews, by source",
    parameters: &[SOURCE, CURSOR, LIMIT],
    body: None,
    answer: Answer::Json(api::REVIEWS),
    statuses: &[304, 404, 422],
};

pub const STORE: Operation = Operation {
    id: "store_reviews",
    about: "Stores reviews, all or none; of two reviews of one laugh the later counts. Also takes JSON lines (application/x-ndjson), \
            as a report page exports them",
    parameters: &[],
    body: Some(Body {
        fields: &[("reviews[].", reviews::FIELDS)],
        required: &["source", "recording", "content_sha256", "start_seconds", "end_seconds", "starts_at", "at"],
    }),
    answer: Answer::Json(api::IMPORTED),
    statuses: &[404, 413, 415, 422],
};

/// A review in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    source: String,
    id: i64,
}

impl Place {
    fn of(review: &StoredReview) -> Place {
        Place { source: review.span.source.clone(), id: review.id }
    }
}

pub fn reviews(visit: &mut Visit) -> Result<Response, Problem> {
    let (after, limit) = (place::<Place>(visit)?, visit.limit());
    let mut found = Vec::new();
    for source in visit.asked_sources()? {
        if after.as_ref().is_some_and(|after| source < after.source) || found.len() > limit {
            continue;
        }
        let mut of_source = visit.reader()?.reviews(&source)?;
        of_source.sort_by_key(|review| review.id);
        found.extend(
            of_source.into_iter().filter(|review| after.as_ref().is_none_or(|after| Place::of(review) > *after)),
        );
    }
    let (found, next) = cut(found, limit, Place::of);
    let items = found.iter().map(|review| api::review(&review.span)).collect();
    Ok(Response::json(&api::page("reviews", items, next)))
}

pub fn store(visit: &mut Visit) -> Result<Response, Problem> {
    let kind = visit.request.header(&CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let lines = match kind.trim().to_ascii_lowercase().as_str() {
        "application/json" => of_document(&visit.request.body)?,
        "application/x-ndjson" => of_lines(&visit.request.body)?,
        _ => {
            let detail = "send the reviews as application/json or application/x-ndjson";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
    };
    let spans: Vec<ReviewedSpan> = lines.iter().map(|line| line.review.clone()).collect();
    if let Some(span) = spans.iter().find(|span| !visit.viewer.sees(&span.source)) {
        return Err(Problem::forbidden(format!(
            "the token does not see the source '{}'; nothing was stored",
            span.source
        )));
    }
    // An empty database cannot be the one that the laughs came from.
    check_ends("the reviews", &lines, visit.reader()?).map_err(refused)?;
    let settings = Settings { database: visit.site.database.location.clone(), dry_run: false };
    let imported = import(&settings, &spans)?;
    Ok(Response::json(&api::imported(&imported)).with(CACHE_CONTROL, NEVER_STORED))
}

/// `{"reviews": […]}`
fn of_document(body: &[u8]) -> Result<Vec<Line>, Problem> {
    let document: Value =
        serde_json::from_slice(body).map_err(|error| Problem::wrong(format!("the body is not JSON: {error}")))?;
    let Some(reviews) = document["reviews"].as_array() else {
        return Err(Problem::wrong("the body is not an object with the list `reviews`"));
    };
    let parse = |(index, review): (usize, &Value)| match reviews::parse(review.to_string().as_bytes()) {
        Ok(review) => Ok(Line { number: index + 1, review }),
        Err(fault) => Err(Problem::unprocessable(format!("reviews[{index}]: {fault}; nothing was stored"))),
    };
    reviews.iter().enumerate().map(parse).collect()
}

fn of_lines(body: &[u8]) -> Result<Vec<Line>, Problem> {
    reviews::read("the reviews", body).map_err(refused)
}

/// What is wrong with a review is the client's to correct; other errors are the server's.
fn refused(error: Fatal) -> Problem {
    match error {
        Fatal::Failed(reason) => Problem::unprocessable(reason.to_string()),
        error => error.into(),
    }
}
