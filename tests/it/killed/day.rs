//! A day that is stored already, and its next run: more recordings, and other rules for those that are there.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::homes::{Home, InPostgres, InSqlite, eventually};
use crate::support::postgres::Postgres;
use crate::support::program::{Place, said};

const OLD: [(&str, &str); 2] = [
    ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV"),
    ("fixtures/clips/laugh_male_scratch2.flac", "20251024_140000.flac"),
];
const NEW: [(&str, &str); 2] = [
    ("fixtures/clips/laugh_male_scratch2.flac", "20251024_150000.flac"),
    ("fixtures/clips/crow_cc0.flac", "20251024_160000.flac"),
];

/// A database that can be had again and again as it was.
pub trait Copied: Home + Sized {
    fn new() -> Self;
    fn copied(&self) -> Self;
    /// Waits until the killed run's session has ended on the server, too.
    fn decided(&self);
    /// A journal that the killed run left, for the next one to roll back.
    fn has_journal(&self) -> bool;
    fn is_sound(&self);
}

impl Copied for InSqlite {
    fn new() -> InSqlite {
        InSqlite::new()
    }

    fn copied(&self) -> InSqlite {
        let copy = InSqlite::new();
        fs::copy(self.folder.path().join("laughs.db"), copy.folder.path().join("laughs.db")).unwrap();
        copy
    }

    fn decided(&self) {}

    fn has_journal(&self) -> bool {
        self.folder.path().join("laughs.db-journal").exists()
    }

    fn is_sound(&self) {
        assert_eq!(self.ask("PRAGMA integrity_check"), ["ok"]);
        assert_eq!(self.ask("PRAGMA foreign_key_check"), [""; 0]);
    }
}

impl Copied for InPostgres {
    fn new() -> InPostgres {
        InPostgres { database: Postgres::start() }
    }

    fn copied(&self) -> InPostgres {
        InPostgres { database: self.database.copy() }
    }

    fn decided(&self) {
        let sessions = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'giggles'";
        eventually("the killed session has ended", || self.ask(sessions).is_empty());
    }

    fn has_journal(&self) -> bool {
        false
    }

    /// The server checks its keys itself.
    fn is_sound(&self) {}
}

/// All rows, without what differs from run to run: ids and the times of runs.
#[derive(Debug, PartialEq)]
pub struct Rows(Vec<String>);

impl Rows {
    pub fn read(home: &impl Home) -> Rows {
        let runs = "SELECT 'run', source, version, analysis, window_from, window_to, exit_code, analyzed, partial, skipped, failed,
            audio_seconds, (SELECT count(*) FROM detections d WHERE d.run_id = runs.id),
            (SELECT count(*) FROM recordings r WHERE r.run_id = runs.id) FROM runs ORDER BY started_at";
        let recordings = "SELECT 'recording', source, content_sha256, name, bytes, started_at, start_source,
            duration_seconds, sample_rate, channels, codec, status, failure_kind, failure_reason,
            failure_position_seconds, analysis FROM recordings ORDER BY name, content_sha256";
        let detections =
            "SELECT 'laugh', r.name, r.content_sha256, d.run_id = r.run_id, local_date, starts_at, ends_at,
            start_seconds, end_seconds, peak_score, mean_score, class_index, class_name, label, class_scores
            FROM detections d LEFT JOIN recordings r ON r.id = d.recording_id ORDER BY r.name, start_seconds";
        Rows([runs, recordings, detections].iter().flat_map(|sql| home.ask(sql)).collect())
    }

    /// Rows of recordings and laughs only.
    fn of_the_day(&self) -> Vec<&String> {
        self.0.iter().filter(|row| !row.starts_with("run|")).collect()
    }

    fn runs(&self) -> Vec<&String> {
        self.0.iter().filter(|row| row.starts_with("run|")).collect()
    }

    /// What there is of neither.
    pub fn unlike(&self, before: &Rows, after: &Rows) -> String {
        let odd = |rows: &Rows| self.0.iter().filter(|row| !rows.0.contains(row)).count();
        format!(
            "{} rows, of which {} are not of the {} before, and {} not of the {} after",
            self.0.len(),
            odd(before),
            before.0.len(),
            odd(after),
            after.0.len()
        )
    }
}

pub struct Day {
    place: Place,
    damaged: usize,
}

impl Day {
    /// With so many files that hold no audio: each is a row, which makes storing long.
    pub fn new(damaged: usize) -> Day {
        let place = Place::with(&OLD);
        let day = Day { place, damaged };
        day.add_damaged(0..damaged / 4);
        day
    }

    fn add_damaged(&self, numbers: std::ops::Range<usize>) {
        // Written long ago: what is fresh and damaged would be watched for a while.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_761_310_800);
        for number in numbers {
            let path = self.place.recording(format!("damaged/{number:05}.wav"));
            fs::write(&path, format!("no audio, number {number}")).unwrap();
            fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        }
    }

    /// A database with the day as the first run stored it. The second run's recordings come after that.
    pub fn before<H: Copied>(&self) -> H {
        let home = H::new();
        said(&mut self.place.scan_into(&home.url(), &[])).ends_with(3);
        NEW.iter().for_each(|(from, name)| self.place.copy(from, name));
        self.add_damaged(self.damaged / 4..self.damaged);
        home
    }

    /// The run that is killed.
    pub fn past_run(&self, home: &impl Home) -> Command {
        self.place.scan_into(&home.url(), &["-v", "--threshold", "sensitive"])
    }

    /// What it stores if nobody kills it.
    pub fn undisturbed<H: Copied>(&self, base: &H) -> Rows {
        let home = base.copied();
        said(&mut self.past_run(&home)).ends_with(3);
        Rows::read(&home)
    }

    /// The run after the killed one: analyzes what that left, and the day is as it would have been.
    pub fn complete(&self, home: &impl Copied, is_stored: bool, after: &Rows) {
        // What a run that was stored found damaged is no news.
        said(&mut self.past_run(home)).ends_with(if is_stored { 0 } else { 3 });
        home.is_sound();
        let completed = Rows::read(home);
        assert_eq!(completed.of_the_day().len(), after.of_the_day().len());
        assert!(completed.of_the_day() == after.of_the_day(), "another day than that of the undisturbed run");
        assert_eq!(completed.runs().len(), after.runs().len() + usize::from(is_stored));
    }
}
