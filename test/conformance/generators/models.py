"""Whole float models: blocks of convolutional networks and transformers, joined at random.

Weights are scaled by their fan-in and exponentials are bounded, so that values stay near 1 and a difference is an error,
not chaos. Operators that jump (comparisons, ArgMax, rounding) read graph inputs only.
"""
import numpy

from .builder import NEWEST, Builder, Sample

OPSETS = [9, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, NEWEST]


def _axes(b, op, x, axes, shape, **attributes):
    """A node whose axes are an attribute or an input, as its opset has it."""
    since = 18 if op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceProd") else 13
    if b.opset >= since:
        return b.node(op, [x, b.constant(numpy.array(axes, numpy.int64))], shape, **attributes)
    return b.node(op, [x], shape, axes=axes, **attributes)


# Elementwise.

def activation(b, x):
    s = b.shape[x]
    kinds = ["Relu", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "HardSigmoid", "Softplus", "Softsign", "Clip",
             "PRelu", "Erf", "Selu", "Abs", "Exp", "Sqrt", "Log", "Pow", "silu", "gelu", "Neg", "Sin", "Celu"]
    kinds += ["HardSwish"] * (b.opset >= 14) + ["Mish"] * (b.opset >= 18) + ["Gelu"] * (b.opset >= 20)
    kind = b.choice(kinds)
    if kind == "Celu" and b.opset < 12:
        kind = "Elu"
    if kind == "LeakyRelu":
        return b.node(kind, [x], s, alpha=b.choice([None, 0.1]))
    if kind == "Clip":
        if b.opset < 11:
            return b.node(kind, [x], s, min=-0.5, max=1.5)
        low = b.constant(numpy.float32(-0.5)) if b.chance(0.8) else ""
        return b.node(kind, [x, low, b.constant(numpy.float32(1.5))], s)
    if kind == "PRelu":
        return b.node(kind, [x, b.constant(b.uniform(0, 0.5, s[1], *[1] * (len(s) - 2)))], s) if len(s) > 1 else x
    if kind == "Exp":
        return b.node("Exp", [b.node("Neg", [b.node("Abs", [x], s)], s)], s)
    if kind in ("Sqrt", "Log", "Pow"):
        y = b.node("Add", [b.node("Abs", [x], s), b.constant(numpy.float32(0.5))], s)
        return b.node("Pow", [y, b.constant(numpy.float32(b.choice([2, 3, 0.5, 1])))], s) if kind == "Pow" else b.node(kind, [y], s)
    if kind == "silu":
        return b.node("Mul", [x, b.node("Sigmoid", [x], s)], s)
    if kind == "gelu":
        y = b.node("Erf", [b.node("Div", [x, b.constant(numpy.float32(2 ** 0.5))], s)], s)
        y = b.node("Mul", [x, b.node("Add", [y, b.constant(numpy.float32(1))], s)], s)
        return b.node("Mul", [y, b.constant(numpy.float32(0.5))], s)
    if kind == "Gelu":
        return b.node(kind, [x], s, approximate=b.choice([None, "none", "tanh"]))
    return b.node(kind, [x], s)


def arithmetic(b, x):
    """With a constant that is broadcast."""
    s = b.shape[x]
    shape = [d if b.chance(0.6) else 1 for d in s]
    if b.chance(0.3):
        shape = shape[b.integer(0, len(shape)):]
    c = b.constant(b.uniform(0.5, 1.5, *shape))
    op = b.choice(["Add", "Sub", "Mul", "Div", "Max", "Min"])
    # c / x is infinite after a Relu.
    return b.node(op, [c, x] if b.chance(0.3) and op != "Div" else [x, c], s)


def select(b, x):
    """Where on a mask that is fed or fixed."""
    s = b.shape[x]
    mask = b.rng.random([d if b.chance(0.7) else 1 for d in s]) < 0.5
    mask = b.maybe_constant(mask, 0.6, "mask")
    if b.chance(0.3):
        mask = b.node("Not", [mask], b.shape[mask])
    return b.node("Where", [mask, x, b.constant(numpy.float32(b.choice([0, 1, -2])))], s)


