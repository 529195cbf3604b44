//===- Footprint.h - What a part holds, needs and makes ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts that follow from tables alone (docs/isa.md, "Geometry"), for the
// verifier. All O(1).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_PROGRAM_FOOTPRINT_H
#define IMC_LIB_PROGRAM_FOOTPRINT_H

#include "imc/Program/Program.h"

namespace imc::program {

/// Arrays that one copy of a part has.
int64_t arraysPerCopy(const Product &product, const Part &part);

/// Outputs of which a column lies in the part's slots.
int64_t weightsOf(const Product &product, const Part &part);

/// Those of which the last column tile of the last strip does: the part stores
/// them.
int64_t storedWeightsOf(const Product &product, const Part &part);

/// Whether an output has columns on both sides of a cut before slot `slot`.
bool isLinked(const Product &product, int64_t slot);

/// Words of one input row that the part needs.
int64_t rowWordsOf(const Product &product, const Part &part);

/// Distinct input rows under windows [begin, end), begin < end.
int64_t rowsUnder(const Geometry &geometry, int64_t begin, int64_t end);

/// Leading rows of an input tensor of `rows` rows that windows before `end`
/// need; all of them where rows and images do not fit together.
int64_t tensorRowsBefore(const Geometry &geometry, int64_t rows, int64_t end);

} // namespace imc::program

#endif // IMC_LIB_PROGRAM_FOOTPRINT_H
