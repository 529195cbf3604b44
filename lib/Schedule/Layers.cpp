//===- Layers.cpp - Layer by layer ----------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One step per layer of the workload, in program order; a product whose cells
// are written in rounds has one per round.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <map>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using program::Instruction;
using program::Opcode;
using program::Stream;

void Builder::findStages() {
  const std::vector<workload::Layer> &layers = workload.layers;
  std::vector<bool> isDone(layers.size(), false);
  for (size_t layer = 0; layer != layers.size(); ++layer) {
    const int64_t loop = layers[layer].loop;
    if (isDone[layer])
      continue;
    Stage stage;
    if (loop < 0) {
      stage.layers.push_back(layer);
    } else {
      size_t last = layer;
      for (size_t other = layer; other != layers.size(); ++other)
        if (layers[other].loop == loop)
          last = other;
      // What stands between them needs nothing of any iteration.
      for (size_t other = layer; other <= last; ++other) {
        isDone[other] = true;
        if (layers[other].loop == loop)
          stage.layers.push_back(other);
        else
          stages.push_back({{other}});
      }
      stage.trips = layers[layer].trips();
    }
    stages.push_back(std::move(stage));
  }
}

void Builder::keepTensors(size_t layer, int64_t first, int64_t last) {
  auto keep = [&](llvm::ArrayRef<int64_t> tensors) {
    for (int64_t tensor : tensors)
      program.tensors[tensor].last_step =
          std::max(program.tensors[tensor].last_step, last);
  };
  if (const int64_t index = productOf[layer]; index != none) {
    const program::Product &product = program.products[index];
    keep(product.inputs);
    keep(product.carried);
    if (product.operand != none)
      keep(product.operand);
  } else {
    keep(program.kernels[kernelOf[layer]].inputs);
    keep(program.kernels[kernelOf[layer]].carried);
  }
  program.tensors[tensorOf[layer]].first_step = first;
  keep(tensorOf[layer]);
}

llvm::Error Builder::numberLoop(Stage &stage) {
  bool writesBefore = false;
  for (size_t layer : stage.layers) {
    if (workload.layers[layer].trips() != stage.trips)
      return refuse("schedule 'layers' cannot order loops in loops: layer " +
                    layerName(stage.layers.front()) + " makes " +
                    llvm::Twine(stage.trips) + " iterations, layer " +
                    layerName(layer) + " of the same loop makes " +
                    llvm::Twine(workload.layers[layer].trips()) +
                    ": unroll one of the loops");
    const int64_t product = productOf[layer];
    const workload::Product *work = workload.layers[layer].product();
    if (product != none && program.products[product].rounds > 0 &&
        work->writings(program.products[product].rounds) == 1) {
      writtenIn[product] = steps;
      writesBefore = true;
    }
  }
  steps += writesBefore;
  const int64_t begin = steps;
  for (size_t layer : stage.layers) {
    if (const int64_t product = productOf[layer]; product != none) {
      program.products[product].step = steps;
      steps += std::max<int64_t>(program.products[product].rounds, 1);
    } else {
      program.kernels[kernelOf[layer]].step = steps++;
    }
  }
  stage.period = steps - begin;
  steps = begin + stage.trips * stage.period;
  for (size_t layer : stage.layers) {
    const int64_t product = productOf[layer];
    (product != none ? program.products[product].period
                     : program.kernels[kernelOf[layer]].period) = stage.period;
    keepTensors(layer,
                product != none ? program.products[product].step
                                : program.kernels[kernelOf[layer]].step,
                steps - 1);
  }
  return llvm::Error::success();
}

llvm::Error Builder::numberLayers() {
  findStages();
  writtenIn.assign(program.products.size(), none);
  for (program::Tensor &tensor : program.tensors)
    tensor.last_step = 0;
  for (Stage &stage : stages) {
    if (stage.trips > 1) {
      if (llvm::Error error = numberLoop(stage))
        return error;
      continue;
    }
    const size_t layer = stage.layers.front();
    const int64_t first = steps;
    if (const int64_t product = productOf[layer]; product != none) {
      program.products[product].step = first;
      steps += std::max<int64_t>(program.products[product].rounds, 1);
    } else {
      program.kernels[kernelOf[layer]].step = steps++;
    }
    keepTensors(layer, first, steps - 1);
  }
  if (modelInput != none)
    program.tensors[modelInput].first_step = -1;
  for (auto [layer, tensor] : llvm::zip_equal(workload.layers, tensorOf))
    if (layer.output)
      program.tensors[tensor].last_step = steps - 1;
  return llvm::Error::success();
}

void Builder::writePart(const program::Part &part, int64_t index,
                        std::vector<Instruction> &out) const {
  writeWindows(part, index, part.first_window, part.first_window + part.windows,
               out);
}

