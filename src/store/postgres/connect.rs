//! A connection made, within a time limit and with the session as the store needs it.
//!
//! Invariant: knows nothing of tables.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{Trouble, connecting, is_about_the_way, unreachable};
use super::password;
use super::server::Server;
use super::tls::Mode;

/// UTC makes instants read the same in every session; a table that somebody keeps locked is busy, and
/// must not hold a night's run for ever. What is said to be stored is on the disk, also where the server's
/// own setting would let a crash take the last second; stricter settings stay.
const SESSION: &str = "
    SET TIME ZONE 'UTC';
    SET lock_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

pub fn connect(server: &Server) -> Result<Client, Trouble> {
    let tls = server.tls.connector().map_err(Trouble::Final)?;
    let mut config = server.config.clone();
    if config.get_password().is_none()
        && let Some(password) = password::find(&config)
    {
        config.password(password);
    }
    let (first, second) = ways(server);
    match attempt(server, &config, first, &tls)? {
        Ok(client) => Ok(client),
        Err(error) => match second {
            Some(second) if is_about_the_way(&error) => {
                attempt(server, &config, second, &tls)?.map_err(|error| connecting(server, &error))
            }
            _ => Err(connecting(server, &error)),
        },
    }
}

/// With or without TLS, and what to try if the server turns the first away.
fn ways(server: &Server) -> (SslMode, Option<SslMode>) {
    if server.is_local_socket() {
        return (SslMode::Disable, None);
    }
    match server.tls.mode {
        Mode::Disable => (SslMode::Disable, None),
        Mode::Allow => (SslMode::Disable, Some(SslMode::Require)),
        Mode::Prefer => (SslMode::Prefer, Some(SslMode::Disable)),
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => (SslMode::Require, None),
    }
}

/// The driver limits the time of the TCP connection only: a server that accepts and then says nothing
/// (an overloaded pool, a dying disk) would hold us for ever, so the whole attempt gets a limit.
fn attempt(
    server: &Server,
    config: &Config,
    way: SslMode,
    tls: &MakeRustlsConnect,
) -> Result<Result<Client, Error>, Trouble> {
    let (mut config, tls) = (config.clone(), tls.clone());
    config.ssl_mode(way);
    within(server, limit(&config), move || open(&config, tls))
}

/// Work on a connection, given up (with its connection) if it takes longer than this. A pool that hangs keeps the
/// network alive and answers nothing; without a limit, it would hold the run, and with its lock all runs after it.
pub fn within<T: Send + 'static>(
    server: &Server,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    let (sender, receiver) = mpsc::channel();
    let talk = move || drop(sender.send(work()));
    thread::Builder::new().spawn(talk).map_err(|error| Trouble::Lost(unreachable(server, &error.to_string())))?;
    receiver.recv_timeout(limit).map_err(|_| Trouble::Lost(unreachable(server, &format!("no answer within {limit:?}"))))
}

/// Each host may have two addresses, and each address its own time.
fn limit(config: &Config) -> Duration {
    let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
    config.get_connect_timeout().copied().unwrap_or_default() * 2 * hosts
}

fn open(config: &Config, tls: MakeRustlsConnect) -> Result<Client, Error> {
    let mut client = config.connect(tls)?;
    client.batch_execute(SESSION)?;
    Ok(client)
}
