//! The tables in both databases are the ones that the program declares, and every column is written and read.

use std::time::Duration;

use giggles::domain::*;
use giggles::store::columns::{Column, Table, tables};
use giggles::store::{open, read};

use crate::support::homes::Home;
use crate::support::past_runs::{at, candidate, content, detection, past_run, recording, track};
use crate::support::source;

fn is_sqlite(home: &impl Home) -> bool {
    home.url().starts_with("sqlite:")
}

/// Table, column, type, whether NULL may be stored; in the order in which the database has them.
fn in_the_database(home: &impl Home) -> Vec<String> {
    home.ask(if is_sqlite(home) {
        "SELECT tables.name, columns.name, columns.type, CASE \"notnull\" WHEN 0 THEN 'null' ELSE 'not null' END
             FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name <> 'giggles_schema' ORDER BY tables.rowid, cid"
    } else {
        "SELECT relname, attname, format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN 'not null' ELSE 'null' END
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'giggles_schema'
                AND attnum > 0
             ORDER BY pg_class.oid, attnum"
    })
}

fn declared(home: &impl Home) -> Vec<String> {
    let row = |table: &Table, column: &Column| {
        let kind = if is_sqlite(home) {
            column.sqlite_type.to_owned()
        } else {
            home.ask(&format!("SELECT '{}'::regtype::text", column.postgres_type)).remove(0)
        };
        format!("{}|{}|{kind}|{}", table.name, column.name, if column.is_nullable { "null" } else { "not null" })
    };
    let tables = tables();
    tables.iter().flat_map(|table| table.columns.iter().map(|column| row(table, column))).collect()
}

pub fn the_tables_have_the_declared_columns(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    let (found, expected) = (in_the_database(home), declared(home));
    assert!(expected.len() > 50, "{expected:?}");
    assert_eq!(found, expected);
}

pub fn every_table_and_column_is_commented(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    for table in tables() {
        let commented = if is_sqlite(home) {
            let sql = format!("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '{}'", table.name);
            home.ask(&sql).remove(0)
        } else {
            let sql = format!(
                "SELECT string_agg(coalesce(col_description(oid, column_number), ''), chr(10) ORDER BY column_number)
                     FROM pg_class, generate_series(0, relnatts) AS column_number WHERE relname = '{}'",
                table.name
            );
            let of_table = format!("SELECT obj_description('{}'::regclass, 'pg_class')", table.name);
            home.ask(&of_table).remove(0) + &home.ask(&sql).remove(0)
        };
        let comments = table.columns.iter().map(|column| column.comment).chain([table.comment]);
        for comment in comments {
            assert!(commented.contains(comment), "{}: {comment}\n{commented}", table.name);
        }
    }
}

/// A run whose rows leave no column empty.
fn full_run() -> Run {
    let mut missing = MissingRanges::default();
    let (start, end) = (Duration::from_secs(600), Some(Duration::from_secs(1200)));
    missing.add(MissingRange { start, end, kind: MissingKind::Gap, reason: "lost".into() });
    let laugh = Detection { clip: Some("2025-10-24/a.flac".into()), ..detection(1.5, 3.0) };
    let status = Status::Analyzed(Box::new(Analyzed {
        audio: Duration::from_secs(3600),
        sample_rate: 44_100,
        channels: 2,
        codec: "flac".into(),
        tracks: 3,
        missing,
        track: track([-3.0, 0.5]),
        candidates: vec![Candidate {
            personal: Some(PersonalScore::default()),
            clip: Some("2025-10-24/b.flac".into()),
            ..candidate(3, 5, 0.5)
        }],
        detections: vec![laugh],
        clips_failed: Some(ClipsFailed { count: 4, reason: "full".into() }),
    }));
    let error = RecordingError::Truncated { reason: "the page".into(), at: Duration::from_millis(90_500) };
    let broken = Recording { announced: Some(Duration::from_secs(7)), ..recording("broken.ogg", 2) };
    let in_progress = Recording { content: None, ..recording("now.ogg", 3) };
    let mut run = past_run("neil").failed(broken, error).skipped(in_progress, Skip::InProgress).build();
    run.outcomes.push(Outcome { recording: recording("a.flac", 1), status });
    let instant = |text: &str| text.parse().ok();
    run.window = Window { from: instant("2025-10-24T07:00:00Z"), to: instant("2025-10-25T07:00:00Z") };
    (run.shard, run.explicit_files, run.external_id) = (Some("2/3".into()), true, Some("task 7".into()));
    run
}

