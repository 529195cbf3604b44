//===- ProductRunnerTest.cpp - Programs on numbers ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random products on random chips: the results of the program against the plain
// loop nest, and against docs/Architecture.md, section 3, where converters drop
// bits; and programs that are wrong. IMC_PRODUCT_CASES sets the number.
//
//===----------------------------------------------------------------------===//

#include "imc/Schedule/Schedule.h"
#include "imc/Simulate/WideRunner.h"

#include "Builder.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace imc;
using namespace imc::test;
using program::Instruction;
using program::Opcode;
using simulate::ProductRunner;
using simulate::ProductValues;
using simulate::RunReport;
using simulate::WideRunner;

namespace {

struct Case {
  ConvShape shape;
  bool matrix = false;
  machine::Machine machine;
  mapping::Knobs knobs;
  mapping::Tiling tiling;
  program::Geometry geometry;
  program::Program program;
  ProductValues values;
  std::vector<uint16_t> codes;
  std::vector<uint8_t> input;   ///< the same, of up to 8 bits
  std::vector<int16_t> weights; ///< groups x rows x cols
  std::string text;

  /// Code that row r of group `group` reads in a window; the direct way.
  int64_t code(int64_t window, int64_t group, int64_t r) const {
    if (matrix)
      return codes[size_t(window * geometry.rows + r)];
    const ConvShape &s = shape;
    const int64_t ow = s.outWidth(), oh = s.outHeight();
    const int64_t image = window / (oh * ow), oy = window / ow % oh,
                  ox = window % ow;
    const int64_t perGroup = s.channels / s.groups;
    const int64_t ke = s.kernel_h * s.kernel_w;
    const int64_t channel = group * perGroup + r / ke;
    const int64_t y = oy * s.stride + r % ke / s.kernel_w * s.dilation;
    const int64_t x = ox * s.stride + r % s.kernel_w * s.dilation;
    return codes[size_t(
        ((image * s.channels + channel) * s.height + y) * s.width + x)];
  }
  int64_t weight(int64_t group, int64_t r, int64_t n) const {
    return weights[size_t((group * geometry.rows + r) * geometry.cols + n)];
  }

  int64_t exact(int64_t window, int64_t group, int64_t n) const {
    int64_t sum = 0;
    for (int64_t r = 0; r < geometry.rows; ++r)
      sum += code(window, group, r) * weight(group, r, n);
    return sum;
  }

  /// Levels and coefficients of one weight, cell by cell.
  std::vector<std::pair<int64_t, int64_t>> cellsOf(int64_t w) const {
    std::vector<std::pair<int64_t, int64_t>> cells; // coefficient, level
    const int64_t bits = knobs.weight_bits, b = values.cell_bits;
    const int64_t states = int64_t(1) << b;
    if (knobs.encoding == mapping::Encoding::Differential) {
      for (int64_t j = 0, place = 1; j * b < bits - 1; ++j, place *= states)
        for (int64_t sign : {1, -1})
          cells.emplace_back(sign * place,
                             std::max<int64_t>(0, sign * w) / place % states);
    } else {
      uint64_t u = uint64_t(w);
      if (knobs.encoding == mapping::Encoding::Offset)
        u += uint64_t(1) << (bits - 1);
      for (int64_t j = 0, place = 1; j * b < bits; ++j, place *= states) {
        cells.emplace_back(place, int64_t(u % uint64_t(states)));
        u /= uint64_t(states);
      }
      if (knobs.encoding == mapping::Encoding::TwosComplement) {
        cells.back().first = -cells.back().first;
        cells.back().second = w < 0;
      }
    }
    return cells;
  }

