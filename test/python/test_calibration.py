"""Ranges of activations: every method against NumPy (numpy_calibration.py), and what it does to the accuracy of networks."""
import re

import numpy as np
import numpy_calibration
import pytest

onnx = pytest.importorskip("onnx")

SAMPLES = 40


def activations():
    """Values of products' inputs, SAMPLES x 96 or SAMPLES x 3 x 8 x 8, with tails, zeros and both signs."""
    rng = np.random.default_rng(11)
    shape = (SAMPLES, 96)
    data = {
        "relu": np.maximum(rng.normal(0, 1, shape), 0),
        "normal": rng.normal(0.3, 2, shape),
        "laplace": rng.laplace(0, 1, shape),
        "tail": rng.lognormal(0, 1.5, shape),
        "negative": -np.abs(rng.normal(0, 1, shape)) - 0.5,
        "skewed": np.where(rng.random(shape) < 0.02, -20 * rng.random(shape), rng.random(shape)),
        "image": np.maximum(rng.normal(0, 1, (SAMPLES, 3, 8, 8)), 0),
    }
    return {name: values.astype(np.float32) for name, values in data.items()}


def save_model(path, data):
    """One product per activation; the image's is a convolution with zeros around it."""
    rng = np.random.default_rng(5)
    helper, nodes, initializers, inputs, outputs = onnx.helper, [], [], [], []
    for name, values in data.items():
        image = values.ndim == 4
        w = rng.normal(size=(4, 3, 3, 3) if image else (values.shape[1], 4)).astype(np.float32)
        initializers.append(onnx.numpy_helper.from_array(w, name + ".w"))
        attributes = {"pads": [1, 1, 1, 1]} if image else {}
        nodes.append(helper.make_node("Conv" if image else "MatMul", [name, name + ".w"], [name + ".y"], name, **attributes))
        inputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1,) + values.shape[1:]))
        outputs.append(helper.make_tensor_value_info(name + ".y", onnx.TensorProto.FLOAT, (1, 4, 8, 8) if image else (1, 4)))
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture(scope="module")
def calibrated(tool, tmp_path_factory):
    """Function (method, bits) -> {activation: (scale, zero point)} of the compiled module."""
    folder = tmp_path_factory.mktemp("calibration")
    data = activations()
    save_model(folder / "m.onnx", data)
    for i, values in enumerate(data.values()):
        np.save(folder / f"input_{i}.npy", values)

    def run(method, bits):
        tool("imc", "quantize", folder / "m.onnx", "--calibrate", folder, "--calibration", method,
             "--set", f"pass.input_bits={bits}", "-o", folder / "q.mlir")
        text = (folder / "q.mlir").read_text()
        constants = dict(re.findall(r"(%\w+) = arith\.constant dense<([^>]*)> : tensor<(?:f32|i32)>", text))
        uses = re.findall(r"imc\.quantize ins\(%(\w+), (%\w+), (%\w+)", text)
        assert len(uses) == len(data)
        return {name: (np.float32(constants[scale]), int(constants[zero_point]))
                for name, (_, scale, zero_point) in zip(data, uses)}

    return run


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("method", ["minmax", "percentile", "percentile=97.5", "mse", "kl"])
def test_equals_numpy(calibrated, method, bits):
    name, _, value = method.partition("=")
    rule = getattr(numpy_calibration, name)
    arguments = [float(value)] if value else []
    got = calibrated(method, bits)
    for activation, values in activations().items():
        want = numpy_calibration.qparams(*rule(values, bits, *arguments), bits)
        assert got[activation] == want, (activation, got[activation], want)


def test_percentile_is_numpys_within_a_bin(calibrated):
    for activation, values in activations().items():
        magnitude = np.abs(values.astype(np.float64))
        lo, hi = numpy_calibration.percentile(values, 8, 97.5)
        assert abs(max(-lo, hi) - np.quantile(magnitude, 0.975)) <= magnitude.max() / 2048 + 0.05 * (activation == "tail")


