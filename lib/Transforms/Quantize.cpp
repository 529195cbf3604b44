//===- Quantize.cpp - Operands of products become integers ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The labels Q1 to Q7 are those of docs/phases/quantized.md. All checks run
// before the first rewrite, the values of the weights included.
//
//===----------------------------------------------------------------------===//

#include "DeadCode.h"
#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "dialects/imc/IR/Payload.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"
#include "imc/Transforms/QuantizeWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <map>

namespace imc {
#define GEN_PASS_DEF_QUANTIZEPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;

namespace {

/// Scale and zero point of an input, as constants when calibrated.
struct QParams {
  float scale = 1;
  int32_t zeroPoint = 0;
  bool operator==(const QParams &other) const {
    return scale == other.scale && zeroPoint == other.zeroPoint;
  }
};

/// How the operands of one product become integers.
struct Rule {
  WeightRule weight;
  int64_t inputBits = 8;
  bool symmetric = false; ///< inputs around the middle code
  bool perRow = false;    ///< inputs with a scale for each row
};

/// One product that is going to be rewritten.
struct Product {
  Operation *op;
  Rule rule;
  Value x, w, init;
  /// Weight dimension that counts output channels: rows of an F×… filter,
  /// columns of a K×N matrix.
  bool channelFirst;
  std::optional<QParams> calibrated;
};

/// The integer weights, their scales and their column sums in place of an f32
/// weight.
struct QuantizedWeight {
  Value weight, scale, sum;
};

/// An input that has been quantized already, and where.
struct QuantizedInput {
  Value x;
  Block *block;
  int64_t bits;
  std::optional<QParams> calibrated;
  Value quantized, scale, zeroPoint;
};

class Quantizer {
public:
  explicit Quantizer(MLIRContext *context) : rewriter(context) {}

  LogicalResult rewrite(Product product);

  /// Erases the f32 weights that nothing uses any more.
  void eraseWeights() {
    imc::detail::eraseDead(rewriter, roots, [](Operation *) {});
  }

  int64_t numWeights = 0, numShared = 0;

private:
  FailureOr<QuantizedWeight> quantizeWeight(const Product &product);
  QuantizedInput quantizeInput(const Product &product);
  /// The bias that `init` adds to every channel; null when init is something
  /// else.
  Value findBias(const Product &product, int64_t channels);
  Value scalarTensor(Location loc, Attribute value, Type element);

