#!/bin/sh
# Reads exports with the programs that they are for: scans the fixtures, exports every format, and compares each
# laugh's start and end with the database. Not one of the quick tests, because it downloads crowsetta, pandas, DuckDB
# and pyarrow from PyPI.
#
#   scripts/check_exports.sh [PROGRAM]      PROGRAM defaults to target/debug/giggles; cargo build creates it
#
# Needs python3 with venv, 3.11 or newer. The virtual environment stays in target/exports.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/debug/giggles}
environment=target/exports

[ -x "$program" ] || {
    echo "scripts/check_exports.sh: $program is missing; run cargo build, or name the program" >&2
    exit 1
}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -c 'import crowsetta, duckdb, pyarrow' 2>/dev/null ||
    "$environment/bin/pip" install --quiet --disable-pip-version-check crowsetta==5.1.2 duckdb==2.0.1 pyarrow==26.0.1

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
database=sqlite:$folder/laughs.db

"$program" scan fixtures --database "$database" --tz UTC --quiet
for format in audacity raven csv jsonl json; do
    mkdir "$folder/$format"
    "$program" export --database "$database" --format "$format" --folder "$folder/$format" --quiet
done
for format in csv recordings jsonl json; do
    "$program" export --database "$database" --format "$format" >"$folder/all.$format"
done
"$environment/bin/python" scripts/check_exports.py "$folder"
