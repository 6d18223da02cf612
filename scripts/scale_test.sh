#!/bin/sh
# Simulates a fleet on one machine with Postgres, Redis and Celery: SOURCES x DAYS recordings, 20 % of the tasks twice,
# workers killed every few seconds, Postgres restarted twice. Afterwards every source's days are complete, and the rows
# equal those of plain runs, one after the other, bit for bit. Prints the table of docs/scale.md. Then runs the tests of
# deploy/ that are too heavy for scripts/test.sh: Lambda with SeaweedFS, Celery with RabbitMQ, Slurm, compose. Those whose
# programs are missing are named at the end.
#
#   scripts/scale_test.sh [PROGRAM]                             about half an hour; PROGRAM: target/release/giggles
#   SOURCES=40 DAYS=3 WORKERS=2 scripts/scale_test.sh           a small fleet, a minute or two
#   SEED=N scripts/scale_test.sh                                the kills of an earlier run, which printed its seed
#
# Needs python3 with venv, PostgreSQL and redis-server; for the others rabbitmq-server, slurm-wlm, munge, podman, buildah,
# debootstrap, and root.
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
not_run=

# heavy COMMAND-LINE PROGRAM...: runs it if all of these programs are there; `root` stands for being root.
heavy() {
    line=$1
    shift
    for needed; do
        if [ "$needed" = root ]; then
            [ "$(id -u)" -eq 0 ] && continue
        else
            command -v "$needed" >/dev/null && continue
        fi
        not_run="$not_run
NOT RUN, because it needs $needed: $line"
        return 0
    done
    echo
    echo "== $line"
    # shellcheck disable=SC2086 # words
    env $line "$program"
}

heavy 'STORE=seaweedfs scripts/lambda_test.sh'
heavy 'BROKER=rabbitmq scripts/celery_test.sh' rabbitmq-server
heavy 'scripts/slurm_test.sh' root slurmctld slurmd munged
heavy 'scripts/compose_test.sh' root podman buildah debootstrap ip
echo "$not_run"
