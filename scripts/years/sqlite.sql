-- Years of nightly runs, for a database whose tables giggles has created: each of {sources} sources has {days} days
-- from 2023-01-01 on, each day {recordings} recordings without gaps, each recording {laughs} laughs with a clip. Used
-- by years.py and by tests/it/years.rs.
BEGIN;
CREATE TEMP TABLE source_ AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {sources})
    SELECT i, printf('s%05d', i) AS name FROM n;
CREATE TEMP TABLE day_ AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {days})
    SELECT i, date('2023-01-01', i || ' days') AS date, unixepoch('2023-01-01', i || ' days') AS began FROM n;
CREATE TEMP TABLE slot_ AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {recordings})
    SELECT i, i * (86400 / {recordings}) AS began FROM n;
CREATE TEMP TABLE spot_ AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {laughs})
    SELECT i, i * (86400 / {recordings} / {laughs}) + 1 AS began FROM n;

INSERT INTO runs (id, source, started_at, ended_at, version, analysis, model_sha256, zone, window_from, window_to,
    exit_code, analyzed, skipped, failed, audio_seconds)
SELECT printf('%08x-0000-4000-8000-%012x', source_.i, day_.i), source_.name,
    date || 'T02:30:00.000000Z', date || 'T02:32:00.000000Z', '0.1.0', '{}', printf('%064x', 7), 'UTC',
    date(date, '-7 days') || 'T00:00:00.000000Z', date || 'T00:00:00.000000Z',
    0, {recordings}, 6 * {recordings}, 0, 86400.0
FROM (SELECT i, date(date, '1 day') AS date FROM day_) AS day_, source_;

INSERT INTO recordings (id, source, content_sha256, name, bytes, started_at, start_source, duration_seconds, sample_rate,
    channels, codec, status, first_analyzed_at, analysis, run_id)
SELECT (source_.i * {days} + day_.i) * {recordings} + slot_.i + 1, source_.name,
    printf('%064x', (source_.i * {days} + day_.i) * {recordings} + slot_.i + 1),
    strftime('%Y/%m/%Y%m%d_%H%M%S.ogg', day_.began + slot_.began, 'unixepoch'), 3600000,
    strftime('%Y-%m-%dT%H:%M:%S.000000Z', day_.began + slot_.began, 'unixepoch'), 'filename', 86400.0 / {recordings},
    48000, 1, 'opus', 'analyzed', date(date, '1 day') || 'T02:30:00.000000Z', '{}', printf('%08x-0000-4000-8000-%012x', source_.i, day_.i)
FROM day_, source_, slot_;

INSERT INTO detections (source, recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
    peak_score, mean_score, label, class_index, class_name, class_scores, clip)
SELECT source_.name, (source_.i * {days} + day_.i) * {recordings} + slot_.i + 1,
    printf('%08x-0000-4000-8000-%012x', source_.i, day_.i), date,
    strftime('%Y-%m-%dT%H:%M:%S.000000Z', day_.began + slot_.began + spot_.began, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%S.920000Z', day_.began + slot_.began + spot_.began + 1, 'unixepoch'),
    spot_.began, spot_.began + 1.92, 0.5 + ((day_.i * 1440 + slot_.i * 30 + spot_.i) * 7919 % 500) / 1000.0, 0.5,
    'laughter', 13, 'Laughter', '{"Laughter": 0.87, "Giggle": 0.1}',
    source_.name || '/' || date || '/'
        || strftime('%Y%m%dT%H%M%S.000Z_laughter_87p.flac', day_.began + slot_.began + spot_.began, 'unixepoch')
FROM day_, source_, slot_, spot_;
COMMIT;
DROP TABLE source_;
DROP TABLE day_;
DROP TABLE slot_;
DROP TABLE spot_;
