//! One day of many sources: how many are complete, and which expected ones have no recordings.
//!
//! ```text
//! Complete -> complete    Damaged -> failed    NotScanned, InProgress -> incomplete    Running -> not over
//! Empty -> missing if the source is expected, else empty
//! expected, but no run of the source is stored -> missing
//! ```

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Completeness, Day};
use crate::exit::Exit;

/// How one source's day counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Complete,
    /// A recording failed or is partial.
    Failed,
    /// No run has scanned all of it since it ended, or recordings were in progress.
    Incomplete,
    NotOver,
    /// No recordings are stored.
    Empty,
}

impl From<Completeness> for State {
    fn from(completeness: Completeness) -> State {
        match completeness {
            Completeness::Complete => State::Complete,
            Completeness::Damaged { .. } => State::Failed,
            Completeness::NotScanned | Completeness::InProgress(_) => State::Incomplete,
            Completeness::Running => State::NotOver,
            Completeness::Empty => State::Empty,
        }
    }
}

/// The numbers of sources by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fleet {
    pub complete: usize,
    pub failed: usize,
    pub incomplete: usize,
    pub not_over: usize,
    /// Without recordings of the day, and not expected to have any.
    pub empty: usize,
    /// Expected sources without recordings of the day, in order.
    pub missing: BTreeSet<String>,
}

impl Fleet {
    /// All expected sources are missing until their day is added.
    pub fn expecting(sources: BTreeSet<String>) -> Fleet {
        Fleet { missing: sources, ..Fleet::default() }
    }

    pub fn add(&mut self, day: &Day) {
        let state = State::from(day.completeness());
        if state == State::Empty {
            self.empty += usize::from(!self.missing.contains(&day.source));
            return;
        }
        self.missing.remove(&day.source);
        *match state {
            State::Complete => &mut self.complete,
            State::Failed => &mut self.failed,
            State::Incomplete => &mut self.incomplete,
            State::NotOver | State::Empty => &mut self.not_over,
        } += 1;
    }

    /// That of the worst source that has recordings or should have some.
    pub fn exit(&self) -> Exit {
        match (self.failed + self.incomplete + self.missing.len(), self.complete + self.not_over) {
            (0, 0) => Exit::Empty,
            (0, _) => Exit::Complete,
            _ => Exit::Partial,
        }
    }
}
