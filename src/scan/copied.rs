//! Warns of recordings whose date may be wrong: dated only by a modification time that a copy or a download has set.
//!
//! A recorder closes one file after another: two modification times differ by the length of the second recording. If
//! files were closed within seconds and their lengths do not fit in between, a recorder did not write them. Files that
//! were closed one after another, however short, are never suspected.
//!
//! Invariant: only warns; does not change what is stored.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Outcome, Skip, StartSource, Status};
use crate::text::pluralize;

/// Files whose modification times are further apart were written one after another.
const NEAR: Duration = Duration::from_secs(15);

/// Tolerance for file system timestamps and announced durations: FAT has a resolution of two seconds.
const SLACK: Duration = Duration::from_secs(2);

/// Tolerance between the end of a dated recording and its modification time; a larger difference means a copy.
const AGREES: Duration = Duration::from_secs(60);

/// When a file was closed, and its length.
#[derive(Debug, Clone, Copy)]
struct Closed {
    /// Its index in the outcomes.
    index: usize,
    at: Timestamp,
    length: Duration,
}

/// Logs one warning with the number of doubtful new recordings and the first of them.
pub fn warn(outcomes: &[Outcome]) {
    if let Some(text) = advice(outcomes, &|outcome| modified(outcome)) {
        log::warn!("{text}");
    }
}

fn advice(outcomes: &[Outcome], modified: &dyn Fn(&Outcome) -> Option<Timestamp>) -> Option<String> {
    if !outcomes.iter().any(is_new_and_undated) {
        return None;
    }
    let neighbours = neighbours(outcomes, modified);
    let crowded: HashSet<usize> = neighbours.into_values().flat_map(crowded).collect();
    let is_doubtful = |(index, outcome): &(usize, &Outcome)| crowded.contains(index) && is_new_and_undated(outcome);
    let mut doubtful = outcomes.iter().enumerate().filter(is_doubtful).map(|(_, outcome)| &outcome.recording.name);
    let first = doubtful.next()?;
    let recordings = pluralize(doubtful.count() + 1, "recording");
    Some(format!(
        "the date of {recordings} may be wrong, first {first}: only the modification time dates them, and other files \
         have the same within seconds, as after a copy or a download; copy with times preserved (cp -p, rsync -t), or \
         name them like 20251024_130000.wav"
    ))
}

/// Analyzed or failed in this run, and dated only by its modification time.
fn is_new_and_undated(outcome: &Outcome) -> bool {
    let is_new = !matches!(outcome.status, Status::Redetected(_) | Status::Skipped(_));
    is_new && outcome.recording.started.is_some_and(|started| started.from == StartSource::Mtime)
}

/// Groups files by directory; files that are alone in their directories form one group.
fn neighbours<'a>(
    outcomes: &'a [Outcome],
    modified: &dyn Fn(&Outcome) -> Option<Timestamp>,
) -> HashMap<Option<&'a str>, Vec<Closed>> {
    let mut folders: HashMap<Option<&str>, Vec<Closed>> = HashMap::new();
    let mut seen = HashSet::new();
    for (index, outcome) in outcomes.iter().enumerate() {
        let Some((at, length)) = closed(outcome, modified) else { continue };
        if outcome.recording.content.is_none_or(|content| seen.insert(content)) {
            let folder = outcome.recording.name.rsplit_once('/').map_or("", |(folder, _)| folder);
            folders.entry(Some(folder)).or_default().push(Closed { index, at, length });
        }
    }
    let alone: Vec<Closed> = folders.values().filter(|files| files.len() == 1).flatten().copied().collect();
    folders.retain(|_, files| files.len() > 1);
    folders.insert(None, alone);
    folders
}

/// When a file was closed and its length. None for copies, for recordings in progress, and for files whose own end time
/// agrees with the modification time.
fn closed(outcome: &Outcome, modified: &dyn Fn(&Outcome) -> Option<Timestamp>) -> Option<(Timestamp, Duration)> {
    if matches!(outcome.status, Status::Skipped(Skip::CopyOf(_) | Skip::InProgress)) {
        return None;
    }
    let (started, length) = (outcome.recording.started?, outcome.recording.announced?);
    let at = modified(outcome)?;
    let ended = started.at.checked_add(length).ok()?;
    let agrees = started.from != StartSource::Mtime && ended.duration_since(at).unsigned_abs() <= AGREES;
    (!agrees).then_some((at, length))
}