void Builder::writeBlock(const program::Part &part, int64_t index,
                         int64_t first, int64_t stride, int64_t count,
                         std::vector<Instruction> &out) const {
  auto emit = [&](Opcode opcode) {
    out.push_back({opcode, index, first, {stride, 0}, count});
  };
  emit(Opcode::Load);
  emit(Opcode::Mvm);
  if (part.previous != none)
    emit(Opcode::Receive);
  if (part.next != none)
    emit(Opcode::Send);
  if (storesAny(program.products[part.product], part.slot_begin, part.slot_end))
    emit(Opcode::Store);
}

void Builder::writeWindows(const program::Part &part, int64_t index,
                           int64_t begin, int64_t end,
                           std::vector<Instruction> &out) const {
  const int64_t whole = (end - begin) / part.block;
  const int64_t rest = (end - begin) % part.block;
  if (whole > 1) {
    out.push_back({Opcode::Loop, 0, 0, {0, 0}, whole});
    writeBlock(part, index, begin, part.block, part.block, out);
    out.push_back({Opcode::End, 0, 0, {0, 0}, 0});
  } else if (whole == 1) {
    writeBlock(part, index, begin, 0, part.block, out);
  }
  if (rest > 0)
    writeBlock(part, index, begin + whole * part.block, 0, rest, out);
}

std::vector<std::vector<int64_t>> Builder::chooseAhead() const {
  std::vector<std::vector<int64_t>> ahead(workload.layers.size());
  if (!options.write_ahead)
    return ahead;
  // Arrays [first, end) of a product, in all rounds.
  auto arraysOf = [&](int64_t product) {
    int64_t first = program.chip.cores * program.chip.arrays_per_core, end = 0;
    for (int64_t i = partsOf[product].first; i != partsOf[product].second;
         ++i) {
      const program::Part &part = program.parts[i];
      const int64_t sets = program.products[product].tiling.row_sets;
      first = std::min(first, part.first_array);
      end =
          std::max(end, part.first_array +
                            part.copies *
                                ceilDiv(part.slot_end - part.slot_begin, sets));
    }
    return std::pair(first, end);
  };
  for (size_t layer = 1; layer < workload.layers.size(); ++layer) {
    const int64_t product = productOf[layer];
    if (product == none || program.products[product].rounds == 0 ||
        program.products[product].operand != none ||
        program.products[product].passes > 1)
      continue;
    const auto [first, end] = arraysOf(product);
    // The longest of the layers since the arrays were used last: products by
    // their products one after the other, and only then digital work.
    int64_t best = none;
    std::pair<double, double> most = {0, 0};
    for (size_t other = layer; other-- > 0;) {
      std::pair<double, double> length = {0, 0};
      if (const int64_t p = productOf[other]; p != none) {
        const auto [otherFirst, otherEnd] = arraysOf(p);
        if (otherFirst < end && first < otherEnd)
          break;
        length.first = double(program.products[p].windows_per_copy) *
                       double(program.products[p].tiling.turns());
      } else {
        length.second = double(program.kernels[kernelOf[other]].operations);
      }
      if (workload.layers[other].loop >= 0)
        continue; // its steps come again
      if (best == none || length > most) {
        best = other;
        most = length;
      }
    }
    if (best != none)
      ahead[best].push_back(product);
  }
  return ahead;
}

static Instruction step(int64_t number, int64_t period = 0) {
  return {Opcode::Step, number, 0, {period, 0}, 0};
}

/// One stream for each core that has parts, and one that the others share: each
/// walks through the layers of an iteration, in steps of their own.
void Builder::writeLoop(const Stage &stage,
                        std::vector<Instruction> &controller) {
  const Instruction begin = {Opcode::Loop, 0, 0, {0, 0}, stage.trips};
  const Instruction end = {Opcode::End, 0, 0, {0, 0}, 0};
  std::map<int64_t, std::vector<Instruction>> cores;
  for (int64_t core : coresWithParts(program))
    cores[core];
  std::vector<Instruction> idle, ofController;
  for (size_t layer : stage.layers) {
    if (const int64_t index = kernelOf[layer]; index != none) {
      const program::Kernel &kernel = program.kernels[index];
      const Instruction work[] = {
          step(kernel.step, stage.period),
          {Opcode::Vector, index, 0, {0, 0}, kernel.pieces}};
      for (auto &entry : cores)
        llvm::append_range(entry.second, work);
      llvm::append_range(idle, work);
      if (spillOf[layer] > 0)
        llvm::append_range(ofController,
                           std::array{work[0], Instruction{Opcode::Spill,
                                                           kernel.step,
                                                           0,
                                                           {0, 0},
                                                           spillOf[layer]}});
      continue;
    }
    const int64_t index = productOf[layer];
    const program::Product &product = program.products[index];
    const bool writes = product.rounds > 0 && writtenIn[index] == none;
    for (int64_t i = partsOf[index].first; i != partsOf[index].second; ++i) {
      const program::Part &part = program.parts[i];
      if (part.windows == 0)
        continue;
      if (writtenIn[index] != none)
        program.streams.push_back(
            {part.core,
             {step(writtenIn[index]), {Opcode::Write, i, 0, {0, 0}, 0}}});
      std::vector<Instruction> &out = cores[part.core];
      out.push_back(step(product.step + part.round, stage.period));
      if (writes)
        out.push_back({Opcode::Write, i, 0, {0, 0}, 0});
      writePart(part, i, out);
    }
    if (writtenIn[index] != none)
      llvm::append_range(
          controller,
          std::array{step(writtenIn[index]),
                     Instruction{Opcode::Fetch, index, 0, {0, 0}, 0}});
    for (int64_t round = 0; round < std::max<int64_t>(product.rounds, 1);
         ++round) {
      const bool spills = round == 0 && spillOf[layer] > 0;
      if (!writes && !spills)
        continue;
      ofController.push_back(step(product.step + round, stage.period));
      if (writes)
        ofController.push_back({Opcode::Fetch, index, round, {0, 0}, 0});
      if (spills)
        ofController.push_back(
            {Opcode::Spill, product.step, 0, {0, 0}, spillOf[layer]});
    }
  }
  auto repeat = [&](std::vector<Instruction> &body) {
    body.insert(body.begin(), begin);
    body.push_back(end);
  };
  for (auto &[core, body] : cores)
    if (!body.empty()) {
      repeat(body);
      program.streams.push_back({core, std::move(body)});
    }
  if (!idle.empty()) {
    repeat(idle);
    program.streams.push_back({Stream::idleCores, std::move(idle)});
  }
  if (!ofController.empty()) {
    repeat(ofController);
    llvm::append_range(controller, ofController);
  }
}

