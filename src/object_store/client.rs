//! Signed requests to one bucket, tried again while that may help.
//!
//! ```text
//! loop: sign with credentials that are valid now, send, read
//!     success            -> done
//!     try again          -> wait (longer each time, or as the server says); after WAITS.len() + 1 attempts: unreachable
//!     expired            -> other credentials, once
//!     another region     -> that region, once
//!     anything else      -> failed
//! ```
//!
//! An attempt that made progress starts the count anew, so that a large object survives many cut connections.
//!
//! Invariant: no address is logged or part of an error, because it carries the signature.

use std::thread;
use std::time::{Duration, Instant};

use rusty_s3::{Bucket, Credentials};
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, RequestBuilder};
use url::Url;

use super::credentials::{CredentialsError, Provider};
use super::error::{Refusal, S3Error, interrupted, is_success, refusal};
use super::location::ObjectUrl;
use super::profile::Profile;
use super::settings::Settings;
use crate::stop::Stop;

/// Timeout of a connection, of the start of an answer, of each read and of each write.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Delays between attempts.
const WAITS: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_secs(2), Duration::from_secs(5)];
/// The longest delay that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often a wait checks for a signal.
const MOMENT: Duration = Duration::from_millis(50);
/// How long a signed address is valid; each attempt signs its own.
pub const VALID: Duration = Duration::from_secs(900);

/// What is done with an object.
pub enum Method<'a> {
    Get,
    /// Write these bytes.
    Put(&'a [u8]),
    Delete,
}

/// One request, and how its answer is read.
pub trait Exchange {
    type Output;

    fn method(&self) -> Method<'_> {
        Method::Get
    }

    /// The signed address, and headers that are not signed.
    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>);

    /// Reads a successful answer.
    fn read(&mut self, response: Response<Body>) -> Result<Self::Output, Refusal>;

    /// Whether much more has been read since this was last asked.
    fn has_progressed(&mut self) -> bool {
        false
    }
}

pub struct Client {
    agent: Agent,
    name: String,
    settings: Settings,
    bucket: Bucket,
    provider: Provider,
    stop: Stop,
}

impl Client {
    pub fn new(location: &ObjectUrl, stop: &Stop) -> Result<Client, S3Error> {
        let variables = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let profile = Profile::selected(&variables)
            .map_err(|error| CredentialsError::missing(format!("AWS's profile files cannot be read: {error}")))?;
        let settings = Settings::read(&variables, &profile)?;
        let provider = Provider::find(&variables, &profile, &settings)?;
        let bucket = bucket(&settings, &location.bucket)?;
        let (agent, name, stop) = (agent(TIMEOUT, true), location.bucket.clone(), stop.clone());
        Ok(Client { agent, name, settings, bucket, provider, stop })
    }

    pub fn exchange<E: Exchange>(&mut self, exchange: &mut E) -> Result<E::Output, S3Error> {
        let (mut waits, mut has_renewed, mut has_moved) = (WAITS.iter(), false, false);
        loop {
            let (reason, after) = match self.attempt(exchange) {
                Ok(output) => return Ok(output),
                Err(Refusal::Final(error)) => return Err(error),
                Err(Refusal::TryAgain { reason, after }) => (reason, after),
                Err(Refusal::Expired { code }) => {
                    if std::mem::replace(&mut has_renewed, true) || !self.provider.expire() {
                        return Err(S3Error::Denied { code });
                    }
                    continue;
                }
                Err(Refusal::Region(region)) => {
                    if std::mem::replace(&mut has_moved, true) {
                        return Err(S3Error::Unexpected { status: 301, code: "PermanentRedirect".into() });
                    }
                    self.settings.region = region;
                    self.bucket = bucket(&self.settings, &self.name)?;
                    continue;
                }
            };
            if exchange.has_progressed() {
                waits = WAITS.iter();
            }
            let wait = *waits.next().ok_or(S3Error::Unreachable { reason })?;
            self.pause(wait.max(after.unwrap_or_default().min(LONGEST_WAIT)))?;
        }
    }

    fn attempt<E: Exchange>(&mut self, exchange: &mut E) -> Result<E::Output, Refusal> {
        self.check_stop()?;
        let credentials = self.provider.current().map_err(S3Error::from)?;
        let (url, headers) = exchange.request(&self.bucket, credentials);
        let answer = match exchange.method() {
            Method::Get => with(self.agent.get(url.as_str()), &headers).call(),
            Method::Put(bytes) => with(self.agent.put(url.as_str()), &headers).send(bytes),
            Method::Delete => with(self.agent.delete(url.as_str()), &headers).call(),
        };
        let mut response = answer.map_err(|error| interrupted(&error))?;
        if is_success(response.status()) {
            exchange.read(response)
        } else {
            Err(refusal(&mut response, &self.settings.region))
        }
    }

    fn pause(&self, wait: Duration) -> Result<(), S3Error> {
        let begun = Instant::now();
        while begun.elapsed() < wait {
            self.check_stop()?;
            thread::sleep(MOMENT.min(wait));
        }
        Ok(())
    }

    fn check_stop(&self) -> Result<(), S3Error> {
        self.stop.signal().map_or(Ok(()), |signal| Err(S3Error::Stopped(signal)))
    }
}

fn with<B>(call: RequestBuilder<B>, headers: &[(&'static str, String)]) -> RequestBuilder<B> {
    headers.iter().fold(call, |call, (name, value)| call.header(*name, value))
}

fn bucket(settings: &Settings, name: &str) -> Result<Bucket, S3Error> {
    let invalid = || CredentialsError::missing(format!("'{name}' cannot be the name of a bucket at this endpoint"));
    Ok(settings.bucket(name).ok_or_else(invalid)?)
}

/// A client that returns every status, follows no redirect and waits this long for each step.
pub fn agent(timeout: Duration, uses_proxy: bool) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let mut config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .timeout_per_write(Some(timeout))
        .user_agent(concat!("giggles/", env!("CARGO_PKG_VERSION")));
    if !uses_proxy {
        config = config.proxy(None);
    }
    config.build().into()
}
