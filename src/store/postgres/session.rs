//! What a session is asked, and told, before anything else: which servers will do, and how it ends when a peer is gone.
//!
//! Invariant: knows nothing of tables.

use postgres::{Client, Error, SimpleQueryMessage};

use super::driver::{COUNT, IDLE, INTERVAL, SILENCE};
use super::server::SessionAttributes;

/// UTC makes instants read the same in every session; a table that somebody keeps locked is busy, and
/// must not hold a night's run for ever. What is said to be stored is on the disk, also where the server's
/// own setting would let a crash take the last second; stricter settings stay.
const SESSION: &str = "
    SET TIME ZONE 'UTC';
    SET lock_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
const ROLE: &str = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')";

pub fn prepare(client: &mut Client) -> Result<(), Error> {
    client.batch_execute(SESSION)?;
    // A server that knows no such setting, as imitations of Postgres may not, is no worse than before.
    match client.batch_execute(&keep_alive()) {
        Err(error) if error.as_db_error().is_some() => {
            log::debug!("the server keeps its own TCP keepalives: {error}");
            Ok(())
        }
        done => done,
    }
}

/// A machine that vanishes without a word, or its network, must not keep the run's lock for the two hours that a
/// system waits by itself. Shorter times stay, and so do those that the address asks for (`options`). Over a Unix
/// socket they do nothing.
fn keep_alive() -> String {
    format!(
        "SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '{}'),
            ('tcp_keepalives_interval', '{}'), ('tcp_keepalives_count', '{}'), ('tcp_user_timeout', '{}'))
            AS ours (name, wanted) USING (name)
        WHERE source <> 'client' AND NOT setting::bigint BETWEEN 1 AND wanted::bigint",
        IDLE.as_secs(),
        INTERVAL.as_secs(),
        COUNT,
        // Decided when the last question is still unanswered.
        (SILENCE - INTERVAL / 2).as_millis(),
    )
}

/// Why this server is not one of those that were asked for.
pub fn unsuitable(client: &mut Client, wanted: SessionAttributes) -> Result<Option<&'static str>, Error> {
    if wanted == SessionAttributes::Any {
        return Ok(None);
    }
    let (is_standby, is_read_only) = role(client)?;
    Ok(match wanted {
        SessionAttributes::ReadWrite if is_read_only => Some("its session is read-only"),
        SessionAttributes::ReadOnly if !is_read_only => Some("its session is not read-only"),
        SessionAttributes::Primary if is_standby => Some("it is a standby"),
        SessionAttributes::Standby | SessionAttributes::PreferStandby if !is_standby => Some("it is not a standby"),
        _ => None,
    })
}

fn role(client: &mut Client) -> Result<(bool, bool), Error> {
    let said = client.simple_query(ROLE)?;
    let row = said.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        _ => None,
    });
    Ok(row.unwrap_or_default())
}
