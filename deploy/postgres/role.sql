-- A role that may run scans, and nothing else: it inserts runs, recordings, detections and scores, and replaces them. It can
-- read reviews, for status, reports and the personal score, but not change what they say. It cannot create, alter,
-- truncate or drop a table, change a run, or read any other table.
--
-- Run this once in giggles' database, as the owner of its tables (with CREATEROLE) or a superuser, after giggles has
-- created them; and again after an upgrade of giggles that added tables:
--
--   psql --set=role=giggles --file=deploy/postgres/role.sql "$OWNERS_URL"
--   psql --command='\password giggles' "$OWNERS_URL"

\set ON_ERROR_STOP on
\if :{?role}
\else
    \set role giggles
\endif

BEGIN;

SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

GRANT CONNECT ON DATABASE :"DBNAME" TO :"role";
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), :'role') \gexec

-- The schema version of the tables.
REVOKE ALL ON giggles_schema FROM :"role";
GRANT SELECT ON giggles_schema TO :"role";

-- A run reads back after COMMIT what it has inserted.
REVOKE ALL ON runs, recordings, detections, score_tracks, candidates FROM :"role";
GRANT SELECT, INSERT ON runs, recordings, detections, score_tracks, candidates TO :"role";

-- A run stores the embedding of a reviewed stretch, and nothing else of a review.
REVOKE ALL ON reviews FROM :"role";
GRANT SELECT, UPDATE (embedding) ON reviews TO :"role";

-- A recording that is analyzed again is replaced; what belongs to it is deleted by foreign keys, without a privilege.
GRANT DELETE ON recordings TO :"role";

-- What is decided anew from stored scores (also by giggles redetect), and the removal of old embeddings.
GRANT UPDATE (name, started_at, start_source, clips_failed, clips_cut, analysis, run_id) ON recordings TO :"role";
GRANT DELETE ON detections TO :"role";
GRANT UPDATE (is_detected, personal, embedding, clip) ON candidates TO :"role";

COMMIT;
