//! The cursor of a page: the place after which the next one continues. Its text means nothing to clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::visit::Visit;

/// The cursor of a place.
pub fn cursor(place: &impl Serialize) -> Option<String> {
    serde_json::to_vec(place).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// The place of the parameter `cursor`. None without it.
pub fn place<P: DeserializeOwned>(visit: &Visit) -> Result<Option<P>, Problem> {
    let Some(text) = visit.parameter("cursor") else { return Ok(None) };
    let place = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let wrong = || Problem::unprocessable("cursor: no page of this list gave it; start again without one");
    place.map(Some).ok_or_else(wrong)
}

/// The items of a page, and the cursor of the next one: `items` are at most one more than the page holds.
pub fn cut<T, P: Serialize>(mut items: Vec<T>, limit: usize, place: impl Fn(&T) -> P) -> (Vec<T>, Option<String>) {
    let is_last = items.len() <= limit;
    items.truncate(limit);
    let next = items.last().filter(|_| !is_last).and_then(|last| cursor(&place(last)));
    (items, next)
}
