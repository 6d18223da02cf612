#!/bin/sh
# Creates the Python environment of the tests of deploy/, and prints its folder.
#
#   scripts/venv.sh                          target/venv/deploy, with every deploy/*/requirements.txt
#   scripts/venv.sh NAME REQUIREMENTS...     target/venv/NAME, with these files
#
# An environment is kept until its requirements or the Python change. Needs python3 with venv (python3-venv).
set -eu
cd "$(dirname "$0")/.."

name=${1:-deploy}
if [ $# -gt 1 ]; then
    shift
else
    set -- deploy/*/requirements.txt
fi

folder=$PWD/target/venv/$name
mkdir -p target/venv
# Two tests at the same time must not install into one folder.
exec 9>"$folder.lock"
flock 9

newest() {
    find "$1" -mindepth 1 -name '*-local' -printf '%f\n' | sort --version-sort | tail -n 1 | sed 's/-local$//'
}

wanted=$({ python3 --version && cat "$@"; } | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$folder/requirements.sha256" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    arguments=
    for file in "$@"; do
        arguments="$arguments --requirement $file"
    done
    # shellcheck disable=SC2086 # a list of flags; no file has a space in its name
    "$folder/bin/python" -m pip install --quiet --no-compile $arguments >&2
    # Of the schemas of Kubernetes, 100 MB in all, the newest ones are used (scripts/kubernetes_test.sh).
    for schemas in "$folder"/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema; do
        [ ! -d "$schemas" ] || find "$schemas" -mindepth 1 -maxdepth 1 ! -name "$(newest "$schemas")*" -exec rm -rf {} +
    done
    find "$folder" -type d -name tests -path '*/site-packages/*/tests' -prune -exec rm -rf {} +
    # Not needed any more: a change of the requirements makes a new environment.
    "$folder/bin/python" -m pip uninstall --quiet --yes pip setuptools
    echo "$wanted" >"$folder/requirements.sha256"
fi
echo "$folder"
