//! `giggles report`: a day on the terminal, for scripts, and as a page.

use crate::support::past_runs;
use std::fs;
use std::time::{Duration, Instant};

use crate::support::program::{Place, Said};
use giggles::audio::Waveform;
use giggles::clips::{ClipLocation, Clips};
use giggles::domain::{Detection, DetectionParameters, Outcome, Recording, RecordingError, Run, Status};
use giggles::stop::Stop;
use giggles::store::open;
use past_runs::{at, detection, past_run, recording};

const DAY: [&str; 2] = ["--date", "2025-10-24"];

fn started(name: &str, byte: u8, instant: &str) -> Recording {
    Recording { started: at(instant), ..recording(name, byte) }
}

fn place(run: &Run) -> Place {
    let place = Place::new();
    open(&place.sqlite().parse().unwrap()).unwrap().save(run).unwrap();
    place
}

fn report(place: &Place, flags: &[&str]) -> Said {
    place.run(&[&["report", "--database", &place.sqlite()], &DAY[..], flags].concat())
}

/// An hour whose last laugh goes on in the next hour.
fn cut() -> Run {
    past_run("neil")
        .analyzed(
            started("noon.ogg", 1, "2025-10-24T19:00:00Z"),
            vec![detection(60.0, 62.0), detection(3598.0, 3600.0)],
        )
        .analyzed(started("one.ogg", 2, "2025-10-24T20:00:00Z"), vec![detection(0.0, 1.0)])
        .build()
}

#[test]
fn a_laugh_cut_in_two_counts_once_and_both_rows_stay() {
    let place = place(&cut());
    let text = report(&place, &[]).ends_with(0).stdout;
    assert!(text.starts_with("2 laughs\n") && text.contains("noon.ogg + one.ogg"), "{text}");
    let day = &report(&place, &["--json"]).ends_with(0).json()["days"][0];
    assert_eq!(day["laughs"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&day["laughs"][1]["length_seconds"], day["laughs"][1]["parts"].as_array().unwrap().len()),
        (&3.0.into(), 2)
    );
    assert_eq!(report(&place, &["--csv"]).ends_with(0).stdout.lines().count(), 3);
    assert_eq!(place.number("SELECT count(*) FROM detections"), 3);
}

#[test]
fn a_laugh_cut_at_midnight_is_the_evenings() {
    let run = past_run("neil")
        .analyzed(started("late.ogg", 1, "2025-10-25T06:00:00Z"), vec![detection(3598.0, 3600.0)])
        .analyzed(started("next.ogg", 2, "2025-10-25T07:00:00Z"), vec![detection(0.0, 1.0)])
        .build();
    let place = place(&run);
    assert_eq!(report(&place, &["--json"]).json()["laughs"], 1);
    let next = place.run(&["report", "--database", &place.sqlite(), "--date", "2025-10-25", "--json"]);
    assert_eq!(next.json()["laughs"], 0);
}

#[test]
fn a_page_asks_nobody_and_shows_what_failed_first() {
    let failed = past_run("neil<b>").failed(started("</script>.ogg", 3, "2025-10-24T21:00:00Z"), RecordingError::Empty);
    let place =
        place(&failed.analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![detection(1.0, 2.0)]).build());
    report(&place, &["-o", "day.html"]).ends_with(3);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert_eq!((page.matches("</script>").count(), page.matches("neil<b>").count()), (3, 0));
    let fault = page.find("<span class=\"fault\">").unwrap();
    assert!(fault < page.find("class=\"laughs\"").unwrap() && page.contains("&lt;/script&gt;.ogg"));
}

/// Five hundred pieces of a real evening, each cut at another place, as many laughs of an hour name them.
fn five_hundred() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("clips")).unwrap();
    let clips = Clips {
        location: ClipLocation::Folder(place.path("clips")),
        source: "neil".into(),
        clip_before: Duration::from_secs(2),
        clip_after: Duration::from_secs(2),
        zone: jiff::tz::TimeZone::UTC,
    };
    let laugh = |n: u32| Detection {
        peak: 0.5 + (n * 7 % 500) as f32 / 1001.0,
        ..detection(f64::from(n) * 0.94 + 2.0, f64::from(n) * 0.94 + 5.0)
    };
    let mut sample_buffer = clips.sample_buffer(&DetectionParameters::default());
    let evening = crate::support::audio::file("fixtures/evening/20251024_190000-20251024_190800.ogg");
    let (mut waveform, mut samples) = (Waveform::open(&evening).unwrap(), Vec::new());
    while waveform.next(&mut samples).unwrap() {}
    sample_buffer.record(&samples);
    // Whatever it sounds like, each patch of its 480 s may be wanted.
    (0..1000).for_each(|_| sample_buffer.decide(9.0));
    let mut run = past_run("neil")
        .analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), (0..500).map(laugh).collect())
        .build();
    let Outcome { recording, status: Status::Analyzed(analyzed) } = &mut run.outcomes[0] else { unreachable!() };
    analyzed.audio = Duration::from_secs(480);
    clips.open(&Stop::default()).unwrap().cut(sample_buffer, recording, analyzed, &DetectionParameters::default());
    open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
    place
}

