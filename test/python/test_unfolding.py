"""`pass.unfolding`: several positions of a convolution per load, with the bits of one, at `tiled` and in programs."""
import json
import re

import numpy as np
import pytest
from test_run_models import save_inputs, small_model

CHIP = ["--target", "rram-32nm", "--set", "machine.array.rows=96", "--set", "machine.array.cols=96",
        "--set", "machine.cell.bits=2"]


def run(tool, model, inputs, folder, *arguments):
    tool("imc", "run", model, "--input", inputs, "--output", folder, *CHIP, *arguments)
    return np.load(folder / "output_0.npy")


def loads(tool, model, *arguments):
    """Loads of all products, arrays of one copy, products of arrays, and multiply-accumulates of one inference."""
    report = json.loads(tool("imc", "cost", model, *CHIP, *arguments, "--json", "-").stdout)["models"][0]
    return report["arrays"]["logical"], report["mvms"], report["macs"]


@pytest.fixture
def convolutions(tmp_path):
    """Strides, dilations, groups, a kernel of one element that jumps, and edges that no window divides."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    rng = np.random.default_rng(2)

    def weight(name, *shape):
        return onnx.numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w1"], ["a"], "first", strides=[2, 1], pads=[3, 3, 3, 3]),
         helper.make_node("Relu", ["a"], ["b"], "relu"),
         helper.make_node("Conv", ["b", "w2"], ["c"], "depthwise", group=6, pads=[1, 1, 1, 1]),
         helper.make_node("Conv", ["c", "w3"], ["d"], "grouped", group=2, dilations=[2, 1], pads=[2, 1, 2, 1]),
         helper.make_node("Conv", ["d", "w4"], ["e"], "jumps", strides=[2, 2]),
         helper.make_node("Conv", ["e", "w5"], ["y"], "gaps", strides=[3, 2], pads=[1, 0, 1, 0])],
        "convolutions", [helper.make_tensor_value_info("x", 1, [2, 2, 17, 13])],
        [helper.make_tensor_value_info("y", 1, None)],
        [weight("w1", 6, 2, 7, 7), weight("w2", 6, 1, 3, 3), weight("w3", 4, 3, 3, 3), weight("w4", 5, 4, 1, 1),
         weight("w5", 3, 5, 2, 1)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "c.onnx")
    return tmp_path / "c.onnx", save_inputs(tmp_path / "in", rng.standard_normal((2, 2, 17, 13)).astype(np.float32))


def test_small_network_has_the_bits_of_im2col(tool, convolutions, tmp_path):
    model, inputs = convolutions
    plain = run(tool, model, inputs, tmp_path / "plain", "--at", "tiled")
    before = loads(tool, model)
    for rule in ("sdk", "products", "steps"):
        setting = ["--set", f"pass.unfolding={rule}"]
        assert np.array_equal(run(tool, model, inputs, tmp_path / rule, "--at", "tiled", *setting), plain), rule
        arrays, mvms, macs = loads(tool, model, *setting)
        assert mvms < before[1] and macs == before[2], rule
    simulated = run(tool, model, inputs, tmp_path / "s", "--at", "tiled", "--arrays", "simulated", *setting)
    assert np.array_equal(simulated, plain)
    for packing in ("diagonal", "dense"):
        packed = run(tool, model, inputs, tmp_path / packing, "--at", "tiled", *setting,
                     "--set", f"pass.group_packing={packing}")
        assert np.array_equal(packed, plain), packing


@pytest.mark.parametrize("schedule", ["layers", "pipeline", "stream"])
def test_programs_have_the_bits_of_im2col(tool, convolutions, tmp_path, schedule):
    model, inputs = convolutions
    plain = run(tool, model, inputs, tmp_path / "plain", "--at", "tiled")
    for rule in ("products", "auto"):
        executed = run(tool, model, inputs, tmp_path / rule, "--at", "scheduled", "--program", schedule,
                       "--set", f"pass.unfolding={rule}", "--set", "pass.replication=balanced")
        assert np.array_equal(executed, plain), rule


def test_trained_network_has_the_bits_of_im2col(tool, models, tmp_path):
    model, arguments, x, _ = small_model(models, "glyphs_lenet_N", 4)
    inputs = save_inputs(tmp_path / "in", x)
    plain = run(tool, model, inputs, tmp_path / "plain", *arguments, "--at", "tiled")
    for rule in ("variable_window", "products"):
        setting = [*arguments, "--set", f"pass.unfolding={rule}"]
        assert np.array_equal(run(tool, model, inputs, tmp_path / rule, "--at", "tiled", *setting), plain), rule
    executed = run(tool, model, inputs, tmp_path / "program", "--at", "scheduled", "--program", "layers", *setting)
    assert np.array_equal(executed, plain)


@pytest.mark.parametrize("rule", ["products", "steps", "auto"])
def test_simulated_counts_are_the_cost_models(tool, convolutions, tmp_path, rule):
    model, _ = convolutions
    arguments = [model, *CHIP, "--set", f"pass.unfolding={rule}", "--json", "-"]
    report = json.loads(tool("imc", "simulate", *arguments).stdout)
    priced = json.loads(tool("imc", "cost", *arguments).stdout)["models"][0]["energy_by_component_j"]
    assert report["energy_j"].keys() == priced.keys()
    for component, energy in report["energy_j"].items():
        # Leakage grows with time, which is computed twice.
        assert energy == pytest.approx(priced[component], rel=0.05 if component == "leakage" else 1e-9), component
    assert abs(report["ratio"] - 1) < 0.05


def test_a_model_without_data_is_unfolded(tool, shared, tmp_path):
    """ResNet-18 on large arrays: fewer products of arrays than im2col, equal to what the solver says."""
    chip = ["--target", "rram-32nm", "--set", "machine.cell_bits=8", "--set", "machine.rows=512",
            "--set", "machine.cols=512"]
    model = shared / "models/resnet18.onnx"
    text = tool("imc", "solve", model, *chip, "--as", "unfolding", "--algorithm", "all").stdout
    best = {name: int(value) for name, value in re.findall(r"^ *(\w+) +(\d+) +[\d.]+ s", text, re.M)}
    assert best["windows"] < best["variable_window"] < best["sdk"] < best["im2col"]
    for rule, algorithm in (("im2col", "im2col"), ("sdk", "sdk"), ("products", "windows")):
        settings = [*chip, "--set", f"pass.unfolding={rule}"]
        cost = json.loads(tool("imc", "cost", model, *settings, "--json", "-").stdout)["models"][0]
        # Each product of a strip counts once in the cost; the last layer is two arrays wide.
        assert cost["mvms"] + 1 == best[algorithm], rule
    costed = tmp_path / "costed.mlir"
    tool("imc", "compile", model, *settings, "--to", "costed", "-o", costed)
    assert int(re.search(r"mvms = (\d+) : i64", costed.read_text())[1]) == cost["mvms"]


def test_searches_choose_the_rule(tool, convolutions, tmp_path):
    """What a search says of a rule is what compiling the design gives."""
    space = tmp_path / "space.yaml"
    space.write_text("target: rram-32nm\nknobs:\n  machine.cell_bits: [2, 4]\n  pass.encoding: [offset, differential]\n"
                     "  pass.unfolding: [im2col, sdk, products, auto]\nobjectives: [energy_j, latency_s]\n")
    points = json.loads(tool("imc", "search", convolutions[0], "--space", space, "--budget", 16, "--front",
                             "-").stdout)["points"]
    fastest = min(points, key=lambda p: p["metrics"]["latency_s"])
    assert fastest["design"]["pass.unfolding"] == "auto"
    for point in points:
        settings = [word for knob, value in point["design"].items() for word in ("--set", f"{knob}={value}")]
        costed = tmp_path / "costed.mlir"
        tool("imc", "compile", convolutions[0], "--target", "rram-32nm", *settings, "--to", "costed", "-o", costed)
        latency = float(re.search(r"\blatency_s = ([-+.eE0-9]+) : f64", costed.read_text())[1])
        assert latency == pytest.approx(point["metrics"]["latency_s"], rel=1e-6)


def test_layers_have_rules_of_their_own(tool, convolutions, tmp_path):
    """One layer of `steps` beside im2col, one of im2col beside `products`, one of `auto`: fewer products, the same bits,
    and simulated what is priced."""
    model, inputs = convolutions
    plain = run(tool, model, inputs, tmp_path / "plain", "--at", "tiled")
    before = loads(tool, model)
    mixes = [("--set", "layer.first.unfolding=steps"),
             ("--set", "pass.unfolding=products", "--set", "layer.first.unfolding=im2col"),
             ("--set", "layer.grouped.unfolding=auto", "--set", "layer.jumps.unfolding=sdk",
              "--set", "layer.depthwise.unfolding=products")]
    for i, mix in enumerate(mixes):
        arrays, mvms, macs = loads(tool, model, *mix)
        assert mvms < before[1] and macs == before[2], mix
        assert np.array_equal(run(tool, model, inputs, tmp_path / f"t{i}", "--at", "tiled", *mix), plain), mix
        for schedule in ("layers", "pipeline", "stream"):
            executed = run(tool, model, inputs, tmp_path / f"{schedule}{i}", "--at", "scheduled", "--program", schedule, *mix)
            assert np.array_equal(executed, plain), (schedule, mix)
        report = json.loads(tool("imc", "simulate", model, *CHIP, *mix, "--json", "-").stdout)
        priced = json.loads(tool("imc", "cost", model, *CHIP, *mix, "--json", "-").stdout)["models"][0]
        for component, energy in report["energy_j"].items():
            expected = priced["energy_by_component_j"][component]
            assert energy == pytest.approx(expected, rel=0.05 if component == "leakage" else 1e-9), (component, mix)
    # A rule that says what all others say changes nothing.
    assert loads(tool, model, "--set", "layer.first.unfolding=im2col") == before


def test_layer_bits_files_have_rules(tool, convolutions, tmp_path):
    model, _ = convolutions
    layers = tmp_path / "layers.json"
    layers.write_text('{"first": {"unfolding": "steps", "weight_bits": 6}}')
    settings = ["--set", "layer.first.unfolding=steps", "--set", "layer.first.weight_bits=6"]
    assert loads(tool, model, "--layer-bits", layers) == loads(tool, model, *settings) != loads(tool, model)
    for text, message in (('{"first": {"unfolding": 1}}', "layer 'first': unfolding is no name"),
                          ('{"first": {"unfolding": "wide"}}', "unfolding = wide does not exist; it takes im2col, sdk"),
                          ('{"first": {"copies": "many"}}', "layer 'first': copies is no integer")):
        layers.write_text(text)
        refused = tool("imc", "cost", model, *CHIP, "--layer-bits", layers, check=False)
        assert refused.returncode == 1 and message in refused.stderr, refused.stderr


def test_searches_choose_the_rules_of_layers(tool, convolutions, tmp_path):
    """Counted, searched, rebuilt by the passes at the price of the search."""
    space = tmp_path / "space.yaml"
    space.write_text("target: rram-32nm\nknobs:\n  machine.cell_bits: [2, 4]\n  pass.unfolding: [im2col, products]\n"
                     "  layer.first.unfolding: [im2col, sdk, steps, auto]\n  layer.jumps.unfolding: [im2col, variable_window]\n"
                     "objectives: [energy_j, latency_s]\n")
    assert "4 knobs (0 conditional), 32 designs" in tool("imc", "space", space, "--model", convolutions[0]).stdout
    front = json.loads(tool("imc", "search", convolutions[0], "--space", space, "--algorithm", "exhaustive", "--budget",
                            32, "--front", "-").stdout)
    assert front["search"]["evaluated"] == 32 and front["search"]["verified"] == len(front["points"]) >= 2
    fastest = min(front["points"], key=lambda p: p["metrics"]["latency_s"])
    assert fastest["design"]["layer.first.unfolding"] != "im2col"
    settings = [word for knob, value in fastest["design"].items() for word in ("--set", f"{knob}={value}")]
    cost = json.loads(tool("imc", "cost", convolutions[0], "--target", "rram-32nm", *settings, "--json", "-").stdout)
    assert cost["models"][0]["latency_s"] == fastest["metrics"]["latency_s"]
