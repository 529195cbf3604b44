//===- NormalizeProducts.cpp - Products in the forms of the phases --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any convolution or contraction, named or generic, is described by the role
// that each of its loops plays (LoopRoles); the canonical op follows from the
// roles alone. So one piece of code serves all layouts.
//
//===----------------------------------------------------------------------===//

#include "DeadCode.h"
#include "LoopRoles.h"
#include "Permute.h"
#include "ZeroPoints.h"
#include "imc/Transforms/Passes.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace imc {
#define GEN_PASS_DEF_NORMALIZEPRODUCTSPASS
#include "imc/Transforms/Passes.h.inc"
} // namespace imc

using namespace mlir;
using namespace imc;
using namespace imc::detail;

namespace {

/// The dimensions of a tensor that become one dimension of the canonical one,
/// in order; none for a dimension of extent 1 that is added.
using Slot = SmallVector<int64_t, 2>;

/// How a tensor and its canonical form relate.
struct Arrangement {
  SmallVector<Slot> slots;

  SmallVector<int64_t> permutation() const {
    SmallVector<int64_t> result;
    for (const Slot &slot : slots)
      result.append(slot.begin(), slot.end());
    return result;
  }
  SmallVector<int64_t> shape(ArrayRef<int64_t> original) const {
    SmallVector<int64_t> result;
    for (const Slot &slot : slots) {
      int64_t extent = 1;
      for (int64_t d : slot)
        extent *= original[d];
      result.push_back(extent);
    }
    return result;
  }
  Value apply(OpBuilder &builder, Location loc, Value value) const {
    auto type = cast<RankedTensorType>(value.getType());
    return reshape(builder, loc, permute(builder, loc, value, permutation()),
                   shape(type.getShape()));
  }
  /// Back to the tensor of type `type`.
  Value undo(OpBuilder &builder, Location loc, Value value,
             RankedTensorType type) const {
    SmallVector<int64_t> order = permutation(), permuted;
    for (int64_t d : order)
      permuted.push_back(type.getDimSize(d));
    return permute(builder, loc, reshape(builder, loc, value, permuted),
                   inverse(order));
  }
};

/// The arrangements of the three tensors, and what the op is then.
struct Plan {
  enum Kind { Matmul, Conv, Depthwise, Grouped } kind = Matmul;
  Arrangement x, w, y;
  int64_t strides[2] = {1, 1}, dilations[2] = {1, 1};
};

class Normalizer {
public:
  explicit Normalizer(MLIRContext *context) : rewriter(context) {}
  /// Rewrites `op` where it is a product with constant weights that is not in
  /// canonical form.
  void visit(linalg::LinalgOp op);
  int64_t numProducts = 0;

private:
  linalg::LinalgOp absorbBroadcast(linalg::LinalgOp op);
  Value canonicalInit(linalg::LinalgOp op, const Plan &plan);
  void rewrite(linalg::LinalgOp op, const Plan &plan, bool swapped);
  Operation *create(Location loc, const Plan &plan, linalg::LinalgOp op,
                    bool swapped, Value x, Value w, Value init);

  IRRewriter rewriter;
};

} // namespace

/// True when the last output is computed from the last rows that the stride
/// allows: imc.conv2d derives the output's size from the input's.
static bool readsWhole(linalg::LinalgOp op, const LoopRoles &roles) {
  SmallVector<int64_t, 8> extents = op.getStaticLoopRanges();
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getDpsInputs()[0].getType()).getShape();
  return llvm::all_of(roles.images, [&](const LoopRoles::Image &image) {
    int64_t kernel = image.filter ? extents[*image.filter] : 1;
    int64_t read = (extents[image.out] - 1) * image.stride +
                   (kernel - 1) * image.dilation + 1;
    return (shape[roles.inX[image.out]] - read) / image.stride == 0;
  });
}

