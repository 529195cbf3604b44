//===- CheckReadout.cpp - What converters lose with known weights ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The proofs and bounds are those of lib/Crossbar (X-PROOF, X-BOUND of
// docs/crossbar.md); this file brings products of the IR there.
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Passes.h"

#include "Remarks.h"
#include "imc/Crossbar/Wide.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "mlir/IR/Matchers.h"
#include <cstring>

namespace imc {
#define GEN_PASS_DEF_CHECKREADOUTPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

static crossbar::Encoding toCrossbar(EncodingKind kind) {
  switch (kind) {
  case EncodingKind::Offset:
    return crossbar::Encoding::Offset;
  case EncodingKind::Differential:
    return crossbar::Encoding::Differential;
  case EncodingKind::TwosComplement:
    return crossbar::Encoding::TwosComplement;
  }
  llvm_unreachable("no such encoding");
}

/// The weights as groups x rows x columns; empty where they are not known.
static std::vector<int16_t> weightsOf(const TiledProduct &product) {
  EncodeWeightsOp encode = product.encode;
  ElementsAttr value;
  if (!matchPattern(encode.getW(), m_Constant(&value)))
    return {};
  std::vector<char> storage;
  ArrayRef<char> data = getRawData(value, storage);
  std::vector<int16_t> stored;
  if (value.getElementType().isInteger(16)) {
    stored.resize(data.size() / 2);
    std::memcpy(stored.data(), data.data(), stored.size() * 2);
  } else {
    for (char byte : data)
      stored.push_back(static_cast<int8_t>(byte));
  }
  ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
  if (shape.size() != 4)
    return stored;
  // F x C/G x KH x KW: every filter is a column.
  const int64_t groups = encode.getGroups(), cols = shape[0] / groups,
                rows = shape[1] * shape[2] * shape[3];
  std::vector<int16_t> weights(stored.size());
  if (weights.empty())
    return weights;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < cols; ++n)
      for (int64_t r = 0; r < rows; ++r)
        weights[static_cast<size_t>((g * rows + r) * cols + n)] =
            stored[static_cast<size_t>((g * cols + n) * rows + r)];
  return weights;
}

static crossbar::Readout readoutOf(ReadoutAttr attr) {
  crossbar::Readout readout;
  readout.adc_bits = std::min<int64_t>(attr.getAdcBits(), 30);
  readout.ties = static_cast<crossbar::Ties>(attr.getTies());
  switch (attr.getPolicy()) {
  case ReadoutPolicy::Filled:
    readout.range = crossbar::Range::Filled;
    break;
  case ReadoutPolicy::Lossless:
    readout.range = crossbar::Range::Lossless;
    break;
  default:
    if (attr.getRangeBits() < attr.getLosslessBits()) {
      readout.range = crossbar::Range::Bits;
      readout.range_bits = attr.getRangeBits();
    }
  }
  return readout;
}

static bool isCalibrated(ReadoutAttr attr) {
  return attr.getPolicy() == ReadoutPolicy::Layer ||
         attr.getPolicy() == ReadoutPolicy::Array ||
         attr.getPolicy() == ReadoutPolicy::Column ||
         attr.getPolicy() == ReadoutPolicy::Phase;
}

namespace {
struct CheckReadoutPass
    : public imc::impl::CheckReadoutPassBase<CheckReadoutPass> {
  using CheckReadoutPassBase::CheckReadoutPassBase;

  LogicalResult check(const TiledProduct &product) {
    MVMOp mvm = product.mvm;
    EncodeWeightsOp encode = product.encode;
    ShiftAddOp shiftAdd = product.shiftAdd;
    const ReadoutAttr attr = mvm.getReadout();
    const Location loc = shiftAdd.getLoc();
    ReadoutReport report;
    report.layer = getLayerName(loc);
    report.policy = stringifyReadoutPolicy(attr.getPolicy()).str();
    report.adc_bits = attr.getAdcBits();
    ++numProducts;
    if (isCalibrated(attr)) {
      remarkOnReadout(loc, report);
      return success();
    }
    const mapping::Tiling tiling = readTiling(product);
    const int64_t channels =
        cast<ShapedType>(shiftAdd.getInit().getType()).getDimSize(1);
    crossbar::Shape shape;
    shape.groups = encode.getGroups();
    shape.k = shiftAdd.getGroupRows();
    shape.n = channels / shape.groups;
    shape.groups_per_pack = encode.getGroupsPerPack();
    crossbar::Arrays arrays;
    arrays.encoding = toCrossbar(encode.getEncoding().getKind());
    arrays.weight_bits = encode.getEncoding().getWeightBits();
    arrays.cell_bits = encode.getEncoding().getCellBits();
    arrays.input_bits = mvm.getInput().getBits();
    arrays.dac_bits = mvm.getInput().getDacBits();
    arrays.rows = tiling.rows;
    arrays.cols = tiling.cols;
    const std::vector<int16_t> weights = weightsOf(product);
    if (weights.empty()) {
      if (attr.getPolicy() == ReadoutPolicy::Lossless && !attr.isLossless())
        return mvm.emitOpError("has policy = lossless and ")
               << attr.getAdcBits() << " bits for sums of up to "
               << attr.getLosslessBits()
               << ", and its weights are not known, so that nothing is "
                  "proved; give the model its weights or take "
               << attr.getLosslessBits() << " bits";
      remarkOnReadout(loc, report);
      return success();
    }
    // Products of up to 8 bits are one piece.
    llvm::Expected<crossbar::Cut> cut = crossbar::Cut::make(shape, arrays);
    if (!cut)
      return shiftAdd.emitOpError() << llvm::toString(cut.takeError());
    llvm::Expected<std::vector<int8_t>> pieces = cut->weights(weights);
    if (!pieces)
      return shiftAdd.emitOpError() << llvm::toString(pieces.takeError());
    llvm::Expected<crossbar::Product> made =
        crossbar::Product::create(cut->shape(), cut->arrays(), *pieces);
    if (!made)
      return shiftAdd.emitOpError() << llvm::toString(made.takeError());
    if (llvm::Error error = made->setReadout(readoutOf(attr)))
      return mvm.emitOpError("has policy = ")
             << report.policy << ", but " << llvm::toString(std::move(error));
    const crossbar::Proof proof = made->proof();
    report.known = true;
    report.columns = proof.columns;
    report.proved_columns = proof.proved_columns;
    for (int64_t g = 0; g < shape.groups; ++g)
      for (int64_t n = 0; n < shape.n; ++n)
        report.error_bound =
            std::max(report.error_bound, cut->errorBound(*made, g, n));
    remarkOnReadout(loc, report);
    numColumns += proof.columns;
    numProved += proof.proved_columns;
    numLossless += proof.lossless();
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Phase> phase = getPhase(module);
    if (failed(phase))
      return signalPassFailure();
    if (*phase < Phase::Tiled) {
      module.emitError("imc-check-readout: the module is in phase '")
          << stringifyPhase(*phase)
          << "', where nothing is read out yet; run imc-tile";
      return signalPassFailure();
    }
    // All products, so that one run names all that are wrong.
    bool failedOne = false;
    module.walk([&](ShiftAddOp op) {
      FailureOr<TiledProduct> product = matchTiledProduct(op);
      failedOne |= failed(product) || failed(check(*product));
    });
    if (failedOne)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
