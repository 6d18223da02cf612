//! Conversion of a run to the rows that both databases store.
//!
//! Invariant: pure. Rows are deduplicated here by the tables' unique keys, so that two copies of one broken file cannot
//! make the run's transaction fail.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::StoreError;
use super::columns::{ClassScores, DetectionRow, Json, RecordingRow, RunRow, Uuid};
use super::score_rows::{CandidateClip, RedetectedRow, Scores};
use crate::domain::{
    Analyzed, ContentHash, Counts, Decided, Detection, FIRST_LAUGHTER, LAUGHTER_NAMES, MissingRange, MissingRanges,
    Outcome, Recording, RecordingError, Redetected, Run, Skip, Status,
};
use crate::text::shortest_f64;

/// The label of a laughter detection.
const LAUGHTER: &str = "laughter";

/// All rows that one run stores or replaces.
pub struct Rows {
    pub run: RunRow,
    /// The analysis as text, as the recordings store it.
    pub analysis: String,
    pub recordings: Vec<RecordingRow>,
    pub detections: Vec<Detections>,
    /// Of the analyzed recordings.
    pub scores: Vec<Scores>,
    pub redetected: Vec<RedetectedRow>,
    /// The candidates of redetected recordings that change.
    pub decided: Vec<Decided>,
    /// The clips of theirs that were cut.
    pub candidate_clips: Vec<CandidateClip>,
    /// Recordings that started earlier lose the embeddings of candidates without a review.
    pub embeddings_from: Option<Timestamp>,
    /// Names that this run has handled: failures stored earlier under them are removed.
    pub names: Vec<String>,
    /// Contents that this run has handled: likewise.
    pub contents: Vec<String>,
}

/// The detections of one recording.
pub struct Detections {
    /// The recording's content.
    pub content_sha256: String,
    pub rows: Vec<DetectionRow>,
}

impl Rows {
    pub fn from_run(run: &Run) -> Result<Rows, StoreError> {
        let contents = |outcome: &Outcome| outcome.recording.content.map(|content| content.to_string());
        // An earlier failure stays if the recording is in progress (its result is not known yet), or skipped because
        // its damage is known.
        let keeps_failure =
            |status: &Status| matches!(status, Status::Skipped(Skip::InProgress | Skip::KnownDamage(_)));
        let handled = || run.outcomes.iter().filter(|outcome| !keeps_failure(&outcome.status));
        let mut rows = Rows {
            run: RunRow::from_run(run),
            analysis: run.analysis.to_json(),
            recordings: Vec::new(),
            detections: Vec::new(),
            scores: Vec::new(),
            redetected: Vec::new(),
            decided: Vec::new(),
            candidate_clips: Vec::new(),
            embeddings_from: run.embeddings_from.map(microseconds),
            names: handled().map(|outcome| stored_text(&outcome.recording.name)).collect(),
            contents: handled().filter_map(contents).collect(),
        };
        let mut stored = HashSet::new();
        // Analyzed before failed: if two files have the same content and one fails, the detections are kept.
        for (recording, analyzed) in run.analyzed() {
            rows.add_analyzed(run, recording, analyzed, &mut stored)?;
        }
        for (recording, redetected) in run.redetected() {
            rows.add_redetected(run, recording, redetected, &mut stored)?;
        }
        for (recording, error) in run.failed() {
            rows.add_failed(recording, error, &mut stored);
        }
        Ok(rows)
    }

    fn add_analyzed(
        &mut self,
        run: &Run,
        recording: &Recording,
        analyzed: &Analyzed,
        stored: &mut HashSet<String>,
    ) -> Result<(), StoreError> {
        let row = RecordingRow::analyzed(recording, analyzed, run.cuts_clips);
        let (Some(content), Some(started)) = (&row.content_sha256, recording.started) else {
            return Err(bug(&recording.name, "was analyzed, but its content or its start time is not known"));
        };
        if stored.insert(content.clone()) {
            self.add_detections(content, (&recording.name, microseconds(started.at), &run.zone), &analyzed.detections)?;
            self.scores.push(Scores::new(content, analyzed));
            self.recordings.push(row);
        }
        Ok(())
    }

    fn add_redetected(
        &mut self,
        run: &Run,
        recording: &Recording,
        redetected: &Redetected,
        stored: &mut HashSet<String>,
    ) -> Result<(), StoreError> {
        let (Some(content), Some(started)) = (recording.content, recording.started) else {
            return Err(bug(&recording.name, "was decided anew, but its content or its start time is not known"));
        };
        let content_sha256 = content.to_string();
        if stored.insert(content_sha256.clone()) {
            let place = (recording.name.as_str(), microseconds(started.at), &redetected.zone);
            self.add_detections(&content_sha256, place, &redetected.detections)?;
            self.decided.extend_from_slice(&redetected.candidates);
            self.candidate_clips.extend(redetected.unsure.iter().filter_map(CandidateClip::new));
            self.redetected.push(RedetectedRow::new(content_sha256, (recording, started), redetected, run.cuts_clips));
        }
        Ok(())
    }

