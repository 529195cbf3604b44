//===- Kind.h - Kinds of components -----------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every component with prices comes in kinds: cells, row drivers (dac),
// converters (adc), shift-adders, buffers, the network, the memory outside and
// the digital units.
// A kind is one file of lib/Machine/Kinds: its name, what machine files may say
// about it, and its equations (E-labels of docs/spec/cost-model.md). The file
// is found by its name; nothing else has to be edited:
//
//   const Kind &imc::machine::kinds::AdcFlash() {
//     static const Kind kind = ...; // slot, name, parameters, &price
//     return kind;
//   }
//
// Everything that an equation sees is in Operating. Quantities carry their
// dimension in their type (imc/Support/Units.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MACHINE_KIND_H
#define IMC_MACHINE_KIND_H

#include "imc/Machine/Machine.h"
#include "imc/Support/Units.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace imc::machine {

/// What comes in kinds. Buffers stand twice in a machine: per tile and chip.
enum class Slot { Cell, Dac, Adc, ShiftAdd, Buffer, Noc, Memory, Digital };
constexpr size_t numSlots = 8;

/// What machine files say about one kind only; values of
/// `Machine::<slot>.own`.
struct Parameter {
  const char *name; ///< unique in the component, so mostly "<kind>_..."
  const char *unit;
  double min, max;
  bool required;        ///< by machines of this kind
  double default_value; ///< otherwise
  const char *doc;
};

/// Bits of the numbers that the arrays work on.
struct Precision {
  int64_t weight_bits = 8;
  int64_t input_bits = 8;
  int64_t columns_per_weight = 8;
  int64_t adc_bits = 8;    ///< resolution used
  double paired_cells = 1; ///< share of the programmed cells above level 0
};

/// Where a design works: the machine and what follows from its technology.
struct Operating {
  explicit Operating(const Machine &machine) : machine(machine) {}

  const Machine &machine;
  Precision precision;
  double supply = 1;      ///< V / V0
  double dynamic = 1;     ///< of switched energy, E-VDD and E-NODE
  double slower = 1;      ///< of delays, E-DELAY and E-NODE
  double shrink = 1;      ///< of areas, E-NODE
  double node_energy = 1; ///< the part of `dynamic` that is E-NODE
  units::Time cycle;      ///< clock period; zero while it is being found
  units::Area cell;       ///< of one cell
};

/// Per cell. Energies are means over the data (activity).
struct CellPrice {
  units::Energy read;    ///< programmed cell, one input phase
  units::Energy idle;    ///< cell at level 0
  units::Energy write;   ///< one cell
  units::Time write_row; ///< one row of an array
  units::Time read_time; ///< rows driven in one input phase
  units::Time settle;    ///< part of the clock period
  units::Area area;      ///< beside Operating::cell
  units::Power leakage;
};
/// Per row.
struct DriverPrice {
  units::Energy row; ///< one input phase
  units::Area area;
  units::Power leakage;
  double pulses = 1; ///< read pulses per phase
};
/// Per converter.
struct ConverterPrice {
  units::Energy conversion;
  units::Time time; ///< of one conversion: part of the clock period
  units::Area area;
  units::Power leakage; ///< while its array is at work
};
/// Behind each converter.
struct AdderPrice {
  units::Energy conversion; ///< to take one conversion in
  units::Energy strip_add;  ///< to add one partial sum of another array
  units::Time time;         ///< part of the clock period
  units::Area area;
  bool registered = false; ///< a register in front: time is a stage of its own
};

/// Size of a buffer.
struct BufferShape {
  double kib = 0;
  int64_t width_bits = 0; ///< per access
};
/// One buffer, at the nominal supply and the node of the file: E-VDD, E-DELAY
/// and E-NODE scale all of them alike (Prices.cpp).
struct BufferPrice {
  units::Energy read_bit, write_bit;
  units::Mm2 area;
  units::Power leakage; ///< refresh included
  units::Ns access;     ///< one access of width_bits at a time
};
/// The network between global buffer and groups.
struct NetworkPrice {
  units::Energy bit;     ///< from the buffer to a group or back, on average
  double links = 1;      ///< messages side by side, at most one per group
  double hop_cycles = 0; ///< before the first bit arrives
};
/// The memory outside, of which E-VDD and E-NODE scale nothing.
struct MemoryPrice {
  units::Energy bit;
  units::Time bit_time;
  units::Power standby; ///< whether it is used or not
};
/// The digital units of the whole chip.
struct LanePrice {
  units::Energy operation, mac;
  double per_cycle = 1; ///< operations, or multiply-accumulates
  units::Mm2 area;
  units::Power leakage; ///< at the nominal supply
};

