//===- Constant.cpp - Tensors known at import -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constant.h"
#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace imc::onnximport {

std::optional<int64_t> countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0 || dim > kMaxElements)
      return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (count > kMaxElements / dim)
      return std::nullopt;
    count *= dim;
  }
  return empty ? 0 : count;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  return llvm::join(
      llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), "x");
}

Constant Constant::makeFloat(StringRef name, ArrayRef<int64_t> shape,
                             std::shared_ptr<Blob> blob) {
  Constant result;
  result.kindValue = Kind::Float;
  result.nameText = name.str();
  result.dims.assign(shape.begin(), shape.end());
  result.blob = std::move(blob);
  return result;
}

Constant Constant::makeFloats(StringRef name, ArrayRef<int64_t> shape,
                              std::vector<float> values) {
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  auto blob = std::make_shared<Blob>();
  blob->data = ArrayRef<char>(reinterpret_cast<const char *>(owner->data()),
                              owner->size() * sizeof(float));
  blob->owner = owner;
  return makeFloat(name, shape, std::move(blob));
}

Constant Constant::makeMissing(StringRef name, ArrayRef<int64_t> shape) {
  Constant result;
  result.kindValue = Kind::Missing;
  result.nameText = name.str();
  result.dims.assign(shape.begin(), shape.end());
  return result;
}

Constant Constant::makeIntegers(StringRef name, ArrayRef<int64_t> shape,
                                std::vector<int64_t> values, int onnxType) {
  Constant result;
  result.kindValue = Kind::Integer;
  result.type = onnxType;
  result.nameText = name.str();
  result.dims.assign(shape.begin(), shape.end());
  result.ints = std::move(values);
  return result;
}

Constant Constant::makeUnsupported(StringRef name, ArrayRef<int64_t> shape,
                                   int onnxType) {
  Constant result;
  result.type = onnxType;
  result.nameText = name.str();
  result.dims.assign(shape.begin(), shape.end());
  return result;
}

ArrayRef<float> Constant::floats() const {
  assert(kindValue == Kind::Float && "only tensors with data have floats");
  return {reinterpret_cast<const float *>(blob->data.data()),
          blob->data.size() / sizeof(float)};
}

Constant Constant::reshaped(ArrayRef<int64_t> shape) const {
  assert(countElements(shape) == countElements(dims) && "same elements");
  Constant result = *this;
  result.dims.assign(shape.begin(), shape.end());
  return result;
}

/// Copies `source` (rows x columns) transposed. In blocks, because the weights
/// of a classifier are tens of megabytes and a plain loop misses the cache on
/// every store.
static void transposeMatrix(ArrayRef<float> source, int64_t rows,
                            int64_t columns, float *target) {
  constexpr int64_t block = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += block)
    for (int64_t c0 = 0; c0 < columns; c0 += block)
      for (int64_t r = r0; r < std::min(rows, r0 + block); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
          target[c * rows + r] = source[r * columns + c];
}

Constant Constant::transposed(ArrayRef<int64_t> permutation) const {
  SmallVector<int64_t, 4> shape;
  for (int64_t d : permutation)
    shape.push_back(dims[d]);
  if (isMissing())
    return makeMissing(nameText, shape);

  ArrayRef<float> source = floats();
  std::vector<float> target(source.size());
  if (dims.size() == 2 && permutation[0] == 1) {
    transposeMatrix(source, dims[0], dims[1], target.data());
  } else {
    // Walk the result in order; an odometer keeps the source offset.
    size_t rank = dims.size();
    SmallVector<int64_t, 4> stride(rank, 1), step(rank), index(rank, 0);
    for (size_t d = rank; d-- > 1;)
      stride[d - 1] = stride[d] * dims[d];
    for (size_t d = 0; d < rank; ++d)
      step[d] = stride[permutation[d]];
    int64_t offset = 0;
    for (float &value : target) {
      value = source[offset];
      for (size_t d = rank; d-- > 0;) {
        offset += step[d];
        if (++index[d] < shape[d])
          break;
        offset -= step[d] * shape[d];
        index[d] = 0;
      }
    }
  }
  return makeFloats(nameText, shape, std::move(target));
}

Constant Constant::scaled(float factor) const {
  if (isMissing() || factor == 1.0f)
    return *this;
  std::vector<float> values = floats().vec();
  for (float &value : values)
    value *= factor;
  return makeFloats(nameText, dims, std::move(values));
}

Value Constant::materialize(OpBuilder &builder, Location loc) const {
  if (isMissing()) {
    auto tensorType = RankedTensorType::get(dims, builder.getF32Type());
    return MissingWeightOp::create(builder, loc, tensorType,
                                   builder.getStringAttr(nameText));
  }
  if (isInteger()) {
    auto tensorType = RankedTensorType::get(dims, builder.getI64Type());
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(tensorType, ArrayRef(ints)));
  }
  auto tensorType = RankedTensorType::get(dims, builder.getF32Type());
  if (floats().size() == 1)
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(tensorType, floats()));
  if (!blob->resource) {
    // The resource shares the bytes: its deleter drops one reference.
    AsmResourceBlob bytes(
        blob->data, alignof(float),
        [owner = blob->owner](void *, size_t, size_t) mutable {
          owner.reset();
        },
        /*dataIsMutable=*/false);
    blob->resource =
        DenseResourceElementsAttr::get(tensorType, nameText, std::move(bytes));
  }
  auto attribute =
      DenseResourceElementsAttr::get(tensorType, blob->resource.getRawHandle());
  return arith::ConstantOp::create(builder, loc, attribute);
}

} // namespace imc::onnximport
