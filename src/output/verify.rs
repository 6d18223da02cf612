//! What `verify` found, for people and programs.

use serde_json::{Value, json};

use super::json::SPEC_VERSION;
use super::several;
use crate::care::verify::{Missing, Verified};
use crate::record::plain;

/// A list each of what is wrong, and a line that sums up.
pub fn text(verified: &Verified) -> String {
    let row = |missing: &Missing| format!("  {}, of a laugh in {}\n", plain(&missing.clip), plain(&missing.recording));
    let missing = verified.missing.iter().map(row).collect();
    let lying = |removed: bool| {
        let orphans = verified.orphans.iter().filter(|file| verified.removed.contains(&file.path) == removed);
        orphans.map(|file| format!("  {}\n", plain(&file.path))).collect::<String>()
    };
    let lists = [
        ("rows whose clip is missing", missing),
        ("files that no row names (--delete-orphans removes them)", lying(false)),
        ("files that no row named, removed", lying(true)),
    ];
    let shown = lists.iter().filter(|(_, list)| !list.is_empty()).map(|(title, list)| format!("{title}:\n{list}"));
    shown.chain([summary(verified)]).collect()
}

fn summary(verified: &Verified) -> String {
    let clips = verified.laughs - verified.without;
    let (missing, left) = (verified.missing.len(), verified.orphans.len() - verified.removed.len());
    let removed = match verified.removed.len() {
        0 => String::new(),
        count => format!(", {count} removed"),
    };
    format!(
        "{}: {clips} with a clip, {} without; {missing} missing, {} without a row{removed}\n",
        several(verified.laughs, "laugh"),
        verified.without,
        several(left, "file"),
    )
}

/// One document, with a line break at the end.
pub fn document(verified: &Verified) -> String {
    let missing = verified
        .missing
        .iter()
        .map(|missing| json!({ "clip": missing.clip, "source": missing.source, "recording": missing.recording }));
    let orphans = verified.orphans.iter().map(|file| {
        json!({ "file": file.path, "is_half_written": file.is_half, "removed": verified.removed.contains(&file.path) })
    });
    let document = json!({
        "spec_version": SPEC_VERSION,
        "laughs": verified.laughs,
        "without_clip": verified.without,
        "missing": missing.collect::<Vec<Value>>(),
        "orphans": orphans.collect::<Vec<Value>>(),
        "unknown_folders": verified.strangers,
    });
    format!("{document:#}\n")
}
