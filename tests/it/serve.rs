//! `giggles serve`: the built program, asked over TCP by hand.

mod access;
mod api;
mod clients;
mod database;
mod ending;
mod pages;
mod server;
mod walk;

use std::fs;

use crate::support::program::Place;

/// Two sources with a laugh each on 2025-10-24, and their clips.
fn family() -> Place {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac")]);
    fs::create_dir(place.path("clips")).unwrap();
    for source in ["neil", "Anna Lena"] {
        place.scan(&["--clips", "clips", "--tz", "UTC", "--source", source]).ends_with(0);
    }
    place
}

/// The flags of a server of this place.
fn flags(place: &Place) -> Vec<String> {
    ["--database", &place.sqlite(), "--clips", "clips"].map(str::to_owned).to_vec()
}
