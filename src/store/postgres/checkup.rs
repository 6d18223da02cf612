//! A server looked at before the night: how it was reached, what the user may do, who holds the lock.
//!
//! Invariant: the catalogue is asked, nothing is tried.

use postgres::config::Host;
use postgres::{Client, Error};

use super::connect::connect;
use super::error::{Trouble, working};
use super::server::Server;
use super::tls::Mode;
use super::{lock, version};
use crate::store::StoreError;
use crate::store::checkup::{Checkup, Way};

/// The oldest server that these statements were tried on.
const OLDEST: i32 = 150_000;

const SERVER: &str = "
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
        current_setting('transaction_read_only')::bool AS read_only, pg_is_in_recovery() AS standby,
        current_user::text AS name, current_schema()::text AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create";
const WAY: &str = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
/// What a run does to each table; laughs go with their recordings. `deploy/postgres/role.sql` grants the same.
const RIGHTS: &str = "
    SELECT privilege, table_name FROM (VALUES ('giggles_schema', 'SELECT'), ('runs', 'SELECT'), ('runs', 'INSERT'),
        ('recordings', 'SELECT'), ('recordings', 'INSERT'), ('recordings', 'DELETE'),
        ('detections', 'SELECT'), ('detections', 'INSERT')) AS needed (table_name, privilege)
    WHERE NOT coalesce(has_table_privilege(to_regclass(table_name)::oid, privilege), false)
    ORDER BY table_name, privilege";

pub fn examine(server: &Server, source: &str) -> Result<Checkup, StoreError> {
    let mut client = connect(server).map_err(Trouble::into_error)?;
    look(&mut client, server, source).map_err(|error| working(server, &error).into_error())
}

fn look(client: &mut Client, server: &Server, source: &str) -> Result<Checkup, Error> {
    let about = client.query_one(SERVER, &[])?;
    let schema = version(client)?;
    let user: String = about.try_get("name")?;
    let mut obstacles = Vec::new();
    let mut is_so = |is_so: bool, what: &str, advice: &str| {
        if is_so {
            obstacles.push((what.to_owned(), advice.to_owned()));
        }
    };
    is_so(about.try_get::<_, i32>("number")? < OLDEST, "it is older than 15", "update the server");
    is_so(about.try_get("standby")?, "it is a standby, which takes no rows", "name the primary server");
    is_so(about.try_get("read_only")?, "its transactions are read-only", "unset default_transaction_read_only");
    if schema == 0 {
        let may_create: bool = about.try_get("may_create")?;
        let advice = format!("GRANT CREATE ON SCHEMA public TO {user}, or run once as the database's owner");
        is_so(!may_create, &format!("there are no tables yet, and {user} may not make them"), &advice);
    }
    obstacles.extend(if schema == 0 { None } else { missing_rights(client, &user)? });
    Ok(Checkup {
        kind: format!("PostgreSQL {}", about.try_get::<_, String>("version")?),
        way: way(client, server)?,
        schema,
        obstacles,
        folder: None,
        holder: lock::holder(client, source)?,
    })
}

fn missing_rights(client: &mut Client, user: &str) -> Result<Option<(String, String)>, Error> {
    let rows = client.query(RIGHTS, &[])?;
    let missing: Vec<String> =
        rows.iter().map(|row| format!("{} on {}", row.get::<_, &str>(0), row.get::<_, &str>(1))).collect();
    let advice = format!("run deploy/postgres/role.sql for {user} as the tables' owner");
    Ok((!missing.is_empty()).then(|| (format!("{user} lacks {}", missing.join(", ")), advice)))
}

fn way(client: &mut Client, server: &Server) -> Result<Way, Error> {
    let row = client.query_opt(WAY, &[])?;
    let is_verified = matches!(server.tls.mode, Mode::VerifyCa | Mode::VerifyFull);
    Ok(match row {
        Some(row) if row.try_get("ssl")? => {
            let (version, cipher): (Option<String>, Option<String>) = (row.try_get("version")?, row.try_get("cipher")?);
            let protocol = [version, cipher].into_iter().flatten().collect::<Vec<_>>().join(", ");
            Way::Tls { protocol, is_verified }
        }
        _ if stays_here(server) => Way::Local,
        _ => Way::Plain,
    })
}

fn stays_here(server: &Server) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    };
    server.config.get_hosts().iter().all(is_loopback)
}
