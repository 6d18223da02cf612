//! What was pruned, for people: the same list before and after.

use super::several;
use crate::care::prune::Gone;
use crate::record::plain;

/// Each clip and each recording, and a line that sums up. A dry run's differs in that line alone.
pub fn text(gone: &Gone, rows: bool, dry_run: bool) -> String {
    let clips = gone.clips.iter().map(|clip| format!("clip {}\n", plain(clip)));
    let recording = |(source, name): &(String, String)| format!("recording {} of {}\n", plain(name), plain(source));
    let recordings = gone.rows.recordings.iter().map(recording);
    clips.chain(recordings).chain([summary(gone, rows, dry_run)]).collect()
}

fn summary(gone: &Gone, rows: bool, dry_run: bool) -> String {
    let verb = if dry_run { "would be removed" } else { "removed" };
    let mut parts = vec![several(gone.clips.len(), "clip")];
    if rows {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        parts.push(several(gone.rows.recordings.len(), "recording"));
        parts.push(several(count(gone.rows.detections), "laugh"));
        parts.push(several(count(gone.rows.runs), "run"));
    }
    let missing = match gone.missing {
        0 => String::new(),
        count => format!("; {} had gone before", several(count, "clip")),
    };
    let kept = match gone.rows.kept {
        0 => String::new(),
        count => format!("; kept for their clips: {count} (name their folder with --clips)"),
    };
    format!("{verb}: {}{missing}{kept}\n", parts.join(", "))
}
