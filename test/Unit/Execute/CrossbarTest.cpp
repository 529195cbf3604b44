//===- CrossbarTest.cpp - Arrays against plain integer products -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random products (matrices and convolutions, with groups, packings, all
// encodings, cell and DAC widths) are unfolded, encoded, multiplied in arrays
// and recombined. With a lossless converter the result must be the plain
// integer product, bit for bit; with a lossy one, what the model below says,
// which is written from the formulas of docs/Architecture.md without any of the
// compiler's code or layout: it never builds a grid of cells.
//
// The seed can be set with the environment variable IMC_TEST_SEED.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <random>

using namespace imc::execute;

namespace {

using Random = std::mt19937_64;

/// Uniform in [lo, hi]; the standard distributions differ between libraries.
int64_t pick(Random &random, int64_t lo, int64_t hi) {
  return lo + static_cast<int64_t>(random() % (hi - lo + 1));
}

int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }

enum Kind { Offset, Differential, TwosComplement };

struct Case {
  bool conv;
  // Convolution; a matrix product uses batch x channels times channels x
  // outputs.
  int64_t batch, groups, channels, outputs; // per group
  int64_t kh, kw, sh, sw, dh, dw, oh, ow;
  // Design.
  Kind kind;
  int64_t ties = 0;    ///< half_up, half_even, floor
  bool steps1 = false; ///< policy = lossless
  int64_t weightBits, cellBits, inputBits, dacBits, adcBits, rangeBits, rows,
      columns, perPack;

  int64_t height() const { return (oh - 1) * sh + (kh - 1) * dh + 1 + pad; }
  int64_t width() const { return (ow - 1) * sw + (kw - 1) * dw + 1; }
  int64_t pad; // rows below the last window, which belong to no window

  int64_t K() const { return conv ? channels * kh * kw : channels; }
  int64_t windows() const { return conv ? batch * oh * ow : batch; }
  int64_t digits() const {
    return kind == Differential ? ceilDiv(weightBits - 1, cellBits)
                                : ceilDiv(weightBits, cellBits);
  }
  int64_t columnsPerWeight() const {
    return kind == Differential ? 2 * digits() : digits();
  }
  int64_t packs() const { return ceilDiv(groups, perPack); }
  int64_t rowStrips() const { return ceilDiv(perPack * K(), rows); }
  int64_t columnStrips() const {
    return ceilDiv(perPack * outputs * columnsPerWeight(), columns);
  }
  int64_t losslessBits() const {
    int64_t largest = rows * ((1 << dacBits) - 1) * ((1 << cellBits) - 1);
    int64_t bits = 0;
    while ((int64_t(1) << bits) < largest + 1)
      ++bits;
    return bits;
  }
  std::vector<int64_t> xShape() const {
    if (!conv)
      return {batch, channels};
    return {batch, groups * channels, height(), width()};
  }
  std::vector<int64_t> wShape() const {
    if (!conv)
      return {channels, outputs};
    return {groups * outputs, channels, kh, kw};
  }
  std::vector<int64_t> yShape() const {
    if (!conv)
      return {batch, outputs};
    return {batch, groups * outputs, oh, ow};
  }
};

Case randomCase(Random &random, bool lossless) {
  Case c;
  c.conv = pick(random, 0, 2) != 0;
  c.batch = pick(random, 1, c.conv ? 2 : 4);
  c.groups = c.conv && pick(random, 0, 1) ? pick(random, 2, 5) : 1;
  c.channels = c.conv ? pick(random, 1, 4) : pick(random, 1, 40);
  c.outputs = pick(random, 1, 5);
  c.kh = pick(random, 1, 3);
  c.kw = pick(random, 1, 3);
  c.sh = pick(random, 1, 2);
  c.sw = pick(random, 1, 2);
  c.dh = pick(random, 1, 2);
  c.dw = pick(random, 1, 2);
  c.oh = pick(random, 1, 4);
  c.ow = pick(random, 1, 4);
  c.pad = c.sh > 1 ? pick(random, 0, 1) : 0;
  c.kind = static_cast<Kind>(pick(random, 0, 2));
  c.weightBits = pick(random, 0, 1) ? 8 : pick(random, 2, 8);
  c.cellBits = c.kind == TwosComplement ? 1 : int64_t(1) << pick(random, 0, 3);
  c.cellBits = std::min(c.cellBits, c.weightBits);
  c.inputBits = pick(random, 0, 1) ? 8 : pick(random, 1, 8);
  c.dacBits = std::min(int64_t(1) << pick(random, 0, 2), c.inputBits);
  c.rows = pick(random, 1, 24);
  c.columns = pick(random, 1, 20);
  c.perPack = pick(random, 1, c.groups);
  c.adcBits = lossless
                  ? c.losslessBits()
                  : pick(random, 1, std::max<int64_t>(1, c.losslessBits() - 1));
  // Any range: also those that leave codes without use.
  c.rangeBits = lossless || pick(random, 0, 1)
                    ? c.losslessBits()
                    : pick(random, 1, c.losslessBits());
  c.ties = pick(random, 0, 2);
  // Steps of 1 without a proof: sums beyond the last code stay there.
  c.steps1 =
      !lossless && c.rangeBits == c.losslessBits() && pick(random, 0, 3) == 0;
  return c;
}

