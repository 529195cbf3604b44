//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Wide.h"

#include "Impl.h"

#include <cmath>

using namespace imc::crossbar;

/// The largest divisor of `count` with at most `most` units of `bits`; 0 if not
/// even one fits.
static int64_t largestPiece(int64_t count, int64_t bits, int64_t most) {
  int64_t best = 0;
  for (int64_t size = 1; size <= count; ++size)
    if (count % size == 0 && size * bits <= most)
      best = size;
  return best;
}

static int64_t power(int64_t bits) { return int64_t(1) << bits; }

llvm::Expected<Cut> Cut::make(const Shape &shape, const Arrays &arrays) {
  struct {
    const char *name;
    int64_t value, least, most;
  } limits[] = {{"weight_bits", arrays.weight_bits, 2, 16},
                {"input_bits", arrays.input_bits, 1, 16},
                {"cell_bits", arrays.cell_bits, 1, 8},
                {"dac_bits", arrays.dac_bits, 1, 8}};
  for (const auto &[name, value, least, most] : limits)
    if (value < least || value > most)
      return fail(std::string("'") + name + "' is " + std::to_string(value) +
                  ", must be " + std::to_string(least) + " to " +
                  std::to_string(most));
  Cut cut;
  cut.whole = cut.pieceShape = shape;
  cut.wholeArrays = cut.pieceArrays = arrays;
  if (arrays.input_bits > 8) {
    if (arrays.signed_inputs)
      return fail("inputs of " + std::to_string(arrays.input_bits) +
                  " bits are cut into phases of unsigned codes; "
                  "'signed_inputs' takes at most 8");
    const int64_t phases = ceilDiv(arrays.input_bits, arrays.dac_bits);
    const int64_t each = largestPiece(phases, arrays.dac_bits, 8);
    cut.inputShift = each * arrays.dac_bits;
    cut.numInputs = phases / each;
    cut.pieceArrays.input_bits = cut.inputShift;
  }
  if (arrays.weight_bits > 8) {
    const bool differential = arrays.encoding == Encoding::Differential;
    const std::string bits = std::to_string(arrays.weight_bits);
    if (arrays.encoding == Encoding::TwosComplement)
      return fail("weights of " + bits +
                  " bits in twos_complement have one sign column for all "
                  "slices; simulated arrays take them as offset or "
                  "differential");
    const int64_t slices =
        ceilDiv(arrays.weight_bits - (differential ? 1 : 0), arrays.cell_bits);
    // Pairs hold magnitudes of a signed byte.
    const int64_t each =
        largestPiece(slices, arrays.cell_bits, differential ? 7 : 8);
    if (each == 0)
      return fail("weights of " + bits +
                  " bits in pairs of 8-bit cells have magnitudes beyond a "
                  "signed byte; simulated arrays take cells of at most 7 bits, "
                  "or offset");
    cut.weightShift = each * arrays.cell_bits;
    cut.numWeights = slices / each;
    cut.pieceArrays.weight_bits = cut.weightShift + (differential ? 1 : 0);
    if (cut.pieceArrays.weight_bits < 2)
      return fail(bits + " slices of one bit, which no piece of 2 to 8 bits "
                         "divides; take other weight_bits or cell_bits");
    cut.pieceShape.n *= cut.numWeights;
  }
  const int64_t largest =
      power(cut.pieceArrays.input_bits) * power(cut.pieceArrays.weight_bits);
  if (cut.numInputs * cut.numWeights > 1 && shape.k > power(31) / largest)
    return fail("sums of " + std::to_string(shape.k) + " rows with pieces of " +
                std::to_string(cut.pieceArrays.weight_bits) + " and " +
                std::to_string(cut.pieceArrays.input_bits) +
                " bits may leave 32 bits; cut the layer into " +
                std::to_string(power(31) / largest) + " rows or fewer");
  return cut;
}