  /// Rows of a group are cut where the strips of its pack are.
  int64_t read(int64_t window, int64_t group, int64_t n) const {
    const int64_t d = values.dac_bits, all = tiling.lossless_bits,
                  range = values.range_bits ? values.range_bits : all,
                  step = std::max<int64_t>(1, (int64_t(1) << range) >>
                                                  values.adc_bits);
    const int64_t local = group % tiling.groups_per_pack * geometry.rows;
    int64_t result = 0;
    for (size_t j = 0; j < cellsOf(0).size(); ++j)
      for (int64_t p = 0; p * d < knobs.input_bits; ++p) {
        int64_t r = 0;
        while (r < geometry.rows) {
          const int64_t strip = (local + r) / tiling.rows;
          int64_t sum = 0;
          for (; r < geometry.rows && (local + r) / tiling.rows == strip; ++r)
            sum += (code(window, group, r) >> (p * d)) % (int64_t(1) << d) *
                   cellsOf(weight(group, r, n))[j].second;
          int64_t code = sum / step;
          const int64_t twice = sum % step * 2;
          if (values.ties != mapping::Ties::Floor && step > 1 &&
              (twice > step ||
               (twice == step &&
                (values.ties == mapping::Ties::HalfUp || code % 2 == 1))))
            ++code;
          sum = std::min(code, (int64_t(1) << range) / step - 1) * step;
          result += cellsOf(0)[j].first * (sum << (p * d));
        }
      }
    if (knobs.encoding == mapping::Encoding::Offset)
      for (int64_t r = 0; r < geometry.rows; ++r)
        result -= code(window, group, r) << (knobs.weight_bits - 1);
    return result;
  }

