"""Quantized models written as ONNX: onnxruntime agrees with phase `quantized`, and the file comes back with the same integers."""
import json
import re

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
numpy_helper = onnx.numpy_helper


def glyphs(shared, count):
    data = np.load(shared / "models" / "refs" / "glyphs_test500.npz")
    return data["x"][:count, None].astype(np.float32) / np.float32(255)


def digits(shared, name):
    return np.load(shared / "models" / "refs" / f"{name}.npz")["in:input"]


def with_batch(path, count):
    """The model for a fixed batch: glyphs_resnet8 has a batch of 1."""
    model = onnx.load(path)
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = count
    return model


def onnxruntime_outputs(path, x, optimized=True):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def export(tool, model, x, folder, *arguments, check=True):
    np.save(folder / "x.npy", x)
    return tool("imc", "quantize", model, "--calibrate", folder / "x.npy", *arguments, "-o", folder / "q.onnx", check=check)


def ours(tool, model, x, folder, *arguments):
    tool("imc", "run", model, "--input", folder / "x.npy", "--at", "quantized", "--calibrate", folder / "x.npy", *arguments,
         "--output", folder / "out")
    return np.load(folder / "out" / "output_0.npy")


def tie_distance(path, x):
    """How close any code of each sample comes to the middle of two, in steps, as onnxruntime computes it."""
    import onnxruntime

    model = onnx.load(path)
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    quantizers = [n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] not in constants]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in {n.input[0] for n in quantizers})
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    values = dict(zip([o.name for o in session.get_outputs()], session.run(None, {session.get_inputs()[0].name: x})))
    least = np.full(len(x), np.inf)
    for node in quantizers:
        steps = values[node.input[0]].reshape(len(x), -1).astype(np.float64) / constants[node.input[1]].astype(np.float64)
        least = np.minimum(least, np.abs(steps - np.floor(steps) - 0.5).min(-1))
    return least


def agree(path, x, want):
    """Fused kernels round differently, node by node onnxruntime does what phase `quantized` does, up to the last bits of float sums.
    They may move a code by one where it lies in the middle of two: within the resolution of binary32 at 255 steps, 2^-16. Samples
    without such a code must be the same."""
    fused, nodes = onnxruntime_outputs(path, x), onnxruntime_outputs(path, x, optimized=False)
    for got in (fused, nodes):
        assert np.count_nonzero(got.argmax(-1) != want.argmax(-1)) <= want.argmax(-1).size // 500
    error = np.abs(nodes - want).max(-1).reshape(len(x), -1).max(-1) / want.std()
    differing = error > 1e-5
    distance = tie_distance(path, x)
    assert (distance[differing] < 2e-5).all(), distance[differing]
    assert error.max() < 0.1


@pytest.mark.parametrize("name", ["glyphs_lenet_N", "glyphs_resnet8_N", "digits_mlp_N", "digits_cnn_N", "digits_causal_N"])
def test_onnxruntime_agrees(tool, shared, tmp_path, name):
    """The bar of the round trip: one image in 500 may fall to another class; of 32 none."""
    x = glyphs(shared, 500) if name.startswith("glyphs") else digits(shared, name)
    model = shared / "models" / "trained-small" / f"{name}.onnx"
    arguments = ("--shape", f"N={len(x)}", "--calibration", "percentile")
    export(tool, model, x, tmp_path, *arguments)
    quantized = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(quantized)
    assert [d.dim_param for d in quantized.graph.input[0].type.tensor_type.shape.dim][0] == "N"
    agree(tmp_path / "q.onnx", x, ours(tool, model, x, tmp_path, *arguments))


