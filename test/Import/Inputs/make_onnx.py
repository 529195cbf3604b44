"""Writes the ONNX models of a test file: make_onnx.py FILE FOLDER

A section `#--- name` becomes FOLDER/name.onnx. Its text is ONNX's own syntax
(onnx.parser); without a header it gets IR version 8 and opset 17. Values declared
in <...> after the graph's signature without data become weights 1, 2, 3, ...
"""
import pathlib
import re
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import helper, numpy_helper

source, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
sections = re.split(r"^#--- +(\S+)\n", source.read_text(), flags=re.M)[1:]
for name, text in zip(sections[::2], sections[1::2]):
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if not text.lstrip().startswith("<"):
        text = '<ir_version: 8, opset_import: ["" : 17]>\n' + text
    model = onnx.parser.parse_model(text)
    graph = model.graph
    for value in graph.value_info:
        tensor = value.type.tensor_type
        shape = [d.dim_value for d in tensor.shape.dim]
        data = np.arange(1, int(np.prod(shape)) + 1).astype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        graph.initializer.append(numpy_helper.from_array(data.reshape(shape), value.name))
    del graph.value_info[:]
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
