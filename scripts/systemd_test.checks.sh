#!/bin/sh
# The checks of scripts/systemd_test.sh, inside of its container.
set -eu

database=/var/lib/giggles/giggles.db
mark=mark4711word

fail() {
    echo "FAILED: $*"
    systemctl status --no-pager --lines=30 giggles.service || true
    journalctl --no-pager --lines=60 --unit 'giggles*' || true
    cat /var/mail/caught 2>/dev/null || true
    exit 1
}

ok() {
    echo "ok: $*"
}

ask() {
    sqlite3 "$database" "$1"
}

# Starts a run, waits for it and its notifier, and sets its result and exit code.
run() {
    : >/var/mail/caught
    chown giggles /var/mail/caught
    systemctl reset-failed giggles.service 2>/dev/null || true
    systemctl start giggles.service 2>/dev/null || true
    waited=0
    while [ $waited -lt 100 ]; do
        case $(systemctl is-active giggles.service) in
            inactive) break ;;
            failed) grep -q '^When it is fixed' /var/mail/caught && break ;;
        esac
        sleep 0.2
        waited=$((waited + 1))
    done
    result=$(systemctl show --property Result --value giggles.service)
    code=$(systemctl show --property ExecMainStatus --value giggles.service)
}

# The run must end with this result, and the mail must contain these words.
ends() {
    [ "$result/$code" = "$1" ] || fail "ended with $result/$code, not $1"
    shift
    for words in "$@"; do
        grep -q -- "$words" /var/mail/caught || fail "the mail does not say: $words"
    done
}

settings_of_unit() {
    mkdir -p /etc/systemd/system/giggles.service.d
    cat >/etc/systemd/system/giggles.service.d/test.conf
    systemctl daemon-reload
}

as_before() {
    rm -f /etc/systemd/system/giggles.service.d/test.conf
    systemctl daemon-reload
}

# The directory belongs to root first: the clips are missing then, and the next run cuts them.
mkdir -m 700 /srv/laughs
run
ends exit-code/3 'Subject: giggles.service failed' 'could not be written into /srv/laughs'
[ "$(ask 'SELECT count(*) FROM detections WHERE clip IS NULL')" = 1 ] || fail 'the laugh is not stored'
chown giggles:giggles /srv/laughs
run
ends success/0
clip=/srv/laughs/$(ask 'SELECT clip FROM detections')
[ "$(stat --format '%U %a' "$clip")" = 'giggles 600' ] || fail "no clip at $clip"
ok 'clips that cannot be written are reported, and cut by the next run'

rm /var/lib/giggles/giggles.db
run
ends success/0
[ "$(ask 'SELECT source FROM runs')" = "it's \$HOME # \"neil\" \\" ] || fail "the source is $(ask 'SELECT source FROM runs')"
[ "$(ask 'SELECT count(*) > 0 FROM detections')" = 1 ] || fail 'no laugh'
[ "$(stat --format '%U %a' "$database")" = 'giggles 600' ] || fail "$(stat --format '%U %a' "$database")"
[ ! -s /var/mail/caught ] || fail 'a successful run sent mail'
ok 'a good run: SQLite in the state directory, settings read as they are, no mail'

[ ! -e /var/lib/prometheus/node-exporter/giggles.prom ] || fail 'metrics were written into a folder of root'
journalctl --unit giggles.service | grep -q 'the metrics .* cannot be written' || fail 'the failure is not reported'
chgrp giggles /var/lib/prometheus/node-exporter && chmod g+w /var/lib/prometheus/node-exporter
run
ends success/0
[ "$(stat --format '%U %a' /var/lib/prometheus/node-exporter/giggles.prom)" = 'giggles 644' ] || fail 'no metrics'
ok "metrics, once the folder is of the group giggles"

echo 'no audio' >"/srv/recordings/$(date --utc --date yesterday +%Y%m%d)_130000.ogg"
run
ends exit-code/3 'Subject: giggles.service failed .* exit code 3: partial' '_130000.ogg: holds no audio' '^To: root'
[ "$(journalctl --quiet --priority err --unit giggles-notify@giggles.service.service | grep -c 'exit code 3')" = 2 ] ||
    fail 'the journal has no error of the notifier'
ok 'a partial run fails, and mail and journal say why'

