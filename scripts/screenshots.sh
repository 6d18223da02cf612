#!/bin/sh
# Makes the pictures of README.md from fixtures/: the page of an evening, and what the program prints on a terminal.
#
#   scripts/screenshots.sh [PROGRAM]     writes docs/images/evening.png and docs/images/terminal.svg
#
# PROGRAM is target/release/giggles unless it is given. Needs Chromium and python3.
set -eu
program=$(realpath "${1:-$(dirname "$0")/../target/release/giggles}")
cd "$(dirname "$0")/.."
repository=$PWD
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir -p docs/images "$folder/bin" "$folder/laughs" "$folder/home"
ln -s "$repository/fixtures" "$folder/fixtures"
ln -s "$program" "$folder/bin/giggles"

# The settings of whoever runs this are not used.
cd "$folder"
env -i PATH="$folder/bin:$PATH" HOME="$folder/home" LC_ALL=C.UTF-8 GIGGLES_TZ=America/Los_Angeles \
    GIGGLES_NAME_TZ=America/Los_Angeles GIGGLES_DATABASE=laughs.db \
    python3 "$repository/scripts/screenshots/terminal.py" "$repository/docs/images/terminal.svg" \
    'giggles scan fixtures/evening --clips laughs' \
    'giggles report --date 2025-10-24 --clips laughs -o evening.html'

# Chromium's own sandbox does not work as root. A device scale of 1 keeps the file small.
chromium --headless=new --no-sandbox --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1 \
    --window-size=1100,900 --virtual-time-budget=5000 --screenshot="$repository/docs/images/evening.png" \
    "file://$folder/evening.html" 2>"$folder/chromium.log" || { cat "$folder/chromium.log" >&2; exit 1; }
wc -c "$repository"/docs/images/*
