//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <algorithm>
#include <cmath>

using namespace imc::crossbar;

//===----------------------------------------------------------------------===//
// Programming
//===----------------------------------------------------------------------===//

namespace {

/// Fixed point (X-GRID): values times 2^bits are int16, and their sums int32.
struct Grid {
  float scale, inverse;
  /// `most`: largest value; `factor`: what it is multiplied with and added up.
  Grid(double most, double factor) {
    int bits = 14;
    while (most * std::ldexp(1.0, bits) > 32767 ||
           most * factor * std::ldexp(1.0, bits) > 2147483647.0)
      --bits;
    scale = float(std::ldexp(1.0, bits));
    inverse = float(std::ldexp(1.0, -bits));
  }
  int64_t operator()(float v) const {
    return int64_t(std::nearbyint(v * scale));
  }
};

float largest(const AlignedVector<float> &values) {
  float most = 0;
  for (float v : values)
    most = std::max(most, std::abs(v));
  return most;
}

} // namespace

ConvertedPart Product::Impl::deviceStrip(const Device &device,
                                         const CellDraw &draw,
                                         const std::vector<CellModel> &levels,
                                         const RandomKey &key, int64_t pack,
                                         int64_t strip) const {
  const Kernels &k = kernels(Isa::Best);
  ConvertedPart part;
  const int64_t packRows = groupsOf(pack) * shape.k,
                outputs = groupsOf(pack) * shape.n;
  const int64_t begin = strip * arrays.rows;
  part.first_row = pack * rowsOfPack() + begin;
  part.rows = std::min(arrays.rows, packRows - begin);
  part.number = pack * strips + strip;
  for (int64_t o = 0; o < outputs; ++o)
    part.outputs.push_back(pack * shape.groups_per_pack * shape.n + o);
  part.stride = padded(outputs);
  part.cols = numConverters() * part.stride;
  std::vector<size_t> entries(size_t(part.cols), size_t(-1));
  for (int64_t j = 0; j < numConverters(); ++j)
    for (int64_t o = 0; o < outputs; ++o)
      entries[size_t(j * part.stride + o)] = entry(pack, strip, j, o);
  fillConverters(part, entries);
  part.integers = false;

  // Conductances and variances of reads, both columns of a pair apart.
  const auto number = uint32_t(part.number);
  const auto cells = size_t(part.rows * part.cols);
  AlignedVector<float> plus(cells, 0), minus(is_signed ? cells : 0, 0),
      variance(device.hasReadNoise() ? cells : 0, 0);
  const auto lanes = size_t(part.stride);
  AlignedVector<float> z(lanes, 0), drift(lanes, 0), relax(lanes, 0);
  AlignedVector<uint32_t> fault(lanes, ~uint32_t(0));
  const bool faults = device.stuck_off_rate + device.stuck_on_rate > 0;
  for (int64_t j = 0; j < numConverters(); ++j) {
    const Slices::Converter &converter = slices.converters[size_t(j)];
    for (int64_t column : {converter.plus, converter.minus}) {
      if (column < 0)
        continue;
      AlignedVector<float> &to = column == converter.plus ? plus : minus;
      for (int64_t r = 0; r < part.rows; ++r) {
        const auto c1 = uint32_t(r) | uint32_t(column) << 16;
        key.normals(k, c1, number, Purpose::Program, part.stride, z.data());
        if (device.drift)
          key.normals(k, c1, number, Purpose::Drift, part.stride, drift.data());
        if (device.relaxation)
          key.normals(k, c1, number, Purpose::Relax, part.stride, relax.data());
        if (faults)
          key.uniforms(k, c1, number, Purpose::Fault, part.stride,
                       fault.data());
        const int64_t local = (begin + r) / shape.k,
                      row = (begin + r) % shape.k;
        for (int64_t o = 0; o < outputs; ++o) {
          // Off the diagonal of a pack cells are empty, at the lowest level.
          const size_t level =
              o / shape.n == local
                  ? slices.levels[size_t(column)][size_t(
                        weight(pack * shape.groups_per_pack + local, row,
                               o % shape.n) +
                        128)]
                  : 0;
          const auto lane = size_t(o);
          const CellDraw::Cell cell = draw(levels[level], z[lane], drift[lane],
                                           relax[lane], fault[lane]);
          const auto at = size_t(r * part.cols + j * part.stride + o);
          to[at] = cell.conductance_us;
          if (!variance.empty())
            variance[at] += cell.read_sigma_us * cell.read_sigma_us;
        }
      }
    }
  }

  // Drivers and converters (X-CONV): one number each.
  std::vector<float> gain(size_t(part.rows), 1), offset(size_t(part.rows), 0);
  AlignedVector<float> row(size_t(padded(part.rows)));
  if (device.driver_gain_sigma_relative > 0) {
    key.normals(k, 0, number, Purpose::Driver, int64_t(row.size()), row.data());
    for (size_t r = 0; r != gain.size(); ++r)
      gain[r] += float(device.driver_gain_sigma_relative) * row[r];
  }
  if (device.driver_offset_sigma_lsb > 0) {
    key.normals(k, 1, number, Purpose::Driver, int64_t(row.size()), row.data());
    for (size_t r = 0; r != offset.size(); ++r)
      offset[r] = float(device.driver_offset_sigma_lsb) * row[r];
  }
  AlignedVector<float> converter(size_t(part.cols), 0);
  key.normals(k, 0, number, Purpose::Converter, part.cols, converter.data());
  for (size_t c = 0; c != entries.size(); ++c)
    part.gain[c] =
        entries[c] == size_t(-1)
            ? 0.0f
            : 1.0f + float(device.converter_gain_relative) +
                  float(device.converter_gain_sigma_relative) * converter[c];
  key.normals(k, 1, number, Purpose::Converter, part.cols, converter.data());
  // Offsets and noise of converters are steps: those of the phase.
  for (size_t at = 0; at != part.offset.size(); ++at) {
    const size_t c = at % entries.size();
    part.offset[at] =
        entries[c] == size_t(-1)
            ? 0.0f
            : (float(device.converter_offset_lsb) +
               float(device.converter_offset_sigma_lsb) * converter[c]) *
                  part.step[at];
  }

  // In units of a level. The reference column has one cell for each row.
  const double unit = (device.max_us - device.min_us) /
                      double((int64_t(1) << arrays.cell_bits) - 1);
  const auto perUs = float(1.0 / unit);
  const float reference =
      device.reference_column && !is_signed ? float(device.min_us) : 0.0f;
  const bool lines = device.segment_ohm > 0;
  if (lines) {
    const auto perSegment = float(1e-6 * device.segment_ohm);
    part.line_scale = float(1.0 / (1e-6 * device.segment_ohm * unit));
    for (size_t c = 0; c != plus.size(); ++c)
      part.lines.push_back(plus[c] * perSegment);
    for (size_t c = 0; c != minus.size(); ++c)
      part.lines.push_back(minus[c] * perSegment);
    part.driver_gain = gain;
    part.driver_offset = offset;
  }
  AlignedVector<float> values(cells, 0);
  for (int64_t r = 0; r < part.rows; ++r)
    for (int64_t c = 0; c < part.cols; ++c) {
      const auto at = size_t(r * part.cols + c);
      if (entries[size_t(c)] == size_t(-1))
        continue;
      const float v = (plus[at] - (is_signed ? minus[at] : reference)) * perUs;
      values[at] = v * gain[size_t(r)];
      if (!lines)
        for (int64_t set = 0; set < part.sets; ++set)
          part.offset[size_t(set * part.cols + c)] +=
              v * offset[size_t(r)] * part.gain[size_t(c)];
      if (!variance.empty())
        variance[at] *= perUs * perUs * gain[size_t(r)] * gain[size_t(r)];
    }
  const double digit = double((int64_t(1) << arrays.dac_bits) - 1);
  const Grid grid(double(largest(values)), digit * double(part.rows));
  part.scale = grid.inverse;
  if (!lines)
    fillCells(
        part,
        [&](int64_t r, int64_t c) {
          return grid(values[size_t(r * part.cols + c)]);
        },
        Cells::Words);
  part.groups = ceilDiv(part.rows, 2);
  if (!variance.empty() || device.converter_noise_sigma_lsb > 0) {
    variance.resize(cells, 0);
    const Grid grid(double(largest(variance)),
                    digit * digit * double(part.rows));
    part.variance_scale = grid.inverse;
    part.variances =
        wordPanels(part.rows, part.cols, [&](int64_t r, int64_t c) {
          return grid(variance[size_t(r * part.cols + c)]);
        });
    part.noise.assign(part.step.size(), 0);
    for (size_t at = 0; at != part.noise.size(); ++at)
      if (entries[at % entries.size()] != size_t(-1)) {
        const float sigma =
            float(device.converter_noise_sigma_lsb) * part.step[at];
        part.noise[at] = sigma * sigma;
      }
  }
  return part;
}

