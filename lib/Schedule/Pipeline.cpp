//===- Pipeline.cpp - Every product on an inference of its own ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products and what lies between them stand on levels, the longest way from the
// inputs; level l works on inference t in beat t + l. A beat is a step. While
// all levels have an inference the beats are one loop per core; the beats
// before and after it have fewer levels each and are written out. In a beat the
// parts of a core take turns, block by block, and its lanes work beside them.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"
#include "Merge.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using llvm::Error;
using llvm::Twine;
using program::Instruction;
using program::Opcode;
using program::Stream;

/// Beats that are written out repeat their parts: programs stay below this.
static constexpr size_t mostInstructions = 20'000'000;

/// Places between the blocks of a beat where kernels may begin.
static constexpr int64_t kernelPlaces = 16;

Error Builder::checkResident() const {
  const std::string who =
      ("schedule '" + program::name(options.kind) + "' ").str();
  if (options.kind == program::Schedule::Pipeline && workload.batch != 1)
    return refuse(who +
                  "passes one inference after the other, the workload "
                  "does " +
                  Twine(workload.batch) +
                  " at once: take it without a batch and say the number of "
                  "inferences");
  if (!plan.resident)
    return refuse(who + "needs all weights of model '" + workload.name +
                  "' to stay on the chip: " + Twine(plan.logical_arrays) +
                  " arrays, the chip has " + Twine(plan.capacity) +
                  ": raise machine.hierarchy.groups, or schedule layer by "
                  "layer");
  for (size_t i = 0; i != workload.layers.size(); ++i) {
    if (written(i))
      return refuse(who + "leaves cells as they are, but layer " +
                    layerName(i) +
                    " writes an operand into arrays: set "
                    "pass.dynamic_products=digital, or schedule layer by "
                    "layer");
    for (int64_t input : workload.layers[i].inputs)
      if (input >= int64_t(i))
        return refuse(who + "cannot cut the loop that goes from layer " +
                      layerName(input) + " back to layer " + layerName(i) +
                      ": schedule layer by layer");
  }
  return Error::success();
}

void Builder::findLevels() {
  levelOf.assign(workload.layers.size(), 0);
  for (size_t i = 0; i != workload.layers.size(); ++i) {
    const workload::Layer &layer = workload.layers[i];
    for (int64_t input : layer.inputs) {
      if (input == workload::Layer::modelInput || input >= int64_t(i))
        continue;
      // Digital work that follows digital work is done with it.
      const bool apart = layer.product() || workload.layers[input].product();
      levelOf[i] = std::max(levelOf[i], levelOf[input] + apart);
    }
  }
}

bool Builder::isInner(size_t layer) const {
  if (levelOf.empty() || workload.layers[layer].product() ||
      workload.layers[layer].output)
    return false;
  bool read = false;
  for (size_t i = layer + 1; i != workload.layers.size(); ++i)
    if (llvm::is_contained(workload.layers[i].inputs, int64_t(layer))) {
      read = true;
      if (workload.layers[i].product() || levelOf[i] != levelOf[layer])
        return false;
    }
  return read;
}

Error Builder::numberBeats() {
  steps = 0;
  for (program::Tensor &tensor : program.tensors)
    tensor.first_step = -1;
  for (size_t layer = 0; layer != workload.layers.size(); ++layer) {
    const int64_t level = levelOf[layer];
    steps = std::max(steps, level + 1);
    std::vector<int64_t> reads;
    if (productOf[layer] != none) {
      program.products[productOf[layer]].step = level;
      reads = program.products[productOf[layer]].inputs;
    } else {
      program.kernels[kernelOf[layer]].step = level;
      reads = program.kernels[kernelOf[layer]].inputs;
    }
    if (tensorOf[layer] != none) {
      program::Tensor &tensor = program.tensors[tensorOf[layer]];
      tensor.first_step = level;
      tensor.last_step = std::max(tensor.last_step, level);
    }
    for (int64_t read : reads)
      program.tensors[read].last_step =
          std::max(program.tensors[read].last_step, level);
  }
  // All are at work in every beat, on inferences as far apart as their steps.
  int64_t offset = 0;
  for (program::Tensor &tensor : program.tensors) {
    tensor.versions =
        tensor.last_step - std::max<int64_t>(tensor.first_step, 0) + 1;
    tensor.region = {offset, tensor.elements * tensor.bits * tensor.versions};
    offset += tensor.region.size;
  }
  const int64_t capacity = program.chip.global_buffer_bits;
  if (capacity > 0 && offset > capacity)
    return refuse(
        "global buffer: the pipeline of model '" + workload.name + "' holds " +
        Twine(offset) + " bits of activations at once, the chip has " +
        Twine(capacity) + ": raise machine.global_buffer.size_mib to " +
        Twine(ceilDiv(offset, 8388608)) + ", or schedule layer by layer");
  return Error::success();
}

