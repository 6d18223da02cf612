CREATE TABLE runs (
    -- One row a run that was committed. Instants are UTC, ISO 8601 with six decimals: they sort as text.
    id            TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36),                -- random UUID
    source        TEXT NOT NULL,                                                    -- whose recordings (--source)
    started_at    TEXT NOT NULL CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    ended_at      TEXT NOT NULL CHECK (ended_at LIKE '____-__-__T__:__:__.______Z'),
    version       TEXT NOT NULL,                                                    -- of giggles
    analysis      TEXT NOT NULL CHECK (json_valid(analysis)),                       -- model, rules and zones, as JSON
    model_sha256  TEXT NOT NULL,                                                    -- checksum of the model file
    zone          TEXT NOT NULL,                                                    -- IANA zone of local_date
    window_from   TEXT CHECK (window_from LIKE '____-__-__T__:__:__.______Z'),      -- NULL: no bound
    window_to     TEXT CHECK (window_to LIKE '____-__-__T__:__:__.______Z'),        -- NULL: no bound
    shard         TEXT CHECK (shard GLOB '[1-9]*/[1-9]*'),                          -- k/n (--shard); NULL: all
    single_files  INTEGER NOT NULL DEFAULT 0 CHECK (single_files IN (0, 1)),        -- was given files, not only folders
    exit_code     INTEGER NOT NULL CHECK (exit_code BETWEEN 0 AND 255),
    analyzed      INTEGER NOT NULL CHECK (analyzed >= 0),                           -- recordings analyzed whole
    partial       INTEGER NOT NULL DEFAULT 0 CHECK (partial >= 0),                  -- analyzed, some sound is missing
    -- Analyzed before, known to be damaged, copies, and those still being written; unfinished counts the last.
    skipped       INTEGER NOT NULL CHECK (skipped >= 0),
    unfinished    INTEGER NOT NULL DEFAULT 0 CHECK (unfinished BETWEEN 0 AND skipped),
    -- When the first of the unfinished began; NULL: there are none, or one of them does not tell.
    unfinished_from TEXT
        CHECK (unfinished_from IS NULL OR unfinished > 0 AND unfinished_from LIKE '____-__-__T__:__:__.______Z'),
    failed        INTEGER NOT NULL CHECK (failed >= 0),                             -- could not be analyzed
    audio_seconds REAL NOT NULL CHECK (audio_seconds >= 0),                         -- analyzed by this run
    CHECK (started_at <= ended_at),
    CHECK (window_from <= window_to)
);
-- The last runs, of one source and of all.
CREATE INDEX runs_by_source ON runs (source, started_at DESC, id);
CREATE INDEX runs_by_start ON runs (started_at DESC, id);

