//===- OpsCopy.cpp - Ops that cut, join, repeat and pad -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

//===----------------------------------------------------------------------===//
// Concat and Split
//===----------------------------------------------------------------------===//

/// The known inputs joined, byte by byte.
static Constant joinKnown(Node &node, ArrayRef<int64_t> shape, int64_t axis) {
  const Constant &first = *node.constant(0);
  int64_t width = bytesPerElement(first.onnxType());
  int64_t outer = 1, inner = width;
  for (size_t d = 0; d < shape.size(); ++d)
    if (int64_t(d) != axis)
      (int64_t(d) < axis ? outer : inner) *= shape[d];
  int64_t count = *countElements(shape);
  auto bytes = std::make_shared<std::vector<uint64_t>>((count * width + 7) / 8);
  char *start = reinterpret_cast<char *>(bytes->data()), *target = start;
  for (int64_t o = 0; count > 0 && o < outer; ++o)
    for (unsigned i = 0; i < node.numInputs(); ++i) {
      const Constant &part = *node.constant(i);
      int64_t run = part.shape()[axis] * inner;
      if (run == 0)
        continue;
      std::memcpy(target, part.bytes().data() + o * run, run);
      target += run;
    }
  auto blob = std::make_shared<Blob>();
  blob->data = ArrayRef<char>(start, count * width);
  blob->owner = bytes;
  return Constant::make(first.name(), shape, first.onnxType(), blob);
}

LogicalResult lowerConcat(Node &node) {
  int64_t axis = 0;
  if (!node.hasAttribute("axis")) {
    node.error() << "attribute 'axis' is missing";
    return failure();
  }
  if (failed(node.attribute("axis", axis)))
    return failure();
  Shape shape;
  bool known = true;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    FailureOr<Shape> part = node.shape(i);
    known &= node.constant(i) && node.constant(i)->hasData();
    if (i == 0) {
      shape = *part;
      FailureOr<int64_t> checked = node.axis(axis, shape.size());
      if (failed(checked))
        return failure();
      axis = *checked;
      continue;
    }
    bool fits = part->size() == shape.size();
    for (size_t d = 0; fits && d < shape.size(); ++d)
      fits = int64_t(d) == axis || (*part)[d] == shape[d];
    if (!fits) {
      node.error() << "input " << i << " of shape " << shapeText(*part)
                   << " does not fit " << shapeText(shape) << " along axis "
                   << axis;
      return failure();
    }
    shape[axis] += (*part)[axis];
  }
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  if (known && node.mayCopy(type->getNumElements(), node.elementType(0)))
    return node.result(joinKnown(node, shape, axis));

  OpBuilder &b = node.builder;
  Value result = empty(b, node.loc, *type);
  int64_t at = 0;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    FailureOr<Shape> size = node.shape(i);
    if (countElements(*size) == 0)
      continue;
    FailureOr<Value> part = node.tensor(i);
    if (failed(part))
      return failure();
    if (*size == shape)
      return node.result(*part);
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (size_t d = 0; d < shape.size(); ++d) {
      offsets.push_back(b.getIndexAttr(int64_t(d) == axis ? at : 0));
      sizes.push_back(b.getIndexAttr((*size)[d]));
      strides.push_back(b.getIndexAttr(1));
    }
    at += (*size)[axis];
    result = tensor::InsertSliceOp::create(b, node.loc, *part, result, offsets,
                                           sizes, strides);
  }
  return node.result(result);
}

