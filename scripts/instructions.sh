#!/bin/sh
# Counts the instructions of the network and the front end, and compares them with the recorded ones: a
# change that makes them slower shows on any machine, however busy. Not for times; those are benches/stages.rs.
#
#   scripts/instructions.sh            fails if a count is more than 5 % off
#   scripts/instructions.sh --record   writes benches/instructions.txt anew
#
# Needs valgrind. It knows no AVX-512, so that `native` is AVX2 here. Another compiler makes other code: the
# record says which one it was made with.
set -eu
cd "$(dirname "$0")/.."
record=benches/instructions.txt
tolerance=5

bench=$(cargo bench --locked --bench instructions --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' | tail -1)
[ -n "$bench" ] || {
    echo "scripts/instructions.sh: cargo names no executable of benches/instructions.rs" >&2
    exit 1
}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

count() {
    valgrind --tool=callgrind --toggle-collect='*instructions::counted*' --callgrind-out-file="$folder/out" \
        "$bench" "$1" "$2" >"$folder/said" 2>&1 || {
        cat "$folder/said" >&2
        exit 1
    }
    sed -n 's/^\(totals\|summary\): *\([0-9]*\).*/\2/p' "$folder/out" | tail -1
}

counts() {
    for work in network mel; do
        for path in native portable; do
            echo "$work $path $(count "$work" "$path")"
        done
    done
}

counts >"$folder/counts"
if [ "${1:-}" = --record ]; then
    {
        echo "# scripts/instructions.sh --record, with $(rustc --version)"
        cat "$folder/counts"
    } >"$record"
    cat "$record"
    exit
fi
awk -v tolerance="$tolerance" '
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
        if (bad || lines < 4) {
            print "more than " tolerance " % off: if that is meant, or the compiler is another, record them anew"
            print made
            exit 1
        }
    }' "$record" "$folder/counts"
