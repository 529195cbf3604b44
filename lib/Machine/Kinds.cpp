//===- Kinds.cpp - The kinds that there are -------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds/Kinds.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <cassert>
#include <tuple>
#include <utility>

using namespace imc;
using namespace imc::machine;

static std::array<std::vector<Kind>, numSlots> collect() {
  const Kind *all[] = {
#define IMC_KIND(FILE) &kinds::FILE(),
#include "imc/Machine/Kinds.def"
  };
  std::array<std::vector<Kind>, numSlots> table;
  for (bool usual : {true, false})
    for (const Kind *kind : all)
      if (kind->usual == usual) {
        std::vector<Kind> &kinds = table[static_cast<size_t>(kind->slot)];
        kinds.push_back(*kind);
        for (const char *name : kind->siblings) {
          kinds.push_back(*kind);
          kinds.back().name = name;
        }
      }
  for (std::vector<Kind> &kinds : table) {
    size_t offset = 0;
    for (Kind &kind : kinds) {
      kind.offset = offset;
      offset += kind.own.size();
    }
    for (const Socket &socket : sockets())
      if (&table[static_cast<size_t>(socket.slot)] == &kinds)
        assert(offset <= socket.room && "raise its Own in Machine.h");
  }
  return table;
}

llvm::ArrayRef<Kind> imc::machine::kindsOf(Slot slot) {
  static const std::array<std::vector<Kind>, numSlots> table = collect();
  return table[static_cast<size_t>(slot)];
}

llvm::ArrayRef<Socket> imc::machine::sockets() {
#define SOCKET(COMPONENT, SLOT)                                                \
  {                                                                            \
    #COMPONENT, SLOT, std::tuple_size<decltype(Machine().COMPONENT.own)>(),    \
        [](const Machine &m) { return m.COMPONENT.kind; },                     \
        [](const Machine &m) { return m.COMPONENT.own.data(); },               \
        [](Machine &m) { return m.COMPONENT.own.data(); }                      \
  }
  static const Socket table[] = {
      SOCKET(cell, Slot::Cell),
      SOCKET(dac, Slot::Dac),
      SOCKET(adc, Slot::Adc),
      SOCKET(shift_add, Slot::ShiftAdd),
      SOCKET(tile_buffer, Slot::Buffer),
      SOCKET(global_buffer, Slot::Buffer),
      SOCKET(noc, Slot::Noc),
      SOCKET(memory, Slot::Memory),
      SOCKET(digital, Slot::Digital),
  };
#undef SOCKET
  return table;
}

int64_t imc::machine::kindIndex(Slot slot, llvm::StringRef name) {
  llvm::ArrayRef<Kind> kinds = kindsOf(slot);
  const Kind *found =
      llvm::find_if(kinds, [&](const Kind &k) { return name == k.name; });
  assert(found != kinds.end() && "no such kind");
  return found - kinds.begin();
}

/// The kind of a component and where the machine keeps its parameters.
template <typename Component>
static std::pair<const Kind &, const double *> at(const Component &component,
                                                  Slot slot) {
  const Kind &kind = kindsOf(slot)[static_cast<size_t>(component.kind)];
  return {kind, component.own.data() + kind.offset};
}

const Kind &imc::machine::cellKind(const Machine &m) {
  return at(m.cell, Slot::Cell).first;
}
const Kind &imc::machine::driverKind(const Machine &m) {
  return at(m.dac, Slot::Dac).first;
}
const Kind &imc::machine::converterKind(const Machine &m) {
  return at(m.adc, Slot::Adc).first;
}
const Kind &imc::machine::adderKind(const Machine &m) {
  return at(m.shift_add, Slot::ShiftAdd).first;
}
const Kind &imc::machine::memoryKind(const Machine &m) {
  return at(m.memory, Slot::Memory).first;
}

std::string imc::machine::contradictionOf(const Machine &m) {
  for (const Socket &socket : sockets()) {
    const Kind &kind =
        kindsOf(socket.slot)[static_cast<size_t>(socket.kind(m))];
    if (!kind.contradiction)
      continue;
    std::string text = kind.contradiction(m, socket.own(m) + kind.offset);
    if (!text.empty())
      return text;
  }
  return {};
}

CellPrice imc::machine::priceCell(const Operating &o) {
  auto [kind, own] = at(o.machine.cell, Slot::Cell);
  return kind.cell(o, own);
}
DriverPrice imc::machine::priceDriver(const Operating &o) {
  auto [kind, own] = at(o.machine.dac, Slot::Dac);
  return kind.driver(o, own);
}
ConverterPrice imc::machine::priceConverter(const Operating &o) {
  auto [kind, own] = at(o.machine.adc, Slot::Adc);
  return kind.converter(o, own);
}
AdderPrice imc::machine::priceAdder(const Operating &o) {
  auto [kind, own] = at(o.machine.shift_add, Slot::ShiftAdd);
  return kind.adder(o, own);
}
BufferPrice imc::machine::priceTileBuffer(const Operating &o) {
  const TileBuffer &buffer = o.machine.tile_buffer;
  auto [kind, own] = at(buffer, Slot::Buffer);
  return kind.buffer(o, {buffer.size_kib, buffer.width_bits}, own);
}
BufferPrice imc::machine::priceGlobalBuffer(const Operating &o) {
  const GlobalBuffer &buffer = o.machine.global_buffer;
  auto [kind, own] = at(buffer, Slot::Buffer);
  const double kibPerMib = 1024;
  return kind.buffer(o, {buffer.size_mib * kibPerMib, buffer.width_bits}, own);
}
units::Mm2 imc::machine::networkArea(const Operating &o) {
  auto [kind, own] = at(o.machine.noc, Slot::Noc);
  return kind.network_area(o, own);
}
NetworkPrice imc::machine::priceNetwork(const Operating &o, units::Mm2 chip) {
  auto [kind, own] = at(o.machine.noc, Slot::Noc);
  return kind.network(o, chip, own);
}
MemoryPrice imc::machine::priceMemory(const Operating &o) {
  auto [kind, own] = at(o.machine.memory, Slot::Memory);
  return kind.memory(o, own);
}
LanePrice imc::machine::priceLanes(const Operating &o) {
  auto [kind, own] = at(o.machine.digital, Slot::Digital);
  return kind.lanes(o, own);
}
