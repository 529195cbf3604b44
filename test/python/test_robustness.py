"""What cannot be done is refused: an error that names file or op, cause and way out; exit 1; no partial file."""
import json
import os

import numpy as np
import onnx
import pytest
from conftest import ROOT, run_tool
from onnx import TensorProto, helper

RESNET = ROOT / "models" / "resnet18.onnx"
LENET = ROOT / "models" / "trained-small" / "glyphs_lenet_N.onnx"


def refused(*arguments, says, output=None, code=1):
    """Runs `imc ...`; it must exit with `code`, say every text of `says`, and leave no `output`."""
    result = run_tool("imc", *arguments, check=False)
    assert result.returncode == code, f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "error:" in result.stderr
    for text in says:
        assert text in result.stderr, f"'{text}' not in:\n{result.stderr}"
    assert "Stack dump" not in result.stderr and "Assertion" not in result.stderr
    if output is not None:
        assert not output.exists()
        assert not list(output.parent.glob(output.name + "*")), "a partial file was left"
    return result


def small_model(path, nodes, inputs, initializers=(), outputs=("y",)):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def external(path, location):
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 2], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    weight.external_data.add(key="offset", value="0")
    weight.external_data.add(key="length", value="32")
    return small_model(path, [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], [("x", [1, 4])], [weight])


@pytest.mark.parametrize("size", [0, 1, 7, 100, 1000, 10000])
def test_truncated_model(tmp_path, size):
    model = tmp_path / "cut.onnx"
    model.write_bytes(RESNET.read_bytes()[:size])
    refused("import", model, "-o", tmp_path / "o.mlir", says=["cut.onnx"], output=tmp_path / "o.mlir")


@pytest.mark.parametrize("location", ["../secret.weights", "/etc/hostname", "a/../../secret.weights"])
def test_external_data_that_leaves_the_folder(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.weights").write_bytes(b"\0" * 32)
    model = external(folder / "m.onnx", location)
    refused("import", model, "-o", tmp_path / "o.mlir", says=["m.onnx", location], output=tmp_path / "o.mlir")


def test_external_data_behind_a_link_out_of_the_folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.weights").write_bytes(b"\0" * 32)
    os.symlink(tmp_path / "secret.weights", folder / "w.weights")
    refused("import", external(folder / "m.onnx", "w.weights"), says=["m.onnx", "w.weights"])


def test_running_without_weights_names_the_weight(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 224, 224), np.float32))
    refused("run", RESNET, "--input", tmp_path / "x.npy", "--output", tmp_path / "out", says=["onnx::Conv_193", "resnet18.onnx", "external data"],
            output=tmp_path / "out")


def test_unknown_op(tmp_path):
    model = small_model(tmp_path / "m.onnx", [helper.make_node("Mystery", ["x"], ["y"], name="who")], [("x", [1, 4])])
    refused("import", model, "-o", tmp_path / "o.mlir", says=["who", "Mystery"], output=tmp_path / "o.mlir")


def test_dynamic_shape_left_unbound(tmp_path):
    refused("cost", LENET, "--target", "rram-32nm", "--json", tmp_path / "c.json", says=["N", "--shape"],
            output=tmp_path / "c.json")


def test_contradictory_target_file(tmp_path):
    text = (ROOT / "targets" / "sram-32nm" / "target.yaml").read_text().replace(
        "include: [", f"include: [{ROOT}/targets/sram-32nm/")
    target = tmp_path / "bad.yaml"
    target.write_text(run_tool("imc", "targets", "sram-32nm", "--yaml").stdout.replace("bits: 1", "bits: 4", 1))
    assert "bits: 4" in target.read_text() and text
    refused("cost", RESNET, "--target", target, "--json", tmp_path / "c.json", says=["cell"], output=tmp_path / "c.json")


def test_unknown_field_of_a_target_file(tmp_path):
    target = tmp_path / "bad.yaml"
    target.write_text(run_tool("imc", "targets", "rram-32nm", "--yaml").stdout.replace("\narray:\n", "\narray:\n  rowz: 3\n"))
    refused("cost", RESNET, "--target", target, says=["bad.yaml", "rowz"])


def test_unresolved_knob(tmp_path):
    target = tmp_path / "open.yaml"
    text = run_tool("imc", "targets", "rram-32nm", "--yaml").stdout
    lines = [("  rows: {knob: [64, 128]}" if line.startswith("  rows:") else line) for line in text.splitlines()]
    target.write_text("\n".join(lines) + "\n")
    refused("cost", RESNET, "--target", target, says=["rows", "--set"])


@pytest.mark.parametrize("assignment, says", [("machine.rows=7777777", "rows"), ("machine.rowz=1", "rowz"),
                                              ("pass.encoding=roman", "encoding"), ("rows=1", "machine."), ("machine.rows", "KNOB=VALUE")])
def test_bad_set(assignment, says):
    refused("cost", RESNET, "--target", "rram-32nm", "--set", assignment, says=[says])


def space(tmp_path, **changes):
    content = {"target": "rram-32nm", "knobs": {"machine.rows": [64, 128]}, "objectives": ["energy_j", "latency_s", "area_mm2"]}
    content.update(changes)
    path = tmp_path / "space.yaml"
    path.write_text(json.dumps(content))
    return path


def test_empty_space(tmp_path):
    refused("search", RESNET, "--space", space(tmp_path, knobs={}), "--budget", "10", "--seed", "1",
            "--front", tmp_path / "f.json", says=["space.yaml"], output=tmp_path / "f.json")


def test_knob_without_values(tmp_path):
    refused("search", RESNET, "--space", space(tmp_path, knobs={"machine.rows": []}), "--budget", "10", "--seed", "1",
            says=["machine.rows"])


def test_budget_zero(tmp_path):
    refused("search", RESNET, "--space", space(tmp_path), "--budget", "0", "--seed", "1", "--front", tmp_path / "f.json",
            says=["budget"], output=tmp_path / "f.json")


@pytest.mark.parametrize("command", [["import"], ["compile", "--target", "rram-32nm"]])
def test_unwritable_output(tmp_path, command):
    refused(command[0], RESNET, *command[1:], "-o", tmp_path / "no" / "such" / "o.mlir", says=["o.mlir", "writable"])


def test_unwritable_front_is_refused_before_the_search(tmp_path):
    refused("search", RESNET, "--space", space(tmp_path), "--budget", "10", "--seed", "1",
            "--front", tmp_path / "no" / "f.json", says=["f.json"])


def test_wrong_usage_exits_with_2():
    for arguments in ([], ["nonsense"], ["cost"], ["cost", RESNET, "--target"]):
        assert run_tool("imc", *arguments, check=False).returncode == 2


def test_unknown_target_lists_the_known_ones():
    refused("cost", RESNET, "--target", "nowhere-5nm", says=["nowhere-5nm", "rram-32nm"])


def test_missing_model():
    refused("cost", "no-such.onnx", "--target", "rram-32nm", says=["no-such.onnx"])
