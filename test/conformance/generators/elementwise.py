"""Models of one node: element by element, reductions and selections, in all types and versions."""
import numpy
import onnx.defs
from onnx import TensorProto, helper

from .builder import NEWEST, Builder, Sample

OPSETS = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, NEWEST]
# Functions of one element: where the arguments lie.
UNARY = {
    "Abs": (-9, 9), "Acos": (-1, 1), "Acosh": (1, 9), "Asin": (-1, 1), "Asinh": (-9, 9), "Atan": (-9, 9),
    "Atanh": (-0.99, 0.99), "Ceil": (-9, 9), "Celu": (-5, 5), "Cos": (-9, 9), "Cosh": (-5, 5), "Elu": (-5, 5),
    "Erf": (-3, 3), "Exp": (-5, 5), "Floor": (-9, 9), "Gelu": (-5, 5), "HardSigmoid": (-5, 5), "HardSwish": (-5, 5),
    "LeakyRelu": (-5, 5), "Log": (0.01, 50), "Mish": (-5, 5), "Neg": (-9, 9), "Reciprocal": (0.2, 9),
    "Relu": (-5, 5), "Round": (-9, 9), "Selu": (-5, 5), "Shrink": (-3, 3), "Sigmoid": (-9, 9), "Sign": (-3, 3),
    "Sin": (-9, 9), "Sinh": (-5, 5), "Softplus": (-30, 30), "Softsign": (-9, 9), "Sqrt": (0, 50), "Tan": (-1, 1),
    "Tanh": (-5, 5), "ThresholdedRelu": (-3, 3), "BitwiseNot": (-99, 99), "Not": (0, 1), "IsNaN": (-3, 3),
    "IsInf": (-3, 3),
}
ATTRIBUTES = {
    "Celu": ["alpha"], "Elu": ["alpha"], "HardSigmoid": ["alpha", "beta"], "LeakyRelu": ["alpha"],
    "Selu": ["alpha", "gamma"], "Shrink": ["lambd", "bias"], "ThresholdedRelu": ["alpha"],
}
BINARY = ["Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
          "BitShift", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "PRelu"]
REDUCE = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
          "ReduceProd", "ReduceSum", "ReduceSumSquare"]
# bfloat16 is not a type of NumPy.
DTYPES = ["float32", "float64", "float16", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "bool"]
WEIGHTS = dict(zip(DTYPES, [8, 2, 2, 2, 2, 1, 1, 4, 1, 4, 1, 2], strict=True))
NAMES = {"float32": "float", "float64": "double"}


def _dtypes(op, opset, position=0):
    """Types that input `position` of the op may have in this opset; none when the op does not exist yet."""
    try:
        schema = onnx.defs.get_schema(op, opset, "")
    except onnx.defs.SchemaError:
        return []
    types = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    parameter = schema.inputs[min(position, len(schema.inputs) - 1)].type_str
    allowed = types.get(parameter, [parameter])
    return [d for d in DTYPES if f"tensor({NAMES.get(d, d)})" in allowed]


def _start(rng, ops):
    """A builder, one of `ops` that exists in its opset, and an element type for it."""
    while True:
        b = Builder(rng, int(rng.choice(OPSETS)))
        op = b.choice(ops)
        dtypes = _dtypes(op, b.opset)
        if dtypes:
            return b, op, numpy.dtype(b.choice(dtypes, [WEIGHTS[d] for d in dtypes]))


def _values(b, shape, dtype, low=-9.0, high=9.0, extremes=True):
    if dtype == bool:
        return b.rng.random(shape) < 0.5
    if dtype.kind == "f":
        value = numpy.asarray(b.rng.uniform(low, high, shape)).astype(dtype)
        if b.chance(0.15) and value.size:
            flat = value.reshape(-1)
            flat[b.integer(0, flat.size - 1)] = b.choice([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 0.5, -2.5])
        return value
    info = numpy.iinfo(dtype)
    value = b.rng.integers(max(int(low), info.min), min(int(high), info.max), shape, endpoint=True).astype(dtype)
    if extremes and b.chance(0.2) and value.size:
        value.reshape(-1)[b.integer(0, value.size - 1)] = b.choice([info.min, info.max])
    return value


def _shape(b, least=0, most=4):
    return tuple(b.integers(1, 5, b.integer(least, most)))


def _broadcast(b, count):
    """Shapes that broadcast to one."""
    whole = _shape(b)
    shapes = [tuple(1 if b.chance(0.3) else n for n in whole[b.integer(0, len(whole)):]) for _ in range(count)]
    shapes[b.integer(0, count - 1)] = whole
    return shapes


def _axes(b, rank):
    axes = [d - rank if b.chance(0.4) else d for d in range(rank) if b.chance(0.5)]
    return [int(a) for a in b.rng.permutation(axes)]


