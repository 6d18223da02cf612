//! Reviews: the stretch that `giggles review` asks about, and the results of its commands, for people and programs.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION};
use super::pluralize;
use crate::domain::{Field, ReviewedSpan, SpanId, field};
use crate::render::report::{review_text, short};
use crate::render::status::local;
use crate::reviews::Imported;
use crate::reviews::queue::Item;
use crate::text::{escape, position};

/// How a stretch is shown.
pub struct ItemView<'a> {
    /// Its number, from 1, and how many there are.
    pub number: usize,
    pub of: usize,
    /// Whether there are several sources.
    pub with_source: bool,
    pub zone: &'a TimeZone,
}

/// `3 of 12  2025-10-24 20:14:03  2.4 s  0.62  Giggle  evening.ogg  #17`
pub fn item(item: &Item, view: &ItemView) -> String {
    let seconds = item.end.saturating_sub(item.start).as_secs_f64();
    let source = if view.with_source { format!("{}  ", escape(&item.source)) } else { String::new() };
    let review =
        item.review.as_ref().and_then(review_text).map_or(String::new(), |text| format!("  ({})", short(&text)));
    let id = match item.id {
        SpanId::Detection(id) => format!("#{id}"),
        SpanId::Candidate(id) => format!("candidate #{id}  not counted"),
    };
    format!(
        "{} of {}  {}  {seconds:.1} s  {:.2}  {}  {source}{}  {id}{review}\n",
        view.number,
        view.of,
        local(item.starts, view.zone),
        item.score,
        item.class,
        escape(&item.recording),
    )
}

/// Where the embedding of an added review is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingSource {
    Audio,
    Candidate,
    None,
}

/// What `review add` has stored.
pub fn added(span: &ReviewedSpan, from: EmbeddingSource, zone: &TimeZone) -> String {
    let sound = match from {
        EmbeddingSource::Audio => "its sound was computed from the audio",
        EmbeddingSource::Candidate => "its sound is that of the possible laugh there",
        EmbeddingSource::None => {
            "its sound is not known, so the personal score does not use it; give the path of the recording, or --recordings"
        }
    };
    format!(
        "{}: {} to {} ({}) {}; {sound}\n",
        escape(&span.recording),
        position(&span.start),
        position(&span.end),
        local(span.starts, zone),
        review_text(&span.review).map(|text| short(&text)).unwrap_or_default(),
    )
}

/// One line at the end of `giggles review`.
pub fn ended(confirmed: usize, rejected: usize) -> String {
    match confirmed + rejected {
        0 => "nothing reviewed\n".into(),
        all => format!(
            "{} stored: {confirmed} confirmed, {rejected} rejected; the next scan uses them, and giggles redetect for what is stored\n",
            pluralize(all, "verdict")
        ),
    }
}

/// One line: how many verdicts the personal score uses no longer, or again.
pub fn reset_text(is_personal: bool, is_dry_run: bool, changed: u64) -> String {
    let what = match (is_personal, is_dry_run) {
        (false, false) => "no longer used",
        (false, true) => "would no longer be used",
        (true, false) => "used again",
        (true, true) => "would be used again",
    };
    let is = match changed {
        0 => return "nothing changed\n".into(),
        _ if is_dry_run => "",
        1 => "is ",
        _ => "are ",
    };
    format!("{} {is}{what} by the personal score\n", reviews(changed))
}

/// One line: how many reviews were stored, and why others were not.
pub fn text(imported: &Imported) -> String {
    let would = if imported.dry_run { "would be " } else { "" };
    let first = match imported.changed {
        0 if imported.dry_run => "nothing would change".to_owned(),
        0 => "nothing changed".to_owned(),
        changed => format!("{} {would}stored", reviews(changed)),
    };
    let rest = [
        (imported.unchanged, "already stored", "already stored"),
        (imported.older, "older than the stored review of its laugh", "older than the stored reviews of their laughs"),
        (imported.unmatched, "of a laugh that is not stored", "of laughs that are not stored"),
    ];
    let words = |(count, one, many): (u64, &str, &str)| match count {
        0 => None,
        1 => Some(format!("1 is {one}")),
        count => Some(format!("{count} are {many}")),
    };
    let rest: Vec<String> = rest.into_iter().filter_map(words).collect();
    match (rest.is_empty(), imported.reviews) {
        (_, 0) => format!("{first}: the file contains no reviews\n"),
        (true, _) => format!("{first}\n"),
        (false, _) => format!("{first}; {}\n", rest.join(", ")),
    }
}

fn reviews(count: u64) -> String {
    pluralize(usize::try_from(count).unwrap_or(usize::MAX), "review")
}

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("reviews", "number", "reviews in the file, the latest of each laugh"),
    field("changed", "number", "those that were stored"),
    field("unchanged", "number", "those that were stored already"),
    field("older", "number", "those older than the stored review of their laugh"),
    field("without_laugh", "number", "those of a laugh that is not stored; they are stored as well"),
    field("dry_run", "boolean", "whether nothing was stored (`--dry-run`)"),
];

/// One document, with a line break at the end.
pub fn document(imported: &Imported) -> String {
    format!("{:#}\n", value(imported))
}

/// What was imported.
pub fn value(imported: &Imported) -> Value {
    json!({
        "spec_version": SPEC_VERSION,
        "reviews": imported.reviews,
        "changed": imported.changed,
        "unchanged": imported.unchanged,
        "older": imported.older,
        "without_laugh": imported.unmatched,
        "dry_run": imported.dry_run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(changed: u64, unchanged: u64, older: u64, unmatched: u64) -> String {
        let reviews = changed + unchanged + older;
        text(&Imported { reviews, changed, unchanged, older, unmatched, dry_run: false })
    }

    #[test]
    fn the_line_counts_stored_and_other_reviews() {
        assert_eq!(line(3, 0, 0, 1), "3 reviews stored; 1 is of a laugh that is not stored\n");
        assert_eq!(line(1, 0, 0, 0), "1 review stored\n");
        assert_eq!(line(0, 3, 0, 0), "nothing changed; 3 are already stored\n");
        assert_eq!(line(0, 0, 0, 0), "nothing changed: the file contains no reviews\n");
        let all = "2 reviews stored; 1 is already stored, 2 are older than the stored reviews of their laughs, \
                   3 are of laughs that are not stored\n";
        assert_eq!(line(2, 1, 2, 3), all);
        let dry = Imported { reviews: 2, changed: 2, dry_run: true, ..Imported::default() };
        assert_eq!(text(&dry), "2 reviews would be stored\n");
        assert_eq!(text(&Imported { changed: 0, unchanged: 2, ..dry }), "nothing would change; 2 are already stored\n");
    }
}
