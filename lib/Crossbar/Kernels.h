//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inner loops, for each instruction set. A table of functions is chosen at run
// time; all tables compute the same bits: sums are integers, and floating point
// is binary32 operation by operation (no contraction, no reassociation,
// division and square root as IEEE 754 rounds them).
//
// Panels: a matrix K x N is stored in panels of 16 columns. K is cut into
// groups of 4 bytes, that is 4 int8 or 2 int16 rows, and a panel holds for each
// group the 16 columns side by side: int32 [panel][group][16].
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CROSSBAR_KERNELS_H
#define IMC_LIB_CROSSBAR_KERNELS_H

#include "imc/Crossbar/Crossbar.h"

#include <cstdint>

namespace imc::crossbar {

constexpr int64_t panelColumns = 16;

/// C (rows x panels*16, row stride ldc) = A (rows x groups, row stride lda)
/// times panels B.
using GemmKernel = void(const int32_t *a, int64_t lda, const int32_t *b,
                        int64_t groups, int64_t rows, int64_t panels,
                        int32_t *c, int64_t ldc);

/// Bit planes of cells: sum(c) = sum_t 2^t sum_k 2^k popcount(x_t &
/// plane_k(c)), minus the same of the second half of the planes if `isSigned`.
struct PlaneShape {
  int64_t words;        ///< of 32 rows
  int64_t cell_planes;  ///< of one sign
  int64_t input_planes; ///< bits of a phase
  int64_t cols;         ///< a multiple of 16
  bool isSigned;
  int64_t rows; ///< of cells
};
/// bits: rows x input_planes x words; planes: [plane][word][cols].
using PlaneKernel = void(const uint32_t *bits, const uint32_t *planes,
                         const PlaneShape &shape, int64_t rows, int32_t *sums);

/// The same from the levels of cells, a byte each (of two's complement if
/// `isSigned`), which are added for the rows whose bit is set. Bit t of the
/// digits of row r is set in the rows active[starts[r * input_planes + t]] up
/// to the next start. cells: [panel of levelColumns][row][levelColumns].
constexpr int64_t levelColumns = 128;
using LevelKernel = void(const int32_t *active, const int32_t *starts,
                         const uint8_t *cells, const PlaneShape &shape,
                         int64_t rows, int32_t *sums);

/// Converters of a unit, one entry per column; steps are powers of two.
struct IntegerConverters {
  const int32_t *shift; ///< log2 of the step
  const int32_t *bias;  ///< added before the shift
  const int32_t *odd;   ///< 1: half to even
  const int32_t *low, *high;
};
/// acc[c] += weight * code(sums[c]); returns how many saturated.
using ConvertKernel = int64_t(const int32_t *sums, int64_t cols,
                              const IntegerConverters &converters,
                              int32_t weight, int32_t *acc);

/// Converters of a unit, any steps, gains and offsets.
struct AnalogConverters {
  const float *gain, *offset, *step, *low, *high;
  Ties ties;
};
/// v = float(sums[c]) * scale, or value[c]; v += sqrt(float(variance[c]) *
/// variance_scale + noise[c]) * normal[c]; v = v * gain + offset; acc[c] +=
/// weight * clamp(round(v / step)).
struct AnalogInput {
  const int32_t *sums = nullptr;
  float scale = 1;
  const float *values = nullptr;     ///< instead of sums
  const int32_t *variance = nullptr; ///< null: no noise
  float variance_scale = 1;
  const float *noise = nullptr;
  const float *normals = nullptr;
};
using AnalogKernel = int64_t(const AnalogInput &input, int64_t cols,
                             const AnalogConverters &converters, int32_t weight,
                             int32_t *acc);

/// Standard normals of Philox4x32-10 and Box-Muller: counter words 1 to 3 are
/// c1..c3, and word 0 runs from 0; count is a multiple of 4. Number i of
/// block q (q = 0..3) is out[q * count / 4 + i], from counter i.
using NormalKernel = void(uint32_t key0, uint32_t key1, uint32_t c1,
                          uint32_t c2, uint32_t c3, int64_t count, float *out);
/// The same for uniform 32-bit numbers.
using UniformKernel = void(uint32_t key0, uint32_t key1, uint32_t c1,
                           uint32_t c2, uint32_t c3, int64_t count,
                           uint32_t *out);

/// Currents at the end of bit lines with resistance (X-IR), columns as lanes.
/// `cells`: conductance times the resistance of a segment, rows x cols.
/// Active rows ascending, with their voltages; segments beyond the last one.
/// out: current times the resistance of a segment.
using LadderKernel = void(const float *cells, int64_t cols, const int32_t *rows,
                          const float *volts, int64_t active, int64_t segments,
                          float *out);

struct Kernels {
  GemmKernel *bytes;   ///< unsigned A times signed B; null: there is none
  GemmKernel *words;   ///< int16 times int16; sums must fit int32
  PlaneKernel *planes; ///< where there are bytes; null: there are levels
  LevelKernel *levels; ///< otherwise
  ConvertKernel *convert;
  AnalogKernel *analog;
  NormalKernel *normals;
  UniformKernel *uniforms;
  LadderKernel *ladder;
};

/// The table of an instruction set that this machine has.
const Kernels &kernels(Isa isa);

extern const Kernels portableKernels;
#if defined(__x86_64__)
extern const Kernels avx2Kernels, avx512Kernels;
#endif

} // namespace imc::crossbar

#endif // IMC_LIB_CROSSBAR_KERNELS_H
