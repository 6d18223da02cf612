ALTER TABLE detections ADD COLUMN clip text;
COMMENT ON COLUMN detections.clip IS 'Path of the clip below the folder of clips (--clips); NULL: none was written';
CREATE INDEX detections_by_clip ON detections (clip COLLATE "C") WHERE clip IS NOT NULL;
