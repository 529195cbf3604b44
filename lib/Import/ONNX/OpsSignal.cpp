//===- OpsSignal.cpp - Fourier transforms and Col2Im ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums over windows of the data. A Fourier transform of a fixed length is a
// product with a known table of cosines and sines; it is summed in f64, where
// zeros of the spectrum come out as zeros of the f32 result.
//
//===----------------------------------------------------------------------===//

#include "DataMovement.h"
#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

using Shape = SmallVector<int64_t, 4>;

/// Most entries of a table of cosines and sines.
static constexpr int64_t kMaxTable = int64_t(1) << 23;

namespace {

/// A transform of `length` points: which it reads and which it writes.
struct Transform {
  int64_t length = 0;
  int64_t reads = 0;
  int64_t writes = 0;
  int64_t partsIn = 1;  ///< 1: real, 2: real and imaginary
  int64_t partsOut = 2; ///< likewise
  bool inverse = false;
};

} // namespace

/// cos and sin of 2 pi i / n; exact at multiples of a quarter.
static std::pair<double, double> onCircle(int64_t i, int64_t n) {
  i %= n;
  if (4 * i % n == 0) {
    static constexpr double cosines[] = {1, 0, -1, 0}, sines[] = {0, 1, 0, -1};
    return {cosines[4 * i / n], sines[4 * i / n]};
  }
  double angle = 6.283185307179586476925 * double(i) / double(n);
  return {std::cos(angle), std::sin(angle)};
}

/// The factors [read, part in, written, part out].
static FailureOr<Value> makeTable(Node &node, const Transform &t) {
  double entries =
      double(t.reads) * double(t.writes) * double(t.partsIn * t.partsOut);
  if (t.length < 1 || t.length > kMaxTable || entries > double(kMaxTable)) {
    node.error() << "a transform of " << t.length
                 << " points is not supported; lengths are positive and the "
                    "table of factors is limited to 2^23 entries";
    return failure();
  }
  std::vector<double> table;
  for (int64_t j = 0; j < t.reads; ++j)
    for (int64_t e = 0; e < t.partsIn; ++e)
      for (int64_t k = 0; k < t.writes; ++k) {
        auto [cosine, sine] = onCircle(j * k, t.length);
        if (!t.inverse)
          sine = -sine;
        // (1 or i) times (cosine + i sine)
        double parts[2] = {e == 0 ? cosine : -sine, e == 0 ? sine : cosine};
        double weight = t.inverse ? 1.0 / double(t.length) : 1.0;
        // Half of a spectrum stands for the conjugates of the other, too.
        if (t.partsOut == 1 && j != 0 && 2 * j != t.length)
          weight *= 2.0;
        for (int64_t c = 0; c < t.partsOut; ++c)
          table.push_back(weight * parts[c]);
      }
  return node.tensor(Binding(
      Constant::make("fourier", {t.reads, t.partsIn, t.writes, t.partsOut},
                     onnxtype::Double, makeBlob(std::move(table)))));
}

/// One known integer of input `i` or `value` when it is left out.
static LogicalResult readInteger(Node &node, unsigned i, const char *what,
                                 int64_t &value) {
  if (!node.hasInput(i))
    return success();
  FailureOr<Shape> given = node.integers(i, what);
  if (failed(given))
    return failure();
  if (given->size() != 1) {
    node.error() << what << " must be one number, has " << given->size();
    return failure();
  }
  value = given->front();
  return success();
}

/// A sum of products in f64 over the last two of `maps`' dimensions.
static Value sumProducts(Node &node, RankedTensorType type, ValueRange operands,
                         ArrayRef<AffineMap> maps, int64_t from, int64_t window,
                         int onnxType) {
  OpBuilder &builder = node.builder;
  auto wide = RankedTensorType::get(type.getShape(), builder.getF64Type());
  Value init = filled(builder, node.loc, wide, 0.0);
  SmallVector<utils::IteratorType> iterators(maps[0].getNumDims(),
                                             utils::IteratorType::parallel);
  iterators[iterators.size() - 1] = utils::IteratorType::reduction;
  iterators[iterators.size() - 2] = utils::IteratorType::reduction;
  auto op = linalg::GenericOp::create(
      builder, node.loc, TypeRange(wide), operands, ValueRange(init), maps,
      iterators, [&](OpBuilder &b, Location l, ValueRange e) {
        Value product = convert(b, l, e[0], from, onnxtype::Double);
        product = multiply(b, l, product, e[1]);
        if (window >= 0)
          product =
              multiply(b, l, product,
                       convert(b, l, e[2], int(window), onnxtype::Double));
        linalg::YieldOp::create(b, l, add(b, l, e.back(), product));
      });
  return elementwise(builder, node.loc, type, {whole(op.getResult(0))},
                     [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                       return convert(b, l, e[0], onnxtype::Double, onnxType);
                     });
}

