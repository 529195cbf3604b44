//===- Batch.cpp - Products that are priced side by side ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batch.h"

#include "llvm/Support/Compiler.h"

using namespace imc;
using namespace imc::cost;
using namespace imc::cost::detail;

/// The columns do not overlap and every iteration is like every other.
template <bool writes>
IMC_INLINE static void priceAll(Batch &b, const machine::Machine &m,
                                const Prices &prices) {
  const Prices p = prices;
  const double accumulator = real(m.shift_add.accumulator_bits),
               global = globalBits(m);
  // Whole vectors: what is left of former products does no harm.
  const size_t n = (b.used + 7) / 8 * 8;
// Sanitizers are in the way of vectors.
#if !LLVM_ADDRESS_SANITIZER_BUILD
#pragma clang loop vectorize(enable) interleave(disable)
#endif
  for (size_t i = 0; i != n; ++i) {
    Counts c;
    countActions(c, b.operands(i), accumulator, global);
    c.arrays = b.arrays[i];
    const ArrayTimes times(b.of.phases[i], b.phase_columns[i], p);
    const Flow f = b.flow(i, writes);
    Passage t, full;
    passRound(t, f.last, times.product, times.shorter, p);
    if (writes) {
      c.reload_bits = b.reload_bits[i];
      c.cell_writes = b.cell_writes[i];
      full.seconds = b.full_seconds[i];
      full.arrays = b.full_arrays[i];
    }
    passageOf(t, full, c, f, p);
    const Total cost =
        totalOf(energiesOf(c, p, t.seconds, t.arrays), t.seconds);
    b.energy[i] = cost.energy;
    b.latency[i] = cost.latency;
    b.power[i] = powerOf(cost.energy, cost.latency);
    b.memory_bits[i] = c.spill_bits + c.reload_bits;
  }
}

IMC_CLONES void Batch::price(const machine::Machine &machine,
                             const Prices &prices, bool writes) {
  if (writes)
    priceAll<true>(*this, machine, prices);
  else
    priceAll<false>(*this, machine, prices);
}
