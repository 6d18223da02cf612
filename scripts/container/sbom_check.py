"""Checks a list of parts that deploy/container/sbom.py has written.

sbom_check.py SBOM PROGRAM
"""

import hashlib
import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = Path(sys.argv[1]).read_text()
faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert faults is None, faults
bill = json.loads(text)
parts = {part["name"]: part for part in bill["components"]}

# What is linked is there, with a licence; what only tests, other systems and procedural macros use is not.
for name in ("symphonia", "rusqlite", "postgres", "opus16k", "yamnet", "rustls"):
    assert parts[name]["licenses"], name
for name in ("insta", "proptest", "windows-sys", "syn"):
    assert name not in parts, name
for name in ("/etc/ssl/certs/ca-certificates.crt",):
    assert parts[name]["hashes"], name
libraries = [name for name in parts if "/libc.so" in name]
assert all(parts[name]["purl"].startswith("pkg:deb/debian/libc6@") for name in libraries), libraries

program = hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest()
assert bill["metadata"]["component"]["hashes"][0]["content"] == program, "of another program"
references = [part["bom-ref"] for part in bill["components"]]
assert len(references) == len(set(references)), "two parts have one reference"
