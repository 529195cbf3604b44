//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which columns are multiplied and which are converted, in the layouts of the
// kernels.
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace imc::crossbar;

static ExactPart exactPart(const Product::Impl &i, int64_t group,
                           int64_t firstRow, int64_t rows,
                           std::vector<int64_t> locals, bool bytes) {
  ExactPart part;
  part.first_row = group * i.shape.k + firstRow;
  part.rows = rows;
  part.bytes = bytes;
  const auto cols = int64_t(locals.size());
  part.panels = ceilDiv(cols, panelColumns);
  auto value = [&](int64_t r, int64_t c) {
    return i.weight(group, firstRow + r, locals[size_t(c)]);
  };
  if (bytes) {
    part.groups = ceilDiv(rows, 4);
    part.matrix.assign(size_t(part.groups * part.panels * panelColumns), 0);
    auto *to = reinterpret_cast<int8_t *>(part.matrix.data());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c)
        to[((c / panelColumns * part.groups + r / 4) * panelColumns +
            c % panelColumns) *
               4 +
           r % 4] = value(r, c);
    // Signed codes enter as unsigned ones, 128 too large.
    if (i.arrays.signed_inputs)
      for (int64_t c = 0; c < cols; ++c) {
        int32_t sum = 0;
        for (int64_t r = 0; r < rows; ++r)
          sum += value(r, c);
        part.corrections.push_back(128 * sum);
      }
  } else {
    part.groups = ceilDiv(rows, 2);
    part.matrix = wordPanels(rows, cols, value);
  }
  for (int64_t local : locals)
    part.outputs.push_back(group * i.shape.n + local);
  return part;
}

void Product::Impl::fillConverters(ConvertedPart &part,
                                   const std::vector<size_t> &entries) const {
  const auto cols = size_t(part.cols);
  part.low.assign(cols, int32_t(low));
  part.high.assign(cols, int32_t(high));
  part.flow.assign(cols, float(low));
  part.fhigh.assign(cols, float(high));
  part.gain.assign(cols, 1);
  part.sets = phase_steps.empty() ? 1 : int64_t(phases.size());
  const size_t all = cols * size_t(part.sets);
  part.shift.assign(all, 0);
  part.bias.assign(all, 0);
  part.odd.assign(all, 0);
  part.offset.assign(all, 0);
  part.step.assign(all, 1);
  part.unit.assign(all, 0);
  part.fraction.assign(all, 0);
  part.integers = true;
  for (size_t c = 0; c != all; ++c) {
    const size_t entry = entries[c % cols];
    if (entry == size_t(-1))
      continue;
    const float step = stepAt(entry, c / cols);
    part.step[c] = step;
    if (step == std::floor(step)) {
      part.unit[c] = int32_t(step);
    } else {
      part.fraction[c] = step;
      part.fractions = true;
    }
    const int exponent = std::ilogb(step);
    if (std::ldexp(1.0f, exponent) != step) {
      part.integers = false;
      continue;
    }
    part.shift[c] = exponent;
    if (exponent > 0 && readout.ties != Ties::Floor) {
      const bool even = readout.ties == Ties::HalfEven;
      part.bias[c] = (1 << (exponent - 1)) - (even ? 1 : 0);
      part.odd[c] = even ? 1 : 0;
    }
  }
}

void Product::Impl::fillCells(
    ConvertedPart &part,
    const std::function<int64_t(int64_t r, int64_t c)> &cell,
    Cells layout) const {
  if (layout == Cells::Words) {
    part.groups = ceilDiv(part.rows, 2);
    part.cells = wordPanels(part.rows, part.cols, cell);
    return;
  }
  PlaneShape &s = part.planes_shape;
  s.words = ceilDiv(part.rows, 32);
  s.cell_planes = arrays.cell_bits;
  s.input_planes = arrays.dac_bits;
  s.cols = part.cols;
  s.isSigned = is_signed;
  s.rows = part.rows;
  part.use_planes = true;
  if (layout == Cells::Levels) {
    const int64_t panels = ceilDiv(s.cols, levelColumns);
    part.levels.assign(size_t(panels * levelColumns * s.rows), 0);
    for (int64_t c = 0; c < part.cols; ++c)
      for (int64_t r = 0; r < part.rows; ++r)
        part.levels[size_t(c / levelColumns * levelColumns * s.rows +
                           r * levelColumns + c % levelColumns)] =
            uint8_t(cell(r, c));
    return;
  }
  const int64_t plane = s.words * s.cols;
  part.planes.assign(size_t(plane * s.cell_planes * (is_signed ? 2 : 1)), 0);
  for (int64_t c = 0; c < part.cols; ++c)
    for (int64_t r = 0; r < part.rows; ++r) {
      int64_t level = cell(r, c), first = 0;
      if (level < 0) {
        level = -level;
        first = s.cell_planes;
      }
      for (int64_t k = first; level; ++k, level >>= 1)
        part.planes[size_t(k * plane + r / 32 * s.cols + c)] |=
            uint32_t(level & 1) << (r % 32);
    }
}