std::string typeOf(llvm::ArrayRef<int64_t> shape, llvm::StringRef element) {
  std::string type = "tensor<";
  for (int64_t extent : shape)
    type += std::to_string(extent) + "x";
  return type + element.str() + ">";
}

/// The function body for case number `i`: values %x<i>, %w<i> -> %y<i>.
std::string emit(const Case &c, unsigned i) {
  static const char *const kinds[] = {"offset", "differential",
                                      "twos_complement"};
  static const char *const ties[] = {"half_up", "half_even", "floor"};
  int64_t P = c.packs(), S = c.rowStrips(), T = c.columnStrips(),
          M = c.windows(), R = c.rows, C = c.columns;
  std::string x = typeOf(c.xShape(), "i8"), w = typeOf(c.wShape(), "i8"),
              y = typeOf(c.yShape(), "i32"), u = typeOf({P, M, S, R}, "i8"),
              cells = typeOf({P, S, T, R, C}, "i8"),
              acc = typeOf({P, M, T, C}, "i32");
  std::string groups =
      llvm::formatv("groups = {0} groups_per_pack = {1}", c.groups, c.perPack);
  std::string encoding = llvm::formatv(
      "encoding = #imc.encoding<{0}, weight_bits = {1}, cell_bits = {2}>",
      kinds[c.kind], c.weightBits, c.cellBits);
  std::string window =
      c.conv ? llvm::formatv(
                   "kernel = [{0}, {1}] strides = [{2}, {3}] dilations = "
                   "[{4}, {5}]",
                   c.kh, c.kw, c.sh, c.sw, c.dh, c.dw)
                   .str()
             : "kernel = [1, 1] strides = [1, 1] dilations = [1, 1]";
  std::string body;
  body += llvm::formatv("%eu{0} = tensor.empty() : {1}\n", i, u);
  body += llvm::formatv("%u{0} = imc.unfold ins(%x{0} : {1}) outs(%eu{0} : "
                        "{2}) {3} {4} -> {2}\n",
                        i, x, u, window, groups);
  body += llvm::formatv("%ec{0} = tensor.empty() : {1}\n", i, cells);
  body += llvm::formatv("%c{0} = imc.encode_weights ins(%w{0} : {1}) "
                        "outs(%ec{0} : {2}) {3} {4} -> {2}\n",
                        i, w, cells, encoding, groups);
  body += llvm::formatv("%z{0} = arith.constant dense<0> : {1}\n", i, acc);
  body += llvm::formatv(
      "%a{0} = imc.mvm ins(%u{0}, %c{0} : {1}, {2}) outs(%z{0} : {3}) input = "
      "#imc.input<bits = {4}, dac_bits = {5}> readout = #imc.readout<adc_bits "
      "= {6}, lossless_bits = {7}, range_bits = {8}, policy = {9}, ties = "
      "{10}> -> {3}\n",
      i, u, cells, acc, c.inputBits, c.dacBits, c.adcBits, c.losslessBits(),
      c.rangeBits, c.steps1 ? "lossless" : "full", ties[c.ties]);
  body += llvm::formatv("%ey{0} = tensor.empty() : {1}\n", i, y);
  body += llvm::formatv(
      "%y{0} = imc.shift_add ins(%a{0}, %u{0} : {1}, {2}) outs(%ey{0} : {3}) "
      "{4} {5} group_rows = {6} -> {3}\n",
      i, acc, u, y, encoding, groups, c.K());
  return body;
}

//===----------------------------------------------------------------------===//
// The independent model
//===----------------------------------------------------------------------===//

