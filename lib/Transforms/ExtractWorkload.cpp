//===- ExtractWorkload.cpp - The work of a module as a table --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConnectLayers.h"
#include "dialects/imc/IR/Payload.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Passes.h"
#include "imc/Transforms/Phase.h"
#include "imc/Transforms/Products.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace imc;

std::string imc::getLayerName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      if (std::string name = getLayerName(part); name != "unnamed")
        return name;
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    return getLayerName(call.getCallee());
  } else if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  }
  return "unnamed";
}

FailureOr<int64_t> imc::countTrips(Operation *op, Operation *outermost) {
  int64_t trips = 1;
  for (Operation *parent = op->getParentOp(); parent && parent != outermost;
       parent = parent->getParentOp()) {
    if (isa<FunctionOpInterface, ModuleOp>(parent))
      break;
    auto loop = dyn_cast<scf::ForOp>(parent);
    std::optional<APInt> count =
        loop ? loop.getStaticTripCount() : std::nullopt;
    if (!count)
      return op->emitOpError("stands in '")
             << parent->getName()
             << "', whose number of iterations is not constant; its work "
                "cannot be "
                "counted (unroll the loop or give it constant bounds)";
    trips *= count->getSExtValue();
  }
  return trips;
}

bool imc::bringsPositionsTogether(Operation *op) {
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  auto split = transpose
                   ? transpose.getInput().getDefiningOp<tensor::ExpandShapeOp>()
                   : tensor::ExpandShapeOp();
  Operation *product = split ? split.getSrc().getDefiningOp() : nullptr;
  return product && product->hasAttr(IMCDialect::zeroMacsAttrName);
}

static int64_t elements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 0;
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text.empty() ? "1" : text;
}

/// Distinct activations behind the left operand of a product. Padding and
/// quantization repeat no activation, so what stands before them counts.
static int64_t distinctElements(Value x) {
  while (Operation *op = x.getDefiningOp()) {
    if (auto quantize = dyn_cast<imc::QuantizeOp>(op))
      x = quantize.getX();
    else if (auto pad = dyn_cast<tensor::PadOp>(op))
      x = pad.getSource();
    else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      x = op->getOperand(0);
    else
      break;
  }
  return elements(x);
}

namespace {

/// One dimension of the image behind the left operand of a convolution, and
/// what padding adds before it.
struct Extent {
  int64_t size, before = 0;
};

} // namespace

static Extent extentOfInput(Value x, unsigned dimension) {
  Extent extent{cast<RankedTensorType>(x.getType()).getDimSize(dimension)};
  while (Operation *op = x.getDefiningOp()) {
    if (auto quantize = dyn_cast<imc::QuantizeOp>(op)) {
      x = quantize.getX();
    } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      const int64_t low = pad.getStaticLow()[dimension];
      extent.size -= low + pad.getStaticHigh()[dimension];
      extent.before += low;
      x = pad.getSource();
    } else {
      break;
    }
  }
  return extent;
}

std::pair<int64_t, int64_t> imc::bitsOf(Operation *op) {
  if (auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op)) {
    FailureOr<TiledProduct> product = matchTiledProduct(shiftAdd);
    if (failed(product))
      return {0, 0};
    return {shiftAdd.getEncoding().getWeightBits(),
            product->mvm.getInput().getBits()};
  }
  auto read = [&](StringRef name) -> int64_t {
    auto bits = op->getAttrOfType<IntegerAttr>(name);
    return bits ? bits.getInt() : 0;
  };
  int64_t weight = read(IMCDialect::weightBitsAttrName);
  int64_t input = read(IMCDialect::inputBitsAttrName);
  if (!isa<imc::Conv2DOp, imc::MatmulOp>(op) ||
      !isPayload(getElementTypeOrSelf(op->getOperand(0))))
    return {weight, input};
  Value x = op->getOperand(0);
  while (
      isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                      tensor::ExtractSliceOp, tensor::PadOp>(x.getDefiningOp()))
    x = x.getDefiningOp()->getOperand(0);
  if (auto quantize = x.getDefiningOp<imc::QuantizeOp>())
    input = quantize.getBits();
  return {weight ? weight : 8, input};
}

std::pair<int64_t, int64_t> imc::modelBits(ModuleOp module) {
  int64_t ofWeights = 0, ofInputs = 0;
  module.walk([&](Operation *op) {
    if (!isa<imc::Conv2DOp, imc::MatmulOp>(op) || !isInModelIntegers(op))
      return;
    const auto [weight, input] = bitsOf(op);
    ofWeights = std::max(ofWeights, weight);
    ofInputs = std::max(ofInputs, input);
  });
  return {ofWeights, ofInputs};
}

