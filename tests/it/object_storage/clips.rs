//! `--clips s3://…`: the clips of a folder, before their rows, and never at the cost of a laugh.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{failures::closed_port, text};
use crate::support::cutter::{Cutter, Fault};
use crate::support::object_store::{ObjectStore, STRANGER, command, scan};
use crate::support::program::{Place, RunningProgram, Said, eventually, said};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";
const ORPHAN: &str = "default/2025-09-29/20250929T101112.000Z_giggle_61p.flac";

/// An evening of two laughs.
fn place() -> Place {
    Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)])
}

fn run(place: &Place, endpoint: &str, url: &str, flags: &[&str]) -> Said {
    said(&mut scan(place, endpoint, "recordings", &[&["--clips", url], flags].concat()))
}

fn verify(place: &Place, store: &ObjectStore, url: &str, flags: &[&str]) -> Said {
    said(&mut command(place, &store.endpoint(), &[&["verify", "--clips", url], flags].concat()))
}

fn prune(place: &Place, store: &ObjectStore, url: &str, flags: &[&str]) -> Said {
    said(&mut command(place, &store.endpoint(), &[&["prune", "--older-than", "1d", "--clips", url], flags].concat()))
}

/// Of every row.
fn named(place: &Place) -> BTreeSet<String> {
    let clips = text(place, "SELECT group_concat(clip) FROM detections");
    clips.split(',').filter(|clip| !clip.is_empty()).map(str::to_owned).collect()
}

/// Clips below the prefix `clips/`.
fn stored(store: &ObjectStore) -> BTreeSet<String> {
    let keys = store.keys("clips/").into_iter().filter(|key| key.ends_with(".flac"));
    keys.map(|key| key.strip_prefix("clips/").unwrap().to_owned()).collect()
}

#[test]
fn a_bucket_holds_the_clips_of_a_folder() {
    let folder = place();
    fs::create_dir(folder.path("clips")).unwrap();
    folder.scan(&["--clips", "clips", "--tz", "UTC"]).ends_with(0);
    for (store, prefix) in [(ObjectStore::seaweed(), "clips/"), (ObjectStore::moto(), "clips")] {
        let (place, url) = (place(), store.url(prefix));
        run(&place, &store.endpoint(), &url, &[]).ends_with(0);
        assert_eq!((named(&place), named(&place).len(), stored(&store)), (named(&folder), 2, named(&place)));
        for clip in named(&place) {
            let (bytes, kind) = store.get(&format!("clips/{clip}"));
            assert!(bytes == fs::read(folder.path("clips").join(&clip)).unwrap() && kind == "audio/flac", "{kind}");
        }
        verify(&place, &store, &url, &[]).ends_with(0);
        let proxy = Cutter::before(store.port, &[]);
        run(&place, &proxy.endpoint(), &url, &["--force"]).ends_with(0);
        let puts = proxy.requests().matches("PUT /").count();
        assert_eq!((puts, stored(&store)), (1, named(&place)), "a clip that is there already is not written again");
        let lists = proxy.requests().matches("list-type=2").count();
        assert!(lists == 1 && proxy.requests().contains("max-keys=1"), "a run does not list the bucket");
    }
}

#[test]
fn another_clip_of_the_same_name_is_not_replaced() {
    let (store, place) = (ObjectStore::seaweed(), place());
    let url = store.url("clips");
    run(&place, &store.endpoint(), &url, &[]).ends_with(0);
    let first = named(&place).first().unwrap().clone();
    store.put(&format!("clips/{first}"), b"of another recording");
    run(&place, &store.endpoint(), &url, &["--force"]).ends_with(0);
    assert_eq!(store.get(&format!("clips/{first}")).0, b"of another recording");
    let hashed = named(&place).into_iter().find(|clip| clip.starts_with(first.strip_suffix(".flac").unwrap()));
    assert!(hashed.as_ref().is_some_and(|clip| *clip != first && stored(&store).contains(clip)), "{hashed:?}");
}

#[test]
fn clips_that_cannot_be_written_cost_no_laugh_and_are_written_by_the_next_run() {
    let (store, place) = (ObjectStore::seaweed(), place());
    let url = store.url("clips");
    let mut denied = scan(&place, &store.endpoint(), "recordings", &["--clips", &url, "-q"]);
    let said_of = said(denied.env("AWS_ACCESS_KEY_ID", STRANGER)).ends_with(3);
    said_of.complains_of(&format!("2 clips could not be written into {url}, the first of {EVENING}: access is denied"));
    let closed = format!("http://127.0.0.1:{}", closed_port());
    run(&place, &closed, &url, &["-q"]).ends_with(3).complains_of("no answer after several tries");
    assert_eq!((named(&place).len(), place.number("SELECT count(*) FROM detections")), (0, 2));
    assert_eq!(place.number("SELECT sum(clips_failed) FROM recordings"), 2);
    let healed = run(&place, &store.endpoint(), &url, &["--json"]).ends_with(0).json();
    assert_eq!((&healed["counts"]["redetected"], named(&place).len()), (&1.into(), 2));
    verify(&place, &store, &url, &[]).ends_with(0);
}

