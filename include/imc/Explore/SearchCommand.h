//===- SearchCommand.h - imc search and imc report ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The joint search from options to files. A driver extracts the workloads of
// the models, says how a design is compiled through the real passes, and calls
// searchCommand(); everything else (algorithm, study, resuming, verification of
// the front, JSON, report) happens here, without command-line flags and without
// MLIR.
//
// Equal inputs (models, space, options but jobs) give equal results for any
// number of jobs. A resumed search replays the algorithm, answers what the
// study holds, and ends with the archive of the uninterrupted one.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_SEARCHCOMMAND_H
#define IMC_EXPLORE_SEARCHCOMMAND_H

#include "imc/Explore/JointProblem.h"

#include "llvm/Support/raw_ostream.h"

#include <functional>

namespace imc::explore {

/// A model of the search.
struct SearchModel {
  std::string path; ///< as given on the command line; used in `command`
  workload::Workload workload;
  PredictAccuracy accuracy;   ///< may be empty; either all models have one
  std::string accuracyDigest; ///< of the model of accuracy and the floor
};

/// What a simulation of a design gave.
struct SimulatedAccuracy {
  double top1 = 0, deviation = 0; ///< over draws
  double yield = 0;               ///< share of draws at or above the floor
  int64_t trials = 1;
};
/// Simulates model `model` on a design.
using SimulateAccuracy = std::function<llvm::Expected<SimulatedAccuracy>(
    size_t model, const Decoded &design)>;

/// Accuracy in two fidelities: simulations where there are, else a closed form
/// that learns from them. Used by one thread at a time.
class AccuracyBelief {
public:
  virtual ~AccuracyBelief() = default;
  /// All that a simulation of the design depends on beside the network: two
  /// designs of one key have one accuracy. Data, draws and devices are in it.
  virtual std::string key(size_t model, const Decoded &design) const = 0;
  virtual llvm::Expected<SimulatedAccuracy> simulate(size_t model,
                                                     const Decoded &design) = 0;
  /// figures() gives this for the design's key from now on.
  virtual llvm::Error learn(size_t model, const Decoded &design,
                            const SimulatedAccuracy &simulated) = 0;
  /// Fits the closed form to all that was learned.
  virtual void refit() = 0;
  virtual llvm::Expected<AccuracyFigures>
  figures(size_t model, const Decoded &design) const = 0;
  /// Whether a second simulation of `model` would give the very same.
  virtual bool isExact(size_t model) const = 0;
};

struct SearchOptions {
  std::string version; ///< of the program, for the front and the study
  std::string spaceFile;
  /// What `spaceFile` says, if it is no YAML; empty: it is read.
  std::string spaceText;
  std::vector<std::string> objectives; ///< empty: those of the space file
  std::string aggregate = "geomean";
  std::string algorithm = "nsga2";
  /// Options of the algorithm ("population" -> "100"). Unset ones default, but
  /// log_objectives to true, and population to budget / 100 (one objective:
  /// budget / 50) between 100 and 1000.
  std::map<std::string, std::string> algorithmOptions;
  uint64_t budget = 10000; ///< designs; > 0
  uint64_t seed = 1;
  unsigned jobs = 1; ///< threads; 0: all processors

  std::string study;       ///< empty: none on disk
  bool resume = false;     ///< continue `study`
  bool join = false;       ///< begin or share `study` with other processes
  std::string front;       ///< JSON file, "-" or empty
  std::string report;      ///< HTML file or empty
  std::string emitDesigns; ///< folder or empty
  bool generality = false; ///< one more search per model: Generality.cpp
  /// Knobs of single layers are not searched: every design of the others takes
  /// their best values (LayerSolver.h).
  bool exactLayers = false;
  bool jsonProgress = false; ///< one JSON object per generation on `log`

  /// Texts of --shape that the models were read with, for `command`.
  std::vector<std::string> shapes;
  /// Other words of the command line that decide the result ("--accuracy",
  /// "m.json", "--floor", "0.9"), for `command`.
  std::vector<std::string> words;

  std::string executable; ///< path of the running program, to find Plotly
  std::string plotly;     ///< path of plotly.min.js; empty: beside the program

  /// The compile callback may be called from several threads at once.
  bool parallelCompile = false;

  /// Simulates every design of the front, one after the other; empty: none.
  SimulateAccuracy simulate;
  /// With a belief and accuracy among objectives or constraints, the designs
  /// that were priced are compared anew by what is believed, and those of the
  /// front simulated, until all of them are or `simulateBudget` simulations
  /// were made or looked up in the study (of a design and model each; 0: none).
  AccuracyBelief *belief = nullptr; ///< must outlive the search
  uint64_t simulateBudget = 1000;
};

/// Compiles model `model` through the passes for a machine and knobs and
/// returns what the cost pass wrote (one entry in `models`). When `output` is
/// not empty the compiled module is also written there.
using CompileDesign = std::function<llvm::Expected<cost::Cost>(
    size_t model, const Decoded &design, llvm::StringRef output)>;

/// Turns a target's name or file into its description.
using LoadTarget =
    std::function<llvm::Expected<machine::TargetSpec>(llvm::StringRef)>;

/// `imc search`. Results go to the files of the options and, under "-", to
/// `out`; progress, a summary and errors ("error: ...") to `log`. Returns the
/// exit status: 0, or 1 after an error; then no output file was touched, and
/// the study holds all completed generations.
///
/// Refused: budget 0; unknown algorithm, aggregate or objective; a space that
/// is empty or contradicts the target; an output that cannot be written; a
/// study that exists (without `resume`), is absent (with it), or was made from
/// other models, space, target, objectives, aggregate, algorithm, seed or
/// version (each difference named). After the search: a design of the front
/// whose compiled cost differs in any digit from the stored one.
int searchCommand(const SearchOptions &options, std::vector<SearchModel> models,
                  const LoadTarget &loadTarget, const CompileDesign &compile,
                  llvm::raw_ostream &out, llvm::raw_ostream &log);

/// `imc report FILE.db -o FILE.html`. `plotly` overrides the place of
/// plotly.min.js. Returns the exit status.
int reportCommand(llvm::StringRef study, llvm::StringRef output,
                  llvm::StringRef executable, llvm::StringRef plotly,
                  llvm::raw_ostream &log);

/// The shell line that compiles the models for a design: into the file
/// design-ID.mlir, or with several models into the folder design-ID.
std::string compileCommand(llvm::ArrayRef<std::string> paths,
                           llvm::ArrayRef<std::string> shapes,
                           llvm::StringRef target, const Design &design,
                           int64_t id);
/// The shell line that prices all models on a design.
std::string costCommand(llvm::ArrayRef<std::string> paths,
                        llvm::ArrayRef<std::string> shapes,
                        llvm::StringRef target, const Design &design);

} // namespace imc::explore

#endif // IMC_EXPLORE_SEARCHCOMMAND_H
