"""What days of sound cost giggles: growth with length, use of the cores, memory. Run it by days.sh.

Opus of fixtures/evening, repeated without encoding it again. Each file of a day is a tenth of a second longer than the one
before: two files of the same bytes would be analyzed once.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from common import REPO, WORK, say, setting, table
from pipelines import EVENING, Cost, giggles

EVENING_SECONDS = 480
LENGTHS = {"1 minute": 60, "10 minutes": 600, "1 hour": 3600, "6 hours": 6 * 3600, "24 hours": 24 * 3600}
HOUR, DAY = LENGTHS["1 hour"], LENGTHS["24 hours"]
# A day as recorders leave it: the lengths of its files, seconds.
DAYS = {
    "one file": [DAY],
    "48 files of half an hour": [1800] * 48,
    "one of 18 hours, 216 of 100 s": [18 * 3600] + [100] * 216,
}
# Seconds in which the model has been read and every thread has made the room that it needs.
FIRST = 20


def make(path: Path, seconds: float) -> Path:
    """So many seconds of the evening, over and over."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = WORK / "days.part.ogg"
        source = ["-stream_loop", "-1", "-i", EVENING]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *source, "-t", str(seconds), "-c", "copy", made]
        subprocess.run(command, check=True)
        made.rename(path)
    return path


def day(name: str, lengths: list[int]) -> Path:
    """The folder of a day's files."""
    folder = WORK / "days" / name.replace(" ", "_")
    for index, seconds in enumerate(lengths):
        make(folder / f"{index:03}.ogg", seconds + index / 10)
    return folder


def analyze(recordings: Path, threads: int, times: int = 1) -> Cost:
    """The cheapest of several runs: other work on the machine only adds."""
    say(f"{recordings.name}, threads: {threads}")
    return min((giggles(recordings, threads)[0] for _ in range(times)), key=lambda cost: cost.cpu)


def growth() -> Iterator[list[str]]:
    base = analyze(make(WORK / "days/first.ogg", FIRST), 2, 25).cpu

    def hourly(cost: Cost, seconds: int) -> float:
        return (cost.cpu - base) / (seconds - FIRST) * HOUR

    def hour() -> Cost:
        return analyze(length("1 hour"), 2)

    for name, seconds in LENGTHS.items():
        before = hour() if seconds > HOUR else None
        cost = analyze(length(name), 2, 25 if seconds <= 600 else 3 if seconds <= HOUR else 1)
        figures = (cost.cpu, cost.cpu / seconds * HOUR, hourly(cost, seconds))
        # What else there is on the machine changes in minutes: a long run is compared with an hour right before and after.
        around = before and (hourly(before, HOUR) + hourly(hour(), HOUR)) / 2
        beside = f"{hourly(cost, seconds) / around:.3f}" if around else ""
        yield [name, *(f"{figure:.2f}" for figure in figures), beside, f"{cost.wall:.2f}", f"{cost.memory:.0f}"]


def length(name: str) -> Path:
    return make(WORK / f"days/{name.replace(' ', '_')}.ogg", LENGTHS[name])


def start_up() -> str:
    """Wall seconds of whole runs over five seconds of sound: the median, from a warm cache."""
    path = make(WORK / "days/five_seconds.ogg", 5)
    wall = 1000 * median(giggles(path, 2)[0].wall for _ in range(25))
    return f"Five seconds of sound, process to exit: {wall:.0f} ms of wall time, the median of 25 runs"


def shapes() -> Iterator[list[str]]:
    for name, lengths in DAYS.items():
        for threads in (2, 8):
            cost = analyze(day(name, lengths), threads)
            busy = f"{100 * cost.cpu / cost.wall / 2:.0f} %"
            yield [name, str(threads), f"{cost.wall:.1f}", f"{cost.cpu:.1f}", busy, f"{cost.memory:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="What days of sound cost giggles.")
    parser.add_argument("--no-build", action="store_true", help="take target/release/giggles as it is")
    parser.add_argument("--no-growth", action="store_true", help="only the shapes of a day")
    args = parser.parse_args()
    if not args.no_build:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=REPO, check=True)
    print(setting(), flush=True)
    print("\n" + start_up(), flush=True)
    if not args.no_growth:
        beyond = ["beyond the first 20 s, s/h", "that / of an hour before and after"]
        head = ["length", "CPU, s", "CPU, s/h", *beyond, "wall, s", "memory, MB"]
        print("\n" + table(head, growth()), flush=True)
    head = ["a day of 24 hours", "threads", "wall, s", "CPU, s", "of two cores", "memory, MB"]
    print("\n" + table(head, shapes()))


if __name__ == "__main__":
    sys.exit(main())
