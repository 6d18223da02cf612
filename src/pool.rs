//! Every item exactly once, over all threads; results in the order given. And within an item: pieces of
//! it handed to whoever has time, so that one long recording keeps every thread busy.
//!
//! Invariant: knows no audio, store or output. A panic in one item is that item's result and stops
//! nothing else. What waits is bounded, however long an item is.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rayon::Yield;

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

    /// `work` on every item, the largest by `size` first, so that none is left alone at the end; results
    /// in the order given. An item whose work panics gets `panicked` of the panic's message.
    ///
    /// Each thread takes one item at a time. One that finds no more does pieces of the others' ([`in_order`]).
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

/// Pieces that wait or are worked on, in the whole process: the bound on their memory is, too.
static PENDING: AtomicUsize = AtomicUsize::new(0);
/// Pieces that may be pending beside one for each thread: enough that no thread runs out of them while the
/// one that makes them works on one itself.
const SPARE: usize = 3;
/// How long to wait for a piece that another thread works on before looking for something to do again.
const PATIENCE: Duration = Duration::from_millis(1);

/// `work` on every piece that `next` makes, by any thread of the pool that this is called in; `take` gets
/// the results, in order, until it breaks. `next` and `take` run on the calling thread. Outside a pool one
/// piece comes after the other.
///
/// An error of `next` is returned once the results of the pieces before it have been taken. A panic in
/// `work` goes on in the calling thread.
pub fn in_order<T: Send, R: Send, E>(
    mut next: impl FnMut() -> Result<Option<T>, E>,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, E> {
    if rayon::current_thread_index().is_none() {
        while let Some(piece) = next()? {
            if take(work(piece)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    let (work, mut waiting) = (&work, VecDeque::new());
    // The oldest piece first, on this thread too: the newest would keep its place in the line until all before it are
    // done, and the line would be full of pieces that nobody can work on.
    rayon::in_place_scope_fifo(|scope| {
        let mut end = None;
        loop {
            while let Some(result) = waiting.front().and_then(|piece: &Arc<Piece<R>>| piece.result()) {
                waiting.pop_front();
                if take(result.unwrap_or_else(|panic| resume_unwind(panic))).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            match (waiting.front(), &mut end) {
                (None, Some(_)) => return end.take().unwrap_or(Ok(())).map(ControlFlow::Continue),
                (front, None) if front.is_none() || Piece::<R>::may_wait() => match next() {
                    Ok(Some(piece)) => waiting.push_back(Piece::hand_over(scope, piece, work)),
                    Ok(None) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                },
                (Some(front), _) => front.help(),
                (None, None) => unreachable!("an empty line may always grow"),
            }
        }
    })
}

type Panic = Box<dyn Any + Send>;

/// A piece that was handed over: its result, once there is one.
struct Piece<R> {
    result: Mutex<Option<Result<R, Panic>>>,
    done: Condvar,
}

impl<R: Send> Piece<R> {
    fn may_wait() -> bool {
        PENDING.load(Ordering::Relaxed) < rayon::current_num_threads() + SPARE
    }

    fn hand_over<'scope, T: Send + 'scope>(
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

    /// The result, once.
    fn result(&self) -> Option<Result<R, Panic>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Works on any piece that waits, in this line or another's; if none does, waits a little for this one.
    fn help(&self) {
        if let Some(Yield::Executed) = rayon::yield_now() {
            return;
        }
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_none() {
            drop(self.done.wait_timeout(result, PATIENCE));
        }
    }
}

impl<R> Drop for Piece<R> {
    fn drop(&mut self) {
        PENDING.fetch_sub(1, Ordering::Relaxed);
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
    fn results_come_in_the_order_given_for_any_number_of_threads_and_sizes() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|i| i * i).collect();
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.map(&items, |i| i * 7919 % 1000, |i| i * i, |_, _| 0), expected);
        }
    }

    #[test]
    fn the_largest_is_first() {
        let order = Mutex::new(Vec::new());
        let pool = Pool::new(1).unwrap();
        pool.map(&[3, 9, 5], |i| *i, |i| order.lock().unwrap().push(*i), |_, _| ());
        assert_eq!(order.into_inner().unwrap(), [9, 5, 3]);
    }

    #[test]
    fn a_panic_is_the_result_of_its_item_alone() {
        let pool = Pool::new(2).unwrap();
        let work = |i: &i32| if *i == 2 { panic!("no {i}") } else { i.to_string() };
        assert_eq!(pool.map(&[1, 2, 3], |_| 0, work, |_, message| message), ["1", "no 2", "3"]);
    }

    /// What `in_order` takes of the pieces 1 to `pieces`; `work` is slow for some, so that they overtake.
    fn taken(pieces: u64, fault: Option<u64>, stop: Option<u64>) -> (Vec<u64>, Result<ControlFlow<()>, String>) {
        let (mut made, mut taken) = (0, Vec::new());
        let next = || {
            made += 1;
            if Some(made) == fault { Err(format!("fault at {made}")) } else { Ok((made <= pieces).then_some(made)) }
        };
        let work = |piece: u64| {
            std::thread::sleep(Duration::from_micros(piece * 7919 % 300));
            piece
        };
        let ended = in_order(next, work, |piece| {
            taken.push(piece);
            if Some(piece) == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (taken, ended)
    }

    #[test]
    fn pieces_are_taken_in_order_inside_a_pool_and_outside() {
        let expected = ((1..=300).collect(), Ok(ControlFlow::Continue(())));
        assert_eq!(taken(300, None, None), expected);
        for threads in [1, 2, 8] {
            let pool = Pool::new(threads).unwrap();
            let lines = pool.map(&[(); 5], |_| 0, |_| taken(300, None, None), |_, panic| panic!("{panic}"));
            assert!(lines.iter().all(|line| *line == expected), "{threads} threads");
        }
    }

    #[test]
    fn the_oldest_piece_that_waits_is_worked_on_first() {
        let pool = Pool::new(1).unwrap();
        // The order of work, and whether pieces waited: other tests' may leave no room for that.
        let line = |_: &()| {
            let (made, order, mut waited) = (AtomicUsize::new(0), Mutex::new(Vec::new()), false);
            let next = || {
                let piece = made.fetch_add(1, Ordering::Relaxed);
                waited |= piece < 50 && piece > order.lock().unwrap().len();
                Ok::<_, ()>((piece < 50).then_some(piece))
            };
            let work = |piece| order.lock().unwrap().push(piece);
            assert!(in_order(next, work, |()| ControlFlow::Continue(())).is_ok());
            (order.into_inner().unwrap(), waited)
        };
        let until = std::time::Instant::now() + Duration::from_secs(60);
        let lines = std::iter::from_fn(|| pool.map(&[()], |_| 0, line, |_, panic| panic!("{panic}")).pop());
        let mut lines = lines.take_while(|_| std::time::Instant::now() < until);
        let (order, _) = lines.find(|(_, waited)| *waited).expect("pieces that wait");
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_fault_comes_after_all_before_it_and_a_break_at_once() {
        let pool = Pool::new(2).unwrap();
        let work = |&(fault, stop): &(Option<u64>, Option<u64>)| taken(300, fault, stop);
        let lines = pool.map(&[(Some(90), None), (None, Some(40))], |_| 0, work, |_, panic| panic!("{panic}"));
        assert_eq!(lines[0], ((1..90).collect(), Err("fault at 90".to_owned())));
        assert_eq!(lines[1], ((1..=40).collect(), Ok(ControlFlow::Break(()))));
    }

    #[test]
    fn a_panic_in_a_piece_is_its_items_result() {
        let pool = Pool::new(2).unwrap();
        let line = |bad: &i32| {
            let mut pieces = 1..100;
            let work = |piece| if piece == *bad { panic!("no {piece}") } else { piece };
            assert!(
                in_order(|| Ok::<_, ()>(pieces.next()), work, |_| ControlFlow::Continue(())).unwrap().is_continue()
            );
            "all".to_owned()
        };
        assert_eq!(pool.map(&[50, 200], |_| 0, line, |_, message| message), ["no 50", "all"]);
    }

    #[test]
    fn several_threads_work_on_the_pieces_of_one_item() {
        let pool = Pool::new(2).unwrap();
        let line = |_: &()| {
            let (mut pieces, mut threads) = (0..100, std::collections::HashSet::new());
            let work = |_| {
                std::thread::sleep(Duration::from_millis(1));
                rayon::current_thread_index()
            };
            let take = |thread| {
                threads.insert(thread);
                ControlFlow::Continue(())
            };
            assert!(in_order(|| Ok::<_, ()>(pieces.next()), work, take).unwrap().is_continue());
            threads.len()
        };
        assert_eq!(pool.map(&[()], |_| 0, line, |_, panic| panic!("{panic}")), [2]);
    }
}
