//===- ProductRunner.cpp - Runs a product of a program on values ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/ProductRunner.h"

#include "PartWork.h"
#include "ProductCells.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>

using namespace imc;
using namespace imc::simulate;
using program::Instruction;
using program::Opcode;
using program::Stream;

namespace {

/// Partial sums of windows [first, first + count), windows x outputs.
struct Sums {
  int64_t first, count;
  std::vector<uint32_t> values;
  bool sent = false, stored = false;
};

struct PartRun {
  const program::Part *part = nullptr;
  const PartCells *cells = nullptr;
  const std::vector<int64_t> *offsets = nullptr; ///< of rows, in the image
  bool sends = false, stores = false;
  int64_t low = 0, high = 0; ///< input rows in the tile buffer
  int64_t block = -1;        ///< first window of the last load
  /// Windows of all passes that each kind of instruction has seen.
  std::map<Opcode, int64_t> seen;
  std::deque<Sums> blocks;
  std::deque<Sums> messages;
};

/// A core that has parts of the product, and what it executes of them.
struct CoreRun {
  int64_t core = 0;
  std::vector<Instruction> code; ///< `index` of Loop and End: the other one
  size_t pc = 0;
  std::vector<std::pair<int64_t, int64_t>> loops; ///< iteration, count
  int64_t level = -1;
  bool ended = false;
};

} // namespace

struct ProductRunner::Impl {
  const program::Program &program;
  int64_t index;
  const program::Product &product;
  ProductValues values; ///< without weights
  std::map<std::pair<int64_t, int64_t>, PartCells> cells;
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> offsets;
  std::map<int64_t, PartRun> parts;
  std::vector<CoreRun> cores;

  // One run.
  int64_t pass = 0;                       ///< that is executed
  int64_t windowBegin = 0, windowEnd = 0; ///< that are computed
  llvm::ArrayRef<uint8_t> input;          ///< of these
  llvm::MutableArrayRef<int32_t> results;
  std::vector<uint8_t> stored; ///< times
  RunReport report;
  std::map<int64_t, int64_t> owner; ///< array -> part that wrote it
  std::vector<int16_t> codes;
  int64_t least = 0; ///< level of the slowest core

  Impl(const program::Program &program, int64_t index)
      : program(program), index(index),
        product(program.products[size_t(index)]) {}

  int64_t outputs() const {
    return product.geometry.groups * product.geometry.cols;
  }
  /// Of the input: an image, or a row of a matrix.
  int64_t imageElements() const {
    const program::Geometry &g = product.geometry;
    const int64_t all = g.groups * g.rows / g.kernel_elements;
    return values.matrix ? all : all * values.height * values.width;
  }
  llvm::Error fail(const std::string &message) const {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "product '" + product.name +
                                       "': " + message);
  }
  /// Of the codes of a run.
  int64_t inputBits() const {
    return values.input_bits ? values.input_bits : program.inputBits(product);
  }
  llvm::Error check(llvm::ArrayRef<int16_t> weights) const;
  void prepare();
  void takeStream(const Stream &stream, std::vector<Instruction> &code) const;
  bool advance(CoreRun &core);
  bool execute(CoreRun &core, const Instruction &in);
  void load(PartRun &part, int64_t first, int64_t count);
  void gather(PartRun &part, int64_t window);
  void mvm(PartRun &part, int64_t first, int64_t count);
  void send(PartRun &part, int64_t first, int64_t count);
  void store(PartRun &part, int64_t first, int64_t count);
  Sums *find(PartRun &part, int64_t first, int64_t count);
  void leave(PartRun &part);
};

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

