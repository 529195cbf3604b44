//===- OpsShape.cpp - Ops that move data, and shape arithmetic ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Each op works on tensors and, where exporters compute shapes with it, on the
// integers known at import.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

/// The limit on integers that are computed at import: shapes are short, and a
/// damaged file must not make us allocate.
static constexpr int64_t kMaxFolded = int64_t(1) << 20;

/// Result of an op that only renames dimensions.
static LogicalResult resultReshaped(Node &node, ArrayRef<int64_t> shape) {
  if (const Constant *known = node.constant(0))
    return node.result(known->reshaped(shape));
  FailureOr<Value> value = node.tensor(0, shape);
  return failed(value) ? failure() : node.result(*value);
}

LogicalResult lowerIdentity(Node &node) {
  return resultReshaped(node, *node.shape(0));
}

LogicalResult lowerFlatten(Node &node) {
  int64_t axis = 1;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  int64_t rank = shape->size();
  if (axis < -rank || axis > rank) {
    node.error() << "axis " << axis << " is outside a tensor of rank " << rank;
    return failure();
  }
  if (axis < 0)
    axis += rank;
  int64_t rows = 1, columns = 1;
  for (int64_t d = 0; d < rank; ++d)
    (d < axis ? rows : columns) *= (*shape)[d];
  return resultReshaped(node, {rows, columns});
}

LogicalResult lowerReshape(Node &node) {
  int64_t allowZero = 0;
  if (node.version() >= 14 && failed(node.attribute("allowzero", allowZero)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> target = node.integers(1, "the new shape");
  if (failed(target))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  SmallVector<int64_t, 4> asked = *target;
  std::optional<size_t> open;
  for (size_t d = 0; d < target->size(); ++d) {
    int64_t &dim = (*target)[d];
    if (dim == 0 && allowZero == 0 && d < shape->size())
      dim = (*shape)[d];
    if (dim == -1 && !open) {
      open = d;
      dim = 1;
    }
  }
  std::optional<int64_t> have = countElements(*shape);
  std::optional<int64_t> want = countElements(*target);
  if (open && have && want && *want > 0 && *have % *want == 0) {
    (*target)[*open] = *have / *want;
    want = have;
  }
  if (!have || !want || *have != *want) {
    node.error() << "a tensor of shape " << shapeText(*shape)
                 << " cannot become " << shapeText(asked)
                 << "; if the model fixes its batch size, bind that size";
    return failure();
  }
  return resultReshaped(node, *target);
}

LogicalResult lowerSqueeze(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  SmallVector<int64_t, 4> axes;
  bool given = false;
  if (node.version() < 13) {
    given = node.hasAttribute("axes");
    if (failed(node.attribute("axes", axes)))
      return failure();
  } else if (node.hasInput(1)) {
    FailureOr<SmallVector<int64_t, 4>> values = node.integers(1, "axes");
    if (failed(values))
      return failure();
    axes = *values;
    given = true;
  }
  if (failed(node.axes(axes, shape->size())))
    return failure();
  SmallVector<int64_t, 4> kept;
  for (size_t d = 0; d < shape->size(); ++d) {
    bool squeezed =
        given ? llvm::is_contained(axes, int64_t(d)) : (*shape)[d] == 1;
    if (squeezed && (*shape)[d] != 1) {
      node.error() << "axis " << d << " of " << shapeText(*shape)
                   << " is not 1 and cannot be squeezed";
      return failure();
    }
    if (!squeezed)
      kept.push_back((*shape)[d]);
  }
  return resultReshaped(node, kept);
}

LogicalResult lowerUnsqueeze(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  SmallVector<int64_t, 4> axes;
  if (node.version() < 13) {
    if (failed(node.attribute("axes", axes)))
      return failure();
  } else {
    FailureOr<SmallVector<int64_t, 4>> values = node.integers(1, "axes");
    if (failed(values))
      return failure();
    axes = *values;
  }
  int64_t rank = shape->size() + axes.size();
  if (failed(node.axes(axes, rank)))
    return failure();
  SmallVector<int64_t, 4> result;
  auto next = shape->begin();
  for (int64_t d = 0; d < rank; ++d)
    result.push_back(llvm::is_contained(axes, d) ? 1 : *next++);
  return resultReshaped(node, result);
}

LogicalResult lowerTranspose(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  int64_t rank = shape->size();
  SmallVector<int64_t, 4> permutation;
  for (int64_t d = rank; d-- > 0;)
    permutation.push_back(d);
  if (failed(node.attribute("perm", permutation)))
    return failure();
  SmallVector<int64_t, 4> sorted = permutation;
  llvm::sort(sorted);
  for (int64_t d = 0; d < int64_t(sorted.size()); ++d)
    if (sorted[d] != d || int64_t(sorted.size()) != rank) {
      node.error() << "perm is not a permutation of the " << rank
                   << " dimensions";
      return failure();
    }
  const Constant *known = node.constant(0);
  if (known) {
    if (failed(node.type(*shape)))
      return failure();
    return node.result(known->transposed(permutation));
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x))
    return failure();
  if (llvm::is_sorted(permutation))
    return node.result(*x);
  return node.result(transpose(node.builder, node.loc, *x, permutation));
}

LogicalResult lowerConcat(Node &node) {
  int64_t axis = 0;
  if (!node.hasAttribute("axis")) {
    node.error() << "attribute 'axis' is missing";
    return failure();
  }
  if (failed(node.attribute("axis", axis)))
    return failure();
  SmallVector<int64_t, 4> shape;
  bool integers = true;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    FailureOr<SmallVector<int64_t, 4>> part = node.shape(i);
    const Constant *known = node.constant(i);
    integers &= known && known->isInteger();
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
  if (integers && shape.size() == 1) {
    std::vector<int64_t> values;
    for (unsigned i = 0; i < node.numInputs(); ++i)
      llvm::append_range(values, node.constant(i)->integers());
    const Constant *first = node.constant(0);
    return node.result(Constant::makeIntegers(
        first->name(), shape, std::move(values), first->onnxType()));
  }

  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(type))
    return failure();
  OpBuilder &b = node.builder;
  Value result = tensor::EmptyOp::create(b, node.loc, type->getShape(),
                                         type->getElementType());
  int64_t at = 0;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    FailureOr<Value> part = node.tensor(i);
    if (failed(part))
      return failure();
    SmallVector<OpFoldResult> offsets, sizes, strides;
    for (size_t d = 0; d < shape.size(); ++d) {
      offsets.push_back(b.getIndexAttr(int64_t(d) == axis ? at : 0));
      sizes.push_back(b.getIndexAttr(shapeOf(*part)[d]));
      strides.push_back(b.getIndexAttr(1));
    }
    at += shapeOf(*part)[axis];
    result = tensor::InsertSliceOp::create(b, node.loc, *part, result, offsets,
                                           sizes, strides);
  }
  return node.result(result);
}

