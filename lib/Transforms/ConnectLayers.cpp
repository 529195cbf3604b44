//===- ConnectLayers.cpp - Which layers read whose results ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConnectLayers.h"

#include "imc/Transforms/Extract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace imc;

namespace {

/// Finds the layers that values come from.
class Sources {
public:
  explicit Sources(ArrayRef<Operation *> ops) {
    for (auto [index, op] : llvm::enumerate(ops))
      layers[op] = index;
  }

  /// Layers behind `values`, ascending; Layer::modelInput for arguments. In
  /// `carried` those that a loop around `reader` hands from one iteration to
  /// the next.
  std::vector<int64_t> of(ArrayRef<Value> values, Operation *reader = nullptr,
                          std::vector<int64_t> *carried = nullptr);
  /// Whether `value` is the result of a layer or an argument, as it is.
  bool isDirect(Value value) const {
    Operation *op = value.getDefiningOp();
    return op ? layers.contains(op)
              : isa<FunctionOpInterface>(value.getParentBlock()->getParentOp());
  }

private:
  llvm::DenseMap<Operation *, int64_t> layers;
};

} // namespace

/// Everything that `op` reads: operands, and what its regions take from
/// outside. Results that a linalg op only overwrites are none of it.
static void pushReads(Operation *op, SmallVectorImpl<Value> &worklist) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  op->walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands())
      if (inner != op || !linalgOp || !linalgOp.isDpsInit(&operand) ||
          linalgOp.payloadUsesValueFromOperand(&operand))
        worklist.push_back(operand.get());
  });
}

static void sortOnce(std::vector<int64_t> &list) {
  llvm::sort(list);
  list.erase(llvm::unique(list), list.end());
}

std::vector<int64_t> Sources::of(ArrayRef<Value> values, Operation *reader,
                                 std::vector<int64_t> *carried) {
  std::vector<int64_t> found, before;
  // A value, and whether it is that of the iteration before.
  SmallVector<std::pair<Value, bool>> worklist;
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
  auto push = [&](ValueRange more, bool isCarried) {
    for (Value value : more)
      worklist.emplace_back(value, isCarried);
  };
  push(values, false);
  while (!worklist.empty()) {
    const auto [value, isCarried] = worklist.pop_back_val();
    if (!seen.insert({value, isCarried}).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (isa<FunctionOpInterface>(parent)) {
        found.push_back(workload::Layer::modelInput);
      } else if (auto loop = dyn_cast<scf::ForOp>(parent)) {
        if (OpOperand *init = loop.getTiedLoopInit(argument)) {
          push(init->get(), isCarried);
          push(loop.getTiedLoopYieldedValue(argument)->get(),
               isCarried || (reader && loop->isProperAncestor(reader)));
        }
      }
      continue; // others stand for elements of operands that are read as well
    }
    Operation *op = value.getDefiningOp();
    if (auto layer = layers.find(op); layer != layers.end()) {
      found.push_back(layer->second);
      if (isCarried)
        before.push_back(layer->second);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      unsigned number = cast<OpResult>(value).getResultNumber();
      push(loop.getInitArgs()[number], isCarried);
      push(loop.getYieldedValues()[number], isCarried);
    } else {
      SmallVector<Value> reads;
      pushReads(op, reads);
      push(reads, isCarried);
    }
  }
  sortOnce(found);
  sortOnce(before);
  if (carried)
    *carried = std::move(before);
  return found;
}

/// Element-wise on operands of the result's own shape.
static bool isElementwise(linalg::LinalgOp op, const Sources &sources) {
  if (op->getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops())
    return false;
  if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return false;
  auto shape = cast<ShapedType>(op->getResult(0).getType()).getShape();
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<ShapedType>(input->get().getType());
    if (!type || type.getShape() != shape)
      continue;
    Value value = input->get();
    if (!op.getMatchingIndexingMap(input).isIdentity() ||
        (!value.getDefiningOp<arith::ConstantOp>() && !sources.isDirect(value)))
      return false;
  }
  // A gather reads where it likes.
  return llvm::none_of(*op.getBlock(), [](Operation &body) {
    return isa<tensor::ExtractOp>(body);
  });
}

