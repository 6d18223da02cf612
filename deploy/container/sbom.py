#!/usr/bin/env python3
"""Writes the software bill of materials of an image of giggles: CycloneDX 1.6, JSON, to standard output.

    deploy/container/sbom.py PROGRAM ROOTFS

Components are the crates that are compiled into the program (cargo metadata, without tools of the build and tests), the
model, and the libraries and certificates in ROOTFS with the Debian package that they come from. The same input gives
the same bytes: there is no time in it, and its serial number is derived from its content.
"""

import hashlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# The file of weights, in two packages (models/README.md).
MODEL = ("crates/yamnet_weights_first/first_half.bin", "crates/yamnet_weights/second_half.bin")


def sha256(*parts):
    """Of a file, or of its parts one after the other."""
    content = b"".join(Path(part).read_bytes() for part in parts)
    return {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}


def target(program):
    """The target of the program: other systems' crates are not part of it."""
    version = run("rustc", "--version", "--verbose")
    host = next(line.split()[1] for line in version.splitlines() if line.startswith("host: "))
    # Built for another architecture: as the number in its ELF header says.
    machine = int.from_bytes(Path(program).read_bytes()[18:20], "little")
    architecture = {62: "x86_64", 183: "aarch64"}.get(machine, host.split("-")[0])
    return "-".join([architecture, *host.split("-")[1:]])


def linked(metadata):
    """The ids of the packages that are linked into the program, and what each of them depends on.

    A procedural macro and what only it needs run in the compiler; a build dependency runs before it.
    """
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    is_macro = {
        key: any("proc-macro" in target["kind"] for target in package["targets"]) for key, package in packages.items()
    }
    edges = {}
    todo = [metadata["resolve"]["root"]]
    while todo:
        key = todo.pop()
        if key in edges:
            continue
        needed = [
            dep["pkg"]
            for dep in nodes[key]["deps"]
            if any(kind["kind"] is None for kind in dep["dep_kinds"]) and not is_macro[dep["pkg"]]
        ]
        edges[key] = sorted(needed)
        todo += needed
    return packages, edges


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def crate(package):
    component = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package["license"]:
        # Cargo's old spelling of OR.
        component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return component


def system_file(rootfs, path):
    """A file that was copied from the system, with its package."""
    host = "/" + str(path.relative_to(rootfs))
    # Debian's database has the path without the link /lib -> usr/lib, or with it.
    for name in (host, os.path.realpath(host), os.path.realpath(host).removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "--search", name], capture_output=True, text=True)
        if found.returncode == 0:
            package = found.stdout.split(":")[0]
            version = run("dpkg-query", "--show", "--showformat=${Version}\n", package).splitlines()[0]
            name = {"version": version, "purl": f"pkg:deb/debian/{package}@{version.replace('+', '%2B')}"}
            break
    else:
        name = {}
    return {"type": "file", "bom-ref": f"file:{host}", "name": host, **name, "hashes": [sha256(path)]}


def main(program, rootfs):
    metadata = json.loads(
        run("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target(program)}")
    )
    packages, edges = linked(metadata)
    root = metadata["resolve"]["root"]
    crates = [crate(packages[key]) for key in edges if key != root]
    weights = {"type": "machine-learning-model", "bom-ref": "model:yamnet", "name": "yamnet", "hashes": [sha256(*MODEL)]}
    system = [path for path in sorted(rootfs.rglob("*")) if path.is_file() and ".so" in path.name]
    system += [rootfs / "etc/ssl/certs/ca-certificates.crt"]
    dependencies = [
        {"ref": reference(packages[key]), "dependsOn": sorted({reference(packages[other]) for other in needed})}
        for key, needed in edges.items()
    ]
    application = {**crate(packages[root]), "type": "application", "hashes": [sha256(program)]}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": sorted(
            [*crates, weights, *(system_file(rootfs, path) for path in system)], key=lambda part: part["bom-ref"]
        ),
        "dependencies": sorted(dependencies, key=lambda row: row["ref"]),
    }
    content = json.dumps(bill, sort_keys=True).encode()
    bill["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)}"
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
