CREATE TABLE runs (
    id            uuid PRIMARY KEY,
    external_id   text CHECK (length(external_id) BETWEEN 1 AND 255),
    source        text NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz NOT NULL,
    version       text NOT NULL,
    analysis      jsonb NOT NULL,
    model_sha256  text NOT NULL,
    zone          text NOT NULL,
    window_from   timestamptz,
    window_to     timestamptz,
    shard         text CHECK (shard ~ '^[1-9][0-9]*/[1-9][0-9]*$'),
    explicit_files  boolean NOT NULL DEFAULT false,
    exit_code     integer NOT NULL CHECK (exit_code BETWEEN 0 AND 255),
    analyzed      bigint NOT NULL CHECK (analyzed >= 0),
    partial       bigint NOT NULL DEFAULT 0 CHECK (partial >= 0),
    skipped       bigint NOT NULL CHECK (skipped >= 0),
    in_progress    bigint NOT NULL DEFAULT 0 CHECK (in_progress BETWEEN 0 AND skipped),
    in_progress_from timestamptz CHECK (in_progress_from IS NULL OR in_progress > 0),
    failed        bigint NOT NULL CHECK (failed >= 0),
    audio_seconds double precision NOT NULL CHECK (audio_seconds >= 0),
    CHECK (started_at <= ended_at),
    CHECK (window_from <= window_to)
);
-- The latest runs of one source, and of all sources.
CREATE INDEX runs_by_source ON runs (source, started_at DESC, id);
CREATE INDEX runs_by_start ON runs (started_at DESC, id);
COMMENT ON TABLE runs IS 'One row per committed run';
COMMENT ON COLUMN runs.id IS 'Random UUID';
COMMENT ON COLUMN runs.external_id IS
    'Id that a scheduler or queue gave (--run-id); several runs may have it, as a retry of a task does; NULL: none';
COMMENT ON COLUMN runs.source IS 'Owner or place of the recordings (--source)';
COMMENT ON COLUMN runs.version IS 'Version of giggles';
COMMENT ON COLUMN runs.analysis IS 'Model, detection parameters and time zones';
COMMENT ON COLUMN runs.model_sha256 IS 'Checksum of the model file';
COMMENT ON COLUMN runs.zone IS 'IANA zone of local_date';
COMMENT ON COLUMN runs.window_from IS 'Start of the requested window; NULL: no bound';
COMMENT ON COLUMN runs.window_to IS 'End of the requested window; NULL: no bound';
COMMENT ON COLUMN runs.shard IS 'k/n (--shard): the run scanned only this part of the recordings; NULL: all';
COMMENT ON COLUMN runs.explicit_files IS
    'The run was given files, not only folders: it may not have scanned every recording of its window';
COMMENT ON COLUMN runs.analyzed IS 'Recordings that this run analyzed completely';
COMMENT ON COLUMN runs.partial IS 'Recordings that this run analyzed in part: some of their audio is missing';
COMMENT ON COLUMN runs.skipped IS
    'Recordings analyzed before, known to be damaged, copies of another recording, or in progress';
COMMENT ON COLUMN runs.in_progress IS 'Skipped recordings that were in progress; the next run analyzes them';
COMMENT ON COLUMN runs.in_progress_from IS
    'Earliest start time of the recordings in progress; NULL: there are none, or one has no start time';
COMMENT ON COLUMN runs.failed IS 'Recordings that could not be analyzed';
COMMENT ON COLUMN runs.audio_seconds IS 'Audio analyzed by this run';

