//! Checks a server before a run: the transport, the user's privileges, the holder of the lock.
//!
//! Invariant: only queries the catalog; does not try any operation.

mod rights;

use postgres::{Client, Error, Row};

use super::connect::{connect, within};
use super::encoding::Encoding;
use super::error::{RetryClass, working};
use super::hosts::Target;
use super::server::Server;
use super::tls::Mode;
use super::{lock, version};
use crate::store::StoreError;
use crate::store::probe::{Issue, Probe, Transport};

/// The oldest server version that giggles is tested with.
const OLDEST: i32 = 150_000;

const SERVER: &str = "
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
        current_setting('transaction_read_only')::bool AS read_only, pg_is_in_recovery() AS standby,
        current_user::text AS name";
const TRANSPORT: &str = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// With the same time limit as a run.
pub fn examine(server: &Server, source: &str) -> Result<Probe, StoreError> {
    let mut client = connect(server).map_err(RetryClass::into_error)?;
    let (asked, source) = (server.clone(), source.to_owned());
    let probe = within(server, server.statement_timeout(), move || inspect(&mut client, &asked, &source));
    probe.map_err(RetryClass::into_error)?.map_err(|error| working(server, error).into_error())
}

fn inspect(client: &mut Client, server: &Server, source: &str) -> Result<Probe, Error> {
    let about = client.query_one(SERVER, &[])?;
    let user: String = about.try_get("name")?;
    let encoding = Encoding::fetch(client)?;
    let source = encoding.escaped(client, source)?;
    let schema = version(client)?;
    let security = rights::row_security(client, &user)?;
    let is_hidden = security.refusal.is_some();
    let obstacles = read_only(&about)?.into_iter().chain(security.refusal);
    let obstacles = obstacles.chain(rights::missing(client, &user, schema)?).collect();
    Ok(Probe {
        kind: format!("PostgreSQL {}", about.try_get::<_, String>("version")?),
        transport: transport(client, server)?,
        schema,
        // Rows hidden by policies look like tables that do not exist yet.
        unmade: if is_hidden { None } else { rights::unmade(client, &user, schema)? },
        obstacles,
        doubts: old(&about)?.into_iter().chain(security.doubt).collect(),
        encoding: about_encoding(&encoding),
        folder: None,
        holder: lock::holder(client, &source)?,
    })
}

fn read_only(about: &Row) -> Result<Option<Issue>, Error> {
    let issue = |what: &str, advice: &str| Some((what.to_owned(), advice.to_owned()));
    Ok(match (about.try_get("standby")?, about.try_get("read_only")?) {
        (true, _) => issue("it is a standby, which takes no rows", "name the primary server"),
        (false, true) => issue("its transactions are read-only", "unset default_transaction_read_only"),
        (false, false) => None,
    })
}

/// A run escapes characters that the database's encoding lacks: they are stored, but hard to read in SQL.
fn about_encoding(encoding: &Encoding) -> Option<Issue> {
    let name = encoding.name();
    encoding.is_partial().then(|| {
        let what = format!("its encoding is {name}: characters that it lacks are stored escaped, as \\u{{591c}}");
        (what, "make a database with createdb --encoding=UTF8 --template=template0, and name it".to_owned())
    })
}

fn old(about: &Row) -> Result<Option<Issue>, Error> {
    let is_old = about.try_get::<_, i32>("number")? < OLDEST;
    let issue = || ("it is older than 15, which giggles is not tested with".to_owned(), "update the server".to_owned());
    Ok(is_old.then(issue))
}

fn transport(client: &mut Client, server: &Server) -> Result<Transport, Error> {
    let row = client.query_opt(TRANSPORT, &[])?;
    let is_verified = server.tls.mode == Mode::VerifyFull;
    let is_trusted = server.tls.mode == Mode::VerifyCa;
    Ok(match row {
        Some(row) if row.try_get("ssl")? => {
            let (version, cipher): (Option<String>, Option<String>) = (row.try_get("version")?, row.try_get("cipher")?);
            let protocol = [version, cipher].into_iter().flatten().collect::<Vec<_>>().join(", ");
            Transport::Tls { protocol, is_verified, is_trusted }
        }
        _ if server.hosts.iter().all(Target::is_here) => Transport::Local,
        _ => Transport::Plain,
    })
}