def unary(rng):
    b, op, dtype = _start(rng, list(UNARY))
    low, high = UNARY[op]
    x = b.input(_values(b, _shape(b), dtype, low, high))
    attributes = {name: round(float(rng.uniform(0.1, 2)), 2) for name in ATTRIBUTES.get(op, []) if b.chance(0.7)}
    if op == "Gelu" and b.chance(0.7):
        attributes["approximate"] = b.choice(["none", "tanh"])
    if op == "IsInf" and b.chance(0.7):
        attributes = {"detect_negative": b.integer(0, 1), "detect_positive": b.integer(0, 1)}
    return Sample(op, b.model([b.node(op, [x], **attributes)]), b.values)


def binary(rng):
    b, op, dtype = _start(rng, BINARY)
    shapes = _broadcast(b, 2)
    if op == "PRelu":
        whole = _shape(b)
        shapes = [whole, tuple(1 if b.chance(0.4) else n for n in whole[b.integer(0, len(whole)):])]
    low, high, attributes, second = -9, 9, {}, dtype
    if op == "Pow":
        second = numpy.dtype(b.choice(_dtypes(op, b.opset, 1))) if b.opset >= 12 else dtype
        low, high = (0.1, 4) if dtype.kind == "f" else (-4, 4)
    values = [_values(b, shapes[0], dtype, low, high),
              _values(b, shapes[1], second, *((0, 4) if op == "Pow" else (low, high)))]
    if op == "Pow":  # integers that do not fit are not defined
        values = [numpy.clip(v, -9, 9) if v.dtype.kind in "iu" else v for v in values]
        values[1] = numpy.clip(values[1], 0, 9)
        if dtype.kind != "f" and second.kind == "f":
            values[1] = numpy.nan_to_num(numpy.round(values[1]))
    if op in ("Div", "Mod") and dtype.kind in "iu":
        # A division by zero ends onnxruntime, and so may the least number by -1.
        values[1] = numpy.where(values[1] == 0, 3, values[1]).astype(dtype)
        values[0] = numpy.maximum(values[0], numpy.iinfo(dtype).min + (dtype.kind == "i"))
    if op == "Mod" and (dtype.kind == "f" or b.chance(0.4)):
        attributes["fmod"] = 1
    if op == "BitShift":
        attributes["direction"] = b.choice(["LEFT", "RIGHT"])
        values[1] = numpy.asarray(rng.integers(0, 8 * dtype.itemsize, shapes[1])).astype(dtype)
    inputs = [b.input(values[0]), b.maybe_constant(values[1], 0.4)]
    return Sample(op, b.model([b.node(op, inputs, **attributes)]), b.values)


def several(rng):
    b, op, dtype = _start(rng, ["Max", "Min", "Sum", "Mean", "Where", "Clip"])
    if op == "Where":
        dtype = numpy.dtype(b.choice(_dtypes(op, b.opset, 1)))
        shapes = _broadcast(b, 3)
        values = [rng.random(shapes[0]) < 0.5, *(_values(b, s, dtype) for s in shapes[1:])]
        inputs = [b.maybe_constant(v, 0.2) for v in values]
        if not b.values:
            inputs[1] = b.input(values[1])
        return Sample(op, b.model([b.node(op, inputs)]), b.values)
    if op == "Clip":
        x = b.input(_values(b, _shape(b), dtype))
        bounds = sorted(int(v) for v in rng.integers(0 if dtype.kind == "u" else -5, 6, 2))
        if b.opset < 11:
            attributes = {k: float(v) for k, v in zip(("min", "max"), bounds, strict=True) if b.chance(0.7)}
            return Sample(op, b.model([b.node(op, [x], **attributes)]), b.values)
        inputs = [x, *(b.maybe_constant(numpy.array(v, dtype), 0.5) if b.chance(0.7) else "" for v in bounds)]
        while inputs[-1] == "":
            inputs.pop()
        return Sample(op, b.model([b.node(op, inputs)]), b.values)
    count = b.integer(1, 4)
    shapes = _broadcast(b, count) if b.opset >= 8 else [_shape(b)] * count
    inputs = [b.input(_values(b, s, dtype)) if i == 0 else b.maybe_constant(_values(b, s, dtype), 0.3)
              for i, s in enumerate(shapes)]
    return Sample(op, b.model([b.node(op, inputs)]), b.values)


def reduce(rng):
    b, op, dtype = _start(rng, REDUCE)
    shape = _shape(b)
    low, high = (0.2, 3) if op in ("ReduceLogSum", "ReduceProd") else (-5, 5)
    if dtype.kind != "f":
        low, high = (1, 2) if op in ("ReduceLogSum", "ReduceProd") else (-5, 5)
    # Sums that do not fit are not defined.
    x = b.input(_values(b, shape, dtype, low, high, extremes=op in ("ReduceMax", "ReduceMin")))
    axes = _axes(b, len(shape))
    inputs, attributes = [x], {"keepdims": b.choice([None, 0, 1])}
    if b.opset >= (13 if op == "ReduceSum" else 18):
        if axes or b.chance(0.3):
            inputs.append(b.constant(numpy.array(axes, numpy.int64)))
        if axes or op in ("ReduceSum", "ReduceMax"):  # versions of onnxruntime differ in what else is left to do
            attributes["noop_with_empty_axes"] = b.choice([None, 0, 1])
    elif axes:
        if b.opset < 11:
            axes = [a % len(shape) for a in axes]
        attributes["axes"] = axes
    return Sample(op, b.model([b.node(op, inputs, **attributes)]), b.values)


