-- Path of the laugh's clip below the folder of clips (scan --clips); NULL: none was written.
ALTER TABLE detections ADD COLUMN clip TEXT;
CREATE INDEX detections_by_clip ON detections (clip) WHERE clip IS NOT NULL;
