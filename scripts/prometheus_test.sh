#!/bin/sh
# Tests deploy/prometheus for a fleet: the rules with promtool, and every query of the dashboard and of the rules on a real
# Prometheus that has scraped metrics of real runs.
#
#   scripts/prometheus_test.sh [PROGRAM]       PROGRAM defaults to target/release/giggles; takes about 15 seconds
#
# Needs promtool and prometheus; scripts/test.sh unpacks them into target/tools.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/usr/bin

program=$(realpath "${1:-target/release/giggles}")
for need in promtool prometheus; do
    command -v "$need" >/dev/null || {
        echo "scripts/prometheus_test.sh: $need is missing; scripts/test.sh unpacks Debian's package" >&2
        exit 1
    }
done

promtool check rules deploy/prometheus/fleet.rules.yml >/dev/null
(cd deploy/prometheus && promtool test rules fleet.rules.test.yml >/dev/null)
echo 'ok: the rules of a fleet pass their tests'
python3 scripts/prometheus/dashboard.py "$program"
