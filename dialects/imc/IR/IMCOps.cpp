//===- IMCOps.cpp - Verifiers of the imc ops ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The labels (C1, C2, …) are those of the descriptions in IMCOps.td. Tiling
// makes slices of unknown extent, so a constraint on shapes only binds where
// all extents that it needs are static.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace imc;

#define GET_OP_CLASSES
#include "dialects/imc/IR/IMCOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Arithmetic on shapes
//===----------------------------------------------------------------------===//

/// Saturates: extents come from any text, and a shape with 2^63 elements is
/// wrong anyhow, but must not be undefined behaviour.
static int64_t times(int64_t a, int64_t b) {
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? std::numeric_limits<int64_t>::max()
                                          : product;
}

int64_t imc::windowCount(int64_t size, int64_t kernel, int64_t stride,
                         int64_t dilation) {
  int64_t room = size - 1 - times(dilation, kernel - 1);
  return room < 0 ? 0 : room / stride + 1;
}

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

static bool isStatic(int64_t extent) { return !ShapedType::isDynamic(extent); }

static bool differ(int64_t a, int64_t b) {
  return isStatic(a) && isStatic(b) && a != b;
}

/// One dimension of an operand against what it has to be; silent if either is
/// dynamic.
static LogicalResult verifyExtent(Operation *op, StringRef label,
                                  StringRef what, int64_t extent,
                                  int64_t expected) {
  if (!differ(extent, expected))
    return success();
  return op->emitOpError() << "(" << label << ") " << what << " is " << extent
                           << ", expected " << expected;
}

/// Upper limit of counts in attributes, so that products of two do not
/// overflow.
static constexpr int64_t mostCount = std::numeric_limits<int32_t>::max();

static LogicalResult verifyWindowAttribute(Operation *op, StringRef label,
                                           StringRef name,
                                           ArrayRef<int64_t> values) {
  if (values.size() == 2 && llvm::all_of(values, [](int64_t value) {
        return value >= 1 && value <= mostCount;
      }))
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError()
                                  << "(" << label << ") " << name << " is [";
  llvm::interleaveComma(values, diagnostic);
  return diagnostic << "], expected two values from 1 to " << mostCount;
}

static LogicalResult verifyBits(Operation *op, StringRef label, int64_t bits,
                                int64_t least, int64_t most,
                                StringRef what = "") {
  if (bits >= least && bits <= most)
    return success();
  return op->emitOpError() << "(" << label << ") bits is " << bits
                           << ", expected " << least << " to " << most << what;
}

static LogicalResult verifyGroups(Operation *op, StringRef label,
                                  int64_t groups, int64_t channels,
                                  StringRef what) {
  if (groups < 1 || groups > mostCount)
    return op->emitOpError() << "(" << label << ") groups is " << groups
                             << ", expected 1 to " << mostCount;
  if (isStatic(channels) && channels % groups != 0)
    return op->emitOpError()
           << "(" << label << ") groups is " << groups
           << ", which does not divide the " << channels << " " << what;
  return success();
}

static LogicalResult verifyGroupsPerPack(Operation *op, StringRef label,
                                         int64_t groupsPerPack,
                                         int64_t groups) {
  if (groupsPerPack >= 1 && groupsPerPack <= groups)
    return success();
  return op->emitOpError() << "(" << label << ") groups_per_pack is "
                           << groupsPerPack << ", expected 1 to " << groups
                           << " (groups)";
}

/// Element types of the weight-stationary products.
static LogicalResult verifyProductTypes(Operation *op, StringRef label, Value x,
                                        Value w, Value init) {
  Type xType = shaped(x).getElementType(), wType = shaped(w).getElementType(),
       yType = shaped(init).getElementType();
  if (xType.isF32() && wType.isF32() && yType.isF32())
    return success();
  const bool wide = xType.isInteger(16) || wType.isInteger(16);
  if (isPayload(xType) && isPayload(wType) && yType.isInteger(wide ? 64 : 32))
    return success();
  return op->emitOpError() << "(" << label << ") element types are " << xType
                           << ", " << wType << ", " << yType
                           << ", expected f32, f32, f32 or i8, i8, i32 (i64 "
                              "where an operand is i16)";
}