/// Cell value of weight `w` in its column `j`, and what that column counts for.
std::pair<int64_t, int64_t> cellAndCoefficient(const Case &c, int64_t w,
                                               int64_t j) {
  auto digit = [&](int64_t magnitude, int64_t position) {
    for (int64_t i = 0; i < position * c.cellBits; ++i)
      magnitude /= 2;
    return magnitude % (int64_t(1) << c.cellBits);
  };
  switch (c.kind) {
  case Offset:
    return {digit(w + (int64_t(1) << (c.weightBits - 1)), j),
            int64_t(1) << (c.cellBits * j)};
  case Differential:
    if (j % 2 == 0)
      return {digit(std::max<int64_t>(w, 0), j / 2),
              int64_t(1) << (c.cellBits * (j / 2))};
    return {digit(std::max<int64_t>(-w, 0), j / 2),
            -(int64_t(1) << (c.cellBits * (j / 2)))};
  case TwosComplement:
    int64_t unsignedWeight = w < 0 ? w + (int64_t(1) << c.weightBits) : w;
    int64_t value = int64_t(1) << j;
    return {digit(unsignedWeight, j), j + 1 == c.weightBits ? -value : value};
  }
  return {};
}

int64_t convert(const Case &c, int64_t sum) {
  // Codes are multiples of the step within the range.
  int64_t range = int64_t(1) << c.rangeBits, codes = int64_t(1) << c.adcBits;
  if (c.steps1)
    return std::min(sum, codes - 1);
  int64_t step = std::max<int64_t>(1, range / codes);
  int64_t code = sum / step, rest = sum % step;
  if (c.ties != 2 &&
      (2 * rest > step || (2 * rest == step && (c.ties == 0 || code % 2 == 1))))
    ++code;
  return std::min(code, range / step - 1) * step;
}

struct Model {
  const Case &c;
  const Tensor &x, &w;

  /// Input `k` of the window `m` of group `g`.
  int64_t input(int64_t m, int64_t g, int64_t k) const {
    if (!c.conv)
      return x.as<uint8_t>()[m * c.channels + k];
    int64_t n = m / (c.oh * c.ow), oh = m / c.ow % c.oh, ow = m % c.ow;
    int64_t ch = k / (c.kh * c.kw), kh = k / c.kw % c.kh, kw = k % c.kw;
    int64_t row = oh * c.sh + kh * c.dh, column = ow * c.sw + kw * c.dw;
    return x.as<uint8_t>()[((n * c.groups * c.channels + g * c.channels + ch) *
                                c.height() +
                            row) *
                               c.width() +
                           column];
  }
  int64_t weight(int64_t f, int64_t k) const {
    if (!c.conv)
      return w.as<int8_t>()[k * c.outputs + f];
    return w.as<int8_t>()[f * c.K() + k];
  }
  int64_t plain(int64_t m, int64_t f) const {
    int64_t sum = 0;
    for (int64_t k = 0; k < c.K(); ++k)
      sum += input(m, f / c.outputs, k) * weight(f, k);
    return sum;
  }
  int64_t arrays(int64_t m, int64_t f) const {
    int64_t g = f / c.outputs, y = 0, inputs = 0;
    for (int64_t k = 0; k < c.K(); ++k)
      inputs += input(m, g, k);
    int64_t first = g % c.perPack * c.K(); // the group's first row in its pack
    for (int64_t j = 0; j < c.columnsPerWeight(); ++j)
      for (int64_t strip = 0; strip < c.rowStrips(); ++strip)
        for (int64_t bit = 0; bit < c.inputBits; bit += c.dacBits) {
          int64_t sum = 0, coefficient = 0;
          for (int64_t k = 0; k < c.K(); ++k) {
            auto [cell, value] = cellAndCoefficient(c, weight(f, k), j);
            coefficient = value;
            if ((first + k) / c.rows != strip)
              continue;
            int64_t digit = input(m, g, k) / (int64_t(1) << bit) %
                            (int64_t(1) << c.dacBits);
            sum += digit * cell;
          }
          y += coefficient * (int64_t(1) << bit) * convert(c, sum);
        }
    if (c.kind == Offset)
      y -= (int64_t(1) << (c.weightBits - 1)) * inputs;
    return y;
  }
};

void fillRandom(Random &random, const Case &c, Tensor &x, Tensor &w) {
  x = Tensor::zeros(ElementType::U8, c.xShape());
  w = Tensor::zeros(ElementType::I8, c.wShape());
  // A quarter of the cases at full scale, where sums and codes saturate.
  bool extreme = pick(random, 0, 3) == 0;
  int64_t top = (int64_t(1) << c.inputBits) - 1;
  for (uint8_t &value : x.as<uint8_t>())
    value = extreme ? top : pick(random, 0, top);
  int64_t hi = (int64_t(1) << (c.weightBits - 1)) - 1;
  int64_t lo = c.kind == Differential ? -hi : -hi - 1;
  for (int8_t &value : w.as<int8_t>())
    value = extreme ? (pick(random, 0, 1) ? hi : lo) : pick(random, lo, hi);
}

