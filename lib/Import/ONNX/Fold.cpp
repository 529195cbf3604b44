//===- Fold.cpp - Evaluation of what is known at import -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "FoldScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace imc::onnximport {

FoldedScalar FoldedArray::at(int64_t i) const {
  if (!known)
    return values[i];
  FoldedScalar scalar;
  if (known->isInteger())
    scalar.i = cutTo(element, known->integer(i));
  else
    scalar.f = known->real(i);
  return scalar;
}

bool Evaluator::spend(int64_t operations) {
  if (operations > budget)
    return false;
  budget -= operations;
  return true;
}

std::optional<FoldedArray> Evaluator::start(Type type, int64_t cost) {
  auto tensorType = cast<RankedTensorType>(type);
  FoldedArray array{tensorType.getElementType(), {}, nullptr, {}};
  array.shape.assign(tensorType.getShape().begin(),
                     tensorType.getShape().end());
  int64_t count = tensorType.getNumElements();
  if (count > kMaxFoldedElements || !spend(count + cost))
    return std::nullopt;
  array.values.resize(count);
  return array;
}

/// The strides of a row-major tensor.
static SmallVector<int64_t, 4> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 4> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

/// Calls `body(index)` for each index within `ranges`, the last one fastest.
template <typename Body>
static bool forEachIndex(ArrayRef<int64_t> ranges, Body body) {
  if (llvm::is_contained(ranges, 0))
    return true;
  SmallVector<int64_t, 6> index(ranges.size(), 0);
  while (true) {
    if (!body(ArrayRef<int64_t>(index)))
      return false;
    size_t d = ranges.size();
    while (d > 0 && ++index[d - 1] == ranges[d - 1])
      index[--d] = 0;
    if (d == 0)
      return true;
  }
}

/// A scalar constant outside of any loop, as a number.
static std::optional<FoldedScalar> scalarConstant(Value value) {
  Attribute attribute;
  FoldedScalar scalar;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(attribute))
    scalar.f = number.getValueAsDouble();
  else if (auto integer = dyn_cast<IntegerAttr>(attribute))
    scalar.i = integer.getValue().getSExtValue();
  else
    return std::nullopt;
  return scalar;
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

namespace {

/// An affine expression of the loop indices as coefficients and a constant.
struct Linear {
  SmallVector<int64_t, 6> coefficients;
  int64_t constant = 0;

  int64_t at(ArrayRef<int64_t> index) const {
    int64_t value = constant;
    for (auto [c, i] : llvm::zip(coefficients, index))
      value += c * i;
    return value;
  }
};

/// The body of a structured op, ready to run: values in slots, ops in order.
struct Body {
  struct Step {
    Operation *op;
    SmallVector<unsigned, 3> operands;
    unsigned result;
    const FoldedArray *array = nullptr; ///< of a tensor.extract
  };
  SmallVector<FoldedScalar, 32> slots;
  llvm::SmallDenseMap<Value, unsigned, 32> slotOf;
  std::vector<Step> steps;
  SmallVector<unsigned, 2> yielded;

  unsigned slot(Value value) {
    auto [it, added] = slotOf.try_emplace(value, slots.size());
    if (added)
      slots.emplace_back();
    return it->second;
  }
  /// The slot of an operand: of the body, or a constant around it.
  std::optional<unsigned> operand(Value value) {
    auto found = slotOf.find(value);
    if (found != slotOf.end())
      return found->second;
    std::optional<FoldedScalar> constant = scalarConstant(value);
    if (!constant)
      return std::nullopt;
    unsigned index = slot(value);
    slots[index] = *constant;
    return index;
  }
  bool run(ArrayRef<int64_t> index);
};

} // namespace

static bool addLinear(AffineExpr expr, int64_t factor, Linear &linear) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    linear.coefficients[dim.getPosition()] += factor;
    return true;
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    linear.constant += factor * constant.getValue();
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, linear) &&
           addLinear(binary.getRHS(), factor, linear);
  auto scale = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && scale &&
         addLinear(binary.getLHS(), factor * scale.getValue(), linear);
}

