"""Random single nodes that move data: gathers, scatters, slices, padding, resizing, sampling."""
import numpy
from onnx import TensorProto

from .builder import NEWEST, Builder, Sample

TYPES = [numpy.float32, numpy.int64, numpy.int32, numpy.int8, numpy.uint8, numpy.bool_, numpy.float64]
TYPE_WEIGHTS = [6, 2, 2, 1, 1, 1, 1]


def _data(b, *shape, types=None):
    """An array of any type; numbers differ so that a wrong position shows."""
    dtype = b.choice(types) if types else b.choice(TYPES, TYPE_WEIGHTS)
    if dtype is numpy.bool_:
        return b.rng.random(shape) < 0.5
    if numpy.issubdtype(dtype, numpy.floating):
        return b.rng.standard_normal(shape).astype(dtype)
    info = numpy.iinfo(dtype)
    return b.rng.integers(max(info.min, -1000), min(info.max, 1000), shape, endpoint=True).astype(dtype)


def _shape(b, least=1, most=4, largest=6):
    return b.integers(1, largest, b.integer(least, most))


def _list(values, dtype=numpy.int64):
    return numpy.asarray(values, dtype)


def _indices(b, size, *shape):
    return b.rng.integers(-size, size, shape).astype(b.choice([numpy.int64, numpy.int32]))


def slice_(b):
    shape = _shape(b)
    x = b.input(_data(b, *shape))
    axes = sorted(b.rng.permutation(len(shape))[:b.integer(1, len(shape))].tolist())
    starts, ends, steps = [], [], []
    for axis in axes:
        size = shape[axis]
        starts.append(b.choice([0, b.integer(-size - 2, size + 2), -1]))
        ends.append(b.choice([b.integer(-size - 2, size + 2), 2**63 - 1, -2**63, size]))
        steps.append(b.choice([1, 1, 2, 3, -1, -2, 100, -100]))
    signed = [a - len(shape) if b.chance(0.3) else a for a in axes]
    if b.opset < 10:
        return b.node("Slice", [x], starts=starts, ends=ends, axes=signed)
    operands = [x, b.constant(_list(starts)), b.constant(_list(ends)), b.constant(_list(signed))]
    if any(step != 1 for step in steps) or b.chance(0.5):
        operands.append(b.constant(_list(steps)))
    return b.node("Slice", operands)


def split(b):
    shape = _shape(b)
    axis = b.integer(0, len(shape) - 1)
    parts = b.integers(1, 4, b.integer(1, 4))
    even = b.chance(0.3)
    if even:
        parts = [parts[0]] * len(parts)
    shape[axis] = sum(parts)
    x = b.input(_data(b, *shape))
    attributes = {"axis": axis - len(shape) if b.chance(0.3) and b.opset >= 11 else axis}
    operands = [x]
    if not even and b.opset >= 13:
        operands.append(b.constant(_list(parts)))
    elif not even:
        attributes["split"] = parts
    elif b.opset >= 18:
        attributes["num_outputs"] = len(parts)
    return b.node("Split", operands, outputs=len(parts), **attributes)


def concat(b):
    shape, dtype = _shape(b), b.choice(TYPES, TYPE_WEIGHTS)
    axis = b.integer(0, len(shape) - 1)
    operands = []
    for i in range(b.integer(1, 4)):
        part = list(shape)
        part[axis] = b.integer(1, 4)
        value = _data(b, *part, types=[dtype])
        operands.append(b.input(value) if i == 0 else b.maybe_constant(value, 0.5))
    return b.node("Concat", operands, axis=axis - len(shape) if b.opset >= 11 and b.chance(0.3) else axis)


def pad(b):
    shape = _shape(b)
    mode = b.choice(["constant", "reflect", "edge", "wrap"] if b.opset >= 19 else ["constant", "reflect", "edge"])
    axes = list(range(len(shape)))
    if b.opset >= 18 and b.chance(0.4):
        axes = b.rng.permutation(len(shape))[:b.integer(1, len(shape))].tolist()
    low, high = [], []
    for axis in axes:
        size = shape[axis]
        most = size - 1 if mode == "reflect" else 4
        low.append(b.integer(0, most))
        high.append(b.integer(0, most))
        if mode == "constant" and b.chance(0.2) and size > 2:
            (low if b.chance(0.5) else high)[-1] = -b.integer(1, size - 2)
    dtype = numpy.float32 if b.opset < 11 else b.choice(TYPES[:5] + TYPES[6:], TYPE_WEIGHTS[:5] + TYPE_WEIGHTS[6:])
    x = b.input(_data(b, *shape, types=[dtype]))
    if b.opset < 11:
        return b.node("Pad", [x], mode=mode, pads=low + high, value=b.choice([None, 1.5]))
    operands = [x, b.constant(_list(low + high))]
    value = b.maybe_constant(_data(b, types=[dtype]), 0.5) if mode == "constant" and b.chance(0.5) else ""
    if value or len(axes) != len(shape) or axes != sorted(axes):
        operands.append(value)
    if b.opset >= 18 and (axes != list(range(len(shape))) or b.chance(0.2)):
        operands = (operands + [""])[:3] + [b.constant(_list(axes))]
    return b.node("Pad", operands, mode=mode)


