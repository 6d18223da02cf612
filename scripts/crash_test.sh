#!/bin/sh
# kill -9 at 200 random moments of a run on SQLite and at 200 on a real Postgres; after each, the database is
# looked through and the night completed. Then a Postgres that stays away for good. Some minutes; ends with 0
# if nothing was ever lost, double or half.
#
#   scripts/crash_test.sh
#   GIGGLES_KILLS=1000 scripts/crash_test.sh        more of them
#   GIGGLES_SEED=N scripts/crash_test.sh            the moments of an earlier run, which printed its seed
#
# Needs what scripts/test.sh needs. The tests themselves are tests/killed.rs and tests/outages.rs.
set -eu
cd "$(dirname "$0")/.."

exec cargo test --release --locked --test killed --test outages --test postgres -- --ignored --nocapture --test-threads=1
