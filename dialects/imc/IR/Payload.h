//===- Payload.h - Integers that hold operands ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_DIALECT_PAYLOAD_H
#define IMC_DIALECT_PAYLOAD_H

#include "dialects/imc/IR/IMC.h"
#include "mlir/IR/TypeUtilities.h"

namespace imc {

/// Width of the integers that hold payloads of `bits` bits: i8 up to 8, i16
/// above.
inline unsigned payloadWidth(int64_t bits) { return bits <= 8 ? 8 : 16; }

/// Whether operands of integer products have this element type.
inline bool isPayload(mlir::Type type) {
  return type.isInteger(8) || type.isInteger(16);
}

/// Whether an imc product multiplies integers of the model itself, which no
/// pass changes.
inline bool isInModelIntegers(mlir::Operation *product) {
  return product->hasAttr(IMCDialect::inputBitsAttrName) &&
         isPayload(mlir::getElementTypeOrSelf(product->getOperand(0)));
}

} // namespace imc

#endif // IMC_DIALECT_PAYLOAD_H
