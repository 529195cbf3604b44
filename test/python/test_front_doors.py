"""Modules of other front ends: any layout computes the same after normalisation; torch-mlir and IREE agree with the own import."""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

TARGET = "rram-32nm"

# --- Layouts: the module as it stands (imc.phase says that nothing is to be done) against the normalised one.


def tensor(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, [*shape, element]))}>"


def literal(array):
    if array.ndim == 0:
        return repr(float(array)) if array.dtype == np.float32 else str(int(array))
    return "[" + ", ".join(literal(part) for part in array) + "]"


def module(op, attributes, shapes, weight_index, rng, maps=None, iterators=None, points=None):
    """One product: shapes of x, w, y; the operand `weight_index` is a constant, the others are inputs."""
    integer = points is not None
    kinds = ["i8", "i8", "i32"] if integer else ["f32"] * 3
    types = [tensor(shape, kind) for shape, kind in zip(shapes, kinds)]
    w = rng.integers(-9, 10, shapes[weight_index]).astype(np.int8 if integer else np.float32)
    arguments = [i for i in range(3) if i != weight_index]
    values = ["%x", "%w", "%y"]
    lines = [f"{values[weight_index]} = arith.constant dense<{literal(w)}> : {types[weight_index]}"]
    ins, ins_types = values[:2], types[:2]
    if integer:
        lines += [f"%p{i} = arith.constant {point} : i32" for i, point in enumerate(points)]
        ins, ins_types = ins + ["%p0", "%p1"], ins_types + ["i32", "i32"]
    text = f"{op} {attributes} ins({', '.join(ins)} : {', '.join(ins_types)}) outs(%y : {types[2]})"
    if maps:
        text = (f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}} "
                f"ins(%x, %w : {types[0]}, {types[1]}) outs(%y : {types[2]}) {{\n^bb0(%a: f32, %b: f32, %c: f32):\n"
                "%m = arith.mulf %a, %b : f32\n%s = arith.addf %c, %m : f32\nlinalg.yield %s : f32\n}")
    body = "\n".join([*lines, f"%r = {text} -> {types[2]}", f"return %r : {types[2]}"])
    signature = ", ".join(f"{values[i]}: {types[i]}" for i in arguments)
    inputs = [rng.integers(-20, 21, shapes[i]).astype([np.int8, np.int8, np.int32][i] if integer else np.float32)
              for i in arguments]
    return f"func.func @main({signature}) -> {types[2]} {{\n{body}\n}}", inputs


def conv_attributes(strides, dilations):
    count = len(strides)
    return (f"{{dilations = dense<{list(dilations)}> : tensor<{count}xi64>, "
            f"strides = dense<{list(strides)}> : tensor<{count}xi64>}}")


def random_conv(rng, layout):
    """(op, attributes, [x, w, y], weight index) of a named convolution."""
    n, c, f, g = (int(rng.integers(1, 4)) for _ in range(4))
    count = 1 if "1d" in layout else 2
    k, s, d, o = ([int(v) for v in rng.integers(1, 4, count)] for _ in range(4))
    slack = [int(v) for v in rng.integers(0, 3, count)]
    i = [(o[a] - 1) * s[a] + (k[a] - 1) * d[a] + 1 + slack[a] for a in range(count)]
    shapes = {
        "conv_1d_ncw_fcw": ([n, c, *i], [f, c, *k], [n, f, *o]),
        "conv_1d_nwc_wcf": ([n, *i, c], [*k, c, f], [n, *o, f]),
        "depthwise_conv_1d_nwc_wc": ([n, *i, c], [*k, c], [n, *o, c]),
        "depthwise_conv_1d_nwc_wcm": ([n, *i, c], [*k, c, f], [n, *o, c, f]),
        "conv_2d_nchw_fchw": ([n, c, *i], [f, c, *k], [n, f, *o]),
        "conv_2d_nhwc_hwcf": ([n, *i, c], [*k, c, f], [n, *o, f]),
        "conv_2d_nhwc_fhwc": ([n, *i, c], [f, *k, c], [n, *o, f]),
        "conv_2d_ngchw_fgchw": ([n, g, c, *i], [f, g, c, *k], [n, g, f, *o]),
        "conv_2d_ngchw_gfchw": ([n, g, c, *i], [g, f, c, *k], [n, g, f, *o]),
        "conv_2d_nhwgc_gfhwc": ([n, *i, g, c], [g, f, *k, c], [n, *o, g, f]),
        "depthwise_conv_2d_nchw_chw": ([n, c, *i], [c, *k], [n, c, *o]),
        "depthwise_conv_2d_nhwc_hwc": ([n, *i, c], [*k, c], [n, *o, c]),
        "depthwise_conv_2d_nhwc_hwcm": ([n, *i, c], [*k, c, f], [n, *o, c, f]),
    }[layout.removesuffix("_q")]
    return f"linalg.{layout}", conv_attributes(s, d), [list(map(int, shape)) for shape in shapes], 1


