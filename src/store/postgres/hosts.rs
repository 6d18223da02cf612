//! The hosts of an address, from libpq's lists.
//!
//! Invariant: no host name is resolved here.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use postgres::config::Host;

use super::address::unreadable;
use super::parameters::Parameters;
use crate::store::StoreError;

/// The socket's directory in Linux packages of Postgres.
pub const SOCKETS: &str = "/var/run/postgresql";
const PORT: u16 = 5432;
/// One of the hosts that a URL may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub host: Host,
    /// Used instead of resolving the name.
    pub address: Option<IpAddr>,
    pub port: u16,
}

impl Target {
    /// A Unix socket: like libpq, without TLS regardless of `sslmode`.
    pub fn is_socket(&self) -> bool {
        matches!(self.host, Host::Unix(_))
    }

    /// The host is this machine.
    pub fn is_here(&self) -> bool {
        match (&self.host, self.address) {
            (Host::Unix(_), _) => true,
            (_, Some(address)) => address.is_loopback(),
            (Host::Tcp(name), None) => {
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            Host::Unix(folder) => write!(f, "{}:{}", folder.display(), self.port),
        }
    }
}

/// Comma-separated lists of the same length; a single port applies to all hosts. No host means the local socket.
pub fn hosts(parameters: &Parameters) -> Result<Vec<Target>, StoreError> {
    let list = |key: &str| parameters.get(key).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    if names.as_ref().is_some_and(|names| names.len() != count) {
        return Err(unreadable("the numbers of hosts and hostaddrs differ; give one for each"));
    }
    if ports.as_ref().is_some_and(|ports| ports.len() != 1 && ports.len() != count) {
        return Err(unreadable("the numbers of ports and hosts differ; give one for all, or one for each"));
    }
    let nth = |list: &Option<Vec<&str>>, index: usize| -> String {
        list.as_ref().and_then(|list| list.get(index).or(list.first())).map_or(String::new(), |text| (*text).to_owned())
    };
    (0..count)
        .map(|index| {
            let text = nth(&addresses, index);
            let address = if text.is_empty() { None } else { Some(text.parse()) };
            let address = address.transpose().map_err(|_| unreadable("its hostaddr is not an IP address"))?;
            Ok(Target { host: host(&nth(&names, index), address)?, address, port: port(&nth(&ports, index))? })
        })
        .collect()
}

/// An address without a name is used as the name for TLS: verify-full then checks the certificate for the address.
fn host(name: &str, address: Option<IpAddr>) -> Result<Host, StoreError> {
    match (name, address) {
        ("", Some(address)) => Ok(Host::Tcp(address.to_string())),
        ("", None) if Path::new(SOCKETS).is_dir() => Ok(Host::Unix(SOCKETS.into())),
        ("", None) => Ok(Host::Tcp("localhost".into())),
        (name, _) if name.starts_with('/') => Ok(Host::Unix(name.into())),
        (name, _) if name.starts_with('@') => {
            Err(unreadable("giggles does not connect to abstract sockets (@NAME); name the folder of the socket"))
        }
        (name, _) => Ok(Host::Tcp(name.to_owned())),
    }
}

fn port(text: &str) -> Result<u16, StoreError> {
    match text {
        "" => Ok(PORT),
        text => text
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| unreadable("its port is not a number from 1 to 65535; write %3A for a : in a password")),
    }
}
