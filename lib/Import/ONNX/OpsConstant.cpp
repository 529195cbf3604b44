//===- OpsConstant.cpp - Ops whose result is known at import --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// The limit on numbers that are computed at import: a damaged file must not
/// make us allocate.
static constexpr int64_t kMaxComputed = int64_t(1) << 20;

LogicalResult lowerConstant(Node &node) {
  if (node.hasAttribute("value")) {
    FailureOr<Constant> value = node.tensorAttribute("value");
    return failed(value) ? failure() : node.result(std::move(*value));
  }
  auto integers = [&](ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
    return node.result(
        Constant::makeIntegers("constant", shape, values, onnxtype::Int64));
  };
  if (node.version() >= 12 && node.hasAttribute("value_int")) {
    int64_t value = 0;
    return failed(node.attribute("value_int", value)) ? failure()
                                                      : integers({}, value);
  }
  if (node.version() >= 12 && node.hasAttribute("value_ints")) {
    Shape values;
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
  for (StringRef kind : {"value_string", "value_strings", "sparse_value"})
    if (node.hasAttribute(kind)) {
      node.error() << "'" << kind
                   << "' is not supported; export the model with dense tensors "
                      "of numbers";
      return failure();
    }
  node.error() << "has no value of a supported kind (value, value_int, "
                  "value_ints, value_float, value_floats)";
  return failure();
}

LogicalResult lowerConstantOfShape(Node &node) {
  FailureOr<Shape> shape = node.integers(0, "the shape");
  if (failed(shape))
    return failure();
  Constant value = Constant::makeFloats("zero", {1}, {0.0f});
  if (node.hasAttribute("value")) {
    FailureOr<Constant> given = node.tensorAttribute("value");
    if (failed(given))
      return failure();
    value = *given;
  }
  if (!value.hasData() || value.numElements() != 1) {
    node.error() << "the value must be one number, is "
                 << onnxTypeName(value.onnxType()) << " of shape "
                 << shapeText(value.shape());
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type(*shape, value.onnxType());
  if (failed(type))
    return failure();
  return node.result(filled(node.builder, node.loc, *type,
                            firstElement(node.builder.getContext(), value)),
                     0, value.onnxType());
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// ceil((limit - start) / delta) for floats; nothing for NaN and infinities.
static std::optional<int64_t> countReals(double start, double limit,
                                         double delta) {
  double count = std::ceil((limit - start) / delta);
  if (!std::isfinite(count) || count > double(kMaxElements))
    return std::nullopt;
  return std::max<int64_t>(int64_t(std::max(count, 0.0)), 0);
}

/// The same for integers, without leaving 64 bits.
static int64_t countIntegers(int64_t start, int64_t limit, int64_t delta) {
  bool ascends = delta > 0;
  if (ascends ? limit <= start : limit >= start)
    return 0;
  uint64_t distance = ascends ? uint64_t(limit) - uint64_t(start)
                              : uint64_t(start) - uint64_t(limit);
  uint64_t step = ascends ? uint64_t(delta) : 0 - uint64_t(delta);
  uint64_t count = (distance - 1) / step + 1;
  return int64_t(std::min<uint64_t>(count, uint64_t(kMaxElements) + 1));
}

LogicalResult lowerRange(Node &node) {
  int64_t stashType = onnxtype::Float;
  if (node.version() >= 27 && failed(node.attribute("stash_type", stashType)))
    return failure();
  int onnxType = node.elementType(0);
  const char *names[] = {"start", "limit", "delta"};
  double reals[3];
  int64_t integers[3];
  for (unsigned i = 0; i < 3; ++i) {
    FailureOr<double> value = node.scalar(i, names[i]);
    if (failed(value))
      return failure();
    reals[i] = *value;
    integers[i] = isFloatType(onnxType) ? 0 : node.constant(i)->integer(0);
  }
  bool isHalf = onnxType == onnxtype::Float16 || onnxType == onnxtype::BFloat16;
  if (reals[2] == 0.0 || (isHalf && stashType != onnxtype::Float &&
                          stashType != onnxtype::Double)) {
    node.error() << "delta is " << reals[2] << " and stash_type " << stashType
                 << "; delta must not be 0, and sums are FLOAT or DOUBLE";
    return failure();
  }
  std::optional<int64_t> count =
      isFloatType(onnxType)
          ? countReals(reals[0], reals[1], reals[2])
          : std::optional(countIntegers(integers[0], integers[1], integers[2]));
  if (!count) {
    node.error() << "start " << reals[0] << ", limit " << reals[1]
                 << " and delta " << reals[2] << " give no finite count";
    return failure();
  }
  FailureOr<RankedTensorType> type = node.type({*count});
  if (failed(type))
    return failure();
  Type element = type->getElementType();
  Value result = elementwise(
      node.builder, node.loc, *type, {},
      [&](OpBuilder &b, Location l, ValueRange) -> Value {
        Value i = loopIndices(b, l, 1)[0];
        if (!isa<FloatType>(element)) {
          Value whole = arith::IndexCastOp::create(b, l, b.getI64Type(), i);
          Value delta = integerScalar(b, l, b.getI64Type(), integers[2]);
          Value start = integerScalar(b, l, b.getI64Type(), integers[0]);
          whole = add(b, l, start, multiply(b, l, whole, delta));
          return convert(b, l, whole, onnxtype::Int64, onnxType);
        }
        // Types of 16 bits are computed in a wider one.
        int wide = !isHalf ? onnxType : int(stashType);
        Type wideType = irType(b.getContext(), wide);
        Value whole = arith::IndexCastOp::create(b, l, b.getI64Type(), i);
        Value at = arith::SIToFPOp::create(b, l, wideType, whole);
        Value product = multiply(b, l, at, scalar(b, l, wideType, reals[2]));
        Value sum = add(b, l, scalar(b, l, wideType, reals[0]), product);
        return convert(b, l, sum, wide, onnxType);
      });
  return node.result(result);
}

//===----------------------------------------------------------------------===//
// Unique
//===----------------------------------------------------------------------===//

/// -1, 0 or 1 as element `i` is less than, equal to or greater than `j`. NaN
/// is equal to itself and greater than all numbers, as for NumPy.
static int order(const Constant &x, int64_t i, int64_t j) {
  if (x.isInteger()) {
    int64_t a = x.integer(i), b = x.integer(j);
    if (x.onnxType() == onnxtype::UInt64)
      return uint64_t(a) < uint64_t(b) ? -1 : a != b;
    return a < b ? -1 : a != b;
  }
  double a = x.real(i), b = x.real(j);
  if (std::isnan(a) || std::isnan(b))
    return int(std::isnan(a)) - int(std::isnan(b));
  return a < b ? -1 : a > b;
}

LogicalResult lowerUnique(Node &node) {
  int64_t sorted = 1, axis = 0;
  if (failed(node.attribute("sorted", sorted)))
    return failure();
  const Constant *known = node.constant(0);
  if (!known || !known->hasData() || known->numElements() > kMaxComputed) {
    node.error() << "how many values are unique is not known at import; only "
                    "known inputs of at most 2^20 elements are supported";
    return failure();
  }
  Shape permutation, back;
  bool flat = !node.hasAttribute("axis");
  if (!flat) {
    if (failed(node.attribute("axis", axis)))
      return failure();
    FailureOr<int64_t> checked = node.axis(axis, known->shape().size());
    if (failed(checked))
      return failure();
    // The axis first, and how it comes back.
    permutation.push_back(*checked);
    for (int64_t d = 0; d < int64_t(known->shape().size()); ++d) {
      if (d != *checked)
        permutation.push_back(d);
      back.push_back(d == *checked ? 0 : d + (d < *checked));
    }
  }
  Constant x = flat ? known->reshaped({known->numElements()})
                    : known->transposed(permutation);
  int64_t count = x.shape()[0];
  int64_t width = count == 0 ? 1 : x.numElements() / count;
  auto compareRows = [&](int64_t a, int64_t b) {
    for (int64_t i = 0; i < width; ++i)
      if (int result = order(x, a * width + i, b * width + i))
        return result;
    return 0;
  };
  Shape rows, first, inverse(count), counts;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(i);
  llvm::sort(rows, [&](int64_t a, int64_t b) {
    int result = compareRows(a, b);
    return result < 0 || (result == 0 && a < b); // stable
  });
  for (int64_t i = 0; i < count; ++i) {
    if (i == 0 || compareRows(rows[i - 1], rows[i]) != 0) {
      first.push_back(rows[i]);
      counts.push_back(0);
    }
    ++counts.back();
    inverse[rows[i]] = first.size() - 1;
  }
  if (!sorted) {
    // In the order in which they first occur.
    Shape byPlace(first.size()), rank(first.size());
    for (size_t i = 0; i < first.size(); ++i)
      byPlace[i] = i;
    llvm::sort(byPlace,
               [&](int64_t a, int64_t b) { return first[a] < first[b]; });
    Shape oldFirst = first, oldCounts = counts;
    for (auto [place, old] : llvm::enumerate(byPlace)) {
      first[place] = oldFirst[old];
      counts[place] = oldCounts[old];
      rank[old] = place;
    }
    for (int64_t &i : inverse)
      i = rank[i];
  }
  SmallVector<Positions, 4> positions;
  for (int64_t dim : x.shape())
    positions.push_back(Positions::all(dim));
  positions[0] = Positions::of(first);
  FailureOr<Binding> values = take(node, Binding(std::move(x)), positions);
  if (failed(values))
    return failure();
  if (!flat)
    values = node.call("Transpose", {*values}, {{"perm", back}});
  if (failed(values))
    return failure();
  int64_t unique = first.size();
  auto integers = [](int64_t size, ArrayRef<int64_t> numbers) {
    return Constant::makeIntegers("unique", {size}, numbers);
  };
  return success(succeeded(node.result(*values)) &&
                 succeeded(node.result(integers(unique, first), 1)) &&
                 succeeded(node.result(integers(count, inverse), 2)) &&
                 succeeded(node.result(integers(unique, counts), 3)));
}

//===----------------------------------------------------------------------===//
// Windows of signal processing
//===----------------------------------------------------------------------===//

/// Known numbers in a type that the attribute output_datatype names.
static LogicalResult resultNumbers(Node &node, ArrayRef<int64_t> shape,
                                   ArrayRef<double> values) {
  int64_t type = onnxtype::Float;
  if (failed(node.attribute("output_datatype", type)))
    return failure();
  if (type < 0 || type > 64 || (typeSetOf(type) & Numbers) == 0) {
    node.error() << "output_datatype " << type
                 << " is not supported; choose a float or integer type";
    return failure();
  }
  if (!isFloatType(type)) {
    SmallVector<int64_t> integers(values.begin(), values.end());
    return node.result(Constant::makeIntegers("window", shape, integers, type));
  }
  std::vector<float> floats(values.begin(), values.end());
  if (type == onnxtype::Float)
    return node.result(
        Constant::makeFloats("window", shape, std::move(floats)));
  if (type == onnxtype::Double)
    return node.result(Constant::make("window", shape, type,
                                      makeBlob(std::vector<double>(values))));
  FailureOr<Binding> cast = node.call(
      "Cast", {Constant::makeFloats("window", shape, std::move(floats))},
      {{"to", type}});
  return failed(cast) ? failure() : node.result(*cast);
}

/// A sum of cosines: Hann, Hamming or Blackman.
LogicalResult lowerSignalWindow(Node &node) {
  int64_t periodic = 1;
  if (failed(node.attribute("periodic", periodic)))
    return failure();
  FailureOr<Shape> size = node.integers(0, "the size");
  if (failed(size))
    return failure();
  if (size->size() != 1 || size->front() < 0 || size->front() > kMaxComputed) {
    node.error() << "the size must be one number from 0 to 2^20, is "
                 << shapeText(*size);
    return failure();
  }
  int64_t count = size->front();
  double weights[3] = {0.5, -0.5, 0.0};
  if (node.op() == "HammingWindow") {
    weights[0] = 25.0 / 46.0;
    weights[1] = weights[0] - 1.0;
  } else if (node.op() == "BlackmanWindow") {
    weights[0] = 0.42;
    weights[2] = 0.08;
  }
  // A symmetric window of one element is 1.
  double period = periodic ? double(count) : double(count - 1);
  constexpr double kTwoPi = 6.283185307179586476925;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    double angle = period == 0.0 ? kTwoPi / 2 : kTwoPi * double(i) / period;
    values.push_back(weights[0] + weights[1] * std::cos(angle) +
                     weights[2] * std::cos(2 * angle));
  }
  return resultNumbers(node, {count}, values);
}

LogicalResult lowerMelWeightMatrix(Node &node) {
  static constexpr const char *kNames[] = {"num_mel_bins", "dft_length",
                                           "sample_rate", "lower_edge_hertz",
                                           "upper_edge_hertz"};
  double given[5];
  for (unsigned i = 0; i < 5; ++i) {
    FailureOr<double> value = node.scalar(i, kNames[i]);
    if (failed(value))
      return failure();
    given[i] = *value;
    if (!(given[i] >= (i < 3 ? 1.0 : 0.0)) || given[i] > double(kMaxComputed)) {
      node.error() << kNames[i] << " " << given[i]
                   << " must be at most 2^20 and not negative";
      return failure();
    }
  }
  int64_t bins = int64_t(given[0]), length = int64_t(given[1]);
  int64_t rows = length / 2 + 1;
  if (rows * bins > kMaxComputed) {
    node.error() << "a matrix of " << rows << "x" << bins
                 << " is too large, at most 2^20 elements are supported";
    return failure();
  }
  auto mel = [](double hertz) {
    return 2595.0 * std::log1p(hertz / 700.0) / std::log(10.0);
  };
  double low = mel(given[3]);
  double step = (mel(given[4]) - low) / double(bins + 2);
  Shape edges;
  for (int64_t i = 0; i < bins + 2; ++i) {
    double hertz =
        700.0 * std::expm1((double(i) * step + low) / 2595.0 * std::log(10.0));
    edges.push_back(int64_t(std::floor(double(length + 1) * hertz / given[2])));
    // No triangle may lie above the last line of the spectrum.
    if (edges.back() < (i > 0 ? edges[i - 1] : 0) ||
        edges.back() >= rows + (i == bins + 1)) {
      node.error() << "the edges " << given[3] << " Hz and " << given[4]
                   << " Hz do not lie in order within half of the sample rate "
                   << given[2] << " Hz";
      return failure();
    }
  }
  std::vector<double> values(rows * bins, 0.0);
  for (int64_t i = 0; i < bins; ++i) {
    int64_t left = edges[i], center = edges[i + 1], right = edges[i + 2];
    for (int64_t j = left; j <= center; ++j)
      values[j * bins + i] =
          center == left ? 1.0 : double(j - left) / double(center - left);
    for (int64_t j = center; j < right; ++j)
      values[j * bins + i] = double(right - j) / double(right - center);
  }
  return resultNumbers(node, {rows, bins}, values);
}

} // namespace imc::onnximport
