//===- LeastPrices.h - Least prices over many designs -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A space of 10^13 designs has few different prices: what a conversion costs
// depends on supply, clock and bits of the converter, the area of a row on its
// driver, and so on. So the least value of each price over many designs is that
// over the few knobs that it depends on, each price for itself. That is a lower
// bound of every sum of prices, exact where the knobs are decided.
//
// Which price may depend on what is said once, in mayDepend(), by component;
// what is not named there counts as a dependency. LeastPricesTest moves every
// knob of every machine and finds no other dependency.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_LEASTPRICES_H
#define IMC_LIB_EXPLORE_LEASTPRICES_H

#include "imc/Cost/Cost.h"
#include "imc/Explore/JointProblem.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <array>
#include <string>
#include <unordered_map>

namespace imc::explore {

class LeastPrices {
public:
  /// Prices of cost::Prices; areas and standby power by what they grow with.
  enum Slot {
    RowDrive,
    CellRead,
    Conversion,
    ShiftAdd,
    TileRead,
    TileWrite,
    GlobalRead,
    GlobalWrite,
    NocBit,        ///< without the wires, whose length is the chip's
    MemoryBit,     ///< infinity: there is no memory outside
    MemorySeconds, ///< per bit
    Operation,
    Mac,
    LeakArray,   ///< standby power per array
    LeakTile,    ///< per tile
    LeakRest,    ///< of the chip
    LeakAtWork,  ///< per array while it computes
    Cycle,       ///< infinity where no clock and supply go together
    ReadSeconds, ///< to read one input phase
    Setup,
    TileBit,     ///< seconds
    GlobalBit,   ///< seconds
    LaneSeconds, ///< per operation, times tiles
    AreaCells,   ///< per array, as the next four
    AreaDrivers,
    AreaAdc,
    AreaShiftAdd,
    AreaControl,
    AreaTile, ///< per tile, as the next one
    AreaDigital,
    AreaGlobal,
    AreaNoc,
    numSlots
  };
  static const char *name(Slot slot);

  /// The price of one machine.
  static double priceOf(Slot slot, const machine::Machine &machine,
                        const mapping::Knobs &knobs);
  /// Whether it may depend on "machine.<field>" or "pass.<knob>" at machines
  /// of the kinds of `base`. `fixed`: no knob changes its kinds, and no clock
  /// is the shortest that components allow.
  static bool mayDepend(Slot slot, llvm::StringRef knob,
                        const machine::Machine &base, bool fixed);

  /// The knobs of a space; those of layers have no price.
  LeastPrices(llvm::ArrayRef<KnobChoices> knobs, const machine::Machine &base);

  /// What is known of the knobs of many designs.
  enum : int32_t { Any = -1, AnyOrOwn = -2 };
  using Values = std::vector<int32_t>; ///< an index, or count + 1 + index: that
                                       ///< or the target's, or count: the
                                       ///< target's own, or one of the above

  /// The least price over all designs with these values; 0 where that would
  /// take too long, infinity if there is none.
  double least(Slot slot, const Values &values);

private:
  double search(Slot slot, Values &values);
  int32_t count(size_t knob) const {
    return static_cast<int32_t>(knobs[knob].values.size());
  }
  /// What a value stands for: one or several of 0 to count.
  size_t numMeant(size_t knob, int32_t value) const;

  llvm::ArrayRef<KnobChoices> knobs;
  const machine::Machine &base;
  std::array<std::vector<size_t>, numSlots> deciding;
  std::array<std::unordered_map<std::string, double>, numSlots> known;
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_LEASTPRICES_H
