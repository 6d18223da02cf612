//! Threads that answer requests, each with a connection of its own to the database.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::database::Connection;
use super::exchange::{Request, Response};
use super::problem::Problem;
use super::routes;
use super::site::Site;
use crate::domain::Reason;
use crate::error::Fatal;
use crate::pool::guard;

/// Requests are short: more threads would only wait for the processor, and each holds a connection.
const THREADS: usize = 4;
/// Requests that wait for a thread; more are refused (503).
const WAITING: usize = 256;

/// A request, and where its response goes.
struct Job {
    request: Request,
    reply: oneshot::Sender<Response>,
}

/// The threads.
pub struct Workers {
    jobs: SyncSender<Job>,
}

impl Workers {
    pub fn start(site: &Arc<Site>) -> Result<Workers, Fatal> {
        let (jobs, waiting) = sync_channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 1..=THREADS {
            let (site, waiting) = (Arc::clone(site), Arc::clone(&waiting));
            let thread = thread::Builder::new().name(format!("worker {number}")).spawn(move || work(&site, &waiting));
            thread.map_err(|error| {
                Fatal::Failed(Reason::new(format!("no thread can be started: {error}")).caused_by(error))
            })?;
        }
        Ok(Workers { jobs })
    }

    /// The response to a request.
    pub async fn answer(&self, request: Request) -> Response {
        let (reply, response) = oneshot::channel();
        let refusal = Problem::unavailable("too many requests at once; try again in a few seconds").response(&request);
        let failure =
            Problem::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "the request failed; the server's log says why")
                .response(&request);
        match self.jobs.try_send(Job { request, reply }) {
            Ok(()) => response.await.unwrap_or(failure),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => refusal,
        }
    }
}

fn work(site: &Site, waiting: &Mutex<Receiver<Job>>) {
    let mut connection = Connection::default();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { request, reply }) = next else { return };
        // The connection of the request has ended.
        if reply.is_closed() {
            continue;
        }
        match guard(|| routes::answer(site, &mut connection, &request)) {
            Ok(response) => drop(reply.send(response)),
            Err(message) => {
                log::error!("{} {} failed: {message}", request.method, request.path);
                connection = Connection::default();
            }
        }
    }
}