LogicalResult lowerDFT(Node &node) {
  int64_t axis = node.version() < 20 ? 1 : -2, inverse = 0, onesided = 0;
  if (node.version() < 20 && failed(node.attribute("axis", axis)))
    return failure();
  if (failed(node.attribute("inverse", inverse)) ||
      failed(node.attribute("onesided", onesided)) ||
      failed(readInteger(node, 2, "axis", axis)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  int64_t rank = shape->size();
  FailureOr<int64_t> checked = node.axis(axis, rank);
  if (failed(checked))
    return failure();
  axis = *checked;
  if (axis == rank - 1 || (shape->back() != 1 && shape->back() != 2)) {
    node.error() << "cannot transform axis " << axis << " of a tensor of shape "
                 << shapeText(*shape)
                 << "; the last dimension holds 1 or 2 parts of a number";
    return failure();
  }
  Transform t;
  int64_t size = (*shape)[axis];
  t.inverse = inverse != 0;
  bool toReal = inverse && onesided;
  t.length = toReal ? 2 * (size - 1) : size;
  if (failed(readInteger(node, 1, "dft_length", t.length)))
    return failure();
  t.reads = std::min(size, toReal ? t.length / 2 + 1 : t.length);
  t.writes = onesided && !inverse ? t.length / 2 + 1 : t.length;
  t.partsIn = shape->back();
  t.partsOut = toReal ? 1 : 2;
  FailureOr<Value> table = makeTable(node, t);
  FailureOr<Value> x = node.tensor(0);
  if (failed(table) || failed(x))
    return failure();
  Shape read = *shape, written = *shape;
  read[axis] = t.reads;
  written[axis] = t.writes;
  written.back() = t.partsOut;
  FailureOr<RankedTensorType> type = node.type(written);
  if (failed(type))
    return failure();
  OpBuilder &b = node.builder;
  Value part = slice(b, node.loc, *x, Shape(rank, 0), read);
  // Loops: the result's dimensions, then the point and the part read.
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> source, result;
  for (int64_t d = 0; d < rank; ++d)
    result.push_back(b.getAffineDimExpr(d));
  source = result;
  AffineExpr point = b.getAffineDimExpr(rank);
  AffineExpr half = b.getAffineDimExpr(rank + 1);
  source[axis] = point;
  source.back() = half;
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 2, 0, source, context),
      AffineMap::get(rank + 2, 0, {point, half, result[axis], result.back()},
                     context),
      AffineMap::get(rank + 2, 0, result, context)};
  int onnxType = node.elementType(0);
  return node.result(
      sumProducts(node, *type, {part, *table}, maps, onnxType, -1, onnxType));
}

