//! `giggles verify` and `giggles prune`: rows and clips agree, and what is old goes, files first.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::program::{Place, Said, said};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";
/// What giggles calls a clip, and no row names.
const ORPHAN: &str = "default/2025-09-29/20250929T101112.000Z_giggle_61p.flac";

/// A scanned evening of two laughs, each with its clip.
fn place() -> Place {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    fs::create_dir(place.path("clips")).unwrap();
    scan(&place).ends_with(0);
    place
}

fn scan(place: &Place) -> Said {
    place.scan(&["--clips", "clips", "--tz", "UTC"])
}

fn run(place: &Place, command: &str, flags: &[&str]) -> Said {
    place.run(&[&[command, "--database", &place.sqlite()], flags].concat())
}

fn verify(place: &Place, flags: &[&str]) -> Said {
    run(place, "verify", &[&["--clips", "clips"], flags].concat())
}

fn prune(place: &Place, flags: &[&str]) -> Said {
    run(place, "prune", &[&["--clips", "clips", "--older-than", "1d"], flags].concat())
}

/// Of every row, below the folder of clips.
fn clips(place: &Place) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let mut statement = connection.prepare("SELECT clip FROM detections WHERE clip IS NOT NULL ORDER BY clip").unwrap();
    let clips = statement.query_map([], |row| row.get(0)).unwrap();
    clips.map(Result::unwrap).collect()
}

fn execute(place: &Place, sql: &str) {
    rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute_batch(sql).unwrap();
}

fn file(place: &Place, name: &str) -> PathBuf {
    let path = place.path("clips").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "sound").unwrap();
    path
}

#[test]
fn all_is_well_after_a_scan() {
    let place = place();
    let said = verify(&place, &[]).ends_with(0);
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("2 laughs: 2 with a clip, 0 without; 0 missing, 0 files without a row\n", "")
    );
    let said = verify(&place, &["-q"]).ends_with(0);
    assert_eq!((said.stdout, said.stderr), (String::new(), String::new()));
}

#[test]
fn a_missing_clip_is_listed_with_its_recording() {
    let place = place();
    let clip = clips(&place).remove(0);
    fs::remove_file(place.path("clips").join(&clip)).unwrap();
    let said = verify(&place, &[]).ends_with(3);
    assert!(said.stdout.starts_with(&format!("rows whose clip is missing:\n  {clip}, of a laugh in {EVENING}\n")));
    let json = verify(&place, &["--json"]).ends_with(3).json();
    assert_eq!(json["missing"][0]["recording"], EVENING);
    verify(&place, &["-q"]).ends_with(3).complains_of(&format!("{clip}: clip is missing"));
    place.scan(&["--clips", "clips", "--tz", "UTC", "--force"]).ends_with(0);
    verify(&place, &[]).ends_with(0);
}

#[test]
fn orphans_are_removed_and_nothing_else() {
    let place = place();
    let orphan = file(&place, ORPHAN);
    let half = file(&place, "default/2025-09-30/.20250930T101112.000Z_giggle_61p.flac.4711.tmp");
    let others: Vec<PathBuf> = ["default/2025-09-29/cover.jpg", "default/my_laugh.flac", "notes.txt"]
        .iter()
        .map(|name| file(&place, name))
        .collect();
    let listed = verify(&place, &[]).ends_with(3);
    assert!(listed.stdout.contains(ORPHAN) && listed.stdout.contains(".4711.tmp"), "{}", listed.stdout);
    assert!(orphan.exists() && half.exists(), "looking removes nothing");
    let said = verify(&place, &["--delete-orphans"]).ends_with(0);
    assert!(said.stdout.ends_with("0 missing, 0 files without a row, 2 removed\n"), "{}", said.stdout);
    assert!(!orphan.exists() && !half.exists() && others.iter().all(|path| path.exists()));
    verify(&place, &[]).ends_with(0);
    assert_eq!(clips(&place).len(), 2);
}