def random_contraction(rng):
    """linalg.generic over random loops: each is in two of the three operands (row, column, sum) or in all (batch)."""
    roles = ["m", "n", "k"] + [str(r) for r in rng.choice(["m", "n", "k", "b"], rng.integers(0, 3))]
    extents = [int(e) for e in rng.integers(1, 5, len(roles))]
    has = {0: "mkb", 1: "knb", 2: "mnb"}
    order = {i: rng.permutation([d for d, role in enumerate(roles) if role in has[i]]) for i in has}
    loops = ", ".join(f"d{d}" for d in range(len(roles)))
    maps = ", ".join(f"affine_map<({loops}) -> ({', '.join(f'd{d}' for d in order[i])})>" for i in has)
    iterators = ", ".join('"reduction"' if role == "k" else '"parallel"' for role in roles)
    return maps, iterators, [[extents[d] for d in order[i]] for i in has], int(rng.integers(0, 2))


def outputs(tool, tmp_path, text, inputs):
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for i, array in enumerate(inputs):
        np.save(folder / f"input_{i}.npy", array)
    results = []
    for name, content in [("raw", 'module attributes {imc.phase = "imported"} {\n' + text + "\n}"), ("normalised", text)]:
        path = tmp_path / f"{name}.mlir"
        path.write_text(content)
        tool("imc", "run", path, "--input", folder, "--output", tmp_path / name)
        results.append(np.load(tmp_path / name / "output_0.npy"))
    offloaded = tool("imc-opt", tmp_path / "normalised.mlir", "--imc-normalize-input", "--imc-offload").stdout
    return *results, offloaded


LAYOUTS = ["conv_1d_ncw_fcw", "conv_1d_nwc_wcf", "depthwise_conv_1d_nwc_wc", "depthwise_conv_1d_nwc_wcm", "conv_2d_nchw_fchw",
           "conv_2d_nhwc_hwcf", "conv_2d_nhwc_fhwc", "conv_2d_ngchw_fgchw", "conv_2d_ngchw_gfchw", "conv_2d_nhwgc_gfhwc",
           "depthwise_conv_2d_nchw_chw", "depthwise_conv_2d_nhwc_hwc", "depthwise_conv_2d_nhwc_hwcm"]
COUNT = int(os.environ.get("IMC_LAYOUT_CASES", "1"))


@pytest.mark.parametrize("seed", range(COUNT))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_computes_the_same(tool, tmp_path, layout, seed):
    rng = np.random.default_rng([seed, LAYOUTS.index(layout)])
    text, inputs = module(*random_conv(rng, layout), rng)
    raw, normalised, offloaded = outputs(tool, tmp_path, text, inputs)
    assert raw.tobytes() == normalised.tobytes()  # small integers: every order of the sum is exact
    assert "imc.conv2d" in offloaded or "imc.matmul" in offloaded, offloaded


@pytest.mark.parametrize("seed", range(6 * COUNT))
def test_contraction_computes_the_same(tool, tmp_path, seed):
    rng = np.random.default_rng([seed, 100])
    maps, iterators, shapes, weight = random_contraction(rng)
    text, inputs = module("", "", shapes, weight, rng, maps, iterators)
    raw, normalised, offloaded = outputs(tool, tmp_path, text, inputs)
    assert raw.tobytes() == normalised.tobytes()
    assert "imc.conv2d" in offloaded or "imc.matmul" in offloaded, offloaded


QUANTIZED = ["conv_2d_nchw_fchw_q", "conv_2d_nhwc_hwcf_q", "conv_2d_nhwc_fhwc_q", "conv_2d_ngchw_gfchw_q", "conv_2d_nhwgc_gfhwc_q",
             "depthwise_conv_2d_nhwc_hwc_q", "depthwise_conv_2d_nhwc_hwcm_q"]


