//===- Buffers.cpp - Blocks in tile buffers, tensors in the global one ----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <limits>
#include <map>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using llvm::Error;
using llvm::Twine;

namespace {

/// A part while its block is sought.
struct Fit {
  int64_t part;
  int64_t perCopy; ///< windows of a block that each copy takes
  int64_t lines = 0, accumulators = 0;
  int64_t bits() const { return lines + accumulators; }
};

} // namespace

/// Iterations that a part takes its windows in, where the buffer allows it:
/// enough for loads, products and stores to overlap, few enough to be cheap.
static constexpr int64_t blocksPerPart = 64;

Error Builder::fitBuffers(bool together) {
  const program::Chip &chip = program.chip;
  auto measure = [&](Fit &fit) {
    program::Part &part = program.parts[fit.part];
    const program::Product &product = program.products[part.product];
    part.block = std::min(part.copies * fit.perCopy, part.windows);
    fit.lines = lineBits(product, part, part.block, chip.input_bits);
    fit.accumulators =
        accumulatorBits(product, part, part.block, chip.accumulator_bits);
  };
  // Parts that share a tile buffer: all of a core, or each for itself.
  std::map<std::pair<int64_t, int64_t>, std::vector<Fit>> sharing;
  for (auto [index, part] : llvm::enumerate(program.parts)) {
    if (part.windows == 0)
      continue;
    Fit fit{static_cast<int64_t>(index),
            ceilDiv(ceilDiv(part.windows, part.copies), blocksPerPart)};
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
