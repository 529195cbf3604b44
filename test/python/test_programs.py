"""Programs of real networks: every schedule exports, reads back and stays small; compiling is quick."""
import re
import resource

import numpy as np
import onnx
import pytest
from conftest import run_tool

ROOMY = [
    "--set", "machine.tile_buffer.size_kib=1024",
    "--set", "machine.global_buffer.size_mib=256",
    "--set", "machine.hierarchy.groups=64",
]


def export(model, path, *options, target="rram-32nm"):
    run_tool("imc", "compile", model, "--target", target, "--program", path, *options)
    return path.read_text()


def fields(text, record):
    """Of all records of one kind, `name=value` by name."""
    lines = re.findall(rf"^\s*{record} (.*)$", text, re.M)
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines]


@pytest.mark.parametrize("schedule", ["layers", "pipeline", "stream"])
def test_resnet18_has_every_schedule(shared, tmp_path, schedule):
    text = export(shared / "models/resnet18.onnx", tmp_path / "p.txt", "--schedule", schedule, *ROOMY)
    assert f"\nschedule {schedule}\n" in text
    # 20 convolutions and a matrix product, each stored by its last part.
    assert len(fields(text, "product")) == 21
    assert text.count("store ") >= 21
    assert not re.search(r"^\s*(fetch|write) ", text, re.M)


def test_a_small_volatile_chip_reloads(shared, tmp_path):
    text = export(shared / "models/resnet18.onnx", tmp_path / "p.txt", "--set", "machine.tile_buffer.size_kib=1024",
                  "--set", "machine.hierarchy.groups=1", "--set", "machine.hierarchy.tiles_per_group=4",
                  target="sram-32nm")
    rounds = [int(product["rounds"]) for product in fields(text, "product")]
    assert len(rounds) == 21 and min(rounds) >= 1 and max(rounds) > 1
    assert len(re.findall(r"^\s*fetch ", text, re.M)) == sum(rounds)


def test_quantized_networks_stream_rows(shared, tmp_path):
    """Ranges are constants there; where they are measured at run time all values come first."""
    def tensors_waited_for_in_pieces(model):
        text = export(shared / "models/trained-small" / model, tmp_path / "p.txt", "--schedule", "stream", *ROOMY)
        waits = {}
        for tensor, rows in re.findall(r"^\s*wait (t\d+), 0, (\d+)", text, re.M):
            waits.setdefault(tensor, set()).add(int(rows))
        return sum(len(rows) > 1 for rows in waits.values()), len(waits)
    pieces, tensors = tensors_waited_for_in_pieces("glyphs_resnet8_qdq.onnx")
    assert pieces > tensors / 2 and tensors > 10, (pieces, tensors)
    fewer, _ = tensors_waited_for_in_pieces("glyphs_resnet8.onnx")
    assert fewer < pieces


