//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/Exhaustive.h"

#include <algorithm>

using namespace imc::search;

namespace {
class Exhaustive final : public Algorithm {
public:
  explicit Exhaustive(const ExhaustiveOptions &options) : options(options) {}

  Status start(const SearchContext &context) override {
    space = &context.space;
    position = Key();
    finished = false;
    asked = 0;
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

  Batch ask(std::size_t limit) override {
    Batch batch;
    batch.firstId = asked;
    const std::size_t wanted = std::min(limit, options.batch);
    batch.designs.reserve(wanted);
    while (!finished && batch.designs.size() < wanted) {
      Genome design = space->decode(position);
      if (space->isCanonical(design))
        batch.designs.push_back(std::move(design));
      finished = position == space->lastKey();
      position = position.next();
    }
    asked += batch.designs.size();
    return batch;
  }

  // Nothing is learnt from an answer, so none needs to be remembered.
  Status tell(std::uint64_t id, const Evaluation &) override {
    if (id >= asked)
      return Error{"exhaustive: design " + std::to_string(id) +
                   " was told but never asked; tell only ids of ask()"};
    return {};
  }

private:
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

  ExhaustiveOptions options;
  const Space *space = nullptr;
  Key position;
  bool finished = false;
  std::uint64_t asked = 0;
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
  AlgorithmInfo info;
  info.name = "exhaustive";
  info.summary = "every design of the space; its front is exact";
  info.options = {{"batch", "4096", "designs per batch"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    ExhaustiveOptions options;
    options.batch = *batch;
    return makeExhaustive(options);
  };
  return info;
}
} // namespace imc::search