/// True when imc-offload takes the op as it is.
static bool isCanonical(linalg::LinalgOp op, const LoopRoles &roles,
                        bool swapped) {
  if (isa<linalg::Conv2DNchwFchwOp, linalg::DepthwiseConv2DNchwChwOp,
          linalg::Conv2DNgchwGfchwOp>(op.getOperation()))
    return readsWhole(op, roles);
  if (swapped || isa<linalg::GenericOp>(op.getOperation()) ||
      !roles.images.empty() || !roles.depth.empty() ||
      roles.columns.size() != 1 || roles.reductions.size() != 1 ||
      roles.rows.empty())
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto yields = [](AffineMap map, ArrayRef<unsigned> dims) {
    return map.getNumResults() == dims.size() &&
           llvm::all_of(llvm::zip(map.getResults(), dims), [](auto pair) {
             auto dim = dyn_cast<AffineDimExpr>(std::get<0>(pair));
             return dim && dim.getPosition() == std::get<1>(pair);
           });
  };
  SmallVector<unsigned> left(roles.rows);
  llvm::sort(left);
  SmallVector<unsigned> out(left);
  left.push_back(roles.reductions[0]);
  out.push_back(roles.columns[0]);
  return yields(maps[0], left) && yields(maps[2], out);
}

/// Decides the canonical form; nothing for what no imc op computes.
static std::optional<Plan> makePlan(linalg::LinalgOp op,
                                    const LoopRoles &roles) {
  if (roles.images.size() > 2)
    return std::nullopt;
  SmallVector<int64_t, 8> extents = op.getStaticLoopRanges();
  auto product = [&](ArrayRef<unsigned> loops) {
    int64_t n = 1;
    for (unsigned loop : loops)
      n *= extents[loop];
    return n;
  };
  auto at = [](ArrayRef<int64_t> position,
               std::initializer_list<ArrayRef<unsigned>> lists) {
    Slot slot;
    for (ArrayRef<unsigned> loops : lists)
      for (unsigned loop : loops)
        if (position[loop] >= 0)
          slot.push_back(position[loop]);
    return slot;
  };
  const auto &r = roles;
  bool grouped = product(r.depth) != 1;
  Plan plan;
  if (r.images.empty() && !grouped) {
    plan.x.slots = {at(r.inX, {r.rows, r.depth}), at(r.inX, {r.reductions})};
    plan.w.slots = {at(r.inW, {r.depth, r.reductions}), at(r.inW, {r.columns})};
    plan.y.slots = {at(r.inY, {r.rows, r.depth}), at(r.inY, {r.columns})};
    return plan;
  }
  // The dimensions of the image; a matrix for each group is a convolution with
  // a 1×1 kernel over the rows.
  Slot xImage[2], wImage[2], yImage[2];
  ArrayRef<unsigned> batch = r.rows;
  if (r.images.empty()) {
    xImage[0] = at(r.inX, {r.rows});
    yImage[0] = at(r.inY, {r.rows});
    batch = {};
  }
  for (auto [i, image] : llvm::enumerate(r.images)) {
    xImage[i] = {r.inX[image.out]};
    yImage[i] = {r.inY[image.out]};
    if (image.filter)
      wImage[i] = {r.inW[*image.filter]};
    plan.strides[i] = image.stride;
    plan.dilations[i] = image.dilation;
  }
  if (!grouped) {
    plan.kind = Plan::Conv;
    plan.x.slots = {at(r.inX, {batch, r.depth}), at(r.inX, {r.reductions})};
    plan.w.slots = {at(r.inW, {r.depth, r.columns}), at(r.inW, {r.reductions})};
    plan.y.slots = {at(r.inY, {batch, r.depth}), at(r.inY, {r.columns})};
  } else if (product(r.columns) == 1 && product(r.reductions) == 1) {
    plan.kind = Plan::Depthwise;
    plan.x.slots = {at(r.inX, {batch}), at(r.inX, {r.depth, r.reductions})};
    plan.w.slots = {at(r.inW, {r.depth, r.columns, r.reductions})};
    plan.y.slots = {at(r.inY, {batch}), at(r.inY, {r.depth, r.columns})};
  } else {
    plan.kind = Plan::Grouped;
    plan.x.slots = {at(r.inX, {batch}), at(r.inX, {r.depth}),
                    at(r.inX, {r.reductions})};
    plan.w.slots = {at(r.inW, {r.depth}), at(r.inW, {r.columns}),
                    at(r.inW, {r.reductions})};
    plan.y.slots = {at(r.inY, {batch}), at(r.inY, {r.depth}),
                    at(r.inY, {r.columns})};
  }
  for (int i : {0, 1}) {
    plan.x.slots.push_back(xImage[i]);
    plan.w.slots.push_back(wImage[i]);
    plan.y.slots.push_back(yImage[i]);
  }
  return plan;
}

