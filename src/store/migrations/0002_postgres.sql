ALTER TABLE detections ADD COLUMN clip text;
COMMENT ON COLUMN detections.clip IS 'Path of the clip below the folder of clips (--clips); NULL: none was written';
