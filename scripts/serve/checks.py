"""The checks of scripts/serve_test.sh: giggles serve with the programs that talk to it."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

PROGRAM = sys.argv[1]
REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = os.environ.pop("DATABASE_URL")
TOKEN = "family-0123456789abcdef0123456789abcdef"
NEIL = "neil-0123456789abcdef0123456789abcdef"
# Seconds until a server listens.
START = 20


def ok(text):
    print(f"ok: {text}")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def started(command, port, **more):
    """A server that listens on the port, and is ended with the block."""
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, **more)
        try:
            until = time.monotonic() + START
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > until:
                        log.seek(0)
                        sys.exit(f"FAILED: {command[0]} does not listen\n{log.read()}")
                    time.sleep(0.05)
            yield server
        finally:
            server.terminate()
            server.wait()


def giggles(folder, url, port, *flags):
    environment = {**os.environ, "DATABASE_URL": url, "GIGGLES_TOKENS": f"{TOKEN}\n{NEIL} neil\n", "HOME": str(folder)}
    command = [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--clips", str(folder / "clips"), *flags]
    return started(command, port, env=environment)


def ask(url, method="GET", body=None, token=TOKEN, headers=None, context=None):
    """Status, headers and body of an answer."""
    headers = {"Authorization": f"Bearer {token}", **(headers or {})}
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"FAILED: {what}: {found!r}, not {wanted!r}")


def scan(folder, url):
    recordings = folder / "recordings"
    recordings.mkdir(exist_ok=True)
    (folder / "clips").mkdir(exist_ok=True)
    for number in range(3):
        source = REPOSITORY / "fixtures/clips/laugh_male_scratch2.flac"
        # Different contents: a copy would be skipped.
        (recordings / f"20251024_1{number}0000.flac").write_bytes(source.read_bytes() + b"\0" * number)
    for source in ("neil", "Anna Lena"):
        run(PROGRAM, "scan", "--quiet", "--tz", "UTC", "--source", source, "--clips", folder / "clips", recordings,
            env={**os.environ, "DATABASE_URL": url, "HOME": str(folder)})


def api(folder, url):
    """Every route answers as its description says, whatever it is asked."""
    port = free_port()
    with giggles(folder, url, port):
        base = f"http://127.0.0.1:{port}"
        page = ask(f"{base}/days/2025-10-24")[2].decode()
        clip = re.search(r'/api/v1/clips/neil/([^/"]+)/([^/"]+[.]flac)', page)
        config = folder / "schemathesis.toml"
        config.write_text((REPOSITORY / "scripts/serve/schemathesis.toml").read_text() + "".join(
            f"""