  IRRewriter rewriter;
  std::map<std::tuple<Operation *, bool, int64_t>, QuantizedWeight> weights;
  SmallVector<QuantizedInput> inputs;
  llvm::SetVector<Operation *> roots;
};

} // namespace

/// The parameters that `imc.range = [lo, hi]` gives (Q4); the dialect has
/// checked its form. Fails, with a diagnostic, when the product has no range.
static FailureOr<QParams> readRange(Operation *op, const Rule &rule) {
  auto range = op->getAttrOfType<ArrayAttr>(IMCDialect::rangeAttrName);
  if (!range)
    return op->emitOpError(
        "has no attribute imc.range = [lo, hi], which activations=calibrated "
        "needs; write it "
        "with `imc run --calibrate`, or use activations=dynamic");
  auto bound = [&](unsigned i) {
    return static_cast<float>(cast<FloatAttr>(range[i]).getValueAsDouble());
  };
  QParams params;
  params.scale = chooseScale(bound(0), bound(1), rule.inputBits,
                             params.zeroPoint, rule.symmetric);
  return params;
}

FailureOr<QuantizedWeight> Quantizer::quantizeWeight(const Product &product) {
  Operation *root = product.w.getDefiningOp();
  roots.insert(root);
  const WeightRule &rule = product.rule.weight;
  auto [it, isNew] =
      weights.try_emplace({root, product.channelFirst, rule.bits});
  if (!isNew)
    return it->second;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(root);
  Location loc = root->getLoc();
  auto type = cast<RankedTensorType>(product.w.getType());
  int64_t channels = type.getDimSize(product.channelFirst ? 0 : 1);
  const unsigned width = payloadWidth(rule.bits);
  auto weightType = type.clone(rewriter.getIntegerType(width));
  auto scaleType = RankedTensorType::get({channels}, rewriter.getF32Type());
  auto sumType = RankedTensorType::get({channels}, rewriter.getI32Type());
  std::string name = getWeightName(root).str();
  QuantizedWeight result;
  if (isa<imc::MissingWeightOp>(root)) {
    result.weight =
        imc::MissingWeightOp::create(rewriter, loc, weightType, name);
    result.scale =
        imc::MissingWeightOp::create(rewriter, loc, scaleType, name + ".scale");
    result.sum =
        imc::MissingWeightOp::create(rewriter, loc, sumType, name + ".sum");
  } else {
    std::vector<char> storage;
    auto attr = cast<ElementsAttr>(cast<arith::ConstantOp>(root).getValue());
    ArrayRef<char> raw = getRawData(attr, storage);
    ArrayRef<float> values(reinterpret_cast<const float *>(raw.data()),
                           raw.size() / sizeof(float));
    AsmResourceBlob weight =
        HeapAsmResourceBlob::allocate(values.size() * width / 8, 64);
    AsmResourceBlob scale =
        HeapAsmResourceBlob::allocate(channels * sizeof(float), 64);
    AsmResourceBlob sum =
        HeapAsmResourceBlob::allocate(channels * sizeof(int32_t), 64);
    auto quantizeTo = [&](auto *integers) {
      quantizeWeights(values, channels, product.channelFirst, rule, integers,
                      reinterpret_cast<float *>(scale.getMutableData().data()),
                      reinterpret_cast<int32_t *>(sum.getMutableData().data()));
    };
    char *integers = weight.getMutableData().data();
    if (width == 8)
      quantizeTo(reinterpret_cast<int8_t *>(integers));
    else
      quantizeTo(reinterpret_cast<int16_t *>(integers));
    auto constant = [&](RankedTensorType type, StringRef name,
                        AsmResourceBlob blob) -> Value {
      return arith::ConstantOp::create(
          rewriter, loc,
          cast<TypedAttr>(makeConstantData(type, name, std::move(blob))));
    };
    result.weight = constant(weightType, name, std::move(weight));
    result.scale = constant(scaleType, name + ".scale", std::move(scale));
    result.sum = constant(sumType, name + ".sum", std::move(sum));
    numWeights += values.size();
  }
  it->second = result;
  return result;
}

Value Quantizer::scalarTensor(Location loc, Attribute value, Type element) {
  auto type = RankedTensorType::get({}, element);
  return arith::ConstantOp::create(rewriter, loc, type,
                                   DenseElementsAttr::get(type, value));
}

QuantizedInput Quantizer::quantizeInput(const Product &product) {
  Block *block = product.op->getBlock();
  // Products come in program order, so an entry of the same block dominates.
  for (const QuantizedInput &known : inputs)
    if (known.x == product.x && known.block == block &&
        known.bits == product.rule.inputBits &&
        known.calibrated == product.calibrated) {
      ++numShared;
      return known;
    }
  Location loc = product.op->getLoc();
  const Rule &rule = product.rule;
  QuantizedInput input{product.x, block, rule.inputBits, product.calibrated, {},
                       {},        {}};
  if (product.calibrated) {
    input.scale =
        scalarTensor(loc, rewriter.getF32FloatAttr(product.calibrated->scale),
                     rewriter.getF32Type());
    input.zeroPoint = scalarTensor(
        loc, rewriter.getI32IntegerAttr(product.calibrated->zeroPoint),
        rewriter.getI32Type());
  } else {
    auto choose = imc::ChooseQParamsOp::create(
        rewriter, loc, product.x, rule.inputBits, rule.symmetric, rule.perRow);
    input.scale = choose.getScale();
    input.zeroPoint = choose.getZeroPoint();
  }
  auto type = cast<RankedTensorType>(product.x.getType());
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, type.getShape(),
      rewriter.getIntegerType(payloadWidth(rule.inputBits)));
  input.quantized =
      imc::QuantizeOp::create(rewriter, loc, product.x, input.scale,
                              input.zeroPoint, empty, rule.inputBits)
          .getResult();
  inputs.push_back(input);
  return input;
}