std::pair<int64_t, int64_t> imc::commonBits(ModuleOp module) {
  auto read = [&](StringRef name) -> int64_t {
    auto bits = module->getAttrOfType<IntegerAttr>(name);
    return bits ? bits.getInt() : 0;
  };
  return {read(IMCDialect::weightBitsAttrName),
          read(IMCDialect::inputBitsAttrName)};
}

/// What products share is a knob: only those that differ from the bits of the
/// module, or without these from the widest, keep bits of their own (E-MIXED).
static void keepOwnBits(ModuleOp module, workload::Workload &workload) {
  auto [weight, input] = commonBits(module);
  const bool given = weight != 0;
  auto products = [&](auto &&see) {
    for (workload::Layer &layer : workload.layers)
      if (auto *product = std::get_if<workload::Product>(&layer.work))
        see(*product);
  };
  if (!given)
    products([&, &weight = weight, &input = input](workload::Product &p) {
      weight = std::max(weight, p.weight_bits);
      input = std::max(input, p.input_bits);
    });
  products([&, weight = weight, input = input](workload::Product &p) {
    if (p.weight_bits == weight)
      p.weight_bits = 0;
    if (p.input_bits == input)
      p.input_bits = 0;
    workload.mixed_bits |= p.hasOwnBits();
  });
}

namespace {

/// Appends layers to a workload.
class Extractor {
public:
  workload::Workload workload;
  std::vector<Operation *> ops;

  LogicalResult visit(Operation *op);

private:
  LogicalResult add(Operation *op, StringRef kind, std::string shape,
                    std::variant<workload::Product, workload::Digital,
                                 workload::DynamicProduct>
                        work);
  /// `x`, `w` and `y` as of imc.conv2d or imc.matmul, in tensors; `strides` and
  /// `dilations` of a convolution.
  LogicalResult addProduct(Operation *op, Value x, RankedTensorType w,
                           RankedTensorType y, int64_t groups,
                           ArrayRef<int64_t> strides = {},
                           ArrayRef<int64_t> dilations = {});
  LogicalResult addDigital(Operation *op, StringRef kind, int64_t operations,
                           int64_t inputs, Value output);
  LogicalResult visitLinalg(linalg::LinalgOp op);
};

} // namespace

LogicalResult Extractor::add(
    Operation *op, StringRef kind, std::string shape,
    std::variant<workload::Product, workload::Digital, workload::DynamicProduct>
        work) {
  FailureOr<int64_t> trips = countTrips(op);
  if (failed(trips))
    return failure();
  int64_t n = *trips;
  if (n != 1) {
    if (auto *product = std::get_if<workload::Product>(&work)) {
      product->windows *= n;
      product->input_elements *= n;
      product->output_elements *= n;
      product->zero_macs *= n;
    } else if (auto *digital = std::get_if<workload::Digital>(&work)) {
      digital->operations *= n;
      digital->input_elements *= n;
      digital->output_elements *= n;
    } else {
      auto &dynamic = std::get<workload::DynamicProduct>(work);
      dynamic.macs *= n;
      dynamic.input_elements *= n;
      dynamic.output_elements *= n;
      dynamic.groups *= n; // another pair of matrices each time
    }
  }
  workload.layers.push_back({getLayerName(op->getLoc()), kind.str(),
                             std::move(shape), std::move(work)});
  ops.push_back(op);
  return success();
}

