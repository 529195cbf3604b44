"""Reductions and functions that `imc-vectorize-loops` computes in vectors: limits, errors, and bits that do not depend on the batch."""
import math

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

TENSOR = onnx.TensorProto.FLOAT


def run_node(tool, folder, op, x, y_shape, **attributes):
    """The output of a model of one node on x."""
    folder.mkdir(parents=True)
    names = [name for name in attributes.pop("inputs", {})]
    constants = [onnx.numpy_helper.from_array(np.array([1], dtype=np.int64), name) for name in names]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, ["x", *names], ["y"], **attributes)], "g",
        [onnx.helper.make_tensor_value_info("x", TENSOR, x.shape)],
        [onnx.helper.make_tensor_value_info("y", TENSOR, y_shape)], constants)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]), folder / "m.onnx")
    np.save(folder / "input_0.npy", x)
    tool("imc", "run", folder / "m.onnx", "--input", folder, "--output", folder / "out")
    return np.load(folder / "out" / "output_0.npy")


SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, 1e-30, 88.7, 88.73, 100, 3e38, -87.3, -103.9, -104, -3e38, 9.1, -9.1, 1e-4, -0.5]


@pytest.mark.parametrize("op, function", [("Exp", np.exp), ("Tanh", np.tanh), ("Erf", np.vectorize(math.erf))])
def test_functions_are_exact_to_five_units_and_at_their_limits(tool, tmp_path, op, function):
    x = np.random.default_rng(0).uniform(-87, 88, 4099).astype(np.float32)
    x[1000:] = np.random.default_rng(1).standard_normal(3099)
    x[:len(SPECIAL)] = SPECIAL
    got = run_node(tool, tmp_path / "m", op, x[None], (1, 4099))[0]
    with np.errstate(all="ignore"):
        want = function(x.astype(np.float64))
        single = want.astype(np.float32)
    assert np.isnan(got[4]) and not np.isnan(np.delete(got, 4)).any()
    normal = np.isfinite(single) & (np.abs(want) >= 2.0**-126)
    units = np.abs(got[normal] - want[normal]) / np.spacing(np.abs(single[normal]))
    assert units.max() < 5
    assert np.array_equal(got[np.isinf(single)], single[np.isinf(single)])
    small = np.abs(want) < 2.0**-126
    assert np.abs(got[small] - want[small]).max() < 2.0**-126


@pytest.mark.parametrize("length", [31, 32, 33, 64, 197, 768])
def test_rows_are_summed_in_the_documented_order(tool, tmp_path, length):
    x = np.random.default_rng(length).standard_normal((3, length)).astype(np.float32)
    got = run_node(tool, tmp_path / "m", "ReduceSum", x, (3, 1), inputs=["axes"])
    for row, result in zip(x, got[:, 0]):
        total, rest = np.float32(0), row
        if length >= 32:
            main = length - length % 16
            sums = np.zeros(16, dtype=np.float32)
            for part in row[:main].reshape(-1, 16):
                sums = sums + part
            few = np.zeros(4, dtype=np.float32)
            for part in sums.reshape(-1, 4):
                few = few + part
            for part in few:
                total = total + part
            rest = row[main:]
        for element in rest:
            total = total + element
        assert result == total


def test_a_maximum_with_nan_is_nan(tool, tmp_path):
    x = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)
    x[1, 20], x[2, 49], x[3, :] = math.nan, math.nan, -math.inf
    got = run_node(tool, tmp_path / "m", "ReduceMax", x, (4, 1), inputs=["axes"])[:, 0]
    assert got[0] == x[0].max() and np.isnan(got[1:3]).all() and got[3] == -math.inf


@pytest.mark.parametrize("op, shape, y_shape", [("Softmax", (7, 40), (7, 40)), ("Sigmoid", (7, 3, 4), (7, 3, 4)),
                                                ("GlobalAveragePool", (7, 5, 7, 7), (7, 5, 1, 1))])
def test_a_sample_has_the_same_bits_in_any_batch(tool, tmp_path, op, shape, y_shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    together = run_node(tool, tmp_path / "all", op, x, y_shape)
    for i in (0, 6):
        alone = run_node(tool, tmp_path / str(i), op, x[i:i + 1], (1, *y_shape[1:]))
        assert alone.tobytes() == together[i:i + 1].tobytes()
