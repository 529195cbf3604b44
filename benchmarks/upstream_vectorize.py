"""Products by imc's kernels beside the ways that upstream MLIR offers, on layers of ResNet-18 and one thread.

Every variant starts from the same linalg ops on tensors and ends in the same code generator (mlir-translate, then clang -O3
-march=native), so that only the passes between differ; the functions are called in this process. Times are CPU times, which
other jobs of the machine disturb less than wall times: passes and LLVM of the child processes (their start included), run the
median of --runs calls, where the variants take turns. All outputs are compared with numpy; exit code 1 if ours fails or is wrong.

  ours      imc-opt with the passes of lib/Execute/LoweringPipeline.cpp
  tiled     transform script for products: panels packed by pad; tile, vectorize, hoist, outer products. A convolution is written as
            a copy of its windows and a product beforehand, because upstream's img2col divides for each element
  img2col   the same after structured.convert_conv2d_to_img2col
  direct    transform script: convolutions tiled and decomposed to 1-D ones, vectorize, outer products
  contract  transform script: convolutions of stride 1 tiled to one tap, where they are products; vectorize, outer products
  affine    linalg to affine loops, affine-super-vectorize
  interchanged  loops after a transform script that puts a parallel dimension innermost
  loops     linalg to loops, LLVM's loop vectorizer

Needs numpy, MLIR's tools (MLIR_BIN, /usr/lib/llvm-22/bin) and imc-opt (IMC_BIN, build/bin).

With --loops: reductions and elementwise ops in three forms, all by imc-opt.

  ours      as lib/Execute/LoweringPipeline.cpp: imc-vectorize-loops for float reductions, exp, tanh and erf
  upstream  the same for every elementwise op
  llvm      linalg to loops, LLVM's loop vectorizer

  python benchmarks/upstream_vectorize.py [--layers 3x3-64 ...] [--variants ours img2col ...] [--runs 9]
  python benchmarks/upstream_vectorize.py --loops [sum-197x768 ...] [--runs 25]
"""
import argparse
import ctypes
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMC = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin"))
MLIR = pathlib.Path(os.environ.get("MLIR_BIN", "/usr/lib/llvm-22/bin"))

# (channels, input side with its padding, filters, kernel, stride), or (rows, depth, columns). Of ResNet-18; 1x1-64-256 is of
# ResNet-50, and 128 rows are a batch.
LAYERS = {
    "7x7-3-64-s2": (3, 229, 64, 7, 2),
    "3x3-64": (64, 58, 64, 3, 1),
    "3x3-256": (256, 16, 256, 3, 1),
    "1x1-64-128-s2": (64, 55, 128, 1, 2),
    "1x1-64-256": (64, 56, 256, 1, 1),
    "fc-1x512x1000": (1, 512, 1000),
    "matmul-128x512x1000": (128, 512, 1000),
}
VARIANTS = ["ours", "tiled", "img2col", "direct", "contract", "affine", "interchanged", "loops"]
SCRIPTED = {"tiled", "img2col", "direct", "contract", "interchanged"}


def shapes(layer):
    if len(layer) == 3:
        m, k, n = layer
        return (m, k), (k, n), (m, n)
    c, side, f, kernel, stride = layer
    out = (side - kernel) // stride + 1
    return (1, c, side, side), (f, c, kernel, kernel), (1, f, out, out)