/// Of each laugh of a page: its score, and where its sound is.
fn sounds(page: &str) -> Vec<(f64, String)> {
    let data = page.split("id=\"laughs\">").nth(1).unwrap().split("</script>").next().unwrap();
    let laughs: Vec<serde_json::Value> = serde_json::from_str(data).unwrap();
    let of =
        |laugh: &serde_json::Value| (laugh["peak"].as_f64().unwrap(), laugh["audio"][0].as_str().unwrap().to_owned());
    laughs.iter().map(of).collect()
}

#[test]
fn a_page_of_five_hundred_laughs_stays_small_and_plays_them_all() {
    let place = five_hundred();
    let begun = Instant::now();
    let said = report(&place, &["-o", "day.html", "--clips", "clips"]).ends_with(0);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!((12_000_000..20_000_000).contains(&page.len()), "{}", page.len());
    assert_eq!((page.matches("class=\"play\"").count(), page.matches("class=\"spectrogram\"").count()), (500, 500));
    let (inside, beside): (Vec<_>, Vec<_>) =
        sounds(&page).into_iter().partition(|(_, sound)| sound.starts_with("data:audio/flac;base64,"));
    assert!(inside.len() > 30 && inside.len() + beside.len() == 500, "{}", inside.len());
    let highest_scoring = beside.iter().fold(0.0, |most: f64, (peak, _)| most.max(*peak));
    assert!(inside.iter().all(|(peak, _)| *peak >= highest_scoring), "the highest-scoring go with the page");
    assert!(beside.iter().all(|(_, sound)| place.path(sound).is_file()));
    let words =
        format!("The {} laughs with the highest scores are in this page; {} more play", inside.len(), beside.len());
    assert!(page.contains(&words));
    said.complains_of(&format!("day.html: {words} from the folder of clips"))
        .complains_of("Use --embed all to embed all clips");
    let different: std::collections::HashSet<_> = inside.iter().map(|(_, sound)| sound).collect();
    assert_eq!(different.len(), inside.len(), "no two are the same sound");
    assert_eq!(report(&place, &["-q", "-o", "day.html", "--clips", "clips"]).ends_with(0).stderr, "");

    let all = report(&place, &["-o", "all.html", "--clips", "clips", "--embed", "all"]).ends_with(0);
    let page = fs::read_to_string(place.path("all.html")).unwrap();
    assert_eq!((all.stderr.as_str(), page.matches("data:audio/flac").count()), ("", 500));
    report(&place, &["-o", "none.html", "--clips", "clips", "--embed", "none"]).ends_with(0);
    let page = fs::read_to_string(place.path("none.html")).unwrap();
    assert!(page.contains("Laughs play from the folder of clips") && !page.contains("data:audio/flac"));
}

#[test]
fn a_few_clips_are_all_in_the_page_and_nothing_is_said_of_it() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251024_190000.flac")]);
    fs::create_dir(place.path("clips")).unwrap();
    place.scan(&["--tz", "UTC", "--clips", "clips"]).ends_with(0);
    let said = report(&place, &["-o", "day.html", "--clips", "clips"]).ends_with(0);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(sounds(&page).iter().all(|(_, sound)| sound.starts_with("data:audio/flac;base64,")));
    assert!(said.stderr.is_empty() && !page.contains("play from the folder"), "{}", said.stderr);
}

#[test]
fn only_what_went_wrong_is_loud() {
    let noon = || past_run("neil").analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![]);
    let page = |run: &Run| {
        let place = place(run);
        report(&place, &["-o", "day.html"]);
        let page = fs::read_to_string(place.path("day.html")).unwrap();
        let body = page.split("<body>").nth(1).unwrap().to_owned();
        let day = body.find("<svg class=\"day\"").unwrap();
        (body[..day].to_owned(), body[day..].to_owned())
    };
    // Noon in Los Angeles, and nothing around it: nobody can mend that.
    let (above, below) = page(&noon().build());
    assert!(!above.contains("alarm") && !above.contains("fault"), "{above}");
    assert!(below.contains("<span>23 h 00 min not recorded, in 2 gaps</span></summary>"), "{below}");
    assert!(below.contains("00:00:00 - 12:00:00  12 h 00 min"), "{below}");

    let hours = |hours: std::ops::Range<u8>| {
        let mut past_run = past_run("neil");
        for hour in hours {
            let start = at("2025-10-24T13:00:00Z").unwrap().at + Duration::from_secs(3600 * u64::from(hour));
            past_run = past_run.analyzed(started(&format!("{hour}.ogg"), hour + 1, &start.to_string()), vec![]);
        }
        past_run
    };
    let (_, below) = page(&hours(0..14).build());
    assert!(!below.contains("class=\"fault\""), "a waking day is as it should be: {below}");
    assert!(below.contains("<p>before the first and after the last recording (10 h 00 min):</p>"), "{below}");

    let mut gap = hours(0..14).build();
    gap.outcomes.remove(5);
    let (_, below) = page(&gap);
    assert!(!below.contains("class=\"fault\""), "{below}");
    assert!(below.contains("between recordings (1 h 00 min)") && below.contains("11:00:00 - 12:00:00"), "{below}");

    let (above, below) =
        page(&noon().failed(started("one.ogg", 2, "2025-10-24T20:00:00Z"), RecordingError::Empty).build());
    assert!(!above.contains("fault"), "{above}");
    assert!(below.contains("<summary><span class=\"fault\">incomplete, 1 recording failed</span> · "), "{below}");
    let calm = below.find("class=\"calm\"").unwrap();
    assert!(calm < below.find("before the first").unwrap(), "in another colour");
}

