//! A connection made, within a time limit and with the session as the store needs it.
//!
//! Invariant: knows nothing of tables.

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{Trouble, connecting, is_about_the_way, text, unreachable};
use super::hosts::Target;
use super::server::{Server, SessionAttributes};
use super::tls::Mode;
use super::{pooler, session};

/// A connection, and how it was made.
pub struct Link {
    pub client: Client,
    pub target: Target,
    pub way: SslMode,
}

/// A session of the server itself, or of a pooler that hands out nothing smaller.
pub fn connect(server: &Server) -> Result<Client, Trouble> {
    prepared(server, pooler::refuse(server, find(server)?)?)
}

/// The same to a server on which that was found before.
pub fn reconnect(server: &Server) -> Result<Client, Trouble> {
    prepared(server, find(server)?.client)
}

fn prepared(server: &Server, mut client: Client) -> Result<Client, Trouble> {
    let (client, done) = within(server, server.connect_limit(), move || {
        let done = session::prepare(&mut client);
        (client, done)
    })?;
    done.map_err(|error| connecting(server, &error))?;
    Ok(client)
}

/// Why a host is not the one.
enum Miss {
    /// The next one may be.
    Next(String),
    /// It answered, and what it said the others would say too.
    Last(Trouble),
}

/// The first host that will do.
fn find(server: &Server) -> Result<Link, Trouble> {
    let tls = server.tls.connector().map_err(Trouble::Final)?;
    let mut missed = Vec::new();
    for wanted in rounds(server.session) {
        for target in in_order(server) {
            match host(server, target, *wanted, &tls) {
                Ok(link) => return Ok(link),
                Err(Miss::Next(reason)) => missed.push((target, reason)),
                Err(Miss::Last(trouble)) => return Err(trouble),
            }
        }
    }
    let reasons: Vec<String> = match &missed[..] {
        [(_, reason)] => vec![reason.clone()],
        several => several.iter().map(|(target, reason)| format!("{target}: {reason}")).collect(),
    };
    Err(Trouble::Lost(unreachable(server, &reasons.join("; "))))
}

fn rounds(wanted: SessionAttributes) -> &'static [SessionAttributes] {
    match wanted {
        SessionAttributes::Any => &[SessionAttributes::Any],
        SessionAttributes::ReadWrite => &[SessionAttributes::ReadWrite],
        SessionAttributes::ReadOnly => &[SessionAttributes::ReadOnly],
        SessionAttributes::Primary => &[SessionAttributes::Primary],
        SessionAttributes::Standby => &[SessionAttributes::Standby],
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
    }
}

fn in_order(server: &Server) -> Vec<&Target> {
    let mut targets: Vec<&Target> = server.hosts.iter().collect();
    if server.is_shuffled {
        let chance = RandomState::new();
        targets.sort_by_cached_key(|target| chance.hash_one(target.to_string()));
    }
    targets
}

fn host(server: &Server, target: &Target, wanted: SessionAttributes, tls: &MakeRustlsConnect) -> Result<Link, Miss> {
    let (first, second) = ways(server, target);
    let link = match attempt(server, target, first, tls)? {
        Ok(client) => Ok(Link { client, target: target.clone(), way: first }),
        Err(error) => match second {
            Some(second) if is_about_the_way(&error) => {
                attempt(server, target, second, tls)?.map(|client| Link { client, target: target.clone(), way: second })
            }
            _ => Err(error),
        },
    };
    let Link { mut client, target, way } = link.map_err(|error| miss(server, &error))?;
    let looked = limited(server.connect_limit(), move || {
        let unsuitable = session::unsuitable(&mut client, wanted);
        (client, unsuitable)
    });
    let (client, unsuitable) = looked.map_err(Miss::Next)?;
    match unsuitable.map_err(|error| miss(server, &error))? {
        None => Ok(Link { client, target, way }),
        Some(why) => Err(Miss::Next(why.to_owned())),
    }
}

fn miss(server: &Server, error: &Error) -> Miss {
    match connecting(server, error) {
        Trouble::Lost(_) => Miss::Next(text(error)),
        other => Miss::Last(other),
    }
}

/// Another connection to the same host in the same way.
pub fn again(server: &Server, target: &Target, way: SslMode) -> Result<Client, Trouble> {
    let tls = server.tls.connector().map_err(Trouble::Final)?;
    let mut config = server.config_of(target);
    config.ssl_mode(way);
    config.connect(tls).map_err(|error| connecting(server, &error))
}

/// With or without TLS, and what to try if the server turns the first away.
fn ways(server: &Server, target: &Target) -> (SslMode, Option<SslMode>) {
    if target.is_socket() {
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
    target: &Target,
    way: SslMode,
    tls: &MakeRustlsConnect,
) -> Result<Result<Client, Error>, Miss> {
    let (mut config, tls) = (server.config_of(target), tls.clone());
    config.ssl_mode(way);
    limited(server.connect_limit(), move || config.connect(tls)).map_err(Miss::Next)
}

/// Work on a connection, given up (with its connection) if it takes longer than this. A pool that hangs keeps the
/// network alive and answers nothing; without a limit, it would hold the run, and with its lock all runs after it.
pub fn within<T: Send + 'static>(
    server: &Server,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    limited(limit, work).map_err(|reason| Trouble::Lost(unreachable(server, &reason)))
}

fn limited<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (sender, receiver) = mpsc::channel();
    let talk = move || drop(sender.send(work()));
    thread::Builder::new().spawn(talk).map_err(|error| error.to_string())?;
    receiver.recv_timeout(limit).map_err(|_| format!("no answer within {limit:?}"))
}
