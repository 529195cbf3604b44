//===- OpsShape.cpp - Ops that rename or permute dimensions ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"

using namespace mlir;

namespace imc::onnximport {

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
  return node.result(Constant::makeIntegers(
      "shape", {end - start}, std::move(values), onnxtype::Int64));
}

LogicalResult lowerSize(Node &node) {
  return node.result(Constant::makeIntegers(
      "size", {}, {*countElements(*node.shape(0))}, onnxtype::Int64));
}

/// Reshapes, transposes and reshapes input 0.
static LogicalResult resultRearranged(Node &node, ArrayRef<int64_t> split,
                                      ArrayRef<int64_t> permutation,
                                      ArrayRef<int64_t> joined) {
  if (failed(node.type(split)) || failed(node.type(joined)))
    return failure();
  FailureOr<Value> x = node.tensor(0, split);
  if (failed(x))
    return failure();
  Value moved = transpose(node.builder, node.loc, *x, permutation);
  return node.result(reshape(node.builder, node.loc, moved, joined));
}

/// The attributes of SpaceToDepth and DepthToSpace, and the NCHW shape.
static FailureOr<SmallVector<int64_t, 4>>
blockAttributes(Node &node, int64_t &block, bool &depthFirst) {
  std::string mode = "DCR";
  if (!node.hasAttribute("blocksize")) {
    node.error() << "attribute 'blocksize' is missing";
    return failure();
  }
  if (failed(node.attribute("blocksize", block)) ||
      (node.version() >= (node.op() == "DepthToSpace" ? 11 : 28) &&
       failed(node.attribute("mode", mode))))
    return failure();
  FailureOr<SmallVector<int64_t, 4>> shape = node.shape(0);
  if (shape->size() != 4 || block < 1 || block > (1 << 14) ||
      (mode != "DCR" && mode != "CRD")) {
    node.error() << "blocksize " << block << ", mode '" << mode
                 << "' and a tensor of shape " << shapeText(*shape)
                 << " do not fit; needed are a positive size, DCR or CRD, and "
                    "four dimensions";
    return failure();
  }
  depthFirst = mode == "DCR";
  return shape;
}

LogicalResult lowerSpaceToDepth(Node &node) {
  int64_t block = 0;
  bool depthFirst = true;
  auto shape = blockAttributes(node, block, depthFirst);
  if (failed(shape))
    return failure();
  int64_t n = (*shape)[0], c = (*shape)[1], h = (*shape)[2], w = (*shape)[3];
  if (h % block != 0 || w % block != 0) {
    node.error() << "height " << h << " and width " << w
                 << " must be multiples of blocksize " << block;
    return failure();
  }
  SmallVector<int64_t, 6> order = {0, 3, 5, 1, 2, 4};
  if (!depthFirst)
    order = {0, 1, 3, 5, 2, 4};
  return resultRearranged(node, {n, c, h / block, block, w / block, block},
                          order, {n, c * block * block, h / block, w / block});
}

LogicalResult lowerDepthToSpace(Node &node) {
  int64_t block = 0;
  bool depthFirst = true;
  auto shape = blockAttributes(node, block, depthFirst);
  if (failed(shape))
    return failure();
  int64_t n = (*shape)[0], c = (*shape)[1], h = (*shape)[2], w = (*shape)[3];
  if (c % (block * block) != 0) {
    node.error() << c << " channels are no multiple of the squared blocksize "
                 << block << "^2";
    return failure();
  }
  c /= block * block;
  SmallVector<int64_t, 4> joined = {n, c, h * block, w * block};
  if (depthFirst)
    return resultRearranged(node, {n, block, block, c, h, w},
                            {0, 3, 4, 1, 5, 2}, joined);
  return resultRearranged(node, {n, c, block, block, h, w}, {0, 1, 4, 2, 5, 3},
                          joined);
}

} // namespace imc::onnximport
