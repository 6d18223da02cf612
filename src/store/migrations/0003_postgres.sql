ALTER TABLE recordings ADD COLUMN clips_lost bigint NOT NULL DEFAULT 0 CHECK (clips_lost >= 0);
COMMENT ON COLUMN recordings.clips_lost IS
    'Laughs whose clip was wanted (--clips) and could not be written; a run with --clips hears the recording again';

ALTER TABLE runs ADD COLUMN shard text CHECK (shard ~ '^[1-9][0-9]*/[1-9][0-9]*$');
ALTER TABLE runs ADD COLUMN single_files boolean NOT NULL DEFAULT false;
ALTER TABLE runs ADD COLUMN unfinished bigint NOT NULL DEFAULT 0 CHECK (unfinished BETWEEN 0 AND skipped);
ALTER TABLE runs ADD COLUMN unfinished_from timestamptz CHECK (unfinished_from IS NULL OR unfinished > 0);
COMMENT ON COLUMN runs.skipped IS 'Recordings heard before, copies, and those still being written';
COMMENT ON COLUMN runs.shard IS 'k/n (--shard): looked for this part of the recordings only; NULL: for all';
COMMENT ON COLUMN runs.single_files IS
    'Was given files, not only folders: others of its window may be beside them';
COMMENT ON COLUMN runs.unfinished IS 'Of those skipped, recordings still being written, left for the next run';
COMMENT ON COLUMN runs.unfinished_from IS
    'When the first of those began; NULL: there are none, or one of them does not tell';
