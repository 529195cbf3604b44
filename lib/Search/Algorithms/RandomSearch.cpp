//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/RandomSearch.h"
#include "imc/Search/Random.h"

#include <algorithm>
#include <optional>

using namespace imc::search;

namespace {
class RandomSearch final : public Algorithm {
public:
  explicit RandomSearch(const RandomSearchOptions &options)
      : options(options) {}

  Status start(const SearchContext &context) override {
    space = &context.space;
    order.emplace(context.seed, space->lastKey());
    position = Key();
    finished = false;
    asked = 0;
    return {};
  }

  Batch ask(std::size_t limit) override {
    Batch batch;
    batch.firstId = asked;
    while (!finished && batch.designs.size() < std::min(limit, options.batch)) {
      Genome design = space->decode(order->at(position));
      // Skipping designs that are not canonical, instead of canonicalizing
      // them, keeps every canonical design equally likely.
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
      return Error{"random: design " + std::to_string(id) +
                   " was told but never asked; tell only ids of ask()"};
    return {};
  }

private:
  RandomSearchOptions options;
  const Space *space = nullptr;
  std::optional<KeyPermutation> order;
  Key position;
  bool finished = false;
  std::uint64_t asked = 0;
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
  AlgorithmInfo info;
  info.name = "random";
  info.summary = "uniformly random designs without repetition";
  info.options = {{"batch", "256", "designs per batch"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    RandomSearchOptions options;
    options.batch = *batch;
    return makeRandomSearch(options);
  };
  return info;
}
} // namespace imc::search
