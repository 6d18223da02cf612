"""Writes compose.yaml without what the tests' podman cannot do: loopback.py COMPOSE >CHANGED.

Networks become one loopback network, which all share, so ports need no mapping; limits of memory are left out; the images of Postgres and Redis become the
stand-in (scripts/container/stand-in). Everything else stays: commands, settings, secrets, users, volumes, health checks.
"""

import sys
from pathlib import Path

import yaml

compose = yaml.safe_load(Path(sys.argv[1]).read_text())
del compose["networks"]
for name, service in compose["services"].items():
    for left_out in ("networks", "mem_limit", "shm_size", "build", "ports"):
        service.pop(left_out, None)
    service |= {"network_mode": "host", "extra_hosts": ["postgres:127.0.0.1", "redis:127.0.0.1"]}
    if name in ("postgres", "redis"):
        service["image"] = "localhost/stand-in"
# Redis' image has the user 999, to whom its volume belongs; the stand-in has not.
del compose["services"]["redis"]["user"]
yaml.safe_dump({key: value for key, value in compose.items() if not key.startswith("x-")}, sys.stdout)
