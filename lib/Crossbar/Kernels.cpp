//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace imc::crossbar;

#define IMC_TARGET
#define IMC_LADDER_LANES 32
#include "Kernels.inc"

static void gemmWords(const int32_t *a, int64_t lda, const int32_t *b,
                      int64_t groups, int64_t rows, int64_t panels, int32_t *c,
                      int64_t ldc) {
  for (int64_t p = 0; p < panels; ++p, b += groups * panelColumns)
    for (int64_t r = 0; r < rows; ++r) {
      uint32_t sums[panelColumns] = {}; // modulo 2^32, as the other kernels
      for (int64_t g = 0; g < groups; ++g) {
        int16_t x[2];
        __builtin_memcpy(x, a + r * lda + g, 4);
        int16_t w[2 * panelColumns];
        __builtin_memcpy(w, b + g * panelColumns, sizeof(w));
        for (int64_t l = 0; l < panelColumns; ++l)
          sums[l] += uint32_t(int32_t(x[0]) * w[2 * l]) +
                     uint32_t(int32_t(x[1]) * w[2 * l + 1]);
      }
      for (int64_t l = 0; l < panelColumns; ++l)
        c[r * ldc + p * panelColumns + l] = int32_t(sums[l]);
    }
}

static void sumLevels(const int32_t *active, const int32_t *starts,
                      const uint8_t *cells, const PlaneShape &s, int64_t rows,
                      int32_t *sums) {
  // So many levels add up in a byte.
  const int32_t limit = (s.isSigned ? 127 : 255) / ((1 << s.cell_planes) - 1);
  for (int64_t c = 0; c < s.cols; c += levelColumns) {
    const uint8_t *panel = cells + c * s.rows;
    const int64_t width = s.cols - c < levelColumns ? s.cols - c : levelColumns;
    for (int64_t r = 0; r < rows; ++r) {
      int32_t *to = sums + r * s.cols + c;
      for (int64_t l = 0; l < width; ++l)
        to[l] = 0;
      for (int64_t t = 0; t < s.input_planes; ++t) {
        const int32_t *from = starts + r * s.input_planes + t;
        for (int32_t a = from[0]; a < from[1];) {
          const int32_t end = a + limit < from[1] ? a + limit : from[1];
          uint8_t total[levelColumns] = {};
          for (; a < end; ++a) {
            const uint8_t *u = panel + active[a] * levelColumns;
            for (int64_t l = 0; l < levelColumns; ++l)
              total[l] = uint8_t(total[l] + u[l]);
          }
          for (int64_t l = 0; l < width; ++l)
            to[l] +=
                (s.isSigned ? int32_t(int8_t(total[l])) : total[l]) * (1 << t);
        }
      }
    }
  }
}

const Kernels imc::crossbar::portableKernels = {
    nullptr,       gemmWords,   nullptr,      sumLevels,  convertIntegers,
    convertAnalog, drawNormals, drawUniforms, solveLadder};

bool imc::crossbar::isSupported(Isa isa) {
  switch (isa) {
  case Isa::Best:
  case Isa::Portable:
    return true;
#if defined(__x86_64__)
  case Isa::AVX2:
    return __builtin_cpu_supports("avx2");
  case Isa::AVX512:
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("avx512vpopcntdq");
#endif
  default:
    return false;
  }
}

const char *imc::crossbar::isaName(Isa isa) {
  switch (isa) {
  case Isa::Best:
    return "best";
  case Isa::Portable:
    return "portable";
  case Isa::AVX2:
    return "avx2";
  case Isa::AVX512:
    return "avx512";
  }
  return "";
}

Isa imc::crossbar::bestIsa() {
  if (isSupported(Isa::AVX512))
    return Isa::AVX512;
  return isSupported(Isa::AVX2) ? Isa::AVX2 : Isa::Portable;
}

const Kernels &imc::crossbar::kernels(Isa isa) {
  if (isa == Isa::Best)
    isa = bestIsa();
#if defined(__x86_64__)
  if (isa == Isa::AVX512)
    return avx512Kernels;
  if (isa == Isa::AVX2)
    return avx2Kernels;
#endif
  return portableKernels;
}