/// The tensor that `value` is with padding around it, or `value`.
static Value withoutPadding(Value value) {
  auto pad = value.getDefiningOp<tensor::PadOp>();
  return pad ? pad.getSource() : value;
}

/// A pooling whose leading rows need no larger share of its input's rows, each
/// rounded up, than they are of its own: pieces of both may go in step.
static bool isPoolingInStep(Operation *op, const Sources &sources) {
  DenseIntElementsAttr strides, dilations;
  if (auto max = dyn_cast<linalg::PoolingNchwMaxOp>(op)) {
    strides = max.getStrides();
    dilations = max.getDilations();
  } else if (auto sum = dyn_cast<linalg::PoolingNchwSumOp>(op)) {
    strides = sum.getStrides();
    dilations = sum.getDilations();
  } else {
    return false;
  }
  auto pooling = cast<linalg::LinalgOp>(op);
  Value x = pooling.getDpsInputs()[0], source = withoutPadding(x);
  if (!sources.isDirect(source))
    return false;
  // Rows of codes that were padded are counted without it.
  if (auto quantize = source.getDefiningOp<imc::QuantizeOp>();
      quantize && withoutPadding(quantize.getX()) != quantize.getX())
    return false;
  auto rowsOf = [](Value value, unsigned dimension) {
    return cast<ShapedType>(value.getType()).getDimSize(dimension);
  };
  int64_t above = 0;
  if (auto pad = x.getDefiningOp<tensor::PadOp>())
    above = pad.getStaticLow()[2];
  const int64_t in = rowsOf(source, 2), out = rowsOf(op->getResult(0), 2);
  const int64_t span = (rowsOf(pooling.getDpsInputs()[1], 0) - 1) *
                           *dilations.value_begin<int64_t>() +
                       1;
  for (int64_t rows = 1; rows <= out; ++rows) {
    const int64_t needed =
        (rows - 1) * *strides.value_begin<int64_t>() + span - above;
    if (std::min(in, needed) > (rows * in + out - 1) / out)
      return false;
  }
  return true;
}

/// See Layer::rowwise. Poolings go row by row as well, with a number of rows of
/// their own.
static bool isRowwise(Operation *op, bool isProduct, const Sources &sources) {
  if (isProduct) {
    Value x = op->getOperand(0);
    if (auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op)) {
      FailureOr<TiledProduct> product = matchTiledProduct(shiftAdd);
      if (failed(product))
        return false;
      x = product->unfold.getX();
    }
    const bool isMatrix = cast<ShapedType>(x.getType()).getRank() == 2;
    if (auto pad = x.getDefiningOp<tensor::PadOp>())
      x = pad.getSource();
    // The rows of a matrix may be those of a stack of matrices.
    while (isMatrix && x.getDefiningOp() &&
           isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
               x.getDefiningOp())) {
      Value source = x.getDefiningOp()->getOperand(0);
      ArrayRef<int64_t> from = cast<ShapedType>(source.getType()).getShape(),
                        to = cast<ShapedType>(x.getType()).getShape();
      if (from.empty() || to.empty() || from.size() > 3 ||
          from.back() != to.back())
        return false;
      x = source;
    }
    return sources.isDirect(x);
  }
  if (isa<imc::DequantizeOp, imc::RequantizeOp>(op))
    return sources.isDirect(op->getOperand(0));
  // A product counts its padding where it was added.
  if (auto quantize = dyn_cast<imc::QuantizeOp>(op))
    return sources.isDirect(withoutPadding(quantize.getX()));
  if (isPoolingInStep(op, sources))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && isElementwise(linalgOp, sources);
}

/// The outermost loop around `op`, or null.
static scf::ForOp loopAround(Operation *op) {
  scf::ForOp outermost;
  while ((op = op->getParentOp()))
    if (auto loop = dyn_cast<scf::ForOp>(op))
      outermost = loop;
  return outermost;
}

