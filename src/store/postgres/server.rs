//! A Postgres server's address: the URL taken apart, checked, and shown without its password.
//!
//! Invariant: nothing connects here, and no text made here holds a password.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use postgres::Config;
use postgres::config::Host;
use url::form_urlencoded;

use super::tls::{Tls, Words};
use crate::store::StoreError;

/// Parameters that the driver understands as libpq does.
const KNOWN: [&str; 18] = [
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "application_name",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];
/// Where Linux packages of Postgres put their socket.
pub(super) const SOCKETS: &str = "/var/run/postgresql";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A network that has gone silent is noticed within a minute, not after the system's two hours.
const SILENCE: Duration = Duration::from_secs(60);

/// Where a Postgres is, as whom, and how safely. Its password, if the URL has one, is never shown.
#[derive(Clone)]
pub struct Server {
    pub(super) config: Config,
    pub(super) tls: Tls,
    shown: String,
}

impl Server {
    /// Reads `postgres://[USER[:PASSWORD]@][HOST[:PORT],…][/DATABASE][?PARAMETER=VALUE&…]`.
    pub fn parse(text: &str) -> Result<Server, StoreError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("the database's address lacks its //; write postgres://USER@HOST/DATABASE");
        };
        let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
        check_encoding(base, query)?;
        let (kept, words) = sort(query)?;
        // The driver takes all before the first @ for a user, even in the parameters.
        let url = format!("{scheme}://{base}?{}", kept.join("&").replace('@', "%40"));
        let config: Config = url.parse().map_err(|error| unreadable(&error))?;
        let shown = format!("{scheme}://{}{}", masked_base(base), masked_query(query));
        Ok(Server { config: complete(config, &kept), tls: Tls::of(words)?, shown })
    }

    /// The address itself holds a password: who shows the address shows that too.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// How long a statement may take before the server is given up: five times what the network may be silent,
    /// and far more than a save of a year's laughs needs.
    pub(super) fn patience(&self) -> Duration {
        self.config.get_tcp_user_timeout().copied().filter(|silence| !silence.is_zero()).unwrap_or(SILENCE) * 5
    }

    /// Sockets on the same machine: libpq has no TLS over them whatever `sslmode` says.
    pub(super) fn is_local_socket(&self) -> bool {
        self.config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn wrong<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Config(text.to_owned()))
}

/// The driver's reasons name parameters, never their values.
fn unreadable(error: &postgres::Error) -> StoreError {
    let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    StoreError::Config(format!("the database's address cannot be read: {reason}"))
}

/// A raw @, / or ? in a password moves the borders of the URL's parts; then any part might hold it.
fn check_encoding(base: &str, query: &str) -> Result<(), StoreError> {
    let (authority, path) = base.split_once('/').unwrap_or((base, ""));
    // `neil:se?cret@db/laughs`: what looks like parameters is the rest of the password.
    let cut_by_mark = query.contains('@') && authority == base && base.contains(':') && !base.contains('@');
    match authority.matches('@').count() > 1 || path.contains(['@', '/']) || cut_by_mark {
        true => Err(unencoded()),
        false => Ok(()),
    }
}

fn unencoded() -> StoreError {
    StoreError::Config(
        "the database's address cannot be read; in its user, password and names write %40 for @, %2F for /, %3F for ?"
            .into(),
    )
}

/// Takes what TLS needs out of the parameters, which the driver does not know.
fn sort(query: &str) -> Result<(Vec<&str>, Words), StoreError> {
    let (mut kept, mut words) = (Vec::new(), Words::default());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').map_or(pair, |(key, _)| key) {
            "sslmode" => words.mode = Some(decoded(pair)),
            "sslrootcert" => words.roots = Some(decoded(pair)),
            "sslcert" => words.certificate = Some(decoded(pair)),
            "sslkey" => words.key = Some(decoded(pair)),
            key if KNOWN.contains(&key) && pair.contains('=') => kept.push(pair),
            key if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
                return wrong(&format!("giggles does not know the parameter '{key}' in the database's address"));
            }
            _ => return Err(unencoded()),
        }
    }
    Ok((kept, words))
}

