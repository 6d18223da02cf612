//! Requests to the services that issue credentials: short, on this machine or to STS, and tried a few times.

use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::CredentialsError;
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

impl Endpoint {
    pub fn new() -> Endpoint {
        Endpoint { near: agent(TIMEOUT, false), far: agent(FAR, true) }
    }

    pub fn get(&self, what: &str, address: &str, headers: &[(&str, &str)]) -> Result<String, CredentialsError> {
        let call =
            || headers.iter().fold(self.near.get(address), |call, (name, value)| call.header(*name, *value)).call();
        repeated(what, call)
    }

    /// One attempt: most machines have no metadata service.
    pub fn put(&self, address: &str, headers: &[(&str, &str)]) -> Result<String, CredentialsError> {
        let call = headers.iter().fold(self.near.put(address), |call, (name, value)| call.header(*name, *value));
        text("the EC2 metadata service", call.send_empty()).map_err(|(error, _)| error)
    }

    pub fn post(&self, what: &str, address: &str, form: &[(&str, &str)]) -> Result<String, CredentialsError> {
        repeated(what, || self.far.post(address).send_form(form.iter().copied()))
    }
}

fn repeated(what: &str, call: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<String, CredentialsError> {
    let mut waits = WAITS.iter();
    loop {
        match text(what, call()) {
            Err((error, true)) => match waits.next() {
                Some(wait) => thread::sleep(*wait),
                None => return Err(error),
            },
            Err((error, false)) => return Err(error),
            Ok(text) => return Ok(text),
        }
    }
}

/// The answer's text, or the error and whether to try again. Neither quotes the answer or the address.
fn text(what: &str, answer: Result<Response<Body>, ureq::Error>) -> Result<String, (CredentialsError, bool)> {
    let unreachable = |error: &ureq::Error| {
        let reason = if matches!(error, ureq::Error::BadUri(_)) { "bad address".to_owned() } else { error.to_string() };
        (CredentialsError::temporary(format!("{what} cannot be reached: {reason}")), true)
    };
    let mut answer = answer.map_err(|error| unreachable(&error))?;
    let status = answer.status().as_u16();
    match status {
        200 => answer.body_mut().with_config().limit(LONGEST).read_to_string().map_err(|error| unreachable(&error)),
        _ if is_to_repeat(status) => {
            Err((CredentialsError::temporary(format!("{what} cannot serve now ({status})")), true))
        }
        _ => Err((CredentialsError::missing(format!("{what} refused the request ({status})")), false)),
    }
}
