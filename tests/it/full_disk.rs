//! SQLite on a disk that is full, or becomes so in the middle of a write; read-only disks; a file that is gone.

use std::fs;
use std::path::Path;

use crate::support::disk::on_small_disk;
use crate::support::program::{Place, RunningProgram, Said, eventually, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");
const NO_SPACE: &str = "no space is left on the disk of ";

/// Fills the disk but for `$1` kB.
const FILL: &str = r#"
    fill() {
        rm -f "$disk/fill"
        free=$(df --output=avail -k "$disk" | tail -1)
        [ "$free" -le "$1" ] || dd if=/dev/zero of="$disk/fill" bs=1k count=$((free - $1)) 2>/dev/null
    }
"#;

fn number(database: &Path, sql: &str) -> i64 {
    rusqlite::Connection::open(database).unwrap().query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn is_sound(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok", "{}", database.display());
}

/// Many rows: a day of files that hold no audio, written long ago.
fn with_many_failures(count: usize) -> Place {
    let place = Place::with(&[LAUGH]);
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_761_310_800);
    for number in 0..count {
        let name = format!("damaged {number:04}.wav");
        place.write(&name, format!("no audio, number {number}").as_bytes());
        fs::File::options().append(true).open(place.recording(&name)).unwrap().set_modified(long_ago).unwrap();
    }
    place
}

/// From no space at all to enough: each run stores all, or says why not and leaves what was there. The
/// scan's exit code and the database as it is then come out beside the disk.
fn swept(place: &Place, before: &str) -> Vec<(u32, i32, String)> {
    let script = format!(
        r#"{FILL}
        for left in 0 4 8 16 24 32 48 64 96 128 192 256 384 512 1024 2048; do
            rm -f "$disk"/*
            {before}
            fill $left
            code=0
            "$giggles" scan recordings --database "sqlite:$disk/laughs.db" 2>"stderr $left" >/dev/null || code=$?
            rm -f "$disk/fill"
            # A journal that is still there is rolled back by whoever opens the file next.
            cp "$disk/laughs.db" "$left.db"
            [ ! -e "$disk/laughs.db-journal" ] || cp "$disk/laughs.db-journal" "$left.db-journal"
            echo "$left $code"
        done"#
    );
    let said = on_small_disk(place, 4096, &script).ends_with(0);
    let line = |line: &str| {
        let (left, code) = line.split_once(' ').unwrap();
        let stderr = fs::read_to_string(place.path(format!("stderr {left}"))).unwrap();
        (left.parse().unwrap(), code.parse().unwrap(), stderr)
    };
    said.stdout.lines().map(line).collect()
}

fn explains(place: &Place, stderr: &str) {
    let text = format!("{NO_SPACE}{}; free some, then run it again", place.path("disk").display());
    assert!(stderr.contains(&text) && stderr.contains("laughs.db"), "{stderr}");
}

#[test]
fn a_new_database_is_stored_whole_or_not_at_all() {
    let place = with_many_failures(300);
    let swept = swept(&place, "");
    let (mut full, mut stored) = (0, 0);
    for (left, code, stderr) in swept {
        let database = place.path(format!("{left}.db"));
        is_sound(&database);
        match code {
            1 => {
                full += 1;
                explains(&place, &stderr);
                let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('runs', 'recordings', 'detections')";
                let tables = number(&database, tables);
                assert!(tables == 0 || tables == 3, "{left} kB: half a migration");
                assert!(tables == 0 || number(&database, "SELECT count(*) FROM runs") == 0, "{left} kB");
            }
            _ => {
                stored += 1;
                assert_eq!(code, 3, "{left} kB: {stderr}");
                assert_eq!(number(&database, "SELECT count(*) FROM recordings"), 301);
            }
        }
    }
    assert!(full >= 5 && stored >= 2, "{full} runs met a full disk, {stored} stored");
}

#[test]
fn a_run_that_finds_no_space_leaves_the_runs_before() {
    let place = with_many_failures(300);
    said(&mut place.scan_into(&place.sqlite(), &["--source", "earlier"])).ends_with(3);
    let swept = swept(&place, r#"cp laughs.db "$disk/laughs.db""#);
    let (mut full, mut stored) = (0, 0);
    for (left, code, stderr) in swept {
        let database = place.path(format!("{left}.db"));
        is_sound(&database);
        let runs = number(&database, "SELECT count(*) FROM runs");
        let earlier = number(&database, "SELECT count(*) FROM recordings WHERE source = 'earlier'");
        let tonight = number(&database, "SELECT count(*) FROM recordings WHERE source = 'default'");
        assert_eq!(earlier, 301, "{left} kB");
        match code {
            1 => {
                full += 1;
                explains(&place, &stderr);
                assert_eq!((runs, tonight), (1, 0), "{left} kB");
            }
            _ => {
                stored += 1;
                assert_eq!((code, runs, tonight), (3, 2, 301), "{left} kB: {stderr}");
            }
        }
    }
    assert!(full >= 5 && stored >= 2, "{full} runs met a full disk, {stored} stored");
}

#[test]
fn a_read_only_disk_is_a_setting_to_correct() {
    let place = Place::with(&[LAUGH]);
    said(&mut place.scan_into(&place.sqlite(), &[])).ends_with(0);
    let script = r#"cp laughs.db "$disk/" && mount -o remount,ro "$disk"
        exec "$giggles" scan recordings --database "sqlite:$disk/laughs.db""#;
    let refused = on_small_disk(&place, 1024, script).ends_with(78);
    refused.complains_of("laughs.db cannot be opened: Read-only file system");
    let script = r#"mount -o remount,ro "$disk"; exec "$giggles" scan recordings --database "sqlite:$disk/new.db""#;
    on_small_disk(&place, 1024, script).ends_with(78).complains_of("new.db cannot be opened: Read-only file system");
}

#[test]
fn what_this_user_may_not_write_is_a_setting_to_correct() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(&[LAUGH]);
    said(&mut place.scan_into(&place.sqlite(), &[])).ends_with(0);
    let (database, folder) = (place.path("laughs.db"), place.path(""));
    for (path, mode, words) in [
        (&database, 0o400, "laughs.db cannot be opened: Permission denied"),
        (&folder, 0o500, "cannot be taken: Permission denied"),
    ] {
        let earlier = fs::metadata(path).unwrap().permissions();
        let said = place.said_by_nobody_after(&mut place.scan_into(&place.sqlite(), &["--source", "new"]), || {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        });
        fs::set_permissions(path, earlier).unwrap();
        said.ends_with(78).complains_of(words).complains_of("check the path and its permissions");
    }
    is_sound(&database);
    assert_eq!(number(&database, "SELECT count(*) FROM runs"), 1);
}

#[test]
fn a_database_that_was_moved_during_the_run_is_not_written_in_secret() {
    let place = Place::with(&[LAUGH]);
    place.write_long("20251024_000000.wav", 4);
    let run = RunningProgram::start(&mut place.scan_into(&place.sqlite(), &["-j1"]));
    eventually("the database is there", || {
        let tables = "SELECT count(*) FROM sqlite_master WHERE name = 'detections'";
        place.path("laughs.db").exists() && number(&place.path("laughs.db"), tables) == 1
    });
    fs::rename(place.path("laughs.db"), place.path("moved.db")).unwrap();
    run.wait().ends_with(1).complains_of("laughs.db was moved, removed or unmounted during the run");
    assert_eq!(number(&place.path("moved.db"), "SELECT count(*) FROM runs"), 0);
}

/// A run whose laughs, metrics or clips go to the small disk, of which nothing is left; its database lies elsewhere.
fn run_beside_a_full_disk(place: &Place, flags: &str, before: &str) -> Said {
    let script = format!(
        r#"{FILL}
        {before}
        fill 0
        code=0
        "$giggles" scan recordings --database sqlite:laughs.db {flags} >stdout || code=$?
        rm -f "$disk/fill"
        mkdir -p kept && cp -R "$disk/." kept
        exit $code"#
    );
    on_small_disk(place, 256, &script)
}

#[test]
fn metrics_that_find_no_space_keep_the_old_ones_and_cost_nothing_else() {
    let place = Place::with(&[LAUGH]);
    let old = r#"echo old >"$disk/giggles.prom""#;
    let said = run_beside_a_full_disk(&place, r#"--metrics-file "$disk/giggles.prom""#, old).ends_with(0);
    said.complains_of("giggles.prom cannot be written: No space left on device");
    assert_eq!(fs::read_to_string(place.path("kept/giggles.prom")).unwrap(), "old\n");
    assert_eq!(fs::read_dir(place.path("kept")).unwrap().count(), 1, "no temporary file is left");
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1);
}

#[test]
fn clips_that_find_no_space_cost_no_laugh() {
    let place = Place::with(&[LAUGH]);
    let said = run_beside_a_full_disk(&place, r#"--clips "$disk""#, "").ends_with(3);
    said.complains_of("1 clip could not be written into ")
        .complains_of("20251024_130000.flac: No space left on device");
    assert_eq!(place.number("SELECT count(*) FROM detections WHERE clip IS NULL"), 1);
    assert_eq!(place.number("SELECT count(*) FROM detections"), 1);
}
