//! Removes old clips and, if requested, old rows.
//!
//! Files are removed first, then rows; a row that still names a clip stays. An interruption in between leaves rows that
//! `verify` lists and the next prune repairs, never clips without a row. Everything is removed and reported in batches,
//! so memory does not grow with the number of removed items.

use std::collections::BTreeSet;
use std::io;

use jiff::{Span, Timestamp, Zoned};

use crate::clips::{ClipLocation, ClipStore, source_folder, unreadable};
use crate::domain::{Review, StoredCandidate, StoredRecording, Window};
use crate::error::Fatal;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::store::{self, Location, Pruning, Reader, Selection, Store};

/// Clips per batch: they are removed before their rows are updated.
const CLIPS: usize = 500;

/// What to remove.
pub struct Settings {
    pub database: Location,
    /// None: remove neither clips nor rows that name one.
    pub clips: Option<ClipLocation>,
    /// None: all sources.
    pub source: Option<String>,
    /// Laughs that started, recordings that ended, and runs that started before this instant.
    pub before: Timestamp,
    pub rows: bool,
    /// Also remove clips of laughs that are confirmed or marked as favourite.
    pub even_confirmed: bool,
    /// Only report what would be removed.
    pub dry_run: bool,
}

/// A removed item, or one that would be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrunedItem<'a> {
    Clip(&'a str),
    Recording { source: &'a str, name: &'a str },
}

/// The totals.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    pub clips: usize,
    /// Clips that did not exist any more; their rows are updated.
    pub missing: usize,
    /// Old clips that stay, because their laugh is confirmed or marked as favourite.
    pub protected: usize,
    /// Clips that could not be removed. Their rows stay, and each was reported as an error.
    pub stuck: usize,
    pub recordings: usize,
    /// Laughs that were removed with them.
    pub laughs: u64,
    pub runs: u64,
    /// Recordings that are old enough but stay, because one of their laughs or candidates still names a clip.
    pub kept: u64,
}

impl PruneReport {
    pub fn exit(&self) -> Exit {
        if self.stuck == 0 { Exit::Complete } else { Exit::Partial }
    }
}

/// Called for each item.
pub type Each<'a> = dyn FnMut(PrunedItem) -> Result<(), Fatal> + 'a;

/// The start of the day that is this long ago: `30d`, `12w`, `6mo`, `1y`.
pub fn before(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is not an age; write 30d, 12w, 6mo or 1y");
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    if span.is_zero() || span.is_negative() || has_hours(&span) {
        return Err(wrong());
    }
    let day = now.checked_sub(span).and_then(|then| then.start_of_day());
    day.map(|day| day.timestamp()).map_err(|_| format!("{text:?} is too long ago; write 30d, 12w, 6mo or 1y"))
}

/// Whether it has units smaller than days: ages are in whole days.
fn has_hours(span: &Span) -> bool {
    let small = [span.get_minutes(), span.get_seconds(), span.get_milliseconds(), span.get_microseconds()];
    span.get_hours() != 0 || span.get_nanoseconds() != 0 || small.iter().any(|&count| count != 0)
}

/// Removes, or reports what would be removed.
pub fn prune(settings: &Settings, reader: &mut dyn Reader, each: &mut Each) -> Result<PruneReport, Fatal> {
    let sources = match &settings.source {
        Some(source) => vec![source.clone()],
        None => reader.sources()?,
    };
    let mut store = store::open(&settings.database)?;
    if !settings.dry_run {
        store.lock_exclusive(&sources)?;
    }
    let mut pruned = PruneReport::default();
    let mut stuck = None;
    if let Some(location) = &settings.clips {
        let clips = open(location, &sources, settings, reader)?;
        stuck = Some(remove_clips(&clips, settings, reader, store.as_mut(), &mut pruned, each)?);
    }
    if settings.rows {
        remove_rows(settings, stuck, store.as_mut(), &mut pruned, each)?;
    }
    Ok(pruned)
}

