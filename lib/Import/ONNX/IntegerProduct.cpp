//===- IntegerProduct.cpp - Products of integer codes ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IntegerProduct.h"
#include "Build.h"
#include "Convolution.h"
#include "Deferred.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace imc::onnximport {

bool isWideCode(int onnxType) {
  return onnxType == onnxtype::Int16 || onnxType == onnxtype::UInt16;
}

bool isProductCode(int onnxType) {
  return onnxType == onnxtype::Int8 || onnxType == onnxtype::UInt8 ||
         onnxType == onnxtype::Int4 || onnxType == onnxtype::UInt4 ||
         isWideCode(onnxType);
}

/// The type of the sums of codes of `x` and `w`.
static int sumsOf(const Codes &x, const Codes &w) {
  return isWideCode(x.codes.onnxType()) || isWideCode(w.codes.onnxType())
             ? onnxtype::Int64
             : onnxtype::Int32;
}

/// What unsigned codes are above the signed ones of the same width.
static int64_t offsetOf(int onnxType) {
  if (!isUnsignedType(onnxType))
    return 0;
  return isWideCode(onnxType) ? 32768 : 128;
}

/// A tensor of codes, less 128 or 32768 if they are unsigned.
static Value signedCodes(Node &node, Value x, int onnxType) {
  if (!isUnsignedType(onnxType))
    return x;
  return elementwise(
      node.builder, node.loc, cast<RankedTensorType>(x.getType()), {whole(x)},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        return arith::XOrIOp::create(
            b, l, v[0],
            integerScalar(b, l, v[0].getType(), -offsetOf(onnxType)));
      });
}

/// x − zero in the type of the sums, for codes of run time.
static FailureOr<Value> widened(Node &node, const Codes &codes, int sumType) {
  FailureOr<Value> x = node.tensor(codes.codes);
  if (failed(x))
    return failure();
  OpBuilder &builder = node.builder;
  Type sum = irType(builder.getContext(), sumType);
  auto type = cast<RankedTensorType>(x->getType()).clone(sum);
  SmallVector<Operand, 2> operands = {whole(*x)};
  bool isTensor = bool(codes.zeroTensor);
  if (isTensor) {
    bool single =
        cast<RankedTensorType>(codes.zeroTensor.getType()).getNumElements() ==
        1;
    Value zero =
        reshape(builder, node.loc, codes.zeroTensor,
                single ? SmallVector<int64_t>{}
                       : SmallVector<int64_t>{type.getDimSize(codes.axis)});
    operands.push_back(single ? Operand{zero, {}}
                              : Operand{zero, {codes.axis}});
  } else if (codes.zero.size() > 1) {
    operands.push_back(
        {vectorOf(builder, node.loc, codes.zero, sum), {codes.axis}});
  }
  int onnxType = codes.codes.onnxType();
  return elementwise(
      builder, node.loc, type, operands,
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value wide = convert(b, l, v[0], onnxType, sumType);
        if (isTensor)
          return subtract(b, l, wide, convert(b, l, v[1], onnxType, sumType));
        if (v.size() > 1)
          return subtract(b, l, wide, v[1]);
        if (codes.zero[0] == 0)
          return wide;
        return subtract(b, l, wide,
                        integerScalar(b, l, wide.getType(), codes.zero[0]));
      });
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

namespace {
/// Known codes as a signed weight of 8 or 16 bits.
struct Weight {
  Constant codes;
  std::vector<int64_t> rest; ///< r[n]; empty when all are 0
  std::vector<int64_t> sums; ///< Σ c − K·r[n]
};
} // namespace

