#!/bin/sh
# What decoding to 16 kHz mono costs beside ffmpeg, codec by codec: CPU seconds, and the ratio.
#
#   benches/compare/codecs.sh [--rounds N] [--minutes M] [--bench EXECUTABLE]
#
# Needs ffmpeg, and nothing of setup.sh.
set -eu
cd "$(dirname "$0")/../.."
command -v ffmpeg >/dev/null 2>&1 || {
    echo "benches/compare/codecs.sh: ffmpeg is missing; apt-get install ffmpeg" >&2
    exit 1
}
exec "${PYTHON:-python3}" benches/compare/codecs.py "$@"
