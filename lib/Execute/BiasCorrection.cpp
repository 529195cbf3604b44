//===- BiasCorrection.cpp - Mean errors go into biases --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product's error has a share that earlier products cause, which their
// corrections take away as well. Hence the rounds: once the biases before a
// product rest, its own rests after one more.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/BiasCorrection.h"

#include "Observe.h"
#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace imc::execute;
using namespace mlir;

namespace {
/// Mean and standard deviation of every channel of every value.
struct Statistics {
  struct Channel {
    double sum = 0, squares = 0;
    int64_t count = 0;
    double mean() const { return sum / static_cast<double>(count); }
    double deviation() const {
      return std::sqrt(std::max(0.0, squares / static_cast<double>(count) -
                                         mean() * mean()));
    }
  };
  std::vector<std::vector<Channel>> values;

  /// Dimension 1 is the channel.
  void add(size_t value, const Tensor &tensor) {
    const int64_t channels = tensor.shape[1];
    const int64_t inner =
        tensor.numElements() / std::max<int64_t>(1, tensor.shape[0] * channels);
    std::vector<Channel> &all = values[value];
    all.resize(channels);
    llvm::ArrayRef<float> data = tensor.as<float>();
    for (size_t i = 0; i < data.size();)
      for (int64_t n = 0; n < channels; ++n)
        for (int64_t k = 0; k < inner; ++k) {
          const double x = data[i++];
          all[n].sum += x;
          all[n].squares += x * x;
          ++all[n].count;
        }
  }
};
} // namespace

static LogicalResult refuseInside(Operation *op) {
  if (isa<func::FuncOp>(op->getParentOp()))
    return success();
  return op->emitOpError("cannot be corrected inside '")
         << op->getParentOp()->getName()
         << "': its results cannot be observed there; leave the bias "
            "correction out";
}

/// Results of the float products, in program order.
static FailureOr<SmallVector<Value>> floatResults(ModuleOp module) {
  SmallVector<Value> values;
  WalkResult walked = module.walk([&](Operation *op) {
    if (!isa<imc::MatmulOp, imc::Conv2DOp>(op) ||
        !getElementTypeOrSelf(op->getOperand(0)).isF32())
      return WalkResult::advance();
    if (failed(refuseInside(op)))
      return WalkResult::interrupt();
    values.push_back(op->getResult(0));
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  return values;
}

static SmallVector<imc::DequantizeOp> findDequantize(ModuleOp module) {
  SmallVector<imc::DequantizeOp> ops;
  module.walk([&](imc::DequantizeOp op) { ops.push_back(op); });
  return ops;
}

/// The same values after quantization: imc-quantize adds an initial value that
/// is no bias by an op of the product's own location.
static FailureOr<SmallVector<Value>> quantizedResults(ModuleOp module) {
  SmallVector<Value> values;
  for (imc::DequantizeOp op : findDequantize(module)) {
    if (failed(refuseInside(op)))
      return failure();
    Value y = op.getResult();
    if (y.hasOneUse())
      if (auto add = dyn_cast<linalg::AddOp>(*y.user_begin());
          add && add->getLoc() == op->getLoc())
        y = add.getResult(0);
    values.push_back(y);
  }
  return values;
}

static LogicalResult
measure(ModuleOp module, ArrayRef<std::vector<Tensor>> samples,
        llvm::function_ref<FailureOr<SmallVector<Value>>(ModuleOp)> pick,
        Statistics &statistics, std::vector<size_t> &value) {
  FailureOr<Observer> observer = Observer::compile(module, pick);
  if (failed(observer))
    return failure();
  statistics.values.assign(observer->numValues, {});
  value = observer->value;
  return observer->run(module, samples, [&](size_t i, const Tensor &tensor) {
    statistics.add(i, tensor);
    return success();
  });
}

/// Adds `change` to the bias of `op`.
static LogicalResult addToBias(imc::DequantizeOp op, ArrayRef<double> change) {
  ElementsAttr attribute;
  std::vector<char> storage;
  if (!matchPattern(op.getBias(), m_Constant(&attribute)))
    return op.emitOpError("has a bias that is not constant, which cannot be "
                          "corrected; leave the bias correction out");
  llvm::ArrayRef<char> raw = imc::getRawData(attribute, storage);
  const auto *bias = reinterpret_cast<const float *>(raw.data());
  if (raw.size() != change.size() * sizeof(float))
    return op.emitOpError("has a bias without data, which cannot be corrected");
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(raw.size(), 64);
  auto *sum = reinterpret_cast<float *>(blob.getMutableData().data());
  for (size_t n = 0; n < change.size(); ++n)
    sum[n] = static_cast<float>(static_cast<double>(bias[n]) + change[n]);
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op.getBias().getType());
  Value corrected =
      arith::ConstantOp::create(b, op.getLoc(),
                                cast<TypedAttr>(imc::makeConstantData(
                                    type, "corrected_bias", std::move(blob))));
  op.getBiasMutable().assign(corrected);
  return success();
}

FailureOr<BiasCorrection>
imc::execute::correctBiases(ModuleOp original, ModuleOp quantized,
                            ArrayRef<std::vector<Tensor>> samples,
                            int64_t rounds) {
  if (samples.empty())
    return quantized.emitError("cannot correct biases without inputs");
  Statistics wanted, found;
  std::vector<size_t> wantedOf, foundOf;
  if (failed(measure(original, samples, floatResults, wanted, wantedOf)))
    return failure();
  SmallVector<imc::DequantizeOp> ops = findDequantize(quantized);
  if (ops.size() != wantedOf.size())
    return quantized.emitError(
               "cannot correct biases: the quantized module has ")
           << ops.size() << " products, the float one " << wantedOf.size();

  BiasCorrection result;
  result.products = static_cast<int64_t>(ops.size());
  for (int64_t round = 0; round <= rounds; ++round) {
    if (failed(measure(quantized, samples, quantizedResults, found, foundOf)))
      return failure();
    double squares = 0;
    int64_t channels = 0;
    for (auto [i, op] : llvm::enumerate(ops)) {
      llvm::ArrayRef<Statistics::Channel> want = wanted.values[wantedOf[i]];
      llvm::ArrayRef<Statistics::Channel> have = found.values[foundOf[i]];
      std::vector<double> change(want.size());
      for (size_t n = 0; n < want.size(); ++n) {
        change[n] = want[n].mean() - have[n].mean();
        const double deviation = want[n].deviation();
        if (deviation > 0) {
          squares += (change[n] / deviation) * (change[n] / deviation);
          ++channels;
        }
      }
      if (round < rounds && failed(addToBias(op, change)))
        return failure();
    }
    const double error =
        channels ? std::sqrt(squares / static_cast<double>(channels)) : 0;
    (round == 0 ? result.before : result.after) = error;
  }
  return result;
}
