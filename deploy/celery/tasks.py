"""Celery tasks that run giggles. One task is one source and one day: one run, one transaction, one exit code.

    plan_day(date)            one scan per source, then check_day
    scan(source, date)          `giggles scan`; its exit code decides: done, try again, failed
    check_day(date, sources)  `giggles status`, until every source is scanned; sends scans again that were lost

What is done is known by the database alone, so every task may run twice, at any time: the second run of a source and
a day meets the lock (75, tried again) or finds its recordings analyzed.
"""

import ctypes
import datetime
import json
import os
import signal
import subprocess
from pathlib import Path

import psycopg
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

import celeryconfig as settings

app = Celery("giggles", config_source=settings)

PROGRAM = os.environ.get("GIGGLES_BIN", "giggles")
# {source} stands for the name of the source.
FOLDER = os.environ.get("GIGGLES_FOLDER", "/srv/recordings/{source}")

# The exit codes of giggles (README.md). `giggles status` ends with 4 if a day has no recordings; scans allow that.
DONE = {0, 3, 4}
TRY_AGAIN = {75, 129, 130, 143}

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class TryAgain(Exception):
    """The lock is held, the database is away, or a signal ended the run."""


class Failed(Exception):
    """Trying again would not help; a person must find the cause."""


class Incomplete(Exception):
    """Sources that no run has scanned yet."""


@app.task(
    name="giggles.plan_day",
    autoretry_for=(psycopg.OperationalError,),
    retry_backoff=settings.RETRY_SECONDS,
    retry_backoff_max=settings.RETRY_SECONDS_MAX,
    max_retries=settings.RETRIES,
)
def plan_day(date: str) -> str:
    date = datetime.date.fromisoformat(date).isoformat()
    sources = read_sources()
    for source in sources:
        scan.delay(source, date)
    check_day.delay(date, sources)
    return f"{len(sources)} sources, {date}"


@app.task(
    name="giggles.scan",
    bind=True,
    autoretry_for=(TryAgain,),
    retry_backoff=settings.RETRY_SECONDS,
    retry_backoff_max=settings.RETRY_SECONDS_MAX,
    default_retry_delay=settings.RETRY_SECONDS,
    max_retries=settings.RETRIES,
)
def scan(self, source: str, date: str) -> int:
    date = datetime.date.fromisoformat(date).isoformat()
    folder = FOLDER.format(source=checked(source))
    # Exit code 4 would not count as a scan of the day: a source that recorded nothing would be sent again and again.
    code, _ = run(self.request.id, "scan", "--quiet", "--allow-empty", "--source", source, "--date", date, folder)
    return code


@app.task(
    name="giggles.check_day",
    bind=True,
    autoretry_for=(TryAgain,),
    default_retry_delay=settings.CHECK_SECONDS,
    max_retries=settings.CHECKS,
)
def check_day(self, date: str, sources: list[str], waiting_before: int = 0, again: int = settings.SENT_AGAIN) -> str:
    _, output = run(self.request.id, "status", "--date", date, "--json")
    days = {day["source"]: day for day in json.loads(output)["days"]}
    waiting = [source for source in sources if not days.get(source, {}).get("scanned_at")]
    if waiting:
        # No progress: Redis forgets the message of a worker that is killed at the moment when it takes it.
        if len(waiting) == waiting_before and again > 0:
            again -= 1
            for source in waiting:
                scan.delay(source, date)
        words = f"{date}: {len(waiting)} of {len(sources)} sources are not scanned: {shortened(waiting)}"
        raise self.retry(exc=Incomplete(words), args=(date, sources, len(waiting), again))
    empty = [source for source in sources if not days[source]["recordings"]]
    if len(empty) == len(sources):
        raise Failed(f"{date}: no source has recordings; are their disks mounted?")
    damaged = [source for source in sources if any(one["status"] != "analyzed" for one in days[source]["recordings"])]
    if damaged:
        raise Failed(f"{date}: recordings of {len(damaged)} sources failed or are partial: {shortened(damaged)}")
    without = f", {len(empty)} without recordings: {shortened(empty)}" if empty else ""
    return f"{date}: {len(sources)} sources are complete{without}"


def read_sources() -> list[str]:
    """From the query, or else from the file: one source a line."""
    if query := os.environ.get("GIGGLES_SOURCES_QUERY"):
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            names = [row[0] for row in connection.execute(query)]
    else:
        lines = Path(os.environ.get("GIGGLES_SOURCES", "/etc/giggles/sources")).read_text().splitlines()
        names = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    # giggles trims names, too.
    sources = list(dict.fromkeys(checked(name.strip()) for name in names))
    if not sources:
        raise Failed("there are no sources; check GIGGLES_SOURCES or GIGGLES_SOURCES_QUERY")
    return sources


def checked(source: str) -> str:
    """A source is a part of a path: a message must not lead out of the folder of recordings."""
    if "/" in source or source in ("", ".", ".."):
        raise Failed(f"{source!r} is not a source: it is empty, or a path")
    return source


def run(run_id: str, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of giggles. Its messages go to the log of the worker."""
    environment = {"GIGGLES_THREADS": "1", **os.environ, "GIGGLES_RUN_ID": run_id}
    child = subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_parent(os.getpid()),
    )
    try:
        output, _ = child.communicate()
    except SoftTimeLimitExceeded:
        child.terminate()
        try:
            output, _ = child.communicate(timeout=settings.GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
    code = child.returncode
    if code in DONE:
        return code, output
    words = f"giggles {arguments[0]} ended with {code}; its messages are in the worker's log"
    raise TryAgain(words) if code < 0 or code in TRY_AGAIN else Failed(words)


def end_with_parent(parent: int):
    """Another worker gets the task of a pool process that is killed: the kernel then kills its giggles, too."""

    def set_signal() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(143)

    return set_signal


def shortened(names: list[str], limit: int = 20) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
