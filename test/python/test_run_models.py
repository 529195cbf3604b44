"""`imc run`: imported models against onnxruntime, phases against each other and against NumPy."""
import re
import subprocess
import sys

import numpy as np
import pytest

import numpy_crossbar

TARGET = "rram-32nm"


def save_inputs(folder, *arrays):
    folder.mkdir(parents=True, exist_ok=True)
    for i, array in enumerate(arrays):
        np.save(folder / f"input_{i}.npy", np.ascontiguousarray(array))
    return folder


def glyphs(models, count):
    """Images as the network takes them, and their labels."""
    data = np.load(models / "refs" / "glyphs_test100.npz")
    return data["x"][:count, None].astype(np.float32) / np.float32(255), data["y"][:count]


def reference(models, name):
    return np.load(models / "refs" / f"{name}.npz")


def small_model(models, name, count):
    """(model, extra arguments, inputs, float reference of the first `count` samples)."""
    refs = reference(models, {"glyphs_resnet8_N": "glyphs_resnet8"}.get(name, name))
    x = refs["in:input"][:count] if name.startswith("digits") else glyphs(models, count)[0]
    return models / "trained-small" / f"{name}.onnx", ["--shape", f"N={count}"], x, refs["out:logits"][:count]


def run(tool, model, inputs, output, *arguments):
    tool("imc", "run", model, "--input", inputs, "--output", output, *arguments)
    return np.load(output / "output_0.npy")


SMALL = [("digits_mlp_N", 32), ("digits_cnn_N", 8), ("glyphs_lenet_N", 4), ("glyphs_resnet8_N", 4)]


@pytest.mark.parametrize("name, count", SMALL)
def test_imported_small_model_equals_onnxruntime(tool, models, tmp_path, name, count):
    model, arguments, x, want = small_model(models, name, count)
    got = run(tool, model, save_inputs(tmp_path / "in", x), tmp_path / "out", *arguments)
    assert np.abs(got - want).max() <= 1e-4 * want.std()


@pytest.mark.parametrize("name", ["resnet18", "alexnet", "mobilenet_v3_large"])
def test_imported_hydrated_model_equals_onnxruntime(tool, shared, tmp_path, name):
    pytest.importorskip("onnx")
    source = shared / "models"
    subprocess.run([sys.executable, source / "tools" / "structural.py", "hydrate", source / f"{name}.onnx", tmp_path],
                   check=True, capture_output=True)
    x = np.load(source / "refs" / "input_1x3x224x224.npz")["input"]
    want = np.load(source / "refs" / f"{name}.npz")["out:logits"]
    got = run(tool, tmp_path / f"{name}.onnx", save_inputs(tmp_path / "in", x), tmp_path / "out")
    assert np.abs(got - want).max() <= 1e-4 * want.std()


@pytest.mark.parametrize("name, count", SMALL)
def test_phases_from_quantized_on_are_bit_identical(tool, models, tmp_path, name, count):
    """The machine's converters lose nothing at their full width."""
    model, arguments, x, _ = small_model(models, name, count)
    inputs = save_inputs(tmp_path / "in", x)
    quantized = run(tool, model, inputs, tmp_path / "quantized", "--at", "quantized", *arguments)
    for phase in ["tiled", "placed"]:
        got = run(tool, model, inputs, tmp_path / phase, "--at", phase, "--target", TARGET,
                  "--compare", tmp_path / "quantized", "--rtol", 0, "--atol", 0, *arguments)
        assert got.tobytes() == quantized.tobytes()


