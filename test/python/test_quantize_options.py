"""Granularity, schemes, bits per layer and bias correction of imc-quantize, against NumPy."""
import json
import re

import numpy as np
import numpy_crossbar
import pytest

onnx = pytest.importorskip("onnx")
F32 = np.float32


def save_layers(path, rng, sizes=(24, 16, 10), names=("first", "second.fc")):
    """x -> Gemm -> Relu -> Gemm -> y, 12 rows; the weights."""
    helper = onnx.helper
    weights = [(rng.normal(size=s).astype(F32), rng.normal(size=s[1]).astype(F32)) for s in zip(sizes, sizes[1:])]
    initializers = [onnx.numpy_helper.from_array(a, f"{kind}{i}") for i, pair in enumerate(weights) for kind, a in zip("wb", pair)]
    nodes = [helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], names[0]), helper.make_node("Relu", ["h"], ["r"], "relu"),
             helper.make_node("Gemm", ["r", "w1", "b1"], ["y"], names[1])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (12, sizes[0]))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (12, sizes[-1]))], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return weights


def quantized_weights(w, bits, per_tensor=False, mse=False):
    """Q1, Q2, Q6 and Q7 of docs/phases/quantized.md."""
    top = F32(2 ** (bits - 1) - 1)
    largest = np.abs(w).max(axis=None if per_tensor else 0, keepdims=True) * np.ones((1, w.shape[1]), F32)

    def rounded(scale):
        scale = np.where(scale == 0, F32(1), scale)
        return scale, np.clip(np.rint(w / scale), -top, top)

    best, scales = None, None
    for k in range(128, 0, -1) if mse else [128]:
        scale, q = rounded(largest * F32(k / 128) / top)
        # In memory order, as the rule says: equal sums are common where few values are rounded.
        error = np.zeros(w.shape[1])
        for row in (w.astype(np.float64) - q.astype(np.float64) * scale.astype(np.float64)) ** 2:
            error += row
        if per_tensor:
            error[:] = np.add.accumulate(((w.astype(np.float64) - q * scale.astype(np.float64)) ** 2).ravel())[-1]
        if best is None:
            best, scales = error, scale[0].copy()
        better = error < best
        best = np.where(better, error, best)
        scales = np.where(better, scale[0], scales)
    q = np.clip(np.rint(w / scales), -top, top).astype(np.int64)
    return q, scales, q.sum(axis=0)


def qparams(x, bits, symmetric=False, per_row=False):
    """R1, R2 and R2S of docs/phases/rounding.md; one each, or one per row."""
    if per_row:
        pairs = [qparams(row, bits, symmetric) for row in x]
        return np.array([p[0] for p in pairs], F32)[:, None], np.array([p[1] for p in pairs])[:, None]
    if not symmetric:
        return numpy_crossbar.choose_qparams(x, bits)
    largest = F32(np.abs(x).max())
    scale = largest / F32(2 ** (bits - 1) - 1)
    return (scale if scale else F32(1)), 2 ** (bits - 1)


def forward(x, weights, bits, per_tensor=False, mse=False, symmetric=False, per_row=False):
    h = x
    for i, ((w, b), (weight_bits, input_bits)) in enumerate(zip(weights, bits)):
        q, w_scale, w_sum = quantized_weights(w, weight_bits, per_tensor, mse)
        scale, zero_point = qparams(h, input_bits, symmetric, per_row)
        codes = numpy_crossbar.quantize(h, scale, zero_point, input_bits)
        h = numpy_crossbar.dequantize(codes @ q, scale, zero_point, w_scale, w_sum, b)
        h = np.maximum(h, 0) if i == 0 else h
    return h


def run(tool, folder, *arguments):
    tool("imc", "run", folder / "m.onnx", "--input", folder / "x.npy", "--at", "quantized", *arguments, "--output", folder / "out")
    return np.load(folder / "out" / "output_0.npy")