  ProductRunner runner() const {
    return llvm::cantFail(ProductRunner::create(program, 0, values));
  }
  std::vector<int32_t> run(RunReport *report = nullptr) const {
    std::vector<int32_t> out(
        size_t(geometry.windows * geometry.groups * geometry.cols));
    ProductRunner r = runner();
    llvm::cantFail(r.run(input, out, report));
    return out;
  }
};

/// The next case that has room; `dropped` bits are lost by the converters.
/// `wide`: one operand of more than 8 bits, or both.
Case next(std::mt19937_64 &random, int64_t dropped, bool wide = false) {
  for (;;) {
    Case c;
    mapping::Knobs &k = c.knobs;
    k.group_packing = mapping::GroupPacking(random() % 3);
    k.input_bits = 1 + int64_t(random() % 8);
    k.weight_bits = 2 + int64_t(random() % 7);
    if (wide) {
      const uint64_t which = 1 + random() % 3;
      k.input_bits += which & 1 ? 8 : 0;
      k.weight_bits += which & 2 ? 8 : 0;
    }
    k.encoding = mapping::Encoding(random() % 3);
    c.machine = smallMachine(random);
    c.machine.cell.bits = k.encoding == mapping::Encoding::TwosComplement
                              ? 1
                              : 1 + int64_t(random() % 4);
    c.machine.dac.bits = 1 + int64_t(random() % 3);
    c.values.cell_bits = c.machine.cell.bits;
    c.values.dac_bits = c.machine.dac.bits;
    c.values.encoding = k.encoding;
    c.matrix = random() % 4 == 0;
    ConvShape &s = c.shape;
    if (c.matrix) {
      s.channels = 1 + int64_t(random() % 60);
      s.filters = 1 + int64_t(random() % 20);
      s.batch = 1 + int64_t(random() % 30);
    } else {
      s = smallConv(random);
      c.values.kernel_h = s.kernel_h;
      c.values.kernel_w = s.kernel_w;
      c.values.dilation_h = c.values.dilation_w = s.dilation;
      c.values.stride_w = s.stride;
      c.values.width = s.width;
      c.values.height = s.height;
    }
    c.values.matrix = c.matrix;
    c.geometry = c.matrix ? matmulGeometry(s.batch, s.channels, s.filters)
                          : s.geometry();
    c.tiling = mapping::tile(s.product(), c.machine, k);
    c.values.adc_bits = c.tiling.lossless_bits - dropped;
    if (c.values.adc_bits < 1)
      continue;
    const int64_t copies = std::min<int64_t>(
        c.geometry.windows, random() % 2 ? 1 : 1 + random() % 6);
    const bool written = random() % 4 == 0;
    Builder b(c.machine, k);
    if (!b.product("p", c.geometry, c.tiling, copies, 1 + random() % 6,
                   written))
      continue;
    c.program = std::move(b.program);
    const int64_t elements = s.batch * s.channels * s.height * s.width;
    for (int64_t e = 0; e < elements; ++e)
      c.codes.push_back(uint16_t(random() % (uint64_t(1) << k.input_bits)));
    if (!wide)
      c.input.assign(c.codes.begin(), c.codes.end());
    const int64_t half = int64_t(1) << (k.weight_bits - 1);
    const int64_t least =
        k.encoding == mapping::Encoding::Differential ? 1 - half : -half;
    for (int64_t w = 0;
         w < c.geometry.groups * c.geometry.rows * c.geometry.cols; ++w)
      c.weights.push_back(
          int16_t(least + int64_t(random() % uint64_t(half - least))));
    c.values.weights = c.weights;
    c.text = "windows " + std::to_string(c.geometry.windows) + " K " +
             std::to_string(c.geometry.rows) + " N " +
             std::to_string(c.geometry.cols) + " G " +
             std::to_string(c.geometry.groups) + " copies " +
             std::to_string(copies) + " arrays " +
             std::to_string(c.tiling.arrays()) + " rounds " +
             std::to_string(c.program.products[0].rounds);
    return c;
  }
}

int cases(int usual) {
  const char *set = std::getenv("IMC_PRODUCT_CASES");
  return set ? std::atoi(set) : usual;
}

TEST(ProductRunner, LosslessProductsAreThoseOfIntegers) {
  std::mt19937_64 random(21);
  int chained = 0, rewritten = 0, grouped = 0, sets = 0, copied = 0;
  for (int n = 0, e = cases(600); n < e; ++n) {
    Case c = next(random, 0);
    c.values.weights = c.weights;
    RunReport report;
    const std::vector<int32_t> out = c.run(&report);
    EXPECT_TRUE(report.clean())
        << c.text << ": rows " << report.poison_rows << " cells "
        << report.poison_cells << " sums " << report.poison_sums << " missing "
        << report.missing_results << " double " << report.double_results;
    size_t at = 0;
    for (int64_t w = 0; w < c.geometry.windows; ++w)
      for (int64_t g = 0; g < c.geometry.groups; ++g)
        for (int64_t o = 0; o < c.geometry.cols; ++o)
          ASSERT_EQ(out[at++], c.exact(w, g, o)) << c.text << " window " << w;
    for (const program::Part &p : c.program.parts)
      if (p.next >= 0) {
        ++chained;
        break;
      }
    rewritten += c.program.products[0].rounds > 1;
    grouped += c.geometry.groups > 1;
    sets += c.tiling.row_sets > 1;
    copied += c.program.products[0].copies > 1;
  }
  EXPECT_GT(chained, 50);
  EXPECT_GT(rewritten, 5);
  EXPECT_GT(grouped, 50);
  EXPECT_GT(sets, 50);
  EXPECT_GT(copied, 50);
}

/// Over the full range, and over parts of it down to 1 bit.
TEST(ProductRunner, ConvertersRoundAndSaturate) {
  std::mt19937_64 random(22);
  int64_t changed = 0, clipped = 0;
  for (int n = 0, e = cases(300) / 3; n < e; ++n) {
    Case c = next(random, int64_t(random() % 4));
    c.values.weights = c.weights;
    c.values.ties = mapping::Ties(n % 3);
    if (n % 2 == 0) {
      c.values.range_bits =
          1 + int64_t(random() % uint64_t(c.tiling.lossless_bits));
      clipped += c.values.range_bits < c.tiling.lossless_bits;
    }
    const std::vector<int32_t> out = c.run();
    size_t at = 0;
    for (int64_t w = 0; w < c.geometry.windows; ++w)
      for (int64_t g = 0; g < c.geometry.groups; ++g)
        for (int64_t o = 0; o < c.geometry.cols; ++o, ++at) {
          ASSERT_EQ(out[at], c.read(w, g, o)) << c.text << " window " << w;
          changed += out[at] != c.exact(w, g, o);
        }
  }
  EXPECT_GT(changed, 1000);
  EXPECT_GT(clipped, 20);
}

/// Operands of 9 to 16 bits, without loss and with converters that round and
/// saturate every phase of every column.
TEST(WideRunner, PiecesAddUpToTheWholeProduct) {
  std::mt19937_64 random(25);
  int changed = 0, encodings[3] = {}, chained = 0;
  for (int n = 0, e = cases(300); n < e; ++n) {
    const bool lossy = n % 3 == 0;
    Case c = next(random, lossy ? 1 + int64_t(random() % 3) : 0, true);
    c.values.weights = c.weights;
    c.values.ties = mapping::Ties(n / 3 % 3);
    WideRunner runner =
        llvm::cantFail(WideRunner::create(c.program, 0, c.values));
    std::vector<int64_t> out(
        size_t(c.geometry.windows * c.geometry.groups * c.geometry.cols));
    RunReport report;
    llvm::cantFail(runner.run(0, c.geometry.windows, c.codes, out, &report));
    EXPECT_TRUE(report.clean()) << c.text;
    size_t at = 0;
    for (int64_t w = 0; w < c.geometry.windows; ++w)
      for (int64_t g = 0; g < c.geometry.groups; ++g)
        for (int64_t o = 0; o < c.geometry.cols; ++o, ++at) {
          ASSERT_EQ(out[at], lossy ? c.read(w, g, o) : c.exact(w, g, o))
              << c.text << " window " << w << " bits " << c.knobs.weight_bits
              << " and " << c.knobs.input_bits;
          changed += out[at] != c.exact(w, g, o);
        }
    ++encodings[int(c.knobs.encoding)];
    chained += llvm::any_of(c.program.parts,
                            [](const program::Part &p) { return p.next >= 0; });
    c.codes[0] = 0xffff;
    if (c.knobs.input_bits < 16)
      EXPECT_NE(llvm::toString(runner.run(0, c.geometry.windows, c.codes, out))
                    .find("input code 65535 has more than"),
                std::string::npos);
  }
  EXPECT_GT(changed, 500);
  for (int of : encodings)
    EXPECT_GT(of, 30);
  EXPECT_GT(chained, 50);
}

/// Without its loads a program reads rows that are not there in every piece.
TEST(WideRunner, PiecesFindWhatTheProgramBrought) {
  std::mt19937_64 random(26);
  for (int n = 0; n < 30; ++n) {
    Case c = next(random, 0, true);
    c.values.weights = c.weights;
    std::vector<int64_t> out(
        size_t(c.geometry.windows * c.geometry.groups * c.geometry.cols));
    auto run = [&] {
      RunReport report;
      WideRunner runner =
          llvm::cantFail(WideRunner::create(c.program, 0, c.values));
      llvm::cantFail(runner.run(0, c.geometry.windows, c.codes, out, &report));
      return report;
    };
    const RunReport right = run();
    for (program::Stream &s : c.program.streams)
      llvm::erase_if(s.instructions, [](const Instruction &in) {
        return in.opcode == Opcode::Load;
      });
    const RunReport wrong = run();
    EXPECT_TRUE(right.clean()) << c.text;
    EXPECT_LT(wrong.instructions, right.instructions) << c.text;
    EXPECT_GT(wrong.poison_rows, 0) << c.text;
  }
}

/// Programs of the schedulers, whole networks of one product: each moves and
/// computes what the product needs.
TEST(ProductRunner, SchedulesComputeTheirProducts) {
  std::mt19937_64 random(24);
  int ran = 0, pipelined = 0, chained = 0;
  for (int n = 0, e = cases(600) / 2; n < e; ++n) {
    Case c = next(random, 0);
    c.values.weights = c.weights;
    c.machine.tile_buffer.size_kib = 64;
    c.knobs.replication = mapping::Replication(random() % 2);
    workload::Workload w;
    w.name = "one";
    w.layers.push_back({"p", "conv2d", "", c.shape.product()});
    w.layers[0].output = true;
    w.layers[0].inputs = {workload::Layer::modelInput};
    if (c.matrix) {
      w.layers[0].work =
          workload::matmul(c.shape.batch, c.shape.channels, c.shape.filters);
    }
    w.batch = 1;
    const mapping::Plan plan = mapping::plan(w, c.machine, c.knobs);
    if (!plan.violations.empty())
      continue;
    schedule::Options options;
    if (random() % 2)
      options = {program::Schedule::Pipeline, 3};
    llvm::Expected<program::Program> program =
        schedule::schedule(w, plan, c.machine, c.knobs, options);
    if (!program) { // rewritten cells in a pipeline
      llvm::consumeError(program.takeError());
      continue;
    }
    c.program = std::move(*program);
    ++ran;
    pipelined += options.kind == program::Schedule::Pipeline;
    for (const program::Part &p : c.program.parts)
      if (p.next >= 0) {
        ++chained;
        break;
      }
    RunReport report;
    const std::vector<int32_t> out = c.run(&report);
    EXPECT_TRUE(report.clean()) << c.text;
    size_t at = 0;
    for (int64_t window = 0; window < c.geometry.windows; ++window)
      for (int64_t g = 0; g < c.geometry.groups; ++g)
        for (int64_t o = 0; o < c.geometry.cols; ++o)
          ASSERT_EQ(out[at++], c.exact(window, g, o)) << c.text;
  }
  EXPECT_GT(ran, 150);
  EXPECT_GT(pipelined, 20);
  EXPECT_GT(chained, 20);
}

/// Iterations of a loop compute windows of their own from inputs of their own.
TEST(ProductRunner, WindowsOfAnIteration) {
  std::mt19937_64 random(25);
  int several = 0;
  for (int n = 0, e = cases(600) / 3; n < e; ++n) {
    Case c = next(random, 0);
    c.values.weights = c.weights;
    const std::vector<int32_t> all = c.run();
    const int64_t images = c.geometry.windows / (c.geometry.windows_per_row *
                                                 c.geometry.window_rows);
    std::vector<int64_t> trips; // that share the images out evenly
    for (int64_t t = 1; t <= images; ++t)
      if (images % t == 0)
        trips.push_back(t);
    const int64_t t = trips[random() % trips.size()];
    several += t > 1;
    ProductRunner r = c.runner();
    const int64_t windows = c.geometry.windows / t;
    std::vector<int32_t> out(all.size());
    int64_t least = 0, most = 0;
    for (int64_t i = 0; i != t; ++i) {
      RunReport report;
      llvm::cantFail(r.run(
          i * windows, windows,
          llvm::ArrayRef(c.input).slice(c.input.size() / size_t(t) * size_t(i),
                                        c.input.size() / size_t(t)),
          llvm::MutableArrayRef(out).slice(all.size() / size_t(t) * size_t(i),
                                           all.size() / size_t(t)),
          &report));
      EXPECT_TRUE(report.clean()) << c.text;
      most += report.instructions;
      least = std::max(least, report.instructions);
    }
    ASSERT_EQ(out, all) << c.text << " in " << t << " iterations";
    RunReport whole;
    c.run(&whole);
    EXPECT_LE(least, whole.instructions);
    EXPECT_GE(most, whole.instructions);
    // Parts of images, and windows that there are not.
    for (auto [first, count] : {std::pair<int64_t, int64_t>(0, 0),
                                {c.geometry.windows, 1},
                                {-1, 1},
                                {0, c.geometry.windows + 1}})
      EXPECT_NE(llvm::toString(r.run(first, count, {}, {})).find("windows "),
                std::string::npos);
  }
  EXPECT_GT(several, 30);
}

/// The proof obligation of ProductRunner.h: phases and slices of a converter
/// that drops nothing add up to the product.
TEST(ProductRunner, LosslessReadoutsAreExact) {
  std::mt19937_64 random(23);
  for (int n = 0; n < 100; ++n) {
    Case c = next(random, 0);
    for (int64_t w = 0; w < c.geometry.windows; w += 3)
      ASSERT_EQ(c.read(w, 0, 0), c.exact(w, 0, 0)) << c.text;
  }
}

//===----------------------------------------------------------------------===//
// Wrong programs
//===----------------------------------------------------------------------===//

/// Runs a changed program and says whether anything shows it.
enum class Shown { Nothing, Report, Results, Refused };
Shown show(const Case &c, const std::vector<int32_t> &right) {
  llvm::Expected<ProductRunner> r =
      ProductRunner::create(c.program, 0, c.values);
  if (!r) {
    llvm::consumeError(r.takeError());
    return Shown::Refused;
  }
  std::vector<int32_t> out(right.size());
  RunReport report;
  if (llvm::Error error = r->run(c.input, out, &report)) {
    llvm::consumeError(std::move(error));
    return Shown::Refused;
  }
  if (out != right)
    return Shown::Results;
  return report.clean() ? Shown::Nothing : Shown::Report;
}

/// Removes one instruction of a kind from a random case; counts what shows.
int shownWithout(Opcode opcode, int wanted, bool written) {
  std::mt19937_64 random(31);
  int shown = 0, tried = 0;
  for (int n = 0; n < 4000 && tried < wanted; ++n) {
    Case c = next(random, 0);
    c.values.weights = c.weights;
    if ((c.program.products[0].rounds > 0) != written)
      continue;
    std::vector<std::pair<size_t, size_t>> places;
    for (size_t s = 0; s < c.program.streams.size(); ++s)
      for (size_t i = 0; i < c.program.streams[s].instructions.size(); ++i)
        if (c.program.streams[s].instructions[i].opcode == opcode)
          places.emplace_back(s, i);
    if (places.empty())
      continue;
    const std::vector<int32_t> right = c.run();
    const auto [s, i] = places[random() % places.size()];
    auto &code = c.program.streams[s].instructions;
    code.erase(code.begin() + int64_t(i));
    ++tried;
    const Shown what = show(c, right);
    shown += what != Shown::Nothing;
  }
  EXPECT_EQ(tried, wanted);
  return shown;
}

TEST(ProductRunnerInvalid, MissingInstructionsShow) {
  EXPECT_EQ(shownWithout(Opcode::Mvm, 40, false), 40);
  EXPECT_EQ(shownWithout(Opcode::Send, 20, false), 20);
  EXPECT_EQ(shownWithout(Opcode::Receive, 20, false), 20);
  EXPECT_EQ(shownWithout(Opcode::Write, 20, true), 20);
  // Rows may have come with the block before (low strides), and parts in the
  // middle of a chain may have nothing to store.
  EXPECT_GE(shownWithout(Opcode::Load, 40, false), 25);
  EXPECT_GE(shownWithout(Opcode::Store, 40, false), 25);
}

TEST(ProductRunnerInvalid, WrongWindows) {
  std::mt19937_64 random(5);
  int tried = 0;
  while (tried < 30) {
    Case c = next(random, 0);
    c.values.weights = c.weights;
    program::Part &p = c.program.parts[0];
    if (p.windows < 2 || c.geometry.windows < 3)
      continue;
    ++tried;
    const std::vector<int32_t> right = c.run();
    for (program::Stream &s : c.program.streams)
      for (Instruction &in : s.instructions)
        if (in.opcode == Opcode::Mvm && in.index == 0)
          in.first += 1;
    EXPECT_NE(show(c, right), Shown::Nothing) << c.text;
  }
}

TEST(ProductRunnerInvalid, ValuesThatDoNotFit) {
  std::mt19937_64 random(6);
  Case c = next(random, 0);
  while (c.matrix || c.shape.kernel_h == 1 ||
         c.knobs.encoding != mapping::Encoding::Differential ||
         c.knobs.input_bits == 8 ||
         c.knobs.weight_bits - 1 <= c.values.cell_bits)
    c = next(random, 0);
  c.values.weights = c.weights;
  auto refused = [&](const ProductValues &v) {
    llvm::Expected<ProductRunner> r = ProductRunner::create(c.program, 0, v);
    return r ? std::string() : llvm::toString(r.takeError());
  };
  auto says = [](const std::string &message, const char *text) {
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  ProductValues v = c.values;
  v.kernel_h += 1;
  says(refused(v), "kernel_elements is");
  v = c.values;
  v.width += c.shape.stride;
  says(refused(v), "windows_per_row is");
  v = c.values;
  v.height = c.shape.kernel_h - 1;
  says(refused(v), "images have");
  v = c.values;
  v.cell_bits += 8;
  says(refused(v), "columns_per_weight is");
  v = c.values;
  v.range_bits = c.tiling.lossless_bits + 1;
  says(refused(v), "bits of sums that have");
  v.range_bits = -1;
  says(refused(v), "converters cover -1 bits");
  v = c.values;
  v.weights = v.weights.drop_back();
  says(refused(v), "weights, the values give");
  std::vector<int16_t> outside = c.weights;
  outside[0] = int16_t(-(1 << (c.knobs.weight_bits - 1)));
  v = c.values;
  v.weights = outside;
  says(refused(v), "which the encoding holds");
  ProductRunner r = c.runner();
  std::vector<int32_t> out(
      size_t(c.geometry.windows * c.geometry.groups * c.geometry.cols));
  std::vector<uint8_t> big = c.input;
  big[0] = uint8_t(1 << c.knobs.input_bits);
  says(llvm::toString(r.run(big, out)), "has more than");
  says(llvm::toString(r.run(llvm::ArrayRef(c.input).drop_back(), out)),
       "inputs, not");
}

} // namespace
