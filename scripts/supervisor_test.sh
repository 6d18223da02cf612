#!/bin/sh
# Tests deploy/supervisor with a real supervisord: the nightly run with its exit codes, SIGTERM, and a Celery worker and
# beat with a real Redis. Takes about twenty seconds.
#
#   scripts/supervisor_test.sh [PROGRAM]         PROGRAM defaults to target/release/giggles
#
# Needs python3 with venv, and redis-server. The virtual environment stays in target/venv.
#
# shellcheck disable=SC2016 # wait_for and check evaluate their conditions
set -eu
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/giggles}")

refuse() {
    echo "scripts/supervisor_test.sh: $1" >&2
    exit 1
}

[ -x "$program" ] || refuse "$program is missing; run cargo build --release, or name the program"
command -v redis-server >/dev/null || refuse "redis-server is missing; apt-get install redis-server"
environment=$(scripts/venv.sh)
export PYTHONDONTWRITEBYTECODE=1

folder=$(mktemp -d)
clean_up() {
    control shutdown >/dev/null 2>&1 || true
    [ ! -e "$folder/supervisord.pid" ] || wait_for '[ ! -e "$folder/supervisord.pid" ]'
    [ -z "${redis:-}" ] || kill "$redis"
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

control() {
    "$environment/bin/supervisorctl" --configuration "$folder/supervisord.conf" "$@"
}

# Waits until the shell condition $1 is true.
wait_for() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "timed out: $1"
        sleep 0.1
    done
}

fail() {
    echo "FAILED: $1"
    tail -n 30 "$folder"/*.log
    exit 1
}

check() {
    eval "$2" || fail "$1"
    echo "ok: $1"
}

log() {
    grep -q "$1" "$folder/supervisord.log"
}

# The files of deploy/, with the paths of this test.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$folder/recordings"
cat >"$folder/nightly.env" <<SETTINGS
GIGGLES_RECORDINGS='$folder/recordings'
DATABASE_URL='sqlite:$folder/laughs.db'
GIGGLES_TZ='UTC'
GIGGLES_THREADS='1'
GIGGLES_BIN='$program'
SETTINGS
cat >"$folder/celery.env" <<SETTINGS
CELERY_BROKER_URL='redis://127.0.0.1:$port/0'
CELERY_BIN='$environment/bin/celery'
DATABASE_URL='sqlite:$folder/laughs.db'
GIGGLES_FOLDER='$folder/recordings/{source}'
GIGGLES_SOURCES='$folder/sources'
GIGGLES_TZ='UTC'
GIGGLES_CONCURRENCY='1'
GIGGLES_PLAN_AT='* * * * *'
GIGGLES_BIN='$program'
SETTINGS
echo neil >"$folder/sources"
chmod 600 "$folder"/*.env
cat >"$folder/supervisord.conf" <<SETTINGS
[supervisord]
logfile=$folder/supervisord.log
pidfile=$folder/supervisord.pid
environment=GIGGLES_ENV_FILE="$folder/nightly.env",GIGGLES_CELERY_ENV="$folder/celery.env"
[unix_http_server]
file=$folder/supervisor.sock
[supervisorctl]
serverurl=unix://$folder/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
SETTINGS
sed -e '/^user=/d' -e "s|/opt/giggles|$PWD|" -e "s|/var/l[a-z]*/giggles|$folder|" -e 's/^startsecs=10$/startsecs=2/' \
    deploy/supervisor/giggles.conf >>"$folder/supervisord.conf"

redis-server --port "$port" --bind 127.0.0.1 --save '' >"$folder/redis.log" &
redis=$!
"$environment/bin/supervisord" --configuration "$folder/supervisord.conf"
wait_for 'control pid >/dev/null 2>&1'

# Exit codes of the nightly run: none is expected to start it again.
nightly() {
    control start giggles-nightly >/dev/null
    wait_for "log 'exited: giggles-nightly (exit status $1;'"
}
nightly 4
check 'no recordings: 4, and the run is not started again' '[ "$(control status giggles-nightly | grep -c EXITED)" -eq 1 ]'
scripts/away_from_midnight.sh
yesterday=$(date --utc --date yesterday +%Y%m%d)
mkdir "$folder/recordings/neil"
cp fixtures/clips/laugh_male_scratch2.flac "$folder/recordings/neil/${yesterday}_120000.flac"
touch -d '1 hour ago' "$folder/recordings/neil"/*
nightly 0
check 'a run: 0, and the day is complete' \
    '"$program" status --database "sqlite:$folder/laughs.db" --date yesterday --tz UTC >"$folder/status.log"'
head -c 20000 fixtures/evening/20251024_190000-20251024_190800.ogg >"$folder/recordings/neil/${yesterday}_130000.ogg"
printf 'no sound at all' >"$folder/recordings/neil/${yesterday}_140000.flac"
touch -d '1 hour ago' "$folder/recordings/neil"/*
nightly 3
check 'a damaged recording: 3' 'grep -q 140000 "$folder/nightly.log"'
chmod 644 "$folder/nightly.env"
nightly 78
check 'settings that others may read: 78' 'grep -q "chmod 600" "$folder/nightly.log"'
chmod 600 "$folder/nightly.env"

# A frozen run keeps running until it gets a signal.
for minute in 10 20 30 40; do
    cp fixtures/evening/20251024_190000-20251024_190800.ogg "$folder/recordings/neil/${yesterday}_15${minute}00.ogg"
    head -c "$minute" /dev/zero >>"$folder/recordings/neil/${yesterday}_15${minute}00.ogg"
done
touch -d '1 hour ago' "$folder/recordings/neil"/*
control start giggles-nightly >/dev/null
pid=$(control pid giggles-nightly)
wait_for "grep -qz '^scan' /proc/$pid/cmdline"
kill -STOP "$pid"
check 'a second start changes nothing' 'control start giggles-nightly | grep -q "already started"'
kill -CONT "$pid"
control stop giggles-nightly >/dev/null
check 'stop is SIGTERM: the run rolls back, 143' "log 'stopped: giggles-nightly (exit status 143)'"
check 'nothing of it is stored' '[ "$("$program" status --database "sqlite:$folder/laughs.db" --json | grep -c exit_code)" -eq 3 ]'

# Celery.
wait_for 'control status giggles-worker | grep -q RUNNING'
wait_for 'control status giggles-beat | grep -q RUNNING'
worker=$(control pid giggles-worker)
kill -KILL "$worker"
wait_for 'log "exited: giggles-worker (terminated by SIGKILL; not expected)"'
wait_for 'control status giggles-worker | grep -q RUNNING'
check 'a killed worker is started again' '[ "$(control pid giggles-worker)" != "$worker" ]'
date=$(date --utc --date yesterday +%Y-%m-%d)
GIGGLES_CELERY_ENV=$folder/celery.env deploy/celery/celery.sh call giggles.scan --args "[\"neil\", \"$date\"]" >/dev/null
wait_for 'grep -q "giggles.scan.* succeeded" "$folder/worker.log"'
echo 'ok: the worker scans'
control stop giggles-worker giggles-beat >/dev/null
check 'stop is a warm shutdown' "log 'stopped: giggles-worker (exit status 0)'"
