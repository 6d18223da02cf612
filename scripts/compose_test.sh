#!/bin/bash
# Brings deploy/container/compose.yaml up with podman-compose: Postgres, Redis, Celery's worker and scheduler, the web server, then a day.
#
#   sudo scripts/compose_test.sh [PROGRAM]       PROGRAM defaults to target/release/giggles; takes some minutes
#
# Needs podman, buildah, debootstrap and iproute2. The images of Postgres, Redis and Python are made of Debian's packages
# (scripts/container/stand-in), once, in target/container.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
fail() {
    echo "FAILED: $*"
    podman ps --all || true
    for name in worker scheduler api postgres redis; do podman logs "giggles_${name}_1" 2>&1 | tail -n 15 || true; done
    exit 1
}
ok() {
    echo "ok: $*"
}

case ${GIGGLES_COMPOSE_TEST:-} in
    '')
        venv=$(scripts/venv.sh)
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        GIGGLES_COMPOSE_TEST=images GIGGLES_VENV=$venv scripts/with_podman.sh "$folder" "$0" "$program" "$folder"
        exit
        ;;
    images)
        folder=$2
        context=target/container/stand-in
        mkdir -p "$context"
        if [ ! -s "$context/debian.tar" ]; then
            rm -rf "$context/root"
            debootstrap --variant=minbase --include=python3-venv,postgresql,redis-server,ca-certificates bookworm \
                "$context/root" >"$context/debootstrap.log" || {
                tail "$context/debootstrap.log"
                exit 1
            }
            rm -rf "$context/root/var/cache/apt" "$context/root/var/lib/apt" "$context/root/usr/share/doc"
            tar --create --file="$context/debian.tar" --directory="$context/root" --exclude=./dev --exclude=./proc .
            rm -rf "$context/root"
        fi
        cp --dereference /etc/ssl/certs/ca-certificates.crt scripts/container/stand-in/* "$context/"
        buildah build --quiet --tag localhost/stand-in "$context" >/dev/null
        deploy/container/build.sh "$program" localhost/giggles:0.1.0 >/dev/null
        buildah build --quiet --tag localhost/giggles-worker:0.1.0 --build-arg PYTHON=localhost/stand-in \
            --file deploy/container/worker/Containerfile deploy/celery >/dev/null
        ok 'the image of the workers is built'
        # A loopback network of their own: the usual ports are free there.
        GIGGLES_COMPOSE_TEST=up exec unshare --net "$0" "$program" "$folder"
        ;;
esac

folder=$2
ip link set lo up
mkdir -p "$folder/deploy" "$folder/recordings"
cp -r deploy/container deploy/celery "$folder/deploy/"
"$GIGGLES_VENV/bin/python" scripts/container/loopback.py deploy/container/compose.yaml >"$folder/deploy/container/loopback.yaml"
for source in neil ada grace; do
    mkdir "$folder/recordings/$source"
    cp fixtures/clips/laugh_male_scratch2.flac "$folder/recordings/$source/20251024_120000.flac"
done
chmod -R a+rX "$folder"
cd "$folder/deploy/container"
mkdir secrets
echo open-sesame >secrets/postgres_password
echo postgres://giggles:open-sesame@postgres/laughs >secrets/database_url
echo compose-test-0123456789abcdef >secrets/serve_tokens
chown 65532 secrets/database_url secrets/serve_tokens
chmod 600 secrets/*
printf '%s\n' neil ada grace >sources
export GIGGLES_RECORDINGS=$folder/recordings

compose() {
    "$GIGGLES_VENV/bin/podman-compose" --file loopback.yaml "$@"
}
ask() {
    podman exec giggles_postgres_1 psql --host=127.0.0.1 --username=giggles --dbname=laughs --tuples-only --no-align --command="$1"
}
# Without systemd, nothing runs the checks but this.
healthy() {
    podman healthcheck run "giggles_$1_1" >/dev/null 2>&1
}
until_true() {
    local waited=0
    until "$@"; do
        sleep 1
        waited=$((waited + 1))
        [ "$waited" -lt 120 ] || fail "waited two minutes for: $*"
    done
}
trap 'compose down --timeout 5 >/dev/null 2>&1' EXIT

compose up --detach >"$folder/up.log" 2>&1 || {
    cat "$folder/up.log"
    fail 'podman-compose up'
}
for name in postgres redis worker scheduler api; do
    until_true healthy "$name"
done
ok 'all five services are healthy'

podman exec giggles_scheduler_1 celery --app tasks call giggles.plan_day --args '["2025-10-24"]' >/dev/null
all_stored() { [ "$(ask 'SELECT count(DISTINCT source) FROM recordings' 2>/dev/null)" = 3 ]; }
until_true all_stored
[ "$(ask 'SELECT count(*) FROM recordings')" = 3 ] || fail 'a recording is stored twice'
sources=$(python3 -c 'import urllib.request; print(urllib.request.urlopen(urllib.request.Request(
    "http://127.0.0.1:8760/api/v1/sources", headers={"Authorization": "Bearer compose-test-0123456789abcdef"})).read().decode())')
[ "$(echo "$sources" | grep -o '"source":' | wc -l)" = 3 ] || fail "the web server shows $sources"
ok 'a day of three sources is stored, and the web server shows them'

podman stop --time 1 giggles_redis_1 >/dev/null
! healthy worker || fail 'the worker is healthy without its broker'
! healthy scheduler || fail 'the scheduler is healthy without its broker'
! healthy redis || fail 'redis is healthy, and stopped'
podman start giggles_redis_1 >/dev/null
until_true healthy redis
# What `restart: unless-stopped` does where an engine watches: Celery's worker may end when its broker goes away.
for name in worker scheduler; do
    podman start "giggles_${name}_1" >/dev/null
done
until_true healthy worker
until_true healthy scheduler
ok 'the health checks of worker and scheduler fail without the broker, and pass again with it'
