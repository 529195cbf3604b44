//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include <cmath>
#include <sstream>

using namespace imc::crossbar;
using namespace imc::crossbar::test;

int64_t test::pick(std::mt19937 &random, int64_t least, int64_t most) {
  return least + int64_t(random() % uint64_t(most - least + 1));
}

void Case::fill(std::mt19937 &random) {
  weights.resize(size_t(shape.groups * shape.k * shape.n));
  codes.resize(size_t(m * shape.groups * shape.k));
  const int64_t half = int64_t(1) << (arrays.weight_bits - 1);
  const int64_t least =
      arrays.encoding == Encoding::Differential ? -half + 1 : -half;
  for (int8_t &w : weights)
    w = int8_t(pick(random, least, half - 1));
  const int64_t all = int64_t(1) << arrays.input_bits;
  for (uint8_t &x : codes)
    x = uint8_t(arrays.signed_inputs ? pick(random, -all / 2, all / 2 - 1)
                                     : pick(random, 0, all - 1));
}

std::string Case::describe() const {
  std::ostringstream s;
  s << "m " << m << " groups " << shape.groups << " k " << shape.k << " n "
    << shape.n << " per pack " << shape.groups_per_pack << " encoding "
    << int(arrays.encoding) << " pair " << arrays.one_converter_per_pair
    << " weight bits " << arrays.weight_bits << " cell bits "
    << arrays.cell_bits << " input bits " << arrays.input_bits << " signed "
    << arrays.signed_inputs << " dac bits " << arrays.dac_bits << " rows "
    << arrays.rows << " cols " << arrays.cols;
  return s.str();
}

Case test::randomCase(std::mt19937 &random) {
  Case c;
  c.shape.groups = random() % 3 ? 1 : pick(random, 1, 6);
  c.shape.groups_per_pack = pick(random, 1, c.shape.groups);
  c.shape.k = random() % 2 ? pick(random, 1, 40) : pick(random, 1, 300);
  c.shape.n = pick(random, 1, 40);
  c.m = pick(random, 1, 9);
  c.arrays.encoding = Encoding(random() % 3);
  c.arrays.one_converter_per_pair =
      c.arrays.encoding == Encoding::Differential && random() % 2;
  c.arrays.weight_bits = pick(random, 2, 8);
  c.arrays.cell_bits = random() % 4 ? pick(random, 1, 4) : pick(random, 1, 8);
  c.arrays.signed_inputs = random() % 3 == 0;
  c.arrays.input_bits = pick(random, c.arrays.signed_inputs ? 2 : 1, 8);
  c.arrays.dac_bits = random() % 4 ? pick(random, 1, 4) : pick(random, 1, 8);
  c.arrays.rows = random() % 2 ? pick(random, 1, 64) : pick(random, 1, 512);
  c.arrays.cols = 2 * pick(random, 1, 128);
  c.fill(random);
  return c;
}

static int64_t input(const Case &c, int64_t w, int64_t g, int64_t r) {
  const uint8_t code =
      c.codes[size_t((w * c.shape.groups + g) * c.shape.k + r)];
  return c.arrays.signed_inputs ? int64_t(int8_t(code)) : int64_t(code);
}

static int64_t weight(const Case &c, int64_t g, int64_t r, int64_t n) {
  return c.weights[size_t((g * c.shape.k + r) * c.shape.n + n)];
}

std::vector<int32_t> test::exactProduct(const Case &c) {
  std::vector<int32_t> y;
  for (int64_t w = 0; w < c.m; ++w)
    for (int64_t g = 0; g < c.shape.groups; ++g)
      for (int64_t n = 0; n < c.shape.n; ++n) {
        int64_t sum = 0;
        for (int64_t r = 0; r < c.shape.k; ++r)
          sum += input(c, w, g, r) * weight(c, g, r, n);
        y.push_back(int32_t(uint32_t(uint64_t(sum))));
      }
  return y;
}

