//! One row of the page: time, spectrogram, score, and the controls for a review. Of a laugh, of a sound that does not
//! count, and the template of one that is added on the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::text::escape;
use super::{Audio, Page, Picture, Place, Sound, why};
use crate::calendar::{Day, MergedDetection, Uncounted};
use crate::domain::{Review, StoredDetection, StoredRecording, Verdict};
use crate::render::report::review_text;
use crate::render::status::day::clock;

/// What a row shows.
struct Row {
    /// What it is called in the labels of its controls.
    noun: &'static str,
    datetime: String,
    when: String,
    /// HTML: date and source, if the page shows several.
    date: String,
    class: String,
    seconds: f64,
    /// HTML.
    names: String,
    /// None: it has no score.
    score: Option<f32>,
    review: Option<Review>,
    /// HTML: why it has this score; may be empty.
    why: String,
    /// Whether its clip has links.
    is_served: bool,
}

pub fn laugh(page: &Page, day: &Day, laugh: &MergedDetection, sounds: &[Sound], index: usize) -> String {
    let when = clock(day, laugh.starts());
    let cut = match laugh.parts.len() {
        1 => String::new(),
        parts => format!("; one laugh over {parts} recordings"),
    };
    let row = Row {
        noun: "laugh",
        datetime: laugh.starts().to_string(),
        date: date(page, day),
        class: laugh.class_name().to_owned(),
        seconds: laugh.length().as_secs_f64(),
        names: names(laugh) + &cut,
        score: Some(laugh.peak()),
        review: laugh.review().cloned(),
        why: laugh.explained().map(|candidate| why::details(day, candidate, &when)).unwrap_or_default(),
        when,
        is_served: page.place != Place::File,
    };
    row.html(&format!(" id=\"laugh-{index}\" data-laugh=\"{index}\""), sounds)
}

pub fn uncounted(page: &Page, day: &Day, sound: &Uncounted, sounds: &[Sound], index: usize) -> String {
    let when = clock(day, sound.starts);
    let candidate = sound.candidate.map(|one| &one.candidate);
    let row = Row {
        noun: "sound",
        datetime: sound.starts.to_string(),
        date: date(page, day),
        class: candidate.map_or("Added by hand".to_owned(), |one| format!("{}?", one.class_name())),
        seconds: sound.length().as_secs_f64(),
        names: format!("<bdi>{}</bdi>{NOT_COUNTED}", escape(&sound.recording.name)),
        score: candidate.map(|one| one.score()),
        review: sound.review.cloned(),
        why: candidate.map(|one| why::details(day, one, &when)).unwrap_or_default(),
        when,
        is_served: page.place != Place::File,
    };
    row.html(&format!(" id=\"laugh-{index}\" data-laugh=\"{index}\""), sounds)
}

/// After the name of the recording.
const NOT_COUNTED: &str = " <span class=\"uncounted\">not counted</span>";

/// The script fills in time, length, recording and review.
pub fn template() -> String {
    let row = Row {
        noun: "sound",
        datetime: String::new(),
        when: String::new(),
        date: String::new(),
        class: "Added by hand".into(),
        seconds: 0.0,
        names: format!("<bdi></bdi>{NOT_COUNTED}"),
        score: None,
        review: None,
        why: String::new(),
        is_served: false,
    };
    let sound = Sound { picture: None, audio: Audio::Missing("no clip: added by hand".into()) };
    row.html("", &[sound])
}

/// Date and source, if the page shows several days.
fn date(page: &Page, day: &Day) -> String {
    match page.view.shown().len() {
        1 => String::new(),
        _ => format!("<small>{} <bdi>{}</bdi></small>", day.calendar.date, escape(&day.source)),
    }
}

