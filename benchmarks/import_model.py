#!/usr/bin/env python3
# Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Import of ONNX models, ours beside torch-mlir's ONNX importer: time and peak memory.

Both read the same file with its weights (structural models are hydrated into
--work first and removed afterwards) and give a verified module. Two figures:

  in process   file to verified module, in a process that is already set up
               (ours: build/benchmarks/import_model; torch-mlir: what its tool
               torch-mlir-import-onnx does up to m.verify(): load with external
               data, ONNX checker and shape inference, import)
  process      the command-line tools, text of the module to /dev/null

Each figure is the median of --repeats child processes, ours and theirs taking
turns. Peak memory is the child's maximum resident set.

  ninja -C build import_model imc
  python benchmarks/import_model.py --torch-mlir VENV ../shared/models/resnet50.onnx ../shared/models/gpt2_medium.onnx

VENV is a virtual environment with `torch-mlir` and `onnx` of requirements.txt;
it is made there (400 MB) if the folder does not exist. Needs onnx and numpy
itself, for hydrating.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AIM = 5.0

# What torch_mlir.tools.import_onnx does, with a clock.
THEIRS = """
import json, sys, time
import onnx
from torch_mlir.extras import onnx_importer
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.ir import Context
seconds = []
start = time.perf_counter()
model = onnx.load(sys.argv[1])
loaded = time.perf_counter()
try:
    onnx.checker.check_model(model)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
except ValueError:  # larger than protobuf can hold
    sys.exit("error: the model is too large for in-memory shape inference")
inferred = time.perf_counter()
context = Context()
torch_dialect.register_dialect(context)
info = onnx_importer.ModelInfo(model, config=onnx_importer.Config())
module = info.create_module(context=context).operation
importer = onnx_importer.NodeImporter.define_function(info.main_graph, module)
importer.import_all()
module.verify()
end = time.perf_counter()
print(json.dumps({"seconds": end - start, "load": loaded - start, "inference": inferred - loaded, "import": end - inferred}))
"""


def fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def child(command, stdout=subprocess.PIPE):
    """Runs a command alone; its output, seconds and peak memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=stdout, stderr=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        fail(f"{command[0]}: exit {process.returncode}\n{errors[-2000:]}")
    return output, seconds, usage.ru_maxrss / 1024


def hydrate(model, work):
    """A copy of the model with its weights beside it; their bytes."""
    import onnx
    source = onnx.load(model, load_external_data=False)
    external = [t for t in source.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    if external and any(p.key == "imc.hydrate" for p in source.metadata_props):
        tool = model.parent / "tools" / "structural.py"
        if not tool.exists():
            fail(f"{model} has no weights, and {tool}, which makes them, is missing")
        subprocess.run([sys.executable, tool, "hydrate", model, work], check=True, stdout=subprocess.DEVNULL)
        model = work / model.name
    weights = sum(f.stat().st_size for f in {model.with_suffix(".weights"), model} if f.exists())
    return model, weights


def make_environment(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        requirements = [line for line in (ROOT / "benchmarks" / "requirements.txt").read_text().splitlines()
                        if line.startswith(("torch-mlir", "onnx"))]
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True)
    return python


def measure(model, weights, arguments, python):
    build = arguments.build
    ours, theirs, our_process, their_process = [], [], [], []
    memory = {}
    parts = []
    for _ in range(arguments.repeats):
        output, _, peak = child([build / "benchmarks" / "import_model", model, 1])
        ours.append(json.loads(output)["seconds"][0])
        memory.setdefault("ours", []).append(peak)
        _, seconds, peak = child([build / "bin" / "imc", "import", model], subprocess.DEVNULL)
        our_process.append(seconds)
        memory.setdefault("our process", []).append(peak)
        if python is None:
            continue
        output, _, peak = child([python, "-c", THEIRS, model])
        parts.append(json.loads(output))
        theirs.append(parts[-1]["seconds"])
        memory.setdefault("theirs", []).append(peak)
        if not arguments.in_process:
            _, seconds, peak = child([python, "-m", "torch_mlir.tools.import_onnx", model, "-o", "/dev/null"])
            their_process.append(seconds)
            memory.setdefault("their process", []).append(peak)
    peaks = {name: max(values) for name, values in memory.items()}
    row = {"model": model.stem, "weights_mb": round(weights / 1e6, 1), "ours_s": statistics.median(ours),
           "our_process_s": statistics.median(our_process), "peak_mib": {k: round(v) for k, v in peaks.items()}}
    if theirs:
        row["theirs_s"] = statistics.median(theirs)
        row["their_parts_s"] = {k: round(statistics.median(p[k] for p in parts), 3) for k in ("load", "inference", "import")}
        row["ratio"] = row["theirs_s"] / row["ours_s"]
        row["ratio_to_import_alone"] = row["their_parts_s"]["import"] / row["ours_s"]
    if their_process:
        row["their_process_s"] = statistics.median(their_process)
        row["process_ratio"] = row["their_process_s"] / row["our_process_s"]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--torch-mlir", type=Path, help="virtual environment with torch-mlir; left out: ours alone")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--in-process", action="store_true", help="leave out torch-mlir's command-line tool")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "import_model")
    arguments = parser.parse_args()
    for program in ("benchmarks/import_model", "bin/imc"):
        if not (arguments.build / program).exists():
            fail(f"{arguments.build / program} is missing; build it with 'ninja -C {arguments.build} import_model imc'")
    python = make_environment(arguments.torch_mlir) if arguments.torch_mlir else None
    arguments.work.mkdir(parents=True, exist_ok=True)
    print("model            weights       ours    theirs   ratio     process: ours    theirs   ratio     peak memory: ours    theirs")
    try:
        for path in arguments.models:
            model, weights = hydrate(path.resolve(), arguments.work)
            row = measure(model, weights, arguments, python)
            peak = row["peak_mib"]
            print(f"{row['model']:14} {row['weights_mb']:7.0f} MB {row['ours_s']:8.3f} s {row.get('theirs_s', float('nan')):7.3f} s "
                  f"{row.get('ratio', float('nan')):7.1f} {row['our_process_s']:18.3f} s {row.get('their_process_s', float('nan')):7.3f} s "
                  f"{row.get('process_ratio', float('nan')):7.1f} {peak['ours']:19} MiB {peak.get('theirs', 0):6} MiB")
            print(json.dumps(row), file=sys.stderr)
            if "ratio" in row and row["ratio"] < AIM:
                print(f"  the aim, {AIM} times faster, is missed")
            shutil.rmtree(arguments.work)
            arguments.work.mkdir()
    finally:
        shutil.rmtree(arguments.work, ignore_errors=True)


if __name__ == "__main__":
    main()
