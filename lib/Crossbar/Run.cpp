//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

using namespace imc::crossbar;

//===----------------------------------------------------------------------===//
// Inputs in the layouts of the kernels
//===----------------------------------------------------------------------===//

llvm::Error Product::Impl::checkCodes(const uint8_t *codes, int64_t m) const {
  const int64_t count = m * shape.groups * shape.k;
  const int64_t bits = arrays.input_bits;
  uint8_t seen = 0;
  // Signed codes are in range when all bits above the sign equal it.
  if (arrays.signed_inputs)
    for (int64_t i = 0; i < count; ++i)
      seen |= uint8_t(codes[i] ^ uint8_t(int8_t(codes[i]) < 0 ? 255 : 0));
  else
    for (int64_t i = 0; i < count; ++i)
      seen |= codes[i];
  if ((seen >> (arrays.signed_inputs ? bits - 1 : bits)) == 0)
    return llvm::Error::success();
  for (int64_t i = 0;; ++i) {
    const int64_t code =
        arrays.signed_inputs ? int64_t(int8_t(codes[i])) : int64_t(codes[i]);
    const int64_t half = int64_t(1) << (bits - 1);
    if (arrays.signed_inputs ? code < -half || code >= half : code >= 2 * half)
      return fail("code " + std::to_string(i) + " is " + std::to_string(code) +
                  ", inputs have " + std::to_string(bits) + " bits" +
                  (arrays.signed_inputs ? " with sign" : ""));
  }
}

/// Bit t of all codes, 32 rows to a word: to[t * words + w].
static void transposeBits(const uint8_t *codes, int64_t rows, int64_t words,
                          uint32_t *to) {
  for (int64_t w = 0; w < words; ++w) {
    uint32_t bits[8] = {};
    for (int64_t q = 0; q < 4; ++q) {
      const int64_t first = w * 32 + q * 8;
      if (first >= rows)
        break;
      uint64_t bytes = 0;
      std::memcpy(&bytes, codes + first,
                  size_t(std::min<int64_t>(8, rows - first)));
      // Bit t of byte i goes to bit 56 + i of the product.
      for (int t = 0; t < 8; ++t)
        bits[t] |=
            uint32_t((bytes >> t & 0x0101010101010101u) * 0x0102040810204080u >>
                     56)
            << (8 * q);
    }
    for (int t = 0; t < 8; ++t)
      to[t * words + w] = bits[t];
  }
}

