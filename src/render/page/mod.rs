//! A day as one HTML file that opens from disk, or as a page of `giggles serve`: number of laughs, timeline, list of
//! laughs, month.
//!
//! The page makes no network requests: its content security policy allows only inline code, by hash, and clips.
//! Without JavaScript it shows everything; the script adds the filter, playback, reviews and laughs that were missed.
//!
//! Invariant: a pure function to text. Names and failure reasons are escaped.

mod around;
mod coverage;
mod data;
mod list;
mod missed;
mod month;
mod row;
mod share;
mod text;
mod timeline;
mod why;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

pub use self::around::Around;
pub use self::list::linked_clips;
pub use self::share::shared;
pub use self::text::escape;
use crate::calendar::Day;
use crate::render::pluralize;
use crate::render::report::ReportView;
use crate::render::site;
use crate::render::status::local;
use crate::text::zone_name;

pub(super) const STYLE: &str = include_str!("page.css");
pub(super) const SCRIPT: &str = include_str!("page.js");

/// The spectrogram and the clip of one part of a laugh.
#[derive(Debug, Clone)]
pub struct Sound {
    pub picture: Option<Picture>,
    pub audio: Audio,
}

/// A spectrogram as a PNG.
#[derive(Debug, Clone)]
pub enum Picture {
    Embedded {
        png: Vec<u8>,
        width: u32,
        height: u32,
    },
    /// Its address.
    Linked(String),
}

/// Where the clip is.
#[derive(Debug, Clone)]
pub enum Audio {
    /// FLAC, embedded in the page.
    Embedded(Vec<u8>),
    /// A file outside the page, as a relative URL; or the address of the server.
    Linked(String),
    /// The reason why there is no clip.
    Missing(String),
}

/// The content of a page.
pub struct Page<'a> {
    pub view: ReportView<'a>,
    /// The sounds of every part of every laugh, in the order of the days' laughs; then those of rejected laughs,
    /// then those of what else does not count.
    pub sounds: &'a [Vec<Sound>],
    pub place: Place<'a>,
}

/// Where the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A file of its own: style and script are in it.
    File,
    /// `giggles serve`: style and script are files of the server, and the policy is a header.
    Server(&'a Around),
}

/// The whole HTML file.
pub fn document(page: &Page) -> String {
    let view = &page.view;
    let title = title(view);
    let (head, script) = match page.place {
        Place::File => (
            format!(
                "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<style>{STYLE}</style>\n",
                policy()
            ),
            format!("<script>{SCRIPT}</script>\n"),
        ),
        // The second script listens to what the first one does.
        Place::Server(_) => (site::head(), site::script("day.js") + &site::script("page.js")),
    };
    let navigation = match (page.place, view.days.first()) {
        (Place::Server(around), Some(day)) => site::bar("") + &around::navigation(around, day.calendar.date),
        _ => String::new(),
    };
    let parts = [
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{} · giggles</title>\n{head}</head>\n<body>\n<main>\n",
            escape(&title)
        ),
        navigation,
        header(view, &title),
        view.advice.iter().map(|advice| format!("<p class=\"advice\">{}</p>\n", escape(advice))).collect(),
        view.shown().into_iter().map(|day| timeline::section(view, day)).collect(),
        list::section(page),
        month::section(view),
        footer(view),
        format!("</main>\n<script type=\"application/json\" id=\"laughs\">{}</script>\n", data::json(page)),
        format!("<script type=\"application/json\" id=\"recordings\">{}</script>\n", missed::data(page)),
        format!("{script}</body>\n</html>\n"),
    ];
    parts.concat()
}

/// Allows what is in the file, by its hash, and clips beside it.
fn policy() -> String {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; img-src data:; media-src 'self' file: data:; style-src '{style}'; script-src '{script}'; \
         base-uri 'none'; form-action 'none'"
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text.as_bytes())))
}

/// `Friday, 24 October 2025`; the first and last date of several days.
fn title(view: &ReportView) -> String {
    let name = |day: &Day| day.calendar.date.strftime("%A, %-d %B %Y").to_string();
    let dates = [view.days.first().map(name), view.days.last().map(name)];
    match dates {
        [Some(first), Some(last)] if first != last => format!("{first} to {last}"),
        [Some(first), _] => first,
        _ => "No day".into(),
    }
}

/// The number of laughs and the averages.
fn header(view: &ReportView, title: &str) -> String {
    let (number, noun) = match view.laughs_analyzed() {
        None => ("?".to_owned(), "nothing was analyzed"),
        Some(1) => ("1".to_owned(), "laugh"),
        Some(count) => (count.to_string(), "laughs"),
    };
    let row = |(name, mean): (&str, crate::calendar::history::Mean)| {
        let days = pluralize(mean.days, "day");
        format!("<div><dt>{name}</dt><dd>{:.1} <small>a day ({days} analyzed)</small></dd></div>\n", mean.laughs)
    };
    let rows: String = view.comparisons().into_iter().map(row).collect();
    let usual = if rows.is_empty() {
        "<p class=\"quiet\">No day of the previous four weeks was analyzed; there is no average.</p>\n".into()
    } else {
        format!("<dl class=\"usual\">\n{rows}</dl>\n")
    };
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"number\"><strong id=\"number\">{number}</strong> <span>{noun}</span></p>\n{usual}</header>\n",
        escape(title)
    )
}

/// Source and date; None if the page shows one day only.
fn source_filter(view: &ReportView, day: &Day) -> Option<String> {
    (view.shown().len() > 1).then(|| format!("{}, {}", day.source, day.calendar.date))
}

fn footer(view: &ReportView) -> String {
    format!(
        "<footer>\n<p>Times are in {}. Created {} by giggles {}.</p>\n</footer>\n",
        escape(&zone_name(view.zone)),
        local(view.asked, view.zone),
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests;
