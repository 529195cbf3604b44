"""`imc run --arrays simulated`: the bits of the compiled phase `tiled`, the same for any threads, and devices."""
import re
import subprocess
import sys

import numpy as np
import pytest
from test_run_models import glyphs, save_inputs, small_model

TILED = ["--at", "tiled", "--target", "rram-32nm"]
SIMULATED = [*TILED, "--arrays", "simulated"]


def outputs(tool, model, inputs, folder, *arguments):
    """Results, and the line about arrays."""
    text = tool("imc", "run", model, "--input", inputs, "--output", folder, *arguments).stdout
    lines = re.findall(r"^arrays: (\d+) products, (\d+) of (\d+) converters proved lossless, (\d+) of (\d+) ", text, re.M)
    return np.load(folder / "output_0.npy"), [int(n) for n in lines[0]] if lines else None


# The machine's converters lose nothing; fewer bits; a range that saturates; other encodings, packs of groups.
SETTINGS = [
    [],
    ["--set", "pass.adc_bits=6"],
    ["--set", "machine.adc.bits=7", "--set", "machine.adc.clip_bits=3"],
    ["--set", "pass.encoding=differential", "--set", "pass.adc_bits=7"],
    ["--set", "machine.cell.bits=1", "--set", "pass.encoding=twos_complement", "--set", "pass.adc_bits=5"],
    ["--set", "machine.dac.bits=2", "--set", "pass.input_bits=7", "--set", "pass.adc_bits=9"],
]
# Operands of more than 8 bits (X-WIDE), in sums of 64 bits.
WIDE = [
    ["--set", "pass.weight_bits=16", "--set", "pass.input_bits=16"],
    ["--set", "pass.weight_bits=16", "--set", "pass.input_bits=16", "--set", "pass.unfolding=products"],
    ["--set", "pass.weight_bits=16", "--set", "pass.input_bits=16", "--set", "pass.adc_bits=6"],
    ["--set", "pass.weight_bits=16", "--set", "pass.encoding=differential", "--set", "pass.adc_bits=7"],
    ["--set", "pass.input_bits=16", "--set", "machine.dac.bits=4", "--set", "pass.adc_bits=9"],
    ["--set", "pass.weight_bits=10", "--set", "pass.input_bits=12", "--set", "pass.adc_bits=7"],
]


@pytest.mark.parametrize("name, count, settings", [("glyphs_resnet8_N", 2, SETTINGS), ("digits_cnn_N", 4, SETTINGS[:2])])
def test_equals_compiled_arrays_bit_for_bit(tool, models, tmp_path, name, count, settings):
    model, arguments, x, _ = small_model(models, name, count)
    inputs = save_inputs(tmp_path / "in", x)
    for i, setting in enumerate(settings):
        compiled, none = outputs(tool, model, inputs, tmp_path / f"c{i}", *arguments, *TILED, *setting)
        simulated, line = outputs(tool, model, inputs, tmp_path / f"s{i}", *arguments, *SIMULATED, *setting)
        assert none is None and line is not None
        assert np.array_equal(compiled, simulated), setting
        if not setting:
            assert line[1] == line[2] and line[4] == 0  # everything proved, no conversion simulated
        else:
            assert line[4] > 0


@pytest.mark.parametrize("name, count, settings", [("glyphs_lenet_N", 2, WIDE), ("digits_cnn_N", 4, WIDE[2:3])])
def test_more_than_8_bits(tool, models, tmp_path, name, count, settings):
    model, arguments, x, _ = small_model(models, name, count)
    inputs = save_inputs(tmp_path / "in", x)
    for i, setting in enumerate(settings):
        compiled, _ = outputs(tool, model, inputs, tmp_path / f"c{i}", *arguments, *TILED, *setting)
        simulated, line = outputs(tool, model, inputs, tmp_path / f"s{i}", *arguments, *SIMULATED, *setting)
        assert np.array_equal(compiled, simulated), setting
        # Instructions of the cores, too; streams need several rows of windows in a buffer.
        for schedule in ("layers", "pipeline"):
            executed, _ = outputs(tool, model, inputs, tmp_path / f"{schedule}{i}", *arguments, "--at", "scheduled",
                                  "--target", "rram-32nm", "--program", schedule, *setting)
            assert np.array_equal(compiled, executed), (schedule, setting)
        if "pass.adc_bits" in " ".join(setting):
            assert line[4] > 0
            continue
        # Converters that lose nothing leave the integer product, which 16 bits bring close to the float model.
        integers, _ = outputs(tool, model, inputs, tmp_path / "q", *arguments, "--at", "quantized", *setting)
        assert line[1] == line[2] and np.array_equal(integers, simulated)
        real, _ = outputs(tool, model, inputs, tmp_path / "f", *arguments)
        eight, _ = outputs(tool, model, inputs, tmp_path / "e", *arguments, "--at", "quantized")
        error = [np.abs(y - real).max() / real.std() for y in (integers, eight)]
        assert error[0] < 1e-3 < error[1] and error[0] < error[1] / 30, error


