#!/bin/sh
# Copies a program and the libraries that it needs into a folder, at their own paths, so that it runs there with
# nothing else: as the root of a container, or beside a function.
#
#   scripts/closure.sh PROGRAM FOLDER        the program becomes FOLDER/usr/bin/giggles
#
#   GIGGLES_SYSROOT=/usr/aarch64-linux-gnu scripts/closure.sh PROGRAM FOLDER
#                                            for a program of another architecture: the folder of its cross compiler
#
# A static program (docs/install.md) has no libraries. Name service: glibc 2.34 and newer hold the readers of /etc/hosts
# and of DNS, so no library is loaded later.
set -eu

program=$1
folder=$2
install -D -m 755 "$program" "$folder/usr/bin/giggles"

# machine FILE: the number of an ELF file's architecture.
machine() {
    od -A n -t u2 -j 18 -N 2 "$1" | tr -d ' '
}

# needed FILE: the libraries that it names.
needed() {
    readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# The libraries of another architecture, at the paths that its loader searches. Each of them names others.
foreign() {
    loader=$(readelf --program-headers --wide "$program" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
    [ -n "$loader" ] || return 0
    install -D -m 755 "$GIGGLES_SYSROOT/lib/${loader##*/}" "$folder$loader"
    directory=$folder/lib/$(basename "$GIGGLES_SYSROOT")
    names=$(needed "$program")
    while [ -n "$names" ]; do
        missing=
        for name in $names; do
            if [ "$name" = "${loader##*/}" ] || [ -e "$directory/$name" ]; then continue; fi
            install -D -m 755 "$GIGGLES_SYSROOT/lib/$name" "$directory/$name"
            missing="$missing $(needed "$directory/$name")"
        done
        names=${missing# }
    done
}

if [ "$(machine "$program")" != "$(machine /proc/self/exe)" ]; then
    [ -d "${GIGGLES_SYSROOT:-}" ] || {
        echo "scripts/closure.sh: $program is of another architecture; GIGGLES_SYSROOT names the folder of its libraries" >&2
        exit 1
    }
    foreign
    exit
fi

libraries() {
    # "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader: "/lib64/ld-linux-x86-64.so.2 (0x…)".
    ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | sort -u
}

if ldd "$program" 2>&1 | grep -q 'not found'; then
    echo "scripts/closure.sh: a library of $program is missing; ldd $program" >&2
    exit 1
fi
if ldd "$program" >/dev/null 2>&1; then
    libraries | while read -r library; do
        install -D -m 755 "$library" "$folder$library"
    done
fi
