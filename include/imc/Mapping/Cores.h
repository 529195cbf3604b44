//===- Cores.h - Copies aligned to cores ------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the copies of a product lie. A core is a hardware tile: `core` =
// macros_per_tile arrays with one buffer. Arrays are handed out in order (next
// fit):
//
// - copies of at most `core` arrays form bundles of floor(core / arrays), the
//   last one perhaps of fewer. A bundle lies in one core, whose tile buffer its
//   copies share: where the rest of a core is too short it stays empty and the
//   bundle begins the next one;
// - a larger copy begins a core; what follows may use the rest of its last one.
//
// Arrays are counted from 0 through the chip. With cores of one array copies
// lie back to back.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_CORES_H
#define IMC_MAPPING_CORES_H

#include <cstdint>

namespace imc::mapping {

/// The arrays of the smallest number of whole cores that hold `arrays`; the
/// first array of a core at or after array `arrays`.
inline int64_t wholeCores(int64_t arrays, int64_t core) {
  return (arrays + core - 1) / core * core;
}

/// Copies of `arrays` arrays that `cores` empty cores hold.
inline int64_t copiesInCores(int64_t cores, int64_t arrays, int64_t core) {
  return arrays <= core ? cores * (core / arrays)
                        : cores / ((arrays + core - 1) / core);
}

/// Copies of a bundle, when a product has `copies` of `arrays` arrays.
inline int64_t copiesPerBundle(int64_t copies, int64_t arrays, int64_t core) {
  if (arrays >= core || copies == 1)
    return 1;
  const int64_t full = core / arrays;
  return copies < full ? copies : full;
}

/// First array of copy `copy` of a product of `copies` copies whose copy 0
/// begins at `first`.
inline int64_t firstArrayOf(int64_t copy, int64_t copies, int64_t first,
                            int64_t arrays, int64_t core) {
  if (arrays > core)
    return first + copy * wholeCores(arrays, core);
  const int64_t bundle = copiesPerBundle(copies, arrays, core);
  if (copy < bundle)
    return first + copy * arrays;
  return (first / core + copy / bundle) * core + copy % bundle * arrays;
}

/// Copies of one product and what they leave free.
struct Placed {
  int64_t first; ///< first array of copy 0
  int64_t end;   ///< first free array behind the last copy
};

/// Places `copies` (at least one) copies of `arrays` arrays when the first free
/// array is `cursor`.
inline Placed place(int64_t cursor, int64_t arrays, int64_t copies,
                    int64_t core) {
  const int64_t bundle = copiesPerBundle(copies, arrays, core) * arrays;
  const int64_t first =
      cursor % core + bundle <= core ? cursor : wholeCores(cursor, core);
  return {first,
          firstArrayOf(copies - 1, copies, first, arrays, core) + arrays};
}

} // namespace imc::mapping

#endif // IMC_MAPPING_CORES_H