llvm::Error ProductRunner::Impl::check(llvm::ArrayRef<int16_t> weights) const {
  const program::Geometry &g = product.geometry;
  auto differs = [&](const char *what, int64_t has, int64_t wants) {
    return fail(std::string(what) + " is " + std::to_string(has) +
                " in the program, the values give " + std::to_string(wants));
  };
  const ProductValues &v = values;
  if (g.kernel_elements != v.kernel_h * v.kernel_w)
    return differs("kernel_elements", g.kernel_elements,
                   v.kernel_h * v.kernel_w);
  const int64_t kernelRows = v.dilation_h * (v.kernel_h - 1) + 1;
  if (g.kernel_rows != kernelRows)
    return differs("kernel_rows", g.kernel_rows, kernelRows);
  const int64_t perRow =
      (v.width - v.dilation_w * (v.kernel_w - 1) - 1) / v.stride_w + 1;
  if (g.windows_per_row != perRow)
    return differs("windows_per_row", g.windows_per_row, perRow);
  const int64_t high = (g.window_rows - 1) * g.stride_rows + g.kernel_rows;
  if (!v.matrix && high > v.height)
    return fail("windows reach to input row " + std::to_string(high) +
                ", images have " + std::to_string(v.height));
  if (g.windows % (g.windows_per_row * g.window_rows) != 0)
    return fail(std::to_string(g.windows) +
                " windows are not whole images of " +
                std::to_string(g.windows_per_row * g.window_rows));
  if (int64_t(weights.size()) != g.groups * g.rows * g.cols)
    return fail("has " + std::to_string(g.groups * g.rows * g.cols) +
                " weights, the values give " + std::to_string(weights.size()));
  const int64_t sumBits = product.tiling.lossless_bits;
  if (v.range_bits < 0 || v.range_bits > sumBits)
    return fail("converters cover " + std::to_string(v.range_bits) +
                " bits of sums that have " + std::to_string(sumBits) +
                " in the program");
  const Slices slices(v.encoding, program.weightBits(product), v.cell_bits);
  if (int64_t(slices.coefficients.size()) != product.tiling.columns_per_weight)
    return differs("columns_per_weight", product.tiling.columns_per_weight,
                   int64_t(slices.coefficients.size()));
  if (v.column_begin < 0 || v.column_end < v.column_begin ||
      v.column_end > int64_t(slices.coefficients.size()))
    return fail("columns " + std::to_string(v.column_begin) + " to " +
                std::to_string(v.column_end) + " of weights that have " +
                std::to_string(slices.coefficients.size()));
  for (int16_t w : weights)
    if (w < slices.least || w > slices.most)
      return fail("weight " + std::to_string(w) + " is outside of " +
                  std::to_string(slices.least) + " to " +
                  std::to_string(slices.most) + ", which the encoding holds");
  return llvm::Error::success();
}

/// The instructions of the product, the loops around them, and steps.
void ProductRunner::Impl::takeStream(const Stream &stream,
                                     std::vector<Instruction> &code) const {
  std::vector<size_t> open;
  for (const Instruction &in : stream.instructions) {
    switch (in.opcode) {
    case Opcode::Loop:
      open.push_back(code.size());
      code.push_back(in);
      break;
    case Opcode::End: {
      const size_t begin = open.back();
      open.pop_back();
      if (begin + 1 == code.size()) {
        code.pop_back(); // nothing of ours in it
        break;
      }
      code[begin].index = int64_t(code.size());
      code.push_back(in);
      code.back().index = int64_t(begin);
      break;
    }
    case Opcode::Step:
      // Of steps that follow one another the last one counts.
      if (!code.empty() && code.back().opcode == Opcode::Step)
        code.pop_back();
      code.push_back(in);
      break;
    case Opcode::Write:
    case Opcode::Load:
    case Opcode::Mvm:
    case Opcode::Receive:
    case Opcode::Send:
    case Opcode::Store:
      if (parts.count(in.index))
        code.push_back(in);
      break;
    default:
      break;
    }
  }
}

void ProductRunner::Impl::prepare() {
  const program::Geometry &g = product.geometry;
  std::map<int64_t, bool> mine;
  for (size_t p = 0; p != program.parts.size(); ++p) {
    const program::Part &part = program.parts[p];
    if (part.product != index)
      continue;
    const std::pair<int64_t, int64_t> slots(part.slot_begin, part.slot_end);
    auto [built, isNew] =
        cells.try_emplace(slots, product, values, program.weightBits(product),
                          inputBits(), part.slot_begin, part.slot_end);
    if (isNew) {
      // Where the rows of a window lie, from its first element on.
      std::vector<int64_t> &places = offsets[slots];
      for (int64_t r = built->second.rowBegin(); r < built->second.rowEnd();
           ++r) {
        const int64_t channel = r / g.kernel_elements,
                      k = r % g.kernel_elements;
        places.push_back(values.matrix
                             ? channel
                             : (channel * values.height +
                                k / values.kernel_w * values.dilation_h) *
                                       values.width +
                                   k % values.kernel_w * values.dilation_w);
      }
    }
    PartRun &run = parts[int64_t(p)];
    run.part = &part;
    run.cells = &built->second;
    run.offsets = &offsets[slots];
    mine[part.core] = true;
  }
  for (const auto &entry : mine) {
    cores.emplace_back();
    cores.back().core = entry.first;
    for (const Stream &stream : program.streams)
      if (stream.core == entry.first || stream.core == Stream::allCores)
        takeStream(stream, cores.back().code);
    for (const Instruction &in : cores.back().code) {
      if (in.opcode == Opcode::Send)
        parts[in.index].sends = true;
      if (in.opcode == Opcode::Store)
        parts[in.index].stores = true;
    }
  }
}

