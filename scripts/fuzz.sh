#!/bin/sh
# Fuzzes one target (decode, repaired, opus, names, detection), on the stable toolchain.
#
#   scripts/fuzz.sh decode 600          for 600 seconds
#   scripts/fuzz.sh opus 500000runs     for so many executions
#
# Needs cargo-fuzz (cargo install cargo-fuzz) and a C++ compiler. The corpus starts with the repository's fixtures and
# grows in fuzz/corpus/TARGET; failing inputs are written to fuzz/artifacts/TARGET. Once the bug is fixed, minimize
# such a file (cargo fuzz tmin -O -s none TARGET FILE) and add it to fuzz/found/TARGET: tests/it/fuzz.rs runs all files
# there.
set -eu
cd "$(dirname "$0")/../fuzz"
target=${1:?"give a target: decode, repaired, opus, names or detection"}
budget=${2:-60}

case $budget in
    *runs) limit=-runs=${budget%runs} ;;
    *) limit=-max_total_time=$budget ;;
esac

# Sanitizers need a nightly compiler (-s none); coverage does not. -O: libraries run as they are released.
cargo fuzz build -O -s none "$target"
cargo fuzz build -O -s none seeds
host=$(rustc -vV | sed -n 's/^host: //p')
"target/$host/release/seeds" "$target" "corpus/$target"
exec nice -n 10 cargo fuzz run -O -s none "$target" "corpus/$target" -- \
    "$limit" -rss_limit_mb=512 -timeout=10 -max_len=65536 -print_final_stats=1
