#!/bin/sh
# Simulates a fleet on one machine with Postgres, Redis and Celery: SOURCES x DAYS recordings, 20 % of the tasks twice,
# workers killed every few seconds, Postgres restarted twice. Afterwards every source's days are complete, and the rows
# equal those of plain runs, one after the other, bit for bit. Prints the table of docs/scale.md. Then repeats
# scripts/celery_test.sh with RabbitMQ.
#
#   scripts/scale_test.sh [PROGRAM]                             about twenty minutes; PROGRAM: target/release/giggles
#   SOURCES=40 DAYS=3 WORKERS=2 scripts/scale_test.sh           a small one, a minute or two
#   SEED=N scripts/scale_test.sh                                the kills of an earlier run, which printed its seed
#
# Needs python3 with venv, PostgreSQL, redis-server and, for the last part, rabbitmq-server.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/giggles}

refuse() {
    echo "scripts/scale_test.sh: $1" >&2
    exit 1
}

[ -x "$program" ] || refuse "$program is missing; run cargo build --release, or name the program"
command -v redis-server >/dev/null || refuse "redis-server is missing; apt-get install redis-server"

environment=$(scripts/venv.sh)
PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" scripts/fleet/scale_test.py --sources "${SOURCES:-1000}" \
    --days "${DAYS:-3}" --workers "${WORKERS:-4}" --seed "${SEED:-$(date +%s)}" "$program"

PATH=$PATH:/usr/sbin
if command -v rabbitmq-server >/dev/null; then
    echo
    BROKER=rabbitmq scripts/celery_test.sh "$program"
else
    echo 'NOT RUN, because it needs rabbitmq-server: BROKER=rabbitmq scripts/celery_test.sh'
fi