/// `channel` is the dimension of the channels n; `Code` is int8_t or int16_t.
template <typename Code>
static Weight prepareWeightAs(const Codes &w, int64_t channel) {
  const Constant &known = *w.codes.constant();
  int64_t channels = known.shape()[channel], inner = 1;
  for (int64_t d : known.shape().drop_front(channel + 1))
    inner *= d;
  auto zeroOf = [&](int64_t n) { return w.zero[w.zero.size() == 1 ? 0 : n]; };
  int64_t count = known.numElements(), terms = channels ? count / channels : 0;
  bool fits = true;
  for (int64_t i = 0; i < count && fits; ++i) {
    int64_t value = known.integer(i) - zeroOf(i / inner % channels);
    fits = value == Code(value);
  }
  Weight weight;
  int64_t offset = offsetOf(known.onnxType());
  if (!fits)
    for (int64_t n = 0; n < channels; ++n)
      weight.rest.push_back(zeroOf(n) - offset);
  weight.sums.assign(channels, 0);
  std::vector<Code> codes(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t n = i / inner % channels;
    codes[i] = Code(known.integer(i) - (fits ? zeroOf(n) : offset));
    weight.sums[n] += codes[i];
  }
  if (!fits)
    for (int64_t n = 0; n < channels; ++n)
      weight.sums[n] -= terms * weight.rest[n];
  weight.codes =
      Constant::make(known.name(), known.shape(),
                     sizeof(Code) == 1 ? onnxtype::Int8 : onnxtype::Int16,
                     makeBlob(std::move(codes)));
  return weight;
}

static Weight prepareWeight(const Codes &w, int64_t channel) {
  return isWideCode(w.codes.onnxType()) ? prepareWeightAs<int16_t>(w, channel)
                                        : prepareWeightAs<int8_t>(w, channel);
}

/// Takes the zero point of the input off the sums of a known weight: at once
/// if it is a tensor, else by `bias`.
static Sums correctForInput(Node &node, Value acc, const Codes &x,
                            const Weight &weight) {
  OpBuilder &builder = node.builder;
  int64_t offset = offsetOf(x.codes.onnxType());
  Sums sums{acc, std::vector<int64_t>(weight.sums.size(), 0)};
  if (!x.zeroTensor) {
    for (auto [bias, sum] : llvm::zip_equal(sums.bias, weight.sums))
      bias = -(x.zero[0] - offset) * sum;
    return sums;
  }
  Type sumType = getElementTypeOrSelf(acc);
  const int sumOnnxType =
      sumType.isInteger(64) ? onnxtype::Int64 : onnxtype::Int32;
  Value zero = reshape(builder, node.loc, x.zeroTensor, {});
  sums.acc = elementwise(
      builder, node.loc, cast<RankedTensorType>(acc.getType()),
      {whole(acc),
       {vectorOf(builder, node.loc, weight.sums, sumType), {1}},
       {zero, {}}},
      [&](OpBuilder &b, Location l, ValueRange v) -> Value {
        Value z = convert(b, l, v[2], x.codes.onnxType(), sumOnnxType);
        if (offset)
          z = subtract(b, l, z, integerScalar(b, l, z.getType(), offset));
        return subtract(b, l, v[0], multiply(b, l, z, v[1]));
      });
  return sums;
}

