-- Laughs whose clip was wanted (scan --clips) and could not be written; a run with --clips hears the recording again.
ALTER TABLE recordings ADD COLUMN clips_lost INTEGER NOT NULL DEFAULT 0 CHECK (clips_lost >= 0);
