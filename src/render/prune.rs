//! What `prune` removes, for people: the same lines with and without --dry-run.

use super::pluralize;
use crate::maintenance::prune::{PruneReport, PrunedItem};
use crate::text::escape;

/// A clip or a recording.
pub fn line(item: PrunedItem) -> String {
    match item {
        PrunedItem::Clip(clip) => format!("clip {}\n", escape(clip)),
        PrunedItem::Recording { source, name } => format!("recording {} of {}\n", escape(name), escape(source)),
    }
}

/// The summary line, the only line in which a dry run differs.
pub fn summary(pruned: &PruneReport, rows: bool, dry_run: bool) -> String {
    let verb = if dry_run { "would be removed" } else { "removed" };
    let mut parts = vec![pluralize(pruned.clips, "clip")];
    if rows {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        parts.push(pluralize(pruned.recordings, "recording"));
        parts.push(pluralize(count(pruned.laughs), "laugh"));
        parts.push(pluralize(count(pruned.runs), "run"));
    }
    let missing = match pruned.missing {
        0 => String::new(),
        count => format!("; {} already missing", pluralize(count, "clip")),
    };
    let protected = match pruned.protected {
        0 => String::new(),
        count => {
            let clips = pluralize(count, "clip");
            format!("; kept: {clips} of confirmed or favourite laughs (--even-confirmed removes them)")
        }
    };
    let kept = match (pruned.kept, pruned.protected) {
        (0, _) => String::new(),
        (count, 0) => format!("; not removed, since clips exist: {count} (give the folder of clips with --clips)"),
        (count, _) => format!("; recordings not removed, since clips exist: {count}"),
    };
    format!("{verb}: {}{missing}{protected}{kept}\n", parts.join(", "))
}
