//===- Builder.cpp - Small programs for tests -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include <algorithm>

using namespace imc;
using namespace imc::test;
using program::Instruction;
using program::Opcode;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

program::Geometry ConvShape::geometry() const {
  program::Geometry g;
  g.windows = batch * outHeight() * outWidth();
  g.rows = channels / groups * kernel_h * kernel_w;
  g.cols = filters / groups;
  g.groups = groups;
  g.kernel_elements = kernel_h * kernel_w;
  g.kernel_rows = dilation * (kernel_h - 1) + 1;
  g.stride_rows = stride;
  g.windows_per_row = outWidth();
  g.window_rows = outHeight();
  g.image_rows = height;
  g.padding_rows = padding;
  g.tensor_rows = padding ? height - 2 * padding : 0;
  g.row_elements = channels * width;
  return g;
}

workload::Product ConvShape::product() const {
  const program::Geometry g = geometry();
  workload::Product p;
  p.windows = g.windows;
  p.rows = g.rows;
  p.cols = g.cols;
  p.groups = groups;
  p.input_elements = batch * channels * (height - 2 * padding) * width;
  p.output_elements = g.windows * filters;
  p.weight_elements = g.rows * g.cols * groups;
  p.output_width = g.windows_per_row;
  p.output_rows = g.window_rows;
  p.kernel_rows = g.kernel_rows;
  p.stride_rows = stride;
  p.row_elements = g.row_elements;
  p.image_rows = height;
  p.padding_rows = padding;
  p.input_rows = height - 2 * padding;
  p.kernel_elements = g.kernel_elements;
  return p;
}

program::Geometry imc::test::matmulGeometry(int64_t windows, int64_t rows,
                                            int64_t cols) {
  program::Geometry g;
  g.windows = windows;
  g.rows = rows;
  g.cols = cols;
  g.window_rows = g.image_rows = windows;
  g.row_elements = rows;
  return g;
}

Builder::Builder(const machine::Machine &m, const mapping::Knobs &knobs)
    : machine(m) {
  program.model = "built";
  program::Chip &c = program.chip;
  c.target = "test";
  c.cores = m.tiles();
  c.arrays_per_core = m.hierarchy.macros_per_tile;
  c.cores_per_group = m.hierarchy.tiles_per_group;
  c.array_rows = m.array.rows;
  c.array_cols = m.array.cols;
  c.driven_rows = m.drivenRows();
  c.weight_bits = knobs.weight_bits;
  c.input_bits = knobs.input_bits;
  c.accumulator_bits = m.shift_add.accumulator_bits;
}

program::Stream &Builder::stream(int64_t core) {
  program.streams.push_back({core, {}});
  return program.streams.back();
}

/// The loop over the blocks of a part.
void Builder::part(int64_t index) {
  const program::Part &p = program.parts[size_t(index)];
  if (p.windows == 0)
    return;
  std::vector<Instruction> &code = stream(p.core).instructions;
  auto body = [&](int64_t first, int64_t stride, int64_t count) {
    code.push_back({Opcode::Load, index, first, {stride, 0}, count});
    code.push_back({Opcode::Mvm, index, first, {stride, 0}, count});
    if (p.previous >= 0)
      code.push_back({Opcode::Receive, index, first, {stride, 0}, count});
    if (p.next >= 0)
      code.push_back({Opcode::Send, index, first, {stride, 0}, count});
    // Parts in the middle may finish nothing: their `store` moves no bits.
    code.push_back({Opcode::Store, index, first, {stride, 0}, count});
  };
  const int64_t whole = p.windows / p.block, rest = p.windows % p.block;
  if (whole > 0) {
    code.push_back({Opcode::Loop, 0, 0, {0, 0}, whole});
    body(p.first_window, p.block, p.block);
    code.push_back({Opcode::End, 0, 0, {0, 0}, 0});
  }
  if (rest > 0)
    body(p.first_window + whole * p.block, 0, rest);
}

