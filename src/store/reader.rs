//! The store's read side: past runs, and the recordings and detections of a span of time.
//!
//! Invariant: reading creates no file, changes no row, migrates nothing, takes no lock and needs no permission to
//! write. Both databases return plain columns; their meaning is decided here, once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::review_rows::{ReviewColumns, attach};
use crate::calendar::ReviewSharing;
use crate::domain::{
    ContentHash, Counts, Coverage, Detection, LAUGHTER_CLASSES, LAUGHTER_NAMES, PastRun, StartSource, StartTime,
    StoredDetection, StoredFailure, StoredMissing, StoredRecording, StoredSound, StoredStatus, Window,
};
use crate::error::Fatal;

/// Reads what was stored. A source of None means all sources.
pub trait Reader: Send {
    /// Sources with at least one committed run, sorted by name.
    fn sources(&mut self) -> Result<Vec<String>, StoreError>;

    /// At most `limit` runs, the latest first.
    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError>;

    /// What the runs started since `since` have scanned, if their window contains all of `window`; in any order.
    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError>;

    /// Recordings one after the other, with all their detections and reviews; sorted by source, start time and name.
    ///
    /// Only a few are in memory at a time, and nothing is locked while `each` works: a pager that waits for its user
    /// does not block a run from storing. Therefore a run committed meanwhile may be visible in part, but each
    /// recording is complete.
    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal>;

    /// All at once; for a day or a month.
    fn recordings(&mut self, source: Option<&str>, window: &Window) -> Result<Vec<StoredRecording>, Fatal> {
        let mut all = Vec::new();
        let wanted = Selection { source, window: *window, ..Selection::default() };
        self.each_recording(&wanted, &mut |recording| {
            all.push(recording);
            Ok(())
        })?;
        Ok(all)
    }

    /// Those of these clips that a detection names in `detections.clip`.
    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError>;
}

/// Which recordings to read.
///
/// A recording with no or unknown length counts as the instant of its start time. A failed one without a start time
/// belongs to the window of its run, and comes last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// None: all sources.
    pub source: Option<&'a str>,
    /// Selects recordings that overlap it.
    pub window: Window,
    /// Recordings with a start time are also selected this far around the window.
    pub margin: Duration,
    /// Omit their detections, for callers that only need names.
    pub without_laughs: bool,
}

impl Selection<'_> {
    /// The window with its margin.
    pub fn around(&self) -> Window {
        let moved = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(at);
        let margin = SignedDuration::try_from(self.margin).unwrap_or(SignedDuration::MAX);
        Window {
            from: self.window.from.map(|from| moved(from, -margin)),
            to: self.window.to.map(|to| moved(to, margin)),
        }
    }

    pub fn holds(&self, columns: &RecordingColumns) -> bool {
        columns.lies_in(&self.window) || columns.started_at.is_some() && columns.lies_in(&self.around())
    }
}

/// A row of `runs`, and the number of its detections.
pub struct RunColumns {
    pub id: String,
    pub source: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub version: String,
    pub zone: String,
    pub window_from: Option<Timestamp>,
    pub window_to: Option<Timestamp>,
    pub shard: Option<String>,
    pub explicit_files: bool,
    pub exit_code: i32,
    pub analyzed: i64,
    pub partial: i64,
    pub skipped: i64,
    pub in_progress: i64,
    pub in_progress_from: Option<Timestamp>,
    pub failed: i64,
    pub audio_seconds: f64,
    pub detections: i64,
    pub clips_failed: i64,
}

/// The columns of a row of `runs` that say what the run has scanned.
pub struct CoverageColumns {
    pub source: String,
    pub started_at: Timestamp,
    pub window_from: Option<Timestamp>,
    pub window_to: Option<Timestamp>,
    pub shard: Option<String>,
    pub explicit_files: bool,
    pub exit_code: i32,
    pub in_progress: i64,
    pub in_progress_from: Option<Timestamp>,
}

/// A row of `recordings`, and the window of its run if the recording has no start time.
pub struct RecordingColumns {
    pub id: i64,
    pub source: String,
    pub name: String,
    pub content_sha256: Option<String>,
    pub bytes: i64,
    pub started_at: Option<Timestamp>,
    pub start_source: Option<String>,
    pub duration_seconds: Option<f64>,
    pub sample_rate: Option<i64>,
    pub channels: Option<i64>,
    pub audio_tracks: Option<i64>,
    pub codec: Option<String>,
    pub status: String,
    /// JSON.
    pub missing_ranges: Option<String>,
    pub missing_count: i64,
    pub missing_seconds: f64,
    pub failure_kind: Option<String>,
    pub failure_reason: Option<String>,
    pub failure_position_seconds: Option<f64>,
    pub clips_failed: i64,
    pub run_id: String,
    pub run_window: Window,
}

/// A row of `detections`.
pub struct DetectionColumns {
    pub recording_id: i64,
    pub local_date: Date,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub peak_score: f64,
    pub mean_score: f64,
    pub class_index: i32,
    /// JSON: an object of scores by class name.
    pub class_scores: String,
    pub clip: Option<String>,
}

