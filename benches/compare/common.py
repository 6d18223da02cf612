"""What the comparisons share besides the model: the folder they work in, its models, their tables.

Nothing but the standard library: a process's peak of memory, as the system tells it, begins with that of the process
that started it, so pipelines.py must be small.
"""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
WORK = REPO / os.environ.get("COMPARE_FOLDER", "target/compare")
# One safetensors file, in two packages (models/README.md).
WEIGHTS = (REPO / "crates/yamnet_weights_first/first_half.bin", REPO / "crates/yamnet_weights/second_half.bin")

BATCHES = (1, 16, 32)
ONNX = "patches.onnx"
SAVED_MODEL = "waveform"
WAVEFORM_TFLITE = "waveform.tflite"  # samples, so many as the largest batch covers, to scores


def tflite(batch: int) -> str:
    """Log-mel patches [batch, 96, 64] to scores."""
    return f"patches_{batch}.tflite"


def models() -> Path:
    """The folder of models, made if weights, code or versions are not those it was made from.

    Another process converts, so that TensorFlow does not stay in this one's memory.
    """
    sources = [*WEIGHTS, HERE / "yamnet.py", HERE / "common.py", HERE / "requirements.txt"]
    digests = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sources)
    folder = WORK / f"models-{hashlib.sha256(digests).hexdigest()[:12]}"
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        say(f"converting the model into {folder}")
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, HERE / "yamnet.py", folder]
        converted = subprocess.run(command, env=environment, capture_output=True, text=True)
        if converted.returncode != 0:
            raise SystemExit(f"{converted.stderr}\nthe model was not converted: see above")
        done.touch()
    return folder


def say(message: str) -> None:
    """Progress; standard output is for results."""
    print(message, file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def setting(*packages: str) -> str:
    """The processor, its cores, and the versions of what runs."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return ", ".join([name, f"{os.cpu_count()} cores", *(f"{package} {version(package)}" for package in packages)])
