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

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using program::Instruction;
using program::Opcode;
using program::Stream;

llvm::Error Builder::numberLayers() {
  for (size_t layer = 0; layer != workload.layers.size(); ++layer) {
    const int64_t first = steps;
    int64_t last = first;
    std::vector<int64_t> reads;
    if (productOf[layer] != none) {
      program::Product &product = program.products[productOf[layer]];
      product.step = first;
      last = first + std::max<int64_t>(product.rounds, 1) - 1;
      reads = product.inputs;
      if (product.operand != none)
        reads.push_back(product.operand);
    } else {
      program::Kernel &kernel = program.kernels[kernelOf[layer]];
      kernel.step = first;
      reads = kernel.inputs;
    }
    steps = last + 1;
    for (int64_t read : reads)
      program.tensors[read].last_step = last;
    program.tensors[tensorOf[layer]].first_step = first;
    program.tensors[tensorOf[layer]].last_step = last;
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
        program.products[product].operand != none)
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

void Builder::writeLayers() {
  auto step = [](int64_t number) {
    return Instruction{Opcode::Step, number, 0, {0, 0}, 0};
  };
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
  for (size_t layer = 0; layer != workload.layers.size(); ++layer) {
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
