"""A quantized network (QDQ, int8, per channel) stays in integers: its rules in NumPy, the ONNX reference evaluator, onnxruntime,
and the same bits at every phase."""
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

MODEL = "glyphs_resnet8_qdq"


def with_batch(shared, count):
    """The model for `count` images at once, with an opset that the reference evaluator has."""
    model = onnx.load(shared / "models" / "trained-small" / f"{MODEL}.onnx")
    model.opset_import[0].version = 21
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = count
    return model


def images(shared, count):
    data = np.load(shared / "models" / "refs" / "glyphs_test500.npz")
    return data["x"][:count, None].astype(np.float32) / np.float32(255)


def run(tool, shared, folder, count, *arguments):
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(with_batch(shared, count), folder / "model.onnx")
    np.save(folder / "x.npy", images(shared, count))
    tool("imc", "run", folder / "model.onnx", "--input", folder / "x.npy", "--output", folder / "out", *arguments)
    return np.load(folder / "out" / "output_0.npy")


def by_the_rules(model, x):
    """docs/phases/rounding.md, R7, R9 and R10, without a line of the compiler: integer sums, one f64 product, f32 quotients."""
    conv = pytest.importorskip("onnx.reference.ops.op_conv")._conv_implementation
    value = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    value["input"] = x
    codes = {}  # name of real numbers -> names of codes, scale, zero point
    for node in model.graph.node:
        inputs, output = node.input, node.output[0]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "QuantizeLinear":
            q = np.rint(value[inputs[0]] / value[inputs[1]]).astype(np.int64) + value[inputs[2]]
            value[output] = np.clip(q, -128, 127).astype(np.int8)
        elif node.op_type == "DequantizeLinear":
            codes[output] = inputs
            if value[inputs[1]].ndim == 0:
                difference = value[inputs[0]].astype(np.float32) - value[inputs[2]].astype(np.float32)
                value[output] = difference * value[inputs[1]]
        elif node.op_type in ("Conv", "Gemm"):
            (xq, xs, xz), (wq, ws, _), (bias, _, _) = [[value[name] for name in codes[i]] for i in inputs]
            # Sums below 2^53, so f64 holds them exactly.
            xq, wq, bias = xq.astype(np.float64) - xz, wq.astype(np.float64), bias.astype(np.float64)
            scale = np.float64(xs) * ws.astype(np.float64)
            if node.op_type == "Conv":
                sums = conv(xq, wq, bias, None, attributes["dilations"], 1, attributes["kernel_shape"],
                            attributes["pads"], attributes["strides"])
                scale = scale.reshape(1, -1, 1, 1)
            else:
                sums = xq @ wq.T + bias
            value[output] = (sums * scale).astype(np.float32)
        elif node.op_type == "Add":
            value[output] = value[inputs[0]] + value[inputs[1]]
        elif node.op_type == "GlobalAveragePool":
            value[output] = value[inputs[0]].mean(axis=(2, 3), keepdims=True)
        else:
            assert node.op_type == "Flatten"
            value[output] = value[inputs[0]].reshape(len(x), -1)
    return value["logits"]


