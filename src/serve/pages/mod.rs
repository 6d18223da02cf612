//! Pages for people. Each handler reads what it shows, and a pure function of `render` makes the HTML.

mod asset;
mod day;
mod days;
pub(super) mod login;
mod search;
mod share;
mod shell;

use super::route::{Route, get, post};

/// The routes of pages, in the order in which paths are matched.
pub const ROUTES: &[Route] = &[
    get("/", days::days),
    get("/latest", day::latest),
    get("/search", search::search),
    get("/days/{date}", day::day),
    get("/share/{source}/{day}/{file}", share::share),
    get("/manifest.webmanifest", shell::manifest).public(),
    get("/service-worker.js", shell::worker).public(),
    get("/offline", shell::offline).public(),
    get("/login", login::page).public(),
    post("/login", login::login).public(),
    post("/logout", login::logout).public(),
    get("/assets/{file}", asset::asset).public(),
];
