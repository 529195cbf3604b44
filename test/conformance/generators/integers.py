"""Quantized models, in all the forms that exporters write.

The result is to be that of the ONNX reference evaluator, bit by bit. That is well defined where the evaluator computes in
integers and binary64 (QLinearConv, QLinearMatMul, MatMulInteger, ConvInteger), or rounds once per operator (quantization,
dynamic quantization). Of DequantizeLinear ... QuantizeLinear around a product the evaluator rounds every float sum, in an
order that nothing fixes; it is well defined when scales are powers of two, because every sum is then exact. So networks of several
such layers have those scales. With any other scale there is one layer (`rounding` is set), and an element may
differ by one unit where the exact value lies within the error of a float sum from a tie; these are counted apart.
"""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from .builder import NEWEST, Builder, Sample

INTEGERS = {numpy.dtype(t): (numpy.iinfo(t).min, numpy.iinfo(t).max) for t in ("int8", "uint8", "int16", "uint16")}


def _opset(b_rng, least=10):
    return int(b_rng.choice([v for v in (10, 11, 13, 15, 17, 19, 20, 21, NEWEST) if v >= least]))


def _codes(b, dtype, *shape):
    low, high = INTEGERS[numpy.dtype(dtype)]
    return b.rng.integers(low, high + 1, shape).astype(dtype)


def _type(b):
    return b.choice(["uint8", "int8"])


def _zero(b, dtype, symmetric=0.4):
    low, high = INTEGERS[numpy.dtype(dtype)]
    if b.chance(symmetric):
        return numpy.array(0 if low < 0 else b.choice([0, 128]), dtype)
    return numpy.array(b.integer(low, high), dtype)


def _scale(b, low, high, count=None):
    return b.uniform(low, high, *([] if count is None else [count])).astype(numpy.float32)


def _power(b, low, high, count=None):
    return numpy.ldexp(numpy.float32(1), b.rng.integers(low, high + 1, count)).astype(numpy.float32)


# Single operators in integers.

def _convolution_shape(b, rank):
    kernel = b.integers(1, 3, rank)
    dilations = b.integers(1, 2, rank) if b.chance(0.3) else [1] * rank
    strides = b.integers(1, 2, rank) if b.chance(0.5) else [1] * rank
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    groups = b.choice([1, 2, 3], [5, 2, 1])
    per_group = b.integer(1, 4)
    if b.chance(0.25):
        groups, per_group = b.integer(2, 5), 1
    filters = groups * b.integer(1, 3)
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "group": groups}
    auto_pad = b.choice(["pads", "none", "SAME_UPPER", "VALID"], [5, 3, 1, 1])
    if auto_pad == "pads":
        attributes["pads"] = [b.integer(0, s - 1) for s in span * 2]
    elif auto_pad != "none":
        attributes["auto_pad"] = auto_pad
    extents = [s + b.integer(0, 6 if rank < 3 else 2) for s in span]
    return (b.integer(1, 2), groups * per_group, *extents), (filters, per_group, *kernel), attributes


def qlinear_conv(rng):
    b = Builder(rng, _opset(rng))
    rank = b.choice([1, 2, 3], [1, 8, 1])
    xs, ws, attributes = _convolution_shape(b, rank)
    xt = _type(b)
    yt = xt if b.chance(0.7) else _type(b)
    wt = b.choice(["int8", xt])
    x = b.input(_codes(b, xt, *xs))
    per_channel = b.chance(0.5) and rank == 2  # the reference evaluator broadcasts to four dimensions only
    count = ws[0] if per_channel else None
    terms = int(numpy.prod(ws[1:]))
    wscale = _scale(b, 0.01, 0.1, count)
    if b.chance(0.3):
        wscale = _power(b, -8, -4, count)
    wzero = numpy.zeros(ws[0], wt) if per_channel else _zero(b, wt, 0.6)
    if per_channel and b.chance(0.2):
        wzero = _codes(b, wt, ws[0])
    yscale = numpy.float32(0.05 * 0.05 * 100 * 60 * terms ** 0.5 / 100 * b.rng.uniform(0.5, 2))
    if b.chance(0.3):
        yscale = numpy.float32(2.0 ** int(numpy.round(numpy.log2(yscale))))
    operands = [x, b.constant(_scale(b, 0.01, 0.1) if b.chance(0.7) else _power(b, -6, -3)), b.constant(_zero(b, xt)),
                b.constant(_codes(b, wt, *ws)), b.constant(wscale), b.constant(wzero), b.constant(yscale),
                b.constant(_zero(b, yt))]
    if b.chance(0.6):
        operands.append(b.constant(b.rng.integers(-5000, 5000, ws[0]).astype(numpy.int32)))
    y = b.node("QLinearConv", operands, **attributes)
    return Sample("QLinearConv", b.model([y]), b.values)


