//! `giggles days`, and what `giggles report` shows without a date and of long ranges.

use giggles::domain::{Recording, RecordingError, Run};
use giggles::store::open;
use insta::assert_snapshot;

use crate::support::past_runs::{at, detection, past_run, recording};
use crate::support::program::{Place, Said};

fn started(name: &str, byte: u8, instant: &str) -> Recording {
    Recording { started: at(instant), ..recording(name, byte) }
}

fn place(runs: &[Run]) -> Place {
    let place = Place::new();
    let mut store = open(&place.sqlite().parse().unwrap()).unwrap();
    for run in runs {
        store.save(run).unwrap();
    }
    place
}

/// An hour at noon in Los Angeles of every second day from 1 October: as many laughs as the day of the month.
fn october(days: u8) -> Run {
    let days = (1..=days).step_by(2);
    let with_day = |run: crate::support::past_runs::PastRunBuilder, day: u8| {
        let laughs = (0..day).map(|laugh| detection(f64::from(laugh) * 10.0, f64::from(laugh) * 10.0 + 2.0));
        let name = format!("{day}.ogg");
        run.analyzed(started(&name, day, &format!("2025-10-{day:02}T19:00:00Z")), laughs.collect())
    };
    days.fold(past_run("neil"), with_day).build()
}

fn run(place: &Place, words: &[&str]) -> Said {
    place.run(&[words, &["--database", &place.sqlite()]].concat())
}

#[test]
fn the_last_fourteen_days_with_recordings_have_a_line_each() {
    let failed = past_run("ann").failed(started("bad.ogg", 99, "2025-10-31T19:00:00Z"), RecordingError::Empty);
    let place = place(&[october(31), failed.build()]);
    let said = run(&place, &["days"]).ends_with(0);
    assert_eq!((said.stdout.lines().count(), said.stderr.as_str()), (18, ""), "{}", said.stdout);
    assert_snapshot!(said.stdout.lines().skip(13).collect::<Vec<_>>().join("\n"), @"
    2025-10-27 Mon  1 h 00 min      27  ████████▋
    2025-10-29 Wed  1 h 00 min      29  █████████▎
    2025-10-31 Fri  1 h 00 min      31  ██████████                 1

    the last 14 days with recordings, in America/Los_Angeles; --from and --to show others; giggles report --date 2025-10-31 shows one
    ");
    let own = run(&place, &["days", "--from", "2025-10-30", "--to", "2025-10-31", "--source", "neil"]).ends_with(0);
    assert!(own.stdout.contains("\n2025-10-31 Fri  1 h 00 min      31  ██████████\n"), "{}", own.stdout);
    assert!(own.stdout.ends_with("days in America/Los_Angeles; giggles report --date 2025-10-31 shows one\n"));
    let few = run(&place, &["days", "--source", "ann"]).ends_with(0);
    assert!(
        few.stdout.contains("2025-10-31 Fri         -       -") && few.stdout.contains("all 1 day with recordings"),
        "{}",
        few.stdout
    );
}

/// A day of each source; the names are those of the API.
#[test]
fn days_are_json_for_scripts() {
    let place =
        place(&[october(3), past_run("ann").analyzed(started("a.ogg", 9, "2025-10-03T19:00:00Z"), vec![]).build()]);
    let document = run(&place, &["days", "--json", "--to", "2025-10-03", "--from", "2025-10-02"]).ends_with(0).json();
    assert_eq!(document["zone"], "America/Los_Angeles");
    let [ann, neil] = &document["days"].as_array().unwrap()[..] else { panic!("{document:#}") };
    assert_eq!((&ann["source"], &ann["laughs"], &ann["date"]), (&"ann".into(), &0.into(), &"2025-10-03".into()));
    assert_eq!((&neil["laughs"], &neil["analyzed_seconds"]), (&3.into(), &3600.0.into()));
    let empty = run(&place, &["days", "--json", "--from", "2030-01-01"]).ends_with(4);
    assert_eq!(empty.json()["days"].as_array().unwrap().len(), 0);
}

#[test]
fn empty_answers_name_the_next_command() {
    let nothing = Place::new();
    run(&nothing, &["days"]).ends_with(4).complains_of("giggles scan FOLDER");
    run(&nothing, &["report"]).ends_with(4).complains_of("giggles scan FOLDER");
    let place = place(&[october(3)]);
    let words = "no recordings of 2025-10-02 are stored; giggles days lists the days that have some";
    run(&place, &["days", "--date", "2025-10-02"]).ends_with(4).complains_of(words);
    run(&place, &["report", "--date", "2025-10-02"]).ends_with(4).complains_of(words);
    let words = "no recordings of source 'zoe' are stored; giggles scan FOLDER";
    run(&place, &["days", "--source", "zoe"]).ends_with(4).complains_of(words);
    run(&place, &["report", "--source", "zoe"]).ends_with(4).complains_of(words);
    run(&place, &["days", "--from", "2025-10-01T10:00"]).ends_with(78).complains_of("whole days");
}

#[test]
fn a_report_without_a_date_is_that_of_the_last_day_with_recordings() {
    let place = place(&[october(5)]);
    let text = run(&place, &["report"]).ends_with(0).stdout;
    assert!(text.starts_with("5 laughs\n") && text.contains("\nSunday 2025-10-05 in America/Los_Angeles"), "{text}");
    assert_eq!(run(&place, &["report", "--json"]).ends_with(0).json()["laughs"], 5);
}

/// Up to a week each laugh has its line, up to two months each day, beyond that each week.
#[test]
fn long_ranges_are_summarised() {
    let place = place(&[october(31)]);
    let report = |from: &str, to: &str| run(&place, &["report", "--from", from, "--to", to]).ends_with(0).stdout;
    let week = report("2025-10-01", "2025-10-07");
    assert_eq!((week.matches(".ogg").count(), week.matches("complete").count()), (1 + 3 + 5 + 7, 4), "{week}");
    let days = report("2025-10-01", "2025-10-08");
    assert!(days.starts_with("16 laughs\n") && !days.contains(".ogg"), "{days}");
    assert!(days.contains("2025-10-07 Tue  1 h 00 min       7  ██████████\n"), "{days}");
    assert!(days.ends_with("giggles report --date DAY shows the laughs of a day\n"), "{days}");
    let year = report("2025-01-01", "2025-12-31");
    assert!(year.starts_with("256 laughs in 16 days with recordings, 2025-10-01 to 2025-10-31\n"), "{year}");
    assert!(year.contains("\nweek of 2025-09-29, 3 days  3 h 00 min       9  "), "{year}");
    assert_eq!(year.matches("week of").count(), 5, "{year}");
    run(&place, &["report", "--from", "2024-01-01", "--to", "2024-12-31"]).ends_with(4).complains_of("giggles days");
    run(&place, &["report", "--json", "--from", "2025-01-01", "--to", "2025-12-31"]).ends_with(78);
}