LogicalResult lowerSplit(Node &node) {
  int64_t axis = 0, count = node.numOutputs();
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<int64_t> checked = node.axis(axis, shape->size());
  if (failed(checked))
    return failure();
  axis = *checked;
  int64_t size = (*shape)[axis];
  bool counted = node.version() >= 18 && node.hasAttribute("num_outputs");
  if (counted && failed(node.attribute("num_outputs", count)))
    return failure();
  Shape parts;
  if (node.version() < 13) {
    if (failed(node.attribute("split", parts)))
      return failure();
  } else if (node.hasInput(1)) {
    FailureOr<Shape> given = node.integers(1, "split");
    if (failed(given))
      return failure();
    parts = *given;
  }
  if (count != int64_t(node.numOutputs())) {
    node.error() << "num_outputs is " << count << ", but the node has "
                 << node.numOutputs() << " outputs; the file is damaged";
    return failure();
  }
  if (parts.empty()) {
    int64_t part = (size + count - 1) / count;
    if (part * count != size && !counted) {
      node.error() << "axis " << axis << " of size " << size
                   << " does not divide into " << count
                   << " parts; give the sizes in 'split'";
      return failure();
    }
    parts.assign(count, part);
    parts.back() = size - part * (count - 1);
  }
  int64_t left = size;
  bool fits = int64_t(parts.size()) == count;
  for (int64_t part : parts) {
    fits = fits && part >= 0 && part <= left;
    left -= fits ? part : 0;
  }
  if (!fits || left != 0) {
    node.error() << "the parts " << shapeText(parts) << " do not make up axis "
                 << axis << " of size " << size << " in " << count
                 << " outputs";
    return failure();
  }
  SmallVector<Positions, 4> positions;
  for (int64_t dim : *shape)
    positions.push_back(Positions::all(dim));
  int64_t at = 0;
  for (auto [i, part] : llvm::enumerate(parts)) {
    positions[axis] = {at, 1, part, {}};
    at += part;
    if (!node.hasOutput(i))
      continue;
    FailureOr<Binding> value = take(node, node.input(0), positions);
    if (failed(value) || failed(node.result(*value, i)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Slice and Compress
//===----------------------------------------------------------------------===//

/// Result of reading input 0 at `positions`.
static LogicalResult resultTaken(Node &node, ArrayRef<Positions> positions) {
  FailureOr<Binding> value = take(node, node.input(0), positions);
  return failed(value) ? failure() : node.result(*value);
}

/// NumPy's start:end:step on a dimension.
static Positions sliced(int64_t size, int64_t start, int64_t end,
                        int64_t step) {
  Positions result;
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, low, high);
  };
  start = clamp(start);
  end = clamp(end);
  int64_t length = step > 0 ? end - start : start - end;
  uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  result.start = start;
  result.count = length > 0 ? int64_t(uint64_t(length - 1) / stride) + 1 : 0;
  result.step = result.count > 1 ? step : 1;
  if (result.count == 0)
    result.start = 0;
  return result;
}

LogicalResult lowerSlice(Node &node) {
  Shape starts, ends, axes, steps;
  bool hasAxes = false;
  if (node.version() < 10) {
    hasAxes = node.hasAttribute("axes");
    if (failed(node.attribute("starts", starts)) ||
        failed(node.attribute("ends", ends)) ||
        failed(node.attribute("axes", axes)))
      return failure();
  } else {
    hasAxes = node.hasInput(3);
    Shape *lists[] = {&starts, &ends, &axes, &steps};
    const char *names[] = {"starts", "ends", "axes", "steps"};
    for (unsigned i = 0; i < 4; ++i) {
      if (i >= 2 && !node.hasInput(i + 1))
        continue;
      FailureOr<Shape> values = node.integers(i + 1, names[i]);
      if (failed(values))
        return failure();
      *lists[i] = *values;
    }
  }
  FailureOr<Shape> shape = node.shape(0);
  if (!hasAxes)
    for (size_t d = 0; d < starts.size(); ++d)
      axes.push_back(d);
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (failed(node.axes(axes, shape->size())))
    return failure();
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    node.error() << "has " << starts.size() << " starts, " << ends.size()
                 << " ends, " << axes.size() << " axes and " << steps.size()
                 << " steps; it takes one of each per axis";
    return failure();
  }
  SmallVector<Positions, 4> positions;
  for (int64_t dim : *shape)
    positions.push_back(Positions::all(dim));
  for (size_t i = 0; i < axes.size(); ++i) {
    if (steps[i] == 0) {
      node.error() << "the step of axis " << axes[i] << " is 0";
      return failure();
    }
    positions[axes[i]] =
        sliced((*shape)[axes[i]], starts[i], ends[i], steps[i]);
  }
  return resultTaken(node, positions);
}

LogicalResult lowerCompress(Node &node) {
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<Shape> condition = node.integers(1, "the condition");
  if (failed(condition))
    return failure();
  Binding source = node.input(0);
  int64_t axis = 0;
  if (node.hasAttribute("axis")) {
    if (failed(node.attribute("axis", axis)))
      return failure();
    FailureOr<int64_t> checked = node.axis(axis, shape->size());
    if (failed(checked))
      return failure();
    axis = *checked;
  } else {
    FailureOr<Binding> flat = node.call("Reshape", {source, node.list({-1})});
    if (failed(flat))
      return failure();
    source = *flat;
    shape = Shape(source.shape());
  }
  if (int64_t(condition->size()) > (*shape)[axis]) {
    node.error() << "the condition has " << condition->size()
                 << " values, axis " << axis << " only " << (*shape)[axis];
    return failure();
  }
  SmallVector<Positions, 4> positions;
  for (int64_t dim : *shape)
    positions.push_back(Positions::all(dim));
  Shape chosen;
  for (auto [i, keep] : llvm::enumerate(*condition))
    if (keep)
      chosen.push_back(i);
  positions[axis] = Positions::of(chosen);
  FailureOr<Binding> value = take(node, source, positions);
  return failed(value) ? failure() : node.result(*value);
}

//===----------------------------------------------------------------------===//
// Expand and Tile
//===----------------------------------------------------------------------===//

LogicalResult lowerExpand(Node &node) {
  FailureOr<Shape> target = node.integers(1, "the new shape");
  if (failed(target))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  std::optional<SmallVector<int64_t, 4>> wide =
      broadcastShapes(*shape, *target);
  if (!wide) {
    node.error() << "a tensor of shape " << shapeText(*shape)
                 << " does not broadcast to " << shapeText(*target);
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type(*wide);
  if (failed(type))
    return failure();
  if (countElements(*shape) == countElements(*wide)) {
    if (const Constant *known = node.constant(0))
      return node.result(known->reshaped(*wide));
    FailureOr<Value> value = node.tensor(0, *wide);
    return failed(value) ? failure() : node.result(*value);
  }
  FailureOr<Operand> operand = broadcastInput(node, 0, *wide);
  if (failed(operand))
    return failure();
  Shape added;
  for (int64_t d = 0; d < int64_t(wide->size()); ++d)
    if (!llvm::is_contained(operand->dims, d))
      added.push_back(d);
  return node.result(
      broadcast(node.builder, node.loc, operand->value, *type, added));
}

LogicalResult lowerTile(Node &node) {
  FailureOr<Shape> repeats = node.integers(1, "repeats");
  if (failed(repeats))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  if (repeats->size() != shape->size()) {
    node.error() << "repeats has " << repeats->size() << " values, the tensor "
                 << shape->size() << " dimensions";
    return failure();
  }
  // Each repeated dimension d becomes repeats[d] x d for a moment.
  Shape result, wide, inner, added;
  for (auto [size, times] : llvm::zip(*shape, *repeats)) {
    if (times < 0 || times > kMaxElements / std::max<int64_t>(size, 1)) {
      node.error() << "repeats " << times << " of a dimension of size " << size
                   << " must not be negative or lead to more than 2^34";
      return failure();
    }
    result.push_back(size * times);
    if (times != 1) {
      added.push_back(wide.size());
      wide.push_back(times);
    }
    if (times != 1 && size == 1)
      continue; // a dimension of 1 is only broadcast
    inner.push_back(size);
    wide.push_back(size);
  }
  FailureOr<RankedTensorType> type = node.type(result);
  if (failed(type))
    return failure();
  if (type->getNumElements() == 0)
    return node.result(empty(node.builder, node.loc, *type));
  FailureOr<Value> value = node.tensor(0, inner);
  if (failed(value))
    return failure();
  if (!added.empty())
    value =
        broadcast(node.builder, node.loc, *value,
                  RankedTensorType::get(wide, type->getElementType()), added);
  return node.result(reshape(node.builder, node.loc, *value, result));
}

//===----------------------------------------------------------------------===//
// Pad and CenterCropPad
//===----------------------------------------------------------------------===//

/// The value that Pad fills with: a number of the program or known.
static FailureOr<Value> paddingValue(Node &node, Type element) {
  OpBuilder &b = node.builder;
  if (node.version() < 11) {
    float padding = 0.0f;
    if (failed(node.attribute("value", padding)))
      return failure();
    return scalar(b, node.loc, element, padding);
  }
  if (!node.hasInput(2))
    return scalar(b, node.loc, element, 0.0);
  if (node.elementType(2) != node.elementType(0) ||
      countElements(*node.shape(2)) != 1) {
    node.error() << "the padding value must be one "
                 << onnxTypeName(node.elementType(0)) << ", is "
                 << onnxTypeName(node.elementType(2)) << " of shape "
                 << shapeText(*node.shape(2));
    return failure();
  }
  if (const Constant *known = node.constant(2); known && known->hasData())
    return Value(arith::ConstantOp::create(
        b, node.loc, firstElement(b.getContext(), *known)));
  FailureOr<Value> value = node.tensor(2, {});
  if (failed(value))
    return failure();
  return extract(b, node.loc, *value, {});
}

/// The position that a padded dimension reads at `i`, counted from the first
/// element of the `size` there are.
static int64_t paddedPosition(StringRef mode, int64_t i, int64_t size) {
  if (mode == "edge")
    return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == "wrap")
    return (i % size + size) % size;
  // Reflections repeat with twice the distance between the ends.
  int64_t period = 2 * (size - 1);
  if (period == 0)
    return 0;
  i = (i % period + period) % period;
  return i < size ? i : period - i;
}

LogicalResult lowerPad(Node &node) {
  std::string mode = "constant";
  Shape pads, axes;
  if (failed(node.attribute("mode", mode)))
    return failure();
  bool isConstant = mode == "constant";
  if (!isConstant && mode != "reflect" && mode != "edge" &&
      !(mode == "wrap" && node.version() >= 19)) {
    node.error() << "mode '" << mode
                 << "' does not exist; there are 'constant', 'reflect', "
                    "'edge' and from opset 19 on 'wrap'";
    return failure();
  }
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  for (int64_t d = 0; d < rank; ++d)
    axes.push_back(d);
  if (node.version() < 11) {
    if (failed(node.attribute("pads", pads)))
      return failure();
  } else {
    FailureOr<Shape> values = node.integers(1, "pads");
    if (failed(values))
      return failure();
    pads = *values;
    if (node.hasInput(3)) {
      FailureOr<Shape> given = node.integers(3, "axes");
      if (failed(given) || failed(node.axes(*given, rank)))
        return failure();
      axes = *given;
    }
  }
  if (pads.size() != 2 * axes.size()) {
    node.error() << "pads has " << pads.size() << " values for " << axes.size()
                 << " axes; it takes two per axis";
    return failure();
  }
  FailureOr<RankedTensorType> from = node.type(*shape);
  if (failed(from))
    return failure();
  FailureOr<Value> padding = paddingValue(node, from->getElementType());
  if (failed(padding))
    return failure();
  // Negative pads cut off first.
  SmallVector<Positions, 4> kept;
  for (int64_t dim : *shape)
    kept.push_back(Positions::all(dim));
  Shape low(rank, 0), high(rank, 0), padded = *shape;
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = axes[i], size = (*shape)[axis];
    int64_t before = pads[i], after = pads[axes.size() + i];
    int64_t cutBefore = before < 0 ? -std::max(before, -size - 1) : 0;
    int64_t cutAfter = after < 0 ? -std::max(after, -size - 1) : 0;
    if (before > kMaxElements || after > kMaxElements ||
        cutBefore + cutAfter > size) {
      node.error() << "pads " << before << " and " << after << " of axis "
                   << axis << " of size " << size
                   << " must be at most 2^34 and may not cut off more than "
                      "there is";
      return failure();
    }
    kept[axis] = {cutBefore, 1, size - cutBefore - cutAfter, {}};
    low[axis] = std::max<int64_t>(before, 0);
    high[axis] = std::max<int64_t>(after, 0);
    padded[axis] = kept[axis].count + low[axis] + high[axis];
    bool isPadded = low[axis] != 0 || high[axis] != 0;
    if (isPadded && !isConstant &&
        (kept[axis].count == 0 || padded[axis] > kMaxPositions)) {
      node.error() << "mode '" << mode << "' cannot pad axis " << axis
                   << " of size " << kept[axis].count << " to size "
                   << padded[axis];
      return failure();
    }
  }
  FailureOr<RankedTensorType> type = node.type(padded);
  if (failed(type))
    return failure();
  if (!isConstant) {
    for (int64_t d = 0; d < rank; ++d) {
      if (low[d] == 0 && high[d] == 0)
        continue;
      Shape table;
      for (int64_t i = 0; i < padded[d]; ++i)
        table.push_back(kept[d].start +
                        paddedPosition(mode, i - low[d], kept[d].count));
      kept[d] = Positions::of(table);
    }
    return resultTaken(node, kept);
  }
  FailureOr<Binding> part = take(node, node.input(0), kept);
  if (failed(part))
    return failure();
  bool isPadded = llvm::any_of(low, [](int64_t n) { return n != 0; }) ||
                  llvm::any_of(high, [](int64_t n) { return n != 0; });
  if (!isPadded)
    return node.result(*part);
  FailureOr<Value> x = node.tensor(*part);
  if (failed(x))
    return failure();
  SmallVector<OpFoldResult> lows, highs;
  for (int64_t d = 0; d < rank; ++d) {
    lows.push_back(node.builder.getIndexAttr(low[d]));
    highs.push_back(node.builder.getIndexAttr(high[d]));
  }
  return node.result(tensor::PadOp::create(node.builder, node.loc, *type, *x,
                                           lows, highs, *padding));
}