def expand(b):
    shape = [d if b.chance(0.6) else 1 for d in _shape(b)]
    wide = b.integers(1, 3, b.integer(0, 2)) + [d if d != 1 else b.integer(1, 5) for d in shape]
    target = [1 if b.chance(0.2) else d for d in wide][b.integer(0, 1):]
    return b.node("Expand", [b.input(_data(b, *shape)), b.constant(_list(target))])


def tile(b):
    shape = _shape(b)
    return b.node("Tile", [b.input(_data(b, *shape)), b.constant(_list([b.integer(1, 3) for _ in shape]))])


def transpose(b):
    shape = _shape(b, 1, 5)
    return b.node("Transpose", [b.input(_data(b, *shape))], perm=b.rng.permutation(len(shape)).tolist())


def blocks(b):
    block = b.integer(1, 3)
    n, c, h, w = b.integers(1, 3, 4)
    types = [numpy.float32, numpy.float64]
    if b.chance(0.5):
        return b.node("SpaceToDepth", [b.input(_data(b, n, c, h * block, w * block, types=types))], blocksize=block)
    mode = b.choice([None, "DCR", "CRD"]) if b.opset >= 11 else None
    return b.node("DepthToSpace", [b.input(_data(b, n, c * block * block, h, w, types=types))], blocksize=block, mode=mode)


def compress(b):
    shape = _shape(b)
    axis = b.integer(0, len(shape) - 1) if b.chance(0.7) else None
    size = shape[axis] if axis is not None else int(numpy.prod(shape))
    condition = b.rng.random(b.integer(1, size)) < 0.6
    condition[b.integer(0, len(condition) - 1)] = True
    return b.node("Compress", [b.input(_data(b, *shape)), b.constant(condition)], axis=axis)


def gather(b):
    shape = _shape(b)
    axis = b.integer(0, len(shape) - 1)
    indices = _indices(b, shape[axis], *_shape(b, 0, 2, 4))
    return b.node("Gather", [b.input(_data(b, *shape)), b.maybe_constant(indices, 0.4)],
                  axis=axis - len(shape) if b.chance(0.3) else axis)


def gather_elements(b):
    shape = _shape(b)
    axis = b.integer(0, len(shape) - 1)
    picked = [b.integer(1, 5) if d == axis else b.integer(1, size) for d, size in enumerate(shape)]
    return b.node("GatherElements", [b.input(_data(b, *shape)), b.maybe_constant(_indices(b, shape[axis], *picked), 0.3)],
                  axis=axis)


def _places(b, sizes, *shape):
    """Indices of several dimensions in the last one."""
    return numpy.stack([b.rng.integers(-size, size, shape) for size in sizes], axis=-1).astype(numpy.int64)


def gather_nd(b):
    shape = _shape(b, 2, 4)
    batch = b.integer(0, len(shape) - 1) if b.opset >= 12 and b.chance(0.5) else 0
    depth = b.integer(1, len(shape) - batch)
    indices = _places(b, shape[batch:batch + depth], *shape[:batch], *b.integers(1, 4, b.integer(0, 2)))
    attributes = {"batch_dims": batch} if b.opset >= 12 else {}
    return b.node("GatherND", [b.input(_data(b, *shape)), b.maybe_constant(indices, 0.3)], **attributes)


def _reduction(b):
    if b.opset < 16:
        return None
    return b.choice([None, "none", "add", "mul", "max", "min"] if b.opset >= 18 else [None, "none", "add", "mul"])


NUMBERS = [numpy.float32, numpy.int64, numpy.int32, numpy.float64]


