//! Lists of the columns of `A` that are not zero in all rows of a group.
//!
//! ```text
//! begin(lists, k)
//! for each group: write up to k numbers to next(), then close(count)
//! finish(k)
//! ```
//!
//! Invariant: no arithmetic here.

use super::panels::PREFETCH_DISTANCE;

/// One list for each group of rows (on the portable path, for each row), one after the other in one buffer.
#[derive(Default)]
pub(super) struct NonzeroLists {
    /// Ascending in each list. Behind the last list stand the first entries again, plus `k`, which are rows of the next
    /// panel: [`PREFETCH_DISTANCE`] behind any entry stands the row of weights that is needed by then.
    columns: Vec<u16>,
    /// End of each list.
    ends: Vec<usize>,
}

impl NonzeroLists {
    /// Begins `lists` lists of at most `k` columns.
    pub(super) fn begin(&mut self, lists: usize, k: usize) {
        let capacity = lists * k + PREFETCH_DISTANCE;
        if self.columns.len() < capacity {
            self.columns.resize(capacity, 0);
        }
        self.ends.clear();
    }

    /// Where the next list is written; what is behind its end may be overwritten.
    #[inline(always)]
    pub(super) fn next(&mut self) -> &mut [u16] {
        let start = self.total();
        &mut self.columns[start..]
    }

    /// Ends the next list after its first `count` entries.
    #[inline(always)]
    pub(super) fn close(&mut self, count: usize) {
        self.ends.push(self.total() + count);
    }

    /// After the last list, where [`NonzeroLists::prefetch_list`] is used.
    pub(super) fn finish(&mut self, k: usize) {
        let total = self.total();
        for ahead in 0..PREFETCH_DISTANCE {
            self.columns[total + ahead] = self.columns[ahead].wrapping_add(k as u16);
        }
    }

    /// Lists of all columns, for a layer that skips none.
    #[cfg(target_arch = "aarch64")]
    pub(super) fn list_all(&mut self, lists: usize, k: usize) {
        self.begin(lists, k);
        for _ in 0..lists {
            self.next().iter_mut().zip(0..k as u16).for_each(|(column, p)| *column = p);
            self.close(k);
        }
        self.finish(k);
    }

    /// The columns of a group.
    #[inline(always)]
    pub(super) fn list(&self, group: usize) -> &[u16] {
        &self.columns[self.start(group)..self.ends[group]]
    }

    /// What stands [`PREFETCH_DISTANCE`] behind each entry of a list.
    #[inline(always)]
    pub(super) fn prefetch_list(&self, group: usize) -> &[u16] {
        &self.columns[self.start(group) + PREFETCH_DISTANCE..self.ends[group] + PREFETCH_DISTANCE]
    }

    #[inline(always)]
    fn start(&self, group: usize) -> usize {
        if group == 0 { 0 } else { self.ends[group - 1] }
    }

    /// Columns of all lists.
    pub(super) fn total(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}