@pytest.mark.parametrize("target, settings", [
    ("zigzag-dimc-28nm", []),  # adder trees lose nothing
    ("wang-22nm", ["--set", "machine.dac_bits=1"]),  # 64 of 512 rows at once: 7 bits are lossless, it has 8
])
def test_digital_macros_and_row_sets_are_lossless(tool, models, tmp_path, target, settings):
    model, arguments, x, _ = small_model(models, "digits_cnn_N", 4)
    inputs = save_inputs(tmp_path / "in", x)
    quantized = run(tool, model, inputs, tmp_path / "quantized", "--at", "quantized", *arguments)
    for phase in ["tiled", "placed"]:
        got = run(tool, model, inputs, tmp_path / phase, "--at", phase, "--target", target, *settings, *arguments)
        assert got.tobytes() == quantized.tobytes()


@pytest.mark.parametrize("encoding", ["offset", "differential", "twos_complement"])
def test_every_encoding_is_lossless(tool, models, tmp_path, encoding):
    model, arguments, x, _ = small_model(models, "digits_cnn_N", 4)
    inputs = save_inputs(tmp_path / "in", x)
    quantized = run(tool, model, inputs, tmp_path / "quantized", "--at", "quantized", *arguments)
    settings = ["--set", f"pass.encoding={encoding}"]
    if encoding == "twos_complement":  # one bit per cell
        settings += ["--set", "machine.cell_bits=1"]
    got = run(tool, model, inputs, tmp_path / "tiled", "--at", "tiled", "--target", TARGET, *settings, *arguments)
    assert got.tobytes() == quantized.tobytes()


@pytest.mark.parametrize("name", ["glyphs_lenet_N", "glyphs_resnet8_N"])
def test_integers_keep_the_accuracy(tool, models, tmp_path, name):
    count = 100
    model, arguments, x, want = small_model(models, name, count)
    labels = glyphs(models, count)[1]
    got = run(tool, model, save_inputs(tmp_path / "in", x), tmp_path / "out", "--at", "quantized", *arguments)
    exact = (want.argmax(1) == labels).mean()
    assert exact > 0.5, "the reference itself must classify"
    assert (got.argmax(1) == labels).mean() >= exact - 0.02


def test_calibrated_ranges_keep_the_accuracy(tool, models, tmp_path):
    count = 100
    model, arguments, x, want = small_model(models, "glyphs_lenet_N", count)
    inputs = save_inputs(tmp_path / "in", x)
    got = run(tool, model, inputs, tmp_path / "out", "--at", "quantized", "--calibrate", inputs, *arguments)
    assert (got.argmax(1) == want.argmax(1)).mean() >= 0.97


@pytest.mark.parametrize("phase, adc_bits, clip_bits", [
    ("tiled", 4, 0), ("tiled", 6, 0), ("tiled", 8, 0), ("tiled", 6, 2), ("tiled", 4, 3), ("tiled", 6, 1),
    ("placed", 4, 0), ("placed", 8, 0), ("placed", 6, 2)])