def onnxruntime_outputs(path, x):
    """Node by node: fused kernels round differently."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


@pytest.fixture
def layers(tmp_path):
    rng = np.random.default_rng(17)
    weights = save_layers(tmp_path / "m.onnx", rng)
    x = (rng.normal(size=(12, 24)) * rng.lognormal(size=(12, 1))).astype(F32)
    np.save(tmp_path / "x.npy", x)
    return tmp_path, weights, x


@pytest.mark.parametrize("bits", [(8, 8), (4, 6), (2, 3)])
@pytest.mark.parametrize("settings", [
    {"weight_granularity": "per_tensor"}, {"weight_range": "mse"}, {"weight_granularity": "per_tensor", "weight_range": "mse"},
    {"input_scheme": "symmetric"}, {"input_granularity": "per_token"},
    {"input_granularity": "per_token", "input_scheme": "symmetric", "weight_range": "mse"}])
def test_equals_numpy(tool, layers, bits, settings):
    folder, weights, x = layers
    arguments = [a for name, value in settings.items() for a in ("--set", f"pass.{name}={value}")]
    got = run(tool, folder, "--set", f"pass.weight_bits={bits[0]}", "--set", f"pass.input_bits={bits[1]}", *arguments)
    want = forward(x, weights, [bits, bits], settings.get("weight_granularity") == "per_tensor", settings.get("weight_range") == "mse",
                   settings.get("input_scheme") == "symmetric", settings.get("input_granularity") == "per_token")
    assert np.array_equal(got, want.astype(F32))


def test_per_token_reaches_the_arrays(tool, layers):
    """Codes of a row are codes: what follows quantization does not know where its scale comes from."""
    folder, weights, x = layers
    arguments = ("--set", "pass.input_granularity=per_token")
    want = run(tool, folder, *arguments)
    tool("imc", "run", folder / "m.onnx", "--input", folder / "x.npy", "--at", "placed", "--target", "rram-32nm", *arguments,
         "--output", folder / "arrays")
    assert np.array_equal(np.load(folder / "arrays" / "output_0.npy"), want)


@pytest.mark.parametrize("form", ["set", "file"])
def test_bits_of_single_layers(tool, layers, form):
    folder, weights, x = layers
    (folder / "bits.json").write_text(json.dumps({"first": {"weight_bits": 3}, "second.fc": {"weight_bits": 5, "input_bits": 4}}))
    arguments = {"set": ("--set", "layer.first.weight_bits=3", "--set", "layer.second.fc.weight_bits=5",
                         "--set", "layer.second.fc.input_bits=4"),
                 "file": ("--layer-bits", folder / "bits.json")}[form]
    want = forward(x, weights, [(3, 8), (5, 4)]).astype(F32)
    assert np.array_equal(run(tool, folder, *arguments), want)
    # On arrays each product has the encoding and the input phases of its own bits.
    tool("imc", "run", folder / "m.onnx", "--input", folder / "x.npy", "--at", "tiled", "--target", "rram-32nm", *arguments,
         "--output", folder / "arrays")
    assert np.array_equal(np.load(folder / "arrays" / "output_0.npy"), want)


@pytest.mark.parametrize("arguments, message", [
    (("--set", "layer.third.weight_bits=4"), "layer 'third' has no float product to set bits of; layers with one are 'first', 'second.fc'"),
    (("--set", "layer.first.weight_bits=17"), "layer 'first': weight_bits = 17 is out of range; it takes 2 to 16"),
    (("--set", "layer.first.output_bits=4"), "layer 'first' has no field 'output_bits'; use weight_bits, input_bits, copies, adc_bits or unfolding"),
    (("--set", "layer.weight_bits=4"), "'layer.weight_bits=4' is no layer.NAME.weight_bits=BITS"),
    (("--set", "layer.first.weight_bits=many"), "is no layer.NAME.weight_bits=BITS"),
    (("--layer-bits", "absent.json"), "cannot read 'absent.json'"),
    (("--set", "pass.weight_scheme=affine"), "weight-scheme = affine cannot be stored"),
    (("--set", "pass.output_bits=8"), "output-bits = 8 is refused"),
    (("--bias-correction",), "--bias-correction measures errors from data: give inputs with --calibrate"),
])
def test_refuses_by_name(tool, layers, arguments, message):
    folder, _, _ = layers
    refused = tool("imc", "run", folder / "m.onnx", "--input", folder / "x.npy", "--at", "quantized", *arguments, check=False)
    assert refused.returncode == 1
    assert message in refused.stderr, refused.stderr


def test_layer_file_is_checked(tool, layers):
    folder, _, _ = layers
    for text, message in (("[]", "expected an object of layers"), ("{", "bits.json"), ('{"first": 4}', "is no object with weight_bits"),
                          ('{"first": {"weight_bits": "4"}}', "weight_bits is no integer"),
                          ('{"first": {"bits": 4}}', "has no field 'bits'")):
        (folder / "bits.json").write_text(text)
        refused = tool("imc", "run", folder / "m.onnx", "--input", folder / "x.npy", "--at", "quantized", "--layer-bits",
                       folder / "bits.json", check=False)
        assert refused.returncode == 1 and message in refused.stderr, refused.stderr


def priced(tool, folder, *arguments):
    return json.loads(tool("imc", "cost", folder / "m.onnx", "--target", "rram-32nm", *arguments, "--json", "-").stdout)


def test_price_follows_the_bits_of_layers(tool, layers):
    folder, _, _ = layers
    own = ("--set", "layer.first.weight_bits=4", "--set", "layer.first.input_bits=2")
    plain, mixed, narrow = (priced(tool, folder, *a) for a in ((), own, ("--set", "pass.weight_bits=4", "--set", "pass.input_bits=2")))
    products = [{layer["name"]: layer for layer in cost["models"][0]["layers"] if layer["op"] == "matmul"}
                for cost in (plain, mixed, narrow)]
    assert list(products[0]) == ["first", "second.fc"]
    assert products[1]["second.fc"] == products[0]["second.fc"]
    cells = [cost["first"]["energy_by_component_j"]["cells"] for cost in products]
    assert cells[1] == cells[2] < 0.3 * cells[0]  # half the columns, a quarter of the phases
    assert products[1]["first"]["energy_j"] < 0.5 * products[0]["first"]["energy_j"]
    assert plain["models"][0]["sqnr_db"] > mixed["models"][0]["sqnr_db"]
    assert plain["area_mm2"] == mixed["area_mm2"] and mixed["feasible"]
    # The passes price the module that they compile alike, to the last digit.
    tool("imc", "compile", folder / "m.onnx", "--target", "rram-32nm", *own, "-o", folder / "costed.mlir")
    header = next(line for line in (folder / "costed.mlir").read_text().splitlines() if line.startswith("module "))
    for figure in ("energy_j", "latency_s", "sqnr_db"):
        assert float(re.search(rf"\b{figure} = ([-+.\deE]+) : f64", header).group(1)) == mixed["models"][0][figure], figure


def test_chips_are_built_for_the_bits_of_all(tool, layers):
    folder, _, _ = layers
    cost = priced(tool, folder, "--set", "pass.weight_bits=4", "--set", "layer.first.weight_bits=6")
    assert not cost["feasible"]
    assert [(v["rule"], v["value"], v["limit"]) for v in cost["violations"]] == [("model_bits", 4, 6)]


@pytest.mark.parametrize("command, message", [
    (("cost", "--target", "rram-32nm", "--set", "layer.third.weight_bits=3"),
     "model 'm' has no layer 'third' with stored weights; those with some are 'first', 'second.fc'"),
    (("cost", "--target", "source-2026-rram", "--set", "layer.first.weight_bits=3"), "layer 'first' cannot have its own"),
    (("simulate", "--target", "rram-32nm", "--set", "layer.third.weight_bits=3"),
     "model 'm' has no layer 'third' with stored weights; those with some are 'first', 'second.fc'"),
    (("solve", "--as", "replication", "--target", "rram-32nm", "--set", "layer.first.weight_bits=3"), "layer 'first' cannot have its own"),
])
def test_who_takes_no_bits_of_layers(tool, layers, command, message):
    folder, _, _ = layers
    refused = tool("imc", command[0], folder / "m.onnx", *command[1:], check=False)
    assert refused.returncode == 1
    assert message in refused.stderr


def test_bias_correction(tool, layers):
    """Every product's mean error per channel goes away: in NumPy, and in ONNX that is exported."""
    folder, weights, x = layers
    arguments = ("--calibrate", folder / "x.npy", "--set", "pass.weight_bits=3", "--set", "pass.input_bits=4")
    plain = run(tool, folder, *arguments)
    corrected = run(tool, folder, *arguments, "--bias-correction")
    h = np.maximum(x @ weights[0][0] + weights[0][1], 0)
    want = h @ weights[1][0] + weights[1][1]
    before, after = (np.abs((y - want).mean(axis=0)).max() for y in (plain, corrected))
    assert before > 0.02 * want.std()
    assert after < 1e-5 * want.std() < before

    tool("imc", "quantize", folder / "m.onnx", *arguments, "--bias-correction", "-o", folder / "q.onnx")
    assert np.allclose(onnxruntime_outputs(folder / "q.onnx", x), corrected, rtol=1e-4, atol=1e-4)
    names = {t.name for t in onnx.load(folder / "q.onnx").graph.initializer}
    assert {"b0_corrected", "b1_corrected"} <= names and not {"b0", "b1", "w0", "w1"} & names


