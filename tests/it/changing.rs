//! Recordings that grow, shrink, change or go while a run is in progress: each is judged alone, and what is still
//! being written is left for the next run.

use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::support::audio;
use crate::support::disk::on_small_disk;
use crate::support::program::{Place, RunningProgram, Said, eventually, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const ROOM: &str = "fixtures/evening/20251024_130000.WAV";

/// A field recorder's file before the recorder is stopped: 0 samples, says its header.
fn open_wav() -> Vec<u8> {
    let mut bytes = fs::read(audio::file(ROOM)).unwrap();
    bytes[4..8].fill(0);
    bytes[40..44].fill(0);
    bytes
}

fn rows(place: &Place) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "SELECT name || '|' || coalesce(failure_kind, status) FROM recordings ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Appends to files little by little until the run has ended.
fn write_on(place: &Place, growing: &[(&str, Vec<u8>)], ended: &AtomicBool) {
    let files = growing.iter().map(|(name, bytes)| {
        (File::options().append(true).open(place.recording(name)).unwrap(), bytes[bytes.len() / 2..].chunks(64))
    });
    let mut files: Vec<_> = files.collect();
    while !ended.load(Ordering::Relaxed) {
        for (file, rest) in &mut files {
            file.write_all(rest.next().unwrap_or_default()).unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A scan while somebody writes.
fn scan_while_written(place: &Place, growing: &[(&str, Vec<u8>)]) -> Said {
    for (name, bytes) in growing {
        fs::write(place.recording(name), &bytes[..bytes.len() / 2]).unwrap();
    }
    // The first byte of another copy comes while the run looks on.
    fs::write(place.recording("4 begun.WAV"), []).unwrap();
    let ended = AtomicBool::new(false);
    let more = [growing, &[("4 begun.WAV", growing[1].1.clone())]].concat();
    thread::scope(|scope| {
        scope.spawn(|| write_on(place, &more, &ended));
        let said = place.scan(&["--json"]);
        ended.store(true, Ordering::Relaxed);
        said
    })
}

#[test]
fn what_is_still_being_written_is_left_for_the_next_run() {
    let place = Place::with(&[LAUGH]);
    let whole = |name: &str| fs::read(audio::file(name)).unwrap();
    let (room, opus) = (whole(ROOM), whole("tests/formats/opus_celt_64k.ogg"));
    let growing = [("1 recorder.WAV", open_wav()), ("2 copy.WAV", room.clone()), ("3 copy.ogg", opus.clone())];
    let told = scan_while_written(&place, &growing).ends_with(0);
    for (number, name) in ["1 recorder.WAV", "2 copy.WAV", "3 copy.ogg", "4 begun.WAV"].into_iter().enumerate() {
        told.complains_of(&format!("{name}: in progress; left for the next run"));
        assert_eq!(told.json()["recordings"][number]["reason"], "in progress");
    }
    assert_eq!(rows(&place), ["laugh.flac|analyzed"], "nothing of them is stored");
    // The recorder is stopped, the copies are whole; the last one turns out to be a copy.
    let mut recorder = room[..200_044].to_vec();
    recorder[4..8].copy_from_slice(&200_036u32.to_le_bytes());
    recorder[40..44].copy_from_slice(&200_000u32.to_le_bytes());
    place.write("1 recorder.WAV", &recorder);
    place.write("2 copy.WAV", &room);
    place.write("3 copy.ogg", &opus);
    place.write("4 begun.WAV", &room);
    place.scan(&[]).ends_with(0);
    let analyzed = ["1 recorder.WAV|analyzed", "2 copy.WAV|analyzed", "3 copy.ogg|analyzed", "laugh.flac|analyzed"];
    assert_eq!(rows(&place), analyzed);
    assert_eq!(place.number("SELECT sum(analyzed) FROM runs"), 4);
}

#[test]
fn a_damaged_file_is_not_excused_by_its_age_and_a_recorder_switched_off_is_analyzed() {
    let place = Place::with(&[LAUGH]);
    let whole = fs::read(audio::file(ROOM)).unwrap();
    fs::write(place.recording("cut.wav"), &whole[..whole.len() / 2]).unwrap();
    fs::write(place.recording("off.wav"), open_wav()).unwrap();
    let begun = Instant::now();
    place.scan(&[]).ends_with(3).complains_of("cut.wav: is partial: ");
    assert!(begun.elapsed() > Duration::from_secs(3), "both were watched for a while");
    assert_eq!(rows(&place), ["cut.wav|partial", "laugh.flac|analyzed", "off.wav|analyzed"]);
}

#[test]
fn files_from_the_future_are_analyzed_in_their_day_and_warned_of() {
    let place = Place::new();
    place.write("20251024_130000.WAV", &open_wav());
    place.modify("20251024_130000.WAV", SystemTime::now() + Duration::from_secs(3 * 365 * 86_400));
    let begun = Instant::now();
    let said = place.scan(&["--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
    assert!(!said.stderr.contains("future"), "its name knows better: {}", said.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10));
    place.copy(LAUGH.0, "20840131_120000.flac");
    let said = place.scan(&["--date", "yesterday", "--tz", "UTC"]).ends_with(4);
    said.complains_of("20840131_120000.flac: starts in the future, at 2084-01-31T12:00:00Z, according to its name");
    place.scan(&["--date", "2084-01-31", "--tz", "UTC"]).ends_with(0);
    place.copy("fixtures/clips/crow_cc0.flac", "nameless.flac");
    place.modify("nameless.flac", SystemTime::UNIX_EPOCH + Duration::from_secs(3_600_000_000));
    place
        .scan(&["--date", "2084-01-29", "--tz", "UTC"])
        .ends_with(0)
        .complains_of("nameless.flac: starts in the future");
    let analyzed = ["20251024_130000.WAV|analyzed", "20840131_120000.flac|analyzed", "nameless.flac|analyzed"];
    assert_eq!(rows(&place), analyzed);
}

/// A run on one thread that analyzes a minute's worth of work before anything else; given when it analyzes.
fn at_work(place: &Place) -> RunningProgram {
    place.write_long("1 long.wav", 5);
    place.modify("1 long.wav", SystemTime::UNIX_EPOCH + Duration::from_secs(1_761_310_800));
    let stderr = File::create(place.path("stderr")).unwrap();
    let mut command = place.scan_into(&place.sqlite(), &["-j1", "-v"]);
    command.stderr(stderr);
    let run = RunningProgram::start_with_stderr(&mut command);
    eventually("analysis has begun", || fs::read_to_string(place.path("stderr")).unwrap().contains("analyzing "));
    run
}

fn complaint(place: &Place) -> String {
    fs::read_to_string(place.path("stderr")).unwrap()
}

#[test]
fn replaced_truncated_deleted_and_touched_are_judged_one_by_one() {
    let place = Place::with(&[
        ("fixtures/clips/burp_cc0.flac", "2 deleted.flac"),
        (ROOM, "3 cut.wav"),
        ("fixtures/clips/crow_cc0.flac", "4 replaced.flac"),
        (LAUGH.0, "5 touched.flac"),
    ]);
    let run = at_work(&place);
    fs::remove_file(place.recording("2 deleted.flac")).unwrap();
    File::options().write(true).open(place.recording("3 cut.wav")).unwrap().set_len(100_000).unwrap();
    fs::copy(audio::file("fixtures/clips/sneeze_male_scratch.flac"), place.path("other")).unwrap();
    fs::rename(place.path("other"), place.recording("4 replaced.flac")).unwrap();
    place.modify("5 touched.flac", SystemTime::now());
    run.wait().ends_with(3);
    let said = complaint(&place);
    for words in [
        "2 deleted.flac: vanished after it was found",
        "3 cut.wav: was replaced or cut short while it was analyzed",
        "4 replaced.flac: was replaced or cut short while it was analyzed; the next run analyzes the new content",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let kinds = ["1 long.wav|analyzed", "2 deleted.flac|vanished", "3 cut.wav|changed", "4 replaced.flac|changed"];
    assert_eq!(rows(&place), [&kinds[..], &["5 touched.flac|analyzed"]].concat());
    place.scan(&[]).ends_with(3);
    assert_eq!(place.number("SELECT analyzed FROM runs ORDER BY started_at DESC LIMIT 1"), 1, "the new one");
}

#[test]
fn a_folder_moved_away_during_the_scan_fails_its_recordings_only() {
    let place = Place::with(&[("fixtures/clips/burp_cc0.flac", "card/2 away.flac"), (LAUGH.0, "9 here.flac")]);
    let run = at_work(&place);
    fs::rename(place.recording("card"), place.path("card")).unwrap();
    run.wait().ends_with(3);
    assert!(complaint(&place).contains("card/2 away.flac: vanished after it was found; was the disk unmounted"));
    assert_eq!(rows(&place), ["1 long.wav|analyzed", "9 here.flac|analyzed", "card/2 away.flac|vanished"]);
}

/// The disk's folder is still there and empty: what an unmounted card looks like.
#[test]
fn a_disk_unmounted_during_the_scan_and_before_it() {
    let place = Place::with(&[(LAUGH.0, "9 here.flac"), ("fixtures/clips/burp_cc0.flac", "2 away.flac")]);
    place.write_long("1 long.wav", 5);
    place.modify("1 long.wav", SystemTime::UNIX_EPOCH + Duration::from_secs(1_761_310_800));
    let script = r#"
        mv "recordings/2 away.flac" "$disk/"
        "$giggles" scan recordings "$disk" --database sqlite:laughs.db -v -j1 2>stderr >/dev/null & run=$!
        until grep -q "analyzing " stderr; do sleep 0.02; done
        umount -l "$disk"
        code=0; wait $run || code=$?; echo "during $code"
        code=0; "$giggles" scan "$disk" --database sqlite:laughs.db 2>>stderr >/dev/null || code=$?; echo "before $code""#;
    let said = on_small_disk(&place, 4096, script).ends_with(0);
    assert_eq!(said.stdout, "during 3\nbefore 4\n", "{}", complaint(&place));
    assert!(complaint(&place).contains("2 away.flac: vanished after it was found; was the disk unmounted"));
    assert!(complaint(&place).contains("is the disk mounted?"));
    assert_eq!(rows(&place), ["1 long.wav|analyzed", "2 away.flac|vanished", "9 here.flac|analyzed"]);
    fs::remove_dir(place.path("disk")).unwrap();
    said_of_no_folder(&place);
}

fn said_of_no_folder(place: &Place) {
    said(&mut place.command(&["scan", "disk", "-n"])).ends_with(78).complains_of("its disk is mounted");
}
