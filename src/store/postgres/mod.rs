//! The store on a Postgres server (comes with the next commit; until then its addresses are refused).

use std::fmt;

use super::{StoreError, sqlite::Sqlite};

/// A server's address.
#[derive(Clone)]
pub struct Server;

impl Server {
    pub fn parse(_: &str) -> Result<Server, StoreError> {
        Err(StoreError::Config(
            "Postgres is not built yet; write sqlite:PATH".into(),
        ))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres:")
    }
}

pub struct Postgres;

impl Postgres {
    pub fn open(server: &Server) -> Result<Sqlite, StoreError> {
        Err(StoreError::Config(server.to_string()))
    }
}
