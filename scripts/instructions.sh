#!/bin/sh
# Counts the instructions of the network, the front end and the Opus decoder, and compares them with the recorded
# counts: this detects slower code on any machine, regardless of its load. For times, use cargo bench -p yamnet --bench
# kernels and cargo bench -p opus16k.
#
#   scripts/instructions.sh            fails if a count is more than 1 % off
#   scripts/instructions.sh --record   rewrites crates/yamnet/benches/instructions.txt
#
# Needs valgrind, which does not support AVX-512, so `native` is AVX2 here. Another compiler or processor generates
# other code: if the record is of another one, the counts are shown but not compared.
set -eu
cd "$(dirname "$0")/.."
record=crates/yamnet/benches/instructions.txt
tolerance=1

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

cargo bench --locked --workspace --bench instructions --bench decode --no-run --message-format=json-render-diagnostics >"$folder/built"
built() {
    sed -n "s/.*\"executable\":\"\([^\"]*\/$1-[^\"]*\)\".*/\1/p" "$folder/built" | tail -1
}
made="# scripts/instructions.sh --record, with $(rustc --version) on $(uname -m)"

# count FUNCTION PROGRAM ARGUMENT...: the instructions that the function executes.
count() {
    function=$1
    shift
    valgrind --tool=callgrind --toggle-collect="*$function*" --callgrind-out-file="$folder/out" \
        "$@" >"$folder/said" 2>&1 || {
        cat "$folder/said" >&2
        return 1
    }
    sed -n 's/^\(totals\|summary\): *\([0-9]*\).*/\2/p' "$folder/out" | tail -1
}

counts() {
    for work in network mel; do
        for path in native portable; do
            counted=$(count instructions::counted "$(built instructions)" "$work" "$path")
            echo "$work $path ${counted:?valgrind counted nothing}"
        done
    done
    for stream in silk_12k hybrid_24k celt_64k celt_stereo_96k; do
        counted=$(count decode::pass "$(built decode)" 1 "opus_$stream.ogg")
        echo "opus $stream ${counted:?valgrind counted nothing}"
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
        printf "%-8s %-15s %12d instructions, %+.1f %% of the recorded\n", $1, $2, $3, change
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
