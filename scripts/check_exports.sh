#!/bin/sh
# Exports as the programs that they are for read them: a scan of the fixtures, every format, and each laugh's start
# and end held against the database. Not one of the quick tests, since it fetches crowsetta and pandas from PyPI.
#
#   scripts/check_exports.sh [PROGRAM]      PROGRAM is target/debug/giggles unless told; cargo build makes it
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
"$environment/bin/python" -c 'import crowsetta' 2>/dev/null ||
    "$environment/bin/pip" install --quiet --disable-pip-version-check crowsetta==5.1.2

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
database=sqlite:$folder/laughs.db

"$program" scan fixtures --database "$database" --tz UTC --quiet
for format in audacity raven csv jsonl json; do
    mkdir "$folder/$format"
    "$program" export --database "$database" --format "$format" --folder "$folder/$format" --quiet
done
for format in csv jsonl json; do
    "$program" export --database "$database" --format "$format" >"$folder/all.$format"
done
"$environment/bin/python" scripts/check_exports.py "$folder"
