//! A worker's connection to the database: opened when it is needed, and again after it was lost.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::problem::Problem;
use crate::error::Fatal;
use crate::store::{self, Location, Reader};

/// After a failed attempt, how long requests are answered without another one: each may take as long as the database's
/// connect timeout.
const PAUSE: Duration = Duration::from_secs(2);

/// The database, for all workers.
pub struct Database {
    pub location: Location,
    /// The last attempt to connect that failed, and its outline.
    away: Mutex<Option<(Instant, String)>>,
}

/// A worker's connection.
#[derive(Default)]
pub struct Connection {
    reader: Option<Box<dyn Reader>>,
    /// Whether the reader was used by an earlier request; then its connection may be lost.
    is_old: bool,
    /// The change token of the last request.
    token: Option<String>,
}

impl Database {
    pub fn new(location: Location) -> Database {
        Database { location, away: Mutex::default() }
    }

    fn is_away(&self) -> Option<String> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.as_ref().filter(|(since, _)| since.elapsed() < PAUSE).map(|(_, outline)| outline.clone())
    }

    fn open(&self) -> Result<Option<Box<dyn Reader>>, Problem> {
        if let Some(outline) = self.is_away() {
            return Err(Problem::unavailable(outline));
        }
        let opened = store::read(&self.location).map_err(|error| Problem::from(Fatal::from(error)));
        let away = opened.as_ref().err().map(|problem| (Instant::now(), problem.detail.clone()));
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
        opened
    }
}

impl Connection {
    /// The reader.
    ///
    /// # Errors
    /// 503 while the database cannot be reached, 404 as long as nothing has been stored.
    pub fn reader(&mut self, database: &Database) -> Result<&mut dyn Reader, Problem> {
        if self.reader.is_none() {
            self.reader = database.open()?;
        }
        match &mut self.reader {
            Some(reader) => Ok(reader.as_mut()),
            None => Err(Problem::not_found("nothing has been stored yet; run giggles scan with the same database")),
        }
    }

    /// Whether something was stored since the last request of this connection. True for a new one.
    pub fn has_changed(&mut self, database: &Database) -> Result<bool, Problem> {
        let token = self.reader(database)?.change_token()?;
        let is_new = self.token.as_ref() != Some(&token);
        self.token = Some(token);
        Ok(is_new)
    }

    /// Begins a request.
    pub fn begin(&mut self) {
        self.is_old = self.reader.is_some();
    }

    /// Closes the connection after an error. True if the request may be answered with a new one.
    pub fn reset(&mut self) -> bool {
        (self.reader, self.token) = (None, None);
        self.is_old
    }
}
