//===- Sqnr.h - Noise of converters in a product ----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-SQNR and E-CLIP: prepared once per design (Sqnr.cpp), then a few flops per
// product, shared by the detailed evaluation and the fast path. No loops over
// rows, slices or phases here.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_SQNR_H
#define IMC_LIB_COST_SQNR_H

#include "imc/Cost/Cost.h"
#include "imc/Support/Clones.h"

#include <cmath>

namespace imc::cost::detail {

/// What the converters do to the sums of a strip of `rows` rows: variance and
/// mean of the error, as in ConverterNoise::Strip.
ConverterNoise::Strip converterNoise(const ConverterNoise &noise, double rows);

/// Fills everything of `noise` for a design.
void prepareNoise(const machine::Machine &machine, const mapping::Knobs &knobs,
                  ConverterNoise &noise);

/// Noise over signal of a product (E-SQNR), a pure number. Strips that hold
/// rows of one group: `full` of all rows of an array, one of `rest`; the others
/// add exact zeros.
IMC_INLINE double noise(const workload::Product &p, double full, int64_t rest,
                        const Prices &prices) {
  const ConverterNoise &c = prices.converters;
  if (c.kinds == 0)
    return prices.noise_base;
  ConverterNoise::Strip last = {0, 0};
  if (rest != 0)
    last = rest <= c.quiet_rows ? c.quiet
                                : converterNoise(c, static_cast<double>(rest));
  const double variance = full * c.full.variance + last.variance;
  const double mean = full * c.full.mean + last.mean;
  return prices.noise_base +
         (variance + mean * mean) / static_cast<double>(p.rows);
}
inline double noise(const workload::Product &p, const mapping::Tiling &t,
                    const Prices &prices) {
  return noise(p, static_cast<double>(p.rows / t.rows), p.rows % t.rows,
               prices);
}
IMC_INLINE double noise(const workload::Product &p, const Geometry &g,
                        const Prices &prices) {
  return noise(p, g.full_strips, g.last_rows, prices);
}

/// Of the rounding of weights and inputs to their bits.
inline double roundingNoise(const mapping::Knobs &k) {
  return std::ldexp(1.0, static_cast<int>(-2 * k.weight_bits)) +
         std::ldexp(0.25, static_cast<int>(-2 * k.input_bits));
}

/// As noise, of a product that may have bits of its own (E-MIXED).
double ownNoise(const workload::Product &p, const mapping::Tiling &t,
                const Prices &prices, const machine::Machine &m,
                const mapping::Knobs &k);

inline double sqnrDb(double noise) {
  return noise > 0 ? -10.0 * std::log10(noise) : 0.0;
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_SQNR_H