def test_bias_correction_of_matmul(tool, tmp_path):
    """A MatMul has no bias in ONNX: the correction is an Add after it."""
    helper, rng = onnx.helper, np.random.default_rng(2)
    w, x = rng.normal(size=(8, 5)).astype(F32), rng.normal(1, 1, (6, 8)).astype(F32)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], "product")], "g",
                              [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (6, 8))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (6, 5))],
                              [onnx.numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", x)
    arguments = ("--calibrate", tmp_path / "x.npy", "--set", "pass.weight_bits=3", "--bias-correction")
    tool("imc", "quantize", tmp_path / "m.onnx", *arguments, "-o", tmp_path / "q.onnx")
    model = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node][-2:] == ["MatMul", "Add"]
    got = onnxruntime_outputs(tmp_path / "q.onnx", x)
    assert np.allclose(got, run(tool, tmp_path, *arguments), atol=1e-5)
    assert np.abs((got - x @ w).mean(axis=0)).max() < 1e-5


def test_sensitivity(tool, models, tmp_path):
    """The SNR that is printed for a layer is the one of a run with these bits; the first line's is that without."""
    data = np.load(models / "refs" / "glyphs_test100.npz")
    np.save(tmp_path / "x.npy", data["x"][:, None].astype(F32) / F32(255))
    np.save(tmp_path / "y.npy", data["y"][:len(data["x"])])
    model = (models / "trained-small" / "glyphs_lenet_N.onnx", "--shape", "N=100", "--calibrate", tmp_path / "x.npy",
             "--calibration", "mse")
    text = tool("imc", "quantize", *model, "--sensitivity", "--sensitivity-bits", 3, "--labels", tmp_path / "y.npy").stdout
    lines = [re.split(r"\s{2,}|(?<=%)\s", line.strip()) for line in text.splitlines()]
    rows = {line[0]: [cell.strip() for cell in line[1:]] for line in lines}
    assert list(rows) == ["layer", "(float)", "(all layers as given)", "/0/Conv", "/3/Conv", "/7/Gemm", "/9/Gemm", "/11/Gemm"], text

    def output(*arguments):
        tool("imc", "run", *model[:3], "--input", tmp_path / "x.npy", *arguments, "--output", tmp_path / "out")
        return np.load(tmp_path / "out" / "output_0.npy").astype(np.float64)

    want = output("--at", "imported")
    for name, arguments in (("(all layers as given)", ()),
                            ("/3/Conv", ("--set", "layer./3/Conv.weight_bits=3", "--set", "layer./3/Conv.input_bits=3"))):
        got = output("--at", "quantized", *model[3:], *arguments)
        snr = 10 * np.log10(np.sum(want**2) / np.sum((got - want) ** 2))
        assert abs(float(rows[name][0]) - snr) <= 0.05 + 1e-6, (name, snr, rows[name])
        agreement = 100 * (got.argmax(1) == want.argmax(1)).mean()
        right = 100 * (got.argmax(1) == data["y"][:100]).mean()
        assert rows[name][1:3] == [f"{agreement:.2f}%", f"{right:.2f}%"]
    assert rows["(float)"][0] == "-"
    assert all(float(rows[name][0]) < float(rows["(all layers as given)"][0]) for name in list(rows)[3:])


