#!/bin/sh
# kill -9 at 200 random moments of a run on SQLite and at 200 on a real Postgres; after each, the database is
# looked through and the night completed. Some minutes; ends with 0 if nothing was ever lost, double or half.
#
#   scripts/crash_test.sh                         GIGGLES_KILLS=1000 for more, GIGGLES_SEED=N for the same again
#
# Needs what scripts/test.sh needs. The tests themselves are tests/killed.rs.
set -eu
cd "$(dirname "$0")/.."

exec cargo test --release --locked --test killed -- --ignored --nocapture --test-threads=1
