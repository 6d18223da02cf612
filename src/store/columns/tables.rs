//! The tables. See the module documentation of `columns` for the form of a declaration.
//!
//! A column that has been released is never edited; a new one names the schema version that adds it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

use super::value::{Bytes, ClassScores, Json, Uuid};
use super::{rule, since, table};
use crate::domain::{Analysis, MissingRange, PersonalScore};

table! {
    /// One row per committed run
    runs: RunRow {
        keys {}
        fields {
            /// Random UUID
            id: Uuid, "PRIMARY KEY";
            /// Id that a scheduler or queue gave (--run-id); several runs may have it, as a retry of a task does; NULL:
            /// none
            external_id: Option<String>, "CHECK (length(external_id) BETWEEN 1 AND 255)";
            /// Owner or place of the recordings (--source)
            source: String;
            /// scan: read recordings; redetect: decided anew from score_tracks and candidates (giggles redetect)
            command: Cow<'static, str>, "DEFAULT 'scan' CHECK (command IN ('scan', 'redetect'))";
            /// Start of the run
            started_at: Timestamp;
            /// End of the run, before its rows were stored
            ended_at: Timestamp;
            /// Version of giggles
            version: String;
            /// Model, detection parameters and time zones; of a redetect, those of its latest recording
            analysis: Json<Option<Analysis>>;
            /// Checksum of the model file
            model_sha256: String;
            /// IANA zone of local_date
            zone: String;
            /// Start of the requested window; NULL: no bound
            window_from: Option<Timestamp>;
            /// End of the requested window; NULL: no bound
            window_to: Option<Timestamp>;
            /// k/n (--shard): the run scanned only this part of the recordings; NULL: all
            shard: Option<String>,
                "CHECK (shard GLOB '[1-9]*/[1-9]*')" | "CHECK (shard ~ '^[1-9][0-9]*/[1-9][0-9]*$')";
            /// The run was given files, not only folders: it may not have scanned every recording of its window
            explicit_files: bool, "DEFAULT false";
            /// Exit code of the run
            exit_code: i32, "CHECK (exit_code BETWEEN 0 AND 255)";
            /// Recordings that this run analyzed completely
            analyzed: i64, "CHECK (analyzed >= 0)";
            /// Recordings that this run analyzed in part: some of their audio is missing
            partial: i64, "DEFAULT 0 CHECK (partial >= 0)";
            /// Recordings whose detections this run decided anew from what was stored, without their audio
            redetected: i64, "DEFAULT 0 CHECK (redetected >= 0)";
            /// Recordings analyzed before, known to be damaged, copies of another recording, or in progress
            skipped: i64, "CHECK (skipped >= 0)";
            /// Skipped recordings that were in progress; the next run analyzes them
            in_progress: i64, "DEFAULT 0 CHECK (in_progress BETWEEN 0 AND skipped)";
            /// Earliest start time of the recordings in progress; NULL: there are none, or one has no start time
            in_progress_from: Option<Timestamp>, "CHECK (in_progress_from IS NULL OR in_progress > 0)";
            /// Recordings that could not be analyzed
            failed: i64, "CHECK (failed >= 0)";
            /// Audio analyzed by this run
            audio_seconds: f64, "CHECK (audio_seconds >= 0)";
        }
        links {}
        constraints {
            "CHECK (started_at <= ended_at)";
            "CHECK (window_from <= window_to)";
        }
    }
}

