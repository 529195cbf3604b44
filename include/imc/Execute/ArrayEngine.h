//===- ArrayEngine.h - Products computed outside of compiled code -*- C++ -*-=//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module that is executed computes its products on arrays in compiled loops,
// unless an array engine takes them: a simulator that runs the programs of the
// cores, or one that knows about devices. All the rest of the model, whatever
// it is, runs compiled around it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_ARRAYENGINE_H
#define IMC_EXECUTE_ARRAYENGINE_H

#include "imc/Transforms/Extract.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace imc::execute {

/// A product on arrays (phase `tiled` or later), free of IR so that it outlives
/// the compiled copy of the module.
struct ArrayProduct {
  std::string name; ///< the layer's
  /// Inputs M x K, or N x C x H x W with the padding in it; codes are unsigned.
  llvm::SmallVector<int64_t, 4> input_shape;
  /// Results M x N, or N x F x OH x OW.
  llvm::SmallVector<int64_t, 4> output_shape;
  llvm::SmallVector<int64_t, 2> kernel, strides,
      dilations; ///< 1, 1 of matrices
  int64_t groups = 1, groups_per_pack = 1;
  /// K x N, or F x C/groups x KH x KW; points into the module's context. Of
  /// more than 8 weight_bits: wide_weights instead.
  llvm::ArrayRef<int8_t> weights;
  llvm::ArrayRef<int16_t> wide_weights;
  llvm::SmallVector<int64_t, 4> weight_shape;
  mapping::Tiling tiling;
  mapping::Encoding encoding = mapping::Encoding::Offset;
  int64_t weight_bits = 0, cell_bits = 0, input_bits = 0, dac_bits = 0;
  /// Sums are exact if both are at least tiling.lossless_bits.
  int64_t adc_bits = 0, range_bits = 0;
  mapping::Range range = mapping::Range::Full;
  mapping::Ties ties = mapping::Ties::HalfUp;

  /// Executions in one of the model: iterations of the loops around it.
  int64_t trips = 1;

  bool isConvolution() const { return input_shape.size() == 4; }
  /// Operands of more than 8 bits: run through runWide().
  bool isWide() const { return weight_bits > 8 || input_bits > 8; }
};

/// Computes products. Engines are called from compiled code.
class ArrayEngine {
public:
  virtual ~ArrayEngine();

  /// Tells the engine of product `index`, counted from 0 in program order.
  /// Engines take all products or fail, naming what they cannot do.
  virtual llvm::Error prepare(int64_t index, const ArrayProduct &product) = 0;

  /// Results of one execution of product `index`; both row-major.
  virtual void run(int64_t index, const uint8_t *inputs, int32_t *results) = 0;

  /// Whether products of isWide() are taken; callEngine refuses them otherwise.
  virtual bool takesWide() const { return false; }
  /// The same as run() for such a product; inputs in uint16 for more than 8
  /// input_bits, otherwise in uint8.
  virtual void runWide(int64_t index, const void *inputs, int64_t *results);
};

/// Replaces every product on arrays of `module` by a call of the engine.
mlir::LogicalResult callEngine(mlir::ModuleOp module, ArrayEngine &engine);

/// Names that the compiled code refers to: the engine, and what calls it.
constexpr const char *engineSymbol = "imc_array_engine";
constexpr const char *engineCallSymbol = "imc_array_product";
/// With inputs of i8 and of i16, and results of i64.
constexpr const char *engineWideCallSymbols[] = {"imc_array_product_8",
                                                 "imc_array_product_16"};
/// What engineCallSymbol is, with the ranks and descriptors of two unranked
/// memrefs.
void callEngineFromCode(void *engine, int64_t index, int64_t inputRank,
                        void *input, int64_t resultRank, void *result);
void callWideEngineFromCode(void *engine, int64_t index, int64_t inputRank,
                            void *input, int64_t resultRank, void *result);

} // namespace imc::execute

#endif // IMC_EXECUTE_ARRAYENGINE_H