Value Quantizer::findBias(const Product &product, int64_t channels) {
  Value init = product.init;
  Location loc = product.op->getLoc();
  auto type = RankedTensorType::get({channels}, rewriter.getF32Type());
  auto splat = [&](Attribute value) -> Value {
    return arith::ConstantOp::create(rewriter, loc, type,
                                     DenseElementsAttr::get(type, value));
  };
  // Reshapes between 4 and 5 dimensions leave the order of the channels alone.
  while (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
      init.getDefiningOp()))
    init = init.getDefiningOp()->getOperand(0);
  if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    Attribute value;
    if (matchPattern(fill.value(), m_Constant(&value)) && isa<FloatAttr>(value))
      return splat(value);
    return {};
  }
  SplatElementsAttr constant;
  if (matchPattern(init, m_Constant(&constant)))
    return splat(constant.getSplatValue<Attribute>());
  auto broadcast = init.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast)
    return {};
  // The dimensions that the bias keeps must be exactly those of the channels:
  // the second one, or the two that follow the batch when groups stand apart.
  auto bias = cast<RankedTensorType>(broadcast.getInput().getType());
  auto outer = cast<RankedTensorType>(broadcast.getInit().getType());
  SmallVector<int64_t, 2> kept;
  for (int64_t d = 0; d < outer.getRank(); ++d)
    if (!llvm::is_contained(broadcast.getDimensions(), d))
      kept.push_back(d);
  bool isChannel = outer.getRank() == 5
                       ? kept == ArrayRef<int64_t>{1, 2}
                       : kept == ArrayRef<int64_t>{outer.getRank() == 4
                                                       ? 1
                                                       : outer.getRank() - 1};
  if (!isChannel || bias.getNumElements() != channels)
    return {};
  if (bias.getRank() == 1)
    return broadcast.getInput();
  if (auto view = ConstantView::match(broadcast.getInput());
      view && !view->movesData()) {
    view->reshape({channels});
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointAfter(view->getRoot());
    return view->materialize(rewriter);
  }
  SmallVector<ReassociationIndices> all(1);
  for (int64_t d = 0; d < bias.getRank(); ++d)
    all[0].push_back(d);
  return tensor::CollapseShapeOp::create(rewriter, loc, type,
                                         broadcast.getInput(), all);
}

LogicalResult Quantizer::rewrite(Product product) {
  Operation *op = product.op;
  // The input may be the result of a product that has been rewritten since.
  product.x = op->getOperand(0);
  product.init = op->getOperand(2);
  Location loc = op->getLoc();
  FailureOr<QuantizedWeight> weight = quantizeWeight(product);
  if (failed(weight))
    return failure();
  rewriter.setInsertionPoint(op);
  QuantizedInput input = quantizeInput(product);

  auto outType = cast<RankedTensorType>(product.init.getType());
  int64_t channels = outType.getDimSize(1);
  // Terms of 16 x 16 bits lie below 2^31: no sum of fewer than 2^32 leaves i64.
  const bool wide = product.rule.weight.bits > 8 || product.rule.inputBits > 8;
  Type integer = rewriter.getIntegerType(wide ? 64 : 32);
  Value sums =
      tensor::EmptyOp::create(rewriter, loc, outType.getShape(), integer);
  Value zero = arith::ConstantOp::create(rewriter, loc,
                                         rewriter.getIntegerAttr(integer, 0));
  sums = linalg::FillOp::create(rewriter, loc, zero, sums).getResult(0);
  Value acc;
  if (auto conv = dyn_cast<imc::Conv2DOp>(op))
    acc = imc::Conv2DOp::create(rewriter, loc, input.quantized, weight->weight,
                                sums, conv.getStrides(), conv.getDilations(),
                                conv.getGroups())
              .getResult();
  else
    acc = imc::MatmulOp::create(rewriter, loc, input.quantized, weight->weight,
                                sums)
              .getResult();

  acc.getDefiningOp()->setAttr(
      IMCDialect::weightBitsAttrName,
      rewriter.getI64IntegerAttr(product.rule.weight.bits));
  for (StringRef name :
       {IMCDialect::copiesAttrName, IMCDialect::adcBitsAttrName,
        IMCDialect::unfoldingAttrName})
    if (Attribute decided = op->getAttr(name))
      acc.getDefiningOp()->setAttr(name, decided);

  Value bias = findBias(product, channels);
  bool addInit = !bias;
  if (addInit) {
    auto type = RankedTensorType::get({channels}, rewriter.getF32Type());
    bias = arith::ConstantOp::create(rewriter, loc, type,
                                     rewriter.getZeroAttr(type));
  }
  Value empty = tensor::EmptyOp::create(rewriter, loc, outType.getShape(),
                                        rewriter.getF32Type());
  Value y = imc::DequantizeOp::create(rewriter, loc, acc, input.scale,
                                      input.zeroPoint, weight->scale,
                                      weight->sum, bias, empty)
                .getResult();
  // An init that is no bias, such as a residual, is added on the digital unit.
  if (addInit) {
    Value sum = tensor::EmptyOp::create(rewriter, loc, outType.getShape(),
                                        rewriter.getF32Type());
    y = linalg::AddOp::create(rewriter, loc, ValueRange{y, product.init}, sum)
            .getResult(0);
  }
  rewriter.replaceOp(op, y);
  // A constant that is both a weight and a bias goes with the weights.
  llvm::SetVector<Operation *> unused;
  if (Operation *producer = product.init.getDefiningOp())
    unused.insert(producer);
  imc::detail::eraseDead(rewriter, unused,
                         [&](Operation *dead) { roots.remove(dead); });
  return success();
}

