//===- ProductCells.cpp - Slots of a part with numbers --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductCells.h"

#include "PartWork.h"

#include <algorithm>
#include <cstdlib>

using namespace imc;
using namespace imc::simulate;
using mapping::Encoding;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

Slices::Slices(Encoding encoding, int64_t weightBits, int64_t cellBits)
    : encoding(encoding), cellBits(cellBits) {
  const int64_t half = int64_t(1) << (weightBits - 1);
  least = -half;
  most = half - 1;
  switch (encoding) {
  case Encoding::Offset:
    for (int64_t bit = 0; bit < weightBits; bit += cellBits)
      coefficients.push_back(int64_t(1) << bit);
    offset = half;
    break;
  case Encoding::Differential:
    for (int64_t bit = 0; bit < weightBits - 1; bit += cellBits) {
      coefficients.push_back(int64_t(1) << bit);
      coefficients.push_back(-(int64_t(1) << bit));
    }
    least = 1 - half;
    break;
  case Encoding::TwosComplement:
    for (int64_t bit = 0; bit < weightBits; ++bit)
      coefficients.push_back(int64_t(1) << bit);
    coefficients.back() = -coefficients.back();
    break;
  }
  end = int64_t(coefficients.size());
}

Slices::Slices(const ProductValues &values, int64_t weightBits)
    : Slices(values.encoding, weightBits, values.cell_bits) {
  if (values.column_end == 0)
    return;
  const int64_t unit = std::abs(coefficients[size_t(values.column_begin)]);
  offset = values.column_end == end ? offset / unit : 0;
  begin = values.column_begin;
  end = values.column_end;
  for (int64_t &c : coefficients)
    c /= unit;
}

int64_t Slices::level(int64_t weight, size_t j) const {
  const int64_t mask = (int64_t(1) << cellBits) - 1;
  switch (encoding) {
  case Encoding::Offset:
    return (weight - least) >> (int64_t(j) * cellBits) & mask;
  case Encoding::Differential: {
    const int64_t magnitude =
        std::max<int64_t>(j % 2 == 0 ? weight : -weight, 0);
    return magnitude >> (int64_t(j / 2) * cellBits) & mask;
  }
  case Encoding::TwosComplement:
    return weight >> int64_t(j) & 1;
  }
  return 0;
}

namespace {

/// A slot: rows and columns of its pack, and where the pack begins.
struct Slot {
  int64_t top, bottom, left, right;
  int64_t firstRow, firstOutput; ///< of the pack
};

Slot slotAt(const program::Product &product, int64_t slot) {
  const mapping::Tiling &t = product.tiling;
  const program::Geometry &g = product.geometry;
  const int64_t pack = slot / (t.strips * t.column_tiles);
  const int64_t strip = slot / t.column_tiles % t.strips;
  const int64_t tile = slot % t.column_tiles;
  const int64_t groups =
      std::min(t.groups_per_pack, g.groups - pack * t.groups_per_pack);
  Slot s;
  s.top = strip * t.rows;
  s.bottom = std::min(s.top + t.rows, groups * g.rows);
  s.left = tile * t.cols;
  s.right = std::min(s.left + t.cols, groups * g.cols * t.columns_per_weight);
  s.firstRow = pack * t.groups_per_pack * g.rows;
  s.firstOutput = pack * t.groups_per_pack * g.cols;
  return s;
}

} // namespace

PartCells::PartCells(const program::Product &product,
                     const ProductValues &values, int64_t weightBits,
                     int64_t inputBits, int64_t slotBegin, int64_t slotEnd)
    : slices(values, weightBits), dacBits(values.dac_bits),
      phases(ceilDiv(inputBits, values.dac_bits)) {
  const PartWork work = walkPart(product, slotBegin, slotEnd);
  first = work.row_begin;
  last = work.row_end;
  const int64_t all = product.tiling.lossless_bits;
  const int64_t range = values.range_bits ? values.range_bits : all;
  lossless = std::min(range, values.adc_bits) >= all;
  dropped = std::max<int64_t>(0, range - values.adc_bits);
  lastCode = (int64_t(1) << std::min(range, values.adc_bits)) - 1;
  half = dropped > 0 && values.ties != mapping::Ties::Floor
             ? int64_t(1) << (dropped - 1)
             : 0;
  odd = 0;
  if (dropped > 0 && values.ties == mapping::Ties::HalfEven) {
    --half;
    odd = 1;
  }
  if (lossless)
    buildBlocks(product, values, slotBegin, slotEnd);
  else
    buildColumns(product, values, slotBegin, slotEnd);
  findOutputs(product, slotBegin, slotEnd);
}

