"""Tests deploy/celery with a real broker, a real Postgres and real workers: scripts/celery_test.sh.

Each step breaks something while scans run. At the end, the day of every source is complete: nothing is lost, nothing is
stored twice.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import wave
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg

from servers import CELERY, ROOT, Postgres, RabbitMq, Redis, Worker, giggles_of, is_alive, parent_of, wait_for

DATE = "2025-10-24"
NAME = "20251024_130000.flac"
PLANNED = [f"wearer {number:02}" for number in range(1, 21)]
# Sources whose scan takes some seconds, so that it can be interrupted.
LONG = ["pool", "terminated", "lost", "locked", "warm", "frozen", "late"]
QUICK = [f"{step} {number}" for step in ("queued", "restart", "forgotten") for number in range(1, 6)]
# Folders without recordings.
EMPTY = [f"empty {number}" for number in range(1, 3)]
LONG_SECONDS = 600


def make_recordings(folder):
    clips = sorted((ROOT / "fixtures/clips").glob("*.flac"))
    for number, source in enumerate(PLANNED + QUICK):
        (folder / source).mkdir(parents=True)
        (folder / source / NAME).write_bytes(clips[number % len(clips)].read_bytes())
    for source in EMPTY:
        (folder / source).mkdir()
    with wave.open(str(ROOT / "fixtures/evening/20251024_130000.WAV")) as laugh:
        parameters, samples = laugh.getparams(), laugh.readframes(laugh.getnframes())
    with wave.open(str(folder / "long.wav"), "wb") as long:
        long.setparams(parameters)
        for _ in range(LONG_SECONDS * parameters.framerate // parameters.nframes):
            long.writeframesraw(samples)
    for source in LONG:
        (folder / source).mkdir()
        os.link(folder / "long.wav", folder / source / "20251024_130000.wav")
    (folder / "long.wav").unlink()
    # A recording that was just written may be in progress.
    old = time.time() - 86400
    for path in folder.glob("*/*"):
        os.utime(path, (old, old))


class Test:
    def __init__(self, folder, program, broker, database):
        self.folder, self.program, self.broker, self.database, self.workers = folder, program, broker, database, []
        self.sources = folder / "sources"
        self.sources.write_text("# comment\n" + "\n".join(PLANNED) + "\n")
        self.begun = time.monotonic()

    def environment(self, number=0, **settings):
        names = {
            "CELERY_BROKER_URL": self.broker.url(number),
            "DATABASE_URL": self.database,
            "GIGGLES_BIN": self.program,
            "GIGGLES_FOLDER": f"{self.folder}/recordings/{{source}}",
            "GIGGLES_SOURCES": str(self.sources),
            "GIGGLES_TZ": "UTC",
            "GIGGLES_RETRY_SECONDS": "1",
            "GIGGLES_CHECK_SECONDS": "2",
            "GIGGLES_VISIBILITY_SECONDS": "8",
        }
        return os.environ | names | settings

    def worker(self, concurrency=2, number=0, name="worker", **settings):
        worker = Worker(self.folder, self.environment(number, **settings), concurrency, name)
        self.workers.append(worker)
        return worker

    def python(self, code, number=0, **settings):
        """Runs Python beside tasks.py, as a program that sends tasks does."""
        command = [sys.executable, "-c", f"from tasks import *; {code}"]
        environment = self.environment(number, **settings)
        done = subprocess.run(command, cwd=CELERY, env=environment, text=True, stdout=subprocess.PIPE, check=True)
        return done.stdout.strip()

    def send(self, *sources, number=0, **settings):
        self.python(f"[scan.delay(source, {DATE!r}) for source in {sources!r}]", number, **settings)

    def query(self, sql, *values):
        with psycopg.connect(self.database) as connection:
            return connection.execute(sql, values).fetchall()

    def is_stored(self, *sources):
        sql = "SELECT count(DISTINCT source) FROM recordings WHERE source = ANY(%s)"
        return self.query(sql, list(sources))[0][0] == len(sources)

    def wait_until_stored(self, *sources):
        wait_for(f"{sources} are stored", lambda: self.is_stored(*sources), 120)

    def running(self, source):
        """The process id of the scan of this source, as soon as it has been running for a moment."""
        pid = wait_for(f"a scan of {source}", lambda: giggles_of(source), 60, 0.01)[0]
        time.sleep(0.2)
        assert is_alive(pid), f"the scan of {source} ended too early to be interrupted"
        return pid

    def passed(self, text):
        print(f"{time.monotonic() - self.begun:5.1f} s  {text}", flush=True)


def planned_day(test):
    worker = test.worker()
    started = time.monotonic()
    test.python(f"plan_day.delay({DATE!r})")
    wait_for("check_day", lambda: f"{len(PLANNED)} sources are complete" in worker.messages(), 120)
    assert test.is_stored(*PLANNED)
    test.passed(f"a day of {len(PLANNED)} sources is complete after {time.monotonic() - started:.1f} s")
    return worker


def killed_pool_process(test, worker):
    test.send("pool", "terminated")
    giggles = test.running("pool")
    os.kill(giggles, signal.SIGSTOP)
    os.kill(parent_of(giggles), signal.SIGKILL)
    wait_for("giggles ends with its pool process", lambda: not is_alive(giggles), 2, 0.01)
    os.kill(test.running("terminated"), signal.SIGTERM)
    test.wait_until_stored("pool", "terminated")
    assert "giggles scan ended with 143" in worker.messages()
    test.passed("a killed pool process and a terminated giggles: tried again")


def held_lock(test, worker):
    """The holder of the lock is a scan that somebody runs by hand."""
    command = [test.program, "scan", "--quiet", "--source", "locked", "--date", DATE, test.folder / "recordings/locked"]
    other = subprocess.Popen(command, env=test.environment() | {"GIGGLES_THREADS": "1"})
    test.running("locked")
    other.send_signal(signal.SIGSTOP)
    test.send("locked")
    wait_for("75", lambda: "giggles scan ended with 75" in worker.messages())
    other.send_signal(signal.SIGCONT)
    assert other.wait(60) == 0
    sql = "SELECT count(*) FROM runs WHERE source = 'locked' AND skipped = 1"
    wait_for("the task finds the recording analyzed", lambda: test.query(sql)[0][0] == 1)
    test.passed("a lock that is held: 75, tried again, skipped")


def permanent_failure(test, worker):
    test.send("no such folder", "../recordings/pool")
    for words in ("raised unexpected: Failed(\"giggles scan ended with 78", "is not a source"):
        wait_for(words, lambda: words in worker.messages())
    test.passed("a wrong source: failed")


def killed_worker(test, worker):
    """Only the visibility timeout brings its message back with Redis; RabbitMQ sends it again at once."""
    test.send("lost")
    giggles = test.running("lost")
    worker.kill()
    wait_for("giggles ends with its worker", lambda: not is_alive(giggles), 2, 0.01)
    assert not test.is_stored("lost")
    next_worker = test.worker()
    test.wait_until_stored("lost")
    test.passed("a killed worker: its task went to the next one")
    return next_worker


def warm_shutdown(test, worker):
    queued = [source for source in QUICK if source.startswith("queued")]
    test.send("warm", "late", *queued)
    giggles = [test.running("warm"), test.running("late")]
    assert worker.shut_down() == 0
    assert not any(map(is_alive, giggles))
    assert test.is_stored("warm", "late") and not test.is_stored(*queued)
    assert "ended with" not in worker.messages().split("Warm shutdown", 1)[1]
    next_worker = test.worker()
    test.wait_until_stored(*queued)
    test.passed("a warm shutdown: running scans end, queued ones stay queued")
    return next_worker


def restarted_broker(test, worker):
    worker.wait_until_ready()
    sources = [source for source in QUICK if source.startswith("restart")]
    test.send(*sources)
    wait_for("a scan", lambda: any(giggles_of(source) for source in sources) or test.is_stored(sources[0]), 60, 0.01)
    test.broker.kill_and_start()

    def stored():
        # kombu 5.7 sometimes ends a worker whose connection breaks; a supervisor starts it again.
        if test.workers[-1].child.poll() is not None:
            test.worker()
        return test.is_stored(*sources)

    wait_for(f"{sources} are stored", stored, 120)
    test.passed("the broker was killed and started again")


def frozen(test):
    """On a queue and with a worker of its own: waiting for the time limit takes long."""
    settings = {"GIGGLES_TASK_SECONDS": "15", "GIGGLES_VISIBILITY_SECONDS": ""}
    worker = test.worker(1, number=1, name="frozen", **settings)
    # A message carries the time limits of its sender.
    test.send("frozen", number=1, **settings)
    giggles = test.running("frozen")
    os.kill(giggles, signal.SIGSTOP)
    return worker, giggles


def thawed(test, worker, giggles):
    wait_for("the frozen giggles is killed", lambda: not is_alive(giggles), 60)
    test.wait_until_stored("frozen")
    messages = worker.messages()
    assert "Soft time limit" in messages and "giggles scan ended with -9" in messages and "Hard" not in messages
    test.passed("a frozen giggles: SIGTERM, SIGKILL, tried again")


def forgotten_message(test):
    """As Redis forgets it: the scan of the first source is never delivered."""
    sources = [source for source in QUICK if source.startswith("forgotten")]
    test.send(*sources[1:])
    test.python(f"check_day.delay({DATE!r}, {sources!r})")
    test.wait_until_stored(*sources)
    test.passed("a message was lost: check_day sent the scan again")


@contextlib.contextmanager
def beat(test):
    """Beat plans a day each minute, for a queue that no worker reads."""
    command = [Path(sys.executable).parent / "celery", "--app", "tasks", "beat", "--schedule", test.folder / "schedule"]
    environment = test.environment(2, GIGGLES_PLAN_AT="* * * * *")
    with open(test.folder / "beat.log", "wb") as log:
        child = subprocess.Popen(command, cwd=CELERY, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        child.terminate()
        child.wait()


def planned_by_beat(test):
    code = """
