//! Every laugh: when, what it looks like, how sure the model is; and room for what a person says of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::text::escape;
use super::{Audio, Page, Sound};
use crate::day::{Day, Joined};
use crate::output::report::said;
use crate::output::several;
use crate::output::status::day::clock;
use crate::record::{Judgement, Laugh, StoredRecording};

pub fn section(page: &Page) -> String {
    let none = match page.telling.laughs_heard() {
        None => Some("Nothing was analyzed, so it is not known."),
        Some(0) => Some("None was found in what was analyzed."),
        Some(_) => None,
    };
    if let Some(none) = none {
        return format!("<section>\n<h2>Laughs</h2>\n<p class=\"quiet\">{none}</p>\n</section>\n");
    }
    let parted = parted(page.sounds).map_or(String::new(), |parted| format!("<p class=\"aside\">{parted}</p>\n"));
    let (controls, rows) = (controls(page), rows(page));
    format!("<section>\n<h2>Laughs</h2>\n{parted}{controls}<ol class=\"laughs\">\n{rows}</ol>\n</section>\n")
}

/// Said where clips are not all in the page, so that whoever sends it away knows.
pub fn parted(sounds: &[Vec<Sound>]) -> Option<String> {
    let count =
        |is_so: fn(&Audio) -> bool| sounds.iter().filter(|parts| parts.iter().any(|part| is_so(&part.audio))).count();
    let inside = count(|audio| matches!(audio, Audio::Embedded(_)));
    let beside = count(|audio| matches!(audio, Audio::Linked(_)));
    let where_it_is = "from the folder of clips, as long as that stays where it is";
    match (inside, beside) {
        (_, 0) => None,
        (0, _) => Some(format!("Laughs play {where_it_is}.")),
        _ => Some(format!(
            "The {} with the highest scores {} in this page; {beside} more play {where_it_is}.",
            several(inside, "laugh"),
            if inside == 1 { "is" } else { "are" }
        )),
    }
}

/// Shown by the script, which makes them work.
fn controls(page: &Page) -> String {
    let peaks = page.telling.days.iter().flat_map(|day| day.laughs().iter().map(Joined::peak).collect::<Vec<_>>());
    let lowest = (peaks.fold(1.0, f32::min) * 100.0).floor() / 100.0;
    format!(
        "<div class=\"controls\" hidden>\n<label for=\"threshold\">Show from score <output id=\"from\" for=\"threshold\">{lowest:.2}</output></label>\n\
         <input type=\"range\" id=\"threshold\" min=\"{lowest:.2}\" max=\"1\" step=\"0.01\" value=\"{lowest:.2}\">\n\
         <p id=\"shown\" role=\"status\"></p>\n<button type=\"button\" id=\"export\">Export notes</button>\n\
         <p class=\"keys\"><kbd>j</kbd> <kbd>k</kbd> move, <kbd>space</kbd> play, <kbd>f</kbd> keep, <kbd>d</kbd> discard</p>\n</div>\n"
    )
}

fn rows(page: &Page) -> String {
    let none = Vec::new();
    let mut sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let mut index = 0;
    let mut text = String::new();
    for day in page.telling.days {
        for laugh in day.laughs() {
            text += &row(page, day, &laugh, sounds.next().unwrap_or(&none), index);
            index += 1;
        }
    }
    text
}

fn row(page: &Page, day: &Day, laugh: &Joined, sounds: &[Sound], index: usize) -> String {
    let (when, class) = (clock(day, laugh.starts()), laugh.class_name());
    let (peak, seconds) = (laugh.peak(), laugh.length().as_secs_f64());
    let date = match page.telling.shown().len() {
        1 => String::new(),
        _ => format!("<small>{} <bdi>{}</bdi></small>", day.calendar.date, escape(&day.source)),
    };
    let cut = match laugh.parts.len() {
        1 => String::new(),
        parts => format!("; one laugh over {parts} recordings"),
    };
    let note = laugh.note();
    let discarded = match note.is_some_and(|note| note.verdict == Some(Judgement::Discard)) {
        true => " class=\"discarded\"",
        false => "",
    };
    let said = note.and_then(said).unwrap_or_default();
    format!(
        "<li id=\"laugh-{index}\"{discarded} data-laugh=\"{index}\">\n<p class=\"when\"><time datetime=\"{}\">{when}</time>{date}</p>\n\
         <div class=\"sound\">{}{}</div>\n\
         <p class=\"what\"><b>{class}</b> <span>{seconds:.1} s</span><small>{}{cut}</small></p>\n\
         <p class=\"score\"><meter min=\"0\" max=\"1\" value=\"{peak:.3}\" aria-label=\"Score {peak:.2} of 1\">{peak:.2}</meter> <span>{peak:.2}</span></p>\n\
         <p class=\"said\"><bdi>{}</bdi></p>\n<div class=\"verdict\" hidden><button type=\"button\" class=\"keep\" aria-pressed=\"false\" aria-label=\"Keep the laugh of {when}\">Keep</button>\
         <button type=\"button\" class=\"discard\" aria-pressed=\"false\" aria-label=\"Discard the laugh of {when}\">Discard</button>\
         <input type=\"text\" class=\"note\" maxlength=\"10000\" placeholder=\"Note\" aria-label=\"Note on the laugh of {when}\" autocomplete=\"off\"></div>\n</li>\n",
        laugh.starts(),
        play(sounds, &when),
        pictures(sounds, &when),
        names(laugh),
        escape(&said),
    )
}

/// The recordings that hold it. A name that turns text around turns only itself.
fn names(laugh: &Joined) -> String {
    let name = |(recording, _): &(&StoredRecording, &Laugh)| format!("<bdi>{}</bdi>", escape(&recording.name));
    laugh.parts.iter().map(name).collect::<Vec<_>>().join(" + ")
}

/// A button, or why there is none.
fn play(sounds: &[Sound], when: &str) -> String {
    let missing = sounds.iter().find_map(|sound| match &sound.audio {
        Audio::Missing(why) => Some(why.as_str()),
        _ => None,
    });
    let has_one = sounds.iter().any(|sound| !matches!(sound.audio, Audio::Missing(_)));
    match has_one {
        true => {
            format!("<button type=\"button\" class=\"play\" aria-label=\"Play the laugh of {when}\" hidden></button>")
        }
        false => format!("<span class=\"mute\">{}</span>", escape(missing.unwrap_or("no clip"))),
    }
}

fn pictures(sounds: &[Sound], when: &str) -> String {
    let picture = |sound: &Sound| {
        let picture = sound.picture.as_ref()?;
        Some(format!(
            "<img class=\"spectrogram\" width=\"{}\" height=\"{}\" loading=\"lazy\" alt=\"Spectrogram of the laugh of {when}\" src=\"data:image/png;base64,{}\">",
            picture.width,
            picture.height,
            BASE64.encode(&picture.png)
        ))
    };
    sounds.iter().filter_map(picture).collect()
}
