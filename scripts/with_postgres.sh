#!/bin/sh
# Runs a command with an empty Postgres of its own on a free port of 127.0.0.1: DATABASE_URL names it, as its superuser.
# The server and its files are gone afterwards.
#
#   scripts/with_postgres.sh COMMAND...
set -eu

folder=$(mktemp -d)
bin=$(dirname "$(command -v pg_ctl || find /usr/lib/postgresql -name pg_ctl | sort --version-sort | tail -n 1)")

# A server refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups env --chdir=/ "$@"
    else
        "$@"
    fi
}

trap 'as_server "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --silent stop; rm -rf "$folder"' EXIT
trap 'exit 143' TERM INT HUP
mkdir "$folder/data"
[ "$(id -u)" -ne 0 ] || chown -R 65534 "$folder"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo open-sesame >"$folder/password"
chmod 644 "$folder/password"
as_server "$bin/initdb" --pgdata="$folder/data" --username=giggles --pwfile="$folder/password" \
    --auth=scram-sha-256 --no-sync --locale=C.UTF-8 >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 1
}
as_server "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/data/server.log" --silent --wait \
    --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off" start
DATABASE_URL=postgres://giggles:open-sesame@127.0.0.1:$port/postgres
export DATABASE_URL
code=0
"$@" || code=$?
exit $code
