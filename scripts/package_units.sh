#!/bin/sh
# Writes the systemd units of deploy/systemd, their script and their user for the Debian package: with its paths instead of
# those of an installation by hand.
#
#   scripts/package_units.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../deploy/systemd"

adapted() {
    sed -e 's|/usr/local/bin/giggles|/usr/bin/giggles|g' \
        -e 's|/opt/giggles/deploy/systemd/notify.sh|/usr/lib/giggles/notify.sh|g' \
        -e 's|/opt/giggles/d|/usr/share/doc/giggles/d|g' \
        -e 's|/etc/sysusers.d/|/usr/lib/sysusers.d/|g' "$1"
}

for unit in giggles*.service giggles*.socket giggles*.timer notify.sh; do
    adapted "$unit" >"$folder/$unit"
done
adapted giggles.sysusers >"$folder/giggles.conf"
chmod 755 "$folder/notify.sh"