fn review() -> ReviewedSpan {
    ReviewedSpan {
        source: "neil".into(),
        recording: "a.flac".into(),
        content: content(1),
        start: Duration::from_secs_f64(1.5),
        end: Duration::from_secs(3),
        starts: "2025-10-24T13:00:01.5Z".parse().unwrap(),
        embedding: None,
        review: Review {
            verdict: Some(Verdict::Confirmed),
            comment: Some("with Ann".into()),
            favourite: true,
            at: "2025-10-26T08:00:00Z".parse().unwrap(),
        },
    }
}

pub fn every_column_is_written_and_read(home: &impl Home) {
    let run = full_run();
    let mut store = open(&home.location()).unwrap();
    store.save(&run).unwrap();
    store.save_reviews(&[review()], false).unwrap();
    for table in tables() {
        let counts: Vec<String> = table.columns.iter().map(|column| format!("count({})", column.name)).collect();
        let found = home.ask(&format!("SELECT {} FROM {}", counts.join(", "), table.name)).remove(0);
        for (column, count) in table.columns.iter().zip(found.split('|')) {
            assert_ne!(count, "0", "{}.{} is NULL in every row", table.name, column.name);
        }
    }
    let mut reader = read(&home.location()).unwrap().unwrap();
    let past = reader.runs(None, 9).unwrap().remove(0);
    let scanned = (past.window, past.shard, past.explicit_files, past.in_progress_from, past.exit_code);
    let first = at("2025-10-24T13:00:00Z").map(|start| start.at);
    assert_eq!(scanned, (run.window, run.shard.clone(), true, first, 3));
    let counts = Counts {
        partial: 1,
        skipped: 1,
        in_progress: 1,
        failed: 1,
        detections: 1,
        clips_failed: 4,
        ..Counts::default()
    };
    assert_eq!((past.counts, past.audio), (counts, Duration::from_secs(3600)));
    assert_eq!((past.id, past.version, past.zone), (run.id.clone(), run.version.clone(), run.analysis.zone.clone()));

    let recordings = reader.recordings(None, &Window::default()).unwrap();
    let [partial, failed] = &recordings[..] else { panic!("{recordings:#?}") };
    assert_eq!(failed.failure().unwrap().position, Some(Duration::from_millis(90_500)));
    let (sound, analyzed) = (partial.sound().unwrap(), run.analyzed().next().unwrap().1);
    let format = (sound.sample_rate, sound.channels, sound.audio_tracks, sound.codec.as_str(), sound.clips_failed);
    assert_eq!(format, (44_100, 2, 3, "flac", 4));
    assert_eq!(sound.missing.ranges, analyzed.missing.clone().into_ranges());
    assert_eq!((sound.missing.count, sound.missing.total), (1, Duration::from_secs(600)));
    assert_eq!(sound.laughs[0].detection, analyzed.detections[0]);
    assert_eq!(sound.laughs[0].review, Some(review().review));
}

/// Columns that are only stored and shown: no query has a condition on them.
const STORED_AND_SHOWN: [&str; 12] = [
    "sample_rate",
    "audio_tracks",
    "codec",
    "missing_count",
    "missing_seconds",
    "failure_reason",
    "failure_position_seconds",
    "mean_score",
    "class_name",
    "class_scores",
    "model_sha256",
    "audio_seconds",
];

/// Neither database has a list of columns of its own, so a new column is a row of the declaration.
#[test]
fn columns_are_listed_only_where_they_are_declared() {
    let tables = tables();
    let declared: Vec<&str> = tables.iter().flat_map(|table| &table.columns).map(|column| column.name).collect();
    for column in STORED_AND_SHOWN {
        assert!(declared.contains(&column), "{column}");
    }
    let sources = source::all();
    let in_databases = sources.iter().filter(|source| {
        ["store/sqlite", "store/postgres", "store/schema"].iter().any(|place| source.module().starts_with(place))
    });
    let mut read = 0;
    for source in in_databases {
        read += 1;
        let named = STORED_AND_SHOWN.iter().find(|column| source.text.contains(**column));
        assert_eq!(named, None, "{}", source.path);
    }
    assert!(read > 20, "{read} files");
}
