//! A thread pool with two levels of parallelism: items (recordings), and pieces of one item (batches of patches), so
//! that a single long recording keeps every thread busy.
//!
//! ```text
//! map:       each worker takes the largest item left and processes it; results are returned in input order
//! in_order:  the worker of an item takes the results of its pieces from an iterator, in order;
//!            until the next result is there, the iterator produces pieces and queues them, as many as may wait,
//!            then processes the oldest queued piece itself; any idle worker processes pieces as well
//! ```
//!
//! The iterator of one `in_order` may take from another one. Neither waits for the other: with nothing of its own queued, each
//! produces a piece whatever the bound is, and `work` never waits. So one of them can always go on.
//!
//! Invariant: does not depend on audio, database or output. A panic in one item becomes the result of that item and
//! does not affect others. The number of queued pieces is bounded for any item length.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rayon::Yield;

/// Prefix of the names of worker threads.
pub const POOL_THREADS: &str = "giggles-";

/// The pool could not be created.
#[derive(Debug, thiserror::Error)]
#[error("{threads} threads cannot be started ({source}); ask for fewer with --threads")]
pub struct PoolError {
    threads: usize,
    source: rayon::ThreadPoolBuildError,
}

/// A fixed number of worker threads.
pub struct Pool(rayon::ThreadPool);

impl Pool {
    /// The number of workers.
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Starts `threads` workers; 0 means one per core.
    pub fn new(threads: usize) -> Result<Pool, PoolError> {
        let builder =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("{POOL_THREADS}{i}"));
        builder.build().map(Pool).map_err(|source| PoolError { threads, source })
    }

    /// Calls `work` once for every item and returns the results in the order of the items. The largest item by `size`
    /// starts first, so that no large item remains at the end. If `work` panics, the result is `panicked(item,
    /// message)`.
    ///
    /// Each thread processes one item at a time. When no items are left, it processes pieces of other items
    /// ([`in_order`]).
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        size: impl Fn(&T) -> u64,
        work: impl Fn(&T) -> R + Sync,
        panicked: impl Fn(&T, String) -> R + Sync,
    ) -> Vec<R> {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|&index| Reverse(size(&items[index])));
        let turn = AtomicUsize::new(0);
        let each = |_: rayon::BroadcastContext<'_>| {
            let indices = std::iter::from_fn(|| order.get(turn.fetch_add(1, Ordering::Relaxed)).copied());
            let guarded = |item: &T| guard(|| work(item)).unwrap_or_else(|message| panicked(item, message));
            indices.map(|index| (index, guarded(&items[index]))).collect::<Vec<_>>()
        };
        let mut results: Vec<(usize, R)> = self.0.broadcast(each).into_iter().flatten().collect();
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Pieces that are queued or being processed, in the whole process, because the bound on their memory is global.
static PENDING: AtomicUsize = AtomicUsize::new(0);
/// Calls of [`in_order`] in progress, in the whole process.
static SCOPES: AtomicUsize = AtomicUsize::new(0);
/// Pieces that may be pending in addition to one per thread: enough that no thread runs out of pieces while the
/// producer processes one itself.
const SPARE: usize = 3;
/// Calls of [`in_order`] for one item: one takes from the other.
const STAGES: usize = 2;
/// How long to wait for a piece that another thread is processing before checking for other work.
const WAIT: Duration = Duration::from_millis(1);

/// Calls `consume` with an iterator over the results of `work` for every piece, in order, and returns what it returns.
/// Pieces are produced and results are consumed on the calling thread, when `consume` asks for a result; `work` runs on
/// any thread of the current pool. Outside a pool, pieces are processed one after the other.
///
/// An error of `pieces` is the last result. Results that `consume` does not take are dropped. A panic in `work` is
/// resumed in the calling thread.
pub fn in_order<T: Send, R: Send, E, W: Fn(T) -> R + Sync, O>(
    pieces: impl Iterator<Item = Result<T, E>>,
    work: W,
    consume: impl FnOnce(&mut dyn Iterator<Item = Result<R, E>>) -> O,
) -> O {
    if rayon::current_thread_index().is_none() {
        return consume(&mut pieces.map(|piece| piece.map(&work)));
    }
    // FIFO, on this thread too: a newer piece, finished early, stays in the queue until all older ones are done, and
    // the queue would fill up with finished pieces.
    let _counted = Counted::new();
    rayon::in_place_scope_fifo(|scope| {
        consume(&mut InOrder { scope, pieces, work: &work, queue: VecDeque::new(), end: None })
    })
}

