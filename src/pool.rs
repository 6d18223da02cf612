//! Every item exactly once, over all threads; results in the order given.
//!
//! Invariant: knows no audio, store or output. A panic in one item is that item's result and stops
//! nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

/// What the names of worker threads begin with.
pub const POOL_THREADS: &str = "giggles-";

/// Why no pool could be made.
#[derive(Debug, thiserror::Error)]
#[error("{threads} threads cannot be started ({reason}); ask for fewer with --threads")]
pub struct PoolError {
    threads: usize,
    reason: String,
}

/// A fixed number of worker threads.
pub struct Pool(rayon::ThreadPool);

impl Pool {
    /// `threads` workers; 0 means one a core.
    pub fn new(threads: usize) -> Result<Pool, PoolError> {
        let builder =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("{POOL_THREADS}{i}"));
        builder.build().map(Pool).map_err(|error| PoolError { threads, reason: error.to_string() })
    }

    /// `work` on every item. An item whose work panics gets `panicked` of the panic's message.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> R + Sync,
        panicked: impl Fn(&T, String) -> R + Sync,
    ) -> Vec<R> {
        let guarded = |item: &T| guard(|| work(item)).unwrap_or_else(|message| panicked(item, message));
        self.0.install(|| items.par_iter().with_max_len(1).map(guarded).collect())
    }
}

/// The result of some work, or the message with which it panicked.
///
/// What panicked work leaves half done must be its own, or be overwritten by whoever uses it next.
pub fn guard<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_given_for_any_number_of_threads() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|i| i * i).collect();
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.map(&items, |i| i * i, |_, _| 0), expected);
        }
    }

    #[test]
    fn a_panic_is_the_result_of_its_item_alone() {
        let pool = Pool::new(2).unwrap();
        let work = |i: &i32| if *i == 2 { panic!("no {i}") } else { i.to_string() };
        assert_eq!(pool.map(&[1, 2, 3], work, |_, message| message), ["1", "no 2", "3"]);
    }
}