    /// `place`: name and start time of the recording, and the zone of its calendar days.
    fn add_detections(
        &mut self,
        content_sha256: &str,
        place: (&str, Timestamp, &TimeZone),
        detections: &[Detection],
    ) -> Result<(), StoreError> {
        let row = |detection| DetectionRow::new(place, detection);
        let rows = detections.iter().map(row).collect::<Result<_, _>>()?;
        self.detections.push(Detections { content_sha256: content_sha256.to_owned(), rows });
        Ok(())
    }

    fn add_failed(&mut self, recording: &Recording, error: &RecordingError, stored: &mut HashSet<String>) {
        let row = RecordingRow::failed(recording, error);
        let key = row.content_sha256.clone().unwrap_or_else(|| format!("name {}", row.name));
        if stored.insert(key) {
            self.recordings.push(row);
        }
    }

    /// The counts that the database should return after these rows are committed.
    pub fn counts(&self) -> Counts {
        let run = &self.run;
        let counts = [run.analyzed, run.partial, run.redetected, run.skipped, run.in_progress, run.failed];
        let [analyzed, partial, redetected, skipped, in_progress, failed] = counts.map(i64::cast_unsigned);
        let clips_failed = self.recordings.iter().map(|row| row.clips_failed);
        let clips_failed = clips_failed.chain(self.redetected.iter().map(|row| row.clips_failed)).sum::<i64>();
        let clips_failed = clips_failed.cast_unsigned();
        let detections = self.detections.iter().map(|of| of.rows.len() as u64).sum();
        Counts { analyzed, partial, redetected, skipped, in_progress, failed, detections, clips_failed }
    }

    /// Contents whose earlier rows, analyzed or failed, this run replaces.
    pub fn analyzed_contents(&self) -> Vec<&str> {
        self.analyzed().filter_map(|row| row.content_sha256.as_deref()).collect()
    }

    /// Contents whose detections this run replaces without analyzing them.
    pub fn redetected_contents(&self) -> Vec<&str> {
        self.redetected.iter().map(|row| row.content_sha256.as_str()).collect()
    }

    /// Contents whose candidates this run decides about.
    pub fn decided_contents(&self) -> Vec<&str> {
        self.analyzed_contents().into_iter().chain(self.redetected_contents()).collect()
    }

    /// Names and start times for which an earlier partial recording is replaced: its complete file was copied later.
    pub fn replaced_partials(&self) -> (Vec<&str>, Vec<Timestamp>) {
        self.analyzed().filter_map(|row| Some((row.name.as_str(), row.started_at?))).unzip()
    }

    fn analyzed(&self) -> impl Iterator<Item = &RecordingRow> {
        self.recordings.iter().filter(|row| row.is_analyzed())
    }
}

impl RunRow {
    fn from_run(run: &Run) -> RunRow {
        let count = |wanted: fn(&Status) -> bool| run.outcomes.iter().filter(|outcome| wanted(&outcome.status)).count();
        RunRow {
            id: Uuid(run.id.clone()),
            external_id: run.external_id.clone(),
            source: run.source.clone(),
            command: run.command.as_str().into(),
            started_at: microseconds(run.started),
            // A clock set back during the run must not violate the constraint started_at <= ended_at.
            ended_at: microseconds(run.ended.max(run.started)),
            version: run.version.clone(),
            analysis: Json(Some(run.analysis.clone())),
            model_sha256: run.analysis.model_sha256.clone(),
            zone: run.analysis.zone.clone(),
            window_from: run.window.from.map(microseconds),
            window_to: run.window.to.map(microseconds),
            shard: run.shard.clone(),
            explicit_files: run.explicit_files,
            exit_code: run.exit_code.into(),
            analyzed: count(|status| matches!(status, Status::Analyzed(analyzed) if !analyzed.is_partial())) as i64,
            partial: run.partial().count() as i64,
            redetected: run.redetected().count() as i64,
            skipped: count(|status| matches!(status, Status::Skipped(_))) as i64,
            in_progress: run.in_progress().count() as i64,
            in_progress_from: run.in_progress_from().map(microseconds),
            failed: count(|status| matches!(status, Status::Failed(_))) as i64,
            audio_seconds: run.analyzed().map(|(_, analyzed)| analyzed.audio.as_secs_f64()).sum(),
        }
    }
}

