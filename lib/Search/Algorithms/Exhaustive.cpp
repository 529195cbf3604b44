//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/Exhaustive.h"
#include "Algorithms/Enumeration.h"

using namespace imc::search;

namespace {
class Exhaustive final : public Enumeration {
public:
  explicit Exhaustive(const ExhaustiveOptions &options)
      : Enumeration("exhaustive", options.batch) {}

  Status start(const SearchContext &context) override {
    restart(context.space);
    if (context.budget >= space->size() && space->size() != UINT64_MAX)
      return {};
    std::string size = space->sizeText();
    if (space->hasCanonicalizer()) {
      // Only canonical designs cost an evaluation, so they decide. Counting
      // them takes about 0.1 us each and is not tried on very large spaces.
      constexpr std::uint64_t countable = 100'000'000;
      if (space->size() <= countable) {
        const std::uint64_t count = countCanonical();
        if (count <= context.budget)
          return {};
        size = std::to_string(count);
      } else {
        size = "up to " + size;
      }
    }
    return Error{"exhaustive search needs a budget of all " + size +
                 " designs of the space, but the budget is " +
                 std::to_string(context.budget) +
                 "; raise the budget, shorten the lists of values, or use "
                 "algorithm 'nsga2'"};
  }

  std::optional<Proof> proof() const override {
    Proof proof;
    proof.complete = isFinished();
    return proof;
  }

private:
  Genome designAt(const Key &position) const override {
    return space->decode(position);
  }

  std::uint64_t countCanonical() const {
    std::uint64_t count = 0;
    Genome design;
    for (Key key;; key = key.next()) {
      space->decode(key, design);
      count += space->isCanonical(design);
      if (key == space->lastKey())
        return count;
    }
  }
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeExhaustive(const ExhaustiveOptions &options) {
  if (options.batch == 0)
    return Error{"exhaustive: batch is 0; ask for at least 1 design at a time"};
  return std::unique_ptr<Algorithm>(new Exhaustive(options));
}

namespace imc::search {
AlgorithmInfo describeExhaustive() {
  return describeEnumeration<ExhaustiveOptions, makeExhaustive>(
      "exhaustive", "every design of the space; its front is exact");
}
} // namespace imc::search
