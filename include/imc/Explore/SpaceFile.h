//===- SpaceFile.h - What a joint search may change -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A search space in YAML (JSON is a subset):
//
//   target: rram-32nm                     # a name, or a file relative to this
//   knobs:
//     machine.rows: [32, 64, 128]         # any field of the machine
//     machine.vdd: {min: 0.5, max: 0.85, step: 0.05}
//     pass.weight_bits: [4, 6, 8]         # any decision of the passes
//     machine.cell.bits: {values: [1, 2, 4], when: {machine.cell.kind: [rram]}}
//     layer.conv1.copies: [1, 2, 4]       # any decision about one layer
//     layer.resnet18:fc.copies: [1, 2]    # of one of several models
//     layer.conv2.unfolding: [im2col, auto]
//     layer.conv2.adc_bits: [5, 8]
//   constraints:
//     area_mm2: "<= 800"                  # a metric, or machine.* / pass.*
//     sqnr_db: [">= 20", "<= 60"]         # several bounds: all must hold
//   objectives: [energy_j, latency_s, area_mm2]
//   models: {resnet18: {weight: 2}}       # optional; the others weigh 1
//   switching: {inferences: 1000}         # optional: of a model in a row
//
// All errors read "file:line: knob or key: value: what to do". Knobs that the
// file does not name keep the value of the target or the default of the pass.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_SPACEFILE_H
#define IMC_EXPLORE_SPACEFILE_H

#include "imc/Explore/Design.h"
#include "imc/Explore/Metrics.h"
#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"

#include <cstdint>

namespace imc::explore {

/// Where a knob has an effect: another knob, listed before it, has one of
/// these values (and an effect itself).
struct KnobCondition {
  size_t knob = 0;             ///< index in SpaceFile::knobs
  std::vector<size_t> choices; ///< indices of its values
};

/// A knob with the values that it may take; exactly one of `field` and `pass`
/// is set.
struct KnobChoices {
  std::string name;                        ///< "machine.rows", "pass.encoding"
  const machine::Field *field = nullptr;   ///< of a machine knob
  const mapping::KnobInfo *pass = nullptr; ///< of a pass knob or of a layer's
  std::string layer; ///< NAME or MODEL:NAME; empty: the knob is of no layer
  std::vector<double> values; ///< as written, no duplicates, at least one;
                              ///< named choices as indices
  /// All must hold; otherwise the knob keeps the target's value.
  std::vector<KnobCondition> conditions;

  /// The i-th value as --set takes it.
  std::string text(size_t i) const;
  /// Values have an order (numbers), as opposed to names.
  bool isOrdered() const;
};

/// One bound. Metrics of several models must hold it for each model.
struct Constraint {
  std::string metric; ///< metric or canonical knob name
  bool atMost = true; ///< "<=" or ">="
  double limit = 0;
  std::string unit;

  /// "area_mm2 <= 800": the name under which violations are counted.
  std::string text() const;
  /// How far `value` is outside, relative to the limit; 0 when it holds.
  double violation(double value) const;
};

struct SpaceFile {
  std::string file;   ///< where it was read
  std::string source; ///< its text
  std::string target; ///< as written; relative files are made absolute
  std::vector<KnobChoices> knobs;
  std::vector<Constraint> constraints;
  std::vector<std::string> objectives;
  std::vector<std::pair<std::string, double>> weights; ///< per model name
  /// Inferences of one model before the chip turns to the next, which is then
  /// written; 0: switching is not charged.
  double inferencesPerSwitch = 0;
  /// The models that knobs of layers may name; empty: those of the problem.
  std::vector<std::string> models;

  /// Designs (values of knobs without effect not counted), as a double because
  /// it may exceed 2^64.
  double size() const;
  /// Leaves out knobs of layers and weights of models that are not among
  /// `names`.
  void keepModels(llvm::ArrayRef<std::string> names);
  /// Whether knob `k` has an effect when knob i has its value `choices[i]`.
  bool isActive(size_t k, llvm::ArrayRef<int32_t> choices) const;
};

/// Parses a space. Errors: unknown key, knob, metric or objective (with the
/// names that are near), a value that the schema refuses, an empty list, a
/// range that holds nothing, a knob or key given twice (also under an alias),
/// bounds that no value can meet, a weight that is not positive, no target, no
/// knobs, no objectives.
llvm::Expected<SpaceFile> parseSpace(llvm::StringRef text,
                                     llvm::StringRef file);
llvm::Expected<SpaceFile> readSpaceFile(llvm::StringRef file);

/// Objectives from a command line ("energy_j,latency_s"), checked as in a
/// file.
llvm::Error checkObjectives(llvm::ArrayRef<std::string> objectives);

/// Models of accuracy know one position of a convolution per load: refuses a
/// knob pass.unfolding with other values.
llvm::Error checkForAccuracy(const SpaceFile &space);

} // namespace imc::explore

#endif // IMC_EXPLORE_SPACEFILE_H
