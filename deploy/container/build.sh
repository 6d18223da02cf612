#!/bin/sh
# Builds the image of giggles. The same program, certificates and revision give the same digest.
#
#   deploy/container/build.sh [PROGRAM] [NAME]     defaults: target/release/giggles, localhost/giggles:VERSION
#
# The architecture of the image is the program's. For a program of another machine GIGGLES_SYSROOT names the folder of its
# libraries (scripts/closure.sh), and GIGGLES_RUNNER what runs it, such as 'qemu-aarch64-static -L /usr/aarch64-linux-gnu'.
#
# Prints the image's id. Needs buildah, and cargo and python3 for the list of parts (SBOM), which is in the image as
# /usr/share/doc/giggles/sbom.cdx.json and beside it as target/container/sbom.cdx.json.
set -eu
cd "$(dirname "$0")/../.."

program=${1:-target/release/giggles}
case $(od -A n -t u2 -j 18 -N 2 "$program" | tr -d ' ') in
    183) architecture=arm64 ;;
    *) architecture=amd64 ;;
esac
# shellcheck disable=SC2086 # a command and its arguments
version=$(${GIGGLES_RUNNER:-} "$program" --version | sed -n '1s/^giggles \([^ ]*\).*/\1/p')
name=${2:-localhost/giggles:$version}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

context=target/container/context
rm -rf "$context"
rootfs=$context/rootfs
mkdir -p "$rootfs/data" "$rootfs/etc/ssl/certs" "$rootfs/tmp" "$rootfs/usr/share/doc/giggles"
chmod 1777 "$rootfs/tmp"
scripts/closure.sh "$program" "$rootfs"
cp --dereference "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$rootfs/etc/ssl/certs/ca-certificates.crt"
echo 'giggles:x:65532:65532:giggles:/data:/usr/bin/giggles' >"$rootfs/etc/passwd"
echo 'giggles:x:65532:' >"$rootfs/etc/group"
echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
cp LICENSE LICENSE-APACHE LICENSE-MIT "$rootfs/usr/share/doc/giggles/"
deploy/container/sbom.py "$program" "$rootfs" >target/container/sbom.cdx.json
cp target/container/sbom.cdx.json "$rootfs/usr/share/doc/giggles/"
cp deploy/container/Containerfile "$context/"
find "$rootfs" -type f ! -path '*/bin/*' ! -path '*/lib*' -exec chmod 644 {} +

# --timestamp 0: every file and the image itself are of 1970, so that two builds are equal.
buildah build --quiet --arch "$architecture" --timestamp 0 --format oci --tag "$name" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$context"
