-- A role that may run nights, and nothing else: it adds runs, recordings and laughs, and takes away the rows
-- that it replaces. It reads what people said of laughs (giggles notes), for status and reports, and cannot change it.
-- It cannot make, change, empty or drop a table, change a run, or read any other table.
--
-- Once, in giggles' database, as the owner of its tables (with CREATEROLE) or a superuser, when giggles has
-- made them; and again after an upgrade of giggles that brought new ones:
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

-- Which version the tables have.
REVOKE ALL ON giggles_schema FROM :"role";
GRANT SELECT ON giggles_schema TO :"role";

-- What a night adds is read back after COMMIT.
REVOKE ALL ON runs, recordings, detections FROM :"role";
GRANT SELECT, INSERT ON runs, recordings, detections TO :"role";

-- What people said of laughs. A night needs nothing of it; giggles status, report and export read it.
REVOKE ALL ON notes FROM :"role";
GRANT SELECT ON notes TO :"role";

-- Heard again, a recording is replaced; its laughs go with it, which needs no right of its own.
GRANT DELETE ON recordings TO :"role";

COMMIT;