def tensor(shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


def unfolded(layer):
    """The convolution as a copy of its windows and a matrix product."""
    c, side, f, kernel, stride = layer
    x, w, y = shapes(layer)
    rows, columns = c * kernel * kernel, y[2] * y[3]
    windows, matrix = tensor((c, kernel, kernel, y[2], y[3])), tensor((rows, columns))
    weights, product = tensor((f, rows)), tensor((f, columns))
    return f"""
#image = affine_map<(c, i, j, h, w) -> (0, c, h * {stride} + i, w * {stride} + j)>
#window = affine_map<(c, i, j, h, w) -> (c, i, j, h, w)>
func.func @main(%x: {tensor(x)}, %w: {tensor(w)}) -> {tensor(y)} attributes {{llvm.emit_c_interface}} {{
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : {windows}
  %1 = linalg.generic {{indexing_maps = [#image, #window],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}}
    ins(%x : {tensor(x)}) outs(%0 : {windows}) {{
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }} -> {windows}
  %2 = tensor.collapse_shape %1 [[0, 1, 2], [3, 4]] : {windows} into {matrix}
  %3 = tensor.collapse_shape %w [[0], [1, 2, 3]] : {tensor(w)} into {weights}
  %empty = tensor.empty() : {product}
  %init = linalg.fill ins(%zero : f32) outs(%empty : {product}) -> {product}
  %4 = linalg.matmul ins(%3, %2 : {weights}, {matrix}) outs(%init : {product}) -> {product}
  %5 = tensor.expand_shape %4 [[0, 1], [2, 3]] output_shape {list(y)} : {product} into {tensor(y)}
  return %5 : {tensor(y)}
}}
"""


def payload(layer, variant):
    if variant == "tiled" and len(layer) != 3:
        return unfolded(layer)
    x, w, y = map(tensor, shapes(layer))
    op = "linalg.matmul" if len(layer) == 3 else (
        f"linalg.conv_2d_nchw_fchw {{dilations = dense<1> : tensor<2xi64>, strides = dense<{layer[4]}> : tensor<2xi64>}}")
    return f"""
func.func @main(%x: {x}, %w: {w}) -> {y} attributes {{llvm.emit_c_interface}} {{
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : {y}
  %init = linalg.fill ins(%zero : f32) outs(%empty : {y}) -> {y}
  %y = {op} ins(%x, %w : {x}, {w}) outs(%init : {y}) -> {y}
  return %y : {y}
}}
"""


def products(count):
    """A module of `count` products of different shapes, which is compiled only."""
    text = ""
    for i in range(count):
        text += payload((128, 512, 1000 + 8 * i), "ours").replace("@main", f"@main{i}")
    return text


def divisor(value, largest):
    return max(d for d in range(1, min(value, largest) + 1) if value % d == 0)


# Vectorizes what has been tiled, keeps sums in registers over the innermost loops, and bufferizes.
FINISH = """
    %f0 = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f0 {
      transform.apply_patterns.vector.transfer_permutation_patterns
      transform.apply_patterns.vector.reduction_to_contract
      transform.apply_patterns.vector.cast_away_vector_leading_one_dim
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    transform.apply_cse to %f0 : !transform.any_op
    %loops = transform.structured.match ops{["scf.for"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_licm to %loops : !transform.any_op
    transform.loop.hoist_loop_invariant_subsets %loops : !transform.any_op
    transform.apply_patterns to %f0 { transform.apply_patterns.canonicalization } : !transform.any_op
    transform.structured.eliminate_empty_tensors %f0 : !transform.any_op
    %buffers = transform.bufferization.one_shot_bufferize layout{IdentityLayoutMap} %root
      {bufferize_function_boundaries = true, memcpy_op = "linalg.copy"} : (!transform.any_op) -> !transform.any_op
    %f1 = transform.structured.match ops{["func.func"]} in %buffers : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f1 {
      transform.apply_patterns.vector.lower_contraction lowering_strategy = "outerproduct"
      transform.apply_patterns.vector.lower_outerproduct
      transform.apply_patterns.vector.lower_multi_reduction lowering_strategy = "innerparallel"
    } : !transform.any_op
    transform.apply_patterns to %f1 {
      transform.apply_patterns.vector.transfer_permutation_patterns
      transform.apply_patterns.vector.split_transfer_full_partial split_transfer_strategy = "none"
      transform.apply_patterns.vector.transfer_to_scf max_transfer_rank = 1 full_unroll = true
      transform.apply_patterns.vector.lower_transfer max_transfer_rank = 1
      transform.apply_patterns.vector.lower_transpose lowering_strategy = "shuffle_1d"
      transform.apply_patterns.vector.lower_shape_cast
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    transform.yield
"""


def script(layer, variant):
    """The transform script of a variant that has one."""
    convolution = len(layer) != 3
    x, w, y = shapes(layer)
    any_op = "!transform.any_op"
    lines = ["transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {"]

    def match(name, result="%op"):
        lines.append(f'{result} = transform.structured.match ops{{["{name}"]}} in %root : ({any_op}) -> {any_op}')

    def tile(source, sizes, result, interchange=None):
        loops = sum(size != 0 for size in sizes)
        lines.append(f"{result}, {result}l:{loops} = transform.structured.tile_using_for {source} tile_sizes {sizes}"
                     + (f" interchange = {interchange}" if interchange else "")
                     + f" : ({any_op}) -> ({', '.join([any_op] * (loops + 1))})")

    if variant == "interchanged":
        match("linalg.conv_2d_nchw_fchw" if convolution else "linalg.matmul")
        lines.append(f"%g = transform.structured.generalize %op : ({any_op}) -> {any_op}")
        lines.append(f"transform.structured.interchange %g iterator_interchange = "
                     f"{[0, 1, 2, 4, 5, 6, 3] if convolution else [0, 2, 1]} : ({any_op}) -> {any_op}")
    elif variant == "direct" and convolution:
        f, c = 16, divisor(w[1], 8)
        match("linalg.conv_2d_nchw_fchw")
        tile("%op", [1, f, 1, divisor(y[3], 14), 0, 0, 0], "%a")
        tile("%a", [0, 0, 0, 0, c, 1, 0], "%b")
        lines.append(f"%d = transform.structured.decompose %b : ({any_op}) -> {any_op}")
        lines.append(f"transform.structured.vectorize %d : {any_op}")
    elif variant == "contract":
        match("linalg.conv_2d_nchw_fchw")
        tile("%op", [1, 8, 1, divisor(y[3], 32), divisor(w[1], 8), 1, 1], "%a")
        lines.append(f"%g = transform.structured.generalize %a : ({any_op}) -> {any_op}")
        match("func.func", "%f")
        lines.append("transform.apply_patterns to %f { transform.apply_patterns.linalg.fold_unit_extent_dims_via_slices } "
                     f": {any_op}")
        match("linalg.generic", "%product")
        lines.append(f"transform.structured.vectorize %product : {any_op}")
    else:
        if convolution:
            rows, depth = w[0], w[1] * w[2] * w[3]
        else:
            rows, depth = x
        if variant == "img2col" and convolution:
            match("linalg.conv_2d_nchw_fchw", "%conv")
            lines.append(f"%col, %p = transform.structured.convert_conv2d_to_img2col %conv : ({any_op}) -> ({any_op}, {any_op})")
            # The result is the reshape of the product.
            lines.append(f"%op = transform.get_producer_of_operand %p[0] : ({any_op}) -> {any_op}")
            batch = [1]
        else:
            match("linalg.matmul")
            batch = []
        zero = [0] * len(batch)
        # A panel of `block` rows and two registers is packed; 8 rows of two registers of sums stay in registers.
        block = divisor(depth, 576)
        tile("%op", batch + [0, 2 * vector_bits() // 32, block], "%a")
        first = len(batch)
        lines.append("%pad, %padding, %copy = transform.structured.pad %a {padding_values = [0.0 : f32, 0.0 : f32, 0.0 : f32], "
                     f"padding_dimensions = [{first + 1}], nofold_flags = [0, 1, 0], "
                     f"copy_back_op = \"linalg.copy\"}} : ({any_op}) -> ({any_op}, {any_op}, {any_op})")
        tile("%pad", zero + [divisor(rows, 8), 0, 0], "%b")
        tile("%b", zero + [0, 0, divisor(block, 16)], "%c")
        lines.append(f"transform.structured.vectorize %c : {any_op}")
    return ("module attributes {transform.with_named_sequence} {\n  " + "\n    ".join(lines) + FINISH + "  }\n}\n")


BUFFERIZE = ["--eliminate-empty-tensors", "--empty-tensor-to-alloc-tensor",
             "--one-shot-bufferize=bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map"]
OUT = ["--buffer-results-to-out-params=hoist-static-allocs modify-public-functions", "--buffer-deallocation-pipeline",
       "--canonicalize", "--convert-bufferization-to-memref"]
TO_LLVM = ["--expand-strided-metadata", "--lower-affine", "--convert-scf-to-cf", "--arith-expand", "--convert-vector-to-llvm",
           "--convert-to-llvm",
           "--reconcile-unrealized-casts", "--canonicalize", "--cse"]


def vector_bits():
    flags = pathlib.Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split()
    return 512 if "avx512f" in flags else 256 if "avx2" in flags else 128


def passes(variant, library):
    if variant == "ours":
        return ["--inline", "--imc-lower-to-linalg", "--convert-elementwise-to-linalg", "--imc-prepare-loops", *BUFFERIZE, *OUT,
                "--imc-lower-strided-copies", f"--imc-vectorize-products=vector-bits={vector_bits()}",
                "--imc-vectorize-loops", "--convert-linalg-to-loops", "--imc-outline-loops", "--imc-legalize-scalars", *TO_LLVM]
    if variant == "affine":
        return [*BUFFERIZE, *OUT, "--convert-linalg-to-affine-loops",
                f"--affine-super-vectorize=virtual-vector-size={vector_bits() // 32}",
                "--convert-vector-to-scf=full-unroll", *TO_LLVM]
    if variant == "loops":
        return [*BUFFERIZE, *OUT, "--convert-linalg-to-loops", *TO_LLVM]
    return [f"--transform-preload-library=transform-library-paths={library}", "--transform-interpreter",
            "--empty-tensor-to-alloc-tensor", *OUT, "--convert-linalg-to-loops", "--convert-vector-to-scf=full-unroll", *TO_LLVM]


MAPS = """
#x = affine_map<(i, j) -> (i, j)>
#r = affine_map<(i, j) -> (i)>
"""


def reduced(op, start, shape):
    """All dimensions but the first one."""
    dims = list(range(1, len(shape)))
    y = tensor(shape[:1])
    return f"""
func.func @main(%x: {tensor(shape)}, %w: tensor<1xf32>) -> {y} attributes {{llvm.emit_c_interface}} {{
  %start = arith.constant {start} : f32
  %empty = tensor.empty() : {y}
  %init = linalg.fill ins(%start : f32) outs(%empty : {y}) -> {y}
  %y = linalg.reduce {{ {op} }} ins(%x : {tensor(shape)}) outs(%init : {y}) dimensions = {dims}
  return %y : {y}
}}
"""


def mapped(body, shape, row=False, x="f32", y="f32"):
    """An op on every element %a, with one number %b per row, or with another matrix."""
    tx, ty = (tensor(shape).replace("f32", kind) for kind in (x, y))
    tw, mw = (tensor(shape[:1]), "#r") if row else (tensor(shape), "#x")
    return f"""{MAPS}
func.func @main(%x: {tx}, %w: {tw}) -> {ty} attributes {{llvm.emit_c_interface}} {{
  %empty = tensor.empty() : {ty}
  %y = linalg.generic {{indexing_maps = [#x, {mw}, #x], iterator_types = ["parallel", "parallel"]}}
    ins(%x, %w : {tx}, {tw}) outs(%empty : {ty}) {{
  ^bb0(%a: {x}, %b: f32, %o: {y}):
    {body}
    linalg.yield %v : {y}
  }} -> {ty}
  return %y : {ty}
}}
"""


GELU = """%c0 = arith.constant 0.70710678 : f32
    %c1 = arith.constant 1.0 : f32
    %0 = arith.addf %a, %b : f32
    %1 = arith.mulf %0, %c0 : f32
    %2 = math.erf %1 : f32
    %3 = arith.addf %2, %c1 : f32
    %v = arith.mulf %0, %3 : f32"""
TANH = """%0 = arith.mulf %a, %b : f32
    %1 = math.tanh %0 : f32
    %v = arith.mulf %a, %1 : f32"""
EXP = """%0 = arith.subf %a, %b : f32
    %v = math.exp %0 : f32"""
ADD = """%c0 = arith.constant 0.0 : f32
    %0 = arith.addf %a, %b : f32
    %v = arith.maximumf %0, %c0 : f32"""
REQUANTIZE = """%low = arith.constant -128.0 : f32
    %high = arith.constant 127.0 : f32
    %0 = arith.sitofp %a : i32 to f32
    %1 = arith.mulf %0, %b : f32
    %2 = math.roundeven %1 : f32
    %3 = arith.maximumf %2, %low : f32
    %4 = arith.minimumf %3, %high : f32
    %v = arith.fptosi %4 : f32 to i8"""


def erf(x):
    return np.vectorize(math.erf)(x.astype(np.float64))


# name: (module, shapes of x, w and y, numpy). ViT's softmax and LayerNorm, the last pooling and an addition of ResNet-18, ...
LOOPS = {
    "sum-197x768": (reduced("arith.addf", "0.0", (197, 768)), (197, 768), (1,), (197,), lambda x, w: x.sum(1)),
    "sum-512x7x7": (reduced("arith.addf", "0.0", (512, 7, 7)), (512, 7, 7), (1,), (512,), lambda x, w: x.sum((1, 2))),
    "sum-2364x197": (reduced("arith.addf", "0.0", (2364, 197)), (2364, 197), (1,), (2364,), lambda x, w: x.sum(1)),
    "max-2364x197": (reduced("arith.maximumf", "0xFF800000", (2364, 197)), (2364, 197), (1,), (2364,), lambda x, w: x.max(1)),
    "exp-2364x197": (mapped(EXP, (2364, 197), row=True), (2364, 197), (2364,), (2364, 197),
                     lambda x, w: np.exp(x - w[:, None])),
    "gelu-197x3072": (mapped(GELU, (197, 3072)), (197, 3072), (197, 3072), (197, 3072),
                      lambda x, w: (x + w) * (1 + erf((x + w) * np.float32(0.70710678)))),
    "tanh-128x256": (mapped(TANH, (128, 256)), (128, 256), (128, 256), (128, 256), lambda x, w: x * np.tanh(x * w)),
    "add-relu-64x3136": (mapped(ADD, (64, 3136)), (64, 3136), (64, 3136), (64, 3136), lambda x, w: np.maximum(x + w, 0)),
    "requantize-64x3136": (mapped(REQUANTIZE, (64, 3136), row=True, x="i32", y="i8"), (64, 3136), (64,), (64, 3136),
                           lambda x, w: np.clip(np.rint(x.astype(np.float32) * w[:, None]), -128, 127)),
}
LOOP_VARIANTS = {
    "ours": ["--imc-vectorize-loops"],  # as in LoweringPipeline.cpp
    "upstream": ["--imc-vectorize-loops=all-elementwise"],
    "llvm": [],
}


def loop_passes(variant):
    return ["--imc-prepare-loops", *BUFFERIZE, *OUT, *LOOP_VARIANTS[variant], "--convert-linalg-to-loops", "--imc-legalize-scalars",
            *TO_LLVM[:-5], "--convert-math-to-llvm", "--convert-math-to-libm", *TO_LLVM[-5:]]


def compare_loops(names, runs):
    """Prints the rows of LOOPS; whether ours is wrong."""
    random = np.random.default_rng(0)
    failed = False
    print("| op | variant | passes s | LLVM s | run us | ratio to llvm | largest error / std |\n|---|---|---|---|---|---|---|")
    for name in names:
        text, *dims, numpy = LOOPS[name]
        x, w = (random.standard_normal(shape, dtype=np.float32) for shape in dims[:2])
        kind = np.int8 if "i8" in text else np.float32
        if kind == np.int8:
            x = random.integers(-20000, 20000, dims[0], dtype=np.int32)
            w = np.abs(w) / 100
        want = numpy(x, w)
        with tempfile.TemporaryDirectory() as temporary:
            built = {}
            for variant in LOOP_VARIANTS:
                folder = pathlib.Path(temporary) / variant
                folder.mkdir()
                built[variant] = build_text(text, IMC / "imc-opt", loop_passes(variant), folder)
            times, error = {variant: [] for variant in built}, {}
            for run in range(runs + 1):
                for variant, (library, _, _) in built.items():
                    y = np.zeros(dims[2], dtype=kind)
                    arguments = [ctypes.byref(descriptor(array)) for array in (x, w, y)]
                    start = time.process_time()
                    library._mlir_ciface_main(*arguments)
                    seconds = time.process_time() - start
                    if run:
                        times[variant].append(seconds)
                    else:
                        error[variant] = float(np.max(np.abs(y - want)) / np.std(want))
            medians = {variant: statistics.median(seconds) for variant, seconds in times.items()}
            for variant, (_, spent, llvm) in built.items():
                failed |= not error[variant] < 1e-5
                print(f"| {name} | {variant} | {spent:.2f} | {llvm:.2f} | {1e6 * medians[variant]:.1f} | "
                      f"{medians[variant] / medians['llvm']:.2f} | {error[variant]:.1e} |", flush=True)
    return failed


def limit():
    """A set of patterns that does not reach a fixed point must not take the machine."""
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))


def child(command):
    """CPU seconds of a command that must succeed within 30 s and 1 GiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, preexec_fn=limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: exit {done.returncode}: {done.stderr[:600]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Descriptor(ctypes.Structure):
    """A memref of up to four dimensions; the strides follow the sizes that there are."""
    _fields_ = [("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p), ("offset", ctypes.c_int64),
                ("rest", ctypes.c_int64 * 8)]


def descriptor(array):
    rest = [*array.shape, *(stride // array.itemsize for stride in array.strides)]
    return Descriptor(array.ctypes.data, array.ctypes.data, 0, (ctypes.c_int64 * 8)(*rest, *[0] * (8 - len(rest))))


def build(layer, variant, folder, text=None):
    """(library, CPU seconds of passes, CPU seconds of LLVM); `text` replaces the module of the layer."""
    folder = folder / variant
    folder.mkdir(exist_ok=True)
    library = folder / "script.mlir"
    if variant in SCRIPTED:
        library.write_text(script(layer, variant))
    tool = IMC / "imc-opt" if variant == "ours" else MLIR / "mlir-opt"
    return build_text(text or payload(layer, variant), tool, passes(variant, library), folder)


def build_text(text, tool, passes, folder):
    source, lowered, code, shared = (folder / name for name in ("payload.mlir", "llvm.mlir", "code.ll", "code.so"))
    source.write_text(text)
    spent = child([tool, source, *passes, "-o", lowered])
    llvm = child([MLIR / "mlir-translate", "--mlir-to-llvmir", lowered, "-o", code])
    llvm += child([MLIR / "clang", "-O3", "-march=native", "-fPIC", "-shared", "-Wno-override-module", code, "-o", shared])
    return ctypes.CDLL(str(shared)), spent, llvm


def reference(layer, x, w):
    if len(layer) == 3:
        return x @ w
    kernel, stride = layer[3:]
    windows = np.lib.stride_tricks.sliding_window_view(x[0], (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("chwij,fcij->fhw", windows, w, optimize=True)[None]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--keep", type=pathlib.Path, help="keep the intermediate files in this folder")
    parser.add_argument("--products", type=int, help="only compile a module of this many products of different shapes")
    parser.add_argument("--loops", nargs="*", choices=LOOPS, help="compare reductions and elementwise ops instead of products")
    options = parser.parse_args()
    if options.loops is not None:
        return int(compare_loops(options.loops or LOOPS, options.runs))
    if options.products:
        for variant in ("ours", "tiled"):
            with tempfile.TemporaryDirectory() as temporary:
                _, spent, llvm = build(LAYERS["matmul-128x512x1000"], variant, pathlib.Path(temporary),
                                       products(options.products))
            print(f"{options.products} products, {variant}: passes {spent:.2f} s, LLVM {llvm:.2f} s")
        return 0
    random = np.random.default_rng(0)
    failed = False
    print("| layer | variant | passes s | LLVM s | run ms | GFLOP/s | ratio to ours |\n|---|---|---|---|---|---|---|")
    for name in options.layers:
        layer = LAYERS[name]
        in_shape, weight_shape, out_shape = shapes(layer)
        x, w = (random.standard_normal(shape, dtype=np.float32) for shape in (in_shape, weight_shape))
        expected = reference(layer, x, w)
        work = 2 * np.prod(out_shape) * np.prod(weight_shape[1:] if len(layer) != 3 else weight_shape[:1])
        built = {}
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep / name if options.keep else pathlib.Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            for variant in options.variants:
                if variant in ("img2col", "direct", "contract") and (len(layer) == 3 or variant == "contract" and layer[4] != 1):
                    continue  # no convolution, or windows that are no product
                try:
                    built[variant] = build(layer, variant, folder)
                except RuntimeError as error:
                    print(f"{name} {variant}: {error}", file=sys.stderr)
                    print(f"| {name} | {variant} | fails | | | | |")
                    failed |= variant == "ours"
        wrong = set()
        times = {variant: [] for variant in built}
        for run in range(options.runs + 1):  # the first one warms up
            for variant, (library, _, _) in built.items():
                y = np.full(out_shape, np.nan, dtype=np.float32)
                arguments = [ctypes.byref(descriptor(array)) for array in (x, w, y)]
                start = time.process_time()
                library._mlir_ciface_main(*arguments)
                seconds = time.process_time() - start
                if run:
                    times[variant].append(seconds)
                elif not np.allclose(y, expected, rtol=1e-3, atol=1e-3):
                    print(f"{name} {variant}: wrong, largest difference {np.nanmax(abs(y - expected)):.3g}", file=sys.stderr)
                    failed |= variant == "ours"
                    wrong.add(variant)
        medians = {variant: statistics.median(seconds) for variant, seconds in times.items()}
        for variant, (_, spent, llvm) in built.items():
            if variant in wrong:
                print(f"| {name} | {variant} | {spent:.2f} | {llvm:.2f} | wrong result | | |", flush=True)
                continue
            ratio = f"{medians[variant] / medians['ours']:.2f}" if "ours" in medians else ""
            print(f"| {name} | {variant} | {spent:.2f} | {llvm:.2f} | {1e3 * medians[variant]:.3f} | "
                  f"{work / medians[variant] / 1e9:.1f} | {ratio} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
