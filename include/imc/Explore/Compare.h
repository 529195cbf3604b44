//===- Compare.h - Joint search against other ways to design --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `imc compare`: one space and one set of models, searched in five ways with
// the same number of designs per seed. The score is the aggregated EDAP of the
// best design that holds every constraint with every model.
//
//   joint            machine and pass knobs at once, all models
//   machine only     pass knobs at their defaults
//   passes first     half the budget for the pass knobs on the target's own
//                    machine, half for the machine knobs under the best passes
//   machine first    half for the machine knobs under default passes, half for
//                    the pass knobs on the best machine
//   largest only     half the budget as joint, but for the model with most
//                    parameters alone; half for the pass knobs of all models
//                    on its best machine (the next best while none is feasible;
//                    in the end its very best design, if that chip can run all
//                    models, with the constraints that it breaks)
//
// A stage that is smaller than its budget is enumerated. Besides, every model
// gets a joint search of its own: the table "price of generality".
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_COMPARE_H
#define IMC_EXPLORE_COMPARE_H

#include "imc/Explore/SearchCommand.h"

namespace imc::explore {

struct CompareOptions {
  std::string version;
  std::string spaceFile;
  /// What `spaceFile` says, if it is no YAML; empty: it is read.
  std::string spaceText;
  std::string aggregate = "geomean"; ///< any but regret and pareto
  uint64_t budget = 40000;           ///< designs per way and seed
  std::vector<uint64_t> seeds = {1, 2, 3, 4, 5};
  std::vector<std::string> ways; ///< beside joint; empty: all
  unsigned jobs = 1;
  std::string json; ///< file or "-"; empty: the table alone
};

/// The best design of one way with one seed.
struct WayResult {
  bool found = false;
  Design design;
  double edap = 0;                 ///< aggregated, J s mm2
  std::vector<double> modelEdap;   ///< per model, J s mm2
  std::vector<std::string> broken; ///< constraints that it breaks; see Compare
  double areaMm2 = 0;
  uint64_t evaluated = 0;
  double seconds = 0;
};

/// Runs all ways. Returns the exit status; the table goes to `out` unless JSON
/// does. `compile` rebuilds the best joint design, which must cost exactly the
/// same.
int compareCommand(const CompareOptions &options,
                   std::vector<SearchModel> models,
                   const LoadTarget &loadTarget, const CompileDesign &compile,
                   llvm::raw_ostream &out, llvm::raw_ostream &log);

/// The least EDAP of `problem` by `algorithm` (or by enumeration, where the
/// space is smaller than the budget). Of equals the first by key.
llvm::Expected<WayResult>
searchLeastEdap(SpaceFile space, const machine::TargetSpec &target,
                llvm::ArrayRef<workload::Workload> models, Aggregate aggregate,
                uint64_t budget, uint64_t seed, unsigned jobs);

/// Whether knob `name` is one of a stage: "machine." or "pass.", to which the
/// knobs of layers belong.
bool isOfStage(llvm::StringRef name, llvm::StringRef stage);

/// What a stage searches: the knobs of `keep`; those of `fixed` have one value;
/// all others are the target's (`base`) or the passes' own. Conditions hold as
/// in the whole space: a knob that has no effect beside what is fixed or left
/// out is left out, too.
SpaceFile stageOf(const SpaceFile &space, const machine::Machine &base,
                  llvm::StringRef keep, const Design &fixed);

} // namespace imc::explore

#endif // IMC_EXPLORE_COMPARE_H
