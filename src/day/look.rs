//! Whether runs have looked for all recordings of a day since it ended.
//!
//! Not a run that began before that: it may have come before the last recordings. Nor one that saw nothing (4: an
//! unmounted disk looks like this) or was given single files. A shard looks for its part of them, so the day waits for
//! all shards of one division. What was still being written has to be looked for again.
//!
//! Invariant: pure, and no larger than the number of sources and shards, however many runs there are.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::Span;
use crate::exit::Exit;
use crate::record::Coverage;

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

/// What runs have seen of one day, source by source.
pub struct Looks {
    day: Span,
    sources: HashMap<String, BTreeMap<u32, Division>>,
}

/// Runs of one division into shards, by the shard's number; of a run without shards, 1/1.
type Division = BTreeMap<u32, Shard>;

/// What the runs of one shard come to.
struct Shard {
    /// When one had first looked for all of the day and found nothing that was still being written.
    whole: Option<Timestamp>,
    last: Timestamp,
    /// What the last one left.
    in_progress: u64,
}

impl Looks {
    pub fn new(day: Span) -> Looks {
        Looks { day, sources: HashMap::new() }
    }

    /// Runs come in any order.
    pub fn add(&mut self, run: &Coverage) {
        let Some((index, count)) = part(run).filter(|_| has_looked(run, &self.day)) else { return };
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

    pub fn of(&self, source: &str) -> Look {
        let divisions = self.sources.get(source).into_iter().flatten();
        let complete = || divisions.clone().filter(|(count, shards)| shards.len() == **count as usize);
        match complete().filter_map(|(_, shards)| whole(shards)).min() {
            Some(at) => Look::Whole(at),
            None => complete()
                .max_by_key(|(_, shards)| shards.values().map(|shard| shard.last).max())
                .map_or(Look::Never, |(_, shards)| Look::BeingWritten(in_progress(shards))),
        }
    }
}

fn has_looked(run: &Coverage, day: &Span) -> bool {
    let window = run.window;
    let covers = window.from.is_none_or(|from| from <= day.from) && window.to.is_none_or(|to| to >= day.to);
    covers && run.started >= day.to && run.exit_code != Exit::Empty.code() && !run.single_files
}

/// A recorder that never rests is always writing one; those that began after the day are not of it.
fn has_finished(run: &Coverage, day: &Span) -> bool {
    run.in_progress == 0 || run.in_progress_from.is_some_and(|from| from >= day.to)
}

/// None of a shard that is written in no way we know: it has looked for nothing.
fn part(run: &Coverage) -> Option<(u32, u32)> {
    let Some(shard) = &run.shard else { return Some((1, 1)) };
    let (index, count) = shard.split_once('/')?;
    let (index, count) = (index.parse().ok()?, count.parse().ok()?);
    (1..=count).contains(&index).then_some((index, count))
}

/// When the last of the shards had looked.
fn whole(shards: &Division) -> Option<Timestamp> {
    let firsts: Option<Vec<Timestamp>> = shards.values().map(|shard| shard.whole).collect();
    firsts?.into_iter().max()
}

/// By the last run of each shard that has not seen all of its recordings whole.
fn in_progress(shards: &Division) -> u64 {
    shards.values().filter(|shard| shard.whole.is_none()).map(|shard| shard.in_progress).sum()
}
