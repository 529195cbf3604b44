//===- Validate.h - Machines against silicon --------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prices published operating points (Points.h) with the cost model and
// compares. A row becomes a machine by rules (E-SURVEY-1 to E-SURVEY-8 of
// docs/spec/cost-model.md): a base machine of its kind, whose constants are the
// same for all chips, sized and clocked as the row says. What the row reports
// (TOPS/W, energies, areas) is read after pricing only. A row that names a
// target is priced with that machine's own constants.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_VALIDATE_VALIDATE_H
#define IMC_VALIDATE_VALIDATE_H

#include "imc/Cost/Cost.h"
#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Validate/Points.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace imc::validate {

/// Kinds of points that have a base machine.
struct PointKind {
  const char *name;   ///< "sram_analog"
  const char *target; ///< "survey-sram-analog"
};
llvm::ArrayRef<PointKind> pointKinds();

/// The kind of a point, or null: no base machine (E-SURVEY-1).
const PointKind *kindOf(const Point &point);

/// A point as a machine at work.
struct Design {
  std::string target; ///< machine that the constants come from
  machine::Machine machine;
  mapping::Knobs knobs; ///< bits of weights and inputs
  double phases = 1;    ///< input phases of one invocation
  /// The machine has as many cells as the row says; else its area says nothing.
  bool all_cells = false;
};

/// E-SURVEY-2 ... E-SURVEY-6. `base` is the machine of the point's kind. The
/// error says which essential field the row lacks, or which of its values no
/// machine may have.
llvm::Expected<Design> design(const Point &point,
                              const machine::TargetSpec &base);

/// Model over reported; empty where nothing is reported.
struct Ratios {
  std::optional<double> tops_per_w, tops_per_mm2, area, energy;
  std::optional<double> tops, time; ///< of rows that name a target
};

struct Result {
  Point point;
  const PointKind *kind = nullptr;
  std::string target; ///< machine that priced it
  std::string reason; ///< why it was skipped; empty: priced
  cost::Figures figures;
  Ratios ratio;

  bool priced() const { return reason.empty(); }
};

/// Of the ratios of one figure.
struct Agreement {
  size_t points = 0;
  double within_2x = 0;     ///< share with 1/2 <= ratio <= 2
  double median_factor = 0; ///< median of max(ratio, 1/ratio)
};
Agreement agreement(llvm::ArrayRef<double> ratios);

/// Prices all points. `folders` hold the machines (machine::loadTarget). An
/// error is a machine that cannot be read, with the row that names it.
llvm::Expected<std::vector<Result>>
validate(std::vector<Point> points, llvm::ArrayRef<std::string> folders);

/// The object of `imc validate --json`.
llvm::json::Value toJSON(llvm::ArrayRef<Result> results,
                         llvm::StringRef version);

/// Ratios of the rows that name a target as a table in Markdown, with the mean
/// and the largest |model / reported - 1| of each figure and set.
void printOwn(llvm::ArrayRef<Result> results, llvm::raw_ostream &os);

/// The summary as a table for people.
void print(llvm::ArrayRef<Result> results, llvm::raw_ostream &os);

} // namespace imc::validate

#endif // IMC_VALIDATE_VALIDATE_H