def test_data_is_inputs_and_labels(tool, models, tmp_path):
    """One .npz file is what folders of .npy say, and the batch of the model need not be bound."""
    data = np.load(models / "refs" / "glyphs_test100.npz")
    np.savez(tmp_path / "d.npz", x=data["x"][:20], y=data["y"][:20])
    np.save(tmp_path / "x.npy", data["x"][:20, None].astype(F32) / F32(255))
    np.save(tmp_path / "y.npy", data["y"][:20])
    model = models / "trained-small" / "glyphs_lenet_N.onnx"
    tool("imc", "quantize", model, "--data", tmp_path / "d.npz", "-o", tmp_path / "a.onnx")
    tool("imc", "quantize", model, "--shape", "N=1", "--calibrate", tmp_path / "x.npy", "-o", tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    tables = [tool("imc", "quantize", model, "--sensitivity", *arguments).stdout.splitlines()
              for arguments in (("--data", tmp_path / "d.npz"), ("--calibrate", tmp_path / "x.npy", "--labels", tmp_path / "y.npy"))]
    assert tables[0][-6:] == tables[1][-6:] and "top-1" in tables[1][0]
    refused = tool("imc", "quantize", model, "--data", tmp_path / "d.npz", "--labels", tmp_path / "y.npy", "-o", tmp_path / "c.onnx",
                   check=False)
    assert refused.returncode == 1 and "--data holds inputs and labels" in refused.stderr


@pytest.mark.parametrize("arguments, message", [
    ((), "name the output with -o (.onnx, .mlir or .mlirbc), or ask for --sensitivity"),
    (("--sensitivity",), "--sensitivity runs the model on data: give inputs with --calibrate"),
    (("--sensitivity", "--calibrate", "x.npy", "--bias-correction"), "leave one of them out"),
    (("--sensitivity", "--calibrate", "x.npy", "--labels", "x.npy"), "labels are one integer per row of outputs"),
    (("--sensitivity", "--calibrate", "x.npy", "--labels", "short.npy"), "has 12 rows of outputs on the given data, but there are 3 labels"),
])
def test_sensitivity_refuses(tool, layers, arguments, message):
    folder, _, _ = layers
    np.save(folder / "short.npy", np.arange(3))
    refused = tool("imc", "quantize", folder / "m.onnx", *arguments, cwd=folder, check=False)
    assert refused.returncode == 1
    assert message in refused.stderr, refused.stderr