Value addBias(Node &node, const Sums &sums) {
  if (llvm::all_of(sums.bias, [](int64_t b) { return b == 0; }))
    return sums.acc;
  return elementwise(node.builder, node.loc,
                     cast<RankedTensorType>(sums.acc.getType()),
                     {whole(sums.acc),
                      {vectorOf(node.builder, node.loc, sums.bias,
                                getElementTypeOrSelf(sums.acc)),
                       {1}}},
                     [](OpBuilder &b, Location l, ValueRange v) -> Value {
                       return add(b, l, v[0], v[1]);
                     });
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

namespace {
/// Shapes of a convolution with its window.
struct ConvShape {
  int64_t group, filters, perGroup;
  SmallVector<int64_t, 4> kernel;
  Window window;
};
} // namespace

static FailureOr<ConvShape> readConv(Node &node, ArrayRef<int64_t> x,
                                     ArrayRef<int64_t> w) {
  if (x.size() < 3 || w.size() != x.size()) {
    node.error() << "the input is " << shapeText(x) << ", the weight "
                 << shapeText(w)
                 << "; both must have the same rank, 3 or more (NxCx…)";
    return failure();
  }
  ConvShape conv{1, w[0], w[1], SmallVector<int64_t, 4>(w.drop_front(2)), {}};
  SmallVector<int64_t, 4> kernelShape = conv.kernel;
  if (failed(node.attribute("group", conv.group)) ||
      failed(node.attribute("kernel_shape", kernelShape)))
    return failure();
  if (kernelShape != conv.kernel) {
    node.error() << "kernel_shape " << shapeText(kernelShape)
                 << " contradicts the weight " << shapeText(w);
    return failure();
  }
  if (failed(checkKernel(node, x, conv.kernel)) ||
      failed(checkGroups(node, conv.group, x[1], w[0], w[1], w)))
    return failure();
  FailureOr<Window> window = readWindow(node, x, conv.kernel, /*pool=*/false);
  if (failed(window))
    return failure();
  conv.window = *window;
  return conv;
}

/// `x` padded by the scalar `padding`.
static FailureOr<Value> padded(Node &node, Value x, const ConvShape &conv,
                               Value padding) {
  SmallVector<int64_t, 4> shape(shapeOf(x));
  SmallVector<OpFoldResult> low(shape.size(), node.builder.getIndexAttr(0)),
      high = low;
  bool any = false;
  for (auto [d, dim] : llvm::enumerate(conv.window)) {
    low[2 + d] = node.builder.getIndexAttr(dim.begin);
    high[2 + d] = node.builder.getIndexAttr(dim.end);
    shape[2 + d] += dim.begin + dim.end;
    any |= dim.begin != 0 || dim.end != 0;
  }
  if (!any)
    return x;
  if (failed(node.type(shape)))
    return failure();
  return tensor::PadOp::create(node.builder, node.loc,
                               cast<RankedTensorType>(x.getType()).clone(shape),
                               x, low, high, padding)
      .getResult();
}

/// acc − r[n]·Σ x, the sum over the windows of the group of n. The ones have
/// the type of the weight, so that both sums have one type.
static FailureOr<Value> takeWindowSums(Node &node, Value acc, Value x,
                                       const ConvShape &conv,
                                       const Weight &weight) {
  OpBuilder &builder = node.builder;
  int64_t group = conv.group, perGroup = conv.filters / group;
  SmallVector<int64_t, 4> shape(shapeOf(acc)), onesShape{group, conv.perGroup};
  onesShape.append(conv.kernel);
  Constant ones = Constant::makeIntegers(
      "ones", onesShape, SmallVector<int64_t>(*countElements(onesShape), 1),
      weight.codes.onnxType());
  FailureOr<Value> windows =
      convolve(node, x, ones, Binding(), group, conv.window);
  if (failed(windows))
    return failure();
  SmallVector<int64_t, 4> split{shape[0], group, perGroup}, dims{0, 1};
  for (size_t d = 2; d < shape.size(); ++d) {
    split.push_back(shape[d]);
    dims.push_back(d + 1);
  }
  Value grouped = reshape(builder, node.loc, acc, split);
  Value factor = reshape(
      builder, node.loc,
      vectorOf(builder, node.loc, weight.rest, getElementTypeOrSelf(acc)),
      {group, perGroup});
  Value result =
      elementwise(builder, node.loc, cast<RankedTensorType>(grouped.getType()),
                  {whole(grouped), {*windows, dims}, {factor, {1, 2}}},
                  [](OpBuilder &b, Location l, ValueRange v) -> Value {
                    return subtract(b, l, v[0], multiply(b, l, v[1], v[2]));
                  });
  return reshape(builder, node.loc, result, shape);
}

/// Rows and columns of an integer product: what is added to each column is made
/// at import, and a damaged file must not make us allocate.
static constexpr int64_t kMaxColumns = int64_t(1) << 24;

static LogicalResult checkColumns(Node &node, int64_t count) {
  if (count <= kMaxColumns)
    return success();
  node.error() << "a quantized product with " << count
               << " rows or columns of weights is not supported, at most 2^24 "
                  "are; check the input shapes";
  return failure();
}

FailureOr<Sums> convolveCodes(Node &node, const Codes &x, const Codes &w) {
  FailureOr<ConvShape> conv = readConv(node, x.codes.shape(), w.codes.shape());
  if (failed(conv) || failed(checkColumns(node, conv->filters)))
    return failure();
  OpBuilder &builder = node.builder;
  if (!w.codes.constant() || !w.codes.constant()->hasData() || w.zeroTensor) {
    const int sumType = sumsOf(x, w);
    FailureOr<Value> xWide = widened(node, x, sumType),
                     wWide = widened(node, w, sumType);
    if (failed(xWide) || failed(wWide))
      return failure();
    FailureOr<Value> input =
        padded(node, *xWide, *conv,
               integerScalar(builder, node.loc,
                             irType(builder.getContext(), sumType), 0));
    if (failed(input))
      return failure();
    FailureOr<Value> acc = convolve(node, *input, Binding(*wWide, sumType),
                                    Binding(), conv->group, conv->window);
    if (failed(acc))
      return failure();
    return Sums{*acc, std::vector<int64_t>(conv->filters, 0)};
  }
  FailureOr<Value> codes = node.tensor(x.codes);
  if (failed(codes))
    return failure();
  int xType = x.codes.onnxType();
  Value input = signedCodes(node, *codes, xType), padding;
  if (x.zeroTensor) {
    Value zero =
        signedCodes(node, reshape(builder, node.loc, x.zeroTensor, {}), xType);
    padding = tensor::ExtractOp::create(builder, node.loc, zero, ValueRange());
  } else {
    padding =
        integerScalar(builder, node.loc, getElementTypeOrSelf(input.getType()),
                      x.zero[0] - offsetOf(xType));
  }
  FailureOr<Value> all = padded(node, input, *conv, padding);
  if (failed(all))
    return failure();
  Weight weight = prepareWeight(w, 0);
  FailureOr<Value> acc =
      convolve(node, *all, weight.codes, Binding(), conv->group, conv->window);
  if (failed(acc))
    return failure();
  if (!weight.rest.empty())
    acc = takeWindowSums(node, *acc, *all, *conv, weight);
  if (failed(acc))
    return failure();
  return correctForInput(node, *acc, x, weight);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// Σ x·w from zero for matrices, or for batches of them.
static FailureOr<Value> product(Node &node, Value x, Value w,
                                ArrayRef<int64_t> shape) {
  const bool wide =
      sumTypeOf(getElementTypeOrSelf(x), getElementTypeOrSelf(w)).isInteger(64);
  FailureOr<RankedTensorType> type =
      node.type(shape, wide ? onnxtype::Int64 : onnxtype::Int32);
  if (failed(type))
    return failure();
  Value init = filled(node.builder, node.loc, *type, 0.0);
  Operation *op;
  if (shape.size() == 2)
    op = linalg::MatmulOp::create(node.builder, node.loc, TypeRange(*type),
                                  ValueRange{x, w}, ValueRange(init));
  else
    op = linalg::BatchMatmulOp::create(node.builder, node.loc, TypeRange(*type),
                                       ValueRange{x, w}, ValueRange(init));
  return op->getResult(0);
}

/// `value` (leading dimensions, then a matrix) with its leading dimensions
/// stretched to `batch` and flattened to one.
static FailureOr<Value> stretched(Node &node, Value value,
                                  ArrayRef<int64_t> batch) {
  ArrayRef<int64_t> from = shapeOf(value);
  SmallVector<int64_t, 4> shape(batch), kept;
  SmallVector<int64_t, 4> dims;
  int64_t flat = 1;
  for (int64_t d : batch)
    flat *= d;
  llvm::append_range(shape, from.take_back(2));
  int64_t shift = int64_t(shape.size()) - int64_t(from.size());
  for (auto [d, size] : llvm::enumerate(from))
    if (size == shape[d + shift]) {
      kept.push_back(size);
      dims.push_back(d + shift);
    }
  if (failed(node.type(shape)))
    return failure();
  auto type = cast<RankedTensorType>(value.getType()).clone(shape);
  if (kept.size() != shape.size())
    value =
        elementwise(node.builder, node.loc, type,
                    {{reshape(node.builder, node.loc, value, kept), dims}},
                    [](OpBuilder &, Location, ValueRange v) { return v[0]; });
  return reshape(node.builder, node.loc, value,
                 {flat, shape[shape.size() - 2], shape.back()});
}

FailureOr<Sums> multiplyCodes(Node &node, const Codes &x, const Codes &w,
                              SmallVector<int64_t, 4> &shape) {
  ArrayRef<int64_t> a = x.codes.shape(), b = w.codes.shape();
  if (a.size() < 2 || b.size() < 2) {
    node.error() << "the operands are " << shapeText(a) << " and "
                 << shapeText(b) << "; both need at least two dimensions";
    return failure();
  }
  int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  std::optional<SmallVector<int64_t, 4>> batch =
      broadcastShapes(a.drop_back(2), b.drop_back(2));
  if (b[b.size() - 2] != k || !batch) {
    node.error() << "the operands are " << shapeText(a) << " and "
                 << shapeText(b) << ": their sizes do not fit";
    return failure();
  }
  if (failed(checkColumns(node, std::max(k, n))))
    return failure();
  shape = *batch;
  int64_t matrices = 1;
  for (int64_t d : *batch)
    matrices *= d;
  int64_t rows = matrices * m;
  shape.push_back(m);
  shape.push_back(n);
  OpBuilder &builder = node.builder;
  const Constant *known = w.codes.constant();
  bool perRow =
      x.zero.size() > 1 ||
      (x.zeroTensor &&
       cast<RankedTensorType>(x.zeroTensor.getType()).getNumElements() != 1);
  if (known && known->hasData() && !w.zeroTensor && b.size() == 2 && !perRow) {
    FailureOr<Value> codes = node.tensor(x.codes, {rows, k});
    if (failed(codes))
      return failure();
    Weight weight = prepareWeight(w, 1);
    FailureOr<Value> matrix = node.tensor(weight.codes);
    if (failed(matrix))
      return failure();
    Value input = signedCodes(node, *codes, x.codes.onnxType());
    FailureOr<Value> acc = product(node, input, *matrix, {rows, n});
    if (failed(acc))
      return failure();
    if (!weight.rest.empty()) {
      Constant ones = Constant::makeIntegers(
          "ones", {k, 1}, SmallVector<int64_t>(k, 1), weight.codes.onnxType());
      FailureOr<Value> column = node.tensor(ones);
      if (failed(column))
        return failure();
      FailureOr<Value> sum = product(node, input, *column, {rows, 1});
      if (failed(sum))
        return failure();
      acc = elementwise(
          builder, node.loc, cast<RankedTensorType>(acc->getType()),
          {whole(*acc),
           {reshape(builder, node.loc, *sum, {rows}), {0}},
           {vectorOf(builder, node.loc, weight.rest,
                     getElementTypeOrSelf(*acc)),
            {1}}},
          [](OpBuilder &nested, Location l, ValueRange v) -> Value {
            return subtract(nested, l, v[0], multiply(nested, l, v[1], v[2]));
          });
    }
    return correctForInput(node, *acc, x, weight);
  }
  const int sumType = sumsOf(x, w);
  FailureOr<Value> xWide = widened(node, x, sumType),
                   wWide = widened(node, w, sumType);
  if (failed(xWide) || failed(wWide))
    return failure();
  FailureOr<Value> acc = failure();
  if (b.size() == 2) {
    acc = product(node, reshape(builder, node.loc, *xWide, {rows, k}), *wWide,
                  {rows, n});
  } else {
    FailureOr<Value> left = stretched(node, *xWide, *batch),
                     right = stretched(node, *wWide, *batch);
    if (failed(left) || failed(right))
      return failure();
    acc = product(node, *left, *right, {matrices, m, n});
    if (succeeded(acc))
      acc = reshape(builder, node.loc, *acc, {rows, n});
  }
  if (failed(acc))
    return failure();
  return Sums{*acc, std::vector<int64_t>(n, 0)};
}

} // namespace imc::onnximport
