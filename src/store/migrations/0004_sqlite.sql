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
