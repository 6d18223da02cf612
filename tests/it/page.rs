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
    let place = place_in_doubt();
    let browser = opened(&place, (500, 900));
    browser.run("document.querySelector('.missed').open = true");
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
    let said = place.run(&["review", "import", reviews.to_str().unwrap(), "--database", &place.sqlite()]).ends_with(0);
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
    let marks = "return [document.querySelectorAll('.mark').length, document.querySelectorAll('#rejected li').length]";
    assert_eq!(second.run(marks), json!([1, 1]), "the rejected one is folded away");
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
    place.run(&["review", "import", reviews.to_str().unwrap(), "--database", &place.sqlite()]).ends_with(0);
    fs::remove_file(reviews).unwrap();
    report(&place);
    browser.go(&place.path("day.html"));
    // Rejected laughs come after the others.
    assert_eq!(judged(&browser)[1], json!(["false", "true", "", true]));
    browser.run("document.querySelectorAll('.reject')[1].click()");
    assert_eq!(judged(&browser)[1], json!(["false", "false", "", false]), "and can be changed all the same");
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
fn the_number_follows_each_verdict_and_a_favourite_stays_one() {
    const NUMBER: &str = "return document.querySelector('.number').textContent.trim().replace(/\\s+/g, ' ')";
    let place = place();
    let browser = opened(&place, (1200, 900));
    assert_eq!(browser.run(NUMBER), "2 laughs");
    browser.run("document.querySelectorAll('.reject')[1].click()");
    assert_eq!(browser.run(NUMBER), "1 laugh");
    browser.go(&place.path("day.html"));
    assert_eq!(browser.run(NUMBER), "1 laugh", "after a reload");
    assert_eq!(brought_back(&place, &browser), "1 review stored\n");
    let mark = "UPDATE reviews SET favourite = 1, reviewed_at = '2098-01-01T00:00:00.000000Z'";
    rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute(mark, []).unwrap();
    report(&place);
    browser.go(&place.path("day.html"));
    assert_eq!(browser.run(NUMBER), "1 laugh");
    let summary = "return document.querySelector('#rejected summary').textContent";
    assert_eq!(browser.run(summary), "Rejected (1), not counted");
    let text = "return document.querySelector('#rejected .review').textContent";
    assert_eq!(browser.run(text), "favourite, rejected");
    // The verdict is taken back in the folded list: it counts again, and the mark stays.
    browser.run("document.querySelector('#rejected .reject').click()");
    assert_eq!(browser.run(NUMBER), "2 laughs");
    assert_eq!(brought_back(&place, &browser), "1 review stored\n");
    assert_eq!(place.number("SELECT count(*) FROM reviews WHERE favourite AND verdict IS NULL"), 1);
    report(&place);
    browser.go(&place.path("day.html"));
    assert_eq!(browser.run(NUMBER), "2 laughs");
    assert_eq!(browser.run("return document.querySelectorAll('#rejected').length"), 0);
    assert_eq!(browser.logs().0, [""; 0]);
}

/// The page of an evening with a laugh and a sound that does not count, because the threshold is high.
fn place_in_doubt() -> Place {
    let place = Place::with(&[(&format!("fixtures/evening/{EVENING}"), EVENING)]);
    for folder in ["clips", "downloads"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.scan(&["--clips", "clips", "--tz", "UTC", "--threshold", "0.95", "--keep-embeddings", "36500"]).ends_with(0);
    // Of a recording as short as this, only one candidate has an embedding.
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let share = "UPDATE candidates SET embedding = (SELECT max(embedding) FROM candidates)";
    connection.execute(share, []).unwrap();
    drop(connection);
    report(&place);
    place
}

/// The number of laughs, and of each row: whether it counts, whether it is confirmed and whether it is rejected.
const COUNTED: &str = "return [document.getElementById('number').textContent,
    ...[...document.querySelectorAll('.laughs li')].map((row) => [!row.querySelector('.uncounted'),
        row.querySelector('.confirm').ariaPressed, row.querySelector('.reject').ariaPressed])]";

