//! Pings: HTTP requests to a monitoring service when a run starts and when it ends. The service raises the alarm if
//! pings are missing. Protocols: healthchecks.io's, and those of similar services.
//!
//! Invariant: a ping never changes a run. A failed ping is only logged, does not delay the analysis, and is given up
//! immediately when a signal ends the program.

mod address;
mod heartbeats;
mod messages;
mod reach;
mod service;

use std::fmt;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, http};

pub use address::{Address, AddressError};
pub use reach::reach;
use service::Request;
pub use service::{Service, Signal, UnknownService};

use crate::error::causes;
use crate::notify::body;
use crate::stop::Stop;

/// Timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Delays between attempts.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
/// Timeout of the only attempt after a signal: the program must end within two seconds.
const HURRY: Duration = Duration::from_millis(500);
/// How often a wait checks for a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The ping URL and its service.
#[derive(Debug, Clone)]
pub struct Target {
    address: Address,
    service: &'static Service,
    /// Also ping the start, if the service supports it.
    pings_start: bool,
}

impl Target {
    /// Detects the service by the URL, unless one is named.
    pub fn new(address: Address, service: Option<&'static Service>, pings_start: bool) -> Target {
        let service = service.unwrap_or_else(|| Service::recognize(&address.0));
        Target { address, service, pings_start }
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    pub fn service(&self) -> &'static str {
        self.service.name()
    }

    /// Whether the service raises the alarm when pings are missing.
    pub fn notices_silence(&self) -> bool {
        self.service.notices_silence()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Pings one service for one run.
pub struct Pinger {
    target: Target,
    run: String,
    agent: Agent,
    stop: Stop,
    start: Option<Start>,
}

/// The ping of the start, sent by its own thread.
struct Start {
    /// Dropped to stop further attempts.
    go_on: Sender<()>,
    /// The service's limit of a body in bytes, if it announced one; None if the ping failed.
    limit: Receiver<Option<usize>>,
}

impl Pinger {
    pub fn new(target: Target, run: &str, stop: Stop) -> Pinger {
        Pinger { target, run: run.to_owned(), agent: agent(), stop, start: None }
    }

    fn call(&self, signal: &Signal, what: &'static str) -> Option<Call> {
        let Target { address, service, .. } = &self.target;
        let request = service.request(&address.0, signal, &self.run)?;
        Some(Call { agent: self.agent.clone(), address: address.clone(), request, what })
    }

    /// Pings the start, without waiting for the answer.
    pub fn start(&mut self) {
        let call = self.target.pings_start.then(|| self.call(&Signal::Started, "start"));
        let Some(call) = call.flatten() else { return };
        let (go_on, stopped) = mpsc::channel::<()>();
        let (answer, limit) = mpsc::channel();
        let work = move || {
            let pause = |wait| stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout);
            answer.send(call.tries(pause).and_then(|answer| limit_of(&answer))).ok();
        };
        match thread::Builder::new().name("ping".into()).spawn(work) {
            Ok(_) => self.start = Some(Start { go_on, limit }),
            Err(error) => log::error!("the ping of the start was not sent: {error}"),
        }
    }

    /// Pings the end. `text` returns the message for people, with at most so many bytes.
    pub fn end(&mut self, code: u8, held: bool, text: impl Fn(usize) -> String) {
        let limit = self.start.take().and_then(|start| self.await_start(start)).unwrap_or(body::LIMIT);
        let text = text(limit);
        let signal = if held { Signal::Held { text: &text } } else { Signal::Ended { code, text: &text } };
        let Some(call) = self.call(&signal, "end") else { return };
        match self.stop.signal() {
            Some(_) => drop(call.once(HURRY).map_err(|failure| call.warn(&failure))),
            None => drop(call.tries(|wait| self.pause(wait))),
        }
    }

    /// Waits for the ping of the start, so that the end does not overtake it. Stops its further attempts; after a
    /// signal, does not wait.
    fn await_start(&self, start: Start) -> Option<usize> {
        drop(start.go_on);
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            match start.limit.recv_timeout(POLL_INTERVAL) {
                Err(RecvTimeoutError::Timeout) if self.stop.signal().is_none() => {}
                Ok(limit) => return limit,
                Err(_) => return None,
            }
        }
        None
    }