/// Files that were closed too soon after each other for their lengths.
fn crowded(mut files: Vec<Closed>) -> Vec<usize> {
    files.sort_by_key(|file| (file.at, file.index));
    let (mut first, mut excess) = (0, Duration::ZERO);
    let mut crowded = vec![false; files.len()];
    for next in 1..files.len() {
        let gap = files[next].at.duration_since(files[next - 1].at).unsigned_abs();
        // 2 % less, so that small errors of many lengths do not add up.
        let length = files[next].length.saturating_sub(files[next].length / 50);
        excess = if gap > NEAR { Duration::ZERO } else { excess.saturating_add(length).saturating_sub(gap) };
        if excess.is_zero() {
            first = next;
        }
        if excess >= SLACK {
            crowded[first..=next].fill(true);
        }
    }
    files.iter().zip(crowded).filter(|(_, is_so)| *is_so).map(|(file, _)| file.index).collect()
}

fn modified(outcome: &Outcome) -> Option<Timestamp> {
    let metadata = std::fs::metadata(&outcome.recording.path).ok()?;
    Timestamp::try_from(metadata.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContentHash, Recording, RecordingError, StartTime};

    const NOON: i64 = 1_761_307_200;

    /// A recording closed so many seconds after noon, with this start source.
    fn outcome(name: &str, content: u8, closed: i64, length: u64, from: StartSource) -> Outcome {
        let length = Duration::from_secs(length);
        let at = Timestamp::from_second(NOON + closed).unwrap().checked_sub(length).unwrap();
        let recording = Recording {
            path: name.into(),
            name: name.into(),
            content: Some(ContentHash([content; 32])),
            bytes: 1,
            started: Some(StartTime { at, from }),
            announced: Some(length),
            named: None,
            zone_is_assumed: false,
        };
        Outcome { recording, status: Status::Failed(RecordingError::Changed) }
    }

    /// Files closed at these seconds, with these lengths.
    fn files(files: &[(i64, u64)]) -> Vec<Outcome> {
        let names = files.iter().enumerate().map(|(i, _)| format!("{i}.wav")).collect::<Vec<_>>();
        let all = files.iter().zip(&names).zip(0..);
        all.map(|((&(closed, length), name), i)| outcome(name, i, closed, length, StartSource::Mtime)).collect()
    }

    /// The number of doubtful recordings, and the first.
    fn doubted(outcomes: &[Outcome]) -> Option<(String, String)> {
        let by_path = |outcome: &Outcome| {
            let recording = &outcome.recording;
            recording.started?.at.checked_add(recording.announced?).ok()
        };
        let text = advice(outcomes, &by_path)?;
        let (count, rest) = text.strip_prefix("the date of ")?.split_once(" may be wrong, first ")?;
        Some((count.to_owned(), rest.split_once(": only")?.0.to_owned()))
    }

    fn some(count: &str, first: &str) -> Option<(String, String)> {
        Some((count.to_owned(), first.to_owned()))
    }

    #[test]
    fn files_closed_within_seconds_are_suspected() {
        for (closed, count) in [
            (&[(0, 3600), (0, 3600), (0, 3600)][..], "3 recordings"),
            (&[(0, 3600), (4, 3600), (13, 1800)], "3 recordings"),
            (&[(0, 6), (0, 6)], "2 recordings"),
            (&[(0, 1), (0, 1), (0, 1), (1, 1), (1, 1)], "5 recordings"),
            (&[(-3600, 3600), (0, 3590), (7200, 600), (7201, 600)], "2 recordings"),
        ] {
            assert_eq!(doubted(&files(closed)).unwrap().0, count, "{closed:?}");
        }
        assert_eq!(doubted(&files(&[(0, 60), (3600, 60), (3601, 60)])), some("2 recordings", "1.wav"));
    }

    #[test]
    fn files_closed_one_after_another_are_not_suspected() {
        for closed in [
            &[(0, 3600)][..],
            &[(0, 3600), (3600, 3600), (7200, 3600)],
            &[(0, 3600), (3599, 3600)],
            &[(0, 6), (6, 6), (12, 6), (18, 6)],
            &[(0, 3600), (5, 5), (8, 2), (9, 1)],
            &[(0, 1), (0, 1)],
        ] {
            assert_eq!(doubted(&files(closed)), None, "{closed:?}");
        }
        // A recorder that splits, whose announced lengths are one percent too long.
        let split: Vec<(i64, u64)> = (0..250).map(|i| (i * 10, 10)).collect();
        let mut split = files(&split);
        split.iter_mut().for_each(|one| one.recording.announced = Some(Duration::from_millis(10_100)));
        let by_name = |outcome: &Outcome| {
            let number: i64 = outcome.recording.name.strip_suffix(".wav")?.parse().ok()?;
            Timestamp::from_second(NOON + 10 * number).ok()
        };
        assert_eq!(advice(&split, &by_name), None);
    }

    #[test]
    fn dated_neighbours_count_and_only_undated_recordings_are_suspected() {
        let mut copied = files(&[(0, 3600), (2, 3600), (3, 3600)]);
        for dated in &mut copied[..2] {
            dated.recording.started = Some(StartTime { at: Timestamp::UNIX_EPOCH, from: StartSource::Filename });
        }
        let all_at_noon = |_: &Outcome| Timestamp::from_second(NOON).ok();
        assert!(
            advice(&copied, &all_at_noon).unwrap().starts_with("the date of 1 recording may be wrong, first 2.wav: ")
        );
        // Here names and modification times agree: two recorders were stopped at the same time, nothing was copied.
        let mut kept = files(&[(0, 3600), (2, 3600)]);
        kept[0].recording.started.as_mut().unwrap().from = StartSource::Filename;
        assert_eq!(doubted(&kept), None);
    }

    #[test]
    fn stored_recordings_and_copies_of_the_same_content_are_not_suspected() {
        let mut known = files(&[(0, 60), (0, 60), (0, 60)]);
        known[0].status = Status::Skipped(Skip::AlreadyAnalyzed);
        assert_eq!(doubted(&known), some("2 recordings", "1.wav"));
        known.iter_mut().for_each(|outcome| outcome.status = Status::Skipped(Skip::AlreadyAnalyzed));
        assert_eq!(doubted(&known), None);
        let mut growing = files(&[(0, 60), (0, 60)]);
        growing[1].status = Status::Skipped(Skip::InProgress);
        assert_eq!(doubted(&growing), None);
        // Of two files with the same bytes, the skipped one comes first.
        let mut copied = files(&[(0, 60), (0, 60), (0, 60)]);
        copied[0].recording.content = copied[1].recording.content;
        copied[0].status = Status::Skipped(Skip::CopyOf("1.wav".into()));
        assert_eq!(doubted(&copied), some("2 recordings", "1.wav"));
        let same = [outcome("a.wav", 1, 0, 60, StartSource::Mtime), outcome("b.wav", 1, 0, 60, StartSource::Mtime)];
        assert_eq!(doubted(&same), None);
    }

    #[test]
    fn neighbours_share_a_directory_or_are_alone_in_theirs() {
        let doubtful = |names: [&str; 2]| {
            let mut files = files(&[(0, 60), (0, 60), (3600, 60), (3600, 60)]);
            let names = [names[0], names[1], "a/z.wav", "b/z.wav"];
            files.iter_mut().zip(names).for_each(|(file, name)| file.recording.name = name.to_owned());
            files.truncate(if names[0].contains("/day/") { 2 } else { 4 });
            doubted(&files).map(|(count, _)| count)
        };
        // Two microphones that split at the full hour.
        assert_eq!(doubtful(["a/y.wav", "b/y.wav"]), None);
        assert_eq!(doubtful(["a/x.wav", "a/y.wav"]).as_deref(), Some("2 recordings"));
        assert_eq!(doubtful(["a/day/x.wav", "b/day/y.wav"]).as_deref(), Some("2 recordings"));
    }
}