/// Layers of a loop that need what an iteration before theirs has made: those
/// on a cycle, and those behind them.
static std::vector<size_t>
inSequence(ArrayRef<size_t> members,
           const std::vector<workload::Layer> &layers) {
  llvm::DenseSet<int64_t> inside(members.begin(), members.end());
  llvm::DenseSet<int64_t> ordered;
  // Members that `layer` reads, directly or not.
  auto reach = [&](size_t layer, llvm::function_ref<bool(int64_t)> stop) {
    SmallVector<int64_t> worklist = {int64_t(layer)};
    llvm::DenseSet<int64_t> seen;
    while (!worklist.empty())
      for (int64_t input : layers[worklist.pop_back_val()].inputs) {
        if (!inside.contains(input) || !seen.insert(input).second)
          continue;
        if (stop(input))
          return true;
        worklist.push_back(input);
      }
    return false;
  };
  for (size_t layer : members)
    if (reach(layer, [&](int64_t read) { return read == int64_t(layer); }))
      ordered.insert(int64_t(layer));
  const llvm::DenseSet<int64_t> onCycle = ordered;
  for (size_t layer : members)
    if (reach(layer, [&](int64_t read) { return onCycle.contains(read); }))
      ordered.insert(int64_t(layer));
  std::vector<size_t> result(ordered.begin(), ordered.end());
  llvm::sort(result);
  return result;
}

/// Tells iterations that follow one another from those that are independent of
/// each other, where products are among them: digital work takes the same time
/// either way.
static void orderIterations(ArrayRef<Operation *> ops,
                            workload::Workload &workload) {
  std::vector<workload::Layer> &layers = workload.layers;
  llvm::MapVector<Operation *, SmallVector<size_t>> loops;
  for (auto [index, op] : llvm::enumerate(ops))
    if (scf::ForOp loop = loopAround(op))
      loops[loop].push_back(index);
  int64_t number = 0;
  for (const auto &entry : loops) {
    std::vector<size_t> ordered = inSequence(entry.second, layers);
    llvm::erase_if(ordered, [&](size_t layer) {
      FailureOr<int64_t> trips = countTrips(ops[layer]);
      return failed(trips) || *trips == 1;
    });
    const auto products = llvm::count_if(
        ordered, [&](size_t layer) { return layers[layer].product(); });
    if (products == 0)
      continue;
    for (size_t index : ordered) {
      workload::Layer &layer = layers[index];
      const int64_t trips = *countTrips(ops[index]);
      layer.loop = number;
      if (auto *product = std::get_if<workload::Product>(&layer.work)) {
        product->trips = trips;
        product->alternates = products > 1;
        product->windows /= trips;
        product->input_elements /= trips;
        product->output_elements /= trips;
        product->zero_macs /= trips;
      } else if (auto *digital = std::get_if<workload::Digital>(&layer.work)) {
        digital->trips = trips;
      } else {
        auto &dynamic = std::get<workload::DynamicProduct>(layer.work);
        dynamic.trips = trips;
        dynamic.windows = dynamic.rows = dynamic.cols = dynamic.groups = 0;
      }
    }
    ++number;
  }
  for (workload::Layer &layer : layers)
    llvm::erase_if(layer.carried, [&](int64_t from) {
      return layer.loop < 0 || from < 0 || layers[from].loop != layer.loop;
    });
}

void imc::connectLayers(ModuleOp module, ArrayRef<Operation *> ops,
                        workload::Workload &workload) {
  Sources sources(ops);
  for (auto [op, layer] : llvm::zip_equal(ops, workload.layers)) {
    SmallVector<Value> reads;
    pushReads(op, reads);
    layer.inputs = sources.of(reads, op, &layer.carried);
    layer.rowwise = !op->getParentOfType<scf::ForOp>() &&
                    isRowwise(op, layer.product() != nullptr, sources);
    if (auto product = dyn_cast<linalg::LinalgOp>(op);
        product && layer.dynamicProduct())
      layer.right_inputs = sources.of(product.getDpsInputs().back());
  }
  module.walk([&](FunctionOpInterface function) {
    if (function.isExternal())
      return;
    for (Value argument : function.getFunctionBody().getArguments())
      if (auto type = dyn_cast<RankedTensorType>(argument.getType());
          type && type.hasStaticShape())
        workload.input_elements += type.getNumElements();
    Operation *terminator = function.getFunctionBody().back().getTerminator();
    for (int64_t layer :
         sources.of(SmallVector<Value>(terminator->getOperands())))
      if (layer != workload::Layer::modelInput)
        workload.layers[layer].output = true;
  });
  orderIterations(ops, workload);
}
