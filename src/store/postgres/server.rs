//! A Postgres server with its connection settings, resolved by libpq's rules: hosts, user, session attributes.
//!
//! Invariant: this module opens no connection, and no text it creates contains a password.

use std::fmt;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, LoadBalanceHosts};

use super::address;
use super::driver::{config, connect_timeout, load_balancing, statement_timeout};
use super::hosts::{Target, hosts};
use super::parameters::{Parameters, Variables};
use super::password::Passwords;
use super::tls::{Tls, TlsOptions};
use crate::store::StoreError;

/// The limit for `connect_timeout=0`, which means no limit.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// Address, user, TLS settings and session attributes. The password, if given, is never shown.
#[derive(Clone)]
pub struct Server {
    /// At least one.
    pub(super) hosts: Vec<Target>,
    /// Whether they are tried in random order.
    pub(super) is_shuffled: bool,
    pub(super) tls: Tls,
    pub(super) session: SessionAttributes,
    pub(super) passwords: Passwords,
    /// Everything except the hosts and the password.
    config: Config,
    connect_timeout: Duration,
    statement_timeout: Duration,
    has_password: bool,
    shown: String,
}

/// `target_session_attrs`: which servers are acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Server {
    /// The server of a URL; missing parts are resolved as libpq does.
    pub fn parse(text: &str) -> Result<Server, StoreError> {
        Server::find(text, &variable, &system_user)
    }

    fn find(
        text: &str,
        variables: Variables,
        system_user: &dyn Fn() -> Result<String, StoreError>,
    ) -> Result<Server, StoreError> {
        let address = address::parse(text)?;
        let parameters = Parameters::gather(&address, variables)?;
        let user = parameters.owned("user").map_or_else(system_user, Ok)?;
        let database = parameters.owned("dbname").unwrap_or_else(|| user.clone());
        let hosts = hosts(&parameters)?;
        let tls = Tls::new(TlsOptions::from_parameters(&parameters)?)?;
        let connect_timeout = connect_timeout(&parameters)?;
        Ok(Server {
            config: config(&parameters, &user, &database, connect_timeout, tls.mode)?,
            is_shuffled: load_balancing(&parameters)? == LoadBalanceHosts::Random,
            session: parameters
                .read(
                    "target_session_attrs",
                    "any, read-write, read-only, primary, standby or prefer-standby",
                    SessionAttributes::parse,
                )?
                .unwrap_or(SessionAttributes::Any),
            passwords: Passwords::new(&parameters, &user, &database),
            statement_timeout: statement_timeout(&parameters)?,
            has_password: parameters.is_of_url("password"),
            shown: shown(address.shown, &parameters, &hosts, &user, &database),
            connect_timeout: connect_timeout.unwrap_or(FOR_EVER),
            tls,
            hosts,
        })
    }

    /// The address itself contains a password: it is visible wherever the address is.
    pub fn has_password(&self) -> bool {
        self.has_password
    }

    /// How long a statement may take before the connection is abandoned.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// How long connecting to one host may take; a host may have two addresses.
    pub(super) fn connect_limit(&self) -> Duration {
        self.connect_timeout * 2
    }

    /// The driver's configuration for one host.
    pub(super) fn config_of(&self, target: &Target) -> Config {
        let mut config = self.config.clone();
        match &target.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(folder) => config.host_path(folder),
        };
        config.port(target.port);
        if let Some(address) = target.address {
            config.hostaddr(address);
        }
        if let Some(password) = self.passwords.find(target) {
            config.password(password);
        }
        config
    }
}

