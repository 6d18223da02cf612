CREATE TABLE runs (
    id            uuid PRIMARY KEY,
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
    single_files  boolean NOT NULL DEFAULT false,
    exit_code     integer NOT NULL CHECK (exit_code BETWEEN 0 AND 255),
    analyzed      bigint NOT NULL CHECK (analyzed >= 0),
    partial       bigint NOT NULL DEFAULT 0 CHECK (partial >= 0),
    skipped       bigint NOT NULL CHECK (skipped >= 0),
    unfinished    bigint NOT NULL DEFAULT 0 CHECK (unfinished BETWEEN 0 AND skipped),
    unfinished_from timestamptz CHECK (unfinished_from IS NULL OR unfinished > 0),
    failed        bigint NOT NULL CHECK (failed >= 0),
    audio_seconds double precision NOT NULL CHECK (audio_seconds >= 0),
    CHECK (started_at <= ended_at),
    CHECK (window_from <= window_to)
);
-- The last runs, of one source and of all.
CREATE INDEX runs_by_source ON runs (source, started_at DESC, id);
CREATE INDEX runs_by_start ON runs (started_at DESC, id);
COMMENT ON TABLE runs IS 'One row a run that was committed';
COMMENT ON COLUMN runs.id IS 'Random UUID';
COMMENT ON COLUMN runs.source IS 'Whose recordings (--source)';
COMMENT ON COLUMN runs.version IS 'Of giggles';
COMMENT ON COLUMN runs.analysis IS 'Model, rules and zones';
COMMENT ON COLUMN runs.model_sha256 IS 'Checksum of the model file';
COMMENT ON COLUMN runs.zone IS 'IANA zone of local_date';
COMMENT ON COLUMN runs.window_from IS 'Start of the window that was asked for; NULL: no bound';
COMMENT ON COLUMN runs.window_to IS 'End of the window that was asked for; NULL: no bound';
COMMENT ON COLUMN runs.shard IS 'k/n (--shard): looked for this part of the recordings only; NULL: for all';
COMMENT ON COLUMN runs.single_files IS
    'Was given files, not only folders: others of its window may be beside them';
COMMENT ON COLUMN runs.analyzed IS 'Recordings that this run analyzed whole';
COMMENT ON COLUMN runs.partial IS 'Recordings that this run analyzed in part: some of their sound is missing';
COMMENT ON COLUMN runs.skipped IS
    'Recordings analyzed before, or known to be damaged; copies; and those still being written';
COMMENT ON COLUMN runs.unfinished IS 'Of those skipped, recordings still being written, left for the next run';
COMMENT ON COLUMN runs.unfinished_from IS
    'When the first of those began; NULL: there are none, or one of them does not tell';
COMMENT ON COLUMN runs.failed IS 'Recordings that could not be analyzed';
COMMENT ON COLUMN runs.audio_seconds IS 'Audio analyzed by this run';

CREATE TABLE recordings (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source           text NOT NULL,
    content_sha256   text CHECK (length(content_sha256) = 64),
    name             text NOT NULL,
    bytes            bigint NOT NULL CHECK (bytes >= 0),
    began_at         timestamptz,
    began_from       text CHECK (began_from IN ('name', 'metadata', 'metadata_end', 'modified')),
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
    clips_lost       bigint NOT NULL DEFAULT 0 CHECK (clips_lost >= 0),
    analysis         text NOT NULL,
    run_id           uuid NOT NULL REFERENCES runs (id),
    CHECK ((began_at IS NULL) = (began_from IS NULL)),
    CHECK (status = 'failed' OR (content_sha256 IS NOT NULL AND began_at IS NOT NULL
        AND duration_seconds IS NOT NULL AND sample_rate IS NOT NULL AND channels IS NOT NULL AND codec IS NOT NULL)),
    CHECK (status <> 'partial' OR missing_ranges IS NOT NULL),
    CHECK ((status = 'failed') = (failure_kind IS NOT NULL)),
    CHECK ((status = 'failed') = (failure_reason IS NOT NULL))
);
CREATE UNIQUE INDEX recordings_by_content ON recordings (source, content_sha256) WHERE content_sha256 IS NOT NULL;
CREATE UNIQUE INDEX recordings_without_content ON recordings (source, name) WHERE content_sha256 IS NULL;
CREATE INDEX recordings_by_name ON recordings (source, name);
CREATE INDEX recordings_by_beginning ON recordings (began_at);
-- A source's recordings in the order in which they are read, and those that last into a day although they began long
-- before.
CREATE INDEX recordings_in_order ON recordings (source COLLATE "C", began_at, name COLLATE "C", id);
CREATE INDEX recordings_longer_than_a_day ON recordings (began_at) WHERE duration_seconds > 86400;
CREATE INDEX recordings_damaged ON recordings (source, began_at) WHERE status <> 'analyzed';
CREATE INDEX recordings_by_run ON recordings (run_id);
COMMENT ON TABLE recordings IS
    'One row a recording: its content within its source, or its name where the content could not be read';
COMMENT ON COLUMN recordings.source IS 'Whose recording (--source)';
COMMENT ON COLUMN recordings.content_sha256 IS 'As sha256sum prints it; NULL: empty or unreadable';
COMMENT ON COLUMN recordings.name IS 'Path below the scanned folder';
COMMENT ON COLUMN recordings.began_from IS 'Which clock said when it began; metadata_end: a date inside that is its end, less its duration';
COMMENT ON COLUMN recordings.duration_seconds IS 'Length, missing ranges included; of a failed one, what its container announced';
COMMENT ON COLUMN recordings.sample_rate IS 'Hz';
COMMENT ON COLUMN recordings.audio_tracks IS 'Audio tracks of the file, which were mixed';
COMMENT ON COLUMN recordings.status IS
    'analyzed; partial: detections of what could be decoded, and missing_ranges; failed: nothing was analyzed';