mv /srv/recordings /srv/elsewhere && mkdir /srv/recordings
run
ends exit-code/4 'exit code 4: no recordings' 'is the disk mounted'
rmdir /srv/recordings && mv /srv/elsewhere /srv/recordings && rm /srv/recordings/*.ogg
ok 'an empty folder is reported'

install -D -m 600 /dev/stdin /etc/credstore/giggles.database-url <<URL
postgres://giggles:$mark@127.0.0.1:1/laughs
URL
settings_of_unit <<UNIT
[Service]
RestartSec=200ms
UNIT
run
[ "$code" = 75 ] || fail "ended with $result/$code, not 75"
ends "$result/75" 'exit code 75: try again later' 'Connection refused'
[ "$(journalctl --unit giggles.service --grep 'Connection refused' --output cat | wc -l)" = 4 ] || fail 'not four tries'
[ "$(grep -c '^Subject: ' /var/mail/caught)" = 1 ] || fail 'not one mail'
{ journalctl; systemctl show giggles.service; cat /var/mail/caught; } | grep -q "$mark" && fail 'a password shows'
rm /etc/credstore/giggles.database-url
ok 'a database that is not there: its credential is read, four tries, one mail, no password in any'

mv /etc/giggles/nightly.env /etc/giggles/away
run
ends resources/0 'systemd could not start it' 'No such file'
mv /etc/giggles/away /etc/giggles/nightly.env
as_before
ok 'missing settings are reported'

printf 'RIFF\377\377\377\177WAVEfmt \020\0\0\0\001\0\001\0\100\037\0\0\100\037\0\0\001\0\010\0data\377\377\377\177' \
    >/srv/recordings/long.wav
truncate --size 1G /srv/recordings/long.wav
touch --date yesterday /srv/recordings/long.wav
settings_of_unit <<UNIT
[Service]
TimeoutStartSec=1s
UNIT
runs=$(ask 'SELECT count(*) FROM runs')
run
ends timeout/143 'took longer than TimeoutStartSec= allows' 'nothing of this run was stored'
[ "$(ask 'SELECT count(*) FROM runs')" = "$runs" ] || fail 'it was stored'
rm /srv/recordings/long.wav
as_before
ok 'a run that hangs is ended, rolled back and reported'

# A shell in its place tries what the service must not do.
mkdir -p /home/neil && echo dear >/home/neil/diary
settings_of_unit <<'UNIT'
[Service]
ExecStart=
ExecStart=/bin/sh -c '! touch /srv/recordings/x && ! touch /etc/x && ! touch /usr/local/bin/x && ! cat /home/neil/diary && ! cat /etc/giggles/nightly.env && ! cat /etc/shadow && ! unshare --user true && ! mount -t tmpfs x /mnt && ! renice -n -5 $$$$ && ! ls /proc/1/environ && touch /var/lib/giggles/x && touch /var/lib/prometheus/node-exporter/x'
UNIT
run
ends success/0
as_before
ok 'it cannot write recordings or system, nor read settings, homes and other processes'

settings_of_unit <<'UNIT'
[Service]
ProtectHome=tmpfs
BindReadOnlyPaths=/home/neil/recordings
Environment=GIGGLES_RECORDINGS=/srv/recordings
UNIT
mv /srv/recordings /home/neil/recordings && mkdir /srv/recordings && chmod 755 /home/neil
sed -i "s|/srv/recordings|/home/neil/recordings|" /etc/giggles/nightly.env
run
ends success/0
[ "$(ask 'SELECT skipped FROM runs ORDER BY started_at DESC LIMIT 1')" = 1 ] || fail 'the recording was not seen'
as_before
ok 'recordings in a home are seen by a drop-in'

systemctl enable --quiet --now giggles.timer
systemctl list-timers --no-pager giggles.timer | grep -q giggles.service || fail 'the timer waits for nothing'
[ -e /var/lib/systemd/timers/stamp-giggles.timer ] || fail 'a missed run would not be started later'
ok 'the timer waits, and remembers'

# The status that the web server answers to a path, with a token or without.
status() {
    python3 - "$1" "${2:-}" <<'PYTHON'
import sys, urllib.error, urllib.request
headers = {"Authorization": "Bearer " + sys.argv[2]} if sys.argv[2] else {}
try:
    print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8760" + sys.argv[1], headers=headers)).status)
except urllib.error.HTTPError as error:
    print(error.code)
PYTHON
}

token=$mark-0123456789abcdef0123456789
install -D -m 600 /dev/stdin /etc/credstore/giggles.serve-tokens <<TOKENS
$token
TOKENS
systemctl enable --quiet --now giggles-serve.socket
[ "$(systemctl is-active giggles-serve.service)" = inactive ] || fail 'the web server runs before it is asked'
[ "$(status /healthz)" = 200 ] || fail "the first request: $(journalctl --no-pager --unit giggles-serve.service)"
[ "$(status "/days/$(date --utc --date yesterday +%F)")" = 401 ] || fail 'a page without a token'
[ "$(status "/days/$(date --utc --date yesterday +%F)" "$token")" = 200 ] || fail 'no page with the token of the credential'
process=$(systemctl show --property MainPID --value giggles-serve.service)
[ "$(stat --format %U "/proc/$process")" = giggles ] || fail 'it does not run as giggles'
journalctl --unit giggles-serve.service | grep -q "$mark" && fail 'a token is in the journal'
begun=$(date +%s)
systemctl stop --quiet giggles-serve.service 2>/dev/null
[ $(($(date +%s) - begun)) -le 5 ] || fail 'it took longer than five seconds to end'
[ "$(systemctl show --property Result --value giggles-serve.service)" = success ] || fail 'it did not end well'
[ "$(status /healthz)" = 200 ] || fail 'the socket does not start it again'
ok 'the web server: started by its socket, tokens from a credential, ends in time, starts again'