def extremum(rng):
    b, op, dtype = _start(rng, ["ArgMax", "ArgMin"])
    shape = _shape(b, 1)
    # Few different values: ties are the point.
    x = b.input(rng.integers(0, 4, shape).astype(dtype))
    attributes = {"axis": b.integer(-len(shape) if b.opset >= 11 else 0, len(shape) - 1),
                  "keepdims": b.choice([None, 0, 1])}
    if b.opset >= 12:
        attributes["select_last_index"] = b.choice([None, 0, 1])
    return Sample(op, b.model([b.node(op, [x], **attributes)]), b.values)


def softmax(rng):
    b, op, dtype = _start(rng, ["Softmax", "LogSoftmax", "Hardmax"])
    shape = _shape(b, 1)
    size = int(numpy.prod(shape))
    x = b.input((rng.permutation(size) / 4 - size / 8).astype(dtype).reshape(shape))
    low = -len(shape) if b.opset >= 11 else 0
    y = b.node(op, [x], axis=b.choice([*range(low, len(shape))]))
    return Sample(op, b.model([y]), b.values)


def select(rng):
    b, op, dtype = _start(rng, ["TopK", "CumSum", "Trilu", "EyeLike", "Cast", "CastLike", "NonZero"])
    if op == "TopK":
        shape = _shape(b, 1)
        x = b.input(rng.integers(0, 9, shape).astype(dtype))
        axis = b.integer(-len(shape) if b.opset >= 11 else 0, len(shape) - 1)
        k = b.integer(0 if b.chance(0.1) else 1, shape[axis])
        inputs, attributes = [x], {"axis": axis}
        if b.opset >= 10:
            inputs.append(b.constant(numpy.array([k], numpy.int64)))
        else:
            attributes["k"] = max(k, 1)
        if b.opset >= 11:
            attributes["largest"] = b.integer(0, 1)
        return Sample(op, b.model(b.node(op, inputs, outputs=2, **attributes)), b.values)
    if op == "CumSum":
        shape = _shape(b, 1)
        axis = numpy.array(b.integer(-len(shape), len(shape) - 1), b.choice([numpy.int32, numpy.int64]))
        x = b.input(_values(b, shape, dtype))
        y = b.node(op, [x, b.constant(axis)], reverse=b.choice([None, 0, 1]), exclusive=b.choice([None, 0, 1]))
    elif op == "Trilu":
        x = b.input(_values(b, _shape(b, 2), dtype))
        k = [b.maybe_constant(numpy.array(b.integer(-6, 6), numpy.int64), 0.5)] if b.chance(0.8) else []
        y = b.node(op, [x, *k], upper=b.choice([None, 0, 1]))
    elif op == "EyeLike":
        x = b.input(_values(b, tuple(b.integers(1, 6, 2)), dtype))
        y = b.node(op, [x], k=b.choice([None, -2, 0, 1, 9]),
                   dtype=b.choice([None, TensorProto.FLOAT, TensorProto.INT64, TensorProto.DOUBLE]))
    elif op == "NonZero":
        b.input(numpy.zeros((1,), numpy.float32))
        x = b.constant(rng.integers(0, 2, _shape(b, 1)).astype(dtype))
        n = b.node(op, [x])
        y = b.node("Add", [n, b.node("Cast", list(b.values), to=TensorProto.INT64)]) if b.opset >= 7 else n
    else:
        # What does not fit the target, and NaN, are not defined.
        target = numpy.dtype(b.choice([d for d in DTYPES if d in _dtypes("Cast", b.opset)]))
        value = numpy.nan_to_num(_values(b, _shape(b), dtype, 0, 99), posinf=1, neginf=-1)
        if value.dtype.kind in "fiu":
            value = numpy.clip(value, 0, 99)
        x = b.input(value)
        if op == "Cast":
            y = b.node(op, [x], to=int(helper.np_dtype_to_tensor_dtype(target)))
        else:
            y = b.node(op, [x, b.constant(numpy.zeros((2,), target))])
    return Sample(op, b.model([y]), b.values)


KINDS = [(unary, 30), (binary, 25), (several, 10), (reduce, 20), (extremum, 6), (softmax, 6), (select, 15)]


def generate(rng):
    weights = numpy.array([weight for _, weight in KINDS], float)
    return KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))][0](rng)
