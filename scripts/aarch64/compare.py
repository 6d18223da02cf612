#!/usr/bin/env python3
"""Scans the same recordings with two builds of giggles and compares what they print and store.

    scripts/aarch64/compare.py PROGRAM COMMAND...

PROGRAM is this machine's own build; COMMAND runs the other one, such as `qemu-aarch64-static -L FOLDER giggles`.
Scores may differ as much as those of the paths of one machine (crates/yamnet/tests/parity.rs); everything else is equal.
"""

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A file of each decoder; laughs and other sounds. Few seconds each: an emulated processor is slow.
RECORDINGS = [
    "fixtures/clips/laugh_male_scratch2.flac",
    "fixtures/clips/cough_male_scratch.flac",
    "tests/formats/opus_celt_stereo_96k.ogg",
    "tests/formats/opus_silk_12k.ogg",
    "tests/formats/opus_hybrid_24k.webm",
    "tests/formats/ogg_vorbis_44100.ogg",
    "tests/formats/m4a_aac_44100.m4a",
    "tests/formats/mp3_stereo_44100.mp3",
    "tests/formats/caf_alac_16000.caf",
    "tests/formats/wav_adpcm_ms_16000.wav",
    "tests/formats/wav_s24_8000.wav",
]
LARGEST_DIFFERENCE = 1e-5
# What is stored of a recording and of a laugh, in order of time.
QUERIES = {
    "recordings": "SELECT name, content_sha256, bytes, started_at, start_source, duration_seconds, sample_rate, channels,"
    " codec, status, missing_count FROM recordings ORDER BY name",
    "detections": "SELECT local_date, starts_at, ends_at, start_seconds, end_seconds, label, class_name, peak_score,"
    " mean_score, class_scores FROM detections ORDER BY starts_at, class_name",
}


def run(command, arguments, folder):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join([*command, *arguments])} ended with {done.returncode}")
    return done.stdout


def numbers(value):
    """A value with its numbers apart: (everything else, numbers)."""
    if isinstance(value, float):
        return None, [value]
    if isinstance(value, str) and value.startswith("{"):
        parsed = json.loads(value)
        return list(parsed), list(parsed.values())
    return value, []


def compare(what, ours, theirs):
    """The largest difference of two tables. Fails if anything but numbers differs."""
    if len(ours) != len(theirs):
        sys.exit(f"FAILED: {what}: {len(ours)} and {len(theirs)} rows")
    largest = 0.0
    for our_row, their_row in zip(ours, theirs):
        for our_value, their_value in zip(our_row, their_row, strict=True):
            (our_rest, our_numbers), (their_rest, their_numbers) = numbers(our_value), numbers(their_value)
            if our_rest != their_rest or len(our_numbers) != len(their_numbers):
                sys.exit(f"FAILED: {what}: {our_row} and {their_row}")
            largest = max([largest, *(abs(a - b) for a, b in zip(our_numbers, their_numbers))])
    if largest > LARGEST_DIFFERENCE:
        sys.exit(f"FAILED: {what} differ by {largest:e}")
    print(f"ok: {what}: {len(ours)} rows, numbers differ by at most {largest:.1e}", flush=True)
    return len(ours)


def scores(text):
    """The rows of a table of scores."""
    rows = list(csv.reader(text.splitlines()))[1:]
    return [[time, *map(float, row)] for time, *row in rows]


def main():
    commands = [[sys.argv[1]], sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        recordings = Path(folder) / "recordings"
        recordings.mkdir()
        for minute, path in enumerate(RECORDINGS):
            file = ROOT / path
            (recordings / f"20251024_12{minute:02}00{file.suffix}").symlink_to(file)
        for command, name in zip(commands, ["ours", "theirs"]):
            print(run(command, ["--version"], folder).strip().replace("\n", ", "), flush=True)
            database = f"sqlite:{folder}/{name}.db"
            scan = ["scan", "--quiet", "--database", database, "--source", "test", "--tz", "UTC", str(recordings)]
            run(command, scan, folder)
            # Everything is known now.
            run(command, scan, folder)
        stored = [sqlite3.connect(f"{folder}/{name}.db") for name in ["ours", "theirs"]]
        for what, query in QUERIES.items():
            count = compare(what, *(database.execute(query).fetchall() for database in stored))
            if count < {"recordings": len(RECORDINGS), "detections": 1}[what]:
                sys.exit(f"FAILED: only {count} {what}")
        # Every class and patch of two recordings, not only what is stored.
        for path in RECORDINGS[:1] + RECORDINGS[3:4]:
            tables = [scores(run(command, ["scores", "--all", "--format", "csv", str(ROOT / path)], folder)) for command in commands]
            compare(f"scores of {path}", *tables)


main()
