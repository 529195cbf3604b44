//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/RandomSearch.h"
#include "Algorithms/Enumeration.h"
#include "imc/Search/Random.h"

#include <optional>

using namespace imc::search;

namespace {
class RandomSearch final : public Enumeration {
public:
  explicit RandomSearch(const RandomSearchOptions &options)
      : Enumeration("random", options.batch) {}

  Status start(const SearchContext &context) override {
    restart(context.space);
    order.emplace(context.seed, space->lastKey());
    return {};
  }

private:
  Key keyAt(const Key &position) const override { return order->at(position); }

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