impl Row {
    /// `attributes`: of the list item, with a space before each.
    fn html(&self, attributes: &str, sounds: &[Sound]) -> String {
        let Row { noun, datetime, when, date, class, seconds, names, why, .. } = self;
        let review = self.review.as_ref();
        let is_rejected = review.is_some_and(|review| review.verdict == Some(Verdict::Rejected));
        let rejected = if is_rejected { " class=\"rejected\"" } else { "" };
        let text = review.and_then(review_text).unwrap_or_default();
        let score = self.score.map(meter).unwrap_or_default();
        let files = if self.is_served { files(sounds, when) } else { String::new() };
        format!(
            "<li{attributes}{rejected}>\n<p class=\"when\"><time datetime=\"{datetime}\">{when}</time>{date}</p>\n\
             <div class=\"sound\">{}{}</div>\n\
             <p class=\"what\"><b>{class}</b> <span>{seconds:.1} s</span><small>{names}</small></p>\n\
             <p class=\"score\">{score}</p>\n{files}{why}\
             <p class=\"review\"><bdi>{}</bdi></p>\n<div class=\"verdict\" hidden><button type=\"button\" class=\"confirm\" aria-pressed=\"false\" aria-label=\"A laugh, at {when}\">A laugh</button>\
             <button type=\"button\" class=\"reject\" aria-pressed=\"false\" aria-label=\"Not a laugh, at {when}\">Not a laugh</button>\
             <button type=\"button\" class=\"favourite\" aria-pressed=\"false\" aria-label=\"Favourite, at {when}\" title=\"Favourite\">★</button>\
             <input type=\"text\" class=\"comment\" maxlength=\"10000\" placeholder=\"Comment\" aria-label=\"Comment on the {noun} at {when}\" autocomplete=\"off\"></div>\n</li>\n",
            play(sounds, noun, when),
            pictures(sounds, noun, when),
            escape(&text),
        )
    }
}

fn meter(score: f32) -> String {
    format!(
        "<meter min=\"0\" max=\"1\" value=\"{score:.3}\" aria-label=\"Score {score:.2} of 1\">{score:.2}</meter> <span>{score:.2}</span>"
    )
}

/// The recordings that contain the laugh. `bdi` isolates names with bidirectional overrides.
fn names(laugh: &MergedDetection) -> String {
    let name =
        |(recording, _): &(&StoredRecording, &StoredDetection)| format!("<bdi>{}</bdi>", escape(&recording.name));
    laugh.parts.iter().map(name).collect::<Vec<_>>().join(" + ")
}

/// The play button, or the reason why there is no clip.
fn play(sounds: &[Sound], noun: &str, when: &str) -> String {
    let missing = sounds.iter().find_map(|sound| match &sound.audio {
        Audio::Missing(why) => Some(why.as_str()),
        _ => None,
    });
    let has_one = sounds.iter().any(|sound| !matches!(sound.audio, Audio::Missing(_)));
    if has_one {
        format!("<button type=\"button\" class=\"play\" aria-label=\"Play the {noun} at {when}\" hidden></button>")
    } else {
        format!("<span class=\"mute\">{}</span>", escape(missing.unwrap_or("no clip")))
    }
}

/// Links to the clips: as they are, and as files to give to others.
fn files(sounds: &[Sound], when: &str) -> String {
    let link = |sound: &Sound| match &sound.audio {
        Audio::Linked(address) => {
            let (address, share) = (escape(address), escape(&address.replacen(CLIPS, SHARE, 1)));
            Some(format!(
                "<a href=\"{address}\" download aria-label=\"Download the clip of {when}\">Download</a> \
                 <a href=\"{share}\" download aria-label=\"Save the clip of {when} as a page to share\">Save to share</a>"
            ))
        }
        _ => None,
    };
    let links: Vec<String> = sounds.iter().filter_map(link).collect();
    if links.is_empty() { String::new() } else { format!("<p class=\"files\">{}</p>\n", links.join(" ")) }
}

/// Where the server has clips, and the files to share.
const CLIPS: &str = "/api/v1/clips/";
const SHARE: &str = "/share/";

fn pictures(sounds: &[Sound], noun: &str, when: &str) -> String {
    let picture = |sound: &Sound| {
        let (size, source) = match sound.picture.as_ref()? {
            Picture::Embedded { png, width, height } => (
                format!(" width=\"{width}\" height=\"{height}\""),
                format!("data:image/png;base64,{}", BASE64.encode(png)),
            ),
            Picture::Linked(address) => (String::new(), escape(address)),
        };
        Some(format!(
            "<img class=\"spectrogram\"{size} loading=\"lazy\" alt=\"Spectrogram of the {noun} at {when}\" src=\"{source}\">"
        ))
    };
    sounds.iter().filter_map(picture).collect()
}