@pytest.mark.parametrize("points", [(3, 0), (-5, 7)])
@pytest.mark.parametrize("layout", QUANTIZED)
def test_zero_points_compute_the_same(tool, tmp_path, layout, points):
    rng = np.random.default_rng([QUANTIZED.index(layout), 200])
    text, inputs = module(*random_conv(rng, layout), rng, points=points)
    raw, normalised, offloaded = outputs(tool, tmp_path, text, inputs)
    assert raw.tobytes() == normalised.tobytes()
    assert "imc.conv2d" in offloaded, offloaded


# --- Other importers: the same ONNX file through torch-mlir and IREE.

PACKAGES = pathlib.Path(__file__).with_name("front_doors_requirements.txt")


@pytest.fixture(scope="session")
def importers():
    """bin/ of an environment with the other importers; made outside the checkout when IMC_FRONT_DOORS=1."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    venv = pathlib.Path(os.environ.get("IMC_FRONT_DOORS_VENV", home / "imc-mlir" / "front-doors"))
    if not (venv / "bin" / "torch-mlir-opt").exists():
        if os.environ.get("IMC_FRONT_DOORS") != "1":
            pytest.skip(f"NOT COMPARED with torch-mlir and IREE: no packages at {venv}; IMC_FRONT_DOORS=1 installs them (170 MB)")
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = subprocess.run([venv / "bin" / "pip", "install", "--quiet", "--no-deps", "protobuf", "typing_extensions",
                                  "-r", PACKAGES], capture_output=True, text=True)
        if install.returncode != 0:
            pytest.skip(f"NOT COMPARED with torch-mlir and IREE: pip install failed: {install.stderr[-500:]}")
    return venv / "bin"


def bind_batch(source, target, batch):
    """The other importers take no --shape: every symbolic dimension becomes `batch` in the file."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(source)
    for value in [*model.graph.input, *model.graph.output]:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.Clear()
                dimension.dim_value = batch
    del model.graph.value_info[:]
    onnx.save(model, target)


def lower(importers, model, kind, folder):
    """The module of another importer for `model`: torch-mlir to linalg or TOSA, or IREE's input phase in generic form."""
    def run(*command):
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    torch, result = folder / f"{model.stem}.torch.mlir", folder / f"{model.stem}.{kind}.mlir"
    if kind == "iree":
        run(importers / "iree-import-onnx", model, "-o", torch)
        run(importers / "iree-compile", torch, "--iree-input-type=auto", "--compile-to=input", "--mlir-print-op-generic", "-o", result)
        return result
    run(importers / "torch-mlir-import-onnx", model, "-o", torch)
    backend = {"linalg": "linalg-on-tensors", "tosa": "tosa"}[kind]
    run(importers / "torch-mlir-opt", torch, "--pass-pipeline=builtin.module(torch-onnx-to-torch-backend-pipeline,"
        f"torch-backend-to-{backend}-backend-pipeline)", "-o", result)
    return result


def totals(tool, model):
    report = json.loads(tool("imc", "cost", model, "--target", TARGET, "--json", "-").stdout)
    found = report["models"][0]
    return {key: found[key] for key in ["parameters", "macs", "arrays", "mvms"]}


MODELS = [("digits_mlp_N", (4, 8, 8)), ("digits_cnn_N", (4, 1, 8, 8)), ("glyphs_lenet_N", (2, 1, 28, 28)),
          ("glyphs_resnet8_N", (2, 1, 28, 28))]


@pytest.mark.parametrize("kind", ["linalg", "tosa", "iree"])
@pytest.mark.parametrize("name, shape", MODELS)
def test_other_importer_equals_own(tool, models, tmp_path, importers, name, shape, kind):
    model = tmp_path / f"{name}.onnx"
    bind_batch(models / "trained-small" / f"{name}.onnx", model, shape[0])
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "input_0.npy", np.random.default_rng(5).standard_normal(shape).astype(np.float32))
    tool("imc", "run", model, "--input", tmp_path / "in", "--output", tmp_path / "own")
    want = np.load(tmp_path / "own" / "output_0.npy")
    other = lower(importers, model, kind, tmp_path)
    tool("imc", "run", other, "--input", tmp_path / "in", "--output", tmp_path / "other")
    got = np.load(tmp_path / "other" / "output_0.npy")
    assert np.abs(got - want).max() <= 1e-5 * want.std()
    assert totals(tool, other) == totals(tool, model)


