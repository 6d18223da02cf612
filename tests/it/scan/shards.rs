//! Shards: together they analyze everything, and nothing twice.

use crate::scan::scan;
use crate::support::homes::{Home, InPostgres, InSqlite};
use crate::support::program::{Place, RunningProgram, said};

fn place() -> Place {
    let place = Place::new();
    for number in 0..9 {
        let samples: Vec<i16> = (0..16_000).map(|i| (i * (number + 3) % 200) as i16).collect();
        place.write_wav(&format!("{number}/20251024_1{number}0000.wav"), &samples);
    }
    place
}

#[test]
fn three_shards_analyze_every_recording_once() {
    let (place, home) = (place(), InSqlite::new());
    for shard in ["1/3", "2/3", "3/3"] {
        scan(&place, &home, &["--shard", shard]).ends_with(0);
    }
    assert_eq!(home.count("recordings"), 9);
    assert_eq!(home.ask("SELECT sum(analyzed), sum(skipped) FROM runs"), ["9|0"]);
    assert_eq!(home.ask("SELECT count(*) FROM runs WHERE analyzed > 0"), ["3"]);
}

#[test]
fn shards_run_at_the_same_time() {
    let (place, home) = (place(), InPostgres::new());
    let start = |shard| RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1", "--shard", shard]));
    let runs = ["1/3", "2/3", "3/3"].map(start);
    runs.into_iter().for_each(|run| {
        run.wait().ends_with(0);
    });
    assert_eq!(home.ask("SELECT sum(analyzed), sum(skipped) FROM runs"), ["9|0"]);
}

#[test]
fn an_array_job_reports_its_shard() {
    let (place, home) = (place(), InSqlite::new());
    for index in 0..3 {
        let mut command = place.scan_into(&home.url(), &["--shard", "auto"]);
        command.env("JOB_COMPLETION_INDEX", index.to_string()).env("JOB_COMPLETION_COUNT", "3");
        said(&mut command).ends_with(0);
    }
    assert_eq!(home.ask("SELECT sum(analyzed), sum(skipped) FROM runs"), ["9|0"]);
}

#[test]
fn an_empty_shard_of_a_folder_that_is_not_empty_is_not_a_failure() {
    let (place, home) = (Place::new(), InSqlite::new());
    scan(&place, &home, &["--shard", "1/3"]).ends_with(4);
    place.copy(crate::scan::OTHER.0, crate::scan::OTHER.1);
    for shard in ["1/3", "2/3", "3/3"] {
        scan(&place, &home, &["--shard", shard]).ends_with(0);
    }
    assert_eq!(home.ask("SELECT analyzed FROM runs ORDER BY analyzed"), ["0", "0", "0", "1"]);
}

/// As an unsharded run would: the day decides, not the folder.
#[test]
fn a_day_without_recordings_is_empty_for_every_shard() {
    let (place, home) = (place(), InSqlite::new());
    for shard in ["1/3", "2/3", "3/3"] {
        scan(&place, &home, &["--shard", shard, "--date", "2025-10-23", "--tz", "UTC"]).ends_with(4);
        scan(&place, &home, &["--shard", shard, "--date", "2025-10-23", "--tz", "UTC", "--allow-empty"]).ends_with(0);
    }
    place.copy(crate::scan::OTHER.0, "20251023_120000.flac");
    for shard in ["1/3", "2/3", "3/3"] {
        scan(&place, &home, &["--shard", shard, "--date", "2025-10-23", "--tz", "UTC"]).ends_with(0);
    }
    assert_eq!(home.ask("SELECT sum(analyzed), max(analyzed) FROM runs"), ["1|1"]);
}

#[test]
fn a_shard_that_kubernetes_does_not_count_is_refused_with_what_to_set() {
    let place = place();
    let mut command = place.scan_into(&place.sqlite(), &["--shard", "auto"]);
    let said = said(command.env("JOB_COMPLETION_INDEX", "0")).ends_with(78);
    said.complains_of("set JOB_COMPLETION_COUNT to it in the manifest");
}