#[test]
fn an_unsure_sound_is_played_confirmed_by_key_stored_and_does_not_count_before_it_is_decided_again() {
    let place = place_in_doubt();
    assert_eq!(place.number("SELECT count(*) FROM candidates WHERE clip LIKE '%\\_unsure-%' ESCAPE '\\'"), 1);
    let first = opened(&place, (1200, 900));
    assert_eq!(first.run(COUNTED), json!(["1", [true, "false", "false"], [false, "false", "false"]]));
    assert_eq!(shown(&first), "1 of 1 shown");
    assert_eq!(first.run("return document.querySelectorAll('.spectrogram').length"), 2);
    // The filter is for laughs only.
    slide(&first, 1.0);
    assert_eq!(shown(&first), "0 of 1 shown");
    first.press("j ");
    eventually("the clip is playing", || {
        first.run("return !!window.player && window.player.currentTime > 0.1 && !window.player.error") == true
    });
    first.press("y");
    slide(&first, 0.0);
    let confirmed = json!(["1", [true, "false", "false"], [false, "true", "false"]]);
    assert_eq!(first.run(COUNTED), confirmed);
    assert_eq!(brought_back(&place, &first), "1 review stored; 1 is of a laugh that is not stored\n");
    let (complaints, asked) = first.logs();
    assert_eq!(complaints, [""; 0]);
    assert!(asked.iter().all(|url| ["file:", "data:", "blob:"].iter().any(|own| url.starts_with(own))), "{asked:?}");
    drop(first);

    report(&place);
    let second = opened(&place, (1200, 900));
    assert_eq!(second.run(COUNTED), confirmed, "a verdict does not change the number of laughs");
    let stored = "SELECT count(*) FROM reviews WHERE verdict = 'confirmed' AND embedding IS NOT NULL";
    assert_eq!(place.number(stored), 1);
    place.scan(&["--clips", "clips", "--tz", "UTC"]).ends_with(0);
    report(&place);
    second.go(&place.path("day.html"));
    let counts = second.run(COUNTED);
    assert_eq!(counts.as_array().unwrap().len(), 3, "{counts}");
    assert_eq!(counts[0], "2");
    assert_eq!(counts.as_array().unwrap().iter().filter(|row| **row == json!([true, "true", "false"])).count(), 1);
    // The first laugh has another extent now, and its old clip is removed on request only.
    let verify = ["verify", "--clips", "clips", "--delete-orphans", "--database", &place.sqlite()];
    assert!(!place.run(&verify).ends_with(0).stdout.contains("unsure-"), "a row still names it");
}

/// Adds three seconds; what the page answers.
fn add(browser: &Browser, place: &str, at: &str) -> Value {
    browser.run(&format!(
        "document.querySelector('.missed').open = true; document.getElementById('place').value = '{place}';
         document.getElementById('at').value = '{at}'; document.querySelector('#missed button').click();
         return document.getElementById('answer').textContent"
    ))
}