/// A count of strips against ceil(used / perStrip).
static LogicalResult verifyStrips(Operation *op, StringRef label,
                                  StringRef what, int64_t strips, int64_t used,
                                  int64_t perStrip) {
  if (!isStatic(strips) || !isStatic(perStrip))
    return success();
  if (perStrip < 1)
    return op->emitOpError() << "(" << label << ") " << what
                             << " of an array are 0, expected at least 1";
  int64_t expected = llvm::divideCeil(used, perStrip);
  if (strips == expected)
    return success();
  return op->emitOpError() << "(" << label << ") there are " << strips
                           << " strips of " << perStrip << " " << what
                           << ", but " << used << " " << what << " need "
                           << expected;
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult MissingWeightOp::verify() {
  if (!getResult().getType().hasStaticShape())
    return emitOpError() << "(C1) result type is " << getResult().getType()
                         << ", expected a static shape";
  if (getName().empty())
    return emitOpError() << "(C2) name is empty";
  return success();
}

LogicalResult MatmulOp::verify() {
  ShapedType x = shaped(getX()), w = shaped(getW()), y = shaped(getInit());
  if (failed(verifyExtent(*this, "C1", "number of rows of w", w.getDimSize(0),
                          x.getDimSize(1))) ||
      failed(verifyExtent(*this, "C1", "number of rows of y", y.getDimSize(0),
                          x.getDimSize(0))) ||
      failed(verifyExtent(*this, "C1", "number of columns of y",
                          y.getDimSize(1), w.getDimSize(1))))
    return failure();
  return verifyProductTypes(*this, "C2", getX(), getW(), getInit());
}

LogicalResult Conv2DOp::verify() {
  ShapedType x = shaped(getX()), w = shaped(getW()), y = shaped(getInit());
  if (failed(verifyWindowAttribute(*this, "C1", "strides", getStrides())) ||
      failed(verifyWindowAttribute(*this, "C1", "dilations", getDilations())))
    return failure();
  int64_t groups = getGroups();
  if (failed(verifyGroups(*this, "C2", groups, x.getDimSize(1),
                          "channels of x")) ||
      failed(verifyGroups(*this, "C2", groups, w.getDimSize(0),
                          "output channels of w")))
    return failure();
  if (!isStatic(w.getDimSize(2)) || !isStatic(w.getDimSize(3)) ||
      (groups != 1 && !w.hasStaticShape()))
    return emitOpError() << "(C2) w is " << w << ", expected a static kernel"
                         << (groups == 1 ? ""
                                         : ", and with several groups "
                                           "a static shape");
  if (isStatic(x.getDimSize(1)) &&
      failed(verifyExtent(*this, "C2", "number of input channels of w",
                          w.getDimSize(1), x.getDimSize(1) / groups)))
    return failure();
  if (failed(verifyExtent(*this, "C3", "batch of y", y.getDimSize(0),
                          x.getDimSize(0))) ||
      failed(verifyExtent(*this, "C3", "number of channels of y",
                          y.getDimSize(1), w.getDimSize(0))))
    return failure();
  for (int i = 0; i < 2; ++i) {
    if (!isStatic(x.getDimSize(2 + i)))
      continue;
    int64_t count = windowCount(x.getDimSize(2 + i), w.getDimSize(2 + i),
                                getStrides()[i], getDilations()[i]);
    if (count < 1)
      return emitOpError() << "(C4) no window fits: the input "
                           << (i ? "width" : "height") << " is "
                           << x.getDimSize(2 + i) << ", the kernel's "
                           << w.getDimSize(2 + i) << " with dilation "
                           << getDilations()[i];
    if (failed(verifyExtent(*this, "C4", i ? "output width" : "output height",
                            y.getDimSize(2 + i), count)))
      return failure();
  }
  return verifyProductTypes(*this, "C5", getX(), getW(), getInit());
}

LogicalResult ChooseQParamsOp::verify() {
  if (failed(verifyBits(*this, "C1", getBits(), 1, 16)))
    return failure();
  if (getSymmetric() && getBits() < 2)
    return emitOpError("(C1) symmetric codes take at least 2 bits, not ")
           << getBits();
  SmallVector<int64_t, 1> shape;
  if (getPerRow()) {
    if (shaped(getX()).getRank() != 2)
      return emitOpError("(C2) per_row needs a matrix, x is ")
             << getX().getType();
    shape.push_back(shaped(getX()).getDimSize(0));
  }
  for (Value result : getResults())
    if (shaped(result).getShape() != ArrayRef<int64_t>(shape))
      return emitOpError("(C2) a result is ")
             << result.getType() << ", expected "
             << (getPerRow() ? "one element per row of x" : "rank 0");
  return success();
}

/// C3: scale and zero point are for the whole of `of`, or one per row of it.
static LogicalResult verifyRowScales(Operation *op, ShapedType scale,
                                     ShapedType zeroPoint, ShapedType of) {
  if (scale.getShape() != zeroPoint.getShape())
    return op->emitOpError("(C3) scale is ")
           << scale << " and zero point " << zeroPoint
           << ", expected the same shape";
  if (scale.getRank() == 1 &&
      (of.getRank() != 2 || of.getDimSize(0) != scale.getDimSize(0)))
    return op->emitOpError("(C3) ")
           << scale << " holds one scale per row, which " << of
           << " does not have";
  return success();
}

LogicalResult QuantizeOp::verify() {
  if (failed(verifyCompatibleShape(shaped(getX()), shaped(getInit()))))
    return emitOpError() << "(C1) x is " << getX().getType()
                         << " and the destination " << getInit().getType()
                         << ", expected the same shape";
  if (failed(verifyRowScales(*this, shaped(getScale()), shaped(getZeroPoint()),
                             shaped(getX()))))
    return failure();
  return shaped(getInit()).getElementType().isInteger(8)
             ? verifyBits(*this, "C2", getBits(), 1, 8, " in i8")
             : verifyBits(*this, "C2", getBits(), 9, 16, " in i16");
}

LogicalResult DequantizeOp::verify() {
  ShapedType acc = shaped(getAcc());
  if (acc.getRank() < 2 ||
      failed(verifyCompatibleShape(acc, shaped(getInit()))))
    return emitOpError() << "(C1) acc is " << acc << " and the destination "
                         << getInit().getType()
                         << ", expected the same shape of rank >= 2";
  if (failed(verifyRowScales(*this, shaped(getXScale()),
                             shaped(getXZeroPoint()), acc)))
    return failure();
  int64_t channels = acc.getDimSize(1);
  return failure(
      failed(verifyExtent(*this, "C2", "size of w_scale",
                          shaped(getWScale()).getDimSize(0), channels)) ||
      failed(verifyExtent(*this, "C2", "size of w_sum",
                          shaped(getWSum()).getDimSize(0), channels)) ||
      failed(verifyExtent(*this, "C2", "size of bias",
                          shaped(getBias()).getDimSize(0), channels)));
}

LogicalResult RequantizeOp::verify() {
  ShapedType acc = shaped(getAcc()), q = shaped(getInit());
  if (acc.getRank() < 2 || failed(verifyCompatibleShape(acc, q)))
    return emitOpError() << "(C1) acc is " << acc << " and the destination "
                         << q << ", expected the same shape of rank >= 2";
  int64_t channels = acc.getDimSize(1);
  if (failed(verifyExtent(*this, "C2", "size of bias",
                          shaped(getBias()).getDimSize(0), channels)) ||
      failed(verifyExtent(*this, "C2", "size of multiplier",
                          shaped(getMultiplier()).getDimSize(0), channels)))
    return failure();
  ArrayRef<int64_t> codes = getCodes();
  int64_t span = int64_t(1) << q.getElementTypeBitWidth();
  auto within = [&](int64_t lo, int64_t hi) {
    return codes[0] >= lo && codes[1] <= hi;
  };
  if (codes.size() != 2 || codes[0] > codes[1] ||
      !(within(-span / 2, span / 2 - 1) || within(0, span - 1)))
    return emitOpError() << "(C3) codes are [" << codes
                         << "], expected lo <= hi in [" << -span / 2 << ", "
                         << span / 2 - 1 << "] or in [0, " << span - 1 << "]";
  if (Type bias = shaped(getBias()).getElementType();
      bias != acc.getElementType())
    return emitOpError() << "(C4) bias has elements of " << bias
                         << " and acc of " << acc.getElementType()
                         << ", expected the same";
  return success();
}

LogicalResult UnfoldOp::verify() {
  ShapedType x = shaped(getX()), u = shaped(getInit());
  if (x.getElementType() != u.getElementType())
    return emitOpError() << "(C7) x has elements of " << x.getElementType()
                         << " and the destination of " << u.getElementType()
                         << ", expected the same";
  if (failed(verifyWindowAttribute(*this, "C1", "kernel", getKernel())) ||
      failed(verifyWindowAttribute(*this, "C1", "strides", getStrides())) ||
      failed(verifyWindowAttribute(*this, "C1", "dilations", getDilations())))
    return failure();
  int64_t groups = getGroups(), groupsPerPack = getGroupsPerPack();
  bool isConv = x.getRank() == 4;
  if (failed(verifyGroups(*this, "C2", groups,
                          isConv ? x.getDimSize(1) : ShapedType::kDynamic,
                          "channels of x")) ||
      failed(verifyGroupsPerPack(*this, "C2", groupsPerPack, groups)))
    return failure();
  auto isOne = [](int64_t value) { return value == 1; };
  if (!isConv && (groups != 1 || !llvm::all_of(getKernel(), isOne) ||
                  !llvm::all_of(getStrides(), isOne) ||
                  !llvm::all_of(getDilations(), isOne)))
    return emitOpError() << "(C3) x has rank 2, expected kernel, strides, "
                            "dilations and groups to be 1";
  if (failed(verifyExtent(*this, "C4", "number of packs P", u.getDimSize(0),
                          llvm::divideCeil(groups, groupsPerPack))))
    return failure();
  // Windows, and rows per group.
  int64_t windows = x.getDimSize(0), rows = x.getDimSize(1);
  if (isConv) {
    if (!x.hasStaticShape())
      return success();
    rows = times(times(rows / groups, getKernel()[0]), getKernel()[1]);
    for (int i = 0; i < 2; ++i)
      windows = times(windows, windowCount(x.getDimSize(2 + i), getKernel()[i],
                                           getStrides()[i], getDilations()[i]));
  }
  if (windows == 0)
    return emitOpError() << "(C5) no window fits into " << x;
  if (failed(verifyExtent(*this, "C5", "number of windows M", u.getDimSize(1),
                          windows)))
    return failure();
  if (!isStatic(rows))
    return success();
  return verifyStrips(*this, "C6", "rows", u.getDimSize(2),
                      times(groupsPerPack, rows), u.getDimSize(3));
}

LogicalResult EncodeWeightsOp::verify() {
  ShapedType w = shaped(getW()), cells = shaped(getInit());
  const int64_t bits = getEncoding().getWeightBits();
  if (!w.getElementType().isInteger(payloadWidth(bits)))
    return emitOpError() << "(C5) w has elements of " << w.getElementType()
                         << ", expected i" << payloadWidth(bits) << " for "
                         << bits << " bits per weight";
  int64_t groups = getGroups(), groupsPerPack = getGroupsPerPack();
  bool isConv = w.getRank() == 4;
  if (!isConv && groups != 1)
    return emitOpError() << "(C1) groups is " << groups
                         << ", expected 1 for a w of rank 2";
  if (failed(verifyGroups(*this, "C1", groups,
                          isConv ? w.getDimSize(0) : ShapedType::kDynamic,
                          "output channels of w")) ||
      failed(verifyGroupsPerPack(*this, "C1", groupsPerPack, groups)) ||
      failed(verifyExtent(*this, "C2", "number of packs P", cells.getDimSize(0),
                          llvm::divideCeil(groups, groupsPerPack))))
    return failure();
  if (!w.hasStaticShape())
    return success();
  int64_t rows =
      isConv ? times(times(w.getDimSize(1), w.getDimSize(2)), w.getDimSize(3))
             : w.getDimSize(0);
  int64_t columns = isConv ? w.getDimSize(0) / groups : w.getDimSize(1);
  if (failed(verifyStrips(*this, "C3", "rows", cells.getDimSize(1),
                          times(groupsPerPack, rows), cells.getDimSize(3))))
    return failure();
  return verifyStrips(
      *this, "C4", "columns", cells.getDimSize(2),
      times(times(groupsPerPack, columns), getEncoding().columnsPerWeight()),
      cells.getDimSize(4));
}

LogicalResult MVMOp::verify() {
  ShapedType u = shaped(getU()), cells = shaped(getCells()),
             acc = shaped(getInit());
  const int64_t bits = getInput().getBits();
  if (!u.getElementType().isInteger(payloadWidth(bits)) ||
      (bits > 8 && !acc.getElementType().isInteger(64)))
    return emitOpError() << "(C3) u has elements of " << u.getElementType()
                         << " and the destination of " << acc.getElementType()
                         << ", expected i" << payloadWidth(bits)
                         << (bits > 8 ? " and i64" : "") << " for inputs of "
                         << bits << " bits";
  auto extent = [&](StringRef what, int64_t is, int64_t expected) {
    return failed(verifyExtent(*this, "C1", what, is, expected));
  };
  if (extent("number of packs of the cells", cells.getDimSize(0),
             u.getDimSize(0)) ||
      extent("number of row strips of the cells", cells.getDimSize(1),
             u.getDimSize(2)) ||
      extent("number of rows of the cells", cells.getDimSize(3),
             u.getDimSize(3)) ||
      extent("number of packs of the destination", acc.getDimSize(0),
             u.getDimSize(0)) ||
      extent("number of windows of the destination", acc.getDimSize(1),
             u.getDimSize(1)) ||
      extent("number of column strips of the destination", acc.getDimSize(2),
             cells.getDimSize(2)) ||
      extent("number of columns of the destination", acc.getDimSize(3),
             cells.getDimSize(4)))
    return failure();
  int64_t rows = u.getDimSize(3);
  if (!isStatic(rows))
    return success();
  int64_t least =
      ReadoutAttr::losslessBits(rows, getInput().getDacBits(), /*cellBits=*/1);
  if (getReadout().getLosslessBits() < least)
    return emitOpError() << "(C2) lossless_bits is "
                         << getReadout().getLosslessBits() << ", but sums of "
                         << rows << " rows driven with "
                         << getInput().getDacBits() << " bits need at least "
                         << least;
  return success();
}

LogicalResult ShiftAddOp::verify() {
  ShapedType acc = shaped(getAcc()), u = shaped(getU()), y = shaped(getInit());
  const bool wide =
      u.getElementType().isInteger(16) || getEncoding().getWeightBits() > 8;
  if (!acc.getElementType().isInteger(wide ? 64 : 32) ||
      y.getElementType() != acc.getElementType())
    return emitOpError() << "(C7) sums have elements of "
                         << acc.getElementType() << " and "
                         << y.getElementType() << ", expected i"
                         << (wide ? 64 : 32) << " for inputs of "
                         << u.getElementType() << " and weights of "
                         << getEncoding().getWeightBits() << " bits";
  if (failed(verifyExtent(*this, "C1", "number of packs of u", u.getDimSize(0),
                          acc.getDimSize(0))) ||
      failed(verifyExtent(*this, "C1", "number of windows of u",
                          u.getDimSize(1), acc.getDimSize(1))))
    return failure();
  int64_t groups = getGroups(), groupsPerPack = getGroupsPerPack();
  int64_t channels = y.getDimSize(1);
  if (failed(verifyGroups(*this, "C2", groups, channels, "channels of y")) ||
      failed(verifyGroupsPerPack(*this, "C2", groupsPerPack, groups)) ||
      failed(verifyExtent(*this, "C3", "number of packs P", acc.getDimSize(0),
                          llvm::divideCeil(groups, groupsPerPack))))
    return failure();
  if (y.hasStaticShape() &&
      failed(verifyExtent(*this, "C4", "number of windows M", acc.getDimSize(1),
                          y.getNumElements() / channels)))
    return failure();
  if (isStatic(channels) &&
      failed(verifyStrips(*this, "C5", "columns", acc.getDimSize(2),
                          times(times(groupsPerPack, channels / groups),
                                getEncoding().columnsPerWeight()),
                          acc.getDimSize(3))))
    return failure();
  int64_t groupRows = getGroupRows();
  if (groupRows < 1 || groupRows > mostCount)
    return emitOpError() << "(C6) group_rows is " << groupRows
                         << ", expected 1 to " << mostCount;
  return verifyStrips(*this, "C6", "rows", u.getDimSize(2),
                      times(groupsPerPack, groupRows), u.getDimSize(3));
}