@pytest.mark.parametrize("name, weight_bits, input_bits", [("glyphs_lenet_N", 16, 16), ("digits_cnn_N", 16, 8), ("digits_mlp_N", 8, 12)])
def test_more_than_8_bits(tool, shared, tmp_path, name, weight_bits, input_bits):
    """INT16 and UINT16 from opset 21 on, which the export raises the model to."""
    x = glyphs(shared, 500) if name.startswith("glyphs") else digits(shared, name)
    model = shared / "models" / "trained-small" / f"{name}.onnx"
    arguments = ("--shape", f"N={len(x)}", "--set", f"pass.weight_bits={weight_bits}", "--set", f"pass.input_bits={input_bits}")
    printed = export(tool, model, x, tmp_path, *arguments).stdout
    quantized = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(quantized)
    assert quantized.opset_import[0].version >= 21 and "for operands of more than 8 bits" in printed
    types = {t.name.rpartition("_")[2]: t.data_type for t in quantized.graph.initializer if t.name.endswith(("_quantized", "_zero_point"))}
    assert types["quantized"] == (onnx.TensorProto.INT16 if weight_bits > 8 else onnx.TensorProto.INT8)
    points = {t.data_type for t in quantized.graph.initializer if t.name.endswith("_zero_point")}
    assert (onnx.TensorProto.UINT16 if input_bits > 8 else onnx.TensorProto.UINT8) in points
    want = ours(tool, model, x, tmp_path, *arguments)
    for optimized in (True, False):
        got = onnxruntime_outputs(tmp_path / "q.onnx", x, optimized)
        assert np.count_nonzero(got.argmax(-1) != want.argmax(-1)) <= len(x) // 500
        assert np.abs(got - want).max() < (0.1 if input_bits == 8 else 0.01) * want.std()


@pytest.mark.parametrize("name", ["glyphs_resnet8", "digits_mlp_N"])
def test_comes_back_with_the_same_integers(tool, shared, tmp_path, name):
    x = glyphs(shared, 20) if name.startswith("glyphs") else digits(shared, name)[:20]
    model = shared / "models" / "trained-small" / f"{name}.onnx"
    shape = () if name == "glyphs_resnet8" else ("--shape", "N=1")
    export(tool, model, x, tmp_path, *shape)
    text = tool("imc", "import", tmp_path / "q.onnx", *shape).stdout
    products = re.findall(r"linalg\.(?:conv_2d\w*|matmul).* ins\(([^)]*)\)", text)
    assert products and all("xf32" not in operands for operands in products), products

    def integers(source):
        tool("imc", "quantize", source, *shape, "-o", tmp_path / "module.mlir",
             *(("--calibrate", tmp_path / "x.npy") if source == model else ()))
        text = (tmp_path / "module.mlir").read_text()
        blobs = {quoted or plain: data for quoted, plain, data in
                 re.findall(r'^\s*(?:"([^"]+)"|([\w.$]+)): "0x[0-9A-Fa-f]{8}([0-9A-Fa-f]+)"', text, re.M)}  # without the alignment
        used = re.findall(r'dense_resource<"?([^">]+)"?> : tensor<[\dx]+xi8>', text)
        found = sorted(blobs[key] for key in used)
        inline = sorted(re.findall(r"dense<(.*)> : tensor<[\dx]+xi8>", text))
        return found, inline

    assert integers(model) == integers(tmp_path / "q.onnx")
    assert sum(map(len, integers(model))) == len(products)
    # The same numbers, whichever way they are added up.
    np.save(tmp_path / "one.npy", x[:1])
    outputs = []
    for source, extra in ((model, ("--at", "quantized", "--calibrate", tmp_path / "x.npy")), (tmp_path / "q.onnx", ())):
        tool("imc", "run", source, *shape, "--input", tmp_path / "one.npy", *extra, "--output", tmp_path / "again")
        outputs.append(np.load(tmp_path / "again" / "output_0.npy"))
    assert np.allclose(*outputs, rtol=1e-3, atol=0.05 * outputs[0].std())
    assert outputs[0].argmax() == outputs[1].argmax()


WIDE_TARGET = ("--target", "rram-32nm", "--set", "pass.weight_bits=16", "--set", "pass.input_bits=16")


def run_import(tool, folder, x, *arguments, model="q.onnx"):
    """What the exported model gives when it is imported again; the import must not warn."""
    np.save(folder / "x.npy", x)
    printed = tool("imc", "run", folder / model, "--input", folder / "x.npy", "--output", folder / "back", *arguments)
    assert "warning" not in printed.stderr, printed.stderr
    return np.load(folder / "back" / "output_0.npy")


