#!/bin/sh
# giggles against pipelines of Python, from a file to what was found in it: wall, CPU, memory.
#
#   benches/compare/pipelines.sh [--rounds N] [--usual-rounds N] [--minutes M] [--pin] [--no-build]
set -eu
# The tables are of one view; others: GIGGLES_VIEWS=5.
export GIGGLES_VIEWS="${GIGGLES_VIEWS:-1}"
python=$("$(dirname "$0")/setup.sh" ffmpeg ffmpeg opusenc opus-tools)
cd "$(dirname "$0")/../.."
exec "$python" benches/compare/pipelines.py "$@"
