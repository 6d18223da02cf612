//! Laughs of several days: in the results of a search, and the best ones of the first page.

use jiff::tz::TimeZone;

use super::{escape, path};
use crate::domain::{Laugh, Verdict};

/// The list. `has_clips`: whether the server has the folder of clips.
pub fn list(laughs: &[Laugh], zone: &TimeZone, has_clips: bool) -> String {
    let rows: String = laughs.iter().map(|laugh| row(laugh, zone, has_clips)).collect();
    format!("<ol class=\"laughs found\">\n{rows}</ol>\n")
}

fn row(laugh: &Laugh, zone: &TimeZone, has_clips: bool) -> String {
    let starts = laugh.detection.starts;
    let local = starts.to_zoned(zone.clone());
    let (date, when) = (local.date(), local.strftime("%-d %b %Y, %H:%M:%S").to_string());
    let best = laugh.loudest();
    let review = laugh.detection.review.as_ref();
    let is_rejected = review.is_some_and(|review| review.verdict == Some(Verdict::Rejected));
    let (class, source) = (if is_rejected { " class=\"rejected\"" } else { "" }, &laugh.recording.source);
    let address = format!("/days/{date}{}", super::query(&[("source", source)]));
    format!(
        "<li{class}>\n<p class=\"when\"><a href=\"{}\"><time datetime=\"{starts}\">{when}</time></a></p>\n\
         <div class=\"sound\">{}</div>\n\
         <p class=\"what\">{}<b>{}</b> <span>{:.1} s</span><small><bdi>{}</bdi>: <bdi>{}</bdi></small></p>\n\
         <p class=\"score\"><meter min=\"0\" max=\"1\" value=\"{:.3}\" aria-label=\"Score {:.2} of 1\">{:.2}</meter> <span>{:.2}</span></p>\n{}</li>\n",
        escape(&address),
        sound(laugh, &when, has_clips),
        if review.is_some_and(|review| review.favourite) { STAR } else { "" },
        best.class_name(),
        laugh.length().as_secs_f64(),
        escape(source),
        escape(&laugh.recording.name),
        best.peak,
        best.peak,
        best.peak,
        best.peak,
        review.and_then(|review| review.comment.as_deref()).map_or(String::new(), comment),
    )
}

const STAR: &str = "<span class=\"star\" role=\"img\" aria-label=\"Favourite\">★</span> ";

fn comment(text: &str) -> String {
    format!("<p class=\"said\"><bdi>{}</bdi></p>\n", escape(text))
}

/// The clips of its parts.
fn sound(laugh: &Laugh, when: &str, has_clips: bool) -> String {
    let clip = |clip: &str| {
        let address = path(clip);
        format!(
            "<img class=\"spectrogram\" loading=\"lazy\" alt=\"Spectrogram of {when}\" src=\"/api/v1/spectrograms/{address}\">\
             <audio controls preload=\"none\" aria-label=\"Laugh of {when}\" src=\"/api/v1/clips/{address}\"></audio>"
        )
    };
    let clips = laugh.parts().filter_map(|(_, part)| part.detection.clip.as_deref());
    let sounds: String = clips.filter(|_| has_clips).map(clip).collect();
    if sounds.is_empty() { "<span class=\"mute\">no clip</span>".to_owned() } else { sounds }
}
