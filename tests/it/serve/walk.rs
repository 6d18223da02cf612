//! The pages of a server in a real browser: they play, store reviews at once, and show what is stored after a reload.

use std::fs;

use serde_json::{Value, json};

use super::flags;
use super::server::Server;
use crate::support::browser::Browser;
use crate::support::program::{Place, eventually};

const EVENING: &str = "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg";
const DAY: &str = "/days/2025-09-30";

/// An evening with two laughs and a recording that failed, its server, and a browser.
fn evening(size: (u32, u32)) -> (Place, Server, Browser) {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    for folder in ["clips", "downloads"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("20250930_230000.ogg", b"broken");
    place.scan(&["--clips", "clips", "--tz", "UTC", "--source", "<b>mia</b>"]).ends_with(3);
    let server = Server::start(&place, &flags(&place).iter().map(String::as_str).collect::<Vec<_>>());
    let browser = Browser::open(size, &place.path("downloads"));
    open(&server, &browser, DAY);
    (place, server, browser)
}

/// Opens a page, and keeps the player to ask it how far it is.
fn open(server: &Server, browser: &Browser, path: &str) {
    browser.go_to(&format!("http://127.0.0.1:{}{path}", server.port));
    browser.run(
        "const play = HTMLMediaElement.prototype.play;
         HTMLMediaElement.prototype.play = function () { window.player = this; return play.call(this); };",
    );
}

const NUMBER: &str = "return document.getElementById('number').textContent";

/// Of each laugh: confirmed, rejected, comment.
fn reviewed(browser: &Browser) -> Value {
    browser.run(
        "return [...document.querySelectorAll('.laughs li')].map((row) => [
            row.querySelector('.confirm').ariaPressed, row.querySelector('.reject').ariaPressed, row.querySelector('.comment').value])",
    )
}

fn is_saved(browser: &Browser) -> bool {
    browser.run("return document.getElementById('saved').textContent") == "Saved"
}

const COMMENT: &str = "const comment = document.querySelector('.comment'); comment.value = '<i>with Ann</i>';
    comment.dispatchEvent(new Event('input')); comment.dispatchEvent(new Event('change', { bubbles: true }))";

#[test]
fn a_day_is_played_reviewed_and_still_so_after_a_reload() {
    let (place, server, browser) = evening((1200, 900));
    browser.run("document.getElementById('speed').value = '2'; document.querySelector('.play').click()");
    eventually("the clip is playing", || browser.run("return window.player.currentTime > 0.1") == true);
    assert_eq!(browser.run("return window.player.playbackRate"), 2);
    let head =
        "const head = document.querySelector('.playhead'); return !head.hidden && parseFloat(head.style.left) > 0";
    eventually("the playhead is in the spectrogram", || browser.run(head) == true);

    assert_eq!(browser.run(NUMBER), "2");
    browser.run("document.querySelectorAll('.reject')[1].click()");
    assert_eq!(browser.run(NUMBER), "1", "at once");
    eventually("the verdict is stored", || is_saved(&browser));
    assert_eq!(place.number("SELECT count(*) FROM reviews WHERE verdict = 'rejected'"), 1);
    browser.run(COMMENT);
    eventually("the comment is stored", || {
        place.number("SELECT count(*) FROM reviews WHERE comment = '<i>with Ann</i>'") == 1
    });
    eventually("the page knows", || is_saved(&browser));
    assert_eq!(browser.run("return localStorage.length"), 0, "what is stored is not kept in the browser");
    open(&server, &browser, DAY);
    assert_eq!(browser.run(NUMBER), "1", "after a reload");
    let mut shown: Vec<Value> = reviewed(&browser).as_array().unwrap().clone();
    shown.sort_by_key(|row| row[1] == "true");
    assert_eq!(shown, [json!(["false", "false", "<i>with Ann</i>"]), json!(["false", "true", ""])]);
    assert_eq!(browser.run("return document.querySelectorAll('main i').length"), 0, "comments are text");

    let (complaints, asked) = browser.logs();
    assert_eq!(complaints, [""; 0]);
    let own = format!("http://127.0.0.1:{}/", server.port);
    assert!(asked.iter().all(|url| url.starts_with(&own) || url.starts_with("data:")), "{asked:?}");
}

#[test]
fn the_calendar_leads_to_a_day_and_search_finds_its_laughs() {
    let (place, server, browser) = evening((1200, 900));
    open(&server, &browser, "/");
    assert_eq!(browser.run("return document.querySelector('h1').textContent"), "Days of 2025");
    assert_eq!(browser.run("return document.querySelectorAll('.found li').length"), 6, "the same two of three spans");
    browser.run("document.querySelector('.heat a[data-date=\"2025-09-30\"]').dispatchEvent(new MouseEvent('click', { bubbles: true }))");
    eventually("the day is open", || browser.run("return location.pathname") == DAY);
    browser.run("document.querySelectorAll('.favourite')[0].click()");
    eventually("it is stored", || place.number("SELECT count(*) FROM reviews WHERE favourite") == 1);
    for (path, count) in [
        ("/search", 2),
        ("/search?favourite=1", 1),
        ("/search?favourite=0", 1),
        ("/search?from=21:00&to=22:00&class=Laughter", 2),
        ("/search?from=22:00&to=21:00", 0),
        ("/search?score=1", 0),
        ("/search?shortest=600", 0),
        ("/search?text=nothing", 0),
        ("/search?after=2025-10-01", 0),
    ] {
        open(&server, &browser, path);
        assert_eq!(browser.run("return document.querySelectorAll('.found li').length"), count, "{path}");
    }
    for wrong in ["/search?score=x", "/search?order=x", "/search?cursor=x", "/search?from=25:00", "/?year=x"] {
        server.get(wrong).with_status(422);
    }
    for path in ["/", "/search"] {
        open(&server, &browser, path);
        browser.emulate_media("screen", "dark", 360);
        assert_eq!(browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), true, "{path}");
        assert_eq!(browser.run("return document.querySelectorAll('main b > b, bdi > b').length"), 0, "names are text");
    }
    assert_eq!(browser.logs().0, [""; 0]);
}

