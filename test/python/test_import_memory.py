"""Importing a model and writing it as text takes at most 1.3 times the bytes of its weights and 300 MB."""
import json
import subprocess
import sys

import onnx
import pytest
from conftest import BIN
from onnx import TensorProto, helper

SIDE = 5000
WEIGHT_BYTES = 4 * SIDE * SIDE
BOUND = 1.3 * WEIGHT_BYTES + 300e6

# A parent of its own: the peak of a child starts at that of the process it was forked from.
MEASURE = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024]))
"""


def peak(*command):
    run = subprocess.run([sys.executable, "-c", MEASURE, *map(str, command)], check=True, capture_output=True, text=True)
    code, most = json.loads(run.stdout)
    assert code == 0, run.stderr
    return most


def product(folder, stored):
    """x * w with one weight of 100 MB, in the model or in a file beside it."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[SIDE, SIDE])
    if stored == "inside":
        weight.raw_data = bytes(WEIGHT_BYTES)
    else:
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="m.weights")
        with open(folder / "m.weights", "wb") as file:
            file.truncate(WEIGHT_BYTES)
    shape = [1, SIDE]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize("stored", ["inside", "beside"])
@pytest.mark.parametrize("command", [("imc-translate", "--import-onnx"), ("imc", "import")], ids=lambda c: c[0])
def test_peak_of_import_to_text(tmp_path, command, stored):
    model = product(tmp_path, stored)
    most = peak(BIN / command[0], *command[1:], model)
    assert most <= BOUND, f"{most / 1e6:.0f} MB for a weight of {WEIGHT_BYTES / 1e6:.0f} MB"