/// What the lanes of a core do for a kernel, in a unit that kernels share.
static double workOf(const program::Kernel &kernel) {
  return static_cast<double>(kernel.operations + kernel.macs);
}

void Builder::writeBeat(llvm::ArrayRef<int64_t> parts,
                        llvm::ArrayRef<int64_t> kernels,
                        std::vector<Instruction> &out) const {
  // A core has two kernels in flight. The first two begin at once, each other
  // one in that part of the beat in which the one two before it should be done.
  std::vector<double> places;
  double all = 0, before = 0;
  for (int64_t kernel : kernels)
    all += workOf(program.kernels[kernel]);
  for (size_t i = 0; i != kernels.size(); ++i) {
    if (i >= 2 && all > 0)
      before += workOf(program.kernels[kernels[i - 2]]) / all;
    places.push_back(std::ceil(before * kernelPlaces) / kernelPlaces);
  }

  std::vector<Strand> strands;
  std::vector<int64_t> done; // windows
  for (int64_t index : parts) {
    const program::Part &part = program.parts[index];
    const double turns = program.products[part.product].tiling.turns();
    strands.push_back(
        {part.windows / part.block, turns * ceilDiv(part.block, part.copies)});
    done.push_back(0);
  }
  const std::vector<Round> rounds = planRounds(strands);
  double total = 0, now = 0;
  for (const Round &round : rounds)
    total += double(round.iterations) * round.time;
  size_t kernel = 0;
  auto startKernels = [&](double until) {
    for (; kernel != kernels.size() && places[kernel] * total <= until;
         ++kernel)
      out.push_back({Opcode::Vector,
                     kernels[kernel],
                     0,
                     {0, 0},
                     program.kernels[kernels[kernel]].pieces});
  };
  for (const Round &round : rounds) {
    const std::vector<size_t> order = orderOf(round);
    for (int64_t left = round.iterations; left > 0;) {
      startKernels(now);
      int64_t go = left;
      if (kernel != kernels.size())
        go = std::clamp<int64_t>(
            std::ceil((places[kernel] * total - now) / round.time), 1, left);
      if (go > 1)
        out.push_back({Opcode::Loop, 0, 0, {0, 0}, go});
      std::vector<int64_t> blocks(strands.size(), 0);
      for (size_t s : order) {
        const program::Part &part = program.parts[parts[s]];
        writeBlock(part, parts[s],
                   part.first_window + done[s] + blocks[s]++ * part.block,
                   go > 1 ? round.blocks[s] * part.block : 0, part.block, out);
      }
      if (go > 1)
        out.push_back({Opcode::End, 0, 0, {0, 0}, 0});
      for (size_t s = 0; s != strands.size(); ++s)
        done[s] += go * round.blocks[s] * program.parts[parts[s]].block;
      left -= go;
      now += double(go) * round.time;
    }
  }
  startKernels(std::numeric_limits<double>::infinity());
  for (auto [index, windows] : llvm::zip_equal(parts, done)) {
    const program::Part &part = program.parts[index];
    if (windows < part.windows)
      writeBlock(part, index, part.first_window + windows, 0,
                 part.windows - windows, out);
  }
}

