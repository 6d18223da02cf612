//! Checks whether the service can be reached, without sending a ping.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Address, PingError, agent};

/// Short, because a person waits for `giggles doctor`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Checks DNS, TCP and TLS with a request for the host's front page, regardless of its status. Services do not count
/// this as a ping. If the ping URL is the front page itself, only a TCP connection is made.
///
/// # Errors
/// The reason, without the URL.
pub fn reach(address: &Address) -> Result<(), PingError> {
    if address.0.path() == "/" {
        return connect(address);
    }
    let mut front = address.0.clone();
    front.set_path("/");
    front.set_query(None);
    let request = agent().head(front.as_str()).config().timeout_global(Some(TIMEOUT)).build();
    Ok(request.call().map(drop)?)
}

fn connect(address: &Address) -> Result<(), PingError> {
    let places = address.endpoint().to_socket_addrs().map_err(PingError::Io)?;
    let mut reason = io::Error::other("its host has no address");
    for place in places {
        match TcpStream::connect_timeout(&place, TIMEOUT) {
            Ok(_) => return Ok(()),
            Err(error) => reason = error,
        }
    }
    Err(PingError::Io(reason))
}
