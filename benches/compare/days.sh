#!/bin/sh
# Whole days of sound: growth with length, use of the cores, memory. Needs python3 and ffmpeg.
#
#   benches/compare/days.sh [--no-build] [--no-growth]
set -eu
# The tables are of one view; others: GIGGLES_VIEWS=5.
export GIGGLES_VIEWS="${GIGGLES_VIEWS:-1}"
cd "$(dirname "$0")/../.."
command -v ffmpeg >/dev/null 2>&1 || {
    echo "benches/compare: install ffmpeg, then run it again" >&2
    exit 1
}
exec python3 benches/compare/days.py "$@"
