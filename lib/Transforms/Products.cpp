//===- Products.cpp - Products among linalg ops ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/Products.h"

#include "dialects/imc/IR/Payload.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imc;

/// Copies a strides or dilations attribute; absent means ones.
static SmallVector<int64_t, 2> values(DenseIntElementsAttr attr) {
  if (!attr)
    return {1, 1};
  return SmallVector<int64_t, 2>(attr.getValues<int64_t>());
}

static bool isStatic(linalg::LinalgOp op) {
  return llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto shaped = dyn_cast<RankedTensorType>(type);
    return shaped && shaped.hasStaticShape();
  });
}

/// Does the body multiply? Pooling shares the interface of convolutions, but
/// not that.
static bool multiplies(linalg::LinalgOp op) {
  return llvm::any_of(op.getBlock()->getOperations(), [](Operation &body) {
    return isa<arith::MulFOp, arith::MulIOp>(body);
  });
}

/// What helps where only the form is in the way.
static constexpr const char *kNormalize =
    ", or run imc-normalize-products first";

static InFlightDiagnostic refuse(linalg::LinalgOp op) {
  return op.emitOpError(
      "is a product with constant weights that imc-offload cannot take: ");
}

/// How the body of an integer product reads its operand `index` (0 or 1):
/// widened as a signed or an unsigned number; nothing when it does more than
/// that.
static std::optional<bool> isReadSigned(linalg::LinalgOp op, unsigned index) {
  Value argument = op.getBlock()->getArgument(index);
  if (!argument.hasOneUse())
    return std::nullopt;
  Operation *user = *argument.user_begin();
  if (!isa<arith::ExtSIOp, arith::ExtUIOp>(user) ||
      !user->getResult(0).hasOneUse() ||
      !isa<arith::MulIOp>(*user->getResult(0).user_begin()))
    return std::nullopt;
  return isa<arith::ExtSIOp>(user);
}

/// Fills in the element types of a product with a constant operand; fails with
/// a diagnostic when no imc op has them.
static LogicalResult matchTypes(linalg::LinalgOp op, LinalgProduct &product) {
  if (!isStatic(op))
    return refuse(op) << "its operands are not all tensors of static shape; "
                         "bind symbolic dimensions at import";
  Type x = getElementTypeOrSelf(op->getOperand(0)),
       w = getElementTypeOrSelf(op->getOperand(1)),
       y = getElementTypeOrSelf(op->getOperand(2));
  if (isPayload(x) && isPayload(w) &&
      y.isInteger(x.isInteger(16) || w.isInteger(16) ? 64 : 32)) {
    std::optional<bool> signedInput = isReadSigned(op, 0);
    std::optional<bool> signedWeight = isReadSigned(op, 1);
    if (!signedInput || !signedWeight)
      return refuse(op) << "its body does more than widen, multiply and add; "
                           "take zero points off the sums instead";
    if (!*signedWeight)
      return refuse(op) << "its weights are unsigned; subtract "
                        << (w.isInteger(8) ? 128 : 32768)
                        << " from them and add "
                        << (w.isInteger(8) ? 128 : 32768)
                        << " times the sum of the inputs";
    product.integer = true;
    product.signedInput = *signedInput;
    return success();
  }
  for (Value operand : op->getOperands())
    if (Type element = getElementTypeOrSelf(operand); !element.isF32())
      return refuse(op) << "element type " << element
                        << "; imc products start from f32, or from i8 with "
                           "sums in i32 (i64 where an operand is i16)";
  return success();
}

/// `map` yields exactly the dimensions `dims`, in this order.
static bool yields(AffineMap map, ArrayRef<unsigned> dims) {
  if (map.getNumResults() != dims.size())
    return false;
  for (auto [result, dim] : llvm::zip_equal(map.getResults(), dims))
    if (auto expr = dyn_cast<AffineDimExpr>(result);
        !expr || expr.getPosition() != dim)
      return false;
  return true;
}

