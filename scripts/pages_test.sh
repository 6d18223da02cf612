#!/bin/sh
# The pages of giggles serve with axe-core in Chromium: no serious or critical finding.
# usage: scripts/pages_test.sh      needs npm, Chromium and its driver
set -eu
cd "$(dirname "$0")/.."

folder=target/axe
mkdir -p "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" axe-core@4.10.3
GIGGLES_AXE="$PWD/$folder/node_modules/axe-core/axe.min.js"
export GIGGLES_AXE
cargo test --locked --workspace --test it serve::walk::axe_finds_nothing_serious -- --ignored --exact
