#!/usr/bin/env python3
"""Runs whole networks with `imc run` and compares them with stored outputs of onnxruntime.

  check_models.py MODELS [NAME...] [--work DIR]

MODELS is the folder with the networks: `*.onnx` whose weights tools/structural.py fills in, trained-small/*.onnx with
their weights, and refs/*.npz. For each network one line: max|difference| over the standard deviation of the reference
(the bound is 1e-4), equal argmax, seconds, and peak resident memory against the bytes of the weights. Exit 1 if one
misses the bound. Filled-in weights need disk: 1.6 GB for the largest network, removed after its turn.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin"))
BOUND = 1e-4
IMAGES = 20  # of the glyphs


def inputs_of(models, name, refs):
    """The inputs in graph order and the symbol bindings."""
    given = {key[3:]: refs[key] for key in refs if key.startswith("in:")}
    if given:
        count = next(iter(given.values())).shape[0]
        return list(given.values()), [f"N={count}"] if name.endswith("_N") else []
    if name.startswith("glyphs"):
        count = IMAGES if name.endswith("_N") else 1
        x = np.load(models / "refs" / "glyphs_test500.npz")["x"][:count, None].astype(np.float32) / np.float32(255)
        return [x], [f"N={count}"] if name.endswith("_N") else []
    return [np.load(models / "refs" / "input_1x3x224x224.npz")["input"]], []


def expected(refs, outputs):
    """Pairs (what we computed, what onnxruntime did) per stored output."""
    names = [key.split(":", 1)[1] for key in refs if key.startswith(("out:", "sample:"))]
    for name, got in zip(names, outputs):
        if f"out:{name}" in refs:
            yield got, refs[f"out:{name}"][: got.shape[0]]
        else:
            yield got.reshape(-1)[:: int(refs[f"step:{name}"])], refs[f"sample:{name}"]


def check(models, name, work):
    refs = dict(np.load(models / "refs" / f"{name}.npz"))
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    try:
        structural = models / f"{name}.onnx"
        if structural.exists():
            subprocess.run([sys.executable, models / "tools" / "structural.py", "hydrate", structural, folder],
                           check=True, capture_output=True)
            model = folder / f"{name}.onnx"
            weights = sum(file.stat().st_size for file in folder.glob("*.weights"))
        else:
            model = models / "trained-small" / f"{name}.onnx"
            weights = model.stat().st_size
        arrays, bindings = inputs_of(models, name, refs)
        for i, array in enumerate(arrays):
            np.save(folder / f"input_{i}.npy", array)
        command = [BIN / "imc", "run", model, "--output", folder / "out"]
        for i in range(len(arrays)):
            command += ["--input", folder / f"input_{i}.npy"]
        for binding in bindings:
            command += ["--shape", binding]
        start = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        message = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        if status != 0:
            print(f"{name:26} FAILED: {message.strip().splitlines()[0] if message.strip() else f'status {status}'}")
            return False
        outputs = [np.load(folder / "out" / f"output_{i}.npy") for i in range(len(list((folder / "out").iterdir())))]
        ok = True
        for got, want in expected(refs, outputs):
            worst = float(np.abs(got - want).max() / want.std())
            # Of a sampled output, the classes are not all there.
            argmax = want.ndim < 2 or bool((got.argmax(-1) == want.argmax(-1)).all())
            ok = ok and worst <= BOUND and argmax
            print(f"{name:26} {worst:9.2e}  argmax {'equal' if argmax else 'DIFFERS'}  {seconds:6.1f} s  "
                  f"peak {usage.ru_maxrss / 1024:7.0f} MB  weights {weights / 1e6:7.1f} MB", flush=True)
        return ok
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--work", default=None, help="folder for filled-in weights")
    arguments = parser.parse_args()
    models = arguments.models
    names = arguments.names or sorted(file.stem for folder in (models, models / "trained-small")
                                      for file in folder.glob("*.onnx"))
    failures = [name for name in names if not check(models, name, arguments.work)]
    print(f"{len(names) - len(failures)} of {len(names)} networks within {BOUND:g}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