llvm::Expected<std::vector<int8_t>>
Cut::weights(llvm::ArrayRef<int16_t> values) const {
  const int64_t n = wholeArrays.weight_bits, half = power(n - 1);
  const bool differential = wholeArrays.encoding == Encoding::Differential;
  const int64_t least = differential ? 1 - half : -half;
  std::vector<int8_t> out;
  out.reserve(values.size() * size_t(numWeights));
  for (size_t i = 0; i != values.size(); ++i) {
    const int64_t w = values[i];
    if (w < least || w >= half)
      return fail("weight " + std::to_string(i) + " is " + std::to_string(w) +
                  ", the encoding holds " + std::to_string(least) + " to " +
                  std::to_string(half - 1));
    if (numWeights == 1 && weightShift == 0) {
      out.push_back(int8_t(w));
      continue;
    }
    const int64_t mask = power(weightShift) - 1;
    for (int64_t h = 0; h < numWeights; ++h) {
      const int64_t shift = weightShift * h;
      if (differential) {
        const int64_t digit = std::abs(w) >> shift & mask;
        out.push_back(int8_t(w < 0 ? -digit : digit));
      } else {
        out.push_back(
            int8_t(((w + half) >> shift & mask) - power(weightShift - 1)));
      }
    }
  }
  return out;
}

llvm::Error Cut::codes(const uint16_t *values, int64_t m,
                       std::vector<uint8_t> &pieces) const {
  const int64_t width = whole.groups * whole.k;
  const int64_t mask = inputShift ? power(inputShift) - 1 : 255;
  pieces.resize(size_t(m * numInputs * width));
  for (int64_t w = 0; w < m; ++w)
    for (int64_t r = 0; r < width; ++r) {
      const int64_t code = values[w * width + r];
      if (code >> wholeArrays.input_bits)
        return fail("code " + std::to_string(w * width + r) + " is " +
                    std::to_string(code) + ", inputs have " +
                    std::to_string(wholeArrays.input_bits) + " bits");
      for (int64_t i = 0; i < numInputs; ++i)
        pieces[size_t((w * numInputs + i) * width + r)] =
            uint8_t(code >> (inputShift * i) & mask);
    }
  return llvm::Error::success();
}

void Cut::combine(const int32_t *pieces, const uint16_t *codes, int64_t m,
                  int64_t *y) const {
  const int64_t outputs = whole.groups * whole.n;
  // What pieces took of each input, less what the whole takes.
  int64_t offset = 0;
  if (weightShift && wholeArrays.encoding == Encoding::Offset) {
    for (int64_t h = 0; h < numWeights; ++h)
      offset += power(weightShift * h + weightShift - 1);
    offset -= power(wholeArrays.weight_bits - 1);
  }
  for (int64_t w = 0; w < m; ++w)
    for (int64_t g = 0; g < whole.groups; ++g) {
      int64_t *to = y + w * outputs + g * whole.n;
      int64_t taken = 0;
      if (offset)
        for (int64_t r = 0; r < whole.k; ++r)
          taken += codes[(w * whole.groups + g) * whole.k + r];
      std::fill_n(to, whole.n, taken * offset);
      for (int64_t i = 0; i < numInputs; ++i) {
        const int32_t *from =
            pieces + ((w * numInputs + i) * outputs + g * whole.n) * numWeights;
        for (int64_t n = 0; n < whole.n; ++n)
          for (int64_t h = 0; h < numWeights; ++h)
            to[n] += int64_t(*from++) * power(inputShift * i + weightShift * h);
      }
    }
}

double Cut::errorBound(const Product &product, int64_t g, int64_t n) const {
  double bound = 0;
  for (int64_t i = 0; i < numInputs; ++i)
    for (int64_t h = 0; h < numWeights; ++h)
      bound += std::ldexp(product.errorBound(g, n * numWeights + h),
                          int(inputShift * i + weightShift * h));
  return bound;
}
