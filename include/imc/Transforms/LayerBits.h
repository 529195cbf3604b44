//===- LayerBits.h - Precision of single layers -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_LAYERBITS_H
#define IMC_TRANSFORMS_LAYERBITS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace imc {

/// Bits of the products of one layer (a node of the model); 0 takes those of
/// the options of imc-quantize.
struct LayerBits {
  std::string layer;
  int64_t weightBits = 0; ///< 2 to 8
  int64_t inputBits = 0;  ///< 1 to 8
};

/// Parses `layer.NAME.weight_bits=4` or `layer.NAME.input_bits=6`; NAME may
/// hold dots. The error says what is wrong and what is expected.
llvm::Expected<LayerBits> parseLayerBits(llvm::StringRef assignment);

/// Reads a JSON file `{"NAME": {"weight_bits": 4, "input_bits": 6}, ...}`. The
/// error names file, layer and field.
llvm::Expected<std::vector<LayerBits>> readLayerBits(llvm::StringRef path);

/// Sets `imc.weight_bits` and `imc.input_bits` on the float products of
/// `module` (phase `offloaded`). Fails, with a diagnostic that lists layers,
/// for a layer that has no float product.
mlir::LogicalResult setLayerBits(mlir::ModuleOp module,
                                 llvm::ArrayRef<LayerBits> layers);

} // namespace imc

#endif // IMC_TRANSFORMS_LAYERBITS_H
