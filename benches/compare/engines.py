"""giggles' network against other engines, in patches a second of wall time. Run it by engines.sh.

Every engine gets the same weights and the same log-mel patches, and must give the reference model's scores before it is
timed. Engines take turns, a short slice each, round after round: what else the machine does hits all alike.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
import openvino
from ai_edge_litert.interpreter import Interpreter
from common import BATCHES, ONNX, REPO, WORK, models, say, setting, table, tflite

from yamnet import BANDS, CLASSES, FRAME_HOP, FRAMES, frames_of, safetensors

THREADS = {1: "1 thread", 2: "2 threads"}
PATCHES = 512
TOLERANCE = 1e-5
REST = 0.05  # between slices: threads that spin for more work go to sleep
GOLDEN = ("laugh", "speech", "music", "noise_real")

Column = tuple[int, int]  # threads, batch
COLUMNS: list[Column] = [(threads, batch) for threads in THREADS for batch in BATCHES]
Run = Callable[[np.ndarray], np.ndarray]  # a batch of patches [batch, 96, 64] to its scores


# --- Engines: a model for one batch size and so many threads ---


def litert(folder: Path, batch: int, threads: int) -> Run:
    network = Interpreter(str(folder / tflite(batch)), num_threads=threads)
    network.allocate_tensors()
    (patches,), (scores,) = network.get_input_details(), network.get_output_details()

    def run(values: np.ndarray) -> np.ndarray:
        network.set_tensor(patches["index"], values)
        network.invoke()
        return network.get_tensor(scores["index"])

    return run


def onnx_runtime(folder: Path, batch: int, threads: int) -> Run:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_free_dimension_override_by_name("N", batch)
    session = onnxruntime.InferenceSession(folder / ONNX, options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {"patches": values[:, np.newaxis]})[0]


def openvino_f32(folder: Path, batch: int, threads: int) -> Run:
    core = openvino.Core()
    model = core.read_model(folder / ONNX)
    model.reshape([batch, 1, FRAMES, BANDS])
    options = {
        "INFERENCE_PRECISION_HINT": "f32",  # else bf16 where the CPU has it, and scores move by 5e-2
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # two instances would be pinned to one core
    }
    request = core.compile_model(model, "CPU", options).create_infer_request()
    return lambda values: request.infer([values[:, np.newaxis]], share_inputs=True)[0]


ENGINES = {"LiteRT, XNNPACK": litert, "ONNX Runtime": onnx_runtime, "OpenVINO, f32 forced": openvino_f32}


# --- Sounds and the scores they must get ---


@dataclass(frozen=True)
class Sounds:
    frames: np.ndarray  # [F, 64]
    patches: np.ndarray  # [PATCHES, 96, 64], half-overlapping
    scores: np.ndarray  # [PATCHES, 521] of the reference; NaN for patches across the seam of two sounds

    def difference(self, scores: np.ndarray) -> float:
        """The largest from the reference, of the leading patches that were scored."""
        return float(np.nanmax(np.abs(scores - self.scores[: len(scores)])))


def golden_sounds() -> Sounds:
    """The golden files' log-mel, one sound after the other and over again.

    No digital silence among them: an engine may know its scores without work.
    """
    cases = [safetensors(REPO / f"fixtures/golden/{name}.safetensors") for name in GOLDEN]
    seam = np.full((1, CLASSES), np.nan, np.float32)
    scores = np.concatenate([part for case in cases for part in (case["scores"], seam)])
    frames = np.resize(np.concatenate([case["log_mel"] for case in cases]), (frames_of(PATCHES), BANDS))
    patches = np.lib.stride_tricks.sliding_window_view(frames, FRAMES, axis=0)[::FRAME_HOP].transpose(0, 2, 1)
    return Sounds(frames, np.ascontiguousarray(patches), np.resize(scores, (PATCHES, CLASSES)))


# --- Rows of the table: something that can be timed in some columns ---


def runs_rate(runs: list[Run], patches: np.ndarray, batch: int, seconds: float) -> float:
    """Patches a second of these runs side by side, a Python thread each: engines give the interpreter's lock back."""
    batches = patches.reshape(-1, batch, FRAMES, BANDS)

    def rate(run: Run) -> float:
        start, turn = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < seconds:
            run(batches[turn % len(batches)])
            turn += 1
        return turn * batch / elapsed

    if len(runs) == 1:
        return rate(runs[0])
    with ThreadPoolExecutor(len(runs)) as pool:
        return sum(pool.map(rate, runs))


class EngineRow:
    """An engine with its own threads, or as one single-threaded instance a thread."""

    def __init__(self, name: str, folder: Path, sounds: Sounds, instances: bool):
        build = ENGINES[name]
        self.name = f"{name}, an instance a thread" if instances else name
        self.patches = sounds.patches
        self.runs: dict[Column, list[Run]] = {}
        for threads, batch in COLUMNS:
            if not instances:
                self.runs[threads, batch] = [build(folder, batch, threads)]
            elif threads > 1:
                self.runs[threads, batch] = [build(folder, batch, 1) for _ in range(threads)]

    def scores(self) -> list[np.ndarray]:
        """Of the leading patches, by every model of this row."""
        leading = self.patches[: max(BATCHES)]
        return [
            np.concatenate([run(part) for part in leading.reshape(-1, batch, FRAMES, BANDS)])
            for (_, batch), runs in self.runs.items()
            for run in runs
        ]

    def rate(self, column: Column, seconds: float) -> float | None:
        return runs_rate(self.runs[column], self.patches, column[1], seconds) if column in self.runs else None


