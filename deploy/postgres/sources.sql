-- Privacy per source: a role that has the name of a source sees the rows of that source and no others, and may review its
-- laughs. The role of the scans (role.sql) still sees all rows; the owner and superusers are not restricted.
--
-- Run this once in giggles' database, as the owner of its tables (with CREATEROLE) or a superuser, after role.sql; and again
-- after an upgrade of giggles that added tables:
--
--   psql --set=role=giggles --file=deploy/postgres/sources.sql "$OWNERS_URL"
--
-- Then, for each source, whose name may have at most 63 bytes:
--
--   psql --command='CREATE ROLE "neil" LOGIN IN ROLE giggles_sources' "$OWNERS_URL"
--   psql --command='\password neil' "$OWNERS_URL"

\set ON_ERROR_STOP on
\if :{?role}
\else
    \set role giggles
\endif

BEGIN;

-- All roles of sources are members of this one, which cannot log in.
SELECT 'CREATE ROLE giggles_sources NOLOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'giggles_sources') \gexec

GRANT CONNECT ON DATABASE :"DBNAME" TO giggles_sources;
SELECT format('GRANT USAGE ON SCHEMA %I TO giggles_sources', current_schema()) \gexec
REVOKE ALL ON giggles_schema, runs, recordings, detections, score_tracks, candidates, reviews FROM giggles_sources;
GRANT SELECT ON giggles_schema, runs, recordings, detections, score_tracks, candidates, reviews TO giggles_sources;
GRANT INSERT, UPDATE ON reviews TO giggles_sources;

-- From here on, a role without a policy sees nothing of these tables.
ALTER TABLE runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE recordings ENABLE ROW LEVEL SECURITY;
ALTER TABLE detections ENABLE ROW LEVEL SECURITY;
ALTER TABLE score_tracks ENABLE ROW LEVEL SECURITY;
ALTER TABLE candidates ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS scans ON runs;
DROP POLICY IF EXISTS scans ON recordings;
DROP POLICY IF EXISTS scans ON detections;
DROP POLICY IF EXISTS scans ON score_tracks;
DROP POLICY IF EXISTS scans ON candidates;
DROP POLICY IF EXISTS scans ON reviews;
CREATE POLICY scans ON runs TO :"role" USING (true) WITH CHECK (true);
CREATE POLICY scans ON recordings TO :"role" USING (true) WITH CHECK (true);
CREATE POLICY scans ON detections TO :"role" USING (true) WITH CHECK (true);
CREATE POLICY scans ON score_tracks TO :"role" USING (true) WITH CHECK (true);
CREATE POLICY scans ON candidates TO :"role" USING (true) WITH CHECK (true);
CREATE POLICY scans ON reviews TO :"role" USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own_source ON runs;
DROP POLICY IF EXISTS own_source ON recordings;
DROP POLICY IF EXISTS own_source ON detections;
DROP POLICY IF EXISTS own_source ON score_tracks;
DROP POLICY IF EXISTS own_source ON candidates;
DROP POLICY IF EXISTS own_source ON reviews;
CREATE POLICY own_source ON runs TO giggles_sources USING (source = current_user);
CREATE POLICY own_source ON recordings TO giggles_sources USING (source = current_user);
CREATE POLICY own_source ON detections TO giggles_sources USING (source = current_user);
-- Score tracks and candidates have no source of their own; the policy of recordings applies inside of this query.
CREATE POLICY own_source ON score_tracks TO giggles_sources
    USING (EXISTS (SELECT FROM recordings AS r WHERE r.id = recording_id));
CREATE POLICY own_source ON candidates TO giggles_sources
    USING (EXISTS (SELECT FROM recordings AS r WHERE r.id = recording_id));
CREATE POLICY own_source ON reviews TO giggles_sources USING (source = current_user) WITH CHECK (source = current_user);

COMMIT;
