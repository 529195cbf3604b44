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
// - a copy of at most `core` arrays lies in one core: where the rest of a core
//   is too short it stays empty and the copy begins the next one;
// - a larger copy begins a core; what follows may use the rest of its last one.
//
// So the first copies fill the rest of the core that the cursor stands in, and
// then every core takes floor(core / arrays) of them: all in O(1). Arrays are
// counted from 0 through the chip. With cores of one array copies lie back to
// back.
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

/// First array of a copy when the first free array is `cursor`.
inline int64_t firstArray(int64_t cursor, int64_t arrays, int64_t core) {
  return cursor % core + arrays <= core ? cursor : wholeCores(cursor, core);
}

/// First array of copy `copy` of a product whose copy 0 begins at `first`.
inline int64_t firstArrayOf(int64_t copy, int64_t first, int64_t arrays,
                            int64_t core) {
  if (arrays > core)
    return first + copy * wholeCores(arrays, core);
  const int64_t here = (core - first % core) / arrays;
  if (copy < here)
    return first + copy * arrays;
  const int64_t perCore = core / arrays;
  copy -= here;
  return (first / core + 1 + copy / perCore) * core + copy % perCore * arrays;
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
  const int64_t first = firstArray(cursor, arrays, core);
  return {first, firstArrayOf(copies - 1, first, arrays, core) + arrays};
}

} // namespace imc::mapping

#endif // IMC_MAPPING_CORES_H
