#!/bin/sh
# Tests deploy/kubernetes: the manifests against the schemas of Kubernetes, their values against what the schemas do not
# know, and the pods' command, environment and user with podman against a real Postgres. There is no cluster.
#
#   sudo scripts/kubernetes_test.sh [PROGRAM]      PROGRAM defaults to target/release/giggles; takes about half a minute
set -eu
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/giggles}")
if [ -z "${GIGGLES_PODMAN:-}" ]; then
    venv=$(scripts/venv.sh)
    "$venv/bin/kubernetes-validate" --strict --quiet deploy/kubernetes/*.yaml
    echo 'ok: kubernetes-validate --strict passes every manifest'
    "$venv/bin/python" scripts/kubernetes/rules.py deploy/kubernetes/*.yaml
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    GIGGLES_PODMAN=$folder GIGGLES_VENV=$venv scripts/with_postgres.sh scripts/with_podman.sh "$folder" "$0" "$program"
    exit
fi

image=localhost/giggles:test
deploy/container/build.sh "$program" "$image" >/dev/null
"$GIGGLES_VENV/bin/python" scripts/kubernetes/pods.py "$image" "$GIGGLES_PODMAN"