class GigglesRow:
    """benches/throughput.rs: a process that answers a line with a line.

    Apart, each patch is computed from nothing, as the other engines do it. Overlapping, as in a recording,
    patches share the rows that they have in common.
    """

    APART = "giggles"
    OVERLAPPING = "giggles, half-overlapping patches"

    def __init__(self, executable: Path, frames: Path, name: str):
        self.name = name
        self.process = subprocess.Popen([executable, frames], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise SystemExit(f"giggles' bench gave no answer to {line!r}, and ended with {self.process.wait()}")
        return answer

    def scores(self) -> list[np.ndarray]:
        """Of all patches."""
        path = WORK / "scores.f32"
        answer = self.ask(f"scores {path}")
        if answer != "ok":
            raise SystemExit(f"giggles' bench: {answer}")
        return [np.fromfile(path, "<f4").reshape(PATCHES, CLASSES)]

    def rate(self, column: Column, seconds: float) -> float:
        threads, batch = column
        apart = "apart " if self.name == self.APART else ""
        return float(self.ask(f"{apart}{batch} {threads} {seconds}"))


def build_giggles() -> Path:
    """Cargo builds the bench and says where it is."""
    command = ["cargo", "bench", "--bench", "throughput", "--no-run", "--locked", "--message-format=json"]
    built = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(
        Path(message["executable"])
        for message in messages
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "throughput"
    )


# --- The comparison ---


Row = GigglesRow | EngineRow


def check(rows: list[Row], sounds: Sounds) -> None:
    """Engines that do not compute the same are not compared."""
    every = [(row.name, scores) for row in rows for scores in row.scores()]
    for row in rows:
        largest = max(sounds.difference(scores) for name, scores in every if name == row.name)
        say(f"{row.name}: within {largest:.1e} of the reference model")
        if not largest < TOLERANCE:
            raise SystemExit(f"{row.name}: scores differ by more than {TOLERANCE}")
    leading = np.stack([scores[: max(BATCHES)] for _, scores in every])
    between = float(np.ptp(leading, axis=0).max())
    print(f"Largest difference of a score between any two: {between:.1e}\n")
    if not between < TOLERANCE:
        raise SystemExit(f"engines differ by more than {TOLERANCE}")


def measure(rows: list[Row], rounds: int, seconds: float) -> dict[str, dict[Column, float]]:
    """Medians over the rounds. Within a round, all rows take their turns at a column before the next column."""
    rates: dict[str, dict[Column, list[float]]] = {row.name: {} for row in rows}
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}")
        for column in COLUMNS:
            for row in rows if turn % 2 == 0 else reversed(rows):
                rate = row.rate(column, seconds)
                if rate is not None:
                    rates[row.name].setdefault(column, []).append(rate)
                    time.sleep(REST)
    return {name: {column: median(values) for column, values in cells.items()} for name, cells in rates.items()}


def report(rates: dict[str, dict[Column, float]]) -> None:
    """The table, and giggles' rate over that of the best other engine."""
    head = ["patches/s", *(f"{THREADS[threads]}, batch {batch}" for threads, batch in COLUMNS)]
    rows = [
        [name, *(f"{cells[column]:.0f}" if column in cells else "" for column in COLUMNS)]
        for name, cells in rates.items()
    ]
    own = rates.get(GigglesRow.APART)
    others = {name: cells for name, cells in rates.items() if not name.startswith(GigglesRow.APART)}
    if own:
        best = {column: max(cells[column] for cells in others.values() if column in cells) for column in COLUMNS}
        rows.append(["giggles / best other", *(f"{own[column] / best[column]:.2f}" for column in COLUMNS)])
    print(table(head, rows) + "\n")
    for threads, in_words in THREADS.items():
        columns = [column for column in COLUMNS if column[0] == threads]
        rate, name, (_, batch) = max(
            (cells[column], name, column) for name, cells in others.items() for column in columns if column in cells
        )
        line = f"Best of {in_words}: {name}, batch {batch}: {rate:.0f}"
        if own:
            ours, batch = max((own[column], column[1]) for column in columns)
            line += f"; giggles, batch {batch}: {ours:.0f}, {ours / rate:.2f} times that"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare giggles' network with other engines.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each engine in each column of a round")
    parser.add_argument("--giggles", type=Path, metavar="EXECUTABLE", help="the bench; cargo builds it if not given")
    parser.add_argument("--no-giggles", action="store_true", help="compare the other engines only")
    args = parser.parse_args()
    if (os.cpu_count() or 1) < max(THREADS):
        say(f"fewer than {max(THREADS)} cores: figures of more threads mean little")

    sounds, folder = golden_sounds(), models()
    rows: list[Row] = [EngineRow(name, folder, sounds, instances) for name in ENGINES for instances in (False, True)]
    if not args.no_giggles:
        executable, frames = args.giggles or build_giggles(), WORK / "frames.f32"
        sounds.frames.astype("<f4").tofile(frames)
        rows[:0] = [GigglesRow(executable, frames, name) for name in (GigglesRow.APART, GigglesRow.OVERLAPPING)]
    print(f"{setting('ai-edge-litert', 'onnxruntime', 'openvino')}; {args.rounds} rounds of {args.seconds} s\n")
    check(rows, sounds)
    report(measure(rows, args.rounds, args.seconds))


if __name__ == "__main__":
    main()
