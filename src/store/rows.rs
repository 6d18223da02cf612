//! A run as the rows that are stored: what both databases share, before either's dialect.
//!
//! Invariant: pure. What is unique in the tables is made unique here, so that two copies of one
//! broken file cannot spoil a whole run's transaction.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::StoreError;
use crate::record::{
    ContentHash, Counts, Event, FIRST_LAUGHTER, Fate, Heard, LAUGHTER_NAMES, MissingRange, MissingRanges, Outcome,
    Recording, RecordingError, Run, Skip,
};

/// All that one run changes.
pub struct Rows {
    pub run: RunRow,
    pub recordings: Vec<RecordingRow>,
    pub detections: Vec<DetectionRow>,
    /// Names met in this run: failures stored under them earlier are over.
    pub names: Vec<String>,
    /// Contents met in this run: likewise.
    pub contents: Vec<String>,
}

pub struct RunRow {
    pub id: String,
    pub source: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub version: String,
    pub analysis: String,
    pub model_sha256: String,
    pub zone: String,
    pub window_from: Option<Timestamp>,
    pub window_to: Option<Timestamp>,
    pub shard: Option<String>,
    pub single_files: bool,
    pub exit_code: i32,
    pub analyzed: i64,
    pub partial: i64,
    pub skipped: i64,
    pub unfinished: i64,
    pub unfinished_from: Option<Timestamp>,
    pub failed: i64,
    pub audio_seconds: f64,
}

#[derive(Default, Serialize)]
pub struct RecordingRow {
    pub content_sha256: Option<String>,
    pub name: String,
    pub bytes: i64,
    pub began_at: Option<Timestamp>,
    pub began_from: Option<&'static str>,
    pub duration_seconds: Option<f64>,
    pub sample_rate: Option<u32>,
    pub channels: Option<u32>,
    pub audio_tracks: Option<u32>,
    pub codec: Option<String>,
    pub status: &'static str,
    pub missing_ranges: Option<Vec<MissingRange>>,
    pub missing_count: i64,
    pub missing_seconds: f64,
    pub failure_kind: Option<&'static str>,
    pub failure_reason: Option<String>,
    pub failure_position_seconds: Option<f64>,
    pub clips_lost: i64,
}

#[derive(Serialize)]
pub struct DetectionRow {
    /// Of the recording it lies in.
    pub content_sha256: String,
    pub local_date: Date,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub peak_score: f64,
    pub mean_score: f64,
    pub class_index: u16,
    pub class_name: &'static str,
    pub laughter: f64,
    pub baby_laughter: f64,
    pub giggle: f64,
    pub snicker: f64,
    pub belly_laugh: f64,
    pub chuckle: f64,
    pub clip: Option<String>,
}

impl Rows {
    pub fn of(run: &Run) -> Result<Rows, StoreError> {
        let contents = |outcome: &Outcome| outcome.recording.content.map(|content| content.to_string());
        // Of a recording that is still being written nothing is known yet, and damage that is known is still there: an
        // earlier failure stays.
        let stays = |fate: &Fate| matches!(fate, Fate::Skipped(Skip::BeingWritten | Skip::KnownDamage(_)));
        let met = || run.outcomes.iter().filter(|outcome| !stays(&outcome.fate));
        let mut rows = Rows {
            run: RunRow::of(run),
            recordings: Vec::new(),
            detections: Vec::new(),
            names: met().map(|outcome| stored_text(&outcome.recording.name)).collect(),
            contents: met().filter_map(contents).collect(),
        };
        let mut stored = HashSet::new();
        // Heard before failed: of one content in two files, the laughs are kept.
        for (recording, heard) in run.heard() {
            rows.add_heard(run, recording, heard, &mut stored)?;
        }
        for (recording, error) in run.failed() {
            rows.add_failed(recording, error, &mut stored);
        }
        Ok(rows)
    }

