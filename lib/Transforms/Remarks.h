//===- Remarks.h - What the passes say about their decisions ----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Remarks of imc-tile, imc-place and imc-cost, each under a category of that
// name (`--remarks-filter=imc-place`). Everything here returns at once when
// nobody has asked for remarks.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_TRANSFORMS_REMARKS_H
#define IMC_LIB_TRANSFORMS_REMARKS_H

#include "imc/Cost/Cost.h"
#include "imc/Mapping/Unfold.h"
#include "imc/Transforms/Extract.h"

namespace imc {

/// Windows (passed): a convolution with several positions per load, its loads
/// and arrays, and those of one position per load.
void remarkOnUnfolding(mlir::Location loc, llvm::StringRef layer,
                       const workload::Product &product,
                       mapping::unfolding::Pair positions,
                       const machine::Machine &machine,
                       const mapping::Knobs &knobs);

/// Grid (passed): why a product has that many strips, column tiles and slices.
/// GroupPacking (missed): groups that could share arrays. ConverterRange
/// (missed): column sums that the converter cannot represent.
void remarkOnTiling(mlir::Location loc, llvm::StringRef layer,
                    const workload::Product &product,
                    const mapping::Tiling &tiling,
                    const machine::Machine &machine,
                    const mapping::Knobs &knobs);

/// Copies (passed): how many, and what they are for. Replication (missed): what
/// stopped one more. Residence (missed): weights that are written before each
/// use. Capacity (failed): a model that does not fit. DynamicProduct (passed,
/// missed): where a product of two activations runs, and the price of the other
/// place.
void remarkOnPlacement(mlir::Location moduleLoc, const Design &design,
                       const mapping::Plan &plan,
                       const machine::Machine &machine);

/// Layer (analysis): energy, latency, what binds and what would bind next.
/// Leakage (analysis): layers whose largest part is standby power. ConverterBit
/// (analysis): what one bit more and one bit less would do.
void remarkOnCost(mlir::Location moduleLoc, const Design &design,
                  const mapping::Plan &plan, const machine::Machine &machine,
                  const cost::Cost &cost);

/// What the converters of one product lose.
struct ReadoutReport {
  std::string layer, policy;
  int64_t adc_bits = 0;
  bool known = false; ///< weights and steps
  int64_t columns = 0, proved_columns = 0;
  double error_bound = 0; ///< of any output; 0 where all are proved
};

/// Lossless (passed): every converter provably reads every sum. ErrorBound
/// (missed): how many do not, and how far an output may be off. Calibrated
/// (analysis): nothing is known before data or weights are.
void remarkOnReadout(mlir::Location loc, const ReadoutReport &report);

} // namespace imc

#endif // IMC_LIB_TRANSFORMS_REMARKS_H
