//! Clips: each laugh cut out of what was analyzed, written before its row, and never at its cost.

use crate::support::homes;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::audio;
use crate::support::program::{Place, Said, said};
use homes::{Home, InPostgres};

const EVENING: &str = "fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";

fn place() -> Place {
    let place = Place::with(&[(EVENING, "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg")]);
    fs::create_dir(place.path("clips")).unwrap();
    place
}

fn scan(place: &Place, flags: &[&str]) -> Said {
    place.scan(&[&["--clips", "clips"], flags].concat())
}

/// Paths below the folder of clips.
fn files(folder: &Path) -> BTreeSet<String> {
    fn below(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() { below(&entry.path(), all) } else { all.push(entry.path()) }
        }
    }
    let mut all = Vec::new();
    below(folder, &mut all);
    all.iter().map(|path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
}

/// Clip, and the seconds of its laugh, of every row.
fn rows(place: &Place) -> Vec<(Option<String>, f64, f64)> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let mut statement =
        connection.prepare("SELECT clip, start_seconds, end_seconds FROM detections ORDER BY start_seconds").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_laugh_has_its_clip_and_every_clip_its_row() {
    let place = place();
    scan(&place, &[]).ends_with(0);
    let rows = rows(&place);
    assert!(rows.len() > 1);
    let named: BTreeSet<String> = rows.iter().map(|(clip, ..)| clip.clone().unwrap()).collect();
    assert_eq!(named.len(), rows.len());
    assert_eq!(files(&place.path("clips")), named);
    assert!(named.iter().all(|name| name.starts_with("default/2025-09-30/20250930T21") && name.ends_with("p.flac")));
}

#[test]
fn a_clip_is_what_was_analyzed_around_the_laugh() {
    let place = place();
    scan(&place, &["--clip-before", "1", "--clip-after", "0.5"]).ends_with(0);
    let whole = audio::integers(&audio::file(EVENING));
    for (clip, start, end) in rows(&place) {
        let samples = audio::integers(&place.path("clips").join(clip.unwrap()));
        let from = ((start - 1.0).max(0.0) * 16_000.0).round() as usize;
        let to = (((end + 0.5) * 16_000.0).round() as usize).min(whole.len());
        assert!(samples.len().abs_diff(to - from) <= 2, "{} of {}", samples.len(), to - from);
        let error = samples.iter().zip(&whole[from..]).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(error <= 2, "off by {error} at {start}");
    }
}

#[test]
fn clips_do_not_change_what_is_found_and_are_the_same_for_any_number_of_threads() {
    let (with, without) = (place(), place());
    scan(&with, &["-j", "1"]).ends_with(0);
    without.scan(&["-j", "2"]).ends_with(0);
    let laughs = |place: &Place| rows(place).into_iter().map(|(_, start, end)| (start, end)).collect::<Vec<_>>();
    assert_eq!(laughs(&with), laughs(&without));
    let bytes = |place: &Place| {
        rows(place)
            .iter()
            .map(|(clip, ..)| fs::read(place.path("clips").join(clip.as_ref().unwrap())).unwrap())
            .collect::<Vec<_>>()
    };
    let one = bytes(&with);
    scan(&with, &["-j", "4", "--force"]).ends_with(0);
    assert!(bytes(&with) == one);
    assert_eq!(files(&with.path("clips")).len(), one.len(), "analyzing again leaves no second clip");
}

