"""Measures giggles serve on years of recordings: requests a second, latencies and memory, with wrk on another core.

Builds a database of 1,000 days with 48 recordings a day and 30 laughs each (scripts/years), 1.44 million laughs, starts the
server on one core, and asks each address by 50 connections for some seconds. Ends with 1 if the 99th percentile of any
address is above 100 ms, or the server's peak memory above 80 MB.

    scripts/serve_load.sh [PROGRAM]
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import years  # noqa: E402

PROGRAM = str(Path(sys.argv[1]).resolve())
SECONDS = 10
CONNECTIONS = 50
SLOWEST = 100.0
LARGEST = 80.0
ADDRESSES = sys.argv[2:] or [
    "/", "/days/2024-06-01", "/days/2024-06-01?source=s00000", "/api/v1/sources", "/api/v1/days/2024-06-01",
    "/api/v1/recordings?from=2024-06-01&to=2024-07-01", "/api/v1/runs", "/api/v1/reviews", "/healthz", "/metrics",
]
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * MILLISECONDS[unit]


def loaded(base, path):
    """Requests a second, 50th and 99th percentile in ms, errors."""
    command = ["taskset", "--cpu-list", "1", "wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s",
               "--timeout", "10s", "--latency", base + path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    percentile = {int(part): milliseconds(value) for part, value in re.findall(r"^\s+(\d+)%\s+(\S+)$", text, re.M)}
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), percentile[50], percentile[99], int(wrong[1]) if wrong else 0


def peak(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def main():
    with tempfile.TemporaryDirectory(prefix="giggles-load-") as folder:
        program = years.Program(PROGRAM, Path(folder))
        url = years.in_sqlite(program, {**years.SHORT, "days": 1000})
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        command = ["taskset", "--cpu-list", "0", PROGRAM, "serve", "--quiet", "--listen", f"127.0.0.1:{port}", "--tz", "UTC"]
        server = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
        try:
            for _ in range(100):
                if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                    break
                time.sleep(0.1)
            print("| address | requests/s | median | 99 % |\n|---|---|---|---|", flush=True)
            failed = []
            for path in ADDRESSES:
                rate, median, high, wrong = loaded(f"http://127.0.0.1:{port}", path)
                print(f"| `{path}` | {rate:.0f} | {median:.1f} ms | {high:.1f} ms |", flush=True)
                if high > SLOWEST or wrong:
                    failed.append(f"{path}: {high:.0f} ms at the 99th percentile, {wrong} errors")
            memory = peak(server)
            print(f"\npeak memory: {memory:.0f} MB")
            if memory > LARGEST:
                failed.append(f"{memory:.0f} MB")
        finally:
            server.terminate()
            server.wait()
    if failed:
        sys.exit("FAILED: " + "; ".join(failed))


main()