LogicalResult lowerCenterCropPad(Node &node) {
  FailureOr<Shape> shape = node.shape(0);
  FailureOr<Shape> target = node.integers(1, "the new shape");
  if (failed(target))
    return failure();
  Shape axes;
  for (size_t d = 0; d < shape->size(); ++d)
    axes.push_back(d);
  if (node.hasAttribute("axes") && failed(node.attribute("axes", axes)))
    return failure();
  if (failed(node.axes(axes, shape->size())))
    return failure();
  if (target->size() != axes.size()) {
    node.error() << "the new shape has " << target->size() << " sizes for "
                 << axes.size() << " axes";
    return failure();
  }
  Shape pads(2 * axes.size(), 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t wanted = (*target)[i], have = (*shape)[axis];
    if (wanted < 0 || wanted > kMaxElements) {
      node.error() << "size " << wanted << " of axis " << axis
                   << " must be between 0 and 2^34";
      return failure();
    }
    // An odd difference is cut off or added at the end.
    int64_t difference = wanted - have;
    pads[i] = difference / 2;
    pads[axes.size() + i] = difference - difference / 2;
  }
  FailureOr<Binding> value = node.call(
      "Pad", {node.input(0), node.list(pads), Binding(), node.list(axes)});
  return failed(value) ? failure() : node.result(*value);
}

} // namespace imc::onnximport