LogicalResult Extractor::addProduct(Operation *op, Value x, RankedTensorType w,
                                    RankedTensorType y, int64_t groups,
                                    ArrayRef<int64_t> strides,
                                    ArrayRef<int64_t> dilations) {
  workload::Product product;
  if (auto copies = op->getAttrOfType<IntegerAttr>(IMCDialect::copiesAttrName))
    product.copies = copies.getInt();
  if (auto bits = op->getAttrOfType<IntegerAttr>(IMCDialect::adcBitsAttrName))
    product.adc_bits = bits.getInt();
  if (auto rule = op->getAttrOfType<StringAttr>(IMCDialect::unfoldingAttrName))
    product.unfolding = llvm::cantFail(mapping::parseLayerValue(
        IMCDialect::unfoldingAttrName, *mapping::findKnob("unfolding"),
        rule.getValue()));
  std::tie(product.weight_bits, product.input_bits) = bitsOf(op);
  if (op->hasAttr(IMCDialect::inputBitsAttrName) &&
      !getElementTypeOrSelf(x).isF32()) {
    workload.model_weight_bits =
        std::max(workload.model_weight_bits, product.weight_bits);
    workload.model_input_bits =
        std::max(workload.model_input_bits, product.input_bits);
  }
  bool isConv = w.getRank() == 4;
  int64_t channels = y.getDimSize(1);
  product.windows = channels ? y.getNumElements() / channels : 0;
  product.rows = isConv ? w.getDimSize(1) * w.getDimSize(2) * w.getDimSize(3)
                        : w.getDimSize(0);
  product.cols = channels / groups;
  product.groups = groups;
  product.input_elements = distinctElements(x);
  product.output_elements = y.getNumElements();
  product.weight_elements = w.getNumElements();
  if (isConv) {
    product.output_width = y.getDimSize(y.getRank() - 1);
    product.output_rows = y.getDimSize(y.getRank() - 2);
    product.kernel_rows = (w.getDimSize(2) - 1) * dilations[0] + 1;
    product.stride_rows = strides[0];
    const Extent rows = extentOfInput(x, 2), columns = extentOfInput(x, 3);
    product.row_elements = w.getDimSize(1) * groups * columns.size;
    product.image_rows = cast<RankedTensorType>(x.getType()).getDimSize(2);
    product.padding_rows = rows.before;
    product.input_rows = rows.size;
    product.kernel_elements = w.getDimSize(2) * w.getDimSize(3);
    product.kernel_width = w.getDimSize(3);
    product.stride_cols = strides[1];
    product.dilation_cols = dilations[1];
    product.image_cols = cast<RankedTensorType>(x.getType()).getDimSize(3);
    if (auto zeros =
            op->getAttrOfType<IntegerAttr>(IMCDialect::zeroMacsAttrName))
      product.zero_macs = zeros.getInt();
  }
  return add(op, isConv ? "conv2d" : "matmul",
             shapeText(w.getShape()) + " -> " +
                 shapeText(isConv ? y.getShape().drop_front() : y.getShape()),
             product);
}

LogicalResult Extractor::addDigital(Operation *op, StringRef kind,
                                    int64_t operations, int64_t inputs,
                                    Value output) {
  workload::Digital digital{operations, inputs, elements(output)};
  return add(op, kind, shapeText(cast<ShapedType>(output.getType()).getShape()),
             digital);
}

/// What a linalg op computes, for people: its own name, or for linalg.generic
/// that of the last computation in its body.
static std::string describe(linalg::LinalgOp op) {
  StringRef name = op->getName().stripDialect();
  if (name != "generic" && name != "map" && name != "reduce")
    return name.str();
  for (Operation &body : llvm::reverse(op.getBlock()->without_terminator()))
    if (!isa<arith::ConstantOp, linalg::IndexOp>(body))
      return body.getName().stripDialect().str();
  return "copy";
}

/// Computations per iteration: all ops of the body but constants, indices and
/// terminators.
static int64_t bodyOperations(linalg::LinalgOp op) {
  int64_t count = 0;
  op.getBlock()->walk([&](Operation *body) {
    if (!body->hasTrait<OpTrait::IsTerminator>() &&
        !isa<arith::ConstantOp, linalg::IndexOp>(body))
      ++count;
  });
  return count;
}

/// Rows, columns and number of the matrices of a contraction. One that has
/// other loops besides is left as it is.
static void setMatrices(linalg::LinalgOp op,
                        workload::DynamicProduct &dynamic) {
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims))
    return;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto extent = [&](ArrayRef<unsigned> of) {
    int64_t product = 1;
    for (unsigned d : of)
      product *= ranges[d];
    return product;
  };
  int64_t windows = extent(dims->m), rows = extent(dims->k),
          cols = extent(dims->n), groups = extent(dims->batch);
  if (windows * rows * cols * groups != dynamic.macs)
    return;
  dynamic.windows = windows;
  dynamic.rows = rows;
  dynamic.cols = cols;
  dynamic.groups = groups;
}

/// All users take `value` as the initial value of a product.
static bool feedsOnlyProducts(Value value) {
  if (value.use_empty())
    return false;
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user))
      return feedsOnlyProducts(user->getResult(0));
    if (isa<imc::Conv2DOp, imc::MatmulOp>(user))
      return use.getOperandNumber() == 2;
    auto op = dyn_cast<linalg::LinalgOp>(user);
    return op && op.isDpsInit(&use) &&
           (linalg::isaContractionOpInterface(op) ||
            linalg::isaConvolutionOpInterface(op));
  });
}

