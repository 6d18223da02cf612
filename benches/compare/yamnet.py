"""YAMNet as other engines want it, built from giggles' own weights.

    python yamnet.py FOLDER         # writes every model below into FOLDER

What runs in a comparison must be as lean as its engine allows: batch norm is folded here, once, in f64; shapes are
fixed where the engine gains by it. TensorFlow and onnx are imported by the functions that convert, so that a program
that only runs a model carries neither.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import BATCHES, ONNX, SAVED_MODEL, WAVEFORM_TFLITE, WEIGHTS, tflite

WINDOW, HOP, FFT, BANDS = 400, 160, 512, 64
FRAMES, FRAME_HOP = 96, 48  # of a patch, and from one patch to the next
FIRST, STEP = 15_600, FRAME_HOP * HOP  # samples that the first patch needs, and each further one
CLASSES = 521
LAUGHTER = slice(13, 19)  # Laughter, Baby laughter, Giggle, Snicker, Belly laugh, Chuckle
LOUD = 0.3

STRIDE_2 = {1, 3, 5, 7, 13}
EPSILON = 1e-4


def safetensors(*parts: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that may be in parts, all f32. Some lines spare the lean pipeline an import."""
    raw = b"".join(path.read_bytes() for path in parts)
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        found[name] = np.frombuffer(raw[start + begin : start + end], "<f4").reshape(entry["shape"])
    return found


def patches_of(samples: int) -> int:
    """Patches that the reference model makes of so many samples; zeros fill the last."""
    return 1 + -(-max(samples - FIRST, 0) // STEP)


def frames_of(patches: int) -> int:
    """Frames that so many half-overlapping patches cover."""
    return FRAMES + FRAME_HOP * (patches - 1)


def samples_of(patches: int) -> int:
    """Samples that those frames cover."""
    return (frames_of(patches) - 1) * HOP + WINDOW


def laughing(scores: np.ndarray) -> int:
    """Patches [N, 521] with a class of laughter above the threshold: a reason to compute them, and what pipelines
    are checked by."""
    return int((scores[:, LAUGHTER].max(axis=1) > LOUD).sum())


# --- The network, free of any engine ---


@dataclass(frozen=True)
class Convolution:
    """Convolution, bias and ReLU: what is left of one when batch norm is folded in."""

    kind: str  # "full", "depthwise" or "pointwise"
    stride: int
    weight: np.ndarray  # [height, width, in, out]; [3, 3, channels, 1] if depthwise
    bias: np.ndarray

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros before and after, in time as in mel. Every input of stride 2 is even: SAME puts its one zero last."""
        if self.kind == "pointwise":
            return 0, 0
        return (0, 1) if self.stride == 2 else (1, 1)


def convolutions(tensors: dict[str, np.ndarray]) -> Iterator[Convolution]:
    """The 27 convolutions in the order of the network, folded. Gamma is 1 (models/README.md)."""

    def fold(name: str, kind: str, stride: int, shape: tuple[int, ...]) -> Convolution:
        norm = {part: tensors[f"{name}.bn.{part}"].astype(np.float64) for part in ("beta", "mean", "variance")}
        scale = 1 / np.sqrt(norm["variance"] + EPSILON)
        weight = (tensors[f"{name}.weight"] * scale).astype(np.float32).reshape(shape)
        return Convolution(kind, stride, weight, (norm["beta"] - norm["mean"] * scale).astype(np.float32))

    yield fold("layer1.conv", "full", 2, (3, 3, 1, -1))
    for n in range(2, 15):
        channels = len(tensors[f"layer{n}.pointwise.weight"])
        yield fold(f"layer{n}.depthwise", "depthwise", 2 if n in STRIDE_2 else 1, (3, 3, channels, 1))
        yield fold(f"layer{n}.pointwise", "pointwise", 1, (1, 1, channels, -1))


# --- TensorFlow and TFLite ---


def tf_scores(patches, tensors: dict[str, np.ndarray]):
    """Log-mel patches [N, 96, 64] to scores [N, 521], in TensorFlow's own operations."""
    import tensorflow as tf

    x = patches[..., tf.newaxis]
    for layer in convolutions(tensors):
        strides = [1, layer.stride, layer.stride, 1]
        convolve = tf.nn.depthwise_conv2d if layer.kind == "depthwise" else tf.nn.conv2d
        x = tf.nn.relu(tf.nn.bias_add(convolve(x, layer.weight, strides, "SAME"), layer.bias))
    x = tf.reduce_mean(x, axis=[1, 2])
    return tf.sigmoid(tf.matmul(x, tensors["dense.weight"]) + tensors["dense.bias"])


def tf_log_mel(samples, tensors: dict[str, np.ndarray]):
    """Samples [S] to log-mel frames [F, 64], as the published model computes them."""
    import tensorflow as tf

    frames = tf.signal.frame(samples, WINDOW, HOP) * tensors["mel.window"]
    magnitudes = tf.abs(tf.signal.rfft(frames, [FFT]))
    return tf.math.log(tf.matmul(magnitudes, tensors["mel.weight"]) + 0.001)


def tf_log_mel_by_matmul(samples, frames: int, tensors: dict[str, np.ndarray]):
    """The same with operations that XNNPACK knows: its FFT is a matrix, of the bins that reach a band.

    A frame's 400 samples begin every 160: they are two rows and a half of the samples laid out 160 wide.
    """
    import tensorflow as tf

    bins = np.flatnonzero(tensors["mel.weight"].any(axis=1))
    angles = 2 * np.pi * np.outer(np.arange(WINDOW), bins) / FFT
    window = tensors["mel.window"].astype(np.float64)[:, np.newaxis]
    rows = tf.reshape(tf.pad(samples, [[0, HOP - WINDOW % HOP]]), [frames + 2, HOP])
    framed = tf.concat([rows[:frames], rows[1 : frames + 1], rows[2:, : WINDOW % HOP]], axis=1)
    real = tf.matmul(framed, (window * np.cos(angles)).astype(np.float32))
    imaginary = tf.matmul(framed, (window * np.sin(angles)).astype(np.float32))
    magnitudes = tf.sqrt(tf.square(real) + tf.square(imaginary))
    return tf.math.log(tf.matmul(magnitudes, tensors["mel.weight"][bins]) + 0.001)


def tf_patches(frames, patches: int):
    """Frames [F, 64] to half-overlapping patches [patches, 96, 64]."""
    import tensorflow as tf

    halves = tf.reshape(frames, [patches + 1, FRAME_HOP, BANDS])
    return tf.concat([halves[:-1], halves[1:]], axis=1)


def write_tflite(path: Path, shape: tuple[int, ...], function) -> None:
    """Convert a function of one f32 tensor of a fixed shape, no quantisation."""
    import tensorflow as tf

    module = tf.Module()
    module.call = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.call.get_concrete_function()], module)
    path.write_bytes(converter.convert())


