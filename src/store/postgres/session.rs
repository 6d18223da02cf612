//! Session setup: checks `target_session_attrs`, and sets time zone, timeouts and TCP keepalives.
//!
//! Invariant: does not use any table.

use postgres::{Client, Error, SimpleQueryMessage};

use super::driver::{COUNT, IDLE, INTERVAL, SILENCE};
use super::server::SessionAttributes;

/// With UTC, timestamps read the same in every session. The lock timeout keeps a table that another session has locked
/// from blocking a run forever. `synchronous_commit` makes committed rows durable, even if the server's default allows
/// a crash to lose the last ones; stricter settings are kept.
const SESSION: &str = "
    SET TIME ZONE 'UTC';
    SET lock_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
const ROLE: &str = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')";

pub fn prepare(client: &mut Client) -> Result<(), Error> {
    client.batch_execute(SESSION)?;
    // A server without these settings, as a Postgres-compatible database may be, is still usable.
    match client.batch_execute(&keep_alive()) {
        Err(error) if error.as_db_error().is_some() => {
            log::debug!("the server keeps its own TCP keepalives: {error}");
            Ok(())
        }
        done => done,
    }
}

/// If a client machine or its network fails, its session must not keep the run's lock for the system's default of two
/// hours. Shorter times are kept, and so are those that the address sets (`options`). They have no effect over a Unix
/// socket.
fn keep_alive() -> String {
    format!(
        "SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '{}'),
            ('tcp_keepalives_interval', '{}'), ('tcp_keepalives_count', '{}'), ('tcp_user_timeout', '{}'))
            AS ours (name, wanted) USING (name)
        WHERE source <> 'client' AND NOT setting::bigint BETWEEN 1 AND wanted::bigint",
        IDLE.as_secs(),
        INTERVAL.as_secs(),
        COUNT,
        // Expires while the last probe is still unanswered.
        (SILENCE - INTERVAL / 2).as_millis(),
    )
}

/// Why this server does not satisfy `target_session_attrs`.
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
    let messages = client.simple_query(ROLE)?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        _ => None,
    });
    Ok(row.unwrap_or_default())
}
