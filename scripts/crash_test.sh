#!/bin/sh
# Kills a run with kill -9 at 200 random moments on SQLite and at 200 on a real Postgres; after each, checks the
# database and completes the run. Then tests a Postgres that does not come back. Takes some minutes; ends with 0 if no
# row was ever lost, duplicated or incomplete.
#
#   scripts/crash_test.sh
#   GIGGLES_KILLS=1000 scripts/crash_test.sh        more kills
#   GIGGLES_SEED=N scripts/crash_test.sh            the moments of an earlier run, which printed its seed
#
# Needs what scripts/test.sh needs. The tests themselves are tests/it/killed.rs and tests/it/outages.rs.
set -eu
cd "$(dirname "$0")/.."

exec cargo test --release --locked --test it -- --ignored --nocapture --test-threads=1 killed:: outages:: postgres::
