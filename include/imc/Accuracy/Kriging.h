//===- Kriging.h - Corrections learned from a few points --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interpolation by a normal process of mean 0 with the covariance
// exp(-d(a, b)) and a nugget for what no coordinate explains. Coordinates come
// in blocks, each with a scale; d is the Euclidean distance after scaling.
// Scales and nugget are those that predict each point best from the others
// (leave one out, in closed form), found by coordinate descent. Far from all
// points the value is 0.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_KRIGING_H
#define IMC_ACCURACY_KRIGING_H

#include <cstddef>
#include <vector>

namespace imc::accuracy {

class Kriging {
public:
  using Place = std::vector<double>;

  /// How many coordinates each block has; all scales are 1.
  void setBlocks(std::vector<size_t> sizes);
  bool empty() const { return centres.empty(); }
  double at(const Place &place) const;

  /// Fits to values at places; `importance` weighs their errors in the choice
  /// of the scales. `rounds` of coordinate descent over all scales and the
  /// nugget; with 0 these stay, but for one common factor of the scales of
  /// 1/4 to 4. Fewer than 4 places, or none that another predicts better than
  /// 0 does: no correction. Returns what the others predict at each place.
  std::vector<double> fit(const std::vector<Place> &places,
                          const std::vector<double> &values,
                          const std::vector<double> &importance, int rounds);

  // What files hold.
  std::vector<size_t> blocks;
  std::vector<double> scales; ///< by block
  double nugget = 0.15;       ///< in parts of the process's variance
  struct Centre {
    Place place;
    double weight = 0;
  };
  std::vector<Centre> centres;
};

} // namespace imc::accuracy

#endif // IMC_ACCURACY_KRIGING_H
