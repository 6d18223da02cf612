#!/bin/sh
# Tests deploy/container: builds the image twice, and runs it as an engine would: read-only, without capabilities, as a user
# without a name, against a real Postgres.
#
#   sudo scripts/container_test.sh [PROGRAM]       PROGRAM defaults to target/release/giggles; takes about half a minute
#
# Needs buildah and podman. The container uses the host's network (scripts/with_podman.sh).
set -eu
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
if [ -z "${GIGGLES_PODMAN:-}" ]; then
    venv=$(scripts/venv.sh)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    GIGGLES_PODMAN=$folder GIGGLES_VENV=$venv scripts/with_postgres.sh scripts/with_podman.sh "$folder" "$0" "$program"
    exit
fi

image=localhost/giggles:test
folder=$GIGGLES_PODMAN
mkdir "$folder/recordings" "$folder/clips"
cp fixtures/clips/laugh_male_scratch2.flac "$folder/recordings/20251024_120000.flac"
chmod -R a+rX "$folder" && chmod 777 "$folder/clips"

fail() {
    echo "FAILED: $*"
    exit 1
}

ok() {
    echo "ok: $*"
}

ask() {
    psql --no-psqlrc --tuples-only --no-align --command "$1" "$DATABASE_URL"
}

# A container as deploy/container/README.md runs it. The root file system is read-only, and only /tmp can be written.
giggles() {
    podman run --rm --read-only --read-only-tmpfs=false --tmpfs /tmp --cap-drop all --security-opt no-new-privileges \
        --network host --env DATABASE_URL --env GIGGLES_TZ=UTC --volume "$folder/recordings:/recordings:ro" "$@"
}

for file in deploy/container/Containerfile deploy/container/worker/Containerfile; do
    "$GIGGLES_VENV/bin/hadolint" "$file"
done
ok 'hadolint finds nothing'

first=$(deploy/container/build.sh "$program" "$image")
buildah rmi --force "$first" >/dev/null
second=$(deploy/container/build.sh "$program" "$image")
[ "$first" = "$second" ] || fail "two builds have two digests: $first, $second"
ok "two builds have one digest: $first"

"$GIGGLES_VENV/bin/python" scripts/container/sbom_check.py target/container/sbom.cdx.json "$program"
ok 'the list of parts keeps to the schema of CycloneDX 1.6 and holds what is linked'

# Nothing but what build.sh puts there: no shell, no setuid, nothing that can be written except /tmp.
mounted=$(podman image mount "$image")
find "$mounted" -type f -perm /7002 | grep . && fail 'a file is setuid or writable'
[ -z "$(find "$mounted" -name 'sh' -o -name 'bash')" ] || fail 'there is a shell'
[ "$(podman image inspect --format '{{.Config.User}}' "$image")" = 65532:65532 ] || fail 'the user is not a number'
[ -s "$mounted/etc/ssl/certs/ca-certificates.crt" ] || fail 'no CA certificates'
podman image unmount "$image" >/dev/null
ok 'the image holds no shell and nothing setuid; its user is a number'

code=0
giggles "$image" scan --quiet --source neil --date 2025-10-24 /recordings || code=$?
[ "$code" = 0 ] || fail "a scan ended with $code"
[ "$(ask "SELECT count(*) > 0 FROM detections")" = t ] || fail 'no laugh is stored'
giggles "$image" scan --quiet --source neil --date 2025-10-24 /recordings
[ "$(ask 'SELECT analyzed, skipped FROM runs ORDER BY started_at DESC LIMIT 1')" = '0|1' ] || fail 'not skipped'
giggles "$image" status --date 2025-10-24 --source neil >/dev/null || fail 'the day is not complete'
ok 'it scans into Postgres, read-only, without capabilities; again, it skips'

giggles --volume "$folder/clips:/clips" "$image" scan --quiet --source ada --clips /clips /recordings
[ "$(find "$folder/clips" -type f -name '*.flac' ! -user 65532 | wc -l)" = 0 ] || fail 'clips of another user'
[ "$(find "$folder/clips" -type f -name '*.flac' | wc -l)" -gt 0 ] || fail 'no clip'
code=0
giggles "$image" scan --quiet --source ada --clips /clips-that-are-not /recordings 2>/dev/null || code=$?
[ "$code" = 78 ] || fail "a folder in the read-only root ended with $code, not 78"
ok 'clips are of the user 65532; outside of volumes nothing can be written'

# AWS Batch and Fargate mount nothing on /tmp: the user of the image must be able to write there.
podman run --rm --cap-drop all --security-opt no-new-privileges --network host --env GIGGLES_TZ=UTC \
    --volume "$folder/recordings:/recordings:ro" "$image" scan --quiet --database sqlite:/tmp/laughs.db /recordings ||
    fail 'the user 65532 cannot write into /tmp of the image'
ok 'without volumes, /tmp of the image can be written'

# Names are resolved with /etc/hosts and DNS, and a host that is not there is 75.
named=$(echo "$DATABASE_URL" | sed 's/127\.0\.0\.1/localhost/')
DATABASE_URL=$named giggles "$image" status >/dev/null || fail 'localhost is not resolved'
code=0
DATABASE_URL=postgres://giggles@db.invalid/x giggles "$image" scan --quiet /recordings 2>/dev/null || code=$?
[ "$code" = 75 ] || fail "an unknown host ended with $code, not 75"
ok 'names of hosts are resolved'

# giggles is process 1 there, which gets only the signals that it asks for.
mkdir "$folder/long"
printf 'RIFF\377\377\377\177WAVEfmt \020\0\0\0\001\0\001\0\100\037\0\0\100\037\0\0\001\0\010\0data\377\377\377\177' \
    >"$folder/long/20251024_000000.wav"
truncate --size 2G "$folder/long/20251024_000000.wav"
runs=$(ask 'SELECT count(*) FROM runs')
podman run --detach --name long --read-only --cap-drop all --network host --env DATABASE_URL --env GIGGLES_TZ=UTC \
    --volume "$folder/long:/long:ro" "$image" scan --source long /long >/dev/null
sleep 2
podman stop --time 10 long >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' long)
[ "$code" = 143 ] || fail "stopped, it ended with $code, not 143"
[ "$(ask 'SELECT count(*) FROM runs')" = "$runs" ] || fail 'it was stored'
ok 'podman stop rolls a run back: 143'

scripts/container/compose_test.sh "$image"
