CREATE TABLE runs (
    -- One row per committed run. Timestamps are UTC, ISO 8601 with six decimals: they sort as text.
    id            TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36),                -- random UUID
    -- Id that a scheduler or queue gave (--run-id); several runs may have it, as a retry of a task does; NULL: none.
    external_id   TEXT CHECK (length(external_id) BETWEEN 1 AND 255),
    source        TEXT NOT NULL,                                                    -- owner or place (--source)
    started_at    TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    ended_at      TEXT NOT NULL CHECK (ended_at LIKE '____-__-__T__:__:__.______Z'),
    version       TEXT NOT NULL,                                                    -- version of giggles
    analysis      TEXT NOT NULL CHECK (json_valid(analysis)),                       -- model, parameters, zones
    model_sha256  TEXT NOT NULL,                                                    -- checksum of the model file
    zone          TEXT NOT NULL,                                                    -- IANA zone of local_date
    window_from   TEXT CHECK (window_from LIKE '____-__-__T__:__:__.______Z'),      -- NULL: no bound
    window_to     TEXT CHECK (window_to LIKE '____-__-__T__:__:__.______Z'),        -- NULL: no bound
    shard         TEXT CHECK (shard GLOB '[1-9]*/[1-9]*'),                          -- k/n (--shard); NULL: all
    explicit_files  INTEGER NOT NULL DEFAULT 0 CHECK (explicit_files IN (0, 1)),        -- given files, not only folders
    exit_code     INTEGER NOT NULL CHECK (exit_code BETWEEN 0 AND 255),
    analyzed      INTEGER NOT NULL CHECK (analyzed >= 0),                           -- recordings analyzed completely
    partial       INTEGER NOT NULL DEFAULT 0 CHECK (partial >= 0),                  -- analyzed in part
    -- Analyzed before, known to be damaged, copies, or in progress; in_progress counts the last ones.
    skipped       INTEGER NOT NULL CHECK (skipped >= 0),
    in_progress    INTEGER NOT NULL DEFAULT 0 CHECK (in_progress BETWEEN 0 AND skipped),
    -- Earliest start time of the recordings in progress; NULL: there are none, or one has no start time.
    in_progress_from TEXT
        CHECK (in_progress_from IS NULL OR in_progress > 0 AND in_progress_from LIKE '____-__-__T__:__:__.______Z'),
    failed        INTEGER NOT NULL CHECK (failed >= 0),                             -- could not be analyzed
    audio_seconds REAL NOT NULL CHECK (audio_seconds >= 0),                         -- analyzed by this run
    CHECK (started_at <= ended_at),
    CHECK (window_from <= window_to)
);
-- The latest runs of one source, and of all sources.
CREATE INDEX runs_by_source ON runs (source, started_at DESC, id);
CREATE INDEX runs_by_start ON runs (started_at DESC, id);

CREATE TABLE recordings (
    -- One row per recording, identified by its source and content, or by its name if the content could not be read.
    id               INTEGER PRIMARY KEY,
    source           TEXT NOT NULL,
    content_sha256   TEXT CHECK (length(content_sha256) = 64),                      -- as sha256sum prints it
    name             TEXT NOT NULL,                                                 -- path below the scanned folder
    bytes            INTEGER NOT NULL CHECK (bytes >= 0),
    started_at         TEXT CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),      -- UTC
    start_source       TEXT CHECK (start_source IN ('filename', 'metadata', 'metadata_end', 'mtime', 'upload')), -- of started_at
    duration_seconds REAL CHECK (duration_seconds >= 0),                            -- failed: as announced
    sample_rate      INTEGER CHECK (sample_rate > 0),                               -- Hz
    channels         INTEGER CHECK (channels > 0),
    audio_tracks     INTEGER CHECK (audio_tracks > 0),                              -- in the file; they are mixed
    codec            TEXT,
    status           TEXT NOT NULL CHECK (status IN ('analyzed', 'partial', 'failed')),
    -- What was not analyzed: an array of objects with start_seconds, end_seconds (null: not known), kind (gap, corrupt,
    -- truncated, unsupported, ffmpeg) and reason; NULL: nothing is missing.
    missing_ranges   TEXT CHECK (json_type(missing_ranges) = 'array'),
    missing_count    INTEGER NOT NULL DEFAULT 0 CHECK (missing_count >= 0),         -- before adjacent ones were merged
    missing_seconds  REAL NOT NULL DEFAULT 0 CHECK (missing_seconds >= 0),          -- in total, as far as known
    failure_kind     TEXT,                                                          -- stable identifier, e.g. truncated
    failure_reason   TEXT,                                                          -- error message, for people
    failure_position_seconds REAL CHECK (failure_position_seconds >= 0),            -- decoded up to here
    -- Detections whose clip (--clips) could not be written; a run with --clips analyzes the recording again.
    clips_failed       INTEGER NOT NULL DEFAULT 0 CHECK (clips_failed >= 0),
    analysis         TEXT NOT NULL,                                                 -- as in runs.analysis
    run_id           TEXT NOT NULL REFERENCES runs (id),                            -- the run that stored this row
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
-- The recordings of a source in the order in which they are read, and its longest recording.
CREATE INDEX recordings_in_order ON recordings (source, started_at, name);
CREATE INDEX recordings_by_length ON recordings (source, duration_seconds);
CREATE INDEX recordings_damaged ON recordings (source, started_at) WHERE status <> 'analyzed';
CREATE INDEX recordings_by_run ON recordings (run_id);

