"""Writes the tensors that a test file states in comments.

  tensors.py TEST FOLDER

`// INPUT f32 2x3: 1 2 3 4 5 6` becomes FOLDER/input_0.npy, the next one input_1.npy, and so on;
`// OUTPUT …` likewise output_0.npy. A scalar has the shape `-`.
"""
import pathlib
import re
import sys

import numpy as np

TYPES = {"f32": np.float32, "i8": np.int8, "u8": np.uint8, "i32": np.int32}

folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
counts = {"INPUT": 0, "OUTPUT": 0}
for kind, element, shape, values in re.findall(
        r"^// (INPUT|OUTPUT) (\w+) ([\dx-]+): (.*)$", pathlib.Path(sys.argv[1]).read_text(), re.M):
    extents = [] if shape == "-" else [int(extent) for extent in shape.split("x")]
    array = np.array([float(value) for value in values.split()]).astype(TYPES[element]).reshape(extents)
    np.save(folder / f"{kind.lower()}_{counts[kind]}.npy", array)
    counts[kind] += 1
assert all(counts.values()), f"{sys.argv[1]} states no INPUT or no OUTPUT"
