//===- Sampler.h - Random designs that are new ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over the space in a pseudo-random order, so that "nothing new left"
// is known instead of guessed from failed attempts. Spaces beyond 2^128 designs
// are drawn from instead; those never end.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SEARCH_ALGORITHMS_SAMPLER_H
#define IMC_LIB_SEARCH_ALGORITHMS_SAMPLER_H

#include "KeySet.h"
#include "imc/Search/Random.h"

#include <optional>

namespace imc::search {

/// Draw number `position` from a space without exact keys. Walking would find
/// canonical designs too rarely where many knobs are conditional, so draws are
/// canonicalized.
inline void drawDesign(const Space &space, std::uint64_t seed, Key position,
                       Genome &design) {
  Stream stream(seed, std::uint32_t(position.lo >> 32),
                std::uint32_t(position.lo), /*purpose=*/0x53414D50u);
  design.resize(space.numKnobs());
  for (std::size_t i = 0; i < design.size(); ++i)
    design[i] =
        std::int32_t(stream.below(std::uint32_t(space.knobs()[i].count)));
  space.canonicalize(design);
}

class Sampler {
public:
  void start(const Space &over, std::uint64_t withSeed) {
    space = &over;
    seed = withSeed;
    order.reset();
    if (space->hasExactKeys())
      order.emplace(seed, space->lastKey());
    position = Key();
    finished = false;
  }

  /// The next canonical design of the walk that is not in `seen`, which it
  /// joins; false if there is none left.
  bool next(Genome &design, KeySet &seen) {
    while (!finished) {
      if (order) {
        space->decode(order->at(position), design);
        finished = position == space->lastKey();
      } else {
        drawDesign(*space, seed, position, design);
      }
      position = position.next();
      if (space->isCanonical(design) && seen.insert(space->encode(design)))
        return true;
    }
    return false;
  }

private:
  const Space *space = nullptr;
  std::uint64_t seed = 0;
  std::optional<KeyPermutation> order;
  Key position;
  bool finished = false;
};

} // namespace imc::search

#endif // IMC_LIB_SEARCH_ALGORITHMS_SAMPLER_H
