#!/bin/sh
# giggles' network against LiteRT, ONNX Runtime and OpenVINO: the same weights, the same patches, all f32.
#
#   benches/compare/engines.sh [--rounds N] [--seconds S] [--giggles EXECUTABLE | --no-giggles]
set -eu
python=$("$(dirname "$0")/setup.sh")
cd "$(dirname "$0")/../.."
exec "$python" benches/compare/engines.py "$@"