@pytest.mark.parametrize("name, weight_bits, input_bits, bound", [
    ("glyphs_lenet_N", 16, 16, 5e-4), ("digits_cnn_N", 16, 16, 5e-4), ("digits_cnn_N", 16, 8, 5e-3), ("digits_mlp_N", 8, 12, 5e-6)])
def test_wide_codes_come_back(tool, shared, tmp_path, name, weight_bits, input_bits, bound):
    """INT16 and UINT16 are products of integers again. onnxruntime adds the same products up in binary32, whose last bit may move a code to
    the next one. A code of 8 bits is a step of 2^-8 of a range, one of 16 bits 2^-16, but near its middle lie 256 times as many numbers."""
    x = glyphs(shared, 500) if name.startswith("glyphs") else digits(shared, name)
    model = shared / "models" / "trained-small" / f"{name}.onnx"
    shape = ("--shape", f"N={len(x)}")
    export(tool, model, x, tmp_path, *shape, "--set", f"pass.weight_bits={weight_bits}", "--set", f"pass.input_bits={input_bits}")
    imported = tool("imc", "import", tmp_path / "q.onnx", "--shape", "N=1")
    assert "warning" not in imported.stderr, imported.stderr
    operands = re.findall(r"linalg\.(?:conv_2d\w*|matmul).* ins\(([^)]*)\) outs\(([^)]*)\)", imported.stdout)
    code = lambda bits: "i16" if bits > 8 else "i8"
    assert operands and all(re.findall(r"xi\d+>", i + o) == [f"x{code(input_bits)}>", f"x{code(weight_bits)}>", "xi64>"] for i, o in operands), operands
    got, want = run_import(tool, tmp_path, x, *shape), onnxruntime_outputs(tmp_path / "q.onnx", x, optimized=False)
    assert np.count_nonzero(got.argmax(-1) != want.argmax(-1)) <= len(x) // 500
    assert np.abs(got - want).max() <= bound * want.std()


@pytest.mark.parametrize("name, weight_bits, input_bits", [("glyphs_lenet_N", 16, 16), ("digits_mlp_N", 16, 8)])
def test_wide_codes_on_arrays(tool, shared, tmp_path, name, weight_bits, input_bits):
    """The same bits at every phase, executed as arrays and as simulated ones, whose converters lose nothing of these sums."""
    x = glyphs(shared, 8) if name.startswith("glyphs") else digits(shared, name)[:8]
    model = shared / "models" / "trained-small" / f"{name}.onnx"
    shape = ("--shape", f"N={len(x)}")
    knobs = ("--set", f"pass.weight_bits={weight_bits}", "--set", f"pass.input_bits={input_bits}")
    export(tool, model, x, tmp_path, *shape, *knobs)
    want = run_import(tool, tmp_path, x, *shape)
    for phase in ("offloaded", "quantized", "tiled", "placed"):
        target = ("--target", "rram-32nm", *knobs) if phase != "offloaded" else ()
        assert np.array_equal(run_import(tool, tmp_path, x, *shape, *target, "--at", phase), want), phase
    simulated = ("--target", "rram-32nm", *knobs, "--at", "placed", "--arrays", "simulated")
    assert np.array_equal(run_import(tool, tmp_path, x, *shape, *simulated), want)
    refused = tool("imc", "compile", tmp_path / "q.onnx", *shape, "--target", "rram-32nm", "--to", "quantized", "-o", "-", check=False)
    assert refused.returncode == 1
    assert f"with {weight_bits} bits per weight and {input_bits} per activation" in refused.stderr
    assert f"use {weight_bits} and {input_bits}, or import a float model" in refused.stderr
    priced = [json.loads(tool("imc", "cost", tmp_path / "q.onnx", *shape, "--target", "rram-32nm", *k, "--json", "-").stdout)
              for k in ((), knobs)]
    assert ("model_bits", 8, 16) in [(v["rule"], v["value"], v["limit"]) for v in priced[0]["violations"]]
    assert "model_bits" not in [v["rule"] for v in priced[1]["violations"]]


