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

#define IMC_TARGET                                                             \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,"       \
                        "avx512vpopcntdq")))
#define IMC_LADDER_LANES 64
#include "Kernels.inc"

namespace {

/// ROWS x 16 PANELS results, all of them in registers.
template <bool bytes, int ROWS, int PANELS>
IMC_TARGET void gemmTile(const int32_t *a, int64_t lda, const int32_t *b,
                         int64_t groups, int32_t *c, int64_t ldc) {
  __m512i acc[ROWS][PANELS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < PANELS; ++p)
      acc[r][p] = _mm512_setzero_si512();
  for (int64_t g = 0; g < groups; ++g) {
    __m512i w[PANELS];
#pragma GCC unroll 8
    for (int p = 0; p < PANELS; ++p)
      w[p] = _mm512_loadu_si512(b + (p * groups + g) * panelColumns);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const __m512i x = _mm512_set1_epi32(a[r * lda + g]);
#pragma GCC unroll 8
      for (int p = 0; p < PANELS; ++p)
        acc[r][p] = bytes ? _mm512_dpbusd_epi32(acc[r][p], x, w[p])
                          : _mm512_dpwssd_epi32(acc[r][p], x, w[p]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < PANELS; ++p)
      _mm512_storeu_si512(c + r * ldc + p * panelColumns, acc[r][p]);
}

template <bool bytes, int PANELS>
IMC_TARGET void gemmRows(const int32_t *a, int64_t lda, const int32_t *b,
                         int64_t groups, int64_t rows, int32_t *c,
                         int64_t ldc) {
  int64_t r = 0;
  for (; r + 6 <= rows; r += 6)
    gemmTile<bytes, 6, PANELS>(a + r * lda, lda, b, groups, c + r * ldc, ldc);
  a += r * lda;
  c += r * ldc;
  switch (rows - r) {
  case 5:
    return gemmTile<bytes, 5, PANELS>(a, lda, b, groups, c, ldc);
  case 4:
    return gemmTile<bytes, 4, PANELS>(a, lda, b, groups, c, ldc);
  case 3:
    return gemmTile<bytes, 3, PANELS>(a, lda, b, groups, c, ldc);
  case 2:
    return gemmTile<bytes, 2, PANELS>(a, lda, b, groups, c, ldc);
  case 1:
    return gemmTile<bytes, 1, PANELS>(a, lda, b, groups, c, ldc);
  default:
    return;
  }
}

template <bool bytes>
IMC_TARGET void gemm(const int32_t *a, int64_t lda, const int32_t *b,
                     int64_t groups, int64_t rows, int64_t panels, int32_t *c,
                     int64_t ldc) {
  const int64_t panel = groups * panelColumns;
  for (; panels >= 4; panels -= 4, b += 4 * panel, c += 4 * panelColumns)
    gemmRows<bytes, 4>(a, lda, b, groups, rows, c, ldc);
  if (panels >= 2) {
    gemmRows<bytes, 2>(a, lda, b, groups, rows, c, ldc);
    panels -= 2;
    b += 2 * panel;
    c += 2 * panelColumns;
  }
  if (panels)
    gemmRows<bytes, 1>(a, lda, b, groups, rows, c, ldc);
}

/// Population counts of one plane, for ROWS rows of bits.
template <int ROWS>
IMC_TARGET inline __attribute__((always_inline)) void
countPlane(const uint32_t *x, int64_t stride, const uint32_t *plane,
           const PlaneShape &s, __m512i *counts) {
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r)
    counts[r] = _mm512_setzero_si512();
  for (int64_t w = 0; w < s.words; ++w) {
    const __m512i u = _mm512_loadu_si512(plane + w * s.cols);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const __m512i both =
          _mm512_and_si512(u, _mm512_set1_epi32(int32_t(x[r * stride + w])));
      counts[r] = _mm512_add_epi32(counts[r], _mm512_popcnt_epi32(both));
    }
  }
}

template <int ROWS>
IMC_TARGET void planeRows(const uint32_t *bits, const uint32_t *planes,
                          const PlaneShape &s, int32_t *sums) {
  const int64_t plane = s.words * s.cols, stride = s.input_planes * s.words;
  for (int64_t c = 0; c < s.cols; c += panelColumns) {
    __m512i total[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
      total[r] = _mm512_setzero_si512();
    for (int64_t t = 0; t < s.input_planes; ++t)
      for (int64_t k = 0; k < s.cell_planes; ++k) {
        const uint32_t *x = bits + t * s.words;
        const __m128i shift = _mm_cvtsi64_si128(t + k);
        __m512i counts[ROWS];
        countPlane<ROWS>(x, stride, planes + k * plane + c, s, counts);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r)
          total[r] =
              _mm512_add_epi32(total[r], _mm512_sll_epi32(counts[r], shift));
        if (!s.isSigned)
          continue;
        countPlane<ROWS>(x, stride, planes + (s.cell_planes + k) * plane + c, s,
                         counts);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r)
          total[r] =
              _mm512_sub_epi32(total[r], _mm512_sll_epi32(counts[r], shift));
      }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
      _mm512_storeu_si512(sums + r * s.cols + c, total[r]);
  }
}

IMC_TARGET void sumPlanes(const uint32_t *bits, const uint32_t *planes,
                          const PlaneShape &s, int64_t rows, int32_t *sums) {
  const int64_t stride = s.input_planes * s.words;
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8)
    planeRows<8>(bits + r * stride, planes, s, sums + r * s.cols);
  for (; r + 2 <= rows; r += 2)
    planeRows<2>(bits + r * stride, planes, s, sums + r * s.cols);
  if (r < rows)
    planeRows<1>(bits + r * stride, planes, s, sums + r * s.cols);
}

} // namespace

const Kernels imc::crossbar::avx512Kernels = {
    gemm<true>,    gemm<false>, sumPlanes,    nullptr,    convertIntegers,
    convertAnalog, drawNormals, drawUniforms, solveLadder};

#endif
