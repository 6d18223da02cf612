ALTER TABLE recordings ADD COLUMN clips_lost bigint NOT NULL DEFAULT 0 CHECK (clips_lost >= 0);
COMMENT ON COLUMN recordings.clips_lost IS
    'Laughs whose clip was wanted (--clips) and could not be written; a run with --clips hears the recording again';