/// Clips of a recording's laughs and candidates that started before the limit; whether each of them stays, because of
/// what its review says.
fn old_clips<'a>(settings: &Settings, recording: &'a StoredRecording) -> impl Iterator<Item = (&'a String, bool)> {
    let (before, even_confirmed) = (settings.before, settings.even_confirmed);
    let old = recording.laughs().iter().filter(move |laugh| laugh.starts < before);
    let is_old = move |one: &&StoredCandidate| recording.instant(one.candidate.start()).is_some_and(|at| at < before);
    let old_candidates = recording.candidates().iter().filter(is_old);
    let clips = old.map(|laugh| (&laugh.detection.clip, laugh.review.as_ref()));
    let clips = clips.chain(old_candidates.map(|one| (&one.candidate.clip, one.review.as_ref())));
    clips.filter_map(move |(clip, review)| {
        Some((clip.as_ref()?, !even_confirmed && review.is_some_and(Review::keeps_clip)))
    })
}

fn selection<'a>(settings: &Settings, source: Option<&'a str>) -> Selection<'a> {
    let window = Window { from: None, to: Some(settings.before) };
    Selection { source, window, with_candidates: true, only_with_clip: true, ..Selection::default() }
}

/// Opens the clips directory. A source's directory is never removed with its clips: if it is missing, a disk is
/// probably not mounted, and clearing the references to its clips would orphan the files.
fn open(
    location: &ClipLocation,
    sources: &[String],
    settings: &Settings,
    reader: &mut dyn Reader,
) -> Result<ClipStore, Fatal> {
    let clips = ClipStore::open(location, &Stop::default())?;
    for source in sources {
        if clips.has(&source_folder(source)).map_err(|error| unreadable(location, error))? {
            continue;
        }
        reader.each_recording(&selection(settings, Some(source)), &mut |recording| match old_clips(
            settings, &recording,
        )
        .next()
        {
            None => Ok(()),
            Some(_) => Err(Fatal::Config(without_folder(location, &source_folder(source)).into())),
        })?;
    }
    Ok(clips)
}

fn without_folder(location: &ClipLocation, source_folder: &str) -> String {
    let missing = format!("{location} has no folder {source_folder} for the clips of its source");
    match location {
        ClipLocation::Folder(_) => format!(
            "{missing}; name the folder that the runs write to, or mount its disk. If the clips are lost, create it and \
             prune again"
        ),
        ClipLocation::Bucket(_) => format!(
            "{missing}; name the URL that the runs write to. If the clips are lost, write an object \
             {source_folder}/.giggles there and prune again"
        ),
    }
}

/// Removes batches of files, each followed by the references in its rows. Returns the clips that stay, for a dry
/// run.
fn remove_clips(
    clips: &ClipStore,
    settings: &Settings,
    reader: &mut dyn Reader,
    store: &mut dyn Store,
    pruned: &mut PruneReport,
    each: &mut Each,
) -> Result<Vec<String>, Fatal> {
    let (mut old, mut stuck, mut protected) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut count = 0;
    let mut remove = |old: BTreeSet<(String, String)>| {
        let (gone, left) = remove_some(clips, old, settings.dry_run, pruned, each)?;
        // Needed for a dry run only, because its transaction does not see that the other clips are removed.
        stuck.extend(left.into_iter().filter(|_| settings.dry_run));
        if !settings.dry_run && !gone.is_empty() {
            store.forget_clips(&gone)?;
        }
        Ok::<(), Fatal>(())
    };
    reader.each_recording(&selection(settings, settings.source.as_deref()), &mut |recording| {
        let (stay, go): (BTreeSet<_>, BTreeSet<_>) =
            old_clips(settings, &recording).partition(|(_, is_protected)| *is_protected);
        let stay: BTreeSet<&String> = stay.into_iter().map(|(clip, _)| clip).collect();
        let go = go.into_iter().map(|(clip, _)| clip).filter(|clip| !stay.contains(clip));
        old.extend(go.map(|clip| (source_folder(&recording.source), clip.clone())));
        count += stay.len();
        protected.extend(stay.into_iter().filter(|_| settings.dry_run).cloned());
        if old.len() >= CLIPS { remove(std::mem::take(&mut old)) } else { Ok(()) }
    })?;
    remove(old)?;
    pruned.protected = count;
    stuck.append(&mut protected);
    Ok(stuck)
}

