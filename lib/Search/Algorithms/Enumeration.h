//===- Enumeration.h - Designs in a fixed order, none twice -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `exhaustive` and `random` share: both walk through all keys of a space
// in an order that the seed fixes, skip designs that are not canonical, and
// learn nothing from the answers. They differ in the order only.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SEARCH_ALGORITHMS_ENUMERATION_H
#define IMC_LIB_SEARCH_ALGORITHMS_ENUMERATION_H

#include "imc/Search/Algorithm.h"

#include <algorithm>
#include <string>

namespace imc::search {

class Enumeration : public Algorithm {
public:
  Batch ask(std::size_t limit) final {
    Batch batch;
    batch.firstId = asked;
    const std::size_t wanted = std::min(limit, batchSize);
    batch.designs.reserve(wanted);
    while (!finished && batch.designs.size() < wanted) {
      Genome design = designAt(position);
      // Skipping designs that are not canonical, instead of canonicalizing
      // them, keeps every canonical design equally likely.
      if (space->isCanonical(design))
        batch.designs.push_back(std::move(design));
      finished = space->hasExactKeys() && position == space->lastKey();
      position = position.next();
    }
    asked += batch.designs.size();
    return batch;
  }

  // Nothing is learnt from an answer, so none needs to be remembered.
  Status tell(std::uint64_t id, const Evaluation &) final {
    if (id >= asked)
      return Error{name + ": design " + std::to_string(id) +
                   " was told but never asked; tell only ids of ask()"};
    return {};
  }

protected:
  /// `name` is used in messages; `batchSize` designs are asked at most at once.
  Enumeration(std::string name, std::size_t batchSize)
      : name(std::move(name)), batchSize(batchSize) {}

  /// Starts from the first key again.
  void restart(const Space &over) {
    space = &over;
    position = Key();
    finished = false;
    asked = 0;
  }

  /// The design that comes at `position`: over all positions every design once.
  virtual Genome designAt(const Key &position) const = 0;

  bool isFinished() const { return finished; }

  const Space *space = nullptr;

private:
  std::string name;
  std::size_t batchSize;
  Key position;
  bool finished = false;
  std::uint64_t asked = 0;
};

/// The description of an enumeration whose one option is the batch size;
/// `Options` has a member `batch`.
template <typename Options,
          Expected<std::unique_ptr<Algorithm>> (*make)(const Options &)>
AlgorithmInfo describeEnumeration(std::string name, std::string summary) {
  AlgorithmInfo info;
  info.name = std::move(name);
  info.summary = std::move(summary);
  info.options = {
      {"batch", std::to_string(Options().batch), "designs per batch"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    Options options;
    options.batch = *batch;
    return make(options);
  };
  return info;
}

} // namespace imc::search

#endif // IMC_LIB_SEARCH_ALGORITHMS_ENUMERATION_H
