//! Old clips removed and, if that is asked for, old rows.
//!
//! Files first, then rows, and a row that still names a clip stays. Cut short in between, it leaves rows
//! that `verify` lists and the next prune puts right, never files that nobody knows.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{Span, Timestamp, Zoned};

use crate::clips::folder::{Folder, of_source};
use crate::exit::{Exit, Fatal};
use crate::record::{StoredRecording, Window};
use crate::store::{self, Location, Pruned, Pruning, Reader};

/// What goes.
pub struct Settings {
    pub database: Location,
    /// None: no clip goes, nor a row that names one.
    pub clips: Option<PathBuf>,
    /// None: everybody's.
    pub source: Option<String>,
    /// Laughs that began before it, recordings that were over, runs that began.
    pub before: Timestamp,
    pub rows: bool,
    /// Says what would go.
    pub dry_run: bool,
}

/// What went, or would.
#[derive(Debug, Default)]
pub struct Gone {
    pub clips: Vec<String>,
    /// Clips that were not there any more; their rows are put right.
    pub missing: usize,
    pub rows: Pruned,
    /// A line each: clips that could not be removed. Their rows stay.
    pub troubles: Vec<String>,
}

impl Gone {
    pub fn exit(&self) -> Exit {
        if self.troubles.is_empty() { Exit::Complete } else { Exit::Partial }
    }
}

/// The midnight that began the day so many days, weeks, months or years ago: `30d`, `12w`, `6mo`, `1y`.
pub fn before(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no age; write 30d, 12w, 6mo or 1y");
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    if span.is_zero() || span.is_negative() || has_hours(&span) {
        return Err(wrong());
    }
    let day = now.checked_sub(span).and_then(|then| then.start_of_day());
    day.map(|day| day.timestamp()).map_err(|_| format!("{text:?} is before all time; write 30d, 12w, 6mo or 1y"))
}

/// Or what is smaller: days are what clips and rows are kept for.
fn has_hours(span: &Span) -> bool {
    let small = [span.get_minutes(), span.get_seconds(), span.get_milliseconds(), span.get_microseconds()];
    span.get_hours() != 0 || span.get_nanoseconds() != 0 || small.iter().any(|&count| count != 0)
}

/// Removes, or says what would be removed.
pub fn prune(settings: &Settings, reader: &mut dyn Reader) -> Result<Gone, Fatal> {
    let sources = match &settings.source {
        Some(source) => vec![source.clone()],
        None => reader.sources()?,
    };
    let mut store = store::open(&settings.database)?;
    if !settings.dry_run {
        store.lock_out(&sources)?;
    }
    let mut gone = Gone::default();
    let mut forgotten = Vec::new();
    if let Some(path) = &settings.clips {
        let old = old_clips(settings, reader)?;
        let folder = open(path, &old)?;
        forgotten = remove(&folder, old, settings.dry_run, &mut gone);
    }
    gone.rows = store.prune(&Pruning {
        source: settings.source.clone(),
        before: settings.before,
        clips: forgotten,
        rows: settings.rows,
        dry_run: settings.dry_run,
    })?;
    Ok(gone)
}

/// Clips of laughs that began before then, each with its source's folder; in order.
fn old_clips(settings: &Settings, reader: &mut dyn Reader) -> Result<BTreeSet<(String, String)>, Fatal> {
    let window = Window { from: None, to: Some(settings.before) };
    let recordings = reader.recordings(settings.source.as_deref(), &window)?;
    let of = |recording: &StoredRecording| {
        let old = recording.laughs().iter().filter(|laugh| laugh.starts < settings.before);
        let clips = old.filter_map(|laugh| laugh.event.clip.clone());
        clips.map(|clip| (of_source(&recording.source), clip)).collect::<Vec<_>>()
    };
    Ok(recordings.iter().flat_map(of).collect())
}

/// A source's folder stays when its clips go: where it is missing, a disk is not mounted, and to forget its clips
/// would leave them behind for ever.
fn open(path: &Path, old: &BTreeSet<(String, String)>) -> Result<Folder, Fatal> {
    let shown = path.display();
    let folder = Folder::open(path)
        .map_err(|error| Fatal::Config(format!("the folder of clips {shown} cannot be read: {error}")))?;
    match old.iter().find(|(source, _)| !folder.has(source)) {
        None => Ok(folder),
        Some((source, _)) => Err(Fatal::Config(format!(
            "{shown} holds no folder {source}, in which clips should lie; name the folder that the nights write to, or \
             mount its disk. If the clips are gone for good, make it, and prune again"
        ))),
    }
}

/// The clips that are not there now, by our doing or before.
fn remove(folder: &Folder, old: BTreeSet<(String, String)>, dry_run: bool, gone: &mut Gone) -> Vec<String> {
    let mut forgotten = Vec::new();
    for (source, clip) in old {
        let removed = match clip.strip_prefix(&source) {
            Some(rest) if rest.starts_with('/') => clean(folder, &clip, dry_run),
            _ => others(folder, &clip, &source),
        };
        match removed {
            Ok(true) => gone.clips.push(clip.clone()),
            Ok(false) => gone.missing += 1,
            Err(error) => {
                gone.troubles.push(format!("{clip}: cannot be removed: {error}"));
                continue;
            }
        }
        forgotten.push(clip);
    }
    forgotten
}

fn clean(folder: &Folder, clip: &str, dry_run: bool) -> io::Result<bool> {
    if dry_run { folder.would_remove(clip) } else { folder.remove(clip) }
}

/// A clip in another source's folder: that one's, whatever this row says.
fn others(folder: &Folder, clip: &str, source: &str) -> io::Result<bool> {
    match folder.would_remove(clip)? {
        true => Err(io::Error::other(format!("it does not lie in {source}, the folder of its source"))),
        false => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, String> {
        let now = "2026-03-30T10:00:00+02:00[Europe/Berlin]".parse::<Zoned>().unwrap();
        before(text, &now).map(|at| at.to_string())
    }

    #[test]
    fn ages_are_of_the_calendar() {
        assert_eq!(at("1d").unwrap(), "2026-03-28T23:00:00Z", "a day of 23 hours");
        assert_eq!(at("30d").unwrap(), "2026-02-27T23:00:00Z");
        assert_eq!(at("12w").unwrap(), "2026-01-04T23:00:00Z");
        assert_eq!(at("1mo").unwrap(), "2026-02-27T23:00:00Z", "there is no 30th of February");
        assert_eq!(at(" 1y 2mo ").unwrap(), "2025-01-29T23:00:00Z");
    }

    #[test]
    fn what_is_no_age_is_answered_with_one() {
        for text in ["", "30", "-30d", "0d", "12h", "30m", "1d 1s", "yesterday", "99999999999y", "30d ago"] {
            let error = at(text).unwrap_err();
            assert!(error.ends_with("write 30d, 12w, 6mo or 1y"), "{text}: {error}");
        }
    }
}
