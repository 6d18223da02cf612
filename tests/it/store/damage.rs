//! What is known of recordings: analyzed, damaged for good, missing in part.

use std::time::Duration;

use giggles::domain::*;
use giggles::store::{Earlier, Known, Lookup, open, read};

use crate::support::homes::Home;
use crate::support::past_runs::*;

pub fn lookup(run: &Run, contents: &[ContentHash]) -> Lookup {
    Lookup {
        source: run.source.clone(),
        analysis: run.analysis.clone(),
        version: run.version.clone(),
        contents: contents.to_vec(),
        names: Vec::new(),
        cuts_clips: false,
        retry_failed: false,
        uses_ffmpeg: false,
        with_current: false,
    }
}

pub fn known_is_analyzed_under_the_same_analysis(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let vanished = RecordingError::Vanished;
    let run = past_run("neil").analyzed(recording("a.wav", 1), vec![]).failed(recording("b.wav", 2), vanished).build();
    let asked = lookup(&run, &[content(1), content(2), content(3)]);
    let one = Known { analyzed: [content(1)].into(), ..Known::default() };
    assert_eq!(store.known(&asked).unwrap(), Known::default());
    store.save(&run).unwrap();
    assert_eq!(store.known(&asked).unwrap(), one, "what may heal is not known");
    assert_eq!(store.known(&Lookup { source: "ada".into(), ..asked.clone() }).unwrap(), Known::default());
    assert_eq!(store.known(&Lookup { contents: Vec::new(), ..asked.clone() }).unwrap(), Known::default());
    assert_eq!(store.known(&Lookup { version: "9.9.9".into(), ..asked.clone() }).unwrap(), one);
    let mut lossy = past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build();
    let Status::Analyzed(analyzed) = &mut lossy.outcomes[0].status else { unreachable!() };
    analyzed.clips_failed = Some(ClipsFailed { count: 1, reason: "no space".into() });
    assert_eq!(store.save(&lossy).unwrap().clips_failed, 1);
    assert_eq!(store.known(&asked).unwrap(), one);
    let cuts_clips = Lookup { cuts_clips: true, ..asked.clone() };
    let redetectable = Known { redetectable: [content(1)].into(), ..Known::default() };
    assert_eq!(store.known(&cuts_clips).unwrap(), redetectable, "its clip can still be cut");
    let earlier = [(content(1), Earlier { analysis: run.analysis.to_json(), detections: 1 })];
    let forced = Lookup { with_current: true, ..asked.clone() };
    assert_eq!(store.known(&forced).unwrap(), Known { earlier: earlier.clone().into(), ..one });
    let mut stricter = asked;
    stricter.analysis.parameters.onset_threshold = 1.0;
    assert_eq!(store.known(&stricter).unwrap(), Known { earlier: earlier.clone().into(), ..redetectable });
    let mut rescored = stricter;
    rescored.analysis.parameters.views = 1;
    let only_earlier = Known { earlier: earlier.into(), ..Known::default() };
    assert_eq!(store.known(&rescored).unwrap(), only_earlier, "its scores are others");
}

/// Two ranges, of which only the first has a known end.
pub fn holed() -> MissingRanges {
    let mut missing = MissingRanges::default();
    let at = Duration::from_secs_f64;
    let (kind, reason) = (MissingKind::Gap, "1.50 s of sound are missing here".to_owned());
    missing.add(MissingRange { start: at(10.25), end: Some(at(11.75)), kind, reason });
    let (kind, reason) = (MissingKind::Truncated, "the file stops inside a page\0".to_owned());
    missing.add(MissingRange { start: at(3600.0), end: None, kind, reason });
    missing
}

pub fn partial(name: &str, byte: u8) -> Run {
    let mut run = past_run("neil").analyzed(recording(name, byte), vec![detection(1.0, 2.0)]).build();
    let Status::Analyzed(analyzed) = &mut run.outcomes[0].status else { unreachable!() };
    (analyzed.missing, analyzed.tracks) = (holed(), 2);
    run
}

pub fn what_is_missing_is_read_back(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let counts = store.save(&partial("a.wav", 1)).unwrap();
    assert_eq!(counts, Counts { partial: 1, detections: 1, ..Counts::default() });
    let columns = "status, missing_count, missing_seconds, audio_tracks, duration_seconds, failure_kind IS NULL";
    let stored = home.ask(&format!("SELECT {columns} FROM recordings"));
    assert!(["partial|2|1.5|2|3600|1", "partial|2|1.5|2|3600|t"].contains(&stored[0].as_str()), "{stored:?}");
    let recordings = read(&home.location()).unwrap().unwrap().recordings(None, &Window::default()).unwrap();
    let missing = recordings[0].partial().expect("it is partial");
    let mut ranges = holed().into_ranges();
    ranges[1].reason = ranges[1].reason.replace('\0', "\u{fffd}");
    assert_eq!((&missing.ranges, missing.count, missing.total), (&ranges, 2, Duration::from_millis(1500)));
    assert_eq!((recordings[0].status(), recordings[0].laughs().len()), ("partial", 1));
}

