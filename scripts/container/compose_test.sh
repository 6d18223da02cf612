#!/bin/sh
# Checks compose.yaml: it can be read, and what it names exists. Part of scripts/container_test.sh.
set -eu
cd "$(dirname "$0")/../.."

config=$(mktemp)
trap 'rm -f "$config"' EXIT
"$GIGGLES_VENV/bin/podman-compose" --file deploy/container/compose.yaml config >"$config"
"$GIGGLES_VENV/bin/python" scripts/container/compose_check.py "$config"
echo 'ok: compose.yaml is read by podman-compose, and what it names exists'