/// Offset in a row-major tensor of `shape` that `map` accesses.
static std::optional<Linear> linearize(AffineMap map, ArrayRef<int64_t> shape) {
  Linear linear;
  linear.coefficients.assign(map.getNumDims(), 0);
  for (auto [expr, stride] : llvm::zip(map.getResults(), stridesOf(shape)))
    if (!addLinear(expr, stride, linear))
      return std::nullopt;
  return linear;
}

bool Body::run(ArrayRef<int64_t> index) {
  SmallVector<FoldedScalar, 4> operands;
  for (const Step &step : steps) {
    operands.clear();
    for (unsigned slot : step.operands)
      operands.push_back(slots[slot]);
    if (auto loop = dyn_cast<linalg::IndexOp>(step.op)) {
      slots[step.result].i = index[loop.getDim()];
    } else if (step.array) {
      int64_t offset = 0;
      for (auto [i, stride, size] : llvm::zip(
               operands, stridesOf(step.array->shape), step.array->shape)) {
        if (i.i < 0 || i.i >= size)
          return false;
        offset += i.i * stride;
      }
      slots[step.result] = step.array->at(offset);
    } else {
      std::optional<FoldedScalar> value = evaluateScalar(step.op, operands);
      if (!value)
        return false;
      slots[step.result] = *value;
    }
  }
  return true;
}

std::optional<FoldedArray> Evaluator::computeLinalg(OpResult result) {
  auto op = cast<linalg::LinalgOp>(result.getOwner());
  SmallVector<int64_t, 4> ranges = op.getStaticLoopRanges();
  int64_t iterations = 1;
  for (int64_t range : ranges)
    if (range < 0 || (range > 0 && iterations > kFoldBudget / range))
      return std::nullopt;
    else
      iterations *= range;

  Block &block = *op.getBlock();
  Body body;
  for (Value argument : block.getArguments())
    body.slot(argument);
  for (Operation &inner : block.without_terminator()) {
    if (inner.getNumRegions() != 0 || inner.getNumResults() != 1)
      return std::nullopt;
    Body::Step step{&inner, {}, 0};
    ValueRange operands = inner.getOperands();
    if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
      step.array = get(extract.getTensor());
      if (!step.array)
        return std::nullopt;
      operands = extract.getIndices();
    }
    for (Value operand : operands) {
      std::optional<unsigned> slot = body.operand(operand);
      if (!slot)
        return std::nullopt;
      step.operands.push_back(*slot);
    }
    step.result = body.slot(inner.getResult(0));
    if (std::optional<FoldedScalar> constant =
            scalarConstant(inner.getResult(0)))
      body.slots[step.result] = *constant;
    else
      body.steps.push_back(std::move(step));
  }
  for (Value value : block.getTerminator()->getOperands()) {
    std::optional<unsigned> slot = body.operand(value);
    if (!slot)
      return std::nullopt;
    body.yielded.push_back(*slot);
  }

  struct Access {
    const FoldedArray *array;
    std::optional<FoldedScalar> scalar;
    Linear offset;
    unsigned slot;
  };
  std::vector<Access> inputs;
  for (OpOperand &operand : op->getOpOperands()) {
    Access access{nullptr, std::nullopt, {}, 0};
    access.slot = body.slot(op.getMatchingBlockArgument(&operand));
    if (!isa<RankedTensorType>(operand.get().getType())) {
      access.scalar = scalarConstant(operand.get());
      if (!access.scalar)
        return std::nullopt;
      body.slots[access.slot] = *access.scalar;
      continue;
    }
    if (op.isDpsInit(&operand))
      continue;
    access.array = get(operand.get());
    std::optional<Linear> offset =
        access.array ? linearize(op.getMatchingIndexingMap(&operand),
                                 access.array->shape)
                     : std::nullopt;
    if (!offset)
      return std::nullopt;
    access.offset = *offset;
    inputs.push_back(std::move(access));
  }

  // All results are computed at once; the others are kept for later questions.
  if (!spend(iterations * int64_t(1 + body.steps.size())))
    return std::nullopt;
  std::vector<FoldedArray> outputs;
  std::vector<std::pair<Linear, unsigned>> writes;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    const FoldedArray *initial = get(init.get());
    std::optional<FoldedArray> output =
        initial ? start(init.get().getType()) : std::nullopt;
    std::optional<Linear> offset =
        output ? linearize(op.getMatchingIndexingMap(&init), output->shape)
               : std::nullopt;
    if (!offset)
      return std::nullopt;
    for (size_t i = 0; i < output->values.size(); ++i)
      output->values[i] = initial->at(i);
    outputs.push_back(std::move(*output));
    writes.emplace_back(*offset, body.slot(op.getMatchingBlockArgument(&init)));
  }
  bool done = forEachIndex(ranges, [&](ArrayRef<int64_t> index) {
    for (const Access &input : inputs)
      body.slots[input.slot] = input.array->at(input.offset.at(index));
    for (auto [output, write] : llvm::zip(outputs, writes))
      body.slots[write.second] = output.values[write.first.at(index)];
    if (!body.run(index))
      return false;
    for (auto [output, write, slot] : llvm::zip(outputs, writes, body.yielded))
      output.values[write.first.at(index)] = body.slots[slot];
    return true;
  });
  if (!done)
    return std::nullopt;
  return std::move(outputs[result.getResultNumber()]);
}

