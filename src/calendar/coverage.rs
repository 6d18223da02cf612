//! Whether runs have scanned all recordings of a day since it ended.
//!
//! These runs do not count: one that started before the end of the day (the last recordings may have been missing), one
//! that found nothing (exit code 4: an unmounted disk has the same effect), and one with explicit files. A shard only
//! scans its part, so a day is complete when all shards of one division have scanned it. Recordings in progress must be
//! scanned again.
//!
//! Invariant: pure; memory is bounded by the number of sources and shards, not by the number of runs.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::Span;
use crate::domain::Coverage;
use crate::exit::Exit;

/// What runs have scanned of a day that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanCoverage {
    /// No run has scanned all of it.
    Never,
    /// The number of recordings that were in progress at the last run.
    InProgress(u64),
    /// All of it, first by a run that started at this time.
    Whole(Timestamp),
}

/// What runs have scanned of one day, by source.
pub struct CoverageByDay {
    day: Span,
    sources: HashMap<String, BTreeMap<u32, Division>>,
}

/// Runs of one division into shards, by the shard's number; a run without shards is 1/1.
type Division = BTreeMap<u32, Shard>;

/// The combined result of the runs of one shard.
struct Shard {
    /// Start of the first run that scanned all of the day without a recording in progress.
    whole: Option<Timestamp>,
    last: Timestamp,
    /// Recordings in progress at the last run.
    in_progress: u64,
}

impl CoverageByDay {
    pub fn new(day: Span) -> CoverageByDay {
        CoverageByDay { day, sources: HashMap::new() }
    }

    /// Adds a run; in any order.
    pub fn add(&mut self, run: &Coverage) {
        let Some((index, count)) = part(run).filter(|_| has_scanned(run, &self.day)) else { return };
        if !self.sources.contains_key(&run.source) {
            self.sources.insert(run.source.clone(), BTreeMap::new());
        }
        let Some(divisions) = self.sources.get_mut(&run.source) else { return };
        let whole = has_finished(run, &self.day).then_some(run.started);
        let new = Shard { whole, last: run.started, in_progress: run.in_progress };
        let shard = divisions.entry(count).or_default().entry(index).or_insert(new);
        shard.whole = [shard.whole, whole].into_iter().flatten().min();
        if run.started >= shard.last {
            (shard.last, shard.in_progress) = (run.started, run.in_progress);
        }
    }

    pub fn scan_coverage(&self, source: &str) -> ScanCoverage {
        let divisions = self.sources.get(source).into_iter().flatten();
        let complete = || divisions.clone().filter(|(count, shards)| shards.len() == **count as usize);
        match complete().filter_map(|(_, shards)| whole(shards)).min() {
            Some(at) => ScanCoverage::Whole(at),
            None => complete()
                .max_by_key(|(_, shards)| shards.values().map(|shard| shard.last).max())
                .map_or(ScanCoverage::Never, |(_, shards)| ScanCoverage::InProgress(in_progress(shards))),
        }
    }
}

fn has_scanned(run: &Coverage, day: &Span) -> bool {
    let window = run.window;
    let covers = window.from.is_none_or(|from| from <= day.from) && window.to.is_none_or(|to| to >= day.to);
    covers && run.started >= day.to && run.exit_code != Exit::Empty.code() && !run.explicit_files
}

/// A recorder that runs without a break always has a recording in progress; one that started after the day does not
/// count.
fn has_finished(run: &Coverage, day: &Span) -> bool {
    run.in_progress == 0 || run.in_progress_from.is_some_and(|from| from >= day.to)
}

/// Index and count of the shard. None for an unreadable shard, whose run does not count.
fn part(run: &Coverage) -> Option<(u32, u32)> {
    let Some(shard) = &run.shard else { return Some((1, 1)) };
    let (index, count) = shard.split_once('/')?;
    let (index, count) = (index.parse().ok()?, count.parse().ok()?);
    (1..=count).contains(&index).then_some((index, count))
}

/// When the last of the shards was scanned.
fn whole(shards: &Division) -> Option<Timestamp> {
    let firsts: Option<Vec<Timestamp>> = shards.values().map(|shard| shard.whole).collect();
    firsts?.into_iter().max()
}

/// The recordings in progress at the last run of each incomplete shard.
fn in_progress(shards: &Division) -> u64 {
    shards.values().filter(|shard| shard.whole.is_none()).map(|shard| shard.in_progress).sum()
}
