//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Space.h"
#include "imc/Search/Random.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace imc::search;

std::string Key::str() const {
  static const char digits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[15 - i] = digits[(hi >> (4 * i)) & 15];
    text[31 - i] = digits[(lo >> (4 * i)) & 15];
  }
  return text;
}

/// key * factor + digit, by halves of 32 bits; `overflow` is what no longer
/// fits.
static Key multiplyAdd(Key key, std::uint32_t factor, std::uint32_t digit,
                       std::uint64_t &overflow) {
  const std::uint64_t words[4] = {key.lo & 0xffffffffu, key.lo >> 32,
                                  key.hi & 0xffffffffu, key.hi >> 32};
  std::uint64_t out[4];
  std::uint64_t carry = digit;
  for (int i = 0; i < 4; ++i) {
    carry += words[i] * factor;
    out[i] = carry & 0xffffffffu;
    carry >>= 32;
  }
  overflow = carry;
  return {out[3] << 32 | out[2], out[1] << 32 | out[0]};
}

Expected<Space> Space::create(std::vector<Knob> knobs,
                              Canonicalizer canonicalizer) {
  if (knobs.empty())
    return Error{"the search space is empty: it has no knobs; list at least "
                 "one knob with its values"};
  std::set<std::string> names;
  Key last;
  bool exact = true, conditional = false;
  for (const Knob &knob : knobs) {
    if (knob.count < 1)
      return Error{"the search space is empty: knob '" + knob.name + "' has " +
                   std::to_string(knob.count) +
                   " values; give it at least one value or remove it"};
    if (!names.insert(knob.name).second)
      return Error{"knob '" + knob.name +
                   "' is listed twice; rename or remove one of them"};
    std::uint64_t overflow = 0;
    if (exact)
      last = multiplyAdd(last, std::uint32_t(knob.count),
                         std::uint32_t(knob.count - 1), overflow);
    exact = exact && !overflow;
    const std::size_t place = &knob - knobs.data();
    for (const Condition &condition : knob.conditions) {
      if (condition.knob >= place)
        return Error{"knob '" + knob.name +
                     "' depends on a knob that does not stand before it (" +
                     std::to_string(condition.knob) +
                     "); move it behind the knob that it depends on"};
      const Knob &other = knobs[condition.knob];
      for (std::int32_t index : condition.indices)
        if (index < 0 || index >= other.count)
          return Error{"knob '" + knob.name + "' depends on index " +
                       std::to_string(index) + " of '" + other.name +
                       "', which has " + std::to_string(other.count) +
                       " values; name one of them"};
      conditional = true;
    }
  }

  Space space;
  space.list = std::move(knobs);
  space.hook = std::move(canonicalizer);
  space.last = exact ? last : Key{~std::uint64_t(0), ~std::uint64_t(0)};
  space.exact = exact;
  space.conditional = conditional;
  if (!space.hook)
    return space;

  // A broken hook would corrupt keys silently, so a sample is checked here.
  for (std::uint32_t i = 0; i < 66; ++i) {
    Genome before(space.list.size());
    Stream stream(/*seed=*/0, 0, i, /*purpose=*/0x43414E4Fu);
    for (std::size_t k = 0; k < before.size(); ++k) {
      const std::uint32_t count = std::uint32_t(space.list[k].count);
      before[k] = i == 0   ? 0
                  : i == 1 ? std::int32_t(count - 1)
                           : std::int32_t(stream.below(count));
    }
    space.applyConditions(before);
    Genome once = before;
    space.hook(once);
    const char *wrong = nullptr;
    if (!space.contains(once)) {
      wrong = "leaves the space";
    } else {
      Genome twice = once;
      space.hook(twice);
      if (twice != once)
        wrong = "changes when canonicalized again";
    }
    if (wrong)
      return Error{"the canonical form of design {" + space.describe(before) +
                   "} is {" + space.describe(once) + "}, which " + wrong +
                   "; mend the canonicalizer of the space"};
  }
  return space;
}

