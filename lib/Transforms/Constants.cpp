//===- Constants.cpp - Constant weights behind reshapes and transposes ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Constants.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace imc;

std::optional<ConstantView> ConstantView::match(Value value) {
  if (!isa<RankedTensorType>(value.getType()))
    return std::nullopt;
  // Collect the ops from the use up to the root, then replay them downwards.
  SmallVector<Operation *, 4> chain;
  Operation *op = value.getDefiningOp();
  while (op) {
    if (isa<imc::MissingWeightOp>(op) ||
        (isa<arith::ConstantOp>(op) && isa<RankedTensorType>(value.getType())))
      break;
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      value = op->getOperand(0);
    else if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
      value = transpose.getInput();
    else
      return std::nullopt;
    chain.push_back(op);
    op = value.getDefiningOp();
  }
  if (!op)
    return std::nullopt;
  ConstantView view;
  view.root = op;
  view.type = cast<RankedTensorType>(op->getResult(0).getType());
  for (Operation *step : llvm::reverse(chain)) {
    auto type = cast<RankedTensorType>(step->getResult(0).getType());
    if (!type.hasStaticShape())
      return std::nullopt;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(step))
      view.transpose(transpose.getPermutation());
    else
      view.reshape(type.getShape());
  }
  return view;
}

bool ConstantView::operator==(const ConstantView &other) const {
  return root == other.root && steps == other.steps;
}

bool ConstantView::isMissing() const { return isa<imc::MissingWeightOp>(root); }

bool ConstantView::movesData() const {
  return llvm::any_of(
      steps, [](const Step &step) { return !step.permutation.empty(); });
}

ConstantView &ConstantView::reshape(ArrayRef<int64_t> shape) {
  if (shape == type.getShape())
    return *this;
  type = type.clone(shape);
  steps.push_back({{}, SmallVector<int64_t, 4>(shape)});
  return *this;
}

ConstantView &ConstantView::transpose(ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return *this;
  SmallVector<int64_t, 4> shape;
  for (int64_t d : permutation)
    shape.push_back(type.getDimSize(d));
  type = type.clone(shape);
  steps.push_back({SmallVector<int64_t, 4>(permutation), shape});
  return *this;
}

/// Copies `in` of shape `inShape` to `out`, permuted. Runs of dimensions that
/// stay adjacent are not merged; weights have few dimensions, and the inner
/// loop below walks the output in blocks so that neither side is strided for
/// long.
template <typename T>
static void permute(const T *in, T *out, ArrayRef<int64_t> inShape,
                    ArrayRef<int64_t> permutation) {
  unsigned rank = inShape.size();
  SmallVector<int64_t> inStrides(rank, 1), shape(rank), strides(rank);
  for (int d = static_cast<int>(rank) - 2; d >= 0; --d)
    inStrides[d] = inStrides[d + 1] * inShape[d + 1];
  for (unsigned d = 0; d < rank; ++d) {
    shape[d] = inShape[permutation[d]];
    strides[d] = inStrides[permutation[d]];
  }
  int64_t outer = 1;
  for (unsigned d = 0; d + 2 < rank; ++d)
    outer *= shape[d];
  int64_t rows = rank >= 2 ? shape[rank - 2] : 1, columns = shape[rank - 1];
  int64_t rowStride = rank >= 2 ? strides[rank - 2] : 0,
          columnStride = strides[rank - 1];
  constexpr int64_t block = 64;
  for (int64_t o = 0; o < outer; ++o) {
    int64_t rest = o, base = 0;
    for (int d = static_cast<int>(rank) - 3; d >= 0; --d) {
      base += (rest % shape[d]) * strides[d];
      rest /= shape[d];
    }
    T *matrix = out + o * rows * columns;
    for (int64_t r0 = 0; r0 < rows; r0 += block)
      for (int64_t c0 = 0; c0 < columns; c0 += block)
        for (int64_t r = r0, re = std::min(rows, r0 + block); r < re; ++r)
          for (int64_t c = c0, ce = std::min(columns, c0 + block); c < ce; ++c)
            matrix[r * columns + c] =
                in[base + r * rowStride + c * columnStride];
  }
}

ArrayRef<char> imc::getRawData(ElementsAttr attr, std::vector<char> &storage) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    ArrayRef<char> raw = dense.getRawData();
    if (!dense.isSplat() || dense.getNumElements() == 1)
      return raw;
    storage.resize(raw.size() * dense.getNumElements());
    for (size_t i = 0; i < storage.size(); i += raw.size())
      std::memcpy(storage.data() + i, raw.data(), raw.size());
    return storage;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