    fn add_heard(
        &mut self,
        run: &Run,
        recording: &Recording,
        heard: &Heard,
        stored: &mut HashSet<String>,
    ) -> Result<(), StoreError> {
        let row = RecordingRow::heard(recording, heard);
        let (Some(content), Some(began)) = (&row.content_sha256, recording.began) else {
            return Err(bug(&recording.name, "was heard, but its content or its beginning is not known"));
        };
        if stored.insert(content.clone()) {
            for event in &heard.events {
                self.detections.push(DetectionRow::of(run, &recording.name, content, began.at, event)?);
            }
            self.recordings.push(row);
        }
        Ok(())
    }

    fn add_failed(&mut self, recording: &Recording, error: &RecordingError, stored: &mut HashSet<String>) {
        let row = RecordingRow::failed(recording, error);
        let key = row.content_sha256.clone().unwrap_or_else(|| format!("name {}", row.name));
        if stored.insert(key) {
            self.recordings.push(row);
        }
    }

    /// What the database should hold once these are committed.
    pub fn counts(&self) -> Counts {
        let run = &self.run;
        let counts = [run.analyzed, run.partial, run.skipped, run.unfinished, run.failed].map(i64::cast_unsigned);
        let [analyzed, partial, skipped, unfinished, failed] = counts;
        let clips_lost = self.recordings.iter().map(|row| row.clips_lost.cast_unsigned()).sum();
        let detections = self.detections.len() as u64;
        Counts { analyzed, partial, skipped, unfinished, failed, detections, clips_lost }
    }

    /// Contents whose earlier rows, heard or failed, are replaced by this run's.
    pub fn heard_contents(&self) -> Vec<&str> {
        self.analyzed().filter_map(|row| row.content_sha256.as_deref()).collect()
    }

    /// Names and beginnings of which an earlier partial recording is replaced: its whole file has been copied again.
    pub fn replaced_partials(&self) -> (Vec<&str>, Vec<Timestamp>) {
        self.analyzed().filter_map(|row| Some((row.name.as_str(), row.began_at?))).unzip()
    }

    fn analyzed(&self) -> impl Iterator<Item = &RecordingRow> {
        self.recordings.iter().filter(|row| row.status != "failed")
    }
}

impl RunRow {
    fn of(run: &Run) -> RunRow {
        let count = |wanted: fn(&Fate) -> bool| run.outcomes.iter().filter(|outcome| wanted(&outcome.fate)).count();
        RunRow {
            id: run.id.clone(),
            source: run.source.clone(),
            started_at: microseconds(run.started),
            // A clock set back during the night must not cost the night.
            ended_at: microseconds(run.ended.max(run.started)),
            version: run.version.clone(),
            analysis: run.analysis.to_json(),
            model_sha256: run.analysis.model_sha256.clone(),
            zone: run.analysis.zone.clone(),
            window_from: run.window.from.map(microseconds),
            window_to: run.window.to.map(microseconds),
            shard: run.shard.clone(),
            single_files: run.single_files,
            exit_code: run.exit_code.into(),
            analyzed: count(|fate| matches!(fate, Fate::Heard(heard) if !heard.is_partial())) as i64,
            partial: run.partial().count() as i64,
            skipped: count(|fate| matches!(fate, Fate::Skipped(_))) as i64,
            unfinished: run.unfinished().count() as i64,
            unfinished_from: run.unfinished_from().map(microseconds),
            failed: count(|fate| matches!(fate, Fate::Failed(_))) as i64,
            audio_seconds: run.heard().map(|(_, heard)| heard.audio.as_secs_f64()).sum(),
        }
    }
}

impl RecordingRow {
    fn of(recording: &Recording) -> RecordingRow {
        RecordingRow {
            content_sha256: recording.content.map(|content| content.to_string()),
            name: stored_text(&recording.name),
            bytes: i64::try_from(recording.bytes).unwrap_or(i64::MAX),
            began_at: recording.began.map(|began| microseconds(began.at)),
            began_from: recording.began.map(|began| began.from.as_str()),
            ..RecordingRow::default()
        }
    }