def scatter_elements(b):
    shape = _shape(b)
    axis, reduction = b.integer(0, len(shape) - 1), _reduction(b)
    picked = [b.integer(1, size) for size in shape]
    dtype = b.choice(NUMBERS)
    # Without a reduction no element may be written twice.
    if reduction in (None, "none"):
        order = numpy.argsort(b.rng.random([*picked[:axis], shape[axis], *picked[axis + 1:]]), axis=axis)
        indices = numpy.take(order, range(picked[axis]), axis=axis)
        indices = numpy.where(b.rng.random(indices.shape) < 0.3, indices - shape[axis], indices).astype(numpy.int64)
    else:
        indices = _indices(b, shape[axis], *picked)
    op = "Scatter" if b.opset < 11 else "ScatterElements"
    return b.node(op, [b.input(_data(b, *shape, types=[dtype])), b.maybe_constant(indices, 0.3),
                       b.maybe_constant(_data(b, *picked, types=[dtype]), 0.3)], axis=axis, reduction=reduction)


def scatter_nd(b):
    shape = _shape(b)
    depth, reduction = b.integer(1, len(shape)), _reduction(b)
    dtype = b.choice(NUMBERS)
    if reduction in (None, "none"):
        cells = int(numpy.prod(shape[:depth]))
        chosen = b.rng.permutation(cells)[:b.integer(1, cells)]
        indices = numpy.stack(numpy.unravel_index(chosen, shape[:depth]), axis=-1).astype(numpy.int64)
        indices = numpy.where(b.rng.random(indices.shape) < 0.3, indices - numpy.array(shape[:depth]), indices)
    else:
        indices = _places(b, shape[:depth], *b.integers(1, 4, b.integer(1, 2)))
    updates = _data(b, *indices.shape[:-1], *shape[depth:], types=[dtype])
    return b.node("ScatterND", [b.input(_data(b, *shape, types=[dtype])), b.maybe_constant(indices, 0.3),
                                b.maybe_constant(updates, 0.3)], reduction=reduction)


def one_hot(b):
    shape = _shape(b, 1, 3)
    depth = b.integer(1, 6)
    indices = b.rng.integers(-depth - 2, depth + 2, shape).astype(b.choice([numpy.int64, numpy.int32, numpy.float32]))
    dtype = b.choice([numpy.float32, numpy.int64, numpy.int32])
    values = _data(b, 2, types=[dtype])
    axis = b.choice([None, b.integer(-len(shape) - 1, len(shape))])
    depth_value = numpy.array(depth, indices.dtype) if b.chance(0.5) else numpy.array([depth], numpy.int64)
    if indices.dtype == numpy.int32 or numpy.dtype(dtype) != numpy.float32 and indices.dtype == numpy.float32:
        indices, depth_value = indices.astype(numpy.int64), numpy.array(depth, numpy.int64)
    return b.node("OneHot", [b.input(indices), b.constant(depth_value), b.maybe_constant(values, 0.6)], axis=axis)


def reverse_sequence(b):
    shape = _shape(b, 2, 4)
    batch = b.integer(0, 1)
    lengths = b.rng.integers(1, shape[1 - batch] + 1, shape[batch]).astype(numpy.int64)
    return b.node("ReverseSequence", [b.input(_data(b, *shape)), b.maybe_constant(lengths, 0.4)],
                  batch_axis=batch, time_axis=1 - batch)


def range_(b):
    dtype = b.choice([numpy.float32, numpy.int64, numpy.int32, numpy.float64])
    start, step = b.integer(-9, 9), b.choice([1, 2, -1, -3, 5])
    limit = start + step * b.integer(-1, 9)
    values = [start, limit, step]
    if numpy.issubdtype(dtype, numpy.floating):
        values = [v + 0.25 for v in values]
    y = b.node("Range", [b.constant(numpy.array(v, dtype)) for v in values])
    return b.node("Add", [y, b.input(_data(b, 1, types=[dtype]))])