/// A call of [`in_order`] in progress.
struct Counted;

impl Counted {
    fn new() -> Counted {
        SCOPES.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        SCOPES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The iterator of [`in_order`] inside a pool.
struct InOrder<'a, 'scope, I, W, R, E> {
    scope: &'a rayon::ScopeFifo<'scope>,
    pieces: I,
    work: &'scope W,
    /// The pieces whose results have not been returned, oldest first.
    queue: VecDeque<Arc<Piece<R>>>,
    /// Set when no more pieces follow, with the error that ended them.
    end: Option<Option<E>>,
}

impl<'scope, I, W, T, R, E> Iterator for InOrder<'_, 'scope, I, W, R, E>
where
    I: Iterator<Item = Result<T, E>>,
    W: Fn(T) -> R + Sync,
    T: Send + 'scope,
    R: Send + 'scope,
{
    type Item = Result<R, E>;

    fn next(&mut self) -> Option<Result<R, E>> {
        loop {
            let oldest = self.queue.front();
            if let Some(result) = oldest.and_then(|piece| piece.result()) {
                self.queue.pop_front();
                return Some(Ok(result.unwrap_or_else(|panic| resume_unwind(panic))));
            }
            match (oldest, &mut self.end) {
                (None, Some(error)) => return error.take().map(Err),
                (Some(oldest), Some(_)) => oldest.help(),
                (Some(oldest), None) if !Piece::<R>::may_wait() => oldest.help(),
                (_, end) => match self.pieces.next() {
                    Some(Ok(piece)) => self.queue.push_back(Piece::spawn(self.scope, piece, self.work)),
                    Some(Err(error)) => *end = Some(Some(error)),
                    None => *end = Some(None),
                },
            }
        }
    }
}

type Panic = Box<dyn Any + Send>;

/// A queued piece, and its result when it is done.
struct Piece<R> {
    result: Mutex<Option<Result<R, Panic>>>,
    done: Condvar,
}

impl<R: Send> Piece<R> {
    /// Each other item in progress has a piece of its own for one of the threads, so that fewer need to be spare.
    fn may_wait() -> bool {
        let others = SCOPES.load(Ordering::Relaxed).div_ceil(STAGES).saturating_sub(1);
        PENDING.load(Ordering::Relaxed) < (rayon::current_num_threads() + SPARE).saturating_sub(others)
    }

    fn spawn<'scope, T: Send + 'scope>(
        scope: &rayon::ScopeFifo<'scope>,
        piece: T,
        work: &'scope (impl Fn(T) -> R + Sync),
    ) -> Arc<Piece<R>>
    where
        R: 'scope,
    {
        PENDING.fetch_add(1, Ordering::Relaxed);
        let handed = Arc::new(Piece { result: Mutex::new(None), done: Condvar::new() });
        let worked = handed.clone();
        scope.spawn_fifo(move |_| {
            let result = catch_unwind(AssertUnwindSafe(|| work(piece)));
            *worked.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            worked.done.notify_one();
        });
        handed
    }

    /// Takes the result, if the piece is done.
    fn result(&self) -> Option<Result<R, Panic>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Processes any queued piece, of this item or another; if there is none, waits up to [`WAIT`] for this one.
    fn help(&self) {
        if let Some(Yield::Executed) = rayon::yield_now() {
            return;
        }
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_none() {
            drop(self.done.wait_timeout(result, WAIT));
        }
    }
}

impl<R> Drop for Piece<R> {
    fn drop(&mut self) {
        PENDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs `work` and returns its result, or the message of its panic.
///
/// State that `work` leaves inconsistent after a panic must be local to it, or be overwritten before its next use.
pub fn guard<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests;