#[test]
fn folders_of_unknown_sources_and_links_are_left_alone() {
    let place = place();
    let strange = file(&place, "ada/2025-09-29/20250929T101112.000Z_giggle_61p.flac");
    fs::create_dir_all(place.path("outside/2025-09-29")).unwrap();
    let outside = place.path("outside/2025-09-29/20250929T101112.000Z_giggle_61p.flac");
    fs::write(&outside, "mine").unwrap();
    symlink(place.path("outside/2025-09-29"), place.path("clips/default/2025-09-29")).unwrap();
    let said = verify(&place, &["--delete-orphans"]).ends_with(0);
    said.complains_of("ada was not checked: no run of this source is stored here");
    assert!(strange.exists() && outside.exists());
    verify(&place, &["--source", "ada", "--delete-orphans"]).ends_with(0);
    assert!(!strange.exists() && outside.exists());
}

#[test]
fn nothing_is_removed_while_a_scan_is_at_work() {
    let place = place();
    let orphan = file(&place, ORPHAN);
    let mut files = fs::read_dir(place.path("")).unwrap().flatten().map(|entry| entry.path());
    let lock = files.find(|path| path.extension().is_some_and(|extension| extension == "lock")).unwrap();
    let held = fs::File::open(lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    verify(&place, &["--delete-orphans"]).ends_with(75).complains_of("running on the source 'default'");
    prune(&place, &[]).ends_with(75);
    assert!(orphan.exists() && verify(&place, &[]).ends_with(3).stdout.contains(ORPHAN), "looking is always allowed");
    prune(&place, &["--dry-run"]).ends_with(0);
    assert_eq!(clips(&place).len(), 2);
}

#[test]
fn old_clips_go_and_their_laughs_stay() {
    let place = place();
    let named = clips(&place);
    let dry = prune(&place, &["--dry-run"]).ends_with(0);
    assert_eq!(clips(&place), named);
    let said = prune(&place, &[]).ends_with(0);
    assert_eq!(said.stdout, dry.stdout.replace("would be removed", "removed"));
    assert_eq!(said.stdout, format!("clip {}\nclip {}\nremoved: 2 clips\n", named[0], named[1]));
    assert_eq!(fs::read_dir(place.path("clips/default")).unwrap().count(), 0, "no empty day");
    assert_eq!(place.number("SELECT count(*) FROM detections WHERE clip IS NULL"), 2);
    verify(&place, &[]).ends_with(0);
    assert_eq!(prune(&place, &[]).ends_with(0).stdout, "removed: 0 clips\n");
    let quiet = prune(&place, &["-q"]).ends_with(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
}

#[test]
fn clips_of_what_does_not_count_are_checked_and_go_when_they_are_old() {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    fs::create_dir(place.path("clips")).unwrap();
    place.scan(&["--clips", "clips", "--tz", "UTC", "--threshold", "0.95"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let unsure = "SELECT clip FROM candidates WHERE clip IS NOT NULL";
    let clip: String = connection.query_row(unsure, [], |row| row.get(0)).unwrap();
    assert!(clip.contains("_unsure-") && place.path("clips").join(&clip).is_file(), "{clip}");
    verify(&place, &["--delete-orphans"]).ends_with(0);
    assert!(place.path("clips").join(&clip).is_file(), "a row names it");
    let said = prune(&place, &["--dry-run"]).ends_with(0).stdout;
    assert!(said.contains(&format!("clip {clip}\n")) && said.contains("2 clips"), "{said}");
    fs::remove_file(place.path("clips").join(&clip)).unwrap();
    assert!(verify(&place, &[]).ends_with(3).stdout.contains(&clip));
    prune(&place, &["--rows"]).ends_with(0);
    assert_eq!(place.number("SELECT count(*) FROM candidates"), 0);
}

#[test]
fn what_is_not_old_enough_stays() {
    let place = place();
    prune(&place, &["--older-than", "20y"]).ends_with(2);
    let young = run(&place, "prune", &["--clips", "clips", "--older-than", "20y", "--rows"]).ends_with(0);
    assert_eq!(young.stdout, "removed: 0 clips, 0 recordings, 0 laughs, 0 runs\n");
    assert_eq!(clips(&place).len(), 2);
}

#[test]
fn old_rows_go_if_that_is_asked_for() {
    let place = place();
    execute(&place, "UPDATE runs SET started_at = '2025-10-01T02:30:00.000000Z'");
    let dry = prune(&place, &["--rows", "--dry-run"]).ends_with(0).stdout;
    let said = prune(&place, &["--rows"]).ends_with(0).stdout;
    assert_eq!(said, dry.replace("would be removed", "removed"));
    assert!(said.contains(&format!("recording {EVENING} of default\n")), "{said}");
    assert!(said.ends_with("removed: 2 clips, 1 recording, 2 laughs, 1 run\n"), "{said}");
    assert_eq!(place.number("SELECT (SELECT count(*) FROM recordings) + (SELECT count(*) FROM runs)"), 0);
}

#[test]
fn rows_that_name_a_clip_stay_without_the_folder() {
    let place = place();
    let said = run(&place, "prune", &["--older-than", "1d", "--rows"]).ends_with(0);
    assert!(
        said.stdout.contains("not removed, since clips exist: 1 (give the folder of clips with --clips)"),
        "{}",
        said.stdout
    );
    assert_eq!(clips(&place).len(), 2);
    run(&place, "prune", &["--older-than", "1d"]).ends_with(78).complains_of("nothing to prune");
}

/// Cut short between files and rows, as by a power cut.
#[test]
fn a_prune_cut_short_is_seen_and_put_right() {
    let place = place();
    for clip in clips(&place) {
        fs::remove_file(place.path("clips").join(clip)).unwrap();
    }
    verify(&place, &[]).ends_with(3);
    assert_eq!(prune(&place, &[]).ends_with(0).stdout, "removed: 0 clips; 2 clips already missing\n");
    verify(&place, &[]).ends_with(0);
}

#[test]
fn a_disk_that_is_not_mounted_loses_no_row() {
    let place = place();
    fs::rename(place.path("clips"), place.path("elsewhere")).unwrap();
    for command in ["prune", "verify"] {
        let flags: &[&str] = if command == "prune" { &["--older-than", "1d"] } else { &[] };
        let said = run(&place, command, &[flags, &["--clips", "clips"]].concat()).ends_with(78);
        said.complains_of("--clips: clips is not a folder; create it, or mount its disk");
    }
    fs::create_dir(place.path("clips")).unwrap();
    prune(&place, &["--rows"]).ends_with(78).complains_of("clips has no folder default for the clips of its source");
    assert_eq!(clips(&place).len(), 2);
}

#[test]
fn a_path_in_the_database_cannot_name_another_file() {
    let place = place();
    fs::write(place.path("precious"), "mine").unwrap();
    execute(&place, "UPDATE detections SET clip = '../precious' WHERE id = 1");
    prune(&place, &["--rows"]).ends_with(3).complains_of("../precious: cannot be removed: it does not have the name");
    assert!(place.path("precious").exists());
    assert_eq!(clips(&place), ["../precious"], "its row stays");
    verify(&place, &[]).ends_with(3);
}

#[test]
fn what_is_not_an_age_is_a_wrong_setting() {
    let place = place();
    for age in ["30", "12h", "-30d", "0d", "yesterday"] {
        let said = run(&place, "prune", &["--clips", "clips", "--older-than", age]).ends_with(78);
        said.complains_of("--older-than: ").complains_of("write 30d, 12w, 6mo or 1y");
    }
    assert_eq!(clips(&place).len(), 2);
}

#[test]
fn nothing_stored_is_said() {
    let place = Place::new();
    fs::create_dir(place.path("clips")).unwrap();
    verify(&place, &[]).ends_with(4).complains_of("nothing has been stored yet");
    prune(&place, &[]).ends_with(4).complains_of("nothing has been stored yet");
    assert!(!place.path("laughs.db").exists());
    let mut verify = place.command(&["verify", "--database", &place.sqlite()]);
    said(&mut verify).ends_with(78).complains_of("--clips: name the folder of the clips");
    said(verify.env("GIGGLES_CLIPS", "clips")).ends_with(4);
}

/// The names of sources as people give them, which were one folder once.
#[test]
fn a_prune_of_one_source_leaves_the_clips_of_all_others() {
    let place = place();
    let sources =
        ["neil a", "neil-a", "Neil-A", "neil_a", "neil--a", "nei\u{301}l-a", "n\u{e9}il-a", "con", "\u{2026}"];
    for source in sources {
        place.scan(&["--clips", "clips", "--tz", "UTC", "--source", source]).ends_with(0);
    }
    let of = |source: &str| {
        let source = source.replace('\'', "''");
        place.number(&format!(
            "SELECT count(*) FROM detections d JOIN recordings r ON r.id = d.recording_id \
             WHERE d.clip IS NOT NULL AND r.source = '{source}'"
        ))
    };
    let folders = fs::read_dir(place.path("clips")).unwrap().flatten();
    let folders: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap().to_lowercase()).collect();
    let apart: std::collections::BTreeSet<&String> = folders.iter().collect();
    assert_eq!((folders.len(), apart.len()), (sources.len() + 1, sources.len() + 1), "{folders:?}");
    assert!(folders.contains(&"neil-a".to_owned()) && folders.iter().all(|folder| folder.is_ascii()), "{folders:?}");
    for (pruned, source) in sources.iter().enumerate() {
        verify(&place, &["--source", source]).ends_with(0);
        let said = prune(&place, &["--source", source]).ends_with(0);
        assert!(said.stdout.ends_with("removed: 2 clips\n"), "{}", said.stdout);
        let left: Vec<i64> = sources.iter().map(|source| of(source)).collect();
        assert!(left.iter().enumerate().all(|(i, count)| *count == if i <= pruned { 0 } else { 2 }), "{left:?}");
        verify(&place, &[]).ends_with(0);
    }
}

/// A row may name any file of the folder; only those of its own source go.
#[test]
fn a_row_that_names_the_clip_of_another_source_costs_that_clip_nothing() {
    let place = place();
    place.scan(&["--clips", "clips", "--tz", "UTC", "--source", "ada"]).ends_with(0);
    let ada = clips(&place).into_iter().find(|clip| clip.starts_with("ada/")).unwrap();
    execute(&place, &format!("UPDATE detections SET clip = '{ada}' WHERE id = 1"));
    prune(&place, &["--source", "default"])
        .ends_with(3)
        .complains_of(&format!("{ada}: cannot be removed: it is not in default, the folder of its source"));
    assert!(place.path("clips").join(&ada).exists());
}

/// A review of the first laugh, with this verdict and this mark.
fn review(place: &Place, verdict: &str, favourite: bool) {
    execute(
        place,
        &format!(
            "DELETE FROM reviews; INSERT INTO reviews (source, content_sha256, start_seconds, end_seconds, recording,
                starts_at, verdict, favourite, reviewed_at)
             SELECT r.source, content_sha256, start_seconds, end_seconds, name, starts_at, {verdict}, {favourite},
                '2025-10-01T08:00:00.000000Z'
             FROM detections AS d JOIN recordings AS r ON r.id = recording_id ORDER BY start_seconds LIMIT 1"
        ),
    );
}

#[test]
fn clips_of_confirmed_and_favourite_laughs_stay() {
    let place = place();
    let kept = "; kept: 1 clip of confirmed or favourite laughs (--even-confirmed removes them)";
    for (verdict, favourite) in [("'confirmed'", false), ("NULL", true), ("'rejected'", true)] {
        review(&place, verdict, favourite);
        let said = prune(&place, &["--dry-run"]).ends_with(0).stdout;
        assert!(said.ends_with(&format!("\nwould be removed: 1 clip{kept}\n")), "{said}");
    }
    review(&place, "'rejected'", false);
    assert!(prune(&place, &["--dry-run"]).stdout.ends_with("\nwould be removed: 2 clips\n"), "nothing to keep it for");
    review(&place, "'confirmed'", false);
    assert!(prune(&place, &["--dry-run", "--even-confirmed"]).stdout.ends_with("\nwould be removed: 2 clips\n"));
    let rows = format!(", 0 recordings, 0 laughs, 0 runs{kept}; recordings not removed, since clips exist: 1\n");
    let said = prune(&place, &["--rows", "--dry-run"]).ends_with(0).stdout;
    assert!(said.ends_with(&format!("\nwould be removed: 1 clip{rows}")), "{said}");
    assert_eq!(prune(&place, &["--rows"]).ends_with(0).stdout, said.replace("would be removed", "removed"));
    assert_eq!(clips(&place).len(), 1);
    assert!(place.path("clips").join(&clips(&place)[0]).exists());
    let said = prune(&place, &["--rows", "--even-confirmed"]).ends_with(0).stdout;
    assert!(said.ends_with("\nremoved: 1 clip, 1 recording, 2 laughs, 0 runs\n"), "{said}");
    assert_eq!(place.number("SELECT count(*) FROM reviews"), 1, "the review stays");
}