//===----------------------------------------------------------------------===//
// Moving data
//===----------------------------------------------------------------------===//

/// Copies an array of `sizes` between two places given by offset and strides.
static void copy(const FoldedArray &from, int64_t fromOffset,
                 ArrayRef<int64_t> fromStrides, FoldedArray &to,
                 int64_t toOffset, ArrayRef<int64_t> toStrides,
                 ArrayRef<int64_t> sizes) {
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    int64_t source = fromOffset, target = toOffset;
    for (size_t d = 0; d < sizes.size(); ++d) {
      source += index[d] * fromStrides[d];
      target += index[d] * toStrides[d];
    }
    to.values[target] = from.at(source);
    return true;
  });
}

/// The strides of the slice (op) in a tensor of `shape`, and its offset.
template <typename SliceOp>
static std::optional<std::pair<int64_t, SmallVector<int64_t, 4>>>
sliceOf(SliceOp op, ArrayRef<int64_t> shape) {
  if (ShapedType::isDynamicShape(op.getStaticOffsets()) ||
      ShapedType::isDynamicShape(op.getStaticSizes()) ||
      ShapedType::isDynamicShape(op.getStaticStrides()))
    return std::nullopt;
  int64_t offset = 0;
  SmallVector<int64_t, 4> strides = stridesOf(shape);
  for (size_t d = 0; d < shape.size(); ++d) {
    offset += op.getStaticOffsets()[d] * strides[d];
    strides[d] *= op.getStaticStrides()[d];
  }
  return std::make_pair(offset, strides);
}

