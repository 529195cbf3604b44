//===- FoldScalar.cpp - Scalar operations at import -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FoldScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace imc::onnximport {

double roundTo(Type type, double value) {
  if (type.isF64())
    return value;
  if (type.isF32())
    return float(value);
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(cast<FloatType>(type).getFloatSemantics(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  number.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

int64_t cutTo(Type type, int64_t value) {
  if (!type.isInteger() || type.getIntOrFloatBitWidth() == 64)
    return value;
  return llvm::SignExtend64(uint64_t(value), type.getIntOrFloatBitWidth());
}

/// The bits of an integer as an unsigned number.
static uint64_t bitsOf(Type type, int64_t value) {
  if (!type.isInteger() || type.getIntOrFloatBitWidth() == 64)
    return uint64_t(value);
  return uint64_t(value) &
         llvm::maskTrailingOnes<uint64_t>(type.getIntOrFloatBitWidth());
}

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                    uint64_t ua, uint64_t ub) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return a < b;
  case arith::CmpIPredicate::sle:
    return a <= b;
  case arith::CmpIPredicate::sgt:
    return a > b;
  case arith::CmpIPredicate::sge:
    return a >= b;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  llvm_unreachable("all predicates are above");
}

/// Like MLIR's maximumf and minimumf: NaN wins, -0 < 0.
static double extreme(double a, double b, bool maximum) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == b)
    return std::signbit(a) == maximum ? b : a;
  return (a > b) == maximum ? a : b;
}

/// The nearest integer of the type's range toward zero, as far as defined.
static std::optional<int64_t> toInteger(double x, Type type, bool isUnsigned) {
  double limit =
      std::ldexp(1.0, type.getIntOrFloatBitWidth() - (isUnsigned ? 0 : 1));
  double whole = std::trunc(x);
  if (std::isnan(x) || whole >= limit || whole < (isUnsigned ? 0.0 : -limit))
    return std::nullopt;
  return isUnsigned ? int64_t(uint64_t(whole)) : int64_t(whole);
}

