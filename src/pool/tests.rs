//! Order, panics and use of the threads, of items and of pieces.

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

/// What two stages make of the pieces 0 to `pieces`, one of them fed by the other, as the last one gives it. A piece of
/// the first stage becomes none to three pieces of the second.
fn staged<R: Send>(pieces: u64, work: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let pause = |piece: u64| std::thread::sleep(Duration::from_micros(piece * 7919 % 300));
    let first = |piece: u64| {
        pause(piece);
        piece
    };
    let second = |piece: u64| {
        pause(piece);
        work(piece)
    };
    in_order((0..pieces).map(Ok::<_, ()>), first, |results| {
        let pieces = results.flat_map(|piece| {
            let piece = piece.unwrap();
            (0..piece % 4).map(move |part| Ok::<_, ()>(piece * 10 + part))
        });
        in_order(pieces, second, |results| results.map(Result::unwrap).collect())
    })
}

#[test]
fn two_stages_give_their_results_in_order_for_any_number_of_threads() {
    let expected: Vec<u64> = (0..200).flat_map(|piece| (0..piece % 4).map(move |part| piece * 10 + part)).collect();
    assert_eq!(staged(200, |piece| piece), expected);
    for threads in [1, 2, 8] {
        let pool = Pool::new(threads).unwrap();
        let lines = pool.map(&[(); 5], |_| 0, |_| staged(200, |piece| piece), |_, panic| panic!("{panic}"));
        assert!(lines.iter().all(|line| *line == expected), "{threads} threads");
    }
}

/// The first result of one item that is as it `should` be, within a minute. The bound on pieces is global: those of other
/// tests may leave no space for a second one.
fn eventually<R: Send>(pool: &Pool, work: impl Fn(&()) -> R + Sync, should: impl Fn(&R) -> bool) -> Option<R> {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    let results = std::iter::from_fn(|| pool.map(&[()], |_| 0, &work, |_, panic| panic!("{panic}")).pop());
    results.take_while(|_| std::time::Instant::now() < until).find(should)
}

#[test]
fn several_threads_process_both_stages_of_one_item() {
    let pool = Pool::new(2).unwrap();
    let line = |_: &()| {
        let threads = staged(200, |_| rayon::current_thread_index());
        threads.into_iter().collect::<std::collections::HashSet<_>>().len()
    };
    assert_eq!(eventually(&pool, line, |threads| *threads == 2), Some(2), "one thread processes every piece");
}

#[test]
fn a_panic_in_the_second_stage_becomes_the_result_of_its_item() {
    let pool = Pool::new(2).unwrap();
    let line = |bad: &u64| {
        let work = |piece| if piece == *bad { panic!("no {piece}") } else { piece };
        format!("all {}", staged(100, work).len())
    };
    assert_eq!(pool.map(&[981, 5000], |_| 0, line, |_, message| message), ["no 981", "all 150"]);
}

#[test]
fn the_oldest_queued_piece_is_processed_first() {
    let pool = Pool::new(1).unwrap();
    // The order of processing, and whether pieces were queued.
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
    let (order, _) = eventually(&pool, line, |(_, waited)| *waited).expect("pieces that wait");
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
