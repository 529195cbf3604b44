//===- Sensitivity.h - What one step of each knob does ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One knob at a time goes one step down and one step up, everything else stays
// (E-STEP). Knobs are the fields of a machine that have a short name, those
// that its file leaves open, and the pass decisions.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_SENSITIVITY_H
#define IMC_COST_SENSITIVITY_H

#include "imc/Cost/Pricer.h"
#include "imc/Machine/Target.h"

#include <optional>

namespace imc::cost {

/// A design with one knob changed.
struct Step {
  std::string value; ///< as `--set` takes it; empty: the knob ends here
  /// Why there is no such design (a contradiction between fields); the figures
  /// are empty then.
  std::string refused;
  DesignCost cost;
  bool exists() const { return !value.empty() && refused.empty(); }
};

struct KnobSteps {
  std::string knob;  ///< "machine.rows", "pass.encoding"
  std::string value; ///< of the design
  Step down, up;
};

struct Sensitivity {
  DesignCost base;
  std::vector<KnobSteps> knobs; ///< machine, then passes, in schema order
};

/// Values below and above `value` of one machine field: its neighbours in
/// `list`, or without a list 1 bit, 50 mV, or a factor of 2, kept in range.
/// `zero` is what a value of 0 stands for (a clock period of 0 is the shortest
/// one).
std::pair<std::optional<double>, std::optional<double>>
neighbours(const machine::Field &field, double value,
           llvm::ArrayRef<double> list, double zero = 0);

/// Steps all knobs of a design. `open` holds the lists of values that the
/// machine's file gives, also of knobs that have been set.
Sensitivity sensitivity(const Pricer &pricer, const machine::Machine &machine,
                        llvm::ArrayRef<machine::Knob> open,
                        const mapping::Knobs &knobs);

/// Relative change of the energy-delay-area product of a model; 0 when the
/// step does not exist.
double changeOfEdap(const Sensitivity &s, const Step &step, size_t model);

/// What a step changes of any model, as names: energy_j, latency_s, area_mm2,
/// sqnr_db, adc_lost_bits, violations, refused. Empty: a dead step.
std::vector<std::string> changes(const Sensitivity &s, const Step &step);

/// Rules that the step breaks and the design does not, for one model (those of
/// the machine included), and the other way round.
std::vector<std::string> newViolations(const DesignCost &from,
                                       const DesignCost &to, size_t model);

/// Largest change of EDAP first; "models"[i]."sensitivity" of
/// `imc cost --sensitivity --json`.
llvm::json::Array toJSON(const Sensitivity &s, size_t model);

/// The same as a table.
void printSensitivity(const Sensitivity &s, size_t model,
                      llvm::StringRef modelName, llvm::raw_ostream &os);

} // namespace imc::cost

#endif // IMC_COST_SENSITIVITY_H