table! {
    /// One row per recording, identified by its source and content, or by its name if the content could not be read
    recordings: RecordingRow {
        keys {
            /// Number of the row
            id: i64, "PRIMARY KEY" | "GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
            /// Owner or place of the recording (--source)
            source: String;
        }
        fields {
            /// SHA-256 of the file, as sha256sum prints it; NULL: empty or unreadable
            content_sha256: Option<String>, "CHECK (length(content_sha256) = 64)";
            /// Path below the scanned folder
            name: String;
            /// Size of the file
            bytes: i64, "CHECK (bytes >= 0)";
            /// Start of the recording; NULL: not known, only if failed
            started_at: Option<Timestamp>;
            /// Where the start time comes from; metadata_end: a date in the metadata that is the end, minus the
            /// duration
            start_source: Option<Cow<'static, str>>,
                "CHECK (start_source IN ('filename', 'metadata', 'metadata_end', 'mtime', 'upload'))";
            /// Duration, including missing ranges; if failed, the duration that the container announces
            duration_seconds: Option<f64>, "CHECK (duration_seconds >= 0)";
            /// Sampling rate of the file, Hz
            sample_rate: Option<i64>, "CHECK (sample_rate > 0)";
            /// Number of channels of the file; they are mixed
            channels: Option<i64>, "CHECK (channels > 0)";
            /// Number of audio tracks in the file; they are mixed
            audio_tracks: Option<i64>, "CHECK (audio_tracks > 0)";
            /// Short name of the codec, e.g. opus
            codec: Option<String>;
            /// analyzed; partial: only a part could be decoded, see missing_ranges; failed: nothing was analyzed
            status: Cow<'static, str>, "CHECK (status IN ('analyzed', 'partial', 'failed'))";
            /// What was not analyzed: an array of objects with start_seconds, end_seconds (null: not known), kind
            /// (gap, corrupt, truncated, unsupported, ffmpeg) and reason; NULL: nothing is missing
            missing_ranges: Option<Json<Vec<MissingRange>>>;
            /// Number of missing ranges; missing_ranges may merge adjacent ones
            missing_count: i64, "DEFAULT 0 CHECK (missing_count >= 0)";
            /// Total duration of the missing ranges, as far as known
            missing_seconds: f64, "DEFAULT 0 CHECK (missing_seconds >= 0)";
            /// Stable identifier of the failure, e.g. truncated
            failure_kind: Option<Cow<'static, str>>;
            /// Error message, for people
            failure_reason: Option<String>;
            /// Position up to which it could be decoded
            failure_position_seconds: Option<f64>, "CHECK (failure_position_seconds >= 0)";
            /// Clips (--clips) that could not be written; a run with --clips analyzes the recording again
            clips_failed: i64, "DEFAULT 0 CHECK (clips_failed >= 0)";
            /// Whether a run with --clips has cut the clips of this recording; a later one does not cut pruned clips again
            clips_cut: bool, "DEFAULT false";
        }
        links {
            /// Start of the run that analyzed this content first; NULL: failed
            first_analyzed_at: Option<Timestamp>;
            /// Model, detection parameters and time zones of this result, compared as text
            analysis: String;
            /// The run that stored this row
            run_id: Uuid, "REFERENCES runs (id)";
        }
        constraints {
            "CHECK ((started_at IS NULL) = (start_source IS NULL))";
            "CHECK (status = 'failed' OR (content_sha256 IS NOT NULL AND started_at IS NOT NULL
        AND duration_seconds IS NOT NULL AND sample_rate IS NOT NULL AND channels IS NOT NULL AND codec IS NOT NULL))";
            "CHECK (status <> 'partial' OR missing_ranges IS NOT NULL)";
            "CHECK ((status = 'failed') = (failure_kind IS NOT NULL))";
            "CHECK ((status = 'failed') = (failure_reason IS NOT NULL))";
            "CHECK ((status = 'failed') = (first_analyzed_at IS NULL))";
        }
    }
}

table! {
    /// One row per detection
    detections: DetectionRow {
        keys {
            /// Number of the row
            id: i64, "PRIMARY KEY" | "GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
            /// Owner or place of the recording (--source)
            source: String;
            /// The recording that contains it
            recording_id: i64, "REFERENCES recordings (id) ON DELETE CASCADE";
            /// The run that stored this row
            run_id: Uuid, "REFERENCES runs (id)";
        }
        fields {
            /// Calendar day of starts_at in the zone of the run
            local_date: Date;
            /// Start of the detection
            starts_at: Timestamp;
            /// End of the detection
            ends_at: Timestamp;
            /// Start as an offset in the recording
            start_seconds: f64, "CHECK (start_seconds >= 0)";
            /// End as an offset in the recording
            end_seconds: f64;
            /// Highest laughter score in the detection, 0 to 1
            peak_score: f64, "CHECK (peak_score BETWEEN 0 AND 1)";
            /// Mean laughter score over the detection, 0 to 1
            mean_score: f64, "CHECK (mean_score BETWEEN 0 AND 1)";
            /// What was detected: laughter
            label: Cow<'static, str>;
            /// AudioSet class with the highest raw score
            class_index: i32, "CHECK (class_index >= 0)";
            /// Display name of the class
            class_name: Cow<'static, str>;
            /// Highest raw score of each class of the label, 0 to 1: an object keyed by display name
            class_scores: Json<ClassScores>;
            /// Path of the clip below the clips folder (--clips); NULL: no clip was written
            clip: Option<String>;
        }
        links {}
        constraints {
            "CHECK (starts_at < ends_at)";
            "CHECK (start_seconds < end_seconds)";
        }
    }
}

