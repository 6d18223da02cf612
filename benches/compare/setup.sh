#!/bin/sh
# Prints the Python that the comparisons run with, after it has made its venv and installed what is missing.
#
#   python=$(benches/compare/setup.sh [COMMAND PACKAGE]...)
#
# Each COMMAND that is missing is installed as its Debian or Ubuntu PACKAGE. The venv is in $COMPARE_FOLDER
# (target/compare if unset) and is made again when requirements.txt changes. PYTHON names another python3 for it.
set -eu
cd "$(dirname "$0")/../.."

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_package() {
    have apt-get || {
        echo "benches/compare: install $1, then run it again" >&2
        exit 1
    }
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1" >&2
}

while [ $# -ge 2 ]; do
    have "$1" || install_package "$2"
    shift 2
done

python=${PYTHON:-python3}
venv=${COMPARE_FOLDER:-target/compare}/venv
wanted=benches/compare/requirements.txt
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    "$python" -c 'import ensurepip' 2>/dev/null || install_package python3-venv
    "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: -r "$wanted" >&2
    cp "$wanted" "$venv/"
fi
echo "$venv/bin/python"
