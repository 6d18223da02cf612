//! The page of a day in a real browser: it opens from disk, plays, filters, notes, and asks nobody.

use crate::support::browser;
use crate::support::past_runs;
use std::fs;
use std::path::PathBuf;

use crate::support::program::{Place, eventually};
use browser::Browser;
use past_runs::{at, detection, past_run, recording};
use serde_json::{Value, json};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";

/// The page of an evening with two laughs.
fn place() -> Place {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    for folder in ["clips", "downloads"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.scan(&["--clips", "clips", "--tz", "UTC"]).ends_with(0);
    report(&place);
    place
}

fn report(place: &Place) {
    let database = place.sqlite();
    let flags = ["report", "--database", &database, "--date", "2025-09-30", "--clips", "clips", "-o", "day.html"];
    place.run(&flags).ends_with(0);
}

/// The notes that the page wrote.
fn downloaded(place: &Place) -> PathBuf {
    let reviews = || {
        let files = fs::read_dir(place.path("downloads")).unwrap().flatten().map(|file| file.path());
        // Its name is there before its lines are.
        let written = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.len() > 0);
        files.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl") && written(path))
    };
    eventually("the notes are written", || reviews().is_some());
    reviews().unwrap()
}

fn opened(place: &Place, size: (u32, u32)) -> Browser {
    let browser = Browser::open(size, &place.path("downloads"));
    browser.go(&place.path("day.html"));
    // Whoever plays is kept, to be asked how far it is.
    browser.run(
        "const play = HTMLMediaElement.prototype.play;
         HTMLMediaElement.prototype.play = function () { window.player = this; return play.call(this); };",
    );
    browser
}

fn shown(browser: &Browser) -> Value {
    browser.run("return document.getElementById('shown').textContent")
}

#[test]
fn a_page_plays_filters_and_exports_without_a_word_to_anybody() {
    let place = place();
    let browser = opened(&place, (1200, 900));
    assert_eq!(shown(&browser), "2 of 2 shown");
    browser.run("document.querySelector('.play').click()");
    eventually("the clip is playing", || {
        browser.run("return window.player.currentTime > 0.1 && !window.player.error") == true
    });

    let number = "return document.body.innerText.match(/(\\d+)\\s*laughs/)[1]";
    assert_eq!(browser.run(number), "2");
    browser.run("const slider = document.querySelector('input[type=range]'); slider.value = 0.95; slider.oninput()");
    assert_eq!(shown(&browser), "1 of 2 shown");
    assert_eq!(browser.run(number), "2", "the day's number is what is stored");

    browser.run("document.querySelector('.confirm').click()");
    let review = "const note = document.querySelector('.comment'); note.value = 'with Ann'; note.dispatchEvent(new Event('input'))";
    browser.run(review);
    browser.run("document.getElementById('export').click()");
    let text = fs::read_to_string(downloaded(&place)).unwrap();
    let said: Value = serde_json::from_str(&text).expect(&text);
    assert_eq!((&said["verdict"], &said["comment"]), (&"confirmed".into(), &"with Ann".into()));
    assert_eq!(said["recording"], EVENING);

    let (complaints, asked) = browser.logs();
    assert_eq!(complaints, [""; 0]);
    assert!(asked.iter().all(|url| ["file:", "data:", "blob:"].iter().any(|own| url.starts_with(own))), "{asked:?}");
}

#[test]
fn a_page_fits_a_phone_and_is_used_by_keys_alone() {
    let place = place();
    let browser = opened(&place, (500, 900));
    for width in [390, 320] {
        browser.emulate_media("screen", "dark", width);
        assert_eq!(browser.run("return window.innerWidth"), width);
        assert_eq!(browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), true, "{width}");
    }
    browser.press("jy");
    assert_eq!(browser.run("return document.querySelectorAll('.confirm[aria-pressed=true]').length"), 1);
    browser.press(" ");
    eventually("the clip is playing", || {
        browser.run("return !!window.player && window.player.currentTime > 0.1") == true
    });
    let unnamed = "return [...document.querySelectorAll('button, input, audio')].filter(
        (one) => !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim())).length";
    assert_eq!(browser.run(unnamed), 0, "every control says what it is");
}

/// Where Tab goes among the rows, which marks are chosen, and what is said of each row.
const KEYS: &str = "const all = (query) => [...document.querySelectorAll(query)];
    return [all('.laughs li').map((row) => row.tabIndex), all('.mark').map((mark) => mark.classList.contains('at')),
        all('.laughs li').map((row) => row.querySelector('.reject').ariaPressed)]";

fn slide(browser: &Browser, from: f64) {
    browser
        .run(&format!("const slider = document.getElementById('threshold'); slider.value = {from}; slider.oninput()"));
}