table! {
    /// One row per analyzed recording: the decision value v of every patch (0.48 s)
    score_tracks: TrackRow {
        keys {
            /// The recording
            recording_id: i64, "PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE";
        }
        fields {
            /// Length of the audio that was decoded
            audio_seconds: f64, "CHECK (audio_seconds >= 0)";
            /// v in logits, in order: float16, little-endian, two bytes a patch
            v: Bytes;
        }
        links {}
        constraints {}
    }
}

table! {
    /// One row per event that may be a laugh: consecutive patches with v >= -1.5 (logits). Patch i spans
    /// i * 0.48 + 0.24 to i * 0.48 + 0.72 seconds
    candidates: CandidateRow {
        keys {
            /// Number of the row
            id: i64, "PRIMARY KEY" | "GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
            /// The recording that contains it
            recording_id: i64, "REFERENCES recordings (id) ON DELETE CASCADE";
        }
        fields {
            /// First patch
            first_patch: i32, "CHECK (first_patch >= 0)";
            /// Last patch
            last_patch: i32;
            /// Highest v of its patches, before the personal score
            peak_v: f64;
            /// Mean v of its patches, before the personal score
            mean_v: f64;
            /// Highest raw score of each laughter class, 0 to 1: an object keyed by display name
            class_scores: Json<ClassScores>;
            /// Whether a detection overlaps it
            is_detected: bool;
            /// What the reviews of the source changed: an object with shift (added to v), confirmed and rejected (the
            /// most similar reviews, each with its id and the similarity); NULL: nothing
            personal: Option<Json<PersonalScore>>;
            /// 1024 values before the last layer of the network, averaged over the patches: float16, little-endian; NULL:
            /// one of very many, or removed after --keep-embeddings days
            embedding: Option<Bytes>, "CHECK (length(embedding) = 2048)";
            /// Path of the clip below the clips folder (--clips), of some that do not count but may be reviewed; NULL: no
            /// clip was written
            clip: Option<String>;
        }
        links {}
        constraints {
            "CHECK (first_patch <= last_patch)";
        }
    }
}

table! {
    /// One row per reviewed span of a recording (giggles review import). A review belongs to the detection that
    /// overlaps its span most. No foreign key: reviews survive when a scan replaces detections or prune removes them
    reviews: ReviewRow {
        keys {
            /// Number of the row; candidates.personal refers to it
            id: i64, "PRIMARY KEY" | "GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
        }
        fields {
            /// Owner or place of the recording (--source)
            source: String;
            /// SHA-256 of the recording, as sha256sum prints it
            content_sha256: String, "CHECK (length(content_sha256) = 64)";
            /// Start of the reviewed detection, as an offset in the recording
            start_seconds: f64, "CHECK (start_seconds >= 0)";
            /// End of the reviewed detection, as an offset in the recording
            end_seconds: f64;
            /// Name of the recording when it was reviewed
            recording: String;
            /// The instant of start_seconds
            starts_at: Timestamp;
            /// confirmed or rejected; NULL: no verdict
            verdict: Option<Cow<'static, str>>, "CHECK (verdict IN ('confirmed', 'rejected'))";
            /// Comment of the reviewer; NULL: none
            comment: Option<String>;
            /// Whether the reviewer marked it to find it again. Without verdict, comment and mark, the review was
            /// withdrawn
            favourite: bool, "DEFAULT false";
            /// Time of the review; the latest of several reviews of one detection applies
            reviewed_at: Timestamp;
        }
        links {
            /// Embedding of the reviewed stretch, as in candidates; NULL: not known
            embedding: Option<Bytes>, "CHECK (length(embedding) = 2048)";
            /// Whether the personal score uses this review; false: it was reset (giggles review reset)
            is_personal: bool, "DEFAULT true";
        }
        constraints {
            "UNIQUE (source, content_sha256, start_seconds, end_seconds)";
            "CHECK (start_seconds < end_seconds)";
        }
    }
}