llvm::Expected<ProductRunner>
ProductRunner::create(const program::Program &program, int64_t index,
                      const ProductValues &values) {
  if (llvm::Error error = program::check(program))
    return std::move(error);
  if (index < 0 || index >= int64_t(program.products.size()))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "there is no product " +
                                       std::to_string(index));
  for (size_t p = 0; p != program.parts.size(); ++p) {
    const program::Part &part = program.parts[p];
    if (part.slot_begin >= part.slot_end ||
        part.slot_end > program.products[size_t(part.product)].tiling.tiles())
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     "part " + std::to_string(p) +
                                         " has slots that there are not");
  }
  auto impl = std::make_unique<Impl>(program, index);
  impl->values = values;
  if (llvm::Error error = impl->check(values.weights))
    return std::move(error);
  impl->prepare();
  impl->values.weights = {};
  return ProductRunner(std::move(impl));
}

ProductRunner::ProductRunner(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
ProductRunner::ProductRunner(ProductRunner &&) = default;
ProductRunner::~ProductRunner() = default;

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

void ProductRunner::Impl::load(PartRun &part, int64_t first, int64_t count) {
  const program::Geometry &g = product.geometry;
  const auto [from, to] = rowsOf(g, part.part->first_window, first, count);
  // The rows of two blocks are there, without holes.
  if (part.block < 0 || from > part.high)
    part.low = from;
  else
    part.low = std::max(part.low, std::min(firstRow(g, part.block), from));
  part.high = to;
  part.block = first;
}

/// Codes of a window in the rows of the part.
void ProductRunner::Impl::gather(PartRun &part, int64_t window) {
  const program::Geometry &g = product.geometry;
  const std::vector<int64_t> &offsets = *part.offsets;
  const int64_t perImage = g.windows_per_row * g.window_rows;
  const int64_t row = firstRow(g, window), image = window / perImage;
  const int64_t y = row - image * g.image_rows;
  const int64_t x = window % g.windows_per_row * values.stride_w;
  const int64_t base =
      values.matrix ? (row - firstRow(g, windowBegin)) * imageElements()
                    : (image - windowBegin / perImage) * imageElements() +
                          y * values.width + x;
  const uint8_t *from = input.data() + base;
  const auto n = offsets.size();
  if (row >= part.low && row + g.kernel_rows <= part.high) {
    for (size_t r = 0; r < n; ++r)
      codes[r] = from[offsets[r]];
    return;
  }
  const int64_t mask = (int64_t(1) << inputBits()) - 1;
  const int64_t begin = part.cells->rowBegin();
  for (size_t r = 0; r < n; ++r) {
    const int64_t k = (begin + int64_t(r)) % g.kernel_elements;
    const int64_t at = row + k / values.kernel_w * values.dilation_h;
    const bool there = at >= part.low && at < part.high;
    const int64_t code = from[offsets[r]];
    codes[r] = int16_t(there ? code : ~code & mask);
    report.poison_rows += !there;
  }
}

void ProductRunner::Impl::mvm(PartRun &part, int64_t first, int64_t count) {
  const int64_t all = outputs();
  bool others = false; // cells that are not ours
  if (product.rounds > 0) {
    const int64_t arrays =
        part.part->copies * ((part.part->slot_end - part.part->slot_begin +
                              product.tiling.row_sets - 1) /
                             product.tiling.row_sets);
    for (int64_t a = 0; a < arrays; ++a) {
      auto wrote = owner.find(part.part->first_array + a);
      others |= wrote == owner.end() ||
                wrote->second != part.part - program.parts.data();
    }
    report.poison_cells += others ? count : 0;
  }
  part.blocks.push_back(
      {first, count, std::vector<uint32_t>(size_t(count * all))});
  uint32_t *sums = part.blocks.back().values.data();
  codes.resize(part.offsets->size());
  for (int64_t w = first; w < first + count; ++w, sums += all) {
    if (w < 0 || w >= product.geometry.windows) {
      ++report.poison_rows;
      continue;
    }
    if (w < windowBegin || w >= windowEnd)
      continue;
    gather(part, w);
    part.cells->multiply(codes.data(), sums, others);
  }
}

Sums *ProductRunner::Impl::find(PartRun &part, int64_t first, int64_t count) {
  for (Sums &s : part.blocks)
    if (s.first == first && s.count == count)
      return &s;
  report.poison_sums += count;
  return nullptr;
}

/// Drops blocks that nobody needs any more.
void ProductRunner::Impl::leave(PartRun &part) {
  while (!part.blocks.empty() && (!part.sends || part.blocks.front().sent) &&
         (!part.stores || part.blocks.front().stored))
    part.blocks.pop_front();
}

void ProductRunner::Impl::send(PartRun &part, int64_t first, int64_t count) {
  Sums *s = find(part, first, count);
  auto next = parts.find(part.part->next);
  if (!s || next == parts.end())
    return;
  // Results that are final here go no further.
  Sums message{first, count, s->values};
  for (int64_t w = 0; w < count; ++w)
    for (int64_t o : part.cells->stored)
      message.values[size_t(w * outputs() + o)] = 0;
  next->second.messages.push_back(std::move(message));
  s->sent = true;
  leave(part);
}

void ProductRunner::Impl::store(PartRun &part, int64_t first, int64_t count) {
  Sums *s = find(part, first, count);
  if (!s)
    return;
  const int64_t all = outputs();
  for (int64_t w = 0; w < count; ++w) {
    if (first + w < windowBegin || first + w >= windowEnd)
      continue;
    for (int64_t o : part.cells->stored) {
      const auto place = size_t((first + w - windowBegin) * all + o);
      results[place] = int32_t(s->values[size_t(w * all + o)]);
      report.double_results += stored[place] != 0;
      stored[place] = 1;
    }
  }
  s->stored = true;
  leave(part);
}

/// False: it has to wait.
bool ProductRunner::Impl::execute(CoreRun &core, const Instruction &in) {
  if (in.opcode == Opcode::Step) {
    core.level = in.index + in.first;
    return least >= core.level;
  }
  PartRun &part = parts[in.index];
  if (part.part->windows == 0)
    return true;
  // One pass only, on the cells as the passes before it left them.
  if (in.opcode != Opcode::Write) {
    int64_t &seen = part.seen[in.opcode];
    if (seen / part.part->windows != pass) {
      seen += in.count;
      return true;
    }
    if (in.opcode != Opcode::Receive || !part.messages.empty())
      seen += in.count;
  }
  const bool counts =
      in.opcode == Opcode::Write ||
      (in.first < windowEnd && in.first + in.count > windowBegin);
  report.instructions += counts;
  switch (in.opcode) {
  case Opcode::Write: {
    const int64_t arrays =
        part.part->copies * ((part.part->slot_end - part.part->slot_begin +
                              product.tiling.row_sets - 1) /
                             product.tiling.row_sets);
    for (int64_t a = 0; a < arrays; ++a)
      owner[part.part->first_array + a] = in.index;
    return true;
  }
  case Opcode::Load:
    load(part, in.first, in.count);
    return true;
  case Opcode::Mvm:
    mvm(part, in.first, in.count);
    return true;
  case Opcode::Receive: {
    if (part.messages.empty()) {
      report.instructions -= counts;
      return false;
    }
    const Sums message = std::move(part.messages.front());
    part.messages.pop_front();
    Sums *s = find(part, in.first, in.count);
    if (s && message.first == s->first && message.count == s->count) {
      for (size_t i = 0; i != s->values.size(); ++i)
        s->values[i] += message.values[i];
    } else if (s) {
      report.poison_sums += in.count;
      for (uint32_t &value : s->values)
        value += 0x5a5a5a5bu;
    }
    return true;
  }
  case Opcode::Send:
    send(part, in.first, in.count);
    return true;
  default:
    store(part, in.first, in.count);
    return true;
  }
}

/// Runs a core until it has to wait. Returns whether it did anything.
bool ProductRunner::Impl::advance(CoreRun &core) {
  bool moved = false;
  while (core.pc < core.code.size()) {
    const Instruction &in = core.code[core.pc];
    if (in.opcode == Opcode::Loop) {
      if (in.count <= 0) {
        core.pc = size_t(in.index) + 1;
      } else {
        core.loops.emplace_back(0, in.count);
        ++core.pc;
      }
      continue;
    }
    if (in.opcode == Opcode::End) {
      if (++core.loops.back().first < core.loops.back().second) {
        core.pc = size_t(in.index) + 1;
      } else {
        core.loops.pop_back();
        ++core.pc;
      }
      continue;
    }
    Instruction value = in;
    for (size_t level = 0; level < std::min<size_t>(2, core.loops.size());
         ++level)
      value.first +=
          in.stride[level] * core.loops[core.loops.size() - 1 - level].first;
    if (!execute(core, value))
      return moved;
    moved = true;
    ++core.pc;
  }
  core.ended = true;
  core.level = std::numeric_limits<int64_t>::max();
  return moved;
}

llvm::Error ProductRunner::run(llvm::ArrayRef<uint8_t> input,
                               llvm::MutableArrayRef<int32_t> results,
                               RunReport *report) {
  return run(0, impl->product.geometry.windows, input, results, report);
}

llvm::Error ProductRunner::run(int64_t first, int64_t count,
                               llvm::ArrayRef<uint8_t> input,
                               llvm::MutableArrayRef<int32_t> results,
                               RunReport *report) {
  Impl &i = *impl;
  const program::Geometry &g = i.product.geometry;
  const int64_t perImage = g.windows_per_row * g.window_rows;
  const int64_t pass = first / g.windows, before = pass * g.windows;
  if (first < 0 || count < 1 || first - before + count > g.windows ||
      pass >= i.product.passes || first % perImage != 0 ||
      count % perImage != 0)
    return i.fail("windows " + std::to_string(first) + " to " +
                  std::to_string(first + count - 1) + " of " +
                  std::to_string(i.product.passes) + " times " +
                  std::to_string(g.windows) + " are not whole images of " +
                  std::to_string(perImage) + " in one pass");
  i.pass = pass;
  first -= before;
  const int64_t elements =
      (i.values.matrix ? count : count / perImage) * i.imageElements();
  if (int64_t(input.size()) != elements)
    return i.fail("takes " + std::to_string(elements) + " inputs, not " +
                  std::to_string(input.size()));
  if (int64_t(results.size()) != count * i.outputs())
    return i.fail("has " + std::to_string(count * i.outputs()) +
                  " results, not " + std::to_string(results.size()));
  const auto most = (int64_t(1) << i.inputBits()) - 1;
  for (uint8_t code : input)
    if (code > most)
      return i.fail("input code " + std::to_string(code) + " has more than " +
                    std::to_string(i.inputBits()) + " bits");
  i.windowBegin = first;
  i.windowEnd = first + count;
  i.input = input;
  i.results = results;
  std::fill(results.begin(), results.end(), int32_t(0x5a5a5a5a));
  i.stored.assign(results.size(), 0);
  i.report = {};
  i.owner.clear();
  for (auto &entry : i.parts) {
    PartRun &part = entry.second;
    part.blocks.clear();
    part.messages.clear();
    part.low = part.high = 0;
    part.seen.clear();
    part.block = -1;
  }
  for (CoreRun &core : i.cores) {
    core.pc = 0;
    core.loops.clear();
    core.level = -1;
    core.ended = false;
  }
  for (bool moved = true; moved;) {
    moved = false;
    const int64_t before = i.least;
    i.least = std::numeric_limits<int64_t>::max();
    for (const CoreRun &core : i.cores)
      i.least = std::min(i.least, core.level);
    moved |= i.least != before;
    for (CoreRun &core : i.cores)
      if (!core.ended)
        moved |= i.advance(core);
  }
  for (const CoreRun &core : i.cores) {
    if (core.ended)
      continue;
    const Instruction &in = core.code[core.pc];
    return i.fail("core " + std::to_string(core.core) + " waits for ever at `" +
                  program::name(in.opcode).str() + "` of " +
                  (in.opcode == Opcode::Step ? "step " : "part ") +
                  std::to_string(in.index));
  }
  for (const auto &entry : i.parts)
    for (const Sums &message : entry.second.messages)
      i.report.poison_sums += message.count;
  for (uint8_t times : i.stored)
    i.report.missing_results += times == 0;
  if (report)
    *report = i.report;
  return llvm::Error::success();
}
