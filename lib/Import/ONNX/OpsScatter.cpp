//===- OpsScatter.cpp - Ops that write at indices of the data -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over the updates in their order, which carry the tensor. Known indices
// are checked at import; an index computed at run time that lies outside of the
// tensor writes nothing. Folding does not evaluate loops, so known tensors, as
// exporters make masks of them, are written here.
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// One element of the tensor that an update goes to: its indices before they
/// are limited, and the size of each dimension.
using FindTarget = llvm::function_ref<SmallVector<Value, 4>(
    OpBuilder &, Location, ValueRange loops)>;

/// True when input 0 can be written at import.
static bool isKnown(Node &node, StringRef reduction) {
  for (unsigned i = 0; i < 3; ++i)
    if (!node.constant(i) || !node.constant(i)->hasData())
      return false;
  return reduction == "none" &&
         node.mayCopy(node.constant(0)->numElements(), node.elementType(0));
}

/// Index `i` of input 1, counted from the front of a dimension of `size`.
static int64_t knownIndex(Node &node, int64_t i, int64_t size) {
  int64_t index = node.constant(1)->integer(i);
  return index < 0 ? index + size : index;
}

/// Input 0 with block `i` of the updates, of `size` elements, written to where
/// element `place(i)` is.
static LogicalResult resultWritten(Node &node, int64_t size,
                                   llvm::function_ref<int64_t(int64_t)> place) {
  const Constant &data = *node.constant(0), &updates = *node.constant(2);
  int64_t width = bytesPerElement(data.onnxType());
  auto bytes =
      std::make_shared<std::vector<uint64_t>>((data.bytes().size() + 7) / 8);
  char *target = reinterpret_cast<char *>(bytes->data());
  llvm::copy(data.bytes(), target);
  int64_t blocks = size == 0 ? 0 : updates.numElements() / size;
  for (int64_t i = 0; i < blocks; ++i)
    std::memcpy(target + place(i) * width,
                updates.bytes().data() + i * size * width, size * width);
  auto blob = std::make_shared<Blob>();
  blob->data = ArrayRef<char>(target, data.bytes().size());
  blob->owner = bytes;
  return node.result(
      Constant::make(data.name(), data.shape(), data.onnxType(), blob));
}

/// The attribute `reduction`, or an error when the version or type lacks it.
static FailureOr<std::string> readReduction(Node &node) {
  std::string reduction = "none";
  if (node.version() >= 16 && failed(node.attribute("reduction", reduction)))
    return failure();
  bool orders = reduction == "max" || reduction == "min";
  bool sums = reduction == "add" || reduction == "mul";
  if (reduction != "none" && !sums && !(orders && node.version() >= 18)) {
    node.error() << "reduction '" << reduction
                 << "' does not exist; there are none, add, mul and from opset "
                    "18 on max and min";
    return failure();
  }
  return reduction;
}

/// What is written where `old` stood.
static Value combine(OpBuilder &b, Location l, StringRef reduction, Value old,
                     Value update, bool isUnsigned) {
  bool isBool = old.getType().isInteger(1);
  if (reduction == "add")
    return isBool ? Value(arith::OrIOp::create(b, l, old, update))
                  : add(b, l, old, update);
  if (reduction == "mul")
    return multiply(b, l, old, update);
  if (reduction == "max")
    return maximum(b, l, old, update, isUnsigned);
  if (reduction == "min")
    return minimum(b, l, old, update, isUnsigned);
  return update;
}

/// Input 0 with the updates (input 2, of shape `updates`) written to where
/// `find` says.
static LogicalResult resultScattered(Node &node, ArrayRef<int64_t> updates,
                                     StringRef reduction, FindTarget find) {
  FailureOr<Shape> shape = node.shape(0);
  if (failed(node.type(*shape)) || failed(node.type(updates)))
    return failure();
  FailureOr<Value> data = node.tensor(0), update = node.tensor(2);
  if (failed(data) || failed(update))
    return failure();
  if (countElements(updates) == 0 || countElements(*shape) == 0)
    return node.result(*data);
  OpBuilder &builder = node.builder;
  bool isUnsigned = node.isUnsigned(0);
  auto constants = [&](ArrayRef<int64_t> values) {
    SmallVector<Value, 4> result;
    for (int64_t v : values)
      result.push_back(
          integerScalar(builder, node.loc, builder.getIndexType(), v));
    return result;
  };
  auto write = [&](OpBuilder &b, Location l, ValueRange loops,
                   Value tensor) -> Value {
    SmallVector<Value, 4> to = find(b, l, loops);
    Value inside;
    for (auto [index, size] : llvm::zip_equal(to, *shape)) {
      Value fits = isInside(b, l, index, size);
      inside = inside ? Value(arith::AndIOp::create(b, l, inside, fits)) : fits;
      index = clampedIndex(b, l, index, size);
    }
    Value old = extract(b, l, tensor, to);
    Value written = combine(b, l, reduction, old, extract(b, l, *update, loops),
                            isUnsigned);
    if (inside)
      written = arith::SelectOp::create(b, l, inside, written, old);
    return tensor::InsertOp::create(b, l, written, tensor, to);
  };
  if (updates.empty())
    return node.result(write(builder, node.loc, {}, *data));
  scf::LoopNest loops =
      scf::buildLoopNest(builder, node.loc, constants(Shape(updates.size(), 0)),
                         constants(updates),
                         constants(Shape(updates.size(), 1)), ValueRange(*data),
                         [&](OpBuilder &b, Location l, ValueRange indices,
                             ValueRange carried) -> scf::ValueVector {
                           return {write(b, l, indices, carried[0])};
                         });
  return node.result(loops.results[0]);
}