CREATE TABLE recordings (
    -- One row a recording: its content within its source, or its name where the content could not be read.
    id               INTEGER PRIMARY KEY,
    source           TEXT NOT NULL,
    content_sha256   TEXT CHECK (length(content_sha256) = 64),                      -- as sha256sum prints it
    name             TEXT NOT NULL,                                                 -- path below the scanned folder
    bytes            INTEGER NOT NULL CHECK (bytes >= 0),
    began_at         TEXT CHECK (began_at LIKE '____-__-__T__:__:__.______Z'),      -- UTC
    began_from       TEXT CHECK (began_from IN ('name', 'metadata', 'metadata_end', 'modified')), -- which clock said so
    duration_seconds REAL CHECK (duration_seconds >= 0),                            -- failed: as announced
    sample_rate      INTEGER CHECK (sample_rate > 0),                               -- Hz
    channels         INTEGER CHECK (channels > 0),
    audio_tracks     INTEGER CHECK (audio_tracks > 0),                              -- of the file; they were mixed
    codec            TEXT,
    status           TEXT NOT NULL CHECK (status IN ('analyzed', 'partial', 'failed')),
    -- What was not analyzed: an array of objects with start_seconds, end_seconds (null: not known), kind (gap, corrupt,
    -- truncated, unsupported, ffmpeg) and reason; NULL: nothing is missing.
    missing_ranges   TEXT CHECK (json_type(missing_ranges) = 'array'),
    missing_count    INTEGER NOT NULL DEFAULT 0 CHECK (missing_count >= 0),         -- before near ones were joined
    missing_seconds  REAL NOT NULL DEFAULT 0 CHECK (missing_seconds >= 0),          -- together, as far as known
    failure_kind     TEXT,                                                          -- a stable word, e.g. truncated
    failure_reason   TEXT,                                                          -- for people
    failure_position_seconds REAL CHECK (failure_position_seconds >= 0),            -- how far it could be decoded
    -- Laughs whose clip was wanted (--clips) and could not be written; a run with --clips analyzes the recording again.
    clips_lost       INTEGER NOT NULL DEFAULT 0 CHECK (clips_lost >= 0),
    analysis         TEXT NOT NULL,                                                 -- under which this is the result
    run_id           TEXT NOT NULL REFERENCES runs (id),                            -- the run that stored this row
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
-- A source's recordings in the order in which they are read, and how long the longest of them is.
CREATE INDEX recordings_in_order ON recordings (source, began_at, name);
CREATE INDEX recordings_by_length ON recordings (source, duration_seconds);
CREATE INDEX recordings_damaged ON recordings (source, began_at) WHERE status <> 'analyzed';
CREATE INDEX recordings_by_run ON recordings (run_id);

CREATE TABLE detections (
    -- One row a laugh.
    id            INTEGER PRIMARY KEY,
    recording_id  INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    run_id        TEXT NOT NULL REFERENCES runs (id),
    local_date    TEXT NOT NULL CHECK (local_date LIKE '____-__-__'),               -- day of starts_at in the run's zone
    starts_at     TEXT NOT NULL CHECK (starts_at LIKE '____-__-__T__:__:__.______Z'), -- UTC
    ends_at       TEXT NOT NULL CHECK (ends_at LIKE '____-__-__T__:__:__.______Z'), -- UTC
    start_seconds REAL NOT NULL CHECK (start_seconds >= 0),                         -- offset in the recording
    end_seconds   REAL NOT NULL,                                                    -- offset in the recording
    peak_score    REAL NOT NULL CHECK (peak_score BETWEEN 0 AND 1),                 -- the decision at its highest
    mean_score    REAL NOT NULL CHECK (mean_score BETWEEN 0 AND 1),                 -- the decision's mean
    class_index   INTEGER NOT NULL CHECK (class_index BETWEEN 13 AND 18),           -- leading AudioSet class
    class_name    TEXT NOT NULL,                                                    -- its display name
    laughter      REAL NOT NULL CHECK (laughter BETWEEN 0 AND 1),                   -- highest raw score, class 13
    baby_laughter REAL NOT NULL CHECK (baby_laughter BETWEEN 0 AND 1),              -- class 14
    giggle        REAL NOT NULL CHECK (giggle BETWEEN 0 AND 1),                     -- class 15
    snicker       REAL NOT NULL CHECK (snicker BETWEEN 0 AND 1),                    -- class 16
    belly_laugh   REAL NOT NULL CHECK (belly_laugh BETWEEN 0 AND 1),                -- class 17
    chuckle       REAL NOT NULL CHECK (chuckle BETWEEN 0 AND 1),                    -- class 18
    clip          TEXT,                                                             -- path below the folder of clips
    CHECK (starts_at < ends_at),
    CHECK (start_seconds < end_seconds)
);
CREATE INDEX detections_by_date ON detections (local_date);
CREATE INDEX detections_by_recording ON detections (recording_id);
CREATE INDEX detections_by_run ON detections (run_id);
CREATE INDEX detections_by_clip ON detections (clip) WHERE clip IS NOT NULL;

CREATE TABLE notes (
    -- One row a stretch of a recording of which somebody said something (giggles notes import). It is of the laugh that
    -- has most of it. No foreign key: what a person said outlives the rows that a scan replaces or prune removes.
    source         TEXT NOT NULL,                                                   -- whose recording (--source)
    content_sha256 TEXT NOT NULL CHECK (length(content_sha256) = 64),               -- the recording's
    start_seconds  REAL NOT NULL CHECK (start_seconds >= 0),                        -- of the laugh as it was then
    end_seconds    REAL NOT NULL,                                                   -- of the laugh as it was then
    recording      TEXT NOT NULL,                                                   -- the recording's name then
    starts_at      TEXT NOT NULL CHECK (starts_at LIKE '____-__-__T__:__:__.______Z'), -- UTC, of start_seconds
    verdict        TEXT CHECK (verdict IN ('keep', 'discard')),                     -- NULL: neither
    note           TEXT,                                                            -- both NULL: taken back
    noted_at       TEXT NOT NULL CHECK (noted_at LIKE '____-__-__T__:__:__.______Z'), -- UTC; the latest holds
    PRIMARY KEY (source, content_sha256, start_seconds, end_seconds),
    CHECK (start_seconds < end_seconds)
);
