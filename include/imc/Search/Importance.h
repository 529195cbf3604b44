//===- Importance.h - Which knobs decide ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023): a knob matters to the
// degree that its values are distributed otherwise among the best designs than
// among all that were seen. Needs no model, costs one pass, and works on what a
// search has evaluated anyway; so it says which knobs decided in the part of
// the space where the search was, not how sensitive a design is (imc explain
// does that).
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_IMPORTANCE_H
#define IMC_SEARCH_IMPORTANCE_H

#include "imc/Search/Space.h"

namespace imc::search {

/// Shares of importance per knob: >= 0, sum 1 (all 0 if no knob differs). The
/// best `share` (0 to 1, exclusive) of the designs by `scores` (smaller is
/// better; one per design, the infeasible left out by the caller) is compared
/// with all by the Pearson divergence of their distributions over the values of
/// each knob; ties at the border count as best. Frequencies are smoothed by one
/// count spread over the values, so that an unseen value is no proof.
std::vector<double> knobImportance(const Space &space,
                                   const std::vector<Genome> &designs,
                                   const std::vector<double> &scores,
                                   double share = 0.1);

} // namespace imc::search

#endif // IMC_SEARCH_IMPORTANCE_H
