//! The list of laughs, that of rejected ones, that of what else does not count, and their controls.

use super::{Audio, Page, Place, Sound, missed, row};
use crate::calendar::MergedDetection;
use crate::render::pluralize;

pub fn section(page: &Page) -> String {
    let Some(count) = page.view.laughs_analyzed() else {
        let none = "Nothing was analyzed, so the number of laughs is unknown.";
        return format!("<section>\n<h2>Laughs</h2>\n<p class=\"quiet\">{none}</p>\n</section>\n");
    };
    let is_file = page.place == Place::File;
    let linked = linked_clips(page.sounds)
        .filter(|_| is_file)
        .map_or(String::new(), |text| format!("<p class=\"aside\">{text}</p>\n"));
    let [laughs, rejected, sounds] = rows(page);
    let laughs = match count {
        0 if !rejected.is_empty() => "<p class=\"quiet\">All laughs of this day were rejected.</p>\n".to_owned(),
        0 => "<p class=\"quiet\">No laughs were found in the analyzed recordings.</p>\n".to_owned(),
        _ => format!("<ol class=\"laughs\">\n{laughs}</ol>\n"),
    };
    let rejected = self::rejected(page, &rejected);
    let (controls, uncounted, form) = (controls(page), uncounted(&sounds), missed::form(page));
    format!("<section>\n<h2>Laughs</h2>\n{linked}{controls}{laughs}{rejected}{uncounted}{form}</section>\n")
}

/// The note if not all clips are embedded in the page: without the folder of clips they do not play.
pub fn linked_clips(sounds: &[Vec<Sound>]) -> Option<String> {
    let count =
        |is_so: fn(&Audio) -> bool| sounds.iter().filter(|parts| parts.iter().any(|part| is_so(&part.audio))).count();
    let embedded = count(|audio| matches!(audio, Audio::Embedded(_)));
    let linked = count(|audio| matches!(audio, Audio::Linked(_)));
    let place = "from the folder of clips, which must stay in place";
    match (embedded, linked) {
        (_, 0) => None,
        (0, _) => Some(format!("Laughs play {place}.")),
        _ => Some(format!(
            "The {} with the highest scores {} in this page; {linked} more play {place}.",
            pluralize(embedded, "laugh"),
            if embedded == 1 { "is" } else { "are" }
        )),
    }
}

/// A file keeps reviews in the browser, until they are exported.
const EXPORT: &str = "<button type=\"button\" id=\"export\">Export reviews</button>\n";

/// The server stores reviews at once.
const PLAYER: &str = "<p class=\"player\"><button type=\"button\" id=\"play-all\">Play all</button> \
    <label for=\"speed\">Speed <select id=\"speed\"><option value=\"0.5\">0.5×</option><option value=\"1\" selected>1×</option>\
    <option value=\"1.5\">1.5×</option><option value=\"2\">2×</option></select></label></p>\n\
    <p id=\"saved\" role=\"status\"></p>\n<p id=\"unsaved\" class=\"error\" role=\"alert\" hidden></p>\n";

/// Controls that the script shows and handles.
fn controls(page: &Page) -> String {
    let peaks =
        page.view.days.iter().flat_map(|day| day.laughs().iter().map(MergedDetection::peak).collect::<Vec<_>>());
    let lowest = (peaks.fold(1.0, f32::min) * 100.0).floor() / 100.0;
    // Nothing can be filtered without laughs; the script still reads the values.
    let filter = if page.view.laughs() == 0 { " hidden" } else { "" };
    let actions = if page.place == Place::File { EXPORT } else { PLAYER };
    format!(
        "<div class=\"controls\" hidden>\n<label for=\"threshold\"{filter}>Show from score <output id=\"from\" for=\"threshold\">{lowest:.2}</output></label>\n\
         <input type=\"range\" id=\"threshold\" min=\"{lowest:.2}\" max=\"1\" step=\"0.01\" value=\"{lowest:.2}\"{filter}>\n\
         <p id=\"shown\" role=\"status\"{filter}></p>\n{actions}\
         <p class=\"keys\"><kbd>j</kbd> <kbd>k</kbd> move, <kbd>space</kbd> play, <kbd>y</kbd> a laugh, <kbd>n</kbd> not a laugh, <kbd>f</kbd> favourite</p>\n</div>\n"
    )
}

/// The laughs, the rejected ones, and what else does not count, with their sounds.
fn rows(page: &Page) -> [String; 3] {
    let none = Vec::new();
    let mut sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let mut next = || sounds.next().unwrap_or(&none);
    let (mut index, mut laughs, mut rejected, mut uncounted) = (0, String::new(), String::new(), String::new());
    for day in page.view.days {
        for laugh in day.laughs() {
            laughs += &row::laugh(page, day, &laugh, next(), index);
            index += 1;
        }
    }
    for day in page.view.days {
        for laugh in day.rejected() {
            rejected += &row::laugh(page, day, &laugh, next(), index);
            index += 1;
        }
    }
    for day in page.view.days {
        for sound in day.uncounted() {
            uncounted += &row::uncounted(page, day, &sound, next(), index);
            index += 1;
        }
    }
    [laughs, rejected, uncounted]
}

/// Folded: they are kept to change the verdict.
fn rejected(page: &Page, rows: &str) -> String {
    let count: usize = page.view.days.iter().map(|day| day.rejected().len()).sum();
    if count == 0 {
        return String::new();
    }
    format!(
        "<details id=\"rejected\">\n<summary>Rejected ({count}), not counted</summary>\n<ol class=\"laughs\">\n{rows}</ol>\n</details>\n"
    )
}

/// The sounds that do not count; hidden without any, until the script adds one.
fn uncounted(rows: &str) -> String {
    let hidden = if rows.is_empty() { " hidden" } else { "" };
    format!(
        "<div id=\"uncounted\"{hidden}>\n<h3>Not counted</h3>\n\
         <p class=\"aside\">Sounds just below the threshold, and what was added by hand. A verdict on them teaches what your \
         laughs sound like; it does not change the number of laughs above.</p>\n\
         <ol class=\"laughs\">\n{rows}</ol>\n</div>\n"
    )
}
