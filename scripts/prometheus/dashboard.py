"""Checks deploy/prometheus/fleet.dashboard.json and fleet.rules.yml: dashboard.py PROGRAM.

Each metric that a query names is written by src/notify/metrics.rs or recorded by the rules; each query, on a real Prometheus with
the metrics of three runs (one success, one with a damaged recording, one without recordings), gives an answer.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM = sys.argv[1]
DASHBOARD = json.loads(Path("deploy/prometheus/fleet.dashboard.json").read_text())
RULES = Path("deploy/prometheus/fleet.rules.yml")
LAUGH = "fixtures/clips/laugh_male_scratch2.flac"


def queries():
    return {target["expr"]: panel["title"] for panel in DASHBOARD["panels"] for target in panel["targets"]}


def check_form():
    """What Grafana needs of a dashboard: panels with ids, that do not overlap, with a source that exists."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels), "two panels have one id"
    cells = set()
    for panel in panels:
        at = panel["gridPos"]
        of_panel = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & of_panel and at["x"] + at["w"] <= 24, f"{panel['title']} overlaps another panel"
        cells |= of_panel
        assert panel["title"] and panel["targets"], panel
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel
    variables = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert variables == ["datasource"], variables


def check_names():
    written = set(re.findall(r'"(giggles_[a-z_]+)"', Path("src/notify/metrics.rs").read_text()))
    recorded = set(re.findall(r"- record: (\S+)", RULES.read_text()))
    expressions = re.sub(r"(description|summary): .*?(?=\n\n|\Z)", "", RULES.read_text(), flags=re.DOTALL)
    for text in [*queries(), expressions]:
        for name in re.findall(r"\bgiggles[_:][a-z_:]+", text):
            assert name in written | recorded, f"there is no metric {name}"
    assert len(written) > 10 and len(recorded) > 5, "no names were read"


def metrics(folder):
    """The metrics files of three sources."""
    for source in ("good", "damaged", "empty"):
        recordings = folder / source
        recordings.mkdir()
        if source != "empty":
            shutil.copy(LAUGH, recordings / "20251024_120000.flac")
        if source == "damaged":
            (recordings / "20251024_130000.ogg").write_text("no audio")
        subprocess.run(
            [PROGRAM, "scan", "--quiet", f"--source={source}", f"--database=sqlite:{folder}/{source}.db",
             f"--metrics-file={folder}/{source}.prom", recordings], stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return b"".join((folder / f"{source}.prom").read_bytes() for source in ("good", "damaged", "empty"))


def serve(body):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(port, query):
    address = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)["data"]["result"]


def is_answered(port, query):
    try:
        return bool(ask(port, query))
    except (OSError, urllib.error.HTTPError):
        return False


def check_answers(folder):
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES.resolve())],
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{serve(metrics(folder))}"]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    port = free_port()
    log = open(folder / "prometheus.log", "w")
    prometheus = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log,
    )  # fmt: skip
    try:
        until = time.time() + 60
        while not is_answered(port, "giggles:damaged_ratio"):
            assert time.time() < until, "no metric came\n" + (folder / "prometheus.log").read_text()
            time.sleep(0.5)
        # The runs are too short for this one, which leaves out those with less than an hour of audio.
        unanswered = {"giggles:fleet_seconds_per_audio_hour"}
        for query, panel in queries().items():
            assert is_answered(port, query) != (query in unanswered), f"{panel}: {query}"
        values = {name: float(ask(port, name)[0]["value"][1]) for name in
                  ("giggles:sources", "giggles:failing_ratio", "giggles:damaged_ratio", "giggles:late_ratio")}  # fmt: skip
        # Without a first success, the time of the last one is 1970: damaged is partial (3), and not late; empty is both.
        wanted = {"giggles:sources": 3, "giggles:failing_ratio": 1 / 3, "giggles:damaged_ratio": 1 / 3, "giggles:late_ratio": 1 / 3}
        assert all(abs(values[name] - wanted[name]) < 1e-9 for name in wanted), values
    finally:
        prometheus.kill()
        prometheus.wait()


check_form()
check_names()
with tempfile.TemporaryDirectory() as name:
    check_answers(Path(name))
print("ok: every query of the dashboard has an answer on metrics of real runs, and names a metric that exists")