uint64_t seed() {
  const char *text = std::getenv("IMC_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 20261121;
}

std::string describe(const Case &c) {
  return llvm::formatv(
      "conv {0}, batch {1}, groups {2} ({3} per pack), channels {4}, outputs "
      "{5}, kernel {6}x{7}, weight bits {8}, cell bits {9}, kind {10}, input "
      "bits {11}, dac bits {12}, adc bits {13} of {14}, array {15}x{16}, seed "
      "{17}, range {18}",
      c.conv, c.batch, c.groups, c.perPack, c.channels, c.outputs, c.kh, c.kw,
      c.weightBits, c.cellBits, int(c.kind), c.inputBits, c.dacBits, c.adcBits,
      c.losslessBits(), c.rows, c.columns, seed(), c.rangeBits);
}

/// Runs `count` random cases, compiled together, and compares every output.
/// Most batches are compiled without optimization, which takes a tenth of the
/// time; the first of each test is compiled as models are.
void runBatch(Random &random, unsigned count, bool lossless,
              unsigned optLevel) {
  std::vector<Case> cases;
  std::vector<Tensor> inputs;
  std::string arguments, body, returned, types;
  for (unsigned i = 0; i < count; ++i) {
    Case c = randomCase(random, lossless);
    Tensor x, w;
    fillRandom(random, c, x, w);
    inputs.push_back(std::move(x));
    inputs.push_back(std::move(w));
    const char *comma = i ? ", " : "";
    arguments +=
        llvm::formatv("{0}%x{1}: {2}, %w{1}: {3}", comma, i,
                      typeOf(c.xShape(), "i8"), typeOf(c.wShape(), "i8"));
    body += emit(c, i);
    returned += llvm::formatv("{0}%y{1}", comma, i);
    types += comma + typeOf(c.yShape(), "i32");
    cases.push_back(c);
  }
  std::string source = "func.func @main(" + arguments + ") -> (" + types +
                       ") {\n" + body + "return " + returned + " : " + types +
                       "\n}\n";

  mlir::DialectRegistry registry;
  registerExecutionDialects(registry);
  mlir::MLIRContext context(registry);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        diagnostics += diagnostic.str() + "\n";
        return mlir::success();
      });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  ASSERT_TRUE(module) << diagnostics << source;
  ExecutorOptions options;
  options.optLevel = optLevel; // compiling dominates
  auto executor = Executor::compile(*module, options);
  ASSERT_TRUE(mlir::succeeded(executor)) << diagnostics;
  auto outputs = (*executor)->run(inputs);
  ASSERT_TRUE(static_cast<bool>(outputs))
      << llvm::toString(outputs.takeError());

  for (unsigned i = 0; i < count; ++i) {
    const Case &c = cases[i];
    Model model{c, inputs[2 * i], inputs[2 * i + 1]};
    llvm::ArrayRef<int32_t> y = (*outputs)[i].as<int32_t>();
    int64_t F = c.groups * c.outputs, area = c.conv ? c.oh * c.ow : 1;
    for (int64_t m = 0; m < c.windows(); ++m)
      for (int64_t f = 0; f < F; ++f) {
        int64_t got = y[(m / area * F + f) * area + m % area];
        int64_t expected = lossless ? model.plain(m, f) : model.arrays(m, f);
        ASSERT_EQ(got, expected)
            << "window " << m << ", output " << f << "; " << describe(c);
        if (lossless) {
          ASSERT_EQ(model.arrays(m, f), expected) << describe(c);
        }
      }
  }
}

} // namespace

TEST(Crossbar, LosslessArraysEqualThePlainIntegerProduct) {
  Random random(seed());
  for (int batch = 0; batch < 40; ++batch)
    ASSERT_NO_FATAL_FAILURE(
        runBatch(random, 5, /*lossless=*/true, batch == 0 ? 3 : 0));
}

TEST(Crossbar, LossyConvertersFollowTheFormula) {
  Random random(seed() + 1);
  for (int batch = 0; batch < 20; ++batch)
    ASSERT_NO_FATAL_FAILURE(
        runBatch(random, 5, /*lossless=*/false, batch == 0 ? 3 : 0));
}