/// The destination in canonical form. A bias per channel stays the broadcast of
/// a vector, which is what quantization looks for.
Value Normalizer::canonicalInit(linalg::LinalgOp op, const Plan &plan) {
  Location loc = op.getLoc();
  Value init = op.getDpsInits()[0];
  auto type = cast<RankedTensorType>(init.getType());
  SmallVector<int64_t> shape = plan.y.shape(type.getShape());
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return filled(rewriter, loc, type.clone(shape), fill.value());
  auto repeat = init.getDefiningOp<linalg::BroadcastOp>();
  if (!repeat)
    return plan.y.apply(rewriter, loc, init);
  // A slot is either repeated as a whole or comes from the vector as a whole.
  SmallVector<int64_t> inputOf(type.getRank(), -1), order, kept, added;
  int64_t next = 0;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(repeat.getDimensions(), d))
      inputOf[d] = next++;
  for (auto [i, slot] : llvm::enumerate(plan.y.slots)) {
    bool any = llvm::any_of(slot, [&](int64_t d) { return inputOf[d] >= 0; });
    bool all = llvm::all_of(slot, [&](int64_t d) { return inputOf[d] >= 0; });
    if (any && !all)
      return plan.y.apply(rewriter, loc, init);
    if (!any) {
      added.push_back(i);
      continue;
    }
    kept.push_back(shape[i]);
    for (int64_t d : slot)
      order.push_back(inputOf[d]);
  }
  Value vector = permute(rewriter, loc, repeat.getInput(), order);
  return broadcast(rewriter, loc, reshape(rewriter, loc, vector, kept), shape,
                   added);
}

/// The named op where its body is the same, a linalg.generic otherwise.
Operation *Normalizer::create(Location loc, const Plan &plan,
                              linalg::LinalgOp op, bool swapped, Value x,
                              Value w, Value init) {
  Type type = init.getType();
  TypeRange result(type);
  auto vector = [&](const int64_t *values) {
    return DenseIntElementsAttr::get(
        RankedTensorType::get({2}, rewriter.getI64Type()),
        ArrayRef<int64_t>(values, 2));
  };
  Attribute strides = vector(plan.strides), dilations = vector(plan.dilations);
  auto make = [&]() -> linalg::LinalgOp {
    switch (plan.kind) {
    case Plan::Matmul:
      return linalg::MatmulOp::create(rewriter, loc, result, ValueRange{x, w},
                                      ValueRange(init));
    case Plan::Conv:
      return linalg::Conv2DNchwFchwOp::create(
          rewriter, loc, result, ValueRange{x, w}, ValueRange(init), strides,
          dilations);
    case Plan::Depthwise:
      return linalg::DepthwiseConv2DNchwChwOp::create(
          rewriter, loc, result, ValueRange{x, w}, ValueRange(init), strides,
          dilations);
    case Plan::Grouped:
      return linalg::Conv2DNgchwGfchwOp::create(
          rewriter, loc, result, ValueRange{x, w}, ValueRange(init), strides,
          dilations);
    }
    llvm_unreachable("all kinds return");
  };
  linalg::LinalgOp named = make();
  if (hasBodyOf(op, named, swapped))
    return named;
  // Other casts than the named op has (unsigned inputs, say): keep the body.
  auto generic = linalg::GenericOp::create(
      rewriter, loc, result, ValueRange{x, w}, ValueRange(init),
      named.getIndexingMapsArray(), named.getIteratorTypesArray());
  rewriter.eraseOp(named);
  Block *from = op.getBlock();
  SmallVector<Location> locs(3, loc);
  Block *body = rewriter.createBlock(&generic.getRegion(), {},
                                     TypeRange{getElementTypeOrSelf(x),
                                               getElementTypeOrSelf(w),
                                               getElementTypeOrSelf(init)},
                                     locs);
  IRMapping mapping;
  mapping.map(from->getArgument(0), body->getArgument(swapped ? 1 : 0));
  mapping.map(from->getArgument(1), body->getArgument(swapped ? 0 : 1));
  mapping.map(from->getArgument(2), body->getArgument(2));
  for (Operation &inner : *from)
    rewriter.clone(inner, mapping);
  rewriter.setInsertionPointAfter(generic);
  return generic;
}