LogicalResult lowerSTFT(Node &node) {
  int64_t onesided = 1, step = 0;
  if (failed(node.attribute("onesided", onesided)) ||
      failed(readInteger(node, 1, "frame_step", step)))
    return failure();
  FailureOr<Shape> shape = node.shape(0);
  bool hasWindow = node.hasInput(2);
  Transform t;
  t.length = hasWindow ? node.shape(2)->empty() ? 0 : node.shape(2)->front()
                       : (shape->size() > 1 ? (*shape)[1] : 0);
  int64_t windowSize = t.length;
  if (failed(readInteger(node, 3, "frame_length", t.length)))
    return failure();
  bool fits = shape->size() == 3 && (shape->back() == 1 || shape->back() == 2);
  if (!fits || t.length < 1 || t.length > (*shape)[1] || step < 1 ||
      step > kMaxElements ||
      (hasWindow && (node.shape(2)->size() != 1 || windowSize != t.length ||
                     !isFloatType(node.elementType(2))))) {
    node.error() << "frames of " << t.length << " points every " << step
                 << " points do not fit a signal of shape " << shapeText(*shape)
                 << " (batch, points, 1 or 2 parts) with a window of "
                 << windowSize << " floats";
    return failure();
  }
  t.reads = t.length;
  t.writes = onesided ? t.length / 2 + 1 : t.length;
  t.partsIn = shape->back();
  FailureOr<RankedTensorType> type = node.type(
      {(*shape)[0], ((*shape)[1] - t.length) / step + 1, t.writes, 2});
  FailureOr<Value> table = makeTable(node, t), x = node.tensor(0);
  if (failed(type) || failed(table) || failed(x))
    return failure();
  SmallVector<Value, 3> operands = {*x, *table};
  // Loops: batch, frame, line, part written, point of the frame, part read.
  OpBuilder &b = node.builder;
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> d;
  for (unsigned i = 0; i < 6; ++i)
    d.push_back(b.getAffineDimExpr(i));
  SmallVector<AffineMap> maps = {
      AffineMap::get(6, 0, {d[0], d[1] * step + d[4], d[5]}, context),
      AffineMap::get(6, 0, {d[4], d[5], d[2], d[3]}, context)};
  if (hasWindow) {
    FailureOr<Value> window = node.tensor(2);
    if (failed(window))
      return failure();
    operands.push_back(*window);
    maps.push_back(AffineMap::get(6, 0, {d[4]}, context));
  }
  maps.push_back(AffineMap::get(6, 0, {d[0], d[1], d[2], d[3]}, context));
  int onnxType = node.elementType(0);
  return node.result(sumProducts(node, *type, operands, maps, onnxType,
                                 hasWindow ? node.elementType(2) : -1,
                                 onnxType));
}

//===----------------------------------------------------------------------===//
// Col2Im
//===----------------------------------------------------------------------===//

namespace {

/// One spatial dimension of Col2Im.
struct Blocks {
  int64_t image, block, dilation, stride, padBefore, padAfter, count;
};

} // namespace

/// The dimensions, or an error when attributes do not fit.
static FailureOr<SmallVector<Blocks, 3>> readBlocks(Node &node) {
  FailureOr<Shape> image = node.integers(1, "image_shape");
  FailureOr<Shape> block = node.integers(2, "block_shape");
  if (failed(image) || failed(block))
    return failure();
  size_t rank = image->size();
  Shape dilations(rank, 1), strides(rank, 1), pads(2 * rank, 0);
  if (failed(node.attribute("dilations", dilations)) ||
      failed(node.attribute("strides", strides)) ||
      failed(node.attribute("pads", pads)))
    return failure();
  if (rank == 0 || rank > kMaxRank - 3 || block->size() != rank ||
      dilations.size() != rank || strides.size() != rank ||
      pads.size() != 2 * rank) {
    node.error() << "image_shape has " << rank << " dimensions, block_shape "
                 << block->size() << ", dilations " << dilations.size()
                 << ", strides " << strides.size() << " and pads "
                 << pads.size() << "; one of each is needed, of pads two";
    return failure();
  }
  SmallVector<Blocks, 3> result;
  constexpr int64_t kLimit = int64_t(1) << 30;
  for (size_t d = 0; d < rank; ++d) {
    Blocks blocks{(*image)[d],
                  (*block)[d],
                  dilations[d],
                  strides[d],
                  pads[d],
                  pads[rank + d],
                  0};
    bool fits = true;
    for (int64_t size :
         {blocks.image, blocks.block, blocks.dilation, blocks.stride})
      fits &= size >= 1 && size <= kLimit;
    for (int64_t size : {blocks.padBefore, blocks.padAfter})
      fits &= size >= 0 && size <= kLimit;
    int64_t room = 0;
    if (fits)
      room = blocks.image + blocks.padBefore + blocks.padAfter -
             blocks.dilation * (blocks.block - 1) - 1;
    if (!fits || room < 0) {
      node.error() << "blocks of " << blocks.block << " with dilation "
                   << blocks.dilation << ", stride " << blocks.stride
                   << " and pads " << blocks.padBefore << " and "
                   << blocks.padAfter << " do not fit an image of "
                   << blocks.image << " along dimension " << d;
      return failure();
    }
    blocks.count = room / blocks.stride + 1;
    result.push_back(blocks);
  }
  return result;
}

