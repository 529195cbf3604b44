//===- Buffers.cpp - Blocks in tile buffers, tensors in the global one ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"
#include "Merge.h"

#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <limits>
#include <map>
#include <numeric>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using llvm::Error;
using llvm::Twine;

/// Iterations that a part takes its windows in, where the buffer allows it:
/// enough for loads, products and stores to overlap, few enough to be cheap.
static constexpr int64_t blocksPerPart = 64;

namespace {

/// A part while its block is sought.
struct Fit {
  int64_t part;
  int64_t perCopy; ///< windows of a block that each copy takes
  int64_t lines = 0, accumulators = 0;
  int64_t bits() const { return lines + accumulators; }
};

} // namespace

static int64_t windowsPerCopy(const program::Part &part) {
  return ceilDiv(part.windows, part.copies);
}

void Builder::measure(program::Part &part, int64_t perCopy) const {
  const program::Product &product = program.products[part.product];
  part.block = std::min(part.copies * perCopy, part.windows);
  part.lines.size =
      lineBits(product, part, part.block, program.inputBits(product));
  part.accumulators.size =
      accumulatorBits(product, part, part.block, program.chip.accumulator_bits);
}

std::vector<int64_t> Builder::evenBlocks() const {
  // Cores that hand each other partial sums have equal blocks.
  std::vector<int64_t> leader(program.chip.cores);
  std::iota(leader.begin(), leader.end(), 0);
  auto find = [&](int64_t core) {
    while (leader[core] != core)
      core = leader[core] = leader[leader[core]];
    return core;
  };
  for (const program::Part &part : program.parts)
    if (part.next != none)
      leader[find(part.core)] = find(program.parts[part.next].core);
  std::map<int64_t, std::map<int64_t, std::vector<int64_t>>> together;
  for (auto [index, part] : llvm::enumerate(program.parts))
    if (part.windows > 0)
      together[find(part.core)][part.core].push_back(index);

  std::vector<int64_t> result(program.parts.size(), 0);
  for (const auto &[root, cores] : together) {
    // Time of the slowest core, of which the first load and the last store
    // overlap with nothing.
    auto timeOf = [&, &cores = cores](int64_t blocks) {
      double time = 0;
      for (const auto &[core, parts] : cores) {
        std::vector<Strand> strands;
        double most = 0;
        for (int64_t index : parts) {
          const program::Part &part = program.parts[index];
          const int64_t windows = windowsPerCopy(part);
          const int64_t perCopy = ceilDiv(windows, blocks);
          const double turns = program.products[part.product].tiling.turns();
          strands.push_back({ceilDiv(windows, perCopy), perCopy * turns});
          most = std::max(most, perCopy * turns);
        }
        time = std::max(time, timeInStep(strands) + most);
      }
      return time;
    };
    auto fits = [&, &cores = cores](int64_t blocks) {
      if (program.chip.tile_buffer_bits == 0)
        return true;
      for (const auto &[core, parts] : cores) {
        int64_t sum = 0;
        for (int64_t index : parts) {
          program::Part part = program.parts[index];
          measure(part, ceilDiv(windowsPerCopy(part), blocks));
          sum += part.lines.size + part.accumulators.size;
        }
        if (sum > program.chip.tile_buffer_bits)
          return false;
      }
      return true;
    };
    int64_t most = 0;
    for (const auto &[core, parts] : cores)
      for (int64_t index : parts)
        most = std::max(most, windowsPerCopy(program.parts[index]));
    // Up to blocksPerPart, then octave after octave until they fit. Where none
    // do, fitBuffers says what is missing.
    int64_t chosen = blocksPerPart;
    for (int64_t low = 1, high = blocksPerPart;; low = high + 1, high *= 2) {
      if (fits(high)) {
        std::vector<std::pair<double, int64_t>> choices;
        const int64_t step = std::max<int64_t>(1, high / blocksPerPart);
        for (int64_t blocks = high; blocks >= low; blocks -= step)
          choices.push_back({timeOf(blocks), -blocks});
        llvm::sort(choices);
        for (auto [time, negative] : choices)
          if (fits(chosen = -negative))
            break;
        break;
      }
      if (high >= most)
        break;
    }
    for (const auto &[core, parts] : cores)
      for (int64_t index : parts)
        result[index] = ceilDiv(windowsPerCopy(program.parts[index]), chosen);
  }
  return result;
}

