//===- Survey.cpp - A published point as a machine ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules E-SURVEY-1 ... E-SURVEY-6. Constants of circuits stand in
// targets/survey-*; here is only how sizes, bits and times of a row become
// fields of a machine, and what an empty field means.
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Validate/Validate.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::validate;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static constexpr PointKind kinds[] = {
    {"sram_analog", "survey-sram-analog"},
    {"sram_digital", "survey-sram-digital"},
    {"rram", "survey-rram"},
};

llvm::ArrayRef<PointKind> imc::validate::pointKinds() { return kinds; }

// E-SURVEY-1: device and way of computing choose the base machine. The survey
// writes "+D" behind the cell of chips with adders where it leaves `compute`
// empty.
const PointKind *imc::validate::kindOf(const Point &point) {
  if (point.device == "RRAM")
    return &kinds[2];
  if (point.device != "SRAM")
    return nullptr;
  const bool digital =
      point.compute == "DIMC" ||
      (point.compute.empty() && StringRef(point.cell).ends_with("+D"));
  return digital ? &kinds[1] : &kinds[0];
}

/// E-SURVEY-2: bits that switch. A number of three levels (1.5 bits) is a pair
/// of which one at most is on.
static double wholeBits(double bits) { return std::max(1.0, std::floor(bits)); }

/// Nominal supply of a node, linear between the nodes of the table.
static double nominalSupply(double nodeNm) {
  struct Supply {
    double nm, volts;
  };
  static constexpr Supply table[] = {
#define IMC_SUPPLY(NM, VOLTS) {NM, VOLTS},
#include "Data/nominal-supply.def"
  };
  const auto *above = llvm::find_if(
      table, [&](const Supply &entry) { return entry.nm >= nodeNm; });
  if (above == std::begin(table))
    return above->volts;
  if (above == std::end(table))
    return std::prev(above)->volts;
  const Supply &low = *std::prev(above), &high = *above;
  return low.volts +
         (high.volts - low.volts) * (nodeNm - low.nm) / (high.nm - low.nm);
}

static Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Expected<Design> imc::validate::design(const Point &point,
                                       const machine::TargetSpec &base) {
  std::vector<const char *> missing;
  if (!point.node_nm)
    missing.push_back("node_nm");
  if (!point.in_bits)
    missing.push_back("in_bits");
  if (!point.w_bits)
    missing.push_back("w_bits");
  // E-SURVEY-3: rows that one result sums.
  const std::optional<double> rows = point.dot_len       ? point.dot_len
                                     : point.rows_active ? point.rows_active
                                                         : point.rows;
  if (!rows)
    missing.push_back("dot_len (or rows_active, or rows)");
  if (!missing.empty())
    return fail("the row has no " + llvm::join(missing, ", "));

  const double weight = wholeBits(*point.w_bits);
  const double input = wholeBits(*point.in_bits);
  const bool resistive = machine::cellKind(base.values).nonvolatile;

  // E-SURVEY-4: columns of a weight: a bit each. Resistive cells hold several
  // bits where the columns do not suffice, or where the row says so.
  double columns = weight;
  if (resistive && StringRef(point.cell).contains("pair per weight"))
    columns = 2;
  else if (resistive && point.n_adc && point.cols)
    columns = std::clamp(std::floor(*point.cols / *point.n_adc), 1.0, weight);
  const double cellBits = resistive ? std::ceil(weight / columns) : 1;
  // Results per phase, each with a converter.
  double results = 1;
  if (point.n_adc)
    results = std::max(1.0, std::round(*point.n_adc));
  else if (point.cols)
    results = std::max(1.0, std::floor(*point.cols / columns));

  // E-SURVEY-5: phases and conversion. A converter resolves no more than there
  // is.
  const double perPhase = std::min(point.in_bits_per_cycle.value_or(1), input);
  const double phases = std::ceil(input / perPhase);
  const double full = std::ceil(std::log2(
      *rows * (std::exp2(weight) - 1) * (std::exp2(perPhase) - 1) + 1));
  const double converted = std::min(point.adc_bits.value_or(full), full);

  // E-SURVEY-6: the array and its time. Cells that the row does not sum at once
  // are further row sets.
  const machine::Field *rowsField = machine::findField("array.rows");
  double sets = 1;
  Design d;
  if (point.rows && point.cols) {
    const double atOnce = *rows * results * columns;
    sets = std::max(1.0, std::round(*point.rows * *point.cols / atOnce));
    d.all_cells = sets * *rows <= rowsField->max;
    if (!d.all_cells)
      sets = 1;
  }

  machine::TargetSpec spec = base;
  std::pair<const char *, double> fields[] = {
      {"technology.node_nm", *point.node_nm},
      {"technology.vdd_v", point.vdd_v.value_or(nominalSupply(*point.node_nm))},
      {"array.active_rows", *rows},
      {"array.rows", *rows * sets},
      {"array.cols", results * columns},
      {"cell.bits", cellBits},
      {"dac.bits", perPhase},
      {"hierarchy.macros_per_tile", point.n_macro.value_or(1)},
  };
  for (const auto &[path, value] : fields)
    if (Error error = spec.resolve(path, value))
      return error;
  if (!machine::converterKind(base.values).exact)
    if (Error error = spec.resolve("adc.bits", std::ceil(converted)))
      return error;
  if (point.t_ns) {
    const double phase = *point.t_ns / phases;
    if (Error error = spec.resolve("timing.cycle_time_ns", phase))
      return error;
    if (resistive)
      if (Error error = spec.resolve("cell.read_pulse_ns", phase))
        return error;
  }
  Expected<machine::Machine> machine = spec.machine();
  if (!machine)
    return machine.takeError();

  d.target = base.name;
  d.machine = *machine;
  d.knobs.weight_bits = static_cast<int64_t>(columns * cellBits);
  d.knobs.input_bits = static_cast<int64_t>(input);
  d.phases = phases;
  return d;
}
