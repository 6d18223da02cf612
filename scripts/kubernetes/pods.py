"""Runs the pods of deploy/kubernetes with podman, as Kubernetes would start their container: pods.py IMAGE FOLDER.

Command, environment, user, mounts and security settings are read from the manifests. What the cluster adds is done here: the index
of each pod, $(NAME) in arguments, the secret, the volume.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from rules import jobs

IMAGE, FOLDER = sys.argv[1], Path(sys.argv[2])
LAUGH = "fixtures/clips/laugh_male_scratch2.flac"


def job_of(file, name):
    documents = yaml.safe_load_all(Path("deploy/kubernetes", file).read_text())
    return next(jobs(document)[0] for document in documents if document["metadata"]["name"] == name)


def resolve(variable, index):
    if "value" in variable:
        return variable["value"]
    origin = variable["valueFrom"]
    if "secretKeyRef" in origin:
        return os.environ["DATABASE_URL"]
    path = origin["fieldRef"]["fieldPath"]
    return {"metadata.uid": f"uid-{index}"}.get(path, str(index))


def run(job, index, arguments=None):
    """The exit code and the output of the pod with this index."""
    pod = job["template"]["spec"]
    container, secure = pod["containers"][0], pod["securityContext"]
    environment = {}
    for variable in container["env"]:
        environment[variable["name"]] = resolve(variable, index)
    # The controller of Jobs adds this one.
    environment["JOB_COMPLETION_INDEX"] = str(index)
    flags = ["--rm", "--network=host", f"--user={secure['runAsUser']}:{secure['runAsGroup']}"]
    flags += [f"--env={name}={value}" for name, value in environment.items()]
    if container["securityContext"]["readOnlyRootFilesystem"]:
        flags += ["--read-only", "--read-only-tmpfs=false"]
    flags += [f"--cap-drop={name}" for name in container["securityContext"]["capabilities"]["drop"]]
    flags += ["--security-opt=no-new-privileges"] if not container["securityContext"]["allowPrivilegeEscalation"] else []
    for mount in container.get("volumeMounts", []):
        volume = next(volume for volume in pod["volumes"] if volume["name"] == mount["name"])
        if "emptyDir" in volume:
            flags.append(f"--tmpfs={mount['mountPath']}")
            continue
        folder = "sources" if "configMap" in volume else "recordings"
        flags.append(f"--volume={FOLDER}/{folder}:{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw'}")
    words = [re.sub(r"\$\((\w+)\)", lambda name: environment[name[1]], word) for word in arguments or container["args"]]
    ended = subprocess.run(["podman", "run", *flags, IMAGE, *words], capture_output=True, text=True)
    return ended.returncode, ended.stdout + ended.stderr


def ask(sql):
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", sql, os.environ["DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def expect(ended, code, what):
    assert ended[0] == code, f"{what}: ended with {ended[0]}, not {code}\n{ended[1]}"


def record(source, name):
    folder = FOLDER / "recordings" / source
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(LAUGH, folder / name)


def names_of_yesterday(job):
    """Names of recordings that began yesterday at noon in the job's zone, in the zone of its names; of two days, if midnight is near."""
    values = {variable["name"]: variable.get("value") for variable in job["template"]["spec"]["containers"][0]["env"]}
    zone, zone_of_names = ZoneInfo(values["GIGGLES_TZ"]), ZoneInfo(values["GIGGLES_NAME_TZ"])
    days = {(datetime.now(zone) - timedelta(days=1) + timedelta(minutes=ahead)).date() for ahead in (0, 10)}
    return [f"{datetime.combine(day, time(12), zone).astimezone(zone_of_names):%Y%m%d_%H%M%S}.flac" for day in sorted(days)]


def main():
    nightly = job_of("nightly.yaml", "nightly")
    (FOLDER / "recordings/wearer-2").mkdir(parents=True)
    (FOLDER / "recordings/wearer-3").mkdir()
    for name in names_of_yesterday(nightly):
        record("wearer-0", name)
        record("wearer-1", name)
        (FOLDER / "recordings/wearer-3" / name).write_text("no audio")
    subprocess.run(["chmod", "-R", "a+rX", FOLDER], check=True)

    for index, code in ((0, 0), (1, 0), (2, 0), (3, 3)):
        expect(run(nightly, index), code, f"index {index}")
    assert ask("SELECT source FROM runs ORDER BY source") == [f"wearer-{index}" for index in range(4)]
    assert ask("SELECT external_id FROM runs WHERE source = 'wearer-1'") == ["uid-1"], "the run has not the pod's id"
    assert ask("SELECT count(DISTINCT r.source) FROM detections JOIN recordings r ON r.id = recording_id") == ["2"]
    print("ok: each index scans its own source; one without recordings is not a failure, a damaged one is 3")

    before = ask("SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM detections d")
    expect(run(nightly, 0), 0, "again")
    assert ask("SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM detections d") == before
    print("ok: a pod that runs again stores nothing twice")

    expect(run(nightly, 7), 78, "a source without a folder")
    url = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = "postgres://giggles@127.0.0.1:1/postgres"
    expect(run(nightly, 0), 75, "no database")
    os.environ["DATABASE_URL"] = url
    print("ok: a missing folder fails the index (78), a database that is away is tried again (75)")

    check = job_of("nightly.yaml", "check")
    (FOLDER / "sources").mkdir()
    sources = FOLDER / "sources/sources"
    sources.write_text("wearer-0\nwearer-1\nwearer-2\n")
    subprocess.run(["chmod", "-R", "a+rX", FOLDER / "sources"], check=True)
    expect(run(check, 0), 3, "the check of a day with a damaged recording")
    ask("DELETE FROM recordings WHERE source = 'wearer-3'")
    expect(run(check, 0), 3, "the check, with a source that has no recordings")
    sources.write_text("wearer-0\nwearer-1\n")
    expect(run(check, 0), 0, "the check of a complete day")
    shutil.rmtree(FOLDER / "recordings/wearer-3")
    print("ok: the morning's check fails for a damaged recording and a missing source, and passes a complete day")

    # Of the 24th in Los Angeles; the names are in UTC.
    for hour in range(8, 24):
        record("station", f"20251024_{hour:02}0000.flac")
        # Another content each: the same one is stored once.
        with open(FOLDER / "recordings/station" / f"20251024_{hour:02}0000.flac", "ab") as file:
            file.write(bytes([hour]) * 16)
    subprocess.run(["chmod", "-R", "a+rX", FOLDER], check=True)
    shards = job_of("shards.yaml", "station-2025-10-24")
    codes = {run(shards, index)[0] for index in range(shards["completions"])}
    assert codes <= {0, 3}, codes
    assert ask("SELECT count(*) FROM recordings WHERE source = 'station'") == ["16"]
    assert ask("SELECT count(DISTINCT shard) FROM runs WHERE source = 'station'") == ["8"]
    print("ok: the shards of a day hold every recording once")


if __name__ == "__main__":
    main()