Error Builder::writePipeline() {
  const int64_t passes = program.inferences, depth = steps;
  // Parts of every core, the last level first: what leaves makes room.
  std::map<int64_t, std::vector<int64_t>> partsAt;
  for (auto [index, part] : llvm::enumerate(program.parts))
    if (part.windows > 0)
      partsAt[part.core].push_back(index);
  auto levelOfPart = [&](int64_t part) {
    return program.products[program.parts[part].product].step;
  };
  for (auto &[core, parts] : partsAt)
    llvm::sort(parts, [&](int64_t a, int64_t b) {
      return std::pair(-levelOfPart(a), a) < std::pair(-levelOfPart(b), b);
    });

  // Work of levels [low, high] in a beat. Kernels come shortest first, so that
  // few wait for those before them.
  auto parts = [&](llvm::ArrayRef<int64_t> all, int64_t low, int64_t high) {
    std::vector<int64_t> some;
    for (int64_t part : all)
      if (levelOfPart(part) >= low && levelOfPart(part) <= high)
        some.push_back(part);
    return some;
  };
  auto kernels = [&](int64_t low, int64_t high) {
    std::vector<int64_t> some;
    for (auto [index, kernel] : llvm::enumerate(program.kernels))
      if (kernel.step >= low && kernel.step <= high)
        some.push_back(index);
    llvm::sort(some, [&](int64_t a, int64_t b) {
      return std::pair(workOf(program.kernels[a]), a) <
             std::pair(workOf(program.kernels[b]), b);
    });
    return some;
  };
  size_t size = 0;
  auto emit = [&](int64_t core, const std::vector<Instruction> &instructions) {
    if (instructions.empty())
      return;
    size += instructions.size();
    if (program.streams.empty() || program.streams.back().core != core)
      program.streams.push_back({core, {}});
    llvm::append_range(program.streams.back().instructions, instructions);
  };
  // A beat in which only some levels work. All cores begin with the kernels.
  auto beat = [&](int64_t number, int64_t low, int64_t high) {
    std::vector<Instruction> begin{{Opcode::Step, number, 0, {0, 0}, 0}};
    writeBeat({}, kernels(low, high), begin);
    emit(Stream::allCores, begin);
    for (const auto &[core, all] : partsAt) {
      std::vector<Instruction> out;
      writeBeat(parts(all, low, high), {}, out);
      emit(core, out);
    }
  };

  const int64_t beats = passes + depth - 1;
  for (int64_t number = 0; number < beats; ++number) {
    const int64_t low = std::max<int64_t>(0, number - passes + 1);
    const int64_t high = std::min(number, depth - 1);
    const int64_t full = passes - depth + 1; // beats of all levels
    if (size > mostInstructions)
      return refuse("schedule 'pipeline' of " + Twine(program.parts.size()) +
                    " parts on " + Twine(depth) + " levels needs more than " +
                    Twine(mostInstructions) +
                    " instructions: take fewer inferences than levels, or "
                    "schedule layer by layer");
    if (number != depth - 1 || full < 2) {
      beat(number, low, high);
      continue;
    }
    const std::vector<int64_t> lanes = kernels(0, depth - 1);
    auto loop = [&](int64_t core, llvm::ArrayRef<int64_t> parts) {
      std::vector<Instruction> out{{Opcode::Loop, 0, 0, {0, 0}, full},
                                   {Opcode::Step, number, 0, {1, 0}, 0}};
      writeBeat(parts, lanes, out);
      out.push_back({Opcode::End, 0, 0, {0, 0}, 0});
      if (out.size() == 3)
        return;
      size += out.size();
      program.streams.push_back({core, std::move(out)});
    };
    const std::set<int64_t> withParts = program::coresWithParts(program);
    for (int64_t core : withParts)
      loop(core, partsAt[core]);
    // All others do the same.
    if (program.chip.cores > static_cast<int64_t>(withParts.size()))
      loop(Stream::idleCores, {});
    number += full - 1;
  }
  return Error::success();
}