ElementsAttr imc::makeConstantData(RankedTensorType type, StringRef name,
                                   AsmResourceBlob blob) {
  if (type.getNumElements() <= kMaxInlineElements)
    return DenseElementsAttr::getFromRawBuffer(type, blob.getData());
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(type.getContext());
  return DenseResourceElementsAttr::get(type,
                                        manager.insert(name, std::move(blob)));
}

StringRef imc::getWeightName(Operation *root) {
  if (auto missing = dyn_cast<imc::MissingWeightOp>(root))
    return missing.getName();
  if (auto constant = dyn_cast<arith::ConstantOp>(root))
    if (auto resource =
            dyn_cast<DenseResourceElementsAttr>(constant.getValue()))
      return resource.getRawHandle().getKey();
  return "weight";
}

bool ConstantView::hasData() const {
  if (isMissing() || !movesData())
    return true;
  auto attr = cast<ElementsAttr>(cast<arith::ConstantOp>(root).getValue());
  unsigned width = type.getElementTypeBitWidth();
  bool readable = isa<DenseElementsAttr>(attr);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      readable = static_cast<int64_t>(blob->getData().size()) ==
                 type.getNumElements() * (width / 8);
  return readable && width % 8 == 0;
}

LogicalResult ConstantView::checkData(Operation *user) const {
  if (hasData())
    return success();
  auto attr = cast<ElementsAttr>(cast<arith::ConstantOp>(root).getValue());
  InFlightDiagnostic diag = user->emitError("weight '")
                            << getWeightName(root) << "' of type "
                            << attr.getType()
                            << " has no readable data; give the model with its "
                               "weights, or import it without them";
  diag.attachNote(root->getLoc()) << "the constant is here";
  return diag;
}

Value ConstantView::materialize(OpBuilder &builder) const {
  if (steps.empty())
    return root->getResult(0);
  if (isMissing())
    return imc::MissingWeightOp::create(builder, root->getLoc(), type,
                                        getWeightName(root));

  auto attr = cast<ElementsAttr>(cast<arith::ConstantOp>(root).getValue());
  auto make = [&](ElementsAttr value) -> Value {
    return arith::ConstantOp::create(builder, root->getLoc(),
                                     cast<TypedAttr>(value));
  };
  if (auto dense = dyn_cast<DenseElementsAttr>(attr); dense && dense.isSplat())
    return make(dense.resizeSplat(type));
  if (!movesData()) {
    if (auto dense = dyn_cast<DenseElementsAttr>(attr))
      return make(dense.reshape(type));
    return make(DenseResourceElementsAttr::get(
        type, cast<DenseResourceElementsAttr>(attr).getRawHandle()));
  }

  std::vector<char> storage;
  ArrayRef<char> data = getRawData(attr, storage);
  unsigned width = type.getElementTypeBitWidth();
  AsmResourceBlob blob;
  SmallVector<int64_t> shape(cast<ShapedType>(attr.getType()).getShape());
  for (const Step &step : steps) {
    if (!step.permutation.empty()) {
      AsmResourceBlob next =
          HeapAsmResourceBlob::allocate(data.size(), /*align=*/64);
      char *out = next.getMutableData().data();
      switch (width) {
      case 8:
        permute(reinterpret_cast<const uint8_t *>(data.data()),
                reinterpret_cast<uint8_t *>(out), shape, step.permutation);
        break;
      case 16:
        permute(reinterpret_cast<const uint16_t *>(data.data()),
                reinterpret_cast<uint16_t *>(out), shape, step.permutation);
        break;
      case 32:
        permute(reinterpret_cast<const uint32_t *>(data.data()),
                reinterpret_cast<uint32_t *>(out), shape, step.permutation);
        break;
      default:
        permute(reinterpret_cast<const uint64_t *>(data.data()),
                reinterpret_cast<uint64_t *>(out), shape, step.permutation);
        break;
      }
      blob = std::move(next);
      data = blob.getData();
    }
    shape.assign(step.shape.begin(), step.shape.end());
  }
  ElementsAttr result =
      makeConstantData(type, getWeightName(root), std::move(blob));
  return arith::ConstantOp::create(builder, root->getLoc(),
                                   cast<TypedAttr>(result));
}