LogicalResult Extractor::visitLinalg(linalg::LinalgOp op) {
  if (op.hasDynamicShape())
    return op.emitOpError("has a dynamic shape, so that its work cannot be "
                          "counted; bind it at import (--shape)");
  if (isa<linalg::FillOp>(op.getOperation()))
    return success();
  if (isa<linalg::BroadcastOp>(op.getOperation()) &&
      feedsOnlyProducts(op->getResult(0)))
    return success();
  if (bringsPositionsTogether(op))
    return success();
  FailureOr<std::optional<LinalgProduct>> product = matchProduct(op);
  if (failed(product))
    return failure();
  int64_t inputs = 0;
  for (Value input : op.getDpsInputs())
    // The window of a pooling op is a tensor.empty that nobody reads.
    if (!input.getDefiningOp<tensor::EmptyOp>())
      inputs += elements(input);
  int64_t domain = countMacs(op);
  Value output = op->getResult(0);
  if (!*product)
    return addDigital(op, describe(op), domain * bodyOperations(op), inputs,
                      output);
  auto y = cast<RankedTensorType>(output.getType());
  if (!(*product)->weight) {
    workload::DynamicProduct dynamic{domain, inputs, elements(output)};
    if ((*product)->kind == LinalgProduct::Kind::Matmul)
      setMatrices(op, dynamic);
    return add(op, describe(op), shapeText(y.getShape()), dynamic);
  }
  // Not offloaded yet: count it as the imc op that it will become.
  RankedTensorType w = (*product)->weight->getType();
  if ((*product)->kind == LinalgProduct::Kind::Conv && y.getRank() == 5)
    y = y.clone({y.getDimSize(0), y.getDimSize(1) * y.getDimSize(2),
                 y.getDimSize(3), y.getDimSize(4)});
  else if ((*product)->kind == LinalgProduct::Kind::Matmul && y.getRank() != 2)
    y = y.clone(
        {y.getNumElements() / y.getShape().back(), y.getShape().back()});
  return addProduct(op, op.getDpsInputs()[0], w, y, (*product)->groups,
                    (*product)->strides, (*product)->dilations);
}

LogicalResult Extractor::visit(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return visitLinalg(linalgOp);
  auto tensorType = [](Value value) {
    return cast<RankedTensorType>(value.getType());
  };
  if (auto conv = dyn_cast<imc::Conv2DOp>(op))
    return addProduct(op, conv.getX(), tensorType(conv.getW()),
                      tensorType(conv.getInit()), conv.getGroups(),
                      conv.getStrides(), conv.getDilations());
  if (auto matmul = dyn_cast<imc::MatmulOp>(op))
    return addProduct(op, matmul.getX(), tensorType(matmul.getW()),
                      tensorType(matmul.getInit()), 1);
  if (auto shiftAdd = dyn_cast<imc::ShiftAddOp>(op)) {
    FailureOr<TiledProduct> product = matchTiledProduct(shiftAdd);
    if (failed(product))
      return failure();
    return addProduct(
        op, product->unfold.getX(), tensorType(product->encode.getW()),
        tensorType(shiftAdd.getInit()), shiftAdd.getGroups(),
        product->unfold.getStrides(), product->unfold.getDilations());
  }
  // The work of the conversions, per element, as their definitions spell it
  // out: minimum and maximum; divide, round, add, clamp twice; subtract,
  // convert, multiply, add, and two products per channel; add, convert,
  // multiply, add, round, clamp twice, and convert and divide for a step.
  if (auto choose = dyn_cast<imc::ChooseQParamsOp>(op)) {
    workload::Digital digital{2 * elements(choose.getX()),
                              elements(choose.getX()), 2};
    return add(op, "choose_qparams",
               shapeText(tensorType(choose.getX()).getShape()), digital);
  }
  if (auto quantize = dyn_cast<imc::QuantizeOp>(op))
    return addDigital(op, "quantize", 5 * elements(quantize.getX()),
                      elements(quantize.getX()), quantize.getInit());
  if (auto dequantize = dyn_cast<imc::DequantizeOp>(op))
    return addDigital(
        op, "dequantize",
        4 * elements(dequantize.getAcc()) + 2 * elements(dequantize.getWSum()),
        elements(dequantize.getAcc()) + 3 * elements(dequantize.getWSum()),
        dequantize.getInit());
  if (auto requantize = dyn_cast<imc::RequantizeOp>(op))
    return addDigital(
        op, "requantize",
        (requantize.getStep() ? 9 : 7) * elements(requantize.getAcc()),
        elements(requantize.getAcc()) + 2 * elements(requantize.getBias()),
        requantize.getInit());
  return success();
}

