//! What is pruned, for people: the same lines before and after.

use super::several;
use crate::care::prune::{Gone, Pruned};
use crate::record::plain;

/// A clip or a recording.
pub fn line(gone: Gone) -> String {
    match gone {
        Gone::Clip(clip) => format!("clip {}\n", plain(clip)),
        Gone::Recording { source, name } => format!("recording {} of {}\n", plain(name), plain(source)),
    }
}

/// A line that sums up. A dry run's differs in that line alone.
pub fn summary(pruned: &Pruned, rows: bool, dry_run: bool) -> String {
    let verb = if dry_run { "would be removed" } else { "removed" };
    let mut parts = vec![several(pruned.clips, "clip")];
    if rows {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        parts.push(several(pruned.recordings, "recording"));
        parts.push(several(count(pruned.laughs), "laugh"));
        parts.push(several(count(pruned.runs), "run"));
    }
    let missing = match pruned.missing {
        0 => String::new(),
        count => format!("; {} had gone before", several(count, "clip")),
    };
    let kept = match pruned.kept {
        0 => String::new(),
        count => format!("; kept for their clips: {count} (name their folder with --clips)"),
    };
    format!("{verb}: {}{missing}{kept}\n", parts.join(", "))
}
