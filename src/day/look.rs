//! Whether runs have looked for all recordings of a day since it ended.
//!
//! Not a run that began before that: it may have come before the last recordings. Nor one that saw nothing (4: an
//! unmounted disk looks like this) or was given single files. A shard looks for its part of them, so the day waits for
//! all shards of one division. What was still being written has to be looked for again.
//!
//! Invariant: pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Span;
use crate::exit::Exit;
use crate::record::PastRun;

/// What runs have seen of a day that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// None has looked for all of it.
    Never,
    /// So many recordings were still being written when the last one looked.
    BeingWritten(u64),
    /// For all of it, first at this time.
    Whole(Timestamp),
}

/// Runs of one division into shards, by the shard's number; of a run without shards, 1/1.
type Division<'a> = BTreeMap<u32, Vec<&'a PastRun>>;

impl Look {
    pub fn of(source: &str, day: &Span, runs: &[PastRun]) -> Look {
        let divisions = divisions(runs.iter().filter(|run| run.source == source && has_looked(run, day)));
        match divisions.iter().filter_map(|division| whole(division, day)).min() {
            Some(at) => Look::Whole(at),
            None => divisions
                .iter()
                .max_by_key(|division| last(division))
                .map_or(Look::Never, |division| Look::BeingWritten(being_written(division, day))),
        }
    }
}

fn has_looked(run: &PastRun, day: &Span) -> bool {
    let window = run.window;
    let covers = window.from.is_none_or(|from| from <= day.from) && window.to.is_none_or(|to| to >= day.to);
    covers && run.started >= day.to && run.exit_code != Exit::Empty.code() && !run.single_files
}

/// A recorder that never rests is always writing one; those that began after the day are not of it.
fn has_finished(run: &PastRun, day: &Span) -> bool {
    run.counts.unfinished == 0 || run.unfinished_from.is_some_and(|from| from >= day.to)
}

/// Those of which every shard has a run.
fn divisions<'a>(runs: impl Iterator<Item = &'a PastRun>) -> Vec<Division<'a>> {
    let mut by_count: BTreeMap<u32, Division> = BTreeMap::new();
    for run in runs {
        if let Some((index, count)) = part(run) {
            by_count.entry(count).or_default().entry(index).or_default().push(run);
        }
    }
    by_count.into_iter().filter(|(count, division)| division.len() == *count as usize).map(|(_, all)| all).collect()
}

/// None of a shard that is written in no way we know: it has looked for nothing.
fn part(run: &PastRun) -> Option<(u32, u32)> {
    let Some(shard) = &run.shard else { return Some((1, 1)) };
    let (index, count) = shard.split_once('/')?;
    let (index, count) = (index.parse().ok()?, count.parse().ok()?);
    (1..=count).contains(&index).then_some((index, count))
}

/// When the last of the shards had looked.
fn whole(division: &Division, day: &Span) -> Option<Timestamp> {
    let first = |runs: &Vec<&PastRun>| runs.iter().filter(|run| has_finished(run, day)).map(|run| run.started).min();
    let firsts: Option<Vec<Timestamp>> = division.values().map(first).collect();
    firsts?.into_iter().max()
}

fn last(division: &Division) -> Option<Timestamp> {
    division.values().flatten().map(|run| run.started).max()
}

/// By the last run of each shard that has not seen all of its recordings whole.
fn being_written(division: &Division, day: &Span) -> u64 {
    let is_open = |runs: &&Vec<&PastRun>| !runs.iter().any(|run| has_finished(run, day));
    let latest = |runs: &Vec<&PastRun>| runs.iter().max_by_key(|run| run.started).map(|run| run.counts.unfinished);
    division.values().filter(is_open).filter_map(latest).sum()
}