LogicalResult lowerCol2Im(Node &node) {
  FailureOr<SmallVector<Blocks, 3>> blocks = readBlocks(node);
  if (failed(blocks))
    return failure();
  unsigned rank = blocks->size();
  FailureOr<Shape> shape = node.shape(0);
  Shape image, block, counts;
  for (const Blocks &b : *blocks) {
    image.push_back(b.image);
    block.push_back(b.block);
    counts.push_back(b.count);
  }
  std::optional<int64_t> area = countElements(block);
  std::optional<int64_t> places = countElements(counts);
  if (shape->size() != 3 || !area || !places || (*shape)[2] != *places ||
      (*shape)[1] % *area != 0) {
    node.error() << "columns of shape " << shapeText(*shape)
                 << " do not fit blocks " << shapeText(block) << " at "
                 << shapeText(counts)
                 << " places; needed are batch, channels times block, places";
    return failure();
  }
  Shape written = {(*shape)[0], (*shape)[1] / *area};
  written.append(image);
  FailureOr<RankedTensorType> type = node.type(written);
  FailureOr<RankedTensorType> blockType = node.type(block);
  FailureOr<Value> x = node.tensor(0);
  if (failed(type) || failed(blockType) || failed(x))
    return failure();
  if (countElements(*shape) == 0)
    return node.result(filled(node.builder, node.loc, *type, 0.0));
  // Each element of the image collects what the blocks over it hold. The empty
  // operand only gives the loops over a block their sizes.
  OpBuilder &builder = node.builder;
  unsigned loops = 2 + 2 * rank;
  SmallVector<AffineExpr> inBlock, inImage;
  for (unsigned d = 0; d < loops; ++d)
    (d < 2 + rank ? inImage : inBlock).push_back(builder.getAffineDimExpr(d));
  SmallVector<AffineMap> maps = {
      AffineMap::get(loops, 0, inBlock, builder.getContext()),
      AffineMap::get(loops, 0, inImage, builder.getContext())};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  std::fill(iterators.begin() + 2 + rank, iterators.end(),
            utils::IteratorType::reduction);
  auto op = linalg::GenericOp::create(
      builder, node.loc, TypeRange(*type),
      ValueRange(empty(builder, node.loc, *blockType)),
      ValueRange(filled(builder, node.loc, *type, 0.0)), maps, iterators,
      [&](OpBuilder &b, Location l, ValueRange arguments) {
        SmallVector<Value, 4> at = loopIndices(b, l, loops);
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantIndexOp::create(b, l, value);
        };
        Value channel = at[1], place, covered;
        for (unsigned d = 0; d < rank; ++d) {
          const Blocks &size = (*blocks)[d];
          Value k = at[2 + rank + d];
          channel = add(b, l, multiply(b, l, channel, number(size.block)), k);
          // Where the block that holds the element at k would start.
          Value start = add(b, l, at[2 + d], number(size.padBefore));
          start =
              subtract(b, l, start, multiply(b, l, k, number(size.dilation)));
          Value positive = arith::MaxSIOp::create(b, l, start, number(0));
          Value stride = number(size.stride);
          Value i = arith::DivUIOp::create(b, l, positive, stride);
          Value exact = compare(b, l, Comparison::Equal,
                                multiply(b, l, i, stride), start, false);
          Value fits =
              arith::AndIOp::create(b, l, exact, isInside(b, l, i, size.count));
          covered = covered ? Value(arith::AndIOp::create(b, l, covered, fits))
                            : fits;
          i = clampedIndex(b, l, i, size.count);
          place = place
                      ? add(b, l, multiply(b, l, place, number(size.count)), i)
                      : i;
        }
        Value part = extract(b, l, *x, {at[0], channel, place});
        Value sum = add(b, l, arguments[1], part);
        linalg::YieldOp::create(
            b, l,
            Value(arith::SelectOp::create(b, l, covered, sum, arguments[1])));
      });
  return node.result(op.getResult(0));
}

} // namespace imc::onnximport
