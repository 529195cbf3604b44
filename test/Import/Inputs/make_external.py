"""Writes FOLDER/model/*.onnx, models y = x·w + b whose weights are external data in
different states: make_external.py FOLDER"""
import os
import pathlib
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto

folder = pathlib.Path(sys.argv[1])
model_folder = folder / "model"
(model_folder / "sub").mkdir(parents=True, exist_ok=True)
weights = np.arange(1, 9, dtype="<f4")  # w: 3x2 at byte 0, b: 2 at byte 24
(folder / "secret.bin").write_bytes(weights.tobytes())
(model_folder / "weights.bin").write_bytes(weights.tobytes())
(model_folder / "sub" / "weights.bin").write_bytes(weights.tobytes())
(model_folder / "short.bin").write_bytes(weights.tobytes()[:28])
(model_folder / "folder.bin").mkdir(exist_ok=True)
(model_folder / "link-out.bin").unlink(missing_ok=True)
os.symlink("../secret.bin", model_folder / "link-out.bin")
(model_folder / "link-in.bin").unlink(missing_ok=True)
os.symlink("weights.bin", model_folder / "link-in.bin")
(model_folder / "hard.bin").unlink(missing_ok=True)
os.link(folder / "secret.bin", model_folder / "hard.bin")
(model_folder / "fifo.bin").unlink(missing_ok=True)
os.mkfifo(model_folder / "fifo.bin")


def write(name, **entries):
    """Entries of w's external data; b's differ by the offset 24 and the length 8."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[4,3] x) => (float[4,2] y) { [gemm] y = Gemm (x, w, b) }')
    for tensor_name, dims, offset, length in (("w", [3, 2], 0, 24), ("b", [2], 24, 8)):
        tensor = model.graph.initializer.add(name=tensor_name, dims=dims, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        values = {"location": "weights.bin", "offset": offset, "length": length}
        values.update(entries)
        for key, value in values.items():
            tensor.external_data.add(key=key, value=str(value))
    (model_folder / f"{name}.onnx").write_bytes(model.SerializeToString())


write("good")
write("sub", location="sub/weights.bin")
write("link-in", location="link-in.bin")
write("absent", location="absent.bin")
write("absolute", location=str(folder / "secret.bin"))
write("upwards", location="../secret.bin")
write("upwards-inside", location="sub/../../secret.bin")
write("link-out", location="link-out.bin")
write("short", location="short.bin")
write("offset", offset=2**63)
write("offset-text", offset="-8")
write("length", length=20)
write("folder", location="folder.bin")
write("empty", location="")
write("hard", location="hard.bin")
write("fifo", location="fifo.bin")
