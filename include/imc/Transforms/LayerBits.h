//===- LayerBits.h - Decisions about single layers --------------*- C++ -*-===//
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
#include <optional>
#include <string>
#include <vector>

namespace imc {

/// What is decided for the products of one layer (a node of the model) alone;
/// 0, and no rule, take what the options of the passes say.
struct LayerBits {
  std::string layer;      ///< NAME, or MODEL:NAME where there are several
  int64_t weightBits = 0; ///< 2 to 8
  int64_t inputBits = 0;  ///< 1 to 8
  int64_t copies = 0;     ///< at least 1
  int64_t adcBits = 0;    ///< 1 to 16
  /// Rule of a convolution (mapping::UnfoldingRule).
  std::optional<int64_t> unfolding = std::nullopt;
  bool hasBits() const { return weightBits != 0 || inputBits != 0; }
};

/// Parses `layer.NAME.weight_bits=4`, or another field of
/// mapping::layerKnobSchema; NAME may hold dots. The error says what is wrong
/// and what is expected.
llvm::Expected<LayerBits> parseLayerBits(llvm::StringRef assignment);

/// The fields that are set, by their names, as workload::setLayer takes them.
std::vector<std::pair<const char *, int64_t>> fieldsOf(const LayerBits &layer);

/// Reads a JSON file `{"NAME": {"weight_bits": 4, "unfolding": "sdk"}, ...}`.
/// The error names file, layer and field.
llvm::Expected<std::vector<LayerBits>> readLayerBits(llvm::StringRef path);

/// Of the decisions about the layers of `models` models those about `model`,
/// without its name. An error when one names no model of a set that has several
/// (`all`).
llvm::Expected<std::vector<LayerBits>>
layersOfModel(llvm::ArrayRef<LayerBits> layers, llvm::StringRef model,
              llvm::ArrayRef<std::string> all);

/// Sets `imc.weight_bits`, `imc.input_bits`, `imc.adc_bits`, `imc.copies` and
/// `imc.unfolding` on the products of `module` (phase `offloaded`); bits of
/// weights and inputs are for float products, unfolding for convolutions.
/// Fails, with a diagnostic that lists layers, for a layer that has no such
/// product, and for one with both copies and unfolding.
mlir::LogicalResult setLayerBits(mlir::ModuleOp module,
                                 llvm::ArrayRef<LayerBits> layers);

} // namespace imc

#endif // IMC_TRANSFORMS_LAYERBITS_H
