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

/// Ones in each 32-bit lane: tables of nibbles (Mula, Kurz, Lemire, The
/// Computer Journal 61(1), 2018), then sums of the 4 bytes.
IMC_TARGET inline __attribute__((always_inline)) __m256i
countPlane(const uint32_t *x, const uint32_t *plane, const PlaneShape &s) {
  const __m256i table =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                       2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i total = _mm256_setzero_si256();
  for (int64_t w = 0; w < s.words;) {
    // 31 words of at most 8 ones per byte stay below 256.
    const int64_t end = w + 31 < s.words ? w + 31 : s.words;
    __m256i ones = _mm256_setzero_si256();
    for (; w < end; ++w) {
      const __m256i both =
          _mm256_and_si256(_mm256_set1_epi32(int32_t(x[w])),
                           _mm256_loadu_si256(reinterpret_cast<const __m256i *>(
                               plane + w * s.cols)));
      const __m256i low =
          _mm256_shuffle_epi8(table, _mm256_and_si256(both, nibble));
      const __m256i high = _mm256_shuffle_epi8(
          table, _mm256_and_si256(_mm256_srli_epi32(both, 4), nibble));
      ones = _mm256_add_epi8(ones, _mm256_add_epi8(low, high));
    }
    const __m256i pairs = _mm256_maddubs_epi16(ones, _mm256_set1_epi8(1));
    total =
        _mm256_add_epi32(total, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  return total;
}

IMC_TARGET void sumPlanes(const uint32_t *bits, const uint32_t *planes,
                          const PlaneShape &s, int64_t rows, int32_t *sums) {
  const int64_t plane = s.words * s.cols;
  for (int64_t r = 0; r < rows; ++r, sums += s.cols)
    for (int64_t c = 0; c < s.cols; c += 8) {
      __m256i total = _mm256_setzero_si256();
      for (int64_t t = 0; t < s.input_planes; ++t) {
        const uint32_t *x = bits + (r * s.input_planes + t) * s.words;
        for (int64_t k = 0; k < s.cell_planes; ++k) {
          const __m128i shift = _mm_cvtsi64_si128(t + k);
          __m256i count = countPlane(x, planes + k * plane + c, s);
          if (s.isSigned)
            count = _mm256_sub_epi32(
                count,
                countPlane(x, planes + (s.cell_planes + k) * plane + c, s));
          total = _mm256_add_epi32(total, _mm256_sll_epi32(count, shift));
        }
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(sums + c), total);
    }
}

} // namespace

const Kernels imc::crossbar::avx2Kernels = {
    nullptr,       gemmWords,   sumPlanes,    convertIntegers,
    convertAnalog, drawNormals, drawUniforms, solveLadder};

#endif
