//===- Builder.cpp - Small programs for tests -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/IO.h"

#include <algorithm>
#include <cassert>
#include <set>

using namespace imc::program;
using namespace imc::program::test;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

Chip imc::program::test::smallChip() {
  Chip c;
  c.target = "test";
  c.cores = 4;
  c.arrays_per_core = 4;
  c.cores_per_group = 2;
  c.array_rows = 16;
  c.array_cols = 16;
  c.driven_rows = 8;
  c.tile_buffer_bits = 1 << 20;
  c.global_buffer_bits = 1 << 22;
  c.weight_bits = 8;
  c.input_bits = 8;
  c.accumulator_bits = 32;
  return c;
}

Geometry imc::program::test::convolution(int64_t images, int64_t channels,
                                         int64_t height, int64_t width,
                                         int64_t outputs, int64_t kernel,
                                         int64_t stride, int64_t padding,
                                         int64_t groups) {
  Geometry g;
  g.image_rows = height + 2 * padding;
  g.window_rows = (g.image_rows - kernel) / stride + 1;
  g.windows_per_row = (width + 2 * padding - kernel) / stride + 1;
  g.windows = images * g.window_rows * g.windows_per_row;
  g.rows = channels / groups * kernel * kernel;
  g.cols = outputs / groups;
  g.groups = groups;
  g.kernel_elements = kernel * kernel;
  g.kernel_rows = kernel;
  g.stride_rows = stride;
  g.padding_rows = padding;
  g.row_elements = channels * (width + 2 * padding);
  return g;
}

Geometry imc::program::test::matrix(int64_t windows, int64_t rows,
                                    int64_t cols) {
  Geometry g;
  g.windows = windows;
  g.rows = rows;
  g.cols = cols;
  g.row_elements = rows;
  return g;
}

Builder::Builder(Chip chip, Schedule schedule, int64_t inferences) {
  p.model = "small";
  p.schedule = schedule;
  p.inferences = inferences;
  p.chip = std::move(chip);
}

int64_t Builder::tensor(const std::string &name, int64_t elements,
                        int64_t rows) {
  Tensor t;
  t.name = name;
  t.elements = elements;
  t.bits = p.chip.input_bits;
  t.rows = rows;
  t.region = {nextGlobalBit, elements * t.bits};
  nextGlobalBit += t.region.size;
  p.tensors.push_back(t);
  return static_cast<int64_t>(p.tensors.size()) - 1;
}

int64_t Builder::input(int64_t elements, int64_t rows) {
  int64_t index = tensor("input", elements, rows);
  p.tensors[index].first_step = -1;
  return index;
}

void Builder::readTensors(const std::vector<int64_t> &inputs, int64_t layer) {
  for (int64_t input : inputs)
    p.tensors[input].last_step = std::max(p.tensors[input].last_step, layer);
}

int64_t Builder::kernel(const std::string &name, std::vector<int64_t> inputs,
                        int64_t elements, int64_t rows) {
  Kernel k;
  k.name = name;
  k.op = "relu";
  k.step = nextLayer++;
  k.operations = elements;
  k.tile_read_bits = k.tile_write_bits = elements * p.chip.input_bits;
  k.global_read_bits = k.global_write_bits = elements * p.chip.input_bits;
  readTensors(inputs, k.step);
  k.inputs = std::move(inputs);
  int64_t output = tensor(name, elements, rows);
  p.tensors[output].first_step = p.tensors[output].last_step = k.step;
  k.outputs = {output};
  p.kernels.push_back(k);
  return output;
}

int64_t Builder::allocate(int64_t core, int64_t bits) {
  int64_t at = nextTileBit[core];
  nextTileBit[core] += bits;
  return at;
}

