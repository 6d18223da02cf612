//! A clip as a file to give to others.

use hyper::header::CONTENT_DISPOSITION;

use crate::atomic_file::read_regular;
use crate::render::page::shared;
use crate::report::spectrogram;
use crate::serve::clip;
use crate::serve::exchange::Response;
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

/// Larger clips are only downloaded as they are.
const LARGEST: u64 = 20_000_000;

/// `GET /share/{source}/{day}/{file}`
pub fn share(visit: &mut Visit) -> Result<Response, Problem> {
    let date = Visit::date("day", visit.part("day"))?;
    let path = clip::path(visit)?;
    let flac =
        read_regular(&path, LARGEST).map_err(|_| Problem::not_found("there is no such clip, or it is too long"))?;
    let page = shared(date, spectrogram(&path).as_deref(), &flac);
    Ok(Response::html(page).with(CONTENT_DISPOSITION, &format!("attachment; filename=\"laugh-{date}.html\"")))
}
