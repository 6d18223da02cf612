//! A server looked at before the night: how it was reached, what the user may do, who holds the lock.
//!
//! Invariant: the catalogue is asked, nothing is tried.

mod rights;

use postgres::{Client, Error, Row};

use super::connect::{connect, within};
use super::encoding::Encoding;
use super::error::{Trouble, working};
use super::hosts::Target;
use super::server::Server;
use super::tls::Mode;
use super::{lock, version};
use crate::store::StoreError;
use crate::store::checkup::{Checkup, Remark, Way};

/// The oldest server that these statements were tried on.
const OLDEST: i32 = 150_000;

const SERVER: &str = "
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
        current_setting('transaction_read_only')::bool AS read_only, pg_is_in_recovery() AS standby,
        current_user::text AS name";
const WAY: &str = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Given up where a night would give it up.
pub fn examine(server: &Server, source: &str) -> Result<Checkup, StoreError> {
    let mut client = connect(server).map_err(Trouble::into_error)?;
    let (asked, source) = (server.clone(), source.to_owned());
    let looked = within(server, server.patience(), move || look(&mut client, &asked, &source));
    looked.map_err(Trouble::into_error)?.map_err(|error| working(server, &error).into_error())
}

fn look(client: &mut Client, server: &Server, source: &str) -> Result<Checkup, Error> {
    let about = client.query_one(SERVER, &[])?;
    let user: String = about.try_get("name")?;
    let encoding = Encoding::of(client)?;
    let source = encoding.escaped(client, source)?;
    let schema = version(client)?;
    let security = rights::row_security(client, &user)?;
    let is_hidden = security.refusal.is_some();
    let obstacles = read_only(&about)?.into_iter().chain(security.refusal);
    let obstacles = obstacles.chain(rights::missing(client, &user, schema)?).collect();
    Ok(Checkup {
        kind: format!("PostgreSQL {}", about.try_get::<_, String>("version")?),
        way: way(client, server)?,
        schema,
        // What no policy lets this user see looks as if it had not been made.
        unmade: if is_hidden { None } else { rights::unmade(client, &user, schema)? },
        obstacles,
        doubts: old(&about)?.into_iter().chain(security.doubt).collect(),
        encoding: about_encoding(&encoding),
        folder: None,
        holder: lock::holder(client, &source)?,
    })
}

fn read_only(about: &Row) -> Result<Option<Remark>, Error> {
    let remark = |what: &str, advice: &str| Some((what.to_owned(), advice.to_owned()));
    Ok(match (about.try_get("standby")?, about.try_get("read_only")?) {
        (true, _) => remark("it is a standby, which takes no rows", "name the primary server"),
        (false, true) => remark("its transactions are read-only", "unset default_transaction_read_only"),
        (false, false) => None,
    })
}

/// What a database of another encoding lacks, a run escapes: it is stored, and nobody wants it so.
fn about_encoding(encoding: &Encoding) -> Option<Remark> {
    let name = encoding.name();
    encoding.is_partial().then(|| {
        let what = format!("its encoding is {name}: names that this lacks are stored escaped, as \\u{{591c}}");
        (what, "make a database with createdb --encoding=UTF8 --template=template0, and name it".to_owned())
    })
}

fn old(about: &Row) -> Result<Option<Remark>, Error> {
    let is_old = about.try_get::<_, i32>("number")? < OLDEST;
    let remark =
        || ("it is older than 15, with which giggles was never tried".to_owned(), "update the server".to_owned());
    Ok(is_old.then(remark))
}

fn way(client: &mut Client, server: &Server) -> Result<Way, Error> {
    let row = client.query_opt(WAY, &[])?;
    let is_verified = server.tls.mode == Mode::VerifyFull;
    let is_trusted = server.tls.mode == Mode::VerifyCa;
    Ok(match row {
        Some(row) if row.try_get("ssl")? => {
            let (version, cipher): (Option<String>, Option<String>) = (row.try_get("version")?, row.try_get("cipher")?);
            let protocol = [version, cipher].into_iter().flatten().collect::<Vec<_>>().join(", ");
            Way::Tls { protocol, is_verified, is_trusted }
        }
        _ if server.hosts.iter().all(Target::is_here) => Way::Local,
        _ => Way::Plain,
    })
}