/// Columns of a weight: coefficient and level. Pairs of one converter are one
/// column with a signed level.
static std::vector<std::pair<int64_t, int64_t>> columns(const Arrays &a,
                                                        int64_t w) {
  const int64_t base = int64_t(1) << a.cell_bits, half = int64_t(1)
                                                         << (a.weight_bits - 1);
  std::vector<std::pair<int64_t, int64_t>> out;
  auto digits = [&](int64_t u, int64_t largest, int64_t sign) {
    for (int64_t place = 1; place <= largest; place *= base, u /= base)
      out.emplace_back(sign * place, u % base);
  };
  switch (a.encoding) {
  case Encoding::Offset:
    digits(w + half, 2 * half - 1, 1);
    break;
  case Encoding::Differential: {
    if (a.one_converter_per_pair) {
      digits(w < 0 ? -w : w, half - 1, 1);
      for (auto &column : out)
        column.second *= w < 0 ? -1 : 1;
      break;
    }
    digits(w > 0 ? w : 0, half - 1, 1);
    digits(w < 0 ? -w : 0, half - 1, -1);
    break;
  }
  case Encoding::TwosComplement:
    digits(w < 0 ? w + half : w, half - 1, 1);
    out.emplace_back(-half, w < 0 ? 1 : 0);
    break;
  }
  return out;
}

static int64_t codeOf(int64_t sum, const Codes &codes, bool &beyond) {
  const double t = std::ldexp(double(sum), -int(codes.shift));
  double code = std::floor(t);
  if (codes.ties != Ties::Floor) {
    const double rest = t - code;
    if (rest > 0.5 || (rest == 0.5 && (codes.ties == Ties::HalfUp ||
                                       std::fmod(code, 2.0) != 0)))
      code += 1;
  }
  beyond = code > double(codes.high) || code < double(codes.low);
  return std::min(std::max(int64_t(code), codes.low), codes.high);
}

std::vector<int32_t> test::convertedProduct(const Case &c, const Codes &codes,
                                            int64_t *saturated) {
  const Arrays &a = c.arrays;
  std::vector<int32_t> y;
  for (int64_t w = 0; w < c.m; ++w)
    for (int64_t g = 0; g < c.shape.groups; ++g) {
      const int64_t inPack = g % c.shape.groups_per_pack * c.shape.k;
      for (int64_t n = 0; n < c.shape.n; ++n) {
        int64_t total = 0;
        for (int64_t first = 0; first < c.shape.k;) {
          // A strip ends where the rows of the pack meet a multiple of R.
          const int64_t last =
              std::min(c.shape.k, first + a.rows - (inPack + first) % a.rows);
          const auto count = columns(a, 0).size();
          std::vector<std::vector<std::pair<int64_t, int64_t>>> cells;
          for (int64_t r = first; r < last; ++r)
            cells.push_back(columns(a, weight(c, g, r, n)));
          int64_t sign = a.signed_inputs ? a.input_bits - 1 : a.input_bits;
          for (int64_t low = 0; low < a.input_bits;) {
            const bool isSign = low >= sign;
            const int64_t high =
                isSign ? low + 1 : std::min(sign, low + a.dac_bits);
            for (size_t j = 0; j != count; ++j) {
              int64_t sum = 0;
              for (int64_t r = first; r < last; ++r) {
                const uint64_t code = uint64_t(input(c, w, g, r));
                const auto digit =
                    int64_t(code >> low & ((uint64_t(1) << (high - low)) - 1));
                sum += digit * cells[size_t(r - first)][j].second;
              }
              bool beyond = false;
              const int64_t code = codeOf(sum, codes, beyond);
              if (saturated)
                *saturated += beyond;
              total += (isSign ? -1 : 1) * (int64_t(1) << low) *
                       cells[0][j].first * (code * (int64_t(1) << codes.shift));
            }
            low = high;
          }
          first = last;
        }
        if (a.encoding == Encoding::Offset)
          for (int64_t r = 0; r < c.shape.k; ++r)
            total -= (int64_t(1) << (a.weight_bits - 1)) * input(c, w, g, r);
        y.push_back(int32_t(uint32_t(uint64_t(total))));
      }
    }
  return y;
}
