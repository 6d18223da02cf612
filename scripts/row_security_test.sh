#!/bin/sh
# Tests deploy/postgres/sources.sql on a real Postgres: the role of a source sees and reviews its own rows, and no others;
# scans go on as before.
#
#   scripts/row_security_test.sh [PROGRAM]     PROGRAM defaults to target/release/giggles; takes some seconds
set -eu
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
if [ -z "${GIGGLES_ROWS_TEST:-}" ]; then
    GIGGLES_ROWS_TEST=1 exec scripts/with_postgres.sh "$0" "$program"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
owner=$DATABASE_URL
unset DATABASE_URL
export GIGGLES_TZ=UTC

fail() {
    echo "FAILED: $*"
    exit 1
}

ok() {
    echo "ok: $*"
}

# The database's URL of a role.
url() {
    echo "$owner" | sed "s|//[^@]*@|//$1:open-barley@|"
}

ask() {
    psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command "$2" "$1"
}

# giggles as a role; the URL in the environment, where `ps` does not show it.
as() {
    role=$1
    shift
    DATABASE_URL=$(url "$role") "$program" "$@"
}

# A statement must be refused: 42501, insufficient privilege (also of row-level security).
refused() {
    ! ask "$1" "$2" >"$folder/refusal" 2>&1 || fail "$2 was not refused"
    grep -q 'permission denied\|row-level security\|must be owner' "$folder/refusal" || fail "$2: $(cat "$folder/refusal")"
}

mkdir "$folder/recordings"
cp fixtures/clips/laugh_male_scratch2.flac "$folder/recordings/20251024_120000.flac"
DATABASE_URL=$owner "$program" scan --quiet --allow-empty --source setup "$(mktemp -d -p "$folder")"
for _ in 1 2; do
    psql --no-psqlrc --quiet --set=role=fleet --file=deploy/postgres/role.sql "$owner"
    psql --no-psqlrc --quiet --set=role=fleet --file=deploy/postgres/sources.sql "$owner" 2>"$folder/notices"
done
! grep -v NOTICE "$folder/notices" || fail 'sources.sql cannot be repeated'
ask "$owner" "ALTER ROLE fleet PASSWORD 'open-barley'"
for source in neil ada; do
    ask "$owner" "CREATE ROLE $source LOGIN PASSWORD 'open-barley' IN ROLE giggles_sources"
done

for source in neil ada eve; do
    as fleet scan --quiet --source "$source" "$folder/recordings"
done
as fleet scan --quiet --source neil "$folder/recordings"
[ "$(ask "$owner" 'SELECT count(*), count(DISTINCT source) FROM recordings')" = '3|3' ] || fail 'not stored once'
as fleet doctor --source neil "$folder/recordings" >"$folder/doctor" 2>&1 ||
    fail "doctor: $(cat "$folder/doctor")"
! grep -q 'row-level security' "$folder/doctor" || fail "doctor doubts: $(cat "$folder/doctor")"
ok 'the role of the scans stores each recording once, and doctor has no doubts'

for source in neil ada; do
    for table in runs recordings reviews; do
        [ "$(ask "$(url "$source")" "SELECT count(*) FROM $table WHERE source <> '$source'")" = 0 ] ||
            fail "$source sees $table of others"
    done
    [ "$(ask "$(url "$source")" 'SELECT count(*) FROM recordings')" = 1 ] || fail "$source does not see its recording"
    [ "$(ask "$(url "$source")" 'SELECT count(*) FROM detections')" = \
        "$(ask "$owner" "SELECT count(*) FROM detections WHERE recording_id IN (SELECT id FROM recordings WHERE source = '$source')")" ] ||
        fail "$source does not see exactly its detections"
    for table in score_tracks candidates; do
        [ "$(ask "$(url "$source")" "SELECT count(*) FROM $table")" = \
            "$(ask "$owner" "SELECT count(*) FROM $table WHERE recording_id IN (SELECT id FROM recordings WHERE source = '$source')")" ] ||
            fail "$source does not see exactly its $table"
    done
done
as fleet redetect --quiet --source neil || fail 'the role of the scans cannot redetect'
as neil export --format csv >"$folder/neil.csv"
DATABASE_URL=$owner "$program" export --format csv --source neil >"$folder/wanted.csv"
cmp "$folder/neil.csv" "$folder/wanted.csv" || fail "neil's export is not neil's"
[ "$(wc -l <"$folder/neil.csv")" -gt 1 ] || fail 'the export is empty'
as ada status --date 2025-10-24 >"$folder/status" || fail "status: $(cat "$folder/status")"
! grep -q 'neil\|eve' "$folder/status" || fail 'status names other sources'
ok 'the role of a source sees its own rows, in SQL, status and export, and no others'

refused "$(url neil)" 'DELETE FROM recordings'
refused "$(url neil)" "UPDATE runs SET source = 'neil'"
refused "$(url neil)" 'ALTER TABLE recordings DISABLE ROW LEVEL SECURITY'
refused "$(url neil)" 'SET ROLE ada'
refused "$(url neil)" 'SET ROLE fleet'
code=0
as neil scan --quiet --source neil "$folder/recordings" 2>/dev/null || code=$?
[ "$code" = 78 ] || fail "a scan of a role that may only read ended with $code, not 78"
ok 'it can change nothing, nor become another role'

sum=$(sha256sum "$folder/recordings/20251024_120000.flac" | cut -d ' ' -f 1)
review() {
    printf '{"source":"%s","recording":"20251024_120000.flac","content_sha256":"%s","start_seconds":0.0,"end_seconds":2.88,' "$1" "$sum"
    printf '"starts_at":"2025-10-24T12:00:00Z","verdict":"%s","comment":null,"at":"2025-10-25T08:00:00Z"}\n' "$2"
}
review neil confirmed | as neil review import - >/dev/null || fail 'neil cannot review'
if review ada rejected | as neil review import - >/dev/null 2>&1; then
    fail "neil has reviewed ada's laugh"
fi
[ "$(ask "$owner" 'SELECT source, verdict FROM reviews')" = 'neil|confirmed' ] || fail 'the reviews are not those'
ok 'it reviews its own laughs, and no others'