def test_lossy_arrays_equal_numpy(tool, models, tmp_path, phase, adc_bits, clip_bits):
    """The whole MLP with narrow converters, bit for bit."""
    onnx = pytest.importorskip("onnx")
    model, arguments, x, _ = small_model(models, "digits_mlp_N", 8)
    inputs = save_inputs(tmp_path / "in", x)
    settings = ["--target", TARGET, "--set", f"pass.adc_bits={adc_bits}",
                "--set", f"machine.adc.clip_bits={clip_bits}", *arguments]
    got = run(tool, model, inputs, tmp_path / "out", "--at", phase, *settings)

    # What the arrays are like is read off the compiled module, what they do is not.
    tool("imc", "compile", model, "--to", phase, "-o", tmp_path / "module.mlir", *settings)
    text = (tmp_path / "module.mlir").read_text()
    kind, weight_bits, cell_bits = re.search(
        r"#imc.encoding<(\w+), weight_bits = (\d+), cell_bits = (\d+)>", text).groups()
    input_bits, dac_bits = map(int, re.search(r"#imc.input<bits = (\d+), dac_bits = (\d+)>", text).groups())
    rows = int(re.search(r"imc.mvm ins\([^:]*: tensor<[\dx]+x(\d+)xi8>", text).group(1))
    lossless = numpy_crossbar.lossless_bits(rows, dac_bits, int(cell_bits))
    covered = f", range_bits = {lossless - clip_bits}" if clip_bits else ""
    assert f"#imc.readout<adc_bits = {adc_bits}, lossless_bits = {lossless}{covered}, policy" in text

    weights = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(model).graph.initializer}
    layers = sorted({name.split(".")[0] for name in weights}, key=int)
    h = x.reshape(len(x), -1)
    for layer in layers:
        w, w_scale, w_sum = numpy_crossbar.quantize_weights(weights[f"{layer}.weight"].T, int(weight_bits))
        scale, zero_point = numpy_crossbar.choose_qparams(h, input_bits)
        acc = numpy_crossbar.crossbar_matmul(
            numpy_crossbar.quantize(h, scale, zero_point, input_bits), w, rows=rows, kind=kind,
            weight_bits=int(weight_bits), cell_bits=int(cell_bits), input_bits=input_bits, dac_bits=dac_bits,
            adc_bits=adc_bits, clip_bits=clip_bits)
        h = numpy_crossbar.dequantize(acc, scale, zero_point, w_scale, w_sum, weights[f"{layer}.bias"])
        if layer != layers[-1]:
            h = np.maximum(h, np.float32(0))
    assert got.tobytes() == h.tobytes()


def test_structural_model_is_refused_by_the_weights_name(tool, models, tmp_path):
    inputs = save_inputs(tmp_path / "in", np.zeros((1, 3, 224, 224), np.float32))
    result = tool("imc", "run", models / "resnet18.onnx", "--input", inputs, "--output", tmp_path / "out", check=False)
    assert result.returncode == 1
    assert re.search(r"error: .*cannot run: the data of weight '[^']+' .* is not there", result.stderr), result.stderr
    assert "hydrated" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("array, message", [
    (np.zeros((2, 1, 28, 28), np.float32), "is 2x1x28x28xf32, but the model takes 1x1x28x28xf32"),
    (np.zeros((1, 1, 28, 28), np.int32), "is 1x1x28x28xi32, but the model takes 1x1x28x28xf32"),
    (np.zeros((1, 1, 28, 28), np.complex64), "element type '<c8' is not supported"),
    (np.asfortranarray(np.zeros((28, 28), np.float32)), "Fortran order"),
])
def test_wrong_inputs_are_refused_by_name(tool, models, tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    result = tool("imc", "run", models / "trained-small" / "glyphs_resnet8.onnx", "--input", tmp_path / "x.npy",
                  "--output", tmp_path / "out", check=False)
    assert result.returncode == 1
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_compare_fails_past_the_tolerance_and_says_where(tool, models, tmp_path):
    model, arguments, x, want = small_model(models, "digits_mlp_N", 4)
    inputs = save_inputs(tmp_path / "in", x)
    (tmp_path / "want").mkdir()
    off = want.copy()
    off[2, 3] += 1
    np.save(tmp_path / "want" / "output_0.npy", off)
    common = ["imc", "run", model, "--input", inputs, "--compare", tmp_path / "want", *arguments]
    result = tool(*common, "--atol", 0.01, check=False)
    assert result.returncode == 1
    assert "1 of 40 elements past" in result.stdout and "worst at [2, 3]" in result.stdout
    assert tool(*common, "--atol", 1.01).returncode == 0


def test_protobuf_tensors_are_read(tool, models, tmp_path):
    onnx = pytest.importorskip("onnx")
    model, arguments, x, want = small_model(models, "digits_mlp_N", 4)
    (tmp_path / "input_0.pb").write_bytes(onnx.numpy_helper.from_array(x).SerializeToString())
    (tmp_path / "output_0.pb").write_bytes(onnx.numpy_helper.from_array(want).SerializeToString())
    tool("imc", "run", model, "--input", tmp_path, "--compare", tmp_path, "--atol", 1e-4, *arguments)