def qlinear_matmul(rng):
    b = Builder(rng, _opset(rng, 10))
    m, k, n = b.integer(1, 6), b.integer(1, 40), b.integer(1, 8)
    batch = b.integers(1, 3, b.choice([0, 1, 2], [4, 2, 1]))
    at = _type(b)
    bt = b.choice([at, "int8"])
    yt = at
    a = b.input(_codes(b, at, *batch, m, k))
    shape = (*batch, k, n) if batch and b.chance(0.4) else (k, n)
    w = b.maybe_constant(_codes(b, bt, *shape))
    yscale = numpy.float32(0.05 * 0.05 * 70 * 70 * k ** 0.5 / 60 * b.rng.uniform(0.5, 2))
    scales = [_scale(b, 0.01, 0.1), _scale(b, 0.01, 0.1), yscale]
    if b.chance(0.3):
        scales = [numpy.float32(2.0 ** round(float(numpy.log2(s)))) for s in scales]
    y = b.node("QLinearMatMul", [a, b.constant(scales[0]), b.constant(_zero(b, at)), w, b.constant(scales[1]),
                                 b.constant(_zero(b, bt)), b.constant(scales[2]), b.constant(_zero(b, yt))])
    return Sample("QLinearMatMul", b.model([y]), b.values)


def matmul_integer(rng):
    b = Builder(rng, _opset(rng))
    m, k, n = b.integer(1, 6), b.integer(1, 40), b.integer(1, 8)
    batch = b.integers(1, 3, b.choice([0, 1, 2], [4, 2, 1]))
    at, bt = _type(b), _type(b)
    operands = [b.input(_codes(b, at, *batch, m, k)), b.maybe_constant(_codes(b, bt, k, n))]
    if b.chance(0.8):
        operands.append(b.constant(_zero(b, at)))
        if b.chance(0.8):
            operands.append(b.constant(_zero(b, bt) if b.chance(0.6) else _codes(b, bt, n)))
    y = b.node("MatMulInteger", operands)
    return Sample("MatMulInteger", b.model([y]), b.values)


def conv_integer(rng):
    b = Builder(rng, _opset(rng))
    xs, ws, attributes = _convolution_shape(b, 2)
    xt, wt = "uint8", _type(b)
    operands = [b.input(_codes(b, xt, *xs)), b.constant(_codes(b, wt, *ws))]
    if b.chance(0.8):
        operands.append(b.constant(_zero(b, xt)))
        if b.chance(0.7):
            operands.append(b.constant(_zero(b, wt)))
    y = b.node("ConvInteger", operands, **attributes)
    return Sample("ConvInteger", b.model([y]), b.values)


def dynamic(rng):
    """Dynamic quantization as onnxruntime's quantizer writes it: quantize, product, scale."""
    b = Builder(rng, _opset(rng, 11))
    m, k, n = b.integer(1, 5), b.integer(1, 30), b.integer(1, 8)
    x = b.input(b.normal(m, k, scale=b.choice([0.1, 1, 30])) + numpy.float32(b.choice([0, 0, 3, -3])))
    q, scale, zero = b.node("DynamicQuantizeLinear", [x], outputs=3)
    if b.chance(0.2):
        return Sample("DynamicQuantizeLinear", b.model([q, scale, zero]), b.values)
    wt = _type(b)
    w = b.constant(_codes(b, wt, k, n))
    operands = [q, w, zero] + ([b.constant(_zero(b, wt))] if b.chance(0.8) else [])
    acc = b.node("MatMulInteger", operands)
    y = b.node("Cast", [acc], to=TensorProto.FLOAT)
    wscale = b.constant(_scale(b, 0.01, 0.1, n if b.chance(0.4) else None))
    y = b.node("Mul", [y, b.node("Mul", [scale, wscale])])
    if b.chance(0.5):
        y = b.node("Add", [y, b.constant(b.normal(n))])
    return Sample("dynamic product", b.model([y]), b.values)


