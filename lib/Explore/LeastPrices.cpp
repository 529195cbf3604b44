//===- LeastPrices.cpp - Least prices over many designs -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LeastPrices.h"

#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::explore;
namespace machine = imc::machine;
namespace mapping = imc::mapping;
namespace cost = imc::cost;

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Designs that are priced for one least price at most.
constexpr double mostPriced = 20000;

const char *LeastPrices::name(Slot slot) {
  static const char *const names[numSlots] = {"row_drive",
                                              "cell_read",
                                              "conversion",
                                              "shift_add",
                                              "tile_read_bit",
                                              "tile_write_bit",
                                              "global_read_bit",
                                              "global_write_bit",
                                              "noc_bit",
                                              "memory_bit",
                                              "memory_bit_time",
                                              "operation",
                                              "mac",
                                              "leakage per array",
                                              "leakage per tile",
                                              "leakage of the chip",
                                              "leakage at work",
                                              "cycle",
                                              "read_seconds",
                                              "setup",
                                              "tile_bit",
                                              "global_bit",
                                              "lane_seconds",
                                              "area of cells",
                                              "area of drivers",
                                              "area of converters",
                                              "area of adders",
                                              "area of control",
                                              "area of tile buffers",
                                              "area of digital units",
                                              "area of the global buffer",
                                              "area of the network"};
  return names[slot];
}

double LeastPrices::priceOf(Slot slot, const machine::Machine &machine,
                            const mapping::Knobs &knobs) {
  // Standby power is a sum over arrays, tiles and the chip (E-LEAK), and so
  // are the areas (E-AREA): the prices of one array and one tile say them.
  machine::Machine one = machine;
  one.hierarchy.tiles_per_group = one.hierarchy.macros_per_tile = 1;
  if (slot != AreaNoc && slot != NocBit)
    one.hierarchy.groups = 1;
  const cost::Prices p = cost::priceDesign(one, knobs);
  auto leakage = [&](int64_t tiles, int64_t arrays) {
    machine::Machine more = one;
    more.hierarchy.tiles_per_group = tiles;
    more.hierarchy.macros_per_tile = arrays;
    return cost::priceDesign(more, knobs).leakage_w;
  };
  auto area = [&](cost::Area part) {
    return p.area[static_cast<size_t>(part)];
  };
  switch (slot) {
  case RowDrive:
    return p.row_drive;
  case CellRead:
    return p.cell_read;
  case Conversion:
    return p.conversion;
  case ShiftAdd:
    return p.shift_add;
  case TileRead:
    return p.tile_read_bit;
  case TileWrite:
    return p.tile_write_bit;
  case GlobalRead:
    return p.global_read_bit;
  case GlobalWrite:
    return p.global_write_bit;
  case NocBit:
    return machine::priceNetwork(cost::operate(one, knobs), {}).bit.si();
  case MemoryBit:
    return p.has_memory ? p.memory_bit : infinity;
  case MemorySeconds:
    return p.memory_bit_time;
  case Operation:
    return p.operation;
  case Mac:
    return p.mac;
  case LeakArray:
    return std::max(0.0, leakage(1, 2) - p.leakage_w);
  case LeakTile:
    // Two tiles of one array each, less the array.
    return std::max(0.0, leakage(2, 1) - leakage(1, 2));
  case LeakRest:
    return std::max(0.0, 2 * p.leakage_w - leakage(2, 1));
  case LeakAtWork:
    return p.array_leakage_w;
  case Cycle:
    return p.cycle;
  case ReadSeconds:
    return p.read_cycles * p.cycle;
  case Setup:
    return p.setup;
  case TileBit:
    return p.tile_bit;
  case GlobalBit:
    return p.global_bit;
  case LaneSeconds:
    return p.lane_operation;
  case AreaCells:
    return area(cost::Area::Cells);
  case AreaDrivers:
    return area(cost::Area::Drivers);
  case AreaAdc:
    return area(cost::Area::Adc);
  case AreaShiftAdd:
    return area(cost::Area::ShiftAdd);
  case AreaControl:
    return area(cost::Area::Control);
  case AreaTile:
    return area(cost::Area::TileBuffer);
  case AreaDigital:
    return area(cost::Area::Digital);
  case AreaGlobal:
    return area(cost::Area::GlobalBuffer);
  case AreaNoc:
    return area(cost::Area::Noc);
  case numSlots:
    break;
  }
  return 0;
}