# Images: N x C x H x W (or x W, or x D x H x W).

def _convolve(b, x, filters, kernel, stride=1, groups=1, same=True, bias=None):
    n, c, *extents = b.shape[x]
    rank = len(extents)
    dilation = b.choice([1, 2], [5, 1])
    span = (kernel - 1) * dilation + 1
    if same:
        begin = (span - 1) // 2
        pads = [begin] * rank + [span - 1 - begin] * rank
    else:
        pads = [b.integer(0, span - 1) for _ in range(2 * rank)]
    out = [(e + pads[i] + pads[i + rank] - span) // stride + 1 for i, e in enumerate(extents)]
    if min(out) < 1:
        return x
    fan = c // groups * kernel ** rank
    operands = [x, b.constant(b.normal(filters, c // groups, *[kernel] * rank, scale=1 / fan ** 0.5))]
    if bias if bias is not None else b.chance(0.6):
        operands.append(b.constant(b.normal(filters, scale=0.3)))
    return b.node("Conv", operands, (n, filters, *out), pads=pads, strides=[stride] * rank, dilations=[dilation] * rank,
                  group=groups, kernel_shape=[kernel] * rank)


def convolution(b, x):
    n, c, *extents = b.shape[x]
    groups = b.choice([g for g in (1, 2, 4, c) if c % g == 0])
    filters = groups * b.integer(1, max(1, 8 // groups))
    y = _convolve(b, x, filters, b.integer(1, 3), b.choice([1, 2], [3, 1]), groups, b.chance(0.7))
    if b.chance(0.5):
        y = batch_normalization(b, y)
    return activation(b, y) if b.chance(0.7) else y


def batch_normalization(b, x):
    c = b.shape[x][1]
    parts = [b.constant(v) for v in (b.uniform(0.5, 1.5, c), b.normal(c, scale=0.3), b.normal(c, scale=0.3),
                                     b.uniform(0.5, 2, c))]
    return b.node("BatchNormalization", [x, *parts], b.shape[x])


def transposed_convolution(b, x):
    n, c, *extents = b.shape[x]
    if max(extents) > 10:
        return convolution(b, x)
    rank, kernel, stride, filters = len(extents), b.integer(1, 3), b.integer(1, 2), b.integer(1, 6)
    w = b.constant(b.normal(c, filters, *[kernel] * rank, scale=1 / (c * kernel) ** 0.5))
    out = [(e - 1) * stride + kernel for e in extents]
    return b.node("ConvTranspose", [x, w], (n, filters, *out), strides=[stride] * rank)


def residual(b, x):
    """x + f(x), f keeping the shape."""
    c = b.shape[x][1]
    y = x
    for _ in range(b.integer(1, 2)):
        y = _convolve(b, y, c, b.choice([1, 3]), groups=b.choice([1, c]))
        y = b.choice([activation, batch_normalization])(b, y)
    y = b.node("Add", [y, x] if b.chance(0.5) else [x, y], b.shape[x])
    return b.node("Relu", [y], b.shape[x]) if b.chance(0.5) else y


def squeeze_excite(b, x):
    s = b.shape[x]
    pooled = (*s[:2], *[1] * (len(s) - 2))
    y = b.node("GlobalAveragePool", [x], pooled)
    y = activation(b, _convolve(b, y, b.integer(1, 4), 1, bias=True))
    y = b.node("Sigmoid", [_convolve(b, y, s[1], 1, bias=True)], pooled)
    return b.node("Mul", [x, y], s)


def branches(b, x):
    """Several ways of the same extents, concatenated or summed."""
    s = b.shape[x]
    ways = [x] if b.chance(0.4) else []
    for _ in range(b.integer(2, 3)):
        way = _convolve(b, x, b.integer(1, 4), b.choice([1, 3]))
        ways.append(activation(b, way) if b.chance(0.5) else way)
    return b.node("Concat", ways, (s[0], sum(b.shape[w][1] for w in ways), *s[2:]), axis=b.choice([1, 1 - len(s)])
                  if b.opset >= 11 else 1)


def split(b, x):
    """Cut into two, treated apart, joined again."""
    s = b.shape[x]
    axis = b.choice([i for i, d in enumerate(s) if d >= 2] or [None])
    if axis is None:
        return activation(b, x)
    first = b.integer(1, s[axis] - 1)
    sizes = [first, s[axis] - first]
    if b.opset >= 13:
        left, right = b.node("Split", [x, b.constant(numpy.array(sizes, numpy.int64))], axis=axis, outputs=2)
    else:
        left, right = b.node("Split", [x], axis=axis, split=sizes, outputs=2)
    for part, size in ((left, sizes[0]), (right, sizes[1])):
        b._know(part, [size if i == axis else d for i, d in enumerate(s)], "float32")
    left = b.choice([activation, arithmetic])(b, left)
    parts = [right, left] if b.chance(0.5) else [left, right]
    return b.node("Concat", parts, s, axis=axis)


def pooling(b, x):
    n, c, *extents = b.shape[x]
    rank = len(extents)
    op = b.choice(["MaxPool", "AveragePool"])
    kernel = min(b.integer(2, 3), *extents)
    stride = b.choice([1, 2])
    pad = b.integer(0, kernel - 1) if kernel > 1 else 0
    out = [(e + pad - kernel) // stride + 1 for e in extents]
    attributes = {"kernel_shape": [kernel] * rank, "strides": [stride] * rank, "pads": [pad] * rank + [0] * rank}
    if op == "AveragePool" and b.chance(0.5):
        attributes["count_include_pad"] = 1
    return b.node(op, [x], (n, c, *out), **attributes)


def shuffle(b, x):
    """Channel shuffle: reshape, transpose, reshape."""
    n, c, *extents = b.shape[x]
    groups = b.choice([g for g in (1, 2, 3, 4) if c % g == 0])
    rank = len(extents)
    y = reshape(b, x, (n, groups, c // groups, *extents))
    y = b.node("Transpose", [y], (n, c // groups, groups, *extents), perm=[0, 2, 1, *range(3, 3 + rank)])
    return reshape(b, y, (n, c, *extents))


def reshape(b, x, shape):
    written = list(shape)
    if b.chance(0.5) and 0 not in shape:
        written[b.integer(0, len(shape) - 1)] = -1
    elif shape and b.shape[x][:1] == tuple(shape[:1]) and b.chance(0.5):
        written[0] = 0
    return b.node("Reshape", [x, b.constant(numpy.array(written, numpy.int64))], shape)


def space_to_depth(b, x):
    n, c, *extents = b.shape[x]
    if len(extents) == 2 and c % 4 == 0 and b.chance(0.5):
        return b.node("DepthToSpace", [x], (n, c // 4, extents[0] * 2, extents[1] * 2), blocksize=2,
                      mode=b.choice([None, "DCR", "CRD"]) if b.opset >= 11 else None)
    if len(extents) != 2 or extents[0] % 2 or extents[1] % 2 or c > 4:
        return arithmetic(b, x)
    return b.node("SpaceToDepth", [x], (n, c * 4, extents[0] // 2, extents[1] // 2), blocksize=2)


def pad(b, x):
    n, c, *extents = b.shape[x]
    rank = len(extents)
    mode = b.choice(["constant", "constant", "reflect", "edge"])
    bound = min(extents) - 1 if mode == "reflect" else 2
    pads = [0, 0, *[b.integer(0, min(bound, 2)) for _ in range(rank)], 0, 0,
            *[b.integer(0, min(bound, 2)) for _ in range(rank)]]
    shape = [d + pads[i] + pads[i + rank + 2] for i, d in enumerate(b.shape[x])]
    if b.opset < 11:
        return b.node("Pad", [x], shape, mode=mode, pads=pads, value=0.5)
    operands = [x, b.constant(numpy.array(pads, numpy.int64))]
    if mode == "constant" and b.chance(0.6):
        operands.append(b.constant(numpy.float32(0.5)))
    return b.node("Pad", operands, shape, mode=mode)


def crop(b, x):
    s = b.shape[x]
    starts, ends, steps, shape = [], [], [], []
    for d in s:
        if d < 3 or b.chance(0.5):
            starts.append(0), ends.append(2 ** 31), steps.append(1), shape.append(d)
            continue
        low, high = b.integer(0, d // 2), b.integer(d // 2 + 1, d)
        step = b.choice([1, 2, -1]) if b.opset >= 10 else 1
        if step == -1:
            starts.append(high - 1), ends.append(low - d - 1), steps.append(-1), shape.append(high - low)
        else:
            starts.append(low - d if b.chance(0.3) else low), ends.append(high), steps.append(step)
            shape.append(-(-(high - low) // step))
    if b.opset < 10:
        return b.node("Slice", [x], shape, starts=starts, ends=ends)
    indices = [b.constant(numpy.array(v, numpy.int64)) for v in (starts, ends, range(len(s)), steps)]
    return b.node("Slice", [x, *indices], shape)


def resize(b, x):
    n, c, *extents = b.shape[x]
    if b.opset < 11 or max(extents) > 10:
        return pooling(b, x)
    rank = len(extents)
    mode = b.choice(["nearest", "linear"])
    modes = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    attributes = {"mode": mode, "coordinate_transformation_mode": b.choice(modes)}
    if mode == "nearest":
        attributes["nearest_mode"] = b.choice(["floor", "round_prefer_floor", "ceil", "round_prefer_ceil"])
        # Halves of an output index: no rounding decides between two pixels.
        attributes["coordinate_transformation_mode"] = b.choice(["half_pixel", "asymmetric"])
    scale = b.choice([2, 1]) if b.chance(0.8) else 3
    shape = (n, c, *[e * scale for e in extents])
    if b.chance(0.5):
        operands = [x, "", b.constant(numpy.array([1, 1, *[scale] * rank], numpy.float32))]
    else:
        operands = [x, "", "", b.constant(numpy.array(shape, numpy.int64))]
    if b.opset < 13:
        operands[1] = b.constant(numpy.zeros(0, numpy.float32))
        if operands[2] == "":
            operands[2] = b.constant(numpy.zeros(0, numpy.float32))
    return b.node("Resize", operands, shape, **attributes)


def image_normalization(b, x):
    s = b.shape[x]
    if int(numpy.prod(s[2:])) < 4 or b.chance(0.3):
        return batch_normalization(b, x)
    if b.opset >= 21 and b.chance(0.4):
        groups = b.choice([g for g in (1, 2, 3) if s[1] % g == 0])
        return b.node("GroupNormalization", [x, b.constant(b.uniform(0.5, 1.5, s[1])), b.constant(b.normal(s[1]))], s,
                      num_groups=groups, epsilon=1e-2)
    if b.chance(0.3) and len(s) == 4:
        return b.node("LRN", [x], s, size=3, alpha=0.1)
    return b.node("InstanceNormalization", [x, b.constant(b.uniform(0.5, 1.5, s[1])), b.constant(b.normal(s[1]))], s,
                  epsilon=1e-2)


# Sequences: N x T x D.

def _project(b, x, width, transposed=False):
    """x times a matrix of `width` columns, plus a bias."""
    s = b.shape[x]
    w = b.constant(b.normal(s[-1], width, scale=1 / s[-1] ** 0.5))
    y = b.node("MatMul", [x, w], (*s[:-1], width))
    return b.node("Add", [y, b.constant(b.normal(width, scale=0.3))], b.shape[y]) if b.chance(0.7) else y


def attention(b, x):
    n, t, d = b.shape[x]
    heads = b.choice([h for h in (1, 2, 4) if d % h == 0])
    width = d // heads

    def head(y):
        y = reshape(b, y, (n, t, heads, width))
        return b.node("Transpose", [y], (n, heads, t, width), perm=[0, 2, 1, 3])

    q, k, v = (head(_project(b, x, d)) for _ in range(3))
    k = b.node("Transpose", [k], (n, heads, width, t), perm=[0, 1, 3, 2])
    scores = b.node("MatMul", [q, k], (n, heads, t, t))
    scores = b.node("Mul", [scores, b.constant(numpy.float32(width ** -0.5))], b.shape[scores])
    if b.chance(0.5):
        mask = numpy.triu(numpy.full((t, t), -1e4, numpy.float32), 1)
        scores = b.node("Add", [scores, b.constant(mask)], b.shape[scores])
    y = b.node("Softmax", [scores], b.shape[scores], axis=-1 if b.opset >= 13 else 3)
    y = b.node("MatMul", [y, v], (n, heads, t, width))
    y = b.node("Transpose", [y], (n, t, heads, width), perm=[0, 2, 1, 3])
    y = _project(b, reshape(b, y, (n, t, d)), d)
    return b.node("Add", [x, y], (n, t, d)) if b.chance(0.7) else y


def layer_normalization(b, x):
    s = b.shape[x]
    scale, offset = b.constant(b.uniform(0.5, 1.5, s[-1])), b.constant(b.normal(s[-1]))
    if b.opset >= 17 and b.chance(0.7):
        return b.node("LayerNormalization", [x, scale, offset], s, axis=-1, epsilon=1e-2)
    last = [len(s) - 1] if b.opset < 11 else [-1]
    mean = _axes(b, "ReduceMean", x, last, (*s[:-1], 1))
    centred = b.node("Sub", [x, mean], s)
    square = b.node("Pow", [centred, b.constant(numpy.float32(2))], s)
    variance = _axes(b, "ReduceMean", square, last, (*s[:-1], 1))
    deviation = b.node("Sqrt", [b.node("Add", [variance, b.constant(numpy.float32(1e-2))], (*s[:-1], 1))], (*s[:-1], 1))
    y = b.node("Mul", [b.node("Div", [centred, deviation], s), scale], s)
    return b.node("Add", [y, offset], s)


def feed_forward(b, x):
    y = activation(b, _project(b, x, b.integer(2, 16)))
    y = _project(b, y, b.shape[x][-1])
    return b.node("Add", [x, y], b.shape[x]) if b.chance(0.6) else y


def gather(b, x):
    s = b.shape[x]
    axis = b.integer(0, len(s) - 1)
    indices = b.rng.integers(0, s[axis], b.integer(1, 4))
    if b.opset >= 11:
        indices = indices - s[axis] * (b.rng.random(indices.shape) < 0.3)
    name = b.maybe_constant(indices.astype(b.choice([numpy.int64, numpy.int32])), 0.7, "i")
    return b.node("Gather", [x, name], (*s[:axis], len(indices), *s[axis + 1:]), axis=axis)


def transpose(b, x):
    s = b.shape[x]
    order = [0, *(1 + b.rng.permutation(len(s) - 1))]
    return b.node("Transpose", [x], [s[i] for i in order], perm=[int(i) for i in order])


def reduction(b, x):
    """Over the trailing axes, and broadcast back or kept."""
    s = b.shape[x]
    axis = b.integer(1, len(s) - 1)
    op = b.choice(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"])
    y = _axes(b, op, x, [axis], [1 if i == axis else d for i, d in enumerate(s)], keepdims=1)
    if op in ("ReduceSum", "ReduceL2"):
        y = b.node("Div", [y, b.constant(numpy.float32(s[axis]))], b.shape[y])
    return b.node(b.choice(["Sub", "Add"]), [x, y], s)


def softmax(b, x):
    s = b.shape[x]
    y = b.node("Softmax", [x], s, axis=len(s) - 1)
    return b.node("Mul", [y, b.constant(numpy.float32(s[-1]))], s)


def expand(b, x):
    """Squeeze, unsqueeze, expand: shapes only."""
    s = b.shape[x]
    axis = b.integer(0, len(s))
    y = _axes(b, "Unsqueeze", x, [axis], (*s[:axis], 1, *s[axis:]))
    wide = list(b.shape[y])
    wide[axis] = 2
    y = b.node("Expand", [y, b.constant(numpy.array(wide, numpy.int64))], wide)
    return _axes(b, "ReduceMean", y, [axis], s, keepdims=0)


def einsum(b, x):
    if b.opset < 12:
        return feed_forward(b, x)
    n, t, d = b.shape[x]
    form = b.choice(["ntd,de->nte", "ntd,ed->nte", "ntd,nsd->nts"])
    if form.endswith("nts"):
        y = b.node("Einsum", [x, x], (n, t, t), equation=form)
        return b.node("Div", [y, b.constant(numpy.float32(d))], b.shape[y])
    width = b.integer(1, 8)
    w = b.normal(d, width, scale=1 / d ** 0.5)
    return b.node("Einsum", [x, b.constant(w if "de" in form else w.T.copy())], (n, t, width), equation=form)


IMAGE = [(convolution, 10), (residual, 5), (branches, 5), (split, 3), (pooling, 5), (shuffle, 2), (squeeze_excite, 2),
         (space_to_depth, 2), (pad, 2), (crop, 2), (resize, 3), (image_normalization, 3), (activation, 3),
         (arithmetic, 2), (select, 1), (transposed_convolution, 2), (reduction, 2), (expand, 1), (transpose, 1)]
SEQUENCE = [(attention, 5), (layer_normalization, 4), (feed_forward, 5), (gather, 2), (transpose, 1), (reduction, 3),
            (softmax, 2), (arithmetic, 2), (activation, 2), (select, 1), (split, 2), (einsum, 2), (expand, 1)]


def _stretch(b, x, blocks, count):
    for _ in range(count):
        block = b.choice([f for f, _ in blocks], [w for _, w in blocks])
        x = block(b, x)
        if int(numpy.prod(b.shape[x])) > 6000:
            x = _axes(b, "ReduceMean", x, [len(b.shape[x]) - 1], (*b.shape[x][:-1], 1), keepdims=1)
    return x


def _head(b, x):
    """To logits."""
    s = b.shape[x]
    form = b.choice(["gemm", "mean", "none"])
    if form == "none":
        return x
    if form == "mean":
        x = _axes(b, "ReduceMean", x, list(range(2, len(s))), s[:2], keepdims=0)
        s = b.shape[x]
    size = int(numpy.prod(s[1:]))
    if len(s) > 2:
        x = b.node("Flatten", [x], (s[0], size), axis=1) if b.chance(0.5) else reshape(b, x, (s[0], size))
    width = b.integer(2, 10)
    transposed = b.chance(0.6)
    w = b.normal(size, width, scale=1 / size ** 0.5)
    y = b.node("Gemm", [x, b.constant(w.T.copy() if transposed else w), b.constant(b.normal(width))], (s[0], width),
               transB=int(transposed))
    return b.node("Softmax", [y], b.shape[y], axis=1) if b.chance(0.4) else y


def generate(rng):
    b = Builder(rng, int(rng.choice(OPSETS)))
    depth = b.integer(2, 10)
    if b.chance(0.65):
        kind, rank = "image", b.choice([1, 2, 3], [2, 8, 1])
        x = b.input(b.normal(b.choice([1, 2]), b.integer(1, 6), *b.integers(4, 12 if rank < 3 else 6, rank)))
        y = _stretch(b, x, IMAGE, depth)
        if b.chance(0.25):  # tokens of patches
            n, c, *extents = b.shape[y]
            t = int(numpy.prod(extents))
            y = b.node("Transpose", [reshape(b, y, (n, c, t))], (n, t, c), perm=[0, 2, 1])
            y, kind = _stretch(b, y, SEQUENCE, b.integer(1, 4)), "image and sequence"
    else:
        kind = "sequence"
        x = b.input(b.normal(b.choice([1, 2]), b.integer(2, 8), 4 * b.integer(1, 4)))
        y = _stretch(b, x, SEQUENCE, depth)
        if b.chance(0.2):  # a convolution over time
            kind = "sequence and convolution"
            s = b.shape[y]
            y = b.node("Transpose", [y], (s[0], s[2], s[1]), perm=[0, 2, 1])
            y = _stretch(b, y, IMAGE, b.integer(1, 3))
    outputs = [_head(b, y)]
    made = [n.output[0] for n in b.nodes if n.output[0] in b.shape and n.output[0] not in outputs]
    if made and b.chance(0.4):
        outputs.append(b.choice(made))
    return Sample(kind, b.model(outputs), b.values)
