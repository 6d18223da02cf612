"""giggles against pipelines of Python, whole programs, from a file to what was found in it. Run it by pipelines.sh.

Programs take turns on the same file, round after round. Wall is from the first process's start to the last one's end;
CPU is user and system time of all processes; memory is the sum of their peaks.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from common import HERE, REPO, SAVED_MODEL, WAVEFORM_TFLITE, WORK, models, say, setting, table

THREADS = (1, 2)
GIGGLES = REPO / "target/release/giggles"
CLIPS = REPO / "fixtures/clips"
SHORT = REPO / "fixtures/evening/20251024_130000.WAV"
EVENING = REPO / "fixtures/evening/20251024_190000-20251024_190800.ogg"

# Clips one after the other, and the evening; each side analyzes both at another level and another time. The soft noise is
# the microphones' own, and different on each: fixtures end at 8 kHz, and without it codecs would skip what lies above.
MIX = """
[0:a]aformat=sample_rates=48000:channel_layouts=mono,asplit[clips1][clips2];
[1:a]aformat=sample_rates=48000:channel_layouts=mono,asplit[evening1][evening2];
[clips1]volume=0.8[a1]; [evening1]adelay=11,volume=0.6[b1]; anoisesrc=r=48000:c=pink:a=0.003:s=1[c1];
[clips2]adelay=17,volume=0.5[a2]; [evening2]volume=1.0[b2]; anoisesrc=r=48000:c=pink:a=0.003:s=2[c2];
[a1][b1][c1]amix=3:normalize=0[left]; [a2][b2][c2]amix=3:normalize=0[right];
[left][right]join=inputs=2:channel_layout=stereo[out]
"""

INPUTS = {
    "Opus, 48 kHz stereo, 96 kbit/s": ("stereo_96k", ["--bitrate", "96"]),
    "Opus, 48 kHz mono, 24 kbit/s": ("mono_24k", ["--bitrate", "24", "--downmix-mono"]),
}


# --- Inputs ---


def make_inputs(minutes: int) -> dict[str, Path]:
    """The recordings, made once: name to file."""
    folder = WORK / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: folder / f"{stem}_{minutes}min.opus" for name, (stem, _) in INPUTS.items()}
    if all(path.exists() for path in found.values()):
        return found
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        clips, mixed, encoded = (Path(temporary) / name for name in ("clips.txt", "mixed.wav", "encoded.opus"))
        clips.write_text("".join(f"file '{path}'\n" for path in sorted(CLIPS.glob("*.flac"))))
        say(f"mixing {minutes} minutes of sound")
        forever = ["-stream_loop", "-1"]
        sources = [*forever, "-f", "concat", "-safe", "0", "-i", clips, *forever, "-i", EVENING]
        sink = ["-map", "[out]", "-t", str(60 * minutes), "-c:a", "pcm_s16le", mixed]
        ffmpeg = ["ffmpeg", "-nostdin", "-v", "error"]
        subprocess.run([*ffmpeg, *sources, "-filter_complex", MIX, "-fflags", "+bitexact", *sink], check=True)
        for name, (_, options) in INPUTS.items():
            say(f"encoding {found[name].name}")
            subprocess.run(["opusenc", "--quiet", "--serial", "1", *options, mixed, encoded], check=True)
            encoded.rename(found[name])
    return found


# --- Programs ---


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # MB


def run(*commands: list, environment: dict[str, str] | None = None) -> tuple[Cost, str]:
    """Run the commands, each piped into the next; what they cost together, and what the last one said."""
    log = WORK / "pipelines.log"
    start = time.perf_counter()
    processes: list[subprocess.Popen] = []
    source = open(os.devnull, "rb")  # noqa: SIM115
    with open(log, "wb") as errors:
        for command in commands:
            with source:  # closed here, it is the reader's alone: when that ends, the writer notices
                process = subprocess.Popen(
                    command, stdin=source, stdout=subprocess.PIPE, stderr=errors, env=environment
                )
            processes.append(process)
            source = process.stdout
    with source:
        said = source.read().decode()
    usages = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"ended with {process.returncode}: {' '.join(map(str, process.args))}; why is in {log}")
        usages.append(usage)
    wall = time.perf_counter() - start
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Cost(wall, cpu, sum(usage.ru_maxrss for usage in usages) / 1024), said.strip()


Program = Callable[[Path, int], tuple[Cost, str]]  # a recording and threads to the cost, and what was found


def giggles(recording: Path, threads: int) -> tuple[Cost, str]:
    """The main job, into a database that is new."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIGGLES_", "DATABASE_URL"))}
    with tempfile.TemporaryDirectory() as temporary:
        database = Path(temporary) / "laughs.db"
        options = ["--quiet", "-j", str(threads), "--database", f"sqlite:{database}"]
        cost, _ = run([GIGGLES, "scan", *options, recording], environment=own)
        connection = sqlite3.connect(database)
        (laughs,) = connection.execute("SELECT count(*) FROM detections").fetchone()
        connection.close()
    return cost, f"{laughs} laughs"


