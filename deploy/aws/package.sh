#!/bin/sh
# Packs the functions of template.yaml: handler.py, giggles and its libraries. The same input gives the same bytes.
#
#   deploy/aws/package.sh [PROGRAM]     default: target/release/giggles; prints target/aws/giggles-ARCHITECTURE.zip
#
# The architecture is the program's: x86_64, or arm64 (aarch64); for one of another machine, GIGGLES_SYSROOT names the
# folder of its libraries (scripts/closure.sh). Needs python3.
set -eu
cd "$(dirname "$0")/../.."

program=${1:-target/release/giggles}
# The architecture in the header of an ELF file.
case $(od -A n -t u2 -j 18 -N 2 "$program" | tr -d ' ') in
    183) architecture=arm64 ;;
    *) architecture=x86_64 ;;
esac
folder=$PWD/target/aws/function
rm -rf "$folder"
mkdir -p "$folder"
scripts/closure.sh "$program" "$folder"
install -m 644 deploy/aws/handler.py "$folder/handler.py"
package=$PWD/target/aws/giggles-$architecture.zip
python3 - "$folder" "$package" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

folder, package = map(Path, sys.argv[1:])
with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Without a date: 1980-01-01, where the format begins.
        member = zipfile.ZipInfo(str(path.relative_to(folder)))
        member.external_attr = (path.stat().st_mode & 0o777) << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, path.read_bytes())
PYTHON
echo "$package"
