#!/usr/bin/env python3
"""Seeds for the importer's fuzzers: small right models, one per ONNX node test, and the repository's own.

  make_seeds.py OUT [--most BYTES]

ONNX's node tests feed every operand at run time; the importer wants shapes, axes and the like as
constants, so integer operands of rank 0 and 1 become initializers here. Without that most lowerings would
see nothing but refusals. Needs the `onnx` package of scripts/requirements.txt.
"""
import argparse
import pathlib

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

ROOT = pathlib.Path(__file__).resolve().parents[2]


def with_constants(model, inputs):
    """`model` with its small integer operands as initializers."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    for value, array in zip(model.graph.input, inputs):
        if not isinstance(array, np.ndarray) or array.ndim > 1 or array.dtype.kind not in "iufb" or array.size > 64:
            continue
        if array.dtype.kind == "f" and (array.ndim == 1 and array.size > 8):
            continue
        if len(graph.input) == 1:
            break  # something must be left to compute at run time
        graph.initializer.append(numpy_helper.from_array(array, value.name))
        graph.input.remove(next(i for i in graph.input if i.name == value.name))
    return fixed


def quantized(code, weight):
    """Codes between DequantizeLinear and QuantizeLinear, which the node tests have in nodes of their own only."""
    return onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 21]>
g (float[1,2,4,4] x) => ({code}[2,3] y)
  <float s = {{0.01}}, {code} z = {{3}}, {weight}[2,1,2,2] w = {{1, 2, 3, 4, 5, 6, 7, 8}}, float[2] ws = {{0.5, 0.25}}, {weight}[2] wz = {{0, 1}},
   int32[2] b = {{7, 8}}, float[2] bs = {{0.005, 0.0025}}, {weight}[4,3] v = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, {weight} vz = {{2}},
   int64[2] shape = {{2, 4}}> {{
  xq = QuantizeLinear (x, s, z)
  xd = DequantizeLinear (xq, s, z)
  wd = DequantizeLinear <axis = 0> (w, ws, wz)
  bd = DequantizeLinear <axis = 0> (b, bs)
  c = Conv <group = 2, strides = [1, 2]> (xd, wd, bd)
  r = Relu (c)
  rq = QuantizeLinear (r, s, z)
  rd = DequantizeLinear (rq, s, z)
  p = MaxPool <kernel_shape = [2, 1]> (rd)
  f = Reshape (p, shape)
  vd = DequantizeLinear (v, s, vz)
  m = MatMul (f, vd)
  y = QuantizeLinear (m, s, z)
}}""")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=150_000, help="leave out larger models")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    count = 0

    def write(name, data):
        nonlocal count
        if len(data) <= arguments.most:
            (arguments.out / f"{name}.onnx").write_bytes(data)
            count += 1

    for case in collect_testcases(None):
        model = case.model
        inputs = case.data_sets[0][0] if case.data_sets else []
        write(case.name, with_constants(model, inputs).SerializeToString())
    for code, weight in (("uint8", "int8"), ("uint16", "int16"), ("int16", "uint16"), ("uint16", "int8"), ("int8", "uint16")):
        write(f"quantized_{code}_{weight}", quantized(code, weight).SerializeToString())
    for path in sorted((ROOT / "models").rglob("*.onnx")):
        write(path.stem, path.read_bytes())
    print(f"{count} seeds in {arguments.out}")


if __name__ == "__main__":
    main()