#[test]
fn a_wrong_place_of_clips_ends_the_run_before_any_work() {
    let (store, place) = (ObjectStore::seaweed(), place());
    run(&place, &store.endpoint(), "s3://nowhere/clips", &[]).ends_with(78).complains_of("the bucket does not exist");
    run(&place, &store.endpoint(), "s3://a b/clips", &[]).ends_with(78).complains_of("--clips: 's3://a b/clips'");
    let mut bare = scan(&place, &store.endpoint(), "recordings", &["--clips", "s3://life"]);
    bare.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    said(&mut bare).ends_with(78).complains_of("no credentials were found");
    assert!(!place.path("laughs.db").exists());
    run(&place, &store.endpoint(), "s3://nowhere/clips", &["-n"]).ends_with(0);
}

#[test]
fn a_cut_connection_and_a_damaged_upload_are_tried_again() {
    let store = ObjectStore::seaweed();
    let faults = [0, 100, 400, 800, 1_200].map(|most| vec![Fault::Cut(most), Fault::Cut(most)]);
    for faults in faults.into_iter().chain([vec![Fault::Damage]]) {
        let (place, prefix) = (place(), store.url("clips"));
        stored(&store).iter().for_each(|clip| store.delete(&format!("clips/{clip}")));
        let proxy = Cutter::before(store.port, &faults);
        run(&place, &proxy.endpoint(), &prefix, &[]).ends_with(0);
        assert_eq!(stored(&store), named(&place));
        for clip in named(&place) {
            assert_eq!(store.get(&format!("clips/{clip}")).0[..4], *b"fLaC");
        }
        verify(&place, &store, &prefix, &[]).ends_with(0);
        let puts = proxy.requests().matches("PUT /").count();
        assert!(puts == 4 || !matches!(faults[0], Fault::Damage), "the damaged one is written twice: {puts}");
    }
}

/// Holds the n-th upload of a clip, from 1, until the program is gone.
fn held(store: &ObjectStore, number: usize) -> (Cutter, Arc<AtomicBool>) {
    let (uploads, is_held) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let hold = is_held.clone();
    let proxy = Cutter::hooked(store.port, &[], move |request| {
        let is_clip = request.starts_with("PUT ") && request.contains(".flac?");
        if is_clip && uploads.fetch_add(1, Ordering::SeqCst) + 1 == number {
            hold.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(20));
        }
    });
    (proxy, is_held)
}

#[test]
fn a_killed_run_leaves_no_row_that_names_a_missing_object() {
    for number in [1, 2] {
        let (store, place) = (ObjectStore::seaweed(), place());
        let url = store.url("clips");
        let (proxy, is_held) = held(&store, number);
        let run_held = RunningProgram::start(&mut scan(&place, &proxy.endpoint(), "recordings", &["--clips", &url]));
        eventually("a clip is written", || is_held.load(Ordering::SeqCst));
        run_held.signal(rustix::process::Signal::KILL);
        run_held.wait();
        assert_eq!((named(&place).len(), stored(&store).len()), (0, number - 1), "clips first, then rows");
        run(&place, &store.endpoint(), &url, &[]).ends_with(0);
        assert_eq!((named(&place).len(), stored(&store)), (2, named(&place)));
        verify(&place, &store, &url, &[]).ends_with(0);
    }
}

#[test]
fn a_signal_ends_an_upload_that_stalls() {
    let (store, place) = (ObjectStore::seaweed(), place());
    let (proxy, is_held) = held(&store, 1);
    let run =
        RunningProgram::start(&mut scan(&place, &proxy.endpoint(), "recordings", &["--clips", &store.url("clips")]));
    eventually("a clip is written", || is_held.load(Ordering::SeqCst));
    run.signal(rustix::process::Signal::TERM);
    let begun = Instant::now();
    run.wait().ends_with(143);
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(named(&place).is_empty());
}

#[test]
fn verify_finds_missing_clips_and_removes_orphans() {
    for store in [ObjectStore::seaweed(), ObjectStore::moto()] {
        let (place, url) = (place(), store.url("clips"));
        run(&place, &store.endpoint(), &url, &[]).ends_with(0);
        let kept = ["clips/default/2025-09-29/diary.txt", "clips/default/notes/a.flac", "clips/Other/x.txt"];
        kept.iter().for_each(|key| store.put(key, b"mine"));
        let missing = named(&place).pop_first().unwrap();
        store.delete(&format!("clips/{missing}"));
        store.put(&format!("clips/{ORPHAN}"), b"sound");
        store.put("clips/mia/2025-09-29/20250929T101112.000Z_giggle_61p.flac", b"of a source that is not stored");
        let json = verify(&place, &store, &url, &["--json"]).ends_with(3).json();
        assert_eq!((&json["missing"][0]["clip"], &json["missing"][1]), (&missing.into(), &serde_json::Value::Null));
        let said = verify(&place, &store, &url, &["--delete-orphans"]).ends_with(3);
        assert!(said.stdout.contains(ORPHAN), "{}", said.stdout);
        said.complains_of("mia was not checked");
        assert!(!stored(&store).contains(ORPHAN) && stored(&store).iter().any(|clip| clip.starts_with("mia/")));
        kept.iter().for_each(|key| assert_eq!(store.get(key).0, b"mine"));
        run(&place, &store.endpoint(), &url, &["--force"]).ends_with(0);
        verify(&place, &store, &url, &[]).ends_with(0);
    }
}

