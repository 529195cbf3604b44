"""Models of one node: convolutions, products, pooling, normalization."""
import numpy

from .builder import NEWEST, Builder, Sample

OPSETS = [7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, NEWEST]


def _opset(rng, least=7):
    return int(rng.choice([v for v in OPSETS if v >= least]))


def _window(b, rank, dilated=True):
    """Kernel, strides, dilations, (auto_pad, pads), input extents of a window that fits."""
    kernel = b.integers(1, 4 if rank < 3 else 3, rank)
    strides = b.integers(1, 3, rank) if b.chance(0.6) else [1] * rank
    dilations = b.integers(1, 3, rank) if dilated and b.chance(0.4) else [1] * rank
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    auto_pad = b.choice(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"], [7, 1, 1, 1])
    if auto_pad == "NOTSET" and b.chance(0.7):
        # Padding below the kernel's span: no window lies in padding alone.
        pads = [b.integer(0, min(s - 1, 3)) for s in span] + [b.integer(0, min(s - 1, 3)) for s in span]
    else:
        pads = [0] * (2 * rank)
    room = b.integers(0, 7 if rank < 3 else 4, rank)
    extents = [max(1, s - pads[i] - pads[i + rank]) + room[i] for i, s in enumerate(span)]
    if auto_pad == "VALID":
        extents = [s + r for s, r in zip(span, room, strict=True)]
    return kernel, strides, dilations, auto_pad, pads, extents


def _window_attributes(b, kernel, strides, dilations, auto_pad, pads, kernel_always=False):
    """Attributes of a window; defaults are left out now and then."""
    rank = len(kernel)
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    if auto_pad == "NOTSET":
        attributes["pads"] = pads
    else:
        attributes["auto_pad"] = auto_pad
    for key, default in (("strides", [1] * rank), ("dilations", [1] * rank), ("pads", [0] * 2 * rank)):
        if attributes.get(key) == default and b.chance(0.5):
            del attributes[key]
    if not kernel_always and b.chance(0.2):
        del attributes["kernel_shape"]
    return attributes


def conv(rng):
    b = Builder(rng, _opset(rng))
    rank = b.choice([1, 2, 3], [3, 5, 2])
    kernel, strides, dilations, auto_pad, pads, extents = _window(b, rank)
    groups = b.choice([1, 2, 3, 4], [6, 2, 1, 1])
    per_group = 1 if b.chance(0.3) else b.integer(1, 4)
    filters = groups * b.integer(1, 4)
    channels = groups * per_group
    x = b.input(b.normal(b.integer(1, 3), channels, *extents))
    operands = [x, b.maybe_constant(b.normal(filters, per_group, *kernel))]
    if b.chance(0.6):
        operands.append(b.maybe_constant(b.normal(filters)))
    attributes = _window_attributes(b, kernel, strides, dilations, auto_pad, pads)
    if groups > 1 or b.chance(0.3):
        attributes["group"] = groups
    y = b.node("Conv", operands, **attributes)
    return Sample(f"Conv {rank}-D", b.model([y]), b.values)


def conv_transpose(rng):
    b = Builder(rng, _opset(rng))
    rank = b.choice([1, 2, 3], [2, 5, 1])
    kernel = b.integers(1, 4 if rank < 3 else 3, rank)
    strides = b.integers(1, 3, rank) if b.chance(0.7) else [1] * rank
    dilations = b.integers(1, 2, rank) if b.chance(0.3) else [1] * rank
    groups = b.choice([1, 2, 3], [6, 2, 1])
    channels, per_group = groups * b.integer(1, 3), b.integer(1, 3)
    extents = b.integers(2, 6 if rank < 3 else 4, rank)
    x = b.input(b.normal(b.integer(1, 2), channels, *extents))
    operands = [x, b.maybe_constant(b.normal(channels, per_group, *kernel))]
    if b.chance(0.5):
        operands.append(b.maybe_constant(b.normal(groups * per_group)))
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "group": groups}
    for key, default in (("strides", [1] * rank), ("dilations", [1] * rank), ("group", 1)):
        if attributes[key] == default and b.chance(0.5):
            del attributes[key]
    form = b.choice(["none", "pads", "output_padding", "same", "output_shape"], [3, 4, 3, 1, 1])
    full = [(n - 1) * s + (k - 1) * d + 1
            for n, s, k, d in zip(extents, strides, kernel, dilations, strict=True)]
    if form in ("pads", "output_padding"):
        begin = [b.integer(0, min(2, (f - 1) // 2)) for f in full]
        end = [b.integer(0, min(2, (f - 1) // 2)) for f in full]
        attributes["pads"] = begin + end
    if form == "output_padding":
        attributes["output_padding"] = [b.integer(0, max(s, d) - 1) for s, d in zip(strides, dilations, strict=True)]
    if form == "same":
        attributes["auto_pad"] = b.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    if form == "output_shape":
        attributes["output_shape"] = [max(1, f - b.integer(0, 3)) for f in full]
        if b.chance(0.5):
            attributes["auto_pad"] = b.choice(["SAME_UPPER", "SAME_LOWER"])
    y = b.node("ConvTranspose", operands, **attributes)
    return Sample(f"ConvTranspose {rank}-D", b.model([y]), b.values)


def gemm(rng):
    b = Builder(rng, _opset(rng))
    m, k, n = b.integers(1, 9, 3)
    transpose_a, transpose_b = b.chance(0.3), b.chance(0.5)
    x = b.input(b.normal(*((k, m) if transpose_a else (m, k))))
    operands = [x, b.maybe_constant(b.normal(*((n, k) if transpose_b else (k, n))), 0.7)]
    if b.opset < 11 or b.chance(0.8):
        shape = b.choice([(), (1,), (n,), (1, n), (m, 1), (m, n), (1, 1)])
        operands.append(b.maybe_constant(b.normal(*shape), 0.7))
    attributes = {}
    for key, value, chance in (("transA", int(transpose_a), 0.7), ("transB", int(transpose_b), 0.7)):
        if value or b.chance(chance):
            attributes[key] = value
    for key in ("alpha", "beta"):
        if b.chance(0.4):
            attributes[key] = float(numpy.float32(b.choice([0.0, 0.5, 1.0, -1.25, 2.0, 0.1])))
    y = b.node("Gemm", operands, **attributes)
    return Sample("Gemm", b.model([y]), b.values)


def matmul(rng):
    b = Builder(rng, _opset(rng))
    m, k, n = b.integers(1, 8, 3)
    batch = b.integers(1, 3, b.integer(0, 3))
    left = [d if b.chance(0.8) else 1 for d in batch][b.integer(0, len(batch)) if b.chance(0.3) else 0:]
    right = [d if b.chance(0.7) else 1 for d in batch][b.integer(0, len(batch)) if b.chance(0.5) else 0:]
    left, right = [*left, m, k], [*right, k, n]
    if b.chance(0.1):
        left = [k]
    if b.chance(0.1):
        right = [k]
    operands = [b.input(b.normal(*left)), b.maybe_constant(b.normal(*right), 0.6)]
    if b.chance(0.1):
        operands[0] = b.constant(b.normal(*left))
        operands[1] = b.input(b.normal(*right))
        b.values = {operands[1]: b.values[operands[1]]}
        b.graph_inputs = [v for v in b.graph_inputs if v.name == operands[1]]
    y = b.node("MatMul", operands)
    return Sample("MatMul", b.model([y]), b.values)


def pool(rng):
    op = str(rng.choice(["MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"],
                        p=[0.4, 0.4, 0.05, 0.06, 0.05, 0.04]))
    b = Builder(rng, _opset(rng))
    rank = b.choice([1, 2, 3], [2, 6, 2])
    dilated = b.opset >= {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}.get(op, 99)
    kernel, strides, dilations, auto_pad, pads, extents = _window(b, rank, dilated)
    if op.startswith("Global"):
        x = b.input(b.normal(b.integer(1, 2), b.integer(1, 3), *extents))
        y = b.node(op, [x])
        return Sample(op, b.model([y]), b.values)
    if dilated and auto_pad.startswith("SAME"):
        auto_pad, pads = "NOTSET", [0] * 2 * rank
        extents = [max(e, (k - 1) * d + 1) for e, k, d in zip(extents, kernel, dilations, strict=True)]
    value = b.normal(b.integer(1, 2), b.integer(1, 3), *extents)
    if op == "MaxPool" and b.opset >= 12 and b.chance(0.15):
        value = (value * 50).astype(b.choice([numpy.int8, numpy.uint8]))
    elif b.chance(0.05):
        value = value.astype(numpy.float64)
    x = b.input(value)
    attributes = _window_attributes(b, kernel, strides, dilations, auto_pad, pads, kernel_always=True)
    if not dilated:
        attributes.pop("dilations", None)
    ceils = b.opset >= (18 if op == "LpPool" else 10)
    if b.chance(0.4) and ceils and auto_pad == "NOTSET":
        attributes["ceil_mode"] = 1
    if op == "AveragePool" and b.chance(0.5):
        attributes["count_include_pad"] = b.integer(0, 1)
    if op == "LpPool":
        attributes["p"] = b.choice([1, 2, 3])
    with_indices = op == "MaxPool" and b.opset >= 8 and b.chance(0.15)
    if op == "MaxPool" and b.opset >= 8 and with_indices and b.chance(0.3):
        attributes["storage_order"] = 1
    y = b.node(op, [x], outputs=2 if with_indices else 1, **attributes)
    return Sample(f"{op} {rank}-D", b.model(y if with_indices else [y]), b.values)


def unpool(rng):
    """The maxima of a pool put back."""
    b = Builder(rng, _opset(rng, 11))
    rank = b.choice([1, 2, 3])
    kernel = b.integers(1, 3, rank)
    extents = [k * b.integer(1, 3) for k in kernel]
    x = b.input(b.normal(b.integer(1, 2), b.integer(1, 3), *extents))
    y, indices = b.node("MaxPool", [x], outputs=2, kernel_shape=kernel, strides=kernel)
    y = b.node("MaxUnpool", [y, indices], kernel_shape=kernel, strides=kernel)
    return Sample(f"MaxUnpool {rank}-D", b.model([y]), b.values)


def deform_conv(rng):
    b = Builder(rng, NEWEST)
    kernel, strides, dilations, _, pads, extents = _window(b, 2)
    extents = [max(2, e) for e in extents]
    out = [(e + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1
           for i, e in enumerate(extents)]
    groups, offset_groups = b.choice([1, 1, 2]), b.choice([1, 1, 2])
    n, channels, filters = b.integer(1, 2), 2 * b.integer(1, 2), groups * b.integer(1, 2)
    taps = offset_groups * kernel[0] * kernel[1]
    operands = [b.input(b.normal(n, channels, *extents)),
                b.maybe_constant(b.normal(filters, channels // groups, *kernel)),
                b.maybe_constant(b.normal(n, 2 * taps, *out, scale=2.0), 0.2)]
    if b.chance(0.7):
        operands.append(b.maybe_constant(b.normal(filters)))
        if b.chance(0.7):
            operands.append(b.maybe_constant(b.uniform(0, 1, n, taps, *out), 0.2))
    y = b.node("DeformConv", operands, kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads,
               group=groups, offset_group=offset_groups)
    return Sample("DeformConv", b.model([y]), b.values)


def normalization(rng):
    op = str(rng.choice(["BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization",
                         "LRN", "LpNormalization", "MeanVarianceNormalization", "Softmax", "LogSoftmax", "Hardmax"],
                        p=[.2, .2, .12, .08, .1, .05, .05, .1, .06, .04]))
    least = {"LayerNormalization": 17, "GroupNormalization": 21, "MeanVarianceNormalization": 9}.get(op, 7)
    b = Builder(rng, _opset(rng, least))
    rank = b.integer(1, 3)
    n, c = b.integers(1, 3, 2)
    shape = [n, c, *b.integers(1, 6, rank)]
    scale, offset = b.choice([0.1, 1.0, 10.0]), b.choice([0.0, 1.0, -5.0])
    value = b.normal(*shape, scale=scale) + numpy.float32(offset)
    epsilon = b.choice([None, 1e-5, 1e-3])
    if op == "BatchNormalization":
        if b.chance(0.2):
            value = value.reshape(n, c, -1)[:, :, 0]
        x = b.input(value)
        fixed = b.choice([1.0, 0.0], [9, 1])  # all constant or all fed
        parts = [b.maybe_constant(v, fixed) for v in
                 (b.uniform(0.5, 2, c), b.normal(c), b.normal(c), b.uniform(0.1, 3, c))]
        y = b.node(op, [x, *parts], epsilon=epsilon)
    elif op == "LayerNormalization":
        x = b.input(value)
        axis = b.integer(0, len(shape) - 1)
        parts = [x, b.maybe_constant(b.normal(*shape[axis:]))]
        if b.chance(0.7):
            parts.append(b.maybe_constant(b.normal(*shape[axis:])))
        if b.chance(0.5):
            axis -= len(shape)
        y = b.node(op, parts, axis=axis if axis != -1 or b.chance(0.5) else None, epsilon=epsilon)
    elif op == "InstanceNormalization":
        x = b.input(value)
        y = b.node(op, [x, b.maybe_constant(b.normal(c)), b.maybe_constant(b.normal(c))], epsilon=epsilon)
    elif op == "GroupNormalization":
        groups = b.integer(1, 3)
        channels = groups * b.integer(1, 3)
        # No offset: both references compute E(x^2) - E(x)^2, which cancels.
        x = b.input(b.normal(n, channels, *shape[2:], scale=scale))
        y = b.node(op, [x, b.maybe_constant(b.normal(channels)), b.maybe_constant(b.normal(channels))],
                   num_groups=groups, epsilon=epsilon)
    elif op == "LRN":
        x = b.input(b.normal(n, b.integer(1, 7), *b.integers(1, 5, 2)))
        y = b.node(op, [x], size=b.choice([1, 3, 5, 7]), alpha=b.choice([None, 1e-4, 0.5]),
                   beta=b.choice([None, 0.75, 0.5, 1.0]), bias=b.choice([None, 1.0, 2.0]))
    elif op == "LpNormalization":
        x = b.input(value)
        y = b.node(op, [x], axis=b.choice([None, *range(-len(shape), len(shape))]), p=b.choice([None, 1, 2]))
    elif op == "MeanVarianceNormalization":
        x = b.input(b.normal(n, c, *b.integers(2, 5, 2)))
        # Always given: without it the checker of the onnx package fails on the function body.
        y = b.node(op, [x], axes=b.choice([[0, 2, 3], [2, 3], [1, 2, 3]]))
    else:
        if op == "Hardmax":  # no two elements may be close to each other
            value = rng.permutation(numpy.arange(value.size, dtype=numpy.float32)).reshape(shape)
        x = b.input(value)
        low = -len(shape) if b.opset >= 11 else 0
        y = b.node(op, [x], axis=b.choice([None, *range(low, len(shape))]))
    return Sample(op, b.model([y]), b.values)


KINDS = [(conv, 35), (conv_transpose, 10), (gemm, 12), (matmul, 10), (pool, 18), (normalization, 15), (unpool, 1),
         (deform_conv, 2)]


def generate(rng):
    weights = numpy.array([weight for _, weight in KINDS], float)
    return KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))][0](rng)
