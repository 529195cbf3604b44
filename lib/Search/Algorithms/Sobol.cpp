//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithms/Sobol.h"
#include "Algorithms/Batched.h"
#include "Algorithms/Sampler.h"

#include <optional>

using namespace imc::search;

namespace {
struct Direction {
  unsigned degree;
  std::uint32_t coefficients;
  std::uint32_t initial[10];
};
} // namespace

static constexpr Direction published[] = {
#include "SobolDirections.inc"
};
static_assert(sizeof(published) / sizeof(published[0]) + 1 ==
              SobolSequence::maxDimensions);

SobolSequence::SobolSequence(std::size_t dimensions)
    : directions(dimensions), x(dimensions, 0) {
  for (unsigned i = 0; i < 32; ++i)
    directions[0][i] = 1u << (31 - i);
  for (std::size_t d = 1; d < dimensions; ++d) {
    const Direction &given = published[d - 1];
    const unsigned s = given.degree;
    std::array<std::uint32_t, 32> &v = directions[d];
    for (unsigned i = 0; i < s; ++i)
      v[i] = given.initial[i] << (31 - i);
    for (unsigned i = s; i < 32; ++i) {
      v[i] = v[i - s] ^ v[i - s] >> s;
      for (unsigned k = 1; k < s; ++k)
        if (given.coefficients >> (s - 1 - k) & 1)
          v[i] ^= v[i - k];
    }
  }
}

void SobolSequence::advance() {
  // The next point differs in the direction of the lowest zero bit.
  unsigned bit = 0;
  while (bit < 31 && index >> bit & 1)
    ++bit;
  for (std::size_t d = 0; d < x.size(); ++d)
    x[d] ^= directions[d][bit];
  if (++index == 0)
    x.assign(x.size(), 0);
}

namespace {
class Sobol final : public Batched {
public:
  explicit Sobol(const SobolOptions &options)
      : Batched("sobol"), options(options) {}

private:
  Status begin() override {
    const std::size_t k = space->numKnobs();
    if (k > SobolSequence::maxDimensions)
      return Error{"sobol: the space has " + std::to_string(k) +
                   " knobs, but direction numbers are known for " +
                   std::to_string(SobolSequence::maxDimensions) +
                   "; freeze some knobs or use algorithm 'random'"};
    sequence.emplace(k);
    shift.resize(k);
    Stream stream(seed, 0, 0, /*purpose=*/0x534F424Fu);
    for (std::uint32_t &digits : shift)
      digits = stream.next();
    seen.clear();
    sampler.start(*space, seed);
    misses = 0;
    return {};
  }

  void propose(std::size_t limit, std::vector<Genome> &designs) override {
    constexpr std::size_t mostMisses = 4096;
    const std::size_t wanted = std::min(limit, options.batch);
    Genome design(space->numKnobs());
    while (designs.size() < wanted) {
      if (misses == mostMisses) {
        if (!sampler.next(design, seen))
          return;
        designs.push_back(design);
        continue;
      }
      for (std::size_t i = 0; i < design.size(); ++i)
        design[i] =
            std::int32_t(std::uint64_t(sequence->point()[i] ^ shift[i]) *
                             std::uint32_t(space->knobs()[i].count) >>
                         32);
      sequence->advance();
      space->canonicalize(design);
      if (seen.insert(space->encode(design))) {
        designs.push_back(design);
        misses = 0;
      } else {
        ++misses;
      }
    }
  }

  void learn(const std::vector<Genome> &,
             const std::vector<Evaluation> &) override {}

  SobolOptions options;
  std::optional<SobolSequence> sequence;
  std::vector<std::uint32_t> shift;
  KeySet seen;
  Sampler sampler;
  std::size_t misses = 0;
};
} // namespace

Expected<std::unique_ptr<Algorithm>>
imc::search::makeSobol(const SobolOptions &options) {
  if (options.batch == 0)
    return Error{"sobol: batch is 0; ask for at least 1 design at a time"};
  return std::unique_ptr<Algorithm>(new Sobol(options));
}

namespace imc::search {
AlgorithmInfo describeSobol() {
  AlgorithmInfo info;
  info.name = "sobol";
  info.summary = "evenly spread designs (Sobol sequence) without repetition";
  info.options = {
      {"batch", std::to_string(SobolOptions().batch), "designs per batch"}};
  info.make =
      [](const AlgorithmOptions &text) -> Expected<std::unique_ptr<Algorithm>> {
    auto batch = readUnsigned(text, "batch", 1, 1u << 30);
    if (!batch)
      return batch.error();
    SobolOptions options;
    options.batch = *batch;
    return makeSobol(options);
  };
  return info;
}
} // namespace imc::search