/// Knobs in order: a condition looks at knobs before, which are settled then.
void Space::applyConditions(Genome &genome) const {
  if (!conditional)
    return;
  std::vector<char> active(list.size(), true);
  for (std::size_t k = 0; k < list.size(); ++k) {
    for (const Condition &condition : list[k].conditions) {
      const auto &indices = condition.indices;
      active[k] = active[k] && active[condition.knob] &&
                  std::find(indices.begin(), indices.end(),
                            genome[condition.knob]) != indices.end();
    }
    if (!active[k])
      genome[k] = 0;
  }
}

std::uint64_t Space::size() const {
  return !exact || last.hi || last.lo == UINT64_MAX ? UINT64_MAX : last.lo + 1;
}

std::string Space::sizeText() const {
  if (exact && last.hi == 0 && last.lo != UINT64_MAX)
    return std::to_string(last.lo + 1);
  double digits = 0;
  for (const Knob &knob : list)
    digits += std::log10(double(knob.count));
  return "about 10^" + std::to_string(std::lround(digits));
}

bool Space::contains(const Genome &genome) const {
  if (genome.size() != list.size())
    return false;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (genome[i] < 0 || genome[i] >= list[i].count)
      return false;
  return true;
}

/// Two 64-bit halves, each mixed with every index in turn.
static Key fingerprint(const Genome &genome) {
  std::uint64_t a = 0x243F6A8885A308D3u, b = 0x13198A2E03707344u;
  for (std::int32_t gene : genome) {
    const std::uint64_t x = std::uint32_t(gene) + 0x9E3779B97F4A7C15u;
    a = (a ^ x) * 0xBF58476D1CE4E5B9u;
    a ^= a >> 29;
    b = (b + x) * 0x94D049BB133111EBu;
    b ^= b >> 32;
  }
  a = (a ^ b >> 31) * 0x94D049BB133111EBu;
  b = (b ^ a >> 30) * 0xBF58476D1CE4E5B9u;
  return {a ^ a >> 31, b ^ b >> 28};
}

Key Space::encode(const Genome &genome) const {
  assert(contains(genome) && "design of another space");
  if (!exact)
    return fingerprint(genome);
  if (last.hi == 0) {
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < list.size(); ++i)
      key = key * std::uint32_t(list[i].count) + std::uint32_t(genome[i]);
    return {0, key};
  }
  Key key;
  std::uint64_t overflow = 0;
  for (std::size_t i = 0; i < list.size(); ++i)
    key = multiplyAdd(key, std::uint32_t(list[i].count),
                      std::uint32_t(genome[i]), overflow);
  return key;
}

void Space::decode(Key key, Genome &genome) const {
  assert(exact && !(last < key) && "key beyond the space");
  genome.resize(list.size());
  for (std::size_t i = list.size(); i-- > 0;) {
    const std::uint32_t count = std::uint32_t(list[i].count);
    if (key.hi == 0) {
      genome[i] = std::int32_t(key.lo % count);
      key.lo /= count;
      continue;
    }
    // Long division, 32 bits of the key at a time.
    std::uint64_t words[4] = {key.hi >> 32, key.hi & 0xffffffffu, key.lo >> 32,
                              key.lo & 0xffffffffu};
    std::uint64_t rest = 0;
    for (std::uint64_t &word : words) {
      rest = rest << 32 | word;
      word = rest / count;
      rest %= count;
    }
    genome[i] = std::int32_t(rest);
    key = {words[0] << 32 | words[1], words[2] << 32 | words[3]};
  }
}

Genome Space::decode(Key key) const {
  Genome genome;
  decode(key, genome);
  return genome;
}

bool Space::isCanonical(const Genome &genome) const {
  if (!hasCanonicalizer())
    return true;
  Genome copy = genome;
  canonicalize(copy);
  return copy == genome;
}

std::string Space::describe(const Genome &genome) const {
  std::string text;
  for (std::size_t i = 0; i < genome.size(); ++i) {
    if (i)
      text += ", ";
    text += i < list.size() ? list[i].name : "?";
    text += "=" + std::to_string(genome[i]);
  }
  return text;
}
