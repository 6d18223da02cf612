-- Indexes of the tables that src/store/columns declares.
-- The latest runs of one source, and of all sources.
CREATE INDEX runs_by_source ON runs (source, started_at DESC, id);
CREATE INDEX runs_by_start ON runs (started_at DESC, id);
CREATE UNIQUE INDEX recordings_by_content ON recordings (source, content_sha256) WHERE content_sha256 IS NOT NULL;
CREATE UNIQUE INDEX recordings_without_content ON recordings (source, name) WHERE content_sha256 IS NULL;
CREATE INDEX recordings_by_name ON recordings (source, name);
CREATE INDEX recordings_by_beginning ON recordings (started_at);
-- The recordings of a source in the order in which they are read, and long recordings, which may overlap a day although
-- they started long before.
CREATE INDEX recordings_in_order ON recordings (source COLLATE "C", started_at, name COLLATE "C", id);
CREATE INDEX recordings_longer_than_a_day ON recordings (started_at) WHERE duration_seconds > 86400;
CREATE INDEX recordings_damaged ON recordings (source, started_at) WHERE status <> 'analyzed';
CREATE INDEX recordings_by_run ON recordings (run_id);
CREATE INDEX detections_by_date ON detections (local_date);
CREATE INDEX detections_by_recording ON detections (recording_id, end_seconds);
-- The laughs of a source in order of time, with what the counts of days need, and the best ones.
CREATE INDEX detections_in_order ON detections (source, starts_at, id) 
    INCLUDE (start_seconds, end_seconds, peak_score, class_index);
CREATE INDEX detections_by_score ON detections (source, peak_score, id);
-- Those that may continue a laugh of the recording before.
CREATE INDEX detections_at_start ON detections (source, starts_at) WHERE start_seconds <= 0.96;
CREATE INDEX detections_by_run ON detections (run_id);
CREATE INDEX detections_by_clip ON detections (clip COLLATE "C") WHERE clip IS NOT NULL;
CREATE INDEX candidates_by_recording ON candidates (recording_id);
CREATE INDEX candidates_by_clip ON candidates (clip COLLATE "C") WHERE clip IS NOT NULL;
-- What --keep-embeddings removes.
CREATE INDEX candidates_with_embedding ON candidates (recording_id) WHERE embedding IS NOT NULL;
