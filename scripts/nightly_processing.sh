#!/bin/sh
# The night: settings from one file, then `giggles scan`, whose exit code is this script's.
#
#   nightly_processing.sh [FLAG ...]        flags go to `giggles scan`, e.g. --quiet --date yesterday
#
# The file is $GIGGLES_ENV_FILE, or nightly.env beside this script, or /etc/giggles/nightly.env (see
# nightly.env.example). It may hold a password, so nobody but its owner may read it. systemd reads the same
# file by itself (deploy/systemd/giggles.service). This script runs under cron's bare environment.
set -eu

PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
settings=${GIGGLES_ENV_FILE:-$here/nightly.env}
[ -n "${GIGGLES_ENV_FILE:-}" ] || [ -e "$settings" ] || settings=/etc/giggles/nightly.env
# A name without a slash would be looked for in PATH when it is sourced.
case $settings in */*) ;; *) settings=./$settings ;; esac

# 78: configuration, as giggles itself says it.
refuse() {
    echo "nightly_processing.sh: $1" >&2
    exit 78
}

[ -r "$settings" ] || refuse "$settings cannot be read; copy $here/nightly.env.example there and fill it in"
[ -z "$(find -L "$settings" -prune \( -perm -040 -o -perm -020 -o -perm -004 -o -perm -002 \) -print)" ] ||
    refuse "$settings may be read or written by others; chmod 600 it"

! grep -q "$(printf '\r')" "$settings" || refuse "$settings has the line ends of Windows; save it with those of Unix"
wrong=$(sh -n "$settings" 2>&1) || refuse "$settings is no shell: $wrong"

set -a
# shellcheck source=/dev/null
. "$settings"
set +a

program=${GIGGLES_BIN:-$here/giggles}
command -v "$program" >/dev/null || refuse "there is no program $program; install giggles there, or set GIGGLES_BIN"
exec "$program" scan "$@"
