# /// script
# requires-python = ">=3.10"
# ///
"""What the personal score costs: CPU and memory of `giggles scan` with a thousand reviews against --no-personal. Linux.

    python benches/compare/personal.py GIGGLES [ROUNDS]

Scans fixtures/evening into an SQLite file; adds to it a thousand reviews and 2,000 candidates to compare with, the most that
a scan reads; then scans again with --force, in turns with and without. Fails if the personal score costs more than 2 % of
the CPU or 10 MB. Give it a release build.
"""

import os
import random
import sqlite3
import struct
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
REVIEWS, CANDIDATES, VALUES = 1000, 2000, 1024
MOST_CPU, MOST_MEMORY = 0.02, 10.0
# Recordings that the reviews are of.
REVIEWED = 50
ROUNDS = 5


def embedding(dice: random.Random) -> bytes:
    """As float16, a third of them zeros, as those of the network."""
    return struct.pack(f"<{VALUES}e", *(max(0.0, dice.gauss(0.3, 0.7)) for _ in range(VALUES)))


def fill(database: Path) -> None:
    """Reviews of the stored source, and candidates of a recording that is not there."""
    dice, connection = random.Random(19), sqlite3.connect(database)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(recordings)") if row[1] != "id"]
    values = [{"content_sha256": "'" + "0" * 64 + "'", "name": "'earlier.ogg'"}.get(name, name) for name in columns]
    copy = f"INSERT INTO recordings ({', '.join(columns)}) SELECT {', '.join(values)} FROM recordings LIMIT 1"
    recording = connection.execute(copy).lastrowid
    connection.executemany(
        """INSERT INTO candidates (recording_id, first_patch, last_patch, peak_v, mean_v, class_scores, is_detected, embedding)
           SELECT ?, ?, ?, 0, 0, class_scores, 0, ? FROM candidates LIMIT 1""",
        ((recording, 4 * i, 4 * i + 1, embedding(dice)) for i in range(CANDIDATES)),
    )
    connection.executemany(
        """INSERT INTO reviews (source, content_sha256, start_seconds, end_seconds, recording, starts_at, verdict, favourite,
               reviewed_at, embedding, is_personal)
           SELECT source, ?, ?, ?, name, started_at, ?, 0, '2999-01-01T00:00:00.000000Z', ?, 1 FROM recordings WHERE id = ?""",
        (
            (f"{i % REVIEWED:064x}", 2 * i, 2 * i + 1, ("confirmed", "rejected")[i % 2], embedding(dice), recording)
            for i in range(REVIEWS)
        ),
    )
    connection.commit()


def scan(giggles: str, database: Path, *flags: str) -> tuple[float, float]:
    """Seconds of CPU, and megabytes of the largest resident set."""
    command = [giggles, "scan", "--quiet", "--tz", "UTC", "--database", f"sqlite:{database}", *flags, str(REPO / "fixtures/evening")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIGGLES_")}
    child = os.posix_spawn(giggles, command, environment)
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    giggles, rounds = str(Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "laughs.db"
        scan(giggles, database)
        fill(database)
        turns = [[scan(giggles, database, "--force", *flags) for flags in (["--no-personal"], [])] for _ in range(rounds)]
        scored = sqlite3.connect(database).execute("SELECT count(*) FROM candidates WHERE personal IS NOT NULL").fetchone()[0]
    if scored == 0:
        raise SystemExit("no candidate has a personal score")
    # The least of all rounds: other work on the machine only adds.
    (without, memory_without), (with_it, memory_with) = [tuple(map(min, zip(*of_kind))) for of_kind in zip(*turns)]
    cpu, memory = with_it / without - 1, memory_with - memory_without
    print(f"{scored} candidates scored; without: {without:.2f} s of CPU, {memory_without:.0f} MB")
    print(f"with {REVIEWS} reviews: {with_it:.2f} s, {memory_with:.0f} MB; {100 * cpu:+.1f} % of the CPU, {memory:+.0f} MB")
    if cpu > MOST_CPU or memory > MOST_MEMORY:
        raise SystemExit(f"more than {100 * MOST_CPU:.0f} % or {MOST_MEMORY:.0f} MB")


if __name__ == "__main__":
    main()
