//===- Tiling.cpp - Cuts a product into arrays
//-----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Mapping.h"

#include "imc/Machine/Kind.h"
#include "imc/Machine/Schema.h"

#include <algorithm>

using namespace imc;
using namespace imc::mapping;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t imc::mapping::columnsPerWeight(const Knobs &knobs, int64_t cellBits) {
  switch (knobs.encoding) {
  case Encoding::Offset:
    return ceilDiv(knobs.weight_bits, cellBits);
  case Encoding::Differential:
    return 2 * ceilDiv(knobs.weight_bits - 1, cellBits);
  case Encoding::TwosComplement:
    return knobs.weight_bits;
  }
  return 0;
}

int64_t imc::mapping::losslessBits(int64_t rows, int64_t dacBits,
                                   int64_t cellBits) {
  // ceil(log2(m + 1)) is the number of binary digits of m.
  auto largest = static_cast<uint64_t>(rows) * ((uint64_t(1) << dacBits) - 1) *
                 ((uint64_t(1) << cellBits) - 1);
  return 64 - __builtin_clzll(largest);
}

int64_t imc::mapping::adcBits(const Knobs &knobs,
                              const machine::Machine &machine) {
  // Adder trees are as wide as their sums.
  if (machine::converterKind(machine).exact)
    return losslessBits(machine.drivenRows(), machine.dac.bits,
                        machine.cell.bits);
  return knobs.adc_bits ? knobs.adc_bits : machine.adc.bits;
}

int64_t imc::mapping::leastAdcBits(const Knobs &knobs,
                                   const machine::Machine &machine) {
  if (knobs.adc_bits == 0 || knobs.adc_bits >= 4 ||
      machine::converterKind(machine).name != "survey")
    return 1;
  return llvm::cantFail(machine::getField(machine, "adc.sense_fj")) > 0 ? 1 : 4;
}

int64_t imc::mapping::losslessBits(const machine::Machine &machine) {
  return losslessBits(machine.drivenRows(), machine.dac.bits,
                      machine.cell.bits);
}

int64_t imc::mapping::rangeBits(const machine::Machine &machine) {
  // There is nothing to clip about a digital sum.
  const int64_t all = losslessBits(machine);
  return machine::converterKind(machine).exact
             ? all
             : std::max<int64_t>(1, all - machine.adc.clip_bits);
}

int64_t imc::mapping::lostBits(const Knobs &knobs,
                               const machine::Machine &machine) {
  return losslessBits(machine) -
         std::min(rangeBits(machine), adcBits(knobs, machine));
}

int64_t imc::mapping::mostClipBits(const Knobs &knobs,
                                   const machine::Machine &machine) {
  // Other ranges say themselves what is covered.
  if (knobs.range != Range::Full)
    return 0;
  return std::max<int64_t>(0, losslessBits(machine) - adcBits(knobs, machine));
}

Knobs imc::mapping::knobsOf(const workload::Product &product,
                            const Knobs &knobs) {
  Knobs own = knobs;
  own.weight_bits = product.weightBits(knobs.weight_bits);
  own.input_bits = product.inputBits(knobs.input_bits);
  if (product.adc_bits)
    own.adc_bits = product.adc_bits;
  if (product.hasOwnUnfolding())
    own.unfolding = static_cast<UnfoldingRule>(product.unfolding);
  return own;
}

Tiling imc::mapping::tilingOf(const machine::Machine &machine,
                              const Knobs &knobs) {
  Tiling t;
  t.rows = machine.drivenRows();
  t.cols = machine.array.cols;
  t.row_sets = machine.rowSets();
  t.columns_per_weight = columnsPerWeight(knobs, machine.cell.bits);
  t.phases = ceilDiv(knobs.input_bits, machine.dac.bits);
  t.lossless_bits = losslessBits(t.rows, machine.dac.bits, machine.cell.bits);
  return t;
}

void imc::mapping::cut(const workload::Product &product, const Knobs &knobs,
                       Tiling &t) {
  int64_t groupCols = product.cols * t.columns_per_weight;
  t.groups_per_pack = 1;
  if (product.groups > 1) {
    switch (knobs.group_packing) {
    case GroupPacking::Single:
      break;
    case GroupPacking::Diagonal:
      t.groups_per_pack =
          std::max<int64_t>(1, std::min({product.groups, t.rows / product.rows,
                                         t.cols / groupCols}));
      break;
    case GroupPacking::Dense:
      t.groups_per_pack = product.groups;
      break;
    }
  }
  t.packs = ceilDiv(product.groups, t.groups_per_pack);
  t.pack_rows = t.groups_per_pack * product.rows;
  t.pack_cols = t.groups_per_pack * groupCols;
  t.strips = ceilDiv(t.pack_rows, t.rows);
  t.column_tiles = ceilDiv(t.pack_cols, t.cols);
}

Tiling imc::mapping::tile(const workload::Product &product,
                          const machine::Machine &machine, const Knobs &knobs) {
  Tiling t = tilingOf(machine, knobsOf(product, knobs));
  cut(product, knobs, t);
  return t;
}

Tiling imc::mapping::tile(const workload::DynamicProduct &product,
                          const machine::Machine &machine, const Knobs &knobs) {
  Knobs diagonal = knobs;
  diagonal.group_packing = GroupPacking::Diagonal;
  return tile(product.stored(), machine, diagonal);
}
