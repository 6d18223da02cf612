#!/bin/sh
# Tests giggles serve with other programs: schemathesis asks every route against the OpenAPI document, promtool reads the
# metrics, Caddy and nginx stand in front as deploy/serve says, and a Postgres role has what deploy/postgres/serve.sql
# grants.
#
#   scripts/serve_test.sh [PROGRAM]     PROGRAM defaults to target/release/giggles; takes about half a minute
#
# Needs python3 with venv, psql, openssl, promtool, caddy and nginx; scripts/test.sh unpacks the last three into target/tools.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/usr/bin:$PWD/target/tools/usr/sbin:/usr/sbin

program=$(realpath "${1:-target/release/giggles}")
for need in promtool caddy nginx openssl psql; do
    command -v "$need" >/dev/null || {
        echo "scripts/serve_test.sh: $need is missing; scripts/test.sh unpacks Debian's package" >&2
        exit 1
    }
done
python=$(scripts/venv.sh serve scripts/serve/requirements.txt)/bin/python
exec scripts/with_postgres.sh "$python" scripts/serve/checks.py "$program"
