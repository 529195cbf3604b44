#!/usr/bin/env python3
"""Compares random models with onnxruntime and the ONNX reference evaluator.

  fuzz.py ops|elementwise|moves|models|integers --count N --seed S [--first I] [--save FOLDER] [--jobs N] [--at PHASE --target MACHINE]
  fuzz.py files --folder FOLDER ...

Sample i of seed S is the same whatever else runs: `--first I --count 1` repeats it.

- ops: one node each (convolutions, products, pooling, normalization) against onnxruntime, graph optimizations off.
  Where onnxruntime rejects a model or differs, the reference evaluator of the onnx package decides; models that neither
  runs are skipped and counted.
- elementwise: one node each of the other families (element by element, reductions, selections) in all types.
- models: whole float models, the same way.
- files: the .onnx files of a folder on random inputs, the same way.
- integers: quantized models, bit-equal to the reference evaluator; elements in which onnxruntime differs are counted.

A float output passes when |got - want| <= 1e-4 * std(want) + 1e-5 * |want| + 1e-6 at every element (float16: 4e-3 *
|want| + 1e-3 instead of the last two), or when it is no farther from one of the two references than four times their own
distance. A failure is saved as model, inputs and text, cut down to the first node that goes wrong. The last line is a
summary; exit status 1 if a model was wrong, crashed or took too long.
"""
import argparse
import collections
import importlib
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402
import numpy  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from generators import builder, integers  # noqa: E402

onnxruntime.set_default_logger_severity(4)
FAILURES = ("wrong", "crash", "timeout", "refused")


