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
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

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

void releasePages(const Blob &blob) {
  // Not MemoryBuffer::dontNeedIfMmap: its posix_madvise does nothing in glibc.
#ifdef __linux__
  if (!blob.mapped)
    return;
  static const uintptr_t page = llvm::sys::Process::getPageSizeEstimate();
  auto address = reinterpret_cast<uintptr_t>(blob.data.data());
  uintptr_t begin = llvm::alignTo(address, page);
  uintptr_t end = llvm::alignDown(address + blob.data.size(), page);
  if (begin < end)
    (void)::madvise(reinterpret_cast<void *>(begin), end - begin,
                    MADV_DONTNEED);
#endif
}

Constant Constant::make(StringRef name, ArrayRef<int64_t> shape, int onnxType,
                        std::shared_ptr<Blob> blob) {
  Constant result;
  result.kindValue = Kind::Data;
  result.type = onnxType;
  result.nameText = name.str();
  result.dims.assign(shape.begin(), shape.end());
  result.blob = std::move(blob);
  assert(int64_t(result.blob->data.size()) ==
             result.numElements() * bytesPerElement(onnxType) &&
         "as many bytes as the shape needs");
  return result;
}

Constant Constant::makeFloats(StringRef name, ArrayRef<int64_t> shape,
                              std::vector<float> values) {
  return make(name, shape, onnxtype::Float, makeBlob(std::move(values)));
}

Constant Constant::makeMissing(StringRef name, ArrayRef<int64_t> shape) {
  Constant result = makeUnsupported(name, shape, onnxtype::Float);
  result.kindValue = Kind::Missing;
  return result;
}

Constant Constant::makeIntegers(StringRef name, ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> values, int onnxType) {
  auto cut = [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> narrow;
    narrow.reserve(values.size());
    for (int64_t value : values)
      narrow.push_back(T(value));
    return make(name, shape, onnxType, makeBlob(std::move(narrow)));
  };
  switch (bytesPerElement(onnxType)) {
  case 1:
    return cut(int8_t());
  case 2:
    return cut(int16_t());
  case 4:
    return cut(int32_t());
  default:
    return cut(int64_t());
  }
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
  assert(hasData() && type == onnxtype::Float && "FLOAT with data");
  return {reinterpret_cast<const float *>(blob->data.data()),
          blob->data.size() / sizeof(float)};
}

