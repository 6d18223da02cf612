//! The store's read side: past runs, and the recordings and laughs of a span of time.
//!
//! Invariant: reading makes no file, changes no row, migrates nothing, takes no lock and needs no right to
//! write. Both databases hand over plain columns; what they mean is decided here, once.

use std::collections::HashSet;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::noting::{NoteColumns, attach};
use crate::day::NoteSharing;
use crate::exit::Fatal;
use crate::record::{
    Began, Clock, ContentHash, Counts, Coverage, Event, LAUGHTER_CLASSES, Laugh, PastRun, StoredFailure, StoredFate,
    StoredMissing, StoredRecording, StoredSound, Window,
};

/// What was stored. A source of None means all of them.
pub trait Reader: Send {
    /// Sources that a run was ever committed for, in the order of their names.
    fn sources(&mut self) -> Result<Vec<String>, StoreError>;

    /// At most so many runs, the latest first.
    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError>;

    /// What runs that began since then have looked for, if their window holds all of this one; in any order.
    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError>;

    /// Recordings one after the other, with all their laughs and what was said of them; by source, beginning and name.
    ///
    /// As many as there are, a few are in memory at a time, and nothing is locked while `each` works: whoever prints
    /// to a pager that nobody reads on keeps no run from storing. So a run that is committed meanwhile may be seen in
    /// part, each recording whole.
    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal>;

    /// All at once: for a day or a month.
    fn recordings(&mut self, source: Option<&str>, window: &Window) -> Result<Vec<StoredRecording>, Fatal> {
        let mut all = Vec::new();
        let wanted = Selection { source, window: *window, ..Selection::default() };
        self.each_recording(&wanted, &mut |recording| {
            all.push(recording);
            Ok(())
        })?;
        Ok(all)
    }

    /// Of these clips, as `detections.clip` names them, those that a detection names.
    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError>;
}

/// Which recordings.
///
/// One of no or unknown length counts as the instant at which it began. A failed one that tells no time belongs to
/// whatever its run was asked for, and comes last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// None: everybody's.
    pub source: Option<&'a str>,
    /// A part of each lies in it.
    pub window: Window,
    /// Those that tell when they began are wanted so far around the window, too.
    pub margin: Duration,
    /// Without their laughs, for whoever needs but their names.
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
        columns.lies_in(&self.window) || columns.began_at.is_some() && columns.lies_in(&self.around())
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
    pub single_files: bool,
    pub exit_code: i32,
    pub analyzed: i64,
    pub partial: i64,
    pub skipped: i64,
    pub unfinished: i64,
    pub unfinished_from: Option<Timestamp>,
    pub failed: i64,
    pub audio_seconds: f64,
    pub detections: i64,
    pub clips_lost: i64,
}

/// What a row of `runs` tells of what it has looked for.
pub struct CoverageColumns {
    pub source: String,
    pub started_at: Timestamp,
    pub window_from: Option<Timestamp>,
    pub window_to: Option<Timestamp>,
    pub shard: Option<String>,
    pub single_files: bool,
    pub exit_code: i32,
    pub unfinished: i64,
    pub unfinished_from: Option<Timestamp>,
}

/// A row of `recordings`, and the window of its run if the recording tells no time.
pub struct RecordingColumns {
    pub id: i64,
    pub source: String,
    pub name: String,
    pub content_sha256: Option<String>,
    pub bytes: i64,
    pub began_at: Option<Timestamp>,
    pub began_from: Option<String>,
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
    pub clips_lost: i64,
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
    pub peaks: [f64; LAUGHTER_CLASSES],
    pub clip: Option<String>,
}

impl RunColumns {
    pub fn run(self) -> PastRun {
        let counts = [self.analyzed, self.partial, self.skipped, self.unfinished, self.failed];
        let [analyzed, partial, skipped, unfinished, failed] = counts.map(i64::cast_unsigned);
        let [detections, clips_lost] = [self.detections, self.clips_lost].map(i64::cast_unsigned);
        PastRun {
            id: self.id,
            source: self.source,
            started: self.started_at,
            ended: self.ended_at,
            version: self.version,
            zone: self.zone,
            window: Window { from: self.window_from, to: self.window_to },
            shard: self.shard,
            single_files: self.single_files,
            exit_code: u8::try_from(self.exit_code).unwrap_or(u8::MAX),
            counts: Counts { analyzed, partial, skipped, unfinished, failed, detections, clips_lost },
            unfinished_from: self.unfinished_from,
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
            single_files: self.single_files,
            exit_code: u8::try_from(self.exit_code).unwrap_or(u8::MAX),
            in_progress: self.unfinished.cast_unsigned(),
            in_progress_from: self.unfinished_from,
        }
    }
}

