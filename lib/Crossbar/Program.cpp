//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <cmath>

using namespace imc::crossbar;

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

void Product::Impl::readNoise(const ConvertedPart &part, const Kernels &kernels,
                              int64_t window, int64_t phase,
                              float *normals) const {
  const Programmed &p = *programmed;
  kernels.normals(p.key0, p.key1, uint32_t(window),
                  uint32_t(part.number) | uint32_t(phase) << 20 |
                      uint32_t(Purpose::Read) << 24,
                  p.tag, part.cols, normals);
}

const float *Product::Impl::bitLines(const ConvertedPart &part,
                                     const Kernels &kernels,
                                     const uint8_t *codes, const Phase &phase,
                                     Scratch &scratch) const {
  // Rows with a voltage; idle rows conduct only where they are grounded.
  scratch.active.clear();
  scratch.volts.clear();
  const int mask = (1 << phase.bits) - 1;
  for (int64_t r = 0; r < part.rows; ++r) {
    const int digit = codes[r] >> phase.first_bit & mask;
    if (!digit && !programmed->idle_rows_grounded)
      continue;
    scratch.active.push_back(int32_t(r));
    scratch.volts.push_back(float(digit));
  }
  const auto active = int64_t(scratch.active.size());
  scratch.values.resize(size_t(part.cols) * 2);
  float *plus = scratch.values.data(), *minus = plus + part.cols;
  const int64_t segments =
      arrays.rows - (active ? scratch.active.back() : int64_t(0));
  kernels.ladder(part.lines.data(), part.cols, scratch.active.data(),
                 scratch.volts.data(), active, segments, plus);
  if (is_signed) {
    kernels.ladder(part.lines.data() + part.rows * part.cols, part.cols,
                   scratch.active.data(), scratch.volts.data(), active,
                   segments, minus);
    for (int64_t c = 0; c < part.cols; ++c)
      plus[c] = plus[c] - minus[c];
  }
  for (int64_t c = 0; c < part.cols; ++c)
    plus[c] = plus[c] * part.line_scale;
  return plus;
}
