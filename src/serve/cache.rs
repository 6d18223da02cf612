//! Answers that were made before, as long as nothing was stored since.
//!
//! An answer is kept under its address and the sources that its viewer sees. Each worker asks its own connection whether
//! the database has changed; if it has, all answers are dropped. Several workers that want the same answer make it once.

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;

use super::access::Viewer;
use super::exchange::{NEVER_STORED, Request, Response};
use super::problem::Problem;
use super::stream::Body;

/// Bytes of all answers, and of one.
const ALL: usize = 24_000_000;
const ONE: usize = 8_000_000;
/// An answer may depend on the time: today's page does.
const AGE: Duration = Duration::from_secs(30);

/// What an answer depends on besides the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    viewer: Option<Vec<String>>,
    path: String,
    query: Vec<(String, String)>,
}

impl Key {
    pub fn new(viewer: &Viewer, request: &Request) -> Key {
        let viewer = match viewer {
            Viewer::All => None,
            Viewer::Only(sources) => Some(sources.iter().cloned().collect()),
        };
        Key { viewer, path: request.path.clone(), query: request.query.clone() }
    }
}

/// The answers.
#[derive(Default)]
pub struct Cache {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// Counts the changes of the database that a worker noticed.
    generation: u64,
    answers: HashMap<Key, Answer>,
    bytes: usize,
    making: HashSet<Key>,
}

struct Answer {
    response: Response,
    made: Instant,
    used: Instant,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops all answers: a worker has noticed a change.
    pub fn clear(&self) {
        let mut state = self.state();
        state.generation += 1;
        state.answers.clear();
        state.bytes = 0;
    }

    /// The answer that is kept, or a new one.
    pub fn answer(&self, key: Key, make: impl FnOnce() -> Result<Response, Problem>) -> Result<Response, Problem> {
        let mut state = self.state();
        while state.making.contains(&key) {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(response) = state.kept(&key) {
            return Ok(response);
        }
        let generation = state.generation;
        state.making.insert(key.clone());
        drop(state);
        // Removed also if the handler panics; others would wait for ever.
        let making = Making { cache: self, key };
        let made = make();
        let mut state = self.state();
        if let Ok(response) = &made
            && state.generation == generation
        {
            state.keep(&making.key, response);
        }
        drop(state);
        made
    }
}

/// An answer that is being made.
struct Making<'a> {
    cache: &'a Cache,
    key: Key,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.cache.state().making.remove(&self.key);
        self.cache.done.notify_all();
    }
}

impl State {
    fn kept(&mut self, key: &Key) -> Option<Response> {
        let answer = self.answers.get_mut(key).filter(|answer| answer.made.elapsed() < AGE)?;
        answer.used = Instant::now();
        copy(&answer.response)
    }

    fn keep(&mut self, key: &Key, response: &Response) {
        let is_kept = response.status == StatusCode::OK
            && response.headers.get(CACHE_CONTROL).is_none_or(|rule| rule != NEVER_STORED);
        let size = size(response);
        let Some(copied) = copy(response).filter(|_| is_kept && size <= ONE) else { return };
        self.remove(key);
        while self.bytes + size > ALL {
            let Some(oldest) = self.answers.iter().min_by_key(|(_, answer)| answer.used).map(|(key, _)| key.clone())
            else {
                break;
            };
            self.remove(&oldest);
        }
        self.bytes += size;
        self.answers.insert(key.clone(), Answer { response: copied, made: Instant::now(), used: Instant::now() });
    }

    fn remove(&mut self, key: &Key) {
        self.bytes -= self.answers.remove(key).map_or(0, |answer| size(&answer.response));
    }
}

/// With a kilobyte for its headers and its key.
fn size(response: &Response) -> usize {
    match &response.body {
        Body::Bytes(bytes) => bytes.len() + 1024,
        Body::File(_) => usize::MAX,
    }
}

/// None: it is a file.
fn copy(response: &Response) -> Option<Response> {
    let Body::Bytes(bytes) = &response.body else { return None };
    Some(Response { status: response.status, headers: response.headers.clone(), body: Body::Bytes(bytes.clone()) })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use hyper::Method;

    use super::*;
    use crate::serve::exchange::tests::request;

    fn key(path: &str, viewer: &Viewer) -> Key {
        Key::new(viewer, &request(Method::GET, path, &[]))
    }

    fn html(text: &str) -> Result<Response, Problem> {
        Ok(Response::html(text.to_owned()))
    }

    #[test]
    fn an_answer_is_made_once_for_each_address_and_viewer_until_something_changes() {
        let (cache, made) = (Cache::default(), Cell::new(0));
        let ask = |path: &str, viewer: &Viewer| {
            let answer = || {
                made.set(made.get() + 1);
                html("day")
            };
            cache.answer(key(path, viewer), answer).unwrap();
            made.get()
        };
        let neil = Viewer::Only(["neil".to_owned()].into());
        assert_eq!([ask("/a", &Viewer::All), ask("/a", &Viewer::All), ask("/a?b=c", &Viewer::All)], [1, 1, 2]);
        assert_eq!([ask("/a", &neil), ask("/a", &neil)], [3, 3], "another viewer has another answer");
        cache.clear();
        assert_eq!([ask("/a", &neil), ask("/a", &neil)], [4, 4]);
    }

    #[test]
    fn a_change_while_an_answer_is_made_leaves_it_unkept() {
        let cache = Cache::default();
        let first = cache.answer(key("/a", &Viewer::All), || {
            cache.clear();
            html("old")
        });
        assert!(first.is_ok() && cache.state().answers.is_empty());
        assert!(cache.answer(key("/b", &Viewer::All), || Err(Problem::not_found(""))).is_err());
        let secret = || html("x").map(|response| response.with(CACHE_CONTROL, NEVER_STORED));
        assert!(cache.answer(key("/c", &Viewer::All), secret).is_ok() && cache.state().answers.is_empty());
    }

    #[test]
    fn the_answers_stay_below_their_limit() {
        let cache = Cache::default();
        let text = "x".repeat(ONE - 2000);
        for number in 0..10 {
            cache.answer(key(&format!("/{number}"), &Viewer::All), || html(&text)).unwrap();
        }
        let state = cache.state();
        assert!(state.bytes <= ALL && state.answers.len() == ALL / ONE, "{} bytes", state.bytes);
        assert!(
            state.answers.contains_key(&key("/9", &Viewer::All))
                && !state.answers.contains_key(&key("/0", &Viewer::All))
        );
    }
}
