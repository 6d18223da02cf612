"""Reads every export back, each with a reader for its format, and compares all laughs with the database.

Called by check_exports.sh with the folder that holds laughs.db, a folder a format, and all.csv, all.jsonl, all.json,
all.recordings.
"""

import csv
import json
import sqlite3
import sys
from pathlib import Path

import crowsetta
import duckdb
import pandas

# Half of the sixth decimal, which is what the texts are rounded to.
ROUNDING = 0.5e-6 + 1e-9
# Raven's manual: what a selection table needs.
RAVEN_COLUMNS = "Selection,View,Channel,Begin Time (s),End Time (s),Low Freq (Hz),High Freq (Hz)".split(",")
QUERY = """
    SELECT name, start_seconds, end_seconds, mean_score FROM detections JOIN recordings ON recordings.id = recording_id
    ORDER BY name, start_seconds"""


def stem(name):
    return str(Path(name).with_suffix(""))


def compare(format, found, stored):
    """`found` and `stored` map a recording to its laughs' (start, end)."""
    assert found.keys() == stored.keys(), f"{format}: {sorted(found.keys() ^ stored.keys())}"
    for name, laughs in stored.items():
        assert len(found[name]) == len(laughs), f"{format}: {name}: {found[name]} and {laughs}"
        for ours, theirs in zip(laughs, found[name]):
            for a, b in zip(ours, theirs):
                assert abs(a - float(b)) <= ROUNDING, f"{format}: {name}: {ours} is read as {theirs}"
    print(f"{format}: {sum(map(len, stored.values()))} laughs of {len(stored)} recordings read as they are stored")


def files(folder, suffix):
    for path in sorted(folder.rglob(f"*{suffix}")):
        yield str(path.relative_to(folder))[: -len(suffix)], path


def read_audacity(path):
    # crowsetta cannot build a table of no rows; an empty track is an empty file.
    if path.stat().st_size == 0:
        return []
    sequence = crowsetta.formats.seq.AudSeq.from_file(path).to_seq(round_times=False)
    return list(zip(sequence.onsets_s, sequence.offsets_s))


def read_raven(path):
    # crowsetta refuses a table of no rows; then its header must be there, and whole.
    table = pandas.read_csv(path, sep="\t", on_bad_lines="error")
    assert list(table.columns[:7]) == RAVEN_COLUMNS, f"{path}: {list(table.columns)}"
    if table.empty:
        return []
    boxes = crowsetta.formats.bbox.Raven.from_file(path, annot_col="Class").to_bbox()
    return [(box.onset, box.offset) for box in boxes]


def read_csv(path):
    """Strict twice: Python's reader refuses stray quotes, pandas a row of another length."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    table = pandas.read_csv(path, on_bad_lines="error")
    assert len(table) == len(rows) and path.read_bytes().count(b"\r\n") == len(rows) + 1
    assert all(abs(float(row["start_seconds"]) - start) < 1e-9 for row, start in zip(rows, table["start_seconds"]))
    pandas.to_datetime(table["starts_at"], format="ISO8601", utc=True)
    return [(row["recording"], row["start_seconds"], row["end_seconds"]) for row in rows]


def read_jsonl(path):
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(isinstance(event["avg_prob"], float) and 0 <= event["avg_prob"] <= 1 for event in events)
    return [(event["file"], event["start"], event["end"]) for event in events]


def read_json(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    return [
        (recording["name"], laugh["start_seconds"], laugh["end_seconds"])
        for recording in document["recordings"]
        for laugh in recording["laughs"]
    ]


def by_file(laughs, names):
    found = {name: [] for name in names}
    for name, start, end in laughs:
        found[name].append((start, end))
    return {name: sorted(laughs, key=lambda laugh: float(laugh[0])) for name, laughs in found.items()}


def check_parquet(folder, names, stored):
    """DuckDB's COPY, as docs/guide.md has it, makes Parquet of the CSV; DuckDB and pandas read it back."""
    source, target = folder / "all.csv", folder / "laughs.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)")
    rows = duckdb.sql(f"SELECT recording, start_seconds, end_seconds, peak_score, favourite, typeof(starts_at) FROM '{target}'").fetchall()
    assert all(isinstance(row[3], float) and row[4] is False and row[5].startswith("TIMESTAMP") for row in rows)
    compare("parquet, read by DuckDB", by_file([row[:3] for row in rows], names), stored)
    table = pandas.read_parquet(target)
    assert str(table["starts_at"].dtype).startswith("datetime64"), table.dtypes
    assert table["favourite"].dtype == bool and table["peak_score"].between(0, 1).all()
    laughs = table[["recording", "start_seconds", "end_seconds"]].itertuples(index=False, name=None)
    compare("parquet, read by pandas", by_file(laughs, names), stored)


def check_recordings(folder, database):
    """A row for each recording, also without laughs and failed ones."""
    table = pandas.read_csv(folder / "all.recordings", on_bad_lines="error")
    stored = database.execute("SELECT name, status, start_source FROM recordings ORDER BY name").fetchall()
    found = table[["recording", "status", "start_source"]].sort_values("recording")
    assert [tuple(row) for row in found.itertuples(index=False)] == stored
    assert table["laughs"].sum() == database.execute("SELECT count(*) FROM detections").fetchone()[0]
    print(f"recordings: {len(table)} rows read as they are stored")


def main(folder):
    database = sqlite3.connect(folder / "laughs.db")
    names = [name for (name,) in database.execute("SELECT name FROM recordings WHERE status = 'analyzed'")]
    stored = by_file([row[:3] for row in database.execute(QUERY)], names)
    assert sum(map(len, stored.values())) > 10, "the fixtures hold more laughs than that"
    stems = {stem(name): laughs for name, laughs in stored.items()}
    assert len(stems) == len(stored), "two recordings differ in nothing but their extension"

    one_a_recording = [
        ("audacity", ".giggles.labels.txt", read_audacity),
        ("raven", ".giggles.selection.table.txt", read_raven),
    ]
    for format, suffix, read in one_a_recording:
        compare(format, {name: read(path) for name, path in files(folder / format, suffix)}, stems)
    for format, read in [("csv", read_csv), ("jsonl", read_jsonl), ("json", read_json)]:
        compare(format, by_file(read(folder / f"all.{format}"), names), stored)
        single = [row for _, path in files(folder / format, f".giggles.{format}") for row in read(path)]
        compare(f"{format}, a file a recording", by_file(single, names), stored)
    check_parquet(folder, names, stored)
    check_recordings(folder, database)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
