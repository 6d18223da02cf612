#!/bin/sh
# Checks the event-based measures of `giggles evaluate` against sed_eval and sed_scores_eval: computes the annotations and
# counts of tests/measures/golden.json again and compares. tests/it/measures.rs compares giggles with that file. Not one of
# the quick tests, because it downloads both packages from PyPI.
#
#   scripts/measures.sh             compares
#   scripts/measures.sh --write     writes the file
#
# Needs python3 with venv, 3.11 or newer, and a C compiler. The virtual environment stays in target/venv.
set -eu
cd "$(dirname "$0")/.."
golden=tests/measures/golden.json

environment=$(scripts/venv.sh measures scripts/measures/requirements.txt)
made=$(mktemp)
trap 'rm "$made"' EXIT
PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" scripts/measures/golden.py >"$made"
if [ "${1:-}" = --write ]; then
    cp "$made" "$golden"
else
    diff "$golden" "$made"
    echo "sed_eval and sed_scores_eval give the numbers of $golden"
fi
