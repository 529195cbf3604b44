"""Writes the modules of this folder anew: two tiny ONNX models, and what torch-mlir and IREE make of them.

    make_fixtures.py TOOLS     TOOLS = bin/ of an environment with the packages of test/python/front_doors_requirements.txt

The lit tests use the files that are committed, so that they need no packages.
"""
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
RNG = np.random.default_rng(7)


def weight(name, *shape):
    return numpy_helper.from_array((RNG.integers(-8, 9, shape) / 8).astype(np.float32), name)


def save(name, nodes, initializers, shape, classes):
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [shape[0], classes])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def tiny():
    """Every kind of product: dense, strided, depthwise and grouped convolutions, a matrix; a residual and pooling between."""
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "w0", "b0"], ["c0"], "stem", pads=[1, 1, 1, 1]),
        node("Relu", ["c0"], ["r0"], "relu"),
        node("Conv", ["r0", "w1", "b1"], ["c1"], "depthwise", pads=[1, 1, 1, 1], group=4),
        node("Add", ["r0", "c1"], ["a"], "residual"),
        node("MaxPool", ["a"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p", "w2", "b2"], ["c2"], "grouped", group=2),
        node("GlobalAveragePool", ["c2"], ["g"], "mean"),
        node("Flatten", ["g"], ["f"], "flatten"),
        node("Gemm", ["f", "w3", "b3"], ["scores"], "classify", transB=1),
    ]
    weights = [weight("w0", 4, 3, 3, 3), weight("b0", 4), weight("w1", 4, 1, 3, 3), weight("b1", 4),
               weight("w2", 6, 2, 1, 1), weight("b2", 6), weight("w3", 5, 6), weight("b3", 5)]
    save("tiny", nodes, weights, [1, 3, 8, 8], 5)


def tiny_qdq():
    """A quantized convolution and matrix, one scale per tensor, which both tools keep integer."""
    def constant(name, value, dtype):
        return numpy_helper.from_array(np.asarray(value, dtype), name)
    nodes, weights = [], []

    def quantized(x, scale, point):
        weights.extend([constant(f"{x}.s", scale, np.float32), constant(f"{x}.z", point, np.int8)])
        nodes.append(helper.make_node("QuantizeLinear", [x, f"{x}.s", f"{x}.z"], [f"{x}.q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{x}.q", f"{x}.s", f"{x}.z"], [f"{x}.d"]))
        return f"{x}.d"

    def stored(name, shape, dtype, scale):
        values = RNG.integers(-100, 101, shape)
        weights.extend([constant(name, values, dtype), constant(f"{name}.s", scale, np.float32),
                        constant(f"{name}.z", 0, dtype)])
        nodes.append(helper.make_node("DequantizeLinear", [name, f"{name}.s", f"{name}.z"], [f"{name}.d"]))
        return f"{name}.d"

    x = quantized("image", 1 / 32, -3)
    nodes.append(helper.make_node("Conv", [x, stored("w0", (4, 3, 3, 3), np.int8, 1 / 64),
                                           stored("b0", (4,), np.int32, 1 / 2048)], ["c"], "conv"))
    x = quantized("c", 1 / 4, 5)
    nodes.append(helper.make_node("Flatten", [x], ["f"]))
    x = quantized("f", 1 / 4, 5)
    nodes.append(helper.make_node("Gemm", [x, stored("w1", (16, 5), np.int8, 1 / 64),
                                           stored("b1", (5,), np.int32, 1 / 256)], ["g"], "gemm"))
    nodes.append(helper.make_node("Identity", [quantized("g", 1 / 2, 0)], ["scores"]))
    save("tiny_qdq", nodes, weights, [1, 3, 4, 4], 5)


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def version(tools, package):
    return run(tools / "python", "-c", f"import importlib.metadata as m; print(m.version('{package}'))").strip()


def main():
    tools = pathlib.Path(sys.argv[1])
    tiny()
    tiny_qdq()
    for name in ["tiny", "tiny_qdq"]:
        torch = HERE / f"{name}.torch.tmp"
        run(tools / "torch-mlir-import-onnx", HERE / f"{name}.onnx", "-o", torch)
        for kind, backend in [("linalg", "linalg-on-tensors"), ("tosa", "tosa")]:
            text = run(tools / "torch-mlir-opt", torch, "--pass-pipeline=builtin.module(torch-onnx-to-torch-backend-pipeline,"
                       f"torch-backend-to-{backend}-backend-pipeline)")
            (HERE / f"{name}.torch-{kind}.mlir").write_text(f"// torch-mlir {version(tools, 'torch-mlir')}\n" + text)
        run(tools / "iree-import-onnx", HERE / f"{name}.onnx", "-o", torch)
        text = run(tools / "iree-compile", torch, "--iree-input-type=auto", "--compile-to=input", "--mlir-print-op-generic")
        (HERE / f"{name}.iree-input.mlir").write_text(f"// iree-base-compiler {version(tools, 'iree-base-compiler')}\n" + text)
        torch.unlink()
    shutil.rmtree(HERE / "onnx-importer-temp", ignore_errors=True)


if __name__ == "__main__":
    main()
