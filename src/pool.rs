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
/// Pieces that may be pending in addition to one per thread: enough that no thread runs out of pieces while the
/// producer processes one itself.
const SPARE: usize = 3;
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
    rayon::in_place_scope_fifo(|scope| {
        consume(&mut InOrder { scope, pieces, work: &work, queue: VecDeque::new(), end: None })
    })
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
    fn may_wait() -> bool {
        PENDING.load(Ordering::Relaxed) < rayon::current_num_threads() + SPARE
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
mod tests {
    use super::*;

    #[test]
    fn results_are_in_input_order_for_any_number_of_threads_and_sizes() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|i| i * i).collect();
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.map(&items, |i| i * 7919 % 1000, |i| i * i, |_, _| 0), expected);
        }
    }

    #[test]
    fn the_largest_item_starts_first() {
        let order = Mutex::new(Vec::new());
        let pool = Pool::new(1).unwrap();
        pool.map(&[3, 9, 5], |i| *i, |i| order.lock().unwrap().push(*i), |_, _| ());
        assert_eq!(order.into_inner().unwrap(), [9, 5, 3]);
    }

    #[test]
    fn a_panic_affects_its_own_item_only() {
        let pool = Pool::new(2).unwrap();
        let work = |i: &i32| if *i == 2 { panic!("no {i}") } else { i.to_string() };
        assert_eq!(pool.map(&[1, 2, 3], |_| 0, work, |_, message| message), ["1", "no 2", "3"]);
    }

    /// The results of `in_order` for the pieces 1 to `pieces`, and its error. `work` is slow for some, so others
    /// overtake. Piece `fault` fails; the results after `last` are not taken.
    fn results(pieces: u64, fault: Option<u64>, last: Option<u64>) -> (Vec<u64>, Option<String>) {
        let pieces =
            (1..=pieces).map(|piece| if Some(piece) == fault { Err(format!("fault at {piece}")) } else { Ok(piece) });
        let work = |piece: u64| {
            std::thread::sleep(Duration::from_micros(piece * 7919 % 300));
            piece
        };
        in_order(pieces, work, |results| {
            let mut taken = Vec::new();
            for result in results {
                match result {
                    Ok(result) => taken.push(result),
                    Err(error) => return (taken, Some(error)),
                }
                if taken.last().copied() == last {
                    break;
                }
            }
            (taken, None)
        })
    }

    #[test]
    fn results_of_pieces_are_in_order_inside_and_outside_a_pool() {
        let expected = ((1..=300).collect(), None);
        assert_eq!(results(300, None, None), expected);
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads).unwrap();
            let lines = pool.map(&[(); 5], |_| 0, |_| results(300, None, None), |_, panic| panic!("{panic}"));
            assert!(lines.iter().all(|line| *line == expected), "{threads} threads");
        }
    }

    #[test]
    fn the_oldest_queued_piece_is_processed_first() {
        let pool = Pool::new(1).unwrap();
        // The order of processing, and whether pieces were queued: pieces of other tests may leave no space for that.
        let line = |_: &()| {
            let (order, waited) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
            let pieces = (0..50).inspect(|&piece| {
                waited.fetch_add(usize::from(piece > order.lock().unwrap().len()), Ordering::Relaxed);
            });
            let work = |piece| order.lock().unwrap().push(piece);
            let count = in_order(pieces.map(Ok::<_, ()>), work, |results| results.count());
            assert_eq!(count, 50);
            (order.into_inner().unwrap(), waited.into_inner() > 0)
        };
        let until = std::time::Instant::now() + Duration::from_secs(60);
        let lines = std::iter::from_fn(|| pool.map(&[()], |_| 0, line, |_, panic| panic!("{panic}")).pop());
        let mut lines = lines.take_while(|_| std::time::Instant::now() < until);
        let (order, _) = lines.find(|(_, waited)| *waited).expect("pieces that wait");
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_follows_the_results_before_it_and_results_need_not_be_taken() {
        let pool = Pool::new(2).unwrap();
        let work = |&(fault, last): &(Option<u64>, Option<u64>)| results(300, fault, last);
        let lines = pool.map(&[(Some(90), None), (None, Some(40))], |_| 0, work, |_, panic| panic!("{panic}"));
        assert_eq!(lines[0], ((1..90).collect(), Some("fault at 90".to_owned())));
        assert_eq!(lines[1], ((1..=40).collect(), None));
    }

    #[test]
    fn few_pieces_wait_for_their_results_to_be_taken() {
        let pool = Pool::new(2).unwrap();
        let line = |_: &()| {
            let made = AtomicUsize::new(0);
            let pieces = (0..1000).map(|_| Ok::<_, ()>(made.fetch_add(1, Ordering::Relaxed)));
            assert_eq!(in_order(pieces, |piece| piece, |results| results.next()), Some(Ok(0)));
            made.into_inner()
        };
        let made = pool.map(&[()], |_| 0, line, |_, panic| panic!("{panic}"))[0];
        assert!((1..=2 + SPARE).contains(&made), "{made} pieces were made for one result");
    }

    #[test]
    fn a_panic_in_a_piece_becomes_the_result_of_its_item() {
        let pool = Pool::new(2).unwrap();
        let line = |bad: &i32| {
            let work = |piece| if piece == *bad { panic!("no {piece}") } else { piece };
            let count = in_order((1..100).map(Ok::<_, ()>), work, |results| results.count());
            format!("all {count}")
        };
        assert_eq!(pool.map(&[50, 200], |_| 0, line, |_, message| message), ["no 50", "all 99"]);
    }

    #[test]
    fn several_threads_process_the_pieces_of_one_item() {
        let pool = Pool::new(2).unwrap();
        let line = |_: &()| {
            let work = |_| {
                std::thread::sleep(Duration::from_millis(1));
                rayon::current_thread_index()
            };
            in_order((0..100).map(Ok::<_, ()>), work, |threads| threads.collect::<std::collections::HashSet<_>>().len())
        };
        assert_eq!(pool.map(&[()], |_| 0, line, |_, panic| panic!("{panic}")), [2]);
    }
}