def requantization(rng):
    """Quantize, dequantize and quantize again, per tensor, per axis or per block."""
    b = Builder(rng, _opset(rng))
    shape = [b.integer(1, 3), b.integer(2, 5), b.integer(1, 3) * 2]
    types = ["uint8", "int8"] + (["int16", "uint16"] if b.opset >= 21 else [])
    y = b.input(b.normal(*shape, scale=b.choice([0.5, 3.0, 20])))
    steps = b.integer(1, 4)
    for step in range(steps):
        dtype = b.choice(types)
        axis = b.choice([None, 1, 2, -1, 0] if b.opset >= 13 else [None])
        block = None
        if axis is None:
            scale, zero = _scale(b, 0.02, 0.5), _zero(b, dtype)
        elif b.opset >= 21 and b.chance(0.4):
            axis, block = 2, 2
            counts = [*shape[:2], shape[2] // 2]
            scale, zero = b.uniform(0.02, 0.5, *counts), _codes(b, dtype, *counts)
        else:
            scale, zero = _scale(b, 0.02, 0.5, shape[axis]), _codes(b, dtype, shape[axis])
        if b.chance(0.3):
            scale = numpy.ldexp(numpy.float32(1), numpy.round(numpy.log2(scale)).astype(int)).astype(numpy.float32)
        operands = [b.constant(scale)]
        if block is None and axis is None and dtype == "uint8" and b.chance(0.2):
            pass  # the zero point is left out: uint8, 0
        else:
            operands.append(b.constant(zero))
        attributes = {"axis": axis, "block_size": block}
        y = b.node("QuantizeLinear", [y, *operands], **attributes)
        if step < steps - 1 or b.chance(0.4):
            y = b.node("DequantizeLinear", [y, *operands], **attributes)
    return Sample("requantization", b.model([y]), b.values)


def narrow(rng):
    """Weights in four bits, stored as such; blocks of 2 along an axis."""
    b = Builder(rng, 21)
    dtype, proto = b.choice([("int8", TensorProto.INT4), ("uint8", TensorProto.UINT4)])
    low, high = (-8, 7) if dtype == "int8" else (0, 15)
    k, n = 2 * b.integer(1, 8), b.integer(1, 6)

    def packed(*shape):
        name = b.name("w4")
        values = b.rng.integers(low, high + 1, shape)
        b.initializers.append(helper.make_tensor(name, proto, shape, values.flatten().tolist()))
        return name

    counts, attributes = b.choice([((), {}), ((n,), {"axis": 1}), ((k // 2, n), {"axis": 0, "block_size": 2})])
    operands = [packed(k, n), b.constant(_power(b, -4, 0, counts))]
    if b.chance(0.6):
        operands.append(packed(*counts))
    w = b.node("DequantizeLinear", operands, **attributes)
    # Small integers times powers of two: every sum is exact.
    x = b.input(b.rng.integers(-20, 21, (b.integer(1, 4), k)).astype(numpy.float32))
    return Sample("4-bit weights", b.model([b.node("MatMul", [x, w])]), b.values)


# Networks with DequantizeLinear ... QuantizeLinear around each layer.

class _Layers:
    """A tensor of codes with its scale and zero point, layer by layer."""

    def __init__(self, b, power):
        self.b, self.power = b, power

    def scale(self, low, high, count=None):
        """Between 2^low and 2^high."""
        return _power(self.b, low, high, count) if self.power else _scale(self.b, 2.0 ** low, 2.0 ** high, count)

    def start(self, shape):
        b = self.b
        self.dtype = _type(b)
        self.params = [b.constant(self.scale(-6, -3)), b.constant(_zero(b, self.dtype))]
        if b.chance(0.5):
            self.codes = b.input(_codes(b, self.dtype, *shape))
            self.shape = tuple(shape)
        else:
            x = b.input(b.normal(*shape, scale=2))
            self.codes, self.shape = b.node("QuantizeLinear", [x, *self.params]), tuple(shape)

    def real(self):
        return self.b.node("DequantizeLinear", [self.codes, *self.params])

    def store(self, y, shape, low=-4, high=0, dtype=None):
        """Quantizes y, which becomes the current tensor."""
        b = self.b
        self.dtype = dtype or (self.dtype if b.chance(0.8) else _type(b))
        self.params = [b.constant(self.scale(low, high)), b.constant(_zero(b, self.dtype))]
        self.codes, self.shape = b.node("QuantizeLinear", [y, *self.params]), tuple(shape)

    def weight(self, shape, axis):
        b = self.b
        dtype = b.choice(["int8", "int8", "uint8"])
        per_channel = b.chance(0.5) and b.opset >= 13
        count = shape[axis] if per_channel else None
        scale = self.scale(-8, -5, count)
        zero = numpy.zeros(count or (), dtype)
        if b.chance(0.3) or dtype == "uint8":
            zero = _codes(b, dtype, count) if per_channel else _zero(b, dtype)
        w = b.node("DequantizeLinear", [b.constant(_codes(b, dtype, *shape)), b.constant(scale), b.constant(zero)],
                   axis=axis if per_channel else None)
        return w, scale, per_channel

    def bias(self, count, scale):
        """int32 with the scale of the sums, or float."""
        b = self.b
        values = b.rng.integers(-2000, 2000, count).astype(numpy.int32)
        sums = numpy.broadcast_to(self.current_scale() * scale, (count,)).astype(numpy.float32)
        if b.chance(0.7) or not self.power:
            per_channel = numpy.ndim(scale) > 0
            if per_channel and b.opset < 13:
                return b.constant((values * sums).astype(numpy.float32))
            operands = [b.constant(values), b.constant(sums if per_channel else sums[0])]
            if b.chance(0.4):
                operands.append(b.constant(numpy.zeros(count if per_channel else (), numpy.int32)))
            return b.node("DequantizeLinear", operands, axis=0 if per_channel else None)
        return b.constant((values * sums).astype(numpy.float32))

    def current_scale(self):
        tensor = next(t for t in self.b.initializers if t.name == self.params[0])
        return numpy_helper.to_array(tensor)

    def clamp(self, y):
        b = self.b
        kind = b.choice(["none", "relu", "clip"], [4, 4, 1])
        if kind == "relu":
            return b.node("Relu", [y])
        if kind == "clip" and b.opset >= 11:
            return b.node("Clip", [y, b.constant(numpy.float32(0)), b.constant(numpy.float32(6))])
        return y


def _product(q, kind=None):
    """Convolution or matrix product with its activation."""
    b, shape = q.b, q.shape
    if len(shape) == 4 and kind != "matmul":
        n, c, h, w = shape
        kernel = b.integers(1, min(3, h), 1) + b.integers(1, min(3, w), 1)
        groups = b.choice([g for g in (1, 1, 2, c) if c % g == 0])
        filters = groups * b.integer(1, max(1, 6 // groups))
        strides = b.integers(1, 2, 2)
        pads = [b.integer(0, k - 1) for k in kernel * 2]
        out = [(e + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i, e in enumerate((h, w))]
        weight, scale, _ = q.weight((filters, c // groups, *kernel), 0)
        operands = [q.real(), weight] + ([q.bias(filters, scale)] if b.chance(0.6) else [])
        y = b.node("Conv", operands, strides=strides, pads=pads, group=groups, kernel_shape=kernel)
        terms, result = c // groups * kernel[0] * kernel[1], (n, filters, *out)
    else:
        k, width = shape[-1], b.integer(1, 8)
        terms, result = k, (*shape[:-1], width)
        if len(shape) == 2 and b.chance(0.6):
            transposed = b.chance(0.5)
            weight, scale, _ = q.weight((width, k) if transposed else (k, width), 0 if transposed else 1)
            operands = [q.real(), weight] + ([q.bias(width, scale)] if b.chance(0.6) or b.opset < 11 else [])
            y = b.node("Gemm", operands, transB=int(transposed))
        else:
            weight, scale, _ = q.weight((k, width), 1)
            y = b.node("MatMul", [q.real(), weight])
            if b.chance(0.4):
                y = b.node("Add", [y, q.bias(width, scale)])
    spread = float(numpy.log2(numpy.mean(scale) * q.current_scale() * 70 * 70 * terms ** 0.5 / 40))
    q.store(q.clamp(y), result, round(spread) - 1, round(spread) + 1)
    return terms


def _structural(q):
    """Operators that only move or compare numbers."""
    b, s = q.b, q.shape
    kind = b.choice(["maxpool", "average", "reshape", "transpose", "add", "concat", "relu", "mul", "pad", "global"])
    x = q.real()
    if kind == "maxpool" and len(s) == 4 and min(s[2:]) >= 2:
        y = b.node("MaxPool", [x], kernel_shape=[2, 2], strides=b.choice([[1, 1], [2, 2]]))
        stride = b.nodes[-1].attribute[-1].ints[0]
        q.store(y, (*s[:2], *[(e - 2) // stride + 1 for e in s[2:]]), -5, -2)
    elif kind == "average" and len(s) == 4 and min(s[2:]) >= 2:
        q.store(b.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2]), (*s[:2], *[e // 2 for e in s[2:]]), -5, -2)
    elif kind == "global" and len(s) == 4 and (s[2] * s[3]) in (1, 2, 4, 8, 16):
        q.store(b.node("GlobalAveragePool", [x]), (*s[:2], 1, 1), -5, -2)
    elif kind == "reshape" and len(s) > 2:
        shape = (s[0], int(numpy.prod(s[1:])))
        q.store(b.node("Reshape", [x, b.constant(numpy.array(shape, numpy.int64))]), shape, -5, -2)
    elif kind == "transpose":
        order = [0, *(1 + b.rng.permutation(len(s) - 1))]
        q.store(b.node("Transpose", [x], perm=[int(i) for i in order]), [s[i] for i in order], -5, -2)
    elif kind == "add":
        other = b.node("DequantizeLinear", [b.constant(_codes(b, q.dtype, *s[1:])), b.constant(_power(b, -6, -3)),
                                            b.constant(_zero(b, q.dtype))])
        q.store(q.clamp(b.node("Add", [x, other])), s, -5, -2)
    elif kind == "mul":
        q.store(b.node("Mul", [x, x]), s, -2, 1)
    elif kind == "concat":
        dim = 1 if len(s) > 1 else 0
        q.store(b.node("Concat", [x, x], axis=dim), [2 * d if i == dim else d for i, d in enumerate(s)], -5, -2)
    elif kind == "pad" and b.opset >= 11:
        pads = [b.integer(0, 1) for _ in range(2 * len(s))]
        y = b.node("Pad", [x, b.constant(numpy.array(pads, numpy.int64))], mode="constant")
        q.store(y, [d + pads[i] + pads[i + len(s)] for i, d in enumerate(s)], -5, -2)
    else:
        q.store(b.node("Relu", [x]), s, -5, -2)


def _residual(q):
    """codes + f(codes) in real numbers."""
    b, codes, params, dtype, shape = q.b, q.codes, q.params, q.dtype, q.shape
    n, c, *extents = shape
    weight, scale, _ = q.weight((c, c, *[1] * len(extents)) if extents else (c, c), 0)
    y = b.node("Conv", [q.real(), weight]) if extents else b.node("MatMul", [q.real(), weight])
    q.store(y, shape, -3, 0)
    skip = b.node("DequantizeLinear", [codes, *params])
    q.store(q.clamp(b.node("Add", [q.real(), skip])), shape, -4, -1)


def _input_shape(b):
    return b.choice([(b.integer(1, 2), b.integer(1, 4), b.integer(2, 6), b.integer(2, 6)),
                     (b.integer(1, 3), b.integer(1, 30)), (1, b.integer(1, 4), b.integer(1, 20))], [6, 3, 1])


def qdq_network(rng):
    b = Builder(rng, _opset(rng, 10))
    q = _Layers(b, power=True)
    q.start(_input_shape(b))
    for _ in range(b.integer(1, 6)):
        if int(numpy.prod(q.shape)) > 2000:
            break
        block = b.choice([_product, _structural, _residual], [5, 4, 1])
        if block is _residual and len(q.shape) not in (2, 4):
            block = _product
        block(q)
    y = q.real() if b.chance(0.3) else q.codes
    return Sample("QDQ network", b.model([y]), b.values)


def qdq_layer(rng):
    """One product with any scale."""
    b = Builder(rng, _opset(rng, 10))
    q = _Layers(b, power=False)
    q.start(_input_shape(b))
    terms = _product(q)
    return Sample("QDQ layer", b.model([q.codes]), b.values, {"terms": terms})


def qlinear_network(rng):
    """QLinearConv after QLinearConv, and codes in between that are pooled or moved."""
    b = Builder(rng, _opset(rng, 12))
    dtype = _type(b)
    shape = (1, b.integer(1, 4), b.integer(3, 8), b.integer(3, 8))
    scale, zero = _scale(b, 0.02, 0.1), _zero(b, dtype)
    if b.chance(0.5):
        y = b.input(_codes(b, dtype, *shape))
    else:
        y = b.node("QuantizeLinear", [b.input(b.normal(*shape, scale=3)), b.constant(scale), b.constant(zero)])
    for _ in range(b.integer(2, 4)):
        n, c, h, w = shape
        kernel, filters = b.integer(1, min(3, h, w)), b.integer(1, 5)
        per_channel = b.chance(0.5)
        wscale = _scale(b, 0.01, 0.1, filters if per_channel else None)
        wzero = numpy.zeros(filters if per_channel else (), "int8")
        yscale = numpy.float32(float(numpy.mean(wscale)) * float(scale) * 70 * 70 * (c * kernel * kernel) ** 0.5 / 40)
        yzero = _zero(b, dtype)
        operands = [y, *map(b.constant, (scale, zero, _codes(b, "int8", filters, c, kernel, kernel), wscale, wzero,
                                         yscale, yzero))]
        if b.chance(0.5):
            operands.append(b.constant(b.rng.integers(-3000, 3000, filters).astype(numpy.int32)))
        y = b.node("QLinearConv", operands, kernel_shape=[kernel] * 2)
        shape, scale, zero = (n, filters, h - kernel + 1, w - kernel + 1), yscale, yzero
        if b.chance(0.3) and min(shape[2:]) >= 2:
            y = b.node("MaxPool", [y], kernel_shape=[2, 2])
            shape = (*shape[:2], shape[2] - 1, shape[3] - 1)
    if b.chance(0.4):
        y = b.node("DequantizeLinear", [y, b.constant(scale), b.constant(zero)])
    return Sample("QLinearConv network", b.model([y]), b.values)


def arithmetic(rng):
    """Integer tensors without scales: wrap-around, comparisons, casts."""
    b = Builder(rng, _opset(rng, 14))
    dtype = b.choice(["int32", "int64", "int8", "uint8"])
    low, high = numpy.iinfo(dtype).min, numpy.iinfo(dtype).max
    shape = (b.integer(1, 3), b.integer(1, 5), b.integer(1, 4))

    def values(small=False):
        span = (max(low, -9), min(high, 9)) if small or b.chance(0.5) else (low // 2, high // 2)
        return b.rng.integers(span[0], span[1], shape, endpoint=True).astype(dtype)

    x = b.input(values())
    for _ in range(b.integer(1, 5)):
        op = b.choice(["Add", "Sub", "Mul", "Max", "Min", "Where", "Neg", "Abs", "Clip", "Equal", "Div", "ReduceMax",
                       "Mod", "Sign"])
        if op in ("Neg", "Abs", "Sign") and (op == "Sign" or dtype != "uint8"):
            x = b.node(op, [x])
        elif op == "Clip":
            x = b.node(op, [x, b.constant(numpy.array(max(low, -50), dtype)), b.constant(numpy.array(70, dtype))])
        elif op in ("Div", "Mod"):
            if dtype.startswith("u") or op == "Mod":
                x = b.node(op, [x, b.constant(b.rng.integers(1, 9, shape).astype(dtype))])
        elif op == "Where":
            x = b.node(op, [b.node("Less", [x, b.constant(values())]), x, b.constant(values())])
        elif op == "Equal":
            x = b.node("Where", [b.node(op, [x, b.constant(values(True))]), b.constant(values()), x])
        elif op == "ReduceMax":
            x = b.node("Sub", [x, b.node("ReduceMax", [x, b.constant(numpy.array([1], numpy.int64))], keepdims=1)
                               if b.opset >= 18 else b.node("ReduceMax", [x], axes=[1], keepdims=1)])
        elif op not in ("Neg", "Abs", "Sign"):
            x = b.node(op, [x, b.constant(values())])
    if b.chance(0.3):
        x = b.node("Cast", [x], to=b.choice([TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT, TensorProto.INT8,
                                             TensorProto.UINT8]))
    if not b.nodes:
        x = b.node("Add", [x, x])
    return Sample("integer arithmetic", b.model([x]), b.values)


KINDS = [(qlinear_conv, 18), (qlinear_matmul, 10), (matmul_integer, 8), (conv_integer, 8), (dynamic, 8),
         (requantization, 8), (narrow, 3), (qdq_network, 17), (qdq_layer, 10), (qlinear_network, 6), (arithmetic, 4)]


def generate(rng):
    weights = numpy.array([weight for _, weight in KINDS], float)
    return KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))][0](rng)


# The reference evaluator.

def for_reference(model):
    """`model` in a form that the evaluator takes: it has DequantizeLinear from opset 19 on, and no MaxPool of integers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kinds = {node.op_type for node in copy.graph.node}
    if "DequantizeLinear" in kinds and copy.opset_import[0].version < 19:
        copy.opset_import[0].version = 19
    if "MaxPool" in kinds:
        inferred = onnx.shape_inference.infer_shapes(model)
        types = {v.name: v.type.tensor_type.elem_type
                 for v in [*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output]}
        nodes = list(copy.graph.node)
        del copy.graph.node[:]
        for node in nodes:
            kind = types.get(node.input[0]) if node.op_type == "MaxPool" else None
            if kind is None or kind == TensorProto.FLOAT:
                copy.graph.node.append(node)
                continue
            source, result = node.input[0], node.output[0]
            node.input[0], node.output[0] = f"{source}_for_{result}", f"{result}_float"
            copy.graph.node.extend([helper.make_node("Cast", [source], [node.input[0]], to=TensorProto.FLOAT), node,
                                    helper.make_node("Cast", [node.output[0]], [result], to=kind)])
    return copy


# Elements near a tie.

def _in_binary64(model, output):
    """A copy that evaluates in binary64 and returns what the last QuantizeLinear rounds, and its scale."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    last = next(node for node in copy.graph.node if output in node.output)
    scale = next(numpy_helper.to_array(t) for t in copy.graph.initializer if t.name == last.input[1])
    for tensor in copy.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float64), tensor.name))
    for value in copy.graph.input:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    del copy.graph.output[:]
    copy.graph.output.append(helper.make_tensor_value_info(last.input[0], TensorProto.DOUBLE, None))
    return copy, scale


def explained(sample, index, got, want):
    """Whether `got` and `want` differ by one unit at most, and only where a float sum cannot decide."""
    if not sample.rounding:
        return False
    distance = numpy.abs(got.astype(numpy.int64) - want.astype(numpy.int64))
    if distance.max() > 1:
        return False
    from onnx.reference import ReferenceEvaluator
    model, scale = _in_binary64(for_reference(sample.model), sample.model.graph.output[index].name)
    inputs = {}
    first = sample.model.graph.node[0]
    for name, value in sample.inputs.items():
        inputs[name] = value.astype(numpy.float64) if value.dtype == numpy.float32 else value
        if value.dtype == numpy.float32 and first.op_type == "QuantizeLinear" and name == first.input[0]:
            # The first rounding is one operation of binary32: quantize first, then evaluate.
            codes = ReferenceEvaluator(for_reference(sample.model)).run([first.output[0]], sample.inputs)[0]
            del inputs[name]
            inputs[first.output[0]] = codes
            del model.graph.node[0]
            del model.graph.input[:]
            model.graph.input.append(helper.make_tensor_value_info(
                first.output[0], helper.np_dtype_to_tensor_dtype(codes.dtype), codes.shape))
    quotient = ReferenceEvaluator(model).run(None, inputs)[0] / float(scale)
    to_tie = numpy.abs(quotient - numpy.floor(quotient) - 0.5)
    # Of sums of `terms` products below 2^7 * 2^7 units of 2^-24 each; codes of the result are below 2^9.
    error = 2.0 ** -24 * (2 ** 9 + sample.rounding["terms"] * 40)
    return bool((to_tie[distance > 0] <= error).all())
