"""Simulates a fleet on one machine with Postgres, Redis and Celery workers: scripts/scale_test.sh.

    plain         one scan after the other, one per source, without Celery: the reference
    throughput    every source and day as a task, with 1, 2, 4, … workers of one process
    disturbed     the same, and 20 % of the tasks twice, while workers are killed and Postgres restarts twice

Every database must hold the rows of the reference, bit for bit.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import psycopg
import redis

from servers import CELERY, ROOT, Postgres, Redis, Worker, wait_for

FIRST_DAY = date(2026, 1, 1)
DUPLICATES = 0.2
# Time between kills, on average.
KILL_SECONDS = 3
# Tasks from which on database times are compared; fewer are noise.
MEASURABLE = 1000

# Rows without what differs from run to run: the ids. jsonb prints the shortest text that reads as the same double.
ROWS = """
    SELECT to_jsonb(r) - 'id' - 'run_id' FROM recordings AS r
    UNION ALL
    SELECT to_jsonb(d) - 'id' - 'run_id' - 'recording_id' || jsonb_build_object('source', r.source, 'name', r.name)
    FROM detections AS d JOIN recordings AS r ON r.id = d.recording_id"""
DIGEST = f"SELECT count(*), md5(string_agg(line::text, ' ' ORDER BY line::text)) FROM ({ROWS}) AS rows (line)"

DURATION = "SELECT extract(epoch FROM max(ended_at) - min(started_at)) FROM runs WHERE source <> 'setup'"


class Fleet:
    def __init__(self, folder, program, sources, days):
        self.folder, self.program = folder, program
        self.sources = [f"wearer {number:05}" for number in range(1, sources + 1)]
        self.days = [(FIRST_DAY + timedelta(days=number)).isoformat() for number in range(days)]
        # Day after day: two days of one source at the same time would meet its lock.
        self.tasks = [(source, day) for day in self.days for source in self.sources]
        self.postgres, self.redis = Postgres(folder, ["max_connections = 200"]), Redis(folder)
        self.queue = redis.Redis(port=self.redis.port)
        self.workers = []

    def make_recordings(self):
        """A recording a day; those of a source differ, since a copy is not stored twice."""
        clips = self.folder / "clips"
        shutil.copytree(ROOT / "fixtures/clips", clips)
        old = time.time() - 86400
        names = sorted(clips.iterdir())
        assert len(self.days) <= len(names), f"there are clips for {len(names)} days"
        for path in names:
            os.utime(path, (old, old))
        for number, source in enumerate(self.sources):
            folder = self.folder / "recordings" / source
            folder.mkdir(parents=True)
            for later, day in enumerate(self.days):
                os.link(names[(number + later) % len(names)], folder / f"{day.replace('-', '')}_130000.flac")

    def environment(self, url):
        names = {
            "CELERY_BROKER_URL": self.redis.url(),
            "DATABASE_URL": url,
            "GIGGLES_BIN": self.program,
            "GIGGLES_FOLDER": f"{self.folder}/recordings/{{source}}",
            "GIGGLES_TZ": "UTC",
            "GIGGLES_THREADS": "1",
            "GIGGLES_RETRY_SECONDS": "1",
            "GIGGLES_CHECK_SECONDS": "5",
            "GIGGLES_VISIBILITY_SECONDS": "15",
        }
        return os.environ | names

    def database(self, name):
        """With tables: a scan of an empty folder makes them."""
        url = self.postgres.create(name)
        (self.folder / "empty").mkdir(exist_ok=True)
        self.scan(url, "setup", "--allow-empty", self.folder / "empty")
        return url

    def scan(self, url, source, *arguments):
        command = [self.program, "scan", "--quiet", "--source", source, *arguments]
        subprocess.run(command, env=self.environment(url), check=True)

    def send(self, url, tasks):
        self.python(url, f"[scan.delay(*task) for task in {tasks!r}]")

    def python(self, url, code):
        """Runs Python beside tasks.py, as a program that sends tasks does."""
        environment = self.environment(url) | {"PYTHONPATH": str(CELERY)}
        text = f"from tasks import *\n{code}\n"
        subprocess.run([sys.executable, "-"], cwd=CELERY, env=environment, input=text, text=True, check=True)

    def start_worker(self, url, name):
        self.workers.append(Worker(self.folder, self.environment(url), 1, name))

    def left(self):
        """Messages that are queued, and those that workers have."""
        return self.queue.llen("celery"), self.queue.hlen("unacked")

    def is_idle(self):
        """No message for a while, also none between two tasks."""
        for _ in range(6):
            if self.left() != (0, 0):
                return False
            time.sleep(0.5)
        return True

    def stop_workers(self):
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
        self.queue.flushall()

    def stop(self):
        self.stop_workers()
        self.redis.stop()
        self.postgres.stop(signal.SIGINT)


def query(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchone()


def say(text):
    print(text, flush=True)


def plain(fleet):
    url, begun = fleet.database("plain"), time.monotonic()
    for source in fleet.sources:
        fleet.scan(url, source, fleet.folder / "recordings" / source)
    count, digest = query(url, DIGEST)
    seconds = time.monotonic() - begun
    say(f"plain: {len(fleet.sources)} runs one after the other, {seconds:.0f} s; {count} rows, {digest}")
    return digest


def throughput(fleet, counts, digest):
    """Database time is the time in which the server executes statements, of all sessions together."""
    say("\n| workers | tasks | tasks per second | speed-up | database time per task: first quarter | last quarter |")
    say("|---|---|---|---|---|---|")
    first = None
    for count in counts:
        url = fleet.database(f"workers_{count}")
        fleet.send(url, fleet.tasks)
        for number in range(count):
            fleet.start_worker(url, f"worker{number}")
        quarters = [milliseconds(fleet, url, part) for part in measured_parts(fleet)]
        wait_for("the queue is empty", lambda: fleet.left() == (0, 0), 60)
        fleet.stop_workers()
        assert query(url, DIGEST)[1] == digest, f"{count} workers stored other rows than one run after the other"
        rate = len(fleet.tasks) / float(query(url, DURATION)[0])
        first = first or rate
        cells = [f"{rate:.1f}", f"{rate / first:.2f}", f"{quarters[0]:.1f} ms", f"{quarters[-1]:.1f} ms"]
        say(" | ".join([f"| {count}", str(len(fleet.tasks)), *cells]) + " |")
        if len(fleet.tasks) >= MEASURABLE:
            assert quarters[-1] < 2 * quarters[0], "the last tasks take more database time than the first"


def measured_parts(fleet):
    """Numbers of queued messages at the start and the end of each quarter."""
    total = len(fleet.tasks)
    bounds = [total - total * quarter // 4 for quarter in range(5)]
    return list(zip(bounds, bounds[1:]))


def milliseconds(fleet, url, part):
    """Database time of a task between two lengths of the queue."""
    name = url.rsplit("/", 1)[1].split("?")[0]
    active = f"SELECT active_time FROM pg_stat_database WHERE datname = '{name}'"

    def at(length):
        wait_for(f"{length} messages are left", lambda: fleet.left()[0] <= length, 3600, 0.02)
        return fleet.left()[0], query(fleet.postgres.url("postgres"), active)[0]

    (before, begun), (after, ended) = map(at, part)
    return (ended - begun) / max(before - after, 1)


def disturbed(fleet, count, digest, seed):
    chance = random.Random(seed)
    url, begun = fleet.database("disturbed"), time.monotonic()
    tasks = fleet.tasks + chance.sample(fleet.tasks, int(DUPLICATES * len(fleet.tasks)))
    chance.shuffle(tasks)
    fleet.send(url, tasks)
    for number in range(count):
        fleet.start_worker(url, f"worker{number}")
    kills, restarts = 0, [signal.SIGQUIT, signal.SIGINT]
    while (stored := stored_recordings(url)) < len(fleet.tasks) and not fleet.is_idle():
        assert time.monotonic() - begun < 60 + 5 * len(tasks), f"{stored} of {len(fleet.tasks)} recordings are stored"
        if stored > len(fleet.tasks) * (3 - len(restarts)) // 3 and restarts:
            fleet.postgres.restart(restarts.pop())
        time.sleep(chance.uniform(0.5, 1.5) * KILL_SECONDS)
        kill_worker(fleet, url, chance)
        kills += 1
    assert not restarts, "Postgres was not restarted twice; take more sources"
    seconds = time.monotonic() - begun
    # Redis forgets the message of a worker that is killed at the moment when it takes it; check_day sends it again.
    forgotten = len(fleet.tasks) - stored
    check_days(fleet, url)
    wait_for("the queue is empty", lambda: fleet.left() == (0, 0), 300)
    fleet.stop_workers()
    analyzed, skipped = query(url, "SELECT sum(analyzed)::int, sum(skipped)::int FROM runs")
    assert analyzed == len(fleet.tasks), f"{analyzed} recordings were analyzed and committed, of {len(fleet.tasks)}"
    assert query(url, DIGEST)[1] == digest, "other rows than one run after the other"
    say(f"\ndisturbed: {len(tasks)} tasks, {count} workers, {kills} kills (every {KILL_SECONDS} s), Postgres restarted")
    say(f"in order and as after a crash, seed {seed}: {seconds:.0f} s; {analyzed} recordings analyzed, {skipped} skipped;")
    say(f"{forgotten} scans were forgotten by Redis and sent again by check_day;")
    say("every day is complete, and the rows are those of plain")


def stored_recordings(url):
    with contextlib.suppress(psycopg.OperationalError):
        return query(url, "SELECT count(*) FROM recordings")[0]
    return 0


def kill_worker(fleet, url, chance):
    """The worker with its pool process, or the worker alone; a supervisor starts another one."""
    worker = fleet.workers.pop(chance.randrange(len(fleet.workers)))
    if chance.random() < 0.5:
        worker.kill()
    else:
        worker.child.kill()
        worker.child.wait()
    fleet.start_worker(url, worker.log.stem)


def check_days(fleet, url):
    fleet.python(url, f"[check_day.delay(day, {fleet.sources!r}) for day in {fleet.days!r}]")
    words = [f"{day}: {len(fleet.sources)} sources are complete" for day in fleet.days]
    logs = lambda: "".join(worker.messages() for worker in fleet.workers)
    wait_for("every day is complete", lambda: all(line in logs() for line in words), 300, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4, help="the largest number; the disturbed fleet has as many")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counts = [1 << power for power in range(16) if 1 << power <= arguments.workers]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="giggles-scale-")))
        folder.chmod(0o755)
        fleet = Fleet(folder, os.path.realpath(arguments.program), arguments.sources, arguments.days)
        stack.callback(fleet.stop)
        fleet.make_recordings()
        load = os.getloadavg()[0]
        say(f"{arguments.sources} sources, {arguments.days} days, {os.cpu_count()} cores, load at the start {load:.1f}")
        digest = plain(fleet)
        throughput(fleet, counts, digest)
        try:
            disturbed(fleet, arguments.workers, digest, arguments.seed)
        except BaseException:
            for log in sorted(folder.glob("worker*.log")):
                say(f"--- the end of {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]))
            raise


if __name__ == "__main__":
    main()
