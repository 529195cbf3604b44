//===- LoopRoles.cpp - What the loops of a product are for ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopRoles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imc::detail;

/// A sum of loops with positive factors, as (loop, factor); nothing for other
/// expressions.
static std::optional<SmallVector<std::pair<unsigned, int64_t>, 2>>
readSum(AffineExpr expr) {
  SmallVector<std::pair<unsigned, int64_t>, 2> terms;
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    terms.push_back({dim.getPosition(), 1});
    return terms;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Mul) {
    auto dim = dyn_cast<AffineDimExpr>(binary.getLHS());
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (!dim || !factor || factor.getValue() < 1)
      return std::nullopt;
    terms.push_back({dim.getPosition(), factor.getValue()});
    return terms;
  }
  if (binary.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto left = readSum(binary.getLHS()), right = readSum(binary.getRHS());
  if (!left || !right || left->size() != 1 || right->size() != 1)
    return std::nullopt;
  terms.push_back((*left)[0]);
  terms.push_back((*right)[0]);
  return terms;
}

/// Where each loop stands in a map whose results are plain, distinct loops.
static bool readPlain(AffineMap map, SmallVectorImpl<int64_t> &position) {
  position.assign(map.getNumDims(), -1);
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || position[dim.getPosition()] >= 0)
      return false;
    position[dim.getPosition()] = i;
  }
  return true;
}

std::optional<LoopRoles> LoopRoles::infer(linalg::LinalgOp op, bool swapped) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return std::nullopt;
  auto isPair = [](Operation *mul, Operation *add) {
    return (isa<arith::MulFOp>(mul) && isa<arith::AddFOp>(add)) ||
           (isa<arith::MulIOp>(mul) && isa<arith::AddIOp>(add));
  };
  if (!linalg::detail::isContractionBody(*op.getBlock(), isPair))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap x = maps[swapped ? 1 : 0], w = maps[swapped ? 0 : 1], y = maps[2];
  LoopRoles roles;
  if (!readPlain(w, roles.inW) || !readPlain(y, roles.inY))
    return std::nullopt;
  const unsigned numLoops = op.getNumLoops();
  roles.inX.assign(numLoops, -1);
  SmallVector<bool> isFilter(numLoops, false), isImage(numLoops, false);
  for (auto [i, expr] : llvm::enumerate(x.getResults())) {
    auto terms = readSum(expr);
    if (!terms)
      return std::nullopt;
    for (auto [loop, factor] : *terms)
      if (roles.inX[loop] >= 0 || isFilter[loop])
        return std::nullopt;
    if (terms->size() == 1) {
      auto [loop, factor] = (*terms)[0];
      roles.inX[loop] = i;
      if (factor == 1)
        continue;
      if (roles.inY[loop] < 0 || roles.inW[loop] >= 0)
        return std::nullopt;
      isImage[loop] = true;
      roles.images.push_back({loop, std::nullopt, factor, 1});
      continue;
    }
    auto out = (*terms)[0], filter = (*terms)[1];
    if (roles.inY[out.first] < 0)
      std::swap(out, filter);
    if (roles.inY[out.first] < 0 || roles.inW[out.first] >= 0 ||
        roles.inY[filter.first] >= 0 || roles.inW[filter.first] < 0 ||
        out.first == filter.first)
      return std::nullopt;
    roles.inX[out.first] = i;
    isImage[out.first] = true;
    isFilter[filter.first] = true;
    roles.images.push_back(
        {out.first, filter.first, out.second, filter.second});
  }
  for (unsigned loop = 0; loop < numLoops; ++loop) {
    if (isFilter[loop] || isImage[loop])
      continue;
    bool x = roles.inX[loop] >= 0, w = roles.inW[loop] >= 0,
         y = roles.inY[loop] >= 0;
    if (x && w && y)
      roles.depth.push_back(loop);
    else if (x && y)
      roles.rows.push_back(loop);
    else if (w && y)
      roles.columns.push_back(loop);
    else if (x && w)
      roles.reductions.push_back(loop);
    else
      return std::nullopt;
  }
  // Without a sum it is an element-wise or outer product, which arrays do not
  // help with.
  if (roles.reductions.empty() &&
      llvm::none_of(isFilter, [](bool b) { return b; }))
    return std::nullopt;
  return roles;
}

/// The casts between a block argument and the product, from the product back.
static SmallVector<StringRef> castsOf(Value value, Value &argument) {
  SmallVector<StringRef> casts;
  while (Operation *op = value.getDefiningOp()) {
    if (op->getNumOperands() != 1)
      return {"?"};
    casts.push_back(op->getName().getStringRef());
    value = op->getOperand(0);
  }
  argument = value;
  return casts;
}

bool imc::detail::hasBodyOf(linalg::LinalgOp op, linalg::LinalgOp other,
                            bool swapped) {
  struct Body {
    Operation *add = nullptr, *mul = nullptr;
    SmallVector<StringRef> casts[2];
  };
  auto read = [](linalg::LinalgOp op, bool swapped) {
    Body body;
    Block *block = op.getBlock();
    for (Operation &inner : block->without_terminator()) {
      if (isa<arith::MulFOp, arith::MulIOp>(inner))
        body.mul = &inner;
      else if (isa<arith::AddFOp, arith::AddIOp>(inner))
        body.add = &inner;
    }
    if (!body.mul || !body.add ||
        body.add->getResult(0) != block->getTerminator()->getOperand(0) ||
        !llvm::is_contained(body.add->getOperands(), block->getArgument(2)) ||
        !llvm::is_contained(body.add->getOperands(), body.mul->getResult(0))) {
      body.mul = nullptr;
      return body;
    }
    for (Value operand : body.mul->getOperands()) {
      Value argument;
      SmallVector<StringRef> casts = castsOf(operand, argument);
      if (!argument || argument == block->getArgument(2)) {
        body.mul = nullptr;
        return body;
      }
      unsigned index = cast<BlockArgument>(argument).getArgNumber();
      body.casts[swapped ? 1 - index : index] = casts;
    }
    return body;
  };
  Body a = read(op, swapped), b = read(other, false);
  return a.mul && b.mul && a.mul->getName() == b.mul->getName() &&
         a.add->getName() == b.add->getName() && a.casts[0] == b.casts[0] &&
         a.casts[1] == b.casts[1];
}