impl SessionAttributes {
    fn parse(word: &str) -> Option<SessionAttributes> {
        Some(match word {
            "any" => SessionAttributes::Any,
            "read-write" => SessionAttributes::ReadWrite,
            "read-only" => SessionAttributes::ReadOnly,
            "primary" => SessionAttributes::Primary,
            "standby" => SessionAttributes::Standby,
            "prefer-standby" => SessionAttributes::PreferStandby,
            _ => return None,
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A variable of the environment; empty counts as not set.
fn variable(name: &str) -> Result<Option<String>, StoreError> {
    match crate::environment::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(StoreError::Config(format!("{name}: contains bytes that are not UTF-8").into()))
        }
    }
}

/// The name of the user that runs this program, regardless of `$USER`.
fn system_user() -> Result<String, StoreError> {
    whoami::username().map_err(|_| {
        let id = rustix::process::geteuid().as_raw();
        StoreError::Config(format!(
            "the database's address names no user, and the user id {id} has no name on this machine: name a user, as \
             in postgres://USER@HOST/DATABASE, or set PGUSER"
        ).into())
    })
}

/// The URL, and the settings that come from elsewhere: an error must say which server it is about.
fn shown(url: String, parameters: &Parameters, hosts: &[Target], user: &str, database: &str) -> String {
    let is_whole = !["host", "hostaddr", "port", "user", "dbname"].iter().any(|key| parameters.is_from_elsewhere(key));
    if is_whole {
        return url;
    }
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    format!("{url} ({user} on {}, database {database})", hosts.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::super::driver::{CONNECT_TIMEOUT, SILENCE, STATEMENT_TIMEOUT};
    use super::*;

    fn found(url: &str, environment: &[(&str, &str)]) -> Result<Server, StoreError> {
        let variable = |name: &str| {
            Ok(environment.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned()))
        };
        Server::find(url, &variable, &|| Ok("somebody".to_owned()))
    }

    fn shown(url: &str) -> String {
        found(url, &[]).map_or_else(|error| error.to_string(), |server| server.to_string())
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
    fn a_wrong_port_is_not_echoed() {
        let error = shown("postgres://neil:secret@db:port/laughs");
        assert!(error.contains("its port is not a number") && !error.contains("cret"), "{error}");
    }

    #[test]
    fn url_parameters_override_the_parts_before_them() {
        let server = found("postgres:///laughs?host=/tmp/sockets&port=5433&user=a@b", &[]).ok().unwrap();
        assert_eq!(server.config.get_user(), Some("a@b"));
        assert_eq!(server.config.get_dbname(), Some("laughs"));
        assert_eq!(server.hosts, [Target { host: Host::Unix("/tmp/sockets".into()), address: None, port: 5433 }]);
        assert!(server.hosts[0].is_socket());
    }

    #[test]
    fn missing_parts_have_their_defaults() {
        let server = found("postgres://neil:a%3Ab@one,two:5433/laughs", &[]).ok().unwrap();
        let targets: Vec<String> = server.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(targets, ["one:5432", "two:5433"]);
        let config = server.config_of(&server.hosts[1]);
        assert_eq!(config.get_password(), Some(b"a:b".as_slice()));
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(config.get_application_name(), Some("giggles"));
        assert_eq!(config.get_tcp_user_timeout(), Some(&SILENCE));
        assert_eq!(server.statement_timeout(), STATEMENT_TIMEOUT);
    }

    #[test]
    fn units_and_zeros_are_those_of_libpq() {
        let server = found(
            "postgres://db/x?tcp_user_timeout=30000&connect_timeout=0&keepalives=0&keepalives_count=7&keepalives_idle=9",
            &[],
        );
        let server = server.ok().unwrap();
        assert_eq!(server.config.get_tcp_user_timeout(), Some(&Duration::from_secs(30)));
        assert_eq!(server.statement_timeout(), Duration::from_secs(150));
        assert_eq!(server.config.get_connect_timeout(), None);
        assert!(!server.config.get_keepalives());
        assert_eq!(server.config.get_keepalives_retries(), Some(7));
        assert_eq!(server.config.get_keepalives_idle(), Duration::from_secs(9));
        assert_eq!(
            found("postgres://db/x?fallback_application_name=a", &[]).ok().unwrap().config.get_application_name(),
            Some("a")
        );
    }

    #[test]
    fn the_environment_fills_in_as_for_libpq() {
        let environment = [("PGHOST", "one,/run/pg"), ("PGPORT", "5433"), ("PGUSER", "neil"), ("PGDATABASE", "laughs")];
        let server = found("postgres:", &environment).ok().unwrap();
        assert_eq!(server.to_string(), "postgres:// (neil on one:5433 and /run/pg:5433, database laughs)");
        assert!(!server.has_password());
        let server = found("postgres://mia@here/x", &environment).ok().unwrap();
        assert_eq!(server.config.get_user(), Some("mia"));
        assert_eq!(server.hosts, [Target { host: Host::Tcp("here".into()), address: None, port: 5433 }]);
        let server = found("postgres://", &[]).ok().unwrap();
        assert_eq!((server.config.get_user(), server.config.get_dbname()), (Some("somebody"), Some("somebody")));
        let attributes = [("PGTARGETSESSIONATTRS", "primary"), ("PGHOSTADDR", "10.0.0.1,10.0.0.2")];
        let server = found("postgres://", &attributes).ok().unwrap();
        assert_eq!(server.session, SessionAttributes::Primary);
        assert_eq!(server.hosts[1].address, Some("10.0.0.2".parse().unwrap()));
        for (variable, value) in [("PGPORT", "many"), ("PGCONNECT_TIMEOUT", "soon"), ("PGTARGETSESSIONATTRS", "best")] {
            let error = found("postgres://db/x", &[(variable, value)]).err().unwrap().to_string();
            assert!(!error.contains(value), "{error}");
        }
        assert!(found("postgres://a,b/x?hostaddr=10.0.0.1", &[]).is_err());
        assert!(found("postgres://a,b/x?port=1,2,3", &[]).is_err());
    }

    #[test]
    fn direct_negotiation_requires_tls() {
        assert!(found("postgres://db/x?sslnegotiation=direct", &[]).is_err());
        assert!(found("postgres://db/x?sslnegotiation=direct&sslmode=require", &[]).is_ok());
    }
}
