"""Random small ops, imported and run, against onnxruntime.

Many cases go into one model (each with its own inputs and outputs), so that a process
start pays for twenty of them. The seeds are fixed; a failure names the case."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper


class Cases:
    """A model that grows by one independent node (or chain) at a time."""

    def __init__(self, seed, opset):
        self.random = np.random.RandomState(seed)
        self.opset = opset
        self.nodes, self.weights, self.inputs, self.outputs, self.feeds = [], [], [], [], []

    def integer(self, low, high):
        """In [low, high]."""
        return int(self.random.randint(low, high + 1))

    def choice(self, *values):
        return values[self.random.randint(len(values))]

    def data(self, *shape):
        return self.random.uniform(-1, 1, shape).astype(np.float32)

    def input(self, *shape):
        name = f"x{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.feeds.append(self.data(*shape))
        return name

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op, inputs, **attributes):
        output = f"y{len(self.outputs)}"
        text = ", ".join(f"{k}={v}" for k, v in attributes.items())
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"case{len(self.outputs)} {op} {text}", **attributes))
        self.outputs.append(output)

    def check(self, tool, folder):
        graph = helper.make_graph(self.nodes, "cases", self.inputs,
                                  [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in self.outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        path = folder / "cases.onnx"
        onnx.save(model, path)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        expected = session.run(self.outputs, {i.name: x for i, x in zip(self.inputs, self.feeds)})
        (folder / "in").mkdir()
        for i, x in enumerate(self.feeds):
            np.save(folder / "in" / f"input_{i}.npy", x)
        tool("imc", "run", path, "--input", folder / "in", "--output", folder / "out")
        for i, (node, reference) in enumerate(zip(self.nodes, expected)):
            actual = np.load(folder / "out" / f"output_{i}.npy")
            shapes = [str(x.shape) for x, info in zip(self.feeds, self.inputs) if info.name in node.input]
            what = f"{node.name} on {' '.join(shapes)}"
            assert actual.shape == reference.shape, what
            limit = 1e-5 * max(1.0, np.abs(reference).max())  # a few roundings of sums of up to 300 products
            assert np.abs(actual - reference).max() <= limit, what


def window(cases, kernel):
    """Random strides, dilations and padding that leave at least one window on 6x6."""
    attributes = {"strides": [cases.integer(1, 3), cases.integer(1, 3)]}
    mode = cases.choice("none", "pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID")
    if mode in ("none", "pads") and cases.choice(True, False):
        attributes["dilations"] = [cases.integer(1, 2), cases.integer(1, 2)]
    if mode == "pads":
        attributes["pads"] = [cases.integer(0, kernel[i % 2] - 1) for i in range(4)]
    elif mode != "none":
        attributes["auto_pad"] = mode
    return attributes


@pytest.mark.parametrize("seed", [1, 2])
def test_conv(tool, tmp_path, seed):
    cases = Cases(seed, opset=17)
    for _ in range(20):
        groups = cases.choice(1, 1, 2, 3)
        channels = groups * cases.integer(1, 3)
        filters = groups * cases.integer(1, 3)
        if cases.choice(True, False, False):  # depthwise, with 1 or 2 filters per channel
            groups, filters = channels, channels * cases.integer(1, 2)
        kernel = [cases.integer(1, 3), cases.integer(1, 3)]
        x = cases.input(cases.integer(1, 2), channels, cases.integer(6, 9), cases.integer(6, 9))
        w = cases.weight(cases.data(filters, channels // groups, *kernel))
        bias = [cases.weight(cases.data(filters))] if cases.choice(True, False) else []
        cases.add("Conv", [x, w, *bias], group=groups, kernel_shape=kernel, **window(cases, kernel))
    cases.check(tool, tmp_path)


@pytest.mark.parametrize("seed, opset", [(3, 17), (4, 20)])
def test_pools(tool, tmp_path, seed, opset):
    cases = Cases(seed, opset)
    for i in range(24):
        op = ("MaxPool", "AveragePool")[i % 2]
        kernel = [cases.integer(1, 3), cases.integer(1, 3)]
        attributes = window(cases, kernel)
        if "auto_pad" in attributes:  # onnxruntime refuses pools that skip elements and pad
            attributes["strides"] = [min(s, k) for s, k in zip(attributes["strides"], kernel)]
        if op == "AveragePool":
            if opset < 19:
                attributes.pop("dilations", None)
            attributes["count_include_pad"] = cases.integer(0, 1)
        if "auto_pad" not in attributes:
            attributes["ceil_mode"] = cases.integer(0, 1)
        x = cases.input(1, cases.integer(1, 3), cases.integer(7, 10), cases.integer(7, 10))
        cases.add(op, [x], kernel_shape=kernel, **attributes)
    cases.check(tool, tmp_path)


def test_products(tool, tmp_path):
    cases = Cases(5, opset=17)
    for _ in range(20):
        m, k, n = (cases.integer(1, 6) for _ in range(3))
        trans_a, trans_b = cases.integer(0, 1), cases.integer(0, 1)
        a = cases.input(*((k, m) if trans_a else (m, k)))
        b_shape = (n, k) if trans_b else (k, n)
        b = cases.choice(lambda: cases.weight(cases.data(*b_shape)), lambda: cases.input(*b_shape))()
        inputs = [a, b]
        c_shape = cases.choice(None, (n,), (1, n), (m, 1), (m, n), (1,), (1, 1), ())
        if c_shape is not None:
            inputs.append(cases.choice(lambda: cases.weight(cases.data(*c_shape)), lambda: cases.input(*c_shape))()
                          if c_shape else cases.weight(cases.data(*c_shape)))
        cases.add("Gemm", inputs, transA=trans_a, transB=trans_b, alpha=cases.choice(1.0, 0.5), beta=cases.choice(1.0, 1.0, -2.0, 0.0))
    for a, b in [((2, 3), (3, 4)), ((2, 5, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 5, 3), (2, 3, 4)), ((2, 2, 5, 3), (2, 2, 3, 4))]:
        cases.add("MatMul", [cases.input(*a), cases.weight(cases.data(*b))])
        cases.add("MatMul", [cases.input(*a), cases.input(*b)])
    cases.check(tool, tmp_path)


def test_elementwise_and_shapes(tool, tmp_path):
    cases = Cases(6, opset=17)
    for op in ("Add", "Sub", "Mul", "Div"):
        for a, b in [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1)), ((1, 3, 1), (2, 1, 4)), ((2, 3), ()), ((1,), (2, 3))]:
            right = cases.data(*b)
            cases.add(op, [cases.input(*a), cases.weight((right + np.where(right < 0, -1, 1)).astype(np.float32))])
    for op in ("Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Abs", "Neg", "Exp"):
        cases.add(op, [cases.input(3, 5)])
    cases.add("HardSigmoid", [cases.input(3, 5)], alpha=2.0, beta=0.25)
    cases.add("LeakyRelu", [cases.input(3, 5)], alpha=0.3)
    cases.add("Clip", [cases.input(3, 5), cases.weight(np.float32(-0.5)), cases.weight(np.float32(0.25))])
    cases.add("Clip", [cases.input(3, 5), "", cases.weight(np.float32(0.25))])
    for axis in (-1, 0, 1):
        cases.add("Softmax", [cases.input(2, 3, 4)], axis=axis)
        cases.add("Concat", [cases.input(2, 3, 4), cases.input(2, 3, 4)], axis=axis)
        cases.add("Flatten", [cases.input(2, 3, 4)], axis=axis)
    cases.add("ReduceMean", [cases.input(2, 3, 4)], axes=[-1, 0], keepdims=0)
    cases.add("ReduceMean", [cases.input(2, 3, 4)])
    cases.add("GlobalAveragePool", [cases.input(2, 3, 4, 5)])
    cases.add("Transpose", [cases.input(2, 3, 4)], perm=[2, 0, 1])
    cases.add("Transpose", [cases.weight(cases.data(2, 3, 4))], perm=[1, 2, 0])
    cases.add("Reshape", [cases.input(2, 3, 4), cases.weight(np.array([0, -1, 2, 2]))])
    cases.add("Unsqueeze", [cases.input(2, 3), cases.weight(np.array([0, -1]))])
    cases.add("Squeeze", [cases.input(2, 1, 3, 1), cases.weight(np.array([1]))])
    cases.add("Pad", [cases.input(2, 3), cases.weight(np.array([1, 0, 2, 3])), cases.weight(np.float32(0.5))])
    cases.add("BatchNormalization", [cases.input(2, 3, 4), *(cases.weight(cases.data(3)) for _ in range(3)),
                                     cases.weight(np.abs(cases.data(3)) + np.float32(0.5))], epsilon=1e-3)
    cases.add("Dropout", [cases.input(2, 3)])
    cases.check(tool, tmp_path)


def test_old_opsets(tool, tmp_path):
    cases = Cases(7, opset=9)
    cases.add("Softmax", [cases.input(2, 3, 4)])
    cases.add("Softmax", [cases.input(2, 3, 4)], axis=2)
    cases.add("Clip", [cases.input(3, 5)], min=-0.5, max=0.25)
    cases.add("Squeeze", [cases.input(2, 1, 3)], axes=[1])
    cases.add("Unsqueeze", [cases.input(2, 3)], axes=[0, 2])
    cases.add("Pad", [cases.input(2, 3)], pads=[1, 0, 2, 3], value=0.5)
    cases.add("ReduceMean", [cases.input(2, 3, 4)], axes=[1], keepdims=0)
    cases.add("Dropout", [cases.input(2, 3)], ratio=0.3)
    cases.check(tool, tmp_path)