std::shared_ptr<const Plan> Product::Impl::idealPlan(bool useProofs,
                                                     bool bytes) const {
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Plan> &known = plans[{useProofs, bytes}];
  if (known)
    return known;
  auto plan = std::make_shared<Plan>();
  // Outputs of each segment that are proved.
  std::vector<std::vector<int64_t>> exact(segments.size()),
      converted(segments.size());
  bool all = true;
  for (size_t u = 0; u != segments.size(); ++u)
    for (int64_t n = 0; n < shape.n; ++n) {
      bool proved = useProofs;
      for (int64_t j = 0; proved && j < numConverters(); ++j)
        proved = isProved(entryOf(segments[u].group, n, j, segments[u].strip));
      (proved ? exact : converted)[u].push_back(n);
      all &= proved;
    }
  if (all) {
    std::vector<int64_t> outputs(size_t(shape.n), 0);
    std::iota(outputs.begin(), outputs.end(), 0);
    for (int64_t g = 0; g < shape.groups; ++g)
      plan->exact.push_back(exactPart(*this, g, 0, shape.k, outputs, bytes));
    return known = plan;
  }
  // Population counts take `planes` operations for 32 rows, products 16; levels
  // an addition for 32 columns and active row.
  const bool planes =
      arrays.dac_bits * arrays.cell_bits * (is_signed ? 2 : 1) * 3 <= 16;
  for (size_t u = 0; u != segments.size(); ++u) {
    const Segment &s = segments[u];
    if (!exact[u].empty())
      plan->exact.push_back(
          exactPart(*this, s.group, s.first_row, s.rows, exact[u], bytes));
    if (converted[u].empty())
      continue;
    plan->converted.emplace_back();
    ConvertedPart &part = plan->converted.back();
    part.first_row = s.group * shape.k + s.first_row;
    part.rows = s.rows;
    const std::vector<int64_t> &locals = converted[u];
    for (int64_t n : locals)
      part.outputs.push_back(s.group * shape.n + n);
    part.stride = padded(int64_t(locals.size()));
    part.cols = numConverters() * part.stride;
    std::vector<size_t> entries(size_t(part.cols), size_t(-1));
    for (int64_t j = 0; j < numConverters(); ++j)
      for (size_t n = 0; n != locals.size(); ++n)
        entries[size_t(j * part.stride) + n] =
            entryOf(s.group, locals[n], j, s.strip);
    fillConverters(part, entries);
    plan->fractions |= part.fractions;
    std::vector<std::array<int16_t, 256>> cells(slices.converters.size());
    for (size_t j = 0; j != cells.size(); ++j)
      for (int w = -128; w < 128; ++w)
        cells[j][size_t(w + 128)] = int16_t(slices.cell(j, int8_t(w)));
    fillCells(
        part,
        [&](int64_t r, int64_t c) -> int64_t {
          const int64_t j = c / part.stride, n = c % part.stride;
          if (n >= int64_t(locals.size()))
            return 0;
          return cells[size_t(j)][size_t(
              weight(s.group, s.first_row + r, locals[size_t(n)]) + 128)];
        },
        !planes ? Cells::Words
        : bytes ? Cells::Planes
                : Cells::Levels);
    if (slices.offset)
      plan->offsets.push_back({part.first_row, part.rows, part.outputs});
  }
  return known = plan;
}