    fn heard(recording: &Recording, heard: &Heard) -> RecordingRow {
        RecordingRow {
            duration_seconds: Some(heard.extent().as_secs_f64()),
            sample_rate: Some(heard.sample_rate),
            channels: Some(heard.channels),
            audio_tracks: Some(heard.tracks),
            codec: Some(stored_text(&heard.codec)),
            missing_ranges: (!heard.missing.is_empty()).then(|| missing_ranges(&heard.missing)),
            missing_count: heard.missing.count().cast_signed(),
            missing_seconds: heard.missing.total().as_secs_f64(),
            clips_lost: heard.clips_lost.as_ref().map_or(0, |lost| lost.count.cast_signed()),
            status: if heard.is_partial() { "partial" } else { "analyzed" },
            ..RecordingRow::of(recording)
        }
    }

    /// Nobody heard it to the end. Its duration is what its container or its name announces, whichever is longer: where
    /// the end of a file is missing, the container knows only of what is left.
    fn failed(recording: &Recording, error: &RecordingError) -> RecordingRow {
        RecordingRow {
            duration_seconds: recording.announced.max(recording.named).map(|announced| announced.as_secs_f64()),
            status: "failed",
            failure_kind: Some(error.kind()),
            failure_reason: Some(stored_text(&error.to_string())),
            failure_position_seconds: error.position().map(|position| position.as_secs_f64()),
            ..RecordingRow::of(recording)
        }
    }
}

impl DetectionRow {
    fn of(run: &Run, name: &str, content: &str, began: Timestamp, event: &Event) -> Result<Self, StoreError> {
        let instant = |offset| began.checked_add(offset).map_err(|_| bug(name, "lies outside the calendar"));
        let starts_at = instant(event.start)?;
        let class = usize::from(event.class.wrapping_sub(FIRST_LAUGHTER));
        let class_name = LAUGHTER_NAMES.get(class).ok_or_else(|| bug(name, "has an event that is no laughter"))?;
        let [laughter, baby_laughter, giggle, snicker, belly_laugh, chuckle] = event.laughter_peaks.map(readable);
        Ok(DetectionRow {
            content_sha256: content.to_owned(),
            local_date: run.local_date(starts_at),
            starts_at: microseconds(starts_at),
            ends_at: microseconds(instant(event.end)?),
            start_seconds: event.start.as_secs_f64(),
            end_seconds: event.end.as_secs_f64(),
            peak_score: readable(event.peak),
            mean_score: readable(event.mean),
            class_index: event.class,
            class_name,
            laughter,
            baby_laughter,
            giggle,
            snicker,
            belly_laugh,
            chuckle,
            clip: event.clip.as_deref().map(stored_text),
        })
    }
}

fn missing_ranges(missing: &MissingRanges) -> Vec<MissingRange> {
    let stored = |range: MissingRange| MissingRange { reason: stored_text(&range.reason), ..range };
    missing.clone().into_ranges().into_iter().map(stored).collect()
}

/// The double with the shortest decimals that gives the same f32 back: 0.56, not 0.5600000023841858.
fn readable(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::NAN)
}

/// Both databases keep microseconds; cut here, so that both keep the same.
pub fn microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Postgres has no NUL in its texts, and a damaged file's tags may.
pub fn stored_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn bug(name: &str, what: &str) -> StoreError {
    StoreError::Failed(format!("{name} {what}; nothing of this run was stored. This is a bug, please report it"))
}

/// Names as the tables have them.
pub fn stored_texts(names: &[String]) -> Vec<String> {
    names.iter().map(|name| stored_text(name)).collect()
}

/// Contents as the tables have them.
pub fn texts(contents: &[ContentHash]) -> Vec<String> {
    contents.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_read_well_and_lose_nothing() {
        assert_eq!(readable(0.56), 0.56);
        for bits in (0..0x3f80_0000).step_by(9973) {
            let score = f32::from_bits(bits);
            assert_eq!(readable(score) as f32, score);
        }
        assert!(readable(f32::NAN).is_nan());
    }
}