CREATE TABLE detections (
    -- One row per detection.
    id            INTEGER PRIMARY KEY,
    recording_id  INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    run_id        TEXT NOT NULL REFERENCES runs (id),
    local_date    TEXT NOT NULL CHECK (local_date LIKE '____-__-__'),               -- day of starts_at in runs.zone
    starts_at     TEXT NOT NULL CHECK (starts_at LIKE '____-__-__T__:__:__.______Z'), -- UTC
    ends_at       TEXT NOT NULL CHECK (ends_at LIKE '____-__-__T__:__:__.______Z'), -- UTC
    start_seconds REAL NOT NULL CHECK (start_seconds >= 0),                         -- offset in the recording
    end_seconds   REAL NOT NULL,                                                    -- offset in the recording
    peak_score    REAL NOT NULL CHECK (peak_score BETWEEN 0 AND 1),                 -- highest laughter score
    mean_score    REAL NOT NULL CHECK (mean_score BETWEEN 0 AND 1),                 -- mean laughter score
    label         TEXT NOT NULL,                                                    -- what was detected: laughter
    class_index   INTEGER NOT NULL CHECK (class_index >= 0),                        -- AudioSet class, highest score
    class_name    TEXT NOT NULL,                                                    -- display name of the class
    -- Highest raw score of each class of the label, 0 to 1: an object keyed by display name.
    class_scores  TEXT NOT NULL CHECK (json_type(class_scores) = 'object'),
    clip          TEXT,                                                             -- path below the clips folder
    CHECK (starts_at < ends_at),
    CHECK (start_seconds < end_seconds)
);
CREATE INDEX detections_by_date ON detections (local_date);
CREATE INDEX detections_by_recording ON detections (recording_id);
CREATE INDEX detections_by_run ON detections (run_id);
CREATE INDEX detections_by_clip ON detections (clip) WHERE clip IS NOT NULL;

CREATE TABLE reviews (
    -- One row per reviewed span of a recording (giggles reviews import). A review belongs to the detection that
    -- overlaps its span most. No foreign key: reviews survive when a scan replaces detections or prune removes them.
    source         TEXT NOT NULL,                                                   -- owner or place (--source)
    content_sha256 TEXT NOT NULL CHECK (length(content_sha256) = 64),               -- of the recording
    start_seconds  REAL NOT NULL CHECK (start_seconds >= 0),                        -- of the reviewed detection
    end_seconds    REAL NOT NULL,                                                   -- of the reviewed detection
    recording      TEXT NOT NULL,                                                   -- its name at that time
    starts_at      TEXT NOT NULL CHECK (starts_at LIKE '____-__-__T__:__:__.______Z'), -- UTC, of start_seconds
    verdict        TEXT CHECK (verdict IN ('confirmed', 'rejected')),                     -- NULL: no verdict
    comment           TEXT,                                                            -- both NULL: withdrawn
    reviewed_at       TEXT NOT NULL CHECK (reviewed_at LIKE '____-__-__T__:__:__.______Z'), -- UTC; the latest applies
    PRIMARY KEY (source, content_sha256, start_seconds, end_seconds),
    CHECK (start_seconds < end_seconds)
);
