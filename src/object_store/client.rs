//! Signed requests to one bucket, tried again while that may help.
//!
//! ```text
//! loop: sign with credentials that are valid now, send, read
//!     success             -> done
//!     try again           -> wait (longer each time, or as the server says); after WAITS.len() + 1 attempts: unreachable
//!     credentials refused -> other credentials, once; without them: rejected
//!     another region      -> that region, once
//!     anything else       -> failed
//! ```
//!
//! An attempt that made progress starts the count anew, so that a large object survives many cut connections.
//!
//! Invariant: no address is logged or part of an error, because it carries the signature.

use std::hash::{BuildHasher, Hasher, RandomState};
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
/// Time limit of an attempt whose answer is short; a longer one must arrive at this rate, or is cut.
const SHORTEST_LIMIT: Duration = Duration::from_secs(60);
const LEAST_BYTES_PER_SECOND: u64 = 16_000;
/// Delays between attempts, each half as long up to one and a half times as long: runs that were refused together do
/// not return together.
const WAITS: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_secs(2), Duration::from_secs(5)];
/// The longest delay that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often a wait checks for a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
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

    /// The size of a long answer. An attempt has a time limit, which grows with it.
    fn most_bytes(&self) -> u64 {
        0
    }

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
        let variables = |name: &str| crate::environment::var(name).ok().filter(|text| !text.trim().is_empty());
        let profile = Profile::selected(&variables)?;
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
                Err(Refusal::Rejected { code }) => {
                    let is_renewable = self.provider.expire();
                    if std::mem::replace(&mut has_renewed, true) || !is_renewable {
                        return Err(S3Error::Rejected { code, is_renewable });
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
            self.pause(jittered(wait).max(after.unwrap_or_default().min(LONGEST_WAIT)))?;
        }
    }

    fn attempt<E: Exchange>(&mut self, exchange: &mut E) -> Result<E::Output, Refusal> {
        let limit = limit(exchange.most_bytes());
        self.attempt_within(exchange, limit)
    }

    fn attempt_within<E: Exchange>(&mut self, exchange: &mut E, limit: Duration) -> Result<E::Output, Refusal> {
        self.check_stop()?;
        let credentials = self.provider.current().map_err(S3Error::from)?;
        let (url, headers) = exchange.request(&self.bucket, credentials);
        let answer = match exchange.method() {
            Method::Get => within(with(self.agent.get(url.as_str()), &headers), limit).call(),
            Method::Put(bytes) => within(with(self.agent.put(url.as_str()), &headers), limit).send(bytes),
            Method::Delete => within(with(self.agent.delete(url.as_str()), &headers), limit).call(),
        };
        let mut response = answer.map_err(interrupted)?;
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
            thread::sleep(POLL_INTERVAL.min(wait));
        }
        Ok(())
    }

    fn check_stop(&self) -> Result<(), S3Error> {
        self.stop.signal().map_or(Ok(()), |signal| Err(S3Error::Stopped(signal)))
    }
}

/// A server that sends a byte now and then would hold the run, and its lock, for ever.
fn limit(bytes: u64) -> Duration {
    SHORTEST_LIMIT + Duration::from_secs(bytes / LEAST_BYTES_PER_SECOND)
}

fn jittered(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1_000;
    wait.mul_f64(0.5 + random as f64 / 1_000.0)
}

fn with<B>(call: RequestBuilder<B>, headers: &[(&'static str, String)]) -> RequestBuilder<B> {
    headers.iter().fold(call, |call, (name, value)| call.header(*name, value))
}

fn within<B>(call: RequestBuilder<B>, limit: Duration) -> RequestBuilder<B> {
    call.config().timeout_per_call(Some(limit)).build()
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::error::interrupted;
    use super::*;

    struct Slow;

    impl Exchange for Slow {
        type Output = ();

        fn request(&self, bucket: &Bucket, _: &Credentials) -> (Url, Vec<(&'static str, String)>) {
            (bucket.base_url().clone(), Vec::new())
        }

        fn read(&mut self, mut response: Response<Body>) -> Result<(), Refusal> {
            let read = response.body_mut().as_reader().read_to_end(&mut Vec::new());
            read.map(|_| ()).map_err(|error| interrupted(ureq::Error::from(error)))
        }
    }

    /// Each step is in time, and the whole is not.
    #[test]
    fn an_attempt_that_receives_a_byte_now_and_then_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
            while stream.write_all(b".").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
        });
        let variables = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("key".to_owned()),
            _ => None,
        };
        let profile = Profile::default();
        let settings = Settings::read(&variables, &profile).unwrap();
        let provider = Provider::find(&variables, &profile, &settings).unwrap();
        let bucket = bucket(&settings, "life").unwrap();
        let (agent, name, stop) = (agent(TIMEOUT, false), "life".to_owned(), Stop::default());
        let mut client = Client { agent, name, settings, bucket, provider, stop };
        let begun = Instant::now();
        let ended = client.attempt_within(&mut Slow, Duration::from_millis(500));
        assert!(matches!(ended, Err(Refusal::TryAgain { .. })));
        assert!((500..5_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_limit_grows_with_the_answer() {
        assert_eq!([limit(0), limit(16_000_000)].map(|limit| limit.as_secs()), [60, 1_060]);
    }

    #[test]
    fn delays_vary_by_half() {
        let delays: Vec<Duration> = (0..200).map(|_| jittered(Duration::from_secs(2))).collect();
        let (least, most) = (delays.iter().min().unwrap().as_secs_f64(), delays.iter().max().unwrap().as_secs_f64());
        assert!((1.0..1.3).contains(&least) && (2.7..3.0).contains(&most), "{least} to {most}");
    }
}
