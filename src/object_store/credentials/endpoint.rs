//! Requests to the services that issue credentials: short, on this machine or to STS, and tried a few times.

use std::io;
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::CredentialsError;
use crate::domain::Reason;
use crate::object_store::client::agent;
use crate::object_store::error::is_to_repeat;

/// Timeout of an attempt. The metadata service answers within milliseconds, or not at all.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of an attempt over the Internet.
const FAR: Duration = Duration::from_secs(10);
/// Delays between attempts.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// The longest answer in bytes.
const LONGEST: u64 = 65_536;

pub struct Endpoint {
    /// Without a proxy: these addresses are this machine's.
    near: Agent,
    far: Agent,
}

/// Why an attempt failed. None quotes the answer or the address.
enum Failure {
    /// Nothing took the connection.
    NoConnection(CredentialsError),
    TryAgain(CredentialsError),
    Refused(u16),
}

impl Endpoint {
    pub fn new() -> Endpoint {
        Endpoint { near: agent(TIMEOUT, false), far: agent(FAR, true) }
    }

    pub fn get(&self, what: &str, address: &str, headers: &[(&str, &str)]) -> Result<String, CredentialsError> {
        let call =
            || headers.iter().fold(self.near.get(address), |call, (name, value)| call.header(*name, *value)).call();
        repeated(what, true, call).map_err(|failure| failure.into_error(what))
    }

    /// Asks the EC2 metadata service for a token. Most machines have no such service: then nothing takes the
    /// connection, and it is not tried again. One that takes it may only be busy.
    pub fn put(&self, address: &str, headers: &[(&str, &str)]) -> Result<String, CredentialsError> {
        let what = "the EC2 metadata service";
        let call = || {
            let call = headers.iter().fold(self.near.put(address), |call, (name, value)| call.header(*name, *value));
            call.send_empty()
        };
        repeated(what, false, call).map_err(|failure| match failure {
            Failure::NoConnection(error) => {
                CredentialsError::missing(Reason::new("this machine has no EC2 metadata service").caused_by(error))
            }
            Failure::Refused(403) => CredentialsError::missing("the EC2 metadata service is disabled (403)"),
            other => other.into_error(what),
        })
    }

    pub fn post(&self, what: &str, address: &str, form: &[(&str, &str)]) -> Result<String, CredentialsError> {
        let call = || self.far.post(address).send_form(form.iter().copied());
        repeated(what, true, call).map_err(|failure| failure.into_error(what))
    }
}

impl Failure {
    fn into_error(self, what: &str) -> CredentialsError {
        match self {
            Failure::NoConnection(error) | Failure::TryAgain(error) => error,
            Failure::Refused(status) => CredentialsError::missing(format!("{what} refused the request ({status})")),
        }
    }
}

/// Tries again while that may help; `reconnects` says whether it does if nothing took the connection.
fn repeated(
    what: &str,
    reconnects: bool,
    call: impl Fn() -> Result<Response<Body>, ureq::Error>,
) -> Result<String, Failure> {
    let mut waits = WAITS.iter();
    loop {
        let failure = match text(what, call()) {
            Ok(text) => return Ok(text),
            Err(failure) => failure,
        };
        let helps = match failure {
            Failure::NoConnection(_) => reconnects,
            Failure::TryAgain(_) => true,
            Failure::Refused(_) => false,
        };
        match waits.next().filter(|_| helps) {
            Some(wait) => thread::sleep(*wait),
            None => return Err(failure),
        }
    }
}

/// The answer's text.
fn text(what: &str, answer: Result<Response<Body>, ureq::Error>) -> Result<String, Failure> {
    let mut answer = answer.map_err(|error| unreachable(what, error))?;
    match answer.status().as_u16() {
        200 => {
            let body = answer.body_mut().with_config().limit(LONGEST).read_to_string();
            body.map_err(|error| unreachable(what, error))
        }
        status if is_to_repeat(status) => {
            Err(Failure::TryAgain(CredentialsError::temporary(format!("{what} cannot serve now ({status})"))))
        }
        status => Err(Failure::Refused(status)),
    }
}

fn unreachable(what: &str, error: ureq::Error) -> Failure {
    let has_connected = match &error {
        ureq::Error::Timeout(timeout) => !matches!(timeout, ureq::Timeout::Connect | ureq::Timeout::Resolve),
        ureq::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
        ),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::BadUri(_) => false,
        _ => true,
    };
    let reason = match error {
        ureq::Error::BadUri(_) => Reason::new(format!("{what} cannot be reached: bad address")),
        other => Reason::new(format!("{what} cannot be reached: {other}")).caused_by(other),
    };
    let error = CredentialsError::temporary(reason);
    if has_connected { Failure::TryAgain(error) } else { Failure::NoConnection(error) }
}