#[test]
fn clips_are_private() {
    let place = place();
    scan(&place, &[]).ends_with(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let clips = place.path("clips");
    for file in files(&clips) {
        assert_eq!((mode(&clips.join(&file)), mode(clips.join(&file).parent().unwrap())), (0o600, 0o700));
    }
    assert_eq!(mode(&clips.join("default")), 0o700);
}

#[test]
fn a_folder_that_is_not_there_is_a_wrong_setting() {
    let place = place();
    let said = place.scan(&["--clips", "elsewhere"]).ends_with(78);
    said.complains_of("--clips: elsewhere is not a folder; create it, or mount its disk");
    assert!(!place.path("elsewhere").exists() && !place.path("laughs.db").exists());
}

#[test]
fn a_clip_that_cannot_be_written_loses_no_laugh() {
    let place = place();
    fs::write(place.path("clips/default"), "in the way").unwrap();
    let said = scan(&place, &["-q"]).ends_with(3);
    let [line] = said.stderr.lines().collect::<Vec<_>>()[..] else { panic!("one line: {}", said.stderr) };
    let rows = || rows(&place);
    let all = rows().len();
    assert!(line.contains(&format!("{all} clips could not be written into clips, the first of ")), "{line}");
    assert!(line.contains("the laughs are stored."), "{line}");
    assert!(all > 1 && rows().iter().all(|(clip, ..)| clip.is_none()));
    assert_eq!(place.number("SELECT sum(clips_failed) FROM recordings"), all as i64);
    assert_eq!(place.number("SELECT exit_code FROM runs"), 3);
}

#[test]
fn a_later_run_cuts_the_clips_that_are_missing_and_no_other_run_does() {
    let place = place();
    fs::write(place.path("clips/default"), "in the way").unwrap();
    scan(&place, &[]).ends_with(3);
    let laughs = place.number("SELECT count(*) FROM detections");
    fs::remove_file(place.path("clips/default")).unwrap();
    let without_clips = place.scan(&[]).ends_with(0);
    assert!(without_clips.stdout.contains("0 recordings analyzed"), "{}", without_clips.stdout);
    let again = scan(&place, &[]).ends_with(0);
    assert!(again.stdout.contains("redetected"), "decoded, without the network: {}", again.stdout);
    assert!(rows(&place).iter().all(|(clip, ..)| clip.is_some()));
    assert_eq!(place.number("SELECT count(*) FROM detections"), laughs);
    assert_eq!(place.number("SELECT sum(clips_failed) FROM recordings"), 0);
    let third = scan(&place, &[]).ends_with(0);
    assert!(!third.stdout.contains("redetected"), "{}", third.stdout);
}

/// From the recordings, without the network; what was pruned stays pruned.
#[test]
fn clips_are_cut_for_recordings_that_were_analyzed_without_clips_and_once_only() {
    let place = place();
    place.scan(&[]).ends_with(0);
    let (laughs, before) = (place.number("SELECT count(*) FROM detections"), rows(&place));
    assert!(laughs > 1 && before.iter().all(|(clip, ..)| clip.is_none()));
    let cut = scan(&place, &[]).ends_with(0);
    assert!(
        cut.stdout.contains("0 recordings analyzed (0:00:00.0 of audio), 1 redetected, 0 skipped"),
        "{}",
        cut.stdout
    );
    assert!(!cut.stdout.contains(" replaced by "), "{}", cut.stdout);
    let after = rows(&place);
    assert!(after.iter().all(|(clip, ..)| clip.is_some()), "{after:?}");
    let spans =
        |rows: &[(Option<String>, f64, f64)]| rows.iter().map(|(_, start, end)| (*start, *end)).collect::<Vec<_>>();
    assert_eq!(spans(&after), spans(&before));
    let prune = ["prune", "--older-than", "1d", "--clips", "clips", "--database", &place.sqlite()];
    place.run(&prune).ends_with(0);
    assert!(rows(&place).iter().all(|(clip, ..)| clip.is_none()));
    let again = scan(&place, &[]).ends_with(0);
    assert!(
        again.stdout.contains("1 skipped") && rows(&place).iter().all(|(clip, ..)| clip.is_none()),
        "{}",
        again.stdout
    );
}

/// Two recorders of one source, switched on in the same second.
#[test]
fn recordings_that_began_together_have_a_clip_each() {
    let place = Place::new();
    fs::create_dir(place.path("clips")).unwrap();
    let laugh = audio::samples(&audio::file("fixtures/clips/laugh_male_scratch2.flac"));
    let write = |name: &str, gain: f32| {
        let samples: Vec<i16> = laugh.iter().map(|sample| (sample * gain * 32_767.0) as i16).collect();
        place.write_wav(name, &samples);
    };
    ["a", "b", "c"]
        .iter()
        .zip([0.9, 0.8, 0.7])
        .for_each(|(name, gain)| write(&format!("20251024_130000_{name}.wav"), gain));
    scan(&place, &["-j3"]).ends_with(0);
    write("20251024_130000_d.wav", 0.6);
    scan(&place, &[]).ends_with(0);
    let clips: BTreeSet<String> = rows(&place).into_iter().map(|(clip, ..)| clip.unwrap()).collect();
    assert_eq!((rows(&place).len(), clips.len()), (4, 4), "{clips:?}");
    assert_eq!(files(&place.path("clips")), clips);
    let sounds: BTreeSet<Vec<u8>> =
        clips.iter().map(|clip| fs::read(place.path("clips").join(clip)).unwrap()).collect();
    assert_eq!(sounds.len(), 4, "each its own sound");
    let moments: BTreeSet<&str> = clips.iter().map(|clip| clip.split('_').next().unwrap()).collect();
    assert_eq!(moments.len(), 1, "this is about one moment: {clips:?}");
    scan(&place, &["--force"]).ends_with(0);
    assert_eq!(files(&place.path("clips")), clips, "analyzed again, each has its name again");
    place.run(&["verify", "--clips", "clips", "--database", &place.sqlite()]).ends_with(0);
}

#[test]
fn nothing_is_written_through_a_link() {
    let place = place();
    fs::create_dir(place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", place.path("clips/default")).unwrap();
    scan(&place, &[]).ends_with(3).complains_of("clips/default is a symbolic link; clips need a real folder");
    assert_eq!(fs::read_dir(place.path("elsewhere")).unwrap().count(), 0);
}

/// With each run a clip would be one laugh more, and then the clip of the clip.
#[test]
fn clips_among_the_recordings_are_not_analyzed_again() {
    let place = place();
    fs::create_dir(place.recording("laughs")).unwrap();
    let scan = |flags: &[&str]| place.scan(&[&["--clips", "recordings/laughs"], flags].concat()).ends_with(0);
    scan(&[]);
    let first = rows(&place);
    assert!(!first.is_empty());
    for _ in 0..2 {
        let said = scan(&["-v"]);
        said.complains_of(&format!("{} clips that giggles has cut are there too", first.len()));
        assert_eq!(rows(&place), first);
    }
    assert_eq!(files(&place.recording("laughs")).len(), first.len());
}

#[test]
fn a_dry_run_cuts_nothing() {
    let place = place();
    scan(&place, &["--dry-run"]).ends_with(0);
    assert_eq!(files(&place.path("clips")).len(), 0);
    place.scan(&["--dry-run", "--clips", "elsewhere"]).ends_with(78);
}

#[test]
fn postgres_keeps_the_paths_too() {
    let (place, home) = (place(), InPostgres::new());
    said(&mut place.scan_into(&home.url(), &["--clips", "clips"])).ends_with(0);
    let named: BTreeSet<String> = home.ask("SELECT clip FROM detections").into_iter().collect();
    assert_eq!(files(&place.path("clips")), named);
}