#[test]
fn keys_act_only_on_what_the_slider_leaves() {
    let place = place();
    let browser = opened(&place, (1200, 900));
    assert_eq!(browser.run(KEYS), json!([[0, -1], [false, false], ["false", "false"]]));
    // The weaker of the two is hidden, be it the first or the second.
    let weak = browser.run("return JSON.parse(document.getElementById('laughs').textContent)[0].peak < 0.95");
    let (hidden, left) = if weak == true { (0, 1) } else { (1, 0) };
    browser.press(&"j".repeat(hidden + 1));
    slide(&browser, 0.95);
    assert_eq!(shown(&browser), "1 of 2 shown");
    browser.press("n");
    let said = browser.run(KEYS);
    assert_eq!((&said[0][left], &said[1][left], &said[2][left]), (&json!(0), &json!(true), &json!("true")), "{said}");
    assert_eq!((&said[0][hidden], &said[1][hidden], &said[2][hidden]), (&json!(-1), &json!(false), &json!("false")));

    // Where all are hidden, nothing is judged, moved to or played.
    slide(&browser, 1.0);
    assert_eq!(shown(&browser), "0 of 2 shown");
    browser.press("jn y");
    assert_eq!(browser.run(KEYS)[2], said[2]);
    assert_eq!(browser.run("return window.player === undefined"), true);
    slide(&browser, 0.0);
    assert_eq!(browser.run(KEYS)[0], json!([0, -1]));
    assert_eq!(browser.logs().0, [""; 0]);
}

/// Exports on the page and imports the file; what the program says of it.
fn brought_back(place: &Place, browser: &Browser) -> String {
    browser.run("document.getElementById('export').click()");
    let reviews = downloaded(place);
    let said = place.run(&["reviews", "import", reviews.to_str().unwrap(), "--database", &place.sqlite()]).ends_with(0);
    fs::remove_file(reviews).unwrap();
    said.stdout
}

/// What the page shows of each laugh: kept, rejected, its note, and whether it looks rejected.
fn judged(browser: &Browser) -> Value {
    browser.run(
        "return [...document.querySelectorAll('.laughs li')].map((row) => [
            row.querySelector('.confirm').ariaPressed, row.querySelector('.reject').ariaPressed,
            row.querySelector('.comment').value, row.classList.contains('rejected')])",
    )
}

const WRITE: &str = "const note = document.querySelector('.comment');
    note.value = 'with Ann'; note.dispatchEvent(new Event('input'));";

#[test]
fn what_is_said_on_a_page_is_stored_and_shown_on_the_next() {
    let place = place();
    let first = opened(&place, (1200, 900));
    first.run("document.querySelectorAll('.confirm')[0].click(); document.querySelectorAll('.reject')[1].click()");
    first.run(WRITE);
    assert_eq!(brought_back(&place, &first), "2 reviews stored\n");
    assert_eq!(brought_back(&place, &first), "nothing changed; 2 are already stored\n");
    drop(first);

    // Another browser, which remembers nothing.
    report(&place);
    let second = opened(&place, (1200, 900));
    let shown = json!([["true", "false", "with Ann", false], ["false", "true", "", true]]);
    assert_eq!(judged(&second), shown);
    assert_eq!(second.run("return document.querySelectorAll('.mark.out').length"), 1);
    assert_eq!(brought_back(&place, &second), "nothing changed; 2 are already stored\n");

    // What this browser knows later is shown, and kept over a reload; then it is taken back.
    second.run("document.querySelectorAll('.confirm')[1].click()");
    second.go(&place.path("day.html"));
    assert_eq!(judged(&second)[1], json!(["true", "false", "", false]));
    second.run("document.querySelectorAll('.confirm')[1].click()");
    assert_eq!(brought_back(&place, &second), "1 review stored; 1 is already stored\n");
    report(&place);
    second.go(&place.path("day.html"));
    assert_eq!(judged(&second), json!([["true", "false", "with Ann", false], ["false", "false", "", false]]));
    assert_eq!(second.logs().0, [""; 0]);
}

#[test]
fn what_is_stored_later_than_the_browser_remembers_is_shown() {
    let place = place();
    let browser = opened(&place, (1200, 900));
    browser.run("document.querySelectorAll('.confirm')[0].click()");
    browser.run("document.getElementById('export').click()");
    let reviews = downloaded(&place);
    let mut line: Value = serde_json::from_str(&fs::read_to_string(&reviews).unwrap()).unwrap();
    // Said elsewhere, by a clock that is ahead.
    (line["verdict"], line["at"]) = ("rejected".into(), "2099-01-01T00:00:00Z".into());
    fs::write(&reviews, line.to_string()).unwrap();
    place.run(&["reviews", "import", reviews.to_str().unwrap(), "--database", &place.sqlite()]).ends_with(0);
    fs::remove_file(reviews).unwrap();
    report(&place);
    browser.go(&place.path("day.html"));
    assert_eq!(judged(&browser)[0], json!(["false", "true", "", true]));
    browser.run("document.querySelectorAll('.reject')[0].click()");
    assert_eq!(judged(&browser)[0], json!(["false", "false", "", false]), "and can be changed all the same");
    assert_eq!(brought_back(&place, &browser), "1 review stored\n");
}