namespace {
struct QuantizePass : public imc::impl::QuantizePassBase<QuantizePass> {
  using QuantizePassBase::QuantizePassBase;

  LogicalResult checkOptions() {
    ModuleOp module = getOperation();
    if (weightBits < 2 || weightBits > 16)
      return module.emitError()
             << "imc-quantize: weight-bits = " << weightBits.getValue()
             << " is out of range; a weight takes 2 to 16 "
                "bits (pass.weight_bits)";
    if (inputBits < 1 || inputBits > 16)
      return module.emitError()
             << "imc-quantize: input-bits = " << inputBits.getValue()
             << " is out of range; an activation takes 1 to "
                "16 bits (pass.input_bits)";
    if (activations != "dynamic" && activations != "calibrated")
      return module.emitError()
             << "imc-quantize: activations = '" << activations.getValue()
             << "' is unknown; use dynamic (range measured at run time) or "
                "calibrated (imc.range)";
    const std::tuple<StringRef, const std::string &, StringRef, StringRef>
        choices[] = {
            {"weight-granularity", weightGranularity, "per_channel",
             "per_tensor"},
            {"weight-scheme", weightScheme, "symmetric", "affine"},
            {"weight-range", weightRange, "minmax", "mse"},
            {"input-granularity", inputGranularity, "per_tensor", "per_token"},
            {"input-scheme", inputScheme, "affine", "symmetric"}};
    for (const auto &[name, value, first, second] : choices)
      if (value != first && value != second)
        return module.emitError("imc-quantize: ")
               << name << " = '" << value << "' is unknown; use " << first
               << " or " << second;
    if (weightScheme == "affine")
      return module.emitError(
          "imc-quantize: weight-scheme = affine cannot be stored: arrays take "
          "one offset off all columns (imc.encode_weights), not a zero point "
          "per channel; use symmetric");
    if (inputGranularity == "per_token" && activations == "calibrated")
      return module.emitError(
          "imc-quantize: input-granularity = per_token measures each row at "
          "run time; use activations = dynamic, or per_tensor with calibrated "
          "ranges");
    if (inputScheme == "symmetric" && inputBits < 2)
      return module.emitError("imc-quantize: input-scheme = symmetric takes at "
                              "least 2 input-bits, not ")
             << inputBits.getValue();
    if (outputBits != 0)
      return module.emitError("imc-quantize: output-bits = ")
             << outputBits.getValue()
             << " is refused: products of a float model return f32, which the "
                "next product rounds to its input-bits; a model with "
                "QuantizeLinear after its products keeps these codes";
    return success();
  }

  /// The options with the bits that the product asks for; fails with a
  /// diagnostic.
  FailureOr<Rule> ruleOf(Operation *op) {
    Rule rule{
        {weightBits, weightGranularity == "per_tensor", weightRange == "mse"},
        inputBits,
        inputScheme == "symmetric",
        inputGranularity == "per_token"};
    auto read = [&](StringRef name, int64_t least, int64_t &bits) {
      auto attribute = op->getAttrOfType<IntegerAttr>(name);
      if (!attribute)
        return success();
      bits = attribute.getInt();
      if (bits >= least && bits <= 16)
        return success();
      op->emitOpError("cannot be quantized: '")
          << name << "' is " << bits << ", expected " << least << " to 16";
      return failure();
    };
    if (failed(read(IMCDialect::weightBitsAttrName, 2, rule.weight.bits)) ||
        failed(read(IMCDialect::inputBitsAttrName, rule.symmetric ? 2 : 1,
                    rule.inputBits)))
      return failure();
    if (rule.perRow && isa<imc::Conv2DOp>(op))
      return op->emitOpError("cannot be quantized: input-granularity = "
                             "per_token needs rows, and the windows of a "
                             "convolution share their inputs; use per_tensor");
    return rule;
  }