impl RecordingColumns {
    pub fn lies_in(&self, window: &Window) -> bool {
        let Some(began) = self.began_at else {
            return meet(&self.run_window, window);
        };
        let length = self.duration_seconds.map(duration).unwrap_or_default();
        let ended = began.saturating_add(length).unwrap_or(Timestamp::MAX);
        let not_over = |from| if length.is_zero() { began >= from } else { ended > from };
        window.to.is_none_or(|to| began < to) && window.from.is_none_or(not_over) && meet(window, window)
    }

    fn recording(self, laughs: Vec<Laugh>) -> StoredRecording {
        let from = self.began_from.as_deref().and_then(Clock::named);
        StoredRecording {
            began: self.began_at.map(|at| Began { at, from: from.unwrap_or(Clock::Modified) }),
            content: self.content_sha256.as_deref().and_then(|text| text.parse::<ContentHash>().ok()),
            bytes: self.bytes.cast_unsigned(),
            duration: self.duration_seconds.map(duration),
            fate: match self.failure_kind {
                Some(kind) => StoredFate::Failed(StoredFailure {
                    kind,
                    reason: self.failure_reason.unwrap_or_default(),
                    position: self.failure_position_seconds.map(duration),
                }),
                None => StoredFate::Heard(StoredSound {
                    sample_rate: self.sample_rate.map(whole).unwrap_or_default(),
                    channels: self.channels.map(whole).unwrap_or_default(),
                    audio_tracks: self.audio_tracks.map(whole).unwrap_or_default(),
                    codec: self.codec.unwrap_or_default(),
                    missing: StoredMissing {
                        is_partial: self.status == "partial",
                        // What somebody else wrote past the tables is no reason to fail.
                        ranges: self
                            .missing_ranges
                            .and_then(|json| serde_json::from_str(&json).ok())
                            .unwrap_or_default(),
                        count: self.missing_count.cast_unsigned(),
                        total: duration(self.missing_seconds),
                    },
                    laughs,
                    clips_lost: self.clips_lost.cast_unsigned(),
                }),
            },
            source: self.source,
            name: self.name,
            run: self.run_id,
        }
    }
}

impl DetectionColumns {
    fn laugh(self) -> Laugh {
        let event = Event {
            start: duration(self.start_seconds),
            end: duration(self.end_seconds),
            peak: self.peak_score as f32,
            mean: self.mean_score as f32,
            class: u16::try_from(self.class_index).unwrap_or_default(),
            laughter_peaks: self.peaks.map(|peak| peak as f32),
            clip: self.clip,
        };
        Laugh { event, starts: self.starts_at, ends: self.ends_at, local_date: self.local_date, note: None }
    }
}

/// Gives each recording its laughs, and them what was said of them, also of another part of the same laugh.
pub struct Delivery<'a> {
    sharing: NoteSharing,
    each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
}

impl<'a> Delivery<'a> {
    pub fn to(each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>) -> Delivery<'a> {
        Delivery { sharing: NoteSharing::default(), each }
    }

    /// Recordings come sorted as they are wanted, laughs by time.
    pub fn push(&mut self, recording: FoundRecording) -> Result<(), Fatal> {
        let FoundRecording { columns, detections, notes } = recording;
        let mut laughs: Vec<Laugh> = detections.into_iter().map(DetectionColumns::laugh).collect();
        attach(&mut laughs, notes);
        self.sharing.push(columns.recording(laughs)).into_iter().try_for_each(&mut *self.each)
    }

    pub fn finish(mut self) -> Result<(), Fatal> {
        self.sharing.finish().into_iter().try_for_each(&mut *self.each)
    }
}

/// Rows of one recording.
pub struct FoundRecording {
    pub columns: RecordingColumns,
    pub detections: Vec<DetectionColumns>,
    pub notes: Vec<NoteColumns>,
}

/// Whether two half-open spans have an instant in common.
fn meet(a: &Window, b: &Window) -> bool {
    let before = |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).is_none_or(|(from, to)| from < to);
    before(a.from, b.to) && before(b.from, a.to)
}

/// The tables keep out what is negative; what somebody else wrote past them is no reason to fail.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
