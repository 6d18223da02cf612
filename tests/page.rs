//! The page of a day in a real browser: it opens from disk, plays, filters, notes, and asks nobody.

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::fs;

use browser::Browser;
use serde_json::Value;
use support::program::{Place, eventually};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";

/// The page of an evening with two laughs.
fn place() -> Place {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    for folder in ["clips", "downloads"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.scan(&["--clips", "clips", "--tz", "UTC"]).ends_with(0);
    let database = place.sqlite();
    let flags = ["report", "--database", &database, "--date", "2025-09-30", "--clips", "clips", "-o", "day.html"];
    place.run(&flags).ends_with(0);
    place
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

    browser.run("document.querySelector('.keep').click()");
    let note =
        "const note = document.querySelector('.note'); note.value = 'with Ann'; note.dispatchEvent(new Event('input'))";
    browser.run(note);
    browser.run("document.getElementById('export').click()");
    let exported = || fs::read_dir(place.path("downloads")).unwrap().flatten().map(|file| file.path());
    eventually("the notes are written", || exported().any(|path| path.extension().is_some_and(|end| end == "jsonl")));
    let text = fs::read_to_string(exported().next().unwrap()).unwrap();
    let said: Value = serde_json::from_str(&text).expect(&text);
    assert_eq!((&said["verdict"], &said["note"]), (&"keep".into(), &"with Ann".into()));
    assert_eq!(said["recording"], EVENING);

    let (complaints, asked) = browser.logs();
    assert_eq!(complaints, [""; 0]);
    assert!(asked.iter().all(|url| ["file:", "data:", "blob:"].iter().any(|own| url.starts_with(own))), "{asked:?}");
}

#[test]
fn a_page_fits_a_phone_and_is_used_by_keys_alone() {
    let place = place();
    let browser = opened(&place, (500, 900));
    assert_eq!(browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), true);
    browser.press("jf");
    assert_eq!(browser.run("return document.querySelectorAll('.keep[aria-pressed=true]').length"), 1);
    browser.press(" ");
    eventually("the clip is playing", || {
        browser.run("return !!window.player && window.player.currentTime > 0.1") == true
    });
    let unnamed = "return [...document.querySelectorAll('button, input, audio')].filter(
        (one) => !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim())).length";
    assert_eq!(browser.run(unnamed), 0, "every control says what it is");
}
