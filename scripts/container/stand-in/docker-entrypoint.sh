#!/bin/sh
# What compose.yaml needs of the entry point of Postgres' image: user, database and password of the first start; local
# connections are trusted.
set -eu

[ "$1" = postgres ] || exec "$@"
as_postgres() {
    setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install --directory --owner=postgres --mode=700 "$PGDATA"
    install --owner=postgres --mode=600 "$POSTGRES_PASSWORD_FILE" /tmp/password
    as_postgres initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=trust >/dev/null
    echo "CREATE DATABASE $POSTGRES_DB" | as_postgres postgres --single -D "$PGDATA" postgres >/dev/null
fi
mkdir -p /var/run/postgresql
chown postgres /var/run/postgresql
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres
