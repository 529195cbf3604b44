"""Small runs of the differential fuzzers, and tests of their judgement. Large runs: docs/howto/fuzz-models.md."""
import sys

import numpy
import onnx
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "test" / "conformance"))
import fuzz  # noqa: E402
from generators import builder, integers  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


@pytest.mark.parametrize("what, count", [("ops", 60), ("elementwise", 80), ("moves", 60), ("models", 40), ("integers", 100)])
def test_random_models_agree(what, count, capsys, tmp_path):
    runner = fuzz.Runner(what, fuzz.parse([what, "--count", str(count), "--seed", "20261121", "--save", str(tmp_path)]))
    runner.run()
    text = capsys.readouterr().out
    assert sum(runner.counts[v] for v in fuzz.FAILURES) == 0, text
    assert runner.counts["pass"] > count / 2, text


def test_a_sample_is_a_function_of_seed_and_index():
    for what in ("ops", "elementwise", "moves", "models", "integers"):
        runner = fuzz.Runner(what, fuzz.parse([what, "--seed", "7"]))
        first, second = runner.sample(3), runner.sample(3)
        assert first.model.SerializeToString() == second.model.SerializeToString()
        assert all((a == b).all() for a, b in zip(first.inputs.values(), second.inputs.values(), strict=True))
        assert first.model.SerializeToString() != runner.sample(4).model.SerializeToString()


def _relu(factor):
    """relu(x * factor)."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "f"], ["m"], name="mul"), helper.make_node("Relu", ["m"], ["y"], name="relu")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])],
        [numpy_helper.from_array(numpy.float32(factor), "f")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_wrong_values_are_found_and_cut_down(tmp_path, capsys):
    """Runs one model and judges it by the outputs of another: the product is wrong, not the Relu after it."""
    x = {"x": numpy.array([1, -2, 3, -4], numpy.float32)}
    runner = fuzz.Runner("models", fuzz.parse(["models", "--save", str(tmp_path / "failures"), "--count", "1"]))
    runner.sample = lambda index: builder.Sample("test", _relu(2), x)
    right = runner.references

    def off_by_a_little(sample):
        return [value * numpy.float32(1.001) for value in right(sample)]

    runner.references = off_by_a_little
    fuzz.run_reference, kept = lambda model, inputs: None, fuzz.run_reference
    try:
        assert runner.run() == 1
    finally:
        fuzz.run_reference = kept
    assert runner.counts["wrong"] == 1
    small = onnx.load(tmp_path / "failures" / "models-1-0" / "small" / "model.onnx")
    assert [node.name for node in small.graph.node] == ["mul"]
    assert "1 models: 0 pass, 1 wrong" in capsys.readouterr().out


def test_float_tolerance():
    want = numpy.linspace(-1, 1, 100, dtype=numpy.float32)
    assert fuzz.float_difference(want + numpy.float32(2e-5), want) is None
    assert fuzz.float_difference(want + numpy.float32(2e-4), want).startswith("100 of 100")
    nan = numpy.array([numpy.nan, numpy.inf], numpy.float32)
    assert fuzz.float_difference(nan, nan) is None
    assert fuzz.float_difference(nan[::-1], nan) is not None


def test_only_near_ties_are_explained():
    """One layer whose exact quotients are 0.5 (a tie) and 0.75 (none)."""
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["r"]),
         helper.make_node("MatMul", ["r", "w"], ["m"]),
         helper.make_node("QuantizeLinear", ["m", "t", "z"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.INT8, [1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.INT8, [1, 2])],
        [numpy_helper.from_array(v, n) for n, v in
         (("s", numpy.float32(0.1)), ("t", numpy.float32(0.2)), ("z", numpy.int8(0)),
          ("w", numpy.array([[1, 1.5]], numpy.float32)))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=9)
    sample = builder.Sample("test", model, {"x": numpy.array([[1]], numpy.int8)}, {"terms": 1})
    want = numpy.array([[0, 1]], numpy.int8)
    assert integers.explained(sample, 0, numpy.array([[1, 1]], numpy.int8), want)
    assert not integers.explained(sample, 0, numpy.array([[0, 0]], numpy.int8), want)
    assert not integers.explained(sample, 0, numpy.array([[2, 1]], numpy.int8), want)
    sample.rounding = {}
    assert not integers.explained(sample, 0, numpy.array([[1, 1]], numpy.int8), want)