static std::optional<double> evaluateFloat(Operation *op,
                                           ArrayRef<FoldedScalar> x) {
  auto a = [&] { return x[0].f; };
  auto b = [&] { return x[1].f; };
  bool isSingle = op->getResult(0).getType().isF32();
  // The single-precision function is what the program would call.
  auto call = [&](float (*single)(float), double (*full)(double)) {
    return isSingle ? double(single(float(a()))) : full(a());
  };
#define IMC_UNARY(OP, FUNCTION)                                                \
  .Case([&](OP) -> Result {                                                    \
    return call([](float v) { return std::FUNCTION(v); },                      \
                [](double v) { return std::FUNCTION(v); });                    \
  })
  using Result = std::optional<double>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::AddFOp) -> Result { return a() + b(); })
      .Case([&](arith::SubFOp) -> Result { return a() - b(); })
      .Case([&](arith::MulFOp) -> Result { return a() * b(); })
      .Case([&](arith::DivFOp) -> Result { return a() / b(); })
      .Case([&](arith::RemFOp) -> Result { return std::fmod(a(), b()); })
      .Case([&](arith::NegFOp) -> Result { return -a(); })
      .Case(
          [&](arith::MaximumFOp) -> Result { return extreme(a(), b(), true); })
      .Case(
          [&](arith::MinimumFOp) -> Result { return extreme(a(), b(), false); })
      .Case([&](arith::MaxNumFOp) -> Result { return std::fmax(a(), b()); })
      .Case([&](arith::MinNumFOp) -> Result { return std::fmin(a(), b()); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) -> Result { return a(); })
      .Case([&](arith::SIToFPOp) -> Result {
        return isSingle ? double(float(x[0].i)) : double(x[0].i);
      })
      .Case([&](arith::UIToFPOp convert) -> Result {
        uint64_t bits = bitsOf(convert.getIn().getType(), x[0].i);
        return isSingle ? double(float(bits)) : double(bits);
      })
      .Case([&](math::AbsFOp) -> Result { return std::fabs(a()); })
      .Case([&](math::CopySignOp) -> Result { return std::copysign(a(), b()); })
      .Case([&](math::FmaOp) -> Result { return std::fma(a(), b(), x[2].f); })
      .Case([&](math::RoundEvenOp) -> Result { return std::nearbyint(a()); })
      .Case([&](math::PowFOp) -> Result {
        return isSingle ? double(std::pow(float(a()), float(b())))
                        : std::pow(a(), b());
      })
      .Case([&](math::Atan2Op) -> Result {
        return isSingle ? double(std::atan2(float(a()), float(b())))
                        : std::atan2(a(), b());
      })
      .Case([&](math::RsqrtOp) -> Result {
        return roundTo(op->getResult(0).getType(), 1.0) /
               call([](float v) { return std::sqrt(v); },
                    [](double v) { return std::sqrt(v); });
      }) IMC_UNARY(math::CeilOp, ceil) IMC_UNARY(math::FloorOp, floor)
          IMC_UNARY(math::TruncOp, trunc) IMC_UNARY(
              math::RoundOp, round) IMC_UNARY(math::SqrtOp,
                                              sqrt) IMC_UNARY(math::ExpOp, exp)
              IMC_UNARY(math::Exp2Op, exp2) IMC_UNARY(math::ExpM1Op, expm1)
                  IMC_UNARY(math::LogOp, log) IMC_UNARY(math::Log1pOp, log1p)
                      IMC_UNARY(math::Log2Op, log2) IMC_UNARY(
                          math::Log10Op, log10) IMC_UNARY(math::SinOp, sin)
                          IMC_UNARY(math::CosOp, cos) IMC_UNARY(
                              math::TanOp, tan) IMC_UNARY(math::AsinOp, asin)
                              IMC_UNARY(math::AcosOp,
                                        acos) IMC_UNARY(math::AtanOp, atan)
                                  IMC_UNARY(math::SinhOp,
                                            sinh) IMC_UNARY(math::CoshOp, cosh)
                                      IMC_UNARY(math::TanhOp, tanh) IMC_UNARY(
                                          math::AsinhOp, asinh)
                                          IMC_UNARY(math::AcoshOp, acosh)
                                              IMC_UNARY(math::AtanhOp, atanh)
                                                  IMC_UNARY(math::ErfOp, erf)
      .Default([](Operation *) { return std::nullopt; });
#undef IMC_UNARY
}

