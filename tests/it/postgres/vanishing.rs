//! A machine that vanishes without a word: no FIN, no RST, and the server frees its lock within a minute.
//!
//! Packets of one connection over the loopback are dropped, which takes root and iptables.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::homes::{Home, InPostgres};
use crate::support::program::{Place, RunningProgram, eventually, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");

/// No packet from or to this port arrives. Undone with this value.
struct Cut(Vec<[String; 2]>);

fn iptables(action: &str, rule: &[String; 2]) -> bool {
    let mut command = Command::new("iptables");
    command.args(["-w", action, "INPUT", "-i", "lo", "-p", "tcp"]).args(rule).args(["-j", "DROP"]);
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Cut {
    /// None where that is not permitted.
    fn start(port: &str) -> Option<Cut> {
        let parameters = ["--sport", "--dport"].map(|side| [side.to_owned(), port.to_owned()]);
        let cut = Cut(parameters.into_iter().take_while(|rule| iptables("-A", rule)).collect());
        (cut.0.len() == 2).then_some(cut)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        for rule in &self.0 {
            iptables("-D", rule);
        }
    }
}

const AT_WORK: &str = "SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND datname = current_database()";

#[test]
#[ignore = "takes a minute: scripts/crash_test.sh"]
fn a_host_that_vanishes_frees_its_lock_within_a_minute() {
    let (home, place) = (InPostgres::new(), Place::with(&[LAUGH]));
    // Making the tables takes a lock of its own.
    drop(giggles::store::open(&home.location()).unwrap());
    place.write_long("20251024_000000.wav", 60);
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    eventually("the run holds the lock", || home.ask(AT_WORK).len() == 1);
    let Some(_cut) = Cut::start(&home.ask(AT_WORK)[0]) else {
        eprintln!("NOT RUN: iptables is not permitted here");
        return;
    };
    run.signal(Signal::KILL);
    run.wait();
    let begun = Instant::now();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(home.ask(AT_WORK).len(), 1, "the server does not know yet");
    std::fs::remove_file(place.recording("20251024_000000.wav")).unwrap();
    said(&mut place.scan_into(&home.url(), &[])).ends_with(75).complains_of("another giggles (");
    while !home.ask(AT_WORK).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the lock is held for more than a minute");
        thread::sleep(Duration::from_millis(500));
    }
    println!("freed after {:.0?}", begun.elapsed());
    said(&mut place.scan_into(&home.url(), &[])).ends_with(0);
}

/// The other way round: the run notices, and stores what it has on a new connection.
#[test]
#[ignore = "takes a minute: scripts/crash_test.sh"]
fn a_server_that_vanishes_is_noticed_within_a_minute() {
    let (home, place) = (InPostgres::new(), Place::with(&[LAUGH]));
    // Making the tables takes a lock of its own.
    drop(giggles::store::open(&home.location()).unwrap());
    place.write_long("20251024_000000.wav", 2);
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    eventually("the run holds the lock", || home.ask(AT_WORK).len() == 1);
    let Some(_cut) = Cut::start(&home.ask(AT_WORK)[0]) else {
        eprintln!("NOT RUN: iptables is not permitted here");
        return;
    };
    let begun = Instant::now();
    run.wait().ends_with(0);
    println!("stored after {:.0?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(120));
    assert_eq!([home.count("runs"), home.count("recordings")], [1, 2]);
}