Error Builder::fitBuffers(bool together) {
  const program::Chip &chip = program.chip;
  auto measure = [&](Fit &fit) {
    program::Part &part = program.parts[fit.part];
    this->measure(part, fit.perCopy);
    fit.lines = part.lines.size;
    fit.accumulators = part.accumulators.size;
  };
  std::vector<int64_t> blocks;
  if (options.kind == program::Schedule::Pipeline)
    blocks = evenBlocks();
  // Parts that share a tile buffer: all of a core, or each for itself.
  std::map<std::pair<int64_t, int64_t>, std::vector<Fit>> sharing;
  for (auto [index, part] : llvm::enumerate(program.parts)) {
    if (part.windows == 0)
      continue;
    Fit fit{static_cast<int64_t>(index),
            blocks.empty() ? ceilDiv(windowsPerCopy(part), blocksPerPart)
                           : blocks[index]};
    measure(fit);
    sharing[{part.core, together ? 0 : index}].push_back(fit);
  }
  for (auto &[key, fits] : sharing) {
    int64_t sum = 0;
    for (const Fit &fit : fits)
      sum += fit.bits();
    while (chip.tile_buffer_bits > 0 && sum > chip.tile_buffer_bits) {
      // Halve the largest block that is more than a window per copy.
      Fit *largest = nullptr;
      for (Fit &fit : fits)
        if (fit.perCopy > 1 && (!largest || fit.bits() > largest->bits()))
          largest = &fit;
      if (!largest) {
        const Fit &worst =
            *llvm::max_element(fits, [](const Fit &a, const Fit &b) {
              return a.bits() < b.bits();
            });
        const program::Product &product =
            program.products[program.parts[worst.part].product];
        return refuse(
            "tile buffer of core " + Twine(key.first) + ": " +
            (fits.size() > 1 ? Twine(fits.size()) + " parts need " +
                                   Twine(sum) + " bits, the largest, part "
                             : Twine("part ")) +
            "of layer " + layerName(product.layer) +
            (fits.size() > 1 ? ", needs " : " needs ") + Twine(worst.bits()) +
            " bits (" + Twine(worst.lines) + " of input rows, " +
            Twine(worst.accumulators) + " of partial sums), the buffer has " +
            Twine(chip.tile_buffer_bits) +
            ": raise machine.tile_buffer.size_kib to " +
            Twine(ceilDiv(sum, 8192)) +
            ", or lower machine.hierarchy.macros_per_tile" +
            (together ? ", or schedule layer by layer" : ""));
      }
      sum -= largest->bits();
      largest->perCopy /= 2;
      measure(*largest);
      sum += largest->bits();
    }
  }
  // Neighbours hand each other block after block: the smallest is for all.
  std::vector<int64_t> perCopy(program.parts.size(), 0);
  for (const auto &entry : sharing)
    for (const Fit &fit : entry.second)
      perCopy[fit.part] = fit.perCopy;
  for (auto [index, part] : llvm::enumerate(program.parts))
    if (part.previous != none)
      perCopy[index] = std::min(perCopy[index], perCopy[part.previous]);
  for (int64_t i = int64_t(program.parts.size()) - 1; i >= 0; --i)
    if (int64_t next = program.parts[i].next; next != none)
      perCopy[i] = perCopy[next];
  for (auto &entry : sharing) {
    int64_t offset = 0;
    for (Fit &fit : entry.second) {
      fit.perCopy = perCopy[fit.part];
      measure(fit);
      program::Part &part = program.parts[fit.part];
      part.lines = {offset, fit.lines};
      part.accumulators = {offset + fit.lines, fit.accumulators};
      offset += fit.bits();
    }
  }
  return Error::success();
}

Error Builder::placeTensors() {
  std::vector<Lifetime> lifetimes;
  for (const program::Tensor &tensor : program.tensors)
    lifetimes.push_back({tensor.elements * tensor.bits * tensor.versions,
                         tensor.first_step, tensor.last_step});
  constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();
  const int64_t capacity = program.chip.global_buffer_bits > 0
                               ? program.chip.global_buffer_bits
                               : unlimited;
  const Memory inside = allocate(lifetimes, capacity);
  if (inside.outside_bits > 0 && machine::memoryKind(machine).absent)
    return refuse("global buffer: the activations of model '" +
                  Twine(workload.name) + "' need " +
                  Twine(peakOfSteps(lifetimes)) +
                  " bits at once, the chip has " + Twine(capacity) +
                  " and no external memory: raise "
                  "machine.global_buffer.size_mib, or set machine.memory.kind");
  std::vector<Lifetime> rest;
  for (auto [lifetime, offset] : llvm::zip_equal(lifetimes, inside.offsets)) {
    rest.push_back(lifetime);
    if (offset != Memory::outside)
      rest.back().size = 0;
  }
  const Memory outside = allocate(rest, unlimited);
  for (auto [index, tensor] : llvm::enumerate(program.tensors)) {
    const bool isInside = inside.offsets[index] != Memory::outside;
    tensor.space = isInside ? program::Space::Global : program::Space::External;
    tensor.region = {(isInside ? inside : outside).offsets[index],
                     lifetimes[index].size};
  }
  return Error::success();
}
