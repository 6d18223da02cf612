//! `giggles scan s3://…` on real servers: the same rows as from a folder, and what goes wrong on the way.

mod answers;
mod clips;
mod credentials;
mod failures;
mod many;

use std::fs;

use crate::support::audio;
use crate::support::object_store::{ObjectStore, scan};
use crate::support::program::{Place, said};

pub const LAUGH: &str = "fixtures/clips/laugh_male_scratch2.flac";
const ROOM: &str = "fixtures/evening/20251024_130000.WAV";
const CROW: &str = "fixtures/clips/crow_cc0.flac";

/// What is stored, without ids.
const ROWS: &str = "SELECT group_concat(line, char(10)) FROM (
    SELECT r.name || ' ' || coalesce(content_sha256, '-') || ' ' || bytes || ' ' || coalesce(started_at, '-') || ' '
        || coalesce(start_source, '-') || ' ' || status || ' ' || coalesce(failure_kind, '-') || ' '
        || (SELECT coalesce(group_concat(start_seconds || '-' || end_seconds || ' ' || peak_score || ' '
            || coalesce(clip, '-')), '') FROM detections d WHERE d.recording_id = r.id) AS line
    FROM recordings r ORDER BY r.name)";

pub fn text(place: &Place, sql: &str) -> String {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).expect(sql).unwrap_or_default()
}

pub fn rows(place: &Place) -> String {
    text(place, ROWS)
}

/// A folder with recordings of all kinds, and the same in a bucket below `prefix`.
fn folder_and_bucket(store: &ObjectStore, prefix: &str) -> Place {
    let place = Place::with(&[(ROOM, "a/20251024_130000.WAV"), (LAUGH, "b/20251024_140000 kühl.flac")]);
    place.copy(LAUGH, "copy of 20251024_140000.flac");
    place.copy(CROW, "20251024_150000");
    place.write("20251024_120000.wav", b"");
    place.write("notes.txt", b"no audio");
    place.write("letter", b"no audio either");
    place.write(".hidden.wav", b"hidden");
    place.write("20251024T130000.000Z_laughter_87p.flac", b"a clip");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_761_312_000);
    place.copy("fixtures/clips/cough_male_scratch.flac", "undated.flac");
    place.modify("undated.flac", long_ago);
    for name in files(&place) {
        let at = if name == "undated.flac" { &[("x-amz-meta-mtime", "1761312000")][..] } else { &[] };
        let bytes = fs::read(place.recordings().join(&name)).unwrap();
        assert_eq!(store.try_put(&format!("{prefix}{name}"), &bytes, at), 200);
    }
    store.put(&format!("{}2/20251024_170000.wav", prefix.trim_end_matches('/')), b"of another folder");
    place
}

fn files(place: &Place) -> Vec<String> {
    let entries = walkdir::WalkDir::new(place.recordings()).into_iter().flatten();
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(place.recordings()).unwrap().display().to_string()).collect()
}

#[test]
fn a_bucket_gives_the_rows_of_a_folder() {
    let store = ObjectStore::seaweed();
    let place = folder_and_bucket(&store, "neil/rec/");
    fs::create_dir(place.path("clips")).unwrap();
    let clips = ["--clips", "clips", "--json"];
    let local = said(&mut place.scan_into(&place.sqlite(), &[&["--tz", "UTC"], &clips[..]].concat())).ends_with(3);
    let expected = rows(&place);
    assert!(expected.lines().count() == 5 && expected.contains(" mtime analyzed"), "{expected}");
    for url in ["neil/rec", "neil/rec/"].map(|prefix| store.url(prefix)) {
        fs::remove_file(place.path("laughs.db")).unwrap();
        let remote = said(&mut scan(&place, &store.endpoint(), &url, &clips)).ends_with(3);
        assert_eq!(rows(&place), expected, "{url}");
        let (local, remote) = (local.json(), remote.json());
        assert_eq!((&remote["counts"], &remote["not_audio"]), (&local["counts"], &local["not_audio"]));
        assert!(!remote["run"]["explicit_files"].as_bool().unwrap_or(false));
    }
    let again = said(&mut scan(&place, &store.endpoint(), &store.url("neil/rec/"), &["--json"])).ends_with(0);
    assert_eq!((&again.json()["counts"]["analyzed"], &again.json()["counts"]["skipped"]), (&0.into(), &6.into()));
}

