"""Checks what podman-compose has read from deploy/container/compose.yaml: compose_check.py CONFIG."""

import sys
from pathlib import Path

import yaml

FOLDER = Path("deploy/container")
config = yaml.safe_load(Path(sys.argv[1]).read_text())
services = config["services"]
assert set(services) == {"postgres", "redis", "worker", "scheduler", "api"}, list(services)

for name, service in services.items():
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
    assert service["restart"] == "unless-stopped", name
    for secret in service.get("secrets", []):
        assert (secret["source"] if isinstance(secret, dict) else secret) in config["secrets"], f"{name}: {secret}"
    for needed, how in service.get("depends_on", {}).items():
        assert services[needed]["healthcheck"] and how["condition"] == "service_healthy", f"{name} waits for {needed}"
    for volume in service.get("volumes", []):
        source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        assert source.startswith(("/", ".")) or source in config["volumes"], f"{name}: {source}"

for name in ("worker", "scheduler", "api"):
    service = services[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] == "65532:65532", name
    build = service["build"]
    assert (FOLDER / build["context"]).resolve() == Path("deploy/celery").resolve(), build
    assert (FOLDER / build["context"] / build["dockerfile"]).is_file(), build

# Every setting of ours is one that deploy/celery or giggles reads.
known = "".join(path.read_text() for path in [*Path("deploy/celery").glob("*"), *Path("src/cli").rglob("*.rs")])
for name in ("worker", "scheduler", "api"):
    for variable in services[name]["environment"]:
        assert variable in known, f"{variable} is read by nothing"
