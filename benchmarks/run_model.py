"""Runs a model compiled by imc beside onnxruntime on one thread, and prints the ratio.

Each side is a process of its own, so that its peak memory is its own; times are those of one inference, the median of
--runs. Compiling (imc) and loading (onnxruntime) are listed apart. Needs `pip install -r scripts/requirements.txt`.

  python benchmarks/run_model.py MODEL.onnx --shape input=1x3x224x224
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMC = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin")) / "imc"


def onnxruntime_side(model, folder, runs):
    """The child process of the reference: prints one JSON line."""
    import statistics
    import time

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    load = time.perf_counter() - start
    feeds = {port.name: np.load(folder / f"input_{i}.npy") for i, port in enumerate(session.get_inputs())}
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        outputs = session.run(None, feeds)
        seconds.append(time.perf_counter() - start)
    for i, output in enumerate(outputs):
        np.save(folder / f"reference_{i}.npy", output)
    print(json.dumps({"load": load, "median": statistics.median(seconds), "version": onnxruntime.__version__}))


def measure(command, environment=None):
    """(standard output, peak resident bytes) of a child process."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {process.returncode}")
    return text, usage.ru_maxrss * 1024


def make_inputs(model, shapes, folder):
    """Random inputs (seed 0): normal numbers, integers 0 or 1."""
    import onnx

    graph = onnx.load(model, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    random = np.random.default_rng(0)
    for i, port in enumerate(p for p in graph.input if p.name not in constants):
        kind = onnx.helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
        extents = [dim.dim_value for dim in port.type.tensor_type.shape.dim]
        if port.name in shapes:
            extents = [int(extent) for extent in shapes[port.name].split("x")]
        if not all(extent > 0 for extent in extents):
            sys.exit(f"input '{port.name}' has a symbolic shape; give --shape {port.name}=...")
        if np.issubdtype(kind, np.floating):
            array = random.standard_normal(extents).astype(kind)
        else:
            array = random.integers(0, 2, extents).astype(kind)
        np.save(folder / f"input_{i}.npy", array)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, nargs="+")
    parser.add_argument("--shape", action="append", default=[], metavar="INPUT=1x3x224x224")
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--side", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        return onnxruntime_side(options.model[0], options.side, options.runs)

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    print("model, ours: compile s, run s, peak MB; onnxruntime: load s, run s, peak MB; ratio of runs; "
          "largest difference / standard deviation")
    for model in options.model:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_inputs(model, dict(shape.split("=", 1) for shape in options.shape), folder)
            text, peak = measure([IMC, "run", model, "--input", folder, "--output", folder / "out", "--repeat",
                                  str(options.runs), *(f"--shape={shape}" for shape in options.shape)], environment)
            times = re.search(r"in ([\d.]+) s; \d+ runs, median ([\d.]+) s", text)
            compile_seconds, ours = map(float, times.groups())
            text, reference_peak = measure([sys.executable, __file__, model, "--side", folder, "--runs",
                                            str(options.runs)], environment)
            reference = json.loads(text.splitlines()[-1])
            worst = 0.0
            for i in range(len(list((folder / "out").glob("output_*.npy")))):
                want = np.load(folder / f"reference_{i}.npy").astype(np.float64)
                got = np.load(folder / "out" / f"output_{i}.npy").astype(np.float64)
                worst = max(worst, float(np.max(np.abs(got - want)) / (want.std() or 1)))
            print(f"{model.stem}, ours: {compile_seconds:.2f}, {ours:.4f}, {peak / 1e6:.0f}; "
                  f"onnxruntime {reference['version']}: {reference['load']:.2f}, {reference['median']:.4f}, "
                  f"{reference_peak / 1e6:.0f}; {ours / reference['median']:.2f}; {worst:.1e}", flush=True)


if __name__ == "__main__":
    main()
