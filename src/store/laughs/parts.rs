//! Which rows are parts of one laugh, and which review each row has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{LaughReader, ReviewScope, ReviewTarget};
use crate::calendar::{SEAM, Span, merged};
use crate::domain::{Review, StoredDetection, StoredRecording, StoredStatus};
use crate::error::Fatal;
use crate::store::columns::ReviewRow;
use crate::store::review_rows::attach;
use crate::store::{Reader, Selection, StoreError};

/// How far around a row the other parts of its laugh are searched; a laugh is not longer.
const AROUND: SignedDuration = SignedDuration::from_mins(2);

/// A laugh that is split across recordings: its parts, in order of time, each with the review of the laugh.
#[derive(Debug, Clone)]
pub struct SplitLaugh {
    pub parts: Vec<(StoredRecording, StoredDetection)>,
}

impl SplitLaugh {
    pub fn first(&self) -> &StoredDetection {
        &self.parts[0].1
    }

    pub fn review(&self) -> Option<&Review> {
        self.first().review.as_ref()
    }

    pub fn length(&self) -> Duration {
        self.parts.iter().map(|(_, part)| part.detection.end.saturating_sub(part.detection.start)).sum()
    }

    pub fn has(&self, id: i64) -> bool {
        self.parts.iter().any(|(_, part)| part.id == id)
    }
}

/// The rows with a review, by their ids.
pub fn reviewed<R: LaughReader + ?Sized>(
    reader: &mut R,
    scope: &ReviewScope,
) -> Result<HashMap<i64, ReviewTarget>, StoreError> {
    /// The rows and the reviews of a recording, each once, in order of time.
    #[derive(Default)]
    struct OfRecording {
        rows: BTreeMap<(Duration, i64), ReviewTarget>,
        reviews: BTreeMap<(Duration, Duration), ReviewRow>,
    }
    let mut recordings: HashMap<i64, OfRecording> = HashMap::new();
    for found in reader.reviewed_rows(scope)? {
        let of_recording = recordings.entry(found.recording).or_default();
        of_recording.rows.insert((found.row.start, found.row.id), found.row);
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let span = (seconds(found.review.start_seconds), seconds(found.review.end_seconds));
        of_recording.reviews.insert(span, found.review);
    }
    let mut reviewed = HashMap::new();
    for of_recording in recordings.into_values() {
        let mut rows: Vec<ReviewTarget> = of_recording.rows.into_values().collect();
        attach(&mut rows, of_recording.reviews.into_values().collect());
        reviewed.extend(rows.into_iter().filter(|row| row.review.is_some()).map(|row| (row.id, row)));
    }
    Ok(reviewed)
}

/// The split laughs of a source around a row.
pub fn split_around<R: Reader + ?Sized>(
    reader: &mut R,
    source: &str,
    starts: Timestamp,
) -> Result<Vec<SplitLaugh>, Fatal> {
    let moved = |by: SignedDuration| starts.saturating_add(by).unwrap_or(starts);
    let span = Span { from: moved(-AROUND), to: moved(AROUND) };
    let recordings = recordings(reader, source, &span)?;
    split(reader, recordings)
}

/// The recordings of a source that overlap a span or touch it, without their laughs.
pub fn recordings<R: Reader + ?Sized>(
    reader: &mut R,
    source: &str,
    span: &Span,
) -> Result<Vec<StoredRecording>, Fatal> {
    let wanted = Selection {
        source: Some(source),
        window: span.window(),
        margin: SEAM,
        without_laughs: true,
        ..Selection::default()
    };
    let mut recordings = Vec::new();
    reader.each_recording(&wanted, &mut |recording| {
        if recording.started.is_some() {
            recordings.push(recording);
        }
        Ok(())
    })?;
    Ok(recordings)
}

/// Of these recordings, those at whose start a laugh may be split, and those that end there.
pub fn at_seams(recordings: &[StoredRecording], cut_at_start: &HashSet<i64>) -> Vec<StoredRecording> {
    let mut ends: Vec<(Timestamp, usize)> =
        recordings.iter().enumerate().filter_map(|(place, one)| Some((one.ended()?, place))).collect();
    ends.sort_unstable();
    let mut wanted = HashSet::new();
    for (place, recording) in recordings.iter().enumerate().filter(|(_, one)| cut_at_start.contains(&one.id)) {
        let Some(started) = recording.started else { continue };
        let [from, to] = [-SEAM_SIGNED, SEAM_SIGNED].map(|by| started.at.saturating_add(by).unwrap_or(started.at));
        let first = ends.partition_point(|(ended, _)| *ended < from);
        let before = ends[first..].iter().take_while(|(ended, _)| *ended <= to).filter(|(_, other)| *other != place);
        let before: Vec<usize> = before.map(|(_, other)| *other).collect();
        if !before.is_empty() {
            wanted.extend(before);
            wanted.insert(place);
        }
    }
    recordings.iter().enumerate().filter(|(place, _)| wanted.contains(place)).map(|(_, one)| one.clone()).collect()
}

const SEAM_SIGNED: SignedDuration = SignedDuration::from_secs(SEAM.as_secs() as i64);

/// The laughs that are split across these recordings.
pub fn split<R: LaughReader + ?Sized>(
    reader: &mut R,
    mut recordings: Vec<StoredRecording>,
) -> Result<Vec<SplitLaugh>, Fatal> {
    if recordings.len() < 2 {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = recordings.iter().map(|recording| recording.id).collect();
    let mut rows: HashMap<i64, Vec<StoredDetection>> = HashMap::new();
    for (recording, row) in reader.edge_rows(&ids)? {
        rows.entry(recording).or_default().push(StoredDetection::from(row));
    }
    for recording in &mut recordings {
        if let StoredStatus::Analyzed(sound) = &mut recording.status {
            sound.laughs = rows.remove(&recording.id).unwrap_or_default();
        }
    }
    let laughs = merged(&recordings);
    let parts: Vec<_> = laughs.into_iter().map(|laugh| laugh.parts).filter(|parts| parts.len() > 1).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let of_parts: HashSet<i64> = parts.iter().flatten().map(|(recording, _)| recording.id).collect();
    let of_parts: Vec<i64> = of_parts.into_iter().collect();
    let reviewed = reviewed(reader, &ReviewScope::Recordings(&of_parts))?;
    Ok(parts.into_iter().map(|parts| with_review(parts, &reviewed)).collect())
}

fn with_review(parts: Vec<(&StoredRecording, &StoredDetection)>, reviewed: &HashMap<i64, ReviewTarget>) -> SplitLaugh {
    let of_part = |(_, part): &(&StoredRecording, &StoredDetection)| reviewed.get(&part.id)?.review.clone();
    let review = parts.iter().filter_map(of_part).max_by_key(|review| review.at);
    let part = |(recording, part): (&StoredRecording, &StoredDetection)| {
        let mut recording = recording.clone();
        if let StoredStatus::Analyzed(sound) = &mut recording.status {
            sound.laughs.clear();
        }
        (recording, StoredDetection { review: review.clone(), ..part.clone() })
    };
    SplitLaugh { parts: parts.into_iter().map(part).collect() }
}