CREATE TABLE recordings (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source           text NOT NULL,
    content_sha256   text CHECK (length(content_sha256) = 64),
    name             text NOT NULL,
    bytes            bigint NOT NULL CHECK (bytes >= 0),
    started_at         timestamptz,
    start_source       text CHECK (start_source IN ('filename', 'metadata', 'metadata_end', 'mtime', 'upload')),
    duration_seconds double precision CHECK (duration_seconds >= 0),
    sample_rate      bigint CHECK (sample_rate > 0),
    channels         bigint CHECK (channels > 0),
    audio_tracks     bigint CHECK (audio_tracks > 0),
    codec            text,
    status           text NOT NULL CHECK (status IN ('analyzed', 'partial', 'failed')),
    missing_ranges   jsonb CHECK (jsonb_typeof(missing_ranges) = 'array'),
    missing_count    bigint NOT NULL DEFAULT 0 CHECK (missing_count >= 0),
    missing_seconds  double precision NOT NULL DEFAULT 0 CHECK (missing_seconds >= 0),
    failure_kind     text,
    failure_reason   text,
    failure_position_seconds double precision CHECK (failure_position_seconds >= 0),
    clips_failed       bigint NOT NULL DEFAULT 0 CHECK (clips_failed >= 0),
    analysis         text NOT NULL,
    run_id           uuid NOT NULL REFERENCES runs (id),
    CHECK ((started_at IS NULL) = (start_source IS NULL)),
    CHECK (status = 'failed' OR (content_sha256 IS NOT NULL AND started_at IS NOT NULL
        AND duration_seconds IS NOT NULL AND sample_rate IS NOT NULL AND channels IS NOT NULL AND codec IS NOT NULL)),
    CHECK (status <> 'partial' OR missing_ranges IS NOT NULL),
    CHECK ((status = 'failed') = (failure_kind IS NOT NULL)),
    CHECK ((status = 'failed') = (failure_reason IS NOT NULL))
);
CREATE UNIQUE INDEX recordings_by_content ON recordings (source, content_sha256) WHERE content_sha256 IS NOT NULL;
CREATE UNIQUE INDEX recordings_without_content ON recordings (source, name) WHERE content_sha256 IS NULL;
CREATE INDEX recordings_by_name ON recordings (source, name);
CREATE INDEX recordings_by_beginning ON recordings (started_at);
-- The recordings of a source in the order in which they are read, and long recordings, which may overlap a day although
-- they started long before.
CREATE INDEX recordings_in_order ON recordings (source COLLATE "C", started_at, name COLLATE "C", id);
CREATE INDEX recordings_longer_than_a_day ON recordings (started_at) WHERE duration_seconds > 86400;
CREATE INDEX recordings_damaged ON recordings (source, started_at) WHERE status <> 'analyzed';
CREATE INDEX recordings_by_run ON recordings (run_id);
COMMENT ON TABLE recordings IS
    'One row per recording, identified by its source and content, or by its name if the content could not be read';
COMMENT ON COLUMN recordings.source IS 'Owner or place of the recording (--source)';
COMMENT ON COLUMN recordings.content_sha256 IS 'SHA-256 of the file, as sha256sum prints it; NULL: empty or unreadable';
COMMENT ON COLUMN recordings.name IS 'Path below the scanned folder';
COMMENT ON COLUMN recordings.start_source IS
    'Where the start time comes from; metadata_end: a date in the metadata that is the end, minus the duration';
COMMENT ON COLUMN recordings.duration_seconds IS
    'Duration, including missing ranges; if failed, the duration that the container announces';
COMMENT ON COLUMN recordings.sample_rate IS 'Hz';
COMMENT ON COLUMN recordings.audio_tracks IS 'Number of audio tracks in the file; they are mixed';
COMMENT ON COLUMN recordings.status IS
    'analyzed; partial: only a part could be decoded, see missing_ranges; failed: nothing was analyzed';
COMMENT ON COLUMN recordings.missing_ranges IS
    'What was not analyzed: an array of objects with start_seconds, end_seconds (null: not known), kind (gap, '
    'corrupt, truncated, unsupported, ffmpeg) and reason; NULL: nothing is missing';
COMMENT ON COLUMN recordings.missing_count IS 'Number of missing ranges; missing_ranges may merge adjacent ones';
COMMENT ON COLUMN recordings.missing_seconds IS 'Total duration of the missing ranges, as far as known';
COMMENT ON COLUMN recordings.clips_failed IS
    'Detections whose clip (--clips) could not be written; a run with --clips analyzes the recording again';
COMMENT ON COLUMN recordings.failure_kind IS 'Stable identifier of the failure, e.g. truncated';
COMMENT ON COLUMN recordings.failure_reason IS 'Error message, for people';
COMMENT ON COLUMN recordings.failure_position_seconds IS 'Position up to which it could be decoded';
COMMENT ON COLUMN recordings.analysis IS 'Model, detection parameters and time zones of this result, compared as text';
COMMENT ON COLUMN recordings.run_id IS 'The run that stored this row';

