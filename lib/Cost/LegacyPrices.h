//===- LegacyPrices.h - Prices of the source paper's accounting -*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the detailed evaluation and the fast path share when a machine asks for
// the accounting of arXiv:2603.03880. `Report` is called as
// report(rule, value, limit).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_LEGACYPRICES_H
#define IMC_LIB_COST_LEGACYPRICES_H

#include "Limits.h"
#include "imc/Cost/Legacy.h"
#include "imc/Machine/Kind.h"

namespace imc::cost::detail {

/// Energies per action in J, time in s; `design` holds area, noise terms and
/// what the limits look at.
struct LegacyPrices {
  Prices design;
  double cell, row, column, conversion, addition, write, memory_bit, cycle;
};
LegacyPrices legacyPrices(const machine::Machine &machine,
                          const mapping::Knobs &knobs);

/// One layer.
struct LegacyPriced {
  std::array<double, numEnergies> energy{};
  double total = 0, latency = 0;
};
LegacyPriced priceLegacy(const LegacyCounts &counts,
                         const LegacyPrices &prices);

/// What the limits of a model look at.
struct LegacyNeeds {
  double cells = 0;       ///< of one copy, groups not counted (E-LEG-7)
  double memory_bits = 0; ///< outside the chip per inference
  int64_t dynamic = 0;    ///< products of two activations

  void add(const workload::Layer &layer, const mapping::Tiling &tiling,
           const LegacyCounts &counts, int64_t count) {
    if (layer.dynamicProduct())
      dynamic += count;
    if (const workload::Product *p = layer.product()) {
      cells +=
          static_cast<double>(p->rows * p->cols * tiling.columns_per_weight) *
          static_cast<double>(count);
      memory_bits += counts.memory_bits * static_cast<double>(count);
    }
  }
};

/// E-LEG-7 and the limits that stay on.
template <typename Report>
void checkLegacyModel(const workload::Workload &workload,
                      const machine::Machine &m, const mapping::Knobs &k,
                      const LegacyPrices &p, const LegacyNeeds &needs,
                      double density, Report report) {
  const double arrays =
      needs.cells / static_cast<double>(m.array.rows * m.array.cols);
  if (machine::cellKind(m).nonvolatile &&
      arrays > static_cast<double>(m.arrays()))
    report(mapping::Rule::Capacity, arrays, static_cast<double>(m.arrays()));
  if (needs.dynamic > 0)
    report(mapping::Rule::Accounting, static_cast<double>(needs.dynamic), 0.0);
  // It has one set of bits for all products.
  if (workload.mixed_bits)
    report(mapping::Rule::Accounting,
           static_cast<double>(llvm::count_if(
               workload.layers,
               [](const workload::Layer &layer) {
                 return layer.product() && layer.product()->hasOwnBits();
               })),
           0.0);
  checkModel(workload, m, k, p.design, 0, /*overflows=*/false,
             needs.memory_bits, density, /*peak=*/0, /*latency=*/0,
             /*writes=*/0, report);
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_LEGACYPRICES_H