impl RunColumns {
    pub fn run(self) -> PastRun {
        let counts = [self.analyzed, self.partial, self.skipped, self.in_progress, self.failed];
        let [analyzed, partial, skipped, in_progress, failed] = counts.map(i64::cast_unsigned);
        let [detections, clips_failed] = [self.detections, self.clips_failed].map(i64::cast_unsigned);
        PastRun {
            id: self.id,
            source: self.source,
            started: self.started_at,
            ended: self.ended_at,
            version: self.version,
            zone: self.zone,
            window: Window { from: self.window_from, to: self.window_to },
            shard: self.shard,
            explicit_files: self.explicit_files,
            exit_code: u8::try_from(self.exit_code).unwrap_or(u8::MAX),
            counts: Counts { analyzed, partial, skipped, in_progress, failed, detections, clips_failed },
            in_progress_from: self.in_progress_from,
            audio: duration(self.audio_seconds),
        }
    }
}

impl CoverageColumns {
    pub fn coverage(self) -> Coverage {
        Coverage {
            source: self.source,
            started: self.started_at,
            window: Window { from: self.window_from, to: self.window_to },
            shard: self.shard,
            explicit_files: self.explicit_files,
            exit_code: u8::try_from(self.exit_code).unwrap_or(u8::MAX),
            in_progress: self.in_progress.cast_unsigned(),
            in_progress_from: self.in_progress_from,
        }
    }
}

impl RecordingColumns {
    pub fn lies_in(&self, window: &Window) -> bool {
        let Some(started) = self.started_at else {
            return meet(&self.run_window, window);
        };
        let length = self.duration_seconds.map(duration).unwrap_or_default();
        let ended = started.saturating_add(length).unwrap_or(Timestamp::MAX);
        let not_over = |from| if length.is_zero() { started >= from } else { ended > from };
        window.to.is_none_or(|to| started < to) && window.from.is_none_or(not_over) && meet(window, window)
    }

    fn recording(self, laughs: Vec<StoredDetection>) -> StoredRecording {
        let from = self.start_source.as_deref().and_then(StartSource::named);
        StoredRecording {
            started: self.started_at.map(|at| StartTime { at, from: from.unwrap_or(StartSource::Mtime) }),
            content: self.content_sha256.as_deref().and_then(|text| text.parse::<ContentHash>().ok()),
            bytes: self.bytes.cast_unsigned(),
            duration: self.duration_seconds.map(duration),
            status: match self.failure_kind {
                Some(kind) => StoredStatus::Failed(StoredFailure {
                    kind,
                    reason: self.failure_reason.unwrap_or_default(),
                    position: self.failure_position_seconds.map(duration),
                }),
                None => StoredStatus::Analyzed(StoredSound {
                    sample_rate: self.sample_rate.map(whole).unwrap_or_default(),
                    channels: self.channels.map(whole).unwrap_or_default(),
                    audio_tracks: self.audio_tracks.map(whole).unwrap_or_default(),
                    codec: self.codec.unwrap_or_default(),
                    missing: StoredMissing {
                        is_partial: self.status == "partial",
                        // A value that another program wrote is not a reason to fail.
                        ranges: self
                            .missing_ranges
                            .and_then(|json| serde_json::from_str(&json).ok())
                            .unwrap_or_default(),
                        count: self.missing_count.cast_unsigned(),
                        total: duration(self.missing_seconds),
                    },
                    laughs,
                    clips_failed: self.clips_failed.cast_unsigned(),
                }),
            },
            source: self.source,
            name: self.name,
            run: self.run_id,
        }
    }
}

impl DetectionColumns {
    fn laugh(self) -> StoredDetection {
        let detection = Detection {
            start: duration(self.start_seconds),
            end: duration(self.end_seconds),
            peak: self.peak_score as f32,
            mean: self.mean_score as f32,
            class: u16::try_from(self.class_index).unwrap_or_default(),
            class_scores: class_scores(&self.class_scores),
            clip: self.clip,
        };
        StoredDetection {
            detection,
            starts: self.starts_at,
            ends: self.ends_at,
            local_date: self.local_date,
            review: None,
        }
    }
}

/// The scores in the order of [`LAUGHTER_NAMES`]; 0 for a missing class.
fn class_scores(json: &str) -> [f32; LAUGHTER_CLASSES] {
    let scores: HashMap<String, f64> = serde_json::from_str(json).unwrap_or_default();
    LAUGHTER_NAMES.map(|name| scores.get(name).map_or(0.0, |score| *score as f32))
}

/// Attaches the detections to each recording and the reviews to each detection, including reviews of another part of
/// the same laugh.
pub struct Delivery<'a> {
    sharing: ReviewSharing,
    each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
}

impl<'a> Delivery<'a> {
    pub fn to(each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>) -> Delivery<'a> {
        Delivery { sharing: ReviewSharing::default(), each }
    }

    /// Expects recordings in output order, and detections sorted by time.
    pub fn push(&mut self, recording: FoundRecording) -> Result<(), Fatal> {
        let FoundRecording { columns, detections, reviews } = recording;
        let mut laughs: Vec<StoredDetection> = detections.into_iter().map(DetectionColumns::laugh).collect();
        attach(&mut laughs, reviews);
        self.sharing.push(columns.recording(laughs)).into_iter().try_for_each(&mut *self.each)
    }

    pub fn finish(mut self) -> Result<(), Fatal> {
        self.sharing.finish().into_iter().try_for_each(&mut *self.each)
    }
}

/// The rows of one recording.
pub struct FoundRecording {
    pub columns: RecordingColumns,
    pub detections: Vec<DetectionColumns>,
    pub reviews: Vec<ReviewColumns>,
}

/// Whether two half-open spans have an instant in common.
fn meet(a: &Window, b: &Window) -> bool {
    let before = |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).is_none_or(|(from, to)| from < to);
    before(a.from, b.to) && before(b.from, a.to)
}

/// The tables' constraints exclude negative values; a value that another program wrote is not a reason to fail.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
