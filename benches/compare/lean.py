"""The leanest pipeline that Python allows: samples on standard input, LiteRT, counts on standard output.

    ffmpeg -i FILE -ac 1 -ar 16000 -f f32le - | python lean.py MODEL.tflite THREADS

Only numpy and ai_edge_litert are imported. The front end is inside the model, where XNNPACK runs it on all threads.
Samples stream through in blocks of 32 patches, so that memory does not grow with the recording.
"""

import fcntl
import sys
from collections.abc import Iterator

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from yamnet import STEP, laughing, patches_of, samples_of

PIPE_BYTES = 1 << 20  # a block and a bit: ffmpeg goes on decoding while the network runs


def blocks(patches: int) -> Iterator[tuple[np.ndarray, int]]:
    """Standard input in overlapping blocks of so many patches, and how many of each are real: zeros fill the last."""
    block = np.zeros(samples_of(patches), np.float32)
    overlap = len(block) - patches * STEP
    kept = fed = done = 0
    source = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115
    while True:
        got = source.readinto(block[kept:].view(np.uint8)) // block.itemsize
        block[kept + got :] = 0
        fed += got
        real = min(patches, patches_of(fed) - done)
        yield block, real
        done += real
        if kept + got < len(block):
            return
        block[:overlap] = block[-overlap:]
        kept = overlap


def main() -> None:
    model, threads = sys.argv[1], int(sys.argv[2])
    network = Interpreter(model, num_threads=threads)
    network.allocate_tensors()
    (samples,), (scores,) = network.get_input_details(), network.get_output_details()
    fcntl.fcntl(sys.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    patches = laughs = 0
    for block, real in blocks(int(scores["shape"][0])):
        network.set_tensor(samples["index"], block)
        network.invoke()
        laughs += laughing(network.get_tensor(scores["index"])[:real])
        patches += real
    print(f"{laughs} of {patches} patches")


if __name__ == "__main__":
    main()
