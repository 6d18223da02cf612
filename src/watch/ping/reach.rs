//! Can the service be reached? Asked without telling it anything.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Address, agent, failure};

/// A person waits.
const TIMEOUT: Duration = Duration::from_secs(5);

/// DNS, TCP and TLS: asks the host for its front page, whose answer does not matter. Who knows only the front page
/// cannot ping, so this counts as nothing. Where the ping URL is the front page itself, only TCP is tried.
///
/// # Errors
/// The reason, without the URL.
pub fn reach(address: &Address) -> Result<(), String> {
    if address.0.path() == "/" {
        return connect(address);
    }
    let mut front = address.0.clone();
    front.set_path("/");
    front.set_query(None);
    let request = agent().head(front.as_str()).config().timeout_global(Some(TIMEOUT)).build();
    request.call().map(drop).map_err(|error| failure(&error).reason)
}

fn connect(address: &Address) -> Result<(), String> {
    let places = address.endpoint().to_socket_addrs().map_err(|error| error.to_string())?;
    let mut reason = "its host has no address".to_owned();
    for place in places {
        match TcpStream::connect_timeout(&place, TIMEOUT) {
            Ok(_) => return Ok(()),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}