def in_double(model):
    """The same model with its float32 initializers (scales) as float64: what the reference evaluator computes from float64 images
    is float64 throughout."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    for tensor in wide.graph.initializer:
        data = onnx.numpy_helper.to_array(tensor)
        if data.dtype == np.float32:
            tensor.CopyFrom(onnx.numpy_helper.from_array(data.astype(np.float64), tensor.name))
    return wide


def test_products_are_integers(tool, shared):
    text = tool("imc", "import", shared / "models" / "trained-small" / f"{MODEL}.onnx").stdout
    products = re.findall(r"linalg\.(?:conv\w*|matmul).* ins\(([^)]*)\)", text)
    assert len(products) == 10
    assert all("xf32" not in operands and operands.count("xi8") == 2 for operands in products)
    assert text.count("imc.requantize") == 10
    assert "imc.parameters = 79108" in text  # as the float model


def test_equals_rules_reference_and_onnxruntime(tool, shared, tmp_path):
    got = run(tool, shared, tmp_path, 500)
    model, x = with_batch(shared, 500), images(shared, 500)
    assert np.array_equal(got, by_the_rules(model, x))

    # The specification's evaluation, with the real arithmetic that it leaves open in double precision: every bit.
    reference = onnx.reference.ReferenceEvaluator(in_double(model)).run(None, {"input": x.astype(np.float64)})[0]
    assert reference.dtype == np.float64
    assert np.array_equal(got, reference.astype(np.float32))

    # Both sum in f32, in an order of their own. An element within their error of the middle of two codes may fall to the other side:
    # two of the 500 images, each from one element.
    step = [onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name == "logits_scale"][0]
    others = {"reference": onnx.reference.ReferenceEvaluator(model).run(None, {"input": x})[0]}
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    others["onnxruntime"] = session.run(None, {"input": x})[0]
    for name, want in others.items():
        assert np.array_equal(got.argmax(1), want.argmax(1)), name
        units = np.abs(np.rint((got - want) / step))
        assert units.max() <= 1, name
        assert np.count_nonzero(units.any(1)) <= 5, (name, np.flatnonzero(units.any(1)))


NEAR_A_MIDDLE = [197, 333, 412]
EVALUATE = """
import sys
import numpy as np
import onnx.reference
folder, suffix = sys.argv[1:]
x = np.load(f"{folder}/x{suffix}.npy")
np.save(f"{folder}/y{suffix}.npy", onnx.reference.ReferenceEvaluator(f"{folder}/model{suffix}.onnx").run(None, {"input": x})[0])
"""


def test_single_precision_reference_depends_on_the_blas_kernel(shared, tmp_path):
    """Why the bits are compared in double precision: in single precision the reference evaluator differs from itself."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    if "DYNAMIC_ARCH" not in blas.get("openblas configuration", "") or os.uname().machine != "x86_64":
        pytest.skip("numpy has no OpenBLAS with selectable x86-64 kernels: the reference evaluator cannot be run with two of them")
    model, x = with_batch(shared, len(NEAR_A_MIDDLE)), images(shared, 500)[NEAR_A_MIDDLE]
    for suffix, m, data in (("", model, x), ("64", in_double(model), x.astype(np.float64))):
        onnx.save(m, tmp_path / f"model{suffix}.onnx")
        np.save(tmp_path / f"x{suffix}.npy", data)

    def evaluate(kernel, suffix=""):
        environment = dict(os.environ, OPENBLAS_CORETYPE=kernel, OMP_NUM_THREADS="1")
        subprocess.run([sys.executable, "-c", EVALUATE, tmp_path, suffix], env=environment, check=True)
        return np.load(tmp_path / f"y{suffix}.npy")

    # Kernels that every x86-64 processor of today can run.
    kernels = "Prescott", "Haswell"
    single = [evaluate(kernel) for kernel in kernels]
    assert not np.array_equal(*single)
    double = [evaluate(kernel, "64") for kernel in kernels]
    assert np.array_equal(*double)
    assert np.array_equal(double[0].astype(np.float32), by_the_rules(model, x))


@pytest.mark.parametrize("arguments", [("quantized",), ("tiled",), ("costed", "--set", "pass.encoding=differential")])
def test_phases_give_the_same_bits(tool, shared, tmp_path, arguments):
    want = run(tool, shared, tmp_path / "imported", 1)
    got = run(tool, shared, tmp_path / "later", 1, "--target", "rram-32nm", "--at", *arguments)
    assert np.array_equal(got, want)


def test_bits_of_the_model_cannot_be_changed(tool, shared):
    refused = tool("imc", "compile", shared / "models" / "trained-small" / f"{MODEL}.onnx", "--target", "rram-32nm",
                   "--to", "quantized", "--set", "pass.weight_bits=4", "-o", "-", check=False)
    assert refused.returncode != 0
    assert "use 8 and 8, or import a float model" in refused.stderr
    priced = tool("imc", "cost", shared / "models" / "trained-small" / f"{MODEL}.onnx", "--target", "rram-32nm", "--set",
                  "pass.weight_bits=4", "--json", "-")
    cost = json.loads(priced.stdout)
    assert not cost["feasible"]
    assert [(v["rule"], v["value"], v["limit"]) for v in cost["violations"]] == [("model_bits", 4, 8)]
