"""Mapping problems of real networks: counts, exact replication, packing; docs/mapping.md."""
import json

import pytest
from conftest import run_tool

NINE = ["alexnet", "densenet201", "gpt2_medium", "mobilebert", "mobilenet_v3_large", "resnet18", "resnet50", "vgg16",
        "vit_b_16"]


def one_cell(size, bits=8):
    """Eight-bit weights in cells of `bits` bits: 8 / bits columns ("slices") of each weight side by side."""
    return ["--target", "rram-32nm", "--set", f"machine.cell_bits={bits}", "--set", "pass.encoding=offset",
            "--set", f"machine.rows={size}", "--set", f"machine.cols={size}"]


def problem(path, tmp_path, *options):
    """The replication problem of a model; a budget that is large enough for any of them."""
    file = tmp_path / "problem.json"
    run_tool("imc", "solve", path, "--arrays", 10**8, "--algorithm", "none", "--write", file, *options)
    return json.loads(file.read_text())


def solve(data, tmp_path, *options):
    file = tmp_path / "solve.json"
    file.write_text(json.dumps(data))
    return json.loads(run_tool("imc", "solve", file, *options, "--json", "-").stdout)["results"]


# Crossbars, strips of crossbars ("array groups") and matrix-vector products of one copy. The crossbars of ResNet-18,
# ResNet-50 and VGG16, and the strips at 128 x 128, are PIMCOMP's; its ResNet-50 has the stride elsewhere and its AlexNet
# has groups. All follow from the layers by crossbars = ceil(K/R) ceil(N s/C), strips = ceil(K/R), products = windows x
# strips, with s columns per weight.
CROSSBARS = {
    "resnet18": {(128, 1): 727, (256, 1): 201, (512, 1): 75, (128, 4): 2864, (128, 8): 5724},
    "resnet50": {(128, 1): 1576, (256, 1): 422, (512, 1): 155, (128, 4): 6260, (128, 8): 12504},
    "vgg16": {(128, 1): 8454, (256, 1): 2121, (512, 1): 543, (128, 4): 33804, (128, 8): 67576},
    "alexnet": {(128, 1): 3745, (256, 1): 942, (512, 1): 245},
    "mobilenet_v3_large": {(128, 1): 4848, (256, 1): 1260, (512, 1): 401},
}
STRIPS = {"resnet18": 251, "resnet50": 434, "vgg16": 523}
PRODUCTS = {
    "resnet18": {128: 132_500, 256: 74_678, 512: 52_382},
    "resnet50": {128: 193_664, 256: 112_512, 512: 84_480},
    "vgg16": {128: 709_780, 256: 419_178, 512: 277_405},
    "alexnet": {128: 28_659, 256: 16_291, 512: 8_679},
    "mobilenet_v3_large": {128: 222_329, 256: 141_548, 512: 109_197},
}