def lean(recording: Path, threads: int) -> tuple[Cost, str]:
    """lean.py: processes that stream into each other."""
    decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", recording, "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return run(decode, [sys.executable, HERE / "lean.py", models() / WAVEFORM_TFLITE, str(threads)])


def usual(recording: Path, threads: int) -> tuple[Cost, str]:
    """usual.py: everything in memory at once."""
    return run([sys.executable, HERE / "usual.py", recording, models() / SAVED_MODEL, str(threads)])


GIGGLES_SCAN, USUAL = "giggles scan", "librosa and TensorFlow"
PROGRAMS: dict[str, Program] = {GIGGLES_SCAN: giggles, "ffmpeg into LiteRT": lean, USUAL: usual}


# --- The comparison ---


@dataclass
class Row:
    """What a program cost with so many threads, round by round."""

    costs: list[Cost]
    found: str

    def median(self, of: str) -> float:
        return median(getattr(cost, of) for cost in self.costs)

    def least_wall(self) -> float:
        """Nearest to what a machine gives that does nothing else: others' work only adds to it."""
        return min(cost.wall for cost in self.costs)


def warm_up(names: list[str]) -> None:
    """Each program once on a short recording: the first run after an installation compiles and fills caches."""
    for name in names:
        say(f"warming up: {name}")
        PROGRAMS[name](SHORT, 1)


def measure(recording: Path, rounds: dict[str, int], pin: bool) -> dict[tuple[str, int], Row]:
    """Runs by program and threads, if wanted on as many cores: affinity is inherited."""
    cores = sorted(os.sched_getaffinity(0))
    rows: dict[tuple[str, int], Row] = {}
    for turn in range(max(rounds.values())):
        say(f"{recording.name}: round {turn + 1} of {max(rounds.values())}")
        for threads in THREADS:
            if pin:
                os.sched_setaffinity(0, cores[:threads])
            for name, program in PROGRAMS.items():
                if turn < rounds[name]:
                    cost, found = program(recording, threads)
                    rows.setdefault((name, threads), Row([], found)).costs.append(cost)
    os.sched_setaffinity(0, cores)
    return rows


def report(rows: dict[tuple[str, int], Row], minutes: int) -> str:
    """Medians and the least wall, and giggles' as a part of each other program's with as many threads."""
    head = ["program", "threads", "wall, s", "least", "CPU, s", "memory, MB", "times real time", "found", "rounds",
            "giggles / it: wall", "least wall", "CPU"]
    lines = []
    for (name, threads), row in sorted(rows.items(), key=lambda entry: entry[0][1]):
        wall, cpu, memory = (row.median(of) for of in ("wall", "cpu", "memory"))
        own = rows[GIGGLES_SCAN, threads]
        least = row.least_wall()
        costs = [f"{wall:.2f}", f"{least:.2f}", f"{cpu:.2f}", f"{memory:.0f}", f"{60 * minutes / wall:.0f}"]
        ratios = [own.median("wall") / wall, own.least_wall() / least, own.median("cpu") / cpu]
        ratios = [f"{ratio:.3f}" for ratio in ratios]
        lines.append([name, str(threads), *costs, row.found, str(len(row.costs)), *ratios])
    return table(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare giggles with pipelines of Python.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--usual-rounds", type=int, default=1, help=f"of {USUAL}, which takes long; 0: none")
    parser.add_argument("--minutes", type=int, default=30, help="length of the recordings")
    parser.add_argument("--no-build", action="store_true", help="take target/release/giggles as it is")
    parser.add_argument("--pin", action="store_true", help="all processes of a program on as many cores as threads")
    args = parser.parse_args()
    if not args.no_build:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=REPO, check=True)

    models()
    recordings = make_inputs(args.minutes)
    ffmpeg = subprocess.run(["ffmpeg", "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[2]
    print(f"{setting('ai-edge-litert', 'librosa', 'tensorflow-cpu')}, ffmpeg {ffmpeg}; {args.minutes} minutes")
    rounds = dict.fromkeys(PROGRAMS, args.rounds) | {USUAL: args.usual_rounds}
    warm_up([name for name in PROGRAMS if rounds[name]])
    for name, recording in recordings.items():
        print(f"\n{name}\n\n{report(measure(recording, rounds, args.pin), args.minutes)}", flush=True)


if __name__ == "__main__":
    main()
