#!/bin/sh
# Everything that must hold before a change lands: format, lints, scripts, tests, the main job, and how many
# instructions the network and the front end take.
#
#   scripts/test.sh
#
# Needs Rust (rustup.rs). On Debian and Ubuntu it installs the rest: a C compiler, shellcheck, valgrind, mandoc,
# zsh, fish and Postgres, whose server the tests start by themselves in a temporary folder. With GIGGLES_TEST_POSTGRES=postgres://…
# (a role that may create databases) they use that server instead.
set -eu
cd "$(dirname "$0")/.."

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
        echo "scripts/test.sh: install a C compiler, PostgreSQL 15 or newer, shellcheck and valgrind," \
            "then run it again" >&2
        exit 1
    }
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

have cargo || {
    echo "scripts/test.sh: cargo is missing; install Rust from rustup.rs" >&2
    exit 1
}
have cc || install_packages gcc libc6-dev
have_postgres || install_packages postgresql
have shellcheck || install_packages shellcheck
have valgrind || install_packages valgrind
# Readers of the completions and man pages.
have mandoc || install_packages mandoc
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

step cargo fmt --check
step shellcheck scripts/*.sh benches/compare/*.sh
step cargo clippy --locked --all-targets -- -D warnings
step cargo test --locked
step main_job
step scripts/instructions.sh
