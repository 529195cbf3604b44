"""Runs cases through imc-batch and compares outputs with what they should be."""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("IMC_BIN", ROOT / "build" / "bin"))


@dataclasses.dataclass
class Result:
    id: str
    status: str  # "pass", "wrong", "refused", "crash" or "timeout"
    reason: str = ""  # of one line
    seconds: float = 0.0


def run_batch(jobs, timeout=60, processes=None, memory=4096, import_only=False):
    """Runs jobs (dictionaries of imc-batch); returns {id: result line}."""
    processes = processes or min(os.cpu_count() or 1, 4)
    command = [str(BIN / "imc-batch"), "--jobs", str(processes), "--timeout", str(timeout), "--memory", str(memory)]
    if import_only:
        command.append("--import-only")
    done = subprocess.run(command, input="".join(json.dumps(job) + "\n" for job in jobs), capture_output=True,
                          text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if done.returncode != 0:
        raise RuntimeError(f"imc-batch: exit {done.returncode}\n{done.stderr}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    by_id = {result["id"]: result for result in results}
    if len(by_id) != len(jobs):
        raise RuntimeError(f"imc-batch: {len(by_id)} results of {len(jobs)} jobs")
    return by_id


def one_line(message, *paths):
    """The first error of a message, without what differs from run to run."""
    lines = [line for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line] or lines[:1]
    text = errors[0] if errors else ""
    for path in paths:
        text = text.replace(str(path), pathlib.Path(path).name)
    text = re.sub(r"/\S*/(\S+\.(onnx|npy|pb))", r"\1", text)
    # error: "node"("model.onnx":0:0): text
    text = re.sub(r'^error: ("[^"]*"\()?"[^"]*":\d+:\d+\)?: ', "", text)
    return re.sub(r"^error: ", "", text).strip()


def load_pb(path):
    """The array of a TensorProto file and its element type; None for what is no plain tensor."""
    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(pathlib.Path(path).read_bytes())
        return onnx.numpy_helper.to_array(tensor), tensor.data_type
    except Exception:  # a SequenceProto or OptionalProto under the same extension
        return None, None


_T = onnx.TensorProto
IMC_TYPES = {_T.FLOAT: "f32", _T.FLOAT16: "f16", _T.BFLOAT16: "bf16", _T.DOUBLE: "f64", _T.INT8: "i8", _T.UINT8: "u8",
             _T.INT16: "i16", _T.UINT16: "u16", _T.INT32: "i32", _T.UINT32: "u32", _T.INT64: "i64", _T.UINT64: "u64",
             _T.BOOL: "bool", _T.INT4: "i8", _T.UINT4: "u8", _T.INT2: "i8", _T.UINT2: "u8"}


def difference(got, want, rtol, atol):
    """None when `got` is `want` within the tolerances, else one line. Integers must be equal."""
    if got.shape != want.shape:
        return f"shape {list(got.shape)}, expected {list(want.shape)}"
    if want.size == 0:
        return None
    exact = want.dtype.kind in "iub" or want.dtype.name.startswith(("int", "uint"))
    if exact:
        bad = got.astype(numpy.int64) != want.astype(numpy.int64) if want.dtype != numpy.uint64 \
            else got.astype(numpy.uint64) != want
        if not bad.any():
            return None
        distance = numpy.abs(got.astype(numpy.float64) - want.astype(numpy.float64)).max()
        return f"{int(bad.sum())} of {want.size} elements differ, by up to {distance:.6g}"
    g, w = got.astype(numpy.float64), want.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", over="ignore"):
        bad = ~numpy.isclose(g, w, rtol=rtol, atol=atol, equal_nan=True)
        if not bad.any():
            return None
        distance = numpy.abs(g - w)[bad]
    finite = distance[numpy.isfinite(distance)]
    return (f"{int(bad.sum())} of {want.size} elements differ, by up to "
            f"{finite.max() if finite.size else numpy.inf:.3g}")


def _compare(case, line, folder):
    types = [output["type"] for output in line["outputs"]]
    if len(types) != case.outputs:
        return f"{len(types)} outputs, expected {case.outputs}"
    data = pathlib.Path(case.folder)
    data = data if case.kind == "node" else data / "test_data_set_0"
    for i in range(case.outputs):
        want, element = load_pb(data / f"output_{i}.pb")
        if want is None or element not in IMC_TYPES:
            return f"output {i}: the expected value is no tensor of numbers"
        if types[i] != IMC_TYPES[element]:
            return f"output {i} is {types[i]}, expected {IMC_TYPES[element]}"
        got = numpy.load(folder / f"output_{i}.npy")
        text = difference(got, want, case.rtol, case.atol)
        if text:
            return f"output {i}: {text}"
    return None


def run_cases(cases, timeout=60, processes=None):
    """{id: Result} of node and pytorch cases (compiled, run, compared) and light models (imported, shapes compared)."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="imc-conformance-"))
    try:
        jobs, light = [], []
        for case in cases:
            if case.kind == "light":
                light.append({"id": case.id, "model": case.folder})
                continue
            data = pathlib.Path(case.folder)
            values = data if case.kind == "node" else data / "test_data_set_0"
            jobs.append({"id": case.id, "model": str(data / "model.onnx"),
                         "inputs": [str(values / f"input_{i}.pb") for i in range(case.inputs)],
                         "outputs": str(scratch / case.id)})
        lines = run_batch(jobs, timeout, processes) if jobs else {}
        if light:
            lines.update(run_batch(light, timeout, processes, import_only=True))
        results = {}
        for case in cases:
            line = lines[case.id]
            status, reason = line["status"], one_line(line["message"], case.folder)
            if status == "ok" and case.kind == "light":
                want = load_pb(case.folder.replace(".onnx", "_output_0.pb"))[0]
                got = [output["shape"] for output in line["outputs"]]
                status, reason = ("pass", "") if got == [list(want.shape)] else \
                    ("wrong", f"shapes {got}, expected {[list(want.shape)]}")
            elif status == "ok":
                text = _compare(case, line, scratch / case.id)
                status, reason = ("wrong", text) if text else ("pass", "")
            results[case.id] = Result(case.id, status, reason, line["seconds"])
        return results
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
