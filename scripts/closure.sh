#!/bin/sh
# Copies a program and the libraries that it needs into a folder, at their own paths, so that it runs there with
# nothing else: as the root of a container, or beside a function.
#
#   scripts/closure.sh PROGRAM FOLDER        the program becomes FOLDER/usr/bin/giggles
#
# A static program (docs/install.md) has no libraries. Name service: glibc 2.34 and newer hold the readers of /etc/hosts
# and of DNS, so no library is loaded later.
set -eu

program=$1
folder=$2
install -D -m 755 "$program" "$folder/usr/bin/giggles"

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