    /// Waits, and returns whether to continue: false after a signal.
    fn pause(&self, wait: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < wait && self.stop.signal().is_none() {
            thread::sleep(POLL_INTERVAL);
        }
        self.stop.signal().is_none()
    }
}

fn agent() -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("giggles/", env!("CARGO_PKG_VERSION")))
        .build();
    agent.into()
}

/// The limit of a body that healthchecks.io announces.
fn limit_of(answer: &http::Response<ureq::Body>) -> Option<usize> {
    answer.headers().get("Ping-Body-Limit")?.to_str().ok()?.parse().ok()
}

/// One ping.
struct Call {
    agent: Agent,
    address: Address,
    request: Request,
    what: &'static str,
}

/// Why an attempt failed. No text contains the URL.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    #[error("it is not a URL for a request")]
    BadUrl,
    #[error("its host is not known; is the name right, and is the network up?")]
    UnknownHost,
    #[error("it answered {}; {}", .0, advice(*.0))]
    Status(http::StatusCode),
    #[error("{0}")]
    Certificate(#[source] io::Error),
    #[error("{0}")]
    Io(#[source] io::Error),
    #[error("{0}")]
    Protocol(#[source] ureq::Error),
}

impl PingError {
    /// Whether another attempt may succeed.
    fn is_temporary(&self) -> bool {
        match self {
            PingError::BadUrl | PingError::Certificate(_) => false,
            PingError::Status(status) => status.is_server_error() || [408, 429].contains(&status.as_u16()),
            PingError::UnknownHost | PingError::Io(_) | PingError::Protocol(_) => true,
        }
    }
}

impl From<ureq::Error> for PingError {
    fn from(error: ureq::Error) -> PingError {
        match error {
            // The error contains the URL.
            ureq::Error::BadUri(_) => PingError::BadUrl,
            ureq::Error::HostNotFound => PingError::UnknownHost,
            ureq::Error::Io(error) if is_certificate(&error) => PingError::Certificate(error),
            ureq::Error::Io(error) => PingError::Io(error),
            other => PingError::Protocol(other),
        }
    }
}

impl Call {
    /// Up to five attempts; `pause` waits between them and returns whether to continue.
    fn tries(&self, pause: impl Fn(Duration) -> bool) -> Option<http::Response<ureq::Body>> {
        let mut waits = WAITS.iter();
        loop {
            let failure = match self.once(TIMEOUT) {
                Ok(answer) => return Some(answer),
                Err(failure) => failure,
            };
            let again = waits.next().is_some_and(|wait| failure.is_temporary() && pause(*wait));
            if !again {
                self.warn(&failure);
                return None;
            }
            log::debug!("the ping to {} failed and is tried again: {failure}", self.address);
        }
    }

    fn warn(&self, failure: &PingError) {
        let Call { what, address, .. } = self;
        log::error!("the ping of the {what} to {address} failed, which changes nothing else: {failure}");
        causes(failure).iter().for_each(|cause| log::info!("caused by: {cause}"));
    }

    /// One attempt. Only a 2xx status is a success.
    fn once(&self, timeout: Duration) -> Result<http::Response<ureq::Body>, PingError> {
        let url = self.request.url.as_str();
        let answer = match &self.request.body {
            Some(body) => {
                let post = self.agent.post(url).content_type(body.content_type());
                post.config().timeout_global(Some(timeout)).build().send(body.to_string())
            }
            None => self.agent.get(url).config().timeout_global(Some(timeout)).build().call(),
        };
        let answer = answer?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(PingError::Status(status)),
        }
    }
}

/// Whether the server's certificate was refused: rustls' error is inside that of the connection.
fn is_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

fn advice(status: http::StatusCode) -> &'static str {
    match status.as_u16() {
        300..400 => "give the URL that it redirects to",
        404 | 405 | 410 => {
            "is the ping URL right, does the check still exist, and is it of the service that --ping-service names?"
        }
        400..500 => "is the ping URL right?",
        _ => "the service itself has a problem",
    }
}