#[test]
fn what_is_said_of_a_laugh_cut_in_two_is_exported_for_both_parts() {
    let place = Place::new();
    fs::create_dir(place.path("downloads")).unwrap();
    let hour = |name, byte, instant| giggles::domain::Recording { started: at(instant), ..recording(name, byte) };
    let run = past_run("neil")
        .analyzed(hour("noon.ogg", 1, "2025-09-30T19:00:00Z"), vec![detection(3598.0, 3600.0)])
        .analyzed(hour("one.ogg", 2, "2025-09-30T20:00:00Z"), vec![detection(0.0, 1.0)])
        .build();
    giggles::store::open(&place.sqlite().parse().unwrap()).unwrap().save(&run).unwrap();
    place.run(&["report", "--database", &place.sqlite(), "--date", "2025-09-30", "-o", "day.html"]).ends_with(0);
    let browser = opened(&place, (1200, 900));
    assert_eq!(shown(&browser), "1 of 1 shown");
    browser.run("document.querySelector('.reject').click()");
    assert_eq!(brought_back(&place, &browser), "2 reviews stored\n");
    assert_eq!(place.number("SELECT count(*) FROM reviews WHERE verdict = 'rejected' AND recording = 'one.ogg'"), 1);
    place.run(&["report", "--database", &place.sqlite(), "--date", "2025-09-30", "-o", "day.html"]).ends_with(0);
    assert!(
        fs::read_to_string(place.path("day.html")).unwrap().contains("<p class=\"review\"><bdi>rejected</bdi></p>")
    );
}

#[test]
fn on_paper_headings_stay_with_what_they_head_and_notes_are_seen() {
    let place = place();
    let browser = opened(&place, (1200, 900));
    browser.run(WRITE);
    browser.emulate_media("print", "light", 800);
    let breaks = "return [...document.querySelectorAll('.month, .day')].map(
        (drawing) => getComputedStyle(drawing.closest('section')).breakInside)";
    assert_eq!(browser.run(breaks), json!(["avoid", "avoid"]));
    let said = "return [...document.querySelectorAll('.review')].map(
        (said) => [getComputedStyle(said).display, said.textContent])";
    assert_eq!(browser.run(said), json!([["block", "with Ann"], ["none", ""]]));
}

/// Every text, drawing and edge with its contrast to what it stands on, and the least it must have.
const CONTRASTS: &str = include_str!("../page/contrasts.js");

#[test]
fn all_that_is_shown_has_the_contrast_that_eyes_need() {
    let place = place();
    place.copy("fixtures/clips/crow_cc0.flac", "20250930_235000.flac");
    place.write("20250930_230000.ogg", b"broken");
    place.scan(&["--clips", "clips", "--tz", "UTC"]).ends_with(3);
    let database = place.sqlite();
    let flags = ["report", "--database", &database, "--date", "2025-09-30", "--clips", "clips", "-o", "day.html"];
    place.run(&flags).ends_with(3);
    let browser = opened(&place, (1200, 900));
    browser.run("document.querySelectorAll('.confirm')[0].click(); document.querySelectorAll('.reject')[1].click()");
    browser.run(WRITE);
    for (media, scheme) in [("screen", "light"), ("screen", "dark"), ("print", "light"), ("print", "dark")] {
        browser.emulate_media(media, scheme, 1200);
        let found = browser.run(CONTRASTS);
        let found = found.as_array().unwrap();
        let kinds = ["text", "drawing", "key", "edge"];
        assert!(
            kinds.iter().all(|kind| found.iter().any(|one| one[0].as_str().unwrap().starts_with(kind))),
            "{found:?}"
        );
        assert!(found.len() > 60, "{}", found.len());
        let mut faint: Vec<String> =
            found.iter().filter(|one| one[1].as_f64() < one[2].as_f64()).map(ToString::to_string).collect();
        faint.dedup();
        assert!(faint.is_empty(), "{media}, {scheme}:\n{}", faint.join("\n"));
    }
    browser.emulate_media("screen", "light", 1200);
    browser.run("document.documentElement.style.setProperty('--quiet', '#9a9186')");
    let found = browser.run(CONTRASTS);
    assert!(found.as_array().unwrap().iter().any(|one| one[1].as_f64() < one[2].as_f64()), "what is faint is seen");
}
