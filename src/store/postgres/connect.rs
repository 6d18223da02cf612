//! Connects within a time limit and sets up the session for the store.
//!
//! Invariant: does not use any table.

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{RetryClass, connecting, is_about_transport, text, unreachable};
use super::hosts::Target;
use super::server::{Server, SessionAttributes};
use super::tls::Mode;
use super::{pooler, session};
use crate::domain::Reason;
use crate::store::StoreError;

/// A connection, its host and its transport.
pub struct Link {
    pub client: Client,
    pub target: Target,
    pub transport: SslMode,
}

/// Connects to the server itself, or to a pooler that assigns connections by session.
pub fn connect(server: &Server) -> Result<Client, RetryClass> {
    prepared(server, pooler::refuse(server, find(server)?)?)
}

/// Like [`connect`], without the check for a pooler, which was made before.
pub fn reconnect(server: &Server) -> Result<Client, RetryClass> {
    prepared(server, find(server)?.client)
}

fn prepared(server: &Server, mut client: Client) -> Result<Client, RetryClass> {
    let (client, done) = within(server, server.connect_limit(), move || {
        let done = session::prepare(&mut client);
        (client, done)
    })?;
    done.map_err(|error| connecting(server, error))?;
    Ok(client)
}

/// Why a host is not used.
enum Miss {
    /// Try the next host.
    Next(Reason),
    /// It answered with an error that the other hosts would return too.
    Last(RetryClass),
}

/// Connects to the first acceptable host.
fn find(server: &Server) -> Result<Link, RetryClass> {
    let tls = server.tls.connector().map_err(RetryClass::Final)?;
    let mut missed = Vec::new();
    for wanted in rounds(server.session) {
        for target in in_order(server) {
            match host(server, target, *wanted, &tls) {
                Ok(link) => return Ok(link),
                Err(Miss::Next(reason)) => missed.push((target, reason)),
                Err(Miss::Last(class)) => return Err(class),
            }
        }
    }
    Err(RetryClass::Lost(unreachable(server, all_reasons(&missed))))
}

/// One reason for all hosts; its cause is that of the first one.
fn all_reasons(missed: &[(&Target, Reason)]) -> Reason {
    match missed {
        [(_, reason)] => reason.clone(),
        several => {
            let texts: Vec<String> = several.iter().map(|(target, reason)| format!("{target}: {reason}")).collect();
            let joined = texts.join("; ");
            several.first().map_or_else(|| joined.as_str().into(), |(_, first)| first.reworded(joined.as_str()))
        }
    }
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
    let (first, second) = transports(server, target);
    let link =
        match attempt(server, target, first, tls)? {
            Ok(client) => Ok(Link { client, target: target.clone(), transport: first }),
            Err(error) => match second {
                Some(second) if is_about_transport(&error) => attempt(server, target, second, tls)?
                    .map(|client| Link { client, target: target.clone(), transport: second }),
                _ => Err(error),
            },
        };
    let Link { mut client, target, transport } = link.map_err(|error| miss(server, error))?;
    let checked = limited(server.connect_limit(), move || {
        let unsuitable = session::unsuitable(&mut client, wanted);
        (client, unsuitable)
    });
    let (client, unsuitable) = checked.map_err(Miss::Next)?;
    match unsuitable.map_err(|error| miss(server, error))? {
        None => Ok(Link { client, target, transport }),
        Some(why) => Err(Miss::Next(why.into())),
    }
}

fn miss(server: &Server, error: Error) -> Miss {
    let text = text(&error);
    match connecting(server, error) {
        RetryClass::Lost(StoreError::Unreachable(reason)) => Miss::Next(reason.reworded(text)),
        other => Miss::Last(other),
    }
}

/// Opens another connection to the same host with the same transport.
pub fn again(server: &Server, target: &Target, transport: SslMode) -> Result<Client, RetryClass> {
    let tls = server.tls.connector().map_err(RetryClass::Final)?;
    let mut config = server.config_of(target);
    config.ssl_mode(transport);
    config.connect(tls).map_err(|error| connecting(server, error))
}

/// With or without TLS, and the alternative to try if the server refuses the first.
fn transports(server: &Server, target: &Target) -> (SslMode, Option<SslMode>) {
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

/// The driver only limits the time of the TCP connection: a server that accepts and then never answers (an overloaded
/// pool, a failing disk) would block forever, so the whole attempt has a limit.
fn attempt(
    server: &Server,
    target: &Target,
    transport: SslMode,
    tls: &MakeRustlsConnect,
) -> Result<Result<Client, Error>, Miss> {
    let (mut config, tls) = (server.config_of(target), tls.clone());
    config.ssl_mode(transport);
    limited(server.connect_limit(), move || config.connect(tls)).map_err(Miss::Next)
}

/// Runs `work` on a connection and abandons both if it takes longer than `limit`. A pool that hangs keeps the TCP
/// connection alive but never answers; without a limit, it would block the run, and through its lock all later runs.
pub fn within<T: Send + 'static>(
    server: &Server,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RetryClass> {
    limited(limit, work).map_err(|reason| RetryClass::Lost(unreachable(server, reason)))
}

fn limited<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reason> {
    let (sender, receiver) = mpsc::channel();
    let send = move || drop(sender.send(work()));
    thread::Builder::new().spawn(send).map_err(Reason::wrap)?;
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("no answer within {limit:?}").into(),
        RecvTimeoutError::Disconnected => "the thread that asked has ended; this is a bug".into(),
    })
}