/// Refuses input 1 when it has another type than INT32 or INT64.
static LogicalResult checkIndexType(Node &node) {
  int type = node.elementType(1);
  if (type == onnxtype::Int64 ||
      (type == onnxtype::Int32 && node.op() != "ScatterND"))
    return success();
  node.error() << "indices must be INT64 (or INT32 except in ScatterND), are "
               << onnxTypeName(type);
  return failure();
}

/// Refuses updates of another type than the data.
static LogicalResult checkUpdateType(Node &node) {
  if (node.elementType(2) == node.elementType(0))
    return success();
  node.error() << "updates are " << onnxTypeName(node.elementType(2))
               << ", the data " << onnxTypeName(node.elementType(0))
               << "; both must have one type, the file is damaged";
  return failure();
}

LogicalResult lowerScatterElements(Node &node) {
  int64_t axis = 0;
  if (failed(node.attribute("axis", axis)) || failed(checkIndexType(node)) ||
      failed(checkUpdateType(node)))
    return failure();
  FailureOr<std::string> reduction = readReduction(node);
  FailureOr<Shape> data = node.shape(0), indices = node.shape(1);
  FailureOr<int64_t> checked = node.axis(axis, data->size());
  if (failed(reduction) || failed(checked))
    return failure();
  axis = *checked;
  bool fits = data->size() == indices->size() && *indices == *node.shape(2);
  for (size_t d = 0; fits && d < data->size(); ++d)
    fits = int64_t(d) == axis || (*indices)[d] <= (*data)[d];
  if (!fits) {
    node.error() << "indices of shape " << shapeText(*indices)
                 << " and updates of shape " << shapeText(*node.shape(2))
                 << " do not fit data of shape " << shapeText(*data)
                 << " along axis " << axis;
    return failure();
  }
  if (failed(checkIndices(node, 1, (*data)[axis])))
    return failure();
  if (isKnown(node, *reduction))
    return resultWritten(node, 1, [&](int64_t i) {
      // Digits of i in the shape of the updates, the last one first.
      int64_t place = 0, stride = 1, rest = i;
      for (size_t d = data->size(); d-- > 0;) {
        int64_t digit = rest % (*indices)[d];
        rest /= (*indices)[d];
        if (int64_t(d) == axis)
          digit = knownIndex(node, i, (*data)[d]);
        place += digit * stride;
        stride *= (*data)[d];
      }
      return place;
    });
  FailureOr<Value> at = node.tensor(1);
  if (failed(at))
    return failure();
  return resultScattered(node, *indices, *reduction,
                         [&](OpBuilder &b, Location l, ValueRange loops) {
                           SmallVector<Value, 4> to(loops);
                           to[axis] = rawIndex(b, l, extract(b, l, *at, loops),
                                               false, (*data)[axis]);
                           return to;
                         });
}

LogicalResult lowerScatterND(Node &node) {
  FailureOr<std::string> reduction = readReduction(node);
  if (failed(reduction) || failed(checkIndexType(node)) ||
      failed(checkUpdateType(node)))
    return failure();
  FailureOr<Shape> data = node.shape(0), indices = node.shape(1);
  int64_t rank = data->size(), indexRank = indices->size();
  int64_t depth = indexRank == 0 ? 0 : indices->back();
  Shape updates;
  bool fits = indexRank >= 1 && depth >= 1 && depth <= rank;
  if (fits) {
    updates.append(indices->begin(), indices->end() - 1);
    updates.append(data->begin() + depth, data->end());
    fits = updates == *node.shape(2);
  }
  if (!fits) {
    node.error() << "indices of shape " << shapeText(*indices)
                 << " and updates of shape " << shapeText(*node.shape(2))
                 << " do not fit data of shape " << shapeText(*data);
    return failure();
  }
  ArrayRef<int64_t> sizes = ArrayRef<int64_t>(*data).take_front(depth);
  if (failed(checkIndices(node, 1, sizes)))
    return failure();
  if (isKnown(node, *reduction)) {
    int64_t block = 1;
    for (int64_t size : ArrayRef<int64_t>(*data).drop_front(depth))
      block *= size;
    return resultWritten(node, block, [&](int64_t i) {
      int64_t place = 0;
      for (int64_t k = 0; k < depth; ++k)
        place = place * sizes[k] + knownIndex(node, i * depth + k, sizes[k]);
      return place * block;
    });
  }
  FailureOr<Value> at = node.tensor(1);
  if (failed(at))
    return failure();
  return resultScattered(
      node, updates, *reduction,
      [&](OpBuilder &b, Location l, ValueRange loops) {
        SmallVector<Value, 4> to, position(loops.take_front(indexRank - 1));
        position.emplace_back();
        for (int64_t k = 0; k < depth; ++k) {
          position.back() = integerScalar(b, l, b.getIndexType(), k);
          to.push_back(
              rawIndex(b, l, extract(b, l, *at, position), false, (*data)[k]));
        }
        llvm::append_range(to, loops.drop_front(indexRank - 1));
        return to;
      });
}

} // namespace imc::onnximport