#[test]
fn a_day_a_shard_and_a_single_object() {
    let store = ObjectStore::seaweed();
    store.put_file("day/20251024_130000.WAV", audio::file(ROOM));
    store.put_file("day/20251010_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    let run = |prefix: &str, flags: &[&str]| said(&mut scan(&place, &store.endpoint(), &store.url(prefix), flags));
    let names =
        |place: &Place| text(place, "SELECT group_concat(name) FROM (SELECT name FROM recordings ORDER BY name)");
    run("day", &["--date", "2025-10-23"]).ends_with(4);
    let quiet_day = run("day", &["--date", "2025-10-23", "--shard", "1/2"]);
    assert_eq!((quiet_day.code, run("none", &[]).code), (4, 4));
    let shards = [1, 2].map(|k| run("day", &["--date", "2025-10-24", "--shard", &format!("{k}/2")]).code);
    assert_eq!((shards, names(&place).as_str()), ([0, 0], "20251024_130000.WAV"));
    run("day/20251010_130000.flac", &[]).ends_with(0);
    assert_eq!(names(&place), "20251010_130000.flac,20251024_130000.WAV");
    assert_eq!(place.number("SELECT explicit_files FROM runs ORDER BY rowid DESC LIMIT 1"), 1);
}

/// The time of the upload is the last resort, and marked.
#[test]
fn an_object_without_any_time_is_dated_by_its_upload_with_a_warning() {
    let store = ObjectStore::seaweed();
    store.put_file("laugh.flac", audio::file(LAUGH));
    let place = Place::new();
    let said = said(&mut scan(&place, &store.endpoint(), &store.url(""), &[])).ends_with(0);
    said.complains_of("the date of 1 recording may be wrong, first laugh.flac: only the time of the upload dates them");
    assert_eq!(text(&place, "SELECT start_source FROM recordings"), "upload");
    let age = "SELECT unixepoch('now') - unixepoch(started_at) FROM recordings";
    assert!((0..600).contains(&place.number(age)), "{}", place.number(age));
}

/// A shard without recordings succeeds if another shard may have some.
#[test]
fn an_undated_object_of_another_shard_counts_if_it_was_uploaded_after_the_start_of_the_window() {
    let store = ObjectStore::seaweed();
    store.put_file("laugh.flac", audio::file(LAUGH));
    let place = Place::new();
    let codes = |window: [&str; 2]| {
        [1, 2].map(|k| {
            let shard = format!("{k}/2");
            let flags = [&window[..], &["-n", "--shard", &shard]].concat();
            said(&mut scan(&place, &store.endpoint(), &store.url(""), &flags)).code
        })
    };
    assert_eq!(codes(["--from", "2025-10-24"]), [0, 0]);
    assert_eq!(codes(["--date", "2099-10-24"]), [4, 4]);
}

#[test]
fn the_doctor_lists_the_bucket() {
    let store = ObjectStore::seaweed();
    let place = Place::new();
    let doctor = |endpoint: &str, url: &str| {
        let mut command = scan(&place, endpoint, url, &["-j1"]);
        let arguments: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
        let variables: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
        command = place.command(&["doctor"]);
        said(command.args(arguments).envs(variables))
    };
    assert!(doctor(&store.endpoint(), &store.url("x")).ends_with(0).stdout.contains("/x can be listed"));
    assert!(doctor(&store.endpoint(), "s3://nowhere").ends_with(78).stdout.contains("the bucket does not exist"));
    let closed = format!("http://127.0.0.1:{}", failures::closed_port());
    assert!(doctor(&closed, "s3://life").ends_with(75).stdout.contains("no answer after several tries"));
}

#[test]
fn what_cannot_be_scanned_together_is_refused() {
    let place = Place::new();
    let run = |paths: &[&str]| place.run(&[&["scan", "-n"], paths].concat()).ends_with(78);
    run(&["s3://life", "recordings"]).complains_of("an s3:// URL is scanned alone");
    run(&["s3://life", "s3://love"]).complains_of("an s3:// URL is scanned alone");
    run(&["s3:///key"]).complains_of("give a URL such as s3://bucket/prefix");
    let mut command = place.command(&["scan", "-n"]);
    command.env("GIGGLES_RECORDINGS", "s3://life/x").env("AWS_EC2_METADATA_DISABLED", "true");
    said(&mut command).ends_with(78).complains_of("no credentials were found; set AWS_ACCESS_KEY_ID");
}