template <typename T>
static T load(ArrayRef<char> bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

int64_t Constant::integer(int64_t i) const {
  assert(isInteger() && "integers with data");
  ArrayRef<char> data = blob->data;
  bool isUnsigned = isUnsignedType(type) || type == onnxtype::Bool;
  switch (bytesPerElement(type)) {
  case 1:
    return isUnsigned ? int64_t(load<uint8_t>(data, i))
                      : int64_t(load<int8_t>(data, i));
  case 2:
    return isUnsigned ? int64_t(load<uint16_t>(data, i))
                      : int64_t(load<int16_t>(data, i));
  case 4:
    return isUnsigned ? int64_t(load<uint32_t>(data, i))
                      : int64_t(load<int32_t>(data, i));
  default:
    return load<int64_t>(data, i);
  }
}

SmallVector<int64_t, 4> Constant::integers() const {
  SmallVector<int64_t, 4> values;
  int64_t count = numElements();
  values.reserve(count);
  for (int64_t i = 0; i < count; ++i)
    values.push_back(integer(i));
  return values;
}

double Constant::real(int64_t i) const {
  assert(hasData() && isFloatType(type) && "floats with data");
  ArrayRef<char> data = blob->data;
  switch (type) {
  case onnxtype::Float:
    return load<float>(data, i);
  case onnxtype::Double:
    return load<double>(data, i);
  default: {
    llvm::APFloat value(type == onnxtype::Float16 ? llvm::APFloat::IEEEhalf()
                                                  : llvm::APFloat::BFloat(),
                        llvm::APInt(16, load<uint16_t>(data, i)));
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToDouble();
  }
  }
}

int64_t Constant::takeCount() const {
  if (!hasData() || std::exchange(blob->counted, true))
    return 0;
  return int64_t(blob->data.size());
}

Constant Constant::renamed(StringRef name) const {
  Constant result = *this;
  result.nameText = name.str();
  return result;
}

Constant Constant::reshaped(ArrayRef<int64_t> shape) const {
  assert(countElements(shape) == countElements(dims) && "same elements");
  Constant result = *this;
  result.dims.assign(shape.begin(), shape.end());
  return result;
}

Constant Constant::rows(int64_t begin, int64_t count) const {
  assert(!dims.empty() && begin + count <= dims[0] && "rows of the tensor");
  SmallVector<int64_t, 4> shape(dims);
  shape[0] = count;
  if (isMissing())
    return makeMissing(nameText, shape);
  int64_t bytes = dims[0] ? int64_t(blob->data.size()) / dims[0] : 0;
  auto part = std::make_shared<Blob>();
  part->owner = blob->owner;
  part->data = blob->data.slice(begin * bytes, count * bytes);
  return make(nameText, shape, type, std::move(part));
}

/// Copies `source` (rows x columns) transposed. In blocks, because the weights
/// of a classifier are tens of megabytes and a plain loop misses the cache on
/// every store.
template <typename T>
static void transposeMatrix(const T *source, int64_t rows, int64_t columns,
                            T *target) {
  constexpr int64_t block = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += block)
    for (int64_t c0 = 0; c0 < columns; c0 += block)
      for (int64_t r = r0; r < std::min(rows, r0 + block); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
          target[c * rows + r] = source[r * columns + c];
}

/// `T` is any type of the element's size.
template <typename T>
static std::shared_ptr<Blob>
transposeBytes(ArrayRef<char> bytes, ArrayRef<int64_t> dims,
               ArrayRef<int64_t> permutation, ArrayRef<int64_t> shape) {
  const T *source = reinterpret_cast<const T *>(bytes.data());
  std::vector<T> target(bytes.size() / sizeof(T));
  if (dims.size() == 2 && permutation[0] == 1) {
    transposeMatrix(source, dims[0], dims[1], target.data());
    return makeBlob(std::move(target));
  }
  // Walk the result in order; an odometer keeps the source offset.
  size_t rank = dims.size();
  SmallVector<int64_t, 4> stride(rank, 1), step(rank), index(rank, 0);
  for (size_t d = rank; d-- > 1;)
    stride[d - 1] = stride[d] * dims[d];
  for (size_t d = 0; d < rank; ++d)
    step[d] = stride[permutation[d]];
  int64_t offset = 0;
  for (T &value : target) {
    value = source[offset];
    for (size_t d = rank; d-- > 0;) {
      offset += step[d];
      if (++index[d] < shape[d])
        break;
      offset -= step[d] * shape[d];
      index[d] = 0;
    }
  }
  return makeBlob(std::move(target));
}

Constant Constant::transposed(ArrayRef<int64_t> permutation) const {
  SmallVector<int64_t, 4> shape;
  for (int64_t d : permutation)
    shape.push_back(dims[d]);
  if (isMissing())
    return makeMissing(nameText, shape);
  std::shared_ptr<Blob> moved;
  switch (bytesPerElement(type)) {
  case 1:
    moved = transposeBytes<uint8_t>(blob->data, dims, permutation, shape);
    break;
  case 2:
    moved = transposeBytes<uint16_t>(blob->data, dims, permutation, shape);
    break;
  case 4:
    moved = transposeBytes<uint32_t>(blob->data, dims, permutation, shape);
    break;
  default:
    moved = transposeBytes<uint64_t>(blob->data, dims, permutation, shape);
  }
  releasePages(*blob);
  return make(nameText, shape, type, std::move(moved));
}

Constant Constant::flipped(ArrayRef<int64_t> axes) const {
  if (isMissing())
    return *this;
  int64_t size = bytesPerElement(type), count = numElements();
  std::vector<uint64_t> storage((count * size + 7) / 8);
  char *target = reinterpret_cast<char *>(storage.data());
  SmallVector<int64_t, 6> index(dims.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t source = 0;
    for (size_t d = 0; d < dims.size(); ++d)
      source =
          source * dims[d] +
          (llvm::is_contained(axes, d) ? dims[d] - 1 - index[d] : index[d]);
    std::memcpy(target + i * size, blob->data.data() + source * size, size);
    for (size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d])
        break;
      index[d] = 0;
    }
  }
  std::shared_ptr<Blob> moved = makeBlob(std::move(storage));
  moved->data = moved->data.take_front(count * size);
  return make(nameText, dims, type, std::move(moved));
}

Constant Constant::scaled(float factor) const {
  if (isMissing() || factor == 1.0f)
    return *this;
  std::vector<float> values = floats().vec();
  for (float &value : values)
    value *= factor;
  releasePages(*blob);
  return makeFloats(nameText, dims, std::move(values));
}

/// Integers up to this number are written into the text of the module.
static constexpr int64_t kMaxInlineIntegers = 64;

Value Constant::materialize(OpBuilder &builder, Location loc) const {
  auto tensorType =
      RankedTensorType::get(dims, irType(builder.getContext(), type));
  if (isMissing())
    return MissingWeightOp::create(builder, loc, tensorType,
                                   builder.getStringAttr(nameText));
  assert(hasData() && "types that are not read have been refused");
  int64_t count = numElements();
  if (type == onnxtype::Bool) {
    // The attribute packs bits, so there is no resource to share.
    SmallVector<bool> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(integer(i) != 0);
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(tensorType, ArrayRef(values)));
  }
  if (count <= (isInteger() ? kMaxInlineIntegers : 1))
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::getFromRawBuffer(tensorType, blob->data));
  if (!blob->resource) {
    // The resource shares the bytes: its deleter drops one reference.
    AsmResourceBlob bytes(
        blob->data, bytesPerElement(type),
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
