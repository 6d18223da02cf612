# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "soundfile>=0.12"]
# ///
"""What views cost: CPU of `giggles scan --dry-run` with --views 5 against 1. Linux.

    python benches/compare/views.py GIGGLES [FOLDER]

Measures fixtures/evening, which is full of laughs, and an ordinary day that it mixes from fixtures/clips: an hour with 5
laughs, 4 other human sounds, conversations for a third of the time, some music, and a quiet room. Give it a program that is
built; FOLDER keeps the day.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

REPO = Path(__file__).resolve().parent.parent.parent
RATE = 16_000
HOUR = 3600
ROOM_DBFS = -60.0
SPEECH_DBFS = (-48.0, -32.0)
LAUGHS = ["laugh_female_269478", "laugh_female_evil_275652", "laugh_female_scratch", "laugh_male_scratch1", "laugh_male_scratch2"]
OTHERS = ["cough_male_scratch", "sneeze_male_scratch", "cry_baby_scratch", "singing_child_scratch"]
SPEECH = ["speech_it", "speech_ru"]
SECONDS_OF_A_TURN = 9
CONVERSATIONS = 12
TURNS = 12
ROUNDS = 2


def clip(name: str, dbfs: float) -> np.ndarray:
    samples, rate = soundfile.read(REPO / f"fixtures/clips/{name}.flac", dtype="float32")
    assert rate == RATE and samples.ndim == 1, name
    return samples * (10 ** (dbfs / 20) / np.sqrt(np.mean(samples**2)))


def ordinary_day(path: Path) -> None:
    """An hour, drawn from one seed."""
    dice = np.random.default_rng(19)
    day = (10 ** (ROOM_DBFS / 20) * dice.standard_normal(HOUR * RATE)).astype(np.float32)

    def add(name: str, second: float, dbfs: float) -> None:
        samples, at = clip(name, dbfs), int(second * RATE)
        room = day[at : at + len(samples)]
        room += samples[: len(room)]

    for conversation in range(CONVERSATIONS):
        second, dbfs = conversation * HOUR / CONVERSATIONS + dice.uniform(0, 120), dice.uniform(*SPEECH_DBFS)
        for turn in range(TURNS):
            add(SPEECH[turn % 2], second + SECONDS_OF_A_TURN * turn, dbfs)
    for second in np.arange(1800, 1980, 9):
        add("music_loop_safari", second, -40)
    for name in LAUGHS:
        add(name, dice.uniform(0, HOUR - 20), dice.uniform(-38, -24))
    for name in OTHERS:
        add(name, dice.uniform(0, HOUR - 20), dice.uniform(-38, -24))
    soundfile.write(path, np.clip(day, -1, 1), RATE, subtype="PCM_16")


def cpu(giggles: str, recordings: Path, views: int) -> float:
    """Seconds of CPU, user and system, of one scan."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [giggles, "scan", "--dry-run", "--quiet", "--views", str(views), str(recordings)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIGGLES_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(giggles: str, name: str, recordings: Path) -> None:
    """The least of some rounds: other work on the machine only adds."""
    rounds = [[cpu(giggles, recordings, views) for views in (1, 3, 5)] for _ in range(ROUNDS)]
    one, three, five = map(min, zip(*rounds))
    print(f"| {name} | {one:.2f} | {three:.2f} | {five:.2f} | {100 * (five / one - 1):+.0f} % |", flush=True)


def main() -> None:
    giggles = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary) / "day"
        folder.mkdir(parents=True, exist_ok=True)
        ordinary_day(folder / "20251024_130000.wav")
        print("| recordings | CPU, 1 view | 3 views | 5 views | 5 against 1 |\n|---|---|---|---|---|")
        compare(giggles, "an ordinary hour", folder)
        compare(giggles, "fixtures/evening", REPO / "fixtures/evening")


if __name__ == "__main__":
    main()
