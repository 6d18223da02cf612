//! What came of a file of notes, for people and programs.

use serde_json::json;

use super::json::SPEC_VERSION;
use super::several;
use crate::notes::Imported;

/// One line: what is stored now, and why that is not all.
pub fn text(imported: &Imported) -> String {
    let would = if imported.dry_run { "would be " } else { "" };
    let first = match imported.changed {
        0 if imported.dry_run => "nothing would change".to_owned(),
        0 => "nothing changed".to_owned(),
        changed => format!("{} {would}stored", notes(changed)),
    };
    let rest = [
        (imported.unchanged, "stored already", "stored already"),
        (imported.older, "older than what is said of its laugh", "older than what is said of their laughs"),
        (imported.strangers, "of a laugh that is not stored", "of laughs that are not stored"),
    ];
    let words = |(count, one, many): (u64, &str, &str)| match count {
        0 => None,
        1 => Some(format!("1 is {one}")),
        count => Some(format!("{count} are {many}")),
    };
    let rest: Vec<String> = rest.into_iter().filter_map(words).collect();
    match (rest.is_empty(), imported.notes) {
        (_, 0) => format!("{first}: the file holds no note\n"),
        (true, _) => format!("{first}\n"),
        (false, _) => format!("{first}; {}\n", rest.join(", ")),
    }
}

fn notes(count: u64) -> String {
    several(usize::try_from(count).unwrap_or(usize::MAX), "note")
}

/// One document, with a line break at the end.
pub fn document(imported: &Imported) -> String {
    let document = json!({
        "spec_version": SPEC_VERSION,
        "notes": imported.notes,
        "changed": imported.changed,
        "unchanged": imported.unchanged,
        "older": imported.older,
        "without_laugh": imported.strangers,
        "dry_run": imported.dry_run,
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(changed: u64, unchanged: u64, older: u64, strangers: u64) -> String {
        let notes = changed + unchanged + older;
        text(&Imported { notes, changed, unchanged, older, strangers, dry_run: false })
    }

    #[test]
    fn a_line_says_what_is_stored_and_what_is_not() {
        assert_eq!(said(3, 0, 0, 1), "3 notes stored; 1 is of a laugh that is not stored\n");
        assert_eq!(said(1, 0, 0, 0), "1 note stored\n");
        assert_eq!(said(0, 3, 0, 0), "nothing changed; 3 are stored already\n");
        assert_eq!(said(0, 0, 0, 0), "nothing changed: the file holds no note\n");
        let all = "2 notes stored; 1 is stored already, 2 are older than what is said of their laughs, \
                   3 are of laughs that are not stored\n";
        assert_eq!(said(2, 1, 2, 3), all);
        let dry = Imported { notes: 2, changed: 2, dry_run: true, ..Imported::default() };
        assert_eq!(text(&dry), "2 notes would be stored\n");
        assert_eq!(text(&Imported { changed: 0, unchanged: 2, ..dry }), "nothing would change; 2 are stored already\n");
    }
}
