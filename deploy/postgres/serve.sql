-- A role for giggles serve, and nothing else: it reads what is stored, and adds and changes reviews.
--
-- Run this once in giggles' database, as the owner of its tables (with CREATEROLE) or a superuser, after giggles has
-- created them; and again after an upgrade of giggles that added tables:
--
--   psql --set=role=giggles_serve --file=deploy/postgres/serve.sql "$OWNERS_URL"
--   psql --command='\password giggles_serve' "$OWNERS_URL"
--
-- With privacy per source (sources.sql), run this after it: the role then sees all sources, and giggles serve itself gives
-- each token only its own.

\set ON_ERROR_STOP on
\if :{?role}
\else
    \set role giggles_serve
\endif

BEGIN;

SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

GRANT CONNECT ON DATABASE :"DBNAME" TO :"role";
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), :'role') \gexec

REVOKE ALL ON giggles_schema, runs, recordings, detections, score_tracks, candidates, reviews FROM :"role";
GRANT SELECT ON giggles_schema, runs, recordings, detections, score_tracks, candidates, reviews TO :"role";
-- A review is never removed: an empty one withdraws it.
GRANT INSERT, UPDATE ON reviews TO :"role";

-- Policies have no effect as long as row-level security is off.
DROP POLICY IF EXISTS serve ON runs;
DROP POLICY IF EXISTS serve ON recordings;
DROP POLICY IF EXISTS serve ON detections;
DROP POLICY IF EXISTS serve ON score_tracks;
DROP POLICY IF EXISTS serve ON candidates;
DROP POLICY IF EXISTS serve ON reviews;
CREATE POLICY serve ON runs FOR SELECT TO :"role" USING (true);
CREATE POLICY serve ON recordings FOR SELECT TO :"role" USING (true);
CREATE POLICY serve ON detections FOR SELECT TO :"role" USING (true);
CREATE POLICY serve ON score_tracks FOR SELECT TO :"role" USING (true);
CREATE POLICY serve ON candidates FOR SELECT TO :"role" USING (true);
CREATE POLICY serve ON reviews TO :"role" USING (true) WITH CHECK (true);

COMMIT;
