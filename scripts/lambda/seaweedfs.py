"""SeaweedFS as the object store of the checks: it verifies signatures, which moto does not."""

import json
import os
import subprocess
import time

from botocore.exceptions import BotoCoreError, ClientError
from runtime import free_port


def start(program, folder):
    """The server; the variables of AWS name it as S3 from now on, and its key."""
    folder.mkdir()
    key = {"accessKey": os.environ["AWS_ACCESS_KEY_ID"], "secretKey": os.environ["AWS_SECRET_ACCESS_KEY"]}
    identity = {"name": "all", "credentials": [key], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    port = free_port()
    flags = [
        "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-s3.config=s3.json", "-master.telemetry=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.localSocket=s3.sock", "-filer.localSocket=filer.sock",
        "-volume.max=0", "-master.volumeSizeLimitMB=64", f"-s3.port={port}", f"-s3.port.grpc={free_port()}",
    ]  # fmt: skip
    # Without these, the port of gRPC is the other one plus 10,000, which may be beyond 65535.
    for part in ("master", "volume", "filer"):
        flags += [f"-{part}.port={free_port()}", f"-{part}.port.grpc={free_port()}"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([program, "server", *flags], cwd=folder, stdout=log, stderr=log)
    os.environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{port}"
    return server


def make_bucket(s3, name):
    until_it_succeeds(lambda: s3.create_bucket(Bucket=name))
    # The server's volumes are made with the first object.
    until_it_succeeds(lambda: s3.put_object(Bucket=name, Key="first"))
    s3.delete_object(Bucket=name, Key="first")


def until_it_succeeds(request):
    end = time.monotonic() + 60
    while True:
        try:
            return request()
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
