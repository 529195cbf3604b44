//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/RandomSearch.h"
#include "Algorithms/Enumeration.h"
#include "Algorithms/Sampler.h"

#include <optional>

using namespace imc::search;

namespace {
class RandomSearch final : public Enumeration {
public:
  explicit RandomSearch(const RandomSearchOptions &options)
      : Enumeration("random", options.batch) {}

  Status start(const SearchContext &context) override {
    restart(context.space);
    seed = context.seed;
    order.reset();
    if (space->hasExactKeys())
      order.emplace(seed, space->lastKey());
    return {};
  }

private:
  Genome designAt(const Key &position) const override {
    if (order)
      return space->decode(order->at(position));
    Genome design;
    drawDesign(*space, seed, position, design);
    return design;
  }

  std::uint64_t seed = 0;
  std::optional<KeyPermutation> order;
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeRandomSearch(const RandomSearchOptions &options) {
  if (options.batch == 0)
    return Error{"random: batch is 0; ask for at least 1 design at a time"};
  return std::unique_ptr<Algorithm>(new RandomSearch(options));
}

namespace imc::search {
AlgorithmInfo describeRandomSearch() {
  return describeEnumeration<RandomSearchOptions, makeRandomSearch>(
      "random", "uniformly random designs without repetition");
}
} // namespace imc::search