pub fn damage_is_known_under_the_same_version(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let run = partial("a.wav", 1);
    store.save(&run).unwrap();
    let corrupt = RecordingError::Corrupt { reason: "bad page".into(), at: Duration::ZERO };
    let mut empty = recording("empty.wav", 0);
    empty.content = None;
    let failed = past_run("neil").failed(recording("b.wav", 2), corrupt).failed(empty, RecordingError::Empty);
    store.save(&failed.build()).unwrap();
    let mut asked = lookup(&run, &[content(1), content(2), content(3)]);
    asked.names = vec!["empty.wav".into(), "b.wav".into()];
    let damaged = [(content(1), Damage::Partial), (content(2), Damage::Failed)].into();
    let known = Known { damaged, failed_names: ["empty.wav".to_owned()].into(), ..Known::default() };
    assert_eq!(store.known(&asked).unwrap(), known);
    assert_eq!(store.known(&Lookup { uses_ffmpeg: true, ..asked.clone() }).unwrap(), known);
    let unsupported = RecordingError::Unsupported { what: "it is AMR".into() };
    store.save(&past_run("neil").failed(recording("c.amr", 3), unsupported).build()).unwrap();
    assert_eq!(store.known(&asked).unwrap().damaged.len(), 3);
    assert_eq!(store.known(&Lookup { uses_ffmpeg: true, ..asked.clone() }).unwrap(), known, "ffmpeg may take it");
    for other in [
        Lookup { retry_failed: true, ..asked.clone() },
        Lookup { version: "9.9.9".into(), ..asked.clone() },
        Lookup { source: "ada".into(), ..asked.clone() },
    ] {
        assert_eq!(store.known(&other).unwrap(), Known::default());
    }
}

/// Where ffmpeg crashed, another run may read on.
pub fn what_a_crash_left_is_not_known(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    let mut run = partial("a.amr", 1);
    let Status::Analyzed(analyzed) = &mut run.outcomes[0].status else { unreachable!() };
    let (start, reason) = (Duration::from_secs(7200), "it was killed by signal 9".to_owned());
    analyzed.missing.add(MissingRange { start, end: None, kind: MissingKind::Ffmpeg, reason });
    store.save(&run).unwrap();
    store.save(&partial("b.amr", 2)).unwrap();
    let asked = lookup(&run, &[content(1), content(2)]);
    assert_eq!(store.known(&asked).unwrap().damaged, [(content(2), Damage::Partial)].into());
}

pub fn damage_that_is_known_stays_stored(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&partial("a.wav", 1)).unwrap();
    store.save(&past_run("neil").failed(recording("b.wav", 2), RecordingError::Empty).build()).unwrap();
    let run = past_run("neil")
        .skipped(recording("a.wav", 1), Skip::KnownDamage(Damage::Partial))
        .skipped(recording("b.wav", 2), Skip::KnownDamage(Damage::Failed));
    assert_eq!(store.save(&run.build()).unwrap(), Counts { skipped: 2, ..Counts::default() });
    assert_eq!(home.ask("SELECT name, status FROM recordings ORDER BY name"), ["a.wav|partial", "b.wav|failed"]);
    assert_eq!(home.count("detections"), 1);
}

pub fn a_whole_copy_replaces_a_partial_recording(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&partial("a.wav", 1)).unwrap();
    let mut other_day = recording("a.wav", 2);
    other_day.started = at("2025-10-25T13:00:00Z");
    store.save(&past_run("neil").analyzed(other_day, vec![]).build()).unwrap();
    assert_eq!(home.ask("SELECT status FROM recordings ORDER BY 1"), ["analyzed", "partial"], "names come again");
    store.save(&past_run("neil").analyzed(recording("a.wav", 3), vec![detection(1.0, 2.0)]).build()).unwrap();
    assert_eq!(home.ask("SELECT status FROM recordings"), ["analyzed", "analyzed"]);
    assert_eq!(home.count("detections"), 1);
}

pub fn damaged_recordings_of_a_window_are_counted(home: &impl Home) {
    let mut store = open(&home.location()).unwrap();
    store.save(&partial("a.wav", 1)).unwrap();
    let mut timeless = recording("c.wav", 3);
    (timeless.started, timeless.content) = (None, None);
    let failures =
        past_run("neil").failed(recording("b.wav", 2), RecordingError::Empty).failed(timeless, RecordingError::Empty);
    store.save(&failures.build()).unwrap();
    let mut count = |from: &str, to: &str| {
        let window = Window { from: from.parse().ok(), to: to.parse().ok() };
        let Unresolved { partial, failed } = store.unresolved(&Run { window, ..past_run("neil").build() }).unwrap();
        (partial, failed)
    };
    assert_eq!(count("", ""), (1, 2));
    assert_eq!(count("2025-10-24T13:30:00Z", "2025-10-25T00:00:00Z"), (1, 1), "a failure of no length is an instant");
    assert_eq!(count("2025-10-24T14:00:00Z", ""), (0, 1));
    assert_eq!(count("", "2025-10-24T13:00:00Z"), (0, 1));
    assert_eq!(store.unresolved(&past_run("ada").build()).unwrap(), Unresolved::default());
}

pub fn a_database_of_a_development_build_is_refused(home: &impl Home) {
    drop(open(&home.location()).unwrap());
    home.execute("UPDATE giggles_schema SET version = 4");
    let text = open(&home.location()).err().expect("no version upgrades it").to_string();
    assert!(text.contains("development build") && text.contains("name a new database"), "{text}");
    let text = read(&home.location()).err().expect("nor reads it").to_string();
    assert!(text.contains("development build"), "{text}");
}