void Builder::writeLayers() {
  auto append = [&](int64_t core, std::vector<Instruction> instructions) {
    // Consecutive kernels stay in one stream.
    std::vector<Stream> &streams = program.streams;
    if (core == Stream::allCores && !streams.empty() &&
        streams.back().core == core)
      llvm::append_range(streams.back().instructions, instructions);
    else
      streams.push_back({core, std::move(instructions)});
  };
  std::vector<Instruction> controller;
  const std::vector<std::vector<int64_t>> ahead = chooseAhead();
  std::vector<bool> isAhead(program.products.size(), false);
  for (const Stage &stage : stages) {
    if (stage.trips > 1) {
      writeLoop(stage, controller);
      continue;
    }
    const size_t layer = stage.layers.front();
    for (int64_t product : ahead[layer]) {
      const int64_t now = kernelOf[layer] != none
                              ? program.kernels[kernelOf[layer]].step
                              : program.products[productOf[layer]].step;
      isAhead[product] = true;
      controller.push_back(step(now));
      controller.push_back({Opcode::Fetch, product, 0, {0, 0}, 0});
      for (int64_t i = partsOf[product].first; i != partsOf[product].second;
           ++i)
        if (program.parts[i].windows > 0 && program.parts[i].round == 0)
          append(program.parts[i].core,
                 {step(now), {Opcode::Write, i, 0, {0, 0}, 0}});
    }
    if (kernelOf[layer] != none) {
      const program::Kernel &kernel = program.kernels[kernelOf[layer]];
      append(Stream::allCores,
             {step(kernel.step),
              {Opcode::Vector, kernelOf[layer], 0, {0, 0}, kernel.pieces}});
      if (spillOf[layer] > 0) {
        controller.push_back(step(kernel.step));
        controller.push_back(
            {Opcode::Spill, kernel.step, 0, {0, 0}, spillOf[layer]});
      }
      continue;
    }
    const program::Product &product = program.products[productOf[layer]];
    // Parts come round after round, copy after copy; a core does those of one
    // round in one stream.
    auto [begin, end] = partsOf[productOf[layer]];
    for (int64_t i = begin; i != end; ++i) {
      const program::Part &part = program.parts[i];
      if (part.windows == 0)
        continue;
      std::vector<Instruction> out{step(product.step + part.round)};
      if (product.rounds > 0 && !(part.round == 0 && isAhead[productOf[layer]]))
        out.push_back({Opcode::Write, i, 0, {0, 0}, 0});
      writePart(part, i, out);
      append(part.core, std::move(out));
    }
    const bool fetches = product.rounds > 0 && product.operand == none;
    for (int64_t round = 0; round < std::max<int64_t>(product.rounds, 1);
         ++round) {
      const bool spills = round == 0 && spillOf[layer] > 0;
      const bool fetchesNow =
          fetches && !(round == 0 && isAhead[productOf[layer]]);
      if (!fetchesNow && !spills)
        continue;
      controller.push_back(step(product.step + round));
      if (fetchesNow)
        controller.push_back(
            {Opcode::Fetch, productOf[layer], round, {0, 0}, 0});
      if (spills)
        controller.push_back(
            {Opcode::Spill, product.step, 0, {0, 0}, spillOf[layer]});
    }
  }
  if (!controller.empty())
    program.streams.push_back({Stream::controller, std::move(controller)});
}