/// Digits of a phase, or their squares, two rows to a group.
static void packDigits(const uint8_t *codes, int64_t rows, const Phase &phase,
                       bool squared, int32_t *to, int64_t groups) {
  to[groups - 1] = 0;
  const int mask = (1 << phase.bits) - 1, shift = int(phase.first_bit);
  auto *out = reinterpret_cast<char *>(to);
  for (int64_t r = 0; r < rows; ++r) {
    const int digit = codes[r] >> shift & mask;
    const auto v = int16_t(squared ? digit * digit : digit);
    std::memcpy(out + 2 * r, &v, 2);
  }
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

void Product::Impl::runExact(const ExactPart &part, const Kernels &kernels,
                             const uint8_t *codes, int64_t windows, int32_t *y,
                             Scratch &scratch) const {
  const int64_t width = shape.groups * shape.k,
                outputs = shape.groups * shape.n;
  const int64_t cols = part.panels * panelColumns;
  scratch.inputs.resize(size_t(windows * part.groups));
  scratch.products.resize(size_t(windows * cols));
  const bool isSigned = arrays.signed_inputs;
  for (int64_t w = 0; w < windows; ++w) {
    const uint8_t *from = codes + w * width + part.first_row;
    int32_t *to = &scratch.inputs[size_t(w * part.groups)];
    to[part.groups - 1] = 0;
    if (part.bytes) {
      auto *bytes = reinterpret_cast<uint8_t *>(to);
      std::memcpy(bytes, from, size_t(part.rows));
      if (isSigned)
        for (int64_t r = 0; r < part.rows; ++r)
          bytes[r] ^= 0x80;
      continue;
    }
    auto *bytes = reinterpret_cast<char *>(to);
    for (int64_t r = 0; r < part.rows; ++r) {
      const auto v = isSigned ? int16_t(int8_t(from[r])) : int16_t(from[r]);
      std::memcpy(bytes + 2 * r, &v, 2);
    }
  }
  (part.bytes ? kernels.bytes : kernels.words)(
      scratch.inputs.data(), part.groups, part.matrix.data(), part.groups,
      windows, part.panels, scratch.products.data(), cols);
  for (int64_t w = 0; w < windows; ++w) {
    const int32_t *sums = &scratch.products[size_t(w * cols)];
    int32_t *to = y + w * outputs;
    for (size_t c = 0; c != part.outputs.size(); ++c) {
      int32_t &out = to[part.outputs[c]];
      out = int32_t(uint32_t(out) + uint32_t(sums[c]));
    }
    if (!part.corrections.empty())
      for (size_t c = 0; c != part.outputs.size(); ++c) {
        int32_t &out = to[part.outputs[c]];
        out = int32_t(uint32_t(out) - uint32_t(part.corrections[c]));
      }
  }
}

void Product::Impl::idealSums(const ConvertedPart &part, const Kernels &kernels,
                              const uint8_t *codes, int64_t windows,
                              int64_t width, Scratch &scratch,
                              int32_t *sums) const {
  const auto numPhases = int64_t(phases.size());
  if (!part.levels.empty()) {
    const PlaneShape &s = part.planes_shape;
    const int64_t lists = windows * numPhases * s.input_planes;
    scratch.starts.resize(size_t(lists + 1));
    scratch.active.resize(size_t(lists * part.rows + 1));
    int32_t *start = scratch.starts.data(), *active = scratch.active.data();
    int32_t n = 0;
    for (int64_t w = 0; w < windows; ++w)
      for (const Phase &phase : phases)
        for (int64_t t = 0; t < s.input_planes; ++t) {
          *start++ = n;
          if (t >= phase.bits)
            continue;
          const uint8_t *from = codes + w * width;
          const int64_t bit = phase.first_bit + t;
          // Without branches, which no predictor could know.
          for (int64_t r = 0; r < part.rows; ++r) {
            active[n] = int32_t(r);
            n += from[r] >> bit & 1;
          }
        }
    *start = n;
    kernels.levels(scratch.active.data(), scratch.starts.data(),
                   part.levels.data(), s, windows * numPhases, sums);
    return;
  }
  if (part.use_planes) {
    const PlaneShape &s = part.planes_shape;
    const int64_t perRow = s.input_planes * s.words;
    const size_t all = size_t(windows * numPhases * perRow);
    scratch.bits.resize(all + size_t(8 * s.words));
    uint32_t *bits = &scratch.bits[all];
    for (int64_t w = 0; w < windows; ++w) {
      transposeBits(codes + w * width, part.rows, s.words, bits);
      uint32_t *to = &scratch.bits[size_t(w * numPhases * perRow)];
      for (const Phase &phase : phases)
        for (int64_t t = 0; t < s.input_planes; ++t, to += s.words)
          for (int64_t i = 0; i < s.words; ++i)
            to[i] =
                t < phase.bits ? bits[(phase.first_bit + t) * s.words + i] : 0;
    }
    kernels.planes(scratch.bits.data(), part.planes.data(), s,
                   windows * numPhases, sums);
    return;
  }
  scratch.inputs.resize(size_t(windows * numPhases * part.groups));
  int32_t *to = scratch.inputs.data();
  for (int64_t w = 0; w < windows; ++w)
    for (const Phase &phase : phases) {
      packDigits(codes + w * width, part.rows, phase, false, to, part.groups);
      to += part.groups;
    }
  kernels.words(scratch.inputs.data(), part.groups, part.cells.data(),
                part.groups, windows * numPhases, part.cols / panelColumns,
                sums, part.cols);
}

int64_t Product::Impl::convertPhase(const ConvertedPart &part,
                                    const Kernels &kernels,
                                    const uint8_t *codes, int64_t window,
                                    int64_t phase, int64_t set, int64_t number,
                                    Scratch &scratch) const {
  const auto numPhases = int64_t(phases.size());
  const size_t at = size_t((window * numPhases + phase) * part.cols);
  const size_t of = size_t(set * part.cols); // converters of the phase
  const int32_t weight = phases[size_t(phase)].weight;
  if (part.integers) {
    const IntegerConverters converters{&part.shift[of], &part.bias[of],
                                       &part.odd[of], part.low.data(),
                                       part.high.data()};
    return kernels.convert(&scratch.sums[at], part.cols, converters, weight,
                           scratch.acc.data());
  }
  AnalogInput input;
  input.sums = &scratch.sums[at];
  input.scale = part.scale;
  if (!part.lines.empty())
    input.values =
        bitLines(part, kernels, codes, phases[size_t(phase)], scratch);
  if (!part.variances.empty()) {
    input.variance = &scratch.variances[at];
    input.variance_scale = part.variance_scale;
    input.noise = &part.noise[of];
    readNoise(part, kernels, number, phase, scratch.normals.data());
    input.normals = scratch.normals.data();
  }
  const AnalogConverters converters{part.gain.data(),  &part.offset[of],
                                    &part.step[of],    part.flow.data(),
                                    part.fhigh.data(), readout.ties};
  return kernels.analog(input, part.cols, converters, weight,
                        scratch.acc.data());
}

void Product::Impl::recombine(const ConvertedPart &part, int64_t set,
                              Scratch &scratch, double *fractions) const {
  // In integers where steps are integers.
  const auto locals = int64_t(part.outputs.size());
  for (int64_t j = 0; j < numConverters(); ++j) {
    const int64_t coefficient = slices.converters[size_t(j)].coefficient;
    const auto factor = uint32_t(int32_t(coefficient));
    const int32_t *acc = &scratch.acc[size_t(j * part.stride)];
    const auto at = size_t(set * part.cols + j * part.stride);
    const int32_t *unit = &part.unit[at];
    int32_t *sum = scratch.products.data();
    for (int64_t n = 0; n < locals; ++n)
      sum[n] = int32_t(uint32_t(sum[n]) +
                       uint32_t(acc[n]) * uint32_t(unit[n]) * factor);
    if (!fractions)
      continue;
    const float *fraction = &part.fraction[at];
    for (int64_t n = 0; n < locals; ++n)
      fractions[part.outputs[size_t(n)]] +=
          double(coefficient) * double(fraction[n]) * double(acc[n]);
  }
}

int64_t Product::Impl::runConverted(const ConvertedPart &part,
                                    const Kernels &kernels,
                                    const uint8_t *codes, int64_t windows,
                                    int64_t firstWindow, int32_t *y,
                                    Scratch &scratch) const {
  const int64_t width = shape.groups * shape.k,
                outputs = shape.groups * shape.n;
  const auto numPhases = int64_t(phases.size());
  // As many windows at once as leave their sums in the second-level cache.
  const int64_t most =
      std::max<int64_t>(1, (int64_t(1) << 16) / (numPhases * part.cols));
  int64_t saturated = 0;
  for (int64_t w0 = 0; w0 < windows; w0 += most) {
    const int64_t count = std::min(most, windows - w0);
    const uint8_t *from = codes + w0 * width + part.first_row;
    const size_t perWindow = size_t(numPhases * part.cols);
    scratch.sums.resize(size_t(count) * perWindow);
    if (part.lines.empty())
      idealSums(part, kernels, from, count, width, scratch,
                scratch.sums.data());
    if (!part.variances.empty()) {
      scratch.variances.resize(size_t(count) * perWindow);
      scratch.normals.resize(size_t(part.cols));
      scratch.inputs.resize(size_t(count * numPhases * part.groups));
      int32_t *to = scratch.inputs.data();
      for (int64_t w = 0; w < count; ++w)
        for (const Phase &phase : phases) {
          packDigits(from + w * width, part.rows, phase, true, to, part.groups);
          to += part.groups;
        }
      kernels.words(scratch.inputs.data(), part.groups, part.variances.data(),
                    part.groups, count * numPhases, part.cols / panelColumns,
                    scratch.variances.data(), part.cols);
    }
    scratch.acc.resize(size_t(part.cols));
    const auto locals = int64_t(part.outputs.size());
    scratch.products.resize(size_t(part.stride));
    for (int64_t w = 0; w < count; ++w) {
      std::fill(scratch.products.begin(), scratch.products.end(), 0);
      double *fractions = part.fractions
                              ? &scratch.fractions[size_t((w0 + w) * outputs)]
                              : nullptr;
      // Phases that share steps are added up as codes.
      for (int64_t set = 0; set < part.sets; ++set) {
        std::fill(scratch.acc.begin(), scratch.acc.end(), 0);
        const int64_t first = part.sets == 1 ? 0 : set,
                      end = part.sets == 1 ? numPhases : set + 1;
        for (int64_t p = first; p < end; ++p)
          saturated += convertPhase(part, kernels, from + w * width, w, p, set,
                                    firstWindow + w0 + w, scratch);
        recombine(part, set, scratch, fractions);
      }
      int32_t *to = y + (w0 + w) * outputs;
      for (int64_t n = 0; n < locals; ++n) {
        int32_t &out = to[part.outputs[size_t(n)]];
        out = int32_t(uint32_t(out) + uint32_t(scratch.products[size_t(n)]));
      }
    }
  }
  return saturated;
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

llvm::Error Product::run(const uint8_t *codes, int64_t m, int32_t *y,
                         const Options &options, Statistics *statistics) const {
  const Impl &i = *impl;
  if (!isSupported(options.isa))
    return fail(std::string("this machine has no ") + isaName(options.isa));
  if (options.first_window < 0 || options.first_window + m > (int64_t(1) << 32))
    return fail("windows are numbered from 0 to 2^32 - 1, 'first_window' is " +
                std::to_string(options.first_window) + " with " +
                std::to_string(m) + " windows");
  if (llvm::Error error = i.checkCodes(codes, m))
    return error;
  const Kernels &k = kernels(options.isa);
  std::shared_ptr<const Plan> ideal;
  const Plan *plan = nullptr;
  if (i.programmed) {
    plan = &i.programmed->plan;
  } else {
    ideal = i.idealPlan(options.use_proofs, k.bytes != nullptr);
    plan = ideal.get();
  }
  const int64_t width = i.shape.groups * i.shape.k,
                outputs = i.shape.groups * i.shape.n;
  const int64_t threads = std::max<int64_t>(1, options.threads);
  // Blocks of windows share what is loaded of the matrix; multiples of 6 fill
  // the tiles of the kernels.
  const int64_t block =
      std::min<int64_t>(48, ceilDiv(ceilDiv(m, 2 * threads), 6) * 6);
  std::atomic<int64_t> saturated{0};
  parallelFor(threads, m ? ceilDiv(m, block) : 0, [&](int64_t b) {
    Impl::Scratch scratch;
    const int64_t first = b * block, count = std::min(block, m - first);
    const uint8_t *from = codes + first * width;
    int32_t *to = y + first * outputs;
    std::fill(to, to + count * outputs, 0);
    if (plan->fractions)
      scratch.fractions.assign(size_t(count * outputs), 0);
    for (const ExactPart &part : plan->exact)
      i.runExact(part, k, from, count, to, scratch);
    int64_t beyond = 0;
    for (const ConvertedPart &part : plan->converted)
      beyond += i.runConverted(part, k, from, count,
                               options.first_window + first, to, scratch);
    for (const Plan::Offset &offset : plan->offsets)
      for (int64_t w = 0; w < count; ++w) {
        const uint8_t *x = from + w * width + offset.first_row;
        int32_t sum = 0;
        if (i.arrays.signed_inputs)
          for (int64_t r = 0; r < offset.rows; ++r)
            sum += int8_t(x[r]);
        else
          for (int64_t r = 0; r < offset.rows; ++r)
            sum += x[r];
        const auto taken = uint32_t(sum) * uint32_t(i.slices.offset);
        for (int64_t o : offset.outputs) {
          int32_t &out = to[w * outputs + o];
          out = int32_t(uint32_t(out) - taken);
        }
      }
    if (plan->fractions)
      for (int64_t o = 0; o < count * outputs; ++o)
        to[o] = int32_t(uint32_t(to[o]) + uint32_t(int64_t(std::nearbyint(
                                              scratch.fractions[size_t(o)]))));
    saturated += beyond;
  });
  if (statistics) {
    for (const ConvertedPart &part : plan->converted)
      statistics->conversions += m * int64_t(i.phases.size()) *
                                 int64_t(part.outputs.size()) *
                                 i.numConverters();
    statistics->saturated += saturated;
  }
  return llvm::Error::success();
}