@pytest.mark.parametrize("settings, how, message", [
    (["--set", "pass.input_bits=16", "--adc-range", "phase", "--adc-calibrate", "x"], SIMULATED,
     "inputs of 16 bits are driven as 2 pieces, whose phases the range 'phase' does not tell apart"),
    (["--set", "pass.weight_bits=16", "--set", "machine.cell.bits=1", "--set", "pass.encoding=twos_complement"], SIMULATED,
     "weights of 16 bits in twos_complement have one sign column for all slices"),
    (["--set", "pass.weight_bits=17"], SIMULATED, "'pass.weight_bits' is 17, must be an integer from 2 to 16"),
])
def test_more_than_8_bits_refused(tool, models, tmp_path, settings, how, message):
    model, arguments, x, _ = small_model(models, "digits_mlp_N", 2)
    inputs = save_inputs(tmp_path / "in", x)
    settings = [inputs if word == "x" else word for word in settings]
    refused = tool("imc", "run", model, "--input", inputs, "--output", tmp_path / "o", *arguments,
                   *how, *settings, check=False)
    assert refused.returncode == 1 and message in refused.stderr, refused.stderr


def test_groups(tool, tmp_path):
    """Grouped and depthwise convolutions, packed in the three ways."""
    helper = pytest.importorskip("onnx").helper
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(1)
    w1 = rng.standard_normal((24, 3, 3, 3)).astype(np.float32)
    w2 = rng.standard_normal((24, 1, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w1"], ["h"], group=4, pads=[1, 1, 1, 1], strides=[2, 1]),
         helper.make_node("Conv", ["h", "w2"], ["y"], group=24, dilations=[1, 2])],
        "groups", [helper.make_tensor_value_info("x", 1, [2, 12, 9, 10])], [helper.make_tensor_value_info("y", 1, None)],
        [onnx.numpy_helper.from_array(w1, "w1"), onnx.numpy_helper.from_array(w2, "w2")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "g.onnx")
    inputs = save_inputs(tmp_path / "in", rng.standard_normal((2, 12, 9, 10)).astype(np.float32))
    for packing in ("single", "diagonal", "dense"):
        setting = ["--set", "machine.array.rows=32", "--set", "machine.array.cols=64", "--set", "pass.adc_bits=5",
                   "--set", f"pass.group_packing={packing}", "--set", f"pass.weight_bits={8 if packing == 'single' else 16}"]
        compiled, _ = outputs(tool, tmp_path / "g.onnx", inputs, tmp_path / "c", *TILED, *setting)
        simulated, _ = outputs(tool, tmp_path / "g.onnx", inputs, tmp_path / "s", *SIMULATED, *setting)
        assert np.array_equal(compiled, simulated), packing


def test_devices_are_reproducible(tool, models, root, tmp_path):
    model, arguments, x, _ = small_model(models, "glyphs_resnet8_N", 2)
    inputs = save_inputs(tmp_path / "in", x)

    def run(*more):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return outputs(tool, model, inputs, folder, *arguments, *SIMULATED, *more)[0]

    ideal = run()
    noisy = ["--device", "generic-lognormal", "--seed", "3"]
    once = run(*noisy)
    assert np.array_equal(once, run(*noisy, "--threads", "2"))
    assert not np.array_equal(once, ideal)
    assert not np.array_equal(once, run("--device", "generic-lognormal", "--seed", "4"))
    assert not np.array_equal(once, run(*noisy, "--trial", "1"))
    # A device without errors is ideal.
    (tmp_path / "none.yaml").write_text("name: none\ncell: {min_us: 0, max_us: 10}\n")
    assert np.array_equal(ideal, run("--device", tmp_path / "none.yaml"))
    # Drift goes on.
    pcm = ["--device", "pcm-aihwkit", "--seed", "1"]
    assert not np.array_equal(run(*pcm, "--time", "1"), run(*pcm, "--time", "86400"))


def test_more_spread_costs_more_accuracy(tool, models, tmp_path):
    """glyphs_lenet: a little spread keeps the labels, much of it loses most of them."""
    model, arguments, x, _ = small_model(models, "glyphs_lenet_N", 60)
    labels = glyphs(models, 60)[1]
    inputs = save_inputs(tmp_path / "in", x)
    right = {}
    for sigma in (0, 0.05, 2):
        path = tmp_path / f"d{sigma}.yaml"
        path.write_text(f"name: d\ncell: {{min_us: 0, max_us: 10}}\nprogramming: {{sigma_log: {sigma}}}\n")
        y, _ = outputs(tool, model, inputs, tmp_path / f"o{sigma}", *arguments, *SIMULATED, "--device", path)
        right[sigma] = int((y.argmax(axis=1) == labels).sum())
    assert right[0] >= 45 and abs(right[0.05] - right[0]) <= 4 and right[2] < right[0] - 10, right


def test_resnet18_equals_compiled_integers(tool, shared, tmp_path):
    """One image at 224 x 224, converters that lose nothing; and converters that saturate, twice the same."""
    source = shared / "models"
    subprocess.run([sys.executable, source / "tools" / "structural.py", "hydrate", source / "resnet18.onnx", tmp_path],
                   check=True, capture_output=True)
    inputs = save_inputs(tmp_path / "in", np.load(source / "refs" / "input_1x3x224x224.npz")["input"])
    model = tmp_path / "resnet18.onnx"
    # `quantized` and lossless `tiled` are the same integers (docs/howto/run-a-model.md).
    integers, _ = outputs(tool, model, inputs, tmp_path / "q", "--at", "quantized")
    simulated, line = outputs(tool, model, inputs, tmp_path / "s", *SIMULATED)
    assert np.array_equal(integers, simulated) and line[1] == line[2] > 0
    lossy = [*SIMULATED, "--set", "pass.adc_bits=7"]
    once, line = outputs(tool, model, inputs, tmp_path / "a", *lossy)
    twice, _ = outputs(tool, model, inputs, tmp_path / "b", *lossy, "--threads", "2")
    assert np.array_equal(once, twice) and not np.array_equal(once, simulated) and line[4] > 2 * 10**8


def test_calibrated_ranges_hold_what_the_full_range_loses(tool, models, tmp_path):
    """glyphs_lenet, differential cells of 2 bits, 128 rows, 5 bits: full range loses most, a range for each array little."""
    model, arguments, x, _ = small_model(models, "glyphs_lenet_N", 60)
    labels = glyphs(models, 60)[1]
    inputs = save_inputs(tmp_path / "in", x)
    base = [*arguments, *SIMULATED, "--set", "machine.array.rows=128", "--set", "pass.encoding=differential"]
    right = {}
    for policy in ("lossless", "full", "layer", "array", "column", "phase"):
        more = [] if policy == "lossless" else ["--set", "pass.adc_bits=5"]
        if policy in ("layer", "array", "column", "phase"):
            more += ["--adc-calibrate", inputs, "--adc-step", "free"]
        y, _ = outputs(tool, model, inputs, tmp_path / policy, *base, "--adc-range", policy, *more)
        right[policy] = int((y.argmax(axis=1) == labels).sum())
    print(right)
    assert abs(right["array"] - right["lossless"]) <= 3 and abs(right["column"] - right["lossless"]) <= 3, right
    assert right["full"] <= right["lossless"] - 10, right
