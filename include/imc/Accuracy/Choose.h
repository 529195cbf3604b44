//===- Choose.h - Which designs to simulate ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fit needs designs of every top-1 for its curve, and for its correction
// designs near all others: the difference between curve and simulation is
// learned where it was seen.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_CHOOSE_H
#define IMC_ACCURACY_CHOOSE_H

#include "imc/Accuracy/Kriging.h"
#include "imc/Accuracy/Model.h"

#include "llvm/ADT/ArrayRef.h"

namespace imc::accuracy {

/// At most `count` indices of values near those that are evenly spaced from
/// the least to the largest. Equal ones: the first.
std::vector<size_t> spreadOver(llvm::ArrayRef<double> values, size_t count);

/// At most `count` indices of `places`, each the farthest from `known` and
/// from those before it (Euclid). Equal ones: the first; without any known
/// place the first of all comes first.
std::vector<size_t> farthest(llvm::ArrayRef<Kriging::Place> known,
                             llvm::ArrayRef<Kriging::Place> places,
                             size_t count);

/// Where a design lies for farthest(): placeOf(), with a tenth of the
/// prediction, which the others make up, and half of the biases.
Kriging::Place coverOf(const Model &model, const Prediction &prediction);

/// Designs that nobody would take need not be covered: those that are believed
/// to keep less than 0.4 of what integers are better than guessing.
bool isWorthCovering(const Model &model, const Prediction &prediction);

} // namespace imc::accuracy

#endif // IMC_ACCURACY_CHOOSE_H
