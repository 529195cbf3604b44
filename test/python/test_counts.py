"""Totals of known networks, exact: parameters, MACs, crossbars, matrix-vector products."""
import json
import re

import pytest
from conftest import run_tool

TOTALS = {"resnet18": (11_684_712, 1_814_073_344), "vgg16": (138_357_544, 15_470_264_320),
          "alexnet": (61_100_840, 714_188_480), "mobilenet_v3_large": (5_470_832, 216_589_760),
          "mobilenet_v3_large_o20": (None, 216_589_760), "resnet18_o20": (None, 1_814_073_344)}
# One cell per weight: eight-bit weights in eight-bit cells, one copy.
ONE_CELL = ["--set", "machine.cell_bits=8", "--set", "pass.replication=none", "--set", "pass.encoding=offset"]
CROSSBARS = {"resnet18": (727, 201), "resnet50": (1576, 422), "vgg16": (8454, 2121), "alexnet": (3745, 942)}
MVMS_128 = {"resnet18": 132_500, "resnet50": 193_664, "vgg16": 709_780, "alexnet": 28_659}
MVMS_256 = {"resnet18": 74_678, "resnet50": 112_512, "vgg16": 419_178, "alexnet": 16_291}


def cost(model, *options):
    result = run_tool("imc", "cost", model, "--target", "rram-32nm", *options, "--json", "-")
    return json.loads(result.stdout)["models"][0]


@pytest.mark.parametrize("name", TOTALS)
def test_parameters_and_macs(models, name):
    entry = cost(models / f"{name}.onnx")
    parameters, macs = TOTALS[name]
    assert entry["macs"] == macs
    assert sum(layer["macs"] for layer in entry["layers"]) == macs
    if parameters:
        assert entry["parameters"] == parameters


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("name", CROSSBARS)
def test_crossbars_and_matrix_vector_products(models, name, size):
    entry = cost(models / f"{name}.onnx", *ONE_CELL, "--set", f"machine.rows={size}", "--set", f"machine.cols={size}")
    assert entry["arrays"]["logical"] == CROSSBARS[name][size == 256]
    assert entry["mvms"] == (MVMS_128 if size == 128 else MVMS_256)[name]


def test_depthwise_layers_count_as_depthwise(models):
    layers = cost(models / "mobilenet_v3_large.onnx")["layers"]
    # A filter of one input channel, as in "16x1x3x3 -> 16x112x112".
    depthwise = [layer for layer in layers if re.match(r"\d+x1x\d+x\d+ -> ", layer["shape"])]
    assert len(depthwise) == 15, [layer["shape"] for layer in layers]
    for layer in depthwise:
        channels, _, height, width = map(int, layer["shape"].split(" -> ")[0].split("x"))
        outputs = [int(n) for n in layer["shape"].split(" -> ")[1].split("x")]
        assert layer["macs"] == channels * height * width * outputs[1] * outputs[2]