def test_methods_lower_the_error_that_they_are_for(calibrated):
    """At 4 bits mse has the least squared error of all methods on every activation, and clips where minmax does not."""
    def error(values, scale, zero_point):
        code = np.clip(np.rint(values / scale) + zero_point, 0, 15)
        return np.mean((values - (code - zero_point) * scale) ** 2)

    ranges = {method: calibrated(method, 4) for method in ("minmax", "percentile=99.9", "mse", "kl")}
    for activation, values in activations().items():
        errors = {method: error(values.astype(np.float64), *found[activation]) for method, found in ranges.items()}
        assert errors["mse"] <= 1.01 * min(errors.values()), (activation, errors)
    assert ranges["mse"]["tail"][0] < 0.8 * ranges["minmax"]["tail"][0]


@pytest.mark.parametrize("method", ["percentile=99.99", "mse", "kl"])
def test_keeps_the_accuracy(tool, models, shared, tmp_path, method):
    data = np.load(shared / "models" / "refs" / "glyphs_test500.npz")
    np.save(tmp_path / "x.npy", data["x"][:200, None].astype(np.float32) / np.float32(255))
    np.save(tmp_path / "c.npy", data["x"][200:300, None].astype(np.float32) / np.float32(255))
    tool("imc", "run", models / "trained-small" / "glyphs_lenet_N.onnx", "--shape", "N=200", "--input", tmp_path / "x.npy",
         "--at", "imported", "--output", tmp_path / "float")
    tool("imc", "run", models / "trained-small" / "glyphs_lenet_N.onnx", "--shape", "N=200", "--input", tmp_path / "x.npy",
         "--at", "quantized", "--calibrate", tmp_path / "x.npy", "--calibration", method, "--output", tmp_path / "out")
    got, want = (np.load(tmp_path / name / "output_0.npy").argmax(1) for name in ("out", "float"))
    assert (got == want).mean() >= 0.97


@pytest.mark.parametrize("arguments, message", [
    (("--calibration", "entropy", "--calibrate"), "calibration 'entropy' is unknown; use minmax, percentile[=VALUE], mse or kl"),
    (("--calibration", "percentile=101", "--calibrate"), "calibration 'percentile=101' has no percentile above 0 and up to 100"),
    (("--calibration", "kl"), "--calibration kl chooses ranges from data: give inputs with --calibrate"),
])
def test_refuses_by_name(tool, models, tmp_path, arguments, message):
    np.save(tmp_path / "x.npy", np.zeros((1, 1, 28, 28), np.float32))
    if arguments[-1] == "--calibrate":
        arguments += (tmp_path / "x.npy",)
    refused = tool("imc", "run", models / "trained-small" / "glyphs_lenet_N.onnx", "--shape", "N=1", "--input", tmp_path / "x.npy",
                   "--at", "quantized", *arguments, check=False)
    assert refused.returncode == 1
    assert message in refused.stderr


def test_states_of_loops(tool, shared, tmp_path):
    """The state of an LSTM is observed over all steps: its range becomes a constant, and the classes stay."""
    model = shared / "models" / "trained-small" / "digits_lstm_N.onnx"
    data = np.load(shared / "models" / "refs" / "digits_lstm_N.npz")
    np.save(tmp_path / "x.npy", data["in:input"])
    arguments = ("--shape", "N=32", "--calibrate", tmp_path / "x.npy")
    tool("imc", "quantize", model, *arguments, "-o", tmp_path / "q.mlir")
    text = (tmp_path / "q.mlir").read_text()
    assert "imc.choose_qparams" not in text and len(re.findall(r"imc\.quantize ins", text)) == 3
    loop = text[text.index("scf.for"):text.index("scf.yield")]
    scale, zero_point = re.search(r"imc\.quantize ins\(%\w+, (%\w+), (%\w+)", loop).groups()
    constants = dict(re.findall(r"(%\w+) = arith\.constant dense<([^>]*)> : tensor<(?:f32|i32)>", text))
    # tanh times sigmoid: within -1 and 1, and on both sides of zero.
    assert 0.5 / 255 < float(constants[scale]) < 2 / 255 and 50 < int(constants[zero_point]) < 200
    tool("imc", "run", model, *arguments, "--input", tmp_path / "x.npy", "--at", "quantized", "--output", tmp_path / "out")
    assert np.array_equal(np.load(tmp_path / "out" / "output_0.npy").argmax(1), data["out:logits"].argmax(1))