static FailureOr<std::optional<LinalgProduct>>
matchContraction(linalg::LinalgOp op) {
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->k.empty() || (dims->m.empty() && dims->n.empty()))
    return std::optional<LinalgProduct>();
  LinalgProduct product;
  product.op = op;
  Value lhs = op.getDpsInputs()[0], rhs = op.getDpsInputs()[1];
  std::optional<ConstantView> weight = ConstantView::match(rhs);
  if (!weight) {
    if (ConstantView::match(lhs))
      return refuse(op) << "the constant is the left operand; transpose the "
                           "product so that it is the right one"
                        << kNormalize;
    return std::optional<LinalgProduct>(product);
  }
  if (failed(matchTypes(op, product)))
    return failure();
  if (!dims->batch.empty())
    return refuse(op) << "it has " << dims->batch.size()
                      << " batch dimension(s), a matrix for each; use one "
                         "linalg.matmul per matrix"
                      << kNormalize;
  if (dims->n.size() != 1 || dims->k.size() != 1 || dims->m.empty())
    return refuse(op)
           << "it has " << dims->m.size() << " row, " << dims->n.size()
           << " column and " << dims->k.size()
           << " reduction dimensions; reshape it to one or more, one and one"
           << kNormalize;
  SmallVector<unsigned> left(dims->m.begin(), dims->m.end());
  llvm::sort(left);
  SmallVector<unsigned> out(left);
  left.push_back(dims->k[0]);
  out.push_back(dims->n[0]);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned kn[] = {dims->k[0], dims->n[0]}, nk[] = {dims->n[0], dims->k[0]};
  if (!yields(maps[0], left) || !yields(maps[2], out))
    return refuse(op) << "rows, reduction or columns of an activation are "
                         "permuted; transpose it before the product"
                      << kNormalize;
  if (yields(maps[1], nk))
    weight->transpose({1, 0});
  else if (!yields(maps[1], kn))
    return refuse(op) << "the constant is broadcast; reshape it to K×N";
  product.weight = std::move(weight);
  return std::optional<LinalgProduct>(std::move(product));
}

static FailureOr<std::optional<LinalgProduct>>
matchConvolution(linalg::LinalgOp op) {
  LinalgProduct product;
  product.op = op;
  product.kind = LinalgProduct::Kind::Conv;
  std::optional<ConstantView> weight =
      ConstantView::match(op.getDpsInputs()[1]);
  if (!weight)
    return std::optional<LinalgProduct>(product);
  if (failed(matchTypes(op, product)))
    return failure();
  if (auto conv = dyn_cast<linalg::Conv2DNchwFchwOp>(op.getOperation())) {
    product.strides = values(conv.getStrides());
    product.dilations = values(conv.getDilations());
  } else if (auto conv = dyn_cast<linalg::DepthwiseConv2DNchwChwOp>(
                 op.getOperation())) {
    product.strides = values(conv.getStrides());
    product.dilations = values(conv.getDilations());
    ArrayRef<int64_t> shape = weight->getType().getShape();
    product.groups = shape[0];
    weight->reshape({shape[0], 1, shape[1], shape[2]});
  } else if (auto conv =
                 dyn_cast<linalg::Conv2DNgchwGfchwOp>(op.getOperation())) {
    product.strides = values(conv.getStrides());
    product.dilations = values(conv.getDilations());
    ArrayRef<int64_t> shape = weight->getType().getShape();
    product.groups = shape[0];
    weight->reshape({shape[0] * shape[1], shape[2], shape[3], shape[4]});
  } else {
    return refuse(op)
           << "this layout is not supported; use linalg.conv_2d_nchw_fchw, "
              "linalg.depthwise_conv_2d_nchw_chw or linalg.conv_2d_ngchw_gfchw"
           << kNormalize;
  }
  product.weight = std::move(weight);
  return std::optional<LinalgProduct>(std::move(product));
}

FailureOr<std::optional<LinalgProduct>> imc::matchProduct(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !multiplies(op))
    return std::optional<LinalgProduct>();
  if (linalg::isaContractionOpInterface(op))
    return matchContraction(op);
  if (isa<linalg::ConvolutionOpInterface>(op.getOperation()))
    return matchConvolution(op);
  return std::optional<LinalgProduct>();
}

int64_t imc::countMacs(linalg::LinalgOp op) {
  int64_t macs = 1;
  for (int64_t range : op.getStaticLoopRanges())
    macs *= range;
  return macs;
}

bool imc::isZeroFilled(Value value) {
  while (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.value(), m_AnyZeroFloat()) ||
           matchPattern(fill.value(), m_Zero());
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}
