//! Connections: accepts them, limits them, and ends them.
//!
//! One thread accepts, reads and writes for all connections; the workers answer. A client that is slow to send or to
//! take, or that keeps its connection without asking, costs a few kilobytes and is closed after a while, or at once if
//! its place is needed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::exchange::{Request, Response, pairs};
use super::problem::Problem;
use super::site::{Settings, Site};
use super::stream::{Body, Client};
use super::workers::Workers;
use crate::domain::Reason;
use crate::error::Fatal;
use crate::stop::Stop;

/// Connections at a time, if the limit of open files allows it.
const CONNECTIONS: usize = 512;
/// Time to send the head of a request; also how long a connection may wait for its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time in which a client takes nothing of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of a head, and headers in it.
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;
/// Bytes of a body: some thousand reviews.
const BODY_BYTES: usize = 1024 * 1024;
/// Time for requests that are being answered when the server is stopped.
const DRAIN: Duration = Duration::from_millis(4500);
/// How often the stop flag is read.
const TICK: Duration = Duration::from_millis(50);
/// Threads that read clips.
const READING_THREADS: usize = 4;

/// Serves until a signal arrives, then answers what was asked before and returns.
pub fn serve(settings: Settings, listeners: Vec<TcpListener>, stop: &Stop) -> Result<(), Fatal> {
    let failed = |error: std::io::Error| {
        Fatal::Failed(Reason::new(format!("the server cannot start: {error}")).caused_by(error))
    };
    let site = Arc::new(Site::new(settings));
    let workers = Arc::new(Workers::start(&site)?);
    let runtime = runtime::Builder::new_current_thread().enable_all().max_blocking_threads(READING_THREADS).build();
    let runtime = runtime.map_err(failed)?;
    let done = runtime.block_on(run(listeners, workers, stop)).map_err(failed);
    // A worker that waits for a database does not delay the end.
    runtime.shutdown_background();
    done
}

async fn run(listeners: Vec<TcpListener>, workers: Arc<Workers>, stop: &Stop) -> std::io::Result<()> {
    let connections = Arc::new(Connections::new());
    let (drain, draining) = watch::channel(false);
    let mut accepting = Vec::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (connections, workers, draining) = (Arc::clone(&connections), Arc::clone(&workers), draining.clone());
        accepting.push(tokio::spawn(accept(listener, connections, workers, draining)));
    }
    while stop.signal().is_none() {
        sleep(TICK).await;
    }
    accepting.iter().for_each(|task| task.abort());
    // There is no receiver any more if all connections have ended.
    drain.send(true).ok();
    let end = Instant::now() + DRAIN;
    while !connections.is_empty() && Instant::now() < end {
        sleep(TICK).await;
    }
    Ok(())
}

async fn accept(
    listener: tokio::net::TcpListener,
    connections: Arc<Connections>,
    workers: Arc<Workers>,
    draining: watch::Receiver<bool>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => connections.start(stream, peer, &workers, &draining),
            // Too many open files, of this program or of the machine.
            Err(error) => {
                log::warn!("a connection cannot be accepted: {error}");
                connections.make_room();
                sleep(TICK).await;
            }
        }
    }
}

/// The open connections, the oldest first.
struct Connections {
    open: Mutex<BTreeMap<u64, Open>>,
    most: usize,
}

/// A connection.
struct Open {
    task: AbortHandle,
    /// Whether a worker answers a request of it.
    is_busy: Arc<AtomicBool>,
}

impl Connections {
    fn new() -> Connections {
        let files =
            getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| most.try_into().unwrap_or(usize::MAX));
        Connections { open: Mutex::default(), most: CONNECTIONS.min(files / 2).max(16) }
    }

    fn is_empty(&self) -> bool {
        self.open().is_empty()
    }

    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the oldest connection without a request that is being answered. False if there is none.
    fn make_room(&self) -> bool {
        let mut open = self.open();
        let idle = open.iter().find(|(_, one)| !one.is_busy.load(Ordering::Relaxed)).map(|(number, _)| *number);
        let closed = idle.and_then(|number| open.remove(&number));
        closed.is_some_and(|one| {
            one.task.abort();
            true
        })
    }

    fn start(
        self: &Arc<Connections>,
        stream: TcpStream,
        peer: SocketAddr,
        workers: &Arc<Workers>,
        draining: &watch::Receiver<bool>,
    ) {
        if self.open().len() >= self.most && !self.make_room() {
            return;
        }
        let mut open = self.open();
        let number = open.last_key_value().map_or(0, |(number, _)| number + 1);
        let is_busy = Arc::new(AtomicBool::new(false));
        let place = Place { connections: Arc::clone(self), number };
        let work = converse(stream, peer.ip(), Arc::clone(workers), draining.clone(), Arc::clone(&is_busy));
        let task = tokio::spawn(async move {
            // Dropped when the connection ends, also if it is aborted.
            let _place = place;
            work.await;
        });
        open.insert(number, Open { task: task.abort_handle(), is_busy });
    }
}

/// The place of a connection among the open ones.
struct Place {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}

/// Answers the requests of a connection, until it ends or the server drains.
async fn converse(
    stream: TcpStream,
    peer: IpAddr,
    workers: Arc<Workers>,
    mut draining: watch::Receiver<bool>,
    is_busy: Arc<AtomicBool>,
) {
    // A small response is sent at once.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (workers, is_busy) = (Arc::clone(&workers), Arc::clone(&is_busy));
        async move { Ok::<_, Infallible>(respond(request, peer, &workers, &is_busy).await) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(HEADERS).max_buf_size(HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Client::new(stream, WRITE_TIMEOUT)), service));
    let mut drain = pin!(async move { draining.wait_for(|is_draining| *is_draining).await.is_ok() });
    let mut is_draining = false;
    let ended = std::future::poll_fn(|context| {
        if !is_draining && let Poll::Ready(drains) = drain.as_mut().poll(context) {
            is_draining = true;
            if drains {
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context)
    });
    if let Err(error) = ended.await {
        log::debug!("a connection from {peer} ended: {error}");
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    peer: IpAddr,
    workers: &Workers,
    is_busy: &AtomicBool,
) -> hyper::Response<Body> {
    let response = match received(request, peer).await {
        Ok(request) => {
            is_busy.store(true, Ordering::Relaxed);
            let response = workers.answer(request).await;
            is_busy.store(false, Ordering::Relaxed);
            response
        }
        Err(response) => response,
    };
    let Response { status, headers, body } = response;
    let mut sent = hyper::Response::new(body);
    *sent.status_mut() = status;
    *sent.headers_mut() = headers;
    sent
}

/// The request with its body.
async fn received(request: hyper::Request<Incoming>, peer: IpAddr) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let mut request = Request {
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        path: head.uri.path().to_owned(),
        method: head.method,
        headers: head.headers,
        body: Vec::new(),
        peer,
    };
    if request.method != Method::POST {
        return Ok(request);
    }
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a body has at most {BODY_BYTES} bytes; send several requests"),
        )
    };
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return Err(too_long().response(&request).with(hyper::header::CONNECTION, "close"));
    }
    let problem = match timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => {
            request.body = body.to_bytes().into();
            return Ok(request);
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => too_long(),
        Ok(Err(_)) => Problem::wrong("the body ended early"),
        Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    // The rest of the body is not read.
    Err(problem.response(&request).with(hyper::header::CONNECTION, "close"))
}
