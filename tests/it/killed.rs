//! `kill -9` at random moments of a run, on SQLite and on a real Postgres: the run is there whole or not at
//! all, the next one completes the day, and no row is lost or double.
//!
//! `cargo test` draws a few moments; `scripts/crash_test.sh` draws 200 on each database. The seed is printed:
//! GIGGLES_SEED and GIGGLES_KILLS draw the same moments again, or more of them.

mod day;
mod moment;

use crate::support::homes;
use day::{Copied, Day, Rows};
use homes::{InPostgres, InSqlite};
use moment::{Moments, Phase};

/// What the kills of one database showed.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    while_storing: usize,
    too_late: usize,
    left_as_it_was: usize,
    stored_whole: usize,
    rolled_back_journals: usize,
}

/// Kills runs over one day, looks at what they left, and completes each.
fn survives<H: Copied>(kills: usize, damaged: usize) -> Tally {
    let day = Day::new(damaged);
    let base: H = day.before();
    let (before, after) = (Rows::read(&base), day.undisturbed(&base));
    assert_ne!(before, after, "the run changes something");
    let mut moments = Moments::measured(&day, &base);
    let mut tally = Tally { kills, ..Tally::default() };
    for number in 0..kills {
        let home = base.copied();
        let moment = moments.draw(number);
        let ended_before = moment.kill(&mut day.past_run(&home));
        tally.while_storing += usize::from(moment.phase == Phase::Storing);
        tally.too_late += usize::from(ended_before);
        tally.rolled_back_journals += usize::from(home.has_journal());
        home.decided();
        let left = Rows::read(&home);
        home.is_sound();
        assert!(left == before || left == after, "{moment:?} left half a run:\n{}", left.unlike(&before, &after));
        let is_stored = left == after;
        assert!(is_stored || !ended_before, "{moment:?}: it said that it had stored");
        tally.stored_whole += usize::from(is_stored);
        tally.left_as_it_was += usize::from(!is_stored);
        day.complete(&home, is_stored, &after);
    }
    tally
}

/// For every run of the tests; the script draws more.
const FEW: usize = 6;

#[test]
fn on_sqlite() {
    let tally = survives::<InSqlite>(FEW, 300);
    assert_eq!(tally.left_as_it_was + tally.stored_whole, FEW, "{tally:?}");
}

#[test]
fn on_postgres() {
    let tally = survives::<InPostgres>(FEW, 300);
    assert_eq!(tally.left_as_it_was + tally.stored_whole, FEW, "{tally:?}");
}

fn many<H: Copied>(name: &str) {
    let kills = std::env::var("GIGGLES_KILLS").map_or(200, |count| count.parse().expect("GIGGLES_KILLS is a number"));
    let begun = std::time::Instant::now();
    let tally = survives::<H>(kills, 4000);
    println!(
        "{name}: {} kills ({} after \"storing\", {} of all came after the end): {} left the day as it was, \
         {} had stored it whole; {} journals rolled back; every day completed; {:.0} s",
        tally.kills,
        tally.while_storing,
        tally.too_late,
        tally.left_as_it_was,
        tally.stored_whole,
        tally.rolled_back_journals,
        begun.elapsed().as_secs_f64()
    );
}

#[test]
#[ignore = "takes minutes: scripts/crash_test.sh"]
fn many_on_sqlite() {
    many::<InSqlite>("SQLite");
}

#[test]
#[ignore = "takes minutes: scripts/crash_test.sh"]
fn many_on_postgres() {
    many::<InPostgres>("Postgres");
}