bool LeastPrices::mayDepend(Slot slot, llvm::StringRef knob,
                            const machine::Machine &base, bool fixed) {
  llvm::StringRef field = knob;
  const bool pass = field.consume_front("pass.");
  // Decisions that priceDesign does not read.
  if (pass && llvm::is_contained({"group_packing", "replication",
                                  "dynamic_products", "residency", "segments",
                                  "unfolding", "range", "ties"},
                                 field))
    return false;
  field.consume_front("machine.");
  if (field.starts_with("hierarchy."))
    return (slot == AreaNoc || slot == NocBit) && field == "hierarchy.groups";
  if (!fixed)
    return true;
  // Components whose kinds say what they read.
  const llvm::StringRef adc = machine::converterKind(base).name;
  const bool columns = adc != "survey" && adc != "constant" && adc != "flash";
  const bool places = machine::adderKind(base).name != "per_bit";
  auto of = [&](std::initializer_list<const char *> components) {
    return !pass && llvm::any_of(components, [&](llvm::StringRef component) {
      return field.starts_with(component) &&
             field.drop_front(component.size()).starts_with(".");
    });
  };
  // What is not one of these is new: it may be read anywhere.
  if (!pass &&
      !of({"technology", "cell", "array", "dac", "adc", "shift_add",
           "tile_buffer", "global_buffer", "buffer_fit", "noc", "memory",
           "digital", "timing", "hierarchy", "activity", "accounting"}))
    return true;
  // Areas know no supply.
  const bool supply = knob == "machine.technology.vdd_v";
  auto precision = [&](bool reads) {
    return reads && (pass || of({"array", "dac", "cell", "activity"}));
  };
  switch (slot) {
  case RowDrive:
    return of({"technology", "dac", "cell", "array", "activity"});
  case CellRead:
    return of({"technology", "dac", "cell", "array", "activity"}) ||
           knob == "pass.encoding";
  case Conversion:
    return of({"technology", "adc", "timing"}) || precision(columns) ||
           knob == "pass.adc_bits";
  case ShiftAdd:
    return of({"technology", "shift_add"}) || precision(places) ||
           (places && of({"adc"}));
  case TileRead:
  case TileWrite:
    return of({"technology", "tile_buffer", "buffer_fit"});
  case GlobalRead:
  case GlobalWrite:
    return of({"technology", "global_buffer", "buffer_fit"});
  case NocBit:
    return of({"technology", "noc"});
  case MemoryBit:
  case MemorySeconds:
    return of({"memory"});
  case Operation:
  case Mac:
    return of({"technology", "digital", "shift_add"}) ||
           knob == "pass.input_bits";
  case LeakArray:
    return of({"technology", "cell", "array"});
  case LeakTile:
    return of({"technology", "tile_buffer", "buffer_fit", "digital"});
  case LeakRest:
    return of(
        {"technology", "global_buffer", "buffer_fit", "memory", "digital"});
  case LeakAtWork:
    return of({"technology", "adc", "timing", "dac", "array"}) ||
           precision(columns);
  case Cycle:
  case Setup:
    return of({"technology", "timing"});
  case ReadSeconds:
    return of({"technology", "timing", "cell", "dac"});
  case TileBit:
    return of({"technology", "timing", "tile_buffer", "buffer_fit"});
  case GlobalBit:
    return of({"technology", "timing", "global_buffer", "buffer_fit"});
  case LaneSeconds:
    return of({"technology", "timing", "digital"}) || knob == "pass.input_bits";
  case AreaCells:
    return of({"technology", "cell", "array", "dac"}) && !supply;
  case AreaDrivers:
    return of({"technology", "dac", "array"}) && !supply;
  case AreaAdc:
    return (of({"technology", "adc", "array", "timing"}) && !supply) ||
           precision(columns);
  case AreaShiftAdd:
    return (of({"technology", "shift_add", "adc", "array"}) && !supply) ||
           precision(places) || (places && of({"adc"}));
  case AreaControl:
    return of({"technology", "array"}) && !supply;
  case AreaTile:
    return of({"technology", "tile_buffer", "buffer_fit"}) && !supply;
  case AreaDigital:
    return of({"technology", "digital"}) && !supply;
  case AreaGlobal:
    return of({"technology", "global_buffer", "buffer_fit"}) && !supply;
  case AreaNoc:
    return of({"technology", "noc"}) && !supply;
  case numSlots:
    break;
  }
  return true;
}

