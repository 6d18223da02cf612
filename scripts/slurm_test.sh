#!/bin/bash
# Tests deploy/slurm with a real Slurm of one node, whose daemons run as root in a temporary folder, and a real Postgres.
#
#   sudo scripts/slurm_test.sh [PROGRAM]       PROGRAM defaults to target/release/giggles; takes about a minute and a half
#
# Needs slurm-wlm and munge (Debian's packages). No running Slurm of the machine is used or changed.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
if [ -z "${GIGGLES_SLURM_TEST:-}" ]; then
    [ "$(id -u)" -eq 0 ] || {
        echo "scripts/slurm_test.sh: slurmd must be root to start tasks; run it with sudo" >&2
        exit 1
    }
    GIGGLES_SLURM_TEST=1 exec scripts/with_postgres.sh "$0" "$program"
fi

folder=$(mktemp -d)
export SLURM_CONF=$folder/slurm.conf
end() {
    local file
    scancel --user root 2>/dev/null || true
    for file in "$folder"/*.pid; do
        [ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
    done
    sleep 1
    rm -rf "$folder"
}
trap end EXIT

fail() {
    echo "FAILED: $*"
    squeue --all || true
    tail -n 20 "$folder"/*.log
    exit 1
}

ok() {
    echo "ok: $*"
}

ask() {
    psql --no-psqlrc --tuples-only --no-align --command "$1" "$url"
}

# Waits until a command is true.
until_true() {
    local waited=0
    until "$@" >/dev/null 2>&1; do
        sleep 0.5
        waited=$((waited + 1))
        [ "$waited" -lt 240 ] || fail "waited two minutes for: $*"
    done
}

state_is() {
    [ "$(scontrol --oneliner show job "$1" | grep -o 'JobState=[A-Z_]*' | sort -u | tr '\n' ' ')" = "JobState=$2 " ]
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

host=$(hostname --short)
chmod 755 "$folder"
dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 2>/dev/null
chmod 600 "$folder/munge.key"
munged --force --key-file="$folder/munge.key" --socket="$folder/munge" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/seed" 2>/dev/null
cat >"$folder/slurm.conf" <<CONF
ClusterName=giggles
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=1
SlurmdParameters=config_overrides
# What README.md asks for.
RequeueExit=75
Licenses=postgres:2
MaxArraySize=4
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000
PartitionName=batch Nodes=$host Default=YES OverSubscribe=FORCE:4 MaxTime=60
CONF
mkdir "$folder/state" "$folder/spool" "$folder/recordings"
slurmctld -c
slurmd -c
until_true sh -c "sinfo --noheader --format %t | grep -q idle"

# Five sources, in arrays of three tasks.
url=$DATABASE_URL
echo '# a comment' >"$folder/sources"
for source in neil ada "it's é" grace empty; do
    mkdir "$folder/recordings/$source"
    [ "$source" = empty ] || cp fixtures/clips/laugh_male_scratch2.flac "$folder/recordings/$source/20251024_120000.flac"
    echo "$source" >>"$folder/sources"
done
settings() {
    cat >"$folder/slurm.env" <<ENV
GIGGLES_SOURCES='$folder/sources'
GIGGLES_ROOT='$folder/recordings'
DATABASE_URL='$1'
GIGGLES_TZ='UTC'
GIGGLES_BIN='$program'
GIGGLES_ARRAY_SIZE='3'
GIGGLES_SBATCH_FLAGS='--partition=batch --licenses=postgres:1'
ENV
}
settings "$url"
export GIGGLES_SLURM_ENV=$folder/slurm.env
nightly=$(realpath deploy/slurm/nightly.sh)
cd "$folder"

check=$("$nightly" 2025-10-24)
until_true state_is "$check" FAILED
[ "$(ask 'SELECT count(*), count(DISTINCT source) FROM recordings')" = '4|4' ] || fail 'not every source is stored once'
[ "$(ask 'SELECT count(*) FROM runs WHERE exit_code = 0')" = 5 ] || fail 'not five runs'
grep -q empty giggles-check-*.log || fail 'the check does not name the source without recordings'
[ "$(ask "SELECT count(*) FROM runs WHERE external_id LIKE 'slurm-%-0'")" = 5 ] || fail 'the runs do not have the id of their task'
ok 'an array of sources is scanned; the check runs after all tasks and names the source without recordings'

cp "$folder/recordings/neil/20251024_120000.flac" "$folder/recordings/empty/"
rm giggles-*.log
check=$("$nightly" 2025-10-24)
until_true state_is "$check" COMPLETED
[ "$(ask 'SELECT count(*) FROM recordings')" = 5 ] || fail 'a second run stored something twice'
ok 'a second run stores only what is new, and its check succeeds'

# The database is away, then comes back: 75 is requeued. Slurm waits two minutes before that; the test does not.
settings "postgres://giggles@127.0.0.1:1/postgres"
rm giggles-*.log
check=$("$nightly" 2025-10-25)
requeued() { [ "$(squeue --noheader --array --name giggles --format '%r %t' | grep -c 'BeginTime PD')" -ge 1 ]; }
until_true requeued
state_is "$check" PENDING || fail 'the check did not wait for the requeued tasks'
settings "$url"
again() {
    squeue --noheader --array --name giggles --states PENDING --format %A | while read -r job; do
        scontrol update "jobid=$job" starttime=now 2>/dev/null || true
    done
    state_is "$check" FAILED
}
until_true again
[ "$(ask "SELECT count(*) FROM runs WHERE window_from = '2025-10-25'")" = 5 ] || fail 'not every source was tried again'
ok '75 is requeued, and the check waits for it'

# scancel sends SIGTERM to the step.
mkdir "$folder/recordings/long"
printf 'RIFF\377\377\377\177WAVEfmt \020\0\0\0\001\0\001\0\100\037\0\0\100\037\0\0\001\0\010\0data\377\377\377\177' \
    >"$folder/recordings/long/20251024_000000.wav"
truncate --size 2G "$folder/recordings/long/20251024_000000.wav"
echo long >"$folder/sources"
runs=$(ask 'SELECT count(*) FROM runs')
rm giggles-*.log
check=$("$nightly" 2025-10-24)
running() { [ -n "$(squeue --noheader --name giggles --states RUNNING --steps --format %i)" ] && pgrep -f -- '--source long' >/dev/null; }
until_true running
sleep 1
scancel --name giggles
until_true state_is "$check" FAILED
cat giggles-[0-9]*.log | grep -q 'nothing of this run was stored' || fail 'giggles did not end by SIGTERM'
[ "$(ask 'SELECT count(*) FROM runs')" = "$runs" ] || fail 'the run was stored'
ok 'scancel rolls a run back; the check runs all the same'
