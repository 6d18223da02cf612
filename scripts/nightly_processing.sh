#!/bin/sh
# The nightly run: reads settings from one file, then runs `giggles scan` and ends with its exit code.
#
#   nightly_processing.sh [FLAG ...]        flags go to `giggles scan`, e.g. --quiet --date yesterday
#
# The file is $GIGGLES_ENV_FILE, or nightly.env beside this script, or /etc/giggles/nightly.env (see
# nightly.env.example). It may contain a password, so only its owner may read it. systemd reads the same file
# itself (deploy/systemd/giggles.service). This script works in cron's minimal environment.
set -eu

PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
settings=${GIGGLES_ENV_FILE:-$here/nightly.env}
[ -n "${GIGGLES_ENV_FILE:-}" ] || [ -e "$settings" ] || settings=/etc/giggles/nightly.env
# `.` would search PATH for a name without a slash.
case $settings in */*) ;; *) settings=./$settings ;; esac

# 78: configuration error, as in giggles itself.
refuse() {
    echo "nightly_processing.sh: $1" >&2
    exit 78
}

[ -r "$settings" ] || refuse "$settings cannot be read; copy $here/nightly.env.example there and fill it in"
[ -z "$(find -L "$settings" -prune \( -perm -040 -o -perm -020 -o -perm -004 -o -perm -002 \) -print)" ] ||
    refuse "$settings may be read or written by others; chmod 600 it"

! grep -q "$(printf '\r')" "$settings" || refuse "$settings has the line ends of Windows; save it with those of Unix"
wrong=$(sh -n "$settings" 2>&1) || refuse "$settings is not a shell script: $wrong"

set -a
# shellcheck source=/dev/null
. "$settings"
set +a
# sh has read the file; the program would read it again, and refuses what only sh understands.
unset GIGGLES_ENV_FILE

program=${GIGGLES_BIN:-$here/giggles}
command -v "$program" >/dev/null || refuse "there is no program $program; install giggles there, or set GIGGLES_BIN"
exec "$program" scan "$@"