void Builder::addPart(Part part, int64_t multiple) {
  const Product &q = p.products[part.product];
  const Geometry &g = q.geometry;
  part.block =
      part.windows == 0 ? 0 : std::min(part.windows, part.copies * multiple);
  // Generous: all channels, and as many rows as two blocks can touch.
  int64_t windowRows = ceilDiv(2 * part.block, g.windows_per_row) + 1;
  int64_t rows = windowRows * std::max(g.stride_rows, g.kernel_rows) +
                 g.kernel_rows + g.image_rows;
  int64_t lines = rows * g.row_elements * p.chip.input_bits;
  part.lines = {allocate(part.core, lines), lines};
  int64_t sums = 2 * part.block * g.cols * g.groups * p.chip.accumulator_bits;
  part.accumulators = {allocate(part.core, sums), sums};
  p.parts.push_back(part);
}

/// Outputs with a column in a slot, column by column.
static std::set<int64_t> outputsOf(const Product &q, int64_t begin,
                                   int64_t end) {
  std::set<int64_t> outputs;
  const imc::mapping::Tiling &t = q.tiling;
  for (int64_t slot = begin; slot < end; ++slot) {
    int64_t pack = slot / (t.strips * t.column_tiles);
    for (int64_t c = 0; c < t.cols; ++c) {
      int64_t column = slot % t.column_tiles * t.cols + c;
      int64_t output = column / t.columns_per_weight;
      int64_t group = pack * t.groups_per_pack + output / q.geometry.cols;
      if (column < t.pack_cols && group < q.geometry.groups)
        outputs.insert(group * q.geometry.cols + output % q.geometry.cols);
    }
  }
  return outputs;
}

/// Whether parts [.., slot) and [slot, ..) of a copy share an output, or lie in
/// one pack of several strips.
static bool linked(const Product &q, int64_t slot) {
  const int64_t pack = q.tiling.strips * q.tiling.column_tiles;
  if (q.tiling.strips > 1 && slot % pack != 0)
    return true;
  for (int64_t output : outputsOf(q, slot - 1, slot))
    if (outputsOf(q, slot, slot + 1).count(output))
      return true;
  return false;
}

bool Builder::stores(const Product &q, const Part &part) {
  std::set<int64_t> later = outputsOf(q, part.slot_end, q.tiling.tiles());
  for (int64_t output : outputsOf(q, part.slot_begin, part.slot_end))
    if (!later.count(output))
      return true;
  return false;
}