  /// What `op` needs for its rewrite; fails with a diagnostic.
  FailureOr<Product> check(Operation *op) {
    Product product;
    product.op = op;
    product.x = op->getOperand(0);
    product.w = op->getOperand(1);
    product.init = op->getOperand(2);
    product.channelFirst = isa<imc::Conv2DOp>(op);
    if (op->getNumResults() != 1 || !getElementTypeOrSelf(product.x).isF32())
      return op->emitOpError("cannot be quantized: its operands are ")
             << product.x.getType() << ", not tensors of f32";
    Operation *root = product.w.getDefiningOp();
    if (!root || !isa<arith::ConstantOp, imc::MissingWeightOp>(root))
      return op->emitOpError("cannot be quantized: its weight is no constant; "
                             "run imc-offload, which folds what "
                             "stands between the constant and the product");
    if (auto constant = dyn_cast<arith::ConstantOp>(root)) {
      std::vector<char> storage;
      ArrayRef<char> raw =
          getRawData(cast<ElementsAttr>(constant.getValue()), storage);
      auto type = cast<RankedTensorType>(product.w.getType());
      if (raw.size() != type.getNumElements() * sizeof(float))
        return op->emitOpError("cannot be quantized: weight '")
               << getWeightName(root) << "' of type " << type
               << " has no data; give the model with its weights, or import it "
                  "without them";
      ArrayRef<float> values(reinterpret_cast<const float *>(raw.data()),
                             raw.size() / sizeof(float));
      if (std::optional<size_t> index = findNonFinite(values))
        return op->emitOpError("cannot be quantized: weight '")
               << getWeightName(root) << "' holds " << values[*index]
               << " at element " << *index << "; weights must be finite";
    }
    FailureOr<Rule> rule = ruleOf(op);
    if (failed(rule))
      return failure();
    product.rule = *rule;
    auto type = cast<RankedTensorType>(product.w.getType());
    const int64_t channel =
        type.getNumElements() /
        std::max<int64_t>(1, type.getDimSize(product.channelFirst ? 0 : 1));
    if (channel > longestChannel(rule->weight.bits))
      return op->emitOpError("cannot be quantized: a channel has ")
             << channel << " weights of " << rule->weight.bits
             << " bits, whose sum may leave 32 bits; take fewer "
                "bits (pass.weight_bits), "
             << longestChannel(rule->weight.bits)
             << " weights of this many always fit";
    if (activations == "calibrated") {
      FailureOr<QParams> params = readRange(op, product.rule);
      if (failed(params))
        return failure();
      product.calibrated = *params;
    }
    return product;
  }

  /// Products that are in integers already have their bits, and the widest of
  /// them those that the chip is built for (Q5).
  LogicalResult checkIntegers(ArrayRef<Operation *> products) {
    const auto [weight, input] = modelBits(getOperation());
    if (products.empty() || (weightBits == weight && inputBits == input))
      return success();
    for (Operation *op : products) {
      const auto [ofWeights, ofInputs] = bitsOf(op);
      InFlightDiagnostic diagnostic =
          op->emitOpError("is a product in integers of the model, with ")
          << ofWeights << " bits per weight and " << ofInputs
          << " per activation; weight-bits = " << weightBits.getValue()
          << " and input-bits = " << inputBits.getValue()
          << " cannot change them: use " << weight << " and " << input;
      if (ofWeights != weight || ofInputs != input)
        diagnostic << ", the most that products of the model have";
      diagnostic << ", or import a float model";
    }
    return failure();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Offloaded, getArgument())) ||
        failed(checkOptions()))
      return signalPassFailure();
    SmallVector<Product> products;
    SmallVector<Operation *> integers;
    bool refused = false;
    module.walk([&](Operation *op) {
      if (!isa<imc::Conv2DOp, imc::MatmulOp>(op))
        return;
      // The model's own integers stay as they are (Q5).
      if (isInModelIntegers(op)) {
        integers.push_back(op);
        return;
      }
      FailureOr<Product> product = check(op);
      if (failed(product))
        refused = true;
      else
        products.push_back(*product);
    });
    if (refused || failed(checkIntegers(integers)))
      return signalPassFailure();

    Quantizer quantizer(&getContext());
    for (const Product &product : products)
      if (failed(quantizer.rewrite(product)))
        return signalPassFailure();
    quantizer.eraseWeights();
    // Where products differ, what the chip is built for does not follow from
    // them (E-MIXED).
    const std::pair<int64_t, int64_t> bits = {weightBits, inputBits};
    if (llvm::any_of(integers,
                     [&](Operation *op) { return bitsOf(op) != bits; }) ||
        llvm::any_of(products, [&](const Product &product) {
          return product.rule.weight.bits != weightBits ||
                 product.rule.inputBits != inputBits;
        })) {
      Builder builder(&getContext());
      module->setAttr(IMCDialect::weightBitsAttrName,
                      builder.getI64IntegerAttr(weightBits));
      module->setAttr(IMCDialect::inputBitsAttrName,
                      builder.getI64IntegerAttr(inputBits));
    }
    numProducts += products.size();
    numWeights += quantizer.numWeights;
    numShared += quantizer.numShared;
    setPhase(module, Phase::Quantized);
  }
};
} // namespace