impl RecordingRow {
    /// Completely or in part.
    pub fn is_analyzed(&self) -> bool {
        self.status != "failed"
    }

    fn identity(recording: &Recording) -> RecordingRow {
        RecordingRow {
            content_sha256: recording.content.map(|content| content.to_string()),
            name: stored_text(&recording.name),
            bytes: i64::try_from(recording.bytes).unwrap_or(i64::MAX),
            started_at: recording.started.map(|started| microseconds(started.at)),
            start_source: recording.started.map(|started| started.from.as_str().into()),
            ..RecordingRow::default()
        }
    }

    fn analyzed(recording: &Recording, analyzed: &Analyzed, clips_cut: bool) -> RecordingRow {
        RecordingRow {
            duration_seconds: Some(analyzed.extent().as_secs_f64()),
            sample_rate: Some(analyzed.sample_rate.into()),
            channels: Some(analyzed.channels.into()),
            audio_tracks: Some(analyzed.tracks.into()),
            codec: Some(stored_text(&analyzed.codec)),
            missing_ranges: (!analyzed.missing.is_empty()).then(|| Json(missing_ranges(&analyzed.missing))),
            missing_count: analyzed.missing.count().cast_signed(),
            missing_seconds: analyzed.missing.total().as_secs_f64(),
            clips_failed: analyzed.clips_failed.as_ref().map_or(0, |lost| lost.count.cast_signed()),
            clips_cut,
            status: if analyzed.is_partial() { "partial" } else { "analyzed" }.into(),
            ..RecordingRow::identity(recording)
        }
    }

    /// A failed recording was not decoded to its end. Its duration is the longer of what its container and its name
    /// announce: in a truncated file, the container may only announce the part that is left.
    fn failed(recording: &Recording, error: &RecordingError) -> RecordingRow {
        RecordingRow {
            duration_seconds: recording.announced.max(recording.named).map(|announced| announced.as_secs_f64()),
            status: "failed".into(),
            failure_kind: Some(error.kind().into()),
            failure_reason: Some(stored_text(&error.to_string())),
            failure_position_seconds: error.position().map(|position| position.as_secs_f64()),
            ..RecordingRow::identity(recording)
        }
    }
}

impl DetectionRow {
    /// `place`: name and start time of the recording, and the zone of its calendar days.
    fn new(place: (&str, Timestamp, &TimeZone), detection: &Detection) -> Result<DetectionRow, StoreError> {
        let (name, started, zone) = place;
        let instant = |offset| started.checked_add(offset).map_err(|_| bug(name, "is outside the range of dates"));
        let starts_at = instant(detection.start)?;
        let class = usize::from(detection.class.wrapping_sub(FIRST_LAUGHTER));
        let class_name = LAUGHTER_NAMES.get(class).ok_or_else(|| bug(name, "has a detection that is not laughter"))?;
        Ok(DetectionRow {
            local_date: zone.to_datetime(starts_at).date(),
            starts_at: microseconds(starts_at),
            ends_at: microseconds(instant(detection.end)?),
            start_seconds: detection.start.as_secs_f64(),
            end_seconds: detection.end.as_secs_f64(),
            peak_score: shortest_f64(detection.peak),
            mean_score: shortest_f64(detection.mean),
            label: LAUGHTER.into(),
            class_index: detection.class.into(),
            class_name: (*class_name).into(),
            class_scores: Json(class_scores(name, detection)?),
            clip: detection.clip.as_deref().map(stored_text),
        })
    }
}

fn class_scores(name: &str, detection: &Detection) -> Result<ClassScores, StoreError> {
    if detection.class_scores.iter().all(|score| (0.0..=1.0).contains(score)) {
        Ok(ClassScores(detection.class_scores))
    } else {
        Err(bug(name, "has a class score that is not between 0 and 1"))
    }
}

fn missing_ranges(missing: &MissingRanges) -> Vec<MissingRange> {
    let stored = |range: MissingRange| MissingRange { reason: stored_text(&range.reason), ..range };
    missing.clone().into_ranges().into_iter().map(stored).collect()
}

/// Both databases store microseconds; truncated here, so that both store the same value.
pub fn microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Replaces NUL, which Postgres cannot store in text and a damaged file's tags may contain.
pub fn stored_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn bug(name: &str, what: &str) -> StoreError {
    StoreError::Failed(format!("{name} {what}; nothing of this run was stored. This is a bug, please report it").into())
}

/// Names as the tables store them.
pub fn stored_texts(names: &[String]) -> Vec<String> {
    names.iter().map(|name| stored_text(name)).collect()
}

/// Contents as the tables store them.
pub fn texts(contents: &[ContentHash]) -> Vec<String> {
    contents.iter().map(ToString::to_string).collect()
}
