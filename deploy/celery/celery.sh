#!/bin/sh
# Runs celery with the settings of one file, for supervisor, systemd, containers and people:
#
#   celery.sh worker --hostname giggles@%h
#   celery.sh beat --schedule /var/lib/giggles/celerybeat-schedule
#   celery.sh call giggles.plan_day --args '["2025-10-24"]'
#
# The file is $GIGGLES_CELERY_ENV, or /etc/giggles/celery.env (see celery.env.example). It may contain a password, so
# only its owner may read it. The program is $CELERY_BIN, or bin/celery of the virtual environment /opt/giggles/venv.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
settings=${GIGGLES_CELERY_ENV:-/etc/giggles/celery.env}
# `.` would search PATH for a name without a slash.
case $settings in */*) ;; *) settings=./$settings ;; esac

# 78: configuration error, as in giggles itself.
refuse() {
    echo "celery.sh: $1" >&2
    exit 78
}

[ -r "$settings" ] || refuse "$settings cannot be read; copy $here/celery.env.example there and fill it in"
[ -z "$(find -L "$settings" -prune -perm /066 -print)" ] ||
    refuse "$settings may be read or written by others; chmod 600 it"

set -a
# shellcheck source=/dev/null
. "$settings"
set +a

celery=${CELERY_BIN:-/opt/giggles/venv/bin/celery}
[ -x "$celery" ] || refuse "$celery is missing; pip install -r $here/requirements.txt, or set CELERY_BIN"
cd "$here"
exec "$celery" --app tasks "$@"
