//! A bucket of ten thousand objects: page by page, in bounded memory, and only those of the day are fetched.

use super::{LAUGH, text};
use crate::support::audio;
use crate::support::cutter::Cutter;
use crate::support::object_store::{ObjectStore, scan};
use crate::support::program::{Place, said};

const OBJECTS: usize = 10_000;
/// Bytes of memory that ten thousand keys may add.
const MEMORY: u64 = 24 << 20;

fn peak(place: &Place, endpoint: &str, url: &str) -> u64 {
    let said = said(&mut scan(place, endpoint, url, &["--date", "2025-10-24", "--log-format", "json", "--force"]));
    let summary: serde_json::Value = serde_json::from_str(said.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(summary["exit_code"], 0, "{}", said.stderr);
    summary["peak_rss_bytes"].as_u64().unwrap()
}

#[test]
fn ten_thousand_objects_are_listed_and_those_of_the_day_fetched() {
    let store = ObjectStore::seaweed();
    std::thread::scope(|scope| {
        for part in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in (part..OBJECTS).step_by(8) {
                    let time = format!("{:02}{:02}{:02}", number / 3600, number / 60 % 60, number % 60);
                    store.put(&format!("all/2024/20240101_{time}.wav"), b"not fetched");
                }
            });
        }
    });
    for prefix in ["all", "one"] {
        store.put_file(&format!("{prefix}/2025/20251024_130000.flac"), audio::file(LAUGH));
    }
    let place = Place::new();
    let proxy = Cutter::before(store.port, &[]);
    let (one, all) =
        (peak(&place, &store.endpoint(), &store.url("one")), peak(&place, &proxy.endpoint(), &store.url("all")));
    assert!(all < one + MEMORY, "{all} bytes, and {one} for one object");
    let requests = proxy.requests();
    assert!(requests.matches("list-type=2").count() >= OBJECTS / 1_000, "pages");
    assert_eq!(requests.matches(&format!("GET /{}/all/", store.name)).count(), 1, "only the day is fetched");
    assert_eq!(text(&place, "SELECT group_concat(name) FROM recordings"), "2025/20251024_130000.flac");
}