/// The value of `key=value`; a plus is a plus, as in libpq.
fn decoded(pair: &str) -> String {
    let pair = pair.replace('+', "%2B");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// What the URL leaves open.
fn complete(mut config: Config, given: &[&str]) -> Config {
    let is_given = |key: &str| given.iter().any(|pair| pair.split_once('=').is_some_and(|(given, _)| given == key));
    name_hosts(&mut config);
    if config.get_application_name().is_none() {
        config.application_name("giggles");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if !is_given("keepalives_idle") {
        config.keepalives_idle(SILENCE / 2).keepalives_interval(SILENCE / 6).keepalives_retries(3);
    }
    if !is_given("tcp_user_timeout") {
        config.tcp_user_timeout(SILENCE);
    }
    config
}

/// No host is the local socket, as for libpq. An address without a name is its own name, which the
/// driver wants for TLS: verify-full then looks for the address in the certificate.
fn name_hosts(config: &mut Config) {
    if !config.get_hosts().is_empty() {
        return;
    }
    let addresses = config.get_hostaddrs().to_vec();
    for address in &addresses {
        config.host(&address.to_string());
    }
    if addresses.is_empty() {
        config.host(if Path::new(SOCKETS).is_dir() { SOCKETS } else { "localhost" });
    }
}

fn masked_base(base: &str) -> String {
    match base.split_once('@') {
        Some((credentials, rest)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:***@{rest}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    }
}

fn masked_query(query: &str) -> String {
    let mask = |pair: &str| {
        if pair.starts_with("password=") { "password=***".to_owned() } else { pair.to_owned() }
    };
    match query {
        "" => String::new(),
        _ => format!("?{}", query.split('&').map(mask).collect::<Vec<_>>().join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Server::parse(url).map_or_else(|error| error.to_string(), |server| server.to_string())
    }

    #[test]
    fn passwords_are_masked() {
        assert_eq!(shown("postgres://neil:pa%40ss@db:5433/laughs"), "postgres://neil:***@db:5433/laughs");
        assert_eq!(
            shown("postgresql://db/laughs?user=neil&password=secret&sslmode=require"),
            "postgresql://db/laughs?user=neil&password=***&sslmode=require"
        );
        assert_eq!(shown("postgres://neil@db"), "postgres://neil@db");
    }

    #[test]
    fn a_wrong_address_is_not_echoed() {
        for url in [
            "postgres://neil:se@cret@db/laughs",
            "postgres://neil:se/cret@db/laughs",
            "postgres://neil:se?cret@db/laughs",
            "postgres://neil:se?cret=1@db/laughs",
            "postgres://neil:secret@db:port/laughs",
            "postgres:neil:secret",
        ] {
            let error = Server::parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(!error.contains("cret"), "{error}");
        }
    }

    #[test]
    fn parameters_are_known_or_named() {
        assert!(shown("postgres://db?sslmod=require").contains("'sslmod'"));
        let server = Server::parse("postgres:///laughs?host=/tmp/sockets&port=5433&user=a@b").ok().unwrap();
        assert_eq!(server.config.get_user(), Some("a@b"));
        assert_eq!(server.config.get_dbname(), Some("laughs"));
        assert_eq!(server.config.get_ports(), [5433]);
        assert!(server.is_local_socket());
    }

    #[test]
    fn what_the_address_leaves_open() {
        let server = Server::parse("postgres://neil:a%3Ab@one,two:5433/laughs").ok().unwrap();
        assert_eq!(server.config.get_password(), Some(b"a:b".as_slice()));
        assert_eq!(server.config.get_hosts().len(), 2);
        assert_eq!(server.config.get_ports(), [5432, 5433]);
        assert_eq!(server.config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(server.config.get_application_name(), Some("giggles"));
    }
}
