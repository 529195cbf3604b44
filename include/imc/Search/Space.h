//===- Space.h - Finite spaces of designs -----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A space is a list of knobs, each with finitely many values; a design picks
// one value index per knob. The library never sees the values themselves: rows
// = 128 is index 2 of {32, 64, 128, 256} here, and whoever built the space
// knows what index 2 means. That keeps genes integers, results identical on
// every machine, and two designs equal exactly when their indices are.
//
// Every design has a key: its indices read as one mixed-radix number (first
// knob most significant, last knob fastest). Keys detect duplicates exactly,
// order designs, and let enumeration be plain counting.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_SPACE_H
#define IMC_SEARCH_SPACE_H

#include "imc/Search/Expected.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace imc::search {

/// What neighbouring indices of a knob mean; only variation operators look at
/// it.
enum class KnobKind {
  Categorical, ///< no order: any other value is equally near (encodings,
               ///< policies)
  Ordinal,     ///< ordered, uneven steps (rows 32, 64, 128, 256)
  Integer,     ///< ordered, even steps (bits 4, 5, 6, 7, 8)
  Real         ///< ordered, a grid over a real range (supply 0.70, 0.75, … V)
};

/// When a conditional knob has an effect: another knob, which stands before it
/// in the list and has an effect itself, is at one of these indices. Example:
/// bits per cell only where the technology is RRAM.
struct Condition {
  std::size_t knob = 0; ///< index in the list of knobs
  std::vector<std::int32_t> indices;
};

/// One decision. `count` is the number of values, at least 1.
struct Knob {
  std::string name;
  std::int32_t count = 0;
  KnobKind kind = KnobKind::Categorical;
  /// All of them must hold for the knob to have an effect; where one does not,
  /// canonical designs have index 0.
  std::vector<Condition> conditions = {};

  bool isOrdered() const { return kind != KnobKind::Categorical; }
};

/// A design: one index per knob, 0 <= genome[i] < knobs()[i].count.
using Genome = std::vector<std::int32_t>;

/// A design's number in its space, 128 bits as two halves. Exact up to 2^128
/// designs: two designs of one space have the same key only if they are the
/// same design. Larger spaces have fingerprints instead (Space::hasExactKeys).
struct Key {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  friend bool operator==(Key a, Key b) { return a.hi == b.hi && a.lo == b.lo; }
  friend bool operator!=(Key a, Key b) { return !(a == b); }
  friend bool operator<(Key a, Key b) {
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
  }
  /// The next key; wraps after the 128-bit maximum.
  Key next() const { return {hi + (lo + 1 == 0), lo + 1}; }
  /// 32 lower-case hexadecimal digits, for files and databases.
  std::string str() const;
};

/// A checked, immutable list of knobs.
class Space {
public:
  /// Sets every knob that has no effect in this design to its canonical index
  /// (usually 0), so that designs which differ only there become one design.
  /// Example: cell bits when the cell is SRAM. Must be deterministic,
  /// idempotent, keep indices in range, and be safe to call from several
  /// threads.
  using Canonicalizer = std::function<void(Genome &)>;

  /// Refuses: no knobs at all; a knob without values or with a name used twice;
  /// a condition on a knob that does not stand before, or on an index that it
  /// does not have; a canonicalizer that breaks its contract on the corners or
  /// on 64 sampled designs. The canonicalizer is called after the conditions
  /// have been applied.
  static Expected<Space> create(std::vector<Knob> knobs,
                                Canonicalizer canonicalizer = {});

  const std::vector<Knob> &knobs() const { return list; }
  std::size_t numKnobs() const { return list.size(); }

  /// Number of index combinations, at most 2^64 − 1 (then it means "at least").
  /// With a canonicalizer the number of distinct designs is smaller.
  std::uint64_t size() const;
  /// The size in digits, exact below 2^64 and a power of ten above.
  std::string sizeText() const;
  /// True up to 2^128 designs: keys count the designs and can be decoded.
  /// Beyond (thirty real knobs, bits of every layer) a key is a fingerprint:
  /// two of n designs share one with probability below n^2 / 2^129, 1e-27 for
  /// a million designs. What counts through keys (`exhaustive`) refuses such
  /// spaces; `random` draws with repetition at the same odds.
  bool hasExactKeys() const { return exact; }
  /// The largest key; keys 0 to lastKey() are the index combinations. Only with
  /// exact keys.
  Key lastKey() const {
    assert(exact && "keys of this space are fingerprints");
    return last;
  }

  /// True if the genome has one index per knob, each in range.
  bool contains(const Genome &genome) const;
  /// The key of a genome of this space (see contains()).
  Key encode(const Genome &genome) const;
  /// The genome of a key up to lastKey(), with exact keys; the second form
  /// reuses memory.
  Genome decode(Key key) const;
  void decode(Key key, Genome &genome) const;

  /// True if some designs may not be canonical.
  bool hasCanonicalizer() const { return hook || conditional; }
  void canonicalize(Genome &genome) const {
    if (conditional)
      applyConditions(genome);
    if (hook)
      hook(genome);
  }
  /// True if canonicalize() would leave the genome as it is.
  bool isCanonical(const Genome &genome) const;

  /// "rows=2, tech=0" for messages; out-of-range parts are shown as they are.
  std::string describe(const Genome &genome) const;

private:
  Space() = default;
  void applyConditions(Genome &genome) const;

  std::vector<Knob> list;
  Canonicalizer hook;
  Key last;
  bool exact = true;
  bool conditional = false;
};

} // namespace imc::search

#endif // IMC_SEARCH_SPACE_H