struct Kind {
  Slot slot;
  std::string name; ///< as in machine files
  std::string doc;
  std::vector<Parameter> own;
  /// Fields of the component that this kind needs although others do not.
  std::vector<const char *> needs;
  bool usual = false;       ///< what a file means that names no kind
  bool nonvolatile = false; ///< cells: keep their value without supply
  bool one_bit = false;     ///< cells: store 1 bit
  bool exact = false;       ///< converters: never lose anything (digital)
  bool absent = false;      ///< memory: there is none
  /// Further names of kinds with the same equations and fields.
  std::vector<const char *> siblings;

  // One of these. `own` are the kind's parameters in declared order.
  CellPrice (*cell)(const Operating &, const double *own) = nullptr;
  DriverPrice (*driver)(const Operating &, const double *own) = nullptr;
  ConverterPrice (*converter)(const Operating &, const double *own) = nullptr;
  AdderPrice (*adder)(const Operating &, const double *own) = nullptr;
  BufferPrice (*buffer)(const Operating &, BufferShape,
                        const double *own) = nullptr;
  /// Networks: their area, and what they cost on a chip of area `chip`.
  units::Mm2 (*network_area)(const Operating &, const double *own) = nullptr;
  NetworkPrice (*network)(const Operating &, units::Mm2 chip,
                          const double *own) = nullptr;
  MemoryPrice (*memory)(const Operating &, const double *own) = nullptr;
  LanePrice (*lanes)(const Operating &, const double *own) = nullptr;

  /// What of a machine with this kind contradicts itself beyond the ranges of
  /// its fields: names the field first, in quotes; empty if nothing does.
  std::string (*contradiction)(const Machine &, const double *own) = nullptr;

  /// Where `own` starts in Machine::<slot>.own; set by the registry.
  size_t offset = 0;
};

/// All kinds of a slot; the index is the value of Machine::<component>.kind.
/// The usual one first, the others in the order of their files' names.
llvm::ArrayRef<Kind> kindsOf(Slot slot);

/// A component whose kind is one of a slot, and where a machine keeps the
/// values of the kinds' own parameters.
struct Socket {
  const char *component; ///< "cell"
  Slot slot;
  size_t room; ///< parameters that there is place for
  int64_t (*kind)(const Machine &);
  const double *(*own)(const Machine &);
  double *(*set)(Machine &); ///< as own, to write
};
llvm::ArrayRef<Socket> sockets();

/// The contradictions of all kinds of a machine; the first, or empty.
std::string contradictionOf(const Machine &machine);

/// Index of the kind called `name`; asserts that there is one.
int64_t kindIndex(Slot slot, llvm::StringRef name);

/// The kinds of a machine.
const Kind &cellKind(const Machine &machine);
const Kind &driverKind(const Machine &machine);
const Kind &converterKind(const Machine &machine);
const Kind &adderKind(const Machine &machine);
const Kind &memoryKind(const Machine &machine);

CellPrice priceCell(const Operating &operating);
DriverPrice priceDriver(const Operating &operating);
ConverterPrice priceConverter(const Operating &operating);
AdderPrice priceAdder(const Operating &operating);
BufferPrice priceTileBuffer(const Operating &operating);
BufferPrice priceGlobalBuffer(const Operating &operating);
units::Mm2 networkArea(const Operating &operating);
NetworkPrice priceNetwork(const Operating &operating, units::Mm2 chip);
MemoryPrice priceMemory(const Operating &operating);
LanePrice priceLanes(const Operating &operating);

} // namespace imc::machine

#endif // IMC_MACHINE_KIND_H