#[test]
fn a_prune_of_one_source_leaves_the_clips_of_another() {
    for store in [ObjectStore::seaweed(), ObjectStore::moto()] {
        let (place, url) = (place(), store.url("clips"));
        for source in ["neil a", "neil-a"] {
            run(&place, &store.endpoint(), &url, &["--source", source]).ends_with(0);
        }
        let of_neil_a: BTreeSet<String> =
            named(&place).into_iter().filter(|clip| clip.starts_with("neil-a/")).collect();
        assert_eq!((named(&place).len(), of_neil_a.len()), (4, 2));
        let dry = prune(&place, &store, &url, &["--source", "neil a", "--dry-run"]).ends_with(0).stdout;
        assert_eq!(stored(&store).len(), 4);
        let pruned = prune(&place, &store, &url, &["--source", "neil a"]).ends_with(0).stdout;
        assert_eq!(pruned, dry.replace("would be removed", "removed"));
        assert!(pruned.ends_with("removed: 2 clips\n"), "{pruned}");
        assert_eq!((named(&place), stored(&store)), (of_neil_a.clone(), of_neil_a.clone()));
        verify(&place, &store, &url, &[]).ends_with(0);
        // As a prune that ended between the objects and their rows.
        of_neil_a.iter().for_each(|clip| store.delete(&format!("clips/{clip}")));
        verify(&place, &store, &url, &[]).ends_with(3);
        let repaired = prune(&place, &store, &url, &[]).ends_with(0).stdout;
        assert_eq!(repaired, "removed: 0 clips; 2 clips already missing\n");
    }
}

#[test]
fn a_prune_with_another_prefix_or_a_foreign_row_changes_nothing() {
    let (store, place) = (ObjectStore::seaweed(), place());
    let url = store.url("clips");
    run(&place, &store.endpoint(), &url, &[]).ends_with(0);
    let elsewhere = prune(&place, &store, &store.url("elsewhere"), &["--rows"]).ends_with(78);
    elsewhere.complains_of("has no folder default for the clips of its source; name the URL that the runs write to");
    store.put("clips/precious", b"mine");
    let sql = "UPDATE detections SET clip = 'precious' WHERE id = 1";
    rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute_batch(sql).unwrap();
    prune(&place, &store, &url, &[])
        .ends_with(3)
        .complains_of("precious: cannot be removed: it does not have the name");
    assert_eq!((store.get("clips/precious").0, named(&place)), (b"mine".to_vec(), ["precious".to_owned()].into()));
    let closed = format!("http://127.0.0.1:{}", closed_port());
    for (endpoint, code) in [(closed.as_str(), 75), (&store.endpoint(), 78)] {
        let mut verify = command(&place, endpoint, &["verify", "--clips", &url]);
        said(verify.env("AWS_ACCESS_KEY_ID", STRANGER)).ends_with(code).complains_of("cannot be read: ");
    }
}

#[test]
fn the_doctor_writes_an_object_and_removes_it_and_a_page_needs_a_folder() {
    let (store, place) = (ObjectStore::seaweed(), place());
    let url = store.url("clips");
    let doctor = |url: &str| command(&place, &store.endpoint(), &["doctor", "recordings", "-j1", "--clips", url]);
    let well = said(&mut doctor(&url)).ends_with(0);
    assert!(well.stdout.contains(&format!("{url} can be written")), "{}", well.stdout);
    assert_eq!(store.keys("clips/"), [""; 0]);
    let denied = said(doctor(&url).env("AWS_ACCESS_KEY_ID", STRANGER));
    assert!(
        denied.stdout.contains(&format!("no clip can be written into {url}: access is denied")),
        "{}",
        denied.stdout
    );
    assert!(said(&mut doctor("s3://nowhere")).ends_with(78).stdout.contains("the bucket does not exist"));
    let report = ["report", "--date", "2025-09-30", "--clips", &url, "-o", "day.html"];
    let page = said(&mut command(&place, &store.endpoint(), &report)).ends_with(78);
    page.complains_of(
        "--clips: a page takes its clips from a folder of this machine; copy the clips to a folder first",
    );
}