def write_saved_model(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A waveform of any length to scores, as the published SavedModel does it."""
    import tensorflow as tf

    def call(waveform):
        samples = tf.size(waveform)
        patches = 1 + -(-tf.maximum(samples - FIRST, 0) // STEP)
        padded = tf.pad(waveform, [[0, FIRST + (patches - 1) * STEP - samples]])
        frames = tf_log_mel(padded, tensors)
        return tf_scores(tf.signal.frame(frames, FRAMES, FRAME_HOP, axis=0), tensors)

    module = tf.Module()
    module.__call__ = tf.function(call, input_signature=[tf.TensorSpec([None], tf.float32)])
    tf.saved_model.save(module, str(path))


# --- ONNX ---


def write_onnx(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Log-mel patches [N, 1, 96, 64] to scores [N, 521]; N is free, for the engine to fix."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(operation: str, name: str, *inputs: str, **attributes) -> str:
        nodes.append(helper.make_node(operation, inputs, [name], name=name, **attributes))
        return name

    x = "patches"
    for n, layer in enumerate(convolutions(tensors)):
        depthwise = layer.kind == "depthwise"
        before, after = layer.pads
        weight = constant(f"weight{n}", layer.weight.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)))
        x = node("Conv", f"conv{n}", x, weight, constant(f"bias{n}", layer.bias), strides=[layer.stride] * 2,
                 pads=[before, before, after, after], group=layer.weight.shape[2] if depthwise else 1)
        x = node("Relu", f"relu{n}", x)
    x = node("Flatten", "embedding", node("GlobalAveragePool", "mean", x))
    x = node("Gemm", "dense", x, constant("dense.weight", tensors["dense.weight"]),
             constant("dense.bias", tensors["dense.bias"]))
    node("Sigmoid", "scores", x)

    patches = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["N", 1, FRAMES, BANDS])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", CLASSES])
    graph = helper.make_graph(nodes, "yamnet", [patches], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


# --- All of them ---


def convert(folder: Path) -> None:
    """Write every model."""
    tensors = safetensors(*WEIGHTS)
    for batch in BATCHES:
        write_tflite(folder / tflite(batch), (batch, FRAMES, BANDS), lambda patches: tf_scores(patches, tensors))
    batch = max(BATCHES)

    def analyze(samples):
        return tf_scores(tf_patches(tf_log_mel_by_matmul(samples, frames_of(batch), tensors), batch), tensors)

    write_tflite(folder / WAVEFORM_TFLITE, (samples_of(batch),), analyze)
    write_onnx(folder / ONNX, tensors)
    write_saved_model(folder / SAVED_MODEL, tensors)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
