#!/bin/sh
# Measures giggles serve on 1,000 days with 1.44 million laughs (scripts/serve/load.py): latencies by wrk, and memory.
#
#   scripts/serve_load.sh [PROGRAM [ADDRESS...]]     PROGRAM defaults to target/release/giggles; takes some minutes
#
# Needs python3, taskset, wrk (Debian's package), two cores, and 2 GB in the temporary folder.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/usr/bin
LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}:$PWD/target/tools/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH

command -v wrk >/dev/null || {
    echo "scripts/serve_load.sh: wrk is missing; apt-get install wrk" >&2
    exit 1
}
program=${1:-target/release/giggles}
[ $# -eq 0 ] || shift
exec python3 scripts/serve/load.py "$program" "$@"