def _size(b, old):
    return b.choice([old, 2 * old, 3 * old, max(1, old // 2), b.integer(1, 12)])


def resize(b):
    rank = b.choice([3, 4, 4, 4, 5])
    mode = b.choice(["nearest", "linear", "cubic"])
    if mode == "cubic":
        rank = 4
    outer = 2 if b.chance(0.9) or mode == "cubic" else 1
    shape = b.integers(1, 3, outer) + b.integers(1, 7, rank - outer)
    sizes = [d if i < 2 else _size(b, d) for i, d in enumerate(shape)]
    dtype = b.choice([numpy.float32, numpy.float32, numpy.uint8, numpy.int8]) if mode == "nearest" else numpy.float32
    x = b.input(_data(b, *shape, types=[dtype]))
    if b.opset < 11:
        scales = [numpy.float32(s / d) for s, d in zip(sizes, shape, strict=True)]
        scales = [max(1.0, float(int(s))) for s in scales]
        if mode == "cubic":
            mode = "linear"
        if b.opset < 9:
            return b.node("Upsample", [x], mode=mode, scales=scales)
        return b.node("Upsample" if b.opset == 9 else "Resize", [x, b.constant(_list(scales, numpy.float32))], mode=mode)
    coordinates = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    if b.opset >= 19:
        coordinates.append("half_pixel_symmetric")
    attributes = {"mode": mode, "coordinate_transformation_mode": b.choice([None, *coordinates])}
    cropped = attributes["coordinate_transformation_mode"] == "tf_crop_and_resize"
    if mode == "nearest":
        attributes["nearest_mode"] = b.choice([None, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if mode == "cubic":
        attributes["cubic_coeff_a"] = b.choice([None, -0.5])
        attributes["exclude_outside"] = b.choice([None, 1])
    if cropped and b.chance(0.7):
        attributes["extrapolation_value"] = 2.5
    if b.opset >= 18 and mode != "nearest" and not cropped and b.chance(0.4):
        attributes["antialias"] = 1
    axes = list(range(len(shape)))
    if b.opset >= 18 and b.chance(0.5):
        axes = axes[2:]
        attributes["axes"] = axes
        if b.chance(0.4):
            attributes["keep_aspect_ratio_policy"] = b.choice(["stretch", "not_larger", "not_smaller"])
    roi = ""
    if cropped:
        start, end = b.rng.uniform(-0.2, 0.4, len(axes)), b.rng.uniform(0.5, 1.2, len(axes))
        for i, axis in enumerate(axes):
            if axis < 2:
                start[i], end[i] = 0, 1
        roi = b.constant(numpy.concatenate([start, end]).astype(numpy.float32))
    elif b.opset < 13:
        roi = b.constant(numpy.zeros(0, numpy.float32))
    if b.chance(0.5):
        empty = b.constant(numpy.zeros(0, numpy.float32)) if b.opset < 13 else ""
        return b.node("Resize", [x, roi, empty, b.constant(_list([sizes[a] for a in axes]))], **attributes)
    attributes.pop("keep_aspect_ratio_policy", None)
    scales = [1.0 if a < 2 else b.choice([1.0, 2.0, 0.5, 1.5, 3.0, 2.5]) for a in axes]
    scales = [s if int(s * shape[a]) > 0 else 1.0 for s, a in zip(scales, axes, strict=True)]
    return b.node("Resize", [x, roi, b.constant(_list(scales, numpy.float32))], **attributes)


def grid_sample(b):
    rank = 2 if b.opset < 20 or b.chance(0.6) else 3
    old = b.opset < 20
    mode = b.choice(["bilinear", "nearest", "bicubic"] if old else ["linear", "nearest", "cubic"])
    if rank == 3 and mode == "cubic":
        mode = "linear"
    n, c = b.integers(1, 2, 2)
    shape, grid = b.integers(1, 6, rank), b.integers(1, 5, rank)
    return b.node("GridSample", [b.input(b.normal(n, c, *shape)), b.input(b.uniform(-1.4, 1.4, n, *grid, rank))], mode=mode,
                  padding_mode=b.choice([None, "zeros", "border", "reflection"]), align_corners=b.choice([None, 0, 1]))


def affine_grid(b):
    rank, n = b.integer(2, 3), b.integer(1, 2)
    size = [n, 1, *b.integers(2, 5, rank)]
    return b.node("AffineGrid", [b.input(b.normal(n, rank, rank + 1)), b.constant(_list(size))],
                  align_corners=b.choice([None, 0, 1]))


def _regions(b, count, h, w):
    x, y = b.rng.uniform(-1, w, (2, count)), b.rng.uniform(-1, h, (2, count))
    return numpy.stack([x.min(0), y.min(0), x.max(0), y.max(0)], axis=-1).astype(numpy.float32)


def roi_align(b):
    n, c, h, w = b.integers(1, 2, 2) + b.integers(3, 8, 2)
    count = b.integer(1, 4)
    attributes = {"mode": b.choice([None, "avg", "max"]), "output_height": b.integer(1, 3), "output_width": b.integer(1, 3),
                  "sampling_ratio": b.choice([None, 0, 1, 2, 3]), "spatial_scale": b.choice([None, 0.5, 1.0])}
    if b.opset >= 16:
        attributes["coordinate_transformation_mode"] = b.choice([None, "half_pixel", "output_half_pixel"])
    return b.node("RoiAlign", [b.input(b.normal(n, c, h, w)), b.input(_regions(b, count, h, w)),
                               b.input(b.rng.integers(0, n, count).astype(numpy.int64))], **attributes)


def max_roi_pool(b):
    n, c, h, w = b.integers(1, 2, 2) + b.integers(3, 8, 2)
    count = b.integer(1, 4)
    batch = b.rng.integers(0, n, (count, 1)).astype(numpy.float32)
    rois = numpy.concatenate([batch, _regions(b, count, h, w)], axis=1)
    return b.node("MaxRoiPool", [b.input(b.normal(n, c, h, w)), b.input(rois)], pooled_shape=b.integers(1, 3, 2),
                  spatial_scale=b.choice([None, 0.5, 1.0]))


def col2im(b):
    rank = b.integer(1, 3)
    block, strides, dilations = b.integers(1, 3, rank), b.integers(1, 3, rank), b.integers(1, 2, rank)
    pads, image = b.integers(0, 2, 2 * rank), b.integers(5, 8, rank)
    places = [(i + pads[d] + pads[rank + d] - dilations[d] * (block[d] - 1) - 1) // strides[d] + 1
              for d, i in enumerate(image)]
    c = b.integer(1, 2)
    x = b.input(b.normal(b.integer(1, 2), c * int(numpy.prod(block)), int(numpy.prod(places))))
    return b.node("Col2Im", [x, b.constant(_list(image)), b.constant(_list(block))], strides=strides, dilations=dilations,
                  pads=pads)


def center_crop_pad(b):
    shape = _shape(b)
    axes = b.rng.permutation(len(shape))[:b.integer(1, len(shape))].tolist()
    x = b.input(_data(b, *shape, types=[numpy.float32, numpy.int64, numpy.uint8]))
    return b.node("CenterCropPad", [x, b.constant(_list(b.integers(1, 8, len(axes))))], axes=axes)


def fourier(b):
    if b.chance(0.3):
        frame = b.integer(2, 9)
        signal = b.normal(b.integer(1, 2), frame + b.integer(0, 20), 1)
        operands = [b.input(signal), b.constant(numpy.array(b.integer(1, 6)))]
        if b.chance(0.5):
            operands.append(b.maybe_constant(b.normal(frame), 0.5))
        else:
            operands += ["", b.constant(numpy.array(frame))]
        return b.node("STFT", operands, onesided=b.choice([None, 0, 1]))
    shape = [b.integer(1, 2), *b.integers(2, 12, b.integer(1, 2))]
    axis = b.integer(1, len(shape) - 1)
    inverse = b.chance(0.4)
    attributes = {"inverse": int(inverse), "onesided": 0 if inverse else b.choice([None, 0, 1])}
    parts = b.integer(1, 2) if not attributes["onesided"] else 1
    operands = [b.input(b.normal(*shape, parts))]
    if b.chance(0.4):
        operands.append(b.constant(numpy.array(b.integer(2, 12))))
    if b.opset >= 20:
        operands += [""] * (2 - len(operands)) + [b.constant(numpy.array(axis))]
    else:
        attributes["axis"] = axis
    return b.node("DFT", operands, **attributes)


def unique(b):
    values = b.rng.integers(0, 4, _shape(b, 1, 3, 4)).astype(b.choice([numpy.float32, numpy.int64]))
    axis = b.choice([None, b.integer(0, values.ndim - 1)])
    y = b.node("Unique", [b.constant(values)], outputs=4, axis=axis, sorted=b.choice([None, 0, 1]))
    # A model needs an input.
    return [*y, b.node("Identity", [b.input(b.normal(1))])]


# function, weight, oldest opset
KINDS = [(slice_, 10, 7), (split, 5, 7), (concat, 5, 7), (pad, 10, 7), (expand, 4, 8), (tile, 3, 7), (transpose, 3, 7),
         (blocks, 3, 7), (compress, 3, 9), (gather, 8, 7), (gather_elements, 5, 11), (gather_nd, 5, 11),
         (scatter_elements, 6, 9), (scatter_nd, 6, 11), (one_hot, 4, 9), (reverse_sequence, 2, 10), (range_, 2, 11),
         (resize, 20, 7), (grid_sample, 8, 16), (affine_grid, 2, 20), (roi_align, 4, 10), (max_roi_pool, 2, 7),
         (col2im, 3, 18), (center_crop_pad, 2, 18), (fourier, 4, 17), (unique, 2, 11)]


def generate(rng):
    weights = numpy.array([weight for _, weight, _ in KINDS], float)
    make, _, oldest = KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
    b = Builder(rng, int(rng.integers(oldest, NEWEST + 1)))
    y = make(b)
    model = b.model(y if isinstance(y, list) else [y])
    # What the table of shapes of an output says is part of the answer; unknown sizes are none.
    assert all(v.type.tensor_type.elem_type != TensorProto.UNDEFINED for v in model.graph.output)
    return Sample(model.graph.node[0].op_type, model, b.values)