@pytest.mark.parametrize("name, activation, weight", [
    ("glyphs_lenet_N", "QUInt16", "QInt16"), ("glyphs_lenet_N", "QInt16", "QInt16"), ("glyphs_lenet_N", "QUInt16", "QUInt8"),
    ("glyphs_resnet8_N", "QUInt16", "QInt16")])
def test_models_of_the_onnxruntime_quantizer(tool, shared, tmp_path, name, activation, weight):
    """16 bits as others write them: pooled and reshaped codes, INT32 biases, zero points of 16 bits."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    count = 500 if name == "glyphs_lenet_N" else 100
    x = glyphs(shared, count)

    class Reader(quantization.CalibrationDataReader):
        batches = iter([{"input": x[:100]}])

        def get_next(self):
            return next(self.batches, None)

    quantization.quantize_static(
        str(shared / "models" / "trained-small" / f"{name}.onnx"), str(tmp_path / "q.onnx"), Reader(), per_channel=True,
        activation_type=getattr(quantization.QuantType, activation), weight_type=getattr(quantization.QuantType, weight))
    shape = ("--shape", f"N={count}")
    text = tool("imc", "import", tmp_path / "q.onnx", "--shape", "N=1").stdout
    operands = re.findall(r"linalg\.(?:conv_2d\w*|matmul).* ins\(([^)]*)\)", text)
    assert operands and not any("xf32" in o for o in operands), operands
    got, want = run_import(tool, tmp_path, x, *shape), onnxruntime_outputs(tmp_path / "q.onnx", x, optimized=False)
    assert np.count_nonzero(got.argmax(-1) != want.argmax(-1)) <= max(1, count // 500)
    assert np.abs(got - want).max() <= 2e-3 * want.std()
    knobs = ("--set", f"pass.weight_bits={16 if weight == 'QInt16' else 8}", "--set", "pass.input_bits=16")
    on_arrays = run_import(tool, tmp_path, x[:4], "--shape", "N=4", "--target", "rram-32nm", *knobs, "--at", "placed")
    assert np.array_equal(on_arrays, got[:4])


def wide_model():
    """What onnxruntime's quantizer writes for 16 bits: UINT16 activations around 32768, INT16 weights per channel, INT32 biases. A Conv with
    padding and groups, a Gemm with transB, a MatMul, and one Conv of 8-bit weights."""
    helper, rng, nodes, tensors = onnx.helper, np.random.default_rng(16), [], {}

    def put(name, value, dtype):
        tensors[name] = np.asarray(value, dtype)
        return name

    def quantized(x, scale, zero=32768):
        put(f"{x}_s", scale, np.float32), put(f"{x}_z", zero, np.uint16)
        nodes.append(helper.make_node("QuantizeLinear", [x, f"{x}_s", f"{x}_z"], [f"{x}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{x}_q", f"{x}_s", f"{x}_z"], [f"{x}_d"]))
        return f"{x}_d"

    def weight(name, shape, axis, dtype=np.int16):
        top = np.iinfo(dtype).max
        codes = rng.integers(-top - 1, top, shape, endpoint=True)
        codes.flat[0] = -top - 1
        put(f"{name}_q", codes, dtype), put(f"{name}_s", rng.uniform(0.5, 1, shape[axis]) / top, np.float32)
        put(f"{name}_z", np.zeros(shape[axis]), dtype)
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", f"{name}_s", f"{name}_z"], [name], axis=axis))
        return name

    def bias(name, x, w):
        scale = tensors[f"{x}_s"] * tensors[f"{w}_s"]
        put(f"{name}_q", rng.uniform(-1, 1, len(scale)) / scale.astype(np.float64), np.int32), put(f"{name}_s", scale, np.float32)
        put(f"{name}_z", np.zeros(len(scale)), np.int32)
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", f"{name}_s", f"{name}_z"], [name], axis=0))
        return name

    xd = quantized("x", 1 / 10000)
    nodes.append(helper.make_node("Conv", [xd, weight("w1", (8, 2, 3, 3), 0), bias("b1", "x", "w1")], ["h1"], "conv", pads=[1, 1, 1, 1], group=2))
    nodes.append(helper.make_node("Relu", ["h1"], ["r1"], "relu"))
    nodes.append(helper.make_node("Conv", [quantized("r1", 1 / 6000, 0), weight("w2", (6, 8, 3, 3), 0, np.int8)], ["h2"], "narrow", strides=[2, 2]))
    nodes.append(helper.make_node("Flatten", [quantized("h2", 1 / 2000, 32768)], ["f"], "flatten"))
    nodes.append(helper.make_node("Gemm", ["f", weight("w3", (16, 54), 0), bias("b3", "h2", "w3")], ["h3"], "gemm", transB=1))
    nodes.append(helper.make_node("MatMul", [quantized("h3", 1 / 500, 32770), weight("w4", (16, 10), 1)], ["h4"], "matmul"))
    nodes.append(helper.make_node("Identity", [quantized("h4", 1 / 100)], ["y"], "out"))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (5, 4, 8, 8))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (5, 10))],
                              [numpy_helper.from_array(v, k) for k, v in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model, tensors


def wide_by_the_rules(t, x):
    """docs/phases/rounding.md, R7 and R9, in NumPy: sums of int64, one product in binary64, quotients in binary32."""
    def code(y, name):
        q = np.rint(y / t[f"{name}_s"]).astype(np.int64) + t[f"{name}_z"]
        return np.clip(q, 0, 65535)

    def scaled(sums, x, w, bias=None):
        channel = (-1,) + (1,) * (sums.ndim - 2)
        if bias:
            sums = sums + t[f"{bias}_q"].astype(np.int64).reshape(channel)
        assert np.abs(sums).max() < 2**53
        return (sums * (np.float64(t[f"{x}_s"]) * t[f"{w}_s"].astype(np.float64)).reshape(channel)).astype(np.float32)

    def conv(q, w, groups, pads, stride):
        q = np.pad(q, [(0, 0), (0, 0), (pads, pads), (pads, pads)])
        windows = np.lib.stride_tricks.sliding_window_view(q, w.shape[2:], (2, 3))[:, :, ::stride, ::stride]
        per, filters = q.shape[1] // groups, w.shape[0] // groups
        return np.concatenate([np.einsum("nchwij,fcij->nfhw", windows[:, g * per:(g + 1) * per], w[g * filters:(g + 1) * filters].astype(np.int64))
                               for g in range(groups)], 1)

    q = code(x, "x") - t["x_z"].astype(np.int64)
    h = np.maximum(scaled(conv(q, t["w1_q"], 2, 1, 1), "x", "w1", "b1"), np.float32(0))
    h = scaled(conv(code(h, "r1") - t["r1_z"].astype(np.int64), t["w2_q"], 1, 0, 2), "r1", "w2")
    q = (code(h, "h2") - t["h2_z"].astype(np.int64)).reshape(len(x), -1)
    h = scaled(q @ t["w3_q"].astype(np.int64).T, "h2", "w3", "b3")
    h = scaled((code(h, "h3") - t["h3_z"].astype(np.int64)) @ t["w4_q"].astype(np.int64), "h3", "w4")
    return (code(h, "h4") - t["h4_z"].astype(np.int64)).astype(np.float32) * t["h4_s"]


def test_wide_codes_by_the_rules(tool, tmp_path):
    model, tensors = wide_model()
    onnx.save(model, tmp_path / "m.onnx")
    x = np.random.default_rng(5).uniform(-2.5, 2.5, (5, 4, 8, 8)).astype(np.float32)
    text = tool("imc", "import", tmp_path / "m.onnx").stdout
    assert len(re.findall(r"linalg\.(?:conv_2d\w*|matmul).*outs\(%\S+ : tensor<[\dx]+xi64>\)", text)) == 4
    want = wide_by_the_rules(tensors, x)
    step = tensors["h4_s"]
    assert len(np.unique(want)) > 40 and np.abs(want).max() < 32767 * step
    assert np.array_equal(run_import(tool, tmp_path, x, model="m.onnx"), want)
    assert np.array_equal(run_import(tool, tmp_path, x, "--at", "offloaded", model="m.onnx"), want)
    for where in (("quantized",), ("tiled",), ("placed",), ("scheduled", "--program", "layers")):
        assert np.array_equal(run_import(tool, tmp_path, x, *WIDE_TARGET, "--at", *where, model="m.onnx"), want), where
    # Bits of its own for the product with 8-bit weights, in the price as in the passes.
    fast = json.loads(tool("imc", "cost", tmp_path / "m.onnx", *WIDE_TARGET, "--json", "-").stdout)["models"][0]
    written = tool("imc", "compile", tmp_path / "m.onnx", *WIDE_TARGET, "--to", "costed", "-o", "-").stdout
    attributes = next(line for line in written.splitlines() if line.startswith("module @m attributes"))
    for key in ("energy_j", "latency_s"):
        assert float(re.search(rf" {key} = (\S+) : f64", attributes)[1]) == fast[key]
    # A weight of -32768 has no magnitude of 15 bits.
    refused = tool("imc", "run", tmp_path / "m.onnx", "--input", tmp_path / "x.npy", *WIDE_TARGET, "--set", "pass.encoding=differential",
                   "--at", "tiled", "--output", tmp_path / "none", check=False)
    assert refused.returncode == 1
    assert "a weight is -32768, which encoding=differential cannot store" in refused.stderr
    units = np.rint((onnxruntime_outputs(tmp_path / "m.onnx", x, optimized=False) - want) / step)
    assert np.abs(units).max() <= 1


@pytest.mark.parametrize("opset, weight_bits, input_bits", [(17, 4, 6), (17, 3, 4), (21, 4, 4), (21, 2, 7)])
def test_few_bits(tool, shared, tmp_path, opset, weight_bits, input_bits):
    model = onnx.load(shared / "models" / "trained-small" / "digits_mlp_N.onnx")
    model.opset_import[0].version = opset
    model.ir_version = max(model.ir_version, 10 if opset >= 21 else 8)
    onnx.save(model, tmp_path / "m.onnx")
    x = digits(shared, "digits_mlp_N")
    arguments = ("--shape", f"N={len(x)}", "--set", f"pass.weight_bits={weight_bits}", "--set", f"pass.input_bits={input_bits}",
                 "--calibration", "mse")
    export(tool, tmp_path / "m.onnx", x, tmp_path, *arguments)
    quantized = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(quantized)
    types = {t.data_type for t in quantized.graph.initializer if t.name.endswith("_quantized")}
    assert types == {onnx.TensorProto.INT4 if opset == 21 and weight_bits <= 4 else onnx.TensorProto.INT8}
    codes = [numpy_helper.to_array(t).astype(int) for t in quantized.graph.initializer if t.name.endswith("_quantized")]
    assert max(np.abs(c).max() for c in codes) == 2 ** (weight_bits - 1) - 1
    agree(tmp_path / "q.onnx", x, ours(tool, tmp_path / "m.onnx", x, tmp_path, *arguments))


def gemm(opset=17, **options):
    """x -> Gemm -> Relu -> y with 16 x 8 weights; options: alpha, transB, opset, Softmax or ReduceMean at the end, a weight that is computed."""
    rng = np.random.default_rng(3)
    helper = onnx.helper
    w = rng.normal(size=(8, 16) if options.get("transB") else (16, 8)).astype(np.float32)
    attributes = {k: options[k] for k in ("alpha", "transB") if k in options}
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["h"], "fc", **attributes), helper.make_node("Relu", ["h"], ["r"], "relu")]
    nodes.append(helper.make_node("ReduceMean", ["r"], ["y"], "mean", axes=[0], keepdims=1) if options.get("mean")
                 else helper.make_node("Softmax", ["r"], ["y"], "soft", axis=1) if options.get("softmax")
                 else helper.make_node("Identity", ["r"], ["y"], "id"))
    initializers = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(rng.normal(size=8).astype(np.float32), "b")]
    if options.get("computed"):
        nodes.insert(0, helper.make_node("Mul", ["w0", "half"], ["w"], "scale"))
        initializers[0].name = "w0"
        initializers.append(numpy_helper.from_array(np.float32(0.5), "half"))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (4, 16))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1 if options.get("mean") else 4, 8))], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("options", [{}, {"transB": 1}, {"alpha": 0.3}, {"alpha": -2.0, "transB": 1}, {"opset": 11}, {"opset": 10}])
def test_gemm_forms(tool, tmp_path, options):
    onnx.save(gemm(**options), tmp_path / "m.onnx")
    x = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)
    printed = export(tool, tmp_path / "m.onnx", x, tmp_path).stdout
    quantized = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(quantized)
    raised = options.get("opset", 17) < 13
    assert quantized.opset_import[0].version == (13 if raised else 17)
    assert ("note: opset raised from" in printed) == raised
    assert [t.name for t in quantized.graph.initializer if t.name == "w"] == []
    got, want = onnxruntime_outputs(tmp_path / "q.onnx", x), ours(tool, tmp_path / "m.onnx", x, tmp_path)
    assert np.allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options, message", [
    ({"opset": 11, "softmax": True}, "needs 13, and node 'soft' (Softmax) would mean something else there"),
    ({"mean": True, "bits": 16}, "operands of more than 8 bits needs 21, and node 'mean' (ReduceMean) would mean something else there"),
    ({"opset": 9}, "convert it to opset 13 or later first"),
    ({"computed": True}, "node 'fc' (Gemm): its weight 'w' is no initializer"),
])
def test_refuses_by_name(tool, tmp_path, options, message):
    onnx.save(gemm(**options), tmp_path / "m.onnx")
    refused = export(tool, tmp_path / "m.onnx", np.ones((4, 16), np.float32), tmp_path, "--set", f"pass.input_bits={options.get('bits', 8)}",
                     check=False)
    assert refused.returncode == 1
    assert message in refused.stderr, refused.stderr
    assert not (tmp_path / "q.onnx").exists()


def test_quantized_model_is_left(tool, shared, tmp_path):
    refused = export(tool, shared / "models" / "trained-small" / "glyphs_resnet8_qdq.onnx", glyphs(shared, 2), tmp_path, check=False)
    assert refused.returncode == 1
    assert "in integers" in refused.stderr


def test_states_stay_in_float(tool, shared, tmp_path):
    """ONNX has no place to round the state of an LSTM between its steps: its weights and input are quantized, and a note says the rest."""
    model, x = shared / "models" / "trained-small" / "digits_lstm_N.onnx", digits(shared, "digits_lstm_N")
    printed = export(tool, model, x, tmp_path, "--shape", "N=32").stdout
    assert "note: node '/r/LSTM' (LSTM): its state is rounded at every step in imc, which ONNX cannot say; there it stays in float" in printed
    quantized = onnx.load(tmp_path / "q.onnx")
    onnx.checker.check_model(quantized)
    lstm = next(node for node in quantized.graph.node if node.op_type == "LSTM")
    makers = {output: node.op_type for node in quantized.graph.node for output in node.output}
    assert [makers[name] for name in lstm.input[:3]] == ["DequantizeLinear"] * 3
    want, got = ours(tool, model, x, tmp_path, "--shape", "N=32"), onnxruntime_outputs(tmp_path / "q.onnx", x)
    assert np.array_equal(got.argmax(1), want.argmax(1))
    assert np.abs(got - want).max() < 0.1 * want.std()


def test_both_directions(tool, tmp_path):
    helper, rng = onnx.helper, np.random.default_rng(4)
    tensors = {"w": rng.normal(size=(2, 12, 5)), "r": rng.normal(size=(2, 12, 3))}
    graph = helper.make_graph([helper.make_node("LSTM", ["x", "w", "r"], ["y"], "both", hidden_size=3, direction="bidirectional")], "g",
                              [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (4, 2, 5))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (4, 2, 2, 3))],
                              [numpy_helper.from_array(v.astype(np.float32), k) for k, v in tensors.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    refused = export(tool, tmp_path / "m.onnx", rng.normal(size=(4, 2, 5)).astype(np.float32), tmp_path, check=False)
    assert refused.returncode == 1
    assert "node 'both' is 4 products, whose operands have no QuantizeLinear of their own in ONNX; split the node" in refused.stderr
