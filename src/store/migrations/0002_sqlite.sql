-- Path of the laugh's clip below the folder of clips (scan --clips); NULL: none was written.
ALTER TABLE detections ADD COLUMN clip TEXT;