#[test]
fn all_laughs_are_played_one_after_the_other() {
    let (_place, _server, browser) = evening((1200, 900));
    browser.run("document.getElementById('speed').value = '2'; document.getElementById('play-all').click()");
    let on = "return [...document.querySelectorAll('.laughs li')].findIndex((row) => row.querySelector('.play.on'))";
    for row in [0, 1] {
        eventually("the row plays", || browser.run(on) == row);
    }
    eventually("all were played", || {
        browser.run("return document.getElementById('play-all').textContent") == "Play all"
    });
    assert_eq!(browser.run(on), -1);
}

#[test]
fn what_the_server_does_not_store_is_taken_back_and_without_it_the_shell_says_so() {
    let (place, server, browser) = evening((1200, 900));
    eventually("the worker is there", || browser.run("return !!navigator.serviceWorker.controller") == true);
    let kept = "return window.kept";
    browser.run(
        "(async () => { const all = [];
            for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
            window.kept = all.every((path) => path === '/offline' || path.startsWith('/assets/')) && all.length; })()",
    );
    eventually("the kept files are known", || browser.run(kept) == 4);
    drop(server);
    browser.run("document.querySelector('.confirm').click()");
    let error =
        "return document.getElementById('unsaved').hidden ? '' : document.getElementById('unsaved').textContent";
    eventually("the error is shown", || browser.run(error).as_str().is_some_and(|text| text.contains("taken back")));
    assert_eq!(reviewed(&browser)[0], json!(["false", "false", ""]));
    assert_eq!(place.number("SELECT count(*) FROM reviews"), 0);
    browser.run("location.reload()");
    eventually("the shell is shown", || {
        browser.run("return document.querySelector('h1')?.textContent") == "No connection"
    });
}

#[test]
fn a_clip_is_saved_as_a_file_that_plays_on_its_own() {
    let (place, server, browser) = evening((1200, 900));
    let address = browser.run("return document.querySelector('.files a[href^=\"/share/\"]').getAttribute('href')");
    let answer = server.get(address.as_str().unwrap()).with_status(200);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"laugh-2025-09-30.html\"");
    fs::write(place.path("shared.html"), &answer.body).unwrap();
    drop(server);
    browser.go(&place.path("shared.html"));
    browser.run("document.querySelector('audio').play()");
    eventually("it plays", || browser.run("return document.querySelector('audio').currentTime > 0.1") == true);
    assert_eq!(browser.run("return document.querySelector('img').naturalHeight"), 64);
    assert!(!answer.text().contains("mia") && !answer.text().contains(EVENING), "only the clip and its date");
}

#[test]
fn a_served_day_fits_a_phone_and_is_used_by_keys() {
    let (place, _server, browser) = evening((500, 900));
    for (width, scheme) in [(360, "light"), (360, "dark"), (320, "dark")] {
        browser.emulate_media("screen", scheme, width);
        assert_eq!(browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), true, "{width}");
    }
    browser.press("jy");
    eventually("the verdict is stored", || {
        place.number("SELECT count(*) FROM reviews WHERE verdict = 'confirmed'") == 1
    });
    browser.emulate_media("print", "light", 800);
    let hidden = "return [...document.querySelectorAll('nav, .files, .controls, .play')].every((one) => getComputedStyle(one).display === 'none')";
    assert_eq!(browser.run(hidden), true);
}

/// Set by scripts/pages_test.sh, which gets axe-core.
#[test]
#[ignore = "needs axe-core; scripts/pages_test.sh runs it"]
fn axe_finds_nothing_serious() {
    let axe = std::env::var("GIGGLES_AXE").expect("GIGGLES_AXE names axe.min.js");
    let axe = fs::read_to_string(axe).unwrap();
    let (_place, server, browser) = evening((1200, 900));
    for path in PAGES {
        open(&server, &browser, path);
        for scheme in ["light", "dark"] {
            browser.emulate_media("screen", scheme, 1200);
            browser.run(&format!(
                "{axe}; window.found = null; axe.run().then((result) => {{ window.found = result.violations; }})"
            ));
            eventually("axe has an answer", || !browser.run("return window.found").is_null());
            let found = browser.run(
                "return window.found.filter((one) => ['serious', 'critical'].includes(one.impact)).map(
                    (one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])",
            );
            assert_eq!(found, json!([]), "{path}, {scheme}");
        }
    }
}

/// The pages that axe examines.
const PAGES: &[&str] = &[DAY, "/", "/search", "/search?favourite=1", "/offline"];