COMMENT ON COLUMN recordings.missing_ranges IS
    'What was not analyzed: an array of objects with start_seconds, end_seconds (null: not known), kind (gap, corrupt, truncated, unsupported, ffmpeg) and reason; NULL: nothing is missing';
COMMENT ON COLUMN recordings.missing_count IS 'How many ranges are missing; near ones may be one in missing_ranges';
COMMENT ON COLUMN recordings.missing_seconds IS 'Their length together, as far as it is known';
COMMENT ON COLUMN recordings.clips_lost IS
    'Laughs whose clip was wanted (--clips) and could not be written; a run with --clips analyzes the recording again';
COMMENT ON COLUMN recordings.failure_kind IS 'A stable word, e.g. truncated';
COMMENT ON COLUMN recordings.failure_reason IS 'What went wrong and what to do, for people';
COMMENT ON COLUMN recordings.failure_position_seconds IS 'How far it could be decoded';
COMMENT ON COLUMN recordings.analysis IS 'Model, rules and zones under which this is the result, compared as text';
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
    class_index   integer NOT NULL CHECK (class_index BETWEEN 13 AND 18),
    class_name    text NOT NULL,
    laughter      double precision NOT NULL CHECK (laughter BETWEEN 0 AND 1),
    baby_laughter double precision NOT NULL CHECK (baby_laughter BETWEEN 0 AND 1),
    giggle        double precision NOT NULL CHECK (giggle BETWEEN 0 AND 1),
    snicker       double precision NOT NULL CHECK (snicker BETWEEN 0 AND 1),
    belly_laugh   double precision NOT NULL CHECK (belly_laugh BETWEEN 0 AND 1),
    chuckle       double precision NOT NULL CHECK (chuckle BETWEEN 0 AND 1),
    clip          text,
    CHECK (starts_at < ends_at),
    CHECK (start_seconds < end_seconds)
);
CREATE INDEX detections_by_date ON detections (local_date);
CREATE INDEX detections_by_recording ON detections (recording_id);
CREATE INDEX detections_by_run ON detections (run_id);
CREATE INDEX detections_by_clip ON detections (clip COLLATE "C") WHERE clip IS NOT NULL;
COMMENT ON TABLE detections IS 'One row a laugh';
COMMENT ON COLUMN detections.local_date IS 'Calendar day of starts_at in the zone of the run';
COMMENT ON COLUMN detections.start_seconds IS 'Offset in the recording';
COMMENT ON COLUMN detections.end_seconds IS 'Offset in the recording';
COMMENT ON COLUMN detections.peak_score IS 'The decision at its highest, 0 to 1';
COMMENT ON COLUMN detections.mean_score IS 'The decision''s mean over the laugh, 0 to 1';
COMMENT ON COLUMN detections.class_index IS 'AudioSet class with the highest raw score, 13 to 18';
COMMENT ON COLUMN detections.class_name IS 'Its display name';
COMMENT ON COLUMN detections.laughter IS 'Highest raw score of class 13, Laughter';
COMMENT ON COLUMN detections.baby_laughter IS 'Highest raw score of class 14, Baby laughter';
COMMENT ON COLUMN detections.giggle IS 'Highest raw score of class 15, Giggle';
COMMENT ON COLUMN detections.snicker IS 'Highest raw score of class 16, Snicker';
COMMENT ON COLUMN detections.belly_laugh IS 'Highest raw score of class 17, Belly laugh';
COMMENT ON COLUMN detections.chuckle IS 'Highest raw score of class 18, Chuckle, chortle';
COMMENT ON COLUMN detections.clip IS 'Path of the clip below the folder of clips (--clips); NULL: none was written';

CREATE TABLE notes (
    source         text NOT NULL,
    content_sha256 text NOT NULL CHECK (length(content_sha256) = 64),
    start_seconds  double precision NOT NULL CHECK (start_seconds >= 0),
    end_seconds    double precision NOT NULL,
    recording      text NOT NULL,
    starts_at      timestamptz NOT NULL,
    verdict        text CHECK (verdict IN ('keep', 'discard')),
    note           text,
    noted_at       timestamptz NOT NULL,
    PRIMARY KEY (source, content_sha256, start_seconds, end_seconds),
    CHECK (start_seconds < end_seconds)
);
COMMENT ON TABLE notes IS
    'One row a stretch of a recording of which somebody said something (giggles notes import). It is of the laugh that has most of it. No foreign key: what a person said outlives the rows that a scan replaces or prune removes';
COMMENT ON COLUMN notes.source IS 'Whose recording (--source)';
COMMENT ON COLUMN notes.content_sha256 IS 'The recording''s, as sha256sum prints it';
COMMENT ON COLUMN notes.start_seconds IS 'Offset in the recording of the laugh as it was then';
COMMENT ON COLUMN notes.end_seconds IS 'Offset in the recording of the laugh as it was then';
COMMENT ON COLUMN notes.recording IS 'The recording''s name then';
COMMENT ON COLUMN notes.starts_at IS 'The instant of start_seconds';
COMMENT ON COLUMN notes.verdict IS 'keep or discard; NULL: neither';
COMMENT ON COLUMN notes.note IS 'In a person''s words; NULL: none. Verdict and note NULL: what was said was taken back';
COMMENT ON COLUMN notes.noted_at IS 'When it was said; of several notes on one laugh the latest holds';