bool Builder::product(const std::string &name, const program::Geometry &g,
                      const mapping::Tiling &tiling, int64_t copies,
                      int64_t blocksPerPart, bool written) {
  const int64_t m = machine.hierarchy.macros_per_tile;
  const int64_t arrays = tiling.arrays(), chip = machine.arrays();
  blocks = blocksPerPart;
  if (written)
    cursor = 0;
  const int64_t q = ceilDiv(g.windows, copies);
  program::Product product;
  product.name = name;
  product.layer = product.step = step;
  product.geometry = g;
  product.tiling = tiling;
  product.copies = copies;
  product.windows_per_copy = q;
  product.output = int64_t(program.tensors.size());
  const int64_t index = int64_t(program.products.size());
  const size_t firstPart = program.parts.size();
  int64_t place = cursor;
  auto undo = [&] {
    program.parts.resize(firstPart);
    return false;
  };
  auto add = [&](int64_t array, int64_t n, int64_t begin, int64_t end,
                 int64_t first, int64_t windows, int64_t round) {
    program::Part p;
    p.product = index;
    p.core = array / m;
    p.first_array = array;
    p.round = round;
    p.copies = n;
    p.slot_begin = begin;
    p.slot_end = end;
    p.first_window = std::min(first, g.windows);
    p.windows = std::clamp<int64_t>(g.windows - first, 0, windows);
    p.block = std::max<int64_t>(1, ceilDiv(ceilDiv(p.windows, n), blocks)) * n;
    program.parts.push_back(p);
  };
  int64_t roundsNeeded = 1;
  if (arrays <= m) {
    for (int64_t k = 0; k < copies;) {
      int64_t room = (m - place % m) / arrays;
      if (room == 0) {
        place = ceilDiv(place, m) * m;
        continue;
      }
      const int64_t n = std::min(room, copies - k);
      if (place + n * arrays > chip)
        return undo();
      add(place, n, 0, tiling.tiles(), k * q, n * q, 0);
      place += n * arrays;
      k += n;
    }
  } else {
    place = ceilDiv(place, m) * m;
    for (int64_t k = 0; k < copies; ++k) {
      const int64_t cores = ceilDiv(arrays, m);
      const int64_t slots = m * tiling.row_sets;
      for (int64_t j = 0; j < cores; ++j) {
        const int64_t round = (place / m + j) / machine.tiles();
        if (round > 0 && (!written || copies > 1))
          return undo();
        roundsNeeded = std::max(roundsNeeded, round + 1);
        add((place + j * m) % chip, 1, j * slots,
            std::min((j + 1) * slots, tiling.tiles()), k * q, q, round);
        // Linked where an output has columns on both sides.
        const int64_t cut = j * slots % (tiling.strips * tiling.column_tiles);
        if (j > 0 && cut > 0 &&
            (tiling.strips > 1 ||
             cut * tiling.cols % tiling.columns_per_weight != 0)) {
          program::Part &p = program.parts.back();
          p.previous = int64_t(program.parts.size()) - 2;
          program.parts[size_t(p.previous)].next = p.previous + 1;
        }
      }
      place += ceilDiv(arrays, m) * m;
    }
  }
  cursor = place;
  product.rounds = written ? roundsNeeded : 0;
  program.products.push_back(product);
  program.tensors.push_back(
      {name, program::Space::Global, {}, 0, 8, 1, 1, step, step});
  for (int64_t round = 0; round < roundsNeeded; ++round) {
    stream(program::Stream::allCores)
        .instructions.push_back({Opcode::Step, step, 0, {0, 0}, 0});
    std::vector<Instruction> &control =
        stream(program::Stream::controller).instructions;
    control.push_back({Opcode::Step, step, 0, {0, 0}, 0});
    if (written)
      control.push_back({Opcode::Fetch, index, round, {0, 0}, 0});
    ++step;
    for (size_t p = firstPart; p < program.parts.size(); ++p) {
      if (program.parts[p].round != round)
        continue;
      if (written)
        stream(program.parts[p].core)
            .instructions.push_back({Opcode::Write, int64_t(p), 0, {0, 0}, 0});
      part(int64_t(p));
    }
  }
  return true;
}

void Builder::kernel(const std::string &name, int64_t operations,
                     int64_t bits) {
  program::Kernel k;
  k.name = name;
  k.op = "relu";
  k.layer = k.step = step;
  k.operations = operations;
  k.tile_read_bits = k.tile_write_bits = bits;
  const int64_t index = int64_t(program.kernels.size());
  program.kernels.push_back(k);
  program::Stream &s = stream(program::Stream::allCores);
  s.instructions.push_back({Opcode::Step, step, 0, {0, 0}, 0});
  s.instructions.push_back({Opcode::Vector, index, 0, {0, 0}, 1});
  stream(program::Stream::controller)
      .instructions.push_back({Opcode::Step, step, 0, {0, 0}, 0});
  ++step;
}

machine::Machine imc::test::smallMachine(std::mt19937_64 &random) {
  auto load = [](const char *name) {
    machine::TargetSpec spec = llvm::cantFail(
        machine::loadTarget(name, {std::string(IMC_SOURCE_DIR) + "/targets"}));
    return llvm::cantFail(spec.machine());
  };
  static const machine::Machine rram = load("rram-32nm"),
                                sram = load("sram-32nm");
  machine::Machine m = random() % 2 ? rram : sram;
  auto pick = [&](std::initializer_list<int64_t> values) {
    return values.begin()[random() % values.size()];
  };
  m.array.active_rows = pick({3, 8, 16});
  m.array.rows = m.array.active_rows * pick({1, 1, 2, 3});
  m.array.cols = pick({5, 8, 16, 30});
  m.hierarchy.macros_per_tile = pick({1, 2, 3, 8});
  m.hierarchy.tiles_per_group = pick({1, 2, 4});
  m.hierarchy.groups = pick({1, 3, 16});
  m.adc.share = pick({1, 4, 128});
  return m;
}

ConvShape imc::test::smallConv(std::mt19937_64 &random) {
  auto pick = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  for (;;) {
    ConvShape s;
    s.batch = pick(1, 2);
    s.groups = random() % 3 == 0 ? pick(1, 5) : 1;
    s.channels = s.groups * pick(1, 4);
    s.filters = s.groups * pick(1, 6);
    s.kernel_h = pick(1, 3);
    s.kernel_w = pick(1, 3);
    s.stride = pick(1, 4);
    s.dilation = pick(1, 2);
    s.padding = pick(0, 1);
    s.height = pick(1, 12) + 2 * s.padding;
    s.width = pick(1, 12);
    if (s.height > s.dilation * (s.kernel_h - 1) &&
        s.width > s.dilation * (s.kernel_w - 1))
      return s;
  }
}
