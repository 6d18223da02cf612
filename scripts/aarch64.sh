#!/bin/sh
# Builds for 64-bit Arm on another machine, and runs the result under an emulator: without an Arm machine, this is how
# NEON's kernels are tested. It shows that results are right; it says nothing of their speed.
#
#   scripts/aarch64.sh            the engines' tests: crates/yamnet with parity, crates/opus16k
#   scripts/aarch64.sh loops      also counts the instructions of the matrix product's inner loops
#   scripts/aarch64.sh others     checks that 32-bit and big-endian targets compile
#   scripts/aarch64.sh program    the program: scans recordings of several formats, and compares what it stores with
#                                 what this machine's own program stores (target/release/giggles, if it is there)
#
# Builds into target/aarch64, beside the builds of this machine. Needs Debian's gcc-aarch64-linux-gnu and
# qemu-user-static, Rust with a standard library for the target (rustup installs it), and for `program` python3.
set -eu
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
folder=$PWD/target/aarch64
sysroot=/usr/aarch64-linux-gnu
jobs=${GIGGLES_JOBS:-2}

need() {
    command -v "$1" >/dev/null 2>&1 || {
        echo "scripts/aarch64.sh: $1 is missing: apt-get install $2" >&2
        exit 1
    }
}

# standard_library TARGET: true if there is one, or if rustup can install it.
standard_library() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/$1" ] || rustup target add "$1" >&2
}

need aarch64-linux-gnu-gcc 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
need qemu-aarch64-static qemu-user-static
standard_library "$target" || {
    echo "scripts/aarch64.sh: there is no standard library for $target; without rustup, unpack that of the same" \
        'version of Rust (static.rust-lang.org, or libstd-rust-dev:arm64 of Debian) into its folder lib/rustlib' >&2
    exit 1
}
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L $sysroot"
# For C in crates: SQLite and ring.
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar

cross() {
    command=$1
    shift
    cargo "$command" --locked --jobs "$jobs" --target "$target" --target-dir "$folder" "$@"
}

# Without the checks of a debug build in each load of a vector, so that `loops` counts what a release has.
as_release=profile.dev.package.yamnet.debug-assertions=false

# All packages at once, so that their dependencies are built once, with the same features.
engines() {
    # Left out are tests that take minutes of an emulated processor, and show nothing that the others do not: a million
    # sines in f64, ten minutes of audio, each of 36 patches alone, decoders against each other.
    cross test --config "$as_release" -p yamnet -p opus16k --lib --test parity --test concealment -- \
        --skip the_transform_is_the_definition_in_every_lane --skip a_stream_of_ten_minutes \
        --skip a_patch_has_the_same_logits_in_every_batch \
        --skip reference_tests --skip no_packet_panics_or_exceeds_full_scale
}

# The loops of multiply-adds.
loops() {
    cross test --config "$as_release" -p yamnet -p opus16k --lib --no-run --message-format json-render-diagnostics >"$folder/loops.json"
    program=$(sed -n 's/.*"name":"yamnet".*"executable":"\([^"]*\)".*/\1/p' "$folder/loops.json" | tail -1)
    aarch64-linux-gnu-objdump --disassemble --no-show-raw-insn --demangle "$program" | scripts/aarch64/loops.py
}

others() {
    # 32-bit, and big-endian.
    for other in armv7-unknown-linux-gnueabihf s390x-unknown-linux-gnu; do
        standard_library "$other" || {
            echo "NOT RUN, because there is no standard library for it: $other"
            continue
        }
        cargo check --locked --jobs "$jobs" --target "$other" --target-dir "$folder" -p yamnet -p opus16k
        echo "ok: the engines compile for $other"
    done
}

program() {
    cross build --release
    ours=$folder/$target/release/giggles
    theirs=$PWD/target/release/giggles
    [ -x "$theirs" ] || cargo build --locked --release
    # What deploy/ makes of it, with the libraries of the cross compiler.
    GIGGLES_SYSROOT=$sysroot deploy/aws/package.sh "$ours"
    scripts/aarch64/compare.py "$theirs" qemu-aarch64-static -L "$sysroot" "$ours"
}

case ${1:-engines} in
    engines | loops | others | program) "${1:-engines}" ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
