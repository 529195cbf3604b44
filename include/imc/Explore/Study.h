//===- Study.h - Every evaluation of a search, on disk --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A study is one SQLite file in write-ahead mode: what was searched (meta),
// one row per evaluated design, one row per generation, and the final front.
// A generation is one transaction, so a process that is killed loses at most
// the generation that it was working on. The tables are documented in
// docs/spec/study.md; kSchemaVersion changes whenever their meaning does.
//
// Every evaluation carries a checksum, so that a digit that changed on the disk
// is found when it is read. The file holds no time of day: a clock that is set
// back changes nothing. A file that is no study is never written to.
//
// Not thread-safe: one thread owns a Study. Other processes may read the file
// at any time, and work on the same search through SharedProblem.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_STUDY_H
#define IMC_EXPLORE_STUDY_H

#include "imc/Explore/Design.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstdint>
#include <memory>
#include <optional>

struct sqlite3;

namespace imc::explore {

/// One evaluated design.
struct EvaluationRow {
  int64_t id = 0;                  ///< from 1, in the order of evaluation
  int64_t generation = 0;          ///< that asked for it, from 0
  std::string key;                 ///< choice index per knob, "3,0,7"
  std::vector<std::string> values; ///< value per knob, order of the space
  std::vector<double> objectives;  ///< empty when the design has no cost
  double violation = 0;            ///< 0: feasible
  std::vector<std::string> broken; ///< names of the rules it breaks
};

/// State of the archive after a generation.
struct GenerationRow {
  int64_t number = 0;
  uint64_t evaluated = 0; ///< so far
  uint64_t feasible = 0;  ///< so far
  uint64_t front = 0;     ///< non-dominated designs so far
  double hypervolume = 0; ///< see docs/spec/study.md
};

/// One design of a shard of a merged study.
struct ShardRow {
  std::string name; ///< "nsga2 seed 3": unique per shard
  GenerationRow state;
};

/// What a simulation of one model on designs of one key gave.
struct SimulationRow {
  std::string model, key;
  double top1 = 0, deviation = 0, yield = 0;
  int64_t trials = 1;
};

/// How many evaluated designs break a rule.
struct Rejection {
  std::string rule;
  uint64_t count = 0;
};

class Study {
public:
  /// Version of the tables.
  static constexpr int64_t kSchemaVersion = 2;

  /// Makes a new study. ":memory:" keeps it in memory. A file that exists is
  /// refused: a study is never overwritten.
  static llvm::Expected<Study> create(llvm::StringRef path);
  /// Whether there is a file of that name.
  static bool exists(llvm::StringRef path);
  /// Opens an existing study; refuses what is no study, has another schema or
  /// is damaged (SQLite's quick_check), without writing to it. A file whose
  /// maker was killed before the first table stood is made anew.
  static llvm::Expected<Study> open(llvm::StringRef path);
  /// Opens the study or makes it; of several processes that do so at once one
  /// makes it.
  static llvm::Expected<Study> openOrCreate(llvm::StringRef path);

  /// Text under `key`, or nothing.
  llvm::Expected<std::optional<std::string>> meta(llvm::StringRef key) const;
  /// The same, where an absent value is an error: the search has not ended.
  llvm::Expected<std::string> need(llvm::StringRef key) const;
  /// All pairs, sorted by key.
  llvm::Expected<std::vector<std::pair<std::string, std::string>>>
  allMeta() const;
  /// Sets all pairs in one transaction.
  llvm::Error
  setMeta(const std::vector<std::pair<std::string, std::string>> &pairs);
  /// Sets the pairs unless `key` is there already; returns whether it did.
  llvm::Expected<bool>
  claimMeta(llvm::StringRef key,
            const std::vector<std::pair<std::string, std::string>> &pairs);

  /// Adds the rows and sets the generation's state in one transaction. A row
  /// that is stored already must be the same in every byte (it is when another
  /// process works on the same search); a different one is refused.
  llvm::Error append(const GenerationRow &generation,
                     const std::vector<EvaluationRow> &rows);

  /// All rows by id. Fails on the first row whose checksum or JSON is wrong.
  llvm::Expected<std::vector<EvaluationRow>> rows() const;
  llvm::Expected<std::vector<GenerationRow>> generations() const;
  /// Broken rules, most frequent first; counts designs, not occurrences.
  llvm::Expected<std::vector<Rejection>> rejections() const;

  /// Replaces the front: (evaluation id, front point as JSON text).
  llvm::Error
  setFront(const std::vector<std::pair<int64_t, std::string>> &points);
  llvm::Expected<std::vector<std::string>> front() const;

  /// Adds simulations, whose table is made with the first, in one transaction.
  /// One that is stored already must be the same; a different one is refused.
  llvm::Error addSimulations(const std::vector<SimulationRow> &rows);
  /// By model, then key. Fails on the first whose checksum is wrong.
  llvm::Expected<std::vector<SimulationRow>> simulations() const;

  /// Histories of the shards of a merged study; empty for others.
  llvm::Error setShards(const std::vector<ShardRow> &shards);
  llvm::Expected<std::vector<ShardRow>> shards() const;

  /// For processes that work on one study: what is known of a design.
  struct Work {
    enum Kind { Free, Taken, Known } kind = Free;
    EvaluationRow row; ///< when known: objectives, violation, broken
  };
  /// Looks at `keys` from `next` on and claims up to `most` that are free, or
  /// whose owner `isAlive` denies, for `owner`. Stops after the last claimed
  /// one and moves `next` behind it. One transaction.
  llvm::Expected<std::vector<Work>>
  claimWork(llvm::ArrayRef<std::string> keys, size_t &next, size_t most,
            llvm::StringRef owner,
            llvm::function_ref<bool(llvm::StringRef)> isAlive);
  /// Stores the answers of claimed designs. One transaction.
  llvm::Error finishWork(const std::vector<EvaluationRow> &rows);

  const std::string &path() const { return file; }

private:
  struct Close {
    void operator()(sqlite3 *handle) const;
  };
  Study(std::unique_ptr<sqlite3, Close> handle, std::string file)
      : handle(std::move(handle)), file(std::move(file)) {}
  static llvm::Expected<Study> connect(llvm::StringRef path, int flags);
  /// Refuses a file that is no sound study; true when it is empty.
  static llvm::Expected<bool> inspect(llvm::StringRef path);
  llvm::Error makeTables();
  llvm::Error checkKept(const EvaluationRow &row, int64_t check) const;
  llvm::Error run(const char *sql) const;
  llvm::Error fail(const llvm::Twine &doing) const;
  template <typename Body>
  llvm::Error transaction(Body body) const;

  std::unique_ptr<sqlite3, Close> handle;
  std::string file;

  friend class Statement;
};

} // namespace imc::explore

#endif // IMC_EXPLORE_STUDY_H