llvm::Error Product::program(const Device &device, const Draw &draw,
                             int64_t threads) {
  Impl &i = *impl;
  if (llvm::Error error = checkDraw(device, draw))
    return error;
  if (i.packs * i.strips >= (int64_t(1) << 20))
    return fail("the product has " + std::to_string(i.packs * i.strips) +
                " strips, random numbers reach for 1048575");
  if (device.hasReadNoise() && i.arrays.dac_bits > 7)
    return fail("read noise needs the squares of digits; 'dac_bits' is " +
                std::to_string(i.arrays.dac_bits) + ", must be at most 7");
  std::vector<CellModel> levels;
  const int64_t top = (int64_t(1) << i.arrays.cell_bits) - 1;
  for (int64_t level = 0; level <= top; ++level) {
    llvm::Expected<CellModel> model =
        modelOf(device,
                device.min_us + (device.max_us - device.min_us) *
                                    double(level) / double(top),
                draw.time_s);
    if (!model)
      return model.takeError();
    levels.push_back(*model);
  }
  auto programmed = std::make_unique<Programmed>();
  programmed->key = RandomKey(draw);
  programmed->all_rows_active =
      device.idle_rows_grounded || device.driver_offset_sigma_lsb > 0;
  if (device.reference_column && !i.is_signed)
    programmed->leak =
        float(device.min_us * double(top) / (device.max_us - device.min_us));
  std::vector<std::pair<int64_t, int64_t>> strips;
  for (int64_t p = 0; p < i.packs; ++p)
    for (int64_t s = 0; s < i.strips; ++s)
      if (s * i.arrays.rows < i.groupsOf(p) * i.shape.k)
        strips.emplace_back(p, s);
  Plan &plan = programmed->plan;
  plan.converted.resize(strips.size());
  const CellDraw cell(device, draw.time_s);
  parallelFor(threads, int64_t(strips.size()), [&](int64_t u) {
    const auto [p, s] = strips[size_t(u)];
    plan.converted[size_t(u)] =
        i.deviceStrip(device, cell, levels, programmed->key, p, s);
  });
  for (const ConvertedPart &part : plan.converted)
    plan.fractions |= part.fractions;
  for (int64_t g = 0; g < i.shape.groups && i.slices.offset; ++g) {
    Plan::Offset offset{g * i.shape.k, i.shape.k, {}};
    for (int64_t n = 0; n < i.shape.n; ++n)
      offset.outputs.push_back(g * i.shape.n + n);
    plan.offsets.push_back(std::move(offset));
  }
  i.programmed = std::move(programmed);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

void Product::Impl::readNoise(const ConvertedPart &part, const Kernels &kernels,
                              int64_t window, int64_t phase,
                              float *normals) const {
  programmed->key.normals(kernels, uint32_t(window),
                          uint32_t(part.number) | uint32_t(phase) << 20,
                          Purpose::Read, part.cols, normals);
}

const float *Product::Impl::bitLines(const ConvertedPart &part,
                                     const Kernels &kernels,
                                     const uint8_t *codes, const Phase &phase,
                                     Scratch &scratch) const {
  scratch.active.clear();
  scratch.volts.clear();
  const int mask = (1 << phase.bits) - 1;
  int64_t digits = 0;
  for (int64_t r = 0; r < part.rows; ++r) {
    const int digit = codes[r] >> phase.first_bit & mask;
    if (!digit && !programmed->all_rows_active)
      continue;
    digits += digit;
    scratch.active.push_back(int32_t(r));
    scratch.volts.push_back(float(digit) * part.driver_gain[size_t(r)] +
                            part.driver_offset[size_t(r)]);
  }
  const auto active = int64_t(scratch.active.size());
  scratch.values.resize(size_t(part.cols) * 2);
  float *plus = scratch.values.data(), *minus = plus + part.cols;
  const int64_t segments =
      arrays.rows - (active ? int64_t(scratch.active.back()) : 0);
  kernels.ladder(part.lines.data(), part.cols, scratch.active.data(),
                 scratch.volts.data(), active, segments, plus);
  if (is_signed) {
    kernels.ladder(part.lines.data() + part.rows * part.cols, part.cols,
                   scratch.active.data(), scratch.volts.data(), active,
                   segments, minus);
    for (int64_t c = 0; c < part.cols; ++c)
      plus[c] = plus[c] - minus[c];
  }
  const float leak = programmed->leak * float(digits);
  for (int64_t c = 0; c < part.cols; ++c)
    plus[c] = plus[c] * part.line_scale - leak;
  return plus;
}