/// The clips that do not exist any more, and those that could not be removed.
fn remove_some(
    clips: &ClipStore,
    old: BTreeSet<(String, String)>,
    dry_run: bool,
    pruned: &mut PruneReport,
    each: &mut Each,
) -> Result<(Vec<String>, Vec<String>), Fatal> {
    let (mut gone, mut stuck) = (Vec::new(), Vec::new());
    for (source, clip) in old {
        let removed = match clip.strip_prefix(&source) {
            Some(rest) if rest.starts_with('/') => remove_clip(clips, &clip, dry_run),
            _ => refuse_foreign(clips, &clip, &source),
        };
        match removed {
            Ok(true) => {
                pruned.clips += 1;
                each(PrunedItem::Clip(&clip))?;
                gone.push(clip);
            }
            Ok(false) => {
                pruned.missing += 1;
                gone.push(clip);
            }
            Err(error) => {
                log::error!("{clip}: cannot be removed: {error}");
                pruned.stuck += 1;
                stuck.push(clip);
            }
        }
    }
    Ok((gone, stuck))
}

fn remove_rows(
    settings: &Settings,
    stuck: Option<Vec<String>>,
    store: &mut dyn Store,
    pruned: &mut PruneReport,
    each: &mut Each,
) -> Result<(), Fatal> {
    let (source, before, dry_run) = (settings.source.clone(), settings.before, settings.dry_run);
    let pruning = Pruning { source, before, stuck: stuck.filter(|_| dry_run), dry_run };
    let mut next = Some(i64::MIN);
    while let Some(after) = next {
        let some = store.prune(&pruning, after)?;
        pruned.recordings += some.recordings.len();
        pruned.laughs += some.detections;
        pruned.kept += some.kept;
        some.recordings.iter().try_for_each(|(source, name)| each(PrunedItem::Recording { source, name }))?;
        next = some.next;
    }
    pruned.runs = store.prune_runs(&pruning)?;
    Ok(())
}

fn remove_clip(clips: &ClipStore, clip: &str, dry_run: bool) -> io::Result<bool> {
    if dry_run { clips.would_remove(clip) } else { clips.remove(clip) }
}

/// Never removes a clip in another source's directory, whatever this row says.
fn refuse_foreign(clips: &ClipStore, clip: &str, source: &str) -> io::Result<bool> {
    if clips.would_remove(clip)? {
        Err(io::Error::other(format!("it is not in {source}, the folder of its source")))
    } else {
        Ok(false)
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
    fn ages_are_calendar_days() {
        assert_eq!(at("1d").unwrap(), "2026-03-28T23:00:00Z", "a day of 23 hours");
        assert_eq!(at("30d").unwrap(), "2026-02-27T23:00:00Z");
        assert_eq!(at("12w").unwrap(), "2026-01-04T23:00:00Z");
        assert_eq!(at("1mo").unwrap(), "2026-02-27T23:00:00Z", "there is no 30th of February");
        assert_eq!(at(" 1y 2mo ").unwrap(), "2025-01-29T23:00:00Z");
    }

    #[test]
    fn an_invalid_age_is_refused_with_an_example() {
        for text in ["", "30", "-30d", "0d", "12h", "30m", "1d 1s", "yesterday", "99999999999y", "30d ago"] {
            let error = at(text).unwrap_err();
            assert!(error.ends_with("write 30d, 12w, 6mo or 1y"), "{text}: {error}");
        }
    }
}