with app.connection_for_read() as connection:
    queue = connection.SimpleQueue("celery")
    print(__import__("json").dumps(queue.get(timeout=75).payload[1]))"""
    arguments = json.loads(test.python("pass" + code, 2))
    yesterday = [(datetime.now(timezone.utc) - timedelta(days=1, minutes=back)).date().isoformat() for back in (0, 5)]
    assert arguments["date"] in yesterday, arguments
    test.passed(f"beat plans the day of {arguments['date']}")


def sources_without_recordings(test):
    """One that recorded nothing is scanned all the same; a day of which nothing is there fails."""
    worker = test.workers[-1]
    runs = lambda: test.query("SELECT count(*) FROM runs WHERE source = ANY(%s)", EMPTY)[0][0]
    test.send(*EMPTY)
    wait_for("a run of each", lambda: runs() == len(EMPTY))
    test.python(f"check_day.delay({DATE!r}, {[PLANNED[0], *EMPTY]!r}); check_day.delay({DATE!r}, {EMPTY!r})")
    for words in (
        f"3 sources are complete, 2 without recordings: {', '.join(EMPTY)}",
        f"{DATE}: no source has recordings",
    ):
        wait_for(words, lambda: words in worker.messages(), 60)
    assert runs() == len(EMPTY), "a scan was sent again"
    test.passed("a source without recordings is complete; a day without any recording fails")


def sources_by_query(test):
    sql = "SELECT DISTINCT source FROM runs WHERE source LIKE 'wearer %' ORDER BY 1"
    assert test.python("print(*read_sources(), sep='|')", GIGGLES_SOURCES_QUERY=sql) == "|".join(PLANNED)
    test.passed("the sources come from a query")


def nothing_is_lost_or_double(test):
    expected = sorted(PLANNED + LONG + QUICK)
    recordings = test.query("SELECT source, count(*), min(status) FROM recordings GROUP BY 1 ORDER BY 1")
    assert recordings == [(source, 1, "analyzed") for source in expected], recordings
    runs = test.query("SELECT source, sum(analyzed)::int FROM runs WHERE source <> ALL(%s) GROUP BY 1 ORDER BY 1", EMPTY)
    assert runs == [(source, 1) for source in expected], runs
    worker = test.workers[-1] if test.workers[-1].child.poll() is None else test.worker()
    test.python(f"check_day.delay({DATE!r}, {expected!r}); check_day.delay({DATE!r}, ['unknown'])")
    wait_for("check_day", lambda: f"{len(expected)} sources are complete" in worker.messages())
    wait_for("check_day", lambda: "1 of 1 sources are not scanned: unknown" in worker.messages())
    assert worker.log.read_text().count("no such folder' does not exist") == 1, "a failed scan was tried again"
    test.passed(f"{len(expected)} sources: every recording is stored once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--broker", choices=["redis", "rabbitmq"], default="redis")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="giggles-celery-")))
        folder.chmod(0o755)
        make_recordings(folder / "recordings")
        postgres = Postgres(folder, ["fsync = off"])
        stack.callback(postgres.stop, signal.SIGINT)
        broker = {"redis": Redis, "rabbitmq": RabbitMq}[arguments.broker](folder)
        stack.callback(broker.stop)
        test = Test(folder, os.path.realpath(arguments.program), broker, postgres.create("giggles"))
        stack.callback(lambda: [worker.kill() for worker in test.workers])
        try:
            run(test, stack)
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                print(f"--- the end of {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-100:]))
            raise


def run(test, stack):
    test.passed(f"{type(test.broker).__name__}, Postgres and {len(PLANNED + LONG + QUICK)} sources are ready")
    stack.enter_context(beat(test))
    worker = planned_day(test)
    late = frozen(test)
    killed_pool_process(test, worker)
    held_lock(test, worker)
    permanent_failure(test, worker)
    worker = killed_worker(test, worker)
    worker = warm_shutdown(test, worker)
    thawed(test, *late)
    restarted_broker(test, worker)
    forgotten_message(test)
    planned_by_beat(test)
    sources_without_recordings(test)
    sources_by_query(test)
    nothing_is_lost_or_double(test)


if __name__ == "__main__":
    main()