static std::optional<int64_t> evaluateInteger(Operation *op,
                                              ArrayRef<FoldedScalar> x) {
  using Result = std::optional<int64_t>;
  Type operandType =
      op->getNumOperands() ? op->getOperand(0).getType() : Type();
  auto a = [&] { return x[0].i; };
  auto b = [&] { return x[1].i; };
  auto ua = [&] { return bitsOf(operandType, x[0].i); };
  auto ub = [&] { return bitsOf(operandType, x[1].i); };
  auto divides = [&] {
    return b() != 0 &&
           !(b() == -1 && a() == std::numeric_limits<int64_t>::min());
  };
  unsigned width = operandType && operandType.isInteger()
                       ? operandType.getIntOrFloatBitWidth()
                       : 64;
  auto shifts = [&] { return ub() < width; };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::AddIOp) -> Result {
        return int64_t(uint64_t(a()) + uint64_t(b()));
      })
      .Case([&](arith::SubIOp) -> Result {
        return int64_t(uint64_t(a()) - uint64_t(b()));
      })
      .Case([&](arith::MulIOp) -> Result {
        return int64_t(uint64_t(a()) * uint64_t(b()));
      })
      .Case([&](arith::DivSIOp) -> Result {
        return divides() ? Result(a() / b()) : std::nullopt;
      })
      .Case([&](arith::RemSIOp) -> Result {
        return divides() ? Result(a() % b()) : std::nullopt;
      })
      .Case([&](arith::FloorDivSIOp) -> Result {
        return divides() ? Result(llvm::divideFloorSigned(a(), b()))
                         : std::nullopt;
      })
      .Case([&](arith::CeilDivSIOp) -> Result {
        return divides() ? Result(llvm::divideCeilSigned(a(), b()))
                         : std::nullopt;
      })
      .Case([&](arith::DivUIOp) -> Result {
        return ub() ? Result(ua() / ub()) : std::nullopt;
      })
      .Case([&](arith::RemUIOp) -> Result {
        return ub() ? Result(ua() % ub()) : std::nullopt;
      })
      .Case([&](arith::AndIOp) -> Result { return a() & b(); })
      .Case([&](arith::OrIOp) -> Result { return a() | b(); })
      .Case([&](arith::XOrIOp) -> Result { return a() ^ b(); })
      .Case([&](arith::ShLIOp) -> Result {
        return shifts() ? Result(ua() << ub()) : std::nullopt;
      })
      .Case([&](arith::ShRUIOp) -> Result {
        return shifts() ? Result(ua() >> ub()) : std::nullopt;
      })
      .Case([&](arith::ShRSIOp) -> Result {
        return shifts() ? Result(a() >> ub()) : std::nullopt;
      })
      .Case([&](arith::MaxSIOp) -> Result { return std::max(a(), b()); })
      .Case([&](arith::MinSIOp) -> Result { return std::min(a(), b()); })
      .Case([&](arith::MaxUIOp) -> Result { return std::max(ua(), ub()); })
      .Case([&](arith::MinUIOp) -> Result { return std::min(ua(), ub()); })
      .Case([&](math::AbsIOp) -> Result {
        return int64_t(a() < 0 ? 0 - uint64_t(a()) : uint64_t(a()));
      })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(
          [&](auto) -> Result {
            // i1 to index is an extension of the sign like any other.
            return a();
          })
      .Case<arith::ExtUIOp, arith::IndexCastUIOp>(
          [&](auto) -> Result { return int64_t(ua()); })
      .Case([&](arith::FPToSIOp convert) -> Result {
        return toInteger(x[0].f, convert.getType(), false);
      })
      .Case([&](arith::FPToUIOp convert) -> Result {
        return toInteger(x[0].f, convert.getType(), true);
      })
      .Case([&](arith::CmpIOp cmp) -> Result {
        return compare(cmp.getPredicate(), a(), b(), ua(), ub()) ? -1 : 0;
      })
      .Case([&](arith::CmpFOp cmp) -> Result {
        return arith::applyCmpPredicate(cmp.getPredicate(),
                                        llvm::APFloat(x[0].f),
                                        llvm::APFloat(x[1].f))
                   ? -1
                   : 0;
      })
      .Case(
          [&](math::IsNaNOp) -> Result { return std::isnan(x[0].f) ? -1 : 0; })
      .Case(
          [&](math::IsInfOp) -> Result { return std::isinf(x[0].f) ? -1 : 0; })
      .Case([&](math::IsFiniteOp) -> Result {
        return std::isfinite(x[0].f) ? -1 : 0;
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<FoldedScalar> evaluateScalar(Operation *op,
                                           ArrayRef<FoldedScalar> x) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  if (isa<arith::SelectOp>(op))
    return x[0].i != 0 ? x[1] : x[2];
  Type type = op->getResult(0).getType();
  FoldedScalar result;
  if (isa<arith::BitcastOp>(op)) {
    Type from = op->getOperand(0).getType();
    uint64_t bits = isa<FloatType>(from) ? FloatAttr::get(from, x[0].f)
                                               .getValue()
                                               .bitcastToAPInt()
                                               .getZExtValue()
                                         : bitsOf(from, x[0].i);
    if (auto floating = dyn_cast<FloatType>(type))
      result.f =
          FloatAttr::get(
              type,
              llvm::APFloat(floating.getFloatSemantics(),
                            llvm::APInt(type.getIntOrFloatBitWidth(), bits)))
              .getValueAsDouble();
    else
      result.i = cutTo(type, int64_t(bits));
    return result;
  }
  if (isa<FloatType>(type)) {
    std::optional<double> value = evaluateFloat(op, x);
    if (!value)
      return std::nullopt;
    result.f = roundTo(type, *value);
    return result;
  }
  if (!type.isIntOrIndex())
    return std::nullopt;
  std::optional<int64_t> value = evaluateInteger(op, x);
  if (!value)
    return std::nullopt;
  result.i = cutTo(type, *value);
  return result;
}

} // namespace imc::onnximport
