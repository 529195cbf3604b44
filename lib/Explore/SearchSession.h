//===- SearchSession.h - One run of imc search ----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state that the steps of a search share, in the order of the steps:
// prepare (SearchCommand.cpp), searchDesigns (SearchCommand.cpp), buildFront,
// verifyFront and write (FrontDesigns.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_SEARCHSESSION_H
#define IMC_LIB_EXPLORE_SEARCHSESSION_H

#include "LayerSolver.h"
#include "imc/Explore/SearchCommand.h"
#include "imc/Explore/Study.h"
#include "imc/Search/Run.h"

#include <optional>
#include <unordered_map>

namespace imc::explore {

class Session {
public:
  Session(const SearchOptions &options, const CompileDesign &compile,
          llvm::raw_ostream &out, llvm::raw_ostream &log)
      : options(options), compile(compile), out(out), log(log) {}

  /// Checks options, space, target, models and outputs; opens the study.
  llvm::Error prepare(std::vector<SearchModel> models,
                      const LoadTarget &loadTarget);
  /// What the algorithm sees.
  const search::Problem &searched() const {
    return outer ? static_cast<const search::Problem &>(*outer) : *problem;
  }
  /// Gives the designs of the archive the values of their layers.
  void takeLayers();
  /// Runs the algorithm, storing every generation.
  llvm::Error searchDesigns();
  /// Simulates designs until those of the front are (Refine.cpp).
  llvm::Error refineFront();
  /// Prices the archive in full.
  llvm::Error buildFront();
  /// Compiles every design of the front and compares all figures.
  llvm::Error verifyFront();
  /// Every model on the chosen chip against its own best chip (--generality).
  llvm::Error findGenerality();
  /// Simulates the accuracy of every design of the front.
  llvm::Error simulateFront();
  /// Writes study, front and report, and a summary to the log.
  llvm::Error write();

private:
  static std::string print(llvm::json::Value value);
  /// The user's options and our defaults for the rest.
  void chooseAlgorithmOptions();
  llvm::Error adoptAlgorithmOptions();
  llvm::Expected<std::unique_ptr<search::Algorithm>> makeAlgorithm();
  /// What must be equal when a study is resumed.
  std::vector<std::pair<std::string, std::string>> identity() const;
  /// identity() and everything that a reader of the study needs.
  std::vector<std::pair<std::string, std::string>> describe() const;
  bool has(llvm::StringRef key) const; ///< of the study's meta table
  std::string commandLine() const;
  llvm::Error openStudy();
  /// The best of each model alone, for Aggregate::Regret.
  llvm::Error findReferences();
  unsigned threads() const;
  void showProgress(const search::Generation &state);
  void endProgress();
  void findBounds();
  std::string describeBounds() const;
  llvm::Error verifyDesign(size_t point);
  void summarize();
  void summarizeGenerality();

  const SearchOptions &options;
  const CompileDesign &compile;
  llvm::raw_ostream &out;
  llvm::raw_ostream &log;
  bool lineOpen = false;

  std::unique_ptr<JointProblem> problem;
  std::unique_ptr<OuterProblem> outer;       ///< if options.exactLayers
  std::map<std::string, std::string> chosen; ///< options of the algorithm
  std::string targetName, plotlyPath;
  std::vector<std::string> paths, names, accuracyDigests;

  std::optional<Study> study;
  std::unordered_map<std::string, search::Evaluation> stored;
  std::unordered_map<std::string, int64_t> ids;

  bool refines() const {
    return options.belief && options.simulateBudget > 0 &&
           problem->needsAccuracy();
  }
  /// The simulation of a design, from the study or made and stored there.
  llvm::Expected<SimulatedAccuracy>
  simulateOnce(size_t model, const std::string &key, const Decoded &design);
  std::map<int64_t, search::Genome> visited; ///< by id; if refines()
  std::vector<PredictAccuracy> closedForms;  ///< before they were corrected
  /// By model and key: what was simulated for the front.
  std::map<std::pair<size_t, std::string>, SimulatedAccuracy> simulations;
  std::map<std::pair<std::string, std::string>, SimulatedAccuracy> kept;

  std::optional<search::RunResult> result;
  Front front;
  llvm::json::Value generality = nullptr;
  std::vector<search::Genome> genomes; ///< parallel to front.points
  std::vector<cost::Cost> costs;       ///< parallel to front.points
};

/// One word of a POSIX shell line.
std::string quote(llvm::StringRef word);

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_SEARCHSESSION_H