LogicalResult lowerPad(Node &node) {
  std::string mode = "constant";
  SmallVector<int64_t, 4> pads;
  float padding = 0.0f;
  if (failed(node.attribute("mode", mode)))
    return failure();
  if (mode != "constant") {
    node.error() << "mode '" << mode
                 << "' is not supported, only 'constant' is";
    return failure();
  }
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  int64_t rank = shape->size();
  SmallVector<int64_t, 4> axes;
  for (int64_t d = 0; d < rank; ++d)
    axes.push_back(d);
  if (node.version() < 11) {
    if (failed(node.attribute("pads", pads)) ||
        failed(node.attribute("value", padding)))
      return failure();
  } else {
    FailureOr<SmallVector<int64_t, 4>> values = node.integers(1, "pads");
    if (failed(values))
      return failure();
    pads = *values;
    if (node.hasInput(2)) {
      FailureOr<double> value = node.scalar(2, "the padding value");
      if (failed(value))
        return failure();
      padding = float(*value);
    }
    if (node.hasInput(3)) {
      FailureOr<SmallVector<int64_t, 4>> given = node.integers(3, "axes");
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
  SmallVector<int64_t, 4> low(rank, 0), high(rank, 0), padded = *shape;
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t before = pads[i], after = pads[axes.size() + i];
    if (before < 0 || after < 0 || before > kMaxElements ||
        after > kMaxElements) {
      node.error() << "pads " << before << " and " << after << " of axis "
                   << axes[i]
                   << " must be between 0 and 2^34; cutting off (negative "
                      "pads) is not supported";
      return failure();
    }
    low[axes[i]] = before;
    high[axes[i]] = after;
    padded[axes[i]] += before + after;
  }
  FailureOr<Value> x = node.tensor(0);
  if (failed(x) || failed(node.type(padded)))
    return failure();
  return node.result(pad(node.builder, node.loc, *x, low, high,
                         node.builder.getF32FloatAttr(padding)));
}

//===----------------------------------------------------------------------===//
// Shape arithmetic
//===----------------------------------------------------------------------===//

/// TensorProto::INT64, the type of shapes.
static constexpr int kInt64 = onnxtype::Int64;

LogicalResult lowerConstant(Node &node) {
  if (node.hasAttribute("value")) {
    FailureOr<Constant> value = node.tensorAttribute("value");
    return failed(value) ? failure() : node.result(std::move(*value));
  }
  auto integers = [&](ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
    return node.result(
        Constant::makeIntegers("constant", shape, values.vec(), kInt64));
  };
  if (node.version() >= 12 && node.hasAttribute("value_int")) {
    int64_t value = 0;
    return failed(node.attribute("value_int", value)) ? failure()
                                                      : integers({}, value);
  }
  if (node.version() >= 12 && node.hasAttribute("value_ints")) {
    SmallVector<int64_t, 4> values;
    return failed(node.attribute("value_ints", values))
               ? failure()
               : integers({int64_t(values.size())}, values);
  }
  if (node.version() >= 12 && node.hasAttribute("value_float")) {
    float value = 0;
    return failed(node.attribute("value_float", value))
               ? failure()
               : node.result(Constant::makeFloats("constant", {}, {value}));
  }
  if (node.version() >= 12 && node.hasAttribute("value_floats")) {
    std::vector<float> values;
    if (failed(node.attribute("value_floats", values)))
      return failure();
    int64_t count = values.size();
    return node.result(
        Constant::makeFloats("constant", {count}, std::move(values)));
  }
  node.error() << "has no value of a supported kind (value, value_int, "
                  "value_ints, value_float, value_floats)";
  return failure();
}

LogicalResult lowerConstantOfShape(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.integers(0, "the shape");
  if (failed(shape))
    return failure();
  Constant value = Constant::makeFloats("zero", {1}, {0.0f});
  if (node.hasAttribute("value")) {
    FailureOr<Constant> given = node.tensorAttribute("value");
    if (failed(given))
      return failure();
    value = *given;
  }
  std::optional<int64_t> count = countElements(*shape);
  if (value.numElements() != 1 || !count || *count > kMaxFolded ||
      !(value.isInteger() || (value.isFloat() && value.hasData()))) {
    node.error() << "needs one FLOAT or integer value and at most 2^20 "
                    "elements, got the shape "
                 << shapeText(*shape);
    return failure();
  }
  if (value.isInteger())
    return node.result(Constant::makeIntegers(
        "constant", *shape,
        std::vector<int64_t>(*count, value.integers().front()),
        value.onnxType()));
  return node.result(Constant::makeFloats(
      "constant", *shape, std::vector<float>(*count, value.floats().front())));
}

LogicalResult lowerShape(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  int64_t rank = shape->size(), start = 0, end = rank;
  if (node.version() >= 15 && (failed(node.attribute("start", start)) ||
                               failed(node.attribute("end", end))))
    return failure();
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  start = clamp(start);
  end = std::max(start, clamp(end));
  std::vector<int64_t> values(shape->begin() + start, shape->begin() + end);
  return node.result(Constant::makeIntegers("shape", {end - start},
                                            std::move(values), kInt64));
}

/// The integers of input 0 in one dimension (or none), or an error.
static FailureOr<SmallVector<int64_t, 4>> shapeData(Node &node) {
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  const Constant *known = node.constant(0);
  if (!known || !known->isInteger() || shape->size() != 1) {
    node.error() << "is supported on shapes known at import (integers in one "
                    "dimension), not on tensors computed at run time";
    return failure();
  }
  return node.integers(0, "the data");
}

LogicalResult lowerGather(Node &node) {
  int64_t axis = 0;
  if (failed(node.attribute("axis", axis)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> data = shapeData(node);
  if (failed(data) || failed(node.axis(axis, 1)))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> indices = node.integers(1, "indices");
  if (failed(indices))
    return failure();
  std::vector<int64_t> values;
  for (int64_t i : *indices) {
    FailureOr<int64_t> at = node.axis(i, data->size());
    if (failed(at))
      return failure();
    values.push_back((*data)[*at]);
  }
  return node.result(Constant::makeIntegers("shape", *node.shape(1),
                                            std::move(values),
                                            node.constant(0)->onnxType()));
}

LogicalResult lowerSlice(Node &node) {
  SmallVector<int64_t, 4> starts, ends, axes, steps;
  if (node.version() < 10) {
    if (failed(node.attribute("starts", starts)) ||
        failed(node.attribute("ends", ends)) ||
        failed(node.attribute("axes", axes)))
      return failure();
  } else {
    SmallVector<int64_t, 4> *lists[] = {&starts, &ends, &axes, &steps};
    const char *names[] = {"starts", "ends", "axes", "steps"};
    for (unsigned i = 0; i < 4; ++i) {
      if (!node.hasInput(i + 1))
        continue;
      FailureOr<SmallVector<int64_t, 4>> values =
          node.integers(i + 1, names[i]);
      if (failed(values))
        return failure();
      *lists[i] = *values;
    }
  }
  FailureOr<SmallVector<int64_t, 4>> data = shapeData(node);
  if (failed(data) || failed(node.axes(axes, 1)))
    return failure();
  if (starts.size() != 1 || ends.size() != 1 || axes.size() > 1 ||
      (!steps.empty() && steps != SmallVector<int64_t, 4>{1})) {
    node.error() << "needs one start and one end, and step 1";
    return failure();
  }
  int64_t size = data->size();
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  int64_t start = clamp(starts[0]), end = std::max(start, clamp(ends[0]));
  std::vector<int64_t> values(data->begin() + start, data->begin() + end);
  return node.result(Constant::makeIntegers(
      "shape", {end - start}, std::move(values), node.constant(0)->onnxType()));
}

} // namespace imc::onnximport