LeastPrices::LeastPrices(llvm::ArrayRef<KnobChoices> knobs,
                         const machine::Machine &base)
    : knobs(knobs), base(base) {
  bool fixed = true;
  const bool clocked = llvm::any_of(knobs, [](const KnobChoices &knob) {
    return knob.field && knob.field->path() == "timing.cycle_time_ns";
  });
  fixed &= clocked || base.timing.cycle_time_ns > 0;
  for (const KnobChoices &knob : knobs)
    if (knob.field) {
      fixed &= llvm::StringRef(knob.field->name) != "kind";
      if (knob.field->path() == "timing.cycle_time_ns")
        fixed &= !llvm::is_contained(knob.values, 0.0) &&
                 (knob.conditions.empty() || base.timing.cycle_time_ns > 0);
    }
  for (size_t i = 0; i < knobs.size(); ++i) {
    if (!knobs[i].layer.empty())
      continue;
    const std::string path = knobs[i].field
                                 ? "machine." + knobs[i].field->path()
                                 : std::string("pass.") + knobs[i].pass->name;
    for (int s = 0; s < numSlots; ++s)
      if (mayDepend(static_cast<Slot>(s), path, base, fixed))
        deciding[s].push_back(i);
  }
}

size_t LeastPrices::numMeant(size_t knob, int32_t value) const {
  return value == Any          ? knobs[knob].values.size()
         : value == AnyOrOwn   ? knobs[knob].values.size() + 1
         : value > count(knob) ? 2
                               : 1;
}

double LeastPrices::least(Slot slot, const Values &values) {
  double combinations = 1;
  for (size_t knob : deciding[slot])
    combinations *= static_cast<double>(numMeant(knob, values[knob]));
  // What is known of it is known of all others, too.
  if (combinations > mostPriced)
    return 0;
  Values some = values;
  return search(slot, some);
}

double LeastPrices::search(Slot slot, Values &values) {
  std::string key;
  for (size_t knob : deciding[slot]) {
    key.push_back(static_cast<char>(values[knob] & 255));
    key.push_back(static_cast<char>(values[knob] >> 8));
  }
  auto [place, isNew] = known[slot].try_emplace(key, infinity);
  if (!isNew)
    return place->second;
  double &least = place->second; // nodes of the map stay where they are
  for (size_t knob : deciding[slot]) {
    const int32_t value = values[knob], n = count(knob);
    if (numMeant(knob, value) == 1)
      continue;
    double found = infinity;
    auto visit = [&](int32_t one) {
      values[knob] = one;
      found = std::min(found, search(slot, values));
    };
    if (value > n) {
      visit(value - n - 1);
      visit(n);
    } else {
      for (int32_t i = 0; i < n + (value == AnyOrOwn); ++i)
        visit(i);
    }
    values[knob] = value;
    return least = found;
  }

  machine::Machine machine = base;
  mapping::Knobs passes;
  bool clock = true, supply = true;
  for (size_t i = 0; i < knobs.size(); ++i) {
    if (!knobs[i].layer.empty())
      continue;
    const bool decides = llvm::is_contained(deciding[slot], i);
    // Knobs that do not matter need some value that means something.
    const int32_t index = decides ? values[i] : 0;
    if (index < count(i)) {
      if (knobs[i].field)
        knobs[i].field->set(machine, knobs[i].values[index]);
      else
        llvm::cantFail(
            mapping::setKnob(passes, knobs[i].pass->name,
                             static_cast<int64_t>(knobs[i].values[index])));
    }
    if (knobs[i].field && !decides) {
      const std::string path = knobs[i].field->path();
      supply &= !llvm::StringRef(path).starts_with("technology.");
      clock &= !llvm::StringRef(path).starts_with("timing.");
    }
  }
  // No design has this supply, or this clock (E-LIMIT-1, E-LIMIT-2: the logic
  // of the chip bounds the clock whatever its components).
  const machine::Technology &t = machine.technology;
  if (supply && t.vdd_v <= t.threshold_v)
    return least = infinity;
  if (supply && clock && machine.timing.cycle_time_ns > 0) {
    const double shortest =
        machine.timing.logic_delay_ns * cost::operate(machine, passes).slower;
    if (machine.timing.cycle_time_ns < shortest * (1 - 1e-9))
      return least = infinity;
  }
  if (slot == Conversion && !machine::converterKind(machine).exact &&
      passes.adc_bits > machine.adc.bits)
    return least = infinity;
  const double price = priceOf(slot, machine, passes);
  // Components may contradict each other where others do not.
  return least = std::isfinite(price) || slot == MemoryBit ? price : 0;
}