#[test]
fn a_laugh_that_was_missed_is_added_by_time_and_stored_as_confirmed() {
    let place = place_in_doubt();
    let browser = opened(&place, (1200, 900));
    let whole = browser.run(COUNTED);
    for (at, answer) in [
        ("noon", "This is not a time of that form."),
        ("21", "This is not a time of that form."),
        ("24:00", "This is not a time of that form."),
        ("21:46:56", "No analyzed recording of this day has that time."),
        ("21:48:30", "No analyzed recording of this day has that time."),
    ] {
        assert_eq!(add(&browser, "day 0", at), answer, "{at}");
    }
    let late = add(&browser, "recording 0", "1:12");
    assert!(late.as_str().unwrap().starts_with(&format!("It would end after {EVENING}, which is 0:01:1")), "{late}");
    let start = "return JSON.parse(document.getElementById('laughs').textContent)[0].start_seconds + 0.2";
    let there = add(&browser, "recording 0", &browser.run(start).to_string());
    assert!(there.as_str().unwrap().ends_with("is there already: judge that one."), "{there}");
    assert_eq!(browser.run(COUNTED), whole, "nothing was added");

    // The script knows where nothing is shown.
    let free = "const rows = JSON.parse(document.getElementById('laughs').textContent);
        for (let at = 2; ; at += 1) if (rows.every((row) => at + 4 < row.start_seconds || row.end_seconds < at)) return at";
    let at = browser.run(free).as_u64().unwrap();
    let clock = format!("21:{}:{:02}", 46 + (57 + at) / 60, (57 + at) % 60);
    assert_eq!(
        add(&browser, "day 0", &clock),
        format!("Added at {clock} in {EVENING}, as a laugh. Export reviews to store it.")
    );
    let added = browser.run(COUNTED);
    assert_eq!(
        (added.as_array().unwrap().len(), &added[0], &added[3]),
        (4, &whole[0], &json!([false, "true", "false"]))
    );
    browser.run(
        "const all = document.querySelectorAll('.comment'); const last = all[all.length - 1];
        last.value = '<b>softly</b>'; last.dispatchEvent(new Event('input'));",
    );
    // This browser remembers it.
    browser.go(&place.path("day.html"));
    assert_eq!(browser.run(COUNTED), added);
    assert_eq!(brought_back(&place, &browser), "1 review stored; 1 is of a laugh that is not stored\n");

    report(&place);
    browser.go(&place.path("day.html"));
    let stored = browser.run(COUNTED);
    assert_eq!((stored.as_array().unwrap().len(), &stored[0]), (4, &whole[0]), "once, and it does not count");
    let row = "const row = [...document.querySelectorAll('#uncounted li')].find((row) => row.textContent.includes('Added by hand'));
        return [row.querySelector('.confirm').ariaPressed, row.querySelector('.comment').value, row.querySelector('time').textContent]";
    assert_eq!(browser.run(row), json!(["true", "<b>softly</b>", clock]));
    assert_eq!(browser.run("return document.querySelectorAll('#uncounted li b').length"), 2, "comments are no markup");
    assert_eq!(browser.logs().0, [""; 0]);
    // Withdrawn.
    browser.run("const row = [...document.querySelectorAll('#uncounted li')].find((row) => row.textContent.includes('Added by hand'));
        row.querySelector('.confirm').click(); const note = row.querySelector('.comment'); note.value = ''; note.dispatchEvent(new Event('input'));");
    brought_back(&place, &browser);
    report(&place);
    browser.go(&place.path("day.html"));
    assert_eq!(browser.run(COUNTED), whole);
}

#[test]
fn why_a_sound_has_its_score_is_shown_without_the_script() {
    let place = place_in_doubt();
    let browser = opened(&place, (1200, 900));
    browser.run("document.querySelectorAll('.confirm')[0].click(); document.querySelectorAll('.reject')[1].click()");
    browser.run(WRITE);
    brought_back(&place, &browser);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let ids = "SELECT json_group_array(id) FROM (SELECT id FROM reviews ORDER BY verdict)";
    let ids: String = connection.query_row(ids, [], |row| row.get(0)).unwrap();
    let ids: Vec<i64> = serde_json::from_str(&ids).unwrap();
    let near = |review: i64, similarity: f64| json!({ "review": review, "similarity": similarity });
    let personal = json!({
        "shift": 0.5,
        "confirmed": [near(ids[0], 0.75), near(77, 0.5), near(ids[1], 0.25)],
        "rejected": [near(ids[1], 0.25)],
    });
    connection.execute("UPDATE candidates SET personal = ?1", [personal.to_string()]).unwrap();
    report(&place);
    browser.go(&place.path("day.html"));
    let text = "document.querySelectorAll('.why').forEach((why) => { why.open = true; });
        return [...document.querySelectorAll('.why')].map((why) => why.innerText)";
    let told = browser.run(text);
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for why in told {
        assert!(why.contains("without your reviews,") && why.contains("with them (v "), "{why}");
        assert!(
            why.contains(&format!("in {EVENING}, “with Ann”; similarity 0.75")) || why.contains("similarity 0.75"),
            "{why}"
        );
        assert!(why.contains("review 77, which is not stored any more; similarity 0.50"), "{why}");
        assert!(!why.contains("0.25") && why.contains("It sounds like nothing that you rejected."), "{why}");
    }
    let page = fs::read_to_string(place.path("day.html")).unwrap();
    assert_eq!(page.matches("<details class=\"why\"><summary").count(), 2);
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
        // On paper there are no controls, which have edges.
        let kinds = ["text", "drawing", "key", "edge"];
        let kinds = if media == "print" { &kinds[..3] } else { &kinds };
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