void PartCells::buildBlocks(const program::Product &product,
                            const ProductValues &values, int64_t begin,
                            int64_t end) {
  const program::Geometry &g = product.geometry;
  const int64_t c = product.tiling.columns_per_weight;
  // Slots of one strip follow one another.
  for (int64_t slot = begin; slot < end;) {
    int64_t stop = slot + 1;
    while (stop < end && stop % product.tiling.column_tiles != 0)
      ++stop;
    const Slot s = slotAt(product, slot);
    const int64_t right = slotAt(product, stop - 1).right;
    slot = stop;
    for (int64_t group = s.top / g.rows; group * g.rows < s.bottom; ++group) {
      const int64_t top = std::max(s.top, group * g.rows),
                    bottom = std::min(s.bottom, (group + 1) * g.rows);
      const int64_t left = std::max(s.left, group * g.cols * c),
                    limit = std::min(right, (group + 1) * g.cols * c);
      if (top >= bottom || left >= limit)
        continue;
      Block b;
      b.row = s.firstRow + top - first;
      b.rows = bottom - top;
      b.output = s.firstOutput + left / c;
      b.outputs = ceilDiv(limit, c) - left / c;
      b.weights.reserve(size_t(b.rows * b.outputs));
      for (int64_t o = b.output; o < b.output + b.outputs; ++o) {
        // Columns of the weight that lie in these slots and count.
        const int64_t base = (o - s.firstOutput) * c;
        const int64_t from = std::max(left - base, slices.begin),
                      to = std::min(limit - base, slices.end);
        for (int64_t r = 0; r < b.rows; ++r) {
          const int64_t row = s.firstRow + top + r;
          const int64_t w = values.weights[size_t(row * g.cols + o % g.cols)];
          int64_t value =
              from == slices.begin && from < to ? -slices.offset : 0;
          for (int64_t j = from; j < to; ++j)
            value +=
                slices.coefficients[size_t(j)] * slices.level(w, size_t(j));
          b.weights.push_back(int16_t(value));
        }
      }
      blocks.push_back(std::move(b));
    }
  }
}

void PartCells::buildColumns(const program::Product &product,
                             const ProductValues &values, int64_t begin,
                             int64_t end) {
  const program::Geometry &g = product.geometry;
  const int64_t c = product.tiling.columns_per_weight;
  for (int64_t slot = begin; slot < end; ++slot) {
    const Slot s = slotAt(product, slot);
    for (int64_t column = s.left; column < s.right; ++column) {
      // Cells of other groups are at level 0.
      const int64_t group = column / (g.cols * c);
      const int64_t top = std::max(s.top, group * g.rows),
                    bottom = std::min(s.bottom, (group + 1) * g.rows);
      if (top >= bottom)
        continue;
      Column out;
      out.row = s.firstRow + top - first;
      out.rows = bottom - top;
      out.output = s.firstOutput + column / c;
      const int64_t j = column % c;
      if (j < slices.begin || j >= slices.end)
        continue;
      out.coefficient = slices.coefficients[size_t(j)];
      out.offset = j == slices.begin;
      for (int64_t r = 0; r < out.rows; ++r)
        out.levels.push_back(int16_t(
            slices.level(values.weights[size_t((s.firstRow + top + r) * g.cols +
                                               out.output % g.cols)],
                         size_t(j))));
      columns.push_back(std::move(out));
    }
  }
}

// The last slot of an output is that of its last column in the last strip.
void PartCells::findOutputs(const program::Product &product, int64_t begin,
                            int64_t end) {
  const mapping::Tiling &t = product.tiling;
  const int64_t c = t.columns_per_weight, n = product.geometry.cols;
  std::vector<int64_t> outputs;
  for (int64_t slot = begin; slot < end; ++slot) {
    const Slot s = slotAt(product, slot);
    for (int64_t o = s.left / c; o * c < s.right; ++o)
      outputs.push_back(s.firstOutput + o);
  }
  std::sort(outputs.begin(), outputs.end());
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
  for (int64_t o : outputs) {
    const int64_t pack = o / (t.groups_per_pack * n);
    const int64_t column = (o - pack * t.groups_per_pack * n + 1) * c - 1;
    const int64_t slot =
        ((pack + 1) * t.strips - 1) * t.column_tiles + column / t.cols;
    (slot < end ? stored : sent).push_back(o);
  }
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

void PartCells::multiply(const int16_t *x, uint32_t *sums,
                         bool complement) const {
  if (!complement) {
    if (lossless)
      multiplyLossless(x, sums);
    else
      multiplyPhases(x, sums);
    return;
  }
  // Anything but the truth.
  for (const std::vector<int64_t> *list : {&sent, &stored})
    for (int64_t o : *list)
      sums[o] += 0x5a5a5a5bu;
}

/// Sum of products; below 2^31 as long as rows of an array are below 2^15.
static int32_t dot(const int16_t *a, const int16_t *b, int64_t n) {
  int32_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += int32_t(a[i]) * int32_t(b[i]);
  return sum;
}

void PartCells::multiplyLossless(const int16_t *x, uint32_t *sums) const {
  for (const Block &b : blocks) {
    const int16_t *codes = x + b.row, *w = b.weights.data();
    for (int64_t o = 0; o < b.outputs; ++o, w += b.rows)
      sums[b.output + o] += uint32_t(dot(codes, w, b.rows));
  }
}

void PartCells::multiplyPhases(const int16_t *x, uint32_t *sums) const {
  // Digits of all phases of the part's rows.
  const int64_t rows = last - first;
  std::vector<int16_t> digits(size_t(rows * phases));
  const int16_t mask = int16_t((1 << dacBits) - 1);
  for (int64_t p = 0; p < phases; ++p)
    for (int64_t r = 0; r < rows; ++r)
      digits[size_t(p * rows + r)] = int16_t(x[r] >> (p * dacBits) & mask);
  for (const Column &c : columns) {
    int64_t sum = 0;
    for (int64_t p = 0; p < phases; ++p) {
      const int64_t line =
          dot(digits.data() + p * rows + c.row, c.levels.data(), c.rows);
      const int64_t code = std::min(
          (line + half + (odd & (line >> dropped))) >> dropped, lastCode);
      sum += (code << dropped) << (p * dacBits);
    }
    sum *= c.coefficient;
    if (c.offset) {
      int64_t inputs = 0;
      for (int64_t r = 0; r < c.rows; ++r)
        inputs += x[c.row + r];
      sum -= slices.offset * inputs;
    }
    sums[c.output] += uint32_t(sum);
  }
}
