#!/bin/sh
# Everything that must pass before a change is merged: format, lints, scripts, tests, the main job, the instruction
# counts of the network and the front end, and nightly runs under systemd.
#
#   scripts/test.sh
#
# Needs Rust (rustup.rs). On Debian and Ubuntu it installs the rest: a C compiler, shellcheck, valgrind, bindfs, ffmpeg,
# strace, logrotate, systemd's tools, mandoc, zsh, fish, Chromium, pgbouncer and Postgres, whose server the tests start
# in a temporary folder. With GIGGLES_TEST_POSTGRES=postgres://… (a role that may create databases) they use that server
# instead. Prometheus' tools are only unpacked, into target/tools: an installation would start their daemons.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/usr/bin:/usr/sbin:/sbin

have() {
    command -v "$1" >/dev/null 2>&1
}

have_postgres() {
    [ -n "${GIGGLES_TEST_POSTGRES:-}" ] || have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    have apt-get || {
        echo "scripts/test.sh: install a C compiler, PostgreSQL 15 or newer with psql, shellcheck, valgrind," \
            "bindfs, strace, pgbouncer, openssl, systemd, logrotate, promtool, node_exporter and sqlite3, then run it" \
            "again" >&2
        exit 1
    }
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=600 -q -y --no-install-recommends "$@"
}

# Unpacks the files of a package without running its scripts: no user, no service, nothing outside of target/.
unpack() {
    mkdir -p target/tools
    (
        cd target/tools
        rm -f "$1"_*.deb
        apt-get download -q "$1" || {
            as_root apt-get update -q
            apt-get download -q "$1"
        }
        dpkg --extract "$1"_*.deb .
    )
}

have cargo || {
    echo "scripts/test.sh: cargo is missing; install Rust from rustup.rs" >&2
    exit 1
}
have cc || install_packages gcc libc6-dev
have_postgres || install_packages postgresql
have shellcheck || install_packages shellcheck
have valgrind || install_packages valgrind
# A file system with fixed permissions, and a tracer of system calls.
have bindfs || install_packages bindfs
have strace || install_packages strace
have psql || install_packages postgresql-client
# A connection pooler, and certificates.
have pgbouncer || install_packages pgbouncer
have openssl || install_packages openssl
have systemd-analyze || install_packages systemd
have logrotate || install_packages logrotate
have promtool || unpack prometheus
have prometheus-node-exporter || unpack prometheus-node-exporter
# Readers of the completions and man pages.
have mandoc || install_packages mandoc
# The page of a day is opened in a real browser.
have chromium || install_packages chromium
have chromedriver || install_packages chromium-driver
# Decodes what giggles cannot (tests/it/tracks.rs).
have ffmpeg || install_packages ffmpeg
# Compares libopus, which comes with ffmpeg, with crates/opus16k.
have python3 || install_packages python3-minimal
# Object stores for tests/it/object_storage.rs, which installs them with pip.
python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3-venv
have zsh || install_packages zsh
have fish || install_packages fish

step() {
    echo "== $*"
    "$@"
}

main_job() {
    folder=$(mktemp -d)
    XDG_DATA_HOME=$folder cargo run --release --locked -- scan fixtures
    XDG_DATA_HOME=$folder cargo run --release --locked -- scan fixtures
    rm -r "$folder"
}

# Booting a container needs root, and a kernel that allows mounts.
systemd_test() {
    if [ "$(id -u)" -eq 0 ] && unshare --mount mount -t tmpfs giggles /mnt 2>/dev/null; then
        have systemd-nspawn || unpack systemd-container
        have sqlite3 || install_packages sqlite3
        scripts/systemd_test.sh
    else
        echo "NOT RUN, because it needs root: sudo scripts/systemd_test.sh"
    fi
}

step cargo fmt --all --check
step shellcheck scripts/*.sh benches/compare/*.sh deploy/systemd/*.sh
step cargo clippy --locked --workspace --all-targets -- -D warnings
step env RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
step cargo test --locked --workspace
step main_job
step scripts/instructions.sh
step systemd_test