@pytest.mark.parametrize("model, seconds", [("resnet18", 20), ("vgg16", 120)])
def test_compiling_is_quick(shared, tmp_path, model, seconds):
    """5 s and 60 s on an idle machine; the bounds leave room for a busy one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = export(shared / f"models/{model}.onnx", tmp_path / "p.txt", *ROOMY)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < seconds
    assert len(text) < 20_000_000


def test_what_does_not_fit_is_refused_with_numbers(shared, tmp_path):
    result = run_tool("imc", "compile", shared / "models/vgg16.onnx", "--target", "rram-32nm",
                      "--program", tmp_path / "p.txt", "--set", "machine.tile_buffer.size_kib=1", check=False)
    assert result.returncode == 1
    assert re.search(r"tile buffer of core \d+: part of layer '\S+' \(\w+\) needs \d+ bits", result.stderr)
    assert "raise machine.tile_buffer.size_kib to " in result.stderr
    assert not (tmp_path / "p.txt").exists()


def glyph(models, tmp_path):
    data = np.load(models / "refs" / "glyphs_test100.npz")
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x/input_0.npy", data["x"][:1, None].astype(np.float32) / np.float32(255))
    return tmp_path / "x"


def test_programs_of_placed_modules_keep_their_placements(models, tmp_path):
    """What was placed with copies runs with copies, whatever a planner would say now."""
    x, model = glyph(models, tmp_path), models / "trained-small/glyphs_resnet8.onnx"
    run_tool("imc", "run", model, "--input", x, "--at", "tiled", "--target", "rram-32nm", "--output", tmp_path / "y")
    counts = {}
    for replication in ["none", "balanced"]:
        placed = tmp_path / f"{replication}.mlir"
        run_tool("imc", "compile", model, "--target", "rram-32nm", "--set", f"pass.replication={replication}",
                 "--to", "placed", "-o", placed)
        for schedule in ["layers", "pipeline", "stream"]:
            result = run_tool("imc", "run", placed, "--input", x, "--at", "placed", "--target", "rram-32nm",
                              "--program", schedule, "--compare", tmp_path / "y", "--rtol", 0, "--atol", 0)
            counts[replication, schedule] = re.search(r"program: (\d+) instructions", result.stdout)[1]
    assert counts["none", "layers"] != counts["balanced", "layers"]


@pytest.mark.parametrize("setting, message", [
    ("machine.macros_per_tile=32", r"tiles of 64 arrays?, (those of imc.target|the machine's) have 32"),
    ("machine.groups=1", r"(on array \d+|from array \d+).*machine has \d+"),
    ("machine.rows=128", r"128"),
])
def test_placements_of_another_machine_are_refused(models, tmp_path, setting, message):
    x, model = glyph(models, tmp_path), models / "trained-small/glyphs_resnet8.onnx"
    placed = tmp_path / "placed.mlir"
    run_tool("imc", "compile", model, "--target", "rram-32nm", "--set", "pass.replication=balanced",
             "--to", "placed", "-o", placed)
    result = run_tool("imc", "run", placed, "--input", x, "--at", "placed", "--target", "rram-32nm", "--set", setting,
                      "--program", "layers", check=False)
    assert result.returncode == 1
    assert re.search(message, result.stderr), result.stderr


@pytest.mark.parametrize("rule", ["swap_all", "resident_best", "exact"])
def test_what_stays_is_not_written(models, tmp_path, rule):
    """A chip that is too small: fewer writes, the same bits."""
    x, model = glyph(models, tmp_path), models / "trained-small/glyphs_resnet8.onnx"
    small = ["--target", "sram-32nm", "--set", "machine.groups=1", "--set", "machine.tiles_per_group=8",
             "--set", "machine.macros_per_tile=4", "--set", "machine.tile_buffer.size_kib=1024"]
    text = export(model, tmp_path / "p.txt", *small[2:], "--set", f"pass.segments={rule}", target="sram-32nm")
    products = fields(text, "product")
    staying = sum("rounds" not in product for product in products)
    assert (staying > 0) == (rule != "swap_all")
    assert staying < len(products)
    result = run_tool("imc", "program", tmp_path / "p.txt", "--verify")
    assert result.returncode == 0
    run_tool("imc", "run", model, "--input", x, "--at", "tiled", *small, "--output", tmp_path / "y")
    run_tool("imc", "run", model, "--input", x, "--at", "scheduled", *small, "--set", f"pass.segments={rule}",
             "--program", "layers", "--write-ahead", "--compare", tmp_path / "y", "--rtol", 0, "--atol", 0)


def recurrent(op, path, steps, batch, inputs, hidden, directions=2, seed=3):
    """A recurrent node by itself."""
    gates, helper, random = {"LSTM": 4, "GRU": 3, "RNN": 1}[op], onnx.helper, np.random.default_rng(seed)
    tensors = {"w": (directions, gates * hidden, inputs), "r": (directions, gates * hidden, hidden)}
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w", "r"], ["y"], "both", hidden_size=hidden,
                          direction="bidirectional" if directions == 2 else "forward")], "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (steps, batch, inputs))],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (steps, directions, batch, hidden))],
        [onnx.numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name) for name, shape in tensors.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("op, replication", [("LSTM", "none"), ("LSTM", "balanced"), ("GRU", "balanced"), ("RNN", "none")])
def test_products_in_loops_compute_their_windows(tmp_path, op, replication):
    """Both directions of a recurrent node: each iteration executes the pass of its own, bit by bit that of `tiled`."""
    steps, batch, inputs = 6, 3, 5
    model = recurrent(op, tmp_path / "m.onnx", steps, batch, inputs, 7)
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x/input_0.npy", np.random.default_rng(4).normal(size=(steps, batch, inputs)).astype(np.float32))
    machine = ["--target", "rram-32nm", "--set", f"pass.replication={replication}"]
    run_tool("imc", "run", model, "--input", tmp_path / "x", "--at", "tiled", *machine, "--output", tmp_path / "y")
    result = run_tool("imc", "run", model, "--input", tmp_path / "x", "--at", "scheduled", *machine, "--program", "layers",
                      "--compare", tmp_path / "y", "--rtol", 0, "--atol", 0)
    assert int(re.search(r"program: (\d+) instructions", result.stdout)[1]) > steps
    text = export(model, tmp_path / "p.txt", "--set", f"pass.replication={replication}")
    run_tool("imc", "program", tmp_path / "p.txt", "--verify")
    products = fields(text, "product")
    # The projections of all steps are one product each, the recurrences have a pass for each step.
    loops = [p for p in products if "passes" in p]
    assert len(products) - len(loops) == 2 and len(loops) == (4 if op == "GRU" else 2)
    assert {p["passes"] for p in loops} == {str(steps)}
    refused = run_tool("imc", "run", model, "--input", tmp_path / "x", "--at", "scheduled", *machine, "--program", "stream", check=False)
    assert refused.returncode == 1
    assert re.search(r"schedule 'stream' cannot cut the loop that goes from layer 'both'", refused.stderr)


def test_weights_of_loops_are_written_again(tmp_path):
    """A chip that holds one product of a GRU at a time: in each iteration both are written, with the same bits."""
    steps, batch, inputs, hidden = 4, 2, 40, 48
    model = recurrent("GRU", tmp_path / "m.onnx", steps, batch, inputs, hidden, directions=1)
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x/input_0.npy", np.random.default_rng(4).normal(size=(steps, batch, inputs)).astype(np.float32))
    small = ["--set", "machine.groups=1", "--set", "machine.tiles_per_group=1", "--set", "machine.macros_per_tile=2",
             "--set", "machine.tile_buffer.size_kib=256"]
    text = export(model, tmp_path / "p.txt", *small, target="sram-32nm")
    run_tool("imc", "program", tmp_path / "p.txt", "--verify")
    assert [("passes" in p, "rounds" in p) for p in fields(text, "product")] == [(False, True), (True, True), (True, True)]
    machine = ["--target", "sram-32nm", *small]
    run_tool("imc", "run", model, "--input", tmp_path / "x", "--at", "tiled", *machine, "--output", tmp_path / "y")
    run_tool("imc", "run", model, "--input", tmp_path / "x", "--at", "scheduled", *machine, "--program", "layers",
             "--compare", tmp_path / "y", "--rtol", 0, "--atol", 0)


def test_recurrent_products_take_their_steps(tmp_path):
    """Time is that of the steps one after the other, whatever the copies: a product with one sequence gains nothing by them."""
    def simulated(steps, replication):
        model = recurrent("LSTM", tmp_path / f"{steps}.onnx", steps, 1, 24, 32, directions=1)
        result = run_tool("imc", "simulate", model, "--target", "rram-32nm", "--set", f"pass.replication={replication}")
        assert float(re.search(r"ratio ([\d.]+)", result.stdout)[1]) == pytest.approx(1, abs=0.01)
        products = re.findall(r"^ +\d+ +both +(\d+) +\S+ \ws +([\d.]+ \ws) +compute$", result.stdout, re.M)
        assert [int(executions) for executions, _ in products] == [1, steps]
        return [float(text.split()[0]) * {"us": 1e-6, "ms": 1e-3}[text.split()[1]] for _, text in products]
    project, recur = simulated(20, "none")
    faster, same = simulated(20, "balanced")
    assert same == recur and faster < project / 3
    assert simulated(60, "none")[1] == pytest.approx(3 * recur, rel=1e-4)


@pytest.mark.parametrize("kernel, stride, pad, streams", [(2, 2, 0, True), (3, 2, 1, True), (3, 2, 0, True), (5, 1, 0, False)])
def test_rows_stream_through_poolings(tmp_path, kernel, stride, pad, streams):
    """Where a share of the pooled rows needs no larger share of the rows before; calibrated, so that codes need no other rows."""
    helper, random = onnx.helper, np.random.default_rng(5)
    tensors = {"w1": (8, 3, 3, 3), "w2": (4, 8, 3, 3)}
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], "conv1", pads=[1] * 4), helper.make_node("Relu", ["a"], ["b"], "relu"),
             helper.make_node("MaxPool", ["b"], ["c"], "pool", kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4),
             helper.make_node("Conv", ["c", "w2"], ["y"], "conv2", pads=[1] * 4)]
    side = (20 + 2 * pad - kernel) // stride + 1
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 3, 20, 20))],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, 4, side, side))],
                              [onnx.numpy_helper.from_array(random.normal(size=s).astype(np.float32), n) for n, s in tensors.items()])
    model, x = tmp_path / "m.onnx", tmp_path / "x"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    x.mkdir()
    np.save(x / "input_0.npy", random.normal(size=(1, 3, 20, 20)).astype(np.float32))
    text = export(model, tmp_path / "p.txt", "--schedule", "stream", "--calibrate", x)
    run_tool("imc", "program", tmp_path / "p.txt", "--verify")
    pooled, sums = fields(text, "product")[1]["inputs"].strip("[]"), fields(text, "product")[0]["output"]
    waits = {t: {int(n) for n in re.findall(rf"^\s*wait t{t}, 0, (\d+)", text, re.M)} for t in (pooled, sums)}
    if not streams:
        assert waits == {pooled: {1}, sums: {20}}
        return
    assert max(waits[pooled]) == side and len(waits[pooled]) > 3
    assert max(waits[sums]) == 20 and len(waits[sums]) > 3
    machine = ["--target", "rram-32nm", "--calibrate", x]
    run_tool("imc", "run", model, "--input", x, "--at", "tiled", *machine, "--output", tmp_path / "y")
    run_tool("imc", "run", model, "--input", x, "--at", "scheduled", *machine, "--program", "stream",
             "--compare", tmp_path / "y", "--rtol", 0, "--atol", 0)
