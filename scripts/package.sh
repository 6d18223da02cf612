#!/bin/sh
# The Debian package, with man pages and completions made by the program that goes into it, and the licences of all
# that is linked into it.
#
#   scripts/package.sh          builds giggles for release and writes target/debian/giggles_*.deb
#
# Needs cargo-deb (cargo install cargo-deb), python3 and, for reading the program's dependencies, dpkg-dev.
set -eu
cd "$(dirname "$0")/.."

command -v cargo-deb >/dev/null 2>&1 || {
    echo "scripts/package.sh: cargo-deb is missing; cargo install cargo-deb" >&2
    exit 1
}
cargo build --release --locked

folder=target/package
rm -rf "$folder"
mkdir -p "$folder/man" "$folder/completions"
program=target/release/giggles
"$program" man "$folder/man"
gzip -9n "$folder"/man/*.1
"$program" completions bash >"$folder/completions/giggles"
"$program" completions zsh >"$folder/completions/_giggles"
"$program" completions fish >"$folder/completions/giggles.fish"
python3 scripts/third_party.py >"$folder/third-party-licenses.txt"
gzip -9n "$folder/third-party-licenses.txt"

cargo deb --no-build --locked
