//===- Algorithm.h - Ask and tell -------------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An algorithm proposes designs and is told what they are worth. It neither
// evaluates nor stores nor prints, so the same object works under run()
// (Run.h), in a test that plays a problem, or behind a scheduler on many
// machines.
//
// Adding one takes a header, a source, a line in lib/Search/CMakeLists.txt and
// a test: docs/howto/add-an-algorithm.md.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ALGORITHM_H
#define IMC_SEARCH_ALGORITHM_H

#include "imc/Search/Problem.h"

#include <map>
#include <memory>
#include <optional>

namespace imc::search {

/// What an algorithm is given to start. `space` must outlive the search.
struct SearchContext {
  const Space &space;
  std::vector<std::string> objectiveNames;
  std::uint64_t seed;   ///< the only source of chance
  std::uint64_t budget; ///< designs that will be evaluated at most, > 0
  /// What the problem knows of many designs at once, or null.
  const Bounds *bounds = nullptr;
};

/// Designs with consecutive numbers `firstId`, `firstId + 1`, …
struct Batch {
  std::uint64_t firstId = 0;
  std::vector<Genome> designs;
};

/// The ask/tell contract. Equal contexts and equal answers give equal batches,
/// whatever the order in which the answers to one batch arrive.
class Algorithm {
public:
  virtual ~Algorithm();

  /// Forgets everything and begins a search. Refuses what it cannot do.
  virtual Status start(const SearchContext &context) = 0;

  /// At most `limit` (> 0) canonical designs of the space, none of which it has
  /// asked for since start(). An empty batch means: finished, or, when answers
  /// are outstanding, nothing to do before they arrive.
  virtual Batch ask(std::size_t limit) = 0;

  /// The answer to the design numbered `id`, which was asked and not answered
  /// yet. Batches may be answered in any order and piecewise.
  virtual Status tell(std::uint64_t id, const Evaluation &evaluation) = 0;

  /// The designs from which the next ones are made, for algorithms that have
  /// such a set; those of the batch that is being answered are not in it yet.
  virtual std::vector<Genome> population() const { return {}; }

  /// What is settled about the space, for algorithms that prove something.
  virtual std::optional<Proof> proof() const { return std::nullopt; }
};

/// Options as text, "population" → "100": what a command line or file can hold.
/// C++ callers may prefer the option structs in Algorithms/*.h.
using AlgorithmOptions = std::map<std::string, std::string>;

/// One registered algorithm.
struct AlgorithmInfo {
  struct Option {
    std::string name;
    std::string defaultValue;
    std::string meaning;
  };

  std::string name;
  std::string summary;
  std::vector<Option> options;
  /// Builds it; called by makeAlgorithm() with the names already checked and
  /// defaults filled in, so that every option of the list is present.
  Expected<std::unique_ptr<Algorithm>> (*make)(const AlgorithmOptions &);
};

/// All registered algorithms, ordered by name.
const std::vector<AlgorithmInfo> &algorithms();

/// Builds an algorithm by name. The error for an unknown name lists the known
/// ones; for an unknown option it lists the options of that algorithm.
Expected<std::unique_ptr<Algorithm>>
makeAlgorithm(const std::string &name, const AlgorithmOptions &options = {});

/// Helpers for AlgorithmInfo::make: read one option as a number or flag. The
/// error names the option, the text found and the range.
Expected<std::uint64_t> readUnsigned(const AlgorithmOptions &options,
                                     const std::string &name,
                                     std::uint64_t least, std::uint64_t most);
Expected<double> readReal(const AlgorithmOptions &options,
                          const std::string &name, double least, double most);
Expected<bool> readFlag(const AlgorithmOptions &options,
                        const std::string &name);

} // namespace imc::search

#endif // IMC_SEARCH_ALGORITHM_H
