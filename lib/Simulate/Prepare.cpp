//===- Prepare.cpp - From tables to state ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "imc/Program/Verify.h"

#include <algorithm>

using namespace imc;
using namespace imc::simulate;
using program::Instruction;
using program::Opcode;
using program::Stream;

llvm::Error imc::simulate::checkChip(const program::Program &program,
                                     const machine::Machine &m) {
  const program::Chip &chip = program.chip;
  std::string differs;
  auto same = [&](const char *what, int64_t has, int64_t wants) {
    if (has == wants)
      return;
    differs += differs.empty() ? "" : ", ";
    differs += std::string(what) + " is " + std::to_string(wants) +
               " in the program and " + std::to_string(has) + " on the machine";
  };
  same("cores", m.tiles(), chip.cores);
  same("arrays_per_core", m.hierarchy.macros_per_tile, chip.arrays_per_core);
  same("cores_per_group", m.hierarchy.tiles_per_group, chip.cores_per_group);
  same("array_rows", m.array.rows, chip.array_rows);
  same("array_cols", m.array.cols, chip.array_cols);
  same("driven_rows", m.drivenRows(), chip.driven_rows);
  same("accumulator_bits", m.shift_add.accumulator_bits, chip.accumulator_bits);
  if (differs.empty())
    return llvm::Error::success();
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "program of model '" + program.model +
                                     "' is for another chip ('" + chip.target +
                                     "'): " + differs +
                                     "; schedule the model for this machine");
}

llvm::Error Simulator::fail(const std::string &message) const {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "program of model '" + program.model +
                                     "': " + message);
}

Simulator::Simulator(const program::Program &program,
                     const cost::Prices &prices,
                     const machine::Machine &machine, const Options &options)
    : program(program), prices(prices), machine(machine), options(options) {}

std::map<int64_t, double>
imc::simulate::conversionsOf(const program::Program &program,
                             const machine::Machine &machine,
                             const mapping::Knobs &knobs) {
  std::map<int64_t, double> conversions;
  for (const program::Product &product : program.products)
    if (product.adc_bits && !conversions.count(product.adc_bits))
      conversions[product.adc_bits] =
          cost::conversionEnergy(machine, knobs, product.adc_bits);
  return conversions;
}

llvm::Error Simulator::checkConversions() const {
  for (const program::Product &product : program.products)
    if (product.adc_bits && !options.conversions.count(product.adc_bits))
      return fail("product '" + product.name + "' has conversions of " +
                  std::to_string(product.adc_bits) +
                  " bits, which have no price: give Options::conversions");
  return llvm::Error::success();
}

llvm::Error Simulator::prepareStreams() {
  const int64_t numCores = program.chip.cores;
  cores.resize(size_t(numCores) + 1);
  for (int64_t c = 0; c <= numCores; ++c) {
    cores[size_t(c)].index = c;
    cores[size_t(c)].group =
        std::min(c, numCores - 1) / program.chip.cores_per_group;
  }
  const std::set<int64_t> withParts = program::coresWithParts(program);
  for (size_t s = 0; s != program.streams.size(); ++s) {
    const Stream &stream = program.streams[s];
    begins.push_back(uint32_t(code.size()));
    std::vector<uint32_t> open;
    for (const Instruction &in : stream.instructions) {
      const uint32_t here = uint32_t(code.size());
      auto wrong = [&](const std::string &what) {
        return fail("stream " + std::to_string(s) + ", instruction " +
                    std::to_string(here - begins.back()) + ": " + what);
      };
      code.push_back(in);
      switch (in.opcode) {
      case Opcode::Loop:
        open.push_back(here);
        break;
      case Opcode::End:
        code[open.back()].index = here;
        code.back().index = open.back();
        open.pop_back();
        break;
      case Opcode::Write:
      case Opcode::Load:
      case Opcode::Mvm:
      case Opcode::Receive:
      case Opcode::Send:
      case Opcode::Store: {
        PartState &part = parts[size_t(in.index)];
        if (part.core != stream.core)
          return wrong("part " + std::to_string(in.index) + " is on core " +
                       std::to_string(part.core) +
                       ", not on that of the stream");
        part.sends |= in.opcode == Opcode::Send;
        part.stores |= in.opcode == Opcode::Store;
        part.receives |= in.opcode == Opcode::Receive;
        if (in.opcode == Opcode::Send && part.next < 0)
          return wrong("part " + std::to_string(in.index) +
                       " sends and has no next part");
        break;
      }
      case Opcode::Fetch:
      case Opcode::Spill:
        if (prices.memory_bit_time <= 0)
          return wrong("the machine has no external memory; set "
                       "machine.memory.kind");
        break;
      default:
        break;
      }
    }
    if (stream.core == Stream::allCores || stream.core == Stream::idleCores) {
      for (int64_t c = 0; c < numCores; ++c)
        if (stream.core == Stream::allCores || !withParts.count(c))
          cores[size_t(c)].streams.push_back(uint32_t(s));
    } else {
      cores[stream.core == Stream::controller ? size_t(numCores)
                                              : size_t(stream.core)]
          .streams.push_back(uint32_t(s));
    }
  }
  begins.push_back(uint32_t(code.size()));
  return llvm::Error::success();
}

