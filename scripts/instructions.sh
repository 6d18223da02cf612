#!/bin/sh
# Counts the instructions of the network and the front end, and compares them with the recorded counts: this detects
# slower code on any machine, regardless of its load. For times, use cargo bench -p yamnet --bench kernels.
#
#   scripts/instructions.sh            fails if a count is more than 5 % off
#   scripts/instructions.sh --record   rewrites crates/yamnet/benches/instructions.txt
#
# Needs valgrind, which does not support AVX-512, so `native` is AVX2 here. Another compiler or processor generates
# other code: if the record is of another one, the counts are shown but not compared.
set -eu
cd "$(dirname "$0")/.."
record=crates/yamnet/benches/instructions.txt
tolerance=5

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

cargo bench --locked --workspace --bench instructions --no-run --message-format=json-render-diagnostics >"$folder/built"
bench=$(sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' "$folder/built" | tail -1)
made="# scripts/instructions.sh --record, with $(rustc --version) on $(uname -m)"

count() {
    valgrind --tool=callgrind --toggle-collect='*instructions::counted*' --callgrind-out-file="$folder/out" \
        "$bench" "$1" "$2" >"$folder/said" 2>&1 || {
        cat "$folder/said" >&2
        return 1
    }
    sed -n 's/^\(totals\|summary\): *\([0-9]*\).*/\2/p' "$folder/out" | tail -1
}

counts() {
    for work in network mel; do
        for path in native portable; do
            counted=$(count "$work" "$path")
            echo "$work $path ${counted:?valgrind counted nothing}"
        done
    done
}

counts >"$folder/counts"
if [ "${1:-}" = --record ]; then
    echo "$made" | cat - "$folder/counts" >"$record"
    cat "$record"
    exit
fi
judged=no
[ "$(head -1 "$record")" != "$made" ] || judged=yes
awk -v tolerance="$tolerance" -v judged="$judged" '
    FNR == 1 { file++ }
    /^#/ { made = $0; next }
    file == 1 { recorded[$1, $2] = $3; next }
    {
        change = recorded[$1, $2] ? ($3 / recorded[$1, $2] - 1) * 100 : 100
        printf "%-8s %-9s %12d instructions, %+.1f %% of the recorded\n", $1, $2, $3, change
        if (change > tolerance || change < -tolerance) bad++
        lines++
    }
    END {
        if (judged == "no") {
            print "not compared, because the record is of another compiler or processor:"
            print made
        } else if (bad || lines < 4) {
            print "more than " tolerance " % off: if this is intended, record them again"
            exit 1
        }
    }' "$record" "$folder/counts"
