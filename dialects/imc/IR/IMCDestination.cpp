//===- IMCDestination.cpp - What ops with a destination share -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace imc;

SmallVector<Type, 1> imc::detail::resultTypes(Value init) {
  if (isa<RankedTensorType>(init.getType()))
    return {init.getType()};
  return {};
}

void imc::detail::getDestinationEffects(
    DestinationStyleOpInterface op, bool accumulates,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isInit = op.isDpsInit(&operand);
    if (!isInit || accumulates)
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (isInit)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

Speculation::Speculatability
imc::detail::getDestinationSpeculatability(DestinationStyleOpInterface op) {
  // On tensors nothing can be observed; on memrefs a write would be.
  return op.hasPureTensorSemantics() ? Speculation::Speculatable
                                     : Speculation::NotSpeculatable;
}

LogicalResult
imc::detail::reifyDestinationShapes(DestinationStyleOpInterface op,
                                    OpBuilder &b,
                                    ReifiedRankedShapedTypeDims &shapes) {
  if (op->getNumResults() != 1)
    return failure();
  shapes.push_back(
      tensor::getMixedSizes(b, op->getLoc(), op.getDpsInitOperand(0)->get()));
  return success();
}

bufferization::AliasingValueList
imc::detail::getDestinationAliases(DestinationStyleOpInterface op,
                                   OpOperand &operand) {
  if (!op.isDpsInit(&operand))
    return {};
  return {{op.getTiedOpResult(&operand),
           bufferization::BufferRelation::Equivalent}};
}

LogicalResult imc::detail::bufferizeDestinationOp(
    DestinationStyleOpInterface op, RewriterBase &rewriter,
    const bufferization::BufferizationOptions &options,
    bufferization::BufferizationState &state) {
  if (op.hasPureBufferSemantics())
    return success();
  // A mixture would need copies whose place is not ours to choose.
  if (!op.hasPureTensorSemantics())
    return op->emitOpError("mixes tensors and memrefs, which cannot be "
                           "bufferized; use one or the other for all operands");
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<Value> buffers;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> buffer =
        bufferization::getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  Value destination = buffers[op.getDpsInitOperand(0)->getOperandNumber()];
  OperationState copy(op->getLoc(), op->getName(), buffers, TypeRange{},
                      op->getDiscardableAttrDictionary().getValue());
  copy.propertiesAttr = op->getPropertiesAsAttribute();
  rewriter.create(copy);
  bufferization::replaceOpWithBufferizedValues(rewriter, op, destination);
  return success();
}
