#!/bin/sh
# Tests deploy/celery with a real broker, a real Postgres and real workers: a day of 20 sources, killed processes and
# workers, a held lock, time limits, warm shutdown, a restarted broker. Takes about a minute.
#
#   scripts/celery_test.sh [PROGRAM]                       PROGRAM defaults to target/release/giggles
#   BROKER=rabbitmq scripts/celery_test.sh [PROGRAM]       with RabbitMQ instead of Redis; some minutes
#
# Needs python3 with venv, PostgreSQL, and redis-server or rabbitmq-server. The virtual environment stays in target/venv.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/giggles}
broker=${BROKER:-redis}

refuse() {
    echo "scripts/celery_test.sh: $1" >&2
    exit 1
}

[ -x "$program" ] || refuse "$program is missing; run cargo build --release, or name the program"
command -v "$broker-server" >/dev/null || PATH=$PATH:/usr/sbin
command -v "$broker-server" >/dev/null || refuse "$broker-server is missing; apt-get install $broker-server"

environment=$(scripts/venv.sh)
PYTHONDONTWRITEBYTECODE=1 exec "$environment/bin/python" scripts/fleet/celery_test.py --broker "$broker" "$program"
