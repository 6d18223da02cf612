#!/usr/bin/env python3
"""Measures time and memory of giggles on years of nightly runs and on many sources, for a day and for all days.

Builds databases whose tables the program makes and whose rows years/*.sql makes: 30 and 1,000 days of 48 recordings
with 30 laughs each, and 10,000 sources with 30 runs each. Then it times the commands for one day (the best of
seven), and measures the peak memory of those that read everything. It needs 3 GB in the temporary folder (TMPDIR),
and psql and an empty Postgres server for --postgres.

    scripts/years.py [--program target/release/giggles] [--postgres postgres://user:password@host]

Only makes a database of a thousand days with 1.44 million laughs of one source, of which 10,000 are reviewed,
for measurements of other programs (SQLite: 40 s, 1 GB):

    scripts/years.py --make laughs.db [--days 1000] [--program target/debug/giggles]
"""

import argparse
import os
import re
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent / "years"
SHORT = dict(sources=1, days=30, recordings=48, laughs=30)
FLEET = dict(sources=10_000, days=30, recordings=1, laughs=1)
TRIES = 7


def measured(command, folder, stdout=subprocess.DEVNULL):
    """Seconds, peak in MB."""
    begun = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, stdout=stdout, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, url, *arguments):
        return measured([self.path, *arguments, "--database", url], self.folder)

    def seconds(self, url, *arguments):
        return min(self.run(url, *arguments)[0] for _ in range(TRIES))

    def make_tables(self, url):
        """Creates the tables: a scan of an empty folder stores a run, which is deleted then."""
        (self.folder / "empty").mkdir(exist_ok=True)
        self.run(url, "scan", "empty", "--allow-empty", "--tz", "UTC")


def filled(name, counts):
    return re.sub(r"\{(\w+)\}", lambda found: str(counts[found[1]]), (HERE / name).read_text())


REVIEWS = """
INSERT INTO reviews (source, content_sha256, start_seconds, end_seconds, recording, starts_at, verdict, comment,
    favourite, reviewed_at)
SELECT d.source, r.content_sha256, d.start_seconds, d.end_seconds, r.name, d.starts_at,
    CASE d.id % 3 WHEN 0 THEN 'confirmed' WHEN 1 THEN 'rejected' END, CASE d.id % 5 WHEN 0 THEN 'with Ann' END,
    d.id % 11 = 0, '2026-01-01T00:00:00.000000Z'
FROM detections AS d JOIN recordings AS r ON r.id = d.recording_id
WHERE d.id % (SELECT max(1, max(id) / 10000) FROM detections) = 0;
"""


def make_only(program, path, days):
    """A database to measure with."""
    url = f"sqlite:{path}"
    program.make_tables(url)
    connection = sqlite3.connect(path, isolation_level=None)
    counts = {**SHORT, "days": days}
    connection.executescript("PRAGMA synchronous = OFF; DELETE FROM runs;" + filled("sqlite.sql", counts) + REVIEWS)
    for table in ("recordings", "detections", "reviews"):
        print(table, connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    connection.close()


def in_sqlite(program, counts):
    path = program.folder / f"{counts['sources']}_{counts['days']}.db"
    url = f"sqlite:{path}"
    program.make_tables(url)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA synchronous = OFF; DELETE FROM runs;" + filled("sqlite.sql", counts))
    connection.close()
    return url


def in_postgres(server, program, counts):
    name = f"giggles_years_{counts['sources']}_{counts['days']}"

    def psql(database, sql):
        subprocess.run(
            ["psql", "-qX", "-v", "ON_ERROR_STOP=1", f"{server}/{database}"], input=sql, text=True, check=True
        )

    psql("postgres", f"DROP DATABASE IF EXISTS {name};\nCREATE DATABASE {name};")
    url = f"{server}/{name}?sslmode=disable"
    program.make_tables(url)
    psql(name, "DELETE FROM runs;" + filled("postgres.sql", counts))
    return url


def compare(program, short, long, days):
    print(f"\n| command | 30 days | {days:,} days | ratio |\n|---|---|---|---|")
    middle = f"{2023 + days // 2 // 365}-01-20"
    commands = [("status",), ("status", "--date"), ("report", "--date")]
    for command in commands:
        dated = len(command) > 1
        a = program.seconds(short, *command, *(["2023-01-20", "--tz", "UTC"] if dated else []))
        for date in ([middle, "2023-01-02"] if dated else [None]):
            b = program.seconds(long, *command, *([date, "--tz", "UTC"] if dated else []))
            words = " ".join(filter(None, [*command, date]))
            print(f"| `{words}` | {a * 1000:.0f} ms | {b * 1000:.0f} ms | {b / a:.2f} |", flush=True)


def fleet(program, url, sources):
    for flags in ((), ("--json",)):
        seconds, peak = program.run(url, "status", "--date", "2023-01-20", "--tz", "UTC", *flags)
        words = " ".join(["status --date", *flags])
        print(f"| `{words}`, {sources:,} sources, {sources * FLEET['days']:,} runs | {seconds:.2f} s | {peak:.0f} MB |", flush=True)


def everything(program, url):
    clips = program.folder / "clips" / "s00000"
    clips.mkdir(parents=True, exist_ok=True)
    (program.folder / "labels").mkdir(exist_ok=True)
    care = ("--clips", str(clips.parent))
    prune = ("prune", "--older-than", "1d", *care, "--rows")
    commands = [
        *(("export", "--format", format) for format in ("json", "jsonl", "csv")),
        ("export", "--format", "audacity", "--folder", "labels"),
        ("verify", *care),
        ("verify", "--json", *care),
        (*prune, "--dry-run"),
        prune,
    ]
    for command in commands:
        seconds, peak = program.run(url, *command)
        words = " ".join(command).replace(str(clips.parent), "clips")
        print(f"| `{words}` | {seconds:.1f} s | {peak:.0f} MB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/giggles")
    parser.add_argument("--postgres", help="URL of a server, without a database")
    parser.add_argument("--days", type=int, default=1000)
    parser.add_argument("--make", metavar="FILE", help="only make this SQLite database, which must not exist")
    parser.add_argument("--fleet", type=int, default=10_000, help="sources")
    arguments = parser.parse_args()
    if arguments.make and Path(arguments.make).exists():
        raise SystemExit(f"{arguments.make} exists already; name a new file, or remove it")
    with tempfile.TemporaryDirectory(prefix="giggles-years-") as folder:
        program = Program(str(Path(arguments.program).resolve()), Path(folder))
        if arguments.make:
            return make_only(program, Path(arguments.make).resolve(), arguments.days)
        backends = [("SQLite", lambda counts: in_sqlite(program, counts))]
        if arguments.postgres:
            server = arguments.postgres.rstrip("/")
            backends.append(("Postgres", lambda counts: in_postgres(server, program, counts)))
        for name, make in backends:
            print(f"\n## {name}", flush=True)
            short, long = make(SHORT), make({**SHORT, "days": arguments.days})
            compare(program, short, long, arguments.days)
            print("\n| command | time | peak memory |\n|---|---|---|")
            fleet(program, make({**FLEET, "sources": arguments.fleet}), arguments.fleet)
            everything(program, long)


if __name__ == "__main__":
    main()