@pytest.mark.parametrize("name", CROSSBARS)
def test_counts(models, tmp_path, name):
    path = models / f"{name}.onnx"
    for (size, slices), crossbars in CROSSBARS[name].items():
        options = [*one_cell(size, 8 // slices), "--set", "pass.group_packing=dense"]
        layers = {layer["name"]: layer for layer in problem(path, tmp_path, *options)["layers"]}
        entry = json.loads(run_tool("imc", "cost", path, *options, "--json", "-").stdout)["models"][0]
        assert sum(layer["arrays"] for layer in layers.values()) == crossbars == entry["arrays"]["logical"]
        # The number of strips, and so of products, does not depend on the slices.
        assert entry["mvms"] == PRODUCTS[name][size]
        strips = sum(layer["mvms"] // layers[layer["name"]]["windows"] for layer in entry["layers"] if layer["mvms"])
        if size == 128 and name in STRIPS:
            assert strips == STRIPS[name]


@pytest.mark.parametrize("name", NINE)
def test_exact_replication_is_never_worse(models, shared, tmp_path, name):
    path = models / f"{name}.onnx"
    data = problem(path if path.exists() else shared / "models" / path.name, tmp_path, "--target", "rram-32nm")
    one_copy = sum(layer["arrays"] for layer in data["layers"])
    # Back to back, and aligned to the cores of the machine, which leaves some arrays empty.
    for factor, core in ((1, 1), (1.25, 1), (2, 1), (3, data["core"]), (10, 1), (10, data["core"])):
        for objective in ("bottleneck", "sum"):
            data.update(objective=objective, arrays=int(one_copy * factor), core=core)
            results = {r["algorithm"]: r["objective"] for r in solve(data, tmp_path, "--algorithm", "all")}
            assert set(results) == {"none", "balanced", "marginal_gain", "exact"}
            assert results["exact"] == min(results.values()), (factor, core, objective, results)
            if factor == 1:
                assert results["exact"] == results["none"]
            # Copies pay: with twice the arrays every network is done sooner.
            if factor == 2:
                assert results["exact"] < results["none"]


def test_vgg16_fits_where_pimcomp_aborts(models, tmp_path):
    # 12 x 12 cores of 64 arrays; PIMCOMP's balance rule asks for 9288.
    data = problem(models / "vgg16.onnx", tmp_path, *one_cell(128))
    data.update(arrays=12 * 12 * 64, core=1)
    (exact,) = solve(data, tmp_path, "--algorithm", "exact")
    used = sum(layer["arrays"] * copies for layer, copies in zip(data["layers"], exact["solution"]["copies"]))
    assert used <= data["arrays"]
    assert exact["objective"] == 965


def test_packing_of_mobilenet(models, tmp_path):
    """Arrays of 128 x 128: depthwise layers dense, one group per array, diagonal, and beside other layers."""
    problems = {}
    for packing in ("dense", "single", "diagonal"):
        file = tmp_path / f"{packing}.json"
        run_tool("imc", "solve", models / "mobilenet_v3_large.onnx", "--as", "packing", "--algorithm", "one_per_array",
                 "--write", file, *one_cell(128), "--set", f"pass.group_packing={packing}")
        data = json.loads(file.read_text())
        problems[packing] = data
    whole = {name: len(data["tiles"]) for name, data in problems.items()}
    assert whole["dense"] == 4848
    assert whole["single"] - whole["diagonal"] == 5016 - 739
    assert whole["dense"] - whole["diagonal"] == 4416 - 739
    # Channel by channel, the layers share arrays.
    results = {r["algorithm"]: r["objective"] for r in solve(problems["single"], tmp_path, "--algorithm", "all")}
    assert results["one_per_array"] == whole["single"]
    assert results["diagonal"] <= whole["diagonal"]
    assert results["shelf"] < results["diagonal"]


def test_packings_compute_the_same(tmp_path):
    """A network with a depthwise and a grouped convolution: bit-identical on arrays however the groups lie."""
    onnx = pytest.importorskip("onnx")
    numpy = pytest.importorskip("numpy")
    random = numpy.random.default_rng(3)
    value = onnx.helper.make_tensor_value_info
    convolutions = [("wide", 3, 12, 3, 1), ("depthwise", 12, 12, 3, 12), ("grouped", 12, 8, 5, 4), ("last", 8, 6, 1, 1)]
    nodes, weights, last = [], [], "x"
    for name, channels, out, kernel, groups in convolutions:
        weight = random.standard_normal((out, channels // groups, kernel, kernel)).astype(numpy.float32)
        weights.append(onnx.numpy_helper.from_array(weight, f"{name}_w"))
        nodes.append(onnx.helper.make_node("Conv", [last, f"{name}_w"], [f"{name}_y"], name=name, group=groups,
                                           pads=[kernel // 2] * 4))
        nodes.append(onnx.helper.make_node("Relu", [f"{name}_y"], [name]))
        last = name
    graph = onnx.helper.make_graph(nodes, "grouped", [value("x", 1, [1, 3, 9, 7])], [value(last, 1, [1, 6, 9, 7])],
                                   weights)
    model = tmp_path / "grouped.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), model)
    (tmp_path / "in").mkdir()
    numpy.save(tmp_path / "in" / "input_0.npy", random.standard_normal((1, 3, 9, 7)).astype(numpy.float32))

    outputs, arrays = {}, {}
    for packing in ("dense", "single", "diagonal"):
        options = [*one_cell(32, 2), "--set", f"pass.group_packing={packing}"]
        run_tool("imc", "run", model, "--input", tmp_path / "in", "--at", "tiled", "--output", tmp_path / packing,
                 *options)
        outputs[packing] = (tmp_path / packing / "output_0.npy").read_bytes()
        entry = json.loads(run_tool("imc", "cost", model, *options, "--json", "-").stdout)["models"][0]
        arrays[packing] = entry["arrays"]["logical"]
    assert len(set(arrays.values())) == 3, arrays
    assert arrays["diagonal"] == min(arrays.values())
    assert outputs["dense"] == outputs["single"] == outputs["diagonal"]
    quantized = tmp_path / "quantized"
    run_tool("imc", "run", model, "--input", tmp_path / "in", "--at", "quantized", "--output", quantized,
             "--target", "rram-32nm")
    result = numpy.load(quantized / "output_0.npy")
    assert result.any()
    assert (quantized / "output_0.npy").read_bytes() == outputs["dense"]