CREATE TABLE detections (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recording_id  bigint NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    run_id        uuid NOT NULL REFERENCES runs (id),
    local_date    date NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    start_seconds double precision NOT NULL CHECK (start_seconds >= 0),
    end_seconds   double precision NOT NULL,
    peak_score    double precision NOT NULL CHECK (peak_score BETWEEN 0 AND 1),
    mean_score    double precision NOT NULL CHECK (mean_score BETWEEN 0 AND 1),
    label         text NOT NULL,
    class_index   integer NOT NULL CHECK (class_index >= 0),
    class_name    text NOT NULL,
    class_scores  jsonb NOT NULL CHECK (jsonb_typeof(class_scores) = 'object'),
    clip          text,
    CHECK (starts_at < ends_at),
    CHECK (start_seconds < end_seconds)
);
CREATE INDEX detections_by_date ON detections (local_date);
CREATE INDEX detections_by_recording ON detections (recording_id);
CREATE INDEX detections_by_run ON detections (run_id);
CREATE INDEX detections_by_clip ON detections (clip COLLATE "C") WHERE clip IS NOT NULL;
COMMENT ON TABLE detections IS 'One row per detection';
COMMENT ON COLUMN detections.local_date IS 'Calendar day of starts_at in the zone of the run';
COMMENT ON COLUMN detections.start_seconds IS 'Offset in the recording';
COMMENT ON COLUMN detections.end_seconds IS 'Offset in the recording';
COMMENT ON COLUMN detections.peak_score IS 'Highest laughter score in the detection, 0 to 1';
COMMENT ON COLUMN detections.mean_score IS 'Mean laughter score over the detection, 0 to 1';
COMMENT ON COLUMN detections.label IS 'What was detected: laughter';
COMMENT ON COLUMN detections.class_index IS 'AudioSet class with the highest raw score';
COMMENT ON COLUMN detections.class_name IS 'Display name of the class';
COMMENT ON COLUMN detections.class_scores IS
    'Highest raw score of each class of the label, 0 to 1: an object keyed by display name';
COMMENT ON COLUMN detections.clip IS 'Path of the clip below the clips folder (--clips); NULL: no clip was written';

CREATE TABLE reviews (
    source         text NOT NULL,
    content_sha256 text NOT NULL CHECK (length(content_sha256) = 64),
    start_seconds  double precision NOT NULL CHECK (start_seconds >= 0),
    end_seconds    double precision NOT NULL,
    recording      text NOT NULL,
    starts_at      timestamptz NOT NULL,
    verdict        text CHECK (verdict IN ('confirmed', 'rejected')),
    comment        text,
    reviewed_at    timestamptz NOT NULL,
    PRIMARY KEY (source, content_sha256, start_seconds, end_seconds),
    CHECK (start_seconds < end_seconds)
);
COMMENT ON TABLE reviews IS
    'One row per reviewed span of a recording (giggles reviews import). A review belongs to the detection that '
    'overlaps its span most. No foreign key: reviews survive when a scan replaces detections or prune removes them';
COMMENT ON COLUMN reviews.source IS 'Owner or place of the recording (--source)';
COMMENT ON COLUMN reviews.content_sha256 IS 'SHA-256 of the recording, as sha256sum prints it';
COMMENT ON COLUMN reviews.start_seconds IS 'Start of the reviewed detection, as an offset in the recording';
COMMENT ON COLUMN reviews.end_seconds IS 'End of the reviewed detection, as an offset in the recording';
COMMENT ON COLUMN reviews.recording IS 'Name of the recording when it was reviewed';
COMMENT ON COLUMN reviews.starts_at IS 'The instant of start_seconds';
COMMENT ON COLUMN reviews.verdict IS 'confirmed or rejected; NULL: no verdict';
COMMENT ON COLUMN reviews.comment IS
    'Comment of the reviewer; NULL: none. If verdict and comment are NULL, the review was withdrawn';
COMMENT ON COLUMN reviews.reviewed_at IS 'Time of the review; the latest of several reviews of one detection applies';
