//! A day as one HTML file that opens from disk: what was missed, the number, the day's line, every laugh.
//!
//! Nothing is fetched, ever: a policy in the page itself allows what is inline, known by its hash, and clips.
//! Without JavaScript all that is known is still there; the script adds filter, sound and notes.
//!
//! Invariant: a pure function to text. Whatever a name or a reason holds stays text.

mod alarm;
mod data;
mod list;
mod month;
mod text;
mod timeline;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

pub use self::list::parted;
use self::text::escape;
use crate::day::Day;
use crate::output::report::Telling;
use crate::output::several;
use crate::output::status::local;
use crate::record::zone_name;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How one part of a laugh looks and sounds.
#[derive(Debug, Clone)]
pub struct Sound {
    pub picture: Option<Picture>,
    pub audio: Audio,
}

/// A spectrogram as a PNG.
#[derive(Debug, Clone)]
pub struct Picture {
    pub png: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// Where its clip is.
#[derive(Debug, Clone)]
pub enum Audio {
    /// FLAC, in the page.
    Embedded(Vec<u8>),
    /// A file beside the page: a relative path with slashes.
    Linked(String),
    /// Why there is none.
    Missing(String),
}

/// A day's page.
pub struct Page<'a> {
    pub telling: Telling<'a>,
    /// Of every part of every laugh, in the order of the days' laughs.
    pub sounds: &'a [Vec<Sound>],
}

/// The whole file.
pub fn document(page: &Page) -> String {
    let telling = &page.telling;
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    let policy = format!(
        "default-src 'none'; img-src data:; media-src 'self' file: data:; style-src '{style}'; script-src '{script}'; \
         base-uri 'none'; form-action 'none'"
    );
    let title = title(telling);
    let parts = [
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{} · giggles</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
            escape(&title)
        ),
        header(telling, &title),
        telling.shown().into_iter().map(|day| alarm::section(telling, day)).collect(),
        telling.shown().into_iter().map(|day| timeline::section(telling, day)).collect(),
        list::section(page),
        month::section(telling),
        footer(telling),
        format!("</main>\n<script type=\"application/json\" id=\"laughs\">{}</script>\n", data::json(page)),
        format!("<script>{SCRIPT}</script>\n</body>\n</html>\n"),
    ];
    parts.concat()
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text.as_bytes())))
}

/// `Friday, 24 October 2025`; two dates of several days.
fn title(telling: &Telling) -> String {
    let name = |day: &Day| day.calendar.date.strftime("%A, %-d %B %Y").to_string();
    let dates = [telling.days.first().map(name), telling.days.last().map(name)];
    match dates {
        [Some(first), Some(last)] if first != last => format!("{first} to {last}"),
        [Some(first), _] => first,
        _ => "No day".into(),
    }
}

/// The number, and what is usual.
fn header(telling: &Telling, title: &str) -> String {
    let (number, noun) = match telling.laughs_heard() {
        None => ("?".to_owned(), "nothing was analyzed"),
        Some(1) => ("1".to_owned(), "laugh"),
        Some(count) => (count.to_string(), "laughs"),
    };
    let row = |(name, mean): (&str, crate::day::history::Mean)| {
        let days = several(mean.days, "day");
        format!("<div><dt>{name}</dt><dd>{:.1} <small>a day, of {days} heard</small></dd></div>\n", mean.laughs)
    };
    let rows: String = telling.comparisons().into_iter().map(row).collect();
    let usual = match rows.is_empty() {
        true => {
            "<p class=\"quiet\">No day of the four weeks before was heard, so there is nothing to compare with.</p>\n"
                .into()
        }
        false => format!("<dl class=\"usual\">\n{rows}</dl>\n"),
    };
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"number\"><strong id=\"number\">{number}</strong> <span>{noun}</span></p>\n{usual}</header>\n",
        escape(title)
    )
}

/// Said only where the page shows several days.
fn whose(telling: &Telling, day: &Day) -> Option<String> {
    (telling.shown().len() > 1).then(|| format!("{}, {}", day.source, day.calendar.date))
}

fn footer(telling: &Telling) -> String {
    format!(
        "<footer>\n<p>Times are of {}. Made {} by giggles {}.</p>\n</footer>\n",
        escape(&zone_name(telling.zone)),
        local(telling.asked, telling.zone),
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests;
