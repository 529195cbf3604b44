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
// before and after it have fewer levels each and are written out.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
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
static constexpr int64_t mostInstructions = 20'000'000;

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

  // A part is written out once per beat in which not all levels work.
  const int64_t single = 2 * (std::min(passes, depth) - 1);
  const int64_t perPart = 14 * int64_t(program.parts.size());
  const int64_t perKernel = 2 * int64_t(program.kernels.size());
  const int64_t bound =
      (perPart + perKernel) * (single + 1) + program.chip.cores * perKernel;
  if (bound > mostInstructions)
    return refuse("schedule 'pipeline' of " + Twine(program.parts.size()) +
                  " parts on " + Twine(depth) + " levels needs up to " +
                  Twine(bound) + " instructions, more than " +
                  Twine(mostInstructions) +
                  ": take fewer inferences than levels, or schedule layer by "
                  "layer");

  // Work of levels [low, high] in a beat.
  auto parts = [&](int64_t core, int64_t low, int64_t high,
                   std::vector<Instruction> &out) {
    auto found = partsAt.find(core);
    if (found != partsAt.end())
      for (int64_t part : found->second)
        if (levelOfPart(part) >= low && levelOfPart(part) <= high)
          writePart(program.parts[part], part, out);
  };
  auto kernels = [&](int64_t low, int64_t high, std::vector<Instruction> &out) {
    for (auto [index, kernel] : llvm::enumerate(program.kernels))
      if (kernel.step >= low && kernel.step <= high)
        out.push_back({Opcode::Vector,
                       static_cast<int64_t>(index),
                       0,
                       {0, 0},
                       kernel.pieces});
  };
  auto emit = [&](int64_t core, const std::vector<Instruction> &instructions) {
    if (instructions.empty())
      return;
    if (program.streams.empty() || program.streams.back().core != core)
      program.streams.push_back({core, {}});
    llvm::append_range(program.streams.back().instructions, instructions);
  };
  auto beat = [&](int64_t number, int64_t low, int64_t high) {
    emit(Stream::allCores, {{Opcode::Step, number, 0, {0, 0}, 0}});
    for (const auto &entry : partsAt) {
      std::vector<Instruction> out;
      parts(entry.first, low, high, out);
      emit(entry.first, out);
    }
    std::vector<Instruction> out;
    kernels(low, high, out);
    emit(Stream::allCores, out);
  };

  const int64_t beats = passes + depth - 1;
  for (int64_t number = 0; number < beats; ++number) {
    const int64_t low = std::max<int64_t>(0, number - passes + 1);
    const int64_t high = std::min(number, depth - 1);
    const int64_t full = passes - depth + 1; // beats of all levels
    if (number != depth - 1 || full < 2) {
      beat(number, low, high);
      continue;
    }
    for (int64_t core = 0; core != program.chip.cores; ++core) {
      std::vector<Instruction> work;
      parts(core, 0, depth - 1, work);
      kernels(0, depth - 1, work);
      if (work.empty())
        continue;
      std::vector<Instruction> out{{Opcode::Loop, 0, 0, {0, 0}, full},
                                   {Opcode::Step, number, 0, {1, 0}, 0}};
      llvm::append_range(out, work);
      out.push_back({Opcode::End, 0, 0, {0, 0}, 0});
      program.streams.push_back({core, std::move(out)});
    }
    number += full - 1;
  }
  return Error::success();
}