[[operations]]
include-path = "/api/v1/{name}/{{source}}/{{day}}/{{file}}"
parameters = {{ "path.source" = "neil", "path.day" = "{clip[1]}", "path.file" = "{clip[2]}" }}
""" for name in ("clips", "spectrograms")))
        schemathesis = Path(sys.executable).with_name("schemathesis")
        command = [schemathesis, "--config-file", config, "run", f"{base}/api/v1/openapi.json", "--url", base, "--seed", "1",
                   "--max-examples", "40", "--header", f"Authorization: Bearer {TOKEN}", "--phases", "examples,coverage,fuzzing",
                   "--no-color", "--suppress-health-check", "all"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if done.returncode != 0:
            sys.exit(f"FAILED: schemathesis\n{done.stdout[-20000:]}\n{done.stderr}")
        operations = len(json.loads(ask(f"{base}/api/v1/openapi.json")[2])["paths"])
        tested = re.search(r"(\d+) generated, .*(\d+) passed", done.stdout) or re.search(r"(\d+) generated", done.stdout)
        ok(f"schemathesis: {operations} paths, {tested.group(0) if tested else 'no failure'}")
        status, _, text = ask(f"{base}/metrics")
        expect("/metrics", status, 200)
        run("promtool", "check", "metrics", input=text.decode())
        expect("a series of each source", text.decode().count("giggles_last_run_exit_code{"), 2)
        ok("promtool takes the metrics")
        pages(base)
        every_answer_is_of_its_source(base)


def pages(base):
    """A list is the same in pages of one."""
    for name in ("recordings", "runs", "detections", "detections?order=best", "detections?order=oldest"):
        name, _, query = name.partition("?")
        query = f"?{query}" if query else "?"
        whole = json.loads(ask(f"{base}/api/v1/{name}{query}")[2])[name]
        parts, cursor = [], ""
        while True:
            page = json.loads(ask(f"{base}/api/v1/{name}{query}&limit=1{cursor}")[2])
            parts += page[name]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        expect(f"pages of {name}", parts, whole)
        if len(whole) < 2:
            sys.exit(f"FAILED: {name} has {len(whole)} items")
    days = json.loads(ask(f"{base}/api/v1/days?from=2025-10-24&to=2025-10-24")[2])["days"]
    laughs = json.loads(ask(f"{base}/api/v1/detections?from=2025-10-24&to=2025-10-24")[2])["detections"]
    expect("laughs of the day", sum(day["laughs"] for day in days), len(laughs))
    one = laughs[0]
    expect("one laugh", json.loads(ask(f"{base}/api/v1/detections/{one['id']}")[2])["detection"], one)
    expect("its clip", ask(base + one["clip"])[2][:4], b"fLaC")
    expect("of another token", [ask(f"{base}/api/v1/detections/{one['id']}", token=NEIL)[0] for one in laughs],
           [200 if one["source"] == "neil" else 404 for one in laughs])
    ok("pages of one item add up to the list")


def every_answer_is_of_its_source(base):
    """A token of one source learns nothing of the other."""
    document = json.loads(ask(f"{base}/api/v1/openapi.json")[2])
    asked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or "{source}" in path or "{id}" in path or path.endswith("openapi.json"):
            continue
        status, _, text = ask(base + path.replace("{date}", "2025-10-24"), token=NEIL)
        if b"Anna Lena" in text or status != 200:
            sys.exit(f"FAILED: {path} with the token of neil: {status} {text[:500]!r}")
        asked += 1
    ok(f"the token of a source sees nothing of another on {asked} routes")


def certificate(folder):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))


def behind(name, base, context):
    """The proxy passes on what giggles needs."""
    status, headers, text = ask(f"{base}/days/2025-10-24", context=context)
    expect(f"{name}: the page of a day", (status, b"Anna Lena" in text), (200, True))
    expect(f"{name}: HSTS", headers["Strict-Transport-Security"], "max-age=31536000")
    clip = re.search(rb"/api/v1/clips/neil/[^\"]+\.flac", text).group(0).decode()
    status, headers, part = ask(base + clip, headers={"Range": "bytes=0-3"}, context=context)
    expect(f"{name}: a part of a clip", (status, part), (206, b"fLaC"))
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": base}
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirect)
    try:
        opener.open(urllib.request.Request(f"{base}/login", data=f"token={TOKEN}&next=/".encode(), headers=form))
        sys.exit("FAILED: a login does not redirect")
    except urllib.error.HTTPError as answer:
        cookie = answer.headers["Set-Cookie"]
        expect(f"{name}: the login", (answer.code, "; HttpOnly; SameSite=Strict; Secure" in cookie), (303, True))
    status, _, _ = ask(f"{base}/login", method="POST", body=b"token=x", headers={"Origin": "https://evil.example"}, context=context)
    expect(f"{name}: another origin", status, 403)
    ok(f"{name}: pages, parts of clips, logins with Secure cookies; another origin is refused")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def proxies(folder, url):
    context = certificate(folder)
    port, plain, caddy, nginx = (free_port() for _ in range(4))
    with giggles(folder, url, port, "--host", "laughs.example.org"):
        text = (REPOSITORY / "deploy/serve/Caddyfile").read_text()
        text = text.replace("laughs.example.org {", f"https://localhost:{caddy} {{\n\ttls {folder}/cert.pem {folder}/key.pem")
        text = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text.replace("127.0.0.1:8760", f"127.0.0.1:{port}")
        (folder / "Caddyfile").write_text(text)
        command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        with started(command, caddy, env={**os.environ, "HOME": str(folder)}):
            behind("Caddy", f"https://localhost:{caddy}", context)
        text = (REPOSITORY / "deploy/serve/nginx.conf").read_text()
        text = re.sub(r"listen \[::\].*;\n", "", text).replace("127.0.0.1:8760", f"127.0.0.1:{port}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace("listen 443", f"listen 127.0.0.1:{nginx}")
        text = text.replace("server_name laughs.example.org", "server_name localhost")
        text = re.sub(r"/etc/letsencrypt\S*/fullchain.pem", f"{folder}/cert.pem", text)
        text = re.sub(r"/etc/letsencrypt\S*/privkey.pem", f"{folder}/key.pem", text)
        user = "user root;\n" if os.getuid() == 0 else ""
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off;\n{user}pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n")
        command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with started(command, nginx):
            behind("nginx", f"https://localhost:{nginx}", context)


def sql(url, text):
    return subprocess.run(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
                           "--command", text, url], capture_output=True, text=True)


def role(folder):
    """The role of serve.sql serves and reviews, and can do nothing else; also with row-level security."""
    scan(folder, OWNER)
    for _ in range(2):
        for name, file in (("scans", "role.sql"), ("scans", "sources.sql"), ("pages", "serve.sql")):
            run("psql", "--no-psqlrc", "--quiet", f"--set=role={name}", "--file", REPOSITORY / "deploy/postgres" / file, OWNER)
    run("psql", "--no-psqlrc", "--quiet", "--command", "ALTER ROLE pages PASSWORD 'open-barley'", OWNER)
    url = re.sub(r"//[^@]*@", "//pages:open-barley@", OWNER)
    for refused in ("DELETE FROM reviews", "UPDATE detections SET peak_score = 1", "INSERT INTO runs SELECT * FROM runs",
                    "DELETE FROM recordings", "TRUNCATE reviews", "CREATE TABLE x (y int)", "DROP TABLE reviews"):
        done = sql(url, refused)
        if done.returncode == 0 or not re.search("permission denied|must be owner", done.stderr):
            sys.exit(f"FAILED: {refused} was not refused: {done.stderr}")
    port = free_port()
    with giggles(folder, url, port):
        base = f"http://127.0.0.1:{port}"
        status, _, text = ask(f"{base}/days/2025-10-24")
        expect("the page of a day", (status, b"Anna Lena" in text), (200, True))
        recording = json.loads(ask(f"{base}/api/v1/recordings?source=neil&limit=1")[2])["recordings"][0]
        review = {"source": "neil", "recording": recording["name"], "content_sha256": recording["content_sha256"],
                  "start_seconds": 0, "end_seconds": 2.88, "starts_at": recording["started_at"], "verdict": "confirmed",
                  "comment": "with Ann", "at": "2025-10-25T08:00:00Z"}
        body = json.dumps({"reviews": [review]}).encode()
        kind = {"Content-Type": "application/json"}
        status, _, text = ask(f"{base}/api/v1/reviews", "POST", body, headers=kind)
        expect("a review", (status, json.loads(text).get("changed")), (200, 1))
        expect("it is stored", sql(OWNER, "SELECT source, verdict, comment FROM reviews").stdout.strip(), "neil|confirmed|with Ann")
        other = json.dumps({"reviews": [{**review, "source": "Anna Lena"}]}).encode()
        expect("of another source", ask(f"{base}/api/v1/reviews", "POST", other, token=NEIL, headers=kind)[0], 403)
        run("psql", "--no-psqlrc", "--quiet", "--command",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pages'", OWNER)
        expect("after its connections were cut", ask(f"{base}/days/2025-10-24")[0], 200)
        run("psql", "--no-psqlrc", "--quiet", "--command", "ALTER ROLE pages NOLOGIN", "--command",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pages'", OWNER)
        expect("without a database", [ask(base + path)[0] for path in ("/days/2025-10-24", "/healthz", "/api/v1/runs")], [503] * 3)
        run("psql", "--no-psqlrc", "--quiet", "--command", "ALTER ROLE pages LOGIN", OWNER)
        time.sleep(2.5)
        expect("with the database again", ask(f"{base}/healthz")[0], 200)
    ok("Postgres: the role serves, reviews, and can do nothing else; lost connections are replaced, an absent database is 503")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:{folder}/laughs.db"
        scan(folder, url)
        # Before schemathesis stores its reviews.
        proxies(folder, url)
        api(folder, url)
    with tempfile.TemporaryDirectory() as name:
        role(Path(name))


main()