void Normalizer::rewrite(linalg::LinalgOp op, const Plan &plan, bool swapped) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Value x = op.getDpsInputs()[swapped ? 1 : 0];
  Value w = op.getDpsInputs()[swapped ? 0 : 1];
  x = plan.x.apply(rewriter, loc, x);
  w = plan.w.apply(rewriter, loc, w);
  // The weight is a constant of the new layout where its data is at hand.
  if (std::optional<ConstantView> view = ConstantView::match(w);
      view && view->hasData()) {
    llvm::SetVector<Operation *> viewed;
    viewed.insert(w.getDefiningOp());
    rewriter.setInsertionPointAfter(view->getRoot());
    w = view->materialize(rewriter);
    rewriter.setInsertionPoint(op);
    imc::detail::eraseDead(rewriter, viewed, [](Operation *) {});
  }
  Value init = canonicalInit(op, plan);
  if (plan.kind != Plan::Matmul) {
    // A convolution may leave more rows unread than the stride explains.
    auto type = cast<RankedTensorType>(x.getType());
    ArrayRef<int64_t> kernel =
        cast<RankedTensorType>(w.getType()).getShape().take_back(2);
    ArrayRef<int64_t> out =
        cast<RankedTensorType>(init.getType()).getShape().take_back(2);
    SmallVector<int64_t> sizes(type.getShape());
    for (int i : {0, 1})
      sizes[sizes.size() - 2 + i] = (out[i] - 1) * plan.strides[i] +
                                    (kernel[i] - 1) * plan.dilations[i] + 1;
    bool exact = true;
    for (int i : {0, 1}) {
      size_t d = sizes.size() - 2 + i;
      exact &= (type.getDimSize(d) - sizes[d]) / plan.strides[i] == 0;
    }
    if (!exact) {
      SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)),
          strides(sizes.size(), rewriter.getIndexAttr(1)), extents;
      for (int64_t size : sizes)
        extents.push_back(rewriter.getIndexAttr(size));
      x = tensor::ExtractSliceOp::create(rewriter, loc, x, offsets, extents,
                                         strides);
    }
  }
  Operation *canonical = create(loc, plan, op, swapped, x, w, init);
  Value y = plan.y.undo(rewriter, loc, canonical->getResult(0),
                        cast<RankedTensorType>(op->getResult(0).getType()));
  rewriter.replaceOp(op, y);
  ++numProducts;
}

/// A matrix that is repeated for each element of a batch is one matrix, which
/// the loops of the batch do not move in.
linalg::LinalgOp Normalizer::absorbBroadcast(linalg::LinalgOp op) {
  for (unsigned i : {1u, 0u}) {
    auto repeat = op.getDpsInputs()[i].getDefiningOp<linalg::BroadcastOp>();
    if (!repeat || !ConstantView::match(repeat.getInput()))
      continue;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<AffineExpr> kept;
    for (auto [d, expr] : llvm::enumerate(maps[i].getResults()))
      if (!llvm::is_contained(repeat.getDimensions(), d))
        kept.push_back(expr);
    maps[i] = AffineMap::get(maps[i].getNumDims(), 0, kept, op.getContext());
    if (!inversePermutation(concatAffineMaps(maps, op.getContext())))
      continue; // the extent of a loop is known from nothing else
    SmallVector<Value> inputs(op.getDpsInputs());
    inputs[i] = repeat.getInput();
    rewriter.setInsertionPoint(op);
    auto generic = linalg::GenericOp::create(
        rewriter, op.getLoc(), op->getResultTypes(), inputs,
        ValueRange(op.getDpsInits()), maps, op.getIteratorTypesArray());
    rewriter.cloneRegionBefore(op->getRegion(0), generic.getRegion(),
                               generic.getRegion().begin());
    llvm::SetVector<Operation *> feeders;
    feeders.insert(repeat);
    rewriter.replaceOp(op, generic.getResults());
    imc::detail::eraseDead(rewriter, feeders, [](Operation *) {});
    return generic;
  }
  return op;
}

void Normalizer::visit(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.hasDynamicShape() || !op.hasPureTensorSemantics() ||
      op->getNumResults() != 1)
    return;
  op = absorbBroadcast(op);
  // With constants on both sides the right one is the weight, as everywhere.
  bool right = ConstantView::match(op.getDpsInputs()[1]).has_value();
  bool swapped = !right && ConstantView::match(op.getDpsInputs()[0]);
  if (!right && !swapped)
    return;
  std::optional<LoopRoles> roles = LoopRoles::infer(op, swapped);
  if (!roles || isCanonical(op, *roles, swapped))
    return;
  // A dot product with a constant fills one column and reads it once.
  if (roles->rows.empty() && roles->columns.empty() && roles->images.empty())
    return;
  if (std::optional<Plan> plan = makePlan(op, *roles))
    rewrite(op, *plan, swapped);
}

