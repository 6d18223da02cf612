"""Prints the licences of all crates that are linked into the program: a binary must include them.

Called by package.sh; needs cargo and the crates' sources, which a build has fetched.
"""

import json
import subprocess
import sys
from pathlib import Path

NAMES = ("license", "licence", "copying", "notice", "unlicense", "copyright")


def metadata():
    host = next(
        line.split()[1]
        for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
        if line.startswith("host:")
    )
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host]
    return json.loads(subprocess.check_output(command))


def linked(graph):
    """Indexes of the packages that are normal dependencies, direct or indirect."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    found, waiting = set(), [graph["root"]]
    while waiting:
        for dep in nodes[waiting.pop()]["deps"]:
            if dep["pkg"] not in found and any(kind["kind"] is None for kind in dep["dep_kinds"]):
                found.add(dep["pkg"])
                waiting.append(dep["pkg"])
    return found


def texts(package):
    folder = Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def main():
    everything = metadata()
    wanted = linked(everything["resolve"])
    # Crates of the workspace have no source; their licence is giggles' own.
    packages = [package for package in everything["packages"] if package["id"] in wanted and package["source"]]
    users = {}
    print("giggles is linked with these crates:\n")
    for package in sorted(packages, key=lambda package: package["name"]):
        name = f"{package['name']} {package['version']}"
        print(f"  {name}: {package['license'] or 'see below'}, {package['repository'] or 'no repository'}")
        for text in texts(package):
            users.setdefault(text, []).append(name)
    for text, names in users.items():
        print(f"\n{'=' * 100}\n{', '.join(names)}:\n\n{text}")
    silent = [package["name"] for package in packages if not texts(package)]
    print(f"{len(packages)} crates, {len(users)} texts, without one: {', '.join(silent) or 'none'}", file=sys.stderr)


if __name__ == "__main__":
    main()
