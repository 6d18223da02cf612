//! The list of laughs: time, spectrogram, score, and the controls for a review.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::text::escape;
use super::{Audio, Page, Sound};
use crate::calendar::{Day, MergedDetection};
use crate::domain::{StoredDetection, StoredRecording, Verdict};
use crate::render::pluralize;
use crate::render::report::review_text;
use crate::render::status::day::clock;

pub fn section(page: &Page) -> String {
    let none = match page.view.laughs_analyzed() {
        None => Some("Nothing was analyzed, so the number of laughs is unknown."),
        Some(0) => Some("No laughs were found in the analyzed recordings."),
        Some(_) => None,
    };
    if let Some(none) = none {
        return format!("<section>\n<h2>Laughs</h2>\n<p class=\"quiet\">{none}</p>\n</section>\n");
    }
    let linked = linked_clips(page.sounds).map_or(String::new(), |text| format!("<p class=\"aside\">{text}</p>\n"));
    let (controls, rows) = (controls(page), rows(page));
    format!("<section>\n<h2>Laughs</h2>\n{linked}{controls}<ol class=\"laughs\">\n{rows}</ol>\n</section>\n")
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

/// Controls that the script shows and handles.
fn controls(page: &Page) -> String {
    let peaks =
        page.view.days.iter().flat_map(|day| day.laughs().iter().map(MergedDetection::peak).collect::<Vec<_>>());
    let lowest = (peaks.fold(1.0, f32::min) * 100.0).floor() / 100.0;
    format!(
        "<div class=\"controls\" hidden>\n<label for=\"threshold\">Show from score <output id=\"from\" for=\"threshold\">{lowest:.2}</output></label>\n\
         <input type=\"range\" id=\"threshold\" min=\"{lowest:.2}\" max=\"1\" step=\"0.01\" value=\"{lowest:.2}\">\n\
         <p id=\"shown\" role=\"status\"></p>\n<button type=\"button\" id=\"export\">Export reviews</button>\n\
         <p class=\"keys\"><kbd>j</kbd> <kbd>k</kbd> move, <kbd>space</kbd> play, <kbd>y</kbd> a laugh, <kbd>n</kbd> not a laugh</p>\n</div>\n"
    )
}

fn rows(page: &Page) -> String {
    let none = Vec::new();
    let mut sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let mut index = 0;
    let mut text = String::new();
    for day in page.view.days {
        for laugh in day.laughs() {
            text += &row(page, day, &laugh, sounds.next().unwrap_or(&none), index);
            index += 1;
        }
    }
    text
}

fn row(page: &Page, day: &Day, laugh: &MergedDetection, sounds: &[Sound], index: usize) -> String {
    let (when, class) = (clock(day, laugh.starts()), laugh.class_name());
    let (peak, seconds) = (laugh.peak(), laugh.length().as_secs_f64());
    let date = match page.view.shown().len() {
        1 => String::new(),
        _ => format!("<small>{} <bdi>{}</bdi></small>", day.calendar.date, escape(&day.source)),
    };
    let cut = match laugh.parts.len() {
        1 => String::new(),
        parts => format!("; one laugh over {parts} recordings"),
    };
    let review = laugh.review();
    let rejected =
        if review.is_some_and(|review| review.verdict == Some(Verdict::Rejected)) { " class=\"rejected\"" } else { "" };
    let text = review.and_then(review_text).unwrap_or_default();
    format!(
        "<li id=\"laugh-{index}\"{rejected} data-laugh=\"{index}\">\n<p class=\"when\"><time datetime=\"{}\">{when}</time>{date}</p>\n\
         <div class=\"sound\">{}{}</div>\n\
         <p class=\"what\"><b>{class}</b> <span>{seconds:.1} s</span><small>{}{cut}</small></p>\n\
         <p class=\"score\"><meter min=\"0\" max=\"1\" value=\"{peak:.3}\" aria-label=\"Score {peak:.2} of 1\">{peak:.2}</meter> <span>{peak:.2}</span></p>\n\
         <p class=\"review\"><bdi>{}</bdi></p>\n<div class=\"verdict\" hidden><button type=\"button\" class=\"confirm\" aria-pressed=\"false\" aria-label=\"A laugh, at {when}\">A laugh</button>\
         <button type=\"button\" class=\"reject\" aria-pressed=\"false\" aria-label=\"Not a laugh, at {when}\">Not a laugh</button>\
         <input type=\"text\" class=\"comment\" maxlength=\"10000\" placeholder=\"Comment\" aria-label=\"Comment on the laugh at {when}\" autocomplete=\"off\"></div>\n</li>\n",
        laugh.starts(),
        play(sounds, &when),
        pictures(sounds, &when),
        names(laugh),
        escape(&text),
    )
}

/// The recordings that contain the laugh. `bdi` isolates names with bidirectional overrides.
fn names(laugh: &MergedDetection) -> String {
    let name =
        |(recording, _): &(&StoredRecording, &StoredDetection)| format!("<bdi>{}</bdi>", escape(&recording.name));
    laugh.parts.iter().map(name).collect::<Vec<_>>().join(" + ")
}

/// The play button, or the reason why there is no clip.
fn play(sounds: &[Sound], when: &str) -> String {
    let missing = sounds.iter().find_map(|sound| match &sound.audio {
        Audio::Missing(why) => Some(why.as_str()),
        _ => None,
    });
    let has_one = sounds.iter().any(|sound| !matches!(sound.audio, Audio::Missing(_)));
    if has_one {
        format!("<button type=\"button\" class=\"play\" aria-label=\"Play the laugh at {when}\" hidden></button>")
    } else {
        format!("<span class=\"mute\">{}</span>", escape(missing.unwrap_or("no clip")))
    }
}

fn pictures(sounds: &[Sound], when: &str) -> String {
    let picture = |sound: &Sound| {
        let picture = sound.picture.as_ref()?;
        Some(format!(
            "<img class=\"spectrogram\" width=\"{}\" height=\"{}\" loading=\"lazy\" alt=\"Spectrogram of the laugh at {when}\" src=\"data:image/png;base64,{}\">",
            picture.width,
            picture.height,
            BASE64.encode(&picture.png)
        ))
    };
    sounds.iter().filter_map(picture).collect()
}
