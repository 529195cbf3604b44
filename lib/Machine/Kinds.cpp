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

using namespace imc::machine;

static std::array<std::vector<Kind>, numSlots> collect() {
  const Kind *all[] = {
#define IMC_KIND(FILE) &kinds::FILE(),
#include "imc/Machine/Kinds.def"
  };
  std::array<std::vector<Kind>, numSlots> table;
  for (bool usual : {true, false})
    for (const Kind *kind : all)
      if (kind->usual == usual)
        table[static_cast<size_t>(kind->slot)].push_back(*kind);
  for (std::vector<Kind> &kinds : table) {
    size_t offset = 0;
    for (Kind &kind : kinds) {
      kind.offset = offset;
      offset += kind.own.size();
    }
    assert(offset <= maxOwn && "raise maxOwn in Machine.h");
  }
  return table;
}

llvm::ArrayRef<Kind> imc::machine::kindsOf(Slot slot) {
  static const std::array<std::vector<Kind>, numSlots> table = collect();
  return table[static_cast<size_t>(slot)];
}

const char *imc::machine::componentOf(Slot slot) {
  switch (slot) {
  case Slot::Cell:
    return "cell";
  case Slot::Dac:
    return "dac";
  case Slot::Adc:
    return "adc";
  case Slot::ShiftAdd:
    return "shift_add";
  }
  return "";
}

int64_t imc::machine::kindIndex(Slot slot, llvm::StringRef name) {
  llvm::ArrayRef<Kind> kinds = kindsOf(slot);
  const Kind *found =
      llvm::find_if(kinds, [&](const Kind &k) { return name == k.name; });
  assert(found != kinds.end() && "no such kind");
  return found - kinds.begin();
}

const Kind &imc::machine::cellKind(const Machine &m) {
  return kindsOf(Slot::Cell)[static_cast<size_t>(m.cell.kind)];
}
const Kind &imc::machine::driverKind(const Machine &m) {
  return kindsOf(Slot::Dac)[static_cast<size_t>(m.dac.kind)];
}
const Kind &imc::machine::converterKind(const Machine &m) {
  return kindsOf(Slot::Adc)[static_cast<size_t>(m.adc.kind)];
}
const Kind &imc::machine::adderKind(const Machine &m) {
  return kindsOf(Slot::ShiftAdd)[static_cast<size_t>(m.shift_add.kind)];
}

CellPrice imc::machine::priceCell(const Operating &o) {
  const Kind &kind = cellKind(o.machine);
  return kind.cell(o, o.machine.cell.own.data() + kind.offset);
}
DriverPrice imc::machine::priceDriver(const Operating &o) {
  const Kind &kind = driverKind(o.machine);
  return kind.driver(o, o.machine.dac.own.data() + kind.offset);
}
ConverterPrice imc::machine::priceConverter(const Operating &o) {
  const Kind &kind = converterKind(o.machine);
  return kind.converter(o, o.machine.adc.own.data() + kind.offset);
}
AdderPrice imc::machine::priceAdder(const Operating &o) {
  const Kind &kind = adderKind(o.machine);
  return kind.adder(o, o.machine.shift_add.own.data() + kind.offset);
}