llvm::Error Simulator::prepareParts() {
  parts.resize(program.parts.size());
  for (size_t i = 0; i != parts.size(); ++i) {
    const program::Part &p = program.parts[i];
    PartState &s = parts[i];
    auto wrong = [&](const std::string &what) {
      return fail("part " + std::to_string(i) + ": " + what);
    };
    const program::Product &product = program.products[size_t(p.product)];
    if (p.slot_begin >= p.slot_end || p.slot_end > product.tiling.tiles())
      return wrong("slots " + std::to_string(p.slot_begin) + " to " +
                   std::to_string(p.slot_end) + " of " +
                   std::to_string(product.tiling.tiles()));

    std::unique_ptr<PartWork> &work =
        works[{p.product, p.slot_begin, p.slot_end}];
    if (!work)
      work = std::make_unique<PartWork>(
          walkPart(product, p.slot_begin, p.slot_end));
    s.work = work.get();
    s.product = &product;
    s.index = int64_t(i);
    s.product_index = p.product;
    s.core = p.core;
    s.group = p.core / program.chip.cores_per_group;
    s.next = p.next;
    s.copies = p.copies;
    s.read_bits =
        (work->row_end - work->row_begin) * program.inputBits(product);
    s.write_bits = work->outputs * program.chip.accumulator_bits;
    // E-TIME-1
    const double columns = double(std::min(
        {machine.adc.share, product.tiling.cols, product.tiling.pack_cols}));
    s.products_s = double(product.tiling.phases) *
                       std::max(prices.read_cycles, columns) * prices.cycle +
                   prices.setup;
    s.fill_s = std::min(prices.read_cycles, columns) * prices.cycle;
  }
  // What a fetch brings: weights count once, however many copies hold them.
  std::map<std::array<int64_t, 3>, bool> seen;
  for (const program::Part &p : program.parts)
    if (program.products[size_t(p.product)].operand < 0 &&
        !std::exchange(seen[{p.product, p.round, p.slot_begin}], true))
      rounds[{p.product, p.round}] +=
          works[{p.product, p.slot_begin, p.slot_end}]->owned *
          program.weightBits(program.products[size_t(p.product)]);
  return llvm::Error::success();
}

void Simulator::prepareTensors() {
  tensors.resize(program.tensors.size());
  for (size_t t = 0; t != tensors.size(); ++t)
    tensors[t].rows = program.tensors[t].rows;
  for (size_t k = 0; k != program.kernels.size(); ++k)
    for (int64_t t : program.kernels[k].outputs)
      if (t >= 0 && t < int64_t(tensors.size()))
        tensors[size_t(t)].kernel = int64_t(k);
  for (size_t p = 0; p != program.products.size(); ++p) {
    const int64_t t = program.products[p].output;
    if (t < 0 || t >= int64_t(tensors.size()))
      continue;
    Progress &progress = tensors[size_t(t)];
    progress.product = int64_t(p);
    progress.ranges.clear();
  }
  for (const PartState &part : parts) {
    const int64_t t = part.product->output;
    if (!part.stores || t < 0 || t >= int64_t(tensors.size()) ||
        tensors[size_t(t)].product != part.product_index)
      continue;
    const program::Part &p = program.parts[size_t(part.index)];
    std::vector<Progress::Range> &ranges = tensors[size_t(t)].ranges;
    auto range = std::find_if(
        ranges.begin(), ranges.end(),
        [&](const Progress::Range &r) { return r.first == p.first_window; });
    if (range == ranges.end())
      range = ranges.insert(ranges.end(), {p.first_window, p.windows, {}});
    range->parts.push_back(part.index);
  }
  for (Progress &progress : tensors)
    std::sort(progress.ranges.begin(), progress.ranges.end(),
              [](const Progress::Range &a, const Progress::Range &b) {
                return a.first < b.first;
              });
}

llvm::Error Simulator::prepare() {
  if (llvm::Error error = program::check(program))
    return error;
  if (llvm::Error error = checkChip(program, machine))
    return error;
  if (llvm::Error error = checkConversions())
    return error;
  if (llvm::Error error = prepareParts())
    return error;
  if (llvm::Error error = prepareStreams())
    return error;
  for (const PartState &part : parts)
    if (part.sends && !parts[size_t(part.next)].receives)
      return fail("part " + std::to_string(part.index) + " sends to part " +
                  std::to_string(part.next) + ", which never receives");
  prepareTensors();
  kernels.resize(program.kernels.size());
  links.resize(size_t((program.chip.cores + program.chip.cores_per_group - 1) /
                      program.chip.cores_per_group));
  fetched.resize(program.products.size());
  for (const program::Product &p : program.products) {
    productWork.push_back({p.name, "product", p.layer, -1, 0, {}, {}});
  }
  for (const program::Kernel &k : program.kernels) {
    kernelWork.push_back({k.name, k.op, k.layer, -1, 0, {}, {}});
  }
  if (options.trace) {
    trace = std::make_unique<Trace>(*options.trace, program.model,
                                    options.trace_begin, options.trace_end);
    nameThreads();
  }
  return llvm::Error::success();
}

// Threads of a core: what holds for all parts first, then the arrays of each.
void Simulator::nameThreads() {
  trace->process(0, "chip");
  trace->thread(0, 1, "global buffer");
  trace->thread(0, 2, "memory");
  for (size_t g = 0; g != links.size(); ++g)
    trace->thread(0, 3 + int64_t(g), "link " + std::to_string(g));
  std::vector<bool> named(cores.size());
  for (const PartState &part : parts) {
    if (!named[size_t(part.core)]) {
      named[size_t(part.core)] = true;
      trace->process(1 + part.core, "core " + std::to_string(part.core));
      trace->thread(1 + part.core, 1, "tile buffer");
      trace->thread(1 + part.core, 2, "lanes");
      trace->thread(1 + part.core, 3, "programming");
    }
    trace->thread(1 + part.core, 4 + part.index,
                  "arrays of " + part.product->name);
  }
}