/// linalg.generic that only repeats or transposes becomes the named op, which
/// is what ConstantView and the search for a bias know.
static void nameMovements(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::GenericOp> generics;
  module.walk([&](linalg::GenericOp op) { generics.push_back(op); });
  for (linalg::GenericOp op : generics) {
    if (op.getNumDpsInputs() != 1 || !op.hasPureTensorSemantics() ||
        op.hasDynamicShape())
      continue;
    rewriter.setInsertionPoint(op);
    Value input = op.getDpsInputs()[0], init = op.getDpsInits()[0];
    if (!isa<RankedTensorType>(input.getType()))
      continue;
    if (auto dimensions = linalg::isaBroadcastOpInterface(op))
      rewriter.replaceOpWithNewOp<linalg::BroadcastOp>(op, input, init,
                                                       *dimensions);
    else if (auto permutation = linalg::isaTransposeOpInterface(op))
      rewriter.replaceOpWithNewOp<linalg::TransposeOp>(op, input, init,
                                                       *permutation);
  }
}

/// A slice of a constant is a constant: importers without grouped convolutions
/// cut the weights of each group out of the whole.
static void foldSlices(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<tensor::ExtractSliceOp> slices;
  module.walk([&](tensor::ExtractSliceOp op) { slices.push_back(op); });
  for (tensor::ExtractSliceOp op : slices) {
    std::optional<ConstantView> view = ConstantView::match(op.getSource());
    auto isStatic = [](ArrayRef<int64_t> values) {
      return llvm::none_of(values, ShapedType::isDynamic);
    };
    if (!view || !view->hasData() || !isStatic(op.getStaticOffsets()) ||
        !isStatic(op.getStaticSizes()) || !isStatic(op.getStaticStrides()))
      continue;
    Operation *root = view->getRoot();
    rewriter.setInsertionPointAfter(root);
    std::string name = getWeightName(root).str();
    if (view->isMissing()) {
      rewriter.replaceOpWithNewOp<imc::MissingWeightOp>(op, op.getType(), name);
      continue;
    }
    Operation *whole = view->materialize(rewriter).getDefiningOp();
    std::vector<char> storage;
    ArrayRef<char> data = getRawData(
        cast<ElementsAttr>(cast<arith::ConstantOp>(whole).getValue()), storage);
    unsigned width = view->getType().getElementTypeBitWidth();
    ArrayRef<int64_t> shape = view->getType().getShape();
    if (width % 8 != 0 || static_cast<int64_t>(data.size()) !=
                              view->getType().getNumElements() * (width / 8))
      continue;
    ArrayRef<int64_t> sizes = op.getStaticSizes();
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        op.getType().getNumElements() * (width / 8), /*align=*/64);
    char *out = blob.getMutableData().data();
    SmallVector<int64_t> index(sizes.size(), 0);
    for (int64_t i = 0, e = op.getType().getNumElements(); i < e; ++i) {
      int64_t at = 0;
      for (size_t d = 0; d < sizes.size(); ++d)
        at = at * shape[d] + op.getStaticOffsets()[d] +
             index[d] * op.getStaticStrides()[d];
      std::memcpy(out + i * (width / 8), data.data() + at * (width / 8),
                  width / 8);
      for (size_t d = sizes.size(); d-- > 0 && ++index[d] == sizes[d];)
        index[d] = 0;
    }
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op,
        cast<TypedAttr>(makeConstantData(op.getType(), name, std::move(blob))));
  }
}

namespace {
struct NormalizeProductsPass
    : public imc::impl::NormalizeProductsPassBase<NormalizeProductsPass> {
  using NormalizeProductsPassBase::NormalizeProductsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(requirePhase(module, Phase::Imported, getArgument())))
      return signalPassFailure();
    nameMovements(module);
    foldSlices(module);
    FailureOr<int64_t> separated = separateZeroPoints(module);
    if (failed(separated))
      return signalPassFailure();
    numZeroPoints += *separated;
    Normalizer normalizer(&getContext());
    SmallVector<linalg::LinalgOp> ops;
    module.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops)
      normalizer.visit(op);
    numProducts += normalizer.numProducts;
    setPhase(module, Phase::Imported);
  }
};
} // namespace
