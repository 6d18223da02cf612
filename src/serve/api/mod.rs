//! `/api/v1` and what monitoring reads: JSON for other programs.
//!
//! Each file has a handler and the description of its route, from which the OpenAPI document is made and by which
//! parameters are checked before the handler runs.

mod clips;
mod days;
mod detections;
mod health;
mod metrics;
mod recordings;
mod reviews;
mod runs;
mod sources;

use super::exchange::Response;
use super::openapi;
use super::operation::{Answer, Kind, Operation, Parameter, query};
use super::problem::Problem;
use super::route::{Route, get, post};
use super::visit::{LARGEST_PAGE, Visit};

/// The routes for programs.
pub const ROUTES: &[Route] = &[
    get("/api/v1/sources", sources::sources).of(&sources::OPERATION),
    get("/api/v1/days", days::days).of(&days::LIST),
    get("/api/v1/days/{date}", days::day).of(&days::DAY),
    get("/api/v1/detections", detections::detections).of(&detections::LIST),
    get("/api/v1/detections/{id}", detections::detection).of(&detections::ONE),
    get("/api/v1/recordings", recordings::recordings).of(&recordings::OPERATION),
    get("/api/v1/runs", runs::runs).of(&runs::OPERATION),
    get("/api/v1/reviews", reviews::reviews).of(&reviews::LIST),
    post("/api/v1/reviews", reviews::store).of(&reviews::STORE),
    get("/api/v1/clips/{source}/{day}/{file}", super::clip::clip).of(&clips::CLIP),
    get("/api/v1/spectrograms/{source}/{day}/{file}", super::clip::spectrogram).of(&clips::SPECTROGRAM),
    get("/api/v1/openapi.json", description).of(&DESCRIPTION),
    get("/healthz", health::health).of(&health::OPERATION).public(),
    get("/metrics", metrics::metrics).of(&metrics::OPERATION),
];

const DESCRIPTION: Operation = Operation {
    id: "description",
    about: "This document",
    parameters: &[],
    body: None,
    answer: Answer::Document,
    statuses: &[304],
};

fn description(_: &mut Visit) -> Result<Response, Problem> {
    Ok(Response::json(&openapi::document()))
}

// Parameters of several routes.
const SOURCE: Parameter = query("source", Kind::Text, "only this source; without it all that the viewer sees");
const ZONE: Parameter =
    query("tz", Kind::Text, "time zone of calendar days, such as Europe/Berlin; default: the server's");
const FROM: Parameter = query("from", Kind::Instant, "only what ends after this: a date, or a time with its offset");
const TO: Parameter = query("to", Kind::Instant, "only what starts before this, or up to the end of this date");
const CURSOR: Parameter = query("cursor", Kind::Text, "`next` of the page before");
const LIMIT: Parameter = query("limit", Kind::Integer(1, LARGEST_PAGE), "items of the page; default: 100");
