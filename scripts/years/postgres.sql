-- As sqlite.sql, in Postgres' dialect.
BEGIN;
SET LOCAL TIME ZONE 'UTC';
CREATE TEMP VIEW day_ AS SELECT i, timestamptz '2023-01-01' + i * interval '1 day' AS began
    FROM generate_series(0, {days} - 1) AS i;
CREATE TEMP VIEW source_ AS SELECT i, 's' || lpad(i::text, 5, '0') AS name FROM generate_series(0, {sources} - 1) AS i;
CREATE TEMP VIEW slot_ AS SELECT i, i * (86400 / {recordings}) * interval '1 second' AS began
    FROM generate_series(0, {recordings} - 1) AS i;
CREATE TEMP VIEW spot_ AS SELECT i, i * (86400 / {recordings} / {laughs}) + 1 AS began
    FROM generate_series(0, {laughs} - 1) AS i;

INSERT INTO runs (id, source, started_at, ended_at, version, analysis, model_sha256, zone, window_from, window_to,
    exit_code, analyzed, skipped, failed, audio_seconds)
SELECT (lpad(to_hex(source_.i), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(day_.i), 12, '0'))::uuid, source_.name,
    began + interval '26.5 hours', began + interval '26.6 hours', '0.1.0', '{}', repeat('07', 32), 'UTC',
    began - interval '6 days', began + interval '1 day', 0, {recordings}, 6 * {recordings}, 0, 86400.0
FROM day_, source_;

INSERT INTO recordings (id, source, content_sha256, name, bytes, started_at, start_source, duration_seconds, sample_rate,
    channels, codec, status, first_analyzed_at, analysis, run_id)
OVERRIDING SYSTEM VALUE
SELECT id, source_.name, lpad(to_hex(id), 64, '0'),
    to_char(day_.began + slot_.began, 'YYYY/MM/YYYYMMDD_HH24MISS".ogg"'), 3600000, day_.began + slot_.began, 'filename',
    86400.0 / {recordings}, 48000, 1, 'opus', 'analyzed', day_.began + interval '1 day', '{}',
    (lpad(to_hex(source_.i), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(day_.i), 12, '0'))::uuid
FROM day_, source_, slot_,
    LATERAL (SELECT ((source_.i * {days} + day_.i) * {recordings} + slot_.i + 1)::bigint AS id) AS numbered;

INSERT INTO detections (source, recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
    peak_score, mean_score, label, class_index, class_name, class_scores, clip)
SELECT source, recordings.id, run_id, started_at::date, starts, starts + interval '1.92 seconds', spot_.began,
    spot_.began + 1.92,
    0.5 + (((recordings.id - 1) / {recordings} % {days} * 1440 + (recordings.id - 1) % {recordings} * 30 + spot_.i) * 7919 % 500) / 1000.0::float8, 0.5,
    'laughter', 13, 'Laughter', '{"Laughter": 0.87, "Giggle": 0.1}',
    source || '/' || to_char(started_at, 'YYYY-MM-DD') || '/'
        || to_char(starts, 'YYYYMMDD"T"HH24MISS".000Z_laughter_87p.flac"')
FROM recordings, spot_, LATERAL (SELECT started_at + spot_.began * interval '1 second' AS starts) AS timed;

DROP VIEW day_, source_, slot_, spot_;
COMMIT;
VACUUM ANALYZE runs;
VACUUM ANALYZE recordings;
VACUUM ANALYZE detections;
