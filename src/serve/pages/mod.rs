//! Pages for people. Each handler reads what it shows, and a pure function of `render` makes the HTML.

mod asset;
mod day;
pub(super) mod login;

use super::route::{Route, get, post};

/// The routes of pages, in the order in which paths are matched.
pub const ROUTES: &[Route] = &[
    get("/", day::latest),
    get("/days/{date}", day::day),
    get("/login", login::page).public(),
    post("/login", login::login).public(),
    post("/logout", login::logout).public(),
    get("/assets/{file}", asset::asset).public(),
];