#[test]
fn without_analysis_there_is_no_zero() {
    let noon = || started("noon.ogg", 1, "2025-10-24T19:00:00Z");
    let failed = place(&past_run("neil").failed(noon(), RecordingError::Empty).build());
    let elsewhere =
        past_run("neil").analyzed(started("noon.ogg", 1, "2025-10-20T19:00:00Z"), vec![detection(1.0, 2.0)]).build();
    for (place, code) in [(failed, 3), (place(&elsewhere), 4)] {
        let text = report(&place, &[]).ends_with(code).stdout;
        assert!(text.starts_with("nothing was analyzed\n") && !text.contains("0 laughs"), "{text}");
        assert_eq!(report(&place, &["--json"]).ends_with(code).json()["laughs"], serde_json::Value::Null);
        let written = report(&place, &["-o", "day.html"]).ends_with(code).stdout;
        assert!(written.starts_with("day.html: nothing was analyzed, "), "{written}");
        let page = fs::read_to_string(place.path("day.html")).unwrap();
        assert!(
            page.contains("Nothing was analyzed, so the number of laughs is unknown.")
                && !page.contains("No laughs were found")
        );
    }
}

#[test]
fn one_laugh_is_not_a_plural_and_a_silent_day_is_a_zero() {
    let written = |detections| {
        let run = past_run("neil").analyzed(started("noon.ogg", 1, "2025-10-24T19:00:00Z"), detections).build();
        report(&place(&run), &["-o", "day.html"]).ends_with(0).stdout
    };
    assert!(written(vec![detection(1.0, 2.0)]).starts_with("day.html: 1 laugh, "));
    assert!(written(vec![]).starts_with("day.html: 0 laughs, "));
}

#[test]
fn a_report_is_of_whole_days() {
    let place = place(&cut());
    let database = place.sqlite();
    let of = |from: &str, to: &str| {
        place.run(&[
            "report",
            "--database",
            &database,
            "--tz",
            "America/Los_Angeles",
            "--json",
            "--from",
            from,
            "--to",
            to,
        ])
    };
    assert_eq!(of("2025-10-24", "2025-10-25").ends_with(0).json()["laughs"], 2);
    assert_eq!(of("2025-10-24T00:00", "2025-10-25T07:00Z").json()["days"].as_array().unwrap().len(), 1, "midnights");
    let refused = "--from: a report covers whole days; give a date such as 2025-10-24, without a time";
    of("2025-10-24T13:00", "2025-10-25").ends_with(78).complains_of(refused);
    of("2025-10-24", "2025-10-24T18:00").ends_with(78).complains_of("--to: a report covers whole days");
    let help = place.run(&["report", "--help"]).ends_with(0).stdout;
    assert!(help.contains("--from <DAY>") && help.contains("End with this day") && !help.contains("T13:00"));
}

#[test]
fn names_that_turn_text_around_turn_only_themselves() {
    let run = past_run("neil")
        .analyzed(started("\u{202e}noon.ogg", 1, "2025-10-24T19:00:00Z"), vec![detection(1.0, 2.0)])
        .build();
    let place = place(&run);
    report(&place, &["-o", "day.html"]).ends_with(0);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("noon.ogg")).collect();
    assert!(page.contains("<small><bdi>\\xe2\\x80\\xaenoon.ogg</bdi></small>"), "{lines:?}");
    assert!(report(&place, &[]).stdout.contains("\\xe2\\x80\\xaenoon.ogg"));

    let failed = past_run("neil").failed(started("\u{202e}one.ogg", 2, "2025-10-24T20:00:00Z"), RecordingError::Empty);
    let place = self::place(&failed.build());
    report(&place, &["-o", "day.html"]).ends_with(3);
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert!(page.contains("\\xe2\\x80\\xaeone.ogg: ") && !page.contains('\u{202e}'));
}

#[test]
fn a_page_may_go_to_standard_output_and_into_a_device() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac")]);
    place.scan(&["--tz", "UTC"]).ends_with(0);
    let report = |to: &str| {
        place.run(&["report", "--date", "2025-10-24", "--tz", "UTC", "--database", &place.sqlite(), "-o", to])
    };
    let page = report("-").stdout;
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page}");
    assert!(!place.path("-").exists());
    report("/dev/null").ends_with(0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    for output in ["/dev/stdout", "/proc/self/fd/1"] {
        let page = report(output).ends_with(0).stdout;
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "nothing else: {page}");
    }
}
