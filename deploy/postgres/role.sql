-- A role that may run scans, and nothing else: it inserts runs, recordings and detections, and deletes the rows that
-- it replaces. It can read reviews, for status and reports, but not change them. It cannot create, alter, truncate or
-- drop a table, change a run, or read any other table.
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
REVOKE ALL ON runs, recordings, detections FROM :"role";
GRANT SELECT, INSERT ON runs, recordings, detections TO :"role";

-- A run does not need reviews; giggles status, report and export read them.
REVOKE ALL ON reviews FROM :"role";
GRANT SELECT ON reviews TO :"role";

-- A recording that is analyzed again is replaced; its detections are deleted by the foreign key, without a privilege.
GRANT DELETE ON recordings TO :"role";

COMMIT;