int64_t imc::countParameters(ModuleOp module) {
  if (auto attr =
          module->getAttrOfType<IntegerAttr>(IMCDialect::parametersAttrName))
    return attr.getInt();
  int64_t count = 0;
  module.walk([&](Operation *op) {
    if (isa<imc::MissingWeightOp>(op))
      count += elements(op->getResult(0));
    else if (auto constant = dyn_cast<arith::ConstantOp>(op);
             constant && isa<RankedTensorType>(constant.getType()))
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
          !dense || !dense.isSplat())
        count += elements(constant);
  });
  return count;
}

/// Replaces weights by placeholders: for counting, their shapes are enough.
static void dropData(ModuleOp module) {
  module.walk([](arith::ConstantOp constant) {
    if (!isa<DenseResourceElementsAttr>(constant.getValue()))
      return;
    OpBuilder builder(constant);
    Value missing = imc::MissingWeightOp::create(builder, constant.getLoc(),
                                                 constant.getType(),
                                                 getWeightName(constant));
    constant.replaceAllUsesWith(missing);
    constant.erase();
  });
}

/// The workload that a module will have when it is quantized.
static FailureOr<workload::Workload> extractEarly(ModuleOp module, Phase phase,
                                                  StringRef activations) {
  // Counted before the data goes: splats that are weights keep their place.
  int64_t parameters = countParameters(module);
  OwningOpRef<ModuleOp> copy = module.clone();
  dropData(*copy);
  PassManager offload(module.getContext(), ModuleOp::getOperationName());
  if (phase == Phase::Imported)
    offload.addPass(createOffloadPass());
  if (failed(offload.run(*copy)))
    return failure();
  QuantizePassOptions options;
  options.activations = activations.str();
  // A model's own integers are taken with their bits only.
  if (auto [weight, input] = modelBits(*copy); weight != 0) {
    options.weightBits = weight;
    options.inputBits = input;
  }
  PassManager quantize(module.getContext(), ModuleOp::getOperationName());
  quantize.addPass(createQuantizePass(options));
  if (failed(quantize.run(*copy)))
    return failure();
  // The pass gives every product bits; here those count that were asked for.
  std::vector<std::pair<int64_t, int64_t>> asked;
  std::vector<bool> own;
  copy->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<imc::Conv2DOp, imc::MatmulOp>(op))
      own.push_back(isInModelIntegers(op));
  });
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<imc::Conv2DOp, imc::MatmulOp>(op))
      asked.push_back(getElementTypeOrSelf(op->getOperand(0)).isF32()
                          ? bitsOf(op)
                          : std::pair<int64_t, int64_t>());
  });
  FailureOr<workload::Workload> workload = extractWorkload(*copy);
  if (failed(workload))
    return failure();
  workload->parameters = parameters;
  workload->mixed_bits = false;
  size_t next = 0;
  for (workload::Layer &layer : workload->layers)
    if (auto *product = std::get_if<workload::Product>(&layer.work)) {
      // Those of the model's own integers stand.
      if (!own[next])
        std::tie(product->weight_bits, product->input_bits) =
            next < asked.size() ? asked[next] : std::pair<int64_t, int64_t>();
      ++next;
      workload->mixed_bits |= product->hasOwnBits();
    }
  return workload;
}

FailureOr<workload::Workload>
imc::extractWorkload(ModuleOp module, std::vector<Operation *> *ops,
                     StringRef activations) {
  FailureOr<Phase> phase = getPhase(module);
  if (failed(phase))
    return failure();
  if (*phase < Phase::Quantized && !ops)
    return extractEarly(module, *phase, activations);
  Extractor extractor;
  if (std::optional<StringRef> name = module.getSymName())
    extractor.workload.name = name->str();
  extractor.workload.parameters = countParameters(module);
  WalkResult result = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (failed(extractor.visit(op)))
      return WalkResult::interrupt();
    // Bodies of linalg ops are counted as a whole.
    return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                     : WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (*phase >= Phase::Quantized)
    keepOwnBits(module, extractor.workload);
  connectLayers(module, extractor.ops, extractor.workload);
  if (llvm::Error error = workload::check(extractor.workload)) {
    module.emitError() << llvm::toString(std::move(error));
    return failure();
  }
  if (ops)
    *ops = std::move(extractor.ops);
  return std::move(extractor.workload);
}
