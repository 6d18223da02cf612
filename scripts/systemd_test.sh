#!/bin/sh
# Tests nightly runs under a real systemd: boots this machine's own Debian in a temporary container, installs giggles
# there as deploy/README.md says, and checks what the units do. Nothing on this machine is changed.
#
#   sudo scripts/systemd_test.sh [PROGRAM]         PROGRAM defaults to target/release/giggles
#
# Needs root, and from Debian: systemd, systemd-sysv, systemd-container, sqlite3. Takes about half a minute.
set -eu
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/giggles}")

if [ "${2:-}" != inside ]; then
    [ "$(id -u)" -eq 0 ] || {
        echo 'scripts/systemd_test.sh: only root can boot a container; run it with sudo' >&2
        exit 1
    }
    PATH=$PATH:$PWD/target/tools/usr/bin
    for need in systemd-nspawn:systemd-container sqlite3:sqlite3 systemd-analyze:systemd; do
        command -v "${need%:*}" >/dev/null || {
            echo "scripts/systemd_test.sh: ${need%:*} is missing; apt-get install ${need#*:}" >&2
            exit 1
        }
    done
    # In a new mount namespace: its mounts end with it.
    exec unshare --mount "$0" "$program" inside
fi

folder=$(mktemp -d)
trap 'umount -R "$folder" 2>/dev/null; rmdir "$folder"' EXIT
mount -t tmpfs giggles "$folder"
mkdir "$folder/changes" "$folder/work" "$folder/root"
mount -t overlay giggles -o "lowerdir=/,upperdir=$folder/changes,workdir=$folder/work" "$folder/root"
root=$folder/root
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
: >"$root/etc/fstab"

# The installation by deploy/README.md.
mkdir -p "$root/opt/giggles" "$root/etc/giggles" "$root/srv/recordings" "$root/var/lib/prometheus/node-exporter"
install "$program" "$root/usr/local/bin/giggles"
cp -r scripts deploy "$root/opt/giggles/"
cp deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/*.socket "$root/etc/systemd/system/"
install -D -m 644 deploy/systemd/giggles.sysusers "$root/etc/sysusers.d/giggles.conf"
install -m 600 /dev/stdin "$root/etc/giggles/nightly.env" <<'SETTINGS'
GIGGLES_RECORDINGS='/srv/recordings'
GIGGLES_SOURCE='it'"'"'s $HOME # "neil" \'
GIGGLES_TZ='UTC'
GIGGLES_CLIPS='/srv/laughs'
GIGGLES_METRICS_FILE='/var/lib/prometheus/node-exporter/giggles.prom'
SETTINGS
scripts/away_from_midnight.sh
yesterday=$(date --utc --date yesterday +%Y%m%d)
cp fixtures/clips/laugh_male_scratch2.flac "$root/srv/recordings/${yesterday}_120000.flac"

# The test's side: a fake sendmail, and the checks.
install -m 755 /dev/stdin "$root/usr/sbin/sendmail" <<'SENDMAIL'
#!/bin/sh
cat >>/var/mail/caught
SENDMAIL
install -m 755 scripts/systemd_test.checks.sh "$root/checks.sh"
cat >"$root/etc/systemd/system/checks.target" <<'UNIT'
[Unit]
Requires=checks.service
UNIT
cat >"$root/etc/systemd/system/checks.service" <<'UNIT'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/checks.sh >/checks.log 2>&1; echo $? >/checks.code'
TimeoutStartSec=5min
UNIT

timeout 360 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network \
    --machine=giggles-test --boot systemd.unit=checks.target </dev/null >"$folder/console" 2>&1 || true
cat "$root/checks.log" 2>/dev/null || tail -n 40 "$folder/console"
[ "$(cat "$root/checks.code" 2>/dev/null)" = 0 ]