std::optional<FoldedArray> Evaluator::compute(OpResult result) {
  using Result = std::optional<FoldedArray>;
  Type type = result.getType();
  return llvm::TypeSwitch<Operation *, Result>(result.getOwner())
      .Case([&](linalg::LinalgOp) { return computeLinalg(result); })
      .Case([&](tensor::EmptyOp) { return start(type); })
      .Case([&](arith::ConstantOp op) -> Result {
        auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
        Result array = dense ? start(type) : std::nullopt;
        if (!array)
          return std::nullopt;
        if (auto elements = dense.tryGetValues<APFloat>(); succeeded(elements))
          for (auto [i, value] : llvm::enumerate(*elements))
            array->values[i].f =
                FloatAttr::get(array->element, value).getValueAsDouble();
        else
          for (auto [i, value] : llvm::enumerate(dense.getValues<APInt>()))
            array->values[i].i = value.getSExtValue();
        return array;
      })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto op) -> Result {
            const FoldedArray *source = get(op.getSrc());
            Result array = source ? start(type) : std::nullopt;
            if (array)
              for (size_t i = 0; i < array->values.size(); ++i)
                array->values[i] = source->at(i);
            return array;
          })
      .Case([&](tensor::ExtractSliceOp op) -> Result {
        const FoldedArray *source = get(op.getSource());
        auto slice = source ? sliceOf(op, source->shape) : std::nullopt;
        Result array = slice ? start(type) : std::nullopt;
        if (!array)
          return std::nullopt;
        // Dimensions that the result drops have size 1 and do not move.
        copy(*source, slice->first, slice->second, *array, 0,
             stridesOf(op.getStaticSizes()), op.getStaticSizes());
        return array;
      })
      .Case([&](tensor::InsertSliceOp op) -> Result {
        const FoldedArray *source = get(op.getSource());
        const FoldedArray *target = get(op.getDest());
        if (!source || !target)
          return std::nullopt;
        auto slice = sliceOf(op, target->shape);
        Result array = slice ? start(type) : std::nullopt;
        if (!array)
          return std::nullopt;
        for (size_t i = 0; i < array->values.size(); ++i)
          array->values[i] = target->at(i);
        copy(*source, 0, stridesOf(op.getStaticSizes()), *array, slice->first,
             slice->second, op.getStaticSizes());
        return array;
      })
      .Case([&](tensor::PadOp op) -> Result {
        const FoldedArray *source = get(op.getSource());
        Value padding = op.getConstantPaddingValue();
        std::optional<FoldedScalar> value =
            padding ? scalarConstant(padding) : std::nullopt;
        Result array = source && value ? start(type) : std::nullopt;
        if (!array || ShapedType::isDynamicShape(op.getStaticLow()))
          return std::nullopt;
        std::fill(array->values.begin(), array->values.end(), *value);
        SmallVector<int64_t, 4> strides = stridesOf(array->shape);
        int64_t offset = 0;
        for (auto [low, stride] : llvm::zip(op.getStaticLow(), strides))
          offset += low * stride;
        copy(*source, 0, stridesOf(source->shape), *array, offset, strides,
             source->shape);
        return array;
      })
      .Default([](Operation *) { return std::nullopt; });
}

const FoldedArray *Evaluator::get(Value value) {
  auto [it, added] = arrays.try_emplace(value);
  if (!added)
    return it->second.get();
  if (auto found = known.find(value); found != known.end()) {
    auto array = std::make_unique<FoldedArray>();
    array->element = cast<RankedTensorType>(value.getType()).getElementType();
    array->shape.assign(found->second.shape().begin(),
                        found->second.shape().end());
    array->known = &found->second;
    return (arrays[value] = std::move(array)).get();
  }
  auto result = dyn_cast<OpResult>(value);
  std::optional<FoldedArray> array = result ? compute(result) : std::nullopt;
  if (!array)
    return nullptr;
  // Looked up again: computing has added others.
  return (arrays[value] = std::make_unique<FoldedArray>(std::move(*array)))
      .get();
}

std::optional<Constant> Evaluator::evaluate(Value value, StringRef name,
                                            int onnxType) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getNumElements() > kMaxFoldedElements)
    return std::nullopt;
  if (auto found = known.find(value); found != known.end())
    return found->second.renamed(name);
  const FoldedArray *array = get(value);
  if (!array)
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape();
  int64_t count = type.getNumElements();
  auto collect = [&](auto convert) {
    std::vector<decltype(convert(FoldedScalar()))> numbers;
    numbers.reserve(count);
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(convert(array->at(i)));
    return makeBlob(std::move(numbers));
  };
  std::shared_ptr<Blob> blob;
  if (type.getElementType().isF32()) {
    blob = collect([](FoldedScalar x) { return float(x.f); });
  } else if (type.getElementType().isF64()) {
    blob = collect([](FoldedScalar x) { return x.f; });
  } else if (auto half = dyn_cast<FloatType>(type.getElementType())) {
    blob = collect([&](FoldedScalar x) {
      llvm::APFloat number(x.f);
      bool losesInfo;
      number.convert(half.getFloatSemantics(),
                     llvm::APFloat::rmNearestTiesToEven, &losesInfo);
      return uint16_t(number.bitcastToAPInt().getZExtValue());
    });
  } else {
    std::vector<int64_t> integers;
    bool isBool = type.getElementType().isInteger(1);
    for (int64_t i = 0; i < count; ++i)
      integers.push_back(isBool ? int64_t(array->at(i).i != 0)
                                : array->at(i).i);
    return Constant::makeIntegers(name, shape, integers, onnxType);
  }
  return Constant::make(name, shape, onnxType, std::move(blob));
}

} // namespace imc::onnximport
