//===- Choose.cpp - Which designs to simulate -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Choose.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::accuracy;
using llvm::ArrayRef;

std::vector<size_t> imc::accuracy::spreadOver(ArrayRef<double> values,
                                              size_t count) {
  std::vector<size_t> out;
  if (values.empty())
    return out;
  count = std::min(count, values.size());
  const double low = *std::min_element(values.begin(), values.end()),
               high = *std::max_element(values.begin(), values.end());
  std::vector<bool> taken(values.size());
  for (size_t i = 0; i != count; ++i) {
    const double wanted =
        low + (high - low) * double(i) / double(std::max<size_t>(1, count - 1));
    size_t best = values.size();
    for (size_t k = 0; k != values.size(); ++k)
      if (!taken[k] &&
          (best == values.size() ||
           std::abs(values[k] - wanted) < std::abs(values[best] - wanted)))
        best = k;
    taken[best] = true;
    out.push_back(best);
  }
  return out;
}

std::vector<size_t> imc::accuracy::farthest(ArrayRef<Kriging::Place> known,
                                            ArrayRef<Kriging::Place> places,
                                            size_t count) {
  constexpr double nowhere = std::numeric_limits<double>::infinity();
  std::vector<double> nearest(places.size(), nowhere);
  auto add = [&](const Kriging::Place &to) {
    for (size_t i = 0; i != places.size(); ++i) {
      double square = 0;
      for (size_t k = 0; k != to.size(); ++k)
        square += (places[i][k] - to[k]) * (places[i][k] - to[k]);
      nearest[i] = std::min(nearest[i], square);
    }
  };
  for (const Kriging::Place &place : known)
    add(place);
  std::vector<size_t> out;
  std::vector<bool> taken(places.size());
  while (out.size() < std::min(count, places.size())) {
    size_t best = places.size();
    for (size_t i = 0; i != places.size(); ++i)
      if (!taken[i] && (best == places.size() || nearest[i] > nearest[best]))
        best = i;
    taken[best] = true;
    out.push_back(best);
    add(places[best]);
  }
  return out;
}

Kriging::Place imc::accuracy::coverOf(const Model &model,
                                      const Prediction &prediction) {
  // Prediction, residuals, biases, gains, offsets, and draws, as in
  // Model::placeBlocks(). Set by hand and not tuned: the prediction follows
  // from the others, draws are part of residuals and biases, and most designs
  // have hardly any biases.
  constexpr double scales[] = {0.1, 1, 0.5, 1, 1, 0};
  Kriging::Place place = model.placeOf(prediction);
  size_t i = 0, block = 0;
  for (size_t size : model.placeBlocks()) {
    for (const size_t end = i + size; i != end; ++i)
      place[i] *= scales[block];
    ++block;
  }
  return place;
}

bool imc::accuracy::isWorthCovering(const Model &model,
                                    const Prediction &prediction) {
  return prediction.top1 >=
         model.chance + 0.4 * (model.integers - model.chance);
}
