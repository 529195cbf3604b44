//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products on arrays as docs/crossbar.md says, one cell at a time: no planes,
// panels, proofs, threads.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_CROSSBAR_ORACLE_H
#define IMC_TEST_CROSSBAR_ORACLE_H

#include "imc/Crossbar/Crossbar.h"

#include <random>

namespace imc::crossbar::test {

struct Case {
  Shape shape;
  Arrays arrays;
  int64_t m = 1;
  std::vector<int8_t> weights;
  std::vector<uint8_t> codes;

  /// Fills weights and codes with all values that there are.
  void fill(std::mt19937 &random);
  std::string describe() const;
};

int64_t pick(std::mt19937 &random, int64_t least, int64_t most);

/// Any small product, arrays, and number of windows.
Case randomCase(std::mt19937 &random);

/// The product itself, modulo 2^32.
std::vector<int32_t> exactProduct(const Case &c);

/// Converters that all have one step and one range of codes; also the number of
/// sums beyond the codes.
struct Codes {
  int64_t shift = 0, low = 0, high = 0;
  Ties ties = Ties::HalfUp;
};
std::vector<int32_t> convertedProduct(const Case &c, const Codes &codes,
                                      int64_t *saturated = nullptr);

} // namespace imc::crossbar::test

#endif // IMC_TEST_CROSSBAR_ORACLE_H