int64_t Builder::product(const std::string &name, std::vector<int64_t> inputs,
                         Geometry g, ProductOptions options) {
  const Chip &chip = p.chip;
  const int64_t m = chip.arrays_per_core;
  Product q;
  q.name = name;
  q.step = nextLayer++;
  q.geometry = g;
  q.copies = options.copies;
  q.windows_per_copy = ceilDiv(g.windows, q.copies);
  q.operand = options.operand;
  mapping::Tiling &t = q.tiling;
  t.rows = chip.driven_rows;
  t.cols = chip.array_cols;
  t.row_sets = chip.array_rows / chip.driven_rows;
  t.groups_per_pack = options.groups_per_pack;
  t.columns_per_weight = options.columns_per_weight;
  t.phases = chip.input_bits;
  t.lossless_bits = 10;
  t.packs = ceilDiv(g.groups, t.groups_per_pack);
  t.pack_rows = t.groups_per_pack * g.rows;
  t.pack_cols = t.groups_per_pack * g.cols * t.columns_per_weight;
  t.strips = ceilDiv(t.pack_rows, t.rows);
  t.column_tiles = ceilDiv(t.pack_cols, t.cols);

  readTensors(inputs, q.step);
  if (q.operand >= 0)
    readTensors({q.operand}, q.step);
  q.inputs = std::move(inputs);
  q.output = tensor(name, g.windows * g.cols * g.groups,
                    g.windows / g.windows_per_row);
  p.tensors[q.output].first_step = p.tensors[q.output].last_step = q.step;

  const int64_t arrays = t.arrays();
  const int64_t capacity = m * chip.cores;
  const bool writes = options.rewritten || q.operand >= 0;
  int64_t at = options.rewritten ? 0 : nextArray;
  q.rounds = writes ? ceilDiv(arrays * q.copies, capacity) : 0;
  const auto product = static_cast<int64_t>(p.products.size());
  p.products.push_back(q);

  Part part;
  part.product = product;
  if (arrays <= m) {
    int64_t window = 0;
    for (int64_t left = q.copies; left > 0;) {
      int64_t here = std::min((m - at % m) / arrays, left);
      if (here == 0) {
        at = (at / m + 1) * m;
        continue;
      }
      part.core = at / m;
      part.first_array = at;
      part.copies = here;
      part.slot_begin = 0;
      part.slot_end = t.tiles();
      part.first_window = std::min(window, g.windows);
      part.windows =
          std::min(here * q.windows_per_copy, g.windows - part.first_window);
      window = part.first_window + part.windows;
      addPart(part, options.block_multiple);
      at += here * arrays;
      left -= here;
    }
  } else {
    int64_t absolute = ceilDiv(at, m) * m;
    for (int64_t copy = 0; copy < q.copies; ++copy) {
      const int64_t cores = ceilDiv(arrays, m);
      for (int64_t j = 0; j < cores; ++j) {
        part.round = absolute / capacity;
        part.first_array = absolute % capacity;
        part.core = part.first_array / m;
        part.copies = 1;
        part.slot_begin = j * m * t.row_sets;
        part.slot_end = std::min((j + 1) * m * t.row_sets, t.tiles());
        part.first_window = std::min(copy * q.windows_per_copy, g.windows);
        part.windows =
            std::min(q.windows_per_copy, g.windows - part.first_window);
        const auto self = static_cast<int64_t>(p.parts.size());
        part.previous = j > 0 && linked(q, part.slot_begin) ? self - 1 : -1;
        part.next = j < cores - 1 && linked(q, part.slot_end) ? self + 1 : -1;
        addPart(part, options.block_multiple);
        absolute += j == cores - 1 && copy == q.copies - 1 ? arrays - j * m : m;
      }
    }
    at = absolute;
  }
  if (!options.rewritten)
    nextArray = at;
  for (const Part &made : p.parts)
    if (made.product == product && writes)
      p.products[product].rounds =
          std::max(p.products[product].rounds, made.round + 1);
  // Every round is a step.
  const int64_t last =
      q.step + std::max<int64_t>(p.products[product].rounds, 1) - 1;
  nextLayer = last + 1;
  readTensors(p.products[product].inputs, last);
  if (q.operand >= 0)
    readTensors({q.operand}, last);
  p.tensors[q.output].last_step = last;
  return q.output;
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

Program imc::program::test::convolutions() {
  Chip chip = smallChip();
  chip.cores = 8;
  Builder b(chip);
  int64_t x = b.input(2 * 3 * 8 * 8, 2 * 8);
  // 27 rows: 4 strips, 1 column tile: 2 arrays; 3 copies over two cores.
  ProductOptions copies;
  copies.copies = 3;
  copies.block_multiple = 2;
  int64_t y =
      b.product("conv1", {x}, convolution(2, 3, 8, 8, 6, 3, 1, 1), copies);
  y = b.kernel("relu1", {y}, 2 * 6 * 8 * 8, 2 * 8);
  // 54 rows: 7 strips, 3 column tiles: 21 tiles, 11 arrays: 3 cores.
  ProductOptions large;
  large.block_multiple = 5;
  int64_t z =
      b.product("conv2", {y}, convolution(2, 6, 8, 8, 20, 3, 2, 1), large);
  ProductOptions packed;
  packed.groups_per_pack = 2;
  int64_t d = b.product("depthwise", {z},
                        convolution(2, 20, 4, 4, 20, 1, 1, 0, 20), packed);
  // Both again: a concatenation.
  b.product("fc", {z, d}, matrix(2, 7, 3), {});
  return b.finish();
}

Program imc::program::test::reloading() {
  Chip chip = smallChip();
  chip.cores = 2;
  chip.rewritable = true;
  Builder b(chip);
  int64_t x = b.input(4 * 20, 4);
  ProductOptions rewritten;
  rewritten.rewritten = true;
  // 3 strips, 5 column tiles: 8 arrays, one round.
  int64_t y = b.product("fc1", {x}, matrix(4, 20, 40), rewritten);
  // 5 strips, 4 column tiles: 10 arrays, two rounds.
  y = b.product("fc2", {y}, matrix(4, 40, 30), rewritten);
  rewritten.copies = 3;
  b.product("fc3", {y}, matrix(4, 8, 8), rewritten);
  return b.finish();
}

Program imc::program::test::attention() {
  Chip chip = smallChip();
  chip.rewritable = true;
  Builder b(chip);
  int64_t x = b.input(6 * 8, 6);
  int64_t q = b.product("query", {x}, matrix(6, 8, 8), {});
  int64_t k = b.product("key", {x}, matrix(6, 8, 8), {});
  ProductOptions written;
  written.operand = k;
  int64_t s = b.product("scores", {q}, matrix(6, 8, 6), written);
  b.kernel("softmax", {s}, 36, 6);
  return b.finish();
}

Program imc::program::test::pipelined() {
  Builder b(smallChip(), Schedule::Pipeline, 5);
  int64_t x = b.input(3 * 6 * 6, 6);
  int64_t y = b.product("conv1", {x}, convolution(1, 3, 6, 6, 6, 3, 1, 1), {});
  y = b.kernel("relu1", {y}, 6 * 6 * 6, 6);
  int64_t z = b.product("conv2", {y}, convolution(1, 6, 6, 6, 6, 1, 1, 0), {});
  b.product("fc", {y, z}, matrix(1, 30, 4), {});
  return b.finish();
}

Program imc::program::test::streaming() {
  Builder b(smallChip(), Schedule::Stream);
  int64_t x = b.input(3 * 6 * 6, 6);
  ProductOptions two;
  two.copies = 2;
  int64_t y = b.product("conv1", {x}, convolution(1, 3, 6, 6, 6, 3, 1, 1), two);
  y = b.kernel("relu1", {y}, 6 * 6 * 6, 6);
  int64_t z = b.product("conv2", {y}, convolution(1, 6, 6, 6, 6, 3, 1, 1), {});
  b.product("fc", {z}, matrix(1, 30, 4), {});
  return b.finish();
}

Program imc::program::test::random(std::mt19937_64 &generator) {
  auto upTo = [&](int64_t n) {
    return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)) + 1;
  };
  const auto schedule = static_cast<Schedule>(upTo(3) - 1);
  const bool pipeline = schedule == Schedule::Pipeline;
  Chip chip = smallChip();
  chip.arrays_per_core = upTo(6);
  chip.driven_rows = 4 * upTo(3);
  chip.array_rows = chip.driven_rows * upTo(3);
  chip.array_cols = 8 * upTo(3);
  chip.rewritable = upTo(2) == 1 && schedule == Schedule::Layers;
  chip.cores = chip.rewritable ? 2 + upTo(6) : 400;
  chip.tile_buffer_bits = chip.global_buffer_bits = int64_t(1) << 30;
  const int64_t layers = upTo(5);
  const int64_t inferences = pipeline ? layers + upTo(4) : 1;
  Builder b(chip, pipeline ? Schedule::Pipeline : Schedule::Layers, inferences);
  const int64_t images = upTo(3);
  int64_t height = 4 + upTo(6), channels = upTo(4);
  int64_t x = b.input(images * channels * height * height, images * height);
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (upTo(3) == 1) {
      x = b.kernel("kernel", {x}, images * channels * height * height,
                   images * height);
      continue;
    }
    ProductOptions options;
    options.columns_per_weight = upTo(3);
    options.copies = upTo(3);
    options.block_multiple = upTo(8);
    options.rewritten = chip.rewritable;
    const int64_t kernel = upTo(3), stride = upTo(2), padding = upTo(2) - 1;
    const int64_t groups = upTo(2) == 1 ? channels : 1;
    const int64_t outputs = groups * upTo(channels > 4 ? 1 : 4);
    options.groups_per_pack = upTo(groups);
    if (height + 2 * padding < kernel)
      continue;
    x = b.product("conv", {x},
                  convolution(images, channels, height, height, outputs, kernel,
                              stride, padding, groups),
                  options);
    height = (height + 2 * padding - kernel) / stride + 1;
    channels = outputs;
  }
  return b.finish();
}

std::string imc::program::test::text(const Program &program) {
  std::string result;
  llvm::raw_string_ostream os(result);
  printText(program, os);
  return result;
}
