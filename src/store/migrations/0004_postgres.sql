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
