//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

using namespace imc::crossbar;

#define IMC_TARGET __attribute__((target("avx2")))
#define IMC_LADDER_LANES 32
#include "Kernels.inc"

namespace {

template <int ROWS>
IMC_TARGET void gemmTile(const int32_t *a, int64_t lda, const int32_t *b,
                         int64_t groups, int32_t *c, int64_t ldc) {
  __m256i acc[ROWS][2];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r)
    acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  for (int64_t g = 0; g < groups; ++g) {
    const auto *at = reinterpret_cast<const __m256i *>(b + g * panelColumns);
    const __m256i low = _mm256_loadu_si256(at),
                  high = _mm256_loadu_si256(at + 1);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const __m256i x = _mm256_set1_epi32(a[r * lda + g]);
      acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, low));
      acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, high));
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) {
    auto *to = reinterpret_cast<__m256i *>(c + r * ldc);
    _mm256_storeu_si256(to, acc[r][0]);
    _mm256_storeu_si256(to + 1, acc[r][1]);
  }
}

IMC_TARGET void gemmWords(const int32_t *a, int64_t lda, const int32_t *b,
                          int64_t groups, int64_t rows, int64_t panels,
                          int32_t *c, int64_t ldc) {
  for (int64_t p = 0; p < panels;
       ++p, b += groups * panelColumns, c += panelColumns) {
    int64_t r = 0;
    for (; r + 5 <= rows; r += 5)
      gemmTile<5>(a + r * lda, lda, b, groups, c + r * ldc, ldc);
    for (; r + 2 <= rows; r += 2)
      gemmTile<2>(a + r * lda, lda, b, groups, c + r * ldc, ldc);
    if (r < rows)
      gemmTile<1>(a + r * lda, lda, b, groups, c + r * ldc, ldc);
  }
}

template <bool isSigned>
IMC_TARGET void sumLevels(const int32_t *active, const int32_t *starts,
                          const uint8_t *cells, const PlaneShape &s,
                          int64_t rows, int32_t *sums) {
  // So many levels add up in a byte.
  const int32_t limit = (isSigned ? 127 : 255) / ((1 << s.cell_planes) - 1);
  for (int64_t c = 0; c < s.cols; c += levelColumns) {
    // A panel stays in the first-level cache while all rows pass it.
    const uint8_t *panel = cells + c * s.rows;
    const int64_t width = s.cols - c < levelColumns ? s.cols - c : levelColumns;
    for (int64_t r = 0; r < rows; ++r) {
      int32_t *to = sums + r * s.cols + c;
      bool first = true;
      for (int64_t t = 0; t < s.input_planes; ++t) {
        const __m128i shift = _mm_cvtsi64_si128(t);
        const int32_t *from = starts + r * s.input_planes + t;
        // The first step stores, if only zeros.
        for (int32_t a = from[0]; first || a < from[1]; first = false) {
          const int32_t end = a + limit < from[1] ? a + limit : from[1];
          __m256i total[4];
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i)
            total[i] = _mm256_setzero_si256();
          for (; a < end; ++a) {
            const auto *u = reinterpret_cast<const __m256i *>(
                panel + int64_t(active[a]) * levelColumns);
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i)
              total[i] = _mm256_add_epi8(total[i], _mm256_loadu_si256(u + i));
          }
          alignas(32) uint8_t bytes[levelColumns];
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i)
            _mm256_store_si256(reinterpret_cast<__m256i *>(bytes) + i,
                               total[i]);
          for (int64_t l = 0; l < width; l += 8) {
            const __m128i eight =
                _mm_loadl_epi64(reinterpret_cast<const __m128i *>(bytes + l));
            const __m256i wide = isSigned ? _mm256_cvtepi8_epi32(eight)
                                          : _mm256_cvtepu8_epi32(eight);
            __m256i sum = _mm256_sll_epi32(wide, shift);
            auto *at = reinterpret_cast<__m256i *>(to + l);
            if (!first)
              sum = _mm256_add_epi32(sum, _mm256_loadu_si256(at));
            _mm256_storeu_si256(at, sum);
          }
        }
      }
    }
  }
}

IMC_TARGET void sumAnyLevels(const int32_t *active, const int32_t *starts,
                             const uint8_t *cells, const PlaneShape &s,
                             int64_t rows, int32_t *sums) {
  if (s.isSigned)
    sumLevels<true>(active, starts, cells, s, rows, sums);
  else
    sumLevels<false>(active, starts, cells, s, rows, sums);
}

} // namespace

const Kernels imc::crossbar::avx2Kernels = {
    nullptr,       gemmWords,   nullptr,      sumAnyLevels, convertIntegers,
    convertAnalog, drawNormals, drawUniforms, solveLadder};

#endif
