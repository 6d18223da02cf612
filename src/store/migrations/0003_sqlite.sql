-- Laughs whose clip was wanted (scan --clips) and could not be written; a run with --clips hears the recording again.
ALTER TABLE recordings ADD COLUMN clips_lost INTEGER NOT NULL DEFAULT 0 CHECK (clips_lost >= 0);

-- k/n (scan --shard): looked for this part of the recordings only; NULL: for all.
ALTER TABLE runs ADD COLUMN shard TEXT CHECK (shard GLOB '[1-9]*/[1-9]*');
-- Was given files, not only folders: others of its window may be beside them.
ALTER TABLE runs ADD COLUMN single_files INTEGER NOT NULL DEFAULT 0 CHECK (single_files IN (0, 1));
-- Of those skipped, recordings still being written, left for the next run.
ALTER TABLE runs ADD COLUMN unfinished INTEGER NOT NULL DEFAULT 0 CHECK (unfinished BETWEEN 0 AND skipped);
-- When the first of those began; NULL: there are none, or one of them does not tell.
ALTER TABLE runs ADD COLUMN unfinished_from TEXT
    CHECK (unfinished_from IS NULL OR unfinished > 0 AND unfinished_from LIKE '____-__-__T__:__:__.______Z');