def run_onnxruntime(model, inputs):
    """Outputs, or None where onnxruntime rejects the model."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, inputs)
    except Exception:  # onnxruntime's exceptions have no common base of their own
        return None


def run_reference(model, inputs):
    """Outputs of the ONNX reference evaluator, or None where it fails."""
    from onnx.reference import ReferenceEvaluator
    try:
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return [numpy.asarray(v) for v in ReferenceEvaluator(model).run(None, inputs)]
    except Exception:  # Python code of many authors
        return None


def in_float32(model, inputs):
    """The same with float32 in the place of float64."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in [*copy.graph.input, *copy.graph.output]:
        if value.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for tensor in copy.graph.initializer:
        if tensor.data_type == onnx.TensorProto.DOUBLE:
            values = onnx.numpy_helper.to_array(tensor).astype(numpy.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return copy, {name: v.astype(numpy.float32) if v.dtype == numpy.float64 else v for name, v in inputs.items()}


def float_difference(got, want, allowance=0.0):
    """None, or how two outputs differ; see the tolerance above."""
    if got.shape != want.shape:
        return f"shape {list(got.shape)}, expected {list(want.shape)}"
    if want.dtype.kind != "f":
        bad = got != want
        return f"{int(bad.sum())} of {want.size} elements differ" if bad.any() else None
    g, w = got.astype(numpy.float64), want.astype(numpy.float64)
    finite = w[numpy.isfinite(w)]
    with numpy.errstate(invalid="ignore"):
        relative, absolute = (4e-3, 1e-3) if want.dtype == numpy.float16 else (1e-5, 1e-6)
        limit = 1e-4 * (finite.std() if finite.size else 0) + relative * numpy.abs(w) + absolute + allowance
        bad = ~((numpy.abs(g - w) <= limit) | (g == w) | (numpy.isnan(g) & numpy.isnan(w)))
        if not bad.any():
            return None
        return (f"{int(bad.sum())} of {want.size} elements differ, by up to {numpy.abs(g - w)[bad].max():.3g} "
                f"(std {finite.std() if finite.size else 0:.3g})")


def _distance(a, b):
    """Largest distance of two sets of outputs where both are finite."""
    largest = 0.0
    for x, y in zip(a, b, strict=True):
        if x.dtype.kind == "f" and x.shape == y.shape:
            d = numpy.abs(x.astype(numpy.float64) - y.astype(numpy.float64))
            d = d[numpy.isfinite(d)]
            largest = max(largest, d.max(initial=0))
    return largest


def judge_float(got, model, inputs, want):
    """(verdict, text) for outputs `got`; `want` is onnxruntime's or None."""
    texts = []
    if want is not None:
        texts = [f"output {i}: {t}" for i, (g, w) in enumerate(zip(got, want, strict=True))
                 if (t := float_difference(g, w))]
        if not texts:
            return "pass", ""
    second = run_reference(model, inputs)
    if second is None or [s.shape for s in second] != [g.shape for g in got] and want is not None:
        return ("wrong", texts[0]) if texts else ("skipped", "neither reference runs the model")
    allowance = 4 * _distance(want, second) if want is not None else 0.0
    if any(float_difference(g, s) for g, s in zip(got, second, strict=True)):
        if want is None:
            # The evaluator's AveragePool leaves out windows that begin in padding; onnxruntime has kernels for float32.
            third = run_onnxruntime(*in_float32(model, inputs))
            if third is not None and not any(float_difference(g.astype(t.dtype), t) for g, t in zip(got, third, strict=True)):
                return "pass", ""
            text = next(t for g, s in zip(got, second, strict=True) if (t := float_difference(g, s)))
            return "wrong", f"reference evaluator: {text}"
        # Both differ: right only if the references are themselves far from each other by rounding.
        std = max((w.std() for w in want if w.dtype.kind == "f" and w.size), default=0)
        if allowance < 1e-2 * std and not any(float_difference(g, w, allowance) for g, w in zip(got, want, strict=True)):
            return "pass", ""
        return "wrong", texts[0]
    return ("reference" if want is not None else "pass"), texts[0] if texts else ""


def judge_integer(got, sample, want):
    """(verdict, text) for outputs that must be those of the reference evaluator, bit by bit."""
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        text = harness.difference(g, w, 0, 0)
        if text and not integers.explained(sample, i, g, w):
            return "wrong", f"output {i}: {text}"
        if text:
            return "near tie", text
    return "pass", ""


class Runner:
    def __init__(self, what, options):
        self.what, self.options = what, options
        if what == "files":
            self.files = sorted(pathlib.Path(options.folder).glob("*.onnx"))
            options.count = min(options.count, len(self.files) - options.first)
        else:
            self.generate = importlib.import_module(f"generators.{what}").generate
        self.counts, self.kinds = collections.Counter(), collections.defaultdict(collections.Counter)
        self.reasons = collections.Counter()
        self.units = self.elements = 0
        self.save = pathlib.Path(options.save) if options.save else None

    def sample(self, index):
        rng = numpy.random.default_rng([self.options.seed, index])
        if self.what != "files":
            return self.generate(rng)
        model = onnx.load(self.files[index])
        return builder.Sample(self.files[index].stem, model, builder.random_inputs(rng, model))

    def write(self, sample, folder):
        """Files of a sample; returns what a job needs of them."""
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(sample.model, folder / "model.onnx")
        paths = []
        for i, value in enumerate(sample.inputs.values()):
            paths.append(str(folder / f"input_{i}.pb"))
            pathlib.Path(paths[-1]).write_bytes(onnx.numpy_helper.from_array(value).SerializeToString())
        return {"model": str(folder / "model.onnx"), "inputs": paths, "outputs": str(folder / "out"),
                "at": self.options.at, "target": self.options.target}

    def references(self, sample):
        """What outputs should be; None: no reference runs the model."""
        if self.what == "integers":
            return run_reference(integers.for_reference(sample.model), sample.inputs)
        return run_onnxruntime(sample.model, sample.inputs)

    def judge(self, sample, line, folder, want):
        if line["status"] != "ok":
            return line["status"], harness.one_line(line["message"], folder)
        got = [numpy.load(folder / "out" / f"output_{i}.npy") for i in range(len(line["outputs"]))]
        if self.what == "integers":
            if want is None:
                return "skipped", "the reference evaluator fails"
            self.count_units(sample, got)
            return judge_integer(got, sample, want)
        return judge_float(got, sample.model, sample.inputs, want)

    def count_units(self, sample, got):
        other = run_onnxruntime(sample.model, sample.inputs)
        if other is None:
            self.counts["onnxruntime rejects"] += 1
            return
        for g, o in zip(got, other, strict=True):
            self.elements += g.size
            self.units += int((g != o).sum())

    def chunk(self, indices, scratch):
        samples = {i: self.sample(i) for i in indices}
        jobs, wants = [], {}
        for i, sample in samples.items():
            wants[i] = self.references(sample)
            jobs.append({"id": str(i), **self.write(sample, scratch / str(i))})
        lines = harness.run_batch(jobs, self.options.timeout, self.options.jobs)
        for i, sample in samples.items():
            verdict, text = self.judge(sample, lines[str(i)], scratch / str(i), wants[i])
            if verdict == "refused" and wants[i] is None and self.what != "integers" \
                    and run_reference(sample.model, sample.inputs) is None:
                verdict, text = "skipped", "no reference runs the model"
            self.counts[verdict] += 1
            self.kinds[sample.kind][verdict] += 1
            if verdict in FAILURES:
                self.failed(i, sample, verdict, text, scratch)
            shutil.rmtree(scratch / str(i), ignore_errors=True)

    def failed(self, index, sample, verdict, text, scratch):
        if verdict != "refused":
            print(f"sample {index} ({sample.kind}): {verdict}: {text}", flush=True)
        # Names and sizes are the sample's own: what is left says why.
        reason = re.sub(r"\d+(x\d+)*", "#", re.sub(r"'[^']*\d+[^']*'", "'…'", text))[:160]
        self.reasons[verdict, sample.kind, reason] += 1
        if self.save is None or self.reasons[verdict, sample.kind, reason] > 3:
            return
        folder = self.save / f"{self.what}-{self.options.seed}-{index}"
        shutil.rmtree(folder, ignore_errors=True)
        self.write(sample, folder)
        (folder / "why.txt").write_text(f"{sample.kind}\n{verdict}: {text}\n")
        # A refusal names its node; the rest has to be looked for.
        if verdict != "refused" and len(sample.model.graph.node) > 1:
            self.cut_down(sample, verdict, folder, scratch)

    def cut_down(self, sample, verdict, folder, scratch):
        """Saves the first tensor that goes wrong with the nodes that make it, as folder/small."""
        full = builder.all_tensors_as_outputs(sample.model)
        parts, jobs = [], []
        for i, output in enumerate(full.graph.output):
            part = builder.up_to(full, [output])
            inputs = {value.name: sample.inputs[value.name] for value in part.graph.input}
            parts.append(builder.Sample(sample.kind, part, inputs, sample.rounding))
            jobs.append({"id": str(i), **self.write(parts[-1], scratch / "small" / str(i))})
        lines = harness.run_batch(jobs, self.options.timeout, self.options.jobs)
        for i, small in enumerate(parts):
            place = scratch / "small" / str(i)
            found, text = self.judge(small, lines[str(i)], place, self.references(small))
            if found == verdict:
                last = small.model.graph.node[-1]
                self.write(small, folder / "small")
                (folder / "small" / "why.txt").write_text(f"{verdict}: {text}\nlast node:\n{last}\n")
                print(f"  first at {last.op_type} '{last.name}': {text}", flush=True)
                break
        shutil.rmtree(scratch / "small", ignore_errors=True)

    def run(self):
        begin = time.time()
        first, count = self.options.first, self.options.count
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="imc-fuzz-"))
        try:
            for start in range(first, first + count, 100):
                self.chunk(range(start, min(start + 100, first + count)), scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if self.options.kinds:
            for kind, counts in sorted(self.kinds.items()):
                print(f"  {kind}: " + ", ".join(f"{n} {v}" for v, n in counts.most_common()))
        for (verdict, kind, text), n in self.reasons.most_common(40):
            print(f"  {n} x {verdict}: {kind}: {text}")
        parts = ", ".join(f"{self.counts[v]} {v}" for v in ("pass", *FAILURES))
        more = ", ".join(f"{n} {v}" for v, n in sorted(self.counts.items()) if v not in ("pass", *FAILURES))
        text = f"{self.what}, seed {self.options.seed}: {count} models: {parts}" + (f"; {more}" if more else "")
        if self.what == "integers":
            text += f"; {self.units} of {self.elements} elements differ from onnxruntime"
        print(f"{text}; {time.time() - begin:.0f} s")
        serious = FAILURES if self.options.strict else FAILURES[:3]
        return 1 if any(self.counts[v] for v in serious) else 0


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ops", "elementwise", "moves", "models", "integers", "files"])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="of `files`")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--save", help="folder for failing models")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--at", help="phase to execute, with integers: offloaded, quantized, tiled, ...")
    parser.add_argument("--target", help="machine, for phases with arrays")
    parser.add_argument("--strict", action="store_true", help="a refused model is a failure, too")
    parser.add_argument("--kinds", action="store_true", help="print counts by kind of model")
    options = parser.parse_args(arguments)
    if options.what == "files" and not options.folder:
        parser.error("files needs --folder")
    return options


if __name__ == "__main__":
    arguments = parse()
    sys.exit(Runner(arguments.what, arguments).run())