@pytest.mark.parametrize("kind", ["linalg", "tosa", "iree"])
def test_resnet18_offloads_alike(tool, shared, tmp_path, importers, kind):
    """Real exporter output, all weights: the same products in the same arrays."""
    source = shared / "models"
    subprocess.run([sys.executable, source / "tools" / "structural.py", "hydrate", source / "resnet18.onnx", tmp_path],
                   check=True, capture_output=True)
    model = tmp_path / "resnet18.onnx"
    assert totals(tool, lower(importers, model, kind, tmp_path)) == totals(tool, model)


# --- Quantized modules: integers all the way, on arrays too.

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "FrontDoors" / "Inputs"


@pytest.mark.parametrize("at", ["imported", "offloaded", "tiled"])
@pytest.mark.parametrize("kind", ["torch-linalg", "torch-tosa"])
def test_quantized_module_equals_the_reference(tool, tmp_path, kind, at):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator
    model = onnx.load(FIXTURES / "tiny_qdq.onnx")
    model.opset_import[0].version = 19  # the first that the reference evaluates; these ops are as in 17
    evaluator = ReferenceEvaluator(model)
    rng = np.random.default_rng(3)
    for case in range(3):
        x = (2 * rng.standard_normal((1, 3, 4, 4))).astype(np.float32)
        want = evaluator.run(None, {"image": x})[0]
        folder = tmp_path / str(case)
        folder.mkdir()
        np.save(folder / "input_0.npy", x)
        tool("imc", "run", FIXTURES / f"tiny_qdq.{kind}.mlir", "--input", folder, "--at", at, "--target", TARGET,
             "--output", folder / "out")
        got = np.load(folder / "out" / "output_0.npy")
        assert want.std() > 1
        assert got.tobytes() == want.tobytes()  # scales are powers of two: no rounding but the one asked for


@pytest.mark.parametrize("at", ["imported", "tiled"])
def test_tosa_rescale_equals_numpy(tool, tmp_path, at):
    """An int8 convolution with an input zero point and a rescale per channel, by the formulas of TOSA 1.0."""
    rng = np.random.default_rng(4)
    x = rng.integers(-128, 128, (1, 6, 6, 4)).astype(np.int8)
    w = rng.integers(-90, 91, (8, 3, 3, 4)).astype(np.int8)
    bias = rng.integers(-500, 500, 8).astype(np.int32)
    multiplier = rng.integers(1 << 30, (1 << 31) - 1, 8).astype(np.int32)
    shift = rng.integers(38, 41, 8).astype(np.int8)

    def constant(array, kind):
        return f'"tosa.const"() <{{values = dense<{literal(array)}> : {tensor(array.shape, kind)}}}> : () -> {tensor(array.shape, kind)}'
    (tmp_path / "q.mlir").write_text(f"""
func.func @q(%x: tensor<1x6x6x4xi8>) -> tensor<1x4x4x8xi8> {{
  %w = {constant(w, "i8")}
  %b = {constant(bias, "i32")}
  %m = {constant(multiplier, "i32")}
  %s = {constant(shift, "i8")}
  %xz = {constant(np.array([-5], np.int8), "i8")}
  %wz = {constant(np.array([0], np.int8), "i8")}
  %iz = {constant(np.array([0], np.int32), "i32")}
  %0 = tosa.conv2d %x, %w, %b, %xz, %wz {{acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}} : (tensor<1x6x6x4xi8>, tensor<8x3x3x4xi8>, tensor<8xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x8xi32>
  %1 = tosa.rescale %0, %m, %s, %iz, %xz {{scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = true, input_unsigned = false, output_unsigned = false}} : (tensor<1x4x4x8xi32>, tensor<8xi32>, tensor<8xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x8xi8>
  return %1 : tensor<1x4x4x8xi8>
}}
""")
    np.save(tmp_path / "input_0.npy", x)
    tool("imc", "run", tmp_path / "q.mlir", "--input", tmp_path / "input_0.npy", "--at", at, "--target", TARGET,
         "--output", tmp_path / "out")
    acc = np.tile(bias.astype(np.int64), (1, 4, 4, 1))
    for i in range(3):
        for j in range(3):
            acc += np.einsum("nhwc,fc->nhwf", x[:, i:i + 4, j:j + 4].astype(np.int64) + 5, w[:, i, j].astype(np.int64))
    scaled = (acc * multiplier + (np.int64(1) << (shift.astype(np.int64) - 1))) >> shift.astype(np.int64)
    want = np.clip(scaled - 5, -128, 127).astype(np.int8)
    assert want.std() > 10
    assert (np.load(tmp_path / "out" / "output_0.npy") == want).all()
