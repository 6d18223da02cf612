#!/bin/sh
# Submits a nightly run to Slurm: an array job with one task per source, and a check after all of them. Run it from cron on a
# login node; README.md explains it.
#
#   nightly.sh [DATE]          default: yesterday, in GIGGLES_TZ
#
# Settings are read from $GIGGLES_SLURM_ENV, or /etc/giggles/slurm.env (slurm.env.example).
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
GIGGLES_SLURM_ENV=${GIGGLES_SLURM_ENV:-/etc/giggles/slurm.env}
export GIGGLES_SLURM_ENV
# shellcheck source=/dev/null
. "$GIGGLES_SLURM_ENV"

# Fixed here, once: a task that is requeued after midnight is still of the same day.
date=${1:-$(TZ=${GIGGLES_TZ:-UTC} date --date yesterday +%F)}
# Lines that begin with # are comments, as for --expect and in scan.sbatch.
sources=$(grep -c '^[[:space:]]*[^#[:space:]]' "$GIGGLES_SOURCES") || {
    echo "nightly.sh: $GIGGLES_SOURCES names no source" >&2
    exit 78
}

# An array has at most MaxArraySize - 1 tasks: 1000, unless slurm.conf says more.
size=${GIGGLES_ARRAY_SIZE:-1000}
arrays=
first=0
while [ "$first" -lt "$sources" ]; do
    last=$((sources - first < size ? sources - first : size))
    # A word per flag.
    # shellcheck disable=SC2086
    array=$(sbatch --parsable --array="1-$last" ${GIGGLES_SBATCH_FLAGS:-} "$here/scan.sbatch" "$date" "$first")
    arrays="$arrays:${array%%;*}"
    first=$((first + last))
done
# afterany, not afterok: after one failure that would wait for ever.
sbatch --parsable --dependency="afterany$arrays" "$here/check.sbatch" "$date"
